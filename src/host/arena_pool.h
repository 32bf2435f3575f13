/*
 * arena_pool.h - request arenas backed by mmap, and a small pool of them.
 *
 * An arena reserves a large range of addresses (enough for the largest request) but only pages that
 * are written cost memory. When it comes back it is wiped and the pages above `kept_bytes` are
 * returned to the system, so one 16 MiB request leaves nothing behind. Pool: thread-safe; an arena
 * taken from it belongs to one thread at a time.
 */
#ifndef RIND_HOST_ARENA_POOL_H
#define RIND_HOST_ARENA_POOL_H

#include "base/arena.h"
#include "base/status.h"

struct rind_arena_pool; /* opaque */

struct rind_arena_pool_options {
    size_t arena_size_bytes; /* reserved per arena; rounded up to pages */
    size_t kept_bytes;       /* memory a returned arena may keep for the next request */
    unsigned kept_count;     /* returned arenas kept; more are unmapped */
    unsigned count_max;      /* arenas out at one time, above which take fails */
};

/* Enough for a request of 16 MiB, its decoded form and its answer. */
struct rind_arena_pool_options rind_arena_pool_options_default(void);

rind_status rind_arena_pool_open(struct rind_ctx *ctx,
                                 const struct rind_arena_pool_options *options,
                                 struct rind_arena_pool **pool) RIND_MUST_USE;

/* All arenas must have been given back. NULL is allowed. */
void rind_arena_pool_close(struct rind_arena_pool *pool);

/* An empty arena, or RIND_E_LIMIT when count_max are out or the system has no memory. */
rind_status rind_arena_pool_take(struct rind_ctx *ctx, struct rind_arena_pool *pool,
                                 struct rind_arena **arena) RIND_MUST_USE;

/* Wipes the arena and takes it back. Everything allocated from it is gone. */
void rind_arena_pool_give(struct rind_arena_pool *pool, struct rind_arena *arena);

/* A single mmap-backed arena without a pool; for long-lived jobs that reset it per round. */
rind_status rind_arena_map(struct rind_ctx *ctx, size_t size_bytes,
                           struct rind_arena **arena) RIND_MUST_USE;
/* Wipes it; pages above kept_bytes go back to the system. */
void rind_arena_map_reset(struct rind_arena *arena, size_t kept_bytes);
/* NULL is allowed. */
void rind_arena_unmap(struct rind_arena *arena);

#endif
