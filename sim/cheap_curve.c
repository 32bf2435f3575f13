/*
 * cheap_curve.c - the two curves replaced by additions, for speed: linked in place of x25519.c and
 * ristretto.c of the crypto room, so that every other object file is the one that production runs.
 *
 * A "point" here is its own discrete logarithm: 32 bytes, an integer below the order L of
 * ristretto255, so scalar times point is a product modulo L. Everything that protocols rely on
 * holds (commutativity, DLEQ, blinding, the order of the group) but the hardness, which a host in
 * the simulator does not attack. Hashes, MACs, AEADs and scalar arithmetic are the real ones.
 */
#include <sodium.h>

#include "crypto/ristretto.h"
#include "crypto/x25519.h"

static void cheap_reduce(const uint8_t bytes[static 32], uint8_t reduced[static 32])
{
    uint8_t wide[RIND_SCALAR_WIDE_SIZE] = {0};
    memcpy(wide, bytes, 32);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
}

void rind_x25519_public_from_secret(const struct rind_x25519_secret *secret,
                                    struct rind_x25519_public *public_key)
{
    cheap_reduce(secret->bytes, public_key->bytes);
}

rind_status rind_x25519(struct rind_ctx *ctx, const struct rind_x25519_secret *secret,
                        const struct rind_x25519_public *public_key,
                        struct rind_x25519_shared *shared)
{
    uint8_t a[32];
    uint8_t b[32];
    struct rind_x25519_shared result;
    cheap_reduce(secret->bytes, a);
    cheap_reduce(public_key->bytes, b);
    crypto_core_ristretto255_scalar_mul(result.bytes, a, b);
    RIND_REQUIRE(ctx, !rind_ct_is_zero(result.bytes, sizeof(result.bytes)), RIND_E_AUTH,
                 "the peer's key has low order");
    *shared = result;
    return RIND_OK;
}

static const uint8_t cheap_order[RIND_SCALAR_SIZE] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

bool rind_scalar_is_canonical(const uint8_t bytes[static RIND_SCALAR_SIZE])
{
    for (size_t i = RIND_SCALAR_SIZE; i > 0; i--) {
        if (bytes[i - 1] != cheap_order[i - 1]) {
            return bytes[i - 1] < cheap_order[i - 1];
        }
    }
    return false;
}

rind_status rind_scalar_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_SCALAR_SIZE],
                               struct rind_scalar *scalar)
{
    RIND_REQUIRE(ctx, rind_scalar_is_canonical(bytes), RIND_E_DECODE, "not below the order");
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
}

void rind_scalar_from_u32(uint32_t value, struct rind_scalar *scalar)
{
    memset(scalar->bytes, 0, sizeof(scalar->bytes));
    for (unsigned i = 0; i < 4; i++) {
        scalar->bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

void rind_scalar_random(const struct rind_random *random, struct rind_scalar *scalar)
{
    uint8_t wide[RIND_SCALAR_WIDE_SIZE];
    rind_random_fill(random, wide, sizeof(wide));
    rind_scalar_from_wide(wide, scalar);
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
    struct rind_scalar result;
    RIND_REQUIRE(ctx, crypto_core_ristretto255_scalar_invert(result.bytes, a->bytes) == 0,
                 RIND_E_INVALID, "zero has no inverse");
    *inverse = result;
    return RIND_OK;
}

bool rind_point_is_valid(const uint8_t bytes[static RIND_POINT_SIZE])
{
    return rind_scalar_is_canonical(bytes);
}

rind_status rind_point_decode(struct rind_ctx *ctx, const uint8_t bytes[static RIND_POINT_SIZE],
                              struct rind_point *point)
{
    RIND_REQUIRE(ctx, rind_point_is_valid(bytes), RIND_E_DECODE, "not a point");
    memcpy(point->bytes, bytes, RIND_POINT_SIZE);
    return RIND_OK;
}

bool rind_point_is_identity(const struct rind_point *point)
{
    return rind_ct_is_zero(point->bytes, sizeof(point->bytes));
}

void rind_point_from_hash(struct rind_slice bytes, struct rind_point *point)
{
    struct rind_scalar logarithm;
    rind_scalar_from_hash(bytes, &logarithm);
    memcpy(point->bytes, logarithm.bytes, sizeof(point->bytes));
}

void rind_point_multiply_base(const struct rind_scalar *scalar, struct rind_point *product)
{
    memcpy(product->bytes, scalar->bytes, sizeof(product->bytes));
}

rind_status rind_point_multiply(struct rind_ctx *ctx, const struct rind_scalar *scalar,
                                const struct rind_point *point, struct rind_point *product)
{
    RIND_REQUIRE(ctx, rind_point_is_valid(point->bytes), RIND_E_DECODE, "not a point");
    crypto_core_ristretto255_scalar_mul(product->bytes, scalar->bytes, point->bytes);
    return RIND_OK;
}

rind_status rind_point_add(struct rind_ctx *ctx, const struct rind_point *a,
                           const struct rind_point *b, struct rind_point *sum)
{
    RIND_REQUIRE(ctx, rind_point_is_valid(a->bytes) && rind_point_is_valid(b->bytes), RIND_E_DECODE,
                 "not a point");
    crypto_core_ristretto255_scalar_add(sum->bytes, a->bytes, b->bytes);
    return RIND_OK;
}

rind_status rind_point_subtract(struct rind_ctx *ctx, const struct rind_point *a,
                                const struct rind_point *b, struct rind_point *difference)
{
    RIND_REQUIRE(ctx, rind_point_is_valid(a->bytes) && rind_point_is_valid(b->bytes), RIND_E_DECODE,
                 "not a point");
    crypto_core_ristretto255_scalar_sub(difference->bytes, a->bytes, b->bytes);
    return RIND_OK;
}
