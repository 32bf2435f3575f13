/*
 * sweep.c - see nodes.h: removing tree nodes that nothing refers to (docs/spec/04-store.md section
 * 22, 6): the additions of appends that lost, and removals that a process took with it.
 *
 * Why it may run beside a working realm: a node is content-addressed, so whoever needs it again
 * adds it again, as a new instance. We remove only instances that we have seen and that are older
 * than a day, of nodes that no group's newest entry reaches. Nodes that a transfer has put on the
 * way are reached by the source's entry until the destination's covers them. When a node on the way
 * from a root is missing (the root was superseded meanwhile) the question stays open and the node
 * stays.
 */
#include <stdlib.h>

#include "merkle/row_key.h"
#include "merkle/walk.h"
#include "store/scan.h"
#include "wire/range.h"
#include "wire/wire.h"

#define SWEEP_ROOTS_MAX 4096u /* two per group: its own, and one that is being given away */
#define SWEEP_ARENA_SIZE_BYTES (16u << 20)
#define SWEEP_ROWS_PER_WRITE 500u

struct sweep {
    struct rind_store *store;
    const struct rind_realm_id *realm;
    struct rind_deadline deadline;
    int64_t before_us;
    struct rind_ctx ctx; /* of its own arena */
    struct rind_data_hash roots[SWEEP_ROOTS_MAX];
    size_t root_count;
    struct rind_sweep_result result;
};

/* ---- roots ---- */

static rind_status roots_add(struct sweep *sweep, const struct rind_data_hash *root)
{
    RIND_REQUIRE(&sweep->ctx, sweep->root_count < SWEEP_ROOTS_MAX, RIND_E_LIMIT,
                 "the realm has more than %u trees", SWEEP_ROOTS_MAX);
    sweep->roots[sweep->root_count++] = *root;
    return RIND_OK;
}

static rind_status roots_of_group(struct sweep *sweep, const struct rind_group_id *group)
{
    struct rind_store_entry last;
    struct rind_log_entry entry;
    RIND_TRY(rind_store_read_last(&sweep->ctx, sweep->store, sweep->realm, group, sweep->deadline,
                                  &last, NULL));
    RIND_TRY(rind_wire_decode_whole(&sweep->ctx, &rind_log_entry_schema, last.cbor, &entry));
    if (entry.has_partition) {
        RIND_TRY(roots_add(sweep, &entry.partition.root_hash));
    }
    if (entry.has_transferring && entry.transferring.kind == RIND_TRANSFERRING_OUT) {
        RIND_TRY(roots_add(sweep, &entry.transferring.out.partition.root_hash));
    }
    return RIND_OK;
}

/* The roots that every group of the realm has now. An error of any group ends the sweep. */
static rind_status roots_read(struct sweep *sweep)
{
    uint8_t last_of_group[RIND_LOG_KEY_SIZE] = {0};
    struct rind_key_range range = {RIND_SLICE_OF(last_of_group), rind_slice_make(NULL, 0), false,
                                   false};
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, sweep->realm),
                             .ranges = &range,
                             .range_count = 1,
                             .cells = RIND_CELLS_FIRST,
                             .without_values = true,
                             .row_count_max = 1};
    sweep->root_count = 0;
    for (;;) {
        struct rind_rows rows;
        struct rind_group_id group;
        uint64_t index;
        RIND_TRY(rind_store_read(&sweep->ctx, sweep->store, "store_client.sweep", NULL, &read,
                                 sweep->deadline, &rows));
        if (rows.count == 0) {
            return RIND_OK;
        }
        RIND_REQUIRE(&sweep->ctx, rind_log_key_parse(rows.rows[0].key, &group, &index),
                     RIND_E_CORRUPT,
                     "the log table has a row that is none of a log; run rind store check");
        RIND_TRY(roots_of_group(sweep, &group));
        rind_log_key(&group, 0, last_of_group); /* goes on behind the group */
        range.excludes_start = true;
    }
}

/* ---- reachability ---- */

enum reach { REACH_NO, REACH_YES, REACH_UNKNOWN };

static rind_status reach_from(struct sweep *sweep, const struct rind_data_hash *root,
                              const struct rind_bit_vector *prefix,
                              const struct rind_data_hash *hash, enum reach *reach)
{
    struct rind_record_id record;
    struct rind_owned_range range = rind_owned_range_full();
    struct rind_walk walk;
    struct rind_node_key wanted;
    memcpy(record.bytes, prefix->bits, sizeof(record.bytes));
    rind_walk_start_record(&walk, &range, root, &record);
    *reach = REACH_NO;
    while (rind_walk_wants(&walk, &wanted)) {
        if (wanted.prefix.length >= prefix->length) {
            *reach =
                wanted.prefix.length == prefix->length && rind_data_hash_equal(&wanted.hash, hash)
                    ? REACH_YES
                    : REACH_NO;
            return RIND_OK;
        }
        struct rind_row_key row_key;
        struct rind_slice cbor;
        rind_row_key_encode(&wanted.prefix, &wanted.hash, &row_key);
        rind_status status =
            rind_store_read_node(&sweep->ctx, sweep->store, sweep->realm,
                                 rind_row_key_slice(&row_key), sweep->deadline, &cbor);
        if (rind_is(status, RIND_E_STALE)) {
            *reach = REACH_UNKNOWN;
            return RIND_OK;
        }
        RIND_TRY(status);
        struct rind_node *node = rind_ctx_alloc(&sweep->ctx, sizeof(*node));
        if (node == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        RIND_TRY(rind_wire_decode_whole(&sweep->ctx, &rind_node_schema, cbor, node));
        RIND_TRY(rind_walk_give(&sweep->ctx, &walk, node));
    }
    return RIND_OK;
}

/* Whether no root reaches the node, for certain. */
static rind_status sweep_is_orphan(struct sweep *sweep, const struct rind_bit_vector *prefix,
                                   const struct rind_data_hash *hash, bool *is_orphan)
{
    *is_orphan = true;
    for (size_t i = 0; i < sweep->root_count && *is_orphan; i++) {
        enum reach reach;
        size_t mark = rind_arena_mark(sweep->ctx.arena);
        RIND_TRY(reach_from(sweep, &sweep->roots[i], prefix, hash, &reach));
        rind_arena_release(sweep->ctx.arena, mark);
        *is_orphan = reach == REACH_NO;
        sweep->result.rows_undecided += reach == REACH_UNKNOWN;
    }
    return RIND_OK;
}

/* ---- rows ---- */

static bool row_is_old(const struct sweep *sweep, const struct rind_row *row)
{
    for (size_t i = 0; i < row->cell_count; i++) {
        if (row->cells[i].timestamp_us >= sweep->before_us) {
            return false;
        }
    }
    return true;
}

/* Mutations that remove the cells we have seen, and no others. */
static rind_status row_removal(struct sweep *sweep, const struct rind_row *row,
                               struct rind_row_write *removal)
{
    struct rind_mutation *mutations =
        rind_ctx_alloc_array(&sweep->ctx, row->cell_count, sizeof(*mutations));
    if (mutations == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < row->cell_count; i++) {
        mutations[i] = (struct rind_mutation){.kind = RIND_MUTATION_DELETE_COLUMN,
                                              .family = row->cells[i].family,
                                              .qualifier = row->cells[i].qualifier};
    }
    *removal = (struct rind_row_write){row->key, mutations, row->cell_count};
    return RIND_OK;
}

static rind_status sweep_remove(struct sweep *sweep, const struct rind_row_write *removals,
                                size_t count)
{
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_MERKLE, sweep->realm), removals,
                               count};
    RIND_TRY(rind_store_write(&sweep->ctx, sweep->store, "store_client.sweep", NULL, &write,
                              sweep->deadline));
    for (size_t i = 0; i < count; i++) {
        rind_node_cache_remove(sweep->store->cache, sweep->realm, removals[i].key);
    }
    sweep->result.rows_removed += count;
    return RIND_OK;
}

static rind_status sweep_page(struct sweep *sweep, const struct rind_rows *rows)
{
    struct rind_row_write removals[SWEEP_ROWS_PER_WRITE];
    size_t count = 0;
    RIND_TRY(roots_read(sweep)); /* as new as can be: upper nodes live for seconds only */
    for (size_t i = 0; i < rows->count; i++) {
        const struct rind_row *row = &rows->rows[i];
        struct rind_bit_vector prefix;
        struct rind_data_hash hash;
        bool is_orphan = false;
        sweep->result.rows_seen++;
        if (!row_is_old(sweep, row) ||
            !rind_is_ok(rind_row_key_parse(&sweep->ctx, row->key, &prefix, &hash))) {
            continue; /* malformed rows are left to rind store check */
        }
        RIND_TRY(sweep_is_orphan(sweep, &prefix, &hash, &is_orphan));
        if (is_orphan) {
            RIND_TRY(row_removal(sweep, row, &removals[count]));
            count++;
        }
        if (count == SWEEP_ROWS_PER_WRITE) {
            RIND_TRY(sweep_remove(sweep, removals, count));
            count = 0;
        }
    }
    return count == 0 ? RIND_OK : sweep_remove(sweep, removals, count);
}

static rind_status sweep_scan(struct sweep *sweep, struct rind_scan *scan)
{
    while (!scan->is_at_end) {
        struct rind_rows rows;
        rind_arena_reset(sweep->ctx.arena);
        RIND_TRY(rind_scan_next(&sweep->ctx, scan, &rows));
        RIND_TRY(sweep_page(sweep, &rows));
    }
    return RIND_OK;
}

rind_status rind_store_sweep_nodes(struct rind_ctx *ctx, struct rind_store *store,
                                   const struct rind_realm_id *realm, uint64_t age_ms,
                                   struct rind_deadline deadline, struct rind_sweep_result *result)
{
    uint64_t now_ms = rind_store_clock_unix_ms(store->clock);
    RIND_REQUIRE(ctx, age_ms >= RIND_SWEEP_AGE_MS_MIN && age_ms <= now_ms, RIND_E_INVALID,
                 "only nodes older than a day may be swept; younger ones may be about to be used");
    struct sweep *sweep = calloc(1, sizeof(*sweep));
    RIND_REQUIRE(ctx, sweep != NULL, RIND_E_LIMIT, "no memory for sweeping");
    sweep->store = store;
    sweep->realm = realm;
    sweep->deadline = deadline;
    sweep->before_us = (int64_t)(now_ms - age_ms) * 1000;
    rind_ctx_init(&sweep->ctx, NULL);
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, realm),
                             .without_values = true};
    struct rind_arena *arena = NULL;
    struct rind_scan scan;
    rind_status status = rind_arena_map(&sweep->ctx, SWEEP_ARENA_SIZE_BYTES, &arena);
    if (rind_is_ok(status)) {
        rind_ctx_init(&sweep->ctx, arena);
        status = rind_scan_open(&sweep->ctx, store->engine, &read, deadline, &scan);
    }
    if (rind_is_ok(status)) {
        status = sweep_scan(sweep, &scan);
        rind_scan_close(&scan);
    }
    *result = sweep->result; /* what was done, also when it ended early */
    if (!rind_is_ok(status)) {
        status = rind_fail(ctx, (enum rind_code)status.code, "%s", sweep->ctx.sentence);
    }
    rind_arena_unmap(arena);
    free(sweep);
    return status;
}
