/*
 * ristretto.h - scalars and points of the group ristretto255 (RFC 9496).
 *
 * A scalar is an integer below the group's order L, 32 bytes little-endian. A point is its 32-byte
 * canonical encoding; the identity (32 zero bytes) is a point like any other. Bytes from outside
 * become scalars and points by _decode only, so that holders need not check again.
 * Spec: docs/spec/01-client-protocol.md sections 0 and 7.1.
 */
#ifndef RIND_CRYPTO_RISTRETTO_H
#define RIND_CRYPTO_RISTRETTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/random.h"
#include "crypto/secret.h"

#define RIND_SCALAR_SIZE 32u
#define RIND_SCALAR_WIDE_SIZE 64u /* uniform bytes that are reduced to a scalar */
#define RIND_POINT_SIZE 32u

RIND_SECRET_TYPE(scalar, RIND_SCALAR_SIZE);

/* An encoded point. Most are public; a secret one is wiped with rind_wipe by its holder. */
RIND_ID_TYPE(point, RIND_POINT_SIZE);

/* True if the 32 bytes are an integer below L, in constant time. Zero is. */
bool rind_scalar_is_canonical(const uint8_t bytes[static RIND_SCALAR_SIZE]) RIND_MUST_USE;

/* Takes canonical bytes only; RIND_E_DECODE else. */
rind_status rind_scalar_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_SCALAR_SIZE],
                               struct rind_scalar *scalar) RIND_MUST_USE;

bool rind_scalar_is_zero(const struct rind_scalar *scalar) RIND_MUST_USE;

/* `wide` as a little-endian integer modulo L. */
void rind_scalar_from_wide(const uint8_t wide[static RIND_SCALAR_WIDE_SIZE],
                           struct rind_scalar *scalar);

/* SHA-512 of `bytes`, reduced. */
void rind_scalar_from_hash(struct rind_slice bytes, struct rind_scalar *scalar);

/* A small integer as a scalar. */
void rind_scalar_from_u32(uint32_t value, struct rind_scalar *scalar);

/* A uniform scalar; draws RIND_SCALAR_WIDE_SIZE bytes. */
void rind_scalar_random(const struct rind_random *random, struct rind_scalar *scalar);

/* Arithmetic modulo L. Results may overwrite operands. */
void rind_scalar_add(const struct rind_scalar *a, const struct rind_scalar *b,
                     struct rind_scalar *sum);
void rind_scalar_subtract(const struct rind_scalar *a, const struct rind_scalar *b,
                          struct rind_scalar *difference);
void rind_scalar_multiply(const struct rind_scalar *a, const struct rind_scalar *b,
                          struct rind_scalar *product);

/* 1/a modulo L; RIND_E_INVALID for zero. */
rind_status rind_scalar_invert(struct rind_ctx *ctx, const struct rind_scalar *a,
                               struct rind_scalar *inverse) RIND_MUST_USE;

/* True if the 32 bytes are the canonical encoding of a point (the identity's is). */
bool rind_point_is_valid(const uint8_t bytes[static RIND_POINT_SIZE]) RIND_MUST_USE;

/* Takes valid encodings only; RIND_E_DECODE else. */
rind_status rind_point_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_POINT_SIZE],
                              struct rind_point *point) RIND_MUST_USE;

bool rind_point_is_identity(const struct rind_point *point) RIND_MUST_USE;

/* HashToGroup(m): SHA-512, then the element derivation of RFC 9496 section 4.3.4. */
void rind_point_from_hash(struct rind_slice bytes, struct rind_point *point);

/* scalar * B, the identity if the scalar is zero. */
void rind_point_multiply_base(const struct rind_scalar *scalar, struct rind_point *product);

/*
 * scalar * point. The identity is an ordinary result here (zero scalar or identity point), unlike
 * in libsodium, which calls it a failure. RIND_E_DECODE if `point` is not a valid encoding.
 */
rind_status rind_point_multiply(struct rind_ctx *ctx, const struct rind_scalar *scalar,
                                const struct rind_point *point,
                                struct rind_point *product) RIND_MUST_USE;

/* Sum and difference; RIND_E_DECODE if an operand is not a valid encoding. May overwrite operands.
 */
rind_status rind_point_add(struct rind_ctx *ctx, const struct rind_point *a,
                           const struct rind_point *b, struct rind_point *sum) RIND_MUST_USE;
rind_status rind_point_subtract(struct rind_ctx *ctx, const struct rind_point *a,
                                const struct rind_point *b,
                                struct rind_point *difference) RIND_MUST_USE;

#endif
