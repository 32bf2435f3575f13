/* test_server_load.c - many connections, parked requests, limits, drain and close. */
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "server_fixture.h"
#include "support/h2_client.h"
#include "support/raw_client.h"
#include "support/test.h"

static void hundred_connections_are_served_at_once(void **state)
{
    (void)state;
    enum { CLIENTS = 100, ROUNDS = 5 };
    struct fixture fixture;
    static struct raw_client clients[CLIENTS];
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        raw_client_open(&clients[i], &fixture.address);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < CLIENTS; i++) {
            char request[128];
            (void)snprintf(request, sizeof(request),
                           "POST /echo HTTP/1.1\r\nContent-Length: 8\r\n\r\nc%03zu.%03u", i, round);
            raw_client_send_text(&clients[i], request);
        }
        for (size_t i = 0; i < CLIENTS; i++) {
            char expected[16];
            (void)snprintf(expected, sizeof(expected), "c%03zu.%03u", i, round);
            assert_non_null(strstr(raw_client_read_answers(&clients[i], 1), expected));
            raw_client_clear(&clients[i]);
        }
    }
    assert_int_equal(rind_server_connection_count(fixture.server), CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) {
        raw_client_close(&clients[i]);
    }
    fixture_wait_connections(&fixture, 0);
    fixture_close(&fixture);
}

static void parked_requests_need_no_worker(void **state)
{
    (void)state;
    enum { CLIENTS = 200 };
    struct fixture fixture;
    static struct raw_client clients[CLIENTS];
    fixture_prepare(&fixture);
    fixture.options.worker_threads = 1;
    fixture_open(&fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        raw_client_open(&clients[i], &fixture.address);
        raw_client_send_text(&clients[i], "POST /park HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    }
    fixture_wait_parked(&fixture, CLIENTS);
    assert_int_equal(rind_server_exchange_count(fixture.server), CLIENTS);
    struct raw_client other;
    raw_client_open(&other, &fixture.address);
    raw_client_send_text(&other, "GET /meta HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(raw_client_read_answers(&other, 1), "HTTP/1.1 200 OK"));
    raw_client_close(&other);
    fixture_complete_parked(&fixture);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_non_null(strstr(raw_client_read_answers(&clients[i], 1), "\r\n\r\ndone"));
        raw_client_close(&clients[i]);
    }
    assert_int_equal(rind_server_exchange_count(fixture.server), 0);
    fixture_close(&fixture);
}

static void without_workers_the_io_thread_runs_handlers(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client clients[2];
    fixture_prepare(&fixture);
    fixture.options.worker_threads = 0;
    fixture.options.io_threads = 1;
    fixture.options.http2 = RIND_SERVER_HTTP2_OFF;
    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        raw_client_open(&clients[i], &fixture.address);
    }
    /* Pipelined, large, parked in between, and the other connection meanwhile. */
    raw_client_send_text(&clients[0], "POST /echo HTTP/1.1\r\nContent-Length: 3\r\n\r\none"
                                      "GET /big?300000 HTTP/1.1\r\n\r\n"
                                      "POST /park HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
                                      "POST /echo HTTP/1.1\r\nContent-Length: 4\r\n\r\nlast");
    fixture_wait_parked(&fixture, 1);
    raw_client_send_text(&clients[1], "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nother");
    assert_non_null(strstr(raw_client_read_answers(&clients[1], 1), "\r\n\r\nother"));
    assert_int_equal(rind_server_exchange_count(fixture.server), 1);
    fixture_complete_parked(&fixture);
    const char *answers = raw_client_read_answers(&clients[0], 4);
    const char *one = strstr(answers, "\r\n\r\none");
    const char *big = strstr(answers, "Content-Length: 300000");
    big = big != NULL ? big : strstr(answers, "content-length: 300000");
    const char *done = strstr(answers, "\r\n\r\ndone");
    const char *last = strstr(answers, "\r\n\r\nlast");
    assert_true(one != NULL && big != NULL && done != NULL && last != NULL);
    assert_true(one < big && big < done && done < last);
    assert_int_equal(rind_server_exchange_count(fixture.server), 0);
    raw_client_close(&clients[0]);
    raw_client_send_text(&clients[1], "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nagain");
    raw_client_clear(&clients[1]);
    assert_non_null(strstr(raw_client_read_answers(&clients[1], 1), "\r\n\r\nagain"));
    raw_client_close(&clients[1]);
    fixture_wait_connections(&fixture, 0);
    fixture_close(&fixture);
}

static void a_parked_request_may_be_completed_after_client_and_server_are_gone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client clients[2];
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        raw_client_open(&clients[i], &fixture.address);
        raw_client_send_text(&clients[i], "POST /park HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    }
    fixture_wait_parked(&fixture, 2);
    raw_client_close(&clients[0]);
    fixture_wait_connections(&fixture, 1);
    fixture_close(&fixture); /* completes them after rind_server_close */
    assert_int_equal(fixture.abandoned, 2);
    raw_client_read_to_end(&clients[1]);
    assert_int_equal(clients[1].length, 0);
    raw_client_close(&clients[1]);
}

static void requests_beyond_the_waiting_limit_get_503(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client busy;
    struct raw_client waiting;
    struct raw_client refused;
    fixture_prepare(&fixture);
    fixture.options.worker_threads = 1;
    fixture.options.requests_waiting_max = 1;
    fixture.options.io_threads = 1;
    fixture_open(&fixture);
    static const char request[] = "POST /wait HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
    raw_client_open(&busy, &fixture.address);
    raw_client_send_text(&busy, request);
    fixture_wait_begun(&fixture, 1);
    raw_client_open(&waiting, &fixture.address);
    raw_client_send_text(&waiting, request);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    while (rind_server_exchange_count(fixture.server) < 2) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)poll(NULL, 0, 1);
    }
    raw_client_open(&refused, &fixture.address);
    raw_client_send_text(&refused, request);
    raw_client_read_to_end(&refused);
    assert_non_null(strstr(refused.text, "HTTP/1.1 503 Service Unavailable\r\n"));
    fixture_release(&fixture);
    assert_non_null(strstr(raw_client_read_answers(&busy, 1), "HTTP/1.1 200"));
    assert_non_null(strstr(raw_client_read_answers(&waiting, 1), "HTTP/1.1 200"));
    raw_client_close(&busy);
    raw_client_close(&waiting);
    raw_client_close(&refused);
    fixture_close(&fixture);
}

static void an_idle_connection_makes_room_for_a_new_one(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client clients[3];
    fixture_prepare(&fixture);
    fixture.options.io_threads = 1;
    fixture.options.connections_max = 2;
    fixture.options.http2 = RIND_SERVER_HTTP2_OFF;
    fixture_open(&fixture);
    raw_client_open(&clients[0], &fixture.address);
    raw_client_send_text(&clients[0], "POST /park HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    fixture_wait_parked(&fixture, 1);
    raw_client_open(&clients[1], &fixture.address);
    raw_client_send_text(&clients[1], "GET /meta HTTP/1.1\r\n\r\n");
    (void)raw_client_read_answers(&clients[1], 1);
    raw_client_clear(&clients[1]);
    raw_client_open(&clients[2], &fixture.address);
    raw_client_send_text(&clients[2], "GET /meta HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(raw_client_read_answers(&clients[2], 1), "HTTP/1.1 200"));
    raw_client_read_to_end(&clients[1]); /* the idle one went, not the busy one */
    fixture_complete_parked(&fixture);
    assert_non_null(strstr(raw_client_read_answers(&clients[0], 1), "\r\n\r\ndone"));
    for (size_t i = 0; i < 3; i++) {
        raw_client_close(&clients[i]);
    }
    fixture_close(&fixture);
}

static void connections_leave_descriptors_for_the_rest_of_the_process(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client clients[40];
    struct rlimit before;
    fixture_prepare(&fixture);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = {64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    fixture_open(&fixture);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < 40; i++) {
        raw_client_open(&clients[i], &fixture.address);
        raw_client_send_text(&clients[i], "GET /meta HTTP/1.1\r\n\r\n");
        assert_non_null(strstr(raw_client_read_answers(&clients[i], 1), "HTTP/1.1 200"));
        assert_true(rind_server_connection_count(fixture.server) <= 32);
    }
    for (size_t i = 0; i < 40; i++) {
        raw_client_close(&clients[i]);
    }
    fixture_close(&fixture);
}

static void a_new_connection_is_refused_when_all_are_busy(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client busy;
    struct raw_client refused;
    fixture_prepare(&fixture);
    fixture.options.io_threads = 1;
    fixture.options.connections_max = 1;
    fixture_open(&fixture);
    raw_client_open(&busy, &fixture.address);
    raw_client_send_text(&busy, "POST /park HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    fixture_wait_parked(&fixture, 1);
    raw_client_open(&refused, &fixture.address);
    raw_client_read_to_end(&refused);
    assert_int_equal(refused.length, 0);
    fixture_complete_parked(&fixture);
    assert_non_null(strstr(raw_client_read_answers(&busy, 1), "\r\n\r\ndone"));
    raw_client_close(&busy);
    raw_client_close(&refused);
    fixture_close(&fixture);
}

static void bodies_beyond_the_budget_of_all_get_503_and_give_it_back(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.options.body_size_bytes_max = 300u * 1024u;
    fixture.options.buffered_bytes_max =
        300u * 1024u; /* a body of this size needs more with its head */
    fixture_open(&fixture);
    char part[65536];
    memset(part, 'x', sizeof(part));
    for (int round = 0; round < 3; round++) {
        struct raw_client greedy;
        raw_client_open(&greedy, &fixture.address);
        raw_client_send_text(&greedy, "POST /echo HTTP/1.1\r\nContent-Length: 299000\r\n\r\n");
        for (int i = 0; i < 4; i++) {
            (void)raw_client_try_send(&greedy, part, sizeof(part));
        }
        (void)raw_client_try_send(&greedy, part, 299000 - 4 * sizeof(part));
        raw_client_read_to_end(&greedy);
        assert_non_null(strstr(greedy.text, "HTTP/1.1 503 "));
        raw_client_close(&greedy);
    }
    struct raw_client modest;
    raw_client_open(&modest, &fixture.address);
    raw_client_send_text(&modest, "POST /echo HTTP/1.1\r\nContent-Length: 65536\r\n\r\n");
    raw_client_send(&modest, part, sizeof(part));
    assert_non_null(strstr(raw_client_read_answers(&modest, 1), "HTTP/1.1 200"));
    raw_client_close(&modest);
    fixture_close(&fixture);
}

/* Fills the memory with requests that are never completed, over both versions. */
static void half_sent_requests_make_room_when_memory_is_short(void **state)
{
    (void)state;
    struct fixture fixture;
    struct h2_client h2[2];
    struct raw_client http1[40];
    fixture_prepare(&fixture);
    fixture.options.body_size_bytes_max = 1000;
    fixture.options.buffered_bytes_max = 100u * 1000u;
    fixture.options.hurry_timeout_ns = 20 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    for (size_t i = 0; i < 2; i++) {
        h2_client_open(&h2[i], &fixture.address, 0);
        for (size_t n = 0; n < 100; n++) {
            h2_client_request(&h2[i], "POST", "/echo", "half", NULL, NULL)->is_upload_endless =
                true;
        }
        h2_client_finish(&h2[i], h2[i].streams + 99); /* refused: the memory is used up */
    }
    for (size_t i = 0; i < 40; i++) {
        raw_client_open(&http1[i], &fixture.address);
        raw_client_send_text(&http1[i], "POST");
    }
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    bool is_served = false;
    while (!is_served) { /* until then 503 */
        struct raw_client honest;
        assert_false(rind_deadline_has_expired(deadline));
        raw_client_open(&honest, &fixture.address);
        raw_client_send_text(&honest, "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
        is_served = strstr(raw_client_read_answers(&honest, 1), "HTTP/1.1 200") != NULL;
        raw_client_close(&honest);
    }
    for (size_t i = 0; i < 40; i++) {
        raw_client_close(&http1[i]);
    }
    h2_client_close(&h2[0]);
    h2_client_close(&h2[1]);
    fixture_wait_connections(&fixture, 0);
    fixture_close(&fixture);
}

static void draining_refuses_new_closes_idle_and_finishes_busy_connections(void **state)
{
    (void)state;
    struct fixture fixture;
    struct raw_client idle;
    struct raw_client busy;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    raw_client_open(&idle, &fixture.address);
    raw_client_send_text(&idle, "GET /meta HTTP/1.1\r\n\r\n");
    (void)raw_client_read_answers(&idle, 1);
    raw_client_clear(&idle);
    raw_client_open(&busy, &fixture.address);
    raw_client_send_text(&busy, "POST /wait HTTP/1.1\r\nContent-Length: 2\r\n\r\nok");
    fixture_wait_begun(&fixture, 1);

    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_server_drain(&ctx, fixture.server, rind_deadline_in_ms(30));
    assert_int_equal(status.code, RIND_E_TIMEOUT);
    raw_client_read_to_end(&idle);
    assert_int_equal(idle.length, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(connect(fd, (const struct sockaddr *)(const void *)&fixture.address.storage,
                        fixture.address.length) != 0);
    (void)close(fd);

    fixture_release(&fixture);
    raw_client_read_to_end(&busy);
    assert_non_null(strstr(busy.text, "connection: close\r\n"));
    assert_non_null(strstr(busy.text, "\r\n\r\nok"));
    raw_client_close(&idle);
    raw_client_close(&busy);
    status = rind_server_drain(&ctx, fixture.server, rind_deadline_in_ms(20000));
    assert_int_equal(status.code, RIND_E_OK);
    fixture_close(&fixture);
}

static void an_address_in_use_is_named(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture_open(&fixture);
    struct rind_server_options options = fixture.options;
    options.listen = fixture.address;
    struct rind_server *server = NULL;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_int_equal(rind_server_open(&ctx, &options, &server).code, RIND_E_NETWORK);
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&fixture.address, text);
    assert_non_null(strstr(ctx.sentence, text));
    assert_non_null(strstr(ctx.sentence, "in use"));
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundred_connections_are_served_at_once),
        cmocka_unit_test(parked_requests_need_no_worker),
        cmocka_unit_test(without_workers_the_io_thread_runs_handlers),
        cmocka_unit_test(a_parked_request_may_be_completed_after_client_and_server_are_gone),
        cmocka_unit_test(requests_beyond_the_waiting_limit_get_503),
        cmocka_unit_test(an_idle_connection_makes_room_for_a_new_one),
        cmocka_unit_test(connections_leave_descriptors_for_the_rest_of_the_process),
        cmocka_unit_test(a_new_connection_is_refused_when_all_are_busy),
        cmocka_unit_test(bodies_beyond_the_budget_of_all_get_503_and_give_it_back),
        cmocka_unit_test(half_sent_requests_make_room_when_memory_is_short),
        cmocka_unit_test(draining_refuses_new_closes_idle_and_finishes_busy_connections),
        cmocka_unit_test(an_address_in_use_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
