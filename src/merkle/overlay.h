/*
 * overlay.h - the newest root of a tree and a bounded window of the changes that led to it.
 *
 * The window lets the core accept proofs read from slightly older roots (spec 03 section 9): it
 * remembers every node that the last `capacity` - 1 changes added, and the roots they produced. It
 * lives in one block of fixed size that the caller provides. When that block cannot hold the nodes
 * of `capacity` - 1 changes (only with values or paths much larger than records have) the oldest
 * changes expire early; their proofs are then Stale, which hosts handle.
 *
 * Not thread-safe. Nothing is secret here: hashes and values are known to the host.
 */
#ifndef RIND_MERKLE_OVERLAY_H
#define RIND_MERKLE_OVERLAY_H

#include "base/base.h"

/* Below 2 no change could be remembered; above, the window would be no window any more. */
#define RIND_OVERLAY_CAPACITY_MIN 2u
#define RIND_OVERLAY_CAPACITY_MAX 65535u

struct rind_overlay; /* opaque, inside the caller's memory */
struct rind_tree_change;

/* Random bytes that keep a hostile host from choosing hashes that collide in the overlay's table.
 */
struct rind_overlay_seed {
    uint8_t bytes[32];
};

/*
 * Bytes of memory that an overlay of this capacity needs (7.9 KB per unit: 4.1 MB for 511; at least
 * 181 KB). `capacity` within RIND_OVERLAY_CAPACITY_MIN .. _MAX (asserted).
 */
size_t rind_overlay_size_bytes(uint32_t capacity);

/*
 * Makes an overlay in `memory` (aligned to 16, `size_bytes` at least rind_overlay_size_bytes) that
 * must outlive it; there is no fini. It knows no root until rind_overlay_open. RIND_E_INVALID with
 * capacity out of bounds or too little memory.
 */
rind_status rind_overlay_init(struct rind_ctx *ctx, void *memory, size_t size_bytes,
                              uint32_t capacity, const struct rind_overlay_seed *seed,
                              struct rind_overlay **overlay) RIND_MUST_USE;

/* Forgets everything and knows exactly `root_hash`: on becoming leader, after a split or merge. */
void rind_overlay_open(struct rind_overlay *overlay, const struct rind_data_hash *root_hash);

/*
 * Enters a change made by rind_tree_insert on this overlay's newest root (asserted), which becomes
 * the newest; expires the oldest one if the window is full. An empty change does nothing. Copies
 * what it keeps.
 */
void rind_overlay_add(struct rind_overlay *overlay, const struct rind_tree_change *change);

/* The newest root; borrowed until the next open or add. An overlay must be open (asserted). */
const struct rind_data_hash *rind_overlay_latest_root(const struct rind_overlay *overlay);

/* True if a proof from this root is accepted. */
bool rind_overlay_knows_root(const struct rind_overlay *overlay,
                             const struct rind_data_hash *root_hash);

#endif
