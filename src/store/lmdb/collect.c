/*
 * collect.c - see lmdb.h: what Bigtable's background compaction does for tombstones (section 5).
 *
 * A group's tombstones are its oldest rows, at the end of its key range, and were written in order.
 * So each group is walked from its end towards newer rows until the first that is not an old
 * tombstone: an idle step costs two seeks per group. (Old user events are dropped when their row is
 * next written, see cells.c.)
 */
#include "store/lmdb/lmdb.h"

#include <stdlib.h>

#define GROUP_PREFIX_SIZE (RIND_LMDB_TABLE_NUMBER_SIZE + sizeof(struct rind_group_id))

struct gathering {
    MDB_cursor *cursor;
    int64_t before_us;
    struct rind_lmdb_tombstone *found; /* room for RIND_LMDB_COLLECT_ROWS_MAX */
    size_t count;
    size_t groups;
};

int64_t rind_lmdb_tombstones_before_us(const struct rind_lmdb_engine *lmdb)
{
    struct rind_table_gc gc;
    bool has_family = rind_table_family(RIND_TABLE_LOG, 't', &gc);
    RIND_ASSERT(has_family && gc.age_s_max > 0);
    int64_t now_us = (int64_t)rind_store_clock_unix_ms(lmdb->clock) * 1000;
    return now_us - (int64_t)gc.age_s_max * 1000000;
}

static bool key_is_log_row(const MDB_val *key, uint32_t number)
{
    return key->mv_size == sizeof(struct rind_lmdb_tombstone) &&
           rind_get_be32(key->mv_data) == number;
}

/* From the group's oldest row towards newer ones. `group` is the first GROUP_PREFIX_SIZE bytes. */
static int gather_group(struct gathering *gathering, const uint8_t group[static GROUP_PREFIX_SIZE])
{
    /* Above all rows of the group: its prefix and more ff than an index has. */
    uint8_t above[GROUP_PREFIX_SIZE + RIND_LOG_QUALIFIER_SIZE + 1];
    memset(above, 0xff, sizeof(above));
    memcpy(above, group, GROUP_PREFIX_SIZE);
    MDB_val key = {sizeof(above), above};
    MDB_val value;
    int error = mdb_cursor_get(gathering->cursor, &key, &value, MDB_SET_RANGE);
    error = mdb_cursor_get(gathering->cursor, &key, &value,
                           error == MDB_NOTFOUND ? MDB_LAST : MDB_PREV);
    while (error == 0 && gathering->count < RIND_LMDB_COLLECT_ROWS_MAX &&
           key.mv_size == sizeof(struct rind_lmdb_tombstone) &&
           memcmp(key.mv_data, group, GROUP_PREFIX_SIZE) == 0 &&
           rind_cells_is_old_tombstone(rind_slice_make(value.mv_data, value.mv_size),
                                       gathering->before_us)) {
        memcpy(gathering->found[gathering->count++].key, key.mv_data, key.mv_size);
        error = mdb_cursor_get(gathering->cursor, &key, &value, MDB_PREV);
    }
    return error == MDB_NOTFOUND ? 0 : error;
}

static int gather_table(struct gathering *gathering, uint32_t number)
{
    uint8_t from[GROUP_PREFIX_SIZE + RIND_LOG_QUALIFIER_SIZE + 1] = {0};
    rind_put_be32(from, number);
    for (; gathering->groups < RIND_LMDB_COLLECT_GROUPS_MAX; gathering->groups++) {
        MDB_val key = {sizeof(from), from};
        MDB_val value;
        int error = mdb_cursor_get(gathering->cursor, &key, &value, MDB_SET_RANGE);
        if (error == MDB_NOTFOUND || (error == 0 && !key_is_log_row(&key, number))) {
            return 0;
        }
        if (error != 0) {
            return error;
        }
        memset(from, 0xff, sizeof(from));
        memcpy(from, key.mv_data, GROUP_PREFIX_SIZE);
        error = gather_group(gathering, from);
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static rind_status gather_in(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                             const struct rind_tables *tables, struct gathering *gathering)
{
    int error = mdb_cursor_open(txn, lmdb->rows, &gathering->cursor);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "collecting");
    }
    for (size_t i = 0; i < tables->count && error == 0; i++) {
        uint32_t number;
        if (tables->tables[i].kind != RIND_TABLE_LOG) {
            continue;
        }
        error = rind_lmdb_table_number(lmdb, txn, &tables->tables[i], &number);
        error = error != 0 ? error : gather_table(gathering, number);
    }
    mdb_cursor_close(gathering->cursor);
    return error == 0 ? RIND_OK : rind_lmdb_fail(ctx, lmdb->directory, error, "collecting");
}

static rind_status collect_with(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                struct gathering *gathering, struct rind_deadline deadline,
                                uint64_t *removed)
{
    struct rind_tables tables;
    RIND_TRY(rind_lmdb_list_tables(ctx, &lmdb->engine, deadline, &tables));
    MDB_txn *txn;
    int error = rind_lmdb_reader_take(lmdb, &txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "collecting");
    }
    rind_status status = gather_in(ctx, lmdb, txn, &tables, gathering);
    rind_lmdb_reader_give(lmdb, txn);
    RIND_TRY(status);
    if (gathering->count == 0) {
        return RIND_OK;
    }
    return rind_lmdb_delete_tombstones(ctx, lmdb, gathering->found, gathering->count,
                                       gathering->before_us, deadline, removed);
}

rind_status rind_lmdb_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                              struct rind_deadline deadline, uint64_t *removed)
{
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    int dead;
    int error = mdb_reader_check(lmdb->env, &dead); /* slots of killed processes hold pages back */
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "checking readers");
    }
    struct gathering gathering = {.before_us = rind_lmdb_tombstones_before_us(lmdb)};
    gathering.found = calloc(RIND_LMDB_COLLECT_ROWS_MAX, sizeof(*gathering.found));
    RIND_REQUIRE(ctx, gathering.found != NULL, RIND_E_LIMIT, "no memory for collecting garbage");
    rind_status status = collect_with(ctx, lmdb, &gathering, deadline, removed);
    free(gathering.found);
    return status;
}
