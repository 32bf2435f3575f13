/* test_bearer.c - bearer tokens: every vector, and one case per rule of spec 05 section 12.2. */
#include "auth/auth.h"

#include <sodium.h>
#include <string.h>

#include "base/hex.h"
#include "support/test.h"
#include "support/vectors.h"

#define NOW_MS UINT64_C(1700000000500)
#define HEADER "{\"alg\":\"HS256\",\"kid\":\"acme:1\"}"

static uint8_t arena_memory[512 * 1024];

struct world {
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_token_key *key;
    struct rind_bearer_check check;
};

static int setup(void **state)
{
    static struct world world;
    rind_arena_init(&world.arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&world.ctx, &world.arena);
    assert_true(rind_is_ok(rind_bearer_key_new(&world.ctx, rind_slice_text("secret"), &world.key)));
    world.check = (struct rind_bearer_check){.key = world.key,
                                             .key_id = {rind_slice_text("acme"), 1},
                                             .requirement = RIND_TOKEN_REQUIRE_AUDIT,
                                             .now_unix_ms = NOW_MS};
    memset(world.check.realm.bytes, 0xfa, sizeof(world.check.realm.bytes));
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    rind_token_key_free(world->key);
    return 0;
}

static struct rind_slice forge(struct world *world, const char *header, const char *claims)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    char *text = rind_arena_alloc(&world->arena, 8192);
    assert_non_null(text);
    sodium_bin2base64(text, 3000, (const uint8_t *)header, strlen(header), variant);
    strcat(text, ".");
    size_t length = strlen(text);
    sodium_bin2base64(text + length, 3000, (const uint8_t *)claims, strlen(claims), variant);
    struct rind_token_key *key = NULL;
    struct rind_slice mac;
    assert_true(rind_is_ok(rind_token_key_new_signing(&world->ctx, RIND_TOKEN_HS256,
                                                      rind_slice_text("secret"), &key)));
    assert_true(rind_is_ok(rind_token_key_sign(&world->ctx, key, rind_slice_text(text), &mac)));
    rind_token_key_free(key);
    strcat(text, ".");
    length = strlen(text);
    sodium_bin2base64(text + length, 1000, mac.data, mac.length, variant);
    return rind_slice_text(text);
}

static enum rind_bearer_fault judge(struct world *world, const char *claims_json)
{
    struct rind_token_claims claims;
    enum rind_bearer_fault fault;
    rind_status status = rind_bearer_validate(&world->ctx, forge(world, HEADER, claims_json),
                                              &world->check, &claims, &fault);
    assert_int_equal(rind_is_ok(status), fault == RIND_BEARER_FAULT_NONE);
    return fault;
}

#define WHO "\"iss\":\"acme\",\"sub\":\"presso\",\"aud\":\"fafafafafafafafafafafafafafafafa\""

static void every_vector_has_its_outcome(void **state)
{
    struct world *world = *state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    const json_t *bearer = rind_vectors_get(vectors, "bearer_claims");
    assert_string_equal(rind_vectors_text(bearer, "kid"), "acme:1");
    const json_t *cases = rind_vectors_get(bearer, "cases");
    assert_true(json_array_size(cases) >= 9);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        const char *outcome = rind_vectors_text(vector, "outcome");
        char *claims = json_dumps(rind_vectors_get(vector, "claims"), JSON_COMPACT);
        const char *text = rind_bearer_fault_text(judge(world, claims));
        assert_string_equal(text, strcmp(outcome, "ok") == 0 ? "" : outcome);
        free(claims);
    }
    json_decref(vectors);
}

static void a_valid_token_says_who(void **state)
{
    struct world *world = *state;
    struct rind_token_claims claims;
    enum rind_bearer_fault fault;
    assert_true(rind_is_ok(
        rind_bearer_validate(&world->ctx, forge(world, HEADER, "{" WHO ",\"scope\":\"audit\"}"),
                             &world->check, &claims, &fault)));
    assert_true(rind_slice_is_text(claims.issuer, "acme"));
    assert_true(rind_slice_is_text(claims.subject, "presso"));
    assert_int_equal(claims.scope, RIND_TOKEN_SCOPE_AUDIT);
}

static void empty_claims_are_missing_ones(void **state)
{
    struct world *world = *state;
    assert_int_equal(judge(world, "{\"iss\":\"acme\",\"sub\":\"\",\"aud\":"
                                  "\"fafafafafafafafafafafafafafafafa\",\"scope\":\"audit\"}"),
                     RIND_BEARER_FAULT_SUBJECT);
    assert_int_equal(judge(world, "{\"iss\":\"\",\"sub\":\"x\",\"aud\":"
                                  "\"fafafafafafafafafafafafafafafafa\",\"scope\":\"audit\"}"),
                     RIND_BEARER_FAULT_ISSUER);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"\"}"), RIND_BEARER_FAULT_SCOPE_MISSING);
    assert_int_equal(judge(world, "{\"iss\":\"acme\",\"sub\":\"x\",\"scope\":\"audit\"}"),
                     RIND_BEARER_FAULT_AUDIENCE);
    assert_int_equal(
        judge(world, "{\"iss\":\"acme\",\"sub\":\"x\",\"aud\":[],\"scope\":\"audit\"}"),
        RIND_BEARER_FAULT_AUDIENCE);
}

static void audience_and_scope_are_compared_exactly(void **state)
{
    struct world *world = *state;
    assert_int_equal(judge(world, "{\"iss\":\"acme\",\"sub\":\"x\",\"aud\":"
                                  "\"FAFAFAFAFAFAFAFAFAFAFAFAFAFAFAFA\",\"scope\":\"audit\"}"),
                     RIND_BEARER_FAULT_AUDIENCE);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"Audit\"}"), RIND_BEARER_FAULT_SCOPE);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\" audit\"}"), RIND_BEARER_FAULT_SCOPE);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"audit user\"}"), RIND_BEARER_FAULT_SCOPE);
}

static void a_software_realm_wants_the_scope_user_or_none(void **state)
{
    struct world *world = *state;
    world->check.requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING;
    assert_int_equal(judge(world, "{" WHO "}"), RIND_BEARER_FAULT_NONE);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"user\"}"), RIND_BEARER_FAULT_NONE);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"audit\"}"), RIND_BEARER_FAULT_SCOPE);
}

static void times_have_five_seconds_and_fractions(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *times;
        enum rind_bearer_fault fault;
    } cases[] = {
        {"\"exp\":1699999995.6", RIND_BEARER_FAULT_NONE},
        {"\"exp\":1699999995.5", RIND_BEARER_FAULT_INVALID},
        {"\"exp\":1699999996", RIND_BEARER_FAULT_NONE},
        {"\"exp\":1699999995", RIND_BEARER_FAULT_INVALID},
        {"\"nbf\":1700000005.5", RIND_BEARER_FAULT_NONE},
        {"\"nbf\":1700000005.6", RIND_BEARER_FAULT_INVALID},
        {"\"exp\":\"1800000000\"", RIND_BEARER_FAULT_INVALID},
        {"\"nbf\":null", RIND_BEARER_FAULT_INVALID},
        {"\"iat\":1900000000", RIND_BEARER_FAULT_NONE},
        {"\"exp\":99999999999,\"nbf\":0", RIND_BEARER_FAULT_NONE}, /* no longest lifetime */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char claims[256];
        snprintf(claims, sizeof(claims), "{" WHO ",\"scope\":\"audit\",%s}", cases[i].times);
        if (judge(world, claims) != cases[i].fault) {
            fail_msg("%s", cases[i].times);
        }
    }
}

static void a_token_without_end_is_refused_if_asked_for(void **state)
{
    struct world *world = *state;
    world->check.must_expire = true;
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"audit\"}"), RIND_BEARER_FAULT_INVALID);
    assert_int_equal(judge(world, "{" WHO ",\"scope\":\"audit\",\"exp\":1800000000}"),
                     RIND_BEARER_FAULT_NONE);
}

static void a_forged_token_is_invalid(void **state)
{
    struct world *world = *state;
    struct rind_token_claims claims;
    enum rind_bearer_fault fault;
    struct rind_slice token = forge(world, HEADER, "{" WHO ",\"scope\":\"audit\"}");
    ((uint8_t *)(uintptr_t)token.data)[token.length - 2] ^= 1;
    assert_false(
        rind_is_ok(rind_bearer_validate(&world->ctx, token, &world->check, &claims, &fault)));
    assert_int_equal(fault, RIND_BEARER_FAULT_INVALID);
    token = forge(world, "{\"alg\":\"RS256\",\"kid\":\"acme:1\"}", "{" WHO "}");
    assert_false(
        rind_is_ok(rind_bearer_validate(&world->ctx, token, &world->check, &claims, &fault)));
    assert_int_equal(fault, RIND_BEARER_FAULT_INVALID);
}

static void key_ids_name_a_tenant_and_a_version(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *kid;
        bool is_good;
    } cases[] = {
        {"acme:1", true},      {"test-acme:18446744073709551615", true},
        {"acme:0", true},      {"acme", false},
        {"acme:", false},      {":1", false},
        {"acme:+1", false},    {"acme:1:2", false},
        {"acme:-1", false},    {"acme:18446744073709551616", false},
        {"ac-me:1", false},    {"test-:1", false},
        {"ac/../me:1", false}, {"acme:1 ", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[128];
        struct rind_token_key_id key_id;
        snprintf(header, sizeof(header), "{\"alg\":\"HS256\",\"kid\":\"%s\"}", cases[i].kid);
        bool is_good =
            rind_is_ok(rind_bearer_read_key_id(&world->ctx, forge(world, header, "{}"), &key_id));
        if (is_good != cases[i].is_good) {
            fail_msg("%s", cases[i].kid);
        }
    }
    struct rind_token_key_id key_id;
    assert_false(rind_is_ok(
        rind_bearer_read_key_id(&world->ctx, forge(world, "{\"alg\":\"HS256\"}", "{}"), &key_id)));
    assert_false(rind_is_ok(rind_bearer_read_key_id(&world->ctx, rind_slice_text("a.b"), &key_id)));
    static char longest[RIND_BEARER_SIZE_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_false(rind_is_ok(
        rind_bearer_read_key_id(&world->ctx, rind_slice_make(longest, sizeof(longest)), &key_id)));
}

static void the_header_begins_with_bearer_in_any_case(void **state)
{
    (void)state;
    struct rind_slice token;
    assert_true(rind_bearer_find(rind_slice_text("Bearer abc"), &token));
    assert_true(rind_slice_is_text(token, "abc"));
    assert_true(rind_bearer_find(rind_slice_text("bEARER abc"), &token));
    assert_false(rind_bearer_find(rind_slice_text("Bearer "), &token));
    assert_false(rind_bearer_find(rind_slice_text("Basic abc"), &token));
    assert_false(rind_bearer_find(rind_slice_text(""), &token));
}

static void payloads_are_keys_or_errors(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *payload;
        int algorithm; /* -1: an error */
    } cases[] = {
        {"raw bytes", RIND_TOKEN_HS256},
        {"[1]", RIND_TOKEN_HS256},
        {"{\"a\":1}", RIND_TOKEN_HS256}, /* not an object of texts */
        {"{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}", RIND_TOKEN_HS256},
        {"{\"data\":\"0a\",\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}", RIND_TOKEN_HS256},
        {"", -1},
        {"{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"UTF8\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"None\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"Base64\",\"algorithm\":\"HmacSha256\"}", -1},
        {"{\"data\":\"0g\",\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"Blake2sMac256\"}", -1},
        {"{\"data\":\"0a\",\"encoding\":\"Hex\",\"algorithm\":\"Edwards25519\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"Edwards25519\"}", -1},
        {"{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"RsaPkcs1Sha256\"}", -1},
        {"{\"data\":1,\"encoding\":\"Hex\",\"algorithm\":\"RsaPkcs1Sha256\"}", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_token_key *key = NULL;
        rind_status status =
            rind_bearer_key_new(&world->ctx, rind_slice_text(cases[i].payload), &key);
        if (rind_is_ok(status) != (cases[i].algorithm >= 0)) {
            fail_msg("%s", cases[i].payload);
        }
        if (rind_is_ok(status)) {
            assert_int_equal(rind_token_key_algorithm(key), cases[i].algorithm);
        }
        rind_token_key_free(key);
    }
}

static void a_public_key_must_be_hex(void **state)
{
    struct world *world = *state;
    struct rind_slice signing;
    struct rind_slice verifying;
    struct rind_token_key *key = NULL;
    char hex[RIND_HEX_SIZE(64)];
    char payload[256];
    assert_true(
        rind_is_ok(rind_token_key_generate(&world->ctx, RIND_TOKEN_EDDSA, &signing, &verifying)));
    assert_true(verifying.length <= 64);
    rind_hex_encode(verifying, hex);
    snprintf(payload, sizeof(payload),
             "{\"data\":\"%s\",\"encoding\":\"Hex\",\"algorithm\":\"Edwards25519\"}", hex);
    assert_true(rind_is_ok(rind_bearer_key_new(&world->ctx, rind_slice_text(payload), &key)));
    assert_int_equal(rind_token_key_algorithm(key), RIND_TOKEN_EDDSA);
    rind_token_key_free(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_vector_has_its_outcome),
        TEST(a_valid_token_says_who),
        TEST(empty_claims_are_missing_ones),
        TEST(audience_and_scope_are_compared_exactly),
        TEST(a_software_realm_wants_the_scope_user_or_none),
        TEST(times_have_five_seconds_and_fractions),
        TEST(a_token_without_end_is_refused_if_asked_for),
        TEST(a_forged_token_is_invalid),
        TEST(key_ids_name_a_tenant_and_a_version),
        TEST(the_header_begins_with_bearer_in_any_case),
        TEST(payloads_are_keys_or_errors),
        TEST(a_public_key_must_be_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
