/*
 * test_traces.c - what the environment may say about traces, and what becomes of spans: batches,
 * and every way in which a collector can be of no use.
 */
#include <string.h>

#include "collector.h"
#include "support/test.h"
#include "telemetry/telemetry.h"

static const char *const variables[] = {
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
};

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct collector collector;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        unsetenv(variables[i]);
    }
    assert_true(rind_is_ok(rind_arena_map(NULL, 1u << 20, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    collector_open(&world->collector);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    collector_close(&world->collector);
    rind_arena_unmap(world->arena);
    free(world);
    return 0;
}

/* ---- settings ---- */

static void without_a_word_nothing_is_exported(void **state)
{
    struct world *world = *state;
    struct rind_trace_settings settings;
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    assert_false(settings.is_enabled);
    struct rind_exporter_options options = {.service = "s"};
    struct rind_exporter *exporter = NULL;
    assert_true(rind_is_ok(rind_exporter_open(&world->ctx, &options, &exporter)));
    assert_null(exporter);
    assert_null(rind_exporter_tracer(exporter));
    rind_exporter_close(exporter, rind_deadline_now());
}

static void the_environment_decides(void **state)
{
    struct world *world = *state;
    struct rind_trace_settings settings;
    setenv("OTEL_TRACES_EXPORTER", "otlp", 1);
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    assert_true(settings.is_enabled);
    assert_string_equal(settings.endpoint.host, "localhost");
    assert_int_equal(settings.endpoint.port, 4317);
    assert_int_equal(settings.timeout_ns, 10 * RIND_NS_PER_S);
    assert_int_equal(settings.delay_ns, 2500 * RIND_NS_PER_MS);
    assert_int_equal(settings.queue_max, 2048);
    assert_int_equal(settings.batch_max, 450);
    assert_int_equal(settings.attribute_count, 0);

    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://one:1", 1);
    setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://two:2/", 1);
    setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "7", 1);
    setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", 1); /* of other signals */
    setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", 1);
    setenv("OTEL_BSP_SCHEDULE_DELAY", "8", 1);
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "env=prod, region = a%2Cb ,env=test", 1);
    setenv("OTEL_SERVICE_NAME", "mine", 1);
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    assert_string_equal(settings.endpoint.host, "two");
    assert_true(settings.endpoint.is_tls);
    assert_int_equal(settings.timeout_ns, 7 * RIND_NS_PER_MS);
    assert_int_equal(settings.delay_ns, 8 * RIND_NS_PER_MS);
    assert_int_equal(settings.queue_max, 100);
    assert_int_equal(settings.batch_max, 100);
    assert_int_equal(settings.attribute_count, 3);
    assert_string_equal(settings.attributes[0].key, "env");
    assert_string_equal(settings.attributes[0].value, "test");
    assert_string_equal(settings.attributes[1].key, "region");
    assert_string_equal(settings.attributes[1].value, "a,b");
    assert_string_equal(settings.attributes[2].key, "service.name");
    assert_string_equal(settings.attributes[2].value, "mine");

    setenv("OTEL_TRACES_EXPORTER", "none", 1);
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    assert_false(settings.is_enabled);
    unsetenv("OTEL_TRACES_EXPORTER");
    setenv("OTEL_SDK_DISABLED", "TRUE", 1);
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "nonsense", 1); /* of no interest then */
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    assert_false(settings.is_enabled);
}

static void what_cannot_be_is_one_sentence(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *name;
        const char *value;
        const char *sentence; /* the variable is named in any case */
    } cases[] = {
        {"OTEL_SDK_DISABLED", "1", "must be true or false, not \"1\""},
        {"OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none, not \"zipkin\""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", "must be like http://localhost:4317"},
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://", "must be like http://localhost:4317"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "must be grpc, not \"http/protobuf\""},
        {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds from 1 to 600000, not \"10s\""},
        {"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0", "milliseconds from 1 to 600000, not \"0\""},
        {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=x", "is not supported: unset it"},
        {"OTEL_BSP_SCHEDULE_DELAY", "600001", "milliseconds from 1 to 600000, not \"600001\""},
        {"OTEL_BSP_EXPORT_TIMEOUT", "-1", "milliseconds from 1 to 600000, not \"-1\""},
        {"OTEL_BSP_MAX_QUEUE_SIZE", "65537", "spans from 1 to 65536, not \"65537\""},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many", "spans from 1 to 2048, not \"many\""},
        {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2048", NULL}, /* the queue holds as many */
        {"OTEL_RESOURCE_ATTRIBUTES", "env", "this one is not: \"env\""},
        {"OTEL_RESOURCE_ATTRIBUTES", "a=b,=c", "this one is not: \"=c\""},
        {"OTEL_RESOURCE_ATTRIBUTES", "a=%zz", "this one is not: \"a=%zz\""},
        {"OTEL_RESOURCE_ATTRIBUTES", "a=%00", "this one is not: \"a=%00\""},
        {"OTEL_RESOURCE_ATTRIBUTES", "a=\xff", "this one is not"},
        {"OTEL_SERVICE_NAME", "\n", "must be some printable ASCII"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_trace_settings settings;
        setenv("OTEL_TRACES_EXPORTER", "otlp", 1);
        setenv(cases[i].name, cases[i].value, 1);
        rind_status status = rind_trace_settings_read(&world->ctx, &settings);
        unsetenv(cases[i].name);
        if (cases[i].sentence == NULL) {
            assert_true(rind_is_ok(status));
            continue;
        }
        assert_true(rind_is(status, RIND_E_INVALID));
        assert_non_null(strstr(world->ctx.sentence, cases[i].name));
        assert_non_null(strstr(world->ctx.sentence, cases[i].sentence));
        assert_null(strchr(world->ctx.sentence, '\n'));
    }
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10", 1);
    setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11", 1);
    struct rind_trace_settings settings;
    assert_true(rind_is(rind_trace_settings_read(&world->ctx, &settings), RIND_E_INVALID));
    assert_non_null(strstr(world->ctx.sentence, "is 11, which must not exceed the 10"));
}

static void a_resource_of_any_size_is_bounded(void **state)
{
    struct world *world = *state;
    static char text[RIND_TRACE_ATTRIBUTES_SIZE_MAX + 8];
    struct rind_trace_settings settings;
    setenv("OTEL_TRACES_EXPORTER", "otlp", 1);
    (void)snprintf(text, sizeof(text), "a=%0*d", (int)RIND_TRACE_ATTRIBUTES_SIZE_MAX - 3, 0);
    setenv("OTEL_RESOURCE_ATTRIBUTES", text, 1); /* with both NULs exactly what fits */
    assert_true(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)));
    (void)snprintf(text, sizeof(text), "a=%0*d", (int)RIND_TRACE_ATTRIBUTES_SIZE_MAX - 2, 0);
    setenv("OTEL_RESOURCE_ATTRIBUTES", text, 1);
    assert_true(rind_is(rind_trace_settings_read(&world->ctx, &settings), RIND_E_INVALID));
    for (unsigned count = RIND_TRACE_ATTRIBUTES_MAX; count <= RIND_TRACE_ATTRIBUTES_MAX + 1;
         count++) {
        size_t used = 0;
        for (unsigned i = 0; i < count; i++) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "k%u=v,", i);
        }
        setenv("OTEL_RESOURCE_ATTRIBUTES", text, 1);
        assert_int_equal(rind_is_ok(rind_trace_settings_read(&world->ctx, &settings)),
                         count == RIND_TRACE_ATTRIBUTES_MAX);
    }
}

/* ---- spans ---- */

static struct rind_exporter *open_exporter(struct world *world, const char *url)
{
    struct rind_exporter_options options = {.service = "software-agent", .instance = "agent1"};
    struct rind_exporter *exporter = NULL;
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url, 1);
    assert_true(rind_is_ok(rind_exporter_open(&world->ctx, &options, &exporter)));
    assert_non_null(exporter);
    return exporter;
}

static void record(struct world *world, struct rind_tracer *tracer, const char *name)
{
    struct rind_span span;
    rind_span_begin_round(&world->ctx, &span, tracer, name, 1.0);
    rind_span_end(&world->ctx, &span, RIND_OK);
    assert_null(world->ctx.trace);
}

static const struct collected_span *find(const struct collected_span *spans, size_t count,
                                         const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(spans[i].name, name) == 0) {
            return &spans[i];
        }
    }
    fail_msg("no span called %s", name);
    return NULL;
}

/* One request that arrives with `parent`, does two things, and is answered. */
static void serve(struct world *world, struct rind_tracer *tracer, const struct rind_trace *parent)
{
    struct rind_ctx ctx;
    struct rind_span inner;
    struct rind_span call;
    rind_ctx_init(&ctx, world->arena);
    ctx.trace = parent;
    struct rind_span *request =
        rind_span_new_request(&ctx, tracer, rind_slice_text("POST"), rind_slice_text("/re\"q\xff"),
                              rind_clock_monotonic_ns());
    rind_span_begin(&ctx, &inner, "inner");
    rind_span_set_number(&inner, "number", -3);
    rind_span_set_hex(&inner, "hex", rind_slice_make("\x01\xab", 2));
    rind_span_begin_call(&ctx, &call, "POST", "/app");
    rind_span_leave(&ctx, &call); /* goes on while something else is done */
    rind_span_end(&ctx, &inner, RIND_OK);
    struct rind_trace kept = rind_trace_keep(ctx.trace);
    rind_span_finish(&call, rind_status_make(RIND_E_TIMEOUT));
    struct rind_span later;
    rind_span_start_at(&kept, &later, "later", rind_clock_monotonic_ns() - 5);
    rind_span_finish_at(&later, NULL, rind_clock_monotonic_ns());
    rind_span_answer_take(request, 503);
}

static void spans_arrive_as_they_were_recorded(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "env=test", 1);
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    struct rind_trace parent;
    assert_true(
        rind_trace_parse(rind_slice_text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                         rind_slice_text("a=b"), &parent));
    serve(world, rind_exporter_tracer(exporter), &parent);
    collector_await_spans(&world->collector, 4);
    rind_exporter_close(exporter, rind_deadline_in_ms(60000));

    size_t count;
    struct collected_span *spans = collector_spans(&world->collector, &count);
    assert_int_equal(count, 4);
    const struct collected_span *request = find(spans, count, "POST /re\"q?");
    const struct collected_span *inner = find(spans, count, "inner");
    const struct collected_span *call = find(spans, count, "POST /app");
    const struct collected_span *later = find(spans, count, "later");
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(spans[i].trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_true(collected_has(spans[i].resource, "service.name", "software-agent"));
        assert_true(collected_has(spans[i].resource, "service.instance.id", "agent1"));
        assert_true(collected_has(spans[i].resource, "env", "test"));
        assert_true(spans[i].start_unix_ns <= spans[i].end_unix_ns);
        assert_true(spans[i].end_unix_ns <= rind_clock_unix_ns());
    }
    assert_string_equal(request->parent_id, "b7ad6b7169203331");
    assert_int_equal(request->kind, RIND_SPAN_SERVER);
    assert_true(request->is_error);
    assert_true(collected_has(request->attributes, "http.response.status_code", "503"));
    assert_string_equal(inner->parent_id, request->span_id);
    assert_int_equal(inner->kind, RIND_SPAN_INTERNAL);
    assert_false(inner->is_error);
    assert_true(collected_has(inner->attributes, "number", "-3"));
    assert_true(collected_has(inner->attributes, "hex", "01ab"));
    assert_string_equal(call->parent_id, inner->span_id);
    assert_int_equal(call->kind, RIND_SPAN_CLIENT);
    assert_true(call->is_error);
    assert_true(collected_has(call->attributes, "error.type", "deadline exceeded"));
    assert_string_equal(later->parent_id, request->span_id);
    free(spans);
}

/* What the server is given, what it passes on, and how many spans come of it. */
static void the_parent_decides_or_the_rate_does(void **state)
{
    struct world *world = *state;
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    struct rind_tracer *tracer = rind_exporter_tracer(exporter);
    struct rind_trace sampled = {
        .trace_id = {0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff}, .span_id = {1}, .is_sampled = true};
    struct rind_trace unsampled = {.trace_id = {1}, .span_id = {1}}; /* drawn at any rate */
    serve(world, tracer, &sampled);
    serve(world, tracer, &unsampled);
    tracer->rate = 0.0;
    serve(world, tracer, &sampled);
    serve(world, tracer, NULL);
    tracer->rate = 1.0;
    serve(world, tracer, NULL);
    tracer->is_parent_ignored = true;
    tracer->rate = 0.5;
    serve(world, tracer, &sampled);   /* not drawn */
    serve(world, tracer, &unsampled); /* drawn */
    rind_exporter_close(exporter, rind_deadline_in_ms(60000));
    size_t count;
    struct collected_span *spans = collector_spans(&world->collector, &count);
    assert_int_equal(count, 4 * 4);
    unsigned rootless = 0;
    unsigned from_sampled = 0;
    for (size_t i = 0; i < count; i++) {
        rootless += spans[i].parent_id[0] == '\0' ? 1 : 0;
        from_sampled += strcmp(spans[i].trace_id, "0000000000000001ffffff0000000000") == 0 ? 1 : 0;
    }
    assert_int_equal(rootless, 1);
    assert_int_equal(from_sampled, 2 * 4);
    free(spans);
}

static void a_request_that_is_not_recorded_says_so_to_others(void **state)
{
    struct world *world = *state;
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    struct rind_ctx ctx;
    struct rind_span span;
    rind_ctx_init(&ctx, world->arena);
    rind_exporter_tracer(exporter)->rate = 0.0;
    assert_null(rind_span_new_request(&ctx, rind_exporter_tracer(exporter), rind_slice_text("GET"),
                                      rind_slice_text("/"), 0));
    assert_non_null(ctx.trace);
    assert_false(ctx.trace->is_sampled);
    rind_ctx_init(&ctx, world->arena);
    rind_span_begin_round(&ctx, &span, rind_exporter_tracer(exporter), "loop", 0.0);
    assert_non_null(ctx.trace);
    assert_false(ctx.trace->is_sampled);
    rind_span_end(&ctx, &span, RIND_OK);
    assert_null(ctx.trace);
    rind_span_begin_round(&ctx, &span, NULL, "loop", 1.0);
    assert_null(ctx.trace);
    rind_span_end(&ctx, &span, RIND_OK);
    rind_exporter_close(exporter, rind_deadline_in_ms(60000));
    assert_int_equal(world->collector.count, 0);
}

static void batches_are_as_large_as_they_may_be(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10", 1);
    setenv("OTEL_BSP_SCHEDULE_DELAY", "600000", 1); /* a full batch does not wait for that */
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    for (unsigned i = 0; i < 25; i++) {
        record(world, rind_exporter_tracer(exporter), "span");
    }
    collector_await_spans(&world->collector, 20);
    assert_int_equal(world->collector.batch_max, 10);
    rind_exporter_close(exporter, rind_deadline_in_ms(60000)); /* the rest goes out at the end */
    assert_int_equal(world->collector.count, 25);
    assert_int_equal(world->collector.batch_max, 10);
}

/* Waits until so many spans were dropped. */
static void await_dropped(struct rind_exporter *exporter, uint64_t count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(60000);
    struct rind_stopper pause;
    assert_true(rind_is_ok(rind_stopper_init(NULL, &pause)));
    while (rind_exporter_dropped(exporter) < count) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)rind_stopper_wait(&pause, rind_deadline_in_ms(1));
    }
    rind_stopper_fini(&pause);
}

static void without_a_collector_spans_are_dropped_and_counted(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    struct rind_exporter *exporter = open_exporter(world, "http://127.0.0.1:1");
    record(world, rind_exporter_tracer(exporter), "span");
    await_dropped(exporter, 1);
    assert_int_equal(rind_exporter_sent(exporter), 0);
    rind_exporter_close(exporter, rind_deadline_in_ms(RIND_EXPORTER_FLUSH_MS));
}

static void a_collector_may_come_back(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    collector_set_mood(&world->collector, COLLECTOR_FAILS);
    record(world, rind_exporter_tracer(exporter), "lost");
    await_dropped(exporter, 1);
    collector_set_mood(&world->collector, COLLECTOR_REFUSES);
    record(world, rind_exporter_tracer(exporter), "refused");
    await_dropped(exporter, 2);
    collector_set_mood(&world->collector, COLLECTOR_TAKES);
    record(world, rind_exporter_tracer(exporter), "taken");
    collector_await_spans(&world->collector, 2);
    rind_exporter_close(exporter, rind_deadline_in_ms(60000));
}

static void a_slow_collector_fills_the_queue_and_nobody_waits(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    setenv("OTEL_BSP_MAX_QUEUE_SIZE", "16", 1);
    setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600000", 1);
    collector_set_mood(&world->collector, COLLECTOR_HANGS);
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    record(world, rind_exporter_tracer(exporter), "under way");
    collector_await_requests(&world->collector, 1);
    for (unsigned i = 0; i < 16; i++) {
        record(world, rind_exporter_tracer(exporter), "queued");
    }
    assert_int_equal(rind_exporter_dropped(exporter), 0);
    for (unsigned i = 0; i < 3; i++) {
        record(world, rind_exporter_tracer(exporter), "too many");
    }
    assert_int_equal(rind_exporter_dropped(exporter), 3);
    /* The process ends in time all the same: the hanging call is given up. */
    rind_exporter_close(exporter, rind_deadline_in_ms(50));
}

static void a_collector_that_takes_too_long_is_not_waited_for(void **state)
{
    struct world *world = *state;
    setenv("OTEL_BSP_SCHEDULE_DELAY", "1", 1);
    setenv("OTEL_BSP_EXPORT_TIMEOUT", "50", 1);
    collector_set_mood(&world->collector, COLLECTOR_HANGS);
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    record(world, rind_exporter_tracer(exporter), "late");
    await_dropped(exporter, 1);
    rind_exporter_close(exporter, rind_deadline_in_ms(RIND_EXPORTER_FLUSH_MS));
}

static void a_span_of_another_process_has_its_name(void **state)
{
    struct world *world = *state;
    setenv("OTEL_SERVICE_NAME", "mine", 1);
    struct rind_exporter *exporter = open_exporter(world, world->collector.url);
    struct rind_span span;
    rind_span_begin_round(&world->ctx, &span, rind_exporter_tracer(exporter), "theirs", 1.0);
    span.service = "software-hsm";
    rind_span_end(&world->ctx, &span, RIND_OK);
    record(world, rind_exporter_tracer(exporter), "ours");
    rind_exporter_close(exporter, rind_deadline_in_ms(60000));
    size_t count;
    struct collected_span *spans = collector_spans(&world->collector, &count);
    assert_int_equal(count, 2);
    assert_true(
        collected_has(find(spans, count, "theirs")->resource, "service.name", "software-hsm"));
    assert_true(collected_has(find(spans, count, "ours")->resource, "service.name", "mine"));
    free(spans);
}

#define WORLD_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(without_a_word_nothing_is_exported),
        WORLD_TEST(the_environment_decides),
        WORLD_TEST(what_cannot_be_is_one_sentence),
        WORLD_TEST(a_resource_of_any_size_is_bounded),
        WORLD_TEST(spans_arrive_as_they_were_recorded),
        WORLD_TEST(the_parent_decides_or_the_rate_does),
        WORLD_TEST(a_request_that_is_not_recorded_says_so_to_others),
        WORLD_TEST(batches_are_as_large_as_they_may_be),
        WORLD_TEST(without_a_collector_spans_are_dropped_and_counted),
        WORLD_TEST(a_collector_may_come_back),
        WORLD_TEST(a_slow_collector_fills_the_queue_and_nobody_waits),
        WORLD_TEST(a_collector_that_takes_too_long_is_not_waited_for),
        WORLD_TEST(a_span_of_another_process_has_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
