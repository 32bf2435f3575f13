/* test_merkle_transfer.c - splits and merges that fail, that meet moved edges, and that are large.
 */
#include "support/test.h"

#include "merkle/overlay_nodes.h"
#include "merkle/tree_model.h"
#include "wire/range.h"

static void put(struct model *model, uint8_t key, uint8_t value)
{
    struct rind_record_id id = MODEL_ID(key);
    assert_true(rind_is_ok(model_insert(model, &id, rind_slice_make(&value, 1))));
}

static void assert_holds(struct model *model, uint8_t key, uint8_t expected)
{
    struct rind_record_id id = MODEL_ID(key);
    struct rind_slice value;
    assert_true(model_get(model, &id, &value));
    assert_int_equal(value.length, 1);
    assert_int_equal(value.data[0], expected);
}

/* The range of ids whose first byte is first .. last. */
static struct rind_owned_range bytes_range(uint8_t first, uint8_t last)
{
    struct rind_owned_range range = {.start = MODEL_ID(first)};
    memset(range.end.bytes, 0xff, sizeof(range.end.bytes));
    range.end.bytes[0] = last;
    return range;
}

/* Everything that is in `from` goes into the store of `to`. */
static void share_tree(struct model *to, const struct model *from, const uint8_t *keys,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rind_record_id id = MODEL_ID(keys[i]);
        struct rind_walk walk;
        struct rind_node_key wanted;
        rind_walk_start_record(&walk, &from->range, &from->root_hash, &id);
        while (rind_walk_wants(&walk, &wanted)) {
            struct rind_node_addition add = {.key = wanted};
            const struct rind_node *node = model_find(from, &wanted);
            assert_non_null(node);
            add.node = *node;
            struct rind_store_delta delta = {.add = {.items = &add, .count = 1}};
            assert_true(model_apply(to, &delta));
            assert_true(rind_is_ok(rind_walk_give(&to->ctx, &walk, node)));
        }
    }
}

static void a_split_that_fails_leaves_the_tree_serving(void **state)
{
    (void)state;
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 4);
    model.store.keeps_removed = true;
    const uint8_t keys[] = {0x08, 0x0a, 0x0f, 0x3b, 0xc8};
    struct rind_data_hash old_root = model.root_hash;
    for (size_t i = 0; i < sizeof(keys); i++) {
        put(&model, keys[i], keys[i]);
    }
    struct rind_data_hash root = model.root_hash;
    uint32_t change_count = rind_overlay_change_count(model.overlay);
    struct rind_record_id key = MODEL_ID(0x0b);
    struct rind_read_proof proof;
    struct rind_tree_split split = {.delta = {.add = {.count = 99}}};

    assert_true(rind_is_ok(model_read(&model, &old_root, &key, &proof)));
    assert_true(rind_is(rind_tree_split(&model.ctx, model.overlay, &proof, &split), RIND_E_STALE));
    assert_true(rind_is_ok(model_read(&model, &root, &key, &proof)));
    proof.path.items[1].left.hash.bytes[0] ^= 1;
    assert_true(rind_is(rind_tree_split(&model.ctx, model.overlay, &proof, &split), RIND_E_AUTH));
    struct rind_record_id start = model.range.start;
    assert_true(rind_is_ok(model_read(&model, &root, &start, &proof)));
    assert_true(
        rind_is(rind_tree_split(&model.ctx, model.overlay, &proof, &split), RIND_E_INVALID));
    assert_int_equal(split.delta.add.count, 99);

    assert_true(rind_data_hash_equal(rind_overlay_latest_root(model.overlay), &root));
    assert_int_equal(rind_overlay_change_count(model.overlay), change_count);
    assert_holds(&model, 0x0f, 0x0f);
    put(&model, 0x0f, 7); /* it still serves writes */

    /* A proof of the root before is brought up to date, and the retry succeeds. */
    assert_true(rind_is_ok(model_read(&model, &root, &key, &proof)));
    assert_true(rind_is_ok(rind_tree_split(&model.ctx, model.overlay, &proof, &split)));
    assert_true(model_apply(&model, &split.delta));
    model_reopen(&model, &split.right);
    assert_holds(&model, 0x0f, 7);
    size_t leaf_count;
    (void)model_check(&model, &leaf_count);
    assert_int_equal(leaf_count, 3);
    model_fini(&model);
}

/* Two adjacent trees in one store; `mine` is opened. */
struct pair {
    struct model mine;
    struct model other;
};

static void pair_init(struct pair *pair, struct rind_owned_range mine, const uint8_t *mine_keys,
                      size_t mine_count, struct rind_owned_range other, const uint8_t *other_keys,
                      size_t other_count)
{
    model_init(&pair->mine, &mine, 6);
    model_init(&pair->other, &other, 6);
    for (size_t i = 0; i < mine_count; i++) {
        put(&pair->mine, mine_keys[i], mine_keys[i]);
    }
    for (size_t i = 0; i < other_count; i++) {
        put(&pair->other, other_keys[i], other_keys[i]);
    }
    pair->mine.store.keeps_removed = true;
    share_tree(&pair->mine, &pair->other, other_keys, other_count);
}

static void pair_fini(struct pair *pair)
{
    model_fini(&pair->mine);
    model_fini(&pair->other);
}

static struct rind_read_proof pair_mine(struct pair *pair, const struct rind_data_hash *root)
{
    enum rind_side side;
    enum rind_side other_side;
    struct rind_read_proof proof;
    rind_walk_merge_sides(&pair->mine.range, &pair->other.range, &side, &other_side);
    assert_true(rind_is_ok(model_read_edge(&pair->mine, root, side, &proof)));
    return proof;
}

static struct rind_read_proof pair_other(struct pair *pair)
{
    enum rind_side side;
    enum rind_side other_side;
    struct rind_read_proof proof;
    rind_walk_merge_sides(&pair->mine.range, &pair->other.range, &side, &other_side);
    assert_true(
        rind_is_ok(model_read_edge(&pair->other, &pair->other.root_hash, other_side, &proof)));
    return proof;
}

/* The merged tree is the one that its records have when inserted one by one. */
static void assert_merged(struct pair *pair, const struct rind_tree_merge *merge,
                          const uint8_t *keys, size_t count)
{
    struct model fresh;
    model_init(&fresh, &merge->joined.range, 6);
    for (size_t i = 0; i < count; i++) {
        put(&fresh, keys[i], keys[i]);
    }
    assert_true(rind_data_hash_equal(&merge->joined.root_hash, &fresh.root_hash));
    assert_true(model_apply(&pair->mine, &merge->delta));
    model_reopen(&pair->mine, &merge->joined);
    size_t leaf_count;
    (void)model_check(&pair->mine, &leaf_count);
    assert_int_equal(leaf_count, count);
    model_fini(&fresh);
}

static void a_merge_that_fails_leaves_the_tree_serving(void **state)
{
    (void)state;
    const uint8_t low[] = {0x10, 0x22, 0x2f};
    const uint8_t high[] = {0x31, 0x5a};
    const uint8_t all[] = {0x10, 0x22, 0x2f, 0x31, 0x5a};
    struct pair pair;
    pair_init(&pair, bytes_range(0x00, 0x2f), low, 3, bytes_range(0x30, 0xff), high, 2);
    struct rind_read_proof mine = pair_mine(&pair, &pair.mine.root_hash);
    struct rind_read_proof other = pair_other(&pair);
    struct rind_tree_merge merge = {.delta = {.add = {.count = 99}}};
    struct model *model = &pair.mine;
    struct rind_read_proof bad;

    bad = mine;
    bad.root_hash.bytes[0] ^= 1;
    assert_true(
        rind_is(rind_tree_merge(&model->ctx, model->overlay, &bad, &other, &merge), RIND_E_STALE));
    bad = mine;
    bad.has_leaf = false;
    assert_true(
        rind_is(rind_tree_merge(&model->ctx, model->overlay, &bad, &other, &merge), RIND_E_AUTH));
    bad = other;
    bad.key.bytes[31] ^= 1;
    assert_true(
        rind_is(rind_tree_merge(&model->ctx, model->overlay, &mine, &bad, &merge), RIND_E_AUTH));
    assert_true(rind_is(rind_tree_merge(&model->ctx, model->overlay, &mine, &mine, &merge),
                        RIND_E_PRECONDITION));
    assert_int_equal(merge.delta.add.count, 99);
    assert_holds(model, 0x22, 0x22);
    put(model, 0x22, 1);
    put(model, 0x22, 0x22);

    assert_true(rind_is_ok(rind_tree_merge(&model->ctx, model->overlay, &mine, &other, &merge)));
    assert_merged(&pair, &merge, all, sizeof(all));
    pair_fini(&pair);
}

static void a_moved_edge_is_rebased(void **state)
{
    (void)state;
    const uint8_t low[] = {0x10, 0x22};
    const uint8_t high[] = {0x31, 0x5a};
    const uint8_t all[] = {0x10, 0x22, 0x2e, 0x2f, 0x31, 0x5a};
    struct pair pair;
    pair_init(&pair, bytes_range(0x00, 0x2f), low, 2, bytes_range(0x30, 0xff), high, 2);
    struct rind_read_proof mine = pair_mine(&pair, &pair.mine.root_hash);
    struct rind_read_proof other = pair_other(&pair);
    put(&pair.mine, 0x2f, 0x2f); /* beyond the edge that was read */
    put(&pair.mine, 0x2e, 0x2e);
    struct rind_tree_merge merge;
    assert_true(
        rind_is_ok(rind_tree_merge(&pair.mine.ctx, pair.mine.overlay, &mine, &other, &merge)));
    assert_merged(&pair, &merge, all, sizeof(all));
    pair_fini(&pair);
}

/* A collected branch of one side would contain one of the other: the edge must be read again. */
static void a_moved_edge_that_conflicts_is_stale_and_a_fresh_one_works(void **state)
{
    (void)state;
    const uint8_t low[] = {0x10};
    const uint8_t high[] = {0x4b, 0x90};
    const uint8_t all[] = {0x10, 0x41, 0x4a, 0x4b, 0x90};
    struct pair pair;
    pair_init(&pair, bytes_range(0x00, 0x4a), low, 1, bytes_range(0x4b, 0xff), high, 2);
    struct rind_read_proof mine = pair_mine(&pair, &pair.mine.root_hash);
    struct rind_read_proof other = pair_other(&pair);
    put(&pair.mine, 0x41, 0x41);
    put(&pair.mine, 0x4a, 0x4a); /* together at 0100, as is 4b */
    struct rind_tree_merge merge;
    struct model *model = &pair.mine;
    assert_true(
        rind_is(rind_tree_merge(&model->ctx, model->overlay, &mine, &other, &merge), RIND_E_STALE));
    assert_holds(model, 0x4a, 0x4a);

    /* The same proof, read freshly but not of the edge: Invalid. */
    struct rind_record_id inner = MODEL_ID(0x10);
    assert_true(rind_is_ok(model_read(model, &model->root_hash, &inner, &mine)));
    assert_true(
        rind_is(rind_tree_merge(&model->ctx, model->overlay, &mine, &other, &merge), RIND_E_AUTH));

    mine = pair_mine(&pair, &model->root_hash);
    assert_true(rind_is_ok(rind_tree_merge(&model->ctx, model->overlay, &mine, &other, &merge)));
    assert_merged(&pair, &merge, all, sizeof(all));
    pair_fini(&pair);
}

/* Any pair of valid proofs gives the one right tree or is refused: spec 03, room to do better 4. */
static void proofs_off_the_edge_give_the_right_tree_or_are_invalid(void **state)
{
    (void)state;
    const uint8_t low[] = {0x05, 0x10, 0x22, 0x40, 0x41, 0x4a};
    const uint8_t high[] = {0x4b, 0x4c, 0x60, 0x90, 0xff};
    const uint8_t all[] = {0x05, 0x10, 0x22, 0x40, 0x41, 0x4a, 0x4b, 0x4c, 0x60, 0x90, 0xff};
    unsigned merged_count = 0;
    unsigned refused_count = 0;
    struct pair pair;
    pair_init(&pair, bytes_range(0x00, 0x4a), low, sizeof(low), bytes_range(0x4b, 0xff), high,
              sizeof(high));
    struct model fresh;
    struct rind_owned_range full = rind_owned_range_full();
    model_init(&fresh, &full, 2);
    for (size_t i = 0; i < sizeof(all); i++) {
        put(&fresh, all[i], all[i]);
    }
    for (unsigned a = 0; a <= 0x4a; a++) {
        for (unsigned b = 0x4b; b <= 0xff; b++) {
            struct rind_record_id mine_id = MODEL_ID((uint8_t)a);
            struct rind_record_id other_id = MODEL_ID((uint8_t)b);
            struct rind_read_proof mine;
            struct rind_read_proof other;
            struct rind_tree_merge merge;
            model_reset(&pair.mine);
            model_reset(&pair.other);
            assert_true(rind_is_ok(model_read(&pair.mine, &pair.mine.root_hash, &mine_id, &mine)));
            assert_true(
                rind_is_ok(model_read(&pair.other, &pair.other.root_hash, &other_id, &other)));
            rind_status status =
                rind_tree_merge(&pair.mine.ctx, pair.mine.overlay, &mine, &other, &merge);
            if (rind_is_ok(status)) {
                merged_count++;
                assert_true(rind_data_hash_equal(&merge.joined.root_hash, &fresh.root_hash));
            } else {
                refused_count++;
                assert_true(rind_is(status, RIND_E_AUTH));
            }
        }
    }
    assert_true(merged_count > 0 && refused_count > 0);
    model_fini(&fresh);
    pair_fini(&pair);
}

static void a_merge_in_a_full_arena_is_an_error(void **state)
{
    (void)state;
    const uint8_t low[] = {0x10, 0x22, 0x2f};
    const uint8_t high[] = {0x31, 0x5a};
    struct pair pair;
    pair_init(&pair, bytes_range(0x00, 0x2f), low, 3, bytes_range(0x30, 0xff), high, 2);
    struct rind_read_proof mine = pair_mine(&pair, &pair.mine.root_hash);
    struct rind_read_proof other = pair_other(&pair);
    put(&pair.mine, 0x11, 0x11);
    static alignas(16) uint8_t memory[1 << 16];
    bool has_fit = false;
    for (size_t size = 0; size < sizeof(memory); size += 16) {
        struct rind_arena arena;
        struct rind_ctx ctx;
        struct rind_tree_merge merge = {.delta = {.add = {.count = 99}}};
        rind_arena_init(&arena, memory, size);
        rind_ctx_init(&ctx, &arena);
        rind_status status = rind_tree_merge(&ctx, pair.mine.overlay, &mine, &other, &merge);
        assert_true(has_fit ? rind_is_ok(status)
                            : rind_is_ok(status) || rind_is(status, RIND_E_LIMIT));
        assert_int_equal(merge.delta.add.count == 99, !rind_is_ok(status));
        has_fit = rind_is_ok(status);
    }
    assert_true(has_fit);
    pair_fini(&pair);
}

/* Random trees, random split points, merged back in both roles. */
static void random_trees_split_and_merge_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        uint64_t random = seed;
        struct rind_owned_range full = rind_owned_range_full();
        struct model model;
        model_init(&model, &full, 8);
        size_t count = model_random(&random) % 300;
        for (size_t i = 0; i < count; i++) {
            struct rind_record_id id = model_random_id(&random);
            model_reset(&model);
            assert_true(rind_is_ok(model_insert(&model, &id, rind_record_id_slice(&id))));
        }
        for (unsigned round = 0; round < 20; round++) {
            model_reset(&model);
            size_t node_count = model.store.node_count;
            struct rind_data_hash root = model.root_hash;
            struct rind_record_id key = model_random_id(&random);
            struct rind_read_proof proof;
            struct rind_read_proof left;
            struct rind_read_proof right;
            struct rind_tree_split split;
            struct rind_tree_merge merge;
            assert_true(rind_is_ok(model_read(&model, &root, &key, &proof)));
            assert_true(rind_is_ok(rind_tree_split(&model.ctx, model.overlay, &proof, &split)));
            assert_true(model_apply(&model, &split.delta));
            model_reopen(&model, &split.left);
            assert_true(
                rind_is_ok(model_read_edge(&model, &split.left.root_hash, RIND_SIDE_RIGHT, &left)));
            model_reopen(&model, &split.right);
            assert_true(rind_is_ok(
                model_read_edge(&model, &split.right.root_hash, RIND_SIDE_LEFT, &right)));
            assert_true(
                rind_is_ok(rind_tree_merge(&model.ctx, model.overlay, &right, &left, &merge)));
            assert_true(rind_data_hash_equal(&merge.joined.root_hash, &root));
            assert_true(model_apply(&model, &merge.delta));
            assert_int_equal(model.store.node_count, node_count);
            model_reopen(&model, &merge.joined);
        }
        size_t leaf_count;
        assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
        assert_int_equal(leaf_count, count);
        model_fini(&model);
    }
}

/* --- Walks over what cannot be a tree --- */

static void a_walk_over_broken_nodes_is_an_error(void **state)
{
    (void)state;
    struct rind_owned_range full = rind_owned_range_full();
    struct rind_data_hash root = {.bytes = {1}};
    struct rind_record_id key = MODEL_ID(0x12);
    struct rind_walk walk;
    struct rind_node leaf = {.kind = RIND_NODE_LEAF};
    struct rind_node node = {.kind = RIND_NODE_INTERIOR};
    rind_walk_start_record(&walk, &full, &root, &key);
    assert_true(rind_is(rind_walk_give(NULL, &walk, &leaf), RIND_E_CORRUPT)); /* as the root */

    node.interior.has_left = true;
    node.interior.left.prefix = rind_bits_of_record_id(&key);
    rind_walk_start_record(&walk, &full, &root, &key);
    assert_true(rind_is_ok(rind_walk_give(NULL, &walk, &node)));
    struct rind_node_key wanted;
    assert_true(rind_walk_wants(&walk, &wanted));
    assert_int_equal(wanted.prefix.length, 256);
    assert_true(rind_is(rind_walk_give(NULL, &walk, &node), RIND_E_CORRUPT)); /* too deep */

    node.interior.left.prefix = (struct rind_bit_vector){.length = 0};
    rind_walk_start_edge(&walk, &full, &root, RIND_SIDE_LEFT);
    assert_true(rind_is(rind_walk_give(NULL, &walk, &node), RIND_E_CORRUPT)); /* would not end */
    node.interior.left.prefix.length = 300;
    rind_walk_start_edge(&walk, &full, &root, RIND_SIDE_LEFT);
    assert_true(rind_is(rind_walk_give(NULL, &walk, &node), RIND_E_CORRUPT));
    assert_false(rind_walk_wants(&walk, &wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_that_fails_leaves_the_tree_serving),
        cmocka_unit_test(a_merge_that_fails_leaves_the_tree_serving),
        cmocka_unit_test(a_moved_edge_is_rebased),
        cmocka_unit_test(a_moved_edge_that_conflicts_is_stale_and_a_fresh_one_works),
        cmocka_unit_test(proofs_off_the_edge_give_the_right_tree_or_are_invalid),
        cmocka_unit_test(a_merge_in_a_full_arena_is_an_error),
        cmocka_unit_test(random_trees_split_and_merge_back),
        cmocka_unit_test(a_walk_over_broken_nodes_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
