/* test_merkle_overlay.c - the window of recent changes, rebasing, and inserts through it. */
#include "support/test.h"

#include "merkle/overlay_nodes.h"
#include "merkle/tree_model.h"
#include "wire/range.h"

static void model_init_full(struct model *model, uint32_t capacity)
{
    struct rind_owned_range full = rind_owned_range_full();
    model_init(model, &full, capacity);
    model->store.keeps_removed = true; /* so that old roots can be read */
}

static void put(struct model *model, uint8_t key, uint8_t value)
{
    struct rind_record_id id = MODEL_ID(key);
    assert_true(rind_is_ok(model_insert(model, &id, rind_slice_make(&value, 1))));
}

static rind_status verify_at(struct model *model, const struct rind_data_hash *root, uint8_t key,
                             struct rind_verified_proof *verified)
{
    struct rind_record_id id = MODEL_ID(key);
    struct rind_read_proof proof;
    assert_true(rind_is_ok(model_read(model, root, &id, &proof)));
    return rind_tree_verify(&model->ctx, model->overlay, &proof, verified);
}

static void the_first_insert_adds_two_nodes_and_removes_the_old_root(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 15);
    struct rind_record_id id = MODEL_ID(2, 6, 8);
    struct rind_read_proof proof;
    struct rind_tree_change change;
    struct rind_data_hash old = model.root_hash;
    assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proof)));
    assert_true(rind_is_ok(model_insert_with(&model, &proof, rind_slice_text("x"), &change)));
    assert_int_equal(change.delta.add.count, 2);
    assert_int_equal(change.delta.remove.count, 1);
    assert_true(rind_data_hash_equal(&change.delta.remove.items[0].hash, &old));
    struct rind_record_id second = MODEL_ID(4, 4, 6);
    struct rind_record_id third = MODEL_ID(0, 2, 3);
    assert_true(rind_is_ok(model_insert(&model, &second, rind_slice_text("y"))));
    assert_true(rind_is_ok(model_insert(&model, &third, rind_slice_text("z"))));
    assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proof)));
    assert_int_equal(proof.path.count, 3);
    model_fini(&model);
}

static void a_proof_is_known_for_exactly_capacity_minus_one_changes(void **state)
{
    (void)state;
    const uint32_t capacities[] = {2, 3, 5, 15, 40};
    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        uint32_t capacity = capacities[c];
        struct model model;
        model_init_full(&model, capacity);
        struct rind_data_hash roots[101] = {model.root_hash};
        for (uint8_t n = 1; n <= 100; n++) {
            model_reset(&model);
            put(&model, 0x33, n);
            roots[n] = model.root_hash;
            for (uint8_t old = 0; old <= n; old++) {
                /* Root 0 is the opening one: it goes with the first expiry. */
                bool is_known = old == 0 ? n < capacity : n - old < (int)capacity - 1;
                struct rind_verified_proof verified;
                model_reset(&model);
                assert_int_equal(rind_overlay_knows_root(model.overlay, &roots[old]), is_known);
                rind_status status = verify_at(&model, &roots[old], 0x33, &verified);
                assert_true(is_known ? rind_is_ok(status) : rind_is(status, RIND_E_STALE));
                if (is_known) {
                    assert_int_equal(verified.value.data[0], n); /* always the newest */
                    assert_int_equal(verified.is_rebased, old != n);
                }
            }
        }
        assert_int_equal(rind_overlay_change_count(model.overlay), capacity - 1);
        model_fini(&model);
    }
}

static void a_proof_of_an_unknown_root_is_stale_before_it_is_invalid(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 15);
    struct rind_read_proof proof = {.root_hash = {.bytes = {1}}};
    struct rind_verified_proof verified;
    assert_true(
        rind_is(rind_tree_verify(&model.ctx, model.overlay, &proof, &verified), RIND_E_STALE));
    model_fini(&model);
}

static void an_identical_value_changes_nothing_and_does_not_enter_the_window(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 5);
    put(&model, 1, 1);
    struct rind_data_hash root = model.root_hash;
    for (unsigned i = 0; i < 20; i++) {
        struct rind_record_id id = MODEL_ID(1);
        uint8_t value = 1;
        struct rind_read_proof proof;
        struct rind_tree_change change;
        assert_true(rind_is_ok(model_read(&model, &root, &id, &proof)));
        assert_true(
            rind_is_ok(model_insert_with(&model, &proof, rind_slice_make(&value, 1), &change)));
        assert_int_equal(change.delta.add.count, 0);
        assert_int_equal(change.delta.remove.count, 0);
        assert_true(rind_data_hash_equal(&change.root_hash, &root));
    }
    assert_int_equal(rind_overlay_change_count(model.overlay), 1);
    model_fini(&model);
}

static void an_insert_on_a_superseded_proof_is_stale(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 5);
    struct rind_verified_proof verified;
    struct rind_tree_change change;
    assert_true(rind_is_ok(verify_at(&model, &model.root_hash, 1, &verified)));
    put(&model, 2, 2);
    assert_true(rind_is(
        rind_tree_insert(&model.ctx, model.overlay, &verified, rind_slice_text("late"), &change),
        RIND_E_STALE));
    model_fini(&model);
}

static void a_value_over_the_limit_is_refused(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 5);
    static uint8_t value[RIND_TREE_VALUE_SIZE_BYTES_MAX + 1];
    struct rind_record_id id = MODEL_ID(1);
    assert_true(
        rind_is(model_insert(&model, &id, rind_slice_make(value, sizeof(value))), RIND_E_LIMIT));
    assert_int_equal(rind_overlay_change_count(model.overlay), 0);
    assert_true(rind_is_ok(model_insert(&model, &id, rind_slice_make(value, sizeof(value) - 1))));
    model_fini(&model);
}

/* Values A, B, A without nonces: the same leaf and root hashes come again and again. */
static void a_hash_added_twice_outlives_the_expiry_of_its_first_change(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 4); /* three changes */
    put(&model, 0x80, 1);
    put(&model, 0x10, 'A');
    struct rind_data_hash root_a = model.root_hash;
    put(&model, 0x10, 'B');
    struct rind_data_hash root_b = model.root_hash;
    put(&model, 0x10, 'A'); /* expires the first insert */
    assert_true(rind_data_hash_equal(&model.root_hash, &root_a));
    put(&model, 0x20, 'C'); /* expires the first A; the second stays */
    struct rind_verified_proof verified;
    assert_true(rind_is_ok(verify_at(&model, &root_b, 0x10, &verified)));
    assert_int_equal(verified.value.data[0], 'A');
    assert_true(rind_is_ok(verify_at(&model, &root_a, 0x10, &verified)));
    assert_int_equal(verified.value.data[0], 'A');
    put(&model, 0x20, 'D'); /* expires B */
    assert_false(rind_overlay_knows_root(model.overlay, &root_b));
    assert_true(rind_overlay_knows_root(model.overlay, &root_a));
    put(&model, 0x20, 'E'); /* expires the second A */
    assert_false(rind_overlay_knows_root(model.overlay, &root_a));
    model_fini(&model);
}

/* Checks both branches of the node; returns how many lie right behind it. */
static unsigned check_children(const struct model *model, const struct rind_overlay_node *parent)
{
    struct rind_interior_node interior;
    unsigned behind_count = 0;
    rind_overlay_read_interior(model->overlay, parent, &interior);
    for (unsigned side = 0; side < 2; side++) {
        bool has_branch = side == 0 ? interior.has_left : interior.has_right;
        const struct rind_branch *branch = side == 0 ? &interior.left : &interior.right;
        struct rind_overlay_node below;
        struct rind_overlay_node found;
        if (!has_branch) {
            continue;
        }
        bool is_there = rind_overlay_find(model->overlay, &branch->hash, &found);
        assert_int_equal(rind_overlay_find_below(model->overlay, parent, &branch->hash, &below),
                         is_there);
        if (is_there) {
            assert_int_equal(below.position, found.position);
            assert_int_equal(below.content_size, found.content_size);
            assert_int_equal(below.kind, found.kind);
            behind_count += found.position > parent->position &&
                            found.position - parent->position < 2 * sizeof(interior);
        }
    }
    return behind_count;
}

static void a_node_below_another_is_found_wherever_it_lies(void **state)
{
    (void)state;
    struct model model;
    struct rind_overlay_node root;
    struct rind_overlay_node none;
    unsigned behind_count = 0;
    model_init_full(&model, 6);
    for (unsigned i = 0; i < 60; i++) {
        put(&model, (uint8_t)(i * 37), (uint8_t)i);
        assert_true(rind_overlay_find(model.overlay, &model.root_hash, &root));
        behind_count += check_children(&model, &root);
        /* Nothing lies behind the newest leaf, and what is nowhere is not found. */
        struct rind_data_hash unknown = model.root_hash;
        unknown.bytes[0] ^= 1;
        assert_false(rind_overlay_find_below(model.overlay, &root, &unknown, &none));
        assert_false(rind_overlay_find_below(model.overlay, NULL, &unknown, &none));
    }
    assert_true(behind_count >= 50); /* the changed one of the root's children, unless it wraps */
    model_fini(&model);
}

static void a_root_that_returns_to_the_opening_one_is_known_again(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 3);
    put(&model, 1, 'A');
    struct rind_partition partition = {.range = model.range, .root_hash = model.root_hash};
    model_reopen(&model, &partition);
    put(&model, 1, 'B');
    put(&model, 1, 'A');
    put(&model, 1, 'C'); /* the opening root would go here, were it not produced again */
    assert_true(rind_overlay_knows_root(model.overlay, &partition.root_hash));
    put(&model, 1, 'D');
    assert_false(rind_overlay_knows_root(model.overlay, &partition.root_hash));
    model_fini(&model);
}

static void three_inserts_from_one_root_all_take_effect(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 15);
    model.store.keeps_removed = false;
    put(&model, 0x11, 1);
    struct rind_read_proof proofs[3];
    struct rind_tree_change changes[3];
    for (uint8_t i = 0; i < 3; i++) {
        struct rind_record_id id = MODEL_ID((uint8_t)(0x10 + i)); /* one of them is an update */
        assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proofs[i])));
    }
    /* Contents the proofs point at are deleted by the first delta: decouple them from the store. */
    for (uint8_t i = 0; i < 3; i++) {
        if (proofs[i].has_leaf) {
            assert_true(rind_arena_copy(&model.arena, proofs[i].leaf.value, &proofs[i].leaf.value));
        }
    }
    for (uint8_t i = 0; i < 3; i++) {
        uint8_t value = (uint8_t)(0x50 + i);
        size_t leaf_count;
        assert_true(rind_is_ok(
            model_insert_with(&model, &proofs[i], rind_slice_make(&value, 1), &changes[i])));
        assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
    }
    for (uint8_t i = 0; i < 3; i++) {
        struct rind_record_id id = MODEL_ID((uint8_t)(0x10 + i));
        struct rind_slice value;
        assert_true(model_get(&model, &id, &value));
        assert_int_equal(value.data[0], 0x50 + i);
    }
    model_fini(&model);
}

static void changes_too_large_for_the_memory_expire_older_ones_early(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 15);
    static uint8_t value[RIND_TREE_VALUE_SIZE_BYTES_MAX];
    struct rind_data_hash before = model.root_hash;
    for (uint8_t i = 1; i <= 40; i++) {
        model_reset(&model);
        value[0] = i;
        struct rind_record_id id = MODEL_ID((uint8_t)(i % 4));
        assert_true(rind_is_ok(model_insert(&model, &id, rind_slice_make(value, sizeof(value)))));
        struct rind_slice read;
        assert_true(model_get(&model, &id, &read));
        assert_memory_equal(read.data, value, sizeof(value));
        assert_true(rind_overlay_knows_root(model.overlay, &model.root_hash));
        if (i > 1) { /* 128 KB hold one such change: the root before is gone already */
            assert_int_equal(rind_overlay_change_count(model.overlay), 1);
            assert_false(rind_overlay_knows_root(model.overlay, &before));
        }
        before = model.root_hash;
    }
    model_fini(&model);
}

static void values_of_every_kind_of_size_come_back(void **state)
{
    (void)state;
    static uint8_t value[RIND_TREE_VALUE_SIZE_BYTES_MAX];
    memset(value, 0x77, sizeof(value));
    const size_t sizes[] = {0, 1, 24, 25, 790, 65536};
    struct model model;
    model_init_full(&model, 40);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct rind_record_id id = MODEL_ID((uint8_t)(7 * i));
        struct rind_slice read;
        struct rind_data_hash before = model.root_hash;
        assert_true(rind_is_ok(model_insert(&model, &id, rind_slice_make(value, sizes[i]))));
        assert_true(model_get(&model, &id, &read));
        assert_int_equal(read.length, sizes[i]);
        struct rind_verified_proof verified; /* and through the overlay */
        assert_true(rind_is_ok(verify_at(&model, &before, id.bytes[0], &verified)));
        assert_true(verified.is_rebased && verified.has_leaf);
        assert_true(rind_slice_equal(verified.value, rind_slice_make(value, sizes[i])));
    }
    model_fini(&model);
}

static void an_overlay_wants_two_to_65535_roots_and_its_memory(void **state)
{
    (void)state;
    struct rind_overlay_seed seed = {.bytes = {0}};
    struct rind_overlay *overlay;
    alignas(16) uint8_t memory[64];
    assert_true(
        rind_is(rind_overlay_init(NULL, memory, SIZE_MAX, 0, &seed, &overlay), RIND_E_INVALID));
    assert_true(
        rind_is(rind_overlay_init(NULL, memory, SIZE_MAX, 1, &seed, &overlay), RIND_E_INVALID));
    assert_true(
        rind_is(rind_overlay_init(NULL, memory, SIZE_MAX, 65536, &seed, &overlay), RIND_E_INVALID));
    for (uint32_t capacity = 2; capacity < 65536; capacity = capacity * 3 + 1) {
        size_t size = rind_overlay_size_bytes(capacity);
        assert_true(rind_is(rind_overlay_init(NULL, memory, size - 1, capacity, &seed, &overlay),
                            RIND_E_INVALID));
        void *enough = aligned_alloc(16, size);
        assert_non_null(enough);
        assert_true(rind_is_ok(rind_overlay_init(NULL, enough, size, capacity, &seed, &overlay)));
        struct rind_data_hash root = {.bytes = {9}};
        rind_overlay_open(overlay, &root);
        assert_true(rind_overlay_knows_root(overlay, &root));
        free(enough);
    }
}

/*
 * Random writes of few keys and few values (so that hashes recur), each from a proof of random age.
 * What the window says is compared with a list of all roots, what verification says with a fresh
 * read, the whole tree with the list of values.
 */
static void random_histories(uint32_t capacity, uint64_t seed, unsigned count)
{
    enum { KEYS = 12 };
    struct model model;
    model_init_full(&model, capacity);
    struct rind_data_hash *roots = calloc(count + 1, sizeof(*roots));
    assert_non_null(roots);
    uint8_t values[KEYS] = {0};
    unsigned change_count = 0;
    roots[0] = model.root_hash;
    for (unsigned n = 0; n < count; n++) {
        model_reset(&model);
        unsigned age = (unsigned)(model_random(&seed) % (2 * capacity));
        unsigned from = age > change_count ? 0 : change_count - age;
        bool is_known = false;
        for (unsigned i = 0; i <= change_count; i++) {
            bool is_retained = i == 0 ? change_count < capacity : change_count - i < capacity - 1;
            is_known |= is_retained && rind_data_hash_equal(&roots[i], &roots[from]);
        }
        unsigned key = (unsigned)(model_random(&seed) % KEYS);
        struct rind_record_id id = MODEL_ID((uint8_t)(key * 21));
        struct rind_read_proof proof;
        struct rind_read_proof fresh;
        struct rind_verified_proof verified;
        assert_true(rind_is_ok(model_read(&model, &roots[from], &id, &proof)));
        assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &fresh)));
        rind_status status = rind_tree_verify(&model.ctx, model.overlay, &proof, &verified);
        if (!is_known) {
            assert_true(rind_is(status, RIND_E_STALE));
            continue;
        }
        assert_true(rind_is_ok(status));
        assert_int_equal(verified.step_count, fresh.path.count);
        for (unsigned i = 0; i < verified.step_count; i++) {
            struct rind_data_hash hash;
            i == 0 ? rind_hash_root(&model.range, verified.steps[i].node, &hash)
                   : rind_hash_interior(verified.steps[i].node, &hash);
            assert_true(rind_data_hash_equal(&hash, &verified.steps[i].hash));
        }
        assert_int_equal(verified.has_leaf, values[key] != 0);
        if (values[key] != 0) {
            assert_int_equal(verified.value.data[0], values[key]);
        }
        uint8_t value = (uint8_t)(1 + model_random(&seed) % 3);
        struct rind_tree_change change;
        assert_true(
            rind_is_ok(model_insert_with(&model, &proof, rind_slice_make(&value, 1), &change)));
        if (change.delta.add.count > 0) {
            roots[++change_count] = model.root_hash;
            values[key] = value;
        }
    }
    size_t leaf_count;
    (void)model_check(&model, &leaf_count);
    assert_int_equal(rind_overlay_change_count(model.overlay),
                     change_count < capacity - 1 ? change_count : capacity - 1);
    free(roots);
    model_fini(&model);
}

static void windows_agree_with_a_list_of_all_roots(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        random_histories((uint32_t)(2 + seed % 9), seed, 400);
    }
    random_histories(511, 77, 3000);
}

static void the_store_holds_exactly_the_tree_after_every_insert(void **state)
{
    (void)state;
    uint64_t seed = 150;
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    struct rind_record_id ids[150];
    for (unsigned n = 0; n < 150; n++) {
        ids[n] = model_random_id(&seed);
        assert_true(rind_is_ok(model_insert(&model, &ids[n], rind_record_id_slice(&ids[n]))));
        size_t leaf_count;
        assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
        assert_int_equal(leaf_count, n + 1);
        for (unsigned i = 0; i <= n; i++) {
            struct rind_slice value;
            model_reset(&model);
            assert_true(model_get(&model, &ids[i], &value));
            assert_true(rind_slice_equal(value, rind_record_id_slice(&ids[i])));
        }
    }
    model_fini(&model);
}

/*
 * An overlay that holds what no tree does, as after a flaw elsewhere: the walk from the newest root
 * must end in an error, never in a crash.
 */
static void a_path_that_cannot_be_rebuilt_is_an_error(void **state)
{
    (void)state;
    const struct {
        unsigned prefix_length; /* of the new root's only branch */
        bool names_leaf;        /* the branch leads to a leaf that the overlay has */
        enum rind_code code;
    } cases[] = {{1, false, RIND_E_STALE}, {256, false, RIND_E_STALE}, {1, true, RIND_E_AUTH}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct model model;
        model_init_full(&model, 5);
        put(&model, 1, 1);
        struct rind_record_id id = MODEL_ID(2);
        struct rind_read_proof proof;
        assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proof)));

        struct rind_node_addition adds[2] = {{.node = {.kind = RIND_NODE_INTERIOR}},
                                             {.node = {.kind = RIND_NODE_LEAF}}};
        struct rind_tree_change change = {.old_root_hash = model.root_hash,
                                          .root_hash = {.bytes = {1}}};
        adds[0].key.hash = change.root_hash;
        adds[0].node.interior.has_left = true;
        adds[0].node.interior.left.prefix =
            rind_bits_of_record_id_prefix(&id, cases[i].prefix_length);
        adds[0].node.interior.left.hash.bytes[0] = 2;
        adds[1].key.prefix = rind_bits_of_record_id(&id);
        adds[1].key.hash.bytes[0] = cases[i].names_leaf ? 2 : 3;
        change.delta.add.items = adds;
        change.delta.add.count = 2;
        rind_overlay_add(model.overlay, &change);

        struct rind_verified_proof verified;
        assert_true(
            rind_is(rind_tree_verify(&model.ctx, model.overlay, &proof, &verified), cases[i].code));
        model_fini(&model);
    }
}

static void a_tree_over_an_inverted_range_is_refused(void **state)
{
    (void)state;
    struct model model;
    model_init_full(&model, 2);
    struct rind_owned_range range = {.start = MODEL_ID(2), .end = MODEL_ID(1)};
    struct rind_data_hash root;
    struct rind_store_delta delta;
    assert_true(rind_is(rind_tree_new(&model.ctx, &range, &root, &delta), RIND_E_INVALID));
    model_fini(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_insert_adds_two_nodes_and_removes_the_old_root),
        cmocka_unit_test(a_proof_is_known_for_exactly_capacity_minus_one_changes),
        cmocka_unit_test(a_proof_of_an_unknown_root_is_stale_before_it_is_invalid),
        cmocka_unit_test(an_identical_value_changes_nothing_and_does_not_enter_the_window),
        cmocka_unit_test(an_insert_on_a_superseded_proof_is_stale),
        cmocka_unit_test(a_value_over_the_limit_is_refused),
        cmocka_unit_test(a_hash_added_twice_outlives_the_expiry_of_its_first_change),
        cmocka_unit_test(a_node_below_another_is_found_wherever_it_lies),
        cmocka_unit_test(a_root_that_returns_to_the_opening_one_is_known_again),
        cmocka_unit_test(three_inserts_from_one_root_all_take_effect),
        cmocka_unit_test(changes_too_large_for_the_memory_expire_older_ones_early),
        cmocka_unit_test(values_of_every_kind_of_size_come_back),
        cmocka_unit_test(an_overlay_wants_two_to_65535_roots_and_its_memory),
        cmocka_unit_test(a_path_that_cannot_be_rebuilt_is_an_error),
        cmocka_unit_test(a_tree_over_an_inverted_range_is_refused),
        cmocka_unit_test(windows_agree_with_a_list_of_all_roots),
        cmocka_unit_test(the_store_holds_exactly_the_tree_after_every_insert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
