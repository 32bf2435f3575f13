/* test_client.c - calls against our own server and against peers that misbehave. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "scripted_peer.h"
#include "server_fixture.h"
#include "support/test.h"

#define ARENA_BYTES (8u * 1024u * 1024u)

struct world {
    struct rind_client *client;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_client_options options;
};

static void world_open(struct world *world)
{
    rind_ctx_init(&world->ctx, NULL);
    assert_true(rind_is_ok(rind_arena_map(&world->ctx, ARENA_BYTES, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    assert_true(rind_is_ok(rind_client_open(&world->ctx, &world->options, &world->client)));
}

static void world_close(struct world *world)
{
    rind_client_close(world->client);
    rind_arena_unmap(world->arena);
}

static struct world world_make(void)
{
    return (struct world){.options = rind_client_options_default()};
}

static rind_status world_post(struct world *world, const struct rind_url *base, const char *path,
                              const char *body, uint64_t timeout_ms, struct rind_answer *answer)
{
    return rind_client_post(&world->ctx, world->client, base, path, rind_slice_text(body),
                            rind_deadline_in_ms(timeout_ms), answer);
}

/* One call with the given retry permission; OK's answer goes to `answer`. */
static rind_status world_call(struct world *world, const struct rind_url *url, bool is_repeatable,
                              struct rind_answer *answer)
{
    struct rind_call call = {.url = url,
                             .body = rind_slice_text("body"),
                             .deadline = rind_deadline_in_ms(20000),
                             .is_repeatable = is_repeatable};
    return rind_client_call(&world->ctx, world->client, &call, answer);
}

#define assert_status(status, expected) assert_int_equal((status).code, (expected))

#define ANSWER_OK "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

static void calls_are_answered_over_one_kept_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world_open(&world);
    struct rind_url base;
    rind_url_from_address(&fixture.address, &base);
    for (int i = 0; i < 100; i++) {
        struct rind_answer answer;
        assert_status(world_post(&world, &base, "echo", "hello", 20000, &answer), RIND_E_OK);
        assert_int_equal(answer.status, 200);
        assert_true(rind_slice_is_text(answer.body, "hello"));
        rind_arena_reset(world.arena);
    }
    assert_int_equal(rind_server_connection_count(fixture.server), 1);
    world_close(&world);
    fixture_close(&fixture);
}

/* What /trace answers to a call with these headers and this context. */
static struct rind_slice trace_seen(struct world *world, const struct rind_url *base,
                                    const struct rind_trace *trace,
                                    const struct rind_http_header *headers, size_t header_count)
{
    struct rind_url url;
    struct rind_answer answer = {.status = 0};
    assert_status(rind_url_join(&world->ctx, base, "trace", &url), RIND_E_OK);
    struct rind_call call = {.url = &url,
                             .headers = headers,
                             .header_count = header_count,
                             .deadline = rind_deadline_in_ms(20000)};
    world->ctx.trace = trace;
    assert_status(rind_client_call(&world->ctx, world->client, &call, &answer), RIND_E_OK);
    world->ctx.trace = NULL;
    assert_int_equal(answer.status, 200);
    return answer.body;
}

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_trace_goes_from_server_to_client_to_server(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world_open(&world);
    struct rind_url base;
    rind_url_from_address(&fixture.address, &base);
    struct rind_trace trace;
    assert_true(rind_trace_parse(rind_slice_text(PARENT), rind_slice_text("a=1,b=2"), &trace));
    assert_true(rind_slice_is_text(trace_seen(&world, &base, &trace, NULL, 0), PARENT " a=1,b=2"));
    assert_true(rind_slice_is_text(trace_seen(&world, &base, NULL, NULL, 0), ""));
    /* Twice, or malformed: there is none. */
    struct rind_http_header twice[] = {
        {rind_slice_text("traceparent"), rind_slice_text(PARENT)},
        {rind_slice_text("traceparent"), rind_slice_text(PARENT)},
    };
    assert_true(rind_slice_is_text(trace_seen(&world, &base, NULL, twice, 1), PARENT " "));
    assert_true(rind_slice_is_text(trace_seen(&world, &base, NULL, twice, 2), ""));
    twice[0].value = rind_slice_text("nonsense");
    assert_true(rind_slice_is_text(trace_seen(&world, &base, NULL, twice, 1), ""));
    world_close(&world);
    fixture_close(&fixture);
}

static void an_error_status_is_an_answer(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world_open(&world);
    struct rind_url base;
    rind_url_from_address(&fixture.address, &base);
    struct rind_answer answer;
    assert_status(world_post(&world, &base, "nowhere", "", 20000, &answer), RIND_E_OK);
    assert_int_equal(answer.status, 404);
    assert_int_equal(answer.body.length, 0);
    world_close(&world);
    fixture_close(&fixture);
}

static void large_bodies_travel_both_ways(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world_open(&world);
    struct rind_url url;
    struct rind_url base;
    rind_url_from_address(&fixture.address, &base);
    assert_status(rind_url_join(&world.ctx, &base, "echo", &url), RIND_E_OK);
    size_t size = 1024u * 1024u;
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, 'z', size);
    struct rind_call call = {
        .url = &url, .body = rind_slice_make(body, size), .deadline = rind_deadline_in_ms(20000)};
    struct rind_answer answer;
    assert_status(rind_client_call(&world.ctx, world.client, &call, &answer), RIND_E_OK);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.length, size);
    assert_memory_equal(answer.body.data, body, size);
    free(body);
    world_close(&world);
    fixture_close(&fixture);
}

static void the_request_has_the_specified_form(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{ANSWER_OK}, false}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 1);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_post(&world, &peer.url, "rate/state", "abc", 20000, &answer), RIND_E_OK);
    assert_true(rind_slice_is_text(answer.body, "ok"));
    scripted_peer_close(&peer);
    const char *request = peer.last_request;
    assert_memory_equal(request, "POST /rate/state HTTP/1.1\r\n", 27);
    assert_non_null(strstr(request, "\r\nuser-agent: juicebox_networking/0.3.2\r\n"));
    assert_non_null(strstr(request, "\r\naccept: */*\r\n"));
    assert_non_null(strstr(request, "\r\nhost: 127.0.0.1:"));
    assert_non_null(strstr(request, "\r\ncontent-length: 3\r\n"));
    assert_null(strstr(request, "content-type"));
    assert_non_null(strstr(request, "\r\n\r\nabc"));
    world_close(&world);
}

static void a_refused_connection_is_a_network_error(void **state)
{
    (void)state;
    struct scripted_peer peer;
    scripted_peer_open(&peer, NULL, 0);
    scripted_peer_close(&peer); /* its port is free again */
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_post(&world, &peer.url, "x", "", 20000, &answer), RIND_E_NETWORK);
    assert_non_null(strstr(world.ctx.sentence, peer.url.text));
    world_close(&world);
}

static void a_silent_peer_costs_no_more_than_the_deadline(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{""}, true}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 1);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_post(&world, &peer.url, "x", "", 50, &answer), RIND_E_TIMEOUT);
    assert_status(world_post(&world, &peer.url, "x", "", 0, &answer), RIND_E_TIMEOUT);
    world_close(&world);
    scripted_peer_close(&peer);
}

static void a_peer_that_accepts_no_connection_is_given_up_on(void **state)
{
    (void)state;
    struct scripted_peer peer;
    scripted_peer_open(&peer, NULL, 0);
    rind_thread_join(&peer.thread);
    /* A full backlog swallows connection attempts without a word, like a dead machine. */
    assert_int_equal(listen(peer.listen_fd, 0), 0);
    int fillers[4];
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (const struct sockaddr *)(const void *)&peer.address.storage,
                      peer.address.length);
    }
    struct world world = world_make();
    world.options.connect_timeout_ns = 50 * RIND_NS_PER_MS;
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_post(&world, &peer.url, "x", "", 20000, &answer), RIND_E_NETWORK);
    world_close(&world);
    for (size_t i = 0; i < 4; i++) {
        (void)close(fillers[i]);
    }
    scripted_peer_close(&peer);
}

static void a_connection_closed_while_idle_is_replaced(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{ANSWER_OK}, false}, {{ANSWER_OK}, false}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 2);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_call(&world, &peer.url, false, &answer), RIND_E_OK);
    assert_status(world_call(&world, &peer.url, true, &answer), RIND_E_OK);
    assert_int_equal(answer.status, 200);
    world_close(&world);
    scripted_peer_close(&peer);
}

static void a_request_lost_on_a_kept_connection_is_not_sent_again_unasked(void **state)
{
    (void)state;
    /* The second request is read and then the connection closes without an answer. */
    static const struct scripted_connection script[] = {{{ANSWER_OK, ""}, false}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 1);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_call(&world, &peer.url, false, &answer), RIND_E_OK);
    assert_status(world_call(&world, &peer.url, false, &answer), RIND_E_UNKNOWN_OUTCOME);
    assert_int_equal(scripted_peer_requests(&peer), 2);
    world_close(&world);
    scripted_peer_close(&peer);
}

static void a_repeatable_request_lost_on_a_kept_connection_is_sent_once_more(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{ANSWER_OK, ""}, false},
                                                        {{ANSWER_OK}, false}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 2);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_call(&world, &peer.url, true, &answer), RIND_E_OK);
    assert_status(world_call(&world, &peer.url, true, &answer), RIND_E_OK);
    assert_int_equal(scripted_peer_requests(&peer), 3);
    world_close(&world);
    scripted_peer_close(&peer);
}

static void a_request_lost_on_a_fresh_connection_is_never_sent_again(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{""}, false}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 1);
    struct world world = world_make();
    world_open(&world);
    struct rind_answer answer;
    assert_status(world_call(&world, &peer.url, true, &answer), RIND_E_UNKNOWN_OUTCOME);
    assert_int_equal(scripted_peer_requests(&peer), 1);
    world_close(&world);
    scripted_peer_close(&peer);
}

/* What one scripted answer leads to. */
static enum rind_code outcome_of(const char *text, struct rind_client_options options,
                                 const char *expected_body)
{
    struct scripted_connection script = {{text}, false};
    struct scripted_peer peer;
    scripted_peer_open(&peer, &script, 1);
    struct world world = {.options = options};
    world_open(&world);
    struct rind_answer answer;
    rind_status status = world_call(&world, &peer.url, false, &answer);
    if (rind_is_ok(status)) {
        assert_true(rind_slice_is_text(answer.body, expected_body));
    }
    world_close(&world);
    scripted_peer_close(&peer);
    return (enum rind_code)status.code;
}

static void answers_in_all_framings_are_read(void **state)
{
    (void)state;
    struct rind_client_options options = rind_client_options_default();
    assert_int_equal(outcome_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                                options, "abcde"),
                     RIND_E_OK);
    assert_int_equal(outcome_of("HTTP/1.0 200 OK\r\n\r\nuntil the end", options, "until the end"),
                     RIND_E_OK);
    assert_int_equal(outcome_of("HTTP/1.1 100 Continue\r\n\r\n" ANSWER_OK, options, "ok"),
                     RIND_E_OK);
    assert_int_equal(outcome_of("HTTP/1.1 204 No Content\r\n\r\n", options, ""), RIND_E_OK);
}

static void answers_that_are_none_are_told_apart(void **state)
{
    (void)state;
    struct rind_client_options options = rind_client_options_default();
    options.answer_size_bytes_max = 100;
    assert_int_equal(outcome_of("SSH-2.0-OpenSSH\r\n", options, ""), RIND_E_DECODE);
    assert_int_equal(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", options, ""),
                     RIND_E_DECODE);
    assert_int_equal(outcome_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: "
                                "upgrade\r\n\r\n",
                                options, ""),
                     RIND_E_DECODE);
    assert_int_equal(outcome_of("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", options, ""),
                     RIND_E_UNKNOWN_OUTCOME);
    assert_int_equal(outcome_of("HTTP/1.1 200 OK\r\n", options, ""), RIND_E_UNKNOWN_OUTCOME);
    char large[256] = "HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n";
    size_t head = strlen(large);
    memset(large + head, 'x', 101);
    assert_int_equal(outcome_of(large, options, ""), RIND_E_LIMIT);
    options.answer_size_bytes_max = 101;
    assert_int_equal(outcome_of(large, options, large + head), RIND_E_OK);
}

static void calls_beyond_the_connections_of_a_peer_wait_or_are_refused(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{""}, true}};
    struct scripted_peer peer;
    scripted_peer_open(&peer, script, 1);
    struct world world = world_make();
    world.options.connections_per_peer_max = 1;
    world_open(&world);
    struct rind_call calls[2] = {
        {.url = &peer.url, .deadline = rind_deadline_in_ms(100)},
        {.url = &peer.url, .deadline = rind_deadline_in_ms(100)},
    };
    struct rind_fan *fan = NULL;
    assert_status(rind_fan_open(&world.ctx, world.client, calls, 2, &fan), RIND_E_OK);
    struct rind_fan_result result;
    assert_true(rind_fan_next(&world.ctx, fan, rind_deadline_in_ms(20000), &result));
    assert_int_equal(result.index, 1);
    assert_status(result.status, RIND_E_BUSY);
    struct rind_answer answer;
    assert_status(world_post(&world, &peer.url, "x", "", 20, &answer), RIND_E_BUSY);
    assert_true(rind_fan_next(&world.ctx, fan, rind_deadline_in_ms(20000), &result));
    assert_int_equal(result.index, 0);
    assert_status(result.status, RIND_E_TIMEOUT);
    assert_false(rind_fan_next(&world.ctx, fan, rind_deadline_in_ms(20000), &result));
    rind_fan_close(fan);
    world_close(&world);
    scripted_peer_close(&peer);
}

static void a_fan_reports_answers_as_they_arrive(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct scripted_peer dead;
    scripted_peer_open(&dead, NULL, 0);
    scripted_peer_close(&dead);
    struct world world = world_make();
    world_open(&world);
    struct rind_url base;
    struct rind_url park;
    struct rind_url echo;
    rind_url_from_address(&fixture.address, &base);
    assert_status(rind_url_join(&world.ctx, &base, "park", &park), RIND_E_OK);
    assert_status(rind_url_join(&world.ctx, &base, "echo", &echo), RIND_E_OK);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    struct rind_call calls[3] = {
        {.url = &park, .deadline = deadline},
        {.url = &echo, .deadline = deadline, .body = rind_slice_text("fast")},
        {.url = &dead.url, .deadline = deadline},
    };
    struct rind_fan *fan = NULL;
    assert_status(rind_fan_open(&world.ctx, world.client, calls, 3, &fan), RIND_E_OK);
    bool seen[3] = {false, false, false};
    struct rind_fan_result result;
    for (int i = 0; i < 2; i++) {
        assert_true(rind_fan_next(&world.ctx, fan, deadline, &result));
        seen[result.index] = true;
        assert_status(result.status, result.index == 1 ? RIND_E_OK : RIND_E_NETWORK);
    }
    assert_true(seen[1] && seen[2]);
    assert_false(rind_fan_next(&world.ctx, fan, rind_deadline_in_ms(20), &result));
    fixture_wait_parked(&fixture, 1);
    fixture_complete_parked(&fixture);
    assert_true(rind_fan_next(&world.ctx, fan, deadline, &result));
    assert_int_equal(result.index, 0);
    assert_true(rind_slice_is_text(result.answer.body, "done"));
    rind_fan_close(fan);
    world_close(&world);
    fixture_close(&fixture);
}

static void an_abandoned_fan_closes_its_connections(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world_open(&world);
    struct rind_url base;
    struct rind_url park;
    rind_url_from_address(&fixture.address, &base);
    assert_status(rind_url_join(&world.ctx, &base, "park", &park), RIND_E_OK);
    struct rind_call calls[8];
    for (size_t i = 0; i < 8; i++) {
        calls[i] = (struct rind_call){.url = &park, .deadline = rind_deadline_in_ms(20000)};
    }
    struct rind_fan *fan = NULL;
    assert_status(rind_fan_open(&world.ctx, world.client, calls, 8, &fan), RIND_E_OK);
    struct rind_fan_result result;
    assert_false(rind_fan_next(&world.ctx, fan, rind_deadline_in_ms(50), &result));
    fixture_wait_parked(&fixture, 8);
    rind_fan_close(fan);
    fixture_wait_connections(&fixture, 0);
    fixture_complete_parked(&fixture);
    assert_int_equal(fixture.abandoned, 8);
    world_close(&world);
    fixture_close(&fixture);
}

struct caller {
    struct rind_thread thread;
    struct rind_client *client;
    struct rind_url url;
    unsigned calls;
    unsigned right;
};

static void caller_run(void *self)
{
    struct caller *caller = self;
    struct rind_ctx ctx;
    struct rind_arena *arena = NULL;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, 1024u * 1024u, &arena))) {
        return;
    }
    for (unsigned i = 0; i < caller->calls; i++) {
        rind_ctx_init(&ctx, arena);
        char body[64];
        (void)snprintf(body, sizeof(body), "%p %u", self, i);
        struct rind_call call = {.url = &caller->url,
                                 .body = rind_slice_text(body),
                                 .deadline = rind_deadline_in_ms(20000)};
        struct rind_answer answer;
        rind_status status = rind_client_call(&ctx, caller->client, &call, &answer);
        bool is_right =
            rind_is_ok(status) && answer.status == 200 && rind_slice_is_text(answer.body, body);
        caller->right += is_right ? 1 : 0;
        rind_arena_reset(arena);
    }
    rind_arena_unmap(arena);
}

static void many_threads_share_one_client(void **state)
{
    (void)state;
    enum { CALLERS = 64, CALLS = 40 };
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct world world = world_make();
    world.options.connections_per_peer_max = 16;
    world.options.idle_per_peer_max = 8;
    world_open(&world);
    struct rind_url base;
    rind_url_from_address(&fixture.address, &base);
    static struct caller callers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.client = world.client, .calls = CALLS};
        assert_status(rind_url_join(&world.ctx, &base, "echo", &callers[i].url), RIND_E_OK);
        assert_status(
            rind_thread_start(&world.ctx, &callers[i].thread, "caller", caller_run, &callers[i]),
            RIND_E_OK);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        rind_thread_join(&callers[i].thread);
        assert_int_equal(callers[i].right, CALLS);
    }
    assert_true(rind_server_connection_count(fixture.server) <= 16);
    world_close(&world);
    fixture_close(&fixture);
}

static void peers_beyond_the_limit_are_forgotten_oldest_first(void **state)
{
    (void)state;
    static const struct scripted_connection script[] = {{{ANSWER_OK}, true}};
    struct world world = world_make();
    world.options.peers_max = 2;
    world_open(&world);
    struct scripted_peer peers[4];
    for (size_t i = 0; i < 4; i++) {
        scripted_peer_open(&peers[i], script, 1);
        struct rind_answer answer;
        assert_status(world_call(&world, &peers[i].url, false, &answer), RIND_E_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        scripted_peer_close(&peers[i]);
    }
    world_close(&world);
}

static void tls_urls_are_refused(void **state)
{
    (void)state;
    struct world world = world_make();
    world_open(&world);
    struct rind_url url;
    assert_status(rind_url_parse(&world.ctx, rind_slice_text("https://127.0.0.1:1/"), &url),
                  RIND_E_OK);
    struct rind_answer answer;
    assert_status(world_call(&world, &url, false, &answer), RIND_E_INVALID);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_answered_over_one_kept_connection),
        cmocka_unit_test(a_trace_goes_from_server_to_client_to_server),
        cmocka_unit_test(an_error_status_is_an_answer),
        cmocka_unit_test(large_bodies_travel_both_ways),
        cmocka_unit_test(the_request_has_the_specified_form),
        cmocka_unit_test(a_refused_connection_is_a_network_error),
        cmocka_unit_test(a_silent_peer_costs_no_more_than_the_deadline),
        cmocka_unit_test(a_peer_that_accepts_no_connection_is_given_up_on),
        cmocka_unit_test(a_connection_closed_while_idle_is_replaced),
        cmocka_unit_test(a_request_lost_on_a_kept_connection_is_not_sent_again_unasked),
        cmocka_unit_test(a_repeatable_request_lost_on_a_kept_connection_is_sent_once_more),
        cmocka_unit_test(a_request_lost_on_a_fresh_connection_is_never_sent_again),
        cmocka_unit_test(answers_in_all_framings_are_read),
        cmocka_unit_test(answers_that_are_none_are_told_apart),
        cmocka_unit_test(calls_beyond_the_connections_of_a_peer_wait_or_are_refused),
        cmocka_unit_test(a_fan_reports_answers_as_they_arrive),
        cmocka_unit_test(an_abandoned_fan_closes_its_connections),
        cmocka_unit_test(many_threads_share_one_client),
        cmocka_unit_test(peers_beyond_the_limit_are_forgotten_oldest_first),
        cmocka_unit_test(tls_urls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
