/*
 * test_traces.c - one recover, followed through all processes of a real realm by the spans that a
 * collector gets.
 */
#include <string.h>

#include "collector.h"
#include "integration/real_realm.h"
#include "support/test.h"

/* The load balancer decides by the trace id: the first is drawn at any rate, the second at none of
 * less than 1. */
#define DRAWN "0000000000000001000000000000002a"
#define UNDRAWN "0000000000000001ffffffffffffffff"
#define MANAGED "0000000000000002000000000000002a"
#define CLIENT_SPAN "00000000000000c1"
#define USER "a-user-of-ours"
#define PIN "1234"
#define INFO "info"
#define REQUESTS 3u /* of one recover */

struct world {
    struct collector collector;
    struct real_realm realm;
    const char *trace_id; /* that the client sends */
};

static void traced_send(void *self, const struct rind_transport_request *request,
                        struct rind_transport_response *response)
{
    const struct world *world = self;
    struct rind_transport_header headers[16];
    char parent[RIND_TRACEPARENT_SIZE];
    struct rind_transport_request changed = *request;
    (void)snprintf(parent, sizeof(parent), "00-%s-" CLIENT_SPAN "-01", world->trace_id);
    assert_true(request->header_count < 16);
    memcpy(headers, request->headers, request->header_count * sizeof(headers[0]));
    headers[changed.header_count++] = (struct rind_transport_header){"traceparent", parent};
    changed.headers = headers;
    struct rind_transport transport = rind_https_transport(world->realm.https);
    transport.send(transport.self, &changed, response);
}

static bool get_token(void *self, const uint8_t realm_id[RIND_REALM_ID_SIZE], char *jwt,
                      size_t jwt_size)
{
    const struct world *world = self;
    (void)realm_id;
    return rind_local_token(&world->realm.local, real_id(&world->realm), USER, jwt, jwt_size);
}

static struct rind_user *open_user(struct world *world)
{
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options options = {
        .configuration = world->realm.configuration,
        .token_get = get_token,
        .token_self = world,
        .transport = {.send = traced_send, .self = world},
    };
    struct rind_user *user = rind_user_new(&options, why);
    assert_non_null(user);
    return user;
}

static void recover(struct world *world, struct rind_user *user, const char *trace_id)
{
    struct rind_recovered recovered;
    world->trace_id = trace_id;
    assert_int_equal(rind_user_recover(user, RIND_TEXT(PIN), RIND_TEXT(INFO), &recovered, NULL),
                     RIND_ERROR_NONE);
    rind_recovered_wipe(&recovered);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    collector_open(&world->collector);
    setenv("OTEL_EXPORTER_OTLP_ENDPOINT", world->collector.url, 1);
    setenv("OTEL_BSP_SCHEDULE_DELAY", "20", 1);
    real_open(&world->realm, 3, 1, 1);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    real_close(&world->realm);
    collector_close(&world->collector);
    free(world);
    return 0;
}

/* ---- looking at spans ---- */

struct trace {
    struct collected_span *spans; /* of one trace */
    size_t count;
};

static bool is_of(const struct collected_span *span, const char *service, const char *name)
{
    return collected_has(span->resource, "service.name", service) && strcmp(span->name, name) == 0;
}

static unsigned count_of(const struct trace *trace, const char *service, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < trace->count; i++) {
        count += is_of(&trace->spans[i], service, name) ? 1 : 0;
    }
    return count;
}

static struct trace read_trace(struct world *world, const char *trace_id)
{
    struct trace trace = {.count = 0};
    size_t count;
    trace.spans = collector_spans(&world->collector, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(trace.spans[i].trace_id, trace_id) == 0) {
            trace.spans[trace.count++] = trace.spans[i];
        }
    }
    return trace;
}

/* Waits until the service has sent so many spans of that name. */
static struct trace await_trace(struct world *world, const char *trace_id, const char *service,
                                const char *name, unsigned count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(REAL_PATIENCE_MS);
    for (;;) {
        struct trace trace = read_trace(world, trace_id);
        if (count_of(&trace, service, name) >= count) {
            return trace;
        }
        free(trace.spans);
        if (rind_deadline_has_expired(deadline)) {
            fail_msg("no %u spans \"%s\" of %s", count, name, service);
        }
        real_pause_ms(&world->realm, 10);
    }
}

static const struct collected_span *parent_of(const struct trace *trace,
                                              const struct collected_span *span)
{
    for (size_t i = 0; i < trace->count; i++) {
        if (strcmp(trace->spans[i].span_id, span->parent_id) == 0) {
            return &trace->spans[i];
        }
    }
    return NULL;
}

/* `count` spans of that name, each below one of that other name. */
static void check_children(const struct trace *trace, const char *service, const char *name,
                           const char *parent_service, const char *parent_name, unsigned count)
{
    assert_int_equal(count_of(trace, service, name), count);
    for (size_t i = 0; i < trace->count; i++) {
        const struct collected_span *span = &trace->spans[i];
        if (!is_of(span, service, name)) {
            continue;
        }
        const struct collected_span *parent = parent_of(trace, span);
        assert_non_null(parent);
        if (!is_of(parent, parent_service, parent_name)) {
            fail_msg("%s is below %s", name, parent->name);
        }
        assert_true(span->start_unix_ns <= span->end_unix_ns);
    }
}

#define LB "juicebox-load-balancer"
#define AGENT "software-agent"
#define HSM "software-hsm"
#define MANAGER "cluster-manager"

static void one_recover_is_seen_in_every_process(void **state)
{
    struct world *world = *state;
    struct rind_user *user = open_user(world);
    world->trace_id = UNDRAWN;
    assert_int_equal(
        rind_user_register(user, RIND_TEXT(PIN), RIND_TEXT("secret"), RIND_TEXT(INFO), 3, NULL),
        RIND_ERROR_NONE);
    recover(world, user, UNDRAWN);
    recover(world, user, DRAWN);
    rind_user_free(user);

    /* All of the agent's and of the balancer's; each sends its spans in the order they ended. */
    free(await_trace(world, DRAWN, AGENT, "POST /app", REQUESTS).spans);
    struct trace trace = await_trace(world, DRAWN, LB, "POST /req", REQUESTS);
    for (size_t i = 0; i < trace.count; i++) {
        const struct collected_span *span = &trace.spans[i];
        if (is_of(span, LB, "POST /req")) {
            assert_string_equal(span->parent_id, CLIENT_SPAN);
            assert_int_equal(span->kind, RIND_SPAN_SERVER);
            assert_true(collected_has(span->attributes, "http.response.status_code", "200"));
        }
        assert_false(span->is_error);
        assert_null(strstr(span->attributes, USER)); /* nobody is named */
        assert_null(strstr(span->attributes, RIND_LOCAL_TENANT));
    }
    check_children(&trace, LB, "forward", LB, "POST /req", REQUESTS);
    check_children(&trace, LB, "POST /app", LB, "forward", REQUESTS);
    check_children(&trace, AGENT, "POST /app", LB, "POST /app", REQUESTS);
    check_children(&trace, AGENT, "wait for admission", AGENT, "POST /app", REQUESTS);
    check_children(&trace, AGENT, "read the proof", AGENT, "POST /app", REQUESTS);
    check_children(&trace, AGENT, "HSM request", AGENT, "POST /app", REQUESTS);
    check_children(&trace, AGENT, "wait for the HSM", AGENT, "HSM request", REQUESTS);
    check_children(&trace, AGENT, "POST /req", AGENT, "HSM request", REQUESTS);
    check_children(&trace, HSM, "POST /req", AGENT, "HSM request", REQUESTS);
    check_children(&trace, AGENT, "wait for witnesses", AGENT, "POST /app", REQUESTS);
    unsigned operations = 0;
    for (size_t i = 0; i < trace.count; i++) {
        const char *attributes = trace.spans[i].attributes;
        operations += collected_has(attributes, "rind.hsm.operation", "app.recover1") ? 1 : 0;
        operations += collected_has(attributes, "rind.hsm.operation", "app.recover2") ? 16 : 0;
        operations += collected_has(attributes, "rind.hsm.operation", "app.recover3") ? 256 : 0;
    }
    assert_int_equal(operations, 1 + 16 + 256);
    free(trace.spans);

    /* Nobody recorded the one that was not drawn, though the client asked for it. */
    trace = read_trace(world, UNDRAWN);
    assert_int_equal(trace.count, 0);
    free(trace.spans);
}

static void a_manager_is_followed_to_the_agents(void **state)
{
    struct world *world = *state;
    struct rind_group_id group = real_owner(&world->realm);
    const struct rind_cluster_stepdown_request request = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP,
        .group = {.realm = *real_id(&world->realm), .group = group},
    };
    struct rind_trace trace = {.is_sampled = true};
    assert_true(rind_hex_decode(rind_slice_text(MANAGED), trace.trace_id, sizeof(trace.trace_id)));
    trace.span_id[7] = 1;
    world->realm.ctx.trace = &trace;
    struct rind_cluster_stepdown_response response = real_step_down(&world->realm, &request);
    world->realm.ctx.trace = NULL;
    assert_int_equal(response.kind, RIND_CLUSTER_STEPDOWN_OK);
    free(await_trace(world, MANAGED, AGENT, "POST /stepdown", 1).spans);
    struct trace seen = await_trace(world, MANAGED, MANAGER, "POST /leader_stepdown", 1);
    check_children(&seen, MANAGER, "POST /stepdown", MANAGER, "POST /leader_stepdown", 1);
    check_children(&seen, AGENT, "POST /stepdown", MANAGER, "POST /stepdown", 1);
    free(seen.spans);
}

static void a_collector_that_hangs_is_no_concern_of_requests(void **state)
{
    struct world *world = *state;
    collector_set_mood(&world->collector, COLLECTOR_HANGS);
    struct rind_user *user = open_user(world);
    for (unsigned i = 0; i < 3; i++) {
        recover(world, user, DRAWN);
    }
    rind_user_free(user);
}

static void a_variable_that_cannot_be_ends_the_start(void **state)
{
    (void)state;
    static const char *const programs[] = {"rind-agent --key k --store lmdb:/nowhere",
                                           "rind-cluster-manager --store lmdb:/nowhere"};
    const char *bin = getenv("RIND_BIN_DIR");
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        char command[1024];
        char line[512] = "";
        (void)snprintf(command, sizeof(command),
                       "OTEL_TRACES_EXPORTER=zipkin '%s'/%s 2>&1 >/dev/null",
                       bin != NULL ? bin : "bin", programs[i]);
        FILE *stream = popen(command, "r"); /* NOLINT: ours */
        assert_non_null(stream);
        assert_non_null(fgets(line, sizeof(line), stream));
        assert_non_null(strstr(line, "OTEL_TRACES_EXPORTER must be otlp or none"));
        assert_null(fgets(line, sizeof(line), stream)); /* one sentence */
        assert_int_equal(pclose(stream), 1 << 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_recover_is_seen_in_every_process),
        cmocka_unit_test(a_manager_is_followed_to_the_agents),
        cmocka_unit_test(a_variable_that_cannot_be_ends_the_start),
        cmocka_unit_test(a_collector_that_hangs_is_no_concern_of_requests), /* from then on */
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
