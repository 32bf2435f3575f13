/* test_rate_limit.c - the tenant limiter: the scenario vectors, and the edges of spec 06
 * section 15.
 */
#include "support/test.h"

#include <jansson.h>
#include <string.h>

#include "agent/rate_exchange.h"
#include "host/host.h"
#include "support/vectors.h"

#define NODES_MAX 4

static struct rind_record_id record_of(json_int_t byte)
{
    struct rind_record_id id;
    memset(id.bytes, (int)byte, sizeof(id.bytes));
    return id;
}

static void trade(struct rind_rate_limiter *nodes, size_t count, uint64_t now_ms)
{
    struct rind_rate_view exported[NODES_MAX];
    for (size_t i = 0; i < count; i++) {
        rind_rate_limiter_export(&nodes[i], now_ms, &exported[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct rind_rate_view merged;
        rind_rate_view_init(&merged);
        for (size_t j = 0; j < count; j++) {
            if (j != i) {
                rind_rate_view_merge(&merged, &exported[j]);
            }
        }
        rind_rate_limiter_set_others_take(&nodes[i], &merged);
    }
    for (size_t i = 0; i < count; i++) {
        rind_rate_view_fini(&exported[i]);
    }
}

static void expect_decision(struct rind_rate_limiter *node, json_t *step, uint64_t now_ms,
                            const struct rind_record_id *id)
{
    json_t *expect = json_object_get(step, "expect");
    struct rind_rate_decision decision = rind_rate_limiter_allow(node, now_ms, id);
    assert_int_equal(decision.used, json_integer_value(json_object_get(expect, "used")));
    assert_int_equal(decision.limit, json_integer_value(json_object_get(expect, "limit")));
    assert_int_equal(decision.is_reserved,
                     json_boolean_value(json_object_get(expect, "reservation")));
    assert_int_equal(decision.is_allowed, json_boolean_value(json_object_get(expect, "allowed")));
}

static void run_scenario(json_t *scenario)
{
    size_t count = (size_t)json_integer_value(json_object_get(scenario, "nodes"));
    assert_true(count <= NODES_MAX);
    struct rind_rate_limiter nodes[NODES_MAX];
    for (size_t i = 0; i < count; i++) {
        rind_rate_limiter_init(&nodes[i],
                               (uint64_t)json_integer_value(json_object_get(scenario, "rate")));
    }
    size_t at;
    json_t *step;
    json_array_foreach(json_object_get(scenario, "steps"), at, step)
    {
        const char *op = json_string_value(json_object_get(step, "op"));
        uint64_t now_ms = (uint64_t)json_integer_value(json_object_get(step, "t"));
        struct rind_record_id id =
            record_of(json_integer_value(json_object_get(step, "record_byte")));
        struct rind_rate_limiter *node = &nodes[json_integer_value(json_object_get(step, "node"))];
        if (strcmp(op, "trade") == 0) {
            trade(nodes, count, now_ms);
        } else if (strcmp(op, "reserve") == 0) {
            rind_rate_limiter_reserve(node, now_ms, &id);
        } else {
            expect_decision(node, step, now_ms, &id);
        }
    }
    for (size_t i = 0; i < count; i++) {
        rind_rate_limiter_fini(&nodes[i]);
    }
}

static void all_scenarios_of_the_vectors_hold(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("agent-rate-limit.json");
    json_t *scenarios = json_object_get(root, "scenarios");
    assert_true(json_array_size(scenarios) >= 9);
    size_t at;
    json_t *scenario;
    json_array_foreach(scenarios, at, scenario)
    {
        run_scenario(scenario);
    }
    json_decref(root);
}

static void a_peer_list_in_any_order_is_sorted_on_arrival(void **state)
{
    (void)state;
    struct rind_rate_limiter limiter;
    rind_rate_limiter_init(&limiter, 2);
    struct rind_rate_view peer;
    rind_rate_view_init(&peer);
    assert_true(rind_rate_times_insert(&peer.requests, 5000));
    assert_true(rind_rate_times_insert(&peer.requests, 1000));
    rind_rate_limiter_set_others_take(&limiter, &peer);
    struct rind_record_id id = record_of(1);
    struct rind_rate_decision decision = rind_rate_limiter_allow(&limiter, 5500, &id);
    assert_int_equal(decision.used, 1); /* the one at 1000 was in front and has been dropped */
    assert_true(decision.is_allowed);
    rind_rate_limiter_fini(&limiter);
}

static void conflicting_reservations_of_peers_keep_the_later_expiry(void **state)
{
    (void)state;
    struct rind_rate_limiter limiter;
    rind_rate_limiter_init(&limiter, 0);
    struct rind_rate_view peer;
    rind_rate_view_init(&peer);
    struct rind_record_id id = record_of(9);
    assert_true(rind_rate_marks_insert(&peer.reservations, 9000, &id));
    assert_true(rind_rate_marks_insert(&peer.reservations, 4000, &id));
    rind_rate_limiter_set_others_take(&limiter, &peer);
    assert_true(rind_rate_limiter_allow(&limiter, 8000, &id).is_allowed);
    assert_false(rind_rate_limiter_allow(&limiter, 8000, &id).is_allowed);
    rind_rate_limiter_fini(&limiter);
}

static void an_export_carries_only_what_can_still_matter(void **state)
{
    (void)state;
    struct rind_rate_limiter limiter;
    rind_rate_limiter_init(&limiter, 10);
    struct rind_record_id first = record_of(1);
    struct rind_record_id second = record_of(2);
    rind_rate_limiter_reserve(&limiter, 10000, &first);
    rind_rate_limiter_reserve(&limiter, 10000, &second);
    assert_true(rind_rate_limiter_allow(&limiter, 10001, &first).is_reserved);
    struct rind_rate_view exported;
    rind_rate_limiter_export(&limiter, 10002, &exported);
    assert_int_equal(exported.requests.count, 1);
    assert_int_equal(exported.reservations.count, 1); /* the consumed one is told as used */
    assert_int_equal(exported.used.count, 1);
    rind_rate_view_fini(&exported);
    rind_rate_limiter_export(&limiter, 17000, &exported);
    assert_int_equal(exported.requests.count + exported.reservations.count + exported.used.count,
                     0);
    rind_rate_view_fini(&exported);
    assert_true(rind_rate_limiter_is_idle(&limiter, 17000));
    rind_rate_limiter_fini(&limiter);
}

/* ---- what peers tell ---- */

struct exchange {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_rate_tenants *tenants;
    struct rind_rate_exchange *exchange;
    struct rind_rate_peer *peers[2];
};

static void exchange_open(struct exchange *x, uint64_t default_rate)
{
    rind_ctx_init(&x->ctx, NULL);
    assert_true(rind_is_ok(rind_arena_map(&x->ctx, 1u << 20, &x->arena)));
    rind_ctx_init(&x->ctx, x->arena);
    assert_true(rind_is_ok(rind_rate_tenants_new(&x->ctx, default_rate, &x->tenants)));
    assert_true(rind_is_ok(rind_rate_exchange_new(&x->ctx, x->tenants, &x->exchange)));
    for (size_t i = 0; i < 2; i++) {
        x->peers[i] = rind_rate_exchange_add_peer(x->exchange);
        assert_non_null(x->peers[i]);
    }
}

static void exchange_close(struct exchange *x)
{
    for (size_t i = 0; i < 2; i++) {
        rind_rate_exchange_remove_peer(x->exchange, x->peers[i], 0);
    }
    rind_rate_exchange_free(x->exchange);
    rind_rate_tenants_free(x->tenants);
    rind_arena_unmap(x->arena);
}

/* Peer `peer` tells at `now_ms` of `count` requests of `tenant` at `when_ms`. */
static struct rind_agent_tenant_rate_state told(struct exchange *x, const char *tenant,
                                                uint64_t when_ms, unsigned count)
{
    struct rind_agent_tenant_rate_state state = {.tenant = rind_slice_text(tenant)};
    struct rind_rate_view view;
    rind_rate_view_init(&view);
    for (unsigned i = 0; i < count; i++) {
        assert_true(rind_rate_times_insert(&view.requests, when_ms));
    }
    assert_true(rind_is_ok(rind_rate_view_encode(&x->ctx, &view, &state.state)));
    rind_rate_view_fini(&view);
    return state;
}

static bool is_allowed(struct exchange *x, const char *tenant, uint64_t now_ms)
{
    struct rind_record_id id = record_of(1);
    return rind_rate_tenants_allow(x->tenants, rind_slice_text(tenant), now_ms, &id);
}

static void a_state_that_cannot_be_read_is_skipped_and_the_others_count(void **state)
{
    (void)state;
    struct exchange x;
    static const uint8_t garbage[] = {0xa3, 0x64, 'r', 'e', 'q', 's', 0xff};
    exchange_open(&x, 2);
    struct rind_agent_tenant_rate_state states[] = {
        {.tenant = rind_slice_text("spoilt"), .state = RIND_SLICE_OF(garbage)},
        {.tenant = rind_slice_text("empty")},
        told(&x, "busy", 10000, 2),
    };
    const struct rind_agent_tenant_rate_state_list list = {.items = states, .count = 3};
    rind_rate_exchange_import(&x.ctx, x.exchange, x.peers[0], &list, 10000);
    assert_true(is_allowed(&x, "spoilt", 10000));
    assert_true(is_allowed(&x, "empty", 10000));
    assert_false(is_allowed(&x, "busy", 10000));
    assert_false(is_allowed(&x, "busy", 11000)); /* a second old still counts */
    assert_true(is_allowed(&x, "busy", 11001));
    exchange_close(&x);
}

/* The requests are said to be in the future, so that they do not leave the window by age. */
static void what_a_silent_peer_told_is_forgotten_after_two_seconds(void **state)
{
    (void)state;
    struct exchange x;
    exchange_open(&x, 1);
    struct rind_agent_tenant_rate_state item = told(&x, "busy", 60000, 1);
    const struct rind_agent_tenant_rate_state_list list = {.items = &item, .count = 1};
    const struct rind_agent_tenant_rate_state_list nothing = {0};
    rind_rate_exchange_import(&x.ctx, x.exchange, x.peers[0], &list, 10000);
    rind_rate_exchange_import(&x.ctx, x.exchange, x.peers[1], &nothing, 11999);
    assert_false(is_allowed(&x, "busy", 11999));
    rind_rate_exchange_merge(x.exchange, 12001); /* nobody has news */
    assert_true(is_allowed(&x, "busy", 12001));
    exchange_close(&x);
}

static void a_configured_rate_replaces_the_default_and_stays(void **state)
{
    (void)state;
    struct exchange x;
    exchange_open(&x, 1);
    assert_true(is_allowed(&x, "new", 1000));
    assert_false(is_allowed(&x, "new", 1000));
    rind_rate_tenants_configure(x.tenants, rind_slice_text("new"), 3);
    assert_true(is_allowed(&x, "new", 1000));
    assert_true(is_allowed(&x, "new", 1000));
    assert_false(is_allowed(&x, "new", 1000));
    rind_rate_exchange_merge(x.exchange, 999000); /* long idle, and in no configuration any more */
    for (unsigned i = 0; i < 3; i++) {
        assert_true(is_allowed(&x, "new", 999000));
    }
    assert_false(is_allowed(&x, "new", 999000));
    exchange_close(&x);
}

static void tenants_are_pressed_while_one_is_near_its_limit(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    struct rind_rate_tenants *tenants;
    struct rind_slice tenant = rind_slice_text("tenant");
    struct rind_record_id id = record_of(1);
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(rind_rate_tenants_new(&ctx, 40, &tenants)));
    for (unsigned i = 0; i < 10; i++) {
        assert_true(rind_rate_tenants_allow(tenants, tenant, 10000, &id));
        assert_false(rind_rate_tenants_are_pressed(tenants, 10000));
    }
    assert_true(rind_rate_tenants_allow(tenants, tenant, 10000, &id)); /* it had used a quarter */
    assert_true(rind_rate_tenants_are_pressed(tenants, 10000));
    assert_true(rind_rate_tenants_are_pressed(tenants, 10000 + RIND_RATE_WINDOW_MS - 1));
    assert_false(rind_rate_tenants_are_pressed(tenants, 10000 + RIND_RATE_WINDOW_MS));
    rind_rate_tenants_free(tenants);
}

static void map_finds_all_keys_through_growth_and_removal(void **state)
{
    (void)state;
    struct rind_map32 map;
    rind_map32_init(&map, 1000);
    uint8_t key[32] = {0};
    for (unsigned i = 0; i < 1000; i++) {
        rind_put_be32(key, i);
        assert_true(rind_map32_put(&map, key, (union rind_map32_value){.number = i}));
    }
    rind_put_be32(key, 1000);
    assert_false(rind_map32_put(&map, key, (union rind_map32_value){.number = 1}));
    for (unsigned i = 0; i < 1000; i += 2) {
        rind_put_be32(key, i);
        assert_true(rind_map32_remove(&map, key, NULL));
        assert_false(rind_map32_remove(&map, key, NULL));
    }
    for (unsigned i = 0; i < 1000; i++) {
        rind_put_be32(key, i);
        union rind_map32_value *value = rind_map32_get(&map, key);
        assert_int_equal(value != NULL, i % 2);
        assert_true(value == NULL || value->number == i);
    }
    rind_map32_fini(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_scenarios_of_the_vectors_hold),
        cmocka_unit_test(a_peer_list_in_any_order_is_sorted_on_arrival),
        cmocka_unit_test(conflicting_reservations_of_peers_keep_the_later_expiry),
        cmocka_unit_test(an_export_carries_only_what_can_still_matter),
        cmocka_unit_test(a_state_that_cannot_be_read_is_skipped_and_the_others_count),
        cmocka_unit_test(what_a_silent_peer_told_is_forgotten_after_two_seconds),
        cmocka_unit_test(a_configured_rate_replaces_the_default_and_stays),
        cmocka_unit_test(tenants_are_pressed_while_one_is_near_its_limit),
        cmocka_unit_test(map_finds_all_keys_through_growth_and_removal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
