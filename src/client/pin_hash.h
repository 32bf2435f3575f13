/*
 * pin_hash.h - what makes a guess at the PIN expensive: Argon2id.
 *
 * Spec: docs/spec/01-client-protocol.md section 7.6. The only part of the protocol that needs a
 * heap, hence here and not in crypto/.
 */
#ifndef RIND_CLIENT_PIN_HASH_H
#define RIND_CLIENT_PIN_HASH_H

#include "crypto/crypto.h"
#include "rind/rind.h"

#define RIND_REGISTRATION_VERSION_SIZE 16u

/* Input of the OPRF. */
RIND_SECRET_TYPE(access_key, 32);

/*
 * Hashes for as long as the mode says. The caller releases nothing and wipes both results.
 * RIND_ERROR_INVALID_ARGUMENT for a PIN or info beyond 2^32 - 64 bytes, RIND_ERROR_TRANSIENT when
 * the mode's memory is not to be had.
 */
enum rind_error rind_sdk_pin_hash(enum rind_pin_hashing_mode mode, struct rind_bytes pin,
                                  const uint8_t version[static RIND_REGISTRATION_VERSION_SIZE],
                                  struct rind_bytes info, struct rind_access_key *access_key,
                                  struct rind_encryption_key_seed *seed,
                                  struct rind_failure *failure);

#endif
