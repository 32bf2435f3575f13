/* test_cache.c - the cache of tree nodes, and deltas by row key: docs/spec/04-store.md
 * sections 8.7, 11.1. */
#include "fixture.h"
#include "merkle/row_key.h"
#include "store/cache.h"
#include "wire/splice.h"

static int open_memory(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    fixture_open(fixture, FIXTURE_MEMORY);
    *state = fixture;
    return 0;
}

static int close_kind(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static struct rind_data_hash hash_of(uint64_t number)
{
    struct rind_data_hash hash;
    memset(hash.bytes, 0xab, sizeof(hash.bytes));
    rind_put_be64(hash.bytes + 8, number * 0x9e3779b97f4a7c15u);
    rind_put_be64(hash.bytes + 24, number);
    return hash;
}

/* ---- the cache by itself ---- */

static struct rind_slice cache_key(uint8_t number, uint8_t key[static RIND_ROW_KEY_SIZE_MIN])
{
    memset(key, number, RIND_ROW_KEY_SIZE_MIN);
    return rind_slice_make(key, RIND_ROW_KEY_SIZE_MIN);
}

static bool cache_has(struct fixture *f, struct rind_node_cache *cache, uint8_t number)
{
    uint8_t key[RIND_ROW_KEY_SIZE_MIN];
    struct rind_slice cbor;
    bool is_found;
    assert_ok(f, rind_node_cache_get(&f->ctx, cache, &f->realm, cache_key(number, key), &cbor,
                                     &is_found));
    return is_found;
}

static void cache_put(struct fixture *f, struct rind_node_cache *cache, uint8_t number, size_t size)
{
    static const uint8_t bytes[1000];
    uint8_t key[RIND_ROW_KEY_SIZE_MIN];
    uint8_t instance[RIND_MERKLE_INSTANCE_SIZE] = {number};
    rind_node_cache_put(cache, &f->realm, cache_key(number, key), rind_slice_make(bytes, size),
                        instance);
}

static void the_cache_keeps_what_was_used_last(void **state)
{
    struct fixture *f = *state;
    struct rind_node_cache *cache;
    assert_ok(f, rind_node_cache_new(&f->ctx, 3, 1u << 20, &cache));
    cache_put(f, cache, 1, 10);
    cache_put(f, cache, 2, 10);
    cache_put(f, cache, 3, 10);
    assert_true(cache_has(f, cache, 1));
    cache_put(f, cache, 4, 10);
    assert_false(cache_has(f, cache, 2));
    assert_true(cache_has(f, cache, 1));
    cache_put(f, cache, 3, 10); /* inserting again counts as use */
    cache_put(f, cache, 5, 10);
    assert_false(cache_has(f, cache, 4));
    assert_true(cache_has(f, cache, 3));
    uint8_t key[RIND_ROW_KEY_SIZE_MIN];
    uint8_t instance[RIND_MERKLE_INSTANCE_SIZE];
    assert_true(rind_node_cache_instance(cache, &f->realm, cache_key(5, key), instance));
    assert_int_equal(instance[0], 5);
    rind_node_cache_remove(cache, &f->realm, cache_key(5, key));
    assert_false(rind_node_cache_instance(cache, &f->realm, cache_key(5, key), instance));
    rind_node_cache_free(cache);
}

static void the_cache_is_limited_in_bytes_and_pins_do_not_count_out(void **state)
{
    struct fixture *f = *state;
    struct rind_node_cache *cache;
    struct rind_node_cache_statistics statistics;
    uint8_t key[RIND_ROW_KEY_SIZE_MIN];
    assert_ok(f, rind_node_cache_new(&f->ctx, 100, 3000, &cache));
    assert_true(rind_node_cache_pin(cache, &f->realm, cache_key(1, key), rind_slice_text("v")));
    for (uint8_t i = 2; i < 20; i++) {
        cache_put(f, cache, i, 900);
    }
    rind_node_cache_statistics(cache, &statistics);
    assert_true(statistics.bytes <= 3000);
    assert_true(cache_has(f, cache, 1));
    assert_true(cache_has(f, cache, 19));
    assert_false(cache_has(f, cache, 2));
    rind_node_cache_remove(cache, &f->realm, cache_key(1, key)); /* not while pinned */
    assert_true(cache_has(f, cache, 1));
    rind_node_cache_unpin(cache, &f->realm, cache_key(1, key));
    assert_false(cache_has(f, cache, 1));
    rind_node_cache_free(cache);
}

static void a_sharded_cache_holds_its_number(void **state)
{
    struct fixture *f = *state;
    struct rind_node_cache *cache;
    struct rind_node_cache_statistics statistics;
    enum { NODES = 8192 };
    assert_ok(f, rind_node_cache_new(&f->ctx, NODES, 1u << 30, &cache));
    uint8_t instance[RIND_MERKLE_INSTANCE_SIZE] = {0};
    for (uint64_t i = 0; i < 3 * NODES; i++) {
        uint8_t key[RIND_ROW_KEY_SIZE_MIN] = {0x80};
        struct rind_data_hash hash = hash_of(i);
        rind_put_be64(key + 25, rind_get_be64(hash.bytes + 8));
        rind_node_cache_put(cache, &f->realm, RIND_SLICE_OF(key), rind_slice_text("v"), instance);
    }
    rind_node_cache_statistics(cache, &statistics);
    assert_true(statistics.nodes <= NODES && statistics.nodes > NODES / 2);
    rind_node_cache_free(cache);
}

/* ---- deltas ---- */

static void squashing_does_what_the_deltas_do_in_order(void **state)
{
    struct fixture *f = *state;
    struct rind_store_node a = {rind_slice_text("a"), rind_slice_text("node a")};
    struct rind_store_node b = {rind_slice_text("b"), rind_slice_text("node b")};
    struct rind_store_node c = {rind_slice_text("c"), rind_slice_text("node c")};
    struct rind_append_delta deltas[] = {
        {&b, 1, &a.row_key, 1}, /* a goes, b comes */
        {&c, 1, &b.row_key, 1}, /* b, of this batch, goes: it never was */
        {&a, 1, NULL, 0},       /* a comes back */
    };
    struct rind_append_delta squashed;
    assert_ok(f, rind_append_delta_squash(&f->ctx, deltas, 2, &squashed));
    assert_int_equal(squashed.add_count, 1);
    assert_true(rind_slice_is_text(squashed.add[0].cbor, "node c"));
    assert_int_equal(squashed.remove_count, 1);
    assert_true(rind_slice_is_text(squashed.remove[0], "a"));
    assert_ok(f, rind_append_delta_squash(&f->ctx, deltas, 3, &squashed));
    assert_int_equal(squashed.add_count, 2);
    assert_true(rind_slice_is_text(squashed.add[0].row_key, "a"));
    assert_int_equal(squashed.remove_count, 0); /* a lives, so nothing may delete it later */
    assert_ok(f, rind_append_delta_squash(&f->ctx, deltas, 0, &squashed));
    assert_int_equal(squashed.add_count + squashed.remove_count, 0);
}

static void a_delta_of_the_hsm_becomes_row_keys(void **state)
{
    struct fixture *f = *state;
    struct rind_spliced_addition addition = {.key = {.hash = hash_of(1)},
                                             .node = rind_slice_text("node")};
    struct rind_node_key removed = {.hash = hash_of(2)};
    struct rind_spliced_store_delta spliced = {{&addition, 1}, {&removed, 1}};
    struct rind_append_delta delta;
    assert_ok(f, rind_append_delta_make(&f->ctx, &spliced, &delta));
    assert_int_equal(delta.add_count, 1);
    assert_int_equal(delta.add[0].row_key.length, 33);
    assert_int_equal(delta.add[0].row_key.data[0], 0x80);
    assert_true(rind_slice_is_text(delta.add[0].cbor, "node"));
    assert_int_equal(delta.remove_count, 1);
    assert_memory_equal(delta.remove[0].data + 1, removed.hash.bytes, 32);
    removed.prefix.length = 257;
    assert_status(f, rind_append_delta_make(&f->ctx, &spliced, &delta), RIND_E_INVALID);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_memory, close_kind)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(the_cache_keeps_what_was_used_last),
        CASE(the_cache_is_limited_in_bytes_and_pins_do_not_count_out),
        CASE(a_sharded_cache_holds_its_number),
        CASE(squashing_does_what_the_deltas_do_in_order),
        CASE(a_delta_of_the_hsm_becomes_row_keys),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
