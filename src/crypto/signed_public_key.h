/*
 * signed_public_key.h - a realm's OPRF public key, signed by the client at registration (Ed25519).
 *
 * One fresh signing key signs the keys of all realms and is then destroyed, so that no realm can
 * later swap its key. Spec: docs/spec/01-client-protocol.md section 7.4; RFC 8032.
 */
#ifndef RIND_CRYPTO_SIGNED_PUBLIC_KEY_H
#define RIND_CRYPTO_SIGNED_PUBLIC_KEY_H

#include <stdint.h>

#include "base/id.h"
#include "base/status.h"
#include "crypto/ristretto.h"
#include "crypto/secret.h"

#define RIND_VERIFYING_KEY_SIZE 32u
#define RIND_SIGNATURE_SIZE 64u

RIND_SECRET_TYPE(signing_key_seed, 32); /* 32 random bytes, RFC 8032's private key */
RIND_ID_TYPE(verifying_key, RIND_VERIFYING_KEY_SIZE);
RIND_ID_TYPE(signature, RIND_SIGNATURE_SIZE);

/* Signs `public_key` as the key of `realm`; also gives the verifying key of `seed`. */
void rind_oprf_public_key_sign(const struct rind_signing_key_seed *seed,
                               const struct rind_realm_id *realm,
                               const struct rind_point *public_key,
                               struct rind_verifying_key *verifying_key,
                               struct rind_signature *signature);

/*
 * RIND_OK only if the signature holds. RIND_E_AUTH else. Strict: a verifying key or commitment R of
 * small or mixed order, or in non-canonical form, and an S not below L are refused.
 */
rind_status rind_oprf_public_key_verify(struct rind_ctx *ctx, const struct rind_realm_id *realm,
                                        const struct rind_point *public_key,
                                        const struct rind_verifying_key *verifying_key,
                                        const struct rind_signature *signature) RIND_MUST_USE;

#endif
