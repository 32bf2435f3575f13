/*
 * app.c - AppRequest (spec 02 section 11.2): one client request against one record.
 *
 * Every request that gets as far as the user's record appends exactly one log entry, even one that
 * changed nothing; every refusal appends none and changes nothing but a consumed session. The
 * answer is parked in the log until Commit. Requests pipeline: each works on the newest root,
 * committed or not.
 */
#include "hsm/channel.h"
#include "hsm/handlers.h"
#include "hsm/records.h"
#include "hsm/roles.h"
#include "hsm/user_app.h"

/* One request on its way through the steps. Secret; in the secret arena. */
struct app_work {
    struct rind_hsm_channel channel;
    struct rind_secrets_request request;
    struct rind_user_record record;
    struct rind_hsm_user_outcome outcome;
    uint8_t padded[RIND_HSM_PADDED_RESPONSE_SIZE];
};

/* What goes on in the open: the proof, and what will be written. In the work arena. */
struct app_public {
    struct rind_verified_proof verified;
    struct rind_hsm_pending pending;
    uint8_t leaf[RIND_HSM_LEAF_SIZE_MAX];
    struct rind_tree_change change;
};

/* Steps 1 and 2. */
static enum rind_hsm_app_response_kind app_check(struct rind_hsm_job *job,
                                                 struct rind_hsm_group **group)
{
    const struct rind_hsm_app_request *request = &job->request->app;
    switch (rind_hsm_check_owner(job->hsm, &request->realm, &request->group, &request->record_id,
                                 group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        return RIND_HSM_APP_INVALID_REALM;
    case RIND_HSM_CHECK_INVALID_GROUP:
        return RIND_HSM_APP_INVALID_GROUP;
    case RIND_HSM_CHECK_NOT_LEADER:
        return RIND_HSM_APP_NOT_LEADER;
    case RIND_HSM_CHECK_NOT_OWNER:
        return RIND_HSM_APP_NOT_OWNER;
    case RIND_HSM_CHECK_OK:
        break;
    }
    uint64_t last = rind_hsm_leader_log_last(&(*group)->leadership->log)->index;
    if (request->index > last) {
        /* The proof was read at an entry that we did not write: another leader did. */
        rind_hsm_step_down(*group, last);
        return RIND_HSM_APP_NOT_LEADER;
    }
    return RIND_HSM_APP_OK;
}

/* Steps 3 and 4. */
static enum rind_hsm_app_response_kind app_verify(struct rind_hsm_job *job,
                                                  const struct rind_hsm_leadership *leadership,
                                                  struct app_public *public)
{
    const struct rind_hsm_app_request *request = &job->request->app;
    if (!rind_record_id_equal(&request->record_id, &request->proof.key)) {
        return RIND_HSM_APP_INVALID_PROOF;
    }
    /*
     * The host does not commit what it appends. StaleProof makes it come back later, with nothing
     * changed here, and that is what a proof is by the time there is room again.
     */
    if (!rind_hsm_has_room_for_request(leadership)) {
        return RIND_HSM_APP_STALE_PROOF;
    }
    RIND_ASSERT(leadership->is_tree_open); /* the owner check saw a partition */
    rind_status status =
        rind_tree_verify(job->ctx, leadership->tree, &request->proof, &public->verified);
    if (rind_is(status, RIND_E_STALE)) {
        return RIND_HSM_APP_STALE_PROOF;
    }
    return rind_is_ok(status) ? RIND_HSM_APP_OK : RIND_HSM_APP_INVALID_PROOF;
}

/* Step 5. An absent leaf is the same as one that says NotRegistered. */
static enum rind_hsm_app_response_kind
app_open_record(struct rind_hsm_job *job, const struct app_public *public, struct app_work *work)
{
    work->record.registration_state.kind = RIND_REGISTRATION_NOT_REGISTERED;
    if (!public->verified.has_leaf) {
        return RIND_HSM_APP_OK;
    }
    rind_status status = rind_hsm_record_open(job->secret_ctx, &job->hsm->keys.record,
                                              public->verified.value, &work->record);
    return rind_is_ok(status) ? RIND_HSM_APP_OK : RIND_HSM_APP_INVALID_RECORD_DATA;
}

/* Steps 6 and 7. */
static enum rind_hsm_app_response_kind app_open_request(struct rind_hsm_job *job,
                                                        struct rind_hsm_sessions *sessions,
                                                        const struct rind_hsm_session_key *key,
                                                        struct app_work *work)
{
    const struct rind_noise_request *encrypted = &job->request->app.encrypted;
    struct rind_hsm_channel *channel = &work->channel;
    bool is_handshake = encrypted->kind == RIND_NOISE_REQUEST_HANDSHAKE;
    enum rind_hsm_channel_result opened =
        is_handshake
            ? rind_hsm_channel_open_handshake(job->hsm, channel, &encrypted->handshake.handshake)
            : rind_hsm_channel_open_transport(channel, sessions, key,
                                              encrypted->transport.ciphertext);
    if (opened == RIND_HSM_CHANNEL_MISSING_SESSION) {
        return RIND_HSM_APP_MISSING_SESSION;
    }
    if (opened != RIND_HSM_CHANNEL_OK) {
        return RIND_HSM_APP_SESSION_ERROR;
    }
    rind_status status = rind_hsm_secrets_request_decode(
        job->secret_ctx, rind_slice_make(channel->plaintext, channel->plaintext_length),
        &work->request);
    if (!rind_is_ok(status)) {
        return RIND_HSM_APP_DECODING_ERROR;
    }
    /* A handshake's payload is readable by whoever gets the realm's private key one day. */
    if (is_handshake && rind_secrets_request_needs_forward_secrecy(&work->request)) {
        return RIND_HSM_APP_SESSION_ERROR;
    }
    job->app_metric = rind_hsm_app_metric(work->request.kind);
    return RIND_HSM_APP_OK;
}

/* Step 9 without storing the session. */
static bool app_seal_response(struct app_work *work, struct rind_hsm_pending *pending)
{
    rind_hsm_secrets_response_pad(&work->outcome.response, work->padded);
    pending->kind = work->channel.kind == RIND_NOISE_REQUEST_HANDSHAKE
                        ? RIND_NOISE_RESPONSE_HANDSHAKE
                        : RIND_NOISE_RESPONSE_TRANSPORT;
    pending->result = work->outcome.result;
    return rind_hsm_channel_seal(&work->channel, RIND_SLICE_OF(work->padded),
                                 &pending->server_ephemeral_public, pending->ciphertext);
}

/* Step 10 up to the point where nothing has changed yet. */
static bool app_change_tree(struct rind_hsm_job *job, const struct rind_hsm_leadership *leadership,
                            const struct app_work *work, struct app_public *public)
{
    public->change.root_hash = *rind_overlay_latest_root(leadership->tree);
    if (!work->outcome.has_write) {
        return true;
    }
    uint8_t nonce[RIND_RECORD_NONCE_SIZE];
    rind_random_fill(&job->hsm->random, nonce, sizeof(nonce));
    struct rind_buffer leaf;
    rind_buffer_init(&leaf, public->leaf, sizeof(public->leaf));
    rind_hsm_record_seal(&job->hsm->keys.record, nonce, &work->record, &leaf);
    return rind_is_ok(rind_tree_insert(job->ctx, leadership->tree, &public->verified,
                                       rind_buffer_slice(&leaf), &public->change));
}

/* Steps 10 and 11: nothing in here can fail. */
static void app_append(struct rind_hsm_job *job, struct rind_hsm_group *group,
                       const struct app_work *work, const struct app_public *public)
{
    struct rind_hsm_leadership *leadership = group->leadership;
    if (work->outcome.has_write) {
        rind_overlay_add(leadership->tree, &public->change);
    }
    const struct rind_log_entry last = *rind_hsm_leader_log_last(&leadership->log);
    struct rind_partition partition = {.range = last.partition.range,
                                       .root_hash = public->change.root_hash};
    struct rind_hsm_app_ok *ok = &job->answer.app.ok;
    rind_hsm_append_entry(job->hsm, group, &partition,
                          last.has_transferring ? &last.transferring : NULL, &public->pending,
                          &ok->entry);
    ok->delta = public->change.delta;
}

/* Steps 3 to 11, once we lead and own the record. */
static enum rind_hsm_app_response_kind app_run(struct rind_hsm_job *job,
                                               struct rind_hsm_group *group, struct app_work *work,
                                               struct app_public *public)
{
    struct rind_hsm_leadership *leadership = group->leadership;
    const struct rind_hsm_session_key key = {.record_id = job->request->app.record_id,
                                             .session_id = job->request->app.session_id};
    enum rind_hsm_app_response_kind kind = app_verify(job, leadership, public);
    if (kind == RIND_HSM_APP_OK) {
        kind = app_open_record(job, public, work);
    }
    if (kind == RIND_HSM_APP_OK) {
        kind = app_open_request(job, &leadership->sessions, &key, work);
    }
    if (kind != RIND_HSM_APP_OK) {
        return kind;
    }
    rind_hsm_user_app(&job->hsm->random, &work->request, &work->record, &work->outcome);
    if (!app_seal_response(work, &public->pending)) {
        return RIND_HSM_APP_SESSION_ERROR;
    }
    /* Fails only for a path longer than what the overlay takes, which record ids do not have. */
    if (!app_change_tree(job, leadership, work, public)) {
        return RIND_HSM_APP_INVALID_PROOF;
    }
    rind_hsm_sessions_put(&leadership->sessions, &key, &work->channel.session);
    app_append(job, group, work, public);
    return RIND_HSM_APP_OK;
}

rind_status rind_hsm_handle_app(struct rind_hsm_job *job)
{
    struct rind_hsm_app_response *answer = &job->answer.app;
    job->app_metric = "app.unknown";
    struct rind_hsm_group *group;
    answer->kind = app_check(job, &group);
    if (answer->kind == RIND_HSM_APP_OK) {
        struct app_work *work = rind_ctx_alloc(job->secret_ctx, sizeof(*work));
        struct app_public *public = rind_ctx_alloc(job->ctx, sizeof(*public));
        RIND_ASSERT(work != NULL && public != NULL);
        answer->kind = app_run(job, group, work, public);
    }
    if (answer->kind == RIND_HSM_APP_NOT_LEADER) {
        answer->not_leader = rind_hsm_role_status(group);
    }
    return RIND_OK;
}
