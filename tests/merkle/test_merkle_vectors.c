/* test_merkle_vectors.c - the tree's operations against tests/vectors/merkle-*.json. */
#include "support/test.h"

#include "merkle/overlay_nodes.h"
#include "merkle/tree_model.h"
#include "merkle/tree_vectors.h"
#include "wire/codec.h"
#include "wire/range.h"

#define ASSERT_OK(model, call)                                                                     \
    do {                                                                                           \
        if (!rind_is_ok(call)) {                                                                   \
            fail_msg("%s", (model)->ctx.sentence);                                                 \
        }                                                                                          \
    } while (0)

static bool proofs_are_equal(struct rind_ctx *ctx, const struct rind_read_proof *a,
                             const struct rind_read_proof *b)
{
    struct rind_slice cbor_a;
    struct rind_slice cbor_b;
    assert_true(rind_is_ok(rind_wire_encode_alloc(ctx, &rind_read_proof_schema, a, &cbor_a)));
    assert_true(rind_is_ok(rind_wire_encode_alloc(ctx, &rind_read_proof_schema, b, &cbor_b)));
    return rind_slice_equal(cbor_a, cbor_b);
}

static bool is_hash(const struct rind_data_hash *hash, const json_t *object, const char *key)
{
    struct rind_data_hash expected = tree_vectors_hash(object, key);
    return rind_data_hash_equal(hash, &expected);
}

/* The delta is that of member `key`: as CBOR, and each node's stored cell and row key. */
static void assert_delta(struct rind_ctx *ctx, const struct rind_store_delta *delta,
                         const json_t *object, const char *key)
{
    const json_t *expected = rind_vectors_get(object, key);
    assert_true(tree_vectors_has_cbor(ctx, &rind_store_delta_schema, delta, expected, "cbor"));
    const json_t *adds = rind_vectors_get(expected, "add");
    assert_int_equal(json_array_size(adds), delta->add.count);
    for (size_t i = 0; i < delta->add.count; i++) {
        const json_t *add = json_array_get(adds, i);
        struct rind_row_key row_key;
        assert_true(tree_vectors_has_cbor(ctx, &rind_node_schema, &delta->add.items[i].node, add,
                                          "node_cbor"));
        assert_true(rind_is_ok(rind_row_key_of_node(ctx, &delta->add.items[i].key, &row_key)));
        assert_true(rind_slice_equal(rind_row_key_slice(&row_key),
                                     rind_vectors_hex(add, "store_key", ctx->arena)));
    }
    const json_t *removes = rind_vectors_get(expected, "remove");
    assert_int_equal(json_array_size(removes), delta->remove.count);
    for (size_t i = 0; i < delta->remove.count; i++) {
        struct rind_row_key row_key;
        assert_true(rind_is_ok(rind_row_key_of_node(ctx, &delta->remove.items[i], &row_key)));
        assert_true(rind_slice_equal(
            rind_row_key_slice(&row_key),
            rind_vectors_hex(json_array_get(removes, i), "store_key", ctx->arena)));
    }
}

static void operations_give_the_deltas_and_roots_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-ops.json");
    const json_t *steps = rind_vectors_get(file, "steps");
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    for (size_t i = 0; i < json_array_size(steps); i++) {
        model_reset(&model);
        const json_t *step = json_array_get(steps, i);
        if (strcmp(rind_vectors_text(step, "op"), "new_tree") == 0) {
            struct rind_store_delta delta;
            struct rind_data_hash root;
            ASSERT_OK(&model, rind_tree_new(&model.ctx, &full, &root, &delta));
            assert_true(is_hash(&root, step, "root_hash"));
            assert_delta(&model.ctx, &delta, step, "delta");
            continue;
        }
        struct rind_record_id key = tree_vectors_id(step, "key");
        struct rind_slice value = rind_vectors_hex(step, "value", &model.arena);
        struct rind_read_proof expected = tree_vectors_proof(&model.ctx, step, "proof_before");
        struct rind_read_proof proof;
        struct rind_tree_change change;
        ASSERT_OK(&model, model_read(&model, &model.root_hash, &key, &proof));
        assert_true(proofs_are_equal(&model.ctx, &proof, &expected));
        ASSERT_OK(&model, model_insert_with(&model, &proof, value, &change));
        assert_true(is_hash(&change.root_hash, step, "root_hash"));
        assert_delta(&model.ctx, &change.delta, step, "delta");
        assert_int_equal(model.store.node_count, rind_vectors_integer(step, "node_count_after"));
    }
    model_fini(&model);
    json_decref(file);
}

static void four_hundred_mixed_inserts_give_the_roots_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-random.json");
    const json_t *rows = rind_vectors_get(file, "rows");
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    assert_int_equal(json_array_size(rows), 400);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        model_reset(&model);
        const json_t *row = json_array_get(rows, i);
        struct rind_record_id key;
        struct rind_slice id = rind_vectors_hex_of(json_array_get(row, 0), &model.arena);
        assert_int_equal(id.length, sizeof(key.bytes));
        memcpy(key.bytes, id.data, sizeof(key.bytes));
        struct rind_read_proof proof;
        struct rind_tree_change change;
        ASSERT_OK(&model, model_read(&model, &model.root_hash, &key, &proof));
        ASSERT_OK(&model, model_insert_with(
                              &model, &proof,
                              rind_vectors_hex_of(json_array_get(row, 1), &model.arena), &change));
        assert_true(rind_slice_equal(rind_data_hash_slice(&change.root_hash),
                                     rind_vectors_hex_of(json_array_get(row, 2), &model.arena)));
        assert_int_equal(change.delta.add.count, json_integer_value(json_array_get(row, 3)));
        assert_int_equal(change.delta.remove.count, json_integer_value(json_array_get(row, 4)));
    }
    size_t leaf_count;
    assert_int_equal(model.store.node_count, rind_vectors_integer(file, "final_nodes"));
    assert_int_equal(model_check(&model, &leaf_count), 487);
    model_fini(&model);
    json_decref(file);
}

static void every_proof_of_the_vectors_gets_its_verdict(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-proofs.json");
    const json_t *cases = rind_vectors_get(file, "cases");
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        model_reset(&model);
        const json_t *test = json_array_get(cases, i);
        struct rind_read_proof proof = tree_vectors_proof(&model.ctx, test, "proof");
        struct rind_verified_proof verified;
        rind_status status = rind_tree_verify_foreign(&model.ctx, &proof, &verified);
        bool is_valid = strcmp(rind_vectors_text(test, "expect"), "valid") == 0;
        if (is_valid ? !rind_is_ok(status) : !rind_is(status, RIND_E_AUTH)) {
            fail_msg("%s: %s", rind_vectors_text(test, "name"), rind_code_name(status.code));
        }
    }
    model_fini(&model);
    json_decref(file);
}

/* --- merkle-overlay.json --- */

/* Known roots and remembered nodes are those listed. */
static void assert_overlay(struct model *model, const json_t *event, size_t insert_count)
{
    const json_t *roots = rind_vectors_get(event, "known_roots_after");
    for (size_t i = 0; i < json_array_size(roots); i++) {
        struct rind_slice hex = rind_vectors_hex_of(json_array_get(roots, i), &model->arena);
        struct rind_data_hash root;
        memcpy(root.bytes, hex.data, sizeof(root.bytes));
        bool is_opening_root = i == 0;
        /* The vectors keep the opening root for ever; it must go with the first expiry. */
        bool is_known = !is_opening_root || insert_count < model->capacity;
        assert_int_equal(rind_overlay_knows_root(model->overlay, &root), is_known);
    }
    const json_t *nodes = rind_vectors_get(event, "overlay_nodes_after");
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        struct rind_slice hex = rind_vectors_hex_of(json_array_get(nodes, i), &model->arena);
        struct rind_data_hash hash;
        memcpy(hash.bytes, hex.data, sizeof(hash.bytes));
        struct rind_overlay_node node;
        assert_true(rind_overlay_find(model->overlay, &hash, &node));
    }
    assert_int_equal(rind_overlay_node_count(model->overlay), json_array_size(nodes));
}

static void assert_latest_proof(struct model *model, const json_t *event)
{
    struct rind_read_proof proof = tree_vectors_proof(&model->ctx, event, "proof");
    struct rind_verified_proof verified;
    rind_status status = rind_tree_verify(&model->ctx, model->overlay, &proof, &verified);
    if (strcmp(rind_vectors_text(event, "expect"), "stale") == 0) {
        assert_true(rind_is(status, RIND_E_STALE));
        return;
    }
    ASSERT_OK(model, status);
    const json_t *path = rind_vectors_get(event, "path");
    assert_int_equal(verified.step_count, json_array_size(path));
    for (size_t i = 0; i < json_array_size(path); i++) {
        const json_t *step = json_array_get(path, i);
        struct rind_bit_vector prefix = tree_vectors_bits(rind_vectors_text(step, "prefix"));
        struct rind_overlay_node node;
        assert_true(is_hash(&verified.steps[i].hash, step, "hash"));
        assert_int_equal(verified.steps[i].prefix_length, prefix.length);
        assert_int_equal(rind_overlay_find(model->overlay, &verified.steps[i].hash, &node),
                         json_is_true(rind_vectors_get(step, "from_overlay")));
    }
    const json_t *leaf = rind_vectors_get(event, "leaf");
    assert_int_equal(verified.has_leaf, !json_is_null(leaf));
    if (verified.has_leaf) {
        assert_true(rind_slice_equal(verified.value, rind_vectors_hex_of(leaf, &model->arena)));
    }
}

static void overlays_remember_and_rebase_as_in_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-overlay.json");
    const json_t *runs = rind_vectors_get(file, "runs");
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const json_t *events = rind_vectors_get(json_array_get(runs, i), "events");
        const json_t *open = json_array_get(events, 0);
        struct rind_owned_range range = tree_vectors_range(open, "range");
        struct model model;
        model_init(&model, &range, (uint32_t)rind_vectors_integer(open, "overlay_size"));
        assert_true(is_hash(&model.root_hash, open, "root_hash"));
        size_t insert_count = 0;
        for (size_t j = 1; j < json_array_size(events); j++) {
            model_reset(&model);
            const json_t *event = json_array_get(events, j);
            if (strcmp(rind_vectors_text(event, "op"), "latest_proof") == 0) {
                assert_latest_proof(&model, event);
                continue;
            }
            insert_count++;
            struct rind_record_id key = tree_vectors_id(event, "key");
            struct rind_slice value = rind_vectors_hex(event, "value", &model.arena);
            ASSERT_OK(&model, model_insert(&model, &key, value));
            assert_true(is_hash(&model.root_hash, event, "root_hash"));
            assert_overlay(&model, event, insert_count);
        }
        model_fini(&model);
    }
    json_decref(file);
}

/* --- merkle-squash.json; the squash itself is the store's: tests/store/test_squash.c --- */

static void pipelined_inserts_give_the_deltas_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-squash.json");
    const json_t *inserts = rind_vectors_get(file, "inserts");
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    assert_true(is_hash(&model.root_hash, file, "initial_root"));
    model.store.keeps_removed = true;
    struct rind_data_hash initial_root = model.root_hash;
    assert_int_equal(json_array_size(inserts), 5);
    for (uint8_t i = 0; i < 5; i++) {
        const json_t *insert = json_array_get(inserts, i);
        struct rind_record_id key;
        memset(key.bytes, i + 1, sizeof(key.bytes));
        struct rind_slice value = {NULL, 0};
        assert_true(rind_arena_copy(&model.arena, rind_record_id_slice(&key), &value));
        struct rind_read_proof proof;
        struct rind_tree_change change;
        ASSERT_OK(&model, model_read(&model, &initial_root, &key, &proof));
        ASSERT_OK(&model, model_insert_with(&model, &proof, value, &change));
        assert_true(is_hash(&change.root_hash, insert, "root_hash"));
        assert_delta(&model.ctx, &change.delta, insert, "delta");
    }
    model_fini(&model);
    json_decref(file);
}

/* --- merkle-split-merge.json --- */

static void assert_partition(const struct rind_partition *partition, const json_t *object)
{
    struct rind_owned_range range = tree_vectors_range(object, "range");
    assert_true(rind_owned_range_equal(&partition->range, &range));
    assert_true(is_hash(&partition->root_hash, object, "root_hash"));
}

static void assert_merge(struct model *model, const struct rind_partition *mine, bool mine_is_left,
                         const json_t *merge)
{
    struct rind_read_proof left = tree_vectors_proof(&model->ctx, merge, "left_edge_proof");
    struct rind_read_proof right = tree_vectors_proof(&model->ctx, merge, "right_edge_proof");
    struct rind_read_proof read;
    model_reopen(model, mine);
    ASSERT_OK(model, model_read_edge(model, &mine->root_hash,
                                     mine_is_left ? RIND_SIDE_RIGHT : RIND_SIDE_LEFT, &read));
    assert_true(proofs_are_equal(&model->ctx, &read, mine_is_left ? &left : &right));

    struct rind_tree_merge merged;
    ASSERT_OK(model, rind_tree_merge(&model->ctx, model->overlay, mine_is_left ? &left : &right,
                                     mine_is_left ? &right : &left, &merged));
    assert_partition(&merged.joined, merge);
    assert_delta(&model->ctx, &merged.delta, merge, "delta");
}

static void splits_and_merges_give_the_deltas_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-split-merge.json");
    const json_t *cases = rind_vectors_get(file, "cases");
    assert_int_equal(json_array_size(cases), 18);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test = json_array_get(cases, i);
        struct rind_owned_range range = tree_vectors_range(test, "range");
        struct model model;
        model_init(&model, &range, 15);
        const json_t *records = rind_vectors_get(test, "records");
        for (size_t j = 0; j < json_array_size(records); j++) {
            const json_t *record = json_array_get(records, j);
            struct rind_record_id key = tree_vectors_id(record, "key");
            ASSERT_OK(&model,
                      model_insert(&model, &key, rind_vectors_hex(record, "value", &model.arena)));
        }
        assert_true(is_hash(&model.root_hash, test, "root_hash"));

        struct rind_record_id split_key = tree_vectors_id(test, "split_key");
        struct rind_read_proof expected = tree_vectors_proof(&model.ctx, test, "split_proof");
        struct rind_read_proof proof;
        ASSERT_OK(&model, model_read(&model, &model.root_hash, &split_key, &proof));
        assert_true(proofs_are_equal(&model.ctx, &proof, &expected));
        struct rind_tree_split split;
        ASSERT_OK(&model, rind_tree_split(&model.ctx, model.overlay, &proof, &split));
        assert_partition(&split.left, rind_vectors_get(test, "left"));
        assert_partition(&split.right, rind_vectors_get(test, "right"));
        assert_delta(&model.ctx, &split.delta, test, "split_delta");
        assert_true(model_apply(&model, &split.delta));

        const json_t *merge = rind_vectors_get(test, "merge");
        assert_merge(&model, &split.left, true, merge);
        assert_merge(&model, &split.right, false, merge);
        model_fini(&model);
    }
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_give_the_deltas_and_roots_of_the_vectors),
        cmocka_unit_test(four_hundred_mixed_inserts_give_the_roots_of_the_vectors),
        cmocka_unit_test(every_proof_of_the_vectors_gets_its_verdict),
        cmocka_unit_test(overlays_remember_and_rebase_as_in_the_vectors),
        cmocka_unit_test(pipelined_inserts_give_the_deltas_of_the_vectors),
        cmocka_unit_test(splits_and_merges_give_the_deltas_of_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
