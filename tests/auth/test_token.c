/* test_token.c - validation and creation of tokens against the vectors and one case per rule. */
#include "auth/auth.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "support/test.h"
#include "support/vectors.h"

#define NOW_MS UINT64_C(1700000000000)

static uint8_t arena_memory[256 * 1024];

struct world {
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static void world_init(struct world *world)
{
    rind_arena_init(&world->arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&world->ctx, &world->arena);
}

static struct rind_slice json_slice(const json_t *text)
{
    return rind_slice_make(json_string_value(text), json_string_length(text));
}

static enum rind_token_requirement requirement_of(const char *name)
{
    if (strcmp(name, "Scope(user)") == 0) {
        return RIND_TOKEN_REQUIRE_USER;
    }
    if (strcmp(name, "ScopeOrMissing(user)") == 0) {
        return RIND_TOKEN_REQUIRE_USER_OR_MISSING;
    }
    assert_string_equal(name, "AnyScopeOrMissing");
    return RIND_TOKEN_REQUIRE_ANY_OR_MISSING;
}

static enum rind_token_fault fault_of(const char *expect)
{
    static const struct {
        const char *name;
        enum rind_token_fault fault;
    } faults[] = {
        {"ok", RIND_TOKEN_FAULT_NONE},
        {"BadKeyId", RIND_TOKEN_FAULT_KEY_ID},
        {"BadAudience", RIND_TOKEN_FAULT_AUDIENCE},
        {"BadIssuer", RIND_TOKEN_FAULT_ISSUER},
        {"BadSubject", RIND_TOKEN_FAULT_SUBJECT},
        {"BadScope", RIND_TOKEN_FAULT_SCOPE},
        {"LifetimeTooLong", RIND_TOKEN_FAULT_LIFETIME},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if (strcmp(expect, faults[i].name) == 0) {
            return faults[i].fault;
        }
    }
    assert_memory_equal(expect, "Jwt(", 4);
    return RIND_TOKEN_FAULT_JWT;
}

static void run_case(const json_t *vector)
{
    struct world world;
    world_init(&world);
    const char *expect = rind_vectors_text(vector, "expect");
    enum rind_token_algorithm algorithm;
    assert_true(rind_token_algorithm_find(rind_slice_text(rind_vectors_text(vector, "algorithm")),
                                          &algorithm));
    struct rind_token_key *key = NULL;
    assert_true(rind_is_ok(rind_token_key_new_verifying(
        &world.ctx, algorithm, rind_vectors_hex(vector, "key_hex", &world.arena), &key)));
    struct rind_token_check check = {
        .key = key,
        .requirement = requirement_of(rind_vectors_text(vector, "require")),
        .now_unix_ms = (uint64_t)rind_vectors_integer(vector, "now") * 1000,
    };
    rind_vectors_hex_fixed(vector, "realm", check.realm.bytes, sizeof(check.realm.bytes));
    struct rind_token_claims claims;
    enum rind_token_fault fault;
    rind_status status = rind_token_validate(
        &world.ctx, json_slice(rind_vectors_get(vector, "token")), &check, &claims, &fault);
    if (fault != fault_of(expect)) {
        fail_msg("%s: fault %d: %s, expected %s", rind_vectors_text(vector, "name"), (int)fault,
                 world.ctx.sentence, expect);
    }
    assert_int_equal(rind_is_ok(status), fault == RIND_TOKEN_FAULT_NONE);
    if (fault == RIND_TOKEN_FAULT_JWT) {
        /* "Jwt(<message>)": base64 errors carry the library's prefix in ours. */
        const char *message = expect + 4;
        assert_non_null(strstr(world.ctx.sentence, "JWT base64 error") != NULL &&
                                strncmp(message, "base64 error", 12) == 0
                            ? message
                        : strncmp(world.ctx.sentence, message, strlen(message) - 1) == 0 ? message
                                                                                         : NULL);
    }
    if (fault == RIND_TOKEN_FAULT_NONE) {
        const json_t *expected = rind_vectors_get(vector, "claims");
        const json_t *scope = rind_vectors_get(expected, "scope");
        assert_true(
            rind_slice_equal(claims.issuer, json_slice(rind_vectors_get(expected, "issuer"))));
        assert_true(
            rind_slice_equal(claims.subject, json_slice(rind_vectors_get(expected, "subject"))));
        assert_memory_equal(claims.audience.bytes, check.realm.bytes, 16);
        assert_string_equal(rind_token_scope_name(claims.scope),
                            json_is_null(scope) ? "" : json_string_value(scope));
    }
    rind_token_key_free(key);
}

static void every_vector_is_judged_as_expected(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *cases = rind_vectors_get(vectors, "cases");
    assert_true(json_array_size(cases) >= 52);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        run_case(json_array_get(cases, i));
    }
    json_decref(vectors);
}

static void key_ids_are_split_as_the_vectors_say(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *cases = rind_vectors_get(vectors, "kid_parsing");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        const json_t *result = rind_vectors_get(vector, "result");
        struct rind_token_key_id key_id;
        bool is_parsed =
            rind_token_key_id_parse(json_slice(rind_vectors_get(vector, "kid")), &key_id);
        assert_int_equal(is_parsed, !json_is_null(result));
        if (is_parsed) {
            assert_true(rind_slice_equal(key_id.tenant, json_slice(json_array_get(result, 0))));
            assert_int_equal(key_id.version, json_integer_value(json_array_get(result, 1)));
        }
    }
    json_decref(vectors);
}

static struct rind_realm_id realm_of(uint8_t byte)
{
    struct rind_realm_id realm;
    memset(realm.bytes, byte, sizeof(realm.bytes));
    return realm;
}

static struct rind_token_key *hmac_key(const char *secret)
{
    struct rind_token_key *key = NULL;
    assert_true(rind_is_ok(
        rind_token_key_new_verifying(NULL, RIND_TOKEN_HS256, rind_slice_text(secret), &key)));
    return key;
}

static void a_created_token_has_the_exact_bytes_of_the_vector(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *created = rind_vectors_get(vectors, "created_token");
    const json_t *inputs = rind_vectors_get(created, "inputs");
    struct rind_token_key *key = NULL;
    assert_true(rind_is_ok(rind_token_key_new_signing(
        &world.ctx, RIND_TOKEN_HS256, rind_vectors_hex(inputs, "key_hex", &world.arena), &key)));
    struct rind_token_grant grant = {
        .tenant = rind_slice_text(rind_vectors_text(inputs, "issuer")),
        .user = rind_slice_text(rind_vectors_text(inputs, "subject")),
        .realm = realm_of(5),
        .scope = RIND_TOKEN_SCOPE_USER,
        .key_version = 32,
    };
    struct rind_slice token;
    assert_true(rind_is_ok(
        rind_token_create(&world.ctx, &grant, key,
                          (uint64_t)rind_vectors_integer(inputs, "now") * 1000 + 999, &token)));
    assert_true(rind_slice_is_text(token, rind_vectors_text(created, "token")));
    rind_token_key_free(key);
    json_decref(vectors);
}

/* Makes a token with these JSON parts, authenticated with `secret`. */
static struct rind_slice forge(struct world *world, const char *header, const char *claims,
                               const char *secret)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    char *text = rind_arena_alloc(&world->arena, 8192);
    sodium_bin2base64(text, 3000, (const uint8_t *)header, strlen(header), variant);
    strcat(text, ".");
    size_t length = strlen(text);
    sodium_bin2base64(text + length, 3000, (const uint8_t *)claims, strlen(claims), variant);
    struct rind_token_key *key = hmac_key(secret);
    struct rind_slice mac;
    assert_true(rind_is_ok(rind_token_key_sign(&world->ctx, key, rind_slice_text(text), &mac)));
    rind_token_key_free(key);
    strcat(text, ".");
    length = strlen(text);
    sodium_bin2base64(text + length, 1000, mac.data, mac.length, variant);
    return rind_slice_text(text);
}

#define HEADER "{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"JWT\"}"
#define AUD "\"aud\":\"05050505050505050505050505050505\""
#define WHO "\"iss\":\"acme\",\"sub\":\"mario\"," AUD

static enum rind_token_fault judge(const char *header, const char *claims_json, uint64_t now_ms)
{
    struct world world;
    world_init(&world);
    struct rind_token_key *key = hmac_key("secret");
    struct rind_token_check check = {.key = key,
                                     .realm = realm_of(5),
                                     .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING,
                                     .now_unix_ms = now_ms};
    struct rind_token_claims claims;
    enum rind_token_fault fault;
    rind_status status = rind_token_validate(
        &world.ctx, forge(&world, header, claims_json, "secret"), &check, &claims, &fault);
    assert_int_equal(rind_is_ok(status), fault == RIND_TOKEN_FAULT_NONE);
    rind_token_key_free(key);
    return fault;
}

struct claims_case {
    const char *claims;
    uint64_t now_ms;
    enum rind_token_fault fault;
};

static void run_claims(const struct claims_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum rind_token_fault fault = judge(HEADER, cases[i].claims, cases[i].now_ms);
        if (fault != cases[i].fault) {
            fail_msg("%s at %llu: fault %d, expected %d", cases[i].claims,
                     (unsigned long long)cases[i].now_ms, (int)fault, (int)cases[i].fault);
        }
    }
}

static void times_are_whole_seconds_with_five_of_tolerance(void **state)
{
    (void)state;
    static const struct claims_case cases[] = {
        {"{\"exp\":1700000600.9,\"nbf\":1700000000.9," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        /* The fraction is cut before comparing: 1700000005.9 counts as 1700000005. */
        {"{\"exp\":1700000600,\"nbf\":1700000005.9," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1700000600,\"nbf\":1700000006," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1700000600,\"nbf\":1700000006," WHO "}", NOW_MS + 999, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1700000600,\"nbf\":1700000006," WHO "}", NOW_MS + 1000, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1699999995,\"nbf\":1699999000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1699999995,\"nbf\":1699999000," WHO "}", NOW_MS + 1, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1699999994,\"nbf\":1699999000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"iat\":1700000005,\"exp\":1700000600,\"nbf\":1700000000," WHO "}", NOW_MS,
         RIND_TOKEN_FAULT_NONE},
        {"{\"iat\":1700000006,\"exp\":1700000600,\"nbf\":1700000000," WHO "}", NOW_MS,
         RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":4400000100,\"nbf\":4400000000," WHO "}", 4400000000000, RIND_TOKEN_FAULT_NONE},
    };
    run_claims(cases, sizeof(cases) / sizeof(cases[0]));
}

static void times_that_are_not_numbers_are_refused(void **state)
{
    (void)state;
    static const struct claims_case cases[] = {
        {"{\"exp\":\"1700000600\",\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1700000600,\"nbf\":null," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":null,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1700000600,\"nbf\":1700000000,\"iat\":null," WHO "}", NOW_MS,
         RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":true,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{\"exp\":1e999,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
    };
    run_claims(cases, sizeof(cases) / sizeof(cases[0]));
}

static void lifetimes_are_in_order_and_at_most_a_day(void **state)
{
    (void)state;
    static const struct claims_case cases[] = {
        {"{\"exp\":1700086400,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1700086400.9,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1700086401,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{\"exp\":1700000000,\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{\"exp\":1700000000,\"nbf\":1700000001," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{\"nbf\":1700000000," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{\"exp\":1700000600," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{" WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{\"exp\":1e300,\"nbf\":-1e300," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
        {"{\"exp\":1700000600,\"nbf\":-1," WHO "}", NOW_MS, RIND_TOKEN_FAULT_LIFETIME},
    };
    run_claims(cases, sizeof(cases) / sizeof(cases[0]));
}

#define TIMES "\"exp\":1700000600,\"nbf\":1700000000,"

static void claims_of_wrong_type_or_value_are_refused(void **state)
{
    (void)state;
    static const struct claims_case cases[] = {
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"\"," AUD "}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"a\\u0000b\"," AUD "}", NOW_MS,
         RIND_TOKEN_FAULT_NONE},
        {"{" TIMES "\"iss\":7,\"sub\":\"mario\"," AUD "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES "\"iss\":\"acme\",\"sub\":[\"mario\"]," AUD "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES "\"iss\":null,\"sub\":\"mario\"," AUD "}", NOW_MS, RIND_TOKEN_FAULT_ISSUER},
        {"{" TIMES "\"iss\":\"other\",\"sub\":\"mario\"," AUD "}", NOW_MS, RIND_TOKEN_FAULT_KEY_ID},
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"mario\",\"aud\":7}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"mario\",\"aud\":[7]}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"mario\",\"aud\":[]}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES WHO ",\"scope\":\"\"}", NOW_MS, RIND_TOKEN_FAULT_SCOPE},
        {"{" TIMES WHO ",\"scope\":\" user\\n\"}", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{" TIMES WHO ",\"scope\":\"User\"}", NOW_MS, RIND_TOKEN_FAULT_SCOPE},
        {"{" TIMES WHO ",\"scope\":\"audit\"}", NOW_MS, RIND_TOKEN_FAULT_SCOPE},
        {"{" TIMES WHO ",\"scope\":[\"user\"]}", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES WHO ",\"other\":{\"big\":123456789012345678901234567890}}", NOW_MS,
         RIND_TOKEN_FAULT_NONE},
        {"{" TIMES WHO "} ", NOW_MS, RIND_TOKEN_FAULT_NONE},
        {"{" TIMES WHO "} x", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"[]", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"", NOW_MS, RIND_TOKEN_FAULT_JWT},
        {"{" TIMES WHO ",\"sub\":\"luigi\"}", NOW_MS, RIND_TOKEN_FAULT_JWT}, /* sub twice */
        {"{" TIMES "\"iss\":\"acme\",\"sub\":\"\xff\"," AUD "}", NOW_MS, RIND_TOKEN_FAULT_JWT},
    };
    run_claims(cases, sizeof(cases) / sizeof(cases[0]));
}

#define GOOD_CLAIMS "{" TIMES WHO "}"

static void headers_are_checked_member_by_member(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum rind_token_fault fault;
    } cases[] = {
        {HEADER, RIND_TOKEN_FAULT_NONE},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"jwt\"}", RIND_TOKEN_FAULT_NONE},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"+jwt\"}", RIND_TOKEN_FAULT_NONE},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"xJWT\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"WT\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":\"\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"typ\":null}", RIND_TOKEN_FAULT_NONE},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"crit\":[\"exp\"],\"x\":1}",
         RIND_TOKEN_FAULT_NONE},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"crit\":\"exp\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"x5t#S256\":1}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"x5c\":[1]}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":7}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"hs256\",\"kid\":\"acme:1\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"none\",\"kid\":\"acme:1\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"RS256\",\"kid\":\"acme:1\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":7,\"kid\":\"acme:1\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"kid\":\"acme:1\"}", RIND_TOKEN_FAULT_JWT},
        {"{\"alg\":\"HS256\",\"kid\":\"acme\"}", RIND_TOKEN_FAULT_KEY_ID},
        {"{\"alg\":\"HS256\"}", RIND_TOKEN_FAULT_KEY_ID},
        {"[\"HS256\"]", RIND_TOKEN_FAULT_JWT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum rind_token_fault fault = judge(cases[i].header, GOOD_CLAIMS, NOW_MS);
        if (fault != cases[i].fault) {
            fail_msg("%s: fault %d, expected %d", cases[i].header, (int)fault, (int)cases[i].fault);
        }
    }
}

static void a_token_of_1000_bytes_is_accepted_and_of_1001_refused(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    /* Unpadded base64 never has length 1 mod 4, so the sizes are found by growing the header too.
     */
    for (size_t size = RIND_TOKEN_SIZE_MAX; size <= RIND_TOKEN_SIZE_MAX + 1; size++) {
        struct rind_slice token = rind_slice_make(NULL, 0);
        for (size_t header_pad = 0; header_pad < 4 && token.length != size; header_pad++) {
            for (size_t pad = 400; pad < 700 && token.length != size; pad++) {
                char header[200];
                char claims[1200];
                snprintf(header, sizeof(header),
                         "{\"alg\":\"HS256\",\"kid\":\"acme:1\",\"x\":\"%.*s\"}", (int)header_pad,
                         "xxxx");
                snprintf(claims, sizeof(claims), "{%s\"pad\":\"%0*d\"}", TIMES WHO ",", (int)pad,
                         0);
                rind_arena_reset(&world.arena);
                token = forge(&world, header, claims, "secret");
            }
        }
        assert_int_equal(token.length, size);
        struct rind_token_key *key = hmac_key("secret");
        struct rind_token_check check = {.key = key,
                                         .realm = realm_of(5),
                                         .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING,
                                         .now_unix_ms = NOW_MS};
        struct rind_token_claims claims;
        enum rind_token_fault fault;
        assert_int_equal(
            rind_is_ok(rind_token_validate(&world.ctx, token, &check, &claims, &fault)),
            size == RIND_TOKEN_SIZE_MAX);
        rind_token_key_free(key);
    }
}

static void any_changed_character_makes_a_token_invalid(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct rind_slice token = forge(&world, HEADER, GOOD_CLAIMS, "secret");
    struct rind_token_key *key = hmac_key("secret");
    struct rind_token_check check = {.key = key,
                                     .realm = realm_of(5),
                                     .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING,
                                     .now_unix_ms = NOW_MS};
    struct rind_token_claims claims;
    enum rind_token_fault fault;
    assert_true(rind_is_ok(rind_token_validate(&world.ctx, token, &check, &claims, &fault)));
    uint8_t changed[1000];
    for (size_t i = 0; i < token.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            size_t mark = rind_arena_mark(&world.arena);
            memcpy(changed, token.data, token.length);
            changed[i] ^= (uint8_t)(1u << bit);
            assert_false(rind_is_ok(rind_token_validate(
                &world.ctx, rind_slice_make(changed, token.length), &check, &claims, &fault)));
            rind_arena_release(&world.arena, mark);
        }
    }
    rind_token_key_free(key);
}

static void a_public_key_never_serves_as_an_hmac_key(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *keys = rind_vectors_get(vectors, "keys");
    struct rind_slice spki = rind_vectors_hex(keys, "rsa2048_spki", &world.arena);
    struct rind_token_key *mac_key = NULL;
    struct rind_token_key *rsa_key = NULL;
    assert_true(
        rind_is_ok(rind_token_key_new_signing(&world.ctx, RIND_TOKEN_HS256, spki, &mac_key)));
    assert_true(
        rind_is_ok(rind_token_key_new_verifying(&world.ctx, RIND_TOKEN_RS256, spki, &rsa_key)));
    struct rind_token_grant grant = {.tenant = rind_slice_text("acme"),
                                     .user = rind_slice_text("mario"),
                                     .realm = realm_of(5),
                                     .scope = RIND_TOKEN_SCOPE_USER,
                                     .key_version = 1};
    struct rind_slice token;
    assert_true(rind_is_ok(rind_token_create(&world.ctx, &grant, mac_key, NOW_MS, &token)));
    struct rind_token_check check = {.key = rsa_key,
                                     .realm = realm_of(5),
                                     .requirement = RIND_TOKEN_REQUIRE_USER,
                                     .now_unix_ms = NOW_MS};
    struct rind_token_claims claims;
    enum rind_token_fault fault;
    assert_false(rind_is_ok(rind_token_validate(&world.ctx, token, &check, &claims, &fault)));
    assert_int_equal(fault, RIND_TOKEN_FAULT_JWT);
    assert_string_equal(world.ctx.sentence, "JWT algorithm mismatch");
    rind_token_key_free(mac_key);
    rind_token_key_free(rsa_key);
    json_decref(vectors);
}

static void the_key_id_is_read_before_the_length_is_checked(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    char claims[1300];
    snprintf(claims, sizeof(claims), "%01200d", 0);
    struct rind_token_key_id key_id;
    enum rind_token_fault fault;
    struct rind_slice token = forge(&world, HEADER, claims, "secret");
    assert_true(token.length > RIND_TOKEN_SIZE_MAX);
    assert_true(rind_is_ok(rind_token_read_key_id(&world.ctx, token, &key_id, &fault)));
    assert_true(rind_slice_is_text(key_id.tenant, "acme"));
    assert_int_equal(key_id.version, 1);
    /* Without any dot the whole token is the header. */
    struct rind_slice header = rind_slice_make(token.data, strcspn((const char *)token.data, "."));
    assert_true(rind_is_ok(rind_token_read_key_id(&world.ctx, header, &key_id, &fault)));
    assert_false(
        rind_is_ok(rind_token_read_key_id(&world.ctx, rind_slice_text("bogus"), &key_id, &fault)));
    assert_int_equal(fault, RIND_TOKEN_FAULT_JWT);
    assert_false(
        rind_is_ok(rind_token_read_key_id(&world.ctx, rind_slice_make(NULL, 0), &key_id, &fault)));
}

static void every_scope_requirement_accepts_what_it_says(void **state)
{
    (void)state;
    static const char *const claims_json[] = {
        [RIND_TOKEN_SCOPE_NONE] = GOOD_CLAIMS,
        [RIND_TOKEN_SCOPE_USER] = "{" TIMES WHO ",\"scope\":\"user\"}",
        [RIND_TOKEN_SCOPE_AUDIT] = "{" TIMES WHO ",\"scope\":\"audit\"}"};
    static const bool expected[][3] = {
        [RIND_TOKEN_REQUIRE_USER] = {false, true, false},
        [RIND_TOKEN_REQUIRE_AUDIT] = {false, false, true},
        [RIND_TOKEN_REQUIRE_USER_OR_MISSING] = {true, true, false},
        [RIND_TOKEN_REQUIRE_AUDIT_OR_MISSING] = {true, false, true},
        [RIND_TOKEN_REQUIRE_ANY_OR_MISSING] = {true, true, true},
    };
    struct rind_token_key *key = hmac_key("secret");
    for (unsigned requirement = 0; requirement < 5; requirement++) {
        for (unsigned scope = 0; scope < 3; scope++) {
            struct world world;
            world_init(&world);
            struct rind_token_check check = {.key = key,
                                             .realm = realm_of(5),
                                             .requirement =
                                                 (enum rind_token_requirement)requirement,
                                             .now_unix_ms = NOW_MS};
            struct rind_token_claims claims;
            enum rind_token_fault fault;
            rind_status status =
                rind_token_validate(&world.ctx, forge(&world, HEADER, claims_json[scope], "secret"),
                                    &check, &claims, &fault);
            assert_int_equal(rind_is_ok(status), expected[requirement][scope]);
            assert_int_equal(fault,
                             rind_is_ok(status) ? RIND_TOKEN_FAULT_NONE : RIND_TOKEN_FAULT_SCOPE);
        }
    }
    rind_token_key_free(key);
}

static void tenants_of_created_tokens_follow_the_pattern(void **state)
{
    (void)state;
    static const char *const good[] = {"acme", "test-acme", "A1", "0", "test"};
    static const char *const bad[] = {"",    "test-", "ac-me", "test-test-a",
                                      "a:b", "a b",   "-a",    "t\xc3\xa9"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(rind_token_tenant_is_valid(rind_slice_text(good[i])));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(rind_token_tenant_is_valid(rind_slice_text(bad[i])));
    }
}

static void creation_refuses_what_no_realm_would_accept(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct rind_token_key *key = hmac_key("secret");
    struct rind_slice token;
    char user[RIND_TOKEN_SIZE_MAX];
    memset(user, 'u', sizeof(user));
    struct rind_token_grant grant = {
        .tenant = rind_slice_text("ac:me"), .user = rind_slice_text("mario"), .realm = realm_of(5)};
    assert_true(
        rind_is(rind_token_create(&world.ctx, &grant, key, NOW_MS, &token), RIND_E_INVALID));
    grant.tenant = rind_slice_text("acme");
    grant.user = rind_slice_text("\xff");
    assert_true(
        rind_is(rind_token_create(&world.ctx, &grant, key, NOW_MS, &token), RIND_E_INVALID));
    grant.user = rind_slice_make(user, 900);
    assert_true(rind_is(rind_token_create(&world.ctx, &grant, key, NOW_MS, &token), RIND_E_LIMIT));
    grant.user = rind_slice_make(user, 400);
    assert_true(rind_is_ok(rind_token_create(&world.ctx, &grant, key, NOW_MS, &token)));
    grant.user = rind_slice_make(NULL, 0);
    assert_true(rind_is_ok(rind_token_create(&world.ctx, &grant, key, NOW_MS, &token)));
    rind_token_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_judged_as_expected),
        cmocka_unit_test(key_ids_are_split_as_the_vectors_say),
        cmocka_unit_test(a_created_token_has_the_exact_bytes_of_the_vector),
        cmocka_unit_test(times_are_whole_seconds_with_five_of_tolerance),
        cmocka_unit_test(times_that_are_not_numbers_are_refused),
        cmocka_unit_test(lifetimes_are_in_order_and_at_most_a_day),
        cmocka_unit_test(claims_of_wrong_type_or_value_are_refused),
        cmocka_unit_test(headers_are_checked_member_by_member),
        cmocka_unit_test(a_token_of_1000_bytes_is_accepted_and_of_1001_refused),
        cmocka_unit_test(any_changed_character_makes_a_token_invalid),
        cmocka_unit_test(a_public_key_never_serves_as_an_hmac_key),
        cmocka_unit_test(the_key_id_is_read_before_the_length_is_checked),
        cmocka_unit_test(every_scope_requirement_accepts_what_it_says),
        cmocka_unit_test(tenants_of_created_tokens_follow_the_pattern),
        cmocka_unit_test(creation_refuses_what_no_realm_would_accept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
