/* arena.c - see arena.h. */
#include "base/arena.h"

#include "base/assert.h"
#include "base/checked.h"
#include "base/wipe.h"

#define RIND_ARENA_ALIGNMENT_MAX 64u

void rind_arena_init(struct rind_arena *arena, void *memory, size_t size)
{
    RIND_ASSERT(arena != NULL);
    RIND_ASSERT(memory != NULL || size == 0);
    *arena = (struct rind_arena){.memory = memory, .size = size};
}

static void arena_note_used(struct rind_arena *arena)
{
    if (arena->used > arena->used_max) {
        arena->used_max = arena->used;
    }
}

void *rind_arena_alloc_aligned(struct rind_arena *arena, size_t size, size_t alignment)
{
    RIND_ASSERT(alignment != 0 && alignment <= RIND_ARENA_ALIGNMENT_MAX);
    RIND_ASSERT((alignment & (alignment - 1)) == 0);

    uintptr_t address = (uintptr_t)arena->memory + arena->used;
    size_t padding = (size_t)(-address & (alignment - 1));
    size_t needed;
    if (!rind_checked_add(padding, size, &needed) || needed > arena->size - arena->used) {
        arena->is_exhausted = true;
        return NULL;
    }
    uint8_t *bytes = arena->memory + arena->used + padding;
    arena->used += needed;
    arena_note_used(arena);
    memset(bytes, 0, size);
    return bytes;
}

void *rind_arena_alloc(struct rind_arena *arena, size_t size)
{
    return rind_arena_alloc_aligned(arena, size, alignof(max_align_t));
}

void *rind_arena_alloc_array(struct rind_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (!rind_checked_multiply(count, size, &total)) {
        arena->is_exhausted = true;
        return NULL;
    }
    return rind_arena_alloc(arena, total);
}

bool rind_arena_copy(struct rind_arena *arena, struct rind_slice source, struct rind_slice *copy)
{
    uint8_t *bytes = rind_arena_alloc_aligned(arena, source.length, 1);
    if (bytes == NULL) {
        *copy = rind_slice_make(NULL, 0);
        return false;
    }
    if (source.length > 0) {
        memcpy(bytes, source.data, source.length);
    }
    *copy = rind_slice_make(bytes, source.length);
    return true;
}

uint8_t *rind_arena_tail(struct rind_arena *arena, size_t *size)
{
    *size = arena->size - arena->used;
    return arena->memory + arena->used;
}

void rind_arena_take_tail(struct rind_arena *arena, size_t size)
{
    RIND_ASSERT(size <= arena->size - arena->used);
    arena->used += size;
    arena_note_used(arena);
}

void rind_arena_refuse_tail(struct rind_arena *arena, size_t size)
{
    size_t mark = arena->used;
    rind_arena_take_tail(arena, size);
    rind_arena_release(arena, mark);
}

size_t rind_arena_mark(const struct rind_arena *arena)
{
    return arena->used;
}

void rind_arena_release(struct rind_arena *arena, size_t mark)
{
    RIND_ASSERT(mark <= arena->used);
    if (arena->used > mark) {
        rind_wipe(arena->memory + mark, arena->used - mark);
    }
    arena->used = mark;
}

void rind_arena_reset(struct rind_arena *arena)
{
    rind_arena_release(arena, 0);
    arena->is_exhausted = false;
}

size_t rind_arena_free_bytes(const struct rind_arena *arena)
{
    return arena->size - arena->used;
}
