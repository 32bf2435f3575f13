/* test_hsm_gate.c - turns at the HSM: order, deadlines, and that none is lost between threads. */
#include <stdatomic.h>

#include "agent/hsm_gate.h"
#include "support/test.h"

#define GATE_WAIT_MS 20000u /* never reached in a correct test */
#define GATE_THREADS 8u
#define GATE_ROUNDS 300u

struct gate_fixture {
    struct rind_hsm_gate gate;
    struct rind_mutex lock; /* guards order */
    enum rind_hsm_urgency order[GATE_THREADS];
    unsigned order_count;
    atomic_uint inside;
    atomic_uint turns;
    atomic_uint refused;
};

struct gate_caller {
    struct gate_fixture *fixture;
    enum rind_hsm_urgency urgency;
    struct rind_thread thread;
};

static void fixture_init(struct gate_fixture *fixture, unsigned in_flight_max)
{
    *fixture = (struct gate_fixture){.order_count = 0};
    rind_hsm_gate_init(&fixture->gate, in_flight_max);
    rind_mutex_init(&fixture->lock);
}

static void fixture_fini(struct gate_fixture *fixture)
{
    rind_mutex_fini(&fixture->lock);
    rind_hsm_gate_fini(&fixture->gate); /* which asserts that nobody is in or waits */
}

static rind_status enter(struct gate_fixture *fixture, enum rind_hsm_urgency urgency,
                         struct rind_deadline deadline)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    return rind_hsm_gate_enter(&ctx, &fixture->gate, urgency, deadline);
}

static void pass_once(void *self)
{
    struct gate_caller *caller = self;
    struct gate_fixture *fixture = caller->fixture;
    if (!rind_is_ok(enter(fixture, caller->urgency, rind_deadline_in_ms(GATE_WAIT_MS)))) {
        return;
    }
    rind_mutex_lock(&fixture->lock);
    fixture->order[fixture->order_count++] = caller->urgency;
    rind_mutex_unlock(&fixture->lock);
    rind_hsm_gate_leave(&fixture->gate);
}

static void start(struct gate_caller *caller, void (*run)(void *self))
{
    assert_true(rind_is_ok(rind_thread_start(NULL, &caller->thread, "caller", run, caller)));
}

/* Waits until so many callers wait for a turn. */
static void wait_for_waiting(struct gate_fixture *fixture, unsigned count)
{
    struct rind_deadline end = rind_deadline_in_ms(GATE_WAIT_MS);
    unsigned waiting = 0;
    while (waiting != count) {
        assert_false(rind_deadline_has_expired(end));
        rind_mutex_lock(&fixture->gate.lock);
        waiting = fixture->gate.waiting;
        rind_mutex_unlock(&fixture->gate.lock);
    }
}

static void turns_go_to_the_most_urgent_and_within_a_class_in_order(void **state)
{
    (void)state;
    static const enum rind_hsm_urgency given[] = {RIND_HSM_URGENCY_STATUS, RIND_HSM_URGENCY_APP,
                                                  RIND_HSM_URGENCY_COMMIT, RIND_HSM_URGENCY_APP,
                                                  RIND_HSM_URGENCY_PERSIST};
    static const enum rind_hsm_urgency expected[] = {RIND_HSM_URGENCY_PERSIST,
                                                     RIND_HSM_URGENCY_COMMIT, RIND_HSM_URGENCY_APP,
                                                     RIND_HSM_URGENCY_APP, RIND_HSM_URGENCY_STATUS};
    struct gate_fixture fixture;
    struct gate_caller callers[5];
    fixture_init(&fixture, 1);
    assert_true(rind_is_ok(enter(&fixture, RIND_HSM_URGENCY_APP, rind_deadline_now())));
    for (unsigned i = 0; i < 5; i++) {
        callers[i] = (struct gate_caller){.fixture = &fixture, .urgency = given[i]};
        start(&callers[i], pass_once);
        wait_for_waiting(&fixture, i + 1);
    }
    rind_hsm_gate_leave(&fixture.gate);
    for (unsigned i = 0; i < 5; i++) {
        rind_thread_join(&callers[i].thread);
    }
    assert_int_equal(fixture.order_count, 5);
    assert_memory_equal(fixture.order, expected, sizeof(expected));
    fixture_fini(&fixture);
}

static void who_gets_no_turn_by_the_deadline_waits_no_more(void **state)
{
    (void)state;
    struct gate_fixture fixture;
    fixture_init(&fixture, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(rind_is_ok(enter(&fixture, RIND_HSM_URGENCY_APP, rind_deadline_now())));
    }
    assert_true(
        rind_is(enter(&fixture, RIND_HSM_URGENCY_PERSIST, rind_deadline_now()), RIND_E_TIMEOUT));
    assert_true(
        rind_is(enter(&fixture, RIND_HSM_URGENCY_APP, rind_deadline_in_ms(1)), RIND_E_TIMEOUT));
    wait_for_waiting(&fixture, 0);
    rind_hsm_gate_leave(&fixture.gate);
    assert_true(rind_is_ok(enter(&fixture, RIND_HSM_URGENCY_STATUS, rind_deadline_now())));
    rind_hsm_gate_leave(&fixture.gate);
    rind_hsm_gate_leave(&fixture.gate);
    fixture_fini(&fixture);
}

/* With deadlines of every kind, so that turns often come in the moment that a caller gives up. */
static void pass_often(void *self)
{
    struct gate_caller *caller = self;
    struct gate_fixture *fixture = caller->fixture;
    for (unsigned round = 0; round < GATE_ROUNDS; round++) {
        uint64_t patience_ns = (uint64_t)(round % 7) * 10000u;
        struct rind_deadline deadline =
            round % 7 == 6 ? rind_deadline_never() : rind_deadline_in_ns(patience_ns);
        if (!rind_is_ok(enter(fixture, caller->urgency, deadline))) {
            (void)atomic_fetch_add(&fixture->refused, 1);
            continue;
        }
        RIND_ASSERT(atomic_fetch_add(&fixture->inside, 1) < 2);
        (void)atomic_fetch_add(&fixture->turns, 1);
        (void)atomic_fetch_sub(&fixture->inside, 1);
        rind_hsm_gate_leave(&fixture->gate);
    }
}

static void no_turn_is_lost_between_callers_that_give_up_and_others(void **state)
{
    (void)state;
    struct gate_fixture fixture;
    struct gate_caller callers[GATE_THREADS];
    fixture_init(&fixture, 2);
    for (unsigned i = 0; i < GATE_THREADS; i++) {
        callers[i] =
            (struct gate_caller){.fixture = &fixture, .urgency = (enum rind_hsm_urgency)(i % 3)};
        start(&callers[i], pass_often);
    }
    for (unsigned i = 0; i < GATE_THREADS; i++) {
        rind_thread_join(&callers[i].thread);
    }
    unsigned turns = atomic_load(&fixture.turns);
    assert_int_equal(turns + atomic_load(&fixture.refused), GATE_THREADS * GATE_ROUNDS);
    assert_true(turns >= GATE_THREADS * (GATE_ROUNDS / 7)); /* who waits for ever gets his */
    fixture_fini(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_go_to_the_most_urgent_and_within_a_class_in_order),
        cmocka_unit_test(who_gets_no_turn_by_the_deadline_waits_no_more),
        cmocka_unit_test(no_turn_is_lost_between_callers_that_give_up_and_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
