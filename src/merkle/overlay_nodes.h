/*
 * overlay_nodes.h - reading the nodes an overlay remembers. For this room and its tests.
 */
#ifndef RIND_MERKLE_OVERLAY_NODES_H
#define RIND_MERKLE_OVERLAY_NODES_H

#include "base/base.h"
#include "merkle/overlay.h"
#include "wire/types.h"

enum rind_overlay_kind {
    RIND_OVERLAY_LEAF = 1,
    RIND_OVERLAY_INTERIOR,
    RIND_OVERLAY_ROOT,
};

/* A node in the overlay's memory; valid until the next open or add. */
struct rind_overlay_node {
    enum rind_overlay_kind kind;
    uint32_t position;
    uint32_t content_size;
};

/* True and *node if a retained change added a node of this hash. */
bool rind_overlay_find(const struct rind_overlay *overlay, const struct rind_data_hash *hash,
                       struct rind_overlay_node *node);

/*
 * The same, looking first right behind `parent` (NULL: nowhere first), a node that was found: a
 * change adds its path from the root down, so the child that changed with its parent lies there.
 */
bool rind_overlay_find_below(const struct rind_overlay *overlay,
                             const struct rind_overlay_node *parent,
                             const struct rind_data_hash *hash, struct rind_overlay_node *node);

/* The content of an interior or root node. */
void rind_overlay_read_interior(const struct rind_overlay *overlay,
                                const struct rind_overlay_node *node,
                                struct rind_interior_node *interior);

/* The content_size bytes of a leaf's value. */
void rind_overlay_read_value(const struct rind_overlay *overlay,
                             const struct rind_overlay_node *node, uint8_t *value);

/*
 * True if the interior node has exactly this content: then its hash need not be computed again. For
 * nodes below the root: the root's hash covers the range too, which is not kept here.
 */
bool rind_overlay_is_interior(const struct rind_overlay *overlay,
                              const struct rind_overlay_node *node,
                              const struct rind_interior_node *interior);
/* The same for a leaf, whose hash covers its key: the caller must have come by an authentic path.
 */
bool rind_overlay_is_value(const struct rind_overlay *overlay, const struct rind_overlay_node *node,
                           struct rind_slice value);

/* How many changes and nodes are retained (a node twice added counts twice). */
uint32_t rind_overlay_change_count(const struct rind_overlay *overlay);
uint32_t rind_overlay_node_count(const struct rind_overlay *overlay);

/*
 * These only make faster what comes next. The table is larger than the caches near the processor: a
 * node of this hash will be looked up or added; and a change will be added, which expires others.
 */
void rind_overlay_expect(const struct rind_overlay *overlay, const struct rind_data_hash *hash);
void rind_overlay_expect_change(const struct rind_overlay *overlay);

#endif
