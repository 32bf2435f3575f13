/*
 * handshake.c - HandshakeRequest (spec 02 section 11.1): a session and nothing else.
 *
 * Touches neither log nor tree, so it is answered at once.
 */
#include "hsm/channel.h"
#include "hsm/handlers.h"
#include "hsm/roles.h"

static enum rind_hsm_handshake_response_kind handshake_run(struct rind_hsm_job *job,
                                                           struct rind_hsm_group *group,
                                                           struct rind_hsm_channel *channel)
{
    const struct rind_hsm_handshake_request *request = &job->request->handshake;
    if (rind_hsm_channel_open_handshake(job->hsm, channel, &request->handshake) !=
            RIND_HSM_CHANNEL_OK ||
        channel->plaintext_length != 0) {
        return RIND_HSM_HANDSHAKE_SESSION_ERROR;
    }
    struct rind_x25519_public *server_ephemeral_public =
        rind_ctx_alloc(job->ctx, sizeof(*server_ephemeral_public));
    uint8_t *ciphertext = rind_ctx_alloc(job->ctx, RIND_NOISE_TAG_SIZE);
    RIND_ASSERT(server_ephemeral_public != NULL && ciphertext != NULL);
    if (!rind_hsm_channel_seal(channel, rind_slice_make(NULL, 0), server_ephemeral_public,
                               ciphertext)) {
        return RIND_HSM_HANDSHAKE_SESSION_ERROR;
    }
    struct rind_hsm_session_key key = {.record_id = request->record_id,
                                       .session_id = request->session_id};
    rind_hsm_sessions_put(&group->leadership->sessions, &key, &channel->session);

    struct rind_hsm_handshake_ok *ok = &job->answer.handshake.ok;
    ok->noise.server_ephemeral_public = RIND_SLICE_OF(server_ephemeral_public->bytes);
    ok->noise.payload_ciphertext = rind_slice_make(ciphertext, RIND_NOISE_TAG_SIZE);
    ok->session_lifetime.secs = RIND_HSM_SESSION_LIFETIME_S;
    ok->session_lifetime.nanos = 0;
    return RIND_HSM_HANDSHAKE_OK;
}

rind_status rind_hsm_handle_handshake(struct rind_hsm_job *job)
{
    const struct rind_hsm_handshake_request *request = &job->request->handshake;
    struct rind_hsm_handshake_response *answer = &job->answer.handshake;
    struct rind_hsm_group *group;
    switch (rind_hsm_check_owner(job->hsm, &request->realm, &request->group, &request->record_id,
                                 &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_HANDSHAKE_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_HANDSHAKE_INVALID_GROUP;
        return RIND_OK;
    case RIND_HSM_CHECK_NOT_LEADER:
        answer->kind = RIND_HSM_HANDSHAKE_NOT_LEADER;
        return RIND_OK;
    case RIND_HSM_CHECK_NOT_OWNER:
        answer->kind = RIND_HSM_HANDSHAKE_NOT_OWNER;
        return RIND_OK;
    case RIND_HSM_CHECK_OK:
        break;
    }
    struct rind_hsm_channel *channel = rind_ctx_alloc(job->secret_ctx, sizeof(*channel));
    RIND_ASSERT(channel != NULL);
    answer->kind = handshake_run(job, group, channel);
    return RIND_OK;
}
