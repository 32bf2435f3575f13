/* The built-in transport over TLS and HTTP/2, against the server that balancers run. */
#include "client/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "host/host.h"
#include "net/net.h"
#include "support/test.h"
#include "support/tls_files.h"

#define THREADS 8u
#define REQUESTS_PER_THREAD 50u
#define TIMEOUT_MS 20000u

/* Answers the body it got, under 201 for HTTP/2 and 200 for HTTP/1.1. */
static void echo(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                 struct rind_response *response)
{
    (void)ctx;
    atomic_fetch_add((atomic_uint *)self, 1);
    response->status = request->is_http2 ? 201 : 200;
    response->body = request->body;
}

struct service {
    struct tls_files files;
    struct rind_server *server;
    atomic_uint handled;
    char url[64];
};

static void service_open(struct service *service, enum rind_server_http2 http2)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    tls_files_open(&service->files);
    tls_files_write(&service->files, TLS_FILES_EC_PKCS8, 1, 30);
    atomic_init(&service->handled, 0);
    struct rind_server_options options = rind_server_options_default();
    assert_true(
        rind_is_ok(rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    options.handle = echo;
    options.self = &service->handled;
    options.name = "test";
    options.tls_certificate_file = service->files.certificate;
    options.tls_key_file = service->files.key;
    options.http2 = http2;
    if (!rind_is_ok(rind_server_open(&ctx, &options, &service->server))) {
        fail_msg("%s", ctx.sentence);
    }
    struct rind_address address = rind_server_address(service->server);
    (void)snprintf(service->url, sizeof(service->url), "https://127.0.0.1:%u/req",
                   rind_address_port(&address));
}

static void service_close(struct service *service)
{
    rind_server_close(service->server);
    tls_files_close(&service->files);
}

static struct rind_https *https_trusting(const char *ca_file)
{
    struct rind_https_options options = {.ca_file = ca_file};
    struct rind_https *https = rind_https_new(&options, NULL);
    assert_non_null(https);
    return https;
}

static void post(struct rind_https *https, const char *url, struct rind_bytes body,
                 struct rind_transport_response *response)
{
    struct rind_transport_header header = {"X-Juicebox-Version", RIND_PROTOCOL_VERSION};
    struct rind_transport_request request = {
        .url = url, .headers = &header, .header_count = 1, .body = body, .timeout_ms = TIMEOUT_MS};
    struct rind_transport transport = rind_https_transport(https);
    memset(response, 0, sizeof(*response));
    transport.send(transport.self, &request, response);
}

static void requests_go_over_tls_in_the_best_version_both_speak(void **state)
{
    (void)state;
    static const enum rind_server_http2 modes[] = {RIND_SERVER_HTTP2_OFF, RIND_SERVER_HTTP2_ALPN};
    for (size_t i = 0; i < 2; i++) {
        struct service service;
        struct rind_transport_response response;
        service_open(&service, modes[i]);
        struct rind_https *https = https_trusting(service.files.certificate);
        for (unsigned n = 0; n < 20; n++) {
            post(https, service.url, RIND_TEXT("ping"), &response);
            assert_int_equal(response.status, i == 0 ? 200 : 201);
            assert_int_equal(response.body_size, 4);
            assert_memory_equal(response.body, "ping", 4);
        }
        assert_int_equal(rind_server_connection_count(service.server), 1);
        rind_https_free(https);
        service_close(&service);
    }
}

static void a_certificate_that_is_not_trusted_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    struct service service;
    struct service other;
    struct rind_transport_response response;
    service_open(&service, RIND_SERVER_HTTP2_ALPN);
    service_open(&other, RIND_SERVER_HTTP2_ALPN);
    const char *const files[] = {NULL, other.files.certificate, "/nonexistent/roots.pem"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct rind_https *https = https_trusting(files[i]);
        post(https, service.url, RIND_TEXT("ping"), &response);
        assert_int_equal(response.status, 0);
        assert_true(response.was_not_sent);
        assert_non_null(strstr(response.reason, "certificate"));
        rind_https_free(https);
    }
    assert_int_equal(atomic_load(&service.handled), 0);
    service_close(&other);
    service_close(&service);
}

static void a_certificate_for_another_host_is_refused(void **state)
{
    (void)state;
    struct service service;
    struct rind_transport_response response;
    char url[sizeof(service.url)];
    service_open(&service, RIND_SERVER_HTTP2_ALPN);
    struct rind_https *https = https_trusting(service.files.certificate);
    (void)snprintf(url, sizeof(url), "https://127.0.0.2%s", strrchr(service.url, ':'));
    post(https, url, RIND_TEXT("ping"), &response);
    assert_int_equal(response.status, 0);
    assert_true(response.was_not_sent);
    rind_https_free(https);
    service_close(&service);
}

/* ---- Many threads ---- */

struct poster {
    struct rind_https *https;
    const char *url;
    unsigned answered_count;
};

static void *post_many(void *argument)
{
    struct poster *poster = argument;
    for (unsigned i = 0; i < REQUESTS_PER_THREAD; i++) {
        struct rind_transport_response response;
        post(poster->https, poster->url, (struct rind_bytes){&i, sizeof(i)}, &response);
        poster->answered_count += response.status == 201 && response.body_size == sizeof(i) &&
                                  memcmp(response.body, &i, sizeof(i)) == 0;
    }
    return NULL;
}

static void threads_share_a_transport_and_its_connections(void **state)
{
    (void)state;
    struct service service;
    struct poster posters[THREADS];
    pthread_t threads[THREADS];
    service_open(&service, RIND_SERVER_HTTP2_ALPN);
    struct rind_https *https = https_trusting(service.files.certificate);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < THREADS; i++) {
            posters[i] = (struct poster){https, service.url, 0};
            assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_int_equal(posters[i].answered_count, REQUESTS_PER_THREAD);
        }
        assert_true(rind_server_connection_count(service.server) <= THREADS);
    }
    assert_int_equal(atomic_load(&service.handled), 2 * THREADS * REQUESTS_PER_THREAD);
    rind_https_free(https);
    service_close(&service);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_go_over_tls_in_the_best_version_both_speak),
        cmocka_unit_test(a_certificate_that_is_not_trusted_is_refused_before_anything_is_sent),
        cmocka_unit_test(a_certificate_for_another_host_is_refused),
        cmocka_unit_test(threads_share_a_transport_and_its_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
