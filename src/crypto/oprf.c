/* oprf.c - see oprf.h. */
#include "crypto/oprf.h"

#include <sodium.h>

#include "base/assert.h"

#define OPRF_DOMAIN "Juicebox_OPRF_2023_1;"

_Static_assert(crypto_hash_sha512_BYTES == RIND_OPRF_OUTPUT_SIZE, "sizes agree");

static void oprf_hash(struct rind_slice input, const struct rind_point *result,
                      struct rind_oprf_output *output)
{
    struct rind_slice domain = rind_slice_text(OPRF_DOMAIN);
    crypto_hash_sha512_state hash;
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, domain.data, domain.length);
    crypto_hash_sha512_update(&hash, input.data, input.length);
    crypto_hash_sha512_update(&hash, result->bytes, sizeof(result->bytes));
    crypto_hash_sha512_final(&hash, output->bytes);
    rind_wipe(&hash, sizeof(hash));
}

void rind_oprf_blind(struct rind_slice input, const struct rind_scalar *blinding,
                     struct rind_point *blinded_input)
{
    struct rind_point input_point;
    rind_point_from_hash(input, &input_point);
    rind_status status = rind_point_multiply(NULL, blinding, &input_point, blinded_input);
    RIND_ASSERT(rind_is_ok(status)); /* the point is ours, hence valid */
    rind_wipe(&input_point, sizeof(input_point));
}

rind_status rind_oprf_evaluate(struct rind_ctx *ctx, const struct rind_scalar *private_key,
                               const struct rind_point *blinded_input,
                               struct rind_point *blinded_output)
{
    return rind_point_multiply(ctx, private_key, blinded_input, blinded_output);
}

static rind_status oprf_finalize_with(struct rind_ctx *ctx, struct rind_slice input,
                                      const struct rind_scalar *blinding,
                                      const struct rind_point *blinded_output,
                                      struct rind_oprf_output *output, struct rind_scalar *inverse,
                                      struct rind_point *result)
{
    RIND_TRY(rind_scalar_invert(ctx, blinding, inverse));
    RIND_TRY(rind_point_multiply(ctx, inverse, blinded_output, result));
    oprf_hash(input, result, output);
    return RIND_OK;
}

rind_status rind_oprf_finalize(struct rind_ctx *ctx, struct rind_slice input,
                               const struct rind_scalar *blinding,
                               const struct rind_point *blinded_output,
                               struct rind_oprf_output *output)
{
    struct rind_scalar inverse = {{0}};
    struct rind_point result = {{0}};
    rind_status status =
        oprf_finalize_with(ctx, input, blinding, blinded_output, output, &inverse, &result);
    rind_scalar_wipe(&inverse);
    rind_wipe(&result, sizeof(result));
    return status;
}

void rind_oprf_evaluate_directly(struct rind_slice input, const struct rind_scalar *private_key,
                                 struct rind_oprf_output *output)
{
    struct rind_point result;
    rind_oprf_blind(input, private_key, &result); /* the key in the place of the blinding */
    oprf_hash(input, &result, output);
    rind_wipe(&result, sizeof(result));
}
