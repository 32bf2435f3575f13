/* What `rind check` makes of certificates and of headers: against a server of this process. */
#include "cli/check/certificates.h"
#include "cli/check/line.h"
#include "cli/check/server_timing.h"

#include <string.h>

#include "net/net.h"
#include "support/test.h"
#include "support/tls_files.h"

#define NOW_UNIX_MS 1700000000000u
#define DAY_S 86400

/* ---- certificates ---- */

static bool is_bad(int64_t seconds_left, char sentence[256])
{
    struct rind_certificate_look look = {.url = "https://realm.example/",
                                         .has_expiry = true,
                                         .expiry_unix_s =
                                             (int64_t)(NOW_UNIX_MS / 1000u) + seconds_left};
    sentence[0] = '\0';
    return rind_certificate_is_bad(&look, NOW_UNIX_MS, sentence, 256);
}

static void a_certificate_fails_the_round_from_five_days_before_its_end(void **state)
{
    (void)state;
    char sentence[256];
    assert_false(is_bad(5 * DAY_S + 1, sentence));
    assert_string_equal(sentence, "");
    assert_true(is_bad(5 * DAY_S, sentence));
    assert_string_equal(sentence, "the certificate of https://realm.example/ expires in 5.0 days");
    assert_true(is_bad(DAY_S / 2, sentence));
    assert_string_equal(sentence, "the certificate of https://realm.example/ expires in 0.5 days");
    assert_true(is_bad(-2 * DAY_S, sentence));
    assert_string_equal(sentence, "the certificate of https://realm.example/ expired 2.0 days ago");
}

static void a_certificate_that_was_not_seen_fails_the_round_with_the_reason(void **state)
{
    (void)state;
    char sentence[256];
    struct rind_certificate_look look = {.url = "https://realm.example/", .reason = "no route"};
    assert_true(rind_certificate_is_bad(&look, NOW_UNIX_MS, sentence, sizeof(sentence)));
    assert_string_equal(sentence, "no certificate was seen at https://realm.example/: no route");
}

static void answer(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                   struct rind_response *response)
{
    (void)self;
    (void)ctx;
    (void)request;
    response->status = 404;
}

struct service {
    struct tls_files files;
    struct rind_server *server;
    char url[64];
};

static void service_open(struct service *service, long days)
{
    struct rind_ctx ctx;
    struct rind_server_options options = rind_server_options_default();
    rind_ctx_init(&ctx, NULL);
    tls_files_open(&service->files);
    tls_files_write(&service->files, TLS_FILES_EC_PKCS8, 1, days);
    assert_true(
        rind_is_ok(rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    options.handle = answer;
    options.name = "test";
    options.tls_certificate_file = service->files.certificate;
    options.tls_key_file = service->files.key;
    if (!rind_is_ok(rind_server_open(&ctx, &options, &service->server))) {
        fail_msg("%s", ctx.sentence);
    }
    struct rind_address address = rind_server_address(service->server);
    (void)snprintf(service->url, sizeof(service->url), "https://localhost:%u/",
                   rind_address_port(&address));
}

static void service_close(struct service *service)
{
    rind_server_close(service->server);
    tls_files_close(&service->files);
}

static struct rind_certificates *certificates_of(const char *const *urls, size_t count,
                                                 struct rind_configuration **configuration)
{
    static const struct rind_log log = {.sink = NULL};
    struct rind_realm realms[4];
    struct rind_ctx ctx;
    struct rind_certificates *certificates;
    char why[RIND_SENTENCE_SIZE];
    rind_ctx_init(&ctx, NULL);
    for (size_t i = 0; i < count; i++) {
        realms[i] = (struct rind_realm){.id = {(uint8_t)i}, .address = urls[i]};
    }
    *configuration = rind_configuration_new(realms, count, (uint32_t)count, (uint32_t)count,
                                            RIND_PIN_HASHING_FAST_INSECURE, why);
    assert_non_null(*configuration);
    const struct rind_certificates_options options = {
        .configuration = *configuration, .timeout_ns = 20 * RIND_NS_PER_S, .log = &log};
    assert_true(rind_is_ok(rind_certificates_open(&ctx, &options, &certificates)));
    return certificates;
}

static void an_expired_certificate_is_seen_with_its_date(void **state)
{
    (void)state;
    struct service service;
    service_open(&service, -3);
    struct rind_configuration *configuration;
    const char *const urls[] = {service.url, service.url, "http://localhost:1/"};
    struct rind_certificates *certificates = certificates_of(urls, 3, &configuration);
    assert_int_equal(rind_certificates_count(certificates), 1); /* one server, and one without */
    rind_certificates_look(certificates, rind_deadline_in_ms(20000));
    const struct rind_certificate_look *look = rind_certificates_get(certificates, 0);
    assert_true(look->has_expiry);
    double days = rind_certificate_days(look->expiry_unix_s, rind_clock_unix_ms());
    assert_true(days < -2.9 && days > -3.1);
    rind_certificates_close(certificates);
    rind_configuration_free(configuration);
    service_close(&service);
}

static void a_look_is_kept_for_a_while_but_a_failed_one_comes_again(void **state)
{
    (void)state;
    struct service service;
    service_open(&service, 90);
    struct rind_configuration *configuration;
    const char *const urls[] = {service.url};
    struct rind_certificates *certificates = certificates_of(urls, 1, &configuration);
    const struct rind_certificate_look *look = rind_certificates_get(certificates, 0);
    rind_certificates_look(certificates, rind_deadline_now());
    assert_false(look->has_expiry);
    assert_string_equal(look->reason, "the round's time is over");
    rind_certificates_look(certificates, rind_deadline_in_ms(20000));
    assert_true(look->has_expiry);
    service_close(&service);
    rind_certificates_look(certificates, rind_deadline_in_ms(20000)); /* asks nobody */
    assert_true(look->has_expiry);
    rind_certificates_close(certificates);
    rind_configuration_free(configuration);
}

/* ---- headers ---- */

static void server_timing_is_read_as_the_standard_writes_it(void **state)
{
    (void)state;
    static const char header[] =
        "cache;desc=\"a, b; cdn-pop;desc=no\", cdn-pop; desc=\"FRA56-P3\" , CDN-RID;x=1;"
        "DESC=\"q\\\"uote\", cdn-upstream-dns;dur=0, cdn-upstream-fbl;dur=12.5,cdn-pop;desc=second";
    static const struct {
        const char *metric;
        const char *parameter;
        const char *value; /* NULL: not there */
    } cases[] = {{"cdn-pop", "desc", "FRA56-P3"},
                 {"cdn-rid", "desc", "q\"uote"},
                 {"cdn-upstream-dns", "dur", "0"},
                 {"cdn-upstream-fbl", "dur", "12.5"},
                 {"cdn-upstream-fbl", "desc", NULL},
                 {"cdn-downstream-fbl", "dur", NULL},
                 {"pop", "desc", NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64] = "";
        bool is_found = rind_server_timing_find(header, cases[i].metric, cases[i].parameter, text,
                                                sizeof(text));
        assert_true(is_found == (cases[i].value != NULL));
        assert_string_equal(text, is_found ? cases[i].value : "");
    }
}

static void malformed_timings_end_in_printable_text_or_nothing(void **state)
{
    (void)state;
    static const char *const headers[] = {"",
                                          ";",
                                          ",,,;;;===",
                                          "cdn-pop",
                                          "cdn-pop;",
                                          "cdn-pop;=",
                                          "cdn-pop;desc",
                                          "\"cdn-pop",
                                          "cdn-pop;desc=\"open\\",
                                          "cdn-pop;desc=\x1b[31m\x07"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        char text[8] = "";
        (void)rind_server_timing_find(headers[i], "cdn-pop", "desc", text, sizeof(text));
        for (const char *at = text; *at != '\0'; at++) {
            assert_true(*at >= ' ' && *at <= '~');
        }
    }
}

static const char *header_of(const struct rind_https_exchange *exchange, const char *name,
                             size_t index)
{
    const char *const *headers = exchange->transport_self; /* name, value, name, value, NULL */
    for (; headers[0] != NULL; headers += 2) {
        if (strcmp(headers[0], name) == 0 && index-- == 0) {
            return headers[1];
        }
    }
    return NULL;
}

static void what_a_network_tells_is_put_into_words(void **state)
{
    (void)state;
    static const char *const cloud_front[] = {"server-timing",
                                              "cdn-rid;desc=\"42\"",
                                              "server-timing",
                                              "cdn-pop;desc=\"AMS\"",
                                              "cf-ray",
                                              "ignored",
                                              NULL};
    static const char *const cloud_flare[] = {"cf-ray", "8a\x1b", NULL};
    static const char *const nothing[] = {NULL};
    struct rind_https_exchange exchange = {.header = header_of};
    char text[RIND_SERVER_TIMING_TEXT_SIZE];
    exchange.transport_self = (void *)(uintptr_t)cloud_front;
    rind_server_timing_describe(&exchange, text);
    assert_string_equal(text, "cdn-pop AMS, cdn-rid 42");
    exchange.transport_self = (void *)(uintptr_t)cloud_flare;
    rind_server_timing_describe(&exchange, text);
    assert_string_equal(text, "cf-ray 8a?");
    exchange.transport_self = (void *)(uintptr_t)nothing;
    rind_server_timing_describe(&exchange, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_fails_the_round_from_five_days_before_its_end),
        cmocka_unit_test(a_certificate_that_was_not_seen_fails_the_round_with_the_reason),
        cmocka_unit_test(an_expired_certificate_is_seen_with_its_date),
        cmocka_unit_test(a_look_is_kept_for_a_while_but_a_failed_one_comes_again),
        cmocka_unit_test(server_timing_is_read_as_the_standard_writes_it),
        cmocka_unit_test(malformed_timings_end_in_printable_text_or_nothing),
        cmocka_unit_test(what_a_network_tells_is_put_into_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
