/* secret_cipher.c - see secret_cipher.h. libsodium does the work. */
#include "crypto/secret_cipher.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/ct.h"

_Static_assert(RIND_USER_SECRET_PADDED_SIZE + crypto_aead_chacha20poly1305_ietf_ABYTES ==
                   RIND_USER_SECRET_ENCRYPTED_SIZE,
               "sizes agree");
_Static_assert(RIND_USER_SECRET_SIZE_MAX <= UINT8_MAX, "the length fits its byte");

static const uint8_t secret_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES] = {0};

rind_status rind_user_secret_encrypt(struct rind_ctx *ctx, const struct rind_encryption_key *key,
                                     struct rind_slice secret,
                                     uint8_t encrypted[static RIND_USER_SECRET_ENCRYPTED_SIZE])
{
    RIND_REQUIRE(ctx, secret.length <= RIND_USER_SECRET_SIZE_MAX, RIND_E_LIMIT,
                 "the secret has %zu bytes, the limit is %u; store a key to it instead",
                 secret.length, RIND_USER_SECRET_SIZE_MAX);
    uint8_t padded[RIND_USER_SECRET_PADDED_SIZE] = {0};
    padded[0] = (uint8_t)secret.length;
    if (secret.length > 0) {
        memcpy(padded + 1, secret.data, secret.length);
    }
    int failed = crypto_aead_chacha20poly1305_ietf_encrypt(encrypted, NULL, padded, sizeof(padded),
                                                           NULL, 0, NULL, secret_nonce, key->bytes);
    RIND_ASSERT(failed == 0);
    rind_wipe(padded, sizeof(padded));
    return RIND_OK;
}

static rind_status
user_secret_decrypt_with(struct rind_ctx *ctx, const struct rind_encryption_key *key,
                         const uint8_t encrypted[static RIND_USER_SECRET_ENCRYPTED_SIZE],
                         uint8_t secret[static RIND_USER_SECRET_SIZE_MAX], size_t *secret_size,
                         uint8_t padded[static RIND_USER_SECRET_PADDED_SIZE])
{
    RIND_REQUIRE(ctx,
                 crypto_aead_chacha20poly1305_ietf_decrypt(padded, NULL, NULL, encrypted,
                                                           RIND_USER_SECRET_ENCRYPTED_SIZE, NULL, 0,
                                                           secret_nonce, key->bytes) == 0,
                 RIND_E_AUTH, "the secret was not encrypted with the key that was recovered");
    RIND_REQUIRE(ctx, rind_ct_is_at_most(padded[0], RIND_USER_SECRET_SIZE_MAX), RIND_E_DECODE,
                 "the decrypted secret says it is longer than %u bytes", RIND_USER_SECRET_SIZE_MAX);
    /* All bytes are copied, whatever the length: the padding is zero and the time constant. */
    memcpy(secret, padded + 1, RIND_USER_SECRET_SIZE_MAX);
    *secret_size = padded[0];
    return RIND_OK;
}

rind_status
rind_user_secret_decrypt(struct rind_ctx *ctx, const struct rind_encryption_key *key,
                         const uint8_t encrypted[static RIND_USER_SECRET_ENCRYPTED_SIZE],
                         uint8_t secret[static RIND_USER_SECRET_SIZE_MAX], size_t *secret_size)
{
    uint8_t padded[RIND_USER_SECRET_PADDED_SIZE];
    rind_status status = user_secret_decrypt_with(ctx, key, encrypted, secret, secret_size, padded);
    rind_wipe(padded, sizeof(padded));
    return status;
}
