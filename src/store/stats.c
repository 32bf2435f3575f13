/* stats.c - see users.h: what tables hold (document 08 section 14.3). */
#include <stdlib.h>

#include "merkle/row_key.h"
#include "store/scan.h"

#define TOMBSTONE_AGE_US (604800ll * 1000000)

/* ---- the log table ---- */

struct log_counting {
    struct rind_log_group_stats *groups; /* heap */
    size_t count;
    size_t capacity;
    uint64_t malformed;
    int64_t before_us; /* older tombstones are expired */
};

static rind_status log_group(struct rind_ctx *ctx, struct log_counting *counting,
                             const struct rind_group_id *group, struct rind_log_group_stats **found)
{
    /* Groups are contiguous. */
    if (counting->count > 0 &&
        rind_group_id_equal(&counting->groups[counting->count - 1].group, group)) {
        *found = &counting->groups[counting->count - 1];
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, counting->count < RIND_TABLE_STATS_GROUPS_MAX, RIND_E_LIMIT,
                 "the log table has more than %u groups", RIND_TABLE_STATS_GROUPS_MAX);
    if (counting->count == counting->capacity) {
        size_t capacity = counting->capacity == 0 ? 16 : 2 * counting->capacity;
        void *groups = realloc(counting->groups, capacity * sizeof(*counting->groups));
        RIND_REQUIRE(ctx, groups != NULL, RIND_E_LIMIT, "no memory for %zu groups", capacity);
        counting->groups = groups;
        counting->capacity = capacity;
    }
    *found = &counting->groups[counting->count++];
    memset(*found, 0, sizeof(**found));
    (*found)->group = *group;
    (*found)->index_lowest = UINT64_MAX;
    return RIND_OK;
}

static rind_status log_count_row(struct rind_ctx *ctx, struct log_counting *counting,
                                 const struct rind_row *row)
{
    struct rind_group_id group;
    uint64_t index;
    if (!rind_log_key_parse(row->key, &group, &index)) {
        counting->malformed++;
        return RIND_OK;
    }
    struct rind_log_group_stats *stats = NULL;
    RIND_TRY(log_group(ctx, counting, &group, &stats));
    uint64_t entries = 0;
    bool is_tombstone = false;
    bool is_expired = false;
    stats->size_bytes += row->key.length;
    for (size_t i = 0; i < row->cell_count; i++) {
        const struct rind_cell *cell = &row->cells[i];
        stats->size_bytes += 1 + cell->qualifier.length + 8 + cell->value.length;
        entries += cell->family == 'f';
        is_tombstone = is_tombstone || cell->family == 't';
        is_expired =
            is_expired || (cell->family == 't' && cell->timestamp_us < counting->before_us);
    }
    stats->tombstones += is_tombstone;
    stats->tombstones_expired += is_expired;
    stats->entry_rows += entries > 0;
    stats->entries += entries;
    stats->index_highest = index > stats->index_highest ? index : stats->index_highest;
    stats->index_lowest = index < stats->index_lowest ? index : stats->index_lowest;
    return RIND_OK;
}

static rind_status log_scan(struct rind_ctx *ctx, struct rind_scan *scan,
                            struct log_counting *counting)
{
    while (!scan->is_at_end) {
        struct rind_rows rows;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        for (size_t i = 0; i < rows.count; i++) {
            RIND_TRY(log_count_row(ctx, counting, &rows.rows[i]));
        }
    }
    return RIND_OK;
}

rind_status rind_store_log_stats(struct rind_ctx *ctx, struct rind_store *store,
                                 const struct rind_realm_id *realm, struct rind_deadline deadline,
                                 struct rind_log_stats *stats)
{
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, realm)};
    struct log_counting counting = {
        .before_us = (int64_t)rind_store_clock_unix_ms(store->clock) * 1000 - TOMBSTONE_AGE_US};
    struct rind_scan scan;
    RIND_TRY(rind_scan_open(ctx, store->engine, &read, deadline, &scan));
    rind_status status = log_scan(ctx, &scan, &counting);
    rind_scan_close(&scan);
    struct rind_log_group_stats *groups = NULL;
    if (rind_is_ok(status)) {
        groups = rind_ctx_alloc_array(ctx, counting.count, sizeof(*groups));
        status = groups == NULL ? rind_status_make(RIND_E_LIMIT) : status;
    }
    if (groups != NULL && counting.count > 0) {
        memcpy(groups, counting.groups, counting.count * sizeof(*groups));
    }
    free(counting.groups);
    RIND_TRY(status);
    *stats = (struct rind_log_stats){groups, counting.count, counting.malformed};
    return RIND_OK;
}

/* ---- the merkle table ---- */

static bool prefix_is_same(const struct rind_merkle_prefix_stats *a,
                           const struct rind_merkle_prefix_stats *b)
{
    return a->prefix_size == b->prefix_size && memcmp(a->prefix, b->prefix, a->prefix_size) == 0;
}

/* More cells first, then the more recent `oldest`. */
static bool prefix_is_before(const struct rind_merkle_prefix_stats *a,
                             const struct rind_merkle_prefix_stats *b)
{
    return a->cells > b->cells || (a->cells == b->cells && a->oldest_us > b->oldest_us);
}

/* Enters a finished prefix into the table of those with the most cells. */
static void prefix_enter(struct rind_merkle_stats *stats,
                         const struct rind_merkle_prefix_stats *prefix)
{
    bool is_full = stats->prefix_count == RIND_TABLE_STATS_PREFIXES;
    /* A prefix that only ties with the last of a full table is left out. */
    if (prefix->cells == 0 ||
        (is_full && prefix->cells <= stats->prefixes[stats->prefix_count - 1].cells)) {
        return;
    }
    size_t at = is_full ? stats->prefix_count - 1 : stats->prefix_count++;
    while (at > 0 && prefix_is_before(prefix, &stats->prefixes[at - 1])) {
        stats->prefixes[at] = stats->prefixes[at - 1];
        at--;
    }
    stats->prefixes[at] = *prefix;
}

static void merkle_count_row(struct rind_merkle_stats *stats,
                             struct rind_merkle_prefix_stats *current, const struct rind_row *row)
{
    struct rind_bit_vector bits;
    struct rind_data_hash hash;
    stats->rows++;
    if (!rind_is_ok(rind_row_key_parse(NULL, row->key, &bits, &hash))) {
        stats->rows_malformed++;
        return;
    }
    struct rind_merkle_prefix_stats of_row = {.prefix_size = row->key.length - sizeof(hash),
                                              .cells = row->cell_count,
                                              .oldest_us = INT64_MAX,
                                              .newest_us = INT64_MIN};
    memcpy(of_row.prefix, row->key.data, of_row.prefix_size);
    for (size_t i = 0; i < row->cell_count; i++) {
        int64_t at_us = row->cells[i].timestamp_us;
        of_row.oldest_us = at_us < of_row.oldest_us ? at_us : of_row.oldest_us;
        of_row.newest_us = at_us > of_row.newest_us ? at_us : of_row.newest_us;
    }
    stats->nodes += row->cell_count;
    if (!prefix_is_same(current, &of_row)) {
        prefix_enter(stats, current);
        *current = of_row;
        return;
    }
    current->cells += of_row.cells;
    current->oldest_us =
        of_row.oldest_us < current->oldest_us ? of_row.oldest_us : current->oldest_us;
    current->newest_us =
        of_row.newest_us > current->newest_us ? of_row.newest_us : current->newest_us;
}

static rind_status merkle_scan(struct rind_ctx *ctx, struct rind_scan *scan,
                               struct rind_merkle_stats *stats)
{
    struct rind_merkle_prefix_stats current = {0};
    while (!scan->is_at_end) {
        struct rind_rows rows;
        RIND_TRY(rind_scan_next(ctx, scan, &rows));
        for (size_t i = 0; i < rows.count; i++) {
            merkle_count_row(stats, &current, &rows.rows[i]);
        }
    }
    prefix_enter(stats, &current);
    return RIND_OK;
}

rind_status rind_store_merkle_stats(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    struct rind_deadline deadline, struct rind_merkle_stats *stats)
{
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, realm),
                             .without_values = true};
    memset(stats, 0, sizeof(*stats));
    struct rind_scan scan;
    RIND_TRY(rind_scan_open(ctx, store->engine, &read, deadline, &scan));
    rind_status status = merkle_scan(ctx, &scan, stats);
    rind_scan_close(&scan);
    return status;
}
