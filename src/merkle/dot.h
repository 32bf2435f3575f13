/*
 * dot.h - a picture of a tree in the DOT language, for documentation and debugging.
 *
 * Spec: 03 section 14.
 */
#ifndef RIND_MERKLE_DOT_H
#define RIND_MERKLE_DOT_H

#include "base/base.h"
#include "wire/types.h"

/* Finds a node, or NULL. `self` is whatever the caller wants. */
typedef const struct rind_node *(*rind_dot_find)(void *self, const struct rind_node_key *key);

/*
 * Appends the picture of the tree below `root_hash` to `out`. Missing nodes are drawn dotted if
 * `is_missing_allowed`, else RIND_E_NOT_FOUND. RIND_E_CORRUPT for nodes that cannot be where they
 * are; RIND_E_LIMIT if `out` or the arena is full.
 */
rind_status rind_dot_write(struct rind_ctx *ctx, const struct rind_data_hash *root_hash,
                           rind_dot_find find, void *self, bool is_missing_allowed,
                           struct rind_buffer *out) RIND_MUST_USE;

#endif
