/*
 * secret_cipher.h - the user's secret, padded to one size and encrypted by the client.
 *
 * Spec: docs/spec/01-client-protocol.md section 7.8.
 */
#ifndef RIND_CRYPTO_SECRET_CIPHER_H
#define RIND_CRYPTO_SECRET_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"
#include "crypto/secret.h"

#define RIND_USER_SECRET_SIZE_MAX 128u
#define RIND_USER_SECRET_PADDED_SIZE (1u + RIND_USER_SECRET_SIZE_MAX)
#define RIND_USER_SECRET_ENCRYPTED_SIZE (RIND_USER_SECRET_PADDED_SIZE + 16u)

/* Fresh for every registration: the nonce is fixed, so a second secret must never meet this key. */
RIND_SECRET_TYPE(encryption_key, 32);

/* RIND_E_LIMIT if the secret has more than RIND_USER_SECRET_SIZE_MAX bytes. */
rind_status
rind_user_secret_encrypt(struct rind_ctx *ctx, const struct rind_encryption_key *key,
                         struct rind_slice secret,
                         uint8_t encrypted[static RIND_USER_SECRET_ENCRYPTED_SIZE]) RIND_MUST_USE;

/*
 * Writes the secret and its size. RIND_E_AUTH if the bytes were not encrypted with `key`,
 * RIND_E_DECODE if the length byte inside is above RIND_USER_SECRET_SIZE_MAX.
 */
rind_status
rind_user_secret_decrypt(struct rind_ctx *ctx, const struct rind_encryption_key *key,
                         const uint8_t encrypted[static RIND_USER_SECRET_ENCRYPTED_SIZE],
                         uint8_t secret[static RIND_USER_SECRET_SIZE_MAX],
                         size_t *secret_size) RIND_MUST_USE;

#endif
