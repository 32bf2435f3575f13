/* record.c - see record.h. Spec: docs/spec/07-load-balancer.md section 8. */
#include "auth/record.h"

#include <string.h>

#include <sodium.h>

#include "base/hex.h"
#include "crypto/blake2s.h"

_Static_assert(RIND_RECORD_KEY_SIZE == RIND_BLAKE2S_KEY_SIZE, "the key fills BLAKE2s's block");
_Static_assert(sizeof(struct rind_record_id) == RIND_BLAKE2S_SIZE, "an id is a whole digest");

#define CBOR_MAP_OF_TWO 0xa2u
#define CBOR_TEXT 0x60u

rind_status rind_record_key_init(struct rind_ctx *ctx, const struct rind_secret *secret,
                                 struct rind_record_key *key)
{
    RIND_REQUIRE(
        ctx,
        secret->algorithm == RIND_SECRET_BLAKE2S_MAC256 &&
            secret->data.length == RIND_RECORD_KEY_SIZE,
        RIND_E_INVALID,
        "secret %s must be a Blake2sMac256 key of exactly %u bytes: use "
        "the one that this realm's users were registered with, or for a new realm make one "
        "as docs/google-cloud.md says",
        RIND_RECORD_KEY_SECRET, RIND_RECORD_KEY_SIZE);
    memcpy(key->bytes, secret->data.data, RIND_RECORD_KEY_SIZE);
    return RIND_OK;
}

/* Hashes one CBOR text. The message is hashed piece by piece: users may be as long as a token. */
static void hash_text(struct rind_blake2s *hash, struct rind_slice text)
{
    uint8_t head[9] = {0};
    size_t extra = text.length < 24            ? 0
                   : text.length <= 0xff       ? 1
                   : text.length <= 0xffff     ? 2
                   : text.length <= 0xffffffff ? 4
                                               : 8;
    static const uint8_t additional[] = {[1] = 24, [2] = 25, [4] = 26, [8] = 27};
    head[0] = (uint8_t)(CBOR_TEXT | (extra == 0 ? (uint8_t)text.length : additional[extra]));
    for (size_t i = 0; i < extra; i++) {
        head[extra - i] = (uint8_t)((uint64_t)text.length >> (8 * i));
    }
    rind_blake2s_update(hash, rind_slice_make(head, 1 + extra));
    rind_blake2s_update(hash, text);
}

/* A map of two texts: the names are what the two kinds of realms differ in. */
static void hash_user(struct rind_blake2s *hash, const char *tenant_name, struct rind_slice tenant,
                      const char *user_name, struct rind_slice user)
{
    static const uint8_t map_head = CBOR_MAP_OF_TWO;
    rind_blake2s_update(hash, rind_slice_make(&map_head, 1));
    hash_text(hash, rind_slice_text(tenant_name));
    hash_text(hash, tenant);
    hash_text(hash, rind_slice_text(user_name));
    hash_text(hash, user);
}

void rind_record_id_derive(const struct rind_record_key *key, struct rind_slice tenant,
                           struct rind_slice user, struct rind_record_id *id)
{
    struct rind_blake2s hash;
    rind_blake2s_init_keyed(&hash, RIND_SLICE_OF(key->bytes), sizeof(id->bytes));
    hash_user(&hash, "tenant", tenant, "user", user);
    rind_blake2s_final(&hash, id->bytes);
}

void rind_record_id_derive_software(struct rind_slice tenant, struct rind_slice user,
                                    struct rind_record_id *id)
{
    struct rind_blake2s hash;
    rind_blake2s_init(&hash, sizeof(id->bytes));
    hash_user(&hash, "tenant_name", tenant, "user_id", user);
    rind_blake2s_final(&hash, id->bytes);
}

void rind_user_hash_derive(struct rind_slice tenant, struct rind_slice user,
                           struct rind_user_hash *hash)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, tenant.data, tenant.length);
    crypto_hash_sha256_update(&state, (const uint8_t *)":", 1);
    crypto_hash_sha256_update(&state, user.data, user.length);
    crypto_hash_sha256_final(&state, digest);
    _Static_assert(RIND_HEX_SIZE(sizeof(digest)) == RIND_USER_HASH_SIZE, "the hash fits its text");
    rind_hex_encode(RIND_SLICE_OF(digest), hash->text);
}
