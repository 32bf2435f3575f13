/*
 * secret_sharing.h - Shamir's secret sharing over the scalars of ristretto255.
 *
 * Share x is the value at x (1..count) of a random polynomial of degree threshold - 1 whose value
 * at 0 is the secret. It works on points as well: shares of k become shares of k * P. Spec:
 * docs/spec/01-client-protocol.md section 7.5.
 */
#ifndef RIND_CRYPTO_SECRET_SHARING_H
#define RIND_CRYPTO_SECRET_SHARING_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "crypto/ristretto.h"

#define RIND_SHARES_COUNT_MAX 255u /* as many realms as a configuration may have */

struct rind_scalar_share {
    uint32_t index; /* from 1; 0 is the secret itself */
    struct rind_scalar value;
};

struct rind_point_share {
    uint32_t index;
    struct rind_point value;
};

/*
 * Writes `count` shares, any `threshold` of which give the secret back. `coefficients` are
 * threshold - 1 random scalars in the order drawn: the first gets the highest power. May be NULL
 * when threshold is 1. Requires 1 <= threshold <= count <= RIND_SHARES_COUNT_MAX (asserted).
 */
void rind_secret_sharing_create(const struct rind_scalar *secret,
                                const struct rind_scalar *coefficients, uint32_t threshold,
                                uint32_t count, struct rind_scalar_share *shares);

/*
 * The secret, from all `count` shares given. Too few or foreign shares give a wrong value, not an
 * error. RIND_E_INVALID for no share, an index of 0 or two equal indices, RIND_E_LIMIT for more
 * than RIND_SHARES_COUNT_MAX.
 */
rind_status rind_secret_sharing_recover_scalar(struct rind_ctx *ctx,
                                               const struct rind_scalar_share *shares, size_t count,
                                               struct rind_scalar *secret) RIND_MUST_USE;

/* The same for points; also RIND_E_DECODE if a share is not a valid encoding. */
rind_status rind_secret_sharing_recover_point(struct rind_ctx *ctx,
                                              const struct rind_point_share *shares, size_t count,
                                              struct rind_point *secret) RIND_MUST_USE;

#endif
