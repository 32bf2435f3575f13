/* dleq.c - see dleq.h. Names are the spec's: u blinded input, v public key, w blinded output. */
#include "crypto/dleq.h"

#include <sodium.h>

#define DLEQ_DOMAIN "Juicebox_DLEQ_2023_1;"

/* c = wide(SHA-512(domain || u || v || w || v_t || w_t)) */
static void dleq_challenge(const struct rind_point *u, const struct rind_point *v,
                           const struct rind_point *w, const struct rind_point *v_t,
                           const struct rind_point *w_t, struct rind_scalar *c)
{
    struct rind_slice domain = rind_slice_text(DLEQ_DOMAIN);
    const struct rind_point *points[] = {u, v, w, v_t, w_t};
    crypto_hash_sha512_state hash;
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512_init(&hash);
    crypto_hash_sha512_update(&hash, domain.data, domain.length);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        crypto_hash_sha512_update(&hash, points[i]->bytes, RIND_POINT_SIZE);
    }
    crypto_hash_sha512_final(&hash, digest);
    rind_scalar_from_wide(digest, c);
}

rind_status rind_dleq_prove(struct rind_ctx *ctx, const struct rind_scalar *private_key,
                            const struct rind_point *public_key,
                            const struct rind_point *blinded_input,
                            const struct rind_point *blinded_output,
                            const struct rind_scalar *beta_t, struct rind_dleq *proof)
{
    struct rind_point v_t;
    struct rind_point w_t;
    rind_point_multiply_base(beta_t, &v_t);
    RIND_TRY(rind_point_multiply(ctx, beta_t, blinded_input, &w_t));
    dleq_challenge(blinded_input, public_key, blinded_output, &v_t, &w_t, &proof->c);

    struct rind_scalar product;
    rind_scalar_multiply(&proof->c, private_key, &product);
    rind_scalar_add(beta_t, &product, &proof->beta_z);
    rind_scalar_wipe(&product);
    return RIND_OK;
}

/* a - c * b, the commitment that a proof with response point a implies. */
static rind_status dleq_commitment(struct rind_ctx *ctx, const struct rind_point *response,
                                   const struct rind_scalar *c, const struct rind_point *image,
                                   struct rind_point *commitment)
{
    struct rind_point product;
    RIND_TRY(rind_point_multiply(ctx, c, image, &product));
    return rind_point_subtract(ctx, response, &product, commitment);
}

static rind_status dleq_verify_with(struct rind_ctx *ctx, const struct rind_point *public_key,
                                    const struct rind_point *blinded_input,
                                    const struct rind_point *blinded_output,
                                    const struct rind_dleq *proof)
{
    struct rind_point response;
    struct rind_point v_t;
    struct rind_point w_t;
    rind_point_multiply_base(&proof->beta_z, &response);
    RIND_TRY(dleq_commitment(ctx, &response, &proof->c, public_key, &v_t));
    RIND_TRY(rind_point_multiply(ctx, &proof->beta_z, blinded_input, &response));
    RIND_TRY(dleq_commitment(ctx, &response, &proof->c, blinded_output, &w_t));

    struct rind_scalar c;
    dleq_challenge(blinded_input, public_key, blinded_output, &v_t, &w_t, &c);
    RIND_REQUIRE(ctx, rind_scalar_equal(&c, &proof->c), RIND_E_AUTH,
                 "the proof was not made with the private key of this public key");
    return RIND_OK;
}

rind_status rind_dleq_verify(struct rind_ctx *ctx, const struct rind_point *public_key,
                             const struct rind_point *blinded_input,
                             const struct rind_point *blinded_output, const struct rind_dleq *proof)
{
    rind_status status = dleq_verify_with(ctx, public_key, blinded_input, blinded_output, proof);
    if (rind_is(status, RIND_E_DECODE)) {
        return rind_fail(ctx, RIND_E_AUTH, "the proof is about bytes that are not points");
    }
    return status;
}
