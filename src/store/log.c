/*
 * log.c - see log.h: reading the log.
 *
 * Rows sort newest first, and scans run in that order: a scan is no snapshot, but as rows are made
 * oldest first it can only miss the newest, never show a row and hide one that was there before it
 * (docs/spec/04-store.md section 9.3).
 */
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/state.h"
#include "wire/wire.h"

/* Empty results of an iterator between two looks at the end of the log. */
#define EMPTY_CHECK_INTERVAL 64u
/* One window of an iterator; 299 entries of 464 bytes fit eight times over. */
#define WINDOW_SIZE_BYTES_MAX (2u << 20)
#define BATCH_WHY_SIZE 200u
#define ROW_SIZE_BYTES_MAX (RIND_LOG_BATCH_ENTRIES_MAX * RIND_LOG_ENTRY_SIZE_BYTES_MAX * 2u)

rind_status rind_store_entry_parse(struct rind_ctx *ctx, struct rind_slice cbor,
                                   struct rind_store_entry *entry)
{
    RIND_REQUIRE(ctx, cbor.length <= RIND_LOG_ENTRY_SIZE_BYTES_MAX, RIND_E_DECODE,
                 "a log entry of %zu bytes, the limit is %u", cbor.length,
                 RIND_LOG_ENTRY_SIZE_BYTES_MAX);
    struct rind_log_entry decoded;
    RIND_TRY(rind_wire_decode_whole(ctx, &rind_log_entry_schema, cbor, &decoded));
    *entry = (struct rind_store_entry){decoded.index, decoded.prev_mac, decoded.entry_mac, cbor};
    return RIND_OK;
}

/* The range of rows with low <= index <= high; newest first. */
struct log_range {
    uint8_t start[RIND_LOG_KEY_SIZE];
    uint8_t end[RIND_LOG_KEY_SIZE];
    struct rind_key_range range;
};

static void log_range_make(struct log_range *made, const struct rind_group_id *group, uint64_t low,
                           uint64_t high)
{
    RIND_ASSERT(low <= high);
    rind_log_key(group, high, made->start);
    rind_log_key(group, low, made->end);
    made->range =
        (struct rind_key_range){RIND_SLICE_OF(made->start), RIND_SLICE_OF(made->end), false, true};
}

/* ---- rows ---- */

static rind_status batch_parse_entry(struct rind_ctx *ctx, const struct rind_cell *cell,
                                     struct rind_store_entry *entry)
{
    rind_status status = rind_store_entry_parse(ctx, cell->value, entry);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, rind_status_make(RIND_E_CORRUPT), "a stored log entry");
    }
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_qualifier(entry->index, qualifier);
    RIND_REQUIRE(ctx, rind_slice_equal(cell->qualifier, RIND_SLICE_OF(qualifier)), RIND_E_CORRUPT,
                 "a stored log entry is not in the column of its index");
    return RIND_OK;
}

static rind_status batch_parse(struct rind_ctx *ctx, const struct rind_group_id *group,
                               const struct rind_row *row, struct rind_log_batch *batch)
{
    struct rind_group_id row_group;
    struct rind_log_batch parsed = {0};
    RIND_REQUIRE(ctx,
                 rind_log_key_parse(row->key, &row_group, &parsed.row_index) &&
                     rind_group_id_equal(&row_group, group) && row->cell_count > 0,
                 RIND_E_CORRUPT, "a row that is none of the group's log");
    parsed.entries = rind_ctx_alloc_array(ctx, row->cell_count, sizeof(*parsed.entries));
    if (parsed.entries == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    /* Cells come newest first. */
    for (size_t i = row->cell_count; i > 0; i--) {
        const struct rind_cell *cell = &row->cells[i - 1];
        RIND_REQUIRE(ctx, cell->family == 'f' || cell->family == 't', RIND_E_CORRUPT,
                     "row %llu of the log has cells of family '%c'",
                     (unsigned long long)parsed.row_index, cell->family);
        if (cell->family == 't') {
            parsed.is_tombstone = true;
        } else {
            RIND_TRY(batch_parse_entry(ctx, cell, &parsed.entries[parsed.count]));
            parsed.count++;
        }
    }
    *batch = parsed;
    return RIND_OK;
}

rind_status rind_log_batch_parse(struct rind_ctx *ctx, const struct rind_group_id *group,
                                 const struct rind_row *row, struct rind_log_batch *batch)
{
    rind_status status = batch_parse(ctx, group, row, batch);
    if (!rind_is(status, RIND_E_CORRUPT)) {
        return status;
    }
    char id[RIND_HEX_SIZE(sizeof(*group))];
    char why[BATCH_WHY_SIZE];
    struct rind_group_id ignored;
    uint64_t index = 0;
    (void)rind_log_key_parse(row->key, &ignored, &index);
    rind_hex_encode(rind_group_id_slice(group), id);
    (void)snprintf(why, sizeof(why), "%.199s", ctx->sentence);
    return rind_fail(ctx, RIND_E_CORRUPT,
                     "row %llu of the log of group %s is none that an agent wrote (%s): find out "
                     "who else writes to this store, and restore it from a copy",
                     (unsigned long long)index, id, why);
}

/* ---- the last entry ---- */

rind_status rind_log_read_last_once(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    struct rind_deadline deadline, struct rind_store_entry *entry,
                                    uint64_t *row_index)
{
    struct log_range range;
    log_range_make(&range, group, 1, UINT64_MAX);
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, realm),
                             .ranges = &range.range,
                             .range_count = 1,
                             .cells = RIND_CELLS_FIRST,
                             .row_count_max = 1,
                             .size_bytes_max = ROW_SIZE_BYTES_MAX};
    struct rind_rows rows;
    RIND_TRY(rind_engine_read(ctx, store->engine, &read, deadline, &rows));
    RIND_REQUIRE(ctx, rows.count > 0, RIND_E_NOT_FOUND, "the group's log is empty");
    struct rind_log_batch batch;
    RIND_TRY(rind_log_batch_parse(ctx, group, &rows.rows[0], &batch));
    /* An append and a compaction got between the engine's steps: the next read sees the newer row.
     */
    RIND_REQUIRE(ctx, !batch.is_tombstone, RIND_E_STALE,
                 "the newest row of the log is a tombstone");
    RIND_ASSERT(batch.count == 1);
    *entry = batch.entries[0];
    if (row_index != NULL) {
        *row_index = batch.row_index;
    }
    return RIND_OK;
}

rind_status rind_store_read_last(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group, struct rind_deadline deadline,
                                 struct rind_store_entry *entry, uint64_t *row_index)
{
    struct rind_store_tags tags;
    struct rind_retry retry;
    rind_store_tags_make(&tags, realm, group);
    rind_store_retry_begin(store, &retry, "store_client.read_last_log_entry", &tags,
                           RIND_STORE_RETRIES_STALE, deadline);
    while (rind_retry_next(&retry)) {
        rind_retry_record(
            &retry, ctx,
            rind_log_read_last_once(ctx, store, realm, group, retry.deadline, entry, row_index));
    }
    return rind_retry_end(&retry, ctx);
}

/* ---- the iterator ---- */

void rind_log_iterator_init(struct rind_log_iterator *iterator, const struct rind_realm_id *realm,
                            const struct rind_group_id *group, uint64_t first_index,
                            uint32_t entries_max)
{
    RIND_ASSERT(entries_max >= 1 && entries_max <= RIND_LOG_ITERATOR_ENTRIES_MAX);
    RIND_ASSERT(first_index >= 1);
    memset(iterator, 0, sizeof(*iterator));
    iterator->realm = *realm;
    iterator->group = *group;
    iterator->next_index = first_index;
    iterator->entries_max = entries_max;
}

static rind_status iterator_compacted(struct rind_ctx *ctx, struct rind_log_iterator *iterator,
                                      uint64_t index)
{
    iterator->compacted_index = index;
    return rind_fail(ctx, RIND_E_STALE, "the log was compacted at index %llu",
                     (unsigned long long)index);
}

/* The decoded rows of a read, oldest first. */
static rind_status iterator_parse(struct rind_ctx *ctx, const struct rind_log_iterator *iterator,
                                  const struct rind_rows *rows, struct rind_log_batch **batches)
{
    *batches = rind_ctx_alloc_array(ctx, rows->count, sizeof(**batches));
    if (*batches == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < rows->count; i++) {
        RIND_TRY(rind_log_batch_parse(ctx, &iterator->group, &rows->rows[rows->count - 1 - i],
                                      &(*batches)[i]));
    }
    return RIND_OK;
}

/* Section 9.3's checks; entries below next_index (of a row that holds it mid-way) are left out. */
static rind_status iterator_join(struct rind_ctx *ctx, struct rind_log_iterator *iterator,
                                 const struct rind_log_batch *batches, size_t batch_count,
                                 struct rind_log_entries *entries)
{
    uint64_t next = iterator->next_index;
    size_t total = 0;
    for (size_t i = 0; i < batch_count; i++) {
        if (batches[i].is_tombstone) {
            return iterator_compacted(ctx, iterator,
                                      batches[i].row_index > next ? batches[i].row_index : next);
        }
        total += batches[i].count;
    }
    struct rind_store_entry *joined = rind_ctx_alloc_array(ctx, total, sizeof(*joined));
    if (joined == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t count = 0;
    for (size_t i = 0; i < batch_count; i++) {
        for (size_t j = 0; j < batches[i].count; j++) {
            const struct rind_store_entry *entry = &batches[i].entries[j];
            if (count == 0 && entry->index < iterator->next_index) {
                continue;
            }
            if (entry->index != next) {
                return iterator_compacted(ctx, iterator, next);
            }
            joined[count++] = *entry;
            next++;
        }
    }
    if (count > 0) {
        iterator->next_index = next;
        iterator->is_at_row_boundary = true;
    }
    *entries = (struct rind_log_entries){joined, count};
    return RIND_OK;
}

/* Section 9.2: what the newest row at or below next_index has from next_index on. */
static rind_status iterator_read_row(struct rind_ctx *ctx, struct rind_store *store,
                                     struct rind_log_iterator *iterator,
                                     struct rind_deadline deadline,
                                     struct rind_log_entries *entries)
{
    struct log_range range;
    struct rind_store_tags tags;
    log_range_make(&range, &iterator->group, 1, iterator->next_index);
    rind_store_tags_make(&tags, &iterator->realm, &iterator->group);
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, &iterator->realm),
                             .ranges = &range.range,
                             .range_count = 1,
                             .row_count_max = 1,
                             .size_bytes_max = ROW_SIZE_BYTES_MAX};
    struct rind_rows rows;
    RIND_TRY(rind_store_read(ctx, store, "store_client.read_for_log_index", &tags, &read, deadline,
                             &rows));
    struct rind_log_batch *batches;
    RIND_TRY(iterator_parse(ctx, iterator, &rows, &batches));
    return iterator_join(ctx, iterator, batches, rows.count, entries);
}

/*
 * Nothing was found at next_index: is the log no longer, or was it compacted beyond there? Reads
 * the last entry, then looks once more with `read_again`.
 */
static rind_status iterator_check_end(
    struct rind_ctx *ctx, struct rind_store *store, struct rind_log_iterator *iterator,
    struct rind_deadline deadline, struct rind_log_entries *entries,
    rind_status (*read_again)(struct rind_ctx *ctx, struct rind_store *store,
                              struct rind_log_iterator *iterator, struct rind_deadline deadline,
                              struct rind_log_entries *entries))
{
    struct rind_store_entry last;
    rind_status status =
        rind_store_read_last(ctx, store, &iterator->realm, &iterator->group, deadline, &last, NULL);
    if (rind_is(status, RIND_E_NOT_FOUND) ||
        (rind_is_ok(status) && last.index < iterator->next_index)) {
        return RIND_OK; /* nothing new yet */
    }
    RIND_TRY(status);
    /* It is there now, or it was compacted. */
    RIND_TRY(read_again(ctx, store, iterator, deadline, entries));
    return entries->count > 0 ? RIND_OK : iterator_compacted(ctx, iterator, iterator->next_index);
}

/* Section 9.3, RowBoundary: the rows that start in the window from next_index on. */
static rind_status iterator_read_rows(struct rind_ctx *ctx, struct rind_store *store,
                                      struct rind_log_iterator *iterator,
                                      struct rind_deadline deadline,
                                      struct rind_log_entries *entries)
{
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, &iterator->realm, &iterator->group);
    uint64_t low = iterator->next_index;
    uint64_t high = low > UINT64_MAX - (iterator->entries_max - 1)
                        ? UINT64_MAX
                        : low + iterator->entries_max - 1;
    struct rind_rows rows;
    for (;;) {
        struct log_range range;
        log_range_make(&range, &iterator->group, low, high);
        struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, &iterator->realm),
                                 .ranges = &range.range,
                                 .range_count = 1,
                                 .size_bytes_max = WINDOW_SIZE_BYTES_MAX};
        size_t mark = rind_arena_mark(ctx->arena);
        RIND_TRY(rind_store_read(ctx, store, "store_client.read_for_row_boundary", &tags, &read,
                                 deadline, &rows));
        if (!rows.has_more || high == low) {
            break;
        }
        /* Cut at the size limit, and the oldest rows are the ones that are missing: ask for less.
         */
        rind_arena_release(ctx->arena, mark);
        high = low + (high - low) / 2;
    }
    struct rind_log_batch *batches;
    RIND_TRY(iterator_parse(ctx, iterator, &rows, &batches));
    return iterator_join(ctx, iterator, batches, rows.count, entries);
}

static rind_status iterator_step(struct rind_ctx *ctx, struct rind_store *store,
                                 struct rind_log_iterator *iterator, struct rind_deadline deadline,
                                 struct rind_log_entries *entries)
{
    bool is_at_row_boundary = iterator->is_at_row_boundary;
    RIND_TRY(is_at_row_boundary ? iterator_read_rows(ctx, store, iterator, deadline, entries)
                                : iterator_read_row(ctx, store, iterator, deadline, entries));
    if (entries->count > 0) {
        iterator->empty_count = 0;
        return RIND_OK;
    }
    /* At a row boundary nothing in the window means nothing new, unless this watcher slept for the
     * week it takes until tombstones are collected: looked at now and then only. */
    iterator->empty_count++;
    if (!is_at_row_boundary) {
        return iterator_check_end(ctx, store, iterator, deadline, entries, iterator_read_row);
    }
    if (iterator->empty_count % EMPTY_CHECK_INTERVAL == 0) {
        return iterator_check_end(ctx, store, iterator, deadline, entries, iterator_read_rows);
    }
    return RIND_OK;
}

rind_status rind_log_iterator_next(struct rind_ctx *ctx, struct rind_store *store,
                                   struct rind_log_iterator *iterator,
                                   struct rind_deadline deadline, struct rind_log_entries *entries)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_log_entries found = {NULL, 0};
    rind_status status = iterator_step(ctx, store, iterator, deadline, &found);
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, &iterator->realm, &iterator->group);
    rind_metrics_timing_ns(store->metrics, "store_client.log_entries_iter_next.time",
                           rind_clock_monotonic_ns() - start_ns, tags.tags, tags.count);
    RIND_TRY(status);
    *entries = found;
    return RIND_OK;
}
