/* The built-in transport against a small HTTP server in this process. */
#include "client/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

#define SERVER_TIMEOUT_MS 20000

/* Answers each connection's requests with one prepared text until told to stop. */
struct server {
    int listener;
    uint16_t port;
    const char *_Atomic reply; /* NULL: close without an answer; "": never answer */
    atomic_uint connection_count;
    atomic_uint request_count;
    atomic_bool is_stopping;
    char last_request[8192];
    pthread_t thread;
};

static bool readable(struct server *server, int descriptor)
{
    for (int waited_ms = 0; waited_ms < SERVER_TIMEOUT_MS; waited_ms += 10) {
        struct pollfd poll_one = {.fd = descriptor, .events = POLLIN};
        if (poll(&poll_one, 1, 10) > 0) {
            return true;
        }
        if (atomic_load(&server->is_stopping)) {
            return false;
        }
    }
    return false;
}

/* Reads one request with its body; false at the connection's end. */
static bool server_read(struct server *server, int connection)
{
    size_t used = 0;
    char text[sizeof(server->last_request)];
    for (;;) {
        if (!readable(server, connection)) {
            return false;
        }
        ssize_t got = recv(connection, text + used, sizeof(text) - 1 - used, 0);
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
        text[used] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "Content-Length: ");
        if (end != NULL && length != NULL &&
            used >= (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10)) {
            memcpy(server->last_request, text, used + 1);
            return true;
        }
    }
}

static void *serve(void *argument)
{
    struct server *server = argument;
    while (readable(server, server->listener)) {
        int connection = accept(server->listener, NULL, NULL);
        if (connection < 0) {
            break;
        }
        atomic_fetch_add(&server->connection_count, 1);
        while (server_read(server, connection)) {
            atomic_fetch_add(&server->request_count, 1);
            const char *reply = server->reply;
            if (reply == NULL) {
                break;
            }
            size_t size = strlen(reply);
            if (send(connection, reply, size, MSG_NOSIGNAL) != (ssize_t)size) {
                break;
            }
        }
        close(connection);
    }
    return NULL;
}

static void server_open(struct server *server, const char *reply)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    memset(server, 0, sizeof(*server));
    server->reply = reply;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->listener >= 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
    atomic_store(&server->is_stopping, true);
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static struct rind_https *plain_https(void)
{
    struct rind_https_options options = {.is_plain_http_allowed = true};
    struct rind_https *https = rind_https_new(&options, NULL);
    assert_non_null(https);
    return https;
}

static void post(struct rind_https *https, const char *url, uint32_t timeout_ms,
                 bool (*is_abandoned)(const void *), struct rind_transport_response *response)
{
    static const struct rind_transport_header headers[] = {
        {"X-Juicebox-Version", "0.3.4"}, {"User-Agent", "test/1"}, {"Authorization", "Bearer t"}};
    struct rind_transport_request request = {.url = url,
                                             .headers = headers,
                                             .header_count = 3,
                                             .body = {"\x00\x01\xff", 3},
                                             .timeout_ms = timeout_ms,
                                             .is_abandoned = is_abandoned};
    struct rind_transport transport = rind_https_transport(https);
    memset(response, 0, sizeof(*response));
    transport.send(transport.self, &request, response);
}

static void post_to(struct rind_https *https, const struct server *server,
                    struct rind_transport_response *response)
{
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/req", server->port);
    post(https, url, SERVER_TIMEOUT_MS, NULL, response);
}

static void a_request_is_a_bare_post_and_its_connection_is_used_again(void **state)
{
    (void)state;
    struct server server;
    struct rind_transport_response response;
    struct rind_https *https = plain_https();
    server_open(&server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\x01\x02\x03");
    for (unsigned i = 1; i <= 5; i++) {
        post_to(https, &server, &response);
        assert_int_equal(response.status, 200);
        assert_int_equal(response.body_size, 3);
        assert_memory_equal(response.body, "\x01\x02\x03", 3);
        assert_int_equal(atomic_load(&server.request_count), i);
    }
    assert_int_equal(atomic_load(&server.connection_count), 1);
    assert_non_null(strstr(server.last_request, "POST /req HTTP/1.1\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nX-Juicebox-Version: 0.3.4\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nUser-Agent: test/1\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nAuthorization: Bearer t\r\n"));
    assert_null(strstr(server.last_request, "Content-Type"));
    assert_null(strstr(server.last_request, "Accept"));
    assert_null(strstr(server.last_request, "Expect"));
    rind_https_free(https);
    server_close(&server);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct server server;
    struct server elsewhere;
    char reply[256];
    struct rind_transport_response response;
    struct rind_https *https = plain_https();
    server_open(&elsewhere, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    (void)snprintf(reply, sizeof(reply),
                   "HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:%u/req\r\n"
                   "Content-Length: 0\r\n\r\n",
                   elsewhere.port);
    server_open(&server, reply);
    post_to(https, &server, &response);
    assert_int_equal(response.status, 307);
    assert_int_equal(atomic_load(&elsewhere.connection_count), 0);
    rind_https_free(https);
    server_close(&server);
    server_close(&elsewhere);
}

static void a_long_answer_is_cut_and_an_endless_one_ended(void **state)
{
    (void)state;
    static const size_t sizes[] = {RIND_TRANSPORT_BODY_SIZE_MAX, RIND_TRANSPORT_BODY_SIZE_MAX + 1,
                                   1 << 20};
    static char reply[(1 << 20) + 256];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct server server;
        struct rind_transport_response response;
        struct rind_https *https = plain_https();
        int head = snprintf(reply, sizeof(reply),
                            "HTTP/1.1 503 Busy\r\nContent-Length: %zu\r\n\r\n", sizes[i]);
        memset(reply + head, 'x', sizes[i]);
        reply[(size_t)head + sizes[i]] = '\0';
        server_open(&server, reply);
        post_to(https, &server, &response);
        assert_int_equal(response.status, 503);
        assert_int_equal(response.body_size, RIND_TRANSPORT_BODY_SIZE_MAX);
        rind_https_free(https);
        server_close(&server);
    }
}

static void a_refused_connection_was_surely_not_sent(void **state)
{
    (void)state;
    struct server server;
    struct rind_transport_response response;
    struct rind_https *https = plain_https();
    server_open(&server, "");
    server_close(&server); /* now nobody listens there */
    post_to(https, &server, &response);
    assert_int_equal(response.status, 0);
    assert_true(response.was_not_sent);
    assert_non_null(strstr(response.reason, "onnect"));
    rind_https_free(https);
}

static void a_connection_closed_before_the_answer_may_have_been_executed(void **state)
{
    (void)state;
    struct server server;
    struct rind_transport_response response;
    struct rind_https *https = plain_https();
    server_open(&server, NULL);
    post_to(https, &server, &response);
    assert_int_equal(response.status, 0);
    assert_false(response.was_not_sent);
    rind_https_free(https);
    server_close(&server);
}

static bool yes(const void *self)
{
    (void)self;
    return true;
}

/* libcurl would send the request again by itself, and report the second copy's fate. */
static void a_kept_connection_that_breaks_does_not_send_the_request_twice(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct server server;
        struct rind_transport_response response;
        server_open(&server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        struct rind_https *https = plain_https();
        post_to(https, &server, &response);
        assert_int_equal(response.status, 200);
        server.reply = NULL;
        if (i == 1) { /* nobody would listen to the second copy */
            assert_int_equal(shutdown(server.listener, SHUT_RDWR), 0);
        }
        post_to(https, &server, &response);
        assert_int_equal(response.status, 0);
        assert_false(response.was_not_sent);
        assert_int_equal(atomic_load(&server.request_count), 2);
        rind_https_free(https);
        server_close(&server);
    }
}

static void an_abandoned_request_ends_long_before_its_timeout(void **state)
{
    (void)state;
    struct server server;
    struct rind_transport_response response;
    struct rind_https *https = plain_https();
    char url[64];
    server_open(&server, "");
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/req", server.port);
    post(https, url, 3600000, yes, &response); /* the test's own timeout is far shorter */
    assert_int_equal(response.status, 0);
    post(https, url, 50, NULL, &response); /* and a timeout ends one that nobody answers */
    assert_int_equal(response.status, 0);
    assert_false(response.was_not_sent);
    rind_https_free(https);
    server_close(&server);
}

static void plain_http_is_refused_unless_allowed(void **state)
{
    (void)state;
    struct server server;
    struct rind_transport_response response;
    struct rind_https *https = rind_https_new(NULL, NULL);
    server_open(&server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    post_to(https, &server, &response);
    assert_int_equal(response.status, 0);
    assert_true(response.was_not_sent);
    assert_int_equal(atomic_load(&server.connection_count), 0);
    rind_https_free(https);
    rind_https_free(NULL);
    server_close(&server);
}

struct observed {
    unsigned count;
    uint16_t status;
    char reason[RIND_TRANSPORT_REASON_SIZE];
    uint64_t elapsed_ns;
    char exec_time[64];
    char timings[2][64];
    bool has_third;
    bool has_missing;
};

static void copy_header(const struct rind_https_exchange *exchange, const char *name, size_t index,
                        char text[64])
{
    const char *value = exchange->header(exchange, name, index);
    (void)snprintf(text, 64, "%s", value != NULL ? value : "none");
}

static void observe(void *self, const struct rind_https_exchange *exchange)
{
    struct observed *observed = self;
    observed->count++;
    observed->status = exchange->status;
    observed->elapsed_ns = exchange->elapsed_ns;
    (void)snprintf(observed->reason, sizeof(observed->reason), "%s", exchange->reason);
    assert_non_null(strstr(exchange->url, "/req"));
    copy_header(exchange, "x-exec-time", 0, observed->exec_time);
    copy_header(exchange, "server-timing", 0, observed->timings[0]);
    copy_header(exchange, "server-timing", 1, observed->timings[1]);
    observed->has_third = exchange->header(exchange, "server-timing", 2) != NULL;
    observed->has_missing = exchange->header(exchange, "cf-ray", 0) != NULL;
}

static void an_observer_is_told_of_each_exchange_and_may_ask_for_headers(void **state)
{
    (void)state;
    struct server server;
    struct observed observed = {0};
    struct rind_transport_response response;
    const struct rind_https_options options = {
        .is_plain_http_allowed = true, .observe = observe, .observe_self = &observed};
    struct rind_https *https = rind_https_new(&options, NULL);
    assert_non_null(https);
    server_open(&server, "HTTP/1.1 503 Busy\r\nX-Exec-Time: 4711\r\nServer-Timing: a;dur=1\r\n"
                         "server-timing: b;dur=2\r\nContent-Length: 0\r\n\r\n");
    post_to(https, &server, &response);
    assert_int_equal(observed.count, 1);
    assert_int_equal(observed.status, 503);
    assert_true(observed.elapsed_ns > 0);
    assert_string_equal(observed.reason, "");
    assert_string_equal(response.reason, "");
    assert_string_equal(observed.exec_time, "4711");
    assert_string_equal(observed.timings[0], "a;dur=1");
    assert_string_equal(observed.timings[1], "b;dur=2");
    assert_false(observed.has_third);
    assert_false(observed.has_missing);
    server.reply = NULL;
    post_to(https, &server, &response);
    assert_int_equal(observed.count, 2);
    assert_int_equal(observed.status, 0);
    assert_string_equal(observed.reason, response.reason);
    assert_true(strlen(observed.reason) > 0);
    assert_string_equal(observed.exec_time, "none");
    rind_https_free(https);
    server_close(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_a_bare_post_and_its_connection_is_used_again),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_long_answer_is_cut_and_an_endless_one_ended),
        cmocka_unit_test(a_refused_connection_was_surely_not_sent),
        cmocka_unit_test(a_connection_closed_before_the_answer_may_have_been_executed),
        cmocka_unit_test(a_kept_connection_that_breaks_does_not_send_the_request_twice),
        cmocka_unit_test(an_abandoned_request_ends_long_before_its_timeout),
        cmocka_unit_test(plain_http_is_refused_unless_allowed),
        cmocka_unit_test(an_observer_is_told_of_each_exchange_and_may_ask_for_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
