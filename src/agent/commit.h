/*
 * commit.h - what a led group has committed, and waiting for it. Spec 06 sections 9.2 and 10.1.
 */
#ifndef RIND_AGENT_COMMIT_H
#define RIND_AGENT_COMMIT_H

#include "agent/agent.h"

/* Recomputes up to where the log may be compacted; tells the compactor. Group's lock held. */
void rind_commit_update_compaction(struct rind_agent_group *group);

enum rind_commit_outcome {
    RIND_COMMIT_REACHED,
    RIND_COMMIT_NOT_LEADER, /* says nothing about whether the entry was committed */
    RIND_COMMIT_TIMEOUT,
};

/*
 * Waits until the leadership that began at role clock `clock` has committed `index`. True
 * continuity: the role must stay Leader at that clock, or SteppingDown one after it.
 */
enum rind_commit_outcome rind_commit_wait(struct rind_agent_group *group, uint64_t index,
                                          uint64_t clock, struct rind_deadline deadline);

#endif
