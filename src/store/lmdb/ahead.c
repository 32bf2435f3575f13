/*
 * ahead.c - see lmdb.h: the file from its first byte to its last, into the system's cache.
 *
 * Whoever reads all rows in the order of their keys asks for one page here and one there, and waits
 * for each. Where there is memory for the whole file, reading it in its own order meanwhile is
 * several times faster. Where there is not, pages would be dropped before their turn came.
 */
#include "store/lmdb/lmdb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* Memory that the system could give away now; 0 if it does not say. */
static uint64_t ahead_memory_bytes(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kib * 1024;
}

static uint64_t ahead_file_bytes(struct rind_lmdb_engine *lmdb)
{
    MDB_txn *txn;
    MDB_envinfo info;
    MDB_stat stat;
    uint64_t size_bytes = 0;
    if (rind_lmdb_reader_take(lmdb, &txn) != 0) {
        return 0;
    }
    if (mdb_env_info(lmdb->env, &info) == 0 && mdb_env_stat(lmdb->env, &stat) == 0) {
        size_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    }
    rind_lmdb_reader_give(lmdb, txn);
    return size_bytes;
}

bool rind_lmdb_read_ahead(struct rind_engine *engine, uint64_t *position)
{
    struct rind_lmdb_engine *lmdb = rind_lmdb_of(engine);
    uint64_t size_bytes = ahead_file_bytes(lmdb);
    int fd;
    if (*position >= size_bytes || mdb_env_get_fd(lmdb->env, &fd) != 0 ||
        (*position == 0 && size_bytes > ahead_memory_bytes() / 2)) {
        return false;
    }
    if (posix_fadvise(fd, (off_t)*position, RIND_LMDB_AHEAD_BYTES, POSIX_FADV_WILLNEED) != 0) {
        return false;
    }
    *position += RIND_LMDB_AHEAD_BYTES;
    return true;
}
