/*
 * election.h - pure decisions of the leader side: which index has a quorum, up to where the log may
 * be compacted, when the next aligned persist is due. Spec 06 sections 9.2, 9.3, 8.3.
 */
#ifndef RIND_AGENT_ELECTION_H
#define RIND_AGENT_ELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIND_ELECTION_MEMBERS_MAX 9u /* HSMs per group configuration, spec 06 section 2 */

/*
 * The highest index that a strict majority of `member_count` members has reached: with
 * m = floor(n/2) the (m+1)-th largest vote. One vote per distinct member. 0 (never a log index) if
 * not more than m members voted.
 */
uint64_t rind_election_outcome(size_t member_count, const uint64_t *votes, size_t vote_count);

/*
 * min(committed - 1, own persisted capture), the highest index whose entries may be compacted; 0 if
 * either is unknown (0) or nothing older than the committed entry exists. The committed entry's row
 * always stays.
 */
uint64_t rind_compaction_index(uint64_t committed, uint64_t captured);

/*
 * How far to compact so that the member that is furthest behind, having captured `slowest` (0 if
 * unknown), still finds what it misses, unless that is more than `keep_entries`: an HSM follows a
 * jump over compacted entries only if a majority testifies to its end (spec 02 section 10.2), which
 * a group that lost members may not have. 0 `keep_entries` keeps nothing.
 */
uint64_t rind_compaction_index_for_slowest(uint64_t index, uint64_t slowest, uint64_t keep_entries);

/* Milliseconds to the next multiple of `interval_ms` after `unix_ms`; 2 if exactly on a multiple.
 */
uint64_t rind_persist_wait_ms(uint64_t unix_ms, uint64_t interval_ms);

#endif
