/* test_server_tls.c - handshakes, key files, reload while serving. */
#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "server_fixture.h"
#include "support/raw_client.h"
#include "support/test.h"
#include "support/tls_files.h"

struct tls_client {
    SSL_CTX *context;
    SSL *session;
    int fd;
};

/* Connects with OpenSSL; `alpn` in wire form or NULL. False if the handshake fails. */
static bool tls_client_open(struct tls_client *client, const struct rind_address *address,
                            const char *alpn, SSL_SESSION *resumed)
{
    client->context = SSL_CTX_new(TLS_client_method());
    client->session = SSL_new(client->context);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)(const void *)&address->storage,
                             address->length),
                     0);
    assert_int_equal(SSL_set_fd(client->session, client->fd), 1);
    if (alpn != NULL) {
        (void)SSL_set_alpn_protos(client->session, (const unsigned char *)alpn,
                                  (unsigned)strlen(alpn));
    }
    if (resumed != NULL) {
        assert_int_equal(SSL_set_session(client->session, resumed), 1);
    }
    return SSL_connect(client->session) == 1;
}

static void tls_client_close(struct tls_client *client)
{
    (void)SSL_shutdown(client->session); /* without it OpenSSL forgets the ticket */
    SSL_free(client->session);
    SSL_CTX_free(client->context);
    (void)close(client->fd);
    ERR_clear_error();
}

static long tls_client_serial(const struct tls_client *client)
{
    X509 *certificate = SSL_get1_peer_certificate(client->session);
    long serial = ASN1_INTEGER_get(X509_get_serialNumber(certificate));
    X509_free(certificate);
    return serial;
}

/* GET /meta over the open session; the answer's text. */
static void tls_client_get(struct tls_client *client, char *answer, size_t size)
{
    static const char request[] = "GET /meta HTTP/1.1\r\n\r\n";
    assert_int_equal(SSL_write(client->session, request, sizeof(request) - 1), sizeof(request) - 1);
    int got = SSL_read(client->session, answer, (int)size - 1);
    assert_true(got > 0);
    answer[got] = '\0';
}

static void tls_fixture_open(struct fixture *fixture, struct tls_files *files,
                             enum tls_files_key kind)
{
    tls_files_open(files);
    tls_files_write(files, kind, 1, 30);
    fixture_prepare(fixture);
    fixture->options.http2 = RIND_SERVER_HTTP2_ALPN;
    fixture->options.tls_certificate_file = files->certificate;
    fixture->options.tls_key_file = files->key;
    fixture_open(fixture);
}

static void tls_fixture_close(struct fixture *fixture, struct tls_files *files)
{
    fixture_close(fixture);
    tls_files_close(files);
}

static void keys_of_all_kinds_are_served(void **state)
{
    (void)state;
    static const enum tls_files_key kinds[] = {TLS_FILES_EC_PKCS8, TLS_FILES_EC_SEC1,
                                               TLS_FILES_RSA_PKCS1, TLS_FILES_ED25519};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct fixture fixture;
        struct tls_files files;
        struct tls_client client;
        tls_fixture_open(&fixture, &files, kinds[i]);
        assert_true(tls_client_open(&client, &fixture.address, NULL, NULL));
        char answer[1024];
        tls_client_get(&client, answer, sizeof(answer));
        assert_non_null(strstr(answer, "GET /meta  (none) 0 1"));
        tls_client_close(&client);
        tls_fixture_close(&fixture, &files);
    }
}

static void alpn_chooses_h2_first_and_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        const char *offered;
        const char *chosen; /* NULL: the handshake fails */
    } cases[] = {
        {"\x02h2", "h2"},
        {"\x08http/1.1", "http/1.1"},
        {"\x08http/1.1\x02h2", "h2"},
        {"\x02h3\x08http/1.1", "http/1.1"},
        {"\x08http/1.0", NULL},
        {NULL, ""},
    };
    struct fixture fixture;
    struct tls_files files;
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_client client;
        bool is_open = tls_client_open(&client, &fixture.address, cases[i].offered, NULL);
        assert_int_equal(is_open, cases[i].chosen != NULL);
        if (is_open) {
            const unsigned char *protocol = NULL;
            unsigned length = 0;
            SSL_get0_alpn_selected(client.session, &protocol, &length);
            assert_int_equal(length, strlen(cases[i].chosen));
            assert_true(length == 0 || memcmp(protocol, cases[i].chosen, length) == 0);
        }
        tls_client_close(&client);
    }
    tls_fixture_close(&fixture, &files);
}

static bool offers(const struct fixture *fixture, int version, const char *suites)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);
    (void)SSL_CTX_set_min_proto_version(context, version);
    (void)SSL_CTX_set_max_proto_version(context, version);
    if (suites != NULL) {
        assert_int_equal(SSL_CTX_set_cipher_list(context, suites), 1);
    }
    SSL *session = SSL_new(context);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&fixture->address.storage,
                             fixture->address.length),
                     0);
    (void)SSL_set_fd(session, fd);
    bool is_open = SSL_connect(session) == 1;
    SSL_free(session);
    SSL_CTX_free(context);
    (void)close(fd);
    ERR_clear_error();
    return is_open;
}

static void only_modern_versions_and_suites_are_accepted(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    assert_true(offers(&fixture, TLS1_3_VERSION, NULL));
    assert_true(offers(&fixture, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"));
    assert_true(offers(&fixture, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"));
    assert_false(offers(&fixture, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256"));
    assert_false(offers(&fixture, TLS1_1_VERSION, NULL));
    tls_fixture_close(&fixture, &files);
}

static void a_session_is_resumed(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    struct tls_client client;
    char answer[1024];
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    assert_true(tls_client_open(&client, &fixture.address, NULL, NULL));
    tls_client_get(&client, answer, sizeof(answer)); /* the ticket comes before the answer */
    SSL_SESSION *session = SSL_get1_session(client.session);
    tls_client_close(&client);
    assert_true(SSL_SESSION_is_resumable(session));
    assert_true(tls_client_open(&client, &fixture.address, NULL, session));
    assert_int_equal(SSL_session_reused(client.session), 1);
    tls_client_close(&client);
    SSL_SESSION_free(session);
    tls_fixture_close(&fixture, &files);
}

static void plain_bytes_and_slow_handshakes_end_only_their_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    struct raw_client plain;
    struct raw_client slow;
    tls_files_open(&files);
    tls_files_write(&files, TLS_FILES_EC_PKCS8, 1, 30);
    fixture_prepare(&fixture);
    fixture.options.http2 = RIND_SERVER_HTTP2_ALPN;
    fixture.options.tls_certificate_file = files.certificate;
    fixture.options.tls_key_file = files.key;
    fixture.options.tls_handshake_timeout_ns = 50 * RIND_NS_PER_MS;
    fixture_open(&fixture);
    raw_client_open(&plain, &fixture.address);
    raw_client_send_text(&plain, "GET /meta HTTP/1.1\r\n\r\n");
    raw_client_read_to_end(&plain);
    raw_client_open(&slow, &fixture.address);
    raw_client_send(&slow, "\x16\x03\x01", 3);
    raw_client_read_to_end(&slow);
    assert_int_equal(slow.length, 0);
    raw_client_close(&plain);
    raw_client_close(&slow);
    assert_int_equal(fixture.handled, 0);
    struct tls_client client;
    assert_true(tls_client_open(&client, &fixture.address, NULL, NULL));
    tls_client_close(&client);
    tls_fixture_close(&fixture, &files);
}

/* Opening with these files fails with a sentence that holds both texts. */
static void expect_refused(struct tls_files *files, const char *named, const char *reason)
{
    struct fixture fixture;
    fixture_prepare(&fixture);
    fixture.options.tls_certificate_file = files->certificate;
    fixture.options.tls_key_file = files->key;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_false(rind_is_ok(rind_server_open(&ctx, &fixture.options, &fixture.server)));
    if (strstr(ctx.sentence, named) == NULL || strstr(ctx.sentence, reason) == NULL) {
        fail_msg("expected '%s' and '%s' in: %s", named, reason, ctx.sentence);
    }
    fixture.server = NULL;
    fixture_close(&fixture);
}

static void bad_key_files_are_named_with_the_remedy(void **state)
{
    (void)state;
    struct tls_files files;
    struct tls_files other;
    tls_files_open(&files);
    tls_files_open(&other);
    tls_files_write(&files, TLS_FILES_EC_PKCS8, 1, 30);
    tls_files_write(&other, TLS_FILES_EC_PKCS8, 2, 30);

    struct tls_files mixed = files;
    memcpy(mixed.key, other.key, sizeof(mixed.key));
    expect_refused(&mixed, other.key, "issued together");
    tls_files_write(&other, TLS_FILES_RSA_PKCS1, 2, 30);
    expect_refused(&mixed, other.key, "issued together");

    tls_files_put(other.key, "");
    expect_refused(&mixed, other.key, "PRIVATE KEY");
    tls_files_put(other.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    expect_refused(&mixed, other.key, "PRIVATE KEY");
    tls_files_put(other.key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                             "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiZ9ZyWBtYcxwICCAAw\n"
                             "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJrmKyNXUHYWEkHxGXdVRDMEgZDp\n"
                             "-----END ENCRYPTED PRIVATE KEY-----\n");
    expect_refused(&mixed, other.key, "key");
    assert_int_equal(unlink(other.key), 0);
    expect_refused(&mixed, other.key, "no file");

    struct tls_files empty = files;
    memcpy(empty.certificate, other.certificate, sizeof(empty.certificate));
    tls_files_put(other.certificate, "no certificate in here\n");
    expect_refused(&empty, other.certificate, "holds no certificate");
    tls_files_put(other.certificate,
                  "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    expect_refused(&empty, other.certificate, "cannot be read");
    assert_int_equal(unlink(other.certificate), 0);
    expect_refused(&empty, other.certificate, "no file");
    tls_files_close(&files);
    tls_files_close(&other);
}

static void a_reload_serves_the_new_certificate_and_keeps_connections(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    struct tls_client old;
    struct tls_client fresh;
    char answer[1024];
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    assert_true(tls_client_open(&old, &fixture.address, NULL, NULL));
    assert_int_equal(tls_client_serial(&old), 1);
    tls_files_write(&files, TLS_FILES_RSA_PKCS1, 2, 30);
    assert_true(rind_is_ok(rind_server_reload_tls(&ctx, fixture.server)));
    assert_true(tls_client_open(&fresh, &fixture.address, NULL, NULL));
    assert_int_equal(tls_client_serial(&fresh), 2);
    tls_client_get(&old, answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK"));
    tls_client_close(&old);
    tls_client_close(&fresh);

    tls_files_put(files.key, "broken");
    assert_false(rind_is_ok(rind_server_reload_tls(&ctx, fixture.server)));
    assert_non_null(strstr(ctx.sentence, files.key));
    assert_non_null(strstr(ctx.sentence, "stay in use"));
    assert_true(tls_client_open(&fresh, &fixture.address, NULL, NULL));
    assert_int_equal(tls_client_serial(&fresh), 2);
    tls_client_close(&fresh);
    tls_fixture_close(&fixture, &files);
}

struct load {
    struct rind_thread thread;
    struct rind_stopper *stop;
    char url[128];
    bool uses_http2;
    bool is_kept;
    unsigned made;
    unsigned failed;
};

static size_t load_swallow(char *data, size_t size, size_t count, void *self)
{
    (void)data;
    (void)self;
    return size * count;
}

static void load_run(void *self)
{
    struct load *load = self;
    CURL *curl = curl_easy_init();
    (void)curl_easy_setopt(curl, CURLOPT_URL, load->url);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, load_swallow);
    (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "hello");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 20000L);
    (void)curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, load->is_kept ? 0L : 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                           load->uses_http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    while (!rind_stopper_is_set(load->stop)) {
        long status = 0;
        long version = 0;
        CURLcode code = curl_easy_perform(curl);
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
        long expected = load->uses_http2 ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1;
        load->made++;
        load->failed += code == CURLE_OK && status == 200 && version == expected ? 0 : 1;
    }
    curl_easy_cleanup(curl);
}

static void reloading_under_load_drops_no_request(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    struct rind_ctx ctx;
    struct rind_stopper stop;
    struct load loads[4];
    rind_ctx_init(&ctx, NULL);
    assert_int_equal(curl_global_init(CURL_GLOBAL_DEFAULT), 0);
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    assert_true(rind_is_ok(rind_stopper_init(&ctx, &stop)));
    char address[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&fixture.address, address);
    for (size_t i = 0; i < 4; i++) {
        loads[i] = (struct load){.stop = &stop, .uses_http2 = i % 2 == 0, .is_kept = i < 2};
        (void)snprintf(loads[i].url, sizeof(loads[i].url), "https://%.64s/echo", address);
        assert_true(
            rind_is_ok(rind_thread_start(&ctx, &loads[i].thread, "load", load_run, &loads[i])));
    }
    for (long serial = 2; serial < 30; serial++) {
        tls_files_write(&files, serial % 2 == 0 ? TLS_FILES_ED25519 : TLS_FILES_EC_SEC1, serial,
                        30);
        assert_true(rind_is_ok(rind_server_reload_tls(&ctx, fixture.server)));
        (void)rind_stopper_wait(&stop, rind_deadline_in_ms(10));
    }
    rind_stopper_set(&stop);
    for (size_t i = 0; i < 4; i++) {
        rind_thread_join(&loads[i].thread);
        assert_true(loads[i].made > 0);
        assert_int_equal(loads[i].failed, 0);
    }
    rind_stopper_fini(&stop);
    tls_fixture_close(&fixture, &files);
    curl_global_cleanup();
}

static void an_expired_certificate_is_still_served(void **state)
{
    (void)state;
    struct fixture fixture;
    struct tls_files files;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    tls_fixture_open(&fixture, &files, TLS_FILES_EC_PKCS8);
    tls_files_write(&files, TLS_FILES_EC_PKCS8, 9, -1);
    assert_true(rind_is_ok(rind_server_reload_tls(&ctx, fixture.server)));
    struct tls_client client;
    assert_true(tls_client_open(&client, &fixture.address, NULL, NULL));
    assert_int_equal(tls_client_serial(&client), 9);
    tls_client_close(&client);
    tls_fixture_close(&fixture, &files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_all_kinds_are_served),
        cmocka_unit_test(alpn_chooses_h2_first_and_refuses_what_it_does_not_know),
        cmocka_unit_test(only_modern_versions_and_suites_are_accepted),
        cmocka_unit_test(a_session_is_resumed),
        cmocka_unit_test(plain_bytes_and_slow_handshakes_end_only_their_connection),
        cmocka_unit_test(bad_key_files_are_named_with_the_remedy),
        cmocka_unit_test(a_reload_serves_the_new_certificate_and_keeps_connections),
        cmocka_unit_test(reloading_under_load_drops_no_request),
        cmocka_unit_test(an_expired_certificate_is_still_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
