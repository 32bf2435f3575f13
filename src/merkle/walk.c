/* walk.c - see walk.h. */
#include "merkle/walk.h"

#include "merkle/node.h"
#include "wire/range.h"

static void walk_start(struct rind_walk *walk, const struct rind_owned_range *range,
                       const struct rind_data_hash *root_hash)
{
    walk->range = *range;
    walk->root_hash = *root_hash;
    walk->wanted_hash = *root_hash;
    walk->position = 0;
    walk->is_done = false;
    walk->path_count = 0;
    walk->leaf = NULL;
}

void rind_walk_start_record(struct rind_walk *walk, const struct rind_owned_range *range,
                            const struct rind_data_hash *root_hash,
                            const struct rind_record_id *key)
{
    walk_start(walk, range, root_hash);
    walk->is_edge = false;
    walk->side = RIND_SIDE_LEFT;
    walk->path_bits = rind_bits_of_record_id(key);
}

void rind_walk_start_edge(struct rind_walk *walk, const struct rind_owned_range *range,
                          const struct rind_data_hash *root_hash, enum rind_side side)
{
    walk_start(walk, range, root_hash);
    walk->is_edge = true;
    walk->side = side;
    walk->path_bits = (struct rind_bit_vector){.length = 0};
}

bool rind_walk_wants(const struct rind_walk *walk, struct rind_node_key *wanted)
{
    if (walk->is_done) {
        return false;
    }
    wanted->prefix = rind_bits_slice(&walk->path_bits, 0, walk->position);
    wanted->hash = walk->wanted_hash;
    return true;
}

/* The branch that the walk goes on by, or NULL if it ends at this node. */
static const struct rind_branch *walk_choose(const struct rind_walk *walk,
                                             const struct rind_interior_node *node)
{
    if (walk->is_edge) {
        const struct rind_branch *branch = rind_node_branch(node, walk->side);
        return branch != NULL ? branch : rind_node_branch(node, rind_side_other(walk->side));
    }
    enum rind_side side = rind_node_side(&walk->path_bits, walk->position);
    const struct rind_branch *branch = rind_node_branch(node, side);
    bool leads_on = branch != NULL &&
                    rind_bits_starts_with_at(&walk->path_bits, walk->position, &branch->prefix);
    return leads_on ? branch : NULL;
}

static rind_status walk_give_interior(struct rind_ctx *ctx, struct rind_walk *walk,
                                      const struct rind_interior_node *node)
{
    RIND_REQUIRE(
        ctx, walk->position < RIND_BITS_LENGTH_MAX && rind_node_is_valid_at(node, walk->position),
        RIND_E_CORRUPT, "stored tree has an impossible node at bit %u", walk->position);
    RIND_ASSERT(walk->path_count < RIND_TREE_PATH_COUNT_MAX); /* each took at least one bit */
    walk->path[walk->path_count++] = node;
    const struct rind_branch *branch = walk_choose(walk, node);
    if (branch == NULL) {
        return RIND_OK;
    }
    if (walk->is_edge) {
        walk->path_bits = rind_bits_concat(&walk->path_bits, &branch->prefix);
    }
    walk->position = (uint16_t)(walk->position + branch->prefix.length);
    walk->wanted_hash = branch->hash;
    walk->is_done = false;
    return RIND_OK;
}

rind_status rind_walk_give(struct rind_ctx *ctx, struct rind_walk *walk,
                           const struct rind_node *node)
{
    RIND_ASSERT(!walk->is_done);
    walk->is_done = true;
    if (node->kind == RIND_NODE_INTERIOR) {
        return walk_give_interior(ctx, walk, &node->interior);
    }
    RIND_REQUIRE(ctx, walk->position == RIND_BITS_LENGTH_MAX, RIND_E_CORRUPT,
                 "stored tree has a leaf at bit %u", walk->position);
    walk->leaf = &node->leaf;
    return RIND_OK;
}

/* The record id that a proof is about. */
static struct rind_record_id walk_key(const struct rind_walk *walk)
{
    if (walk->is_edge && walk->leaf == NULL) { /* an empty tree */
        return walk->side == RIND_SIDE_RIGHT ? walk->range.end : walk->range.start;
    }
    RIND_ASSERT(walk->path_bits.length == RIND_BITS_LENGTH_MAX);
    struct rind_record_id key;
    memcpy(key.bytes, walk->path_bits.bits, sizeof(key.bytes));
    return key;
}

rind_status rind_walk_finish(struct rind_ctx *ctx, const struct rind_walk *walk,
                             struct rind_read_proof *proof)
{
    RIND_ASSERT(walk->is_done && walk->path_count > 0);
    struct rind_interior_node *path = rind_ctx_alloc_array(ctx, walk->path_count, sizeof(*path));
    if (path == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (unsigned i = 0; i < walk->path_count; i++) {
        path[i] = *walk->path[i];
    }
    *proof = (struct rind_read_proof){.key = walk_key(walk),
                                      .range = walk->range,
                                      .has_leaf = walk->leaf != NULL,
                                      .root_hash = walk->root_hash};
    proof->path.items = path;
    proof->path.count = walk->path_count;
    if (walk->leaf != NULL) {
        proof->leaf = *walk->leaf;
    }
    return RIND_OK;
}

void rind_walk_merge_sides(const struct rind_owned_range *owned,
                           const struct rind_owned_range *incoming, enum rind_side *owned_side,
                           enum rind_side *incoming_side)
{
    bool incoming_is_lower = rind_record_id_compare(&incoming->start, &owned->start) < 0;
    *incoming_side = incoming_is_lower ? RIND_SIDE_RIGHT : RIND_SIDE_LEFT;
    *owned_side = rind_side_other(*incoming_side);
}
