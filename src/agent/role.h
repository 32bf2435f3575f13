/*
 * role.h - what an HSM's role report does to a group. Spec 06 section 5.1.
 *
 * Reports arrive out of order; the HSM's role clock orders them. It restarts with the HSM, so each
 * report also belongs to one life of the HSM (`boot`, from rind_agent_hsm_boot before the call was
 * made); those of an earlier life are ignored.
 */
#ifndef RIND_AGENT_ROLE_H
#define RIND_AGENT_ROLE_H

#include "agent/state.h"

/* Applies a report; older or contradictory ones are logged and ignored. No lock held. */
void rind_role_apply(struct rind_agent_group *group, uint64_t boot,
                     const struct rind_role_status *role);

/* The HSM was restarted: forgets the role and its leadership, takes `role` whatever its clock. */
void rind_role_restart(struct rind_agent_group *group, uint64_t boot,
                       const struct rind_role_status *role);

/* The same kind and the same first index. */
bool rind_role_equal(const struct rind_group_member_role *a,
                     const struct rind_group_member_role *b);

#endif
