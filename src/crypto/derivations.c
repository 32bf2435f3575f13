/* derivations.c - see derivations.h. */
#include "crypto/derivations.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/endian.h"
#include "crypto/blake2s.h"

#define TAG_LABEL "Unlock Key Tag"
#define COMMITMENT_LABEL "Encrypted User Secret Commitment"
#define ENCRYPTION_KEY_LABEL "User Secret Encryption Key"

_Static_assert(crypto_hash_sha512_BYTES ==
                   RIND_UNLOCK_KEY_COMMITMENT_SIZE + sizeof(struct rind_unlock_key),
               "commitment and key share one digest");

/* MAC_n(key, parts): the native BLAKE2s of n bytes over be4(length) || part for each part. */
static void derivation_mac(struct rind_slice key, const struct rind_slice *parts, size_t count,
                           uint8_t *digest, size_t digest_size)
{
    struct rind_blake2s hash;
    rind_blake2s_init_keyed(&hash, key, digest_size);
    for (size_t i = 0; i < count; i++) {
        RIND_ASSERT(parts[i].length <= UINT32_MAX);
        uint8_t length[4];
        rind_put_be32(length, (uint32_t)parts[i].length);
        rind_blake2s_update(&hash, RIND_SLICE_OF(length));
        rind_blake2s_update(&hash, parts[i]);
    }
    rind_blake2s_final(&hash, digest);
}

void rind_unlock_key_derive(const struct rind_oprf_output *oprf_output, struct rind_unlock_key *key,
                            uint8_t commitment[static RIND_UNLOCK_KEY_COMMITMENT_SIZE])
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(digest, oprf_output->bytes, sizeof(oprf_output->bytes));
    memcpy(commitment, digest, RIND_UNLOCK_KEY_COMMITMENT_SIZE);
    memcpy(key->bytes, digest + RIND_UNLOCK_KEY_COMMITMENT_SIZE, sizeof(key->bytes));
    rind_wipe(digest, sizeof(digest));
}

void rind_unlock_key_tag_derive(const struct rind_unlock_key *key,
                                const struct rind_realm_id *realm,
                                uint8_t tag[static RIND_UNLOCK_KEY_TAG_SIZE])
{
    const struct rind_slice parts[] = {rind_slice_text(TAG_LABEL), RIND_SLICE_OF(realm->bytes)};
    derivation_mac(RIND_SLICE_OF(key->bytes), parts, sizeof(parts) / sizeof(parts[0]), tag,
                   RIND_UNLOCK_KEY_TAG_SIZE);
}

void rind_encrypted_secret_commitment_derive(
    const struct rind_unlock_key *key, const struct rind_realm_id *realm,
    const struct rind_scalar *scalar_share,
    const uint8_t encrypted_secret[static RIND_USER_SECRET_ENCRYPTED_SIZE],
    uint8_t commitment[static RIND_ENCRYPTED_SECRET_COMMITMENT_SIZE])
{
    const struct rind_slice parts[] = {
        rind_slice_text(COMMITMENT_LABEL),
        RIND_SLICE_OF(realm->bytes),
        RIND_SLICE_OF(scalar_share->bytes),
        rind_slice_make(encrypted_secret, RIND_USER_SECRET_ENCRYPTED_SIZE),
    };
    derivation_mac(RIND_SLICE_OF(key->bytes), parts, sizeof(parts) / sizeof(parts[0]), commitment,
                   RIND_ENCRYPTED_SECRET_COMMITMENT_SIZE);
}

void rind_encryption_key_derive(const struct rind_encryption_key_seed *seed,
                                const struct rind_scalar *scalar, struct rind_encryption_key *key)
{
    const struct rind_slice parts[] = {rind_slice_text(ENCRYPTION_KEY_LABEL),
                                       RIND_SLICE_OF(scalar->bytes)};
    derivation_mac(RIND_SLICE_OF(seed->bytes), parts, sizeof(parts) / sizeof(parts[0]), key->bytes,
                   sizeof(key->bytes));
}
