/*
 * read.c - see lmdb.h: reading ranges in one read transaction.
 *
 * The transaction is a snapshot and short: a read is bounded by the request's size_bytes_max, and
 * everything it returns is copied before it ends. (A long reader would keep pages from being
 * reused.)
 *
 * Ranges are taken in order of their starts. A seek that lands on a key beyond its range has shown
 * that nothing lies between, so later ranges below that key cost nothing: a path lookup's 257
 * ranges cost about as many seeks as there are nodes (docs/spec/04-store.md section 22, 9).
 */
#include "store/lmdb/lmdb.h"

/* Where the cursor stands. */
struct position {
    MDB_cursor *cursor;
    uint32_t table;
    bool is_set;    /* `key` and `value` are the first row at or after all that was asked so far */
    bool is_at_end; /* of the table */
    struct rind_slice key;
    struct rind_slice value;
};

static int position_take(struct position *position, int error, MDB_val key, MDB_val value)
{
    position->is_set = error == 0;
    if (error == MDB_NOTFOUND) {
        position->is_at_end = true;
        return 0;
    }
    if (error != 0) {
        return error;
    }
    if (key.mv_size < RIND_LMDB_TABLE_NUMBER_SIZE ||
        rind_get_be32(key.mv_data) != position->table) {
        position->is_at_end = true;
        position->is_set = false;
        return 0;
    }
    position->key = rind_slice_make((const uint8_t *)key.mv_data + RIND_LMDB_TABLE_NUMBER_SIZE,
                                    key.mv_size - RIND_LMDB_TABLE_NUMBER_SIZE);
    position->value = rind_slice_make(value.mv_data, value.mv_size);
    return 0;
}

static int position_next(struct position *position)
{
    MDB_val key;
    MDB_val value;
    int error = mdb_cursor_get(position->cursor, &key, &value, MDB_NEXT);
    return position_take(position, error, key, value);
}

/* To the first row not below the range, moving only forward. */
static int position_seek(struct position *position, const struct rind_key_range *range)
{
    if (position->is_at_end ||
        (position->is_set && !rind_key_range_is_above(range, position->key))) {
        return 0;
    }
    uint8_t bytes[RIND_LMDB_KEY_SIZE_MAX];
    struct rind_slice start = range->start;
    if (start.length > RIND_ENGINE_KEY_SIZE_BYTES_MAX) {
        start.length = RIND_ENGINE_KEY_SIZE_BYTES_MAX; /* no key is longer, so none is skipped */
    }
    size_t size = rind_lmdb_key(position->table, start, bytes);
    MDB_val key = {size, bytes};
    MDB_val value;
    int error = mdb_cursor_get(position->cursor, &key, &value, MDB_SET_RANGE);
    error = position_take(position, error, key, value);
    while (error == 0 && position->is_set && rind_key_range_is_above(range, position->key)) {
        error = position_next(position);
    }
    return error;
}

static rind_status read_ranges(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                               struct position *position, const struct rind_key_range *ranges,
                               size_t range_count, struct rind_rows_builder *builder)
{
    for (size_t i = 0; i < range_count; i++) {
        int error = position_seek(position, &ranges[i]);
        while (error == 0 && position->is_set &&
               !rind_key_range_is_below(&ranges[i], position->key)) {
            RIND_TRY(rind_rows_add(ctx, builder, position->key, position->value));
            if (builder->is_full) {
                return RIND_OK;
            }
            error = position_next(position);
        }
        if (error != 0) {
            return rind_lmdb_fail(ctx, lmdb->directory, error, "reading");
        }
    }
    return RIND_OK;
}

static rind_status read_in(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                           const struct rind_read *read, struct rind_rows *rows)
{
    struct rind_key_range *ranges;
    size_t range_count;
    RIND_TRY(rind_key_ranges_sort(ctx, read, &ranges, &range_count));
    struct position position = {0};
    int error = rind_lmdb_table_number(lmdb, txn, &read->table, &position.table);
    if (error == MDB_NOTFOUND) {
        return rind_lmdb_table_missing(ctx, &read->table);
    }
    error = error != 0 ? error : mdb_cursor_open(txn, lmdb->rows, &position.cursor);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "reading");
    }
    struct rind_rows_builder builder;
    rind_rows_begin(&builder, read);
    rind_status status = read_ranges(ctx, lmdb, &position, ranges, range_count, &builder);
    mdb_cursor_close(position.cursor);
    RIND_TRY(status);
    return rind_rows_end(ctx, &builder, rows);
}

rind_status rind_lmdb_read(struct rind_ctx *ctx, struct rind_engine *engine,
                           const struct rind_read *read, struct rind_deadline deadline,
                           struct rind_rows *rows)
{
    (void)deadline; /* waits for nothing but the disk, which cannot be cancelled */
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    atomic_fetch_add_explicit(&lmdb->reads, 1, memory_order_relaxed);
    MDB_txn *txn;
    int error = rind_lmdb_reader_take(lmdb, &txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "reading");
    }
    rind_status status = read_in(ctx, lmdb, txn, read, rows);
    rind_lmdb_reader_give(lmdb, txn);
    return status;
}
