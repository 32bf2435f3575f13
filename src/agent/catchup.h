/*
 * catchup.h - jumping over a part of the log that was compacted before this HSM captured it.
 */
#ifndef RIND_AGENT_CATCHUP_H
#define RIND_AGENT_CATCHUP_H

#include "agent/jobs.h"

/*
 * Gets the peers' captured statements above `past` (the first index the log lacks) to the HSM,
 * which follows them once a majority testifies to one entry. True and the index it is now at; false
 * if it did not work this time: ask the HSM where it stands and read the log again. Spec 06
 * section 8.2.
 */
bool rind_catch_up(struct rind_job *job, struct rind_agent_group *group, uint64_t past,
                   uint64_t *index);

#endif
