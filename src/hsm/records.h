/*
 * records.h - user records at rest: CBOR, padded, sealed (spec 02 section 12).
 *
 * plaintext = CBOR || zeros || u32 big-endian length of the CBOR. Registered and NoGuesses take 750
 * bytes whatever they hold, so that a host cannot tell them apart; NotRegistered takes 38.
 */
#ifndef RIND_HSM_RECORDS_H
#define RIND_HSM_RECORDS_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "wire/wire.h"

#define RIND_HSM_RECORD_SIZE 750u
#define RIND_HSM_RECORD_TRAILER_SIZE 4u
#define RIND_HSM_LEAF_SIZE_MAX (RIND_HSM_RECORD_SIZE + RIND_RECORD_OVERHEAD)

/* Appends the padded plaintext, at most RIND_HSM_RECORD_SIZE bytes. Cannot fail for our records. */
void rind_hsm_record_encode(const struct rind_user_record *record, struct rind_buffer *plaintext);

/*
 * Reads a padded plaintext; padding bytes are not looked at. RIND_E_CORRUPT: sizes or CBOR that no
 * HSM of this realm wrote. `record` borrows nothing.
 */
rind_status rind_hsm_record_decode(struct rind_ctx *ctx, struct rind_slice plaintext,
                                   struct rind_user_record *record) RIND_MUST_USE;

/* Appends the record, sealed under `nonce`, to `leaf`, which has RIND_HSM_LEAF_SIZE_MAX room. */
void rind_hsm_record_seal(const struct rind_record_key *key,
                          const uint8_t nonce[static RIND_RECORD_NONCE_SIZE],
                          const struct rind_user_record *record, struct rind_buffer *leaf);

/* RIND_E_AUTH: too short or not sealed by this realm. RIND_E_CORRUPT as decode. */
rind_status rind_hsm_record_open(struct rind_ctx *ctx, const struct rind_record_key *key,
                                 struct rind_slice leaf,
                                 struct rind_user_record *record) RIND_MUST_USE;

#endif
