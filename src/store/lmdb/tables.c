/* tables.c - see lmdb.h: the file's format, and which tables are in it. */
#include "store/lmdb/lmdb.h"

static const char format_key[] = "format";
static const char format_magic[] = "rind store";
#define FORMAT_MAGIC_SIZE (sizeof(format_magic) - 1)
#define FORMAT_SIZE (FORMAT_MAGIC_SIZE + 4)

static MDB_val val_make(const void *data, size_t size)
{
    MDB_val val = {size, (void *)(uintptr_t)data};
    return val;
}

static void table_key(const struct rind_table *table, uint8_t key[static RIND_LMDB_TABLE_KEY_SIZE])
{
    key[0] = (uint8_t)table->kind;
    memcpy(key + 1, table->realm.bytes, sizeof(table->realm.bytes));
}

size_t rind_lmdb_key(uint32_t number, struct rind_slice row_key,
                     uint8_t key[static RIND_LMDB_KEY_SIZE_MAX])
{
    RIND_ASSERT(row_key.length <= RIND_ENGINE_KEY_SIZE_BYTES_MAX);
    rind_put_be32(key, number);
    if (row_key.length > 0) {
        memcpy(key + RIND_LMDB_TABLE_NUMBER_SIZE, row_key.data, row_key.length);
    }
    return RIND_LMDB_TABLE_NUMBER_SIZE + row_key.length;
}

int rind_lmdb_table_number(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                           const struct rind_table *table, uint32_t *number)
{
    uint8_t bytes[RIND_LMDB_TABLE_KEY_SIZE];
    table_key(table, bytes);
    MDB_val key = val_make(bytes, sizeof(bytes));
    MDB_val value;
    int error = mdb_get(txn, lmdb->tables, &key, &value);
    if (error != 0) {
        return error;
    }
    if (value.mv_size != RIND_LMDB_TABLE_NUMBER_SIZE) {
        return MDB_CORRUPTED;
    }
    *number = rind_get_be32(value.mv_data);
    return 0;
}

int rind_lmdb_table_create(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                           const struct rind_table *table)
{
    MDB_stat stat;
    int error = mdb_stat(txn, lmdb->tables, &stat);
    if (error != 0) {
        return error;
    }
    /* Tables are never deleted, so the number of entries, the format's own included, is free. */
    if (stat.ms_entries >= RIND_LMDB_TABLES_MAX) {
        return MDB_DBS_FULL;
    }
    uint8_t bytes[RIND_LMDB_TABLE_KEY_SIZE];
    uint8_t number[RIND_LMDB_TABLE_NUMBER_SIZE];
    table_key(table, bytes);
    rind_put_be32(number, (uint32_t)stat.ms_entries);
    MDB_val key = val_make(bytes, sizeof(bytes));
    MDB_val value = val_make(number, sizeof(number));
    return mdb_put(txn, lmdb->tables, &key, &value, MDB_NOOVERWRITE);
}

rind_status rind_lmdb_table_missing(struct rind_ctx *ctx, const struct rind_table *table)
{
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(table, name);
    return rind_fail(ctx, RIND_E_NOT_FOUND, "the store has no table %s", name);
}

/* ---- the format ---- */

static rind_status format_check(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn)
{
    MDB_val key = val_make(format_key, sizeof(format_key) - 1);
    MDB_val value;
    int error = mdb_get(txn, lmdb->tables, &key, &value);
    if (error == MDB_NOTFOUND ||
        (error == 0 && (value.mv_size != FORMAT_SIZE ||
                        memcmp(value.mv_data, format_magic, FORMAT_MAGIC_SIZE) != 0))) {
        return rind_lmdb_fail(ctx, lmdb->directory, MDB_INVALID, "opening");
    }
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "opening");
    }
    uint32_t version = rind_get_be32((const uint8_t *)value.mv_data + FORMAT_MAGIC_SIZE);
    RIND_REQUIRE(ctx, version == RIND_LMDB_FORMAT_VERSION, RIND_E_INVALID,
                 "store %s has format %u, this program knows format %u; copy it with a version of "
                 "Rind that knows both (rind store copy)",
                 lmdb->directory, version, RIND_LMDB_FORMAT_VERSION);
    return RIND_OK;
}

static int format_write(struct rind_lmdb_engine *lmdb, MDB_txn *txn)
{
    uint8_t bytes[FORMAT_SIZE];
    memcpy(bytes, format_magic, FORMAT_MAGIC_SIZE);
    rind_put_be32(bytes + FORMAT_MAGIC_SIZE, RIND_LMDB_FORMAT_VERSION);
    MDB_val key = val_make(format_key, sizeof(format_key) - 1);
    MDB_val value = val_make(bytes, sizeof(bytes));
    return mdb_put(txn, lmdb->tables, &key, &value, MDB_NOOVERWRITE);
}

/* Opens both databases in `txn`; flags is 0 or MDB_CREATE. */
static int tables_open_in(struct rind_lmdb_engine *lmdb, MDB_txn *txn, unsigned flags)
{
    int error = mdb_dbi_open(txn, "tables", flags, &lmdb->tables);
    return error != 0 ? error : mdb_dbi_open(txn, "rows", flags, &lmdb->rows);
}

/* Whether a file without our databases is empty, that is, new. */
static int tables_is_new(MDB_txn *txn, bool *is_new)
{
    MDB_dbi main;
    MDB_stat stat;
    int error = mdb_dbi_open(txn, NULL, 0, &main);
    error = error != 0 ? error : mdb_stat(txn, main, &stat);
    *is_new = error == 0 && stat.ms_entries == 0;
    return error;
}

/* Creates the databases in a new file, in `txn`. */
static rind_status tables_create_in(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                    MDB_txn *txn)
{
    bool is_new;
    int error = tables_is_new(txn, &is_new);
    if (error == 0 && !is_new) {
        error = tables_open_in(lmdb, txn, 0); /* another process was faster, or it is foreign */
        if (error == 0) {
            return format_check(ctx, lmdb, txn);
        }
        error = error == MDB_NOTFOUND || error == MDB_INCOMPATIBLE ? MDB_INVALID : error;
    }
    error = error != 0 ? error : tables_open_in(lmdb, txn, MDB_CREATE);
    error = error != 0 ? error : format_write(lmdb, txn);
    return error == 0 ? RIND_OK : rind_lmdb_fail(ctx, lmdb->directory, error, "making a new store");
}

static rind_status tables_create(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb)
{
    MDB_txn *txn;
    int error = rind_lmdb_begin(lmdb, 0, &txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "making a new store");
    }
    rind_status status = tables_create_in(ctx, lmdb, txn);
    if (!rind_is_ok(status)) {
        rind_lmdb_abort(lmdb, txn);
        return status;
    }
    error = rind_lmdb_commit(lmdb, txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "making a new store");
    }
    return rind_lmdb_directory_sync(ctx, lmdb->directory);
}

rind_status rind_lmdb_tables_open(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb)
{
    MDB_txn *txn;
    int error = rind_lmdb_begin(lmdb, MDB_RDONLY, &txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "opening");
    }
    error = tables_open_in(lmdb, txn, 0);
    if (error != 0) {
        rind_lmdb_abort(lmdb, txn);
        return tables_create(ctx, lmdb);
    }
    rind_status status = format_check(ctx, lmdb, txn);
    if (!rind_is_ok(status)) {
        rind_lmdb_abort(lmdb, txn);
        return status;
    }
    /* Only a commit keeps the handles opened in a transaction. */
    error = rind_lmdb_commit(lmdb, txn);
    return error == 0 ? RIND_OK : rind_lmdb_fail(ctx, lmdb->directory, error, "opening");
}

/* ---- listing ---- */

static int tables_list_with(MDB_cursor *cursor, struct rind_table *list, size_t capacity,
                            size_t *count)
{
    MDB_val key;
    MDB_val value;
    *count = 0;
    int error = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    while (error == 0) {
        const uint8_t *bytes = key.mv_data;
        if (key.mv_size == RIND_LMDB_TABLE_KEY_SIZE && bytes[0] >= RIND_TABLE_LOG &&
            bytes[0] <= RIND_TABLE_KIND_LAST && *count < capacity) {
            list[*count].kind = (enum rind_table_kind)bytes[0];
            memcpy(list[*count].realm.bytes, bytes + 1, sizeof(list->realm.bytes));
            (*count)++;
        }
        error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    }
    return error == MDB_NOTFOUND ? 0 : error;
}

static rind_status tables_list(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                               struct rind_tables *tables)
{
    MDB_stat stat;
    MDB_cursor *cursor;
    int error = mdb_stat(txn, lmdb->tables, &stat);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "listing tables");
    }
    struct rind_table *list = rind_ctx_alloc_array(ctx, stat.ms_entries, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    error = mdb_cursor_open(txn, lmdb->tables, &cursor);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "listing tables");
    }
    size_t count;
    error = tables_list_with(cursor, list, stat.ms_entries, &count);
    mdb_cursor_close(cursor);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "listing tables");
    }
    *tables = (struct rind_tables){list, count};
    return RIND_OK;
}

rind_status rind_lmdb_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                  struct rind_deadline deadline, struct rind_tables *tables)
{
    (void)deadline; /* bounded: RIND_LMDB_TABLES_MAX entries */
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    MDB_txn *txn;
    int error = rind_lmdb_reader_take(lmdb, &txn);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "reading");
    }
    rind_status status = tables_list(ctx, lmdb, txn, tables);
    rind_lmdb_reader_give(lmdb, txn);
    return status;
}
