/*
 * transfer_out.c - transfer/out, at the source: gives the range up, and once that is committed gets
 * the statement that lets the destination have it.
 */
#include "agent/proof.h"
#include "agent/transfer.h"
#include "agent/transfer_step.h"

#define TRANSFER_PAUSE_MS 2u
#define TRANSFER_BUSY_PAUSE_MS 10u

static enum rind_agent_transfer_out_response_kind out_map(enum rind_transfer_outcome outcome)
{
    switch (outcome) {
    case RIND_TRANSFER_DONE:
        return RIND_AGENT_TRANSFER_OUT_OK;
    case RIND_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_OUT_INVALID_REALM;
    case RIND_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_OUT_INVALID_GROUP;
    case RIND_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_OUT_NOT_LEADER;
    case RIND_TRANSFER_COMMIT_TIMEOUT:
        return RIND_AGENT_TRANSFER_OUT_COMMIT_TIMEOUT;
    case RIND_TRANSFER_NO_STORE:
    case RIND_TRANSFER_RETRY:
        return RIND_AGENT_TRANSFER_OUT_NO_STORE;
    case RIND_TRANSFER_NO_HSM:
    case RIND_TRANSFER_REFUSED:
        break;
    }
    return RIND_AGENT_TRANSFER_OUT_NO_HSM;
}

static enum rind_agent_transfer_out_response_kind
out_map_hsm(enum rind_hsm_transfer_out_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_TRANSFER_OUT_OK:
        return RIND_AGENT_TRANSFER_OUT_OK;
    case RIND_HSM_TRANSFER_OUT_INVALID_REALM:
        return RIND_AGENT_TRANSFER_OUT_INVALID_REALM;
    case RIND_HSM_TRANSFER_OUT_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_OUT_INVALID_GROUP;
    case RIND_HSM_TRANSFER_OUT_NOT_LEADER:
        return RIND_AGENT_TRANSFER_OUT_NOT_LEADER;
    case RIND_HSM_TRANSFER_OUT_NOT_OWNER:
        return RIND_AGENT_TRANSFER_OUT_NOT_OWNER;
    case RIND_HSM_TRANSFER_OUT_INVALID_PROOF:
        return RIND_AGENT_TRANSFER_OUT_INVALID_PROOF;
    case RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING:
        return RIND_AGENT_TRANSFER_OUT_OTHER_TRANSFER_PENDING;
    case RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT:
        return RIND_AGENT_TRANSFER_OUT_INVALID_STATEMENT;
    case RIND_HSM_TRANSFER_OUT_STALE_PROOF:
    case RIND_HSM_TRANSFER_OUT_MISSING_PROOF:
        return RIND_AGENT_TRANSFER_OUT_NO_STORE; /* retried before it comes to this */
    }
    return RIND_AGENT_TRANSFER_OUT_NO_HSM;
}

/* The proof at the split key, if the step needs one. */
static enum rind_transfer_outcome out_proof(struct rind_transfer_step *step,
                                            const struct rind_owned_range *range,
                                            struct rind_hsm_transfer_out_request *call,
                                            struct rind_agent_transfer_out_response *response)
{
    struct rind_log_entry basis;
    enum rind_transfer_outcome outcome = rind_transfer_step_basis(step, &basis);
    call->has_proof = false;
    if (outcome != RIND_TRANSFER_DONE || basis.has_transferring) {
        return outcome; /* a repetition needs no proof, and another transfer gets refused */
    }
    if (!basis.has_partition) {
        response->kind = RIND_AGENT_TRANSFER_OUT_NOT_OWNER;
        return RIND_TRANSFER_REFUSED;
    }
    if (rind_owned_range_equal(&basis.partition.range, range)) {
        return RIND_TRANSFER_DONE; /* everything moves, nothing is split */
    }
    struct rind_record_id split;
    if (!rind_owned_range_split_at(&basis.partition.range, range, &split)) {
        response->kind = RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE;
        return RIND_TRANSFER_REFUSED;
    }
    call->has_proof = true;
    return rind_transfer_step_of_proof(step, rind_proof_read_decoded(step->ctx, step->group,
                                                                     &basis.partition, &split,
                                                                     step->deadline, &call->proof));
}

static enum rind_transfer_outcome out_once(struct rind_transfer_step *step,
                                           struct rind_hsm_request *call,
                                           struct rind_agent_transfer_out_response *response)
{
    struct rind_hsm_transfer_out_response answer;
    enum rind_transfer_outcome outcome = rind_transfer_step_admit(step);
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    outcome = out_proof(step, &call->transfer_out.range, &call->transfer_out, response);
    if (outcome != RIND_TRANSFER_DONE) {
        rind_append_refused(&step->admission);
        return outcome;
    }
    outcome = rind_transfer_step_ask(step, call, &rind_hsm_transfer_out_response_schema, &answer);
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    if (answer.kind != RIND_HSM_TRANSFER_OUT_OK) {
        rind_append_refused(&step->admission);
        response->kind = out_map_hsm(answer.kind);
        bool may_retry = answer.kind == RIND_HSM_TRANSFER_OUT_STALE_PROOF ||
                         answer.kind == RIND_HSM_TRANSFER_OUT_MISSING_PROOF;
        return may_retry ? RIND_TRANSFER_RETRY : RIND_TRANSFER_REFUSED;
    }
    outcome = rind_transfer_step_enqueue(step, answer.ok.has_entry ? &answer.ok.entry : NULL,
                                         &answer.ok.delta);
    response->ok.transferring = answer.ok.partition;
    return outcome == RIND_TRANSFER_DONE
               ? rind_transfer_step_wait(step, answer.ok.wait_til_committed, answer.ok.clock)
               : outcome;
}

static enum rind_transfer_outcome
out_statement_once(struct rind_transfer_step *step, const struct rind_hsm_request *call,
                   struct rind_agent_transfer_out_response *response)
{
    struct rind_hsm_transfer_statement_response answer;
    rind_status status =
        rind_hsm_link_call(&step->agent->hsm, step->ctx, RIND_HSM_URGENCY_TRANSFER, step->deadline,
                           call, &rind_hsm_transfer_statement_response_schema, &answer);
    if (!rind_is_ok(status)) {
        return RIND_TRANSFER_NO_HSM;
    }
    switch (answer.kind) {
    case RIND_HSM_TRANSFER_STATEMENT_OK:
        response->ok.statement = answer.statement;
        return RIND_TRANSFER_DONE;
    case RIND_HSM_TRANSFER_STATEMENT_BUSY:
        return RIND_TRANSFER_RETRY;
    case RIND_HSM_TRANSFER_STATEMENT_INVALID_REALM:
        return RIND_TRANSFER_INVALID_REALM;
    case RIND_HSM_TRANSFER_STATEMENT_INVALID_GROUP:
        return RIND_TRANSFER_INVALID_GROUP;
    case RIND_HSM_TRANSFER_STATEMENT_NOT_LEADER:
    case RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING: /* completed meanwhile: start again */
        return RIND_TRANSFER_NOT_LEADER;
    }
    return RIND_TRANSFER_NO_HSM;
}

static enum rind_transfer_outcome out_with(struct rind_transfer_step *step,
                                           const struct rind_agent_transfer_out_request *request,
                                           struct rind_agent_transfer_out_response *response)
{
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_TRANSFER_OUT};
    call.transfer_out.realm = request->realm;
    call.transfer_out.source = request->source;
    call.transfer_out.destination = request->destination;
    call.transfer_out.range = request->range;
    call.transfer_out.nonce = request->nonce;
    call.transfer_out.statement = request->statement;
    enum rind_transfer_outcome outcome;
    do {
        size_t mark = rind_arena_mark(step->ctx->arena);
        outcome = out_once(step, &call, response);
        rind_arena_release(step->ctx->arena, mark);
    } while (outcome == RIND_TRANSFER_RETRY &&
             rind_transfer_step_may_retry(step, TRANSFER_PAUSE_MS));
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    struct rind_hsm_request statement = {
        .kind = RIND_HSM_REQUEST_TRANSFER_STATEMENT,
        .transfer_statement = {request->realm, request->source, request->destination,
                               request->nonce},
    };
    do {
        size_t mark = rind_arena_mark(step->ctx->arena);
        outcome = out_statement_once(step, &statement, response);
        rind_arena_release(step->ctx->arena, mark);
    } while (outcome == RIND_TRANSFER_RETRY &&
             rind_transfer_step_may_retry(step, TRANSFER_BUSY_PAUSE_MS));
    return outcome == RIND_TRANSFER_RETRY ? RIND_TRANSFER_COMMIT_TIMEOUT : outcome;
}

void rind_transfer_out(struct rind_ctx *ctx, struct rind_agent *agent,
                       const struct rind_agent_transfer_out_request *request,
                       struct rind_agent_transfer_out_response *response)
{
    *response = (struct rind_agent_transfer_out_response){0};
    if (rind_group_id_equal(&request->source, &request->destination)) {
        response->kind = RIND_AGENT_TRANSFER_OUT_INVALID_GROUP;
        return;
    }
    if (!rind_owned_range_is_valid(&request->range)) {
        response->kind = RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE;
        return;
    }
    struct rind_transfer_step step;
    enum rind_transfer_outcome outcome =
        rind_transfer_step_begin(&step, ctx, agent, &request->realm, &request->source);
    if (outcome == RIND_TRANSFER_DONE) {
        outcome = out_with(&step, request, response);
    }
    if (outcome != RIND_TRANSFER_REFUSED) {
        response->kind = out_map(outcome);
    }
}
