/* PIN hashing and the token generator. */
#include "client/client.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "client/pin_hash.h"
#include "support/test.h"
#include "support/vectors.h"

static uint8_t memory[1 << 16];
static struct rind_arena arena;

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, memory, sizeof(memory));
    return sodium_init() < 0;
}

static struct rind_bytes bytes_of(const json_t *vector, const char *key)
{
    struct rind_slice slice = rind_vectors_hex(vector, key, &arena);
    return (struct rind_bytes){slice.data, slice.length};
}

static void pins_hash_as_the_vectors_say_in_both_modes(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-derivations.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(root, "pin_hashing"), index, vector)
    {
        uint8_t version[RIND_REGISTRATION_VERSION_SIZE];
        struct rind_access_key access_key;
        struct rind_access_key expected_access_key;
        struct rind_encryption_key_seed seed;
        struct rind_encryption_key_seed expected_seed;
        struct rind_failure failure;
        bool is_standard = strcmp(rind_vectors_text(vector, "mode"), "Standard2019") == 0;
        rind_vectors_hex_fixed(vector, "version", version, sizeof(version));
        rind_vectors_hex_fixed(vector, "access_key", expected_access_key.bytes, 32);
        rind_vectors_hex_fixed(vector, "encryption_key_seed", expected_seed.bytes, 32);
        assert_int_equal(rind_sdk_pin_hash(is_standard ? RIND_PIN_HASHING_STANDARD_2019
                                                       : RIND_PIN_HASHING_FAST_INSECURE,
                                           bytes_of(vector, "pin"), version,
                                           bytes_of(vector, "user_info"), &access_key, &seed,
                                           &failure),
                         RIND_ERROR_NONE);
        assert_true(rind_access_key_equal(&access_key, &expected_access_key));
        assert_true(rind_encryption_key_seed_equal(&seed, &expected_seed));
    }
    assert_int_equal(index, 4);
    json_decref(root);
}

/* The part of a token up to `end`, decoded. */
static size_t token_decode(const char *part, const char *end, uint8_t *bytes, size_t size)
{
    size_t length = 0;
    assert_int_equal(sodium_base642bin(bytes, size, part, (size_t)(end - part), NULL, &length, NULL,
                                       sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                     0);
    return length;
}

static void vended_tokens_have_the_exact_form_and_a_valid_signature(void **state)
{
    (void)state;
    const char *json = "{\"key\": \"302e020100300506032b657004220420"
                       "0101010101010101010101010101010101010101010101010101010101010101\","
                       "\"tenant\": \"acme\", \"version\": 7, \"extra\": true}";
    char why[RIND_SENTENCE_SIZE] = "";
    struct rind_auth_token_generator *generator = rind_auth_token_generator_parse(json, why);
    assert_string_equal(why, "");
    uint8_t realm[16] = {1, 2, 3};
    uint8_t secret_id[16] = {0xff};
    char jwt[RIND_TOKEN_SIZE_MAX];
    long long before = (long long)time(NULL);
    rind_auth_token_generator_vend(generator, realm, secret_id, jwt);
    long long after = (long long)time(NULL);
    assert_int_equal(
        strspn(jwt, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
        strlen(jwt));
    char *claims = strchr(jwt, '.') + 1;
    char *signature = strchr(claims, '.') + 1;
    uint8_t bytes[1024];
    size_t size = token_decode(jwt, claims - 1, bytes, sizeof(bytes));
    assert_int_equal(size, strlen("{\"alg\":\"EdDSA\",\"kid\":\"acme:7\",\"typ\":\"JWT\"}"));
    assert_memory_equal(bytes, "{\"alg\":\"EdDSA\",\"kid\":\"acme:7\",\"typ\":\"JWT\"}", size);

    size = token_decode(claims, signature - 1, bytes, sizeof(bytes) - 1);
    bytes[size] = '\0';
    bool is_as_expected = false;
    for (long long now = before; now <= after && !is_as_expected; now++) {
        char expected[512];
        (void)snprintf(expected, sizeof(expected),
                       "{\"iat\":%lld,\"exp\":%lld,\"nbf\":%lld,\"iss\":\"acme\","
                       "\"sub\":\"ff000000000000000000000000000000\","
                       "\"aud\":\"01020300000000000000000000000000\",\"scope\":\"user\"}",
                       now, now + 600, now);
        is_as_expected = strcmp((const char *)bytes, expected) == 0;
    }
    assert_true(is_as_expected);

    uint8_t seed[32];
    uint8_t public_key[32];
    uint8_t secret_key[64];
    memset(seed, 1, sizeof(seed));
    crypto_sign_ed25519_seed_keypair(public_key, secret_key, seed);
    size = token_decode(signature, signature + strlen(signature), bytes, sizeof(bytes));
    assert_int_equal(size, 64);
    assert_int_equal(crypto_sign_ed25519_verify_detached(bytes, (const uint8_t *)jwt,
                                                         (size_t)(signature - 1 - jwt), public_key),
                     0);
    rind_auth_token_generator_free(generator);
}

static void generators_of_any_other_form_are_refused_without_quoting_the_key(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"key\": \"zz\", \"tenant\": \"acme\", \"version\": 1}",
        /* a bare seed */
        "{\"key\": \"0101010101010101010101010101010101010101010101010101010101010101\","
        "\"tenant\": \"acme\", \"version\": 1}",
        /* a trailing byte */
        "{\"key\": \"302e020100300506032b657004220420"
        "010101010101010101010101010101010101010101010101010101010101010100\","
        "\"tenant\": \"acme\", \"version\": 1}",
        "{\"key\": \"302e020100300506032b657004220420"
        "0101010101010101010101010101010101010101010101010101010101010101\","
        "\"tenant\": \"ac me\", \"version\": 1}",
        "{\"key\": \"302e020100300506032b657004220420"
        "0101010101010101010101010101010101010101010101010101010101010101\","
        "\"tenant\": \"test-\", \"version\": 1}",
        "{\"key\": \"302e020100300506032b657004220420"
        "0101010101010101010101010101010101010101010101010101010101010101\","
        "\"tenant\": \"acme\", \"version\": -1}",
        "{\"key\": \"302e020100300506032b657004220420"
        "0101010101010101010101010101010101010101010101010101010101010101\","
        "\"tenant\": \"acme\", \"version\": 1.0}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[RIND_SENTENCE_SIZE] = "";
        assert_null(rind_auth_token_generator_parse(bad[i], why));
        assert_true(why[0] != '\0');
        assert_null(strstr(why, "0101"));
    }
    assert_null(rind_auth_token_generator_parse(NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pins_hash_as_the_vectors_say_in_both_modes, setup),
        cmocka_unit_test_setup(vended_tokens_have_the_exact_form_and_a_valid_signature, setup),
        cmocka_unit_test_setup(generators_of_any_other_form_are_refused_without_quoting_the_key,
                               setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
