/* node.c - see node.h. */
#include "merkle/node.h"

static bool node_branch_is_valid(const struct rind_branch *branch, enum rind_side side,
                                 unsigned position)
{
    return branch->prefix.length > 0 && rind_bits_is_valid(&branch->prefix) &&
           branch->prefix.length <= RIND_BITS_LENGTH_MAX - position &&
           rind_node_side(&branch->prefix, 0) == side;
}

bool rind_node_is_valid_at(const struct rind_interior_node *node, unsigned position)
{
    RIND_ASSERT(position <= RIND_BITS_LENGTH_MAX);
    if (position > 0 && !(node->has_left && node->has_right)) {
        return false;
    }
    return (!node->has_left || node_branch_is_valid(&node->left, RIND_SIDE_LEFT, position)) &&
           (!node->has_right || node_branch_is_valid(&node->right, RIND_SIDE_RIGHT, position));
}
