/* election.c - see election.h. */
#include "hsm/election.h"

void rind_hsm_votes_add(struct rind_hsm_votes *votes, uint32_t position, uint64_t index)
{
    RIND_ASSERT(position < votes->member_count);
    /* The highest counts, in whatever order a host lists them (section 17 item 8). */
    if (!votes->has_vote[position] || index > votes->index[position]) {
        votes->has_vote[position] = true;
        votes->index[position] = index;
    }
}

bool rind_hsm_votes_outcome(const struct rind_hsm_votes *votes, uint64_t *index)
{
    RIND_ASSERT(votes->member_count >= 1 && votes->member_count <= RIND_CONFIGURATION_LIMIT);
    uint64_t descending[RIND_CONFIGURATION_LIMIT];
    uint32_t count = 0;
    for (uint32_t i = 0; i < votes->member_count; i++) {
        if (!votes->has_vote[i]) {
            continue;
        }
        uint32_t at = count;
        while (at > 0 && descending[at - 1] < votes->index[i]) {
            descending[at] = descending[at - 1];
            at--;
        }
        descending[at] = votes->index[i];
        count++;
    }
    /* The element after the first half was reached by more than half of all members. */
    uint32_t half = votes->member_count / 2;
    if (count <= half) {
        return false;
    }
    *index = descending[half];
    return true;
}
