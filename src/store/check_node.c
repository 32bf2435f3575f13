/* check_node.c - see check_walk.h: is a stored row the node that its parent says it is? */
#include "merkle/merkle.h"
#include "store/check_walk.h"
#include "wire/wire.h"

static void node_make(const struct rind_bit_vector *prefix, const struct rind_data_hash *hash,
                      uint32_t tree, struct rind_check_node *node)
{
    node->prefix = *prefix;
    node->hash = *hash;
    node->tree = tree;
    rind_row_key_encode(prefix, hash, &node->row_key);
}

void rind_check_node_root(const struct rind_check_walk *walk, uint32_t tree,
                          struct rind_check_node *root)
{
    const struct rind_bit_vector prefix = {0};
    node_make(&prefix, &walk->trees[tree].partition.root_hash, tree, root);
}

/* A branch that can hang on this side of a node with this prefix. */
static bool node_has_branch(const struct rind_bit_vector *prefix, const struct rind_branch *branch,
                            unsigned side)
{
    return rind_bits_is_valid(&branch->prefix) && branch->prefix.length > 0 &&
           prefix->length + branch->prefix.length <= 256u &&
           rind_bits_get(&branch->prefix, 0) == side;
}

/* Whether an interior node is right where it is; before anything is computed from it. */
static bool node_is_interior(const struct rind_check_walk *walk, const struct rind_check_node *node,
                             const struct rind_interior_node *interior)
{
    bool is_root = node->prefix.length == 0;
    struct rind_data_hash hash;
    if ((interior->has_left && !node_has_branch(&node->prefix, &interior->left, 0)) ||
        (interior->has_right && !node_has_branch(&node->prefix, &interior->right, 1)) ||
        (!is_root && !(interior->has_left && interior->has_right))) {
        return false;
    }
    if (is_root) {
        rind_hash_root(&walk->trees[node->tree].partition.range, interior, &hash);
    } else {
        rind_hash_interior(interior, &hash);
    }
    return rind_data_hash_equal(&hash, &node->hash);
}

static bool node_is_leaf(const struct rind_check_node *node, const struct rind_leaf_node *leaf)
{
    struct rind_record_id record;
    struct rind_data_hash hash;
    if (node->prefix.length != 256u) {
        return false;
    }
    memcpy(record.bytes, node->prefix.bits, sizeof(record.bytes));
    rind_hash_leaf(&record, leaf->value, &hash);
    return rind_data_hash_equal(&hash, &node->hash);
}

static bool node_is_cell(struct rind_ctx *ctx, const struct rind_check_walk *walk,
                         const struct rind_check_node *node, struct rind_slice value,
                         struct rind_node *decoded)
{
    if (!rind_is_ok(rind_wire_decode_whole(ctx, &rind_node_schema, value, decoded))) {
        return false;
    }
    return decoded->kind == RIND_NODE_LEAF ? node_is_leaf(node, &decoded->leaf)
                                           : node_is_interior(walk, node, &decoded->interior);
}

static void node_child(const struct rind_check_node *node, const struct rind_branch *branch,
                       struct rind_check_node *child)
{
    struct rind_bit_vector place = rind_bits_concat(&node->prefix, &branch->prefix);
    node_make(&place, &branch->hash, node->tree, child);
}

bool rind_check_node_is_right(struct rind_ctx *ctx, const struct rind_check_walk *walk,
                              const struct rind_check_node *node, const struct rind_row *row,
                              struct rind_check_node children[2], size_t *child_count,
                              bool *is_leaf)
{
    struct rind_node decoded;
    for (size_t i = 0; i < row->cell_count; i++) {
        if (!node_is_cell(ctx, walk, node, row->cells[i].value, &decoded)) {
            return false;
        }
    }
    *child_count = 0;
    *is_leaf = decoded.kind == RIND_NODE_LEAF;
    if (*is_leaf) {
        return true;
    }
    if (decoded.interior.has_right) {
        node_child(node, &decoded.interior.right, &children[(*child_count)++]);
    }
    if (decoded.interior.has_left) {
        node_child(node, &decoded.interior.left, &children[(*child_count)++]);
    }
    return true;
}
