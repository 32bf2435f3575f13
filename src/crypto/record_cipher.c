/* record_cipher.c - see record_cipher.h. libsodium does the work. */
#include "crypto/record_cipher.h"

#include <sodium.h>

#include "base/assert.h"

_Static_assert(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == RIND_RECORD_NONCE_SIZE,
               "sizes agree");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_ABYTES == RIND_RECORD_TAG_SIZE, "sizes agree");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == sizeof(struct rind_record_key),
               "sizes agree");

void rind_record_seal(const struct rind_record_key *key,
                      const uint8_t nonce[static RIND_RECORD_NONCE_SIZE],
                      struct rind_slice plaintext, uint8_t *leaf)
{
    unsigned long long sealed_size = 0;
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        leaf, &sealed_size, plaintext.data, plaintext.length, NULL, 0, NULL, nonce, key->bytes);
    RIND_ASSERT(failed == 0 && sealed_size == plaintext.length + RIND_RECORD_TAG_SIZE);
    memcpy(leaf + sealed_size, nonce, RIND_RECORD_NONCE_SIZE);
}

rind_status rind_record_open(struct rind_ctx *ctx, const struct rind_record_key *key,
                             struct rind_slice leaf, uint8_t *plaintext)
{
    RIND_REQUIRE(ctx, leaf.length >= RIND_RECORD_OVERHEAD, RIND_E_AUTH,
                 "an encrypted record has %zu bytes, the smallest has %u", leaf.length,
                 RIND_RECORD_OVERHEAD);
    size_t sealed_size = leaf.length - RIND_RECORD_NONCE_SIZE;
    RIND_REQUIRE(ctx,
                 crypto_aead_xchacha20poly1305_ietf_decrypt(
                     plaintext, NULL, NULL, leaf.data, sealed_size, NULL, 0,
                     leaf.data + sealed_size, key->bytes) == 0,
                 RIND_E_AUTH, "a record was not encrypted with this realm's record key");
    return RIND_OK;
}
