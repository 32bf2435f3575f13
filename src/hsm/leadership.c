/*
 * leadership.c - BecomeLeader and StepDown (spec 02 sections 10.4 and 10.5).
 *
 * An HSM leads only from exactly the entry it has durably captured as its latest: whatever it then
 * commits extends the one history that a majority's captures testify to.
 */
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/persist.h"
#include "hsm/roles.h"

static bool leadership_is_captured(const struct rind_hsm_durable_group *group,
                                   const struct rind_log_entry *entry)
{
    /* At the last index there is no entry that a leader could still write. */
    return group->has_captured && group->captured.index == entry->index &&
           entry->index != UINT64_MAX &&
           rind_ct_equal(group->captured.mac.bytes, entry->entry_mac.bytes,
                         sizeof(entry->entry_mac.bytes));
}

rind_status rind_hsm_handle_become_leader(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_become_leader_request *request = &job->request->become_leader;
    struct rind_hsm_become_leader_response *answer = &job->answer.become_leader;
    RIND_TRY(rind_hsm_persist_captures(hsm, job->ctx)); /* whatever the outcome */

    struct rind_hsm_group *group;
    switch (rind_hsm_check_member(hsm, &request->realm, &request->group, &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_BECOME_LEADER_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_BECOME_LEADER_INVALID_GROUP;
        return RIND_OK;
    default:
        break;
    }
    if (group->role == RIND_ROLE_STEPPING_DOWN) {
        answer->kind = RIND_HSM_BECOME_LEADER_STEPDOWN_IN_PROGRESS;
        return RIND_OK;
    }
    const struct rind_hsm_durable_group *durable = rind_hsm_group_durable(hsm, group);
    if (!leadership_is_captured(durable, &request->last_entry)) {
        answer->kind = RIND_HSM_BECOME_LEADER_NOT_CAPTURED;
        answer->not_captured.has_have = durable->has_captured;
        answer->not_captured.have = durable->captured.index;
        return RIND_OK;
    }
    /* Index and MAC are the captured ones; this guards the fields that the host sent along. */
    if (!rind_hsm_entry_mac_is_valid(&hsm->keys, &request->realm, &request->group,
                                     &request->last_entry)) {
        answer->kind = RIND_HSM_BECOME_LEADER_INVALID_MAC;
        return RIND_OK;
    }
    if (group->role == RIND_ROLE_WITNESS) {
        rind_hsm_become_leader(hsm, group, &request->last_entry);
    }
    answer->kind = RIND_HSM_BECOME_LEADER_OK;
    answer->ok.role = rind_hsm_role_status(group);
    return RIND_OK;
}

/*
 * Pending responses and abandoned MACs are dropped without a word: the agent sees the clock change
 * and fails its waiting clients itself (section 17 item 20).
 */
static bool leadership_force(struct rind_hsm_group *group, uint64_t *last)
{
    if (group->role == RIND_ROLE_WITNESS) {
        return false;
    }
    *last = group->role == RIND_ROLE_LEADER
                ? rind_hsm_leader_log_last(&group->leadership->log)->index
                : group->leadership->stepdown_at;
    rind_hsm_become_witness(group);
    return true;
}

static bool leadership_give_up(struct rind_hsm_group *group, uint64_t *last)
{
    if (group->role != RIND_ROLE_LEADER) {
        return false;
    }
    *last = rind_hsm_leader_log_last(&group->leadership->log)->index;
    rind_hsm_step_down(group, *last);
    return true;
}

rind_status rind_hsm_handle_step_down(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_step_down_request *request = &job->request->step_down;
    struct rind_hsm_step_down_response *answer = &job->answer.step_down;
    struct rind_hsm_group *group;
    switch (rind_hsm_check_member(hsm, &request->realm, &request->group, &group)) {
    case RIND_HSM_CHECK_INVALID_REALM:
        answer->kind = RIND_HSM_STEP_DOWN_INVALID_REALM;
        return RIND_OK;
    case RIND_HSM_CHECK_INVALID_GROUP:
        answer->kind = RIND_HSM_STEP_DOWN_INVALID_GROUP;
        return RIND_OK;
    default:
        break;
    }
    uint64_t last = 0;
    bool has_stepped_down =
        request->force ? leadership_force(group, &last) : leadership_give_up(group, &last);
    if (!has_stepped_down) {
        answer->kind = RIND_HSM_STEP_DOWN_NOT_LEADER;
        answer->not_leader = rind_hsm_role_status(group);
        return RIND_OK;
    }
    answer->kind = RIND_HSM_STEP_DOWN_OK;
    answer->ok.last = last;
    answer->ok.role = rind_hsm_role_status(group);
    return RIND_OK;
}
