/*
 * dleq.h - proof that a blinded output was made with the private key of a known public key
 * (Chaum-Pedersen, made non-interactive by Fiat-Shamir).
 *
 * Spec: docs/spec/01-client-protocol.md section 7.3.
 */
#ifndef RIND_CRYPTO_DLEQ_H
#define RIND_CRYPTO_DLEQ_H

#include "base/status.h"
#include "crypto/ristretto.h"

struct rind_dleq {
    struct rind_scalar c;
    struct rind_scalar beta_z;
};

/*
 * Proves that blinded_output = private_key * blinded_input and public_key = private_key * B.
 * `beta_t` is a random scalar used for this proof alone: a second proof with it gives the private
 * key away. `public_key` is hashed as it is, valid or not. RIND_E_DECODE if `blinded_input` is not
 * a valid encoding.
 */
rind_status rind_dleq_prove(struct rind_ctx *ctx, const struct rind_scalar *private_key,
                            const struct rind_point *public_key,
                            const struct rind_point *blinded_input,
                            const struct rind_point *blinded_output,
                            const struct rind_scalar *beta_t,
                            struct rind_dleq *proof) RIND_MUST_USE;

/* RIND_OK only if the proof holds; RIND_E_AUTH else, also when a point is not a valid encoding. */
rind_status rind_dleq_verify(struct rind_ctx *ctx, const struct rind_point *public_key,
                             const struct rind_point *blinded_input,
                             const struct rind_point *blinded_output,
                             const struct rind_dleq *proof) RIND_MUST_USE;

#endif
