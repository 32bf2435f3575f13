/*
 * test_merkle_exhaustive.c - every tree over 4-bit keys: each way to insert, each proof, each
 * split.
 *
 * A set of keys is a 16-bit mask. An independent computation gives the root hash that a set must
 * have; inserting each member into the set without it must lead there, so every insertion order of
 * every set does.
 */
#include "support/test.h"

#include "merkle/tree_model.h"
#include "wire/range.h"

#define KEY_COUNT 16u
#define SET_COUNT (1u << KEY_COUNT)

/* Where the four bits that tell keys apart lie in the record id; other bits are those of `fill`. */
struct placement {
    unsigned shift;
    uint8_t fill;
};

static const struct placement placement_top = {0, 0x00};
static const struct placement placement_middle = {126, 0xa5};
static const struct placement placement_end = {252, 0xff};

static struct rind_record_id key_id(const struct placement *placement, unsigned key)
{
    struct rind_record_id id;
    memset(id.bytes, placement->fill, sizeof(id.bytes));
    for (unsigned i = 0; i < 4; i++) {
        unsigned at = placement->shift + i;
        uint8_t mask = (uint8_t)(0x80u >> (at % 8));
        id.bytes[at / 8] =
            (uint8_t)((id.bytes[at / 8] & ~mask) | (((key >> (3 - i)) & 1u) ? mask : 0));
    }
    return id;
}

static uint8_t key_value(unsigned key)
{
    return (uint8_t)(0x40 + key);
}

/* --- What the root of a set must be, computed from the definition --- */

struct subtree {
    bool is_empty;
    unsigned length; /* of its prefix from the root */
    struct rind_bit_vector any;
    struct rind_data_hash hash;
};

static struct rind_branch subtree_branch(const struct subtree *subtree, unsigned from)
{
    return (struct rind_branch){.prefix = rind_bits_slice(&subtree->any, from, subtree->length),
                                .hash = subtree->hash};
}

/* The subtree of a set's keys first .. first + 2^level - 1, bottom up over all levels. */
static struct rind_data_hash expected_root(const struct placement *placement,
                                           const struct rind_owned_range *range, unsigned set)
{
    struct subtree row[KEY_COUNT];
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        struct rind_record_id id = key_id(placement, key);
        uint8_t value = key_value(key);
        row[key] = (struct subtree){.is_empty = ((set >> key) & 1u) == 0,
                                    .length = 256,
                                    .any = rind_bits_of_record_id(&id)};
        rind_hash_leaf(&id, rind_slice_make(&value, 1), &row[key].hash);
    }
    struct rind_interior_node root = {.has_left = false};
    for (unsigned level = 0, count = KEY_COUNT; level < 4; level++, count /= 2) {
        unsigned at = placement->shift + 3 - level; /* the bit that tells the halves apart */
        for (unsigned i = 0; i < count / 2; i++) {
            const struct subtree *left = &row[2 * i];
            const struct subtree *right = &row[2 * i + 1];
            struct subtree both = left->is_empty ? *right : *left;
            if (!left->is_empty && !right->is_empty) {
                struct rind_interior_node node = {.has_left = true,
                                                  .left = subtree_branch(left, at),
                                                  .has_right = true,
                                                  .right = subtree_branch(right, at)};
                if (at == 0) {
                    root = node;
                }
                both.length = at;
                rind_hash_interior(&node, &both.hash);
            }
            row[i] = both;
        }
    }
    if (!row[0].is_empty && row[0].length > 0) {
        struct rind_branch branch = subtree_branch(&row[0], 0);
        bool is_right = rind_bits_get(&branch.prefix, 0) == 1;
        root = (struct rind_interior_node){.has_left = !is_right, .has_right = is_right};
        *(is_right ? &root.right : &root.left) = branch;
    }
    struct rind_data_hash hash;
    rind_hash_root(range, &root, &hash);
    return hash;
}

/* --- Inserts --- */

/* A model whose store keeps everything, opened at each set's root in turn. */
static void model_at(struct model *model, const struct rind_owned_range *range,
                     const struct rind_data_hash *root)
{
    struct rind_partition partition = {.range = *range, .root_hash = *root};
    model_reset(model);
    model_reopen(model, &partition);
}

/* Every proof at the model's root says what the set says. */
static void assert_proofs(struct model *model, const struct placement *placement, unsigned set)
{
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        struct rind_record_id id = key_id(placement, key);
        struct rind_slice value;
        model_reset(model);
        assert_int_equal(model_get(model, &id, &value), (set >> key) & 1u);
        if (((set >> key) & 1u) != 0) {
            assert_int_equal(value.length, 1);
            assert_int_equal(value.data[0], key_value(key));
        }
    }
}

static void check_all_sets(const struct placement *placement, unsigned members)
{
    struct rind_owned_range full = rind_owned_range_full();
    static struct rind_data_hash roots[SET_COUNT];
    struct model model;
    model_init(&model, &full, 2);
    model.store.keeps_removed = true;
    roots[0] = model.root_hash;
    for (unsigned set = 1; set < SET_COUNT; set++) {
        if ((set & ~members) != 0) {
            continue;
        }
        roots[set] = expected_root(placement, &full, set);
        for (unsigned key = 0; key < KEY_COUNT; key++) {
            if (((set >> key) & 1u) == 0) {
                continue;
            }
            struct rind_record_id id = key_id(placement, key);
            uint8_t value = key_value(key);
            model_at(&model, &full, &roots[set & ~(1u << key)]);
            assert_true(rind_is_ok(model_insert(&model, &id, rind_slice_make(&value, 1))));
            assert_true(rind_data_hash_equal(&model.root_hash, &roots[set]));
        }
        assert_proofs(&model, placement, set);
    }
    model_fini(&model);
}

static void every_order_of_inserts_gives_the_one_tree_of_its_keys(void **state)
{
    (void)state;
    check_all_sets(&placement_top, 0xffff);
    check_all_sets(&placement_middle, 0xc3a9); /* 8 keys with gaps */
    check_all_sets(&placement_end, 0x9d3f);    /* 10 keys, differing in the last bits only */
}

/* --- Splits and merges --- */

static void insert_set(struct model *model, const struct placement *placement, unsigned set)
{
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        if (((set >> key) & 1u) != 0) {
            struct rind_record_id id = key_id(placement, key);
            uint8_t value = key_value(key);
            assert_true(rind_is_ok(model_insert(model, &id, rind_slice_make(&value, 1))));
        }
    }
}

/* Reads both edges, merges in the given role, and expects the tree before the split. */
static void assert_merges_back(struct model *model, const struct rind_tree_split *split,
                               bool mine_is_left, const struct rind_owned_range *range,
                               const struct rind_data_hash *root)
{
    const struct rind_partition *mine = mine_is_left ? &split->left : &split->right;
    const struct rind_partition *other = mine_is_left ? &split->right : &split->left;
    enum rind_side my_side;
    enum rind_side other_side;
    rind_walk_merge_sides(&mine->range, &other->range, &my_side, &other_side);
    assert_int_equal(my_side, mine_is_left ? RIND_SIDE_RIGHT : RIND_SIDE_LEFT);
    struct rind_read_proof my_proof;
    struct rind_read_proof other_proof;
    model_reopen(model, other);
    assert_true(rind_is_ok(model_read_edge(model, &other->root_hash, other_side, &other_proof)));
    model_reopen(model, mine);
    assert_true(rind_is_ok(model_read_edge(model, &mine->root_hash, my_side, &my_proof)));
    struct rind_tree_merge merge;
    assert_true(
        rind_is_ok(rind_tree_merge(&model->ctx, model->overlay, &my_proof, &other_proof, &merge)));
    assert_true(rind_owned_range_equal(&merge.joined.range, range));
    assert_true(rind_data_hash_equal(&merge.joined.root_hash, root));
}

/* Stores the merge of both halves, checks the tree, and leaves the model as it was before. */
static void check_split(struct model *model, const struct placement *placement, unsigned set,
                        const struct rind_record_id *key)
{
    struct rind_owned_range range = model->range;
    struct rind_data_hash root = model->root_hash;
    struct rind_read_proof proof;
    struct rind_tree_split split;
    model_reset(model);
    assert_true(rind_is_ok(model_read(model, &root, key, &proof)));
    assert_true(rind_is_ok(rind_tree_split(&model->ctx, model->overlay, &proof, &split)));
    size_t before = model->store.node_count;
    assert_true(model_apply(model, &split.delta));
    assert_int_equal(model->store.node_count,
                     before + split.delta.add.count - split.delta.remove.count);

    unsigned lower = 0; /* the members below the key */
    for (unsigned i = 0; i < KEY_COUNT; i++) {
        struct rind_record_id id = key_id(placement, i);
        lower |= rind_record_id_compare(&id, key) < 0 ? set & (1u << i) : 0;
    }
    struct rind_data_hash left = expected_root(placement, &split.left.range, lower);
    struct rind_data_hash right = expected_root(placement, &split.right.range, set & ~lower);
    assert_true(rind_data_hash_equal(&split.left.root_hash, &left));
    assert_true(rind_data_hash_equal(&split.right.root_hash, &right));

    size_t left_leaves;
    size_t right_leaves;
    model_reopen(model, &split.left);
    size_t nodes = model_check(model, &left_leaves);
    model_reopen(model, &split.right);
    nodes += model_check(model, &right_leaves);
    assert_int_equal(nodes, model->store.node_count);
    assert_int_equal(left_leaves + right_leaves, __builtin_popcount(set));

    assert_merges_back(model, &split, true, &range, &root);
    assert_merges_back(model, &split, false, &range, &root);
    struct rind_read_proof left_proof;
    struct rind_read_proof right_proof;
    struct rind_tree_merge merge;
    model_reopen(model, &split.left);
    assert_true(
        rind_is_ok(model_read_edge(model, &split.left.root_hash, RIND_SIDE_RIGHT, &left_proof)));
    model_reopen(model, &split.right);
    assert_true(
        rind_is_ok(model_read_edge(model, &split.right.root_hash, RIND_SIDE_LEFT, &right_proof)));
    assert_true(rind_is_ok(
        rind_tree_merge(&model->ctx, model->overlay, &right_proof, &left_proof, &merge)));
    assert_true(model_apply(model, &merge.delta));
    assert_int_equal(model->store.node_count, before);
    model_reopen(model, &merge.joined);
}

static void check_all_splits(const struct placement *placement,
                             const struct rind_owned_range *range, unsigned members)
{
    for (unsigned set = 0; set < SET_COUNT; set++) {
        if ((set & ~members) != 0) {
            continue;
        }
        struct model model;
        model_init(&model, range, 15);
        insert_set(&model, placement, set);
        for (unsigned key = 0; key < KEY_COUNT; key++) {
            struct rind_record_id at = key_id(placement, key);
            struct rind_record_id after;
            if (rind_record_id_compare(&at, &range->start) > 0) {
                check_split(&model, placement, set, &at);
            }
            if (rind_record_id_next(&at, &after) && rind_owned_range_contains(range, &after) &&
                rind_record_id_compare(&after, &range->start) > 0) {
                check_split(&model, placement, set, &after);
            }
        }
        size_t leaf_count;
        assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
        model_fini(&model);
    }
}

static void splitting_at_any_key_gives_both_trees_and_merging_restores(void **state)
{
    (void)state;
    struct rind_owned_range full = rind_owned_range_full();
    check_all_splits(&placement_top, &full, 0xc3a1);
    check_all_splits(&placement_middle, &full, 0x0731);
    check_all_splits(&placement_end, &full, 0x8c23);
    /* A range that no byte ends: records at its start, at its end, and next to both. */
    struct rind_owned_range narrow = {.start = key_id(&placement_end, 0),
                                      .end = key_id(&placement_end, 15)};
    check_all_splits(&placement_end, &narrow, 0xc003);
    struct rind_owned_range sparse = {.start = key_id(&placement_middle, 0),
                                      .end = key_id(&placement_middle, 15)};
    check_all_splits(&placement_middle, &sparse, 0x8181);
}

static void ranges_of_one_and_two_records_work(void **state)
{
    (void)state;
    const uint8_t fills[] = {0x00, 0xff, 0x5a};
    for (unsigned i = 0; i < 3; i++) {
        struct rind_record_id id;
        memset(id.bytes, fills[i], sizeof(id.bytes));
        struct rind_owned_range one = {.start = id, .end = id};
        struct model model;
        model_init(&model, &one, 2);
        struct rind_slice value;
        assert_false(model_get(&model, &id, &value));
        assert_true(rind_is_ok(model_insert(&model, &id, rind_slice_text("only"))));
        assert_true(model_get(&model, &id, &value));
        assert_true(rind_slice_is_text(value, "only"));
        struct rind_read_proof proof;
        struct rind_tree_split split;
        assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proof)));
        assert_true(rind_is(rind_tree_split(&model.ctx, model.overlay, &proof, &split),
                            RIND_E_INVALID)); /* nothing lies below the start */
        model_fini(&model);
    }
    struct rind_owned_range two = {.start = key_id(&placement_end, 14),
                                   .end = key_id(&placement_end, 15)};
    check_all_splits(&placement_end, &two, 0xc000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_inserts_gives_the_one_tree_of_its_keys),
        cmocka_unit_test(splitting_at_any_key_gives_both_trees_and_merging_restores),
        cmocka_unit_test(ranges_of_one_and_two_records_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
