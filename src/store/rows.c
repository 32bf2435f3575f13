/* rows.c - see log.h: listing the log's rows and replacing the oldest by tombstones. */
#include <stdlib.h>

#include "store/state.h"

#define LIST_PAGE_ROWS 100u
#define LIST_ROWS_MAX (8u << 20) /* 128 MiB of them; compaction keeps a log far shorter */
#define LIST_ARENA_SIZE (1u << 20)

/* A growing list on the heap: how many rows there are is known at the end only. */
struct row_list {
    struct rind_log_row *rows;
    size_t count;
    size_t capacity;
};

static rind_status list_add(struct rind_ctx *ctx, struct row_list *list, struct rind_log_row row)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? LIST_PAGE_ROWS : 2 * list->capacity;
        struct rind_log_row *rows = realloc(list->rows, capacity * sizeof(*rows));
        RIND_REQUIRE(ctx, rows != NULL && list->count < LIST_ROWS_MAX, RIND_E_LIMIT,
                     "the log has more than %zu rows to compact", list->count);
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->count++] = row;
    return RIND_OK;
}

/* Reads one page of rows below up_to; `*is_last` if no older entry row can exist. */
static rind_status list_page(struct rind_ctx *ctx, struct rind_store *store,
                             const struct rind_realm_id *realm, const struct rind_group_id *group,
                             uint64_t up_to, struct rind_deadline deadline, struct row_list *list,
                             bool *is_last)
{
    uint8_t start[RIND_LOG_KEY_SIZE];
    uint8_t end[RIND_LOG_KEY_SIZE];
    struct rind_store_tags tags;
    rind_log_key(group, up_to, start);
    rind_log_key(group, 1, end);
    rind_store_tags_make(&tags, realm, group);
    struct rind_key_range range = {RIND_SLICE_OF(start), RIND_SLICE_OF(end), true, true};
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, realm),
                             .ranges = &range,
                             .range_count = 1,
                             .cells = RIND_CELLS_SUMMARY,
                             .row_count_max = LIST_PAGE_ROWS,
                             .size_bytes_max = LIST_ARENA_SIZE / 2};
    struct rind_rows rows;
    RIND_TRY(rind_store_read(ctx, store, "store_client.list_log_rows_page", &tags, &read, deadline,
                             &rows));
    rind_metrics_distribution(store->metrics, "store_client.list_log_rows_page.count", rows.count,
                              tags.tags, tags.count);
    size_t tombstones = 0;
    size_t first = list->count;
    for (size_t i = 0; i < rows.count; i++) {
        struct rind_group_id row_group;
        struct rind_log_row row;
        RIND_REQUIRE(ctx, rind_log_key_parse(rows.rows[i].key, &row_group, &row.index),
                     RIND_E_CORRUPT, "a row in the log's range has a key of %zu bytes",
                     rows.rows[i].key.length);
        /* Any 't' cell, as the order of families is not promised. */
        row.is_tombstone = false;
        for (size_t j = 0; j < rows.rows[i].cell_count; j++) {
            row.is_tombstone = row.is_tombstone || rows.rows[i].cells[j].family == 't';
        }
        tombstones += row.is_tombstone;
        RIND_TRY(list_add(ctx, list, row));
    }
    if (list->count > first) {
        rind_metrics_gauge(store->metrics, "store_client.list_log_rows_page.lowest",
                           (int64_t)list->rows[first].index, tags.tags, tags.count);
    }
    *is_last = !rows.has_more || tombstones == LIST_PAGE_ROWS;
    return RIND_OK;
}

/* All pages, newest row first. `scratch` is reset after each. */
static rind_status list_pages(struct rind_ctx *scratch, struct rind_store *store,
                              const struct rind_realm_id *realm, const struct rind_group_id *group,
                              uint64_t up_to, struct rind_deadline deadline, struct row_list *list)
{
    bool is_last = false;
    while (up_to > 1 && !is_last) {
        RIND_TRY(list_page(scratch, store, realm, group, up_to, deadline, list, &is_last));
        rind_arena_reset(scratch->arena);
        if (list->count > 0) {
            up_to = list->rows[list->count - 1].index;
        }
    }
    return RIND_OK;
}

/* Drops the tombstones at the old end and puts the rest into the arena, oldest first. */
static rind_status list_finish(struct rind_ctx *ctx, const struct row_list *list,
                               struct rind_log_rows *rows)
{
    size_t count = list->count;
    while (count > 0 && list->rows[count - 1].is_tombstone) {
        count--;
    }
    struct rind_log_row *ascending = rind_ctx_alloc_array(ctx, count, sizeof(*ascending));
    if (ascending == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        ascending[i] = list->rows[count - 1 - i];
    }
    *rows = (struct rind_log_rows){ascending, count};
    return RIND_OK;
}

static rind_status list_with(struct rind_ctx *ctx, struct rind_arena *arena,
                             struct rind_store *store, const struct rind_realm_id *realm,
                             const struct rind_group_id *group, uint64_t up_to,
                             struct rind_deadline deadline, struct row_list *list,
                             struct rind_log_rows *rows)
{
    struct rind_ctx scratch;
    rind_ctx_init(&scratch, arena);
    rind_status status = list_pages(&scratch, store, realm, group, up_to, deadline, list);
    if (!rind_is_ok(status)) {
        return rind_fail(ctx, (enum rind_code)status.code, "%s", scratch.sentence);
    }
    return list_finish(ctx, list, rows);
}

rind_status rind_store_list_rows(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group, uint64_t up_to,
                                 struct rind_deadline deadline, struct rind_log_rows *rows)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_arena *arena;
    RIND_TRY(rind_arena_map(ctx, LIST_ARENA_SIZE, &arena));
    struct row_list list = {0};
    rind_status status = list_with(ctx, arena, store, realm, group, up_to, deadline, &list, rows);
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, group);
    rind_metrics_timing_ns(store->metrics, "store_client.list_log_rows.time",
                           rind_clock_monotonic_ns() - start_ns, tags.tags, tags.count);
    rind_metrics_distribution(store->metrics, "store_client.list_log_rows.count", list.count,
                              tags.tags, tags.count);
    free(list.rows);
    rind_arena_unmap(arena);
    return status;
}

/* ---- tombstones ---- */

/* Replaces the entry rows among up to 100 rows in one write. */
static rind_status tombstones_write(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    const struct rind_log_row *rows, size_t count,
                                    struct rind_deadline deadline)
{
    static const struct rind_mutation mutations[] = {
        {.kind = RIND_MUTATION_DELETE_ROW},
        {.kind = RIND_MUTATION_SET_CELL,
         .family = 't',
         .qualifier = {(const uint8_t *)"t", 1},
         .timestamp_us = RIND_TIMESTAMP_SERVER},
    };
    uint8_t keys[RIND_LOG_TOMBSTONE_WINDOW][RIND_LOG_KEY_SIZE];
    struct rind_row_write writes[RIND_LOG_TOMBSTONE_WINDOW];
    size_t write_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].is_tombstone) {
            continue; /* keeps its age */
        }
        rind_log_key(group, rows[i].index, keys[write_count]);
        writes[write_count] =
            (struct rind_row_write){RIND_SLICE_OF(keys[write_count]), mutations, 2};
        write_count++;
    }
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, group);
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, realm), writes, write_count};
    RIND_TRY(rind_store_write(ctx, store, "store_client.replace_chunk_with_tombstones", &tags,
                              &write, deadline));
    rind_metrics_distribution(store->metrics, "store_client.replace_chunk_with_tombstones.rows",
                              write_count, tags.tags, tags.count);
    rind_metrics_gauge(store->metrics, "store_client.replace_chunk_with_tombstones.highest",
                       (int64_t)rows[count - 1].index, tags.tags, tags.count);
    return RIND_OK;
}

rind_status rind_store_replace_oldest_rows(struct rind_ctx *ctx, struct rind_store *store,
                                           const struct rind_realm_id *realm,
                                           const struct rind_group_id *group,
                                           const struct rind_log_row *rows, size_t row_count,
                                           struct rind_deadline deadline)
{
    for (size_t i = 1; i < row_count; i++) {
        RIND_ASSERT(rows[i - 1].index < rows[i].index);
    }
    /*
     * A chunk is not atomic: after a crash any of its rows may be left. Counting the tombstones in
     * it too keeps all damage within one window of 100 rows from the first entry row, which is what
     * readers rely on (section 6.4).
     */
    uint64_t start_ns = rind_clock_monotonic_ns();
    for (size_t done = 0; done < row_count;) {
        size_t count = row_count - done;
        count = count < RIND_LOG_TOMBSTONE_WINDOW ? count : RIND_LOG_TOMBSTONE_WINDOW;
        RIND_TRY(tombstones_write(ctx, store, realm, group, rows + done, count, deadline));
        done += count;
    }
    struct rind_store_tags tags;
    rind_store_tags_make(&tags, realm, group);
    rind_metrics_timing_ns(store->metrics, "store_client.replace_oldest_rows_with_tombstones.time",
                           rind_clock_monotonic_ns() - start_ns, tags.tags, tags.count);
    rind_metrics_distribution(store->metrics,
                              "store_client.replace_oldest_rows_with_tombstones.rows", row_count,
                              tags.tags, tags.count);
    return RIND_OK;
}

size_t rind_log_rows_compactable(const struct rind_log_row *rows, size_t row_count,
                                 uint64_t compact_index)
{
    size_t past = 0;
    while (past < row_count && rows[past].index <= compact_index) {
        past++;
    }
    if (past == 0) {
        return 0;
    }
    bool next_starts_there = past < row_count && rows[past].index == compact_index + 1;
    return next_starts_there ? past : past - 1;
}
