/*
 * lmdb.h - the LMDB engine's parts, for the files of this folder only.
 *
 * One directory holds the store of one machine; all its processes open it together:
 *
 *   data.mdb    LMDB's file, with two databases:
 *                 tables   "format" -> magic and version
 *                          kind (1) || realm (16) -> table number (4, big-endian)
 *                 rows     table number (4) || row key -> the row (store/cells.h)
 *   lock.mdb    LMDB's readers and its writer lock (robust: a killed holder does not block others)
 *   changes     change counts, mapped by all processes (changes.c), and the writers' gate (gate.c)
 *
 * Writing (write.c): threads queue requests; one of them becomes the leader, applies all that are
 * queued in one transaction and commits: one fsync for the batch, which is the time in which the
 * next batch gathers. LMDB's commit is copy-on-write with two alternating meta pages: after a kill
 * or a power cut at any moment the file holds either the state before or after, never a mixture.
 *
 * The map (map.c): a file cannot grow beyond the mapping of it. On MDB_MAP_FULL the leader aborts,
 * waits until no transaction of this process is open, maps more and applies the batch again. Other
 * processes learn of it from MDB_MAP_RESIZED when they next begin a transaction.
 *
 * Never open one directory twice in one process, and never use an engine in a forked child: LMDB's
 * file locks belong to the process.
 */
#ifndef RIND_STORE_LMDB_LMDB_H
#define RIND_STORE_LMDB_LMDB_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "host/thread.h"
#include "store/cells.h"
#include "store/store.h"

/* limits */
#define RIND_LMDB_FORMAT_VERSION 1u
#define RIND_LMDB_MAP_SIZE_FIRST (1ull << 30)
#define RIND_LMDB_MAP_SIZE_MIN (1ull << 16)
#define RIND_LMDB_MAP_STEP_MAX (16ull << 30) /* doubles up to this step */
#define RIND_LMDB_READERS_MAX 4096u          /* of all processes at one moment */
#define RIND_LMDB_READERS_IDLE_MAX 64u       /* kept per process for the next read */
#define RIND_LMDB_BATCH_REQUESTS_MAX 64u
#define RIND_LMDB_ATTEMPTS_MAX 64u /* to begin or apply while the map keeps growing under us */
#define RIND_LMDB_TABLE_NUMBER_SIZE 4u
#define RIND_LMDB_KEY_SIZE_MAX (RIND_LMDB_TABLE_NUMBER_SIZE + RIND_ENGINE_KEY_SIZE_BYTES_MAX)
#define RIND_LMDB_TABLE_KEY_SIZE 17u
#define RIND_LMDB_TABLES_MAX 65536u
#define RIND_LMDB_TOPICS 1024u
#define RIND_LMDB_TOPIC_POLL_MS                                                                    \
    250u /* a killed writer may leave a change unannounced for so long */
#define RIND_LMDB_GATE_POLL_MS                                                                     \
    20u /* a killed writer may leave the gate's waiters unwoken so long */
#define RIND_LMDB_AHEAD_BYTES (128u << 10) /* per step: what every kernel reads ahead at once */
#define RIND_LMDB_COLLECT_ROWS_MAX 1024u   /* per step */
#define RIND_LMDB_COLLECT_GROUPS_MAX 65536u

struct rind_lmdb_request; /* write.c */

/* What all processes map of the file `changes`. */
struct rind_lmdb_shared {
    _Atomic uint32_t topics[RIND_LMDB_TOPICS];
    _Atomic uint32_t gate_sequence; /* how often the gate was left; waiters sleep on it */
    _Atomic uint32_t gate_waiters;  /* at least as many as there are */
    _Atomic uint32_t gate_holder;   /* process id, for people; 0: nobody */
};

struct rind_lmdb_engine {
    struct rind_engine engine;
    const struct rind_store_clock *clock;
    char *directory;
    MDB_env *env;
    MDB_dbi tables;
    MDB_dbi rows;

    /* Held for reading while this process has a transaction open (LMDB's rule is that none is while
     * the map changes), for writing while the map changes. Taken before LMDB's own locks. Held over
     * I/O on purpose: it protects the mapping that the I/O goes through. */
    pthread_rwlock_t map_lock;

    struct rind_mutex readers_mutex; /* guards the next two; nothing is taken while held */
    MDB_txn *readers_idle[RIND_LMDB_READERS_IDLE_MAX];
    size_t readers_idle_count;

    struct rind_mutex queue_mutex; /* guards the next five; nothing is taken while held */
    struct rind_cond queue_cond;   /* a batch was done */
    struct rind_lmdb_request *queue_first;
    struct rind_lmdb_request **queue_end;
    bool has_leader;

    /* The leader's alone. */
    struct rind_cells_scratch scratch;
    uint64_t topics_changed[RIND_LMDB_TOPICS / 64];

    struct rind_lmdb_shared *shared; /* mapped file `changes` */
    int gate_fd;                     /* the same file, whose lock is the gate; -1: not open yet */
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t requests;
    atomic_uint_fast64_t reads;
};

static inline struct rind_lmdb_engine *rind_lmdb_of(struct rind_engine *engine)
{
    return (struct rind_lmdb_engine *)engine;
}

/* ---- directory.c: is this a directory we may use, and is what lies in it ours? ---- */

/* Creates the directory if missing, checks owner, permissions and file system, reserves lock.mdb.
 */
rind_status rind_lmdb_directory_prepare(struct rind_ctx *ctx, const char *directory) RIND_MUST_USE;
/* Makes new directory entries durable. */
rind_status rind_lmdb_directory_sync(struct rind_ctx *ctx, const char *directory) RIND_MUST_USE;
/* Opens DIRECTORY/changes for reading and writing, its space reserved. */
rind_status rind_lmdb_directory_open_changes(struct rind_ctx *ctx, const char *directory,
                                             size_t size, int *fd) RIND_MUST_USE;
/* The status and sentence for an error number of LMDB or the system. */
rind_status rind_lmdb_fail(struct rind_ctx *ctx, const char *directory, int error,
                           const char *doing) RIND_MUST_USE;
/* The same for a failed commit. Unless it is known to be undone, its outcome is unknown. */
rind_status rind_lmdb_fail_commit(struct rind_ctx *ctx, const char *directory, int error,
                                  bool is_undone) RIND_MUST_USE;

/* ---- map.c: transactions and the size of the map ---- */

/* Begins a transaction and takes map_lock for reading. Writing ones: flags 0. An LMDB error. */
int rind_lmdb_begin(struct rind_lmdb_engine *lmdb, unsigned flags, MDB_txn **txn);
/* Commits or aborts, and releases map_lock. */
int rind_lmdb_commit(struct rind_lmdb_engine *lmdb, MDB_txn *txn);
void rind_lmdb_abort(struct rind_lmdb_engine *lmdb, MDB_txn *txn);
/* A read transaction from the idle ones, and back. */
int rind_lmdb_reader_take(struct rind_lmdb_engine *lmdb, MDB_txn **txn);
void rind_lmdb_reader_give(struct rind_lmdb_engine *lmdb, MDB_txn *txn);
/* Frees the idle ones. */
void rind_lmdb_readers_free(struct rind_lmdb_engine *lmdb);
/* Makes the map larger; no transaction of the calling thread may be open. */
rind_status rind_lmdb_grow(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb) RIND_MUST_USE;

/* ---- gate.c ---- */

/*
 * Waits until no other process writes. LMDB's own writer lock is robust against killed holders but
 * its wait has no deadline: behind a process that was stopped in a transaction it never ends. So
 * leaders come through this gate first, and find LMDB's lock free. False after the deadline (one
 * attempt is made in any case). One thread per process at a time.
 */
bool rind_lmdb_gate_enter(struct rind_lmdb_engine *lmdb, struct rind_deadline deadline);
void rind_lmdb_gate_leave(struct rind_lmdb_engine *lmdb);
/* The sentence for a gate that stayed closed. */
rind_status rind_lmdb_gate_busy(struct rind_ctx *ctx,
                                const struct rind_lmdb_engine *lmdb) RIND_MUST_USE;

/* futex(2) on a word that processes share. */
long rind_lmdb_futex(_Atomic uint32_t *word, int operation, uint32_t value,
                     const struct timespec *timeout);
/* Sleeps while the word is `value`, until woken or the deadline; may return early. */
void rind_lmdb_futex_wait(_Atomic uint32_t *word, uint32_t value, struct rind_deadline deadline);

/* ---- tables.c ---- */

/* Opens the databases, creating them in a new file; checks magic and version. */
rind_status rind_lmdb_tables_open(struct rind_ctx *ctx,
                                  struct rind_lmdb_engine *lmdb) RIND_MUST_USE;
/* The table's number; an LMDB error, MDB_NOTFOUND if there is none. */
int rind_lmdb_table_number(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                           const struct rind_table *table, uint32_t *number);
/* Creates it; MDB_KEYEXIST if it is there. */
int rind_lmdb_table_create(struct rind_lmdb_engine *lmdb, MDB_txn *txn,
                           const struct rind_table *table);
/* The sentence for a table that is missing. */
rind_status rind_lmdb_table_missing(struct rind_ctx *ctx,
                                    const struct rind_table *table) RIND_MUST_USE;
rind_status rind_lmdb_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                  struct rind_deadline deadline,
                                  struct rind_tables *tables) RIND_MUST_USE;

/* Table number and row key as one key; returns its size. */
size_t rind_lmdb_key(uint32_t number, struct rind_slice row_key,
                     uint8_t key[static RIND_LMDB_KEY_SIZE_MAX]);

/* ---- read.c, write.c, collect.c, changes.c, ahead.c: the engine's functions ---- */

rind_status rind_lmdb_read(struct rind_ctx *ctx, struct rind_engine *engine,
                           const struct rind_read *read, struct rind_deadline deadline,
                           struct rind_rows *rows) RIND_MUST_USE;
rind_status rind_lmdb_write(struct rind_ctx *ctx, struct rind_engine *engine,
                            const struct rind_write *write,
                            struct rind_deadline deadline) RIND_MUST_USE;
rind_status rind_lmdb_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_test_and_write *request,
                                     struct rind_deadline deadline, bool *was_true) RIND_MUST_USE;
rind_status rind_lmdb_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                   const struct rind_table *table,
                                   struct rind_deadline deadline) RIND_MUST_USE;
rind_status rind_lmdb_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                              struct rind_deadline deadline, uint64_t *removed) RIND_MUST_USE;

/* readers.c: sets the statistics' reader_oldest_*, if somebody reads an older state. */
void rind_lmdb_readers_oldest(struct rind_lmdb_engine *lmdb, uint64_t txn_last,
                              struct rind_engine_statistics *statistics);
bool rind_lmdb_read_ahead(struct rind_engine *engine, uint64_t *position);

/* Deletes those of `keys` (with table numbers) that are still old tombstones, in one request. */
struct rind_lmdb_tombstone {
    uint8_t key[RIND_LMDB_TABLE_NUMBER_SIZE + RIND_LOG_KEY_SIZE];
};
rind_status rind_lmdb_delete_tombstones(struct rind_ctx *ctx, struct rind_lmdb_engine *lmdb,
                                        const struct rind_lmdb_tombstone *tombstones, size_t count,
                                        int64_t before_us, struct rind_deadline deadline,
                                        uint64_t *removed) RIND_MUST_USE;
int64_t rind_lmdb_tombstones_before_us(const struct rind_lmdb_engine *lmdb);

rind_status rind_lmdb_changes_open(struct rind_ctx *ctx,
                                   struct rind_lmdb_engine *lmdb) RIND_MUST_USE;
void rind_lmdb_changes_close(struct rind_lmdb_engine *lmdb);
/* Bumps the topics marked in topics_changed, wakes their watchers and clears the marks. */
void rind_lmdb_changes_announce(struct rind_lmdb_engine *lmdb);
uint32_t rind_lmdb_change_count(struct rind_engine *engine, uint32_t topic);
void rind_lmdb_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                           struct rind_deadline deadline);
void rind_lmdb_wake(struct rind_engine *engine);

#endif
