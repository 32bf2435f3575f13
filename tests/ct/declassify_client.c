/*
 * declassify_client.c - the deliberate exceptions from constant time that only the client has.
 *
 * Besides those of declassify.c, which hold for it as well.
 */
#include <argon2.h>
#include <sodium.h>
#include <string.h>

#include "base/base.h"
#include "crypto/crypto.h"
#include "ct/declassify.h"
#include "wire/wire.h"

#define REAL(name) __real_##name
#define WRAPPED(name) __wrap_##name

int REAL(argon2id_ctx)(argon2_context *context);
int WRAPPED(argon2id_ctx)(argon2_context *context);

/*
 * Argon2id's later passes choose addresses by what they have computed: that is the algorithm (RFC
 * 9106 section 3.4). Its first half pass, which meets the PIN itself, does not. What comes out is
 * secret again.
 */
int WRAPPED(argon2id_ctx)(argon2_context *context)
{
    bool is_secret = ct_is_secret(context->pwd, context->pwdlen);
    ct_declassify(context->pwd, context->pwdlen);
    ct_declassify(context->salt, context->saltlen); /* the version, which realms hand out */
    int code = REAL(argon2id_ctx)(context);
    if (is_secret) {
        ct_secret(context->pwd, context->pwdlen);
        ct_secret(context->out, context->outlen);
    }
    return code;
}

bool REAL(rind_ct_is_at_most)(uint8_t value, uint8_t limit);
bool WRAPPED(rind_ct_is_at_most)(uint8_t value, uint8_t limit);

/* Whether the length inside a decrypted secret is possible. Which it is stays secret. */
bool WRAPPED(rind_ct_is_at_most)(uint8_t value, uint8_t limit)
{
    bool is_at_most = REAL(rind_ct_is_at_most)(value, limit);
    ct_declassify(&is_at_most, sizeof(is_at_most));
    return is_at_most;
}

rind_status REAL(rind_wire_decode_lenient)(struct rind_ctx *ctx, const struct rind_schema *schema,
                                           struct rind_slice bytes, void *value);
rind_status WRAPPED(rind_wire_decode_lenient)(struct rind_ctx *ctx,
                                              const struct rind_schema *schema,
                                              struct rind_slice bytes, void *value);

/*
 * The answer inside of its padding, which is a byte string: of it, too, only the contents of byte
 * strings are secret. Which answer it is decides how the operation goes on.
 */
rind_status WRAPPED(rind_wire_decode_lenient)(struct rind_ctx *ctx,
                                              const struct rind_schema *schema,
                                              struct rind_slice bytes, void *value)
{
    if (schema == &rind_secrets_response_schema && ct_is_secret(bytes.data, bytes.length)) {
        ct_mark_message(bytes.data, bytes.length);
    }
    return REAL(rind_wire_decode_lenient)(ctx, schema, bytes, value);
}

/* --- Public keys, signatures and proofs: the realm that gave or gets them knows them --- */

rind_status REAL(rind_oprf_public_key_verify)(struct rind_ctx *ctx,
                                              const struct rind_realm_id *realm,
                                              const struct rind_point *public_key,
                                              const struct rind_verifying_key *verifying_key,
                                              const struct rind_signature *signature);
rind_status WRAPPED(rind_oprf_public_key_verify)(struct rind_ctx *ctx,
                                                 const struct rind_realm_id *realm,
                                                 const struct rind_point *public_key,
                                                 const struct rind_verifying_key *verifying_key,
                                                 const struct rind_signature *signature);

/* The library verifies signatures in variable time. */
rind_status WRAPPED(rind_oprf_public_key_verify)(struct rind_ctx *ctx,
                                                 const struct rind_realm_id *realm,
                                                 const struct rind_point *public_key,
                                                 const struct rind_verifying_key *verifying_key,
                                                 const struct rind_signature *signature)
{
    ct_declassify(public_key, sizeof(*public_key));
    ct_declassify(verifying_key, sizeof(*verifying_key));
    ct_declassify(signature, sizeof(*signature));
    return REAL(rind_oprf_public_key_verify)(ctx, realm, public_key, verifying_key, signature);
}

rind_status REAL(rind_dleq_verify)(struct rind_ctx *ctx, const struct rind_point *public_key,
                                   const struct rind_point *blinded_input,
                                   const struct rind_point *blinded_output,
                                   const struct rind_dleq *proof);
rind_status WRAPPED(rind_dleq_verify)(struct rind_ctx *ctx, const struct rind_point *public_key,
                                      const struct rind_point *blinded_input,
                                      const struct rind_point *blinded_output,
                                      const struct rind_dleq *proof);

/* Decoding points branches on whether they are some. Blinding hides the PIN in both of them. */
rind_status WRAPPED(rind_dleq_verify)(struct rind_ctx *ctx, const struct rind_point *public_key,
                                      const struct rind_point *blinded_input,
                                      const struct rind_point *blinded_output,
                                      const struct rind_dleq *proof)
{
    ct_declassify(public_key, sizeof(*public_key));
    ct_declassify(blinded_input, sizeof(*blinded_input));
    ct_declassify(blinded_output, sizeof(*blinded_output));
    ct_declassify(proof, sizeof(*proof));
    return REAL(rind_dleq_verify)(ctx, public_key, blinded_input, blinded_output, proof);
}

int REAL(crypto_sign_ed25519_seed_keypair)(unsigned char *pk, unsigned char *sk,
                                           const unsigned char *seed);
int WRAPPED(crypto_sign_ed25519_seed_keypair)(unsigned char *pk, unsigned char *sk,
                                              const unsigned char *seed);

/* The public half of the pair. */
int WRAPPED(crypto_sign_ed25519_seed_keypair)(unsigned char *pk, unsigned char *sk,
                                              const unsigned char *seed)
{
    int failed = REAL(crypto_sign_ed25519_seed_keypair)(pk, sk, seed);
    ct_declassify(pk, crypto_sign_ed25519_PUBLICKEYBYTES);
    return failed;
}

/* --- Secret points: always valid, and libsodium branches on that --- */

int REAL(crypto_core_ristretto255_add)(unsigned char *r, const unsigned char *p,
                                       const unsigned char *q);
int WRAPPED(crypto_core_ristretto255_add)(unsigned char *r, const unsigned char *p,
                                          const unsigned char *q);

/* Sums of blinded outputs. All are products that the library has just encoded. */
int WRAPPED(crypto_core_ristretto255_add)(unsigned char *r, const unsigned char *p,
                                          const unsigned char *q)
{
    bool is_secret = ct_is_secret(p, RIND_POINT_SIZE) || ct_is_secret(q, RIND_POINT_SIZE);
    uint8_t left[RIND_POINT_SIZE];
    uint8_t right[RIND_POINT_SIZE];
    memcpy(left, p, sizeof(left));
    memcpy(right, q, sizeof(right));
    ct_declassify(left, sizeof(left));
    ct_declassify(right, sizeof(right));
    int failed = REAL(crypto_core_ristretto255_add)(r, left, right);
    if (is_secret) {
        ct_secret(r, RIND_POINT_SIZE);
    }
    return failed;
}

int REAL(crypto_core_ristretto255_scalar_invert)(unsigned char *inverse, const unsigned char *s);
int WRAPPED(crypto_core_ristretto255_scalar_invert)(unsigned char *inverse, const unsigned char *s);

/* Fails for zero, a draw of probability 2^-252 that was refused before. */
int WRAPPED(crypto_core_ristretto255_scalar_invert)(unsigned char *inverse, const unsigned char *s)
{
    int failed = REAL(crypto_core_ristretto255_scalar_invert)(inverse, s);
    ct_declassify(&failed, sizeof(failed));
    return failed;
}
