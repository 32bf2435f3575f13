/*
 * log.h - the replicated log in the store: append, read, list, compact (docs/spec/04-store.md
 * sections 6, 8, 9, 10).
 *
 * A log is a sequence of rows; a row holds a batch of 1..100 entries with consecutive indexes, or a
 * tombstone that replaced such a batch. Competing leaders are told apart by one fact alone: the
 * conditional insert of a row that must not exist. Entries are kept and returned as the exact CBOR
 * the HSM made; only index and MACs are looked at here.
 *
 * What is read is not trusted: malformed rows end in RIND_E_CORRUPT, never in a crash.
 */
#ifndef RIND_STORE_LOG_H
#define RIND_STORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"

#define RIND_LOG_BATCH_ENTRIES_MAX 100u /* one row; agents cap a batch at this */
#define RIND_LOG_TOMBSTONE_WINDOW 100u  /* compatibility constant, section 6.4 */
#define RIND_LOG_ITERATOR_ENTRIES 200u  /* what agents pass as entries_max */
#define RIND_LOG_ITERATOR_ENTRIES_MAX 65535u
#define RIND_LOG_ENTRY_SIZE_BYTES_MAX 4096u /* 464 today; larger is corrupt */

struct rind_store;

/* A log entry as stored: `cbor` is the LogEntry's encoding, the other fields copies out of it. */
struct rind_store_entry {
    uint64_t index;
    struct rind_mac prev_mac;
    struct rind_mac entry_mac;
    struct rind_slice cbor;
};

/* Fills index and MACs from `cbor`; RIND_E_DECODE if it is no LogEntry. `entry` borrows `cbor`. */
rind_status rind_store_entry_parse(struct rind_ctx *ctx, struct rind_slice cbor,
                                   struct rind_store_entry *entry) RIND_MUST_USE;

/* A tree node as stored: row_key is base128(prefix) || hash (merkle/row_key.h), cbor the wrapped
 * node. */
struct rind_store_node {
    struct rind_slice row_key;
    struct rind_slice cbor;
};

/* What a batch changes in the tree, squashed over the batch; add and remove are disjoint. */
struct rind_append_delta {
    const struct rind_store_node *add;
    size_t add_count;
    const struct rind_slice *remove; /* row keys */
    size_t remove_count;
};

struct rind_spliced_store_delta;
/*
 * The same of an HSM's delta (wire/splice.h), whose node bytes are borrowed; row keys go to
 * ctx->arena. RIND_E_INVALID if a node key is no canonical bit string.
 */
rind_status rind_append_delta_make(struct rind_ctx *ctx,
                                   const struct rind_spliced_store_delta *spliced,
                                   struct rind_append_delta *delta) RIND_MUST_USE;

/*
 * One delta that does what `count` deltas do one after the other (section 8.7): a node added and
 * later removed appears nowhere, one removed and later added again is added and not removed (a
 * delayed delete must not meet the living node). Ascending by row key; arrays in ctx->arena, bytes
 * borrowed.
 */
rind_status rind_append_delta_squash(struct rind_ctx *ctx, const struct rind_append_delta *deltas,
                                     size_t count,
                                     struct rind_append_delta *squashed) RIND_MUST_USE;

struct rind_log_row {
    uint64_t index; /* lowest index of the batch */
    bool is_tombstone;
};

/*
 * Appends one row (section 8). Entries must be 1..100, consecutive and MAC-chained: a violation is
 * the caller's bug (assertion). One call at a time per group and process.
 *
 * Order: the nodes become durable no later than the row, and the row is inserted iff no row has its
 * key and the newest entry is the one before entries[0]. Removed nodes are deleted after the
 * store's delete delay, counted from the row's acknowledgement. `delta` may be NULL.
 *
 *   RIND_OK                    appended; `*row` is the new row
 *   RIND_E_PRECONDITION        another leader has written: step down. Nothing was appended
 *   RIND_E_UNKNOWN_OUTCOME     the deadline passed or the store failed and the row may have been
 *                              written: call rind_store_append_again with the same arguments
 *   RIND_E_UNAVAILABLE, ...    not appended (nodes may remain as harmless orphans)
 * Every attempt after the first looks before it writes, so a late duplicate of ours is recognised
 * by its content and never mistaken for another leader's.
 */
rind_status rind_store_append(struct rind_ctx *ctx, struct rind_store *store,
                              const struct rind_realm_id *realm, const struct rind_group_id *group,
                              const struct rind_store_entry *entries, size_t entry_count,
                              const struct rind_append_delta *delta, struct rind_deadline deadline,
                              struct rind_log_row *row) RIND_MUST_USE;

/* As rind_store_append after RIND_E_UNKNOWN_OUTCOME: finds out first whether the row is there. */
rind_status rind_store_append_again(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    const struct rind_store_entry *entries, size_t entry_count,
                                    const struct rind_append_delta *delta,
                                    struct rind_deadline deadline,
                                    struct rind_log_row *row) RIND_MUST_USE;

/* Forgets the last entry this process appended to the group; call when stepping down. */
void rind_store_forget_last_write(struct rind_store *store, const struct rind_realm_id *realm,
                                  const struct rind_group_id *group);

/*
 * The newest entry (section 9.1) and the index of its row (`row_index` may be NULL).
 * RIND_E_NOT_FOUND if the log is empty. Memory of ctx->arena.
 */
rind_status rind_store_read_last(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group, struct rind_deadline deadline,
                                 struct rind_store_entry *entry, uint64_t *row_index) RIND_MUST_USE;

/*
 * Reads a log in order (section 9.3). Placed by the caller; init costs nothing. After an error or
 * an empty result the position is unchanged and the same call may be repeated.
 */
struct rind_log_iterator {
    struct rind_realm_id realm;
    struct rind_group_id group;
    uint64_t next_index;
    bool is_at_row_boundary; /* next_index is known to be the first of its row */
    uint32_t entries_max;
    uint32_t empty_count;     /* results in a row */
    uint64_t compacted_index; /* after RIND_E_STALE: the first index found to be missing */
};

/* entries_max: 1..RIND_LOG_ITERATOR_ENTRIES_MAX; a call returns at most 99 more than that. */
void rind_log_iterator_init(struct rind_log_iterator *iterator, const struct rind_realm_id *realm,
                            const struct rind_group_id *group, uint64_t first_index,
                            uint32_t entries_max);

struct rind_log_entries {
    const struct rind_store_entry *entries; /* ascending; memory of ctx->arena */
    size_t count;                           /* 0: nothing new yet */
};

/*
 * The next entries. RIND_E_STALE if the log was compacted at iterator->compacted_index, so that a
 * peer's captured statement is needed to go on.
 */
rind_status rind_log_iterator_next(struct rind_ctx *ctx, struct rind_store *store,
                                   struct rind_log_iterator *iterator,
                                   struct rind_deadline deadline,
                                   struct rind_log_entries *entries) RIND_MUST_USE;

/* The group's change count; take it before reading, then wait for it to differ. See engine.h. */
uint32_t rind_store_change_count(struct rind_store *store, const struct rind_realm_id *realm,
                                 const struct rind_group_id *group);
void rind_store_wait_change(struct rind_store *store, const struct rind_realm_id *realm,
                            const struct rind_group_id *group, uint32_t since,
                            struct rind_deadline deadline);

struct rind_log_rows {
    struct rind_log_row *rows; /* ascending; memory of ctx->arena */
    size_t count;
};

/* Rows with index < up_to, oldest first, without the tombstones at the old end (section 9.4). */
rind_status rind_store_list_rows(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group, uint64_t up_to,
                                 struct rind_deadline deadline,
                                 struct rind_log_rows *rows) RIND_MUST_USE;

/*
 * Replaces rows by tombstones (section 10). `rows` ascend strictly and are consecutive in the log,
 * tombstones among them included; no entry row may exist below rows[0] (section 6.4 rests on it).
 */
rind_status rind_store_replace_oldest_rows(struct rind_ctx *ctx, struct rind_store *store,
                                           const struct rind_realm_id *realm,
                                           const struct rind_group_id *group,
                                           const struct rind_log_row *rows, size_t row_count,
                                           struct rind_deadline deadline) RIND_MUST_USE;

/*
 * How many of the oldest known rows may be replaced when everything up to compact_index is captured
 * (section 10): rows record only their first index, so a row may go once the next one starts at or
 * below compact_index + 1.
 */
size_t rind_log_rows_compactable(const struct rind_log_row *rows, size_t row_count,
                                 uint64_t compact_index);

#endif
