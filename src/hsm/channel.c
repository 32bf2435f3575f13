/* channel.c - see channel.h. */
#include "hsm/channel.h"

/*
 * Step 6 of AppRequest. The balancer refuses bodies above this, so longer ones are a host's doing;
 * they are a session error (section 17 item 7).
 */
static bool channel_is_oversize(struct rind_slice ciphertext)
{
    return ciphertext.length > RIND_BODY_SIZE_LIMIT;
}

enum rind_hsm_channel_result
rind_hsm_channel_open_handshake(struct rind_hsm *hsm, struct rind_hsm_channel *channel,
                                const struct rind_handshake_request *request)
{
    channel->kind = RIND_NOISE_REQUEST_HANDSHAKE;
    rind_random_fill(&hsm->random, channel->ephemeral.bytes, sizeof(channel->ephemeral.bytes));
    if (channel_is_oversize(request->payload_ciphertext)) {
        return RIND_HSM_CHANNEL_SESSION_ERROR;
    }
    /* Refuses ciphertexts shorter than a tag, and keys of other sizes and of low order (section 17
     * items 7 and 18). */
    rind_status status = rind_noise_realm_start(
        NULL, &channel->handshake, RIND_NOISE_PROLOGUE_EMPTY, &hsm->keys.communication_private,
        &hsm->keys.communication_public, request->client_ephemeral_public,
        request->payload_ciphertext, channel->plaintext);
    if (!rind_is_ok(status)) {
        return RIND_HSM_CHANNEL_SESSION_ERROR;
    }
    channel->plaintext_length = request->payload_ciphertext.length - RIND_NOISE_TAG_SIZE;
    return RIND_HSM_CHANNEL_OK;
}

enum rind_hsm_channel_result rind_hsm_channel_open_transport(struct rind_hsm_channel *channel,
                                                             struct rind_hsm_sessions *sessions,
                                                             const struct rind_hsm_session_key *key,
                                                             struct rind_slice ciphertext)
{
    channel->kind = RIND_NOISE_REQUEST_TRANSPORT;
    if (channel_is_oversize(ciphertext)) {
        return RIND_HSM_CHANNEL_SESSION_ERROR;
    }
    if (!rind_hsm_sessions_take(sessions, key, &channel->session)) {
        return RIND_HSM_CHANNEL_MISSING_SESSION;
    }
    /* From here on the session is gone unless the caller puts it back: a failed attempt has used up
     * a nonce of the client's, and the two sides would disagree. */
    rind_status status =
        rind_noise_decrypt(NULL, &channel->session, ciphertext, channel->plaintext);
    if (!rind_is_ok(status)) {
        return RIND_HSM_CHANNEL_SESSION_ERROR;
    }
    channel->plaintext_length = ciphertext.length - RIND_NOISE_TAG_SIZE;
    return RIND_HSM_CHANNEL_OK;
}

bool rind_hsm_channel_seal(struct rind_hsm_channel *channel, struct rind_slice plaintext,
                           struct rind_x25519_public *server_ephemeral_public, uint8_t *ciphertext)
{
    if (channel->kind == RIND_NOISE_REQUEST_TRANSPORT) {
        return rind_is_ok(rind_noise_encrypt(NULL, &channel->session, plaintext, ciphertext));
    }
    return rind_is_ok(rind_noise_realm_finish(NULL, &channel->handshake, &channel->ephemeral,
                                              plaintext, server_ephemeral_public, ciphertext,
                                              &channel->session));
}
