/* test_token_key.c - keys of all algorithms: good ones work, bad DER is an error. */
#include "auth/auth.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/hex.h"
#include "support/test.h"
#include "support/vectors.h"

static uint8_t arena_memory[256 * 1024];

static void setup(struct rind_arena *arena, struct rind_ctx *ctx)
{
    rind_arena_init(arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(ctx, arena);
}

static void generated_keys_sign_and_verify(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RIND_TOKEN_ALGORITHM_COUNT; i++) {
        struct rind_arena arena;
        struct rind_ctx ctx;
        setup(&arena, &ctx);
        enum rind_token_algorithm algorithm = (enum rind_token_algorithm)i;
        struct rind_slice private_bytes;
        struct rind_slice public_bytes;
        struct rind_token_key *signing = NULL;
        struct rind_token_key *verifying = NULL;
        struct rind_slice message = rind_slice_text("a message");
        struct rind_slice signature;
        assert_true(
            rind_is_ok(rind_token_key_generate(&ctx, algorithm, &private_bytes, &public_bytes)));
        assert_true(
            rind_is_ok(rind_token_key_new_signing(&ctx, algorithm, private_bytes, &signing)));
        assert_true(
            rind_is_ok(rind_token_key_new_verifying(&ctx, algorithm, public_bytes, &verifying)));
        assert_true(rind_is_ok(rind_token_key_sign(&ctx, signing, message, &signature)));
        assert_true(rind_token_key_verify(verifying, message, signature));
        assert_true(rind_token_key_verify(signing, message, signature));
        assert_false(rind_token_key_verify(verifying, rind_slice_text("another"), signature));
        signature.length--;
        assert_false(rind_token_key_verify(verifying, message, signature));
        signature.length = 0;
        assert_false(rind_token_key_verify(verifying, message, signature));
        assert_int_equal(ERR_peek_error(), 0); /* nothing left for TLS on this thread to find */
        if (algorithm != RIND_TOKEN_HS256) {
            assert_true(
                rind_is(rind_token_key_sign(&ctx, verifying, message, &signature), RIND_E_INVALID));
        }
        rind_token_key_free(signing);
        rind_token_key_free(verifying);
    }
}

static void eddsa_signatures_are_those_of_rfc_8032(void **state)
{
    (void)state;
    struct rind_arena arena;
    struct rind_ctx ctx;
    setup(&arena, &ctx);
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *keys = rind_vectors_get(vectors, "keys");
    const json_t *cases = rind_vectors_get(vectors, "cases");
    struct rind_token_key *key = NULL;
    assert_true(rind_is_ok(rind_token_key_new_signing(
        &ctx, RIND_TOKEN_EDDSA, rind_vectors_hex(keys, "ed25519_pkcs8", &arena), &key)));
    struct rind_token_grant grant = {.tenant = rind_slice_text("tenant"),
                                     .user = rind_slice_text("mario"),
                                     .scope = RIND_TOKEN_SCOPE_USER,
                                     .key_version = 32};
    memset(grant.realm.bytes, 5, sizeof(grant.realm.bytes));
    struct rind_slice token;
    assert_true(rind_is_ok(rind_token_create(&ctx, &grant, key, 1700000000000, &token)));
    assert_string_equal(rind_vectors_text(json_array_get(cases, 1), "name"), "valid EdDSA");
    assert_true(rind_slice_is_text(token, rind_vectors_text(json_array_get(cases, 1), "token")));
    rind_token_key_free(key);
    json_decref(vectors);
}

/* Every proper prefix, one byte more, and each bit flipped in turn: never a crash, and a cut or
 * lengthened key is never accepted. */
static void mangled_keys_are_errors(void **state)
{
    (void)state;
    static const struct {
        const char *member;
        enum rind_token_algorithm algorithm;
        bool is_signing;
    } cases[] = {{"ed25519_spki", RIND_TOKEN_EDDSA, false},
                 {"ed25519_pkcs8", RIND_TOKEN_EDDSA, true},
                 {"rsa2048_spki", RIND_TOKEN_RS256, false},
                 {"rsa2048_pkcs1", RIND_TOKEN_RS256, false},
                 {"rsa2048_pkcs8", RIND_TOKEN_RS256, true}};
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *keys = rind_vectors_get(vectors, "keys");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_arena arena;
        struct rind_ctx ctx;
        setup(&arena, &ctx);
        struct rind_slice good = rind_vectors_hex(keys, cases[i].member, &arena);
        uint8_t bytes[2048] = {0};
        memcpy(bytes, good.data, good.length);
        rind_status (*make)(struct rind_ctx *, enum rind_token_algorithm, struct rind_slice,
                            struct rind_token_key **) =
            cases[i].is_signing ? rind_token_key_new_signing : rind_token_key_new_verifying;
        struct rind_token_key *key = NULL;
        assert_true(rind_is_ok(make(&ctx, cases[i].algorithm, good, &key)));
        rind_token_key_free(key);
        for (size_t length = 0; length <= good.length + 1; length++) {
            if (length != good.length) {
                assert_true(
                    rind_is(make(&ctx, cases[i].algorithm, rind_slice_make(bytes, length), &key),
                            RIND_E_INVALID));
            }
        }
        for (size_t bit = 0; bit < 8 * good.length; bit += 5) {
            key = NULL;
            bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (rind_is_ok(
                    make(&ctx, cases[i].algorithm, rind_slice_make(bytes, good.length), &key))) {
                assert_false(rind_token_key_verify(key, rind_slice_text("m"),
                                                   rind_slice_text("not a signature")));
                rind_token_key_free(key);
            }
            bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        assert_int_equal(ERR_peek_error(), 0);
    }
    json_decref(vectors);
}

static void keys_of_another_kind_are_errors(void **state)
{
    (void)state;
    struct rind_arena arena;
    struct rind_ctx ctx;
    setup(&arena, &ctx);
    json_t *vectors = rind_vectors_load("client-protocol-jwt.json");
    const json_t *keys = rind_vectors_get(vectors, "keys");
    struct rind_slice ed = rind_vectors_hex(keys, "ed25519_spki", &arena);
    struct rind_slice rsa = rind_vectors_hex(keys, "rsa2048_spki", &arena);
    struct rind_token_key *key = NULL;
    assert_true(
        rind_is(rind_token_key_new_verifying(&ctx, RIND_TOKEN_RS256, ed, &key), RIND_E_INVALID));
    assert_true(
        rind_is(rind_token_key_new_verifying(&ctx, RIND_TOKEN_EDDSA, rsa, &key), RIND_E_INVALID));
    assert_true(rind_is(rind_token_key_new_verifying(&ctx, RIND_TOKEN_EDDSA,
                                                     rind_slice_make(ed.data + 12, 32), &key),
                        RIND_E_INVALID));
    assert_null(key);
    json_decref(vectors);
}

static void rsa_keys_below_the_minimum_are_errors(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_RSA_gen(1024);
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(pkey, &der);
    assert_true(length > 0);
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_token_key *key = NULL;
    assert_true(rind_is(rind_token_key_new_verifying(&ctx, RIND_TOKEN_RS256,
                                                     rind_slice_make(der, (size_t)length), &key),
                        RIND_E_INVALID));
    assert_non_null(strstr(ctx.sentence, "1024 bits"));
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
}

static void an_empty_hmac_key_is_a_key(void **state)
{
    (void)state;
    struct rind_arena arena;
    struct rind_ctx ctx;
    setup(&arena, &ctx);
    struct rind_token_key *key = NULL;
    struct rind_slice mac;
    assert_true(rind_is_ok(
        rind_token_key_new_signing(&ctx, RIND_TOKEN_HS256, rind_slice_make(NULL, 0), &key)));
    assert_true(rind_is_ok(rind_token_key_sign(&ctx, key, rind_slice_make(NULL, 0), &mac)));
    uint8_t expected[32];
    /* HMAC-SHA-256 of nothing with the empty key. */
    assert_true(rind_hex_decode(
        rind_slice_text("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        expected, sizeof(expected)));
    assert_memory_equal(mac.data, expected, sizeof(expected));
    rind_token_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_keys_sign_and_verify),
        cmocka_unit_test(eddsa_signatures_are_those_of_rfc_8032),
        cmocka_unit_test(mangled_keys_are_errors),
        cmocka_unit_test(keys_of_another_kind_are_errors),
        cmocka_unit_test(rsa_keys_below_the_minimum_are_errors),
        cmocka_unit_test(an_empty_hmac_key_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
