/* test_threads.c - clock, stopper, queue, pool, arenas, retry. */
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "host/host.h"
#include "support/test.h"

static void deadlines_saturate_and_compare(void **state)
{
    (void)state;
    assert_true(rind_deadline_is_never(rind_deadline_in_ns(UINT64_MAX)));
    assert_true(rind_deadline_is_never(rind_deadline_in_ms(UINT64_MAX)));
    assert_true(rind_deadline_has_expired(rind_deadline_now()));
    assert_false(rind_deadline_has_expired(rind_deadline_never()));
    assert_int_equal(rind_deadline_poll_ms(rind_deadline_never()), -1);
    assert_int_equal(rind_deadline_poll_ms(rind_deadline_now()), 0);
    assert_int_equal(rind_deadline_poll_ms(rind_deadline_in_ns(1ull << 62)), INT32_MAX);
    struct rind_deadline soon = rind_deadline_in_ms(50000);
    int left_ms = rind_deadline_poll_ms(soon);
    assert_true(left_ms > 0 && left_ms <= 50000);
    assert_true(rind_deadline_min(soon, rind_deadline_never()).at_ns == soon.at_ns);
    assert_true(rind_deadline_min(rind_deadline_now(), soon).at_ns == 0);
}

static void a_stopper_wakes_sleepers_and_pollers(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    struct rind_stopper stopper;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(rind_stopper_init(&ctx, &stopper)));
    struct pollfd ready = {.fd = rind_stopper_fd(&stopper), .events = POLLIN};
    assert_false(rind_stopper_wait(&stopper, rind_deadline_in_ms(1)));
    assert_int_equal(poll(&ready, 1, 0), 0);
    rind_stopper_set(&stopper);
    rind_stopper_set(&stopper);
    assert_true(rind_stopper_is_set(&stopper));
    assert_true(rind_stopper_wait(&stopper, rind_deadline_never()));
    assert_int_equal(poll(&ready, 1, 0), 1);
    rind_stopper_fini(&stopper);
}

static void a_semaphore_gives_each_post_once(void **state)
{
    (void)state;
    struct rind_semaphore semaphore;
    rind_semaphore_init(&semaphore);
    assert_false(rind_semaphore_wait(&semaphore, rind_deadline_now()));
    assert_false(rind_semaphore_wait(&semaphore, rind_deadline_in_ms(1)));
    rind_semaphore_post(&semaphore);
    rind_semaphore_post(&semaphore);
    assert_true(rind_semaphore_wait(&semaphore, rind_deadline_never()));
    assert_true(rind_semaphore_wait(&semaphore, rind_deadline_now()));
    assert_false(rind_semaphore_wait(&semaphore, rind_deadline_now()));
    rind_semaphore_fini(&semaphore);
}

static void a_queue_keeps_order_and_its_limit(void **state)
{
    (void)state;
    struct rind_queue *queue = NULL;
    int items[4];
    void *item = NULL;
    assert_true(rind_is_ok(rind_queue_new(NULL, 3, &queue)));
    assert_true(rind_is(rind_queue_pop(NULL, queue, rind_deadline_now(), &item), RIND_E_TIMEOUT));
    for (int i = 0; i < 3; i++) {
        assert_true(rind_is_ok(rind_queue_push(NULL, queue, &items[i], rind_deadline_now())));
    }
    assert_true(
        rind_is(rind_queue_push(NULL, queue, &items[3], rind_deadline_in_ms(1)), RIND_E_BUSY));
    assert_true(rind_is_ok(rind_queue_pop(NULL, queue, rind_deadline_now(), &item)));
    assert_ptr_equal(item, &items[0]);
    assert_true(rind_is_ok(rind_queue_push(NULL, queue, &items[3], rind_deadline_now())));
    rind_queue_close(queue);
    assert_true(
        rind_is(rind_queue_push(NULL, queue, &items[0], rind_deadline_never()), RIND_E_CANCELLED));
    void *rest[8];
    size_t count = 0;
    assert_true(
        rind_is_ok(rind_queue_pop_many(NULL, queue, rind_deadline_never(), rest, 8, &count)));
    assert_int_equal(count, 3);
    assert_ptr_equal(rest[0], &items[1]);
    assert_ptr_equal(rest[2], &items[3]);
    assert_true(
        rind_is(rind_queue_pop(NULL, queue, rind_deadline_never(), &item), RIND_E_CANCELLED));
    rind_queue_free(queue);
}

struct adder {
    struct rind_thread thread;
    struct rind_queue *queue;
    size_t pushed;
    size_t popped;
};

static void adder_push(void *self)
{
    struct adder *adder = self;
    for (size_t i = 0; i < 2000; i++) {
        rind_status status = rind_queue_push(NULL, adder->queue, adder, rind_deadline_in_ms(20000));
        adder->pushed += rind_is_ok(status) ? 1 : 0;
    }
}

static void adder_pop(void *self)
{
    struct adder *adder = self;
    void *item;
    while (rind_is_ok(rind_queue_pop(NULL, adder->queue, rind_deadline_in_ms(20000), &item))) {
        adder->popped++;
    }
}

static void a_queue_loses_nothing_between_many_threads(void **state)
{
    (void)state;
    struct rind_queue *queue = NULL;
    struct adder adders[8];
    assert_true(rind_is_ok(rind_queue_new(NULL, 16, &queue)));
    for (size_t i = 0; i < 8; i++) {
        adders[i] = (struct adder){.queue = queue};
        assert_true(rind_is_ok(rind_thread_start(NULL, &adders[i].thread, "adder",
                                                 i < 4 ? adder_push : adder_pop, &adders[i])));
    }
    size_t pushed = 0;
    size_t popped = 0;
    for (size_t i = 0; i < 8; i++) {
        if (i == 4) {
            rind_queue_close(queue);
        }
        rind_thread_join(&adders[i].thread);
        pushed += adders[i].pushed;
        popped += adders[i].popped;
    }
    assert_int_equal(pushed, 8000);
    assert_int_equal(popped, 8000);
    rind_queue_free(queue);
}

struct gate {
    struct rind_mutex mutex;
    struct rind_cond changed;
    bool is_open;
    unsigned entered;
    atomic_uint done;
};

static void gate_pass(void *self)
{
    struct gate *gate = self;
    rind_mutex_lock(&gate->mutex);
    gate->entered++;
    rind_cond_broadcast(&gate->changed);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    while (!gate->is_open && rind_cond_wait(&gate->changed, &gate->mutex, deadline)) {
    }
    rind_mutex_unlock(&gate->mutex);
    (void)atomic_fetch_add(&gate->done, 1);
}

static void a_pool_refuses_jobs_beyond_its_limit_and_runs_all_others_once(void **state)
{
    (void)state;
    struct gate gate = {.is_open = false};
    struct rind_pool *pool = NULL;
    rind_mutex_init(&gate.mutex);
    rind_cond_init(&gate.changed);
    assert_true(rind_is_ok(rind_pool_open(NULL, "test", 2, 3, &pool)));
    for (int i = 0; i < 2; i++) {
        assert_true(
            rind_is_ok(rind_pool_submit(NULL, pool, gate_pass, &gate, rind_deadline_in_ms(20000))));
    }
    rind_mutex_lock(&gate.mutex);
    while (gate.entered < 2 &&
           rind_cond_wait(&gate.changed, &gate.mutex, rind_deadline_in_ms(20000))) {
    }
    rind_mutex_unlock(&gate.mutex);
    for (int i = 0; i < 3; i++) {
        assert_true(
            rind_is_ok(rind_pool_submit(NULL, pool, gate_pass, &gate, rind_deadline_now())));
    }
    assert_int_equal(rind_pool_waiting(pool), 3);
    assert_true(rind_is(rind_pool_submit(NULL, pool, gate_pass, &gate, rind_deadline_in_ms(1)),
                        RIND_E_BUSY));
    rind_mutex_lock(&gate.mutex);
    gate.is_open = true;
    rind_cond_broadcast(&gate.changed);
    rind_mutex_unlock(&gate.mutex);
    rind_pool_close(pool);
    assert_int_equal(atomic_load(&gate.done), 5);
    rind_cond_fini(&gate.changed);
    rind_mutex_fini(&gate.mutex);
}

static void a_returned_arena_is_wiped_and_gives_its_pages_back(void **state)
{
    (void)state;
    struct rind_arena_pool_options options = rind_arena_pool_options_default();
    options.kept_bytes = 65536;
    options.kept_count = 1;
    options.count_max = 2;
    struct rind_arena_pool *pool = NULL;
    struct rind_arena *arenas[3] = {NULL, NULL, NULL};
    assert_true(rind_is_ok(rind_arena_pool_open(NULL, &options, &pool)));
    assert_true(rind_is_ok(rind_arena_pool_take(NULL, pool, &arenas[0])));
    assert_true(rind_is_ok(rind_arena_pool_take(NULL, pool, &arenas[1])));
    assert_true(rind_is(rind_arena_pool_take(NULL, pool, &arenas[2]), RIND_E_LIMIT));
    size_t size = 16u * 1024u * 1024u;
    uint8_t *bytes = rind_arena_alloc(arenas[0], size);
    assert_non_null(bytes);
    memset(bytes, 7, size);
    struct rind_arena *first = arenas[0];
    rind_arena_pool_give(pool, arenas[0]);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(bytes[size - 1], 0);
    unsigned char resident = 1;
    long page = sysconf(_SC_PAGESIZE);
    uint8_t *middle = bytes + size / 2 - (uintptr_t)(bytes + size / 2) % (size_t)page;
    assert_int_equal(mincore(middle, 1, &resident), 0);
#if !defined(__SANITIZE_THREAD__)
    assert_int_equal(resident & 1, 0);
#endif
    assert_true(rind_is_ok(rind_arena_pool_take(NULL, pool, &arenas[0])));
    assert_ptr_equal(arenas[0], first);
    rind_arena_pool_give(pool, arenas[0]);
    rind_arena_pool_give(pool, arenas[1]);
    rind_arena_pool_close(pool);
}

/* A loop that fails with the given codes one after the other, the last for ever. */
static struct rind_retry retry_with(const struct rind_retry_options *options,
                                    const enum rind_code *codes, size_t count, struct rind_ctx *ctx,
                                    rind_status *status)
{
    struct rind_retry retry;
    size_t at = 0;
    rind_retry_begin(&retry, options);
    while (rind_retry_next(&retry)) {
        enum rind_code code = codes[at < count ? at : count - 1];
        at++;
        rind_retry_record(&retry, ctx,
                          code == RIND_E_OK ? RIND_OK
                                            : rind_fail(ctx, code, "attempt %zu failed", at));
    }
    *status = rind_retry_end(&retry, ctx);
    return retry;
}

static const struct rind_retry_profile quick = {4, 20 * RIND_NS_PER_S, 1000, 2.0, 4000};

static void a_transient_failure_is_repeated_until_success(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_NETWORK, RIND_E_BUSY, RIND_E_OK};
    struct rind_ctx ctx;
    rind_status status;
    struct rind_retry_options options = {.profile = &quick, .description = "test"};
    rind_ctx_init(&ctx, NULL);
    struct rind_retry retry = retry_with(&options, codes, 3, &ctx, &status);
    assert_true(rind_is_ok(status));
    assert_int_equal(retry.attempt, 3);
    assert_int_equal(retry.outcome, RIND_RETRY_OK);
}

static void a_fatal_failure_ends_at_once(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_NETWORK, RIND_E_DENIED, RIND_E_OK};
    struct rind_ctx ctx;
    rind_status status;
    struct rind_retry_options options = {.profile = &quick, .description = "test"};
    rind_ctx_init(&ctx, NULL);
    struct rind_retry retry = retry_with(&options, codes, 3, &ctx, &status);
    assert_true(rind_is(status, RIND_E_DENIED));
    assert_string_equal(ctx.sentence, "attempt 2 failed");
    assert_int_equal(retry.outcome, RIND_RETRY_FATAL);
}

static void attempts_run_out_with_the_last_error(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_NETWORK};
    struct rind_ctx ctx;
    rind_status status;
    struct rind_retry_options options = {.profile = &quick, .description = "test"};
    rind_ctx_init(&ctx, NULL);
    struct rind_retry retry = retry_with(&options, codes, 1, &ctx, &status);
    assert_true(rind_is(status, RIND_E_NETWORK));
    assert_string_equal(ctx.sentence, "attempt 4 failed");
    assert_int_equal(retry.outcome, RIND_RETRY_EXHAUSTED);
    assert_int_equal(retry.attempt, 4);
    assert_int_equal(retry.next_backoff_ns, 4000); /* 1000, 2000, 4000: capped */
}

static void no_attempt_is_made_without_attempts_or_time(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_OK};
    struct rind_retry_profile none = quick;
    struct rind_ctx ctx;
    rind_status status;
    rind_ctx_init(&ctx, NULL);
    none.attempts_max = 0;
    struct rind_retry_options options = {.profile = &none, .description = "test"};
    assert_int_equal(retry_with(&options, codes, 1, &ctx, &status).attempt, 0);
    assert_true(rind_is(status, RIND_E_TIMEOUT));
    none = quick;
    none.timeout_ns = 0;
    assert_int_equal(retry_with(&options, codes, 1, &ctx, &status).attempt, 0);
    assert_true(rind_is(status, RIND_E_TIMEOUT));
}

static void the_loop_does_not_sleep_past_its_deadline(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_NETWORK};
    struct rind_retry_profile slow = quick;
    struct rind_ctx ctx;
    rind_status status;
    rind_ctx_init(&ctx, NULL);
    slow.backoff_ns = slow.backoff_ns_max = 100 * RIND_NS_PER_S;
    struct rind_retry_options options = {.profile = &slow, .description = "test"};
    struct rind_retry retry = retry_with(&options, codes, 1, &ctx, &status);
    assert_int_equal(retry.attempt, 1);
    assert_int_equal(retry.outcome, RIND_RETRY_EXHAUSTED);
    assert_true(rind_is(status, RIND_E_NETWORK));
}

static void an_attempt_cut_by_the_deadline_yields_the_error_before_it(void **state)
{
    (void)state;
    static const struct rind_retry_profile brief = {10, 20 * RIND_NS_PER_MS, 1000, 1.0, 1000};
    struct rind_ctx ctx;
    struct rind_retry retry;
    struct rind_retry_options options = {.profile = &brief, .description = "test"};
    rind_ctx_init(&ctx, NULL);
    rind_retry_begin(&retry, &options);
    assert_true(rind_retry_next(&retry));
    rind_retry_record(&retry, &ctx, rind_fail(&ctx, RIND_E_BUSY, "first"));
    assert_true(rind_retry_next(&retry));
    while (!rind_deadline_has_expired(retry.deadline)) {
        (void)poll(NULL, 0, rind_deadline_poll_ms(retry.deadline));
    }
    rind_retry_record(&retry, &ctx, rind_fail(&ctx, RIND_E_TIMEOUT, "second"));
    assert_false(rind_retry_next(&retry));
    assert_true(rind_is(rind_retry_end(&retry, &ctx), RIND_E_BUSY));
    assert_string_equal(ctx.sentence, "first");
    assert_int_equal(retry.outcome, RIND_RETRY_EXHAUSTED);
}

static void a_stopper_ends_the_loop_in_its_sleep(void **state)
{
    (void)state;
    static const enum rind_code codes[] = {RIND_E_NETWORK};
    struct rind_retry_profile slow = quick;
    struct rind_ctx ctx;
    struct rind_stopper stopper;
    struct rind_retry retry;
    rind_status status;
    rind_ctx_init(&ctx, NULL);
    slow.backoff_ns = slow.backoff_ns_max = 10 * RIND_NS_PER_S;
    assert_true(rind_is_ok(rind_stopper_init(&ctx, &stopper)));
    struct rind_retry_options options = {
        .profile = &slow, .description = "test", .stopper = &stopper};
    rind_retry_begin(&retry, &options);
    assert_true(rind_retry_next(&retry));
    rind_retry_record(&retry, &ctx, rind_fail(&ctx, RIND_E_NETWORK, "lost"));
    rind_stopper_set(&stopper);
    assert_false(rind_retry_next(&retry));
    assert_true(rind_is(rind_retry_end(&retry, &ctx), RIND_E_NETWORK));
    assert_int_equal(retry_with(&options, codes, 1, &ctx, &status).attempt, 0);
    assert_true(rind_is(status, RIND_E_CANCELLED));
    rind_stopper_fini(&stopper);
}

static void profiles_are_as_specified(void **state)
{
    (void)state;
    assert_int_equal(rind_retry_profile_default.attempts_max, 1000);
    assert_true(rind_retry_profile_default.timeout_ns == 300 * RIND_NS_PER_S);
    assert_int_equal(rind_retry_profile_store.attempts_max, 50);
    assert_true(rind_retry_profile_store.backoff_ns == 10 * RIND_NS_PER_MS);
    assert_true(rind_retry_profile_store.timeout_ns == 30 * RIND_NS_PER_S);
    assert_true(rind_retry_profile_hsm.backoff_ns_max == RIND_NS_PER_S);
    assert_true(rind_retry_profile_hsm.timeout_ns == 60 * RIND_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_saturate_and_compare),
        cmocka_unit_test(a_stopper_wakes_sleepers_and_pollers),
        cmocka_unit_test(a_semaphore_gives_each_post_once),
        cmocka_unit_test(a_queue_keeps_order_and_its_limit),
        cmocka_unit_test(a_queue_loses_nothing_between_many_threads),
        cmocka_unit_test(a_pool_refuses_jobs_beyond_its_limit_and_runs_all_others_once),
        cmocka_unit_test(a_returned_arena_is_wiped_and_gives_its_pages_back),
        cmocka_unit_test(a_transient_failure_is_repeated_until_success),
        cmocka_unit_test(a_fatal_failure_ends_at_once),
        cmocka_unit_test(attempts_run_out_with_the_last_error),
        cmocka_unit_test(no_attempt_is_made_without_attempts_or_time),
        cmocka_unit_test(the_loop_does_not_sleep_past_its_deadline),
        cmocka_unit_test(an_attempt_cut_by_the_deadline_yields_the_error_before_it),
        cmocka_unit_test(a_stopper_ends_the_loop_in_its_sleep),
        cmocka_unit_test(profiles_are_as_specified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
