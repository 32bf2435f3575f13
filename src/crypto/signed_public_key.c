/* signed_public_key.c - see signed_public_key.h. libsodium does the work. */
#include "crypto/signed_public_key.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/buffer.h"

/* be2(16) || realm || be2(32) || public key */
#define SIGNED_MESSAGE_SIZE (2u + 16u + 2u + RIND_POINT_SIZE)

_Static_assert(crypto_sign_ed25519_SEEDBYTES == sizeof(struct rind_signing_key_seed),
               "sizes agree");
_Static_assert(crypto_sign_ed25519_PUBLICKEYBYTES == RIND_VERIFYING_KEY_SIZE, "sizes agree");
_Static_assert(crypto_sign_ed25519_BYTES == RIND_SIGNATURE_SIZE, "sizes agree");

static void signed_message(const struct rind_realm_id *realm, const struct rind_point *public_key,
                           uint8_t message[static SIGNED_MESSAGE_SIZE])
{
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, message, SIGNED_MESSAGE_SIZE);
    rind_buffer_append_byte(&buffer, 0);
    rind_buffer_append_byte(&buffer, (uint8_t)sizeof(realm->bytes));
    rind_buffer_append(&buffer, RIND_SLICE_OF(realm->bytes));
    rind_buffer_append_byte(&buffer, 0);
    rind_buffer_append_byte(&buffer, (uint8_t)sizeof(public_key->bytes));
    rind_buffer_append(&buffer, RIND_SLICE_OF(public_key->bytes));
    RIND_ASSERT(!buffer.is_overflown && buffer.length == SIGNED_MESSAGE_SIZE);
}

void rind_oprf_public_key_sign(const struct rind_signing_key_seed *seed,
                               const struct rind_realm_id *realm,
                               const struct rind_point *public_key,
                               struct rind_verifying_key *verifying_key,
                               struct rind_signature *signature)
{
    uint8_t message[SIGNED_MESSAGE_SIZE];
    uint8_t signing_key[crypto_sign_ed25519_SECRETKEYBYTES];
    signed_message(realm, public_key, message);
    crypto_sign_ed25519_seed_keypair(verifying_key->bytes, signing_key, seed->bytes);
    int failed =
        crypto_sign_ed25519_detached(signature->bytes, NULL, message, sizeof(message), signing_key);
    RIND_ASSERT(failed == 0);
    rind_wipe(signing_key, sizeof(signing_key));
}

rind_status rind_oprf_public_key_verify(struct rind_ctx *ctx, const struct rind_realm_id *realm,
                                        const struct rind_point *public_key,
                                        const struct rind_verifying_key *verifying_key,
                                        const struct rind_signature *signature)
{
    /*
     * Versions of the library differ in whether they multiply by the cofactor. For points of the
     * prime-order subgroup, which all honest ones are, both equations are the same; so require that
     * first and the verdict depends on no version.
     */
    RIND_REQUIRE(ctx, crypto_core_ed25519_is_valid_point(verifying_key->bytes) == 1, RIND_E_AUTH,
                 "the key that signed an OPRF public key is not an Ed25519 key");
    RIND_REQUIRE(ctx, crypto_core_ed25519_is_valid_point(signature->bytes) == 1, RIND_E_AUTH,
                 "the signature of an OPRF public key has no valid commitment");
    uint8_t message[SIGNED_MESSAGE_SIZE];
    signed_message(realm, public_key, message);
    RIND_REQUIRE(ctx,
                 crypto_sign_ed25519_verify_detached(signature->bytes, message, sizeof(message),
                                                     verifying_key->bytes) == 0,
                 RIND_E_AUTH, "the signature of an OPRF public key does not hold");
    return RIND_OK;
}
