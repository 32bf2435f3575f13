/* test_squash.c - one delta that does what several do in turn: vectors, short and random histories.
 */
#include "support/test.h"

#include "merkle/tree_model.h"
#include "merkle/tree_vectors.h"
#include "store/store.h"
#include "wire/codec.h"
#include "wire/range.h"

/* A delta of the core as the store takes it: row keys and encoded nodes, in ctx's arena. */
static struct rind_append_delta append_delta(struct rind_ctx *ctx,
                                             const struct rind_store_delta *delta)
{
    struct rind_store_node *add = rind_ctx_alloc_array(ctx, delta->add.count, sizeof(*add));
    struct rind_slice *remove = rind_ctx_alloc_array(ctx, delta->remove.count, sizeof(*remove));
    assert_true(add != NULL && remove != NULL);
    for (size_t i = 0; i < delta->add.count; i++) {
        struct rind_row_key row_key;
        assert_true(rind_is_ok(rind_row_key_of_node(ctx, &delta->add.items[i].key, &row_key)));
        assert_true(rind_arena_copy(ctx->arena, rind_row_key_slice(&row_key), &add[i].row_key));
        assert_true(rind_is_ok(rind_wire_encode_alloc(ctx, &rind_node_schema,
                                                      &delta->add.items[i].node, &add[i].cbor)));
    }
    for (size_t i = 0; i < delta->remove.count; i++) {
        struct rind_row_key row_key;
        assert_true(rind_is_ok(rind_row_key_of_node(ctx, &delta->remove.items[i], &row_key)));
        assert_true(rind_arena_copy(ctx->arena, rind_row_key_slice(&row_key), &remove[i]));
    }
    return (struct rind_append_delta){add, delta->add.count, remove, delta->remove.count};
}

static void pipelined_inserts_squash_as_in_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-squash.json");
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    model.store.keeps_removed = true;
    struct rind_data_hash initial_root = model.root_hash;
    struct rind_append_delta deltas[5];
    for (uint8_t i = 0; i < 5; i++) {
        struct rind_record_id key;
        memset(key.bytes, i + 1, sizeof(key.bytes));
        struct rind_read_proof proof;
        struct rind_tree_change change;
        assert_true(rind_is_ok(model_read(&model, &initial_root, &key, &proof)));
        assert_true(
            rind_is_ok(model_insert_with(&model, &proof, rind_record_id_slice(&key), &change)));
        deltas[i] = append_delta(&model.ctx, &change.delta);
    }
    struct rind_append_delta squashed;
    assert_true(rind_is_ok(rind_append_delta_squash(&model.ctx, deltas, 5, &squashed)));
    const json_t *expected = rind_vectors_get(file, "squashed");
    const json_t *adds = rind_vectors_get(expected, "add");
    const json_t *removes = rind_vectors_get(expected, "remove");
    assert_int_equal(squashed.add_count, json_array_size(adds));
    assert_int_equal(squashed.remove_count, json_array_size(removes));
    for (size_t i = 0; i < squashed.add_count; i++) {
        const struct rind_store_node *found = NULL; /* row keys sort otherwise than node keys */
        const json_t *add = json_array_get(adds, i);
        struct rind_slice row_key = rind_vectors_hex(add, "store_key", &model.arena);
        for (size_t j = 0; j < squashed.add_count; j++) {
            found = rind_slice_equal(squashed.add[j].row_key, row_key) ? &squashed.add[j] : found;
        }
        assert_non_null(found);
        assert_true(
            rind_slice_equal(found->cbor, rind_vectors_hex(add, "node_cbor", &model.arena)));
    }
    assert_true(rind_slice_equal(squashed.remove[0], rind_vectors_hex(json_array_get(removes, 0),
                                                                      "store_key", &model.arena)));
    model_fini(&model);
    json_decref(file);
}

/* Squashes a history of one row: 'a' adds it, 'r' removes it, each in a delta of its own. */
static void assert_squash(const char *history, const char *result)
{
    static alignas(16) uint8_t memory[1 << 14];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    const struct rind_store_node add = {rind_slice_text("row"), rind_slice_text("node")};
    const struct rind_slice remove = rind_slice_text("row");
    struct rind_append_delta deltas[8];
    size_t count = strlen(history);
    for (size_t i = 0; i < count; i++) {
        deltas[i] = history[i] == 'a' ? (struct rind_append_delta){&add, 1, NULL, 0}
                                      : (struct rind_append_delta){NULL, 0, &remove, 1};
    }
    struct rind_append_delta squashed;
    assert_true(rind_is_ok(rind_append_delta_squash(&ctx, deltas, count, &squashed)));
    assert_int_equal(squashed.add_count, strcmp(result, "a") == 0);
    assert_int_equal(squashed.remove_count, strcmp(result, "r") == 0);
}

static void squashing_follows_each_row_to_its_end(void **state)
{
    (void)state;
    assert_squash("", "");
    assert_squash("a", "a");
    assert_squash("r", "r");  /* of a node from before */
    assert_squash("ar", "");  /* never reaches the store */
    assert_squash("ra", "a"); /* the delayed delete must not meet the living node */
    assert_squash("rar", "r");
    assert_squash("ara", "a");
    assert_squash("arar", "");
    assert_squash("aa", "a");
}

/* --- Random histories --- */

#define ROWS_MAX 512u

/* The row keys that a store holds. */
struct rows {
    struct rind_slice keys[ROWS_MAX];
    size_t count;
};

static size_t rows_find(const struct rows *rows, struct rind_slice key)
{
    size_t at = 0;
    while (at < rows->count && !rind_slice_equal(rows->keys[at], key)) {
        at++;
    }
    return at;
}

static void rows_apply(struct rows *rows, const struct rind_append_delta *delta)
{
    for (size_t i = 0; i < delta->add_count; i++) {
        if (rows_find(rows, delta->add[i].row_key) == rows->count) {
            assert_true(rows->count < ROWS_MAX);
            rows->keys[rows->count++] = delta->add[i].row_key;
        }
    }
    for (size_t i = 0; i < delta->remove_count; i++) {
        size_t at = rows_find(rows, delta->remove[i]);
        assert_true(at < rows->count); /* every remove names a row that is there */
        rows->keys[at] = rows->keys[--rows->count];
    }
}

static void a_squash_equals_its_deltas_in_order(void **state)
{
    (void)state;
    uint64_t seed = 99;
    print_message("seed %u\n", (unsigned)seed);
    struct rind_owned_range full = rind_owned_range_full();
    for (unsigned round = 0; round < 60; round++) {
        enum { DELTAS_MAX = 100 };
        static struct rows one_by_one;
        static struct rows at_once;
        struct rind_append_delta deltas[DELTAS_MAX];
        struct rind_append_delta squashed;
        struct rind_store_delta empty_tree;
        struct rind_data_hash root;
        struct model model;
        model_init(&model, &full, 200);
        assert_true(rind_is_ok(rind_tree_new(&model.ctx, &full, &root, &empty_tree)));
        struct rind_append_delta opening = append_delta(&model.ctx, &empty_tree);
        one_by_one.count = 0;
        at_once.count = 0;
        rows_apply(&one_by_one, &opening);
        rows_apply(&at_once, &opening);
        size_t count = 1 + model_random(&seed) % DELTAS_MAX;
        for (size_t i = 0; i < count; i++) {
            struct rind_record_id id = MODEL_ID((uint8_t)(model_random(&seed) % 32 * 8));
            uint8_t value = (uint8_t)(model_random(&seed) % 2); /* hashes recur */
            struct rind_read_proof proof;
            struct rind_tree_change change;
            assert_true(rind_is_ok(model_read(&model, &model.root_hash, &id, &proof)));
            assert_true(
                rind_is_ok(model_insert_with(&model, &proof, rind_slice_make(&value, 1), &change)));
            deltas[i] = append_delta(&model.ctx, &change.delta);
            rows_apply(&one_by_one, &deltas[i]);
        }
        assert_true(rind_is_ok(rind_append_delta_squash(&model.ctx, deltas, count, &squashed)));
        rows_apply(&at_once, &squashed);
        assert_int_equal(at_once.count, one_by_one.count);
        for (size_t i = 0; i < one_by_one.count; i++) {
            assert_true(rows_find(&at_once, one_by_one.keys[i]) < at_once.count);
        }
        model_fini(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_inserts_squash_as_in_the_vectors),
        cmocka_unit_test(squashing_follows_each_row_to_its_end),
        cmocka_unit_test(a_squash_equals_its_deltas_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
