/* transfer_prepare.c - transfer/prepare and transfer/cancel_prepare, at the destination. */
#include "agent/transfer.h"
#include "agent/transfer_step.h"

/* ---- prepare ---- */

static enum rind_agent_transfer_prepare_response_kind
prepare_map(enum rind_transfer_outcome outcome)
{
    switch (outcome) {
    case RIND_TRANSFER_DONE:
        return RIND_AGENT_TRANSFER_PREPARE_OK;
    case RIND_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM;
    case RIND_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP;
    case RIND_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_PREPARE_NOT_LEADER;
    case RIND_TRANSFER_COMMIT_TIMEOUT:
        return RIND_AGENT_TRANSFER_PREPARE_COMMIT_TIMEOUT;
    case RIND_TRANSFER_NO_STORE:
    case RIND_TRANSFER_RETRY:
        return RIND_AGENT_TRANSFER_PREPARE_NO_STORE;
    case RIND_TRANSFER_NO_HSM:
    case RIND_TRANSFER_REFUSED:
        break;
    }
    return RIND_AGENT_TRANSFER_PREPARE_NO_HSM;
}

static enum rind_agent_transfer_prepare_response_kind
prepare_map_hsm(enum rind_hsm_prepare_transfer_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_PREPARE_TRANSFER_OK:
        return RIND_AGENT_TRANSFER_PREPARE_OK;
    case RIND_HSM_PREPARE_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM;
    case RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP;
    case RIND_HSM_PREPARE_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_PREPARE_NOT_LEADER;
    case RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE:
        return RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE;
    case RIND_HSM_PREPARE_TRANSFER_OTHER_TRANSFER_PENDING:
        return RIND_AGENT_TRANSFER_PREPARE_OTHER_TRANSFER_PENDING;
    }
    return RIND_AGENT_TRANSFER_PREPARE_NO_HSM;
}

static enum rind_transfer_outcome
prepare_with(struct rind_transfer_step *step, const struct rind_hsm_request *call,
             struct rind_agent_transfer_prepare_response *response)
{
    struct rind_hsm_prepare_transfer_response answer;
    enum rind_transfer_outcome outcome = rind_transfer_step_admit(step);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome =
            rind_transfer_step_ask(step, call, &rind_hsm_prepare_transfer_response_schema, &answer);
    }
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    if (answer.kind != RIND_HSM_PREPARE_TRANSFER_OK) {
        rind_append_refused(&step->admission);
        response->kind = prepare_map_hsm(answer.kind);
        return RIND_TRANSFER_REFUSED;
    }
    outcome = rind_transfer_step_enqueue(step, answer.ok.has_entry ? &answer.ok.entry : NULL, NULL);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = rind_transfer_step_wait(step, answer.ok.wait_til_committed, answer.ok.clock);
    }
    response->ok.nonce = answer.ok.nonce;
    response->ok.statement = answer.ok.statement;
    return outcome;
}

void rind_transfer_prepare(struct rind_ctx *ctx, struct rind_agent *agent,
                           const struct rind_agent_transfer_prepare_request *request,
                           struct rind_agent_transfer_prepare_response *response)
{
    *response = (struct rind_agent_transfer_prepare_response){0};
    if (rind_group_id_equal(&request->source, &request->destination)) {
        response->kind = RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP;
        return;
    }
    if (!rind_owned_range_is_valid(&request->range)) {
        response->kind = RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE;
        return;
    }
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_PREPARE_TRANSFER,
        .prepare_transfer = {request->realm, request->source, request->destination, request->range},
    };
    struct rind_transfer_step step;
    enum rind_transfer_outcome outcome =
        rind_transfer_step_begin(&step, ctx, agent, &request->realm, &request->destination);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = prepare_with(&step, &call, response);
    }
    if (outcome != RIND_TRANSFER_REFUSED) {
        response->kind = prepare_map(outcome);
    }
}

/* ---- cancel_prepare ---- */

static enum rind_agent_transfer_cancel_prepare_response_kind
cancel_map(enum rind_transfer_outcome outcome)
{
    switch (outcome) {
    case RIND_TRANSFER_DONE:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_OK;
    case RIND_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_REALM;
    case RIND_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_GROUP;
    case RIND_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_LEADER;
    case RIND_TRANSFER_COMMIT_TIMEOUT:
    case RIND_TRANSFER_NO_STORE: /* no variant of its own: the entry could not get into the log */
    case RIND_TRANSFER_RETRY:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_COMMIT_TIMEOUT;
    case RIND_TRANSFER_NO_HSM:
    case RIND_TRANSFER_REFUSED:
        break;
    }
    return RIND_AGENT_TRANSFER_CANCEL_PREPARE_NO_HSM;
}

static enum rind_agent_transfer_cancel_prepare_response_kind
cancel_map_hsm(enum rind_hsm_cancel_prepared_transfer_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_CANCEL_PREPARED_TRANSFER_OK:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_OK;
    case RIND_HSM_CANCEL_PREPARED_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_REALM;
    case RIND_HSM_CANCEL_PREPARED_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_GROUP;
    case RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_LEADER;
    case RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED:
        return RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_PREPARED;
    }
    return RIND_AGENT_TRANSFER_CANCEL_PREPARE_NO_HSM;
}

static enum rind_transfer_outcome
cancel_with(struct rind_transfer_step *step, const struct rind_hsm_request *call,
            struct rind_agent_transfer_cancel_prepare_response *response)
{
    struct rind_hsm_cancel_prepared_transfer_response answer;
    enum rind_transfer_outcome outcome = rind_transfer_step_admit(step);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = rind_transfer_step_ask(
            step, call, &rind_hsm_cancel_prepared_transfer_response_schema, &answer);
    }
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    if (answer.kind != RIND_HSM_CANCEL_PREPARED_TRANSFER_OK) {
        rind_append_refused(&step->admission);
        response->kind = cancel_map_hsm(answer.kind);
        return RIND_TRANSFER_REFUSED;
    }
    outcome = rind_transfer_step_enqueue(step, &answer.ok.entry, NULL);
    return outcome == RIND_TRANSFER_DONE
               ? rind_transfer_step_wait(step, answer.ok.entry.index, answer.ok.clock)
               : outcome;
}

void rind_transfer_cancel_prepare(struct rind_ctx *ctx, struct rind_agent *agent,
                                  const struct rind_agent_transfer_cancel_prepare_request *request,
                                  struct rind_agent_transfer_cancel_prepare_response *response)
{
    *response = (struct rind_agent_transfer_cancel_prepare_response){0};
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER,
        .cancel_prepared_transfer = {request->realm, request->source, request->destination,
                                     request->range},
    };
    struct rind_transfer_step step;
    enum rind_transfer_outcome outcome =
        rind_transfer_step_begin(&step, ctx, agent, &request->realm, &request->destination);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = cancel_with(&step, &call, response);
    }
    if (outcome != RIND_TRANSFER_REFUSED) {
        response->kind = cancel_map(outcome);
    }
}
