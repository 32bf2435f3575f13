/*
 * deletes.h - removing tree nodes some time after they became obsolete, so that slow readers of the
 * old root still find them (docs/spec/04-store.md section 11.5). For this folder only.
 *
 * One queue and one thread per store. Removals are executed in order once their delay is over, many
 * in one write. The queue is in memory: what is lost with the process is garbage, never data (see
 * sweep in section 22, 6).
 */
#ifndef RIND_STORE_DELETES_H
#define RIND_STORE_DELETES_H

#include "store/state.h"

/* limits */
/* A write stops growing once it has as many: neighbours in the tree share pages, so one large write
 * costs less than several small ones, but appends wait for it. */
#define RIND_DELETES_MERGED_KEYS_MAX 4096u
#define RIND_DELETES_INTERVAL_MS 1000u /* between writes: each costs a commit, none is urgent */
#define RIND_DELETES_COLLECT_INTERVAL_MS 60000u
#define RIND_DELETES_ARENA_SIZE (8u << 20)

/* The reader that was the oldest when we last looked. */
struct rind_reader_watch {
    uint32_t process;
    uint64_t id;
};

/* True if it still is, in the same transaction: then one look's interval is over and it has not
 * ended. Reads take milliseconds. */
bool rind_reader_watch_look(struct rind_reader_watch *watch,
                            const struct rind_engine_statistics *statistics);

/* Makes the queue of `store` and starts its thread. */
rind_status rind_deletes_open(struct rind_ctx *ctx, struct rind_store *store,
                              uint64_t delay_ms) RIND_MUST_USE;

/* Ends the thread; queued removals are dropped. */
void rind_deletes_close(struct rind_store *store);

/*
 * Queues the removal of nodes, each of the instance that the cache knows now. Waits while the queue
 * is full, until the deadline; then (or once finish was called) the nodes stay as garbage.
 */
void rind_deletes_push(struct rind_store *store, const struct rind_realm_id *realm,
                       const struct rind_slice *row_keys, size_t count,
                       struct rind_deadline deadline);

/* See rind_store_finish_deletes. */
rind_status rind_deletes_finish(struct rind_ctx *ctx, struct rind_store *store,
                                struct rind_deadline deadline) RIND_MUST_USE;

#endif
