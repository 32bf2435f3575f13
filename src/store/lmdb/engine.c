/* engine.c - see lmdb.h: opening and closing. */
#include "store/lmdb/lmdb.h"

#include <stdlib.h>
#include <sys/stat.h>

static void lmdb_statistics(struct rind_engine *engine, struct rind_engine_statistics *statistics)
{
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    statistics->commits = atomic_load(&lmdb->commits);
    statistics->requests = atomic_load(&lmdb->requests);
    statistics->reads = atomic_load(&lmdb->reads);
    MDB_txn *txn;
    if (rind_lmdb_reader_take(lmdb, &txn) != 0) {
        return; /* sizes stay 0: unknown */
    }
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(lmdb->env, &info) == 0 && mdb_stat(txn, lmdb->rows, &stat) == 0) {
        statistics->size_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
        statistics->size_bytes_used =
            (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
        statistics->size_bytes_limit = info.me_mapsize;
        statistics->readers = info.me_numreaders;
        rind_lmdb_readers_oldest(lmdb, info.me_last_txnid, statistics);
    }
    rind_lmdb_reader_give(lmdb, txn);
}

static void lmdb_close(struct rind_engine *engine)
{
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    RIND_ASSERT(lmdb->queue_first == NULL);
    rind_lmdb_readers_free(lmdb);
    rind_lmdb_changes_close(lmdb);
    mdb_env_close(lmdb->env); /* NULL is allowed */
    rind_cells_scratch_fini(&lmdb->scratch);
    rind_cond_fini(&lmdb->queue_cond);
    rind_mutex_fini(&lmdb->queue_mutex);
    rind_mutex_fini(&lmdb->readers_mutex);
    (void)pthread_rwlock_destroy(&lmdb->map_lock);
    free(lmdb->directory);
    free(lmdb);
}

static const struct rind_engine_class lmdb_class = {
    .name = "lmdb",
    .writes_together = true,
    .reads_are_local = true,
    .read = rind_lmdb_read,
    .write = rind_lmdb_write,
    .test_and_write = rind_lmdb_test_and_write,
    .create_table = rind_lmdb_create_table,
    .list_tables = rind_lmdb_list_tables,
    .change_count = rind_lmdb_change_count,
    .wait_change = rind_lmdb_wait_change,
    .wake = rind_lmdb_wake,
    .collect = rind_lmdb_collect,
    .statistics = lmdb_statistics,
    .read_ahead = rind_lmdb_read_ahead,
    .close = lmdb_close,
};

/* A lock that lets whoever wants to enlarge the map in before further readers. */
static bool map_lock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    if (pthread_rwlockattr_init(&attributes) != 0) {
        return false;
    }
    int error =
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    error = error != 0 ? error : pthread_rwlock_init(lock, &attributes);
    (void)pthread_rwlockattr_destroy(&attributes);
    return error == 0;
}

static rind_status lmdb_new(struct rind_ctx *ctx, const char *directory,
                            const struct rind_store_clock *clock, struct rind_lmdb_engine **made)
{
    struct rind_lmdb_engine *lmdb = calloc(1, sizeof(*lmdb));
    RIND_REQUIRE(ctx, lmdb != NULL, RIND_E_LIMIT, "no memory for a store");
    lmdb->directory = strdup(directory);
    if (lmdb->directory == NULL || !map_lock_init(&lmdb->map_lock)) {
        free(lmdb->directory);
        free(lmdb);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for a store");
    }
    lmdb->engine.class = &lmdb_class;
    lmdb->gate_fd = -1;
    lmdb->clock = clock;
    rind_mutex_init(&lmdb->readers_mutex);
    rind_mutex_init(&lmdb->queue_mutex);
    rind_cond_init(&lmdb->queue_cond);
    lmdb->queue_end = &lmdb->queue_first;
    rind_cells_scratch_init(&lmdb->scratch);
    *made = lmdb;
    return RIND_OK;
}

static int env_configure(MDB_env *env, uint64_t map_size_bytes)
{
    int error = mdb_env_set_maxdbs(env, 2);
    error = error != 0 ? error : mdb_env_set_maxreaders(env, RIND_LMDB_READERS_MAX);
    return error != 0 ? error : mdb_env_set_mapsize(env, map_size_bytes);
}

static rind_status lmdb_open_in(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                uint64_t map_size_bytes)
{
    RIND_TRY(rind_lmdb_directory_prepare(ctx, lmdb->directory));
    if (map_size_bytes == 0) {
        map_size_bytes = RIND_LMDB_MAP_SIZE_FIRST;
    }
    if (map_size_bytes < RIND_LMDB_MAP_SIZE_MIN) {
        map_size_bytes = RIND_LMDB_MAP_SIZE_MIN;
    }
    int error = mdb_env_create(&lmdb->env);
    error = error != 0 ? error : env_configure(lmdb->env, map_size_bytes);
    /* No thread-local readers: reads run on worker threads that come and go. No read-ahead: tree
     * nodes are scattered by their hashes (ahead.c is for those who read all of them). */
    error = error != 0 ? error
                       : mdb_env_open(lmdb->env, lmdb->directory, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "opening");
    }
    int dead;
    error = mdb_reader_check(lmdb->env, &dead);
    if (error != 0) {
        return rind_lmdb_fail(ctx, lmdb->directory, error, "opening");
    }
    RIND_TRY(rind_lmdb_tables_open(ctx, lmdb));
    return rind_lmdb_changes_open(ctx, lmdb);
}

rind_status rind_engine_open_lmdb(struct rind_ctx *ctx, const char *directory,
                                  uint64_t map_size_bytes, const struct rind_store_clock *clock,
                                  struct rind_engine **engine)
{
    struct rind_lmdb_engine *lmdb = NULL;
    RIND_TRY(lmdb_new(ctx, directory, clock, &lmdb));
    rind_status status = lmdb_open_in(ctx, lmdb, map_size_bytes);
    if (!rind_is_ok(status)) {
        lmdb_close(&lmdb->engine);
        return status;
    }
    *engine = &lmdb->engine;
    return RIND_OK;
}
