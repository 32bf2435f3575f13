/* ristretto.c - see ristretto.h. libsodium does the work. */
#include "crypto/ristretto.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/endian.h"

_Static_assert(crypto_core_ristretto255_SCALARBYTES == RIND_SCALAR_SIZE, "sizes agree");
_Static_assert(crypto_core_ristretto255_NONREDUCEDSCALARBYTES == RIND_SCALAR_WIDE_SIZE,
               "sizes agree");
_Static_assert(crypto_core_ristretto255_BYTES == RIND_POINT_SIZE, "sizes agree");
_Static_assert(crypto_core_ristretto255_HASHBYTES == crypto_hash_sha512_BYTES, "sizes agree");

/* L, little-endian: docs/spec/01-client-protocol.md section 0. */
static const uint8_t scalar_order[RIND_SCALAR_SIZE] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

bool rind_scalar_is_canonical(const uint8_t bytes[static RIND_SCALAR_SIZE])
{
    /* bytes < L exactly when bytes - L borrows; no branch on the way. */
    uint32_t borrow = 0;
    for (size_t i = 0; i < RIND_SCALAR_SIZE; i++) {
        uint32_t difference = (uint32_t)bytes[i] - scalar_order[i] - borrow;
        borrow = (difference >> 8) & 1u;
    }
    return borrow == 1;
}

rind_status rind_scalar_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_SCALAR_SIZE],
                               struct rind_scalar *scalar)
{
    RIND_REQUIRE(ctx, rind_scalar_is_canonical(bytes), RIND_E_DECODE,
                 "a scalar is not below the order of ristretto255");
    memcpy(scalar->bytes, bytes, RIND_SCALAR_SIZE);
    return RIND_OK;
}

bool rind_scalar_is_zero(const struct rind_scalar *scalar)
{
    return rind_ct_is_zero(scalar->bytes, sizeof(scalar->bytes));
}

void rind_scalar_from_wide(const uint8_t wide[static RIND_SCALAR_WIDE_SIZE],
                           struct rind_scalar *scalar)
{
    crypto_core_ristretto255_scalar_reduce(scalar->bytes, wide);
}

void rind_scalar_from_hash(struct rind_slice bytes, struct rind_scalar *scalar)
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(digest, bytes.data, bytes.length);
    rind_scalar_from_wide(digest, scalar);
    rind_wipe(digest, sizeof(digest));
}

void rind_scalar_from_u32(uint32_t value, struct rind_scalar *scalar)
{
    memset(scalar->bytes, 0, sizeof(scalar->bytes));
    rind_put_le64(scalar->bytes, value);
}

void rind_scalar_random(const struct rind_random *random, struct rind_scalar *scalar)
{
    uint8_t wide[RIND_SCALAR_WIDE_SIZE];
    rind_random_fill(random, wide, sizeof(wide));
    rind_scalar_from_wide(wide, scalar);
    rind_wipe(wide, sizeof(wide));
}

void rind_scalar_add(const struct rind_scalar *a, const struct rind_scalar *b,
                     struct rind_scalar *sum)
{
    crypto_core_ristretto255_scalar_add(sum->bytes, a->bytes, b->bytes);
}

void rind_scalar_subtract(const struct rind_scalar *a, const struct rind_scalar *b,
                          struct rind_scalar *difference)
{
    crypto_core_ristretto255_scalar_sub(difference->bytes, a->bytes, b->bytes);
}

void rind_scalar_multiply(const struct rind_scalar *a, const struct rind_scalar *b,
                          struct rind_scalar *product)
{
    crypto_core_ristretto255_scalar_mul(product->bytes, a->bytes, b->bytes);
}

rind_status rind_scalar_invert(struct rind_ctx *ctx, const struct rind_scalar *a,
                               struct rind_scalar *inverse)
{
    RIND_REQUIRE(ctx, !rind_scalar_is_zero(a), RIND_E_INVALID, "zero has no inverse");
    struct rind_scalar result;
    int failed = crypto_core_ristretto255_scalar_invert(result.bytes, a->bytes);
    RIND_ASSERT(failed == 0); /* fails for zero only */
    *inverse = result;
    rind_scalar_wipe(&result);
    return RIND_OK;
}

bool rind_point_is_valid(const uint8_t bytes[static RIND_POINT_SIZE])
{
    return crypto_core_ristretto255_is_valid_point(bytes) == 1;
}

rind_status rind_point_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_POINT_SIZE],
                              struct rind_point *point)
{
    RIND_REQUIRE(ctx, rind_point_is_valid(bytes), RIND_E_DECODE,
                 "32 bytes are not the encoding of a ristretto255 point");
    memcpy(point->bytes, bytes, RIND_POINT_SIZE);
    return RIND_OK;
}

bool rind_point_is_identity(const struct rind_point *point)
{
    return rind_ct_is_zero(point->bytes, sizeof(point->bytes));
}

void rind_point_from_hash(struct rind_slice bytes, struct rind_point *point)
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(digest, bytes.data, bytes.length);
    int failed = crypto_core_ristretto255_from_hash(point->bytes, digest);
    RIND_ASSERT(failed == 0); /* defined for all digests */
    rind_wipe(digest, sizeof(digest));
}

void rind_point_multiply_base(const struct rind_scalar *scalar, struct rind_point *product)
{
    /* The library fails only for a zero scalar, whose product is the identity. */
    struct rind_point result;
    if (crypto_scalarmult_ristretto255_base(result.bytes, scalar->bytes) != 0) {
        memset(result.bytes, 0, sizeof(result.bytes));
    }
    *product = result;
    rind_wipe(&result, sizeof(result));
}

rind_status rind_point_multiply(struct rind_ctx *ctx, const struct rind_scalar *scalar,
                                const struct rind_point *point, struct rind_point *product)
{
    struct rind_point result;
    if (crypto_scalarmult_ristretto255(result.bytes, scalar->bytes, point->bytes) != 0) {
        /*
         * Either the encoding is invalid or the product is the identity; only in this rare case
         * decode once more to tell which. No honest run comes here.
         */
        RIND_REQUIRE(ctx, rind_point_is_valid(point->bytes), RIND_E_DECODE,
                     "a factor is not the encoding of a ristretto255 point");
        memset(result.bytes, 0, sizeof(result.bytes));
    }
    *product = result;
    rind_wipe(&result, sizeof(result));
    return RIND_OK;
}

rind_status rind_point_add(struct rind_ctx *ctx, const struct rind_point *a,
                           const struct rind_point *b, struct rind_point *sum)
{
    struct rind_point result;
    RIND_REQUIRE(ctx, crypto_core_ristretto255_add(result.bytes, a->bytes, b->bytes) == 0,
                 RIND_E_DECODE, "a summand is not the encoding of a ristretto255 point");
    *sum = result;
    rind_wipe(&result, sizeof(result));
    return RIND_OK;
}

rind_status rind_point_subtract(struct rind_ctx *ctx, const struct rind_point *a,
                                const struct rind_point *b, struct rind_point *difference)
{
    struct rind_point result;
    RIND_REQUIRE(ctx, crypto_core_ristretto255_sub(result.bytes, a->bytes, b->bytes) == 0,
                 RIND_E_DECODE, "an operand is not the encoding of a ristretto255 point");
    *difference = result;
    rind_wipe(&result, sizeof(result));
    return RIND_OK;
}
