/* test_software_http.c - the HTTP side of a software realm: order of checks, texts, limits, faults
 * of the store (05 section 13.3). */
#include <sodium.h>
#include <string.h>

#include "realm.h"

#define CLAIMS_OF(who) "{" who ",\"scope\":\"user\"}"
#define HEADER_HS256 "{\"alg\":\"HS256\",\"kid\":\"acme:1\"}"
#define AUD "\"aud\":\"fafafafafafafafafafafafafafafafa\""
#define INVALID_JSON "{\"message\":\"invalid or expired jwt\"}\n"
#define MISSING_JSON "{\"message\":\"missing or malformed jwt\"}\n"

static int open_realm(void **state)
{
    static struct realm realm;
    realm_open(&realm, REALM_MEMORY);
    *state = &realm;
    return 0;
}

static int close_realm(void **state)
{
    realm_close(*state);
    return 0;
}

static const char *bearer(struct realm *realm, const char *token)
{
    char *text = rind_arena_alloc(realm->arena, strlen(token) + 64);
    (void)sprintf(text, "Authorization: Bearer %s", token);
    return text;
}

static void expect(const struct realm *realm, const struct realm_request *request, unsigned status,
                   const char *body)
{
    struct realm_answer answer;
    realm_send(realm, request, &answer);
    if (answer.status != status || !realm_body_is(&answer, body)) {
        fail_msg("%u '%.*s' instead of %u '%s'", answer.status, (int)answer.body_size,
                 (const char *)answer.body, status, body);
    }
    assert_non_null(strstr(answer.head, "access-control-allow-origin: *"));
    assert_non_null(strstr(answer.head, "x-exec-time: "));
}

static void checks_come_in_the_order_of_the_specification(void **state)
{
    struct realm *realm = *state;
    static uint8_t bytes[2001];
    struct rind_slice too_large = rind_slice_make(bytes, 2001);
    struct rind_slice garbage = rind_slice_make(bytes, 2000);
    const char *good = bearer(realm, realm->token);
    const char *audit =
        bearer(realm, realm_forge(realm, HEADER_HS256,
                                  "{\"iss\":\"acme\",\"sub\":\"m\"," AUD ",\"scope\":\"audit\"}"));
    const char *version = "X-Juicebox-Version: 0.2.0";
    const struct realm_request everything_wrong = {.body = too_large};
    expect(realm, &everything_wrong, 413, "{\"message\":\"Request Entity Too Large\"}\n");
    const struct realm_request no_token = {.body = garbage};
    expect(realm, &no_token, 401, MISSING_JSON);
    const struct realm_request bad_token = {.headers = {"Authorization: Bearer x.y.z"},
                                            .body = garbage};
    expect(realm, &bad_token, 401, INVALID_JSON);
    const struct realm_request no_version = {.headers = {audit}, .body = garbage};
    expect(realm, &no_version, 426, "SDK upgrade required");
    const struct realm_request old = {.headers = {audit, "X-Juicebox-Version: 0.1.9"},
                                      .body = garbage};
    expect(realm, &old, 426, "SDK upgrade required");
    const struct realm_request bad_claims = {.headers = {audit, version}, .body = garbage};
    expect(realm, &bad_claims, 401, "Error reading user from jwt");
    const struct realm_request bad_body = {.headers = {good, version}, .body = garbage};
    expect(realm, &bad_body, 400, "Error unmarshalling request body");
    const struct realm_request fine = {.headers = {good, version},
                                       .body = rind_slice_text("\x69Register1")};
    expect(realm, &fine, 200, "\xa1\x69Register1\x62Ok");
}

static void a_body_of_unknown_length_fails_where_it_is_read(void **state)
{
    struct realm *realm = *state;
    static uint8_t bytes[2001];
    const char *good = bearer(realm, realm->token);
    struct realm_request request = {.body = rind_slice_make(bytes, 2001), .is_chunked = true};
    expect(realm, &request, 401, MISSING_JSON);
    request.headers[0] = good;
    expect(realm, &request, 426, "SDK upgrade required");
    request.headers[1] = "X-Juicebox-Version: 1";
    expect(realm, &request, 500, "Error reading request body");
    request.body.length = 2000;
    expect(realm, &request, 400, "Error unmarshalling request body");
    request.body = rind_slice_text("\x69Register1");
    expect(realm, &request, 200, "\xa1\x69Register1\x62Ok");
}

static void tokens_are_judged_as_specified(void **state)
{
    struct realm *realm = *state;
    static const struct {
        const char *header;
        const char *claims;
        unsigned status;
    } cases[] = {
        {HEADER_HS256, CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\"," AUD), 200},
        {HEADER_HS256, "{\"iss\":\"acme\",\"sub\":\"m\"," AUD "}", 200},
        {HEADER_HS256,
         "{\"iss\":\"acme\",\"sub\":\"m\",\"aud\":[\"fafafafafafafafafafafafafafafafa\"]}", 200},
        {HEADER_HS256,
         CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\",\"aud\":\"FAFAFAFAFAFAFAFAFAFAFAFA"
                   "FAFAFAFA\""),
         401},
        {HEADER_HS256, CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"\"," AUD), 401},
        {HEADER_HS256, CLAIMS_OF("\"iss\":\"other\",\"sub\":\"m\"," AUD), 401},
        {HEADER_HS256, CLAIMS_OF("\"sub\":\"m\"," AUD), 401},
        {HEADER_HS256, CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\",\"exp\":1000," AUD), 401},
        {"{\"alg\":\"none\",\"kid\":\"acme:1\"}", CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\"," AUD),
         401},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:2\"}", CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\"," AUD),
         401},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:+1\"}",
         CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"m\"," AUD), 401},
        {"{\"alg\":\"HS256\",\"kid\":\"nobody:1\"}",
         CLAIMS_OF("\"iss\":\"nobody\",\"sub\":\"m\"," AUD), 401},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct realm_answer answer;
        const struct realm_request request = {
            .headers = {bearer(realm, realm_forge(realm, cases[i].header, cases[i].claims)),
                        "X-Juicebox-Version: 0.3"},
            .body = rind_slice_text("\x69Register1")};
        realm_send(realm, &request, &answer);
        if (answer.status != cases[i].status) {
            fail_msg("case %zu: %u %.*s", i, answer.status, (int)answer.body_size,
                     (const char *)answer.body);
        }
    }
}

static void authorization_headers_are_tried_in_turn(void **state)
{
    struct realm *realm = *state;
    const struct realm_request request = {
        .headers = {"Authorization: Basic abc", "Authorization: Bearer x.y.z",
                    bearer(realm, realm->token), "X-Juicebox-Version: 0.3"},
        .body = rind_slice_text("\x69Register1")};
    expect(realm, &request, 200, "\xa1\x69Register1\x62Ok");
    const struct realm_request none = {.headers = {"Authorization: Basic abc"}};
    expect(realm, &none, 401, MISSING_JSON);
}

static void other_paths_and_methods_have_their_answers(void **state)
{
    struct realm *realm = *state;
    const struct realm_request root = {.method = "GET", .path = "/"};
    expect(realm, &root, 200, "{\"realmID\":\"fafafafafafafafafafafafafafafafa\"}");
    const struct realm_request unknown = {.method = "GET", .path = "/nothing"};
    expect(realm, &unknown, 404, "{\"message\":\"Not Found\"}\n");
    const struct realm_request get = {.method = "GET", .path = "/req"};
    expect(realm, &get, 405, "{\"message\":\"Method Not Allowed\"}\n");
    struct realm_answer answer;
    const struct realm_request preflight = {
        .method = "OPTIONS", .path = "/req", .headers = {"Origin: https://app.example"}};
    realm_send(realm, &preflight, &answer);
    assert_true(answer.status == 204 || answer.status == 200);
    assert_non_null(strstr(answer.head, "access-control-allow-headers: Authorization"));
    assert_non_null(strstr(answer.head, "access-control-allow-origin: *"));
}

static void a_bad_input_is_refused_and_nothing_written(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 2);
    struct rind_secrets_request request = realm_recover2();
    memset(request.recover2.oprf_blinded_input, 0xff, 32);
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 400);
    assert_true(realm_body_is(&answer, "Error processing request"));
    request = realm_recover2();
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 1);
}

static void tenants_and_users_have_records_of_their_own(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 2);
    realm->token =
        realm_forge(realm, HEADER_HS256, CLAIMS_OF("\"iss\":\"acme\",\"sub\":\"luigi\"," AUD));
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER1};
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover1.kind, RIND_RECOVER1_NOT_REGISTERED);
}

/* ---- faults of the store ---- */

static void a_store_that_does_not_answer_is_an_error(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 2);
    struct rind_secrets_request request = realm_recover2();
    fault_engine_set(&realm->fault, FAULT_READ, FAULT_BEFORE, 1, 1, RIND_E_IO);
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error reading from record store"));
    fault_engine_set(&realm->fault, FAULT_TEST, FAULT_BEFORE, 1, 1, RIND_E_LIMIT);
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error writing to record store"));
    fault_engine_set(&realm->fault, FAULT_TEST, FAULT_NONE, 1, 0, RIND_E_IO);
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 1);
}

static void a_write_whose_answer_is_lost_counts_once_and_answers_nothing(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    realm_register(realm, 5);
    struct rind_secrets_request request = realm_recover2();
    fault_engine_set(&realm->fault, FAULT_TEST, FAULT_AFTER, 1, 1, RIND_E_UNKNOWN_OUTCOME);
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error writing to record store"));
    assert_int_equal(atomic_load(&realm->fault.calls[FAULT_TEST]), 1);
    realm_ask(realm, &request, &answer);
    assert_int_equal(realm_response(&answer).recover2.ok.guess_count, 2);
}

static void a_broken_record_is_an_error_of_the_store(void **state)
{
    struct realm *realm = *state;
    struct realm_answer answer;
    struct rind_record_id record;
    rind_record_id_derive_software(rind_slice_text(REALM_TENANT), rind_slice_text(REALM_USER),
                                   &record);
    const struct rind_software_row absent = {0};
    assert_true(rind_is_ok(rind_store_software_write(&realm->ctx, realm->store, &realm->id, &record,
                                                     &absent, rind_slice_text("no record"),
                                                     rind_deadline_in_ms(10000))));
    struct rind_secrets_request request = realm_recover2();
    realm_ask(realm, &request, &answer);
    assert_int_equal(answer.status, 500);
    assert_true(realm_body_is(&answer, "Error reading from record store"));
}

int main(void)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, open_realm, close_realm)
    static const struct CMUnitTest cases[] = {
        CASE(checks_come_in_the_order_of_the_specification),
        CASE(a_body_of_unknown_length_fails_where_it_is_read),
        CASE(tokens_are_judged_as_specified),
        CASE(authorization_headers_are_tried_in_turn),
        CASE(other_paths_and_methods_have_their_answers),
        CASE(a_bad_input_is_refused_and_nothing_written),
        CASE(tenants_and_users_have_records_of_their_own),
        CASE(a_store_that_does_not_answer_is_an_error),
        CASE(a_write_whose_answer_is_lost_counts_once_and_answers_nothing),
        CASE(a_broken_record_is_an_error_of_the_store),
    };
    if (sodium_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests(cases, NULL, NULL);
}
