/* tree_insert.c - see tree.h: the empty tree, and giving a record a value (spec 03 section 10). */
#include "merkle/hash.h"
#include "merkle/node.h"
#include "merkle/overlay_nodes.h"
#include "merkle/tree.h"
#include "wire/range.h"

/* Nodes that an insert adds beside the path: the leaf and at most one new interior node. */
#define INSERT_EXTRA_NODES_MAX 2u

rind_status rind_tree_new(struct rind_ctx *ctx, const struct rind_owned_range *range,
                          struct rind_data_hash *root_hash, struct rind_store_delta *delta)
{
    RIND_REQUIRE(ctx, rind_owned_range_is_valid(range), RIND_E_INVALID,
                 "a tree needs a range whose start is not above its end");
    struct rind_node_addition *root = rind_ctx_alloc(ctx, sizeof(*root));
    if (root == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    root->node.kind = RIND_NODE_INTERIOR; /* the arena zeroes: no branches, empty prefix */
    rind_hash_root(range, &root->node.interior, &root->key.hash);
    *root_hash = root->key.hash;
    *delta = (struct rind_store_delta){.add = {.items = root, .count = 1}};
    return RIND_OK;
}

/* An insert being computed. */
struct insert {
    const struct rind_overlay *overlay;
    const struct rind_verified_proof *proof;
    struct rind_bit_vector key;
    struct rind_data_hash leaf_hash;
    struct rind_node_addition *adds; /* one per path node, then what is new */
    size_t add_count;
    struct rind_node_key *removes;
    size_t remove_count;
};

static struct rind_node_key insert_key_at(const struct insert *insert, unsigned prefix_length,
                                          const struct rind_data_hash *hash)
{
    return (struct rind_node_key){
        .prefix = rind_bits_of_record_id_prefix(&insert->proof->key, prefix_length), .hash = *hash};
}

/*
 * Hangs the leaf below the last path node (in adds already). Where a branch leads elsewhere after
 * some shared bits, a new interior node takes its place and keeps its subtree. The cases A, B, C
 * are those of spec 03 section 10, step 4.
 */
static void insert_leaf(struct insert *insert, struct rind_slice value)
{
    const struct rind_tree_step *last = &insert->proof->steps[insert->proof->step_count - 1u];
    struct rind_interior_node *parent = &insert->adds[insert->proof->step_count - 1u].node.interior;
    unsigned position = last->prefix_length;
    struct rind_bit_vector tail = rind_bits_slice(&insert->key, position, RIND_BITS_LENGTH_MAX);
    const struct rind_branch *branch = rind_node_branch(last->node, rind_node_side(&tail, 0));
    unsigned shared = branch == NULL ? 0 : rind_bits_common_length(&tail, &branch->prefix);

    if (branch == NULL || shared == tail.length) {
        rind_node_set_branch(parent, &tail, &insert->leaf_hash); /* A, B */
    } else {
        RIND_ASSERT(shared > 0 && shared < branch->prefix.length); /* C; else the path went on */
        struct rind_node_addition *fork = &insert->adds[insert->add_count++];
        struct rind_bit_vector to_leaf = rind_bits_slice(&tail, shared, tail.length);
        struct rind_bit_vector to_old =
            rind_bits_slice(&branch->prefix, shared, branch->prefix.length);
        struct rind_bit_vector to_fork = rind_bits_slice(&tail, 0, shared);
        fork->node.kind = RIND_NODE_INTERIOR;
        rind_node_set_branch(&fork->node.interior, &to_leaf, &insert->leaf_hash);
        rind_node_set_branch(&fork->node.interior, &to_old, &branch->hash);
        struct rind_data_hash fork_hash;
        rind_hash_interior(&fork->node.interior, &fork_hash);
        fork->key = insert_key_at(insert, position + shared, &fork_hash);
        rind_node_set_branch(parent, &to_fork, &fork_hash);
    }

    struct rind_node_addition *leaf = &insert->adds[insert->add_count++];
    leaf->node.kind = RIND_NODE_LEAF;
    leaf->node.leaf.value = value;
    leaf->key = insert_key_at(insert, RIND_BITS_LENGTH_MAX, &insert->leaf_hash);
}

/*
 * Hashes the path's new nodes from the last one up, each into the branch of the one above. While
 * one is hashed, memory brings what adding the one before will need.
 */
static void insert_hash_path(struct insert *insert)
{
    const struct rind_verified_proof *proof = insert->proof;
    for (size_t i = proof->step_count; i > 0; i--) {
        struct rind_node_addition *add = &insert->adds[i - 1];
        if (i == 1) {
            rind_hash_root(&proof->range, &add->node.interior, &add->key.hash);
        } else {
            rind_hash_interior(&add->node.interior, &add->key.hash);
            unsigned above = proof->steps[i - 2].prefix_length;
            struct rind_interior_node *parent = &insert->adds[i - 2].node.interior;
            bool is_left = rind_node_side(&insert->key, above) == RIND_SIDE_LEFT;
            (is_left ? &parent->left : &parent->right)->hash = add->key.hash;
        }
        rind_overlay_expect(insert->overlay, &add->key.hash);
    }
}

/*
 * Both lists come out in ascending order, as a path's prefixes are prefixes of each other. They
 * cannot share a key: the new leaf is not the old one, so no hash above it is the old one either.
 */
static void insert_compute(struct insert *insert, struct rind_slice value)
{
    const struct rind_verified_proof *proof = insert->proof;
    for (size_t i = 0; i < proof->step_count; i++) {
        const struct rind_tree_step *step = &proof->steps[i];
        insert->removes[i] = insert_key_at(insert, step->prefix_length, &step->hash);
        insert->adds[i].key.prefix = insert->removes[i].prefix;
        insert->adds[i].node.kind = RIND_NODE_INTERIOR;
        insert->adds[i].node.interior = *step->node;
    }
    insert->add_count = proof->step_count;
    insert->remove_count = proof->step_count;
    if (proof->has_leaf) {
        insert->removes[insert->remove_count++] =
            insert_key_at(insert, RIND_BITS_LENGTH_MAX, &proof->leaf_hash);
    }
    rind_overlay_expect_change(insert->overlay);
    insert_leaf(insert, value);
    insert_hash_path(insert);
}

rind_status rind_tree_insert(struct rind_ctx *ctx, const struct rind_overlay *overlay,
                             const struct rind_verified_proof *verified, struct rind_slice value,
                             struct rind_tree_change *change)
{
    const struct rind_data_hash *latest = rind_overlay_latest_root(overlay);
    RIND_REQUIRE(ctx, rind_data_hash_equal(&verified->root_hash, latest), RIND_E_STALE,
                 "another change came between verifying the proof and this one; verify it again");
    RIND_REQUIRE(ctx, value.length <= RIND_TREE_VALUE_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "record value has %zu bytes, limit is %u", value.length,
                 RIND_TREE_VALUE_SIZE_BYTES_MAX);
    struct rind_tree_change made = {.old_root_hash = *latest, .root_hash = *latest};
    if (verified->has_leaf && rind_slice_equal(verified->value, value)) {
        *change = made;
        return RIND_OK;
    }

    struct insert insert = {
        .overlay = overlay, .proof = verified, .key = rind_bits_of_record_id(&verified->key)};
    rind_hash_leaf(&verified->key, value, &insert.leaf_hash);
    size_t count = verified->step_count;
    insert.adds = rind_ctx_alloc_array(ctx, count + INSERT_EXTRA_NODES_MAX, sizeof(*insert.adds));
    if (insert.adds == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    insert.removes = rind_ctx_alloc_array(ctx, count + 1, sizeof(*insert.removes));
    if (insert.removes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    insert_compute(&insert, value);
    made.root_hash = insert.adds[0].key.hash;
    made.delta.add.items = insert.adds;
    made.delta.add.count = insert.add_count;
    made.delta.remove.items = insert.removes;
    made.delta.remove.count = insert.remove_count;
    *change = made;
    return RIND_OK;
}
