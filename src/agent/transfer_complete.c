/* transfer_complete.c - transfer/complete, at the source, and transfer/owns, at any owner. */
#include "agent/commit.h"
#include "agent/transfer.h"
#include "agent/transfer_step.h"

static enum rind_agent_transfer_complete_response_kind
complete_map(enum rind_transfer_outcome outcome)
{
    switch (outcome) {
    case RIND_TRANSFER_DONE:
        return RIND_AGENT_TRANSFER_COMPLETE_OK;
    case RIND_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_COMPLETE_INVALID_REALM;
    case RIND_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP;
    case RIND_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_COMPLETE_NOT_LEADER;
    case RIND_TRANSFER_COMMIT_TIMEOUT:
    case RIND_TRANSFER_NO_STORE: /* no variant of its own: the entry could not get into the log */
    case RIND_TRANSFER_RETRY:
        return RIND_AGENT_TRANSFER_COMPLETE_COMMIT_TIMEOUT;
    case RIND_TRANSFER_NO_HSM:
    case RIND_TRANSFER_REFUSED:
        break;
    }
    return RIND_AGENT_TRANSFER_COMPLETE_NO_HSM;
}

static enum rind_agent_transfer_complete_response_kind
complete_map_hsm(enum rind_hsm_complete_transfer_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_COMPLETE_TRANSFER_OK:
        return RIND_AGENT_TRANSFER_COMPLETE_OK;
    case RIND_HSM_COMPLETE_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_COMPLETE_INVALID_REALM;
    case RIND_HSM_COMPLETE_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP;
    case RIND_HSM_COMPLETE_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_COMPLETE_NOT_LEADER;
    case RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING:
        return RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING;
    }
    return RIND_AGENT_TRANSFER_COMPLETE_NO_HSM;
}

static enum rind_transfer_outcome
complete_with(struct rind_transfer_step *step, const struct rind_hsm_request *call,
              struct rind_agent_transfer_complete_response *response)
{
    struct rind_hsm_complete_transfer_response answer;
    enum rind_transfer_outcome outcome = rind_transfer_step_admit(step);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = rind_transfer_step_ask(step, call, &rind_hsm_complete_transfer_response_schema,
                                         &answer);
    }
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    if (answer.kind != RIND_HSM_COMPLETE_TRANSFER_OK) {
        rind_append_refused(&step->admission);
        response->kind = complete_map_hsm(answer.kind);
        return RIND_TRANSFER_REFUSED;
    }
    outcome = rind_transfer_step_enqueue(step, &answer.ok.entry, NULL);
    return outcome == RIND_TRANSFER_DONE
               ? rind_transfer_step_wait(step, answer.ok.entry.index, answer.ok.clock)
               : outcome;
}

void rind_transfer_complete(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_transfer_complete_request *request,
                            struct rind_agent_transfer_complete_response *response)
{
    *response = (struct rind_agent_transfer_complete_response){0};
    if (rind_group_id_equal(&request->source, &request->destination)) {
        response->kind = RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP;
        return;
    }
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_COMPLETE_TRANSFER,
        .complete_transfer = {request->realm, request->source, request->destination,
                              request->range},
    };
    struct rind_transfer_step step;
    enum rind_transfer_outcome outcome =
        rind_transfer_step_begin(&step, ctx, agent, &request->realm, &request->source);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = complete_with(&step, &call, response);
    }
    if (outcome != RIND_TRANSFER_REFUSED) {
        response->kind = complete_map(outcome);
    }
}

/* The group in the HSM's status; NULL and *response if it is not there. */
static const struct rind_group_status *
owns_find(const struct rind_hsm_status_response *status,
          const struct rind_agent_transfer_owns_request *request,
          struct rind_agent_transfer_owns_response *response)
{
    if (!status->has_realm || !rind_realm_id_equal(&status->realm.id, &request->realm)) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_INVALID_REALM;
        return NULL;
    }
    for (size_t i = 0; i < status->realm.groups.count; i++) {
        if (rind_group_id_equal(&status->realm.groups.items[i].id, &request->group)) {
            return &status->realm.groups.items[i];
        }
    }
    response->kind = RIND_AGENT_TRANSFER_OWNS_INVALID_GROUP;
    return NULL;
}

static void owns_wait(struct rind_agent *agent,
                      const struct rind_agent_transfer_owns_request *request,
                      const struct rind_group_status *status,
                      struct rind_agent_transfer_owns_response *response)
{
    struct rind_agent_group *group =
        rind_agent_find_group(agent, &request->realm, &request->group, NULL);
    if (group == NULL) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_INVALID_GROUP;
        return;
    }
    switch (rind_commit_wait(group, status->leader.last, status->role.at,
                             rind_deadline_in_ms(RIND_AGENT_COMMIT_WAIT_MS))) {
    case RIND_COMMIT_REACHED:
        response->kind = RIND_AGENT_TRANSFER_OWNS_OK;
        break;
    case RIND_COMMIT_NOT_LEADER:
        response->kind = RIND_AGENT_TRANSFER_OWNS_NOT_LEADER;
        break;
    case RIND_COMMIT_TIMEOUT:
        response->kind = RIND_AGENT_TRANSFER_OWNS_TIMED_OUT;
        break;
    }
}

void rind_transfer_owns(struct rind_ctx *ctx, struct rind_agent *agent,
                        const struct rind_agent_transfer_owns_request *request,
                        struct rind_agent_transfer_owns_response *response)
{
    *response = (struct rind_agent_transfer_owns_response){0};
    struct rind_hsm_status_response status;
    if (!rind_is_ok(rind_hsm_status_get(ctx, agent->status, 0,
                                        rind_deadline_in_ms(RIND_AGENT_COMMIT_WAIT_MS), &status))) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_NO_HSM;
        return;
    }
    const struct rind_group_status *group = owns_find(&status, request, response);
    if (group == NULL) {
        return;
    }
    const struct rind_leader_status *leader = &group->leader;
    if (!group->has_leader) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_NOT_LEADER;
    } else if (leader->has_transferring) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_TRANSFER_IN_PROGRESS;
    } else if (!leader->has_owned_range ||
               !rind_owned_range_contains_range(&leader->owned_range, &request->range)) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_NOT_OWNED; /* inverted ranges too */
        response->not_owned.has_owned = leader->has_owned_range;
        response->not_owned.owned = leader->owned_range;
    } else if (leader->has_committed && leader->last == leader->committed) {
        response->kind = RIND_AGENT_TRANSFER_OWNS_OK;
    } else {
        owns_wait(agent, request, group, response);
    }
}
