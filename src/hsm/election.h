/* election.h - how far a majority has captured a log (spec 02 section 10.6 step 3). */
#ifndef RIND_HSM_ELECTION_H
#define RIND_HSM_ELECTION_H

#include "base/base.h"
#include "wire/wire.h"

/* The highest index each member has proved to have persisted. */
struct rind_hsm_votes {
    uint32_t member_count;
    bool has_vote[RIND_CONFIGURATION_LIMIT];
    uint64_t index[RIND_CONFIGURATION_LIMIT];
};

/* Counts a vote of the member at `position`; an earlier, lower one of the same member is replaced.
 */
void rind_hsm_votes_add(struct rind_hsm_votes *votes, uint32_t position, uint64_t index);

/*
 * *index = the highest index that a strict majority of the members has reached; false if fewer than
 * a strict majority voted at all.
 */
bool rind_hsm_votes_outcome(const struct rind_hsm_votes *votes, uint64_t *index);

#endif
