/*
 * channel.h - the realm's end of a client's Noise channel, for one request (spec 02 section 11).
 *
 * A request arrives in a handshake (a new session) or in a transport message (of a session that is
 * taken out of the table while it is used). Everything in here is secret: it lives in the secret
 * arena, which is wiped when the request is over.
 */
#ifndef RIND_HSM_CHANNEL_H
#define RIND_HSM_CHANNEL_H

#include "hsm/leader_log.h"
#include "hsm/state.h"

struct rind_hsm_channel {
    enum rind_noise_request_kind kind;
    struct rind_x25519_secret ephemeral;     /* of a handshake */
    struct rind_noise_handshake handshake;   /* between its two messages */
    struct rind_noise_session session;       /* valid after seal, and before it with a transport */
    uint8_t plaintext[RIND_BODY_SIZE_LIMIT]; /* of the request */
    size_t plaintext_length;
};

enum rind_hsm_channel_result {
    RIND_HSM_CHANNEL_OK = 1,
    RIND_HSM_CHANNEL_MISSING_SESSION,
    RIND_HSM_CHANNEL_SESSION_ERROR,
};

/* Draws the ephemeral key and opens a client's first message. */
enum rind_hsm_channel_result
rind_hsm_channel_open_handshake(struct rind_hsm *hsm, struct rind_hsm_channel *channel,
                                const struct rind_handshake_request *request);

/* Takes the session out of the table and opens a message of it. */
enum rind_hsm_channel_result rind_hsm_channel_open_transport(struct rind_hsm_channel *channel,
                                                             struct rind_hsm_sessions *sessions,
                                                             const struct rind_hsm_session_key *key,
                                                             struct rind_slice ciphertext);

/*
 * Encrypts the answer: writes plaintext.length + RIND_NOISE_TAG_SIZE bytes, and, for a handshake,
 * our ephemeral public key. False if the channel cannot go on (all counters used up).
 */
bool rind_hsm_channel_seal(struct rind_hsm_channel *channel, struct rind_slice plaintext,
                           struct rind_x25519_public *server_ephemeral_public, uint8_t *ciphertext);

#endif
