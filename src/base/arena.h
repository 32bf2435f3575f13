/*
 * arena.h - bump allocation inside memory of fixed size.
 *
 * A request's objects live and die together: they are taken from one arena and released by
 * resetting it. There is no free. An arena never grows: when it is full, allocation returns NULL,
 * an ordinary error (RIND_E_LIMIT) for the caller, and `is_exhausted` stays set until reset even if
 * a caller overlooks the NULL. Not thread-safe: one arena, one thread.
 */
#ifndef RIND_BASE_ARENA_H
#define RIND_BASE_ARENA_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct rind_arena {
    uint8_t *memory; /* borrowed from whoever called init */
    size_t size;
    size_t used;
    size_t used_max; /* high-water mark since init, for measuring */
    bool is_exhausted;
};

/* Makes an empty arena of `size` bytes over `memory`, which must outlive it. */
void rind_arena_init(struct rind_arena *arena, void *memory, size_t size);

/*
 * `size` zeroed bytes aligned to `alignment` (a power of two, at most 64), or NULL when the arena
 * is full. A size of 0 gives a valid, unique-enough pointer.
 */
void *rind_arena_alloc_aligned(struct rind_arena *arena, size_t size, size_t alignment);

/* As rind_arena_alloc_aligned, aligned for any type. */
void *rind_arena_alloc(struct rind_arena *arena, size_t size);

/* `count` elements of `size` bytes; NULL too when count * size overflows. */
void *rind_arena_alloc_array(struct rind_arena *arena, size_t count, size_t size);

/* A copy of the slice's bytes in the arena; `copy->data` is NULL on failure (returns false). */
bool rind_arena_copy(struct rind_arena *arena, struct rind_slice source, struct rind_slice *copy);

/*
 * For a writer that does not know beforehand how much it will write: the `*size` bytes that are
 * free, not zeroed, not aligned. It writes there from the start on, and then takes the first so
 * many bytes, or none. Nothing else may be allocated in between.
 */
uint8_t *rind_arena_tail(struct rind_arena *arena, size_t *size);
void rind_arena_take_tail(struct rind_arena *arena, size_t size);

/* The writer gives up after `size` bytes, which are wiped. */
void rind_arena_refuse_tail(struct rind_arena *arena, size_t size);

/* The current fill, to come back to with rind_arena_release. */
size_t rind_arena_mark(const struct rind_arena *arena);

/* Gives back everything allocated since `mark`. The bytes are wiped: they may have been secret. */
void rind_arena_release(struct rind_arena *arena, size_t mark);

/* Gives back everything and clears is_exhausted. Wipes what was used. */
void rind_arena_reset(struct rind_arena *arena);

/* Bytes still free, ignoring alignment. */
size_t rind_arena_free_bytes(const struct rind_arena *arena);

#endif
