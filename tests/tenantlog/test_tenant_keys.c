/* test_tenant_keys.c - the cache of tenants' keys before a source that counts and fails. */
#include "tenantlog/tenant_keys.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "support/test.h"

struct world;
static rind_status ask(struct world *world, const char *tenant, uint64_t version);

struct source {
    unsigned fetches;
    rind_status outcome;
    bool is_closed;
    struct world *asks_again; /* somebody else asks while the source is at it */
    /* The source answers when so many wait; 0: at once. */
    unsigned waits_for;
    atomic_uint arrived;
};

static rind_status source_fetch(void *self, struct rind_ctx *ctx,
                                const struct rind_token_key_id *key_id,
                                struct rind_deadline deadline, struct rind_token_key **key)
{
    struct source *source = self;
    (void)deadline;
    source->fetches++;
    while (atomic_load(&source->arrived) < source->waits_for) {
        (void)sched_yield();
    }
    if (source->asks_again != NULL) {
        struct world *world = source->asks_again;
        source->asks_again = NULL;
        assert_true(rind_is_ok(ask(world, "acme", 1)));
    }
    if (!rind_is_ok(source->outcome)) {
        return rind_fail(ctx, (enum rind_code)source->outcome.code, "told to fail");
    }
    return rind_bearer_key_new(ctx, key_id->tenant, key);
}

static void source_close(void *self)
{
    ((struct source *)self)->is_closed = true;
}

struct world {
    struct source source;
    struct rind_ctx ctx;
    struct rind_tenant_keys *keys;
};

static int open_with(void **state, uint32_t keep_ms, bool is_at_hand)
{
    static struct world world;
    world = (struct world){0};
    rind_ctx_init(&world.ctx, NULL);
    const struct rind_key_source source = {.self = &world.source,
                                           .fetch = source_fetch,
                                           .keep_ms = keep_ms,
                                           .is_at_hand = is_at_hand,
                                           .close = source_close};
    assert_true(rind_is_ok(rind_tenant_keys_open(&world.ctx, source, NULL, &world.keys)));
    *state = &world;
    return 0;
}

static int setup(void **state)
{
    return open_with(state, 3600000, false);
}

static int setup_forgetful(void **state)
{
    return open_with(state, 0, false);
}

static int setup_at_hand(void **state)
{
    return open_with(state, 3600000, true);
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_tenant_keys_close(world->keys);
    assert_true(world->source.is_closed);
    return 0;
}

static rind_status ask(struct world *world, const char *tenant, uint64_t version)
{
    const struct rind_token_key_id key_id = {rind_slice_text(tenant), version};
    struct rind_tenant_key *key = NULL;
    rind_status status = rind_tenant_keys_acquire(&world->ctx, world->keys, &key_id,
                                                  rind_deadline_in_ms(1000), &key);
    if (rind_is_ok(status)) {
        assert_int_equal(rind_token_key_algorithm(rind_tenant_key_of(key)), RIND_TOKEN_HS256);
        rind_tenant_key_release(key);
    }
    return status;
}

static void a_key_is_fetched_once(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rind_is_ok(ask(world, "acme", 1)));
    }
    assert_int_equal(world->source.fetches, 1);
    assert_true(rind_is_ok(ask(world, "acme", 2)));
    assert_true(rind_is_ok(ask(world, "acm", 1)));
    assert_int_equal(world->source.fetches, 3);
}

static void what_does_not_exist_is_remembered_too(void **state)
{
    struct world *world = *state;
    world->source.outcome = rind_status_make(RIND_E_NOT_FOUND);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rind_is(ask(world, "acme", 1), RIND_E_NOT_FOUND));
    }
    world->source.outcome = rind_status_make(RIND_E_INVALID);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(rind_is(ask(world, "acme", 2), RIND_E_INVALID));
    }
    assert_int_equal(world->source.fetches, 2);
}

static void an_old_key_is_asked_for_again(void **state)
{
    struct world *world = *state;
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    assert_int_equal(world->source.fetches, 2);
    world->source.outcome = rind_status_make(RIND_E_NOT_FOUND); /* disabled */
    assert_true(rind_is(ask(world, "acme", 1), RIND_E_NOT_FOUND));
    world->source.outcome = RIND_OK; /* and enabled again */
    assert_true(rind_is_ok(ask(world, "acme", 1)));
}

static void a_source_that_does_not_answer_takes_no_key_away(void **state)
{
    struct world *world = *state;
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    world->source.outcome = rind_status_make(RIND_E_UNAVAILABLE);
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    assert_int_equal(world->source.fetches, 2);
    assert_true(rind_is_ok(ask(world, "acme", 1))); /* and is left in peace for a while */
    assert_int_equal(world->source.fetches, 2);
    assert_true(rind_is(ask(world, "other", 1), RIND_E_UNAVAILABLE));
    world->source.outcome = RIND_OK; /* an outage is not remembered as an answer */
    assert_true(rind_is_ok(ask(world, "other", 1)));
}

static void while_one_asks_for_an_old_key_others_use_it(void **state)
{
    struct world *world = *state;
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    world->source.asks_again = world;
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    assert_null(world->source.asks_again);
    assert_int_equal(world->source.fetches, 2);
}

static void what_is_at_hand_is_not_rationed(void **state)
{
    struct world *world = *state;
    char tenant[32];
    for (unsigned i = 0; i < 10 * RIND_TENANT_KEYS_UNKNOWN_BURST; i++) {
        snprintf(tenant, sizeof(tenant), "guess%u", i);
        assert_true(rind_is_ok(ask(world, tenant, 1)));
    }
}

#define CROWD 20u

struct visitor {
    struct world *world;
    struct rind_thread thread;
    rind_status status;
};

static void visit(void *self)
{
    struct visitor *visitor = self;
    struct rind_ctx ctx;
    struct rind_tenant_key *key = NULL;
    const struct rind_token_key_id key_id = {rind_slice_text("acme"), 1};
    rind_ctx_init(&ctx, NULL);
    atomic_fetch_add(&visitor->world->source.arrived, 1);
    visitor->status = rind_tenant_keys_acquire(&ctx, visitor->world->keys, &key_id,
                                               rind_deadline_in_ms(60000), &key);
    if (rind_is_ok(visitor->status)) {
        rind_tenant_key_release(key);
    }
}

/* More than may ask at one time, and none of them is refused. */
static void many_who_need_a_new_key_ask_once(void **state)
{
    struct world *world = *state;
    struct visitor visitors[CROWD];
    world->source.waits_for = CROWD;
    for (unsigned i = 0; i < CROWD; i++) {
        visitors[i] = (struct visitor){.world = world};
        assert_true(rind_is_ok(
            rind_thread_start(&world->ctx, &visitors[i].thread, "visitor", visit, &visitors[i])));
    }
    for (unsigned i = 0; i < CROWD; i++) {
        rind_thread_join(&visitors[i].thread);
        assert_true(rind_is_ok(visitors[i].status));
    }
    assert_int_equal(world->source.fetches, 1);
}

static void guessing_names_cannot_drive_the_source(void **state)
{
    struct world *world = *state;
    char tenant[32];
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    world->source.outcome = rind_status_make(RIND_E_NOT_FOUND);
    unsigned refused = 0;
    uint64_t start_ns = rind_clock_monotonic_ns();
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(tenant, sizeof(tenant), "guess%u", i);
        refused += rind_is(ask(world, tenant, 1), RIND_E_BUSY);
    }
    uint64_t elapsed_s = (rind_clock_monotonic_ns() - start_ns) / RIND_NS_PER_S;
    assert_true(refused > 0 || elapsed_s > 900);
    assert_true(world->source.fetches <= 2 + RIND_TENANT_KEYS_UNKNOWN_BURST +
                                             (elapsed_s + 1) * RIND_TENANT_KEYS_UNKNOWN_PER_S);
    unsigned fetches = world->source.fetches;
    assert_true(rind_is_ok(ask(world, "acme", 1))); /* the good one is still there */
    assert_int_equal(world->source.fetches, fetches);
}

static void a_good_key_is_fetched_however_many_are_guessed(void **state)
{
    struct world *world = *state;
    char tenant[32];
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    world->source.outcome = rind_status_make(RIND_E_NOT_FOUND);
    rind_status status = RIND_OK;
    for (unsigned i = 0; i < 100000 && !rind_is(status, RIND_E_BUSY); i++) {
        snprintf(tenant, sizeof(tenant), "guess%u", i);
        status = ask(world, tenant, 1);
    }
    assert_true(rind_is(status, RIND_E_BUSY));
    world->source.outcome = RIND_OK;
    unsigned fetches = world->source.fetches;
    assert_true(rind_is_ok(ask(world, "acme", 1)));
    assert_int_equal(world->source.fetches, fetches + 1);
}

static void more_keys_than_there_is_room_for_are_all_served(void **state)
{
    struct world *world = *state;
    unsigned served = 0;
    for (uint64_t version = 0; version < 3 * RIND_TENANT_KEYS_UNKNOWN_BURST; version++) {
        served += rind_is_ok(ask(world, "acme", version)) ? 1 : 0;
    }
    assert_true(served >= RIND_TENANT_KEYS_UNKNOWN_BURST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_fetched_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_exist_is_remembered_too, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_key_is_asked_for_again, setup_forgetful, teardown),
        cmocka_unit_test_setup_teardown(a_source_that_does_not_answer_takes_no_key_away,
                                        setup_forgetful, teardown),
        cmocka_unit_test_setup_teardown(while_one_asks_for_an_old_key_others_use_it,
                                        setup_forgetful, teardown),
        cmocka_unit_test_setup_teardown(many_who_need_a_new_key_ask_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_at_hand_is_not_rationed, setup_at_hand, teardown),
        cmocka_unit_test_setup_teardown(guessing_names_cannot_drive_the_source, setup, teardown),
        cmocka_unit_test_setup_teardown(a_good_key_is_fetched_however_many_are_guessed,
                                        setup_forgetful, teardown),
        cmocka_unit_test_setup_teardown(more_keys_than_there_is_room_for_are_all_served, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
