/*
 * noise.h - the channel Noise_NK_25519_ChaChaPoly_BLAKE2s between a client and an HSM.
 *
 * The client (initiator) knows the realm's static public key. A handshake is one message each way,
 * each with a payload; after it, each side holds a rind_noise_session. Unlike in the generic
 * framework the parts of a handshake message (ephemeral key, ciphertext) travel apart.
 * Everything received is hostile until it has been decrypted. A (key, nonce) pair is never used
 * twice: each state is consumed by its use, each direction counts its own messages.
 * Spec: docs/spec/01-client-protocol.md section 4; noiseprotocol.org revision 34.
 */
#ifndef RIND_CRYPTO_NOISE_H
#define RIND_CRYPTO_NOISE_H

#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"
#include "crypto/blake2s.h"
#include "crypto/x25519.h"

#define RIND_NOISE_KEY_SIZE 32u
#define RIND_NOISE_TAG_SIZE 16u /* a ciphertext is this much longer than its plaintext */

/* This protocol's prologue: empty. Others exist for the published test vectors only. */
#define RIND_NOISE_PROLOGUE_EMPTY rind_slice_make(NULL, 0)

RIND_SECRET_TYPE(noise_key, RIND_NOISE_KEY_SIZE);

/* A handshake between its two messages, on either side. Treat as opaque; wipe when done. */
struct rind_noise_handshake {
    uint8_t hash[RIND_BLAKE2S_SIZE];         /* h: of all that was said */
    uint8_t chaining_key[RIND_BLAKE2S_SIZE]; /* ck */
    struct rind_x25519_secret ephemeral;     /* e: the client's own */
    struct rind_x25519_public peer;          /* E: at the realm, the client's */
    uint8_t state; /* enum noise_state: which call may come next (asserted) */
};

/* Keys and counters of a session. Two sides' values mirror each other. Wipe when done. */
struct rind_noise_session {
    struct rind_noise_key send_key;
    struct rind_noise_key receive_key;
    uint64_t send_nonce;    /* of the next message sent */
    uint64_t receive_nonce; /* of the next message tried to receive */
};

/*
 * Client, message 1. `ephemeral` are 32 fresh random bytes. Writes the public key to send and
 * payload.length + RIND_NOISE_TAG_SIZE bytes of ciphertext. RIND_E_AUTH if `realm_static` has low
 * order. On failure `handshake` is wiped.
 */
rind_status rind_noise_client_start(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                    struct rind_slice prologue,
                                    const struct rind_x25519_public *realm_static,
                                    const struct rind_x25519_secret *ephemeral,
                                    struct rind_slice payload,
                                    struct rind_x25519_public *ephemeral_public,
                                    uint8_t *ciphertext) RIND_MUST_USE;

/*
 * Client, message 2. `realm_ephemeral` is as received, of any length. Writes
 * ciphertext.length - RIND_NOISE_TAG_SIZE bytes of payload and the session. Consumes (wipes)
 * `handshake`, whatever happens.
 *   RIND_E_DECODE  the ephemeral key does not have 32 bytes
 *   RIND_E_AUTH    not a ciphertext of the realm that has `realm_static`, or a low-order key
 */
rind_status rind_noise_client_finish(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                     struct rind_slice realm_ephemeral,
                                     struct rind_slice ciphertext, uint8_t *payload,
                                     struct rind_noise_session *session) RIND_MUST_USE;

/*
 * Realm, message 1. `static_public` enters the hash as provided; it is not derived from
 * `static_secret`. `client_ephemeral` is as received, of any length. Writes
 * ciphertext.length - RIND_NOISE_TAG_SIZE bytes of payload. Errors as rind_noise_client_finish; on
 * failure `handshake` is wiped.
 */
rind_status rind_noise_realm_start(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                   struct rind_slice prologue,
                                   const struct rind_x25519_secret *static_secret,
                                   const struct rind_x25519_public *static_public,
                                   struct rind_slice client_ephemeral, struct rind_slice ciphertext,
                                   uint8_t *payload) RIND_MUST_USE;

/*
 * Realm, message 2. `ephemeral` are 32 fresh random bytes. Writes the public key to send,
 * payload.length + RIND_NOISE_TAG_SIZE bytes of ciphertext, and the session. Consumes (wipes)
 * `handshake`, whatever happens. RIND_E_AUTH when the client's ephemeral key has low order, which
 * cannot be after a rind_noise_realm_start that succeeded with an honest static key.
 */
rind_status rind_noise_realm_finish(struct rind_ctx *ctx, struct rind_noise_handshake *handshake,
                                    const struct rind_x25519_secret *ephemeral,
                                    struct rind_slice payload,
                                    struct rind_x25519_public *ephemeral_public,
                                    uint8_t *ciphertext,
                                    struct rind_noise_session *session) RIND_MUST_USE;

/*
 * Encrypts the next message: writes plaintext.length + RIND_NOISE_TAG_SIZE
 * bytes. RIND_E_LIMIT when the counter is used up (2^64 - 1 messages).
 */
rind_status rind_noise_encrypt(struct rind_ctx *ctx, struct rind_noise_session *session,
                               struct rind_slice plaintext, uint8_t *ciphertext) RIND_MUST_USE;

/*
 * Decrypts the next message: writes ciphertext.length - RIND_NOISE_TAG_SIZE bytes, nothing on
 * failure. The attempt uses up its counter value even when it fails, as in the spec.
 * RIND_E_AUTH for anything but the peer's next message, RIND_E_LIMIT as above.
 */
rind_status rind_noise_decrypt(struct rind_ctx *ctx, struct rind_noise_session *session,
                               struct rind_slice ciphertext, uint8_t *plaintext) RIND_MUST_USE;

void rind_noise_handshake_wipe(struct rind_noise_handshake *handshake);
void rind_noise_session_wipe(struct rind_noise_session *session);

#endif
