/*
 * tree_merge.c - see tree.h: joining two adjacent trees along their touching edges (spec 03
 * section 13).
 *
 * Everything off the two paths is reused as it is: the branches that leave them are collected, and
 * a new radix tree is built over those. They cover every record of both trees, so if none is a
 * prefix of another the result is the one tree that the records have, whatever path was shown.
 */
#include "merkle/hash.h"
#include "merkle/node.h"
#include "merkle/tree.h"
#include "wire/delta.h"
#include "wire/range.h"

/* Off each node of a path at most one branch leaves, and one more off the last. */
#define MERGE_BRANCHES_MAX (2u * (RIND_TREE_PATH_COUNT_MAX + 1u))
/* Open subtrees of the build are nested, so each starts at another bit. */
#define MERGE_STACK_DEPTH_MAX (RIND_BITS_LENGTH_MAX + 1u)

/* A merge being computed. */
struct merge {
    struct rind_owned_range range; /* joined */
    struct rind_branch *branches;  /* with full prefixes from the root */
    size_t branch_count;
    struct rind_store_delta delta;
};

/* A finished subtree that waits for its right neighbour. */
struct merge_subtree {
    const struct rind_branch *any; /* one of its branches: its first bits are the path here */
    struct rind_data_hash hash;
    unsigned length;    /* of its own full prefix: a prefix of any->prefix */
    unsigned next_bits; /* shared with the neighbour on its right */
};

/* The stack of the build. */
struct merge_build {
    struct merge *merge;
    struct merge_subtree stack[MERGE_STACK_DEPTH_MAX];
    size_t depth;
};

static void merge_collect_branch(struct merge *merge, const struct rind_bit_vector *at,
                                 const struct rind_branch *branch)
{
    if (branch != NULL) {
        RIND_ASSERT(merge->branch_count < MERGE_BRANCHES_MAX);
        merge->branches[merge->branch_count++] = (struct rind_branch){
            .prefix = rind_bits_concat(at, &branch->prefix), .hash = branch->hash};
    }
}

/* Collects the branches that leave a path, and removes the path's nodes. */
static void merge_collect(struct merge *merge, const struct rind_verified_proof *proof)
{
    struct rind_bit_vector key = rind_bits_of_record_id(&proof->key);
    for (unsigned i = 0; i < proof->step_count; i++) {
        const struct rind_tree_step *step = &proof->steps[i];
        struct rind_bit_vector at = rind_bits_slice(&key, 0, step->prefix_length);
        enum rind_side went = rind_node_side(&key, step->prefix_length);
        merge_collect_branch(merge, &at, rind_node_branch(step->node, rind_side_other(went)));
        if (i + 1u == proof->step_count) {
            merge_collect_branch(merge, &at, rind_node_branch(step->node, went));
        }
        merge->delta.remove.items[merge->delta.remove.count++] =
            (struct rind_node_key){.prefix = at, .hash = step->hash};
    }
}

/* Insertion sort: each path gives its branches in two runs that are sorted already, few in all. */
static void merge_sort_branches(struct merge *merge)
{
    for (size_t i = 1; i < merge->branch_count; i++) {
        struct rind_branch branch = merge->branches[i];
        size_t to = i;
        while (to > 0 &&
               rind_bit_vector_compare(&merge->branches[to - 1].prefix, &branch.prefix) > 0) {
            merge->branches[to] = merge->branches[to - 1];
            to--;
        }
        merge->branches[to] = branch;
    }
}

/* In sorted order, a prefix of any later entry is also one of the next entry. */
static bool merge_has_conflict(const struct merge *merge)
{
    for (size_t i = 1; i < merge->branch_count; i++) {
        if (rind_bits_starts_with(&merge->branches[i].prefix, &merge->branches[i - 1].prefix)) {
            return true;
        }
    }
    return false;
}

/* Adds an interior node (the root if at bit 0) and returns its hash. */
static struct rind_data_hash merge_add_node(struct merge *merge,
                                            const struct rind_bit_vector *prefix,
                                            const struct rind_interior_node *node)
{
    struct rind_node_addition *add = &merge->delta.add.items[merge->delta.add.count++];
    add->node.kind = RIND_NODE_INTERIOR;
    add->node.interior = *node;
    add->key.prefix = *prefix;
    if (prefix->length == 0) {
        rind_hash_root(&merge->range, node, &add->key.hash);
    } else {
        rind_hash_interior(node, &add->key.hash);
    }
    return add->key.hash;
}

/* Puts the subtree's branch, relative to bit `from`, into a node at that bit. */
static void merge_set_branch(struct rind_interior_node *node, const struct merge_subtree *subtree,
                             unsigned from)
{
    struct rind_bit_vector prefix = rind_bits_slice(&subtree->any->prefix, from, subtree->length);
    rind_node_set_branch(node, &prefix, &subtree->hash);
}

/* Makes one subtree of the two on top of the stack. */
static void merge_combine(struct merge_build *build)
{
    const struct merge_subtree *right = &build->stack[build->depth - 1];
    struct merge_subtree *left = &build->stack[build->depth - 2];
    unsigned bit = left->next_bits; /* where the two part */
    struct rind_interior_node node = {.has_left = false};
    merge_set_branch(&node, left, bit);
    merge_set_branch(&node, right, bit);
    RIND_ASSERT(node.has_left && node.has_right);
    struct rind_bit_vector prefix = rind_bits_slice(&left->any->prefix, 0, bit);
    left->hash = merge_add_node(build->merge, &prefix, &node);
    left->length = bit;
    left->next_bits = right->next_bits;
    build->depth--;
}

/*
 * Builds the radix tree over the sorted branches from left to right: a subtree is finished when its
 * right neighbour shares fewer bits with it than its two halves share with each other.
 */
static void merge_build_tree(struct merge *merge, struct rind_data_hash *root_hash)
{
    struct merge_build build = {.merge = merge};
    for (size_t i = 0; i < merge->branch_count; i++) {
        const struct rind_branch *branch = &merge->branches[i];
        bool is_last = i + 1 == merge->branch_count;
        unsigned next_bits =
            is_last ? 0 : rind_bits_common_length(&branch->prefix, &branch[1].prefix);
        RIND_ASSERT(build.depth < MERGE_STACK_DEPTH_MAX);
        build.stack[build.depth++] = (struct merge_subtree){.any = branch,
                                                            .hash = branch->hash,
                                                            .length = branch->prefix.length,
                                                            .next_bits = next_bits};
        while (build.depth > 1 && (is_last || build.stack[build.depth - 2].next_bits > next_bits)) {
            merge_combine(&build);
        }
    }
    if (build.depth == 1 && build.stack[0].length == 0) {
        *root_hash = build.stack[0].hash;
        return;
    }
    /* No records at all, or all below one branch of the root. */
    struct rind_interior_node root = {.has_left = false};
    if (build.depth == 1) {
        merge_set_branch(&root, &build.stack[0], 0);
    }
    static const struct rind_bit_vector empty;
    *root_hash = merge_add_node(merge, &empty, &root);
}

/* Drops from the removes what is added again; both are sorted. */
static void merge_keep_added(struct rind_store_delta *delta)
{
    size_t kept = 0;
    size_t add = 0;
    for (size_t i = 0; i < delta->remove.count; i++) {
        const struct rind_node_key *key = &delta->remove.items[i];
        int order = 1;
        while (add < delta->add.count &&
               (order = rind_node_key_compare(&delta->add.items[add].key, key)) < 0) {
            add++;
        }
        if (add == delta->add.count || order != 0) {
            delta->remove.items[kept++] = *key;
        }
    }
    delta->remove.count = kept;
}

static rind_status merge_alloc(struct rind_ctx *ctx, const struct rind_verified_proof *lower,
                               const struct rind_verified_proof *upper, struct merge *merge)
{
    size_t nodes = (size_t)lower->step_count + upper->step_count;
    size_t branches = nodes + 2;
    merge->branches = rind_ctx_alloc_array(ctx, branches, sizeof(*merge->branches));
    if (merge->branches == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    /* A binary tree over n branches has n - 1 forks; one more for a root above a single branch. */
    merge->delta.add.items = rind_ctx_alloc_array(ctx, branches, sizeof(*merge->delta.add.items));
    if (merge->delta.add.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    merge->delta.remove.items =
        rind_ctx_alloc_array(ctx, nodes, sizeof(*merge->delta.remove.items));
    if (merge->delta.remove.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    return RIND_OK;
}

static rind_status merge_verified(struct rind_ctx *ctx, const struct rind_verified_proof *mine,
                                  const struct rind_verified_proof *other,
                                  struct rind_tree_merge *result)
{
    struct merge merge = {.branch_count = 0};
    RIND_REQUIRE(ctx, rind_owned_range_join(&mine->range, &other->range, &merge.range),
                 RIND_E_PRECONDITION, "trees to be merged are not adjacent");
    bool mine_is_lower = rind_record_id_compare(&mine->range.start, &other->range.start) < 0;
    const struct rind_verified_proof *lower = mine_is_lower ? mine : other;
    const struct rind_verified_proof *upper = mine_is_lower ? other : mine;
    RIND_TRY(merge_alloc(ctx, lower, upper, &merge));

    merge_collect(&merge, lower);
    merge_collect(&merge, upper);
    merge_sort_branches(&merge);
    if (merge_has_conflict(&merge)) {
        return mine->is_rebased
                   ? rind_fail(ctx, RIND_E_STALE,
                               "records were inserted at the edge since its proof was read; "
                               "read it again")
                   : rind_fail(ctx, RIND_E_AUTH, "proofs are not of the edges that touch");
    }
    merge_build_tree(&merge, &result->joined.root_hash);
    RIND_TRY(rind_store_delta_sort(ctx, &merge.delta));
    merge_keep_added(&merge.delta);
    result->joined.range = merge.range;
    result->delta = merge.delta;
    return RIND_OK;
}

rind_status rind_tree_merge(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                            const struct rind_read_proof *mine, const struct rind_read_proof *other,
                            struct rind_tree_merge *merge)
{
    struct rind_verified_proof verified_mine;
    struct rind_verified_proof verified_other;
    RIND_TRY(rind_tree_verify(ctx, overlay, mine, &verified_mine));
    RIND_TRY(rind_tree_verify_foreign(ctx, other, &verified_other));
    struct rind_tree_merge made;
    RIND_TRY(merge_verified(ctx, &verified_mine, &verified_other, &made));
    *merge = made;
    return RIND_OK;
}
