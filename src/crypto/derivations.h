/*
 * derivations.h - what the client derives from the OPRF output and the encryption key seed.
 *
 * Spec: docs/spec/01-client-protocol.md section 7.7.
 */
#ifndef RIND_CRYPTO_DERIVATIONS_H
#define RIND_CRYPTO_DERIVATIONS_H

#include <stdint.h>

#include "base/id.h"
#include "base/slice.h"
#include "crypto/oprf.h"
#include "crypto/ristretto.h"
#include "crypto/secret.h"
#include "crypto/secret_cipher.h"

#define RIND_UNLOCK_KEY_COMMITMENT_SIZE 32u
#define RIND_UNLOCK_KEY_TAG_SIZE 16u
#define RIND_ENCRYPTED_SECRET_COMMITMENT_SIZE 16u

RIND_SECRET_TYPE(unlock_key, 32);
RIND_SECRET_TYPE(encryption_key_seed, 32);

/* Splits SHA-512 of the output into the commitment and the unlock key. */
void rind_unlock_key_derive(const struct rind_oprf_output *oprf_output, struct rind_unlock_key *key,
                            uint8_t commitment[static RIND_UNLOCK_KEY_COMMITMENT_SIZE]);

/* What proves knowledge of the PIN to this one realm. */
void rind_unlock_key_tag_derive(const struct rind_unlock_key *key,
                                const struct rind_realm_id *realm,
                                uint8_t tag[static RIND_UNLOCK_KEY_TAG_SIZE]);

/* What tells the client that this realm gave back the very share and secret it was given. */
void rind_encrypted_secret_commitment_derive(
    const struct rind_unlock_key *key, const struct rind_realm_id *realm,
    const struct rind_scalar *scalar_share,
    const uint8_t encrypted_secret[static RIND_USER_SECRET_ENCRYPTED_SIZE],
    uint8_t commitment[static RIND_ENCRYPTED_SECRET_COMMITMENT_SIZE]);

/* The key of the user's secret, from the PIN's seed and the shared scalar. */
void rind_encryption_key_derive(const struct rind_encryption_key_seed *seed,
                                const struct rind_scalar *scalar, struct rind_encryption_key *key);

#endif
