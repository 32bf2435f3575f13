/* noise.c - see noise.h. Names h, ck, e, s are those of the Noise specification. */
#include "crypto/noise.h"

#include <sodium.h>

#include "base/assert.h"
#include "base/endian.h"
#include "crypto/hkdf.h"

#define NOISE_PROTOCOL_NAME "Noise_NK_25519_ChaChaPoly_BLAKE2s"

_Static_assert(crypto_aead_chacha20poly1305_ietf_KEYBYTES == RIND_NOISE_KEY_SIZE, "sizes agree");
_Static_assert(crypto_aead_chacha20poly1305_ietf_ABYTES == RIND_NOISE_TAG_SIZE, "sizes agree");
_Static_assert(sizeof(NOISE_PROTOCOL_NAME) - 1 > RIND_BLAKE2S_SIZE,
               "the name is longer than a digest, hence hashed");

/* Which call a handshake waits for; a wiped one waits for none. */
enum noise_state {
    NOISE_STATE_NONE = 0,
    NOISE_STATE_CLIENT_FINISH,
    NOISE_STATE_REALM_FINISH,
};

static void noise_nonce(uint64_t counter,
                        uint8_t nonce[static crypto_aead_chacha20poly1305_ietf_NPUBBYTES])
{
    memset(nonce, 0, 4);
    rind_put_le64(nonce + 4, counter);
}

static void noise_seal(const struct rind_noise_key *key, uint64_t counter, struct rind_slice ad,
                       struct rind_slice plaintext, uint8_t *ciphertext)
{
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    noise_nonce(counter, nonce);
    int failed = crypto_aead_chacha20poly1305_ietf_encrypt(ciphertext, NULL, plaintext.data,
                                                           plaintext.length, ad.data, ad.length,
                                                           NULL, nonce, key->bytes);
    RIND_ASSERT(failed == 0);
}

static rind_status noise_open(struct rind_ctx *ctx, const struct rind_noise_key *key,
                              uint64_t counter, struct rind_slice ad, struct rind_slice ciphertext,
                              uint8_t *plaintext)
{
    RIND_REQUIRE(ctx, ciphertext.length >= RIND_NOISE_TAG_SIZE, RIND_E_AUTH,
                 "a Noise ciphertext has %zu bytes, the smallest has %u", ciphertext.length,
                 RIND_NOISE_TAG_SIZE);
    uint8_t nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
    noise_nonce(counter, nonce);
    RIND_REQUIRE(ctx,
                 crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, NULL, NULL, ciphertext.data,
                                                           ciphertext.length, ad.data, ad.length,
                                                           nonce, key->bytes) == 0,
                 RIND_E_AUTH, "a Noise message does not decrypt: not the peer's next message");
    return RIND_OK;
}

/* h = H(h || bytes) */
static void noise_mix_hash(struct rind_noise_handshake *handshake, struct rind_slice bytes)
{
    struct rind_blake2s hash;
    rind_blake2s_init(&hash, RIND_BLAKE2S_SIZE);
    rind_blake2s_update(&hash, RIND_SLICE_OF(handshake->hash));
    rind_blake2s_update(&hash, bytes);
    rind_blake2s_final(&hash, handshake->hash);
}

/* HKDF2(ck, input) = (first, second). `first` may overwrite ck. */
static void noise_hkdf2(const uint8_t chaining_key[static RIND_BLAKE2S_SIZE],
                        struct rind_slice input, uint8_t first[static RIND_BLAKE2S_SIZE],
                        uint8_t second[static RIND_BLAKE2S_SIZE])
{
    uint8_t output[2u * RIND_BLAKE2S_SIZE];
    rind_hkdf_blake2s(rind_slice_make(chaining_key, RIND_BLAKE2S_SIZE), input,
                      rind_slice_make(NULL, 0), output, sizeof(output));
    memcpy(first, output, RIND_BLAKE2S_SIZE);
    memcpy(second, output + RIND_BLAKE2S_SIZE, RIND_BLAKE2S_SIZE);
    rind_wipe(output, sizeof(output));
}

/* (ck, k) = HKDF2(ck, X25519(secret, public)) */
static rind_status noise_mix_key(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                 const struct rind_x25519_secret *secret,
                                 const struct rind_x25519_public *public_key,
                                 struct rind_noise_key *key)
{
    struct rind_x25519_shared shared;
    RIND_TRY(rind_x25519(ctx, secret, public_key, &shared));
    noise_hkdf2(handshake->chaining_key, RIND_SLICE_OF(shared.bytes), handshake->chaining_key,
                key->bytes);
    rind_x25519_shared_wipe(&shared);
    return RIND_OK;
}

/* The state after the pre-message: name, prologue and the realm's static public key. */
static void noise_init(struct rind_noise_handshake *handshake, struct rind_slice prologue,
                       const struct rind_x25519_public *realm_static)
{
    memset(handshake, 0, sizeof(*handshake));
    rind_blake2s(rind_slice_text(NOISE_PROTOCOL_NAME), handshake->hash);
    memcpy(handshake->chaining_key, handshake->hash, RIND_BLAKE2S_SIZE);
    noise_mix_hash(handshake, prologue);
    noise_mix_hash(handshake, RIND_SLICE_OF(realm_static->bytes));
}

/* The handshake's last step: one key for each direction. `is_client` tells which one we send with.
 */
static void noise_split(const struct rind_noise_handshake *handshake, bool is_client,
                        struct rind_noise_session *session)
{
    struct rind_noise_key *client_to_realm = is_client ? &session->send_key : &session->receive_key;
    struct rind_noise_key *realm_to_client = is_client ? &session->receive_key : &session->send_key;
    noise_hkdf2(handshake->chaining_key, rind_slice_make(NULL, 0), client_to_realm->bytes,
                realm_to_client->bytes);
    session->send_nonce = 0;
    session->receive_nonce = 0;
}

static rind_status noise_public_decode(struct rind_ctx *ctx, struct rind_slice bytes,
                                       struct rind_x25519_public *public_key)
{
    RIND_REQUIRE(ctx, bytes.length == sizeof(public_key->bytes), RIND_E_DECODE,
                 "a Noise ephemeral key has %zu bytes instead of %zu", bytes.length,
                 sizeof(public_key->bytes));
    memcpy(public_key->bytes, bytes.data, sizeof(public_key->bytes));
    return RIND_OK;
}

rind_status
rind_noise_client_start(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                        struct rind_slice prologue, const struct rind_x25519_public *realm_static,
                        const struct rind_x25519_secret *ephemeral, struct rind_slice payload,
                        struct rind_x25519_public *ephemeral_public, uint8_t *ciphertext)
{
    noise_init(handshake, prologue, realm_static);
    handshake->ephemeral = *ephemeral;
    rind_x25519_public_from_secret(ephemeral, ephemeral_public);
    noise_mix_hash(handshake, RIND_SLICE_OF(ephemeral_public->bytes));

    struct rind_noise_key key;
    rind_status status = noise_mix_key(ctx, handshake, ephemeral, realm_static, &key);
    if (!rind_is_ok(status)) {
        rind_noise_handshake_wipe(handshake);
        return status;
    }
    noise_seal(&key, 0, RIND_SLICE_OF(handshake->hash), payload, ciphertext);
    noise_mix_hash(handshake, rind_slice_make(ciphertext, payload.length + RIND_NOISE_TAG_SIZE));
    handshake->state = NOISE_STATE_CLIENT_FINISH;
    rind_noise_key_wipe(&key);
    return RIND_OK;
}

static rind_status noise_client_finish_with(struct rind_ctx *ctx,
                                            struct rind_noise_handshake *handshake,
                                            struct rind_slice realm_ephemeral,
                                            struct rind_slice ciphertext, uint8_t *payload,
                                            struct rind_noise_key *key)
{
    RIND_TRY(noise_public_decode(ctx, realm_ephemeral, &handshake->peer));
    noise_mix_hash(handshake, realm_ephemeral);
    RIND_TRY(noise_mix_key(ctx, handshake, &handshake->ephemeral, &handshake->peer, key));
    return noise_open(ctx, key, 0, RIND_SLICE_OF(handshake->hash), ciphertext, payload);
}

rind_status rind_noise_client_finish(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                     struct rind_slice realm_ephemeral,
                                     struct rind_slice ciphertext, uint8_t *payload,
                                     struct rind_noise_session *session)
{
    RIND_ASSERT(handshake->state == NOISE_STATE_CLIENT_FINISH);
    struct rind_noise_key key;
    rind_status status =
        noise_client_finish_with(ctx, handshake, realm_ephemeral, ciphertext, payload, &key);
    if (rind_is_ok(status)) {
        noise_split(handshake, true, session);
    }
    rind_noise_key_wipe(&key);
    rind_noise_handshake_wipe(handshake);
    return status;
}

static rind_status noise_realm_start_with(struct rind_ctx *ctx,
                                          struct rind_noise_handshake *handshake,
                                          const struct rind_x25519_secret *static_secret,
                                          struct rind_slice client_ephemeral,
                                          struct rind_slice ciphertext, uint8_t *payload,
                                          struct rind_noise_key *key)
{
    RIND_TRY(noise_public_decode(ctx, client_ephemeral, &handshake->peer));
    noise_mix_hash(handshake, client_ephemeral);
    RIND_TRY(noise_mix_key(ctx, handshake, static_secret, &handshake->peer, key));
    RIND_TRY(noise_open(ctx, key, 0, RIND_SLICE_OF(handshake->hash), ciphertext, payload));
    noise_mix_hash(handshake, ciphertext);
    handshake->state = NOISE_STATE_REALM_FINISH;
    return RIND_OK;
}

rind_status rind_noise_realm_start(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                   struct rind_slice prologue,
                                   const struct rind_x25519_secret *static_secret,
                                   const struct rind_x25519_public *static_public,
                                   struct rind_slice client_ephemeral, struct rind_slice ciphertext,
                                   uint8_t *payload)
{
    struct rind_noise_key key;
    noise_init(handshake, prologue, static_public);
    rind_status status = noise_realm_start_with(ctx, handshake, static_secret, client_ephemeral,
                                                ciphertext, payload, &key);
    rind_noise_key_wipe(&key);
    if (!rind_is_ok(status)) {
        rind_noise_handshake_wipe(handshake);
    }
    return status;
}

rind_status rind_noise_realm_finish(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                    const struct rind_x25519_secret *ephemeral,
                                    struct rind_slice payload,
                                    struct rind_x25519_public *ephemeral_public,
                                    uint8_t *ciphertext, struct rind_noise_session *session)
{
    RIND_ASSERT(handshake->state == NOISE_STATE_REALM_FINISH);
    struct rind_noise_key key;
    rind_x25519_public_from_secret(ephemeral, ephemeral_public);
    noise_mix_hash(handshake, RIND_SLICE_OF(ephemeral_public->bytes));
    rind_status status = noise_mix_key(ctx, handshake, ephemeral, &handshake->peer, &key);
    if (rind_is_ok(status)) {
        noise_seal(&key, 0, RIND_SLICE_OF(handshake->hash), payload, ciphertext);
        noise_split(handshake, false, session);
    }
    rind_noise_key_wipe(&key);
    rind_noise_handshake_wipe(handshake);
    return status;
}

/* The counter value to use now, moved on first so that no path can use it again. */
static rind_status noise_take_nonce(struct rind_ctx *ctx, uint64_t *counter, uint64_t *taken)
{
    RIND_REQUIRE(ctx, *counter < UINT64_MAX, RIND_E_LIMIT,
                 "a Noise session has used up its message counter; open a new session");
    *taken = (*counter)++;
    return RIND_OK;
}

rind_status rind_noise_encrypt(struct rind_ctx *ctx, struct rind_noise_session *session,
                               struct rind_slice plaintext, uint8_t *ciphertext)
{
    uint64_t nonce = 0;
    RIND_TRY(noise_take_nonce(ctx, &session->send_nonce, &nonce));
    noise_seal(&session->send_key, nonce, rind_slice_make(NULL, 0), plaintext, ciphertext);
    return RIND_OK;
}

rind_status rind_noise_decrypt(struct rind_ctx *ctx, struct rind_noise_session *session,
                               struct rind_slice ciphertext, uint8_t *plaintext)
{
    uint64_t nonce = 0;
    RIND_TRY(noise_take_nonce(ctx, &session->receive_nonce, &nonce));
    return noise_open(ctx, &session->receive_key, nonce, rind_slice_make(NULL, 0), ciphertext,
                      plaintext);
}

void rind_noise_handshake_wipe(struct rind_noise_handshake *handshake)
{
    rind_wipe(handshake, sizeof(*handshake));
}

void rind_noise_session_wipe(struct rind_noise_session *session)
{
    rind_wipe(session, sizeof(*session));
}
