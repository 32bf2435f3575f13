/* test_trace.c - W3C trace contexts: what is taken, what is ignored, what is drawn. */
#include <string.h>

#include "base/base.h"
#include "host/trace.h"
#include "support/test.h"

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define ZERO_ID "00000000000000000000000000000000"

static bool parse(const char *parent, const char *state, struct rind_trace *trace)
{
    return rind_trace_parse(rind_slice_text(parent), rind_slice_text(state), trace);
}

static void a_context_is_passed_on_as_it_came(void **state)
{
    (void)state;
    static const char *const parents[] = {"00-" ID "-" SPAN "-01", "00-" ID "-" SPAN "-00"};
    for (size_t i = 0; i < 2; i++) {
        struct rind_trace trace;
        char text[RIND_TRACEPARENT_SIZE];
        assert_true(parse(parents[i], "rojo=00f067aa0ba902b7", &trace));
        assert_int_equal(trace.is_sampled, i == 0);
        rind_trace_print(&trace, text);
        assert_string_equal(text, parents[i]);
        assert_true(rind_slice_is_text(trace.state, "rojo=00f067aa0ba902b7"));
    }
}

static void later_versions_are_read_by_their_first_fields(void **state)
{
    (void)state;
    struct rind_trace trace;
    char text[RIND_TRACEPARENT_SIZE];
    assert_true(parse("cc-" ID "-" SPAN "-03-what-the-future-will-be-like", "", &trace));
    rind_trace_print(&trace, text);
    assert_string_equal(text, "00-" ID "-" SPAN "-01");
    assert_true(parse("01-" ID "-" SPAN "-00", "", &trace));
}

static void malformed_headers_are_ignored(void **state)
{
    (void)state;
    static const char *const parents[] = {
        "",
        "00",
        "00-" ID "-" SPAN "-0",
        "00-" ID "-" SPAN "-01-",                          /* version 00 has no more */
        "01-" ID "-" SPAN "-01.more",                      /* more follows a dash */
        "ff-" ID "-" SPAN "-01",                           /* forbidden version */
        "00-" ZERO_ID "-" SPAN "-01",                      /* no trace */
        "00-" ID "-0000000000000000-01",                   /* no span */
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", /* upper case */
        "00-0af7651916cd43dd8448eb211c80319g-" SPAN "-01", /* no hex */
        "00_" ID "-" SPAN "-01",                           /* other separators */
        "00-" ID "_" SPAN "-01",
        "00-" ID "-" SPAN "_01",
        "00-" ID "-" SPAN "-0x",
        " 00-" ID "-" SPAN "-01",
    };
    for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
        struct rind_trace trace;
        assert_false(parse(parents[i], "", &trace));
    }
}

static void a_state_too_long_or_unprintable_is_left_out(void **state)
{
    (void)state;
    char longest[RIND_TRACESTATE_SIZE_BYTES_MAX + 2];
    struct rind_trace trace;
    memset(longest, 'a', sizeof(longest));
    longest[RIND_TRACESTATE_SIZE_BYTES_MAX] = '\0';
    assert_true(parse("00-" ID "-" SPAN "-01", longest, &trace));
    assert_int_equal(trace.state.length, RIND_TRACESTATE_SIZE_BYTES_MAX);
    longest[RIND_TRACESTATE_SIZE_BYTES_MAX] = 'a';
    longest[RIND_TRACESTATE_SIZE_BYTES_MAX + 1] = '\0';
    assert_true(parse("00-" ID "-" SPAN "-01", longest, &trace));
    assert_int_equal(trace.state.length, 0);
    assert_true(parse("00-" ID "-" SPAN "-01", "a=b\r\nx-evil: 1", &trace));
    assert_int_equal(trace.state.length, 0);
}

/* The context that sampling makes of `given`. */
static struct rind_trace sample(const struct rind_trace *given, double rate)
{
    uint8_t memory[512];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    ctx.trace = given;
    rind_trace_sample(&ctx, rate);
    assert_non_null(ctx.trace);
    return *ctx.trace;
}

static void the_rate_decides_what_is_sampled_whatever_the_client_says(void **state)
{
    (void)state;
    struct rind_trace given;
    assert_true(parse("00-" ID "-" SPAN "-01", "a=b", &given));
    struct rind_trace never = sample(&given, 0.0);
    assert_false(never.is_sampled);
    assert_memory_equal(never.trace_id, given.trace_id, sizeof(given.trace_id));
    assert_memory_equal(never.span_id, given.span_id, sizeof(given.span_id));
    given.is_sampled = false;
    assert_true(sample(&given, 1.0).is_sampled);

    unsigned sampled = 0;
    for (unsigned i = 0; i < 4000; i++) {
        sampled += sample(NULL, 0.1).is_sampled;
    }
    /* 400 expected, standard deviation 19: ten of them do not happen. */
    assert_in_range(sampled, 210, 590);
}

static void the_same_trace_is_drawn_alike_everywhere(void **state)
{
    (void)state;
    struct rind_trace given = {.trace_id = {1}, .span_id = {1}};
    memset(given.trace_id + 8, 0x80, 8); /* the draw: 0x4040... of 2^63, that is 0.502 */
    assert_false(sample(&given, 0.5).is_sampled);
    assert_true(sample(&given, 0.51).is_sampled);
}

static void new_ids_differ(void **state)
{
    (void)state;
    struct rind_trace a = sample(NULL, 0.5);
    struct rind_trace b = sample(NULL, 0.5);
    assert_memory_not_equal(a.trace_id, b.trace_id, sizeof(a.trace_id));
    assert_memory_not_equal(a.span_id, b.span_id, sizeof(a.span_id));
}

static void without_memory_there_is_no_trace(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    uint8_t memory[8];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    rind_trace_sample(&ctx, 1.0);
    assert_null(ctx.trace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_is_passed_on_as_it_came),
        cmocka_unit_test(later_versions_are_read_by_their_first_fields),
        cmocka_unit_test(malformed_headers_are_ignored),
        cmocka_unit_test(a_state_too_long_or_unprintable_is_left_out),
        cmocka_unit_test(the_rate_decides_what_is_sampled_whatever_the_client_says),
        cmocka_unit_test(the_same_trace_is_drawn_alike_everywhere),
        cmocka_unit_test(new_ids_differ),
        cmocka_unit_test(without_memory_there_is_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
