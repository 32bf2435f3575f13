/* election.c - see election.h. */
#include "agent/election.h"

#include "base/base.h"

uint64_t rind_election_outcome(size_t member_count, const uint64_t *votes, size_t vote_count)
{
    RIND_ASSERT(member_count >= 1 && member_count <= RIND_ELECTION_MEMBERS_MAX);
    RIND_ASSERT(vote_count <= member_count);
    size_t majority_less_one = member_count / 2;
    if (vote_count <= majority_less_one) {
        return 0;
    }
    uint64_t sorted[RIND_ELECTION_MEMBERS_MAX]; /* descending */
    for (size_t i = 0; i < vote_count; i++) {
        size_t at = i;
        while (at > 0 && sorted[at - 1] < votes[i]) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = votes[i];
    }
    return sorted[majority_less_one];
}

uint64_t rind_compaction_index(uint64_t committed, uint64_t captured)
{
    if (committed <= 1 || captured == 0) {
        return 0;
    }
    return committed - 1 < captured ? committed - 1 : captured;
}

uint64_t rind_compaction_index_for_slowest(uint64_t index, uint64_t slowest, uint64_t keep_entries)
{
    uint64_t kept = index > keep_entries ? index - keep_entries : 0;
    uint64_t bound = slowest > kept ? slowest : kept;
    return index < bound ? index : bound;
}

uint64_t rind_persist_wait_ms(uint64_t unix_ms, uint64_t interval_ms)
{
    RIND_ASSERT(interval_ms > 0);
    uint64_t past = unix_ms % interval_ms;
    return past == 0 ? 2 : interval_ms - past;
}
