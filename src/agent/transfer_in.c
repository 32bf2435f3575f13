/*
 * transfer_in.c - transfer/in, at the destination: takes the range over, joining it with an
 * adjacent one that the group owns already.
 */
#include "agent/proof.h"
#include "agent/transfer.h"
#include "agent/transfer_step.h"
#include "merkle/merkle.h"

#define TRANSFER_PAUSE_MS 2u

static enum rind_agent_transfer_in_response_kind in_map(enum rind_transfer_outcome outcome)
{
    switch (outcome) {
    case RIND_TRANSFER_DONE:
        return RIND_AGENT_TRANSFER_IN_OK;
    case RIND_TRANSFER_INVALID_REALM:
        return RIND_AGENT_TRANSFER_IN_INVALID_REALM;
    case RIND_TRANSFER_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_IN_INVALID_GROUP;
    case RIND_TRANSFER_NOT_LEADER:
        return RIND_AGENT_TRANSFER_IN_NOT_LEADER;
    case RIND_TRANSFER_COMMIT_TIMEOUT:
        return RIND_AGENT_TRANSFER_IN_COMMIT_TIMEOUT;
    case RIND_TRANSFER_NO_STORE:
    case RIND_TRANSFER_RETRY:
        return RIND_AGENT_TRANSFER_IN_NO_STORE;
    case RIND_TRANSFER_NO_HSM:
    case RIND_TRANSFER_REFUSED:
        break;
    }
    return RIND_AGENT_TRANSFER_IN_NO_HSM;
}

static enum rind_agent_transfer_in_response_kind
in_map_hsm(enum rind_hsm_transfer_in_response_kind kind)
{
    switch (kind) {
    case RIND_HSM_TRANSFER_IN_OK:
        return RIND_AGENT_TRANSFER_IN_OK;
    case RIND_HSM_TRANSFER_IN_INVALID_REALM:
        return RIND_AGENT_TRANSFER_IN_INVALID_REALM;
    case RIND_HSM_TRANSFER_IN_INVALID_GROUP:
        return RIND_AGENT_TRANSFER_IN_INVALID_GROUP;
    case RIND_HSM_TRANSFER_IN_NOT_LEADER:
        return RIND_AGENT_TRANSFER_IN_NOT_LEADER;
    case RIND_HSM_TRANSFER_IN_INVALID_NONCE:
        return RIND_AGENT_TRANSFER_IN_INVALID_NONCE;
    case RIND_HSM_TRANSFER_IN_INVALID_STATEMENT:
        return RIND_AGENT_TRANSFER_IN_INVALID_STATEMENT;
    case RIND_HSM_TRANSFER_IN_NOT_PREPARED:
        return RIND_AGENT_TRANSFER_IN_NOT_PREPARED;
    case RIND_HSM_TRANSFER_IN_STALE_PROOF:
    case RIND_HSM_TRANSFER_IN_INVALID_PROOF:
    case RIND_HSM_TRANSFER_IN_MISSING_PROOFS:
        return RIND_AGENT_TRANSFER_IN_NO_STORE; /* retried before it comes to this */
    }
    return RIND_AGENT_TRANSFER_IN_NO_HSM;
}

/* The edges where the two trees will meet, if they will. */
static enum rind_transfer_outcome in_proofs(struct rind_transfer_step *step,
                                            struct rind_hsm_transfer_in_request *call)
{
    struct rind_log_entry basis;
    struct rind_owned_range joined;
    enum rind_transfer_outcome outcome = rind_transfer_step_basis(step, &basis);
    call->has_proofs = false;
    if (outcome != RIND_TRANSFER_DONE || !basis.has_partition ||
        !rind_owned_range_join(&basis.partition.range, &call->transferring.range, &joined)) {
        return outcome;
    }
    enum rind_side owned_side;
    enum rind_side incoming_side;
    rind_walk_merge_sides(&basis.partition.range, &call->transferring.range, &owned_side,
                          &incoming_side);
    call->has_proofs = true;
    rind_status status =
        rind_proof_read_edge(step->ctx, step->group, &call->transferring, incoming_side,
                             step->deadline, &call->proofs.transferring);
    if (rind_is_ok(status)) {
        status = rind_proof_read_edge(step->ctx, step->group, &basis.partition, owned_side,
                                      step->deadline, &call->proofs.owned);
    }
    return rind_transfer_step_of_proof(step, status);
}

static enum rind_transfer_outcome in_once(struct rind_transfer_step *step,
                                          struct rind_hsm_request *call,
                                          struct rind_agent_transfer_in_response *response)
{
    struct rind_hsm_transfer_in_response answer;
    enum rind_transfer_outcome outcome = rind_transfer_step_admit(step);
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    outcome = in_proofs(step, &call->transfer_in);
    if (outcome != RIND_TRANSFER_DONE) {
        rind_append_refused(&step->admission);
        return outcome;
    }
    outcome = rind_transfer_step_ask(step, call, &rind_hsm_transfer_in_response_schema, &answer);
    if (outcome != RIND_TRANSFER_DONE) {
        return outcome;
    }
    if (answer.kind != RIND_HSM_TRANSFER_IN_OK) {
        rind_append_refused(&step->admission);
        response->kind = in_map_hsm(answer.kind);
        /* An HSM that used the nonce up answers InvalidNonce next, and the caller starts anew. */
        bool may_retry = response->kind == RIND_AGENT_TRANSFER_IN_NO_STORE;
        return may_retry ? RIND_TRANSFER_RETRY : RIND_TRANSFER_REFUSED;
    }
    outcome = rind_transfer_step_enqueue(step, &answer.ok.entry, &answer.ok.delta);
    return outcome == RIND_TRANSFER_DONE
               ? rind_transfer_step_wait(step, answer.ok.entry.index, answer.ok.clock)
               : outcome;
}

void rind_transfer_in(struct rind_ctx *ctx, struct rind_agent *agent,
                      const struct rind_agent_transfer_in_request *request,
                      struct rind_agent_transfer_in_response *response)
{
    *response = (struct rind_agent_transfer_in_response){0};
    if (!rind_owned_range_is_valid(&request->transferring.range)) {
        response->kind = RIND_AGENT_TRANSFER_IN_NOT_PREPARED;
        return;
    }
    struct rind_hsm_request call = {.kind = RIND_HSM_REQUEST_TRANSFER_IN};
    call.transfer_in.realm = request->realm;
    call.transfer_in.source = request->source;
    call.transfer_in.destination = request->destination;
    call.transfer_in.transferring = request->transferring;
    call.transfer_in.nonce = request->nonce;
    call.transfer_in.statement = request->statement;
    struct rind_transfer_step step;
    enum rind_transfer_outcome outcome =
        rind_transfer_step_begin(&step, ctx, agent, &request->realm, &request->destination);
    if (outcome == RIND_TRANSFER_DONE) {
        do {
            size_t mark = rind_arena_mark(ctx->arena);
            outcome = in_once(&step, &call, response);
            rind_arena_release(ctx->arena, mark);
        } while (outcome == RIND_TRANSFER_RETRY &&
                 rind_transfer_step_may_retry(&step, TRANSFER_PAUSE_MS));
    }
    if (outcome != RIND_TRANSFER_REFUSED) {
        response->kind = in_map(outcome);
    }
}
