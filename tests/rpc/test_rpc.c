/* test_rpc.c - typed calls against a server that answers anything (spec 06 section 1.2, 07 §15). */
#include <string.h>

#include "host/host.h"
#include "rpc/rpc.h"
#include "support/test.h"

#define WAIT_MS 20000u

static struct rind_ctx ctx;
static struct rind_arena *arena;
static struct rind_client *client;
static struct rind_server *server;
static char base[64];
static char other_base[64];

/* What the server answers next, and what it was asked. */
static unsigned answer_status;
static uint8_t answer_body[256];
static size_t answer_length;
static char asked_path[64];
static uint8_t asked_body[256];
static size_t asked_length;

static void handle(void *self, struct rind_ctx *request_ctx, const struct rind_request *request,
                   struct rind_response *response)
{
    (void)self;
    (void)request_ctx;
    (void)snprintf(asked_path, sizeof(asked_path), "%.*s", (int)request->path.length,
                   (const char *)request->path.data);
    asked_length = request->body.length < sizeof(asked_body) ? request->body.length : 0;
    memcpy(asked_body, request->body.data, asked_length);
    response->status = answer_status;
    response->body = rind_slice_make(answer_body, answer_length);
}

static void check(rind_status status)
{
    if (!rind_is_ok(status)) {
        fail_msg("%s", ctx.sentence);
    }
}

static int setup(void **state)
{
    (void)state;
    rind_ctx_init(&ctx, NULL);
    check(rind_arena_map(&ctx, 16u << 20, &arena));
    ctx.arena = arena;
    const struct rind_client_options client_options = rind_client_options_default();
    check(rind_client_open(&ctx, &client_options, &client));
    struct rind_server_options options = rind_server_options_default();
    check(rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &options.listen));
    options.handle = handle;
    options.name = "tested";
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.worker_threads = 1; /* one request at a time: the variables above need no lock */
    check(rind_server_open(&ctx, &options, &server));
    struct rind_address address = rind_server_address(server);
    struct rind_url url;
    rind_url_from_address(&address, &url);
    (void)snprintf(base, sizeof(base), "%.60s", url.text);
    (void)snprintf(other_base, sizeof(other_base), "http://127.0.0.1:1/");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rind_server_close(server);
    rind_client_close(client);
    rind_arena_unmap(arena);
    return 0;
}

static void answer_with(unsigned status, const void *bytes, size_t length)
{
    answer_status = status;
    memcpy(answer_body, bytes, length);
    answer_length = length;
}

/* The answer {"Ok": {"last": 7}} of `stepdown`. */
static void answer_with_stepdown(unsigned status)
{
    const struct rind_agent_stepdown_response response = {.kind = RIND_AGENT_STEPDOWN_OK,
                                                          .ok = {.last = 7}};
    struct rind_slice encoded;
    check(rind_wire_encode_alloc(&ctx, rind_rpc_stepdown.response, &response, &encoded));
    answer_with(status, encoded.data, encoded.length);
}

static rind_status call(const char *url, struct rind_agent_stepdown_response *response,
                        unsigned *http_status)
{
    const struct rind_agent_stepdown_request request = {.realm = {{1}}, .group = {{2}}};
    return rind_rpc_call(&ctx, client, url, &rind_rpc_stepdown, &request, response,
                         rind_deadline_in_ms(WAIT_MS), http_status);
}

static void an_answer_is_decoded_and_the_request_is_what_was_encoded(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    unsigned http_status = 0;
    answer_with_stepdown(200);
    check(call(base, &response, &http_status));
    assert_int_equal(http_status, 200);
    assert_int_equal(response.kind, RIND_AGENT_STEPDOWN_OK);
    assert_true(response.ok.last == 7);
    assert_string_equal(asked_path, "/stepdown");
    const struct rind_agent_stepdown_request request = {.realm = {{1}}, .group = {{2}}};
    struct rind_slice encoded;
    check(rind_wire_encode_alloc(&ctx, rind_rpc_stepdown.request, &request, &encoded));
    assert_true(rind_slice_equal(encoded, rind_slice_make(asked_body, asked_length)));
}

static void a_response_with_an_error_status_is_still_the_response(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    answer_with_stepdown(503);
    check(call(base, &response, NULL));
    assert_int_equal(response.kind, RIND_AGENT_STEPDOWN_OK);
}

static void an_error_status_without_a_response_is_told_by_its_number(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    unsigned http_status = 0;
    answer_with(429, "slow", 4);
    rind_status status = call(base, &response, &http_status);
    assert_true(rind_is(status, RIND_E_HTTP_STATUS));
    struct rind_rpc_error error = rind_rpc_error_of(&ctx, status, http_status);
    assert_int_equal(error.kind, RIND_RPC_ERROR_HTTP_STATUS);
    assert_int_equal(error.http_status, 429);
}

static void a_success_status_without_a_response_is_undecodable(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    unsigned http_status = 0;
    answer_with(200, "\xff", 1);
    rind_status status = call(base, &response, &http_status);
    assert_true(rind_is(status, RIND_E_DECODE));
    struct rind_rpc_error error = rind_rpc_error_copy(&ctx, status, http_status);
    assert_int_equal(error.kind, RIND_RPC_ERROR_DESERIALIZATION);
    assert_true(error.deserialization.data != (const uint8_t *)ctx.sentence);
    assert_true(error.deserialization.length > 0);
}

static void a_refused_connection_is_a_network_error(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    unsigned http_status = 99;
    rind_status status = call(other_base, &response, &http_status);
    assert_true(rind_is(status, RIND_E_NETWORK));
    assert_int_equal(http_status, 0);
    struct rind_rpc_error error = rind_rpc_error_of(&ctx, status, http_status);
    assert_int_equal(error.kind, RIND_RPC_ERROR_NETWORK);
}

static void what_is_no_url_is_refused(void **state)
{
    (void)state;
    struct rind_agent_stepdown_response response;
    assert_true(rind_is(call("nonsense", &response, NULL), RIND_E_INVALID));
}

static void a_fan_reports_each_service_once(void **state)
{
    (void)state;
    const char *urls[] = {base, other_base, base};
    const struct rind_agent_stepdown_request request = {.realm = {{1}}, .group = {{2}}};
    struct rind_agent_stepdown_response response;
    struct rind_rpc_result result;
    struct rind_rpc_fan fan;
    unsigned seen[3] = {0};
    answer_with_stepdown(200);
    check(rind_rpc_fan_open(&ctx, client, urls, 3, &rind_rpc_stepdown, &request,
                            rind_deadline_in_ms(WAIT_MS), &fan));
    while (rind_rpc_fan_next(&ctx, &fan, &response, &result)) {
        seen[result.index]++;
        if (result.index == 1) {
            assert_true(rind_is(result.status, RIND_E_NETWORK));
            assert_true(strlen(result.sentence) > 0);
        } else {
            assert_true(rind_is_ok(result.status));
            assert_true(response.ok.last == 7);
        }
    }
    rind_rpc_fan_close(&fan);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void a_url_that_is_none_fails_alone_in_a_fan(void **state)
{
    (void)state;
    const char *const urls[] = {"ftp://127.0.0.1/", base, "http://", base};
    const struct rind_agent_stepdown_request request = {.realm = {{1}}, .group = {{2}}};
    struct rind_agent_stepdown_response response;
    struct rind_rpc_result result;
    struct rind_rpc_fan fan;
    bool is_reported[4] = {false};
    answer_with_stepdown(200);
    check(rind_rpc_fan_open(&ctx, client, urls, 4, &rind_rpc_stepdown, &request,
                            rind_deadline_in_ms(WAIT_MS), &fan));
    while (rind_rpc_fan_next(&ctx, &fan, &response, &result)) {
        bool is_url = result.index % 2 == 1;
        assert_true(result.index < 4 && !is_reported[result.index]);
        is_reported[result.index] = true;
        assert_int_equal(result.status.code, is_url ? RIND_E_OK : RIND_E_INVALID);
        assert_int_equal(result.http_status, is_url ? 200 : 0);
        if (is_url) {
            assert_int_equal(response.ok.last, 7);
        } else {
            assert_non_null(strstr(result.sentence, "URL"));
        }
    }
    rind_rpc_fan_close(&fan);
    assert_true(is_reported[0] && is_reported[1] && is_reported[2] && is_reported[3]);
}

static void a_fan_to_nobody_ends_at_once(void **state)
{
    (void)state;
    const struct rind_agent_status_request request = {0};
    struct rind_agent_status_response response;
    struct rind_rpc_result result;
    struct rind_rpc_fan fan;
    check(rind_rpc_fan_open(&ctx, client, NULL, 0, &rind_rpc_status, &request,
                            rind_deadline_in_ms(WAIT_MS), &fan));
    assert_false(rind_rpc_fan_next(&ctx, &fan, &response, &result));
    rind_rpc_fan_close(&fan);
}

static void assert_printed(const struct rind_rpc_error *error, const char *expected)
{
    char memory[128];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_rpc_error_print(&text, error);
    assert_true(rind_slice_is_text(rind_buffer_slice(&text), expected));
}

static void errors_are_printed_as_specified(void **state)
{
    (void)state;
    const struct rind_rpc_error network = {.kind = RIND_RPC_ERROR_NETWORK};
    const struct rind_rpc_error http = {.kind = RIND_RPC_ERROR_HTTP_STATUS, .http_status = 503};
    const struct rind_rpc_error out = {.kind = RIND_RPC_ERROR_SERIALIZATION,
                                       .serialization = rind_slice_text("a")};
    const struct rind_rpc_error in = {.kind = RIND_RPC_ERROR_DESERIALIZATION,
                                      .deserialization = rind_slice_text("b")};
    assert_printed(&network, "network error");
    assert_printed(&http, "non-OK HTTP status: 503");
    assert_printed(&out, "serialization error: a");
    assert_printed(&in, "deserialization error: b");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_is_decoded_and_the_request_is_what_was_encoded),
        TEST(a_response_with_an_error_status_is_still_the_response),
        TEST(an_error_status_without_a_response_is_told_by_its_number),
        TEST(a_success_status_without_a_response_is_undecodable),
        TEST(a_refused_connection_is_a_network_error),
        TEST(what_is_no_url_is_refused),
        TEST(a_fan_reports_each_service_once),
        TEST(a_url_that_is_none_fails_alone_in_a_fan),
        TEST(a_fan_to_nobody_ends_at_once),
        TEST(errors_are_printed_as_specified),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
