/* ring.c - see ring.h. */
#include "merkle/ring.h"

/* How many of `size` bytes from `position` on lie before the wrap. */
static uint32_t ring_before_wrap(const struct rind_ring *ring, uint32_t position, uint32_t size)
{
    uint32_t to_end = ring->size - position;
    return size < to_end ? size : to_end;
}

void rind_ring_append(struct rind_ring *ring, const void *bytes, uint32_t size)
{
    RIND_ASSERT(size <= rind_ring_free(ring));
    if (size == 0) {
        return; /* bytes may be NULL */
    }
    uint32_t position = rind_ring_end(ring);
    uint32_t first = ring_before_wrap(ring, position, size);
    memcpy(ring->memory + position, bytes, first);
    memcpy(ring->memory, (const uint8_t *)bytes + first, size - first);
    ring->used += size;
}

uint32_t rind_ring_read(const struct rind_ring *ring, uint32_t position, void *out, uint32_t size)
{
    uint32_t after = rind_ring_after(ring, position, size);
    if (size > 0) {
        uint32_t first = ring_before_wrap(ring, position, size);
        memcpy(out, ring->memory + position, first);
        memcpy((uint8_t *)out + first, ring->memory, size - first);
    }
    return after;
}

bool rind_ring_equal(const struct rind_ring *ring, uint32_t position, const void *bytes,
                     uint32_t size)
{
    RIND_ASSERT(position < ring->size && size <= ring->size);
    if (size == 0) {
        return true; /* bytes may be NULL */
    }
    uint32_t first = ring_before_wrap(ring, position, size);
    return memcmp(ring->memory + position, bytes, first) == 0 &&
           memcmp(ring->memory, (const uint8_t *)bytes + first, size - first) == 0;
}

void rind_ring_drop(struct rind_ring *ring, uint32_t size)
{
    RIND_ASSERT(size <= ring->used);
    ring->first = rind_ring_after(ring, ring->first, size);
    ring->used -= size;
}
