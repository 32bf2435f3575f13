/* full_tree.c - see full_tree.h. */
#include "cli/bench/full_tree.h"

#include <stdlib.h>

#include "cli/bench/seeded.h"
#include "merkle/merkle.h"

/* A fork: the bit that parts its halves, and what is below: a fork, or FULL_LEAF + a record. */
struct full_fork {
    uint32_t left;
    uint32_t right;
    uint32_t record; /* any one below it, for its prefix */
    uint16_t bit;
    struct rind_data_hash hash;
};

#define FULL_LEAF 0x80000000u

struct rind_full_tree {
    uint32_t count;             /* of records */
    struct rind_record_id *ids; /* sorted */
    struct rind_data_hash *leaves;
    struct full_fork *forks; /* count - 1 */
    uint32_t root;
    uint8_t value[RIND_FULL_TREE_VALUE_SIZE];
};

static int full_compare(const void *a, const void *b)
{
    return rind_record_id_compare(a, b);
}

static struct rind_branch full_branch(const struct rind_full_tree *tree, uint32_t child,
                                      unsigned from)
{
    bool is_leaf = (child & FULL_LEAF) != 0;
    uint32_t record = is_leaf ? child & ~FULL_LEAF : tree->forks[child].record;
    unsigned to = is_leaf ? RIND_BITS_LENGTH_MAX : tree->forks[child].bit;
    struct rind_bit_vector path = rind_bits_of_record_id(&tree->ids[record]);
    return (struct rind_branch){.prefix = rind_bits_slice(&path, from, to),
                                .hash = is_leaf ? tree->leaves[record] : tree->forks[child].hash};
}

static struct rind_interior_node full_interior(const struct rind_full_tree *tree,
                                               const struct full_fork *fork)
{
    return (struct rind_interior_node){.has_left = true,
                                       .left = full_branch(tree, fork->left, fork->bit),
                                       .has_right = true,
                                       .right = full_branch(tree, fork->right, fork->bit)};
}

/* All below it is finished. */
static void full_finish(struct rind_full_tree *tree, uint32_t index)
{
    struct full_fork *fork = &tree->forks[index];
    struct rind_interior_node node = full_interior(tree, fork);
    if (fork->bit == 0) {
        struct rind_owned_range range = rind_owned_range_full();
        rind_hash_root(&range, &node, &fork->hash);
    } else {
        rind_hash_interior(&node, &fork->hash);
    }
}

/* Builds the radix tree over the sorted ids, with its right spine on a stack. */
static void full_build(struct rind_full_tree *tree)
{
    uint32_t spine[RIND_BITS_LENGTH_MAX + 1];
    unsigned depth = 0;
    uint32_t fork_count = 0;
    for (uint32_t i = 1; i < tree->count; i++) {
        struct rind_bit_vector a = rind_bits_of_record_id(&tree->ids[i - 1]);
        struct rind_bit_vector b = rind_bits_of_record_id(&tree->ids[i]);
        unsigned bit = rind_bits_common_length(&a, &b);
        uint32_t below = FULL_LEAF | (i - 1);
        while (depth > 0 && tree->forks[spine[depth - 1]].bit > bit) {
            below = spine[--depth];
            full_finish(tree, below);
        }
        tree->forks[fork_count] = (struct full_fork){
            .left = below, .right = FULL_LEAF | i, .record = i, .bit = (uint16_t)bit};
        if (depth > 0) {
            tree->forks[spine[depth - 1]].right = fork_count;
        }
        spine[depth++] = fork_count++;
    }
    while (depth > 0) {
        tree->root = spine[--depth];
        full_finish(tree, tree->root);
    }
}

rind_status rind_full_tree_new(struct rind_ctx *ctx, uint64_t record_count, uint64_t seed,
                               struct rind_full_tree **tree)
{
    RIND_ASSERT(record_count >= 2 && record_count < FULL_LEAF);
    struct rind_full_tree *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a tree");
    made->count = (uint32_t)record_count;
    made->ids = calloc(record_count, sizeof(*made->ids));
    made->leaves = calloc(record_count, sizeof(*made->leaves));
    made->forks = calloc(record_count, sizeof(*made->forks));
    if (made->ids == NULL || made->leaves == NULL || made->forks == NULL) {
        rind_full_tree_free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for a tree of %llu records",
                         (unsigned long long)record_count);
    }
    struct rind_seeded seeded = {.state = seed};
    rind_seeded_fill(&seeded, made->value, sizeof(made->value));
    rind_seeded_fill(&seeded, made->ids, record_count * sizeof(*made->ids));
    qsort(made->ids, record_count, sizeof(*made->ids), full_compare);
    for (uint32_t i = 0; i < made->count; i++) {
        rind_hash_leaf(&made->ids[i], RIND_SLICE_OF(made->value), &made->leaves[i]);
    }
    full_build(made);
    if (made->forks[made->root].bit != 0) {
        rind_full_tree_free(made);
        return rind_fail(ctx, RIND_E_INVALID,
                         "the root of so few records has one branch; take more records");
    }
    *tree = made;
    return RIND_OK;
}

void rind_full_tree_free(struct rind_full_tree *tree)
{
    if (tree != NULL) {
        free(tree->ids);
        free(tree->leaves);
        free(tree->forks);
        free(tree);
    }
}

const struct rind_data_hash *rind_full_tree_root(const struct rind_full_tree *tree)
{
    return &tree->forks[tree->root].hash;
}

uint64_t rind_full_tree_count(const struct rind_full_tree *tree)
{
    return 2ull * tree->count - 1;
}

void rind_full_tree_node(const struct rind_full_tree *tree, uint64_t index,
                         struct rind_node_addition *addition)
{
    RIND_ASSERT(index < rind_full_tree_count(tree));
    if (index < tree->count) {
        addition->key.prefix = rind_bits_of_record_id(&tree->ids[index]);
        addition->key.hash = tree->leaves[index];
        addition->node.kind = RIND_NODE_LEAF;
        addition->node.leaf.value = RIND_SLICE_OF(tree->value);
        return;
    }
    const struct full_fork *fork = &tree->forks[index - tree->count];
    addition->key.prefix = rind_bits_of_record_id_prefix(&tree->ids[fork->record], fork->bit);
    addition->key.hash = fork->hash;
    addition->node.kind = RIND_NODE_INTERIOR;
    addition->node.interior = full_interior(tree, fork);
}
