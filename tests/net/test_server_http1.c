/* test_server_http1.c - the server against raw HTTP/1 bytes, good and bad. */
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "server_fixture.h"
#include "support/raw_client.h"
#include "support/test.h"

/* One request on a fresh connection of a fresh server; its whole answer. */
static void expect_answer(const char *request, const char *expected)
{
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, request);
    const char *answer = raw_client_read_answers(&client, 1);
    if (strstr(answer, expected) == NULL) {
        fail_msg("expected '%s' in:\n%s", expected, answer);
    }
    raw_client_close(&client);
    fixture_close(&fixture);
}

/* As expect_answer, and the server closes the connection by itself. */
static void expect_refusal(const char *request, const char *status_line)
{
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.head_size_bytes_max = 8192;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    (void)raw_client_try_send(&client, request, strlen(request));
    raw_client_read_to_end(&client);
    if (strncmp(client.text, status_line, strlen(status_line)) != 0) {
        fail_msg("expected '%s', got:\n%s", status_line, client.text);
    }
    assert_non_null(strstr(client.text, "connection: close\r\n"));
    assert_non_null(strstr(client.text, "content-length: 0\r\n"));
    assert_int_equal(fixture.handled, 0);
    raw_client_close(&client);
    fixture_wait_connections(&fixture, 0);
    fixture_close(&fixture);
}

static void a_request_with_length_is_answered_with_length_and_date(void **state)
{
    (void)state;
    expect_answer("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                  "\r\n\r\nhello");
    expect_answer("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", " GMT\r\n");
    expect_answer("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
                  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n");
}

static void method_path_query_and_headers_reach_the_handler(void **state)
{
    (void)state;
    expect_answer("GET /meta?a=1&b HTTP/1.1\r\nX-Test:  some value \r\n\r\n",
                  "GET /meta a=1&b some value 0 0");
    expect_answer("GET /meta?a=1&b HTTP/1.1\r\nX-Test: v\r\n\r\n", "x-test: v\r\n");
}

static void an_unknown_path_or_method_gets_404_without_body(void **state)
{
    (void)state;
    expect_answer("POST /nowhere HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                  "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n");
    expect_answer("PUT /meta HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404");
    expect_answer("POST /echo/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404");
    expect_answer("POST echo HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 400");
}

static void a_chunked_body_is_put_together(void **state)
{
    (void)state;
    expect_answer("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
                  "\r\n\r\nabc0123456789");
}

static void an_answer_to_head_has_length_but_no_body(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "HEAD /big?100 HTTP/1.1\r\n\r\n"
                                  "GET /big?3 HTTP/1.1\r\nConnection: close\r\n\r\n");
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "content-length: 100\r\n"));
    assert_non_null(strstr(client.text, "\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(client.text, "\r\n\r\nbbb"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void http_1_0_closes_unless_asked_to_keep_alive(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.0\r\nConnection: keep-alive\r\n"
                                  "Content-Length: 2\r\n\r\nab");
    assert_non_null(strstr(raw_client_read_answers(&client, 1), "connection: keep-alive\r\n"));
    raw_client_clear(&client);
    raw_client_send_text(&client, "GET /meta HTTP/1.0\r\n\r\n");
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "connection: close\r\n"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    char requests[8192];
    size_t used = 0;
    for (int i = 0; i < 50; i++) {
        used += (size_t)snprintf(requests + used, sizeof(requests) - used,
                                 "POST /echo HTTP/1.1\r\nContent-Length: 8\r\n\r\nnumber%02d", i);
    }
    raw_client_send(&client, requests, used);
    const char *at = raw_client_read_answers(&client, 50);
    for (int i = 0; i < 50; i++) {
        char expected[24];
        (void)snprintf(expected, sizeof(expected), "number%02d", i);
        at = strstr(at, expected);
        assert_non_null(at);
    }
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    static const char request[] = "POST /echo HTTP/1.1\r\nHost: x\r\nX-Test: y\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n";
    for (size_t i = 0; i + 1 < sizeof(request); i++) {
        raw_client_send(&client, request + i, 1);
    }
    assert_non_null(strstr(raw_client_read_answers(&client, 1), "\r\n\r\nabcd"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void expect_continue_is_answered_before_the_body(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\n"
                                  "Content-Length: 4\r\n\r\n");
    raw_client_read_bytes(&client, strlen("HTTP/1.1 100 Continue\r\n\r\n"));
    assert_string_equal(client.text, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_client_send_text(&client, "body");
    assert_non_null(strstr(raw_client_read_answers(&client, 1), "\r\n\r\nbody"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void an_upgrade_is_ignored(void **state)
{
    (void)state;
    expect_answer("GET /meta HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                  "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
                  "GET /meta ");
    expect_answer("CONNECT example.com:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 404");
}

static void malformed_heads_get_400_and_the_end(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03",
        "GET\r\n\r\n",
        "GET / HTTP/1.1\r\nNo colon here\r\n\r\n",
        "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n",
        "GET / HTTP/1.1\nA: b\n\n",
        "G@T / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
        "POST / HTTP/1.1\r\nContent-Length: 1,1\r\n\r\na",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\n a\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        expect_refusal(heads[i], "HTTP/1.1 400 Bad Request\r\n");
    }
}

static void other_versions_of_http_get_505(void **state)
{
    (void)state;
    expect_refusal("GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 505 ");
    expect_refusal("GET / HTTP/0.9\r\n\r\n", "HTTP/1.1 505 ");
    expect_refusal("GET / HTTP/9.9\r\n\r\n", "HTTP/1.1 505 ");
}

static void too_many_or_too_long_headers_get_431(void **state)
{
    (void)state;
    char head[20000];
    size_t used = (size_t)snprintf(head, sizeof(head), "GET /meta HTTP/1.1\r\n");
    for (int i = 0; i < 100; i++) {
        used += (size_t)snprintf(head + used, sizeof(head) - used, "h%d: v\r\n", i);
    }
    size_t complete = used;
    (void)snprintf(head + used, sizeof(head) - used, "\r\n");
    expect_answer(head, "HTTP/1.1 200 OK");
    (void)snprintf(head + complete, sizeof(head) - complete, "h100: v\r\n\r\n");
    expect_refusal(head, "HTTP/1.1 431 Request Header Fields Too Large\r\n");

    used = (size_t)snprintf(head, sizeof(head), "GET /meta HTTP/1.1\r\nx: ");
    memset(head + used, 'v', 9000);
    (void)snprintf(head + used + 9000, sizeof(head) - used - 9000, "\r\n\r\n");
    expect_refusal(head, "HTTP/1.1 431 ");
    memcpy(head, "GET /", 5);
    memset(head + 5, 'p', 9000);
    (void)snprintf(head + 9005, sizeof(head) - 9005, " HTTP/1.1\r\n\r\n");
    expect_refusal(head, "HTTP/1.1 431 ");
}

static void endless_trailers_are_refused(void **state)
{
    (void)state;
    char request[20000];
    size_t used = (size_t)snprintf(
        request, sizeof(request), "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n");
    for (int i = 0; i < 1000; i++) {
        used += (size_t)snprintf(request + used, sizeof(request) - used, "t%04d: value\r\n", i);
    }
    expect_refusal(request, "HTTP/1.1 431 ");
}

static void a_body_at_its_limit_is_served_and_one_above_is_told_to_the_handler(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.options.body_size_bytes_max = 2048;
    fixture_open(&fixture);
    char body[2049];
    memset(body, 'x', sizeof(body));
    struct raw_client client;
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nContent-Length: 2048\r\n\r\n");
    raw_client_send(&client, body, 2048);
    assert_non_null(strstr(raw_client_read_answers(&client, 1), "HTTP/1.1 200 OK\r\n"));
    raw_client_clear(&client);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nContent-Length: 2049\r\n\r\n");
    raw_client_send(&client, body, 2049);
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "HTTP/1.1 413 "));
    assert_non_null(strstr(client.text, "connection: close\r\n"));
    raw_client_close(&client);

    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 21; i++) {
        raw_client_send_text(&client, "64\r\n");
        raw_client_send(&client, body, 100);
        raw_client_send_text(&client, "\r\n");
    }
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "HTTP/1.1 413 "));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_large_body_and_a_large_answer_pass(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.options.body_size_bytes_max = 600u * 1024u;
    fixture_open(&fixture);
    size_t size = 600u * 1024u;
    char *body = malloc(size);
    assert_non_null(body);
    for (size_t i = 0; i < size; i++) {
        body[i] = (char)('a' + i % 23);
    }
    struct raw_client client;
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nContent-Length: 614400\r\n\r\n");
    raw_client_send(&client, body, size);
    const char *answer = raw_client_read_answers(&client, 1);
    const char *start = strstr(answer, "\r\n\r\n");
    assert_non_null(start);
    assert_memory_equal(start + 4, body, size);
    raw_client_close(&client);
    free(body);
    fixture_close(&fixture);
}

static void a_slow_head_gets_408(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.head_timeout_ns = 50 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "GET /meta HTTP/1.1\r\nX-Te");
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "HTTP/1.1 408 Request Timeout\r\n"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_slow_body_gets_408_even_if_bytes_keep_dripping(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.body_timeout_ns = 100 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
    struct pollfd ready = {.fd = client.fd, .events = POLLIN};
    unsigned sent = 0;
    while (poll(&ready, 1, 5) == 0) {
        (void)raw_client_try_send(&client, "x", 1);
        assert_true(++sent < 10000);
    }
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "HTTP/1.1 408 "));
    assert_int_equal(fixture.handled, 0);
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void an_idle_connection_is_closed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.idle_timeout_ns = 50 * RIND_NS_PER_MS;
    fixture.options.http2 = RIND_SERVER_HTTP2_OFF;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "GET /meta HTTP/1.1\r\n\r\n");
    (void)raw_client_read_answers(&client, 1);
    raw_client_clear(&client);
    raw_client_read_to_end(&client);
    assert_int_equal(client.length, 0);
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_request_that_outlasts_the_idle_timeout_is_answered_and_closed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.idle_timeout_ns = 20 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /wait HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
    fixture_wait_begun(&fixture, 1);
    struct pollfd ready = {.fd = client.fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 100), 0);
    fixture_release(&fixture);
    raw_client_read_to_end(&client);
    assert_non_null(strstr(client.text, "connection: close\r\n"));
    assert_non_null(strstr(client.text, "\r\n\r\nok"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_client_that_reads_nothing_is_cut_off(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture.options.write_timeout_ns = 50 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "GET /big?30000000 HTTP/1.1\r\n\r\n");
    fixture_wait_connections(&fixture, 1);
    fixture_wait_connections(&fixture, 0);
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_handler_runs_to_its_end_although_the_client_left(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /wait HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
    fixture_wait_begun(&fixture, 1);
    raw_client_close(&client);
    fixture_wait_connections(&fixture, 0);
    assert_int_equal(fixture.finished, 0);
    fixture_release(&fixture);
    fixture_wait_finished(&fixture, 1);
    fixture_close(&fixture);
}

static void a_client_that_stops_sending_counts_as_gone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /wait HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
    fixture_wait_begun(&fixture, 1);
    assert_int_equal(shutdown(client.fd, SHUT_WR), 0);
    raw_client_read_to_end(&client);
    assert_int_equal(client.length, 0);
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void a_cut_request_never_reaches_the_handler(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf");
    fixture_wait_connections(&fixture, 1);
    raw_client_close(&client);
    fixture_wait_connections(&fixture, 0);
    assert_int_equal(fixture.handled, 0);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_with_length_is_answered_with_length_and_date),
        cmocka_unit_test(method_path_query_and_headers_reach_the_handler),
        cmocka_unit_test(an_unknown_path_or_method_gets_404_without_body),
        cmocka_unit_test(a_chunked_body_is_put_together),
        cmocka_unit_test(an_answer_to_head_has_length_but_no_body),
        cmocka_unit_test(http_1_0_closes_unless_asked_to_keep_alive),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(expect_continue_is_answered_before_the_body),
        cmocka_unit_test(an_upgrade_is_ignored),
        cmocka_unit_test(malformed_heads_get_400_and_the_end),
        cmocka_unit_test(other_versions_of_http_get_505),
        cmocka_unit_test(too_many_or_too_long_headers_get_431),
        cmocka_unit_test(endless_trailers_are_refused),
        cmocka_unit_test(a_body_at_its_limit_is_served_and_one_above_is_told_to_the_handler),
        cmocka_unit_test(a_large_body_and_a_large_answer_pass),
        cmocka_unit_test(a_slow_head_gets_408),
        cmocka_unit_test(a_slow_body_gets_408_even_if_bytes_keep_dripping),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_request_that_outlasts_the_idle_timeout_is_answered_and_closed),
        cmocka_unit_test(a_client_that_reads_nothing_is_cut_off),
        cmocka_unit_test(a_handler_runs_to_its_end_although_the_client_left),
        cmocka_unit_test(a_client_that_stops_sending_counts_as_gone),
        cmocka_unit_test(a_cut_request_never_reaches_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
