/* test_histogram.c - the histogram of latencies. */
#include "cli/histogram.h"

#include <stdlib.h>
#include <string.h>

#include "cli/bench/load.h"
#include "cli/bench/seeded.h"
#include "support/test.h"

static struct rind_histogram histogram;

static void clear(void)
{
    memset(&histogram, 0, sizeof(histogram));
}

static void an_empty_histogram_says_zero(void **state)
{
    (void)state;
    clear();
    assert_int_equal(rind_histogram_quantile_us(&histogram, 0.5), 0);
    assert_true(rind_histogram_mean_us(&histogram) == 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    clear();
    for (uint64_t value = 1; value <= 200; value++) {
        rind_histogram_add(&histogram, value);
    }
    assert_int_equal(rind_histogram_quantile_us(&histogram, 0.5), 100);
    assert_int_equal(rind_histogram_quantile_us(&histogram, 0.99), 198);
    assert_int_equal(rind_histogram_quantile_us(&histogram, 1), 200);
    assert_int_equal(rind_histogram_quantile_us(&histogram, 0), 1);
    assert_int_equal(histogram.min_us, 1);
    assert_int_equal(histogram.max_us, 200);
    assert_true(rind_histogram_mean_us(&histogram) == 100.5);
}

static void every_value_is_kept_to_better_than_one_percent(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 32; bits++) {
        uint64_t power = (uint64_t)1 << bits;
        const uint64_t values[] = {power - 1, power, power + 1, power + power / 3, 2 * power - 1};
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            clear();
            rind_histogram_add(&histogram, values[i]);
            rind_histogram_add(&histogram, UINT32_MAX); /* so that the maximum does not help */
            uint64_t found = rind_histogram_quantile_us(&histogram, 0.5);
            assert_true(found >= values[i]);
            assert_true(found - values[i] <= values[i] / 100);
        }
    }
}

static void quantiles_cover_as_many_values_as_they_say(void **state)
{
    (void)state;
    static uint64_t values[10001];
    const size_t count = sizeof(values) / sizeof(values[0]);
    struct rind_seeded seeded = {.state = 7};
    clear();
    for (size_t i = 0; i < count; i++) {
        values[i] = rind_seeded_next(&seeded) >> (32 + rind_seeded_next(&seeded) % 20);
        rind_histogram_add(&histogram, values[i]);
    }
    const double fractions[] = {0.1, 0.5, 0.9, 0.99, 0.999};
    for (size_t f = 0; f < sizeof(fractions) / sizeof(fractions[0]); f++) {
        uint64_t found = rind_histogram_quantile_us(&histogram, fractions[f]);
        size_t at_most = 0; /* values that the quantile covers */
        size_t below = 0;   /* values clearly below it */
        for (size_t i = 0; i < count; i++) {
            at_most += values[i] <= found;
            below += values[i] + values[i] / 100 + 1 < found;
        }
        assert_true((double)at_most >= fractions[f] * (double)count);
        assert_true((double)below <= fractions[f] * (double)count);
    }
}

static void values_beyond_the_range_count_as_the_largest(void **state)
{
    (void)state;
    clear();
    rind_histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram.max_us, UINT32_MAX);
    assert_int_equal(rind_histogram_quantile_us(&histogram, 0.5), UINT32_MAX);
}

static void merging_is_adding_all(void **state)
{
    (void)state;
    static struct rind_histogram other;
    static struct rind_histogram both;
    memset(&other, 0, sizeof(other));
    memset(&both, 0, sizeof(both));
    clear();
    rind_histogram_merge(&histogram, &other);
    assert_int_equal(histogram.count, 0);
    for (uint64_t value = 10; value < 100000; value += 37) {
        rind_histogram_add(value % 2 == 0 ? &histogram : &other, value);
        rind_histogram_add(&both, value);
    }
    rind_histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &both, sizeof(both));
}

/* ---- the load generator ---- */

struct counted {
    struct rind_mutex mutex;
    uint64_t prepared;
    uint64_t run;
    uint64_t finished;
    uint64_t index_sum;
    uint64_t indexes[64]; /* under way, by worker */
    uint64_t fails_at;    /* prepare does */
};

static bool counted_prepare(void *self, struct rind_ctx *ctx, unsigned worker, uint64_t index)
{
    struct counted *counted = self;
    rind_mutex_lock(&counted->mutex);
    counted->prepared++;
    counted->index_sum += index;
    counted->indexes[worker] = index;
    rind_mutex_unlock(&counted->mutex);
    if (index == counted->fails_at) {
        return rind_is_ok(rind_fail(ctx, RIND_E_IO, "operation %d cannot start", (int)index));
    }
    return true;
}

static unsigned counted_run(void *self, unsigned worker)
{
    struct counted *counted = self;
    rind_mutex_lock(&counted->mutex);
    counted->run++;
    unsigned kind = counted->indexes[worker] % 4 == 3 ? 5 : 0;
    rind_mutex_unlock(&counted->mutex);
    return kind;
}

static void counted_finish(void *self, unsigned worker)
{
    struct counted *counted = self;
    (void)worker;
    rind_mutex_lock(&counted->mutex);
    counted->finished++;
    rind_mutex_unlock(&counted->mutex);
}

static rind_status counted_load(struct counted *counted, const struct rind_load_options *options,
                                struct rind_load_result *result, struct rind_ctx *ctx)
{
    const struct rind_load_job job = {
        .self = counted, .prepare = counted_prepare, .run = counted_run, .finish = counted_finish};
    rind_ctx_init(ctx, NULL);
    rind_mutex_init(&counted->mutex);
    rind_status status = rind_load_run(ctx, options, &job, result);
    rind_mutex_fini(&counted->mutex);
    return status;
}

static void a_load_does_each_operation_once_and_counts_kinds(void **state)
{
    (void)state;
    static struct rind_load_result result;
    struct counted counted = {.fails_at = UINT64_MAX};
    struct rind_ctx ctx;
    const struct rind_load_options options = {.worker_count = 7, .count = 400};
    assert_true(rind_is_ok(counted_load(&counted, &options, &result, &ctx)));
    assert_int_equal(counted.run, 400);
    assert_int_equal(counted.finished, 400);
    assert_int_equal(counted.index_sum, 399 * 400 / 2);
    assert_int_equal(result.ok.count, 300);
    assert_int_equal(result.error_count, 100);
    assert_int_equal(result.kind_counts[5], 100);
    assert_int_equal(result.failed.count, 100);
    assert_true(result.second_count >= 1);
    assert_true(rind_load_throughput(&result) > 0);
}

static void an_open_loop_starts_operations_when_they_are_due(void **state)
{
    (void)state;
    static struct rind_load_result result;
    struct counted counted = {.fails_at = UINT64_MAX};
    struct rind_ctx ctx;
    const struct rind_load_options options = {
        .worker_count = 3, .rate = 500, .duration_ns = 100 * RIND_NS_PER_MS};
    assert_true(rind_is_ok(counted_load(&counted, &options, &result, &ctx)));
    assert_int_equal(result.ok.count + result.error_count, 50); /* those due within the time */
    assert_true(result.elapsed_ns >= 98 * RIND_NS_PER_MS);      /* the last is due then */
}

static void a_load_that_cannot_go_on_says_why_and_stops(void **state)
{
    (void)state;
    static struct rind_load_result result;
    struct counted counted = {.fails_at = 10};
    struct rind_ctx ctx;
    const struct rind_load_options options = {.worker_count = 2, .count = 1000000000};
    rind_status status = counted_load(&counted, &options, &result, &ctx);
    assert_true(rind_is(status, RIND_E_INTERNAL));
    assert_non_null(strstr(ctx.sentence, "operation 10 cannot start"));
    assert_int_equal(counted.finished, counted.prepared);
}

static void a_load_without_an_end_is_refused(void **state)
{
    (void)state;
    static struct rind_load_result result;
    struct counted counted = {.fails_at = UINT64_MAX};
    struct rind_ctx ctx;
    const struct rind_load_options endless = {.worker_count = 1};
    const struct rind_load_options idle = {.count = 1};
    assert_true(rind_is(counted_load(&counted, &endless, &result, &ctx), RIND_E_INVALID));
    assert_true(rind_is(counted_load(&counted, &idle, &result, &ctx), RIND_E_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_histogram_says_zero),
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(every_value_is_kept_to_better_than_one_percent),
        cmocka_unit_test(quantiles_cover_as_many_values_as_they_say),
        cmocka_unit_test(values_beyond_the_range_count_as_the_largest),
        cmocka_unit_test(merging_is_adding_all),
        cmocka_unit_test(a_load_does_each_operation_once_and_counts_kinds),
        cmocka_unit_test(an_open_loop_starts_operations_when_they_are_due),
        cmocka_unit_test(a_load_that_cannot_go_on_says_why_and_stops),
        cmocka_unit_test(a_load_without_an_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
