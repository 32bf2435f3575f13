/* tree_split.c - see tree.h: cutting a tree in two along the path to a key (spec 03 section 12). */
#include "merkle/hash.h"
#include "merkle/node.h"
#include "merkle/tree.h"
#include "wire/range.h"

/* A split being computed. */
struct split {
    const struct rind_verified_proof *proof;
    struct rind_bit_vector key;
    struct rind_owned_range ranges[2]; /* by side */
    struct rind_data_hash roots[2];    /* by side */
    struct rind_node_addition *adds;   /* both roots, then copies of path nodes from the top */
    size_t add_count;
    struct rind_node_key *removes;
    size_t remove_count;
};

static struct rind_bit_vector split_prefix(const struct split *split, unsigned length)
{
    return rind_bits_of_record_id_prefix(&split->proof->key, length);
}

/* Negative, 0, positive as the key is below, is, or is above all that `branch` leads to. */
static int split_compare_key(const struct split *split, const struct rind_tree_step *step,
                             const struct rind_branch *branch)
{
    unsigned position = step->prefix_length;
    unsigned shared = rind_bits_common_length_at(&split->key, position, &branch->prefix);
    if (shared == branch->prefix.length) {
        return position + shared == RIND_BITS_LENGTH_MAX ? 0 : 1;
    }
    return rind_bits_get(&split->key, position + shared) == 1 ? 1 : -1;
}

/* The deepest step whose direction is `side`, or step_count if there is none. */
static unsigned split_deepest_towards(const struct split *split, enum rind_side side)
{
    for (unsigned i = split->proof->step_count; i > 0; i--) {
        if (rind_node_side(&split->key, split->proof->steps[i - 1].prefix_length) == side) {
            return i - 1;
        }
    }
    return split->proof->step_count;
}

/*
 * The step whose left branch goes to the left tree and whose right branch goes to the right one
 * (spec 03 section 12, step 2). step_count if all records are on one side, *all_on then.
 */
static unsigned split_find(const struct split *split, enum rind_side *all_on)
{
    unsigned last = split->proof->step_count - 1u;
    const struct rind_tree_step *step = &split->proof->steps[last];
    const struct rind_branch *left = rind_node_branch(step->node, RIND_SIDE_LEFT);
    const struct rind_branch *right = rind_node_branch(step->node, RIND_SIDE_RIGHT);
    bool left_is_below = left == NULL || split_compare_key(split, step, left) > 0;
    bool right_is_not_below = right == NULL || split_compare_key(split, step, right) <= 0;
    RIND_ASSERT(left_is_below || right_is_not_below); /* left lies below right */

    if (left_is_below && right_is_not_below) {
        return last;
    }
    *all_on = left_is_below ? RIND_SIDE_LEFT : RIND_SIDE_RIGHT;
    return split_deepest_towards(split, *all_on);
}

/* Enters the root of the tree on `side`. */
static void split_set_root(struct split *split, enum rind_side side,
                           const struct rind_interior_node *node)
{
    struct rind_node_addition *add = &split->adds[side];
    add->node.kind = RIND_NODE_INTERIOR;
    add->node.interior = *node;
    rind_hash_root(&split->ranges[side], node, &add->key.hash);
    split->roots[side] = add->key.hash;
}

/* Splits where only the root changes: spec 03 section 12, step 3. */
static void split_shallow(struct split *split, unsigned found, enum rind_side all_on)
{
    const struct rind_interior_node *root = split->proof->steps[0].node;
    struct rind_interior_node halves[2] = {*root, *root};
    if (found == 0) {
        halves[RIND_SIDE_LEFT].has_right = false;
        halves[RIND_SIDE_RIGHT].has_left = false;
    } else {
        halves[rind_side_other(all_on)] = (struct rind_interior_node){.has_left = false};
    }
    split_set_root(split, RIND_SIDE_LEFT, &halves[RIND_SIDE_LEFT]);
    split_set_root(split, RIND_SIDE_RIGHT, &halves[RIND_SIDE_RIGHT]);
}

/*
 * Splits at step `found` below the root, going up: spec 03 section 12, step 4. At each node above,
 * one part stays below a copy of the node; the other has no node there and its path gets longer.
 */
static void split_deep(struct split *split, unsigned found)
{
    const struct rind_verified_proof *proof = split->proof;
    struct rind_branch parts[2] = {proof->steps[found].node->left, proof->steps[found].node->right};
    for (unsigned i = found; i > 0; i--) {
        const struct rind_tree_step *step = &proof->steps[i - 1];
        enum rind_side went = rind_node_side(&split->key, step->prefix_length);
        enum rind_side stays = rind_side_other(went); /* its subtree here is on this side of K */
        const struct rind_branch *taken = rind_node_branch(step->node, went);
        parts[RIND_SIDE_LEFT].prefix =
            rind_bits_concat(&taken->prefix, &parts[RIND_SIDE_LEFT].prefix);
        parts[RIND_SIDE_RIGHT].prefix =
            rind_bits_concat(&taken->prefix, &parts[RIND_SIDE_RIGHT].prefix);

        struct rind_interior_node copy = *step->node;
        rind_node_set_branch(&copy, &parts[stays].prefix, &parts[stays].hash);
        if (i == 1) {
            split_set_root(split, stays, &copy);
            struct rind_interior_node single = {.has_left = false};
            rind_node_set_branch(&single, &parts[went].prefix, &parts[went].hash);
            split_set_root(split, went, &single);
        } else {
            struct rind_node_addition *add = &split->adds[i]; /* after both roots, top down */
            add->node.kind = RIND_NODE_INTERIOR;
            add->node.interior = copy;
            add->key.prefix = split_prefix(split, step->prefix_length);
            rind_hash_interior(&copy, &add->key.hash);
            parts[stays] = (struct rind_branch){.hash = add->key.hash};
        }
    }
}

/* Both roots have the empty prefix: their hashes decide which comes first. */
static void split_order_roots(struct split *split)
{
    if (rind_data_hash_compare(&split->adds[0].key.hash, &split->adds[1].key.hash) > 0) {
        struct rind_node_addition first = split->adds[1];
        split->adds[1] = split->adds[0];
        split->adds[0] = first;
    }
}

/* Every removed node holds branches from both sides or another range: none can be added again. */
static void split_compute(struct split *split)
{
    const struct rind_verified_proof *proof = split->proof;
    enum rind_side all_on = RIND_SIDE_LEFT;
    unsigned found = split_find(split, &all_on);
    bool is_deep = found > 0 && found < proof->step_count;
    split->remove_count = is_deep ? found + 1 : 1;
    split->add_count = is_deep ? found + 1 : 2;
    for (unsigned i = 0; i < split->remove_count; i++) {
        split->removes[i].prefix = split_prefix(split, proof->steps[i].prefix_length);
        split->removes[i].hash = proof->steps[i].hash;
    }
    if (is_deep) {
        split_deep(split, found);
    } else {
        split_shallow(split, found, all_on);
    }
    split_order_roots(split);
}

static rind_status split_verified(struct rind_ctx *ctx, const struct rind_verified_proof *proof,
                                  struct rind_tree_split *result)
{
    struct split split = {.proof = proof, .key = rind_bits_of_record_id(&proof->key)};
    split.ranges[RIND_SIDE_LEFT].start = proof->range.start;
    split.ranges[RIND_SIDE_RIGHT] =
        (struct rind_owned_range){.start = proof->key, .end = proof->range.end};
    RIND_REQUIRE(ctx,
                 rind_record_id_compare(&proof->key, &proof->range.start) > 0 &&
                     rind_record_id_prev(&proof->key, &split.ranges[RIND_SIDE_LEFT].end),
                 RIND_E_INVALID, "a tree cannot be split at the start of its range");
    split.adds = rind_ctx_alloc_array(ctx, proof->step_count + 1u, sizeof(*split.adds));
    if (split.adds == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    split.removes = rind_ctx_alloc_array(ctx, proof->step_count, sizeof(*split.removes));
    if (split.removes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    split_compute(&split);
    *result = (struct rind_tree_split){
        .left = {.range = split.ranges[RIND_SIDE_LEFT], .root_hash = split.roots[RIND_SIDE_LEFT]},
        .right = {.range = split.ranges[RIND_SIDE_RIGHT],
                  .root_hash = split.roots[RIND_SIDE_RIGHT]},
        .delta = {.add = {.items = split.adds, .count = split.add_count},
                  .remove = {.items = split.removes, .count = split.remove_count}},
    };
    return RIND_OK;
}

rind_status rind_tree_split(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                            const struct rind_read_proof *proof, struct rind_tree_split *split)
{
    struct rind_verified_proof verified;
    RIND_TRY(rind_tree_verify(ctx, overlay, proof, &verified));
    return split_verified(ctx, &verified, split);
}
