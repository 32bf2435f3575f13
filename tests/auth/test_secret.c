/* test_secret.c - secret objects, the map, lookups and the raw fallback. */
#include "auth/auth.h"

#include <string.h>

#include "support/test.h"
#include "support/vectors.h"

#define HMAC_SECRET "{\"data\":\"k\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}"

static void add(struct rind_secret_map *map, const char *name, uint64_t version,
                const char *payload)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(
        rind_secret_map_add(map, &ctx, rind_slice_text(name), version, rind_slice_text(payload))));
}

static void payload_vectors_are_read_raw_fallback_included(void **state)
{
    (void)state;
    static uint8_t memory[64 * 1024];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *cases = rind_vectors_get(vectors, "secret_json");
    assert_true(json_array_size(cases) >= 8);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, &arena);
        struct rind_secret_map *map = rind_secret_map_new();
        struct rind_slice payload = rind_slice_text(rind_vectors_text(vector, "json"));
        struct rind_slice expected = rind_vectors_hex(vector, "data_hex", &arena);
        assert_true(rind_is_ok(
            rind_secret_map_add_or_raw(map, &ctx, rind_slice_text("tenant-a"), 1, payload)));
        assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
        const struct rind_secret *secret = rind_secret_map_at(map, 0);
        assert_true(rind_slice_equal(secret->data, expected));
        const json_t *alg = rind_vectors_get(vector, "jwt_alg");
        assert_int_equal(secret->token_key != NULL, !json_is_null(alg));
        if (secret->token_key != NULL) {
            assert_string_equal(
                rind_token_algorithm_name(rind_token_key_algorithm(secret->token_key)),
                json_string_value(alg));
        }
        bool is_raw = strstr(rind_vectors_text(vector, "name"), "raw fallback") != NULL;
        assert_int_equal(secret->is_raw, is_raw);
        struct rind_secret_map *strict = rind_secret_map_new();
        assert_int_equal(
            rind_is_ok(rind_secret_map_add(strict, &ctx, rind_slice_text("a"), 1, payload)),
            !is_raw);
        rind_secret_map_free(strict);
        rind_secret_map_free(map);
    }
    json_decref(vectors);
}

static void bad_payloads_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        const char *sentence;
    } cases[] = {
        {"artemis", "InvalidJSON"},
        {"", "InvalidJSON"},
        {"[]", "InvalidJSON"},
        {"{}", "InvalidJSON"},
        {"{\"data\":\"00\",\"encoding\":\"Hex\"}", "InvalidJSON"},
        {"{\"data\":7,\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}", "InvalidJSON"},
        {"{\"data\":\"00\",\"encoding\":\"hex\",\"algorithm\":\"HmacSha256\"}", "InvalidJSON"},
        {"{\"data\":\"00\",\"encoding\":\"Hex\",\"algorithm\":\"HMACSHA256\"}", "InvalidJSON"},
        {"{\"data\":\"0\",\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}",
         "InvalidDataForEncoding"},
        {"{\"data\":\"0g\",\"encoding\":\"Hex\",\"algorithm\":\"HmacSha256\"}",
         "InvalidDataForEncoding"},
        {"{\"data\":\"a\",\"data\":\"b\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}",
         "InvalidJSON"},
    };
    struct rind_secret_map *map = rind_secret_map_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, NULL);
        assert_true(rind_is(rind_secret_map_add(map, &ctx, rind_slice_text("a"), 1,
                                                rind_slice_text(cases[i].payload)),
                            RIND_E_INVALID));
        assert_string_equal(ctx.sentence, cases[i].sentence);
    }
    assert_int_equal(rind_secret_map_count(map), 0);
    rind_secret_map_free(map);
}

static void unknown_members_and_either_hex_case_are_fine(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    add(map, "a", 1,
        "{\"x\":[1],\"data\":\"aBCd\",\"encoding\":\"Hex\",\"algorithm\":\"Blake2sMac256\"}");
    assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    assert_memory_equal(rind_secret_map_at(map, 0)->data.data, "\xab\xcd", 2);
    rind_secret_map_free(map);
}

static void a_mistyped_public_key_never_becomes_a_raw_key(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "{\"data\":\"302a\",\"encoding\":\"hex\",\"algorithm\":\"Edwards25519\"}",
        "{\"data\":\"zz\",\"encoding\":\"Hex\",\"algorithm\":\"RsaPkcs1Sha256\"}",
        "{\"algorithm\":\"RsaPkcs1Sha256\"}",
    };
    struct rind_secret_map *map = rind_secret_map_new();
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, NULL);
        assert_true(rind_is(rind_secret_map_add_or_raw(map, &ctx, rind_slice_text("tenant-a"), 1,
                                                       rind_slice_text(payloads[i])),
                            RIND_E_INVALID));
    }
    assert_int_equal(rind_secret_map_count(map), 0);
    rind_secret_map_free(map);
}

static void malformed_der_makes_one_version_unusable_and_no_other(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    add(map, "tenant-a", 1,
        "{\"data\":\"3000\",\"encoding\":\"Hex\",\"algorithm\":\"RsaPkcs1Sha256\"}");
    add(map, "tenant-a", 2, HMAC_SECRET);
    add(map, "tenant-b", 1,
        "{\"data\":\"not DER\",\"encoding\":\"UTF8\",\"algorithm\":\"Edwards25519\"}");
    assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    assert_null(rind_secret_map_find_tenant_key(map, rind_slice_text("a"), 1));
    assert_non_null(rind_secret_map_find_tenant_key(map, rind_slice_text("a"), 2));
    assert_null(rind_secret_map_find_tenant_key(map, rind_slice_text("b"), 1));
    rind_secret_map_free(map);
}

/* HMAC takes it, but everybody knows it. */
static void an_empty_key_is_no_tenants_key(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    add(map, "tenant-a", 1, "{\"data\":\"\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}");
    assert_true(rind_is_ok(rind_secret_map_add_or_raw(map, &ctx, rind_slice_text("tenant-a"), 2,
                                                      rind_slice_text(""))));
    assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    assert_null(rind_secret_map_find_tenant_key(map, rind_slice_text("a"), 1));
    assert_null(rind_secret_map_find_tenant_key(map, rind_slice_text("a"), 2));
    rind_secret_map_free(map);
}

static void lookups_are_exact_and_latest_is_numeric(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    add(map, "tenant-b", 10, HMAC_SECRET);
    add(map, "tenant-b", 9, HMAC_SECRET);
    add(map, "tenant-b", UINT64_MAX, HMAC_SECRET);
    add(map, "tenant-", 3, HMAC_SECRET);
    add(map, "tenant-bb", 1, HMAC_SECRET);
    add(map, "c", 0, HMAC_SECRET);
    assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    assert_int_equal(rind_secret_map_count(map), 6);
    assert_non_null(rind_secret_map_find(map, rind_slice_text("tenant-b"), 9));
    assert_non_null(rind_secret_map_find(map, rind_slice_text("tenant-b"), UINT64_MAX));
    assert_null(rind_secret_map_find(map, rind_slice_text("tenant-b"), 8));
    assert_null(rind_secret_map_find(map, rind_slice_text("tenant-c"), 9));
    assert_null(rind_secret_map_find(map, rind_slice_text(""), 0));
    assert_non_null(rind_secret_map_find_tenant_key(map, rind_slice_text(""), 3));
    assert_true(rind_secret_map_find_latest(map, rind_slice_text("tenant-b"))->version ==
                UINT64_MAX);
    assert_int_equal(rind_secret_map_find_latest(map, rind_slice_text("c"))->version, 0);
    assert_null(rind_secret_map_find_latest(map, rind_slice_text("d")));
    assert_null(rind_secret_map_find_latest(map, rind_slice_text("a")));
    char long_tenant[2000];
    memset(long_tenant, 'x', sizeof(long_tenant));
    assert_null(
        rind_secret_map_find_tenant_key(map, rind_slice_make(long_tenant, sizeof(long_tenant)), 1));
    rind_secret_map_free(map);
}

static void a_version_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    add(map, "tenant-b", 1, HMAC_SECRET);
    add(map, "tenant-b", 1, HMAC_SECRET);
    assert_true(rind_is(rind_secret_map_seal(map, &ctx), RIND_E_EXISTS));
    rind_secret_map_free(map);
}

static void an_empty_map_finds_nothing(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret_map *map = rind_secret_map_new();
    assert_true(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    assert_null(rind_secret_map_find_latest(map, rind_slice_text("a")));
    assert_null(rind_secret_map_find(map, rind_slice_text("a"), 1));
    rind_secret_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payload_vectors_are_read_raw_fallback_included),
        cmocka_unit_test(bad_payloads_are_named),
        cmocka_unit_test(unknown_members_and_either_hex_case_are_fine),
        cmocka_unit_test(a_mistyped_public_key_never_becomes_a_raw_key),
        cmocka_unit_test(malformed_der_makes_one_version_unusable_and_no_other),
        cmocka_unit_test(an_empty_key_is_no_tenants_key),
        cmocka_unit_test(lookups_are_exact_and_latest_is_numeric),
        cmocka_unit_test(a_version_that_is_there_twice_is_refused),
        cmocka_unit_test(an_empty_map_finds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
