/*
 * record_cipher.h - user records at rest: XChaCha20-Poly1305 with the nonce appended.
 *
 * leaf = ciphertext || 16-byte tag || 24-byte nonce, no associated data. The record id is bound by
 * the tree's leaf hash, not here. Spec: docs/spec/02-hsm-core.md section 12.
 */
#ifndef RIND_CRYPTO_RECORD_CIPHER_H
#define RIND_CRYPTO_RECORD_CIPHER_H

#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"
#include "crypto/secret.h"

#define RIND_RECORD_NONCE_SIZE 24u
#define RIND_RECORD_TAG_SIZE 16u
#define RIND_RECORD_OVERHEAD                                                                       \
    (RIND_RECORD_TAG_SIZE + RIND_RECORD_NONCE_SIZE) /* leaf - plaintext                            \
                                                     */

RIND_SECRET_TYPE(record_key, 32);

/*
 * Encrypts under a fresh random nonce (24 random bytes never repeat in practice). Writes
 * plaintext.length + RIND_RECORD_OVERHEAD bytes to `leaf`.
 */
void rind_record_seal(const struct rind_record_key *key,
                      const uint8_t nonce[static RIND_RECORD_NONCE_SIZE],
                      struct rind_slice plaintext, uint8_t *leaf);

/*
 * Writes leaf.length - RIND_RECORD_OVERHEAD bytes to `plaintext`, or RIND_E_AUTH and nothing useful
 * if the leaf is too short or was not made with `key`.
 */
rind_status rind_record_open(struct rind_ctx *ctx, const struct rind_record_key *key,
                             struct rind_slice leaf, uint8_t *plaintext) RIND_MUST_USE;

#endif
