/*
 * store.h - everything a realm keeps outside its HSMs (docs/spec/04-store.md).
 *
 * Purpose: rows, keys and algorithms, written once over a small ordered key-value engine. Read in
 * this order: engine.h (the data model and its promises), keys.h, log.h (append, iterate, compact),
 * nodes.h (tree reads, cache), registry.h (leases, discovery, tenants), users.h (accounting,
 * statistics), then lmdb/ and memory.c (the engines).
 *
 * Trust: nothing read from a store is trusted; the HSM checks MACs and hashes. Malformed rows are
 * skipped or fail the one request.
 *
 * "Room to do better" of the specification's section 22, by number: 1-5, 7, 8, 12-14, 16 and 17 are
 * done as said there, 6 by rind_store_sweep_nodes. 9: ranges are sorted, and the LMDB engine skips
 * the empty ones without a seek (lmdb/read.c). 10, 11 and 15 concern the Bigtable engine; backoff
 * has no jitter, as one process has few calls of a kind in flight and contenders for one row do not
 * exist. 4: a failed entry of a bulk write belongs to the engine that has such answers.
 *
 * Unless stated otherwise every function may be called from many threads at once, its results lie
 * in ctx->arena, and it retries by the store policy (50 attempts, 10 ms doubling to 2 s)
 * until the earlier of 30 s and its deadline, then returns the last retryable error.
 */
#ifndef RIND_STORE_STORE_H
#define RIND_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "cloud/cloud.h"
#include "host/host.h"
#include "store/check.h"
#include "store/engine.h"
#include "store/flags.h"
#include "store/keys.h"
#include "store/log.h"
#include "store/nodes.h"
#include "store/registry.h"
#include "store/software.h"
#include "store/users.h"

#define RIND_STORE_DELETE_DELAY_MS 5000u /* grace for readers of removed nodes, section 11.5 */
/* Removed nodes awaiting deletion, above which appends wait: 100 MB. (The reference's 128 batches
 * would hold a process to 25 appends per second.) */
#define RIND_STORE_DELETE_QUEUE_KEYS_MAX (1u << 20)
#define RIND_STORE_LAST_WRITE_AGE_MS_MAX 3600000u
#define RIND_STORE_TIMEOUT_MS 30000u

struct rind_store;

/* Which Bigtable; for the engine `bigtable`. Texts and the URL are copied. */
/* Bigtable closes connections after an hour; ours are replaced before (spec section 3.3). */
#define RIND_BIGTABLE_AGE_NS (UINT64_C(55) * 60 * RIND_NS_PER_S)

struct rind_bigtable_options {
    const char *project;
    const char *instance;
    const struct rind_url *url; /* an emulator's; NULL: Google's endpoints */
    struct rind_google_flags google;
    uint64_t connection_age_ns; /* connections are replaced at it; 0: RIND_BIGTABLE_AGE_NS */
    const struct rind_log *log; /* NULL: silence; copied */
};

struct rind_store_options {
    size_t merkle_cache_nodes;    /* 0: 1; agents RIND_MERKLE_CACHE_NODES_AGENT */
    size_t merkle_cache_bytes;    /* 0: 2 KiB per node */
    uint32_t large_read_ranges;   /* 0: RIND_MERKLE_LARGE_READ_RANGES */
    uint32_t large_read_permits;  /* 0: RIND_MERKLE_LARGE_READ_PERMITS */
    uint64_t delete_delay_ms;     /* 0: RIND_STORE_DELETE_DELAY_MS; UINT64_MAX: not before close */
    uint64_t lmdb_map_size_bytes; /* first size of a new map; it grows. 0: 1 GiB */
    const struct rind_bigtable_options *bigtable; /* needed if the store is "bigtable" */
    const struct rind_store_clock *clock;         /* NULL: the machine's; must outlive the store */
    const struct rind_log *log;                   /* NULL: silence; copied */
    struct rind_metrics *metrics;                 /* NULL: none; must outlive the store */
};

/*
 * Opens the store `name` names: "lmdb:DIRECTORY" (created if missing; all processes of this machine
 * may share it), "bigtable" (which one is in the options) or "memory:" (empty, private to this
 * object). `options` may be NULL. A directory
 * that is not ours, of another version, with wrong owner or permissions, or on a full disk is left
 * untouched and named in the sentence. Starts the thread that deletes removed nodes.
 */
rind_status rind_store_open(struct rind_ctx *ctx, const char *name,
                            const struct rind_store_options *options,
                            struct rind_store **store) RIND_MUST_USE;

/* The same over an engine, which the store then owns (taken only on success). */
rind_status rind_store_open_engine(struct rind_ctx *ctx, struct rind_engine *engine_take,
                                   const struct rind_store_options *options,
                                   struct rind_store **store) RIND_MUST_USE;

/*
 * Refuses new removals, executes those queued (including their remaining delay, but no later than
 * the deadline; what is left over is only garbage) and then returns. A second call is refused with
 * RIND_E_CANCELLED.
 */
rind_status rind_store_finish_deletes(struct rind_ctx *ctx, struct rind_store *store,
                                      struct rind_deadline deadline) RIND_MUST_USE;

/* Ends the thread without waiting for queued removals, closes the engine. NULL is allowed. */
void rind_store_close(struct rind_store *store);

/* The engine below, for statistics, copies and upkeep. */
struct rind_engine *rind_store_engine(struct rind_store *store);

/* Creates discovery, lease, tenants; those that exist are fine. */
rind_status rind_store_create_shared_tables(struct rind_ctx *ctx, struct rind_store *store,
                                            struct rind_deadline deadline) RIND_MUST_USE;

/*
 * Creates a realm's merkle, log and users tables, in this order. RIND_E_EXISTS if one is there that
 * no earlier attempt of this call made.
 */
rind_status rind_store_create_realm_tables(struct rind_ctx *ctx, struct rind_store *store,
                                           const struct rind_realm_id *realm,
                                           struct rind_deadline deadline) RIND_MUST_USE;

/* Engine constructors, for rind_store_open and tests. */
rind_status rind_engine_open_memory(struct rind_ctx *ctx, const struct rind_store_clock *clock,
                                    struct rind_engine **engine) RIND_MUST_USE;
rind_status rind_engine_open_lmdb(struct rind_ctx *ctx, const char *directory,
                                  uint64_t map_size_bytes, const struct rind_store_clock *clock,
                                  struct rind_engine **engine) RIND_MUST_USE;

/* Connects to a Bigtable instance or emulator; RIND_E_AUTH, RIND_E_UNAVAILABLE, RIND_E_NOT_FOUND
 * name what is wrong and the flag that says so. */
rind_status rind_engine_open_bigtable(struct rind_ctx *ctx,
                                      const struct rind_bigtable_options *options,
                                      struct rind_engine **engine) RIND_MUST_USE;

/*
 * Copies all tables of `from` that are ours to `to`, which must have none of ours (RIND_E_EXISTS,
 * and nothing was written), cells and timestamps unchanged; then reads both sides and compares
 * (RIND_E_CORRUPT if they differ, which they also do if somebody writes). After a failure `to` is
 * to be thrown away. `progress` may be NULL.
 */
rind_status rind_store_copy(struct rind_ctx *ctx, struct rind_engine *from, struct rind_engine *to,
                            const struct rind_store_progress *progress,
                            struct rind_deadline deadline, uint64_t *rows_copied) RIND_MUST_USE;

#endif
