/* map.c - see lmdb.h: transactions, and the size of the map below them. */
#include "store/lmdb/lmdb.h"

#include <errno.h>
#include <sys/mman.h>

static void map_lock_read(struct rind_lmdb_engine *lmdb)
{
    int error = pthread_rwlock_rdlock(&lmdb->map_lock);
    RIND_ASSERT(error == 0);
}

static void map_lock_write(struct rind_lmdb_engine *lmdb)
{
    int error = pthread_rwlock_wrlock(&lmdb->map_lock);
    RIND_ASSERT(error == 0);
}

static void map_unlock(struct rind_lmdb_engine *lmdb)
{
    int error = pthread_rwlock_unlock(&lmdb->map_lock);
    RIND_ASSERT(error == 0);
}

/* True if `size` bytes of addresses are free. Asked before LMDB unmaps the old map to make the new
 * one: if that failed, there would be no map at all. */
static bool map_has_addresses(size_t size)
{
    void *trial = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (trial == MAP_FAILED) {
        return false;
    }
    (void)munmap(trial, size);
    return true;
}

/* Another process made the map larger: follows. */
static int map_adopt(struct rind_lmdb_engine *lmdb)
{
    map_lock_write(lmdb);
    int error = mdb_env_set_mapsize(lmdb->env, 0);
    map_unlock(lmdb);
    return error;
}

int rind_lmdb_begin(struct rind_lmdb_engine *lmdb, unsigned flags, MDB_txn **txn)
{
    bool has_checked_readers = false;
    for (unsigned attempt = 0; attempt < RIND_LMDB_ATTEMPTS_MAX; attempt++) {
        map_lock_read(lmdb);
        int error = mdb_txn_begin(lmdb->env, NULL, flags, txn);
        if (error == 0) {
            return 0;
        }
        map_unlock(lmdb);
        if (error == MDB_MAP_RESIZED) {
            error = map_adopt(lmdb);
        } else if (error == MDB_READERS_FULL && !has_checked_readers) {
            /* Perhaps killed processes left their slots taken. */
            int dead;
            has_checked_readers = true;
            error = mdb_reader_check(lmdb->env, &dead);
        }
        if (error != 0) {
            return error;
        }
    }
    return MDB_MAP_RESIZED;
}

int rind_lmdb_commit(struct rind_lmdb_engine *lmdb, MDB_txn *txn)
{
    int error = mdb_txn_commit(txn);
    map_unlock(lmdb);
    return error;
}

void rind_lmdb_abort(struct rind_lmdb_engine *lmdb, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    map_unlock(lmdb);
}

int rind_lmdb_reader_take(struct rind_lmdb_engine *lmdb, MDB_txn **txn)
{
    MDB_txn *idle = NULL;
    rind_mutex_lock(&lmdb->readers_mutex);
    if (lmdb->readers_idle_count > 0) {
        idle = lmdb->readers_idle[--lmdb->readers_idle_count];
    }
    rind_mutex_unlock(&lmdb->readers_mutex);
    if (idle != NULL) {
        map_lock_read(lmdb);
        if (mdb_txn_renew(idle) == 0) {
            *txn = idle;
            return 0;
        }
        mdb_txn_abort(idle);
        map_unlock(lmdb);
    }
    return rind_lmdb_begin(lmdb, MDB_RDONLY, txn);
}

void rind_lmdb_reader_give(struct rind_lmdb_engine *lmdb, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    map_unlock(lmdb);
    bool is_kept = false;
    rind_mutex_lock(&lmdb->readers_mutex);
    if (lmdb->readers_idle_count < RIND_LMDB_READERS_IDLE_MAX) {
        lmdb->readers_idle[lmdb->readers_idle_count++] = txn;
        is_kept = true;
    }
    rind_mutex_unlock(&lmdb->readers_mutex);
    if (!is_kept) {
        mdb_txn_abort(txn);
    }
}

void rind_lmdb_readers_free(struct rind_lmdb_engine *lmdb)
{
    while (lmdb->readers_idle_count > 0) {
        mdb_txn_abort(lmdb->readers_idle[--lmdb->readers_idle_count]);
    }
}

static rind_status map_grow_locked(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb)
{
    MDB_envinfo info;
    int error = mdb_env_info(lmdb->env, &info);
    RIND_ASSERT(error == 0);
    size_t step =
        info.me_mapsize < RIND_LMDB_MAP_STEP_MAX ? info.me_mapsize : RIND_LMDB_MAP_STEP_MAX;
    size_t size;
    RIND_REQUIRE(ctx, rind_checked_add(info.me_mapsize, step, &size) && map_has_addresses(size),
                 RIND_E_LIMIT,
                 "store %s needs to map %zu bytes; raise this process's limit on address space "
                 "(ulimit -v)",
                 lmdb->directory, info.me_mapsize + step);
    error = mdb_env_set_mapsize(lmdb->env, size);
    return error == 0 ? RIND_OK : rind_lmdb_fail(ctx, lmdb->directory, error, "enlarging its map");
}

rind_status rind_lmdb_grow(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb)
{
    map_lock_write(lmdb);
    rind_status status = map_grow_locked(ctx, lmdb);
    map_unlock(lmdb);
    return status;
}
