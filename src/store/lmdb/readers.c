/*
 * readers.c - see lmdb.h: who reads, and since when.
 *
 * A read transaction keeps every page that was in use when it began: until it ends the file grows
 * by all that is written. Ours are short, but a process may be stopped within one.
 */
#include "store/lmdb/lmdb.h"

#include <inttypes.h>
#include <stdio.h>

struct oldest {
    uint32_t process;
    uint64_t txn; /* UINT64_MAX: nobody reads */
};

/* One line of LMDB's list: process, thread, transaction; "-" in place of it for a free slot. The
 * first line has the columns' names. */
static int reader_line(const char *line, void *self)
{
    struct oldest *oldest = self;
    uint32_t process;
    uint64_t txn;
    if (sscanf(line, "%" SCNu32 " %*s %" SCNu64, &process, &txn) == 2 && txn < oldest->txn) {
        *oldest = (struct oldest){process, txn};
    }
    return 0;
}

void rind_lmdb_readers_oldest(struct rind_lmdb_engine *lmdb, uint64_t txn_last,
                              struct rind_engine_statistics *statistics)
{
    struct oldest oldest = {0, UINT64_MAX};
    if (mdb_reader_list(lmdb->env, reader_line, &oldest) < 0 || oldest.process == 0 ||
        oldest.txn >= txn_last) {
        return; /* nobody reads what is not the newest */
    }
    statistics->reader_oldest_process = oldest.process;
    statistics->reader_oldest_id = oldest.txn;
    statistics->reader_oldest_commits = txn_last - oldest.txn;
}
