/*
 * ring.h - a queue of bytes in memory of fixed size. For this room and its tests.
 *
 * Bytes are appended at the end and dropped from the front; a position names a byte until it is
 * dropped. Trusts its callers: what does not fit or is not there is asserted.
 */
#ifndef RIND_MERKLE_RING_H
#define RIND_MERKLE_RING_H

#include "base/base.h"

struct rind_ring {
    uint8_t *memory; /* borrowed */
    uint32_t size;
    uint32_t first; /* position of the oldest byte */
    uint32_t used;
};

/* The position `distance` (at most size) bytes after `position`. */
static inline uint32_t rind_ring_after(const struct rind_ring *ring, uint32_t position,
                                       uint32_t distance)
{
    RIND_ASSERT(position < ring->size && distance <= ring->size);
    uint32_t to_end = ring->size - position;
    return distance < to_end ? position + distance : distance - to_end;
}

/* Where the next byte will be appended. */
static inline uint32_t rind_ring_end(const struct rind_ring *ring)
{
    return rind_ring_after(ring, ring->first, ring->used);
}

static inline uint32_t rind_ring_free(const struct rind_ring *ring)
{
    return ring->size - ring->used;
}

/* Appends `size` bytes, which fit. */
void rind_ring_append(struct rind_ring *ring, const void *bytes, uint32_t size);

/* Copies `size` bytes from `position` on to `out`; returns the position after them. */
uint32_t rind_ring_read(const struct rind_ring *ring, uint32_t position, void *out, uint32_t size);

/* True if the bytes from `position` on are these. */
bool rind_ring_equal(const struct rind_ring *ring, uint32_t position, const void *bytes,
                     uint32_t size);

/* Drops the `size` oldest bytes. */
void rind_ring_drop(struct rind_ring *ring, uint32_t size);

#endif
