/* test_server_http2.c - the server against HTTP/2 clients, polite and not. */
#include <string.h>

#include "base/base.h"
#include "server_fixture.h"
#include "support/h2_client.h"
#include "support/raw_client.h"
#include "support/test.h"

static void requests_are_answered(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *meta = h2_client_request(&client, "GET", "/meta?q=1", NULL, "x-test", "v");
    struct h2_stream *echo = h2_client_request(&client, "POST", "/echo", "hello", NULL, NULL);
    struct h2_stream *unknown = h2_client_request(&client, "GET", "/nowhere", NULL, NULL, NULL);
    struct h2_stream *head = h2_client_request(&client, "HEAD", "/big?77", NULL, NULL, NULL);
    h2_client_finish(&client, meta);
    h2_client_finish(&client, echo);
    h2_client_finish(&client, unknown);
    h2_client_finish(&client, head);
    assert_int_equal(meta->status, 200);
    assert_string_equal(meta->body, "GET /meta q=1 v 1 0");
    assert_string_equal(echo->body, "hello");
    assert_int_equal(unknown->status, 404);
    assert_int_equal(head->status, 200);
    assert_int_equal(head->body_length, 0);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void an_answer_waits_for_the_clients_window(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 100);
    struct h2_stream *big = h2_client_request(&client, "GET", "/big?50000", NULL, NULL, NULL);
    h2_client_finish(&client, big);
    assert_int_equal(big->body_length, 50000);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void two_hundred_streams_are_served_and_the_next_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture.options.worker_threads = 2;
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *streams[201];
    for (size_t i = 0; i < 201; i++) {
        streams[i] = h2_client_request(&client, "POST", "/park", NULL, NULL, NULL);
    }
    h2_client_finish(&client, streams[200]);
    assert_int_equal(streams[200]->close_code, NGHTTP2_REFUSED_STREAM);
    assert_int_equal(client.remote_streams_max, 200);
    fixture_wait_parked(&fixture, 200);
    fixture_complete_parked(&fixture);
    for (size_t i = 0; i < 200; i++) {
        h2_client_finish(&client, streams[i]);
        assert_int_equal(streams[i]->status, 200);
        assert_string_equal(streams[i]->body, "done");
    }
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void a_header_list_above_4096_bytes_gets_431_and_the_connection_lives(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    char value[4097];
    memset(value, 'v', sizeof(value) - 1);
    value[4096] = '\0';
    struct h2_stream *large = h2_client_request(&client, "GET", "/meta", NULL, "x-test", value);
    h2_client_finish(&client, large);
    assert_int_equal(large->status, 431);
    assert_int_equal(large->body_length, 0);
    struct h2_stream *next = h2_client_request(&client, "GET", "/meta", NULL, NULL, NULL);
    h2_client_finish(&client, next);
    assert_int_equal(next->status, 200);
    assert_int_equal(fixture.handled, 1);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void a_body_above_the_limit_is_told_to_the_handler_and_the_connection_lives(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture.options.body_size_bytes_max = 2048;
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    char body[2050];
    memset(body, 'x', sizeof(body));
    body[2049] = '\0';
    struct h2_stream *above = h2_client_request(&client, "POST", "/echo", body, NULL, NULL);
    above->is_upload_endless = true;
    h2_client_finish(&client, above);
    assert_int_equal(above->status, 413);
    assert_int_equal(above->close_code, NGHTTP2_NO_ERROR);
    struct h2_stream *at = h2_client_request(&client, "POST", "/echo", body + 1, NULL, NULL);
    h2_client_finish(&client, at);
    assert_int_equal(at->status, 200);
    assert_int_equal(at->body_length, 2048);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void a_request_that_never_ends_is_reset(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture.options.head_timeout_ns = 20 * RIND_NS_PER_MS;
    fixture.options.body_timeout_ns = 30 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *endless = h2_client_request(&client, "POST", "/echo", "half", NULL, NULL);
    endless->is_upload_endless = true;
    h2_client_finish(&client, endless);
    assert_int_equal(endless->close_code, NGHTTP2_CANCEL);
    assert_int_equal(fixture.handled, 0);
    h2_client_close(&client);
    fixture_close(&fixture);
}

/* One byte of window and pings keep the connection from being idle; the answer must not stay. */
static void an_answer_that_is_not_taken_is_reset(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture.options.write_timeout_ns = 50 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 1);
    struct h2_stream *big = h2_client_request(&client, "GET", "/big?50000", NULL, NULL, NULL);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    while (!big->is_closed) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)nghttp2_submit_ping(client.session, NGHTTP2_FLAG_NONE, NULL);
        assert_true(h2_client_run(&client, 5) || big->is_closed);
    }
    assert_int_equal(big->close_code, NGHTTP2_CANCEL);
    assert_true(big->body_length < 50000);
    struct h2_stream *after = h2_client_request(&client, "HEAD", "/big?50000", NULL, NULL, NULL);
    h2_client_finish(&client, after);
    assert_int_equal(after->status, 200);
    assert_int_equal(rind_server_exchange_count(fixture.server), 0);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void a_reset_stream_does_not_stop_its_handler(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *parked = h2_client_request(&client, "POST", "/park", NULL, NULL, NULL);
    (void)h2_client_run(&client, 0);
    fixture_wait_parked(&fixture, 1);
    assert_int_equal(
        nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, parked->id, NGHTTP2_CANCEL),
        0);
    struct h2_stream *after = h2_client_request(&client, "GET", "/meta", NULL, NULL, NULL);
    h2_client_finish(&client, after);
    assert_int_equal(rind_server_exchange_count(fixture.server), 1);
    fixture_complete_parked(&fixture);
    assert_int_equal(fixture.abandoned, 1);
    struct h2_stream *last = h2_client_request(&client, "GET", "/meta", NULL, NULL, NULL);
    h2_client_finish(&client, last);
    assert_int_equal(last->status, 200);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void opening_and_resetting_without_end_is_stopped(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    unsigned rounds = 0;
    while (!client.has_goaway && !client.is_closed) {
        assert_true(++rounds < 10000);
        struct h2_stream *stream = h2_client_request(&client, "POST", "/park", NULL, NULL, NULL);
        (void)h2_client_run(&client, 0);
        (void)nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, stream->id,
                                        NGHTTP2_CANCEL);
        (void)h2_client_run(&client, 0);
        assert_true(rind_server_exchange_count(fixture.server) <= 200);
    }
    h2_client_close(&client);
    fixture_complete_parked(&fixture);
    fixture_wait_connections(&fixture, 0);
    fixture_close(&fixture);
}

static void a_flood_of_pings_or_settings_ends_the_connection(void **state)
{
    (void)state;
    static const uint8_t ping[17] = {0, 0, 8, 6, 0, 0, 0, 0, 0};
    static const uint8_t settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    static const struct {
        const uint8_t *frame;
        size_t size;
    } floods[] = {{ping, sizeof(ping)}, {settings, sizeof(settings)}};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct raw_client client;
        fixture_prepare(&fixture);
        fixture.options.write_timeout_ns = 100 * RIND_NS_PER_MS;
        fixture_open(&fixture);
        raw_client_open(&client, &fixture.address);
        raw_client_send_text(&client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        raw_client_send(&client, settings, sizeof(settings));
        /* Nothing is read: what we owe it piles up until the server has enough of it. */
        bool is_open = true;
        for (unsigned n = 0; is_open && n < 10u * 1000u * 1000u; n++) {
            is_open = raw_client_try_send(&client, floods[i].frame, floods[i].size);
        }
        assert_false(is_open);
        raw_client_close(&client);
        fixture_wait_connections(&fixture, 0);
        fixture_close(&fixture);
    }
}

/* Headers that never end (CVE-2024-28182), and errors that make us reset what we began to serve. */
static void frames_that_only_cost_us_work_end_the_connection(void **state)
{
    (void)state;
    static const uint8_t settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    /* POST https /, without END_HEADERS and with it */
    static const uint8_t open_head[12] = {0, 0, 3, 1, 0, 0, 0, 0, 1, 0x83, 0x87, 0x84};
    static const uint8_t no_bytes[9] = {0, 0, 0, 9, 0, 0, 0, 0, 1};
    static const uint8_t one_field[14] = {0, 0, 5, 9, 0, 0, 0, 0, 1, 0, 1, 'a', 1, 'b'};
    static const uint8_t whole_head[12] = {0, 0, 3, 1, 4, 0, 0, 0, 1, 0x83, 0x87, 0x84};
    static const uint8_t no_window[13] = {0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    static const struct {
        const uint8_t *first;
        const uint8_t *then;
        size_t then_size;
    } floods[] = {{open_head, no_bytes, sizeof(no_bytes)},
                  {open_head, one_field, sizeof(one_field)},
                  {whole_head, no_window, sizeof(no_window)}};
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;
        struct raw_client client;
        fixture_prepare(&fixture);
        fixture_open(&fixture);
        raw_client_open(&client, &fixture.address);
        raw_client_send_text(&client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        raw_client_send(&client, settings, sizeof(settings));
        raw_client_send(&client, floods[i].first, 12);
        bool is_open = true;
        for (unsigned n = 0; is_open && n < 1000u * 1000u; n++) {
            is_open = raw_client_try_send(&client, floods[i].then, floods[i].then_size);
        }
        assert_false(is_open);
        raw_client_close(&client);
        fixture_wait_connections(&fixture, 0);
        fixture_close(&fixture);
    }
}

static void garbage_after_the_preface_ends_the_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    raw_client_send_text(&client, "this is no frame at all, but it is long enough to be one");
    raw_client_read_to_end(&client);
    raw_client_close(&client);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n");
    raw_client_read_to_end(&client);
    raw_client_close(&client);
    fixture_close(&fixture);
}

static void draining_says_goaway_and_finishes_open_streams(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *parked = h2_client_request(&client, "POST", "/park", NULL, NULL, NULL);
    (void)h2_client_run(&client, 0);
    fixture_wait_parked(&fixture, 1);
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_int_equal(rind_server_drain(&ctx, fixture.server, rind_deadline_in_ms(10)).code,
                     RIND_E_TIMEOUT);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    while (!client.has_goaway || client.goaway_last_id != parked->id) {
        assert_false(rind_deadline_has_expired(deadline));
        assert_true(h2_client_run(&client, 100));
    }
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    fixture_complete_parked(&fixture);
    h2_client_finish(&client, parked);
    assert_string_equal(parked->body, "done");
    h2_client_run_to_end(&client);
    h2_client_close(&client);
    assert_int_equal(rind_server_drain(&ctx, fixture.server, rind_deadline_in_ms(20000)).code,
                     RIND_E_OK);
    fixture_close(&fixture);
}

static void an_idle_connection_gets_goaway_and_the_end(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client client;
    fixture_prepare(&fixture);
    fixture.options.idle_timeout_ns = 30 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    h2_client_open(&client, &fixture.address, 0);
    struct h2_stream *meta = h2_client_request(&client, "GET", "/meta", NULL, NULL, NULL);
    h2_client_finish(&client, meta);
    h2_client_run_to_end(&client);
    assert_true(client.has_goaway);
    assert_int_equal(client.goaway_code, NGHTTP2_NO_ERROR);
    h2_client_close(&client);
    fixture_close(&fixture);
}

static void http1_still_works_beside_prior_knowledge(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client client;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&client, &fixture.address);
    raw_client_send_text(&client, "P");
    raw_client_send_text(&client, "R");
    raw_client_send_text(&client, "OPFIND /meta HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(raw_client_read_answers(&client, 1), "HTTP/1.1 404"));
    raw_client_close(&client);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(an_answer_waits_for_the_clients_window),
        cmocka_unit_test(two_hundred_streams_are_served_and_the_next_refused),
        cmocka_unit_test(a_header_list_above_4096_bytes_gets_431_and_the_connection_lives),
        cmocka_unit_test(a_body_above_the_limit_is_told_to_the_handler_and_the_connection_lives),
        cmocka_unit_test(a_request_that_never_ends_is_reset),
        cmocka_unit_test(an_answer_that_is_not_taken_is_reset),
        cmocka_unit_test(a_reset_stream_does_not_stop_its_handler),
        cmocka_unit_test(opening_and_resetting_without_end_is_stopped),
        cmocka_unit_test(a_flood_of_pings_or_settings_ends_the_connection),
        cmocka_unit_test(frames_that_only_cost_us_work_end_the_connection),
        cmocka_unit_test(garbage_after_the_preface_ends_the_connection),
        cmocka_unit_test(draining_says_goaway_and_finishes_open_streams),
        cmocka_unit_test(an_idle_connection_gets_goaway_and_the_end),
        cmocka_unit_test(http1_still_works_beside_prior_knowledge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
