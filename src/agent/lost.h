/*
 * lost.h - finding out whether a reply that never came carried a log entry. Spec 06 section 16
 * item 18.
 */
#ifndef RIND_AGENT_LOST_H
#define RIND_AGENT_LOST_H

#include "agent/agent.h"

/*
 * Called once nothing is under way at the HSM. Asks it for its last index: if it has entries that
 * never reached us, or cannot say, the leadership is ended by force (clients get NotLeader, a
 * manager appoints a leader); else the suspicion is dropped.
 */
void rind_lost_check(struct rind_ctx *ctx, struct rind_agent_group *group, uint64_t number,
                     uint64_t boot);

/* True if the queue waits for an index that nobody can bring any more. Group's lock held. */
bool rind_lost_is_hole(const struct rind_leader *leader);

#endif
