/*
 * token_key.c - parsing and use of token keys over OpenSSL.
 *
 * DER is hostile input: it must be of the expected type, within the size limits and used up to its
 * last byte. Spec: docs/spec/01-client-protocol.md section 14.1.
 */
#include "auth/token_key.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "base/ct.h"
#include "base/wipe.h"

/* Larger than any RSA key within RIND_TOKEN_RSA_BITS_MAX in PKCS#8. */
#define TOKEN_KEY_DER_SIZE_MAX 16384u
#define TOKEN_KEY_HMAC_SIZE_MAX 65536u
#define TOKEN_KEY_HMAC_RANDOM_SIZE 32u
#define TOKEN_KEY_RSA_GENERATE_BITS 4096u
#define TOKEN_KEY_MAC_SIZE 32u

/* The only DER forms of Ed25519 keys that realms know (section 14.1). */
#define ED25519_KEY_SIZE 32u
static const uint8_t ed25519_public_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const uint8_t ed25519_private_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

struct rind_token_key {
    enum rind_token_algorithm algorithm;
    bool can_sign;
    EVP_PKEY *pkey;   /* RS256, EdDSA */
    uint8_t *mac_key; /* HS256; secret */
    size_t mac_length;
};

static const char *const algorithm_names[] = {
    [RIND_TOKEN_HS256] = "HS256", [RIND_TOKEN_RS256] = "RS256", [RIND_TOKEN_EDDSA] = "EdDSA"};

const char *rind_token_algorithm_name(enum rind_token_algorithm algorithm)
{
    RIND_ASSERT(algorithm < RIND_TOKEN_ALGORITHM_COUNT);
    return algorithm_names[algorithm];
}

bool rind_token_algorithm_find(struct rind_slice name, enum rind_token_algorithm *algorithm)
{
    for (unsigned i = 0; i < RIND_TOKEN_ALGORITHM_COUNT; i++) {
        if (rind_slice_is_text(name, algorithm_names[i])) {
            *algorithm = (enum rind_token_algorithm)i;
            return true;
        }
    }
    return false;
}

static rind_status token_key_load_mac(struct rind_ctx *ctx, struct rind_token_key *key,
                                      struct rind_slice bytes)
{
    RIND_REQUIRE(ctx, bytes.length <= TOKEN_KEY_HMAC_SIZE_MAX, RIND_E_INVALID,
                 "an HS256 key of %zu bytes is longer than %u", bytes.length,
                 TOKEN_KEY_HMAC_SIZE_MAX);
    key->mac_key = malloc(bytes.length + 1); /* never NULL for an empty key */
    RIND_REQUIRE(ctx, key->mac_key != NULL, RIND_E_LIMIT, "out of memory for a token key");
    if (bytes.length > 0) {
        memcpy(key->mac_key, bytes.data, bytes.length);
    }
    key->mac_length = bytes.length;
    key->can_sign = true;
    return RIND_OK;
}

static rind_status token_key_check_rsa(struct rind_ctx *ctx, const EVP_PKEY *pkey)
{
    RIND_REQUIRE(ctx, EVP_PKEY_get_base_id(pkey) == EVP_PKEY_RSA, RIND_E_INVALID,
                 "the key is not an RSA key");
    int bits = EVP_PKEY_get_bits(pkey);
    RIND_REQUIRE(ctx, bits >= RIND_TOKEN_RSA_BITS_MIN && bits <= RIND_TOKEN_RSA_BITS_MAX,
                 RIND_E_INVALID, "the RSA key has %d bits; from %d to %d are accepted", bits,
                 RIND_TOKEN_RSA_BITS_MIN, RIND_TOKEN_RSA_BITS_MAX);
    return RIND_OK;
}

static rind_status token_key_load_rsa_public(struct rind_ctx *ctx, struct rind_token_key *key,
                                             struct rind_slice der)
{
    const unsigned char *cursor = der.data;
    key->pkey = d2i_PUBKEY(NULL, &cursor, (long)der.length);
    if (key->pkey == NULL) {
        cursor = der.data;
        key->pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &cursor, (long)der.length); /* PKCS#1 */
    }
    RIND_REQUIRE(ctx, key->pkey != NULL && cursor == der.data + der.length, RIND_E_INVALID,
                 "the key is neither a DER SubjectPublicKeyInfo nor a DER PKCS#1 public key");
    return token_key_check_rsa(ctx, key->pkey);
}

static rind_status token_key_load_rsa_private(struct rind_ctx *ctx, struct rind_token_key *key,
                                              struct rind_slice der)
{
    const unsigned char *cursor = der.data;
    key->pkey = d2i_AutoPrivateKey(NULL, &cursor, (long)der.length); /* PKCS#8 or PKCS#1 */
    RIND_REQUIRE(ctx, key->pkey != NULL && cursor == der.data + der.length, RIND_E_INVALID,
                 "the key is neither a DER PKCS#8 nor a DER PKCS#1 private key");
    key->can_sign = true;
    return token_key_check_rsa(ctx, key->pkey);
}

static bool slice_starts_with(struct rind_slice slice, struct rind_slice prefix)
{
    return slice.length >= prefix.length &&
           rind_slice_equal(rind_slice_make(slice.data, prefix.length), prefix);
}

static rind_status token_key_load_ed25519(struct rind_ctx *ctx, struct rind_token_key *key,
                                          struct rind_slice der)
{
    struct rind_slice prefix = key->can_sign ? RIND_SLICE_OF(ed25519_private_prefix)
                                             : RIND_SLICE_OF(ed25519_public_prefix);
    RIND_REQUIRE(
        ctx, der.length == prefix.length + ED25519_KEY_SIZE && slice_starts_with(der, prefix),
        RIND_E_INVALID, "the key is not a %zu-byte DER %s of an Ed25519 key",
        prefix.length + ED25519_KEY_SIZE, key->can_sign ? "PKCS#8" : "SubjectPublicKeyInfo");
    const uint8_t *raw = der.data + prefix.length;
    key->pkey = key->can_sign
                    ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, ED25519_KEY_SIZE)
                    : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, ED25519_KEY_SIZE);
    RIND_REQUIRE(ctx, key->pkey != NULL, RIND_E_INVALID, "the Ed25519 key is not usable");
    return RIND_OK;
}

static rind_status token_key_load(struct rind_ctx *ctx, struct rind_token_key *key,
                                  struct rind_slice bytes)
{
    if (key->algorithm == RIND_TOKEN_HS256) {
        return token_key_load_mac(ctx, key, bytes);
    }
    RIND_REQUIRE(ctx, bytes.length > 0 && bytes.length <= TOKEN_KEY_DER_SIZE_MAX, RIND_E_INVALID,
                 "a DER key of %zu bytes; from 1 to %u are accepted", bytes.length,
                 TOKEN_KEY_DER_SIZE_MAX);
    if (key->algorithm == RIND_TOKEN_EDDSA) {
        return token_key_load_ed25519(ctx, key, bytes);
    }
    return key->can_sign ? token_key_load_rsa_private(ctx, key, bytes)
                         : token_key_load_rsa_public(ctx, key, bytes);
}

static rind_status token_key_new(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                 bool can_sign, struct rind_slice bytes,
                                 struct rind_token_key **result)
{
    struct rind_token_key *key = calloc(1, sizeof(*key));
    RIND_REQUIRE(ctx, key != NULL, RIND_E_LIMIT, "out of memory for a token key");
    key->algorithm = algorithm;
    key->can_sign = can_sign;
    /* What OpenSSL says about a bad key must not be left for the TLS code of this thread to find.
     */
    ERR_set_mark();
    rind_status status = token_key_load(ctx, key, bytes);
    ERR_pop_to_mark();
    if (!rind_is_ok(status)) {
        rind_token_key_free(key);
        return status;
    }
    *result = key;
    return RIND_OK;
}

rind_status rind_token_key_new_verifying(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                         struct rind_slice bytes, struct rind_token_key **key)
{
    return token_key_new(ctx, algorithm, false, bytes, key);
}

rind_status rind_token_key_new_signing(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                       struct rind_slice bytes, struct rind_token_key **key)
{
    return token_key_new(ctx, algorithm, true, bytes, key);
}

void rind_token_key_free(struct rind_token_key *key)
{
    if (key == NULL) {
        return;
    }
    EVP_PKEY_free(key->pkey);
    if (key->mac_key != NULL) {
        rind_wipe(key->mac_key, key->mac_length);
        free(key->mac_key);
    }
    free(key);
}

enum rind_token_algorithm rind_token_key_algorithm(const struct rind_token_key *key)
{
    return key->algorithm;
}

/* Copies OpenSSL's DER into the arena, then wipes and frees it. */
static rind_status der_take(struct rind_ctx *ctx, unsigned char *der, int length,
                            struct rind_slice *copy)
{
    RIND_REQUIRE(ctx, der != NULL && length > 0, RIND_E_INTERNAL, "a new key cannot be encoded");
    bool is_copied = rind_arena_copy(ctx->arena, rind_slice_make(der, (size_t)length), copy);
    OPENSSL_clear_free(der, (size_t)length);
    RIND_REQUIRE(ctx, is_copied, RIND_E_LIMIT, "no room for a new key");
    return RIND_OK;
}

static rind_status token_key_encode(struct rind_ctx *ctx, EVP_PKEY *pkey,
                                    PKCS8_PRIV_KEY_INFO *pkcs8, struct rind_slice *signing_key,
                                    struct rind_slice *verification_key)
{
    RIND_REQUIRE(ctx, pkey != NULL && pkcs8 != NULL, RIND_E_INTERNAL, "no new key could be made");
    unsigned char *der = NULL;
    int length = i2d_PKCS8_PRIV_KEY_INFO(pkcs8, &der);
    RIND_TRY(der_take(ctx, der, length, signing_key));
    der = NULL;
    length = i2d_PUBKEY(pkey, &der);
    return der_take(ctx, der, length, verification_key);
}

rind_status rind_token_key_generate(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                    struct rind_slice *signing_key,
                                    struct rind_slice *verification_key)
{
    if (algorithm == RIND_TOKEN_HS256) {
        uint8_t *bytes = rind_ctx_alloc(ctx, TOKEN_KEY_HMAC_RANDOM_SIZE);
        if (bytes == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        RIND_REQUIRE(ctx, RAND_bytes(bytes, TOKEN_KEY_HMAC_RANDOM_SIZE) == 1, RIND_E_INTERNAL,
                     "no randomness for a new key");
        *signing_key = rind_slice_make(bytes, TOKEN_KEY_HMAC_RANDOM_SIZE);
        *verification_key = *signing_key;
        return RIND_OK;
    }
    EVP_PKEY *pkey = algorithm == RIND_TOKEN_RS256 ? EVP_RSA_gen(TOKEN_KEY_RSA_GENERATE_BITS)
                                                   : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    PKCS8_PRIV_KEY_INFO *pkcs8 = pkey != NULL ? EVP_PKEY2PKCS8(pkey) : NULL;
    rind_status status = token_key_encode(ctx, pkey, pkcs8, signing_key, verification_key);
    PKCS8_PRIV_KEY_INFO_free(pkcs8);
    EVP_PKEY_free(pkey);
    return status;
}

static bool token_key_mac(const struct rind_token_key *key, struct rind_slice message,
                          uint8_t mac[static TOKEN_KEY_MAC_SIZE])
{
    unsigned length = 0;
    RIND_ASSERT(key->mac_length <= INT_MAX);
    return HMAC(EVP_sha256(), key->mac_key, (int)key->mac_length, message.data, message.length, mac,
                &length) != NULL &&
           length == TOKEN_KEY_MAC_SIZE;
}

/* RS256 signs a SHA-256 digest, Ed25519 the message itself. */
static const EVP_MD *token_key_digest(const struct rind_token_key *key)
{
    return key->algorithm == RIND_TOKEN_RS256 ? EVP_sha256() : NULL;
}

static rind_status token_key_sign_in(struct rind_ctx *ctx, EVP_MD_CTX *md,
                                     const struct rind_token_key *key, struct rind_slice message,
                                     struct rind_slice *signature)
{
    size_t length = 0;
    RIND_REQUIRE(ctx,
                 md != NULL &&
                     EVP_DigestSignInit(md, NULL, token_key_digest(key), NULL, key->pkey) == 1 &&
                     EVP_DigestSign(md, NULL, &length, message.data, message.length) == 1,
                 RIND_E_INTERNAL, "cannot sign with this key");
    uint8_t *bytes = rind_ctx_alloc(ctx, length);
    if (bytes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    RIND_REQUIRE(ctx, EVP_DigestSign(md, bytes, &length, message.data, message.length) == 1,
                 RIND_E_INTERNAL, "cannot sign with this key");
    *signature = rind_slice_make(bytes, length);
    return RIND_OK;
}

rind_status rind_token_key_sign(struct rind_ctx *ctx, const struct rind_token_key *key,
                                struct rind_slice message, struct rind_slice *signature)
{
    RIND_REQUIRE(ctx, key->can_sign, RIND_E_INVALID, "a verification key cannot sign");
    if (key->algorithm == RIND_TOKEN_HS256) {
        uint8_t *mac = rind_ctx_alloc(ctx, TOKEN_KEY_MAC_SIZE);
        if (mac == NULL) {
            return rind_status_make(RIND_E_LIMIT);
        }
        RIND_REQUIRE(ctx, token_key_mac(key, message, mac), RIND_E_INTERNAL, "HMAC failed");
        *signature = rind_slice_make(mac, TOKEN_KEY_MAC_SIZE);
        return RIND_OK;
    }
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    rind_status status = token_key_sign_in(ctx, md, key, message, signature);
    EVP_MD_CTX_free(md);
    return status;
}

bool rind_token_key_verify(const struct rind_token_key *key, struct rind_slice message,
                           struct rind_slice signature)
{
    if (key->algorithm == RIND_TOKEN_HS256) {
        uint8_t mac[TOKEN_KEY_MAC_SIZE];
        bool is_equal = token_key_mac(key, message, mac) && signature.length == sizeof(mac) &&
                        rind_ct_equal(mac, signature.data, sizeof(mac));
        rind_wipe(mac, sizeof(mac)); /* it would authenticate the token it was computed over */
        return is_equal;
    }
    ERR_set_mark();
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_valid =
        md != NULL && EVP_DigestVerifyInit(md, NULL, token_key_digest(key), NULL, key->pkey) == 1 &&
        EVP_DigestVerify(md, signature.data, signature.length, message.data, message.length) == 1;
    EVP_MD_CTX_free(md);
    ERR_pop_to_mark();
    return is_valid;
}
