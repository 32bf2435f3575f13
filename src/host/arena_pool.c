/* arena_pool.c - see arena_pool.h. */
#include "host/arena_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/checked.h"
#include "host/thread.h"

#define ARENA_POOL_SIZE_BYTES (64u * 1024u * 1024u)
#define ARENA_POOL_KEPT_BYTES (256u * 1024u) /* above the common request with its proof */
#define ARENA_POOL_KEPT_COUNT 64u
#define ARENA_POOL_COUNT_MAX 4096u

/* Header and memory in one mapping: the header on the first page, so overruns hit the guard. */
struct arena_map {
    struct rind_arena arena; /* first: a struct rind_arena * from here is this mapping's address */
    size_t mapped_bytes;     /* the whole mapping, guard page included */
    struct arena_map *next;  /* in the pool's list */
};

struct rind_arena_pool {
    struct rind_mutex mutex; /* guards the three below; innermost */
    struct arena_map *kept;
    unsigned kept_count;
    unsigned out_count;
    struct rind_arena_pool_options options;
};

struct rind_arena_pool_options rind_arena_pool_options_default(void)
{
    return (struct rind_arena_pool_options){
        .arena_size_bytes = ARENA_POOL_SIZE_BYTES,
        .kept_bytes = ARENA_POOL_KEPT_BYTES,
        .kept_count = ARENA_POOL_KEPT_COUNT,
        .count_max = ARENA_POOL_COUNT_MAX,
    };
}

static size_t arena_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

rind_status rind_arena_map(struct rind_ctx *ctx, size_t size_bytes, struct rind_arena **arena)
{
    /* Layout: header page, the arena rounded up to pages, one page that faults on overrun. */
    size_t page = arena_page_size();
    size_t mapped_bytes;
    RIND_ASSERT(size_bytes > 0);
    RIND_REQUIRE(ctx, rind_checked_add(size_bytes, 3 * page, &mapped_bytes), RIND_E_LIMIT,
                 "arena of %zu bytes is too large", size_bytes);
    mapped_bytes = mapped_bytes / page * page;
    uint8_t *memory = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    RIND_REQUIRE(ctx, memory != MAP_FAILED, RIND_E_LIMIT, "could not map an arena of %zu bytes: %s",
                 size_bytes, strerror(errno));
    if (mprotect(memory + mapped_bytes - page, page, PROT_NONE) != 0) {
        int error = errno;
        (void)munmap(memory, mapped_bytes);
        return rind_fail(ctx, RIND_E_LIMIT, "could not guard an arena: %s", strerror(error));
    }
    struct arena_map *map = (struct arena_map *)(void *)memory;
    map->mapped_bytes = mapped_bytes;
    rind_arena_init(&map->arena, memory + page, mapped_bytes - 2 * page);
    *arena = &map->arena;
    return RIND_OK;
}

void rind_arena_map_reset(struct rind_arena *arena, size_t kept_bytes)
{
    size_t touched = arena->used_max;
    rind_arena_reset(arena);
    arena->used_max = 0;
    size_t page = arena_page_size();
    size_t kept_pages_bytes = (kept_bytes + page - 1) / page * page;
    if (touched > kept_pages_bytes) {
        size_t surplus = (touched - kept_pages_bytes + page - 1) / page * page;
        /* The pages read as zero afterwards; failure only means that they stay ours. */
        (void)madvise(arena->memory + kept_pages_bytes, surplus, MADV_DONTNEED);
    }
}

void rind_arena_unmap(struct rind_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    rind_arena_reset(arena);
    struct arena_map *map = (struct arena_map *)(void *)arena;
    int result = munmap(map, map->mapped_bytes);
    RIND_ASSERT(result == 0);
}

rind_status rind_arena_pool_open(struct rind_ctx *ctx,
                                 const struct rind_arena_pool_options *options,
                                 struct rind_arena_pool **pool)
{
    RIND_ASSERT(options->arena_size_bytes > 0 && options->count_max > 0);
    struct rind_arena_pool *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for an arena pool");
    rind_mutex_init(&made->mutex);
    made->options = *options;
    *pool = made;
    return RIND_OK;
}

void rind_arena_pool_close(struct rind_arena_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    RIND_ASSERT(pool->out_count == 0);
    while (pool->kept != NULL) {
        struct arena_map *map = pool->kept;
        pool->kept = map->next;
        rind_arena_unmap(&map->arena);
    }
    rind_mutex_fini(&pool->mutex);
    free(pool);
}

rind_status rind_arena_pool_take(struct rind_ctx *ctx, struct rind_arena_pool *pool,
                                 struct rind_arena **arena)
{
    rind_mutex_lock(&pool->mutex);
    bool is_allowed = pool->out_count < pool->options.count_max;
    struct arena_map *map = is_allowed ? pool->kept : NULL;
    if (map != NULL) {
        pool->kept = map->next;
        pool->kept_count--;
    }
    pool->out_count += is_allowed ? 1 : 0;
    rind_mutex_unlock(&pool->mutex);

    RIND_REQUIRE(ctx, is_allowed, RIND_E_LIMIT, "all %u request arenas are in use",
                 pool->options.count_max);
    if (map != NULL) {
        *arena = &map->arena;
        return RIND_OK;
    }
    rind_status status = rind_arena_map(ctx, pool->options.arena_size_bytes, arena);
    if (!rind_is_ok(status)) {
        rind_mutex_lock(&pool->mutex);
        pool->out_count--;
        rind_mutex_unlock(&pool->mutex);
    }
    return status;
}

void rind_arena_pool_give(struct rind_arena_pool *pool, struct rind_arena *arena)
{
    RIND_ASSERT(arena != NULL);
    rind_arena_map_reset(arena, pool->options.kept_bytes);
    struct arena_map *map = (struct arena_map *)(void *)arena;
    rind_mutex_lock(&pool->mutex);
    RIND_ASSERT(pool->out_count > 0);
    pool->out_count--;
    bool is_kept = pool->kept_count < pool->options.kept_count;
    if (is_kept) {
        map->next = pool->kept;
        pool->kept = map;
        pool->kept_count++;
    }
    rind_mutex_unlock(&pool->mutex);
    if (!is_kept) {
        rind_arena_unmap(arena);
    }
}
