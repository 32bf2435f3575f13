/*
 * leadership.h - becoming leader and stepping down. Spec 06 sections 9.1 and 9.4.
 */
#ifndef RIND_AGENT_LEADERSHIP_H
#define RIND_AGENT_LEADERSHIP_H

#include "agent/agent.h"

#define RIND_LEADERSHIP_DEADLINE_MS 5000u
/* How far a persisted capture may lag behind the log and still be waited for. */
#define RIND_LEADERSHIP_LAG_MAX 1000u

/* The RPC `become_leader`. */
void rind_leadership_become(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_become_leader_request *request,
                            struct rind_agent_become_leader_response *response);

/* The RPC `stepdown`. */
void rind_leadership_step_down(struct rind_ctx *ctx, struct rind_agent *agent,
                               const struct rind_agent_stepdown_request *request,
                               struct rind_agent_stepdown_response *response);

/* Sends StepDown and applies the role that comes back; failures are logged. */
void rind_leadership_step_down_quietly(struct rind_ctx *ctx, struct rind_agent_group *group,
                                       uint64_t boot, bool is_forced);

/* Reads and decodes the log's last entry. RIND_E_NOT_FOUND if the log is empty. */
rind_status rind_leadership_read_last(struct rind_ctx *ctx, struct rind_agent *agent,
                                      const struct rind_realm_id *realm,
                                      const struct rind_group_id *group,
                                      struct rind_deadline deadline,
                                      struct rind_log_entry *entry) RIND_MUST_USE;

#endif
