/*
 * token_generator.c - tokens made on the device. Spec: docs/spec/01-client-protocol.md
 * section 14.6.
 *
 * Unlike the reference, which finds out when the first token is made, the key's form and the
 * tenant's name are checked when the generator is.
 */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/hex.h"
#include "base/slice.h"
#include "base/wipe.h"
#include "client/failure.h"

#define GENERATOR_KEY_DER_SIZE 48u /* PKCS#8 of an Ed25519 seed, in its only accepted form */
#define GENERATOR_SEED_SIZE 32u
#define GENERATOR_TENANT_SIZE_MAX 128u
#define GENERATOR_JSON_SIZE_MAX 4096u
#define GENERATOR_LIFETIME_S 600
#define GENERATOR_PART_SIZE_MAX 1024u /* header or claims, before and after base64url */

struct rind_auth_token_generator {
    uint8_t signing_key[crypto_sign_ed25519_SECRETKEYBYTES];
    char tenant[GENERATOR_TENANT_SIZE_MAX];
    uint64_t version;
};

static const uint8_t generator_key_prefix[GENERATOR_KEY_DER_SIZE - GENERATOR_SEED_SIZE] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

/* (test-)?[a-zA-Z0-9]+ */
static bool generator_tenant_is_valid(const char *tenant)
{
    const char *name = strncmp(tenant, "test-", 5) == 0 ? tenant + 5 : tenant;
    size_t length = strlen(name);
    return length > 0 && strlen(tenant) < GENERATOR_TENANT_SIZE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length;
}

/* Signed 64 bits are what the JSON library knows; versions count from 1. */
static bool generator_version(const json_t *root, uint64_t *version)
{
    const json_t *value = json_object_get(root, "version");
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *version = (uint64_t)json_integer_value(value);
    return true;
}

static bool generator_fill(struct rind_auth_token_generator *generator, const json_t *root,
                           char *why)
{
    const char *key = json_string_value(json_object_get(root, "key"));
    const char *tenant = json_string_value(json_object_get(root, "tenant"));
    uint8_t der[GENERATOR_KEY_DER_SIZE];
    uint8_t public_key[crypto_sign_ed25519_PUBLICKEYBYTES];
    bool is_key = key != NULL && rind_hex_decode(rind_slice_text(key), der, sizeof(der)) &&
                  memcmp(der, generator_key_prefix, sizeof(generator_key_prefix)) == 0;
    if (is_key) {
        crypto_sign_ed25519_seed_keypair(public_key, generator->signing_key,
                                         der + sizeof(generator_key_prefix));
    }
    rind_wipe(der, sizeof(der));
    if (!is_key) {
        rind_sdk_why(why, "key is not the hex of a 48-byte PKCS#8 Ed25519 key");
        return false;
    }
    if (tenant == NULL || !generator_tenant_is_valid(tenant)) {
        rind_sdk_why(why, "tenant must be letters and digits, \"test-\" may come first");
        return false;
    }
    if (!generator_version(root, &generator->version)) {
        rind_sdk_why(why, "version is not a whole number from 0 to 2^63 - 1");
        return false;
    }
    (void)snprintf(generator->tenant, sizeof(generator->tenant), "%s", tenant);
    return true;
}

struct rind_auth_token_generator *rind_auth_token_generator_parse(const char *json, char *why)
{
    json_error_t error;
    size_t size = json == NULL ? 0 : strnlen(json, GENERATOR_JSON_SIZE_MAX);
    json_t *root = json_loadb(json == NULL ? "" : json, size, JSON_REJECT_DUPLICATES, &error);
    struct rind_auth_token_generator *generator = calloc(1, sizeof(*generator));
    if (root == NULL || generator == NULL || !json_is_object(root)) {
        /* The parser's sentence may quote the key: leave it away. */
        rind_sdk_why(why, "a token generator is a JSON object with key, tenant and version");
    } else if (generator_fill(generator, root, why)) {
        json_decref(root);
        return generator;
    }
    json_decref(root);
    rind_auth_token_generator_free(generator);
    return NULL;
}

void rind_auth_token_generator_free(struct rind_auth_token_generator *generator)
{
    if (generator != NULL) {
        rind_wipe(generator, sizeof(*generator));
        free(generator);
    }
}

/* Appends base64url without padding; `*used` moves on. */
static void generator_append(char *jwt, size_t *used, const void *bytes, size_t size)
{
    size_t needed = sodium_base64_encoded_len(size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    RIND_ASSERT(*used + needed <= RIND_TOKEN_SIZE_MAX);
    sodium_bin2base64(jwt + *used, needed, bytes, size, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *used += needed - 1; /* without its NUL */
}

void rind_auth_token_generator_vend(const struct rind_auth_token_generator *generator,
                                    const uint8_t realm_id[RIND_REALM_ID_SIZE],
                                    const uint8_t secret_id[16], char *jwt)
{
    char part[GENERATOR_PART_SIZE_MAX];
    char realm[RIND_HEX_SIZE(RIND_REALM_ID_SIZE)];
    char subject[RIND_HEX_SIZE(16)];
    uint8_t signature[crypto_sign_ed25519_BYTES];
    size_t used = 0;
    long long now = (long long)time(NULL);
    rind_hex_encode(rind_slice_make(realm_id, RIND_REALM_ID_SIZE), realm);
    rind_hex_encode(rind_slice_make(secret_id, 16), subject);

    int length =
        snprintf(part, sizeof(part), "{\"alg\":\"EdDSA\",\"kid\":\"%s:%llu\",\"typ\":\"JWT\"}",
                 generator->tenant, (unsigned long long)generator->version);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(part));
    generator_append(jwt, &used, part, (size_t)length);
    jwt[used++] = '.';
    length = snprintf(part, sizeof(part),
                      "{\"iat\":%lld,\"exp\":%lld,\"nbf\":%lld,\"iss\":\"%s\",\"sub\":\"%s\","
                      "\"aud\":\"%s\",\"scope\":\"user\"}",
                      now, now + GENERATOR_LIFETIME_S, now, generator->tenant, subject, realm);
    RIND_ASSERT(length > 0 && (size_t)length < sizeof(part));
    generator_append(jwt, &used, part, (size_t)length);
    int failed = crypto_sign_ed25519_detached(signature, NULL, (const unsigned char *)jwt, used,
                                              generator->signing_key);
    RIND_ASSERT(failed == 0);
    jwt[used++] = '.';
    generator_append(jwt, &used, signature, sizeof(signature));
}
