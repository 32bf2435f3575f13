/* sparse_tree.c - see sparse_tree.h. */
#include "cli/bench/sparse_tree.h"

#include <math.h>
#include <stdlib.h>

#include "cli/bench/seeded.h"
#include "merkle/merkle.h"

#define SPARSE_SLOTS_FIRST 4096u
#define SPARSE_EXACT_MAX                                                                           \
    4096u /* coins thrown one by one up to here, a normal distribution above                       \
           */

/* Nodes by hash: open addressing, at most half full. A slot whose node has kind 0 is free. */
struct rind_sparse_tree {
    struct rind_node_addition *slots;
    size_t slot_count; /* a power of two */
    size_t count;
};

/* ---- the table of nodes ---- */

static size_t sparse_home(const struct rind_sparse_tree *tree, const struct rind_node_key *key)
{
    return (size_t)rind_get_be64(key->hash.bytes) & (tree->slot_count - 1);
}

static size_t sparse_find(const struct rind_sparse_tree *tree, const struct rind_node_key *key)
{
    size_t at = sparse_home(tree, key);
    while (tree->slots[at].node.kind != 0 &&
           rind_node_key_compare(&tree->slots[at].key, key) != 0) {
        at = (at + 1) & (tree->slot_count - 1);
    }
    return at;
}

static rind_status sparse_grow(struct rind_ctx *ctx, struct rind_sparse_tree *tree)
{
    struct rind_sparse_tree grown = {.slot_count = tree->slot_count * 2, .count = tree->count};
    grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
    RIND_REQUIRE(ctx, grown.slots != NULL, RIND_E_LIMIT, "no memory for the tree's nodes");
    for (size_t i = 0; i < tree->slot_count; i++) {
        if (tree->slots[i].node.kind != 0) {
            grown.slots[sparse_find(&grown, &tree->slots[i].key)] = tree->slots[i];
        }
    }
    free(tree->slots);
    *tree = grown;
    return RIND_OK;
}

static rind_status sparse_add(struct rind_ctx *ctx, struct rind_sparse_tree *tree,
                              const struct rind_node_addition *addition)
{
    if (2 * tree->count >= tree->slot_count) {
        RIND_TRY(sparse_grow(ctx, tree));
    }
    struct rind_node_addition *slot = &tree->slots[sparse_find(tree, &addition->key)];
    if (slot->node.kind != 0) {
        return RIND_OK;
    }
    struct rind_node_addition entry = *addition;
    if (entry.node.kind == RIND_NODE_LEAF) {
        struct rind_slice value = addition->node.leaf.value;
        uint8_t *copy = malloc(value.length + 1);
        RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "no memory for a record");
        memcpy(copy, value.data, value.length);
        entry.node.leaf.value = rind_slice_make(copy, value.length);
    }
    *slot = entry;
    tree->count++;
    return RIND_OK;
}

static void sparse_release(struct rind_node_addition *slot)
{
    if (slot->node.kind == RIND_NODE_LEAF) {
        free((void *)(uintptr_t)slot->node.leaf.value.data);
    }
}

/* Closes the gap, so that searches need no gravestones. */
static void sparse_remove(struct rind_sparse_tree *tree, const struct rind_node_key *key)
{
    size_t mask = tree->slot_count - 1;
    size_t gap = sparse_find(tree, key);
    if (tree->slots[gap].node.kind == 0) {
        return; /* a node that was never drawn */
    }
    sparse_release(&tree->slots[gap]);
    for (size_t at = (gap + 1) & mask; tree->slots[at].node.kind != 0; at = (at + 1) & mask) {
        size_t home = sparse_home(tree, &tree->slots[at].key);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            tree->slots[gap] = tree->slots[at];
            gap = at;
        }
    }
    tree->slots[gap] = (struct rind_node_addition){0};
    tree->count--;
}

/* ---- drawing ---- */

struct sparse_drawing {
    struct rind_ctx *ctx;
    struct rind_sparse_tree *tree;
    struct rind_seeded random;
    const struct rind_record_id *keys; /* sorted */
};

/* A subtree: all of `count` records and keys[first .. end - 1] begin with `path`. */
struct sparse_part {
    struct rind_bit_vector path;
    uint64_t count;
    size_t first;
    size_t end;
};

static int sparse_compare_keys(const void *a, const void *b)
{
    return rind_record_id_compare(a, b);
}

/* How many of `count` records have a 1 as their next bit. */
static uint64_t sparse_split_count(struct rind_seeded *random, uint64_t count)
{
    if (count <= SPARSE_EXACT_MAX) {
        uint64_t ones = 0;
        for (; count >= 64; count -= 64) {
            ones += (uint64_t)__builtin_popcountll(rind_seeded_next(random));
        }
        uint64_t mask = ((uint64_t)1 << count) - 1;
        return ones + (uint64_t)__builtin_popcountll(rind_seeded_next(random) & mask);
    }
    double normal = -6.0; /* twelve uniform numbers make one that is normal enough */
    for (unsigned i = 0; i < 12; i++) {
        normal += (double)(rind_seeded_next(random) >> 11) * 0x1p-53;
    }
    return (uint64_t)((double)count / 2.0 + normal * sqrt((double)count) / 2.0);
}

/* The part of `part` whose next bit is `bit`. */
static struct sparse_part sparse_half(const struct sparse_drawing *drawing,
                                      const struct sparse_part *part, unsigned bit, uint64_t count)
{
    struct sparse_part half = {.path = part->path, .count = count};
    size_t middle = part->first;
    while (middle < part->end) {
        struct rind_bit_vector key = rind_bits_of_record_id(&drawing->keys[middle]);
        if (rind_bits_get(&key, part->path.length) == 1) {
            break;
        }
        middle++;
    }
    rind_bits_push(&half.path, bit);
    half.first = bit == 0 ? part->first : middle;
    half.end = bit == 0 ? middle : part->end;
    return half;
}

/* Goes down while all records are on one side, to the next fork; false at a single record. */
static bool sparse_find_fork(struct sparse_drawing *drawing, struct sparse_part *part,
                             uint64_t *ones)
{
    while (part->count > 1) {
        *ones = sparse_split_count(&drawing->random, part->count);
        if (*ones != 0 && *ones != part->count) {
            return true;
        }
        *part = sparse_half(drawing, part, *ones == 0 ? 0 : 1, part->count);
    }
    return false;
}

static void sparse_random_hash(struct sparse_drawing *drawing, struct rind_data_hash *hash)
{
    rind_seeded_fill(&drawing->random, hash->bytes, sizeof(hash->bytes));
}

static rind_status sparse_draw(struct sparse_drawing *drawing, struct sparse_part *part,
                               struct rind_data_hash *hash);

/* The branch from a node at `position` to what is in `part`. */
static rind_status sparse_draw_branch(struct sparse_drawing *drawing, struct sparse_part part,
                                      unsigned position, struct rind_branch *branch)
{
    RIND_TRY(sparse_draw(drawing, &part, &branch->hash));
    branch->prefix = rind_bits_slice(&part.path, position, part.path.length);
    return RIND_OK;
}

static rind_status sparse_draw_fork(struct sparse_drawing *drawing, const struct sparse_part *part,
                                    uint64_t ones, struct rind_data_hash *hash)
{
    struct rind_node_addition addition = {.key.prefix = part->path,
                                          .node.kind = RIND_NODE_INTERIOR};
    struct rind_interior_node *node = &addition.node.interior;
    unsigned position = part->path.length;
    node->has_left = true;
    RIND_TRY(sparse_draw_branch(drawing, sparse_half(drawing, part, 0, part->count - ones),
                                position, &node->left));
    node->has_right = true;
    RIND_TRY(
        sparse_draw_branch(drawing, sparse_half(drawing, part, 1, ones), position, &node->right));
    if (position == 0) {
        struct rind_owned_range full = rind_owned_range_full();
        rind_hash_root(&full, node, &addition.key.hash);
    } else {
        rind_hash_interior(node, &addition.key.hash);
    }
    *hash = addition.key.hash;
    return sparse_add(drawing->ctx, drawing->tree, &addition);
}

/*
 * Draws what is in `part`; part->path becomes the prefix of its topmost node. As deep as the tree,
 * which random records keep below 100.
 */
static rind_status sparse_draw(struct sparse_drawing *drawing, struct sparse_part *part,
                               struct rind_data_hash *hash)
{
    uint64_t ones = 0;
    if (!sparse_find_fork(drawing, part, &ones)) {
        while (part->path.length < RIND_BITS_LENGTH_MAX) {
            rind_bits_push(&part->path, (unsigned)(rind_seeded_next(&drawing->random) >> 63));
        }
        sparse_random_hash(drawing, hash);
        return RIND_OK;
    }
    if (part->first == part->end) {
        sparse_random_hash(drawing, hash);
        return RIND_OK;
    }
    return sparse_draw_fork(drawing, part, ones, hash);
}

static rind_status sparse_draw_all(struct sparse_drawing *drawing, uint64_t record_count,
                                   size_t key_count, struct rind_data_hash *root_hash)
{
    struct sparse_part all = {.count = record_count, .end = key_count};
    RIND_TRY(sparse_draw(drawing, &all, root_hash));
    RIND_REQUIRE(drawing->ctx, all.path.length == 0, RIND_E_INVALID,
                 "the root of so few records has one branch; take more records");
    return RIND_OK;
}

/* ---- the public functions ---- */

rind_status rind_sparse_tree_new(struct rind_ctx *ctx, uint64_t record_count, uint64_t seed,
                                 struct rind_record_id *keys, size_t key_count,
                                 struct rind_data_hash *root_hash, struct rind_sparse_tree **tree)
{
    RIND_REQUIRE(ctx,
                 record_count >= RIND_SPARSE_TREE_RECORDS_MIN &&
                     record_count <= RIND_SPARSE_TREE_RECORDS_MAX,
                 RIND_E_INVALID, "a sparse tree cannot have so few or so many records");
    struct rind_sparse_tree *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a tree");
    made->slot_count = SPARSE_SLOTS_FIRST;
    made->slots = calloc(made->slot_count, sizeof(*made->slots));
    if (made->slots == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for a tree");
    }
    qsort(keys, key_count, sizeof(*keys), sparse_compare_keys);
    struct sparse_drawing drawing = {
        .ctx = ctx, .tree = made, .random = {.state = seed}, .keys = keys};
    rind_status status = sparse_draw_all(&drawing, record_count, key_count, root_hash);
    if (!rind_is_ok(status)) {
        rind_sparse_tree_free(made);
        return status;
    }
    *tree = made;
    return RIND_OK;
}

void rind_sparse_tree_free(struct rind_sparse_tree *tree)
{
    if (tree == NULL) {
        return;
    }
    for (size_t i = 0; i < tree->slot_count; i++) {
        sparse_release(&tree->slots[i]);
    }
    free(tree->slots);
    free(tree);
}

static rind_status sparse_apply(void *self, struct rind_ctx *ctx,
                                const struct rind_log_entry *entry,
                                const struct rind_store_delta *delta)
{
    struct rind_sparse_tree *tree = self;
    (void)entry;
    for (size_t i = 0; i < delta->add.count; i++) {
        RIND_TRY(sparse_add(ctx, tree, &delta->add.items[i]));
    }
    for (size_t i = 0; i < delta->remove.count; i++) {
        sparse_remove(tree, &delta->remove.items[i]);
    }
    return RIND_OK;
}

static rind_status sparse_prove(void *self, struct rind_ctx *ctx,
                                const struct rind_partition *partition,
                                const struct rind_record_id *key, struct rind_read_proof *proof)
{
    const struct rind_sparse_tree *tree = self;
    struct rind_walk walk;
    struct rind_node_key wanted;
    rind_walk_start_record(&walk, &partition->range, &partition->root_hash, key);
    while (rind_walk_wants(&walk, &wanted)) {
        const struct rind_node_addition *found = &tree->slots[sparse_find(tree, &wanted)];
        RIND_REQUIRE(ctx, found->node.kind != 0, RIND_E_NOT_FOUND,
                     "a node at depth %u of the sparse tree was not drawn", wanted.prefix.length);
        /* The table moves when it grows; proofs outlive that. */
        struct rind_node *copy = rind_ctx_alloc(ctx, sizeof(*copy));
        RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "no room for a proof");
        *copy = found->node;
        RIND_TRY(rind_walk_give(ctx, &walk, copy));
    }
    return rind_walk_finish(ctx, &walk, proof);
}

struct rind_core_nodes rind_sparse_tree_nodes(struct rind_sparse_tree *tree)
{
    return (struct rind_core_nodes){.self = tree, .prove = sparse_prove, .apply = sparse_apply};
}
