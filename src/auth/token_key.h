/*
 * token_key.h - a key that signs or verifies tokens, parsed and checked once.
 *
 * Key bytes are untrusted until parsed: a bad one is an error, never a crash at first use.
 * Spec: docs/spec/01-client-protocol.md sections 14.1 and 14.5.
 */
#ifndef RIND_AUTH_TOKEN_KEY_H
#define RIND_AUTH_TOKEN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

/* RSA moduli we accept: below is breakable, above only slows us down. */
#define RIND_TOKEN_RSA_BITS_MIN 2048
#define RIND_TOKEN_RSA_BITS_MAX 16384

enum rind_token_algorithm {
    RIND_TOKEN_HS256, /* HMAC-SHA-256 */
    RIND_TOKEN_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 */
    RIND_TOKEN_EDDSA, /* Ed25519 */
    RIND_TOKEN_ALGORITHM_COUNT
};

/* The exact name in a token's `alg`; a static text. */
const char *rind_token_algorithm_name(enum rind_token_algorithm algorithm);

/* Finds an algorithm by its exact name ("HS256", "RS256", "EdDSA"). False if there is none. */
bool rind_token_algorithm_find(struct rind_slice name, enum rind_token_algorithm *algorithm);

/* Immutable once made, so any thread may use it. Holds its own copy of the key. */
struct rind_token_key;

/*
 * Parses a verification key: HS256 raw bytes, RS256 DER SubjectPublicKeyInfo or PKCS#1, EdDSA the
 * 44-byte DER SubjectPublicKeyInfo. RIND_E_INVALID for anything else. Free with
 * rind_token_key_free.
 */
rind_status rind_token_key_new_verifying(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                         struct rind_slice bytes,
                                         struct rind_token_key **key) RIND_MUST_USE;

/*
 * Parses a signing key: HS256 raw bytes, RS256 DER PKCS#8 or PKCS#1, EdDSA the 48-byte DER PKCS#8.
 * It verifies as well. RIND_E_INVALID for anything else.
 */
rind_status rind_token_key_new_signing(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                       struct rind_slice bytes,
                                       struct rind_token_key **key) RIND_MUST_USE;

/* Wipes and frees; NULL is fine. */
void rind_token_key_free(struct rind_token_key *key);

enum rind_token_algorithm rind_token_key_algorithm(const struct rind_token_key *key);

/*
 * Makes a random key: for HS256 32 bytes in both results, for RS256 (4096 bits) and EdDSA DER
 * PKCS#8 and DER SubjectPublicKeyInfo. Both results are in ctx->arena.
 */
rind_status rind_token_key_generate(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                    struct rind_slice *signing_key,
                                    struct rind_slice *verification_key) RIND_MUST_USE;

/* Signs `message`; the signature is in ctx->arena. RIND_E_INVALID for a key that only verifies. */
rind_status rind_token_key_sign(struct rind_ctx *ctx, const struct rind_token_key *key,
                                struct rind_slice message,
                                struct rind_slice *signature) RIND_MUST_USE;

/* True if `signature` over `message` is authentic. MACs are compared in constant time. */
bool rind_token_key_verify(const struct rind_token_key *key, struct rind_slice message,
                           struct rind_slice signature);

#endif
