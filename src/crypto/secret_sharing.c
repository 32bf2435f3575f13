/* secret_sharing.c - see secret_sharing.h. Indices are public, values secret. */
#include "crypto/secret_sharing.h"

#include "base/assert.h"

void rind_secret_sharing_create(const struct rind_scalar *secret,
                                const struct rind_scalar *coefficients, uint32_t threshold,
                                uint32_t count, struct rind_scalar_share *shares)
{
    RIND_ASSERT(threshold >= 1 && threshold <= count);
    RIND_ASSERT(count <= RIND_SHARES_COUNT_MAX);
    RIND_ASSERT(coefficients != NULL || threshold == 1);

    for (uint32_t x = 1; x <= count; x++) {
        struct rind_scalar_share *share = &shares[x - 1];
        struct rind_scalar x_scalar;
        rind_scalar_from_u32(x, &x_scalar);
        share->index = x;
        rind_scalar_from_u32(0, &share->value);
        for (uint32_t i = 0; i + 1 < threshold; i++) {
            rind_scalar_add(&share->value, &coefficients[i], &share->value);
            rind_scalar_multiply(&share->value, &x_scalar, &share->value);
        }
        rind_scalar_add(&share->value, secret, &share->value);
    }
}

/* The index of share `i`, whichever kind of share the array holds: it is the first member. */
static uint32_t shares_index(const void *shares, size_t share_size, size_t i)
{
    uint32_t index;
    memcpy(&index, (const uint8_t *)shares + i * share_size, sizeof(index));
    return index;
}

_Static_assert(offsetof(struct rind_scalar_share, index) == 0, "index comes first");
_Static_assert(offsetof(struct rind_point_share, index) == 0, "index comes first");

static rind_status shares_check(struct rind_ctx *ctx, const void *shares, size_t share_size,
                                size_t count)
{
    RIND_REQUIRE(ctx, count >= 1, RIND_E_INVALID, "no shares to recover a secret from");
    RIND_REQUIRE(ctx, count <= RIND_SHARES_COUNT_MAX, RIND_E_LIMIT,
                 "%zu shares, but a secret has at most %u", count, RIND_SHARES_COUNT_MAX);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = shares_index(shares, share_size, i);
        RIND_REQUIRE(ctx, index != 0, RIND_E_INVALID, "a share cannot have index 0");
        for (size_t j = 0; j < i; j++) {
            RIND_REQUIRE(ctx, shares_index(shares, share_size, j) != index, RIND_E_INVALID,
                         "two shares have the same index %u", index);
        }
    }
    return RIND_OK;
}

/* lambda_i = product over j != i of x_j / (x_j - x_i); one inversion for the whole product. */
static rind_status shares_weight(struct rind_ctx *ctx, const void *shares, size_t share_size,
                                 size_t count, size_t i, struct rind_scalar *weight)
{
    struct rind_scalar x_i;
    struct rind_scalar numerator;
    struct rind_scalar denominator;
    rind_scalar_from_u32(shares_index(shares, share_size, i), &x_i);
    rind_scalar_from_u32(1, &numerator);
    rind_scalar_from_u32(1, &denominator);
    for (size_t j = 0; j < count; j++) {
        if (j == i) {
            continue;
        }
        struct rind_scalar x_j;
        struct rind_scalar difference;
        rind_scalar_from_u32(shares_index(shares, share_size, j), &x_j);
        rind_scalar_subtract(&x_j, &x_i, &difference);
        rind_scalar_multiply(&numerator, &x_j, &numerator);
        rind_scalar_multiply(&denominator, &difference, &denominator);
    }
    RIND_TRY(rind_scalar_invert(ctx, &denominator, &denominator));
    rind_scalar_multiply(&numerator, &denominator, weight);
    return RIND_OK;
}

static rind_status secret_sharing_sum_scalars(struct rind_ctx *ctx,
                                              const struct rind_scalar_share *shares, size_t count,
                                              struct rind_scalar *sum, struct rind_scalar *term)
{
    for (size_t i = 0; i < count; i++) {
        struct rind_scalar weight;
        RIND_TRY(shares_weight(ctx, shares, sizeof(*shares), count, i, &weight));
        rind_scalar_multiply(&shares[i].value, &weight, term);
        rind_scalar_add(sum, term, sum);
    }
    return RIND_OK;
}

rind_status rind_secret_sharing_recover_scalar(struct rind_ctx *ctx,
                                               const struct rind_scalar_share *shares, size_t count,
                                               struct rind_scalar *secret)
{
    RIND_TRY(shares_check(ctx, shares, sizeof(*shares), count));
    struct rind_scalar sum = {{0}};
    struct rind_scalar term = {{0}};
    rind_status status = secret_sharing_sum_scalars(ctx, shares, count, &sum, &term);
    if (rind_is_ok(status)) {
        *secret = sum;
    }
    rind_scalar_wipe(&term);
    rind_scalar_wipe(&sum);
    return status;
}

static rind_status secret_sharing_sum_points(struct rind_ctx *ctx,
                                             const struct rind_point_share *shares, size_t count,
                                             struct rind_point *sum, struct rind_point *term)
{
    for (size_t i = 0; i < count; i++) {
        struct rind_scalar weight;
        RIND_TRY(shares_weight(ctx, shares, sizeof(*shares), count, i, &weight));
        RIND_TRY(rind_point_multiply(ctx, &weight, &shares[i].value, term));
        RIND_TRY(rind_point_add(ctx, sum, term, sum));
    }
    return RIND_OK;
}

rind_status rind_secret_sharing_recover_point(struct rind_ctx *ctx,
                                              const struct rind_point_share *shares, size_t count,
                                              struct rind_point *secret)
{
    RIND_TRY(shares_check(ctx, shares, sizeof(*shares), count));
    struct rind_point sum = {{0}}; /* the identity */
    struct rind_point term = {{0}};
    rind_status status = secret_sharing_sum_points(ctx, shares, count, &sum, &term);
    if (rind_is_ok(status)) {
        *secret = sum;
    }
    rind_wipe(&term, sizeof(term));
    rind_wipe(&sum, sizeof(sum));
    return status;
}
