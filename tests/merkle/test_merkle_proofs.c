/*
 * test_merkle_proofs.c - hostile proofs: none may crash, be accepted as another truth, or change
 * anything.
 */
#include "support/test.h"

#include "merkle/proof_forge.h"
#include "merkle/tree_model.h"
#include "wire/codec.h"
#include "wire/range.h"

/* A tree with paths of several kinds; see setup. */
struct fixture {
    struct model model;
    struct rind_record_id deep;   /* has a record, three nodes down */
    struct rind_record_id absent; /* diverges */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    struct rind_owned_range range = {.start = MODEL_ID(0x01), .end = MODEL_ID(0xf0)};
    model_init(&fixture->model, &range, 15);
    const uint8_t keys[] = {0x08, 0x0a, 0x0f, 0x22, 0x3b};
    for (size_t i = 0; i < sizeof(keys); i++) {
        struct rind_record_id id = MODEL_ID(keys[i]);
        assert_true(rind_is_ok(model_insert(&fixture->model, &id, rind_slice_make(&keys[i], 1))));
    }
    fixture->deep = MODEL_ID(0x0a);
    fixture->absent = MODEL_ID(0x0b);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    model_fini(&fixture->model);
    free(fixture);
    return 0;
}

static struct rind_read_proof read_proof(struct fixture *fixture, const struct rind_record_id *key)
{
    struct rind_read_proof proof;
    assert_true(rind_is_ok(model_read(&fixture->model, &fixture->model.root_hash, key, &proof)));
    return proof;
}

/* The core answers Invalid to the proof as it is, and Stale if it names an unknown root. */
static void assert_invalid(struct fixture *fixture, const struct rind_read_proof *proof)
{
    struct model *model = &fixture->model;
    struct rind_verified_proof verified = {.step_count = 4711};
    bool is_known = rind_overlay_knows_root(model->overlay, &proof->root_hash);
    rind_status status = rind_tree_verify(&model->ctx, model->overlay, proof, &verified);
    assert_true(rind_is(status, is_known ? RIND_E_AUTH : RIND_E_STALE));
    status = rind_tree_verify_foreign(&model->ctx, proof, &verified);
    assert_true(rind_is(status, RIND_E_AUTH));
    assert_int_equal(verified.step_count, 4711); /* results only on success */
}

static void altered_proofs_are_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct rind_read_proof good = read_proof(fixture, &fixture->deep);
    assert_true(good.has_leaf && good.path.count == 4);
    struct rind_read_proof bad;

    bad = good;
    bad.has_leaf = false; /* leaf dropped */
    assert_invalid(fixture, &bad);
    bad.path.count--; /* and the last node with it */
    assert_invalid(fixture, &bad);
    bad = good;
    bad.path.count = 1;
    assert_invalid(fixture, &bad);
    bad.path.count = 0;
    assert_invalid(fixture, &bad);
    bad.has_leaf = false;
    assert_invalid(fixture, &bad);
    bad = good;
    bad.key.bytes[0] ^= 1;
    assert_invalid(fixture, &bad);
    bad = good;
    bad.key.bytes[31] ^= 1;
    assert_invalid(fixture, &bad);
    bad = good;
    bad.leaf.value = rind_slice_text("other");
    assert_invalid(fixture, &bad);
    bad = good;
    bad.range.start = MODEL_ID(0x0b); /* key outside */
    assert_invalid(fixture, &bad);
    bad = good;
    bad.range.end = MODEL_ID(0xf1); /* key inside, but not the range that was hashed */
    assert_invalid(fixture, &bad);
    bad = good;
    bad.range.start = good.range.end; /* inverted */
    bad.range.end = good.range.start;
    assert_invalid(fixture, &bad);
    bad = good;
    bad.root_hash.bytes[7] ^= 1;
    assert_invalid(fixture, &bad);
    bad.has_leaf = false;
    assert_invalid(fixture, &bad);
}

static void altered_proofs_of_absence_are_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct rind_read_proof good = read_proof(fixture, &fixture->absent);
    assert_true(!good.has_leaf && good.path.count == 4);
    struct rind_read_proof bad = good;
    bad.has_leaf = true;
    bad.leaf.value = rind_slice_text("claimed");
    assert_invalid(fixture, &bad);
    bad = good;
    bad.path.count = 2; /* the second node leads on */
    assert_invalid(fixture, &bad);
    bad = good;
    bad.root_hash.bytes[0] ^= 0x80;
    assert_invalid(fixture, &bad);

    struct rind_record_id right = MODEL_ID(0x90); /* the root has no right branch */
    good = read_proof(fixture, &right);
    assert_true(!good.has_leaf && good.path.count == 1 && !good.path.items[0].has_right);
    bad = good;
    bad.has_leaf = true;
    bad.leaf.value = rind_slice_text("claimed");
    assert_invalid(fixture, &bad);
    struct rind_interior_node two[2] = {good.path.items[0], good.path.items[0]};
    bad = good;
    bad.path.items = two;
    bad.path.count = 2; /* a node after an empty branch */
    assert_invalid(fixture, &bad);
}

/* Each hash of a path is altered, on the way and beside it. */
static void every_hash_of_a_path_counts(void **state)
{
    struct fixture *fixture = *state;
    struct rind_read_proof proof = read_proof(fixture, &fixture->deep);
    for (size_t i = 0; i < proof.path.count; i++) {
        struct rind_interior_node *node = &proof.path.items[i];
        node->left.hash.bytes[31] ^= 1;
        node->has_left ? assert_invalid(fixture, &proof) : (void)0;
        node->left.hash.bytes[31] ^= 1;
        node->right.hash.bytes[0] ^= 1;
        node->has_right ? assert_invalid(fixture, &proof) : (void)0;
        node->right.hash.bytes[0] ^= 1;
    }
    struct rind_verified_proof verified;
    assert_true(rind_is_ok(
        rind_tree_verify(&fixture->model.ctx, fixture->model.overlay, &proof, &verified)));
}

/*
 * Malformed nodes whose hashes are right all the way up: only the checks of the nodes themselves
 * can refuse them. Many of them end other implementations.
 */
static void malformed_nodes_are_invalid_even_with_right_hashes(void **state)
{
    struct fixture *fixture = *state;
    struct rind_read_proof original = read_proof(fixture, &fixture->deep);
    enum { NODES_MAX = 8 };
    assert_true(original.path.count <= NODES_MAX);
    for (size_t at = 0; at < original.path.count; at++) {
        for (unsigned damage = 0; damage < PROOF_DAMAGE_COUNT; damage++) {
            for (unsigned side = 0; side < 2; side++) {
                struct rind_interior_node nodes[NODES_MAX];
                struct rind_read_proof proof = original;
                memcpy(nodes, original.path.items, original.path.count * sizeof(nodes[0]));
                proof.path.items = nodes;
                if (!proof_damage(&nodes[at], damage, side, at == 0)) {
                    continue;
                }
                proof_rehash(&proof);
                assert_invalid(fixture, &proof);
                /* And if the overlay knew that root. */
                rind_overlay_open(fixture->model.overlay, &proof.root_hash);
                assert_invalid(fixture, &proof);
                rind_overlay_open(fixture->model.overlay, &fixture->model.root_hash);
            }
        }
    }
}

static void undamaged_rehashed_proofs_are_still_valid(void **state)
{
    struct fixture *fixture = *state;
    struct rind_read_proof proof = read_proof(fixture, &fixture->deep);
    struct rind_data_hash root = proof.root_hash;
    proof_rehash(&proof);
    assert_true(rind_data_hash_equal(&root, &proof.root_hash));
}

/* --- Paths of the greatest length --- */

static struct rind_record_id flipped(const struct rind_record_id *id, unsigned bit)
{
    struct rind_record_id other = *id;
    other.bytes[bit / 8] ^= (uint8_t)(0x80u >> (bit % 8));
    return other;
}

/* Records that leave the key's path at each of its 256 bits. */
static void insert_around(struct model *model, const struct rind_record_id *key)
{
    for (unsigned bit = 0; bit < 256; bit++) {
        struct rind_record_id id = flipped(key, bit);
        model_reset(model);
        assert_true(rind_is_ok(model_insert(model, &id, rind_record_id_slice(&id))));
    }
    assert_true(rind_is_ok(model_insert(model, key, rind_slice_text("innermost"))));
}

static void the_longest_path_has_256_nodes_and_works(void **state)
{
    (void)state;
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    uint64_t seed = 256;
    struct rind_record_id key = model_random_id(&seed);
    model_init(&model, &full, 3);
    insert_around(&model, &key);
    struct rind_slice value;
    assert_true(model_get(&model, &key, &value));
    assert_true(rind_slice_is_text(value, "innermost"));
    struct rind_read_proof proof;
    assert_true(rind_is_ok(model_read(&model, &model.root_hash, &key, &proof)));
    assert_int_equal(proof.path.count, 256);
    size_t leaf_count;
    assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
    assert_int_equal(leaf_count, 257);

    struct rind_data_hash root = model.root_hash;
    struct rind_tree_split split;
    assert_true(rind_is_ok(rind_tree_split(&model.ctx, model.overlay, &proof, &split)));
    assert_true(model_apply(&model, &split.delta));
    struct rind_read_proof left;
    struct rind_read_proof right;
    struct rind_tree_merge merge;
    model_reopen(&model, &split.right);
    assert_true(
        rind_is_ok(model_read_edge(&model, &split.right.root_hash, RIND_SIDE_LEFT, &right)));
    model_reopen(&model, &split.left);
    assert_true(rind_is_ok(model_read_edge(&model, &split.left.root_hash, RIND_SIDE_RIGHT, &left)));
    assert_true(rind_is_ok(rind_tree_merge(&model.ctx, model.overlay, &left, &right, &merge)));
    assert_true(rind_data_hash_equal(&merge.joined.root_hash, &root));
    assert_true(model_apply(&model, &merge.delta));
    model_reopen(&model, &merge.joined);
    assert_int_equal(model_check(&model, &leaf_count), model.store.node_count);
    model_fini(&model);
}

static void paths_that_go_on_after_the_key_are_invalid(void **state)
{
    struct fixture *fixture = *state;
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    struct rind_record_id key = MODEL_ID(0x12);
    model_init(&model, &full, 3);
    insert_around(&model, &key);
    struct rind_read_proof proof;
    assert_true(rind_is_ok(model_read(&model, &model.root_hash, &key, &proof)));
    static struct rind_interior_node nodes[400];
    memcpy(nodes, proof.path.items, 256 * sizeof(nodes[0]));
    for (unsigned i = 256; i < 400; i++) {
        nodes[i] = nodes[255];
    }
    const size_t counts[] = {257, 258, 300, 400};
    proof.path.items = nodes;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        for (unsigned has_leaf = 0; has_leaf < 2; has_leaf++) {
            proof.path.count = counts[i];
            proof.has_leaf = has_leaf == 1;
            assert_invalid(fixture, &proof);
            struct rind_verified_proof verified;
            assert_true(rind_is(rind_tree_verify(&model.ctx, model.overlay, &proof, &verified),
                                RIND_E_AUTH));
        }
    }
    /* A single branch of all 256 bits, and a node where its leaf should be. */
    struct rind_read_proof single = {.key = key, .range = full};
    nodes[0] = (struct rind_interior_node){.has_left = true};
    nodes[0].left.prefix = rind_bits_of_record_id(&key);
    single.path.items = nodes;
    single.path.count = 2;
    rind_hash_interior(&nodes[1], &nodes[0].left.hash);
    rind_hash_root(&full, &nodes[0], &single.root_hash);
    assert_invalid(fixture, &single);
    model_fini(&model);
}

/* --- Mutation --- */

/*
 * One bit of the encoded proof is flipped, each in turn. Whatever still decodes must be refused, or
 * say what is true.
 */
static void flip_every_bit(struct fixture *fixture, const struct rind_record_id *key)
{
    struct model *model = &fixture->model;
    struct rind_read_proof original = read_proof(fixture, key);
    struct rind_slice encoded;
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&model->ctx, &rind_read_proof_schema, &original, &encoded)));
    uint8_t *bytes = malloc(encoded.length);
    assert_non_null(bytes);
    memcpy(bytes, encoded.data, encoded.length);
    size_t length = encoded.length;
    size_t path_count = original.path.count;
    size_t expected_length = original.has_leaf ? original.leaf.value.length : 0;
    unsigned accepted_count = 0;
    for (size_t bit = 0; bit < 8 * length; bit++) {
        struct rind_read_proof proof;
        struct rind_verified_proof verified;
        model_reset(model);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        rind_status status = rind_wire_decode_strict(&model->ctx, &rind_read_proof_schema,
                                                     rind_slice_make(bytes, length), &proof);
        if (rind_is_ok(status)) {
            status = rind_tree_verify(&model->ctx, model->overlay, &proof, &verified);
            assert_true(rind_is_ok(status) || rind_is(status, RIND_E_AUTH) ||
                        rind_is(status, RIND_E_STALE));
        }
        if (rind_is_ok(status)) {
            /* The proof of one absence may prove that of a neighbouring key: that is no lie. */
            bool is_same_key = rind_record_id_equal(&verified.key, key);
            accepted_count += is_same_key ? 1 : 0;
            assert_true(is_same_key || expected_length == 0);
            assert_true(rind_owned_range_equal(&verified.range, &model->range));
            assert_true(rind_data_hash_equal(&verified.root_hash, &model->root_hash));
            struct rind_slice truth;
            bool exists = model_get(model, &verified.key, &truth);
            assert_int_equal(verified.has_leaf, exists);
            assert_true(!exists || rind_slice_equal(verified.value, truth));
        }
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    /*
     * Only a changed name of a null member (the leaf, a branch of the root) and a name that became
     * a byte string (at most 16 names per node) leave the truth as it is.
     */
    assert_true(accepted_count <= 8 * (strlen("leaf") + strlen("right")) + 16 * (path_count + 1));
    free(bytes);
}

static void a_flipped_bit_never_makes_another_truth(void **state)
{
    struct fixture *fixture = *state;
    struct rind_record_id empty = MODEL_ID(0x90);
    struct rind_record_id shallow = MODEL_ID(0x3b);
    flip_every_bit(fixture, &fixture->deep);
    flip_every_bit(fixture, &fixture->absent);
    flip_every_bit(fixture, &empty);
    flip_every_bit(fixture, &shallow);
}

/*
 * Random damage with hashes made right again, presented at a root that the overlay knows, and
 * whatever is accepted is acted on: nothing may crash, and no failure may change the overlay.
 */
static void consistent_forgeries_never_crash(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = &fixture->model;
    uint64_t seed = 4242;
    unsigned accepted_count = 0;
    print_message("seed %u\n", (unsigned)seed);
    for (unsigned round = 0; round < 20000; round++) {
        model_reset(model);
        rind_overlay_open(model->overlay, &model->root_hash);
        struct rind_record_id key = MODEL_ID((uint8_t)(1 + model_random(&seed) % 0xef));
        struct rind_read_proof proof = read_proof(fixture, &key);
        proof_mutate(&proof, &seed);
        proof_rehash(&proof);
        rind_overlay_open(model->overlay, &proof.root_hash);
        accepted_count += proof_act(model, &proof) ? 1 : 0;
    }
    assert_true(accepted_count > 100); /* else the damage was too coarse to test anything */
    rind_overlay_open(model->overlay, &model->root_hash);
}

/* --- Running out of memory --- */

enum { ACT_VERIFY, ACT_INSERT, ACT_SPLIT, ACT_COUNT };

static rind_status act(struct fixture *fixture, struct rind_ctx *ctx, unsigned what,
                       const struct rind_read_proof *proof)
{
    const struct rind_overlay *overlay = fixture->model.overlay;
    struct rind_verified_proof verified;
    struct rind_tree_change change;
    struct rind_tree_split split;
    if (what == ACT_SPLIT) {
        return rind_tree_split(ctx, overlay, proof, &split);
    }
    RIND_TRY(rind_tree_verify(ctx, overlay, proof, &verified));
    if (what == ACT_VERIFY) {
        return RIND_OK;
    }
    return rind_tree_insert(ctx, overlay, &verified, rind_slice_text("new"), &change);
}

static void a_full_arena_is_an_error_that_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = &fixture->model;
    struct rind_data_hash root = model->root_hash;
    struct rind_record_id other = MODEL_ID(0x23);
    struct rind_read_proof old = read_proof(fixture, &fixture->deep);
    assert_true(rind_arena_copy(&model->arena, old.leaf.value, &old.leaf.value));
    assert_true(rind_is_ok(model_insert(model, &other, rind_slice_text("moves the root"))));
    root = model->root_hash;
    static alignas(16) uint8_t memory[1 << 16];
    for (unsigned what = 0; what < ACT_COUNT; what++) {
        bool has_fit = false;
        for (size_t size = 0; size < sizeof(memory); size += 16) {
            struct rind_arena arena;
            struct rind_ctx ctx;
            rind_arena_init(&arena, memory, size);
            rind_ctx_init(&ctx, &arena);
            rind_status status = act(fixture, &ctx, what, &old); /* rebased: the longest way */
            assert_true(rind_is_ok(status) || rind_is(status, RIND_E_LIMIT));
            assert_true(!has_fit || rind_is_ok(status)); /* more memory never fails */
            has_fit = rind_is_ok(status);
            assert_true(rind_data_hash_equal(rind_overlay_latest_root(model->overlay), &root));
        }
        assert_true(has_fit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(altered_proofs_are_invalid, setup, teardown),
        cmocka_unit_test_setup_teardown(altered_proofs_of_absence_are_invalid, setup, teardown),
        cmocka_unit_test_setup_teardown(every_hash_of_a_path_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_nodes_are_invalid_even_with_right_hashes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(undamaged_rehashed_proofs_are_still_valid, setup, teardown),
        cmocka_unit_test(the_longest_path_has_256_nodes_and_works),
        cmocka_unit_test_setup_teardown(paths_that_go_on_after_the_key_are_invalid, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_never_makes_another_truth, setup, teardown),
        cmocka_unit_test_setup_teardown(consistent_forgeries_never_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_arena_is_an_error_that_changes_nothing, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
