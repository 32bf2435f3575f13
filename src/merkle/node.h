/*
 * node.h - an interior node's branches by side. For this room and its tests.
 */
#ifndef RIND_MERKLE_NODE_H
#define RIND_MERKLE_NODE_H

#include "merkle/bits.h"
#include "wire/types.h"

static inline enum rind_side rind_side_other(enum rind_side side)
{
    return side == RIND_SIDE_LEFT ? RIND_SIDE_RIGHT : RIND_SIDE_LEFT;
}

/* The branch on `side`, or NULL. */
static inline const struct rind_branch *rind_node_branch(const struct rind_interior_node *node,
                                                         enum rind_side side)
{
    if (side == RIND_SIDE_LEFT) {
        return node->has_left ? &node->left : NULL;
    }
    return node->has_right ? &node->right : NULL;
}

/* The side that bit `index` of `bits` leads to. */
static inline enum rind_side rind_node_side(const struct rind_bit_vector *bits, unsigned index)
{
    return rind_bits_get(bits, index) == 0 ? RIND_SIDE_LEFT : RIND_SIDE_RIGHT;
}

/* Puts a branch on the side its prefix (not empty) says, replacing one that is there. */
static inline void rind_node_set_branch(struct rind_interior_node *node,
                                        const struct rind_bit_vector *prefix,
                                        const struct rind_data_hash *hash)
{
    bool is_left = rind_node_side(prefix, 0) == RIND_SIDE_LEFT;
    struct rind_branch *branch = is_left ? &node->left : &node->right;
    branch->prefix = *prefix;
    branch->hash = *hash;
    if (is_left) {
        node->has_left = true;
    } else {
        node->has_right = true;
    }
}

/*
 * True if `node`, met after `position` bits, can be part of a tree: prefixes are canonical, not
 * empty, on their side and within 256 bits of the root, and only the root lacks branches.
 */
bool rind_node_is_valid_at(const struct rind_interior_node *node, unsigned position);

#endif
