/*
 * oprf.h - the oblivious pseudorandom function 2HashDH over ristretto255.
 *
 * The realm learns nothing of the input, the client nothing of the key. The client must check the
 * proof (dleq.h) before it believes a blinded output. Spec: docs/spec/01-client-protocol.md 7.2.
 */
#ifndef RIND_CRYPTO_OPRF_H
#define RIND_CRYPTO_OPRF_H

#include "base/slice.h"
#include "base/status.h"
#include "crypto/ristretto.h"
#include "crypto/secret.h"

#define RIND_OPRF_OUTPUT_SIZE 64u

RIND_SECRET_TYPE(oprf_output, RIND_OPRF_OUTPUT_SIZE);

/* Client: hides `input` under `blinding`, a random scalar used for this request alone. */
void rind_oprf_blind(struct rind_slice input, const struct rind_scalar *blinding,
                     struct rind_point *blinded_input);

/*
 * Realm: private_key * blinded_input. The identity and zero are valid and give the identity.
 * RIND_E_DECODE if `blinded_input` is not a valid encoding.
 */
rind_status rind_oprf_evaluate(struct rind_ctx *ctx, const struct rind_scalar *private_key,
                               const struct rind_point *blinded_input,
                               struct rind_point *blinded_output) RIND_MUST_USE;

/*
 * Client: removes the blinding and hashes. RIND_E_DECODE if `blinded_output` is not a valid
 * encoding, RIND_E_INVALID if `blinding` is zero.
 */
rind_status rind_oprf_finalize(struct rind_ctx *ctx, struct rind_slice input,
                               const struct rind_scalar *blinding,
                               const struct rind_point *blinded_output,
                               struct rind_oprf_output *output) RIND_MUST_USE;

/* Whoever knows the key: the same output in one step. */
void rind_oprf_evaluate_directly(struct rind_slice input, const struct rind_scalar *private_key,
                                 struct rind_oprf_output *output);

#endif
