/*
 * commit.c - Commit (spec 02 section 10.6): the only way a client's answer leaves the HSM.
 *
 * What commits an entry is that a strict majority of the configured HSMs testifies to have it, this
 * very entry, in NVRAM. Who wrote it does not matter (no rule about terms as in Raft): its MAC
 * chain fixes everything before it.
 */
#include "hsm/election.h"
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/roles.h"

/* Cheap tests first; the MAC of a capture that could not count is not worth computing. */
static void commit_count_vote(const struct rind_hsm *hsm,
                              const struct rind_hsm_durable_group *group,
                              const struct rind_hsm_leader_log *log,
                              const struct rind_captured *capture, struct rind_hsm_votes *votes)
{
    uint32_t position;
    if (!rind_realm_id_equal(&capture->realm, &hsm->durable.realm) ||
        !rind_group_id_equal(&capture->group, &group->id) ||
        !rind_hsm_member_position(group, &capture->hsm, &position)) {
        return;
    }
    const struct rind_hsm_log_slot *slot = rind_hsm_leader_log_find(log, capture->index);
    if (slot == NULL || !rind_ct_equal(slot->entry.entry_mac.bytes, capture->mac.bytes,
                                       sizeof(capture->mac.bytes))) {
        return;
    }
    if (rind_hsm_captured_statement_is_valid(&hsm->keys, capture)) {
        rind_hsm_votes_add(votes, position, capture->index);
    }
}

static bool commit_outcome(const struct rind_hsm *hsm, const struct rind_hsm_durable_group *group,
                           const struct rind_hsm_leader_log *log,
                           const struct rind_captured_list *captures, uint64_t *index)
{
    struct rind_hsm_votes votes = {.member_count = group->member_count};
    for (size_t i = 0; i < captures->count; i++) {
        commit_count_vote(hsm, group, log, &captures->items[i], &votes);
    }
    return rind_hsm_votes_outcome(&votes, index);
}

/* The answer borrows the ciphertext, which stays in its slot until the next append. */
static void commit_release(const struct rind_hsm_log_slot *slot,
                           struct rind_released_response *released)
{
    const struct rind_hsm_pending *pending = &slot->pending;
    *released = (struct rind_released_response){
        .mac = slot->entry.entry_mac,
        .response = {.kind = pending->kind},
        .result = pending->result,
    };
    struct rind_slice ciphertext = RIND_SLICE_OF(pending->ciphertext);
    if (pending->kind == RIND_NOISE_RESPONSE_TRANSPORT) {
        released->response.transport.ciphertext = ciphertext;
        return;
    }
    released->response.handshake = (struct rind_noise_response_handshake){
        .handshake =
            {
                .server_ephemeral_public = RIND_SLICE_OF(pending->server_ephemeral_public.bytes),
                .payload_ciphertext = ciphertext,
            },
        .session_lifetime = {.secs = RIND_HSM_SESSION_LIFETIME_S},
    };
}

/* Takes the responses of all entries up to `index`, in order, and forgets the entries before it. */
static void commit_advance(struct rind_hsm_job *job, struct rind_hsm_leader_log *log,
                           uint64_t index, struct rind_released_response_list *responses)
{
    uint64_t first = rind_hsm_leader_log_first(log)->index;
    RIND_ASSERT(index >= first);
    size_t count_max = (size_t)(index - first) + 1;
    responses->items = rind_ctx_alloc_array(job->ctx, count_max, sizeof(*responses->items));
    RIND_ASSERT(responses->items != NULL); /* the work arena holds a full log's */
    responses->count = 0;
    for (uint64_t i = first; i <= index; i++) {
        struct rind_hsm_log_slot *slot = rind_hsm_leader_log_find(log, i);
        if (rind_hsm_log_slot_take(slot)) {
            commit_release(slot, &responses->items[responses->count]);
            responses->count++;
        }
    }
    rind_hsm_leader_log_drop_before(log, index);
}

/* Steps 4 to 8: the majority has reached `index`. */
static void commit_apply(struct rind_hsm_job *job, struct rind_hsm_group *group, uint64_t index,
                         struct rind_commit_state *state)
{
    struct rind_hsm_leadership *leadership = group->leadership;
    bool is_stepping_down = group->role == RIND_ROLE_STEPPING_DOWN;
    if (is_stepping_down && index > leadership->stepdown_at) {
        index = leadership->stepdown_at;
    }
    if (leadership->has_committed && index < leadership->committed) {
        index = leadership->committed;
    }
    commit_advance(job, &leadership->log, index, &state->responses);
    leadership->has_committed = true;
    leadership->committed = index;
    state->committed = index;
    if (is_stepping_down) {
        RIND_ASSERT(index <= leadership->stepdown_at);
        state->abandoned.items = leadership->abandoned;
        state->abandoned.count = leadership->abandoned_count;
        leadership->abandoned_count = 0;
        if (index == leadership->stepdown_at) {
            rind_hsm_become_witness(group);
        }
    }
    state->role = rind_hsm_role_status(group);
}

rind_status rind_hsm_handle_commit(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_commit_request *request = &job->request->commit;
    struct rind_hsm_commit_response *answer = &job->answer.commit;
    struct rind_hsm_group *group;
    switch (rind_hsm_check_member(hsm, &request->realm, &request->group, &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_COMMIT_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_COMMIT_INVALID_GROUP;
        return RIND_OK;
    default:
        break;
    }
    if (group->role == RIND_ROLE_WITNESS) {
        answer->kind = RIND_HSM_COMMIT_NOT_LEADER;
        answer->not_leader = rind_hsm_role_status(group);
        return RIND_OK;
    }
    uint64_t index;
    if (!commit_outcome(hsm, rind_hsm_group_durable(hsm, group), &group->leadership->log,
                        &request->captures, &index)) {
        answer->kind = RIND_HSM_COMMIT_NO_QUORUM;
        return RIND_OK;
    }
    answer->kind = RIND_HSM_COMMIT_OK;
    commit_apply(job, group, index, &answer->ok);
    return RIND_OK;
}
