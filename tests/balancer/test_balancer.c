/* test_balancer.c - paths, headers, bodies and tokens as clients see them (07 sections 3 to 7). */
#include "balancer/world.h"

#include <string.h>
#include <unistd.h>

#include "host/host.h"
#include "support/test.h"
#include "support/vectors.h"
#include "wire/codec.h"

static struct world world;
static struct web_answer answer;

static int setup(void **state)
{
    (void)state;
    world_open(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void send_to(const char *method, const char *path, struct rind_slice body,
                    const char *version_header)
{
    struct web_request request = {
        .method = method, .path = path, .body = body, .headers = {version_header}};
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
}

#define VERSION "X-Juicebox-Version: 0.3.0"
#define NOTHING rind_slice_make(NULL, 0)

static void assert_exec_time(void)
{
    const char *value = web_header(&answer, "x-exec-time");
    assert_non_null(value);
    assert_true(strlen(value) > 0);
    assert_int_equal(strspn(value, "0123456789"), strlen(value));
}

static void assert_open_to_any_origin(bool is_open)
{
    const char *value = web_header(&answer, "access-control-allow-origin");
    assert_int_equal(value != NULL, is_open);
    if (is_open) {
        assert_string_equal(value, "*");
    }
}

/* --- paths, methods, headers --- */

static void every_path_and_method_answers_as_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        const char *path;
        long status;
        const char *body; /* NULL: not compared */
        bool is_open;
    } rows[] = {
        {"GET", "/livez", 200, NULL, false},
        {"GET", "/livez?x=1", 200, NULL, false},
        {"POST", "/livez", 405, "Not Allowed", false},
        {"HEAD", "/livez", 405, "", false},
        {"OPTIONS", "/livez", 405, "Not Allowed", false},
        {"GET", "/req", 405, "Not Allowed", false},
        {"PUT", "/req", 405, "Not Allowed", false},
        {"HEAD", "/req", 405, "", false},
        {"OPTIONS", "/req", 200, "No Content", true},
        {"POST", "/req?x=1", 400, "mDecodingError", true},
        {"POST", "/req/", 404, "Not Found", false},
        {"POST", "/", 404, "Not Found", false},
        {"GET", "/rttest", 404, "Not Found", false},
        {"OPTIONS", "/rttest", 404, "Not Found", false},
        {"GET", "/nothing", 404, "Not Found", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        send_to(rows[i].method, rows[i].path, NOTHING, VERSION);
        if (answer.error != CURLE_OK || answer.status != rows[i].status) {
            fail_msg("%s %s: curl %d, status %ld", rows[i].method, rows[i].path, answer.error,
                     answer.status);
        }
        if (rows[i].body != NULL) {
            assert_true(web_body_is(&answer, rows[i].body));
        }
        assert_exec_time();
        assert_open_to_any_origin(rows[i].is_open);
        assert_null(web_header(&answer, "content-type"));
        assert_non_null(web_header(&answer, "date"));
    }
}

static void a_preflight_allows_post_from_anywhere(void **state)
{
    (void)state;
    send_to("OPTIONS", "/req", NOTHING, NULL); /* no version header needed */
    assert_int_equal(answer.status, 200);
    assert_string_equal(web_header(&answer, "access-control-allow-headers"), "*");
    assert_string_equal(web_header(&answer, "access-control-allow-methods"), "POST");
}

static void livez_tells_name_and_build_until_shutdown_is_announced(void **state)
{
    (void)state;
    send_to("GET", "/livez", NOTHING, NULL);
    answer.body[answer.body_length] = '\0';
    const char *text = (const char *)answer.body;
    assert_memory_equal(text, "Juicebox load balancer: ", 24);
    assert_non_null(strstr(text, "\nname: lb-test\nversion: "));
    assert_non_null(strstr(text, "\ngit hash: "));
    assert_int_equal(text[answer.body_length - 1], '\n');
    rind_balancer_announce_shutdown(world.balancer);
    send_to("GET", "/livez", NOTHING, NULL);
    assert_int_equal(answer.status, 200);
    assert_true(web_body_is(&answer, "Shutting down"));
}

static void only_new_enough_sdks_are_served(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool is_accepted;
    } rows[] = {
        {NULL, false},
        {"X-Juicebox-Version: 0.2.99", false},
        {"X-Juicebox-Version: 0.3.0", true},
        {"x-juicebox-version: 0.3.0-rc.1+x", true},
        {"X-JUICEBOX-VERSION: 1.0.0", true},
        {"X-Juicebox-Version: 0.3", false},
        {"X-Juicebox-Version: garbage", false},
        {"X-Juicebox-Version: 0.3.\xc3\xa9", false},
        {"X-Juicebox-Version;", false}, /* empty value */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        send_to("POST", "/req", NOTHING, rows[i].header);
        assert_int_equal(answer.status, rows[i].is_accepted ? 400 : 426);
        if (!rows[i].is_accepted) {
            assert_true(web_body_is(&answer, "SDK upgrade required to version >=0.3"));
        }
        assert_exec_time();
        assert_open_to_any_origin(true);
    }
}

static void the_first_of_two_version_headers_counts(void **state)
{
    (void)state;
    struct web_request request = {
        .path = "/req", .headers = {"X-Juicebox-Version: 0.2.0", "X-Juicebox-Version: 0.3.0"}};
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 426);
    request.headers[0] = "X-Juicebox-Version: 0.3.0";
    request.headers[1] = "X-Juicebox-Version: 0.2.0";
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 400);
}

/* --- bodies --- */

static void a_body_of_2048_bytes_is_decoded_and_of_2049_is_too_large(void **state)
{
    (void)state;
    uint8_t body[2049];
    memset(body, 0x01, sizeof(body));
    for (int is_http2 = 0; is_http2 <= 1; is_http2++) {
        struct web_request request = {.path = "/req",
                                      .body = rind_slice_make(body, 2048),
                                      .headers = {VERSION},
                                      .is_http2 = is_http2 != 0};
        web_send(NULL, world.port, world.certificate_path, &request, &answer);
        assert_int_equal(answer.status, 400);
        assert_true(web_body_is(&answer, "mDecodingError"));
        request.body.length = 2049;
        web_send(NULL, world.port, world.certificate_path, &request, &answer);
        assert_int_equal(answer.status, 413);
        assert_true(web_body_is(&answer, "oPayloadTooLarge"));
        assert_open_to_any_origin(true);
        assert_exec_time();
    }
}

static void an_old_sdk_is_told_so_even_if_its_body_is_too_large(void **state)
{
    (void)state;
    uint8_t body[3000] = {0};
    send_to("POST", "/req", RIND_SLICE_OF(body), "X-Juicebox-Version: 0.2.0");
    assert_int_equal(answer.status, 426);
}

static void bytes_after_the_request_are_ignored(void **state)
{
    (void)state;
    uint8_t body[2048];
    (void)world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    struct rind_slice request =
        world_request_body(&world, WORLD_REALM, world_token(&world, "mario"), true);
    memcpy(body, request.data, request.length);
    memset(body + request.length, 0xff, 10);
    world_post(&world, rind_slice_make(body, request.length + 10), &answer);
    assert_int_equal(answer.status, 200);
}

static void rttest_answers_167_bytes_after_a_tenth_of_a_second(void **state)
{
    (void)state;
    uint8_t body[2049] = {0};
    static const size_t sizes[] = {0, 2048};
    for (size_t i = 0; i < 2; i++) {
        uint64_t start_ns = rind_clock_monotonic_ns();
        send_to("POST", "/rttest", rind_slice_make(body, sizes[i]), NULL);
        assert_int_equal(answer.status, 200);
        assert_int_equal(answer.body_length, 167);
        for (size_t j = 0; j < 167; j++) {
            assert_int_equal(answer.body[j], 'A');
        }
        assert_true(rind_clock_monotonic_ns() - start_ns >= 100 * RIND_NS_PER_MS);
        assert_exec_time();
        assert_true(strtoull(web_header(&answer, "x-exec-time"), NULL, 10) >= 100000000);
        assert_open_to_any_origin(false);
    }
    send_to("POST", "/rttest", RIND_SLICE_OF(body), NULL);
    assert_int_equal(answer.status, 413);
    assert_int_equal(answer.body_length, 0);
    send_to("GET", "/livez", NOTHING, NULL); /* it lives */
    assert_int_equal(answer.status, 200);
}

static void both_http_versions_are_spoken_over_tls(void **state)
{
    (void)state;
    struct web_request request = {.method = "GET", .path = "/livez", .is_http2 = true};
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.http_version, CURL_HTTP_VERSION_2_0);
    assert_exec_time();
    request.is_http2 = false;
    web_send(NULL, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.http_version, CURL_HTTP_VERSION_1_1);
}

static void a_header_list_beyond_4096_bytes_is_431_and_the_connection_lives(void **state)
{
    (void)state;
    char big[5000];
    memset(big, 'x', sizeof(big));
    memcpy(big, "x-big: ", 7);
    big[sizeof(big) - 1] = '\0';
    CURL *curl = curl_easy_init();
    struct web_request request = {
        .method = "GET", .path = "/livez", .headers = {big}, .is_http2 = true};
    web_send(curl, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 431);
    assert_null(web_header(&answer, "x-exec-time"));
    request.headers[0] = NULL;
    web_send(curl, world.port, world.certificate_path, &request, &answer);
    assert_int_equal(answer.status, 200);
    curl_easy_cleanup(curl);
}

/* --- tokens --- */

static long post_with_token(struct rind_slice token)
{
    world_post(&world, world_request_body(&world, WORLD_REALM, token, true), &answer);
    return answer.status;
}

static struct rind_slice token_of(const char *tenant, uint64_t version, uint8_t realm,
                                  enum rind_token_scope scope, uint64_t now_ms,
                                  const struct rind_token_key *key)
{
    struct rind_slice token;
    struct rind_token_grant grant = {.tenant = rind_slice_text(tenant),
                                     .user = rind_slice_text("mario"),
                                     .scope = scope,
                                     .key_version = version};
    memset(grant.realm.bytes, realm, sizeof(grant.realm.bytes));
    assert_true(rind_is_ok(rind_token_create(&world.ctx, &grant, key, now_ms, &token)));
    return token;
}

static void tokens_decide_who_is_served(void **state)
{
    (void)state;
    struct fake_agent *agent = world_add_agent(&world, 0, 1);
    struct rind_token_key *key = NULL;
    uint64_t now = rind_clock_unix_ms();
    assert_true(rind_is_ok(rind_token_key_new_signing(&world.ctx, RIND_TOKEN_HS256,
                                                      rind_slice_text(WORLD_KEY), &key)));
    world_wait_for_status(&world, 200);
    unsigned served = fake_agent_app_count(agent);
    const struct {
        struct rind_slice token;
        long status;
    } rows[] = {
        {token_of(WORLD_TENANT, 1, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now, key), 200},
        {token_of(WORLD_TENANT, 1, WORLD_REALM, RIND_TOKEN_SCOPE_NONE, now, key), 200},
        {token_of(WORLD_TENANT, 1, WORLD_REALM, RIND_TOKEN_SCOPE_AUDIT, now, key), 401},
        {token_of(WORLD_TENANT, 2, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now, key), 401},
        {token_of("other", 1, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now, key), 401},
        {token_of("broken", 1, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now, key), 401},
        {token_of("broken", 2, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now, key), 401},
        {token_of(WORLD_TENANT, 1, 0x06, RIND_TOKEN_SCOPE_USER, now, key), 401},
        {token_of(WORLD_TENANT, 1, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now - 700000, key), 401},
        {token_of(WORLD_TENANT, 1, WORLD_REALM, RIND_TOKEN_SCOPE_USER, now + 60000, key), 401},
        {rind_slice_text("bogus"), 401},
        {rind_slice_text(""), 401},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        long status = post_with_token(rows[i].token);
        if (status != rows[i].status) {
            fail_msg("token %zu: status %ld", i, status);
        }
        if (status == 401) {
            assert_true(web_body_is(&answer, "kInvalidAuth"));
            assert_open_to_any_origin(true);
            assert_exec_time();
        }
    }
    assert_int_equal(fake_agent_app_count(agent), served + 2); /* refused ones reach no agent */
    rind_token_key_free(key);
}

static void public_key_tokens_are_accepted(void **state)
{
    (void)state;
    static const struct {
        enum rind_token_algorithm algorithm;
        const char *tenant;
        const char *secret_algorithm;
        const char *signing;
        const char *verifying;
    } rows[] = {
        {RIND_TOKEN_EDDSA, "ed", "Edwards25519", "ed25519_pkcs8", "ed25519_spki"},
        {RIND_TOKEN_RS256, "rsa", "RsaPkcs1Sha256", "rsa2048_pkcs8", "rsa2048_pkcs1"},
    };
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *keys = rind_vectors_get(vectors, "keys");
    char more[8192] = "";
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(more);
        snprintf(
            more + length, sizeof(more) - length,
            ",\"tenant-%s\":{\"7\":{\"data\":\"%s\",\"encoding\":\"Hex\",\"algorithm\":\"%s\"}}",
            rows[i].tenant, rind_vectors_text(keys, rows[i].verifying), rows[i].secret_algorithm);
    }
    world_put_secrets(&world, world_secrets_json(more));
    (void)world_add_agent(&world, 0, 1);
    for (size_t i = 0; i < 2; i++) {
        struct rind_token_key *key = NULL;
        assert_true(rind_is_ok(rind_token_key_new_signing(
            &world.ctx, rows[i].algorithm, rind_vectors_hex(keys, rows[i].signing, &world.arena),
            &key)));
        struct rind_slice token = token_of(rows[i].tenant, 7, WORLD_REALM, RIND_TOKEN_SCOPE_USER,
                                           rind_clock_unix_ms(), key);
        struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
        while (post_with_token(token) != 200) {
            assert_false(rind_deadline_has_expired(deadline));
        }
        rind_token_key_free(key);
    }
    json_decref(vectors);
}

static void edited_secrets_take_effect_and_broken_ones_do_not(void **state)
{
    (void)state;
    (void)world_add_agent(&world, 0, 1);
    world_wait_for_status(&world, 200);
    world_put_secrets(&world, "{ broken");
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(world_try(&world), 200);
    }
    world_put_secrets(&world, "{}"); /* the version is gone */
    world_wait_for_status(&world, 401);
    world_put_secrets(&world, world_secrets_json(""));
    world_wait_for_status(&world, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(every_path_and_method_answers_as_the_table_says),
        CASE(a_preflight_allows_post_from_anywhere),
        CASE(livez_tells_name_and_build_until_shutdown_is_announced),
        CASE(only_new_enough_sdks_are_served),
        CASE(the_first_of_two_version_headers_counts),
        CASE(a_body_of_2048_bytes_is_decoded_and_of_2049_is_too_large),
        CASE(an_old_sdk_is_told_so_even_if_its_body_is_too_large),
        CASE(bytes_after_the_request_are_ignored),
        CASE(rttest_answers_167_bytes_after_a_tenth_of_a_second),
        CASE(both_http_versions_are_spoken_over_tls),
        CASE(a_header_list_beyond_4096_bytes_is_431_and_the_connection_lives),
        CASE(tokens_decide_who_is_served),
        CASE(public_key_tokens_are_accepted),
        CASE(edited_secrets_take_effect_and_broken_ones_do_not),
#undef CASE
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
