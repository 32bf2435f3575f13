/* transfer_steps.c - see transfer_steps.h. */
#include "cluster/transfer_steps.h"

#include <stdio.h>

#define TRANSFER_CANCEL_TIMEOUT_MS RIND_TRANSFER_STEP_TIMEOUT_MS
#define TRANSFER_OWNS_TIMEOUT_MS RIND_TRANSFER_STEP_TIMEOUT_MS

rind_status transfer_fail(struct transfer_run *run, enum rind_code code,
                          enum rind_cluster_transfer_error_kind kind)
{
    run->error = (struct rind_cluster_transfer_error){.kind = kind};
    return rind_fail(run->ctx, code, "transfer error %d", (int)kind);
}

static const struct rind_log *transfer_log(const struct transfer_run *run)
{
    return rind_grant_cluster(run->grant)->log;
}

static void transfer_note_rpc_error(struct transfer_run *run, rind_status status,
                                    unsigned http_status)
{
    (void)snprintf(run->error_text, sizeof(run->error_text), "%s", run->ctx->sentence);
    struct rind_ctx text;
    rind_ctx_init(&text, NULL);
    run->error = (struct rind_cluster_transfer_error){
        .kind = RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR,
        .rpc_error = rind_rpc_error_of(&text, status, http_status)};
    if (run->error.rpc_error.kind == RIND_RPC_ERROR_DESERIALIZATION) {
        run->error.rpc_error.deserialization = rind_slice_text(run->error_text);
    } else if (run->error.rpc_error.kind == RIND_RPC_ERROR_SERIALIZATION) {
        run->error.rpc_error.serialization = rind_slice_text(run->error_text);
    }
}

/* An answer that no correct agent gives to this step. */
static rind_status transfer_fail_unexpected(struct transfer_run *run, const char *step,
                                            const char *answer)
{
    RIND_LOG_ERROR(transfer_log(run), "transfer/%s was answered %s, which it never should be", step,
                   answer);
    rind_status unexpected =
        rind_fail(run->ctx, RIND_E_DECODE, "an agent answered transfer/%s with %s", step, answer);
    transfer_note_rpc_error(run, unexpected, 0);
    return rind_status_make(RIND_E_INVALID);
}

/* One RPC to the agent of `leader`, within the attempt's deadline. */
static rind_status transfer_call(struct transfer_run *run, const struct rind_cluster_hsm *leader,
                                 const struct rind_rpc *rpc, const void *request, void *response)
{
    unsigned http_status = 0;
    uint64_t left_ms = rind_deadline_remaining_ns(run->deadline) / RIND_NS_PER_MS;
    uint64_t timeout_ms =
        left_ms < RIND_TRANSFER_STEP_TIMEOUT_MS ? left_ms : RIND_TRANSFER_STEP_TIMEOUT_MS;
    rind_status status = rind_grant_call(run->ctx, run->grant, rind_cluster_hsm_url(leader), rpc,
                                         request, response, timeout_ms, &http_status);
    if (rind_is_ok(status)) {
        return RIND_OK;
    }
    RIND_LOG_WARN(transfer_log(run), "%s", run->ctx->sentence);
    if (rpc == &rind_rpc_transfer_out && !rind_is(status, RIND_E_NETWORK) &&
        !rind_is(status, RIND_E_BUSY)) {
        run->is_out_uncertain = true; /* sent, and perhaps executed */
    }
    if (rind_is(status, RIND_E_CANCELLED)) {
        return status;
    }
    transfer_note_rpc_error(run, status, http_status);
    return rind_status_make(RIND_E_STALE);
}

const struct rind_leader_status *transfer_leader_status(const struct rind_cluster_hsm *leader,
                                                        const struct rind_realm_id *realm,
                                                        const struct rind_group_id *group)
{
    const struct rind_group_status *status = rind_cluster_find_group(leader->status, realm, group);
    return status != NULL && status->has_leader ? &status->leader : NULL;
}

rind_status transfer_find_leaders(struct transfer_run *run)
{
    const struct rind_cluster_transfer_request *request = run->request;
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms = {0};
    run->source = NULL;
    run->destination = NULL;
    rind_status status = rind_cluster_ask_all(run->ctx, rind_grant_cluster(run->grant),
                                              RIND_TRANSFER_STATUS_TIMEOUT_MS, &agents);
    if (rind_is_ok(status)) {
        status = rind_cluster_hsms(run->ctx, agents, &hsms);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(transfer_log(run), "cannot find leaders: %s", run->ctx->sentence);
    } else {
        run->source = rind_cluster_leader(hsms, &request->realm, &request->source);
        run->destination = rind_cluster_leader(hsms, &request->realm, &request->destination);
    }
    RIND_TRY(rind_grant_check(run->ctx, run->grant));
    if (run->source == NULL) {
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER);
    }
    if (run->destination == NULL) {
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER);
    }
    return RIND_OK;
}

bool transfer_is_owned(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                       const struct rind_realm_id *realm, const struct rind_group_id *group,
                       const struct rind_owned_range *range)
{
    const struct rind_agent_transfer_owns_request request = {
        .realm = *realm, .group = *group, .range = *range};
    struct rind_agent_transfer_owns_response response;
    rind_status status = rind_grant_call(ctx, grant, url, &rind_rpc_transfer_owns, &request,
                                         &response, TRANSFER_OWNS_TIMEOUT_MS, NULL);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rind_grant_cluster(grant)->log, "%s", ctx->sentence);
        return false;
    }
    return response.kind == RIND_AGENT_TRANSFER_OWNS_OK;
}

/* ---- prepare, and taking it back ---- */

/*
 * The destination refuses the range. If that is because it has it already, from this very transfer
 * (an answer to `in` was lost), there is only `complete` left to do.
 */
static bool transfer_has_arrived(struct transfer_run *run)
{
    const struct rind_cluster_transfer_request *request = run->request;
    const struct rind_leader_status *source =
        transfer_leader_status(run->source, &request->realm, &request->source);
    if (source == NULL || !source->has_transferring ||
        source->transferring.kind != RIND_TRANSFERRING_OUT) {
        return false;
    }
    const struct rind_transferring_out *out = &source->transferring.out;
    return rind_group_id_equal(&out->destination, &request->destination) &&
           rind_owned_range_equal(&out->partition.range, &request->range) &&
           source->has_committed && source->committed >= out->at &&
           transfer_is_owned(run->ctx, run->grant, rind_cluster_hsm_url(run->destination),
                             &request->realm, &request->destination, &request->range);
}

rind_status transfer_prepare(struct transfer_run *run)
{
    const struct rind_agent_transfer_prepare_request request = {.realm = run->request->realm,
                                                                .source = run->request->source,
                                                                .destination =
                                                                    run->request->destination,
                                                                .range = run->request->range};
    struct rind_agent_transfer_prepare_response response;
    RIND_TRY(transfer_call(run, run->destination, &rind_rpc_transfer_prepare, &request, &response));
    switch (response.kind) {
    case RIND_AGENT_TRANSFER_PREPARE_OK:
        run->nonce = response.ok.nonce;
        run->prepared = response.ok.statement;
        return RIND_OK;
    case RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM:
        return transfer_fail_unexpected(run, "prepare", "InvalidRealm");
    case RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP:
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP);
    case RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE:
        if (transfer_has_arrived(run)) {
            return rind_fail(run->ctx, RIND_E_EXISTS, "the range has arrived before");
        }
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    case RIND_AGENT_TRANSFER_PREPARE_OTHER_TRANSFER_PENDING:
        return transfer_fail(run, RIND_E_INVALID,
                             RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING);
    case RIND_AGENT_TRANSFER_PREPARE_NO_STORE:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_STORE);
    case RIND_AGENT_TRANSFER_PREPARE_NO_HSM:
    case RIND_AGENT_TRANSFER_PREPARE_NOT_LEADER:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER);
    case RIND_AGENT_TRANSFER_PREPARE_COMMIT_TIMEOUT:
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT);
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

/* One try: what stays behind is found and taken up again by recovery. */
static void transfer_cancel(struct transfer_run *run)
{
    const struct rind_agent_transfer_cancel_prepare_request request = {
        .realm = run->request->realm,
        .source = run->request->source,
        .destination = run->request->destination,
        .range = run->request->range};
    struct rind_agent_transfer_cancel_prepare_response response;
    if (run->is_out_uncertain) {
        RIND_LOG_WARN(transfer_log(run),
                      "the prepared transfer is not cancelled: an earlier attempt may have moved "
                      "the range out; recovery will find out");
        return;
    }
    rind_status status = rind_grant_call(
        run->ctx, run->grant, rind_cluster_hsm_url(run->destination),
        &rind_rpc_transfer_cancel_prepare, &request, &response, TRANSFER_CANCEL_TIMEOUT_MS, NULL);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(transfer_log(run), "the prepared transfer may not be cancelled: %s",
                      run->ctx->sentence);
    } else if (response.kind != RIND_AGENT_TRANSFER_CANCEL_PREPARE_OK) {
        RIND_LOG_WARN(transfer_log(run), "the prepared transfer was not cancelled (answer %d)",
                      (int)response.kind);
    } else {
        RIND_LOG_INFO(transfer_log(run), "the prepared transfer was cancelled");
    }
}

/* ---- out ---- */

/*
 * The source says that it owns nothing. With everything committed and no transfer to the
 * destination under way there is nothing to move: without this the destination would stay prepared,
 * and closed to other transfers, for ever. Asked again, for the former status is from before.
 */
static bool transfer_source_lacks_range(struct transfer_run *run)
{
    const struct rind_cluster_transfer_request *request = run->request;
    const char *url = rind_cluster_hsm_url(run->source);
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    if (!rind_is_ok(rind_cluster_ask(run->ctx, rind_grant_cluster(run->grant), &url, 1,
                                     RIND_TRANSFER_STATUS_TIMEOUT_MS, &agents)) ||
        !rind_is_ok(rind_cluster_hsms(run->ctx, agents, &hsms)) || hsms.count != 1) {
        return false;
    }
    const struct rind_leader_status *source =
        transfer_leader_status(&hsms.items[0], &request->realm, &request->source);
    if (source == NULL || !source->has_committed || source->committed < source->last) {
        return false;
    }
    bool is_moving_out =
        source->has_transferring && source->transferring.kind == RIND_TRANSFERRING_OUT;
    bool is_owner =
        source->has_owned_range && rind_owned_range_overlaps(&source->owned_range, &request->range);
    return !is_moving_out && !is_owner;
}

static rind_status transfer_out_not_owner(struct transfer_run *run)
{
    if (transfer_source_lacks_range(run)) {
        transfer_cancel(run);
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    }
    return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER);
}

/* Cancels, as the source has refused, and gives up. */
static rind_status transfer_out_refused(struct transfer_run *run,
                                        enum rind_cluster_transfer_error_kind kind)
{
    transfer_cancel(run);
    return transfer_fail(run, RIND_E_INVALID, kind);
}

rind_status transfer_out(struct transfer_run *run)
{
    const struct rind_agent_transfer_out_request request = {.realm = run->request->realm,
                                                            .source = run->request->source,
                                                            .destination =
                                                                run->request->destination,
                                                            .range = run->request->range,
                                                            .nonce = run->nonce,
                                                            .statement = run->prepared};
    struct rind_agent_transfer_out_response response;
    RIND_TRY(transfer_call(run, run->source, &rind_rpc_transfer_out, &request, &response));
    switch (response.kind) {
    case RIND_AGENT_TRANSFER_OUT_OK:
        run->transferring = response.ok.transferring;
        run->transferred = response.ok.statement;
        return RIND_OK;
    case RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE:
        return transfer_out_refused(run, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    case RIND_AGENT_TRANSFER_OUT_INVALID_GROUP:
        return transfer_out_refused(run, RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP);
    case RIND_AGENT_TRANSFER_OUT_OTHER_TRANSFER_PENDING:
        return transfer_out_refused(run, RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING);
    case RIND_AGENT_TRANSFER_OUT_INVALID_PROOF:
        RIND_LOG_WARN(transfer_log(run), "the source's HSM refused the proof of the split");
        return transfer_out_refused(run, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    case RIND_AGENT_TRANSFER_OUT_COMMIT_TIMEOUT: /* it may still commit: nothing is cancelled */
        run->is_out_uncertain = true;
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT);
    case RIND_AGENT_TRANSFER_OUT_NO_STORE:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_STORE);
    case RIND_AGENT_TRANSFER_OUT_NOT_OWNER:
        return transfer_out_not_owner(run);
    case RIND_AGENT_TRANSFER_OUT_NO_HSM:
    case RIND_AGENT_TRANSFER_OUT_NOT_LEADER:
        /* The leadership may have ended between the entry and its commit. */
        run->is_out_uncertain = true;
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER);
    case RIND_AGENT_TRANSFER_OUT_INVALID_REALM:
        return transfer_fail_unexpected(run, "out", "InvalidRealm");
    case RIND_AGENT_TRANSFER_OUT_INVALID_STATEMENT:
        return transfer_fail_unexpected(run, "out", "InvalidStatement");
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

/* ---- in, complete ---- */

rind_status transfer_in(struct transfer_run *run)
{
    const struct rind_agent_transfer_in_request request = {.realm = run->request->realm,
                                                           .source = run->request->source,
                                                           .destination = run->request->destination,
                                                           .transferring = run->transferring,
                                                           .nonce = run->nonce,
                                                           .statement = run->transferred};
    struct rind_agent_transfer_in_response response;
    RIND_TRY(transfer_call(run, run->destination, &rind_rpc_transfer_in, &request, &response));
    switch (response.kind) {
    case RIND_AGENT_TRANSFER_IN_OK:
        return RIND_OK;
    case RIND_AGENT_TRANSFER_IN_COMMIT_TIMEOUT:
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT);
    case RIND_AGENT_TRANSFER_IN_INVALID_NONCE: /* the destination has another leader now */
    case RIND_AGENT_TRANSFER_IN_NOT_PREPARED:  /* taken back by somebody: prepared again */
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_INVALID_NONCE);
    case RIND_AGENT_TRANSFER_IN_NO_STORE:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_STORE);
    case RIND_AGENT_TRANSFER_IN_NO_HSM:
    case RIND_AGENT_TRANSFER_IN_NOT_LEADER:
    case RIND_AGENT_TRANSFER_IN_NOT_OWNER:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER);
    case RIND_AGENT_TRANSFER_IN_INVALID_STATEMENT:
        return transfer_fail_unexpected(run, "in", "InvalidStatement");
    case RIND_AGENT_TRANSFER_IN_INVALID_GROUP:
        return transfer_fail_unexpected(run, "in", "InvalidGroup");
    case RIND_AGENT_TRANSFER_IN_INVALID_REALM:
        return transfer_fail_unexpected(run, "in", "InvalidRealm");
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

rind_status transfer_complete(struct transfer_run *run)
{
    const struct rind_agent_transfer_complete_request request = {.realm = run->request->realm,
                                                                 .source = run->request->source,
                                                                 .destination =
                                                                     run->request->destination,
                                                                 .range = run->request->range};
    struct rind_agent_transfer_complete_response response;
    RIND_TRY(transfer_call(run, run->source, &rind_rpc_transfer_complete, &request, &response));
    switch (response.kind) {
    case RIND_AGENT_TRANSFER_COMPLETE_OK:
        return RIND_OK;
    case RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING:
        RIND_LOG_WARN(transfer_log(run), "the transfer was complete: an earlier try had worked");
        return RIND_OK;
    case RIND_AGENT_TRANSFER_COMPLETE_COMMIT_TIMEOUT:
        return transfer_fail(run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT);
    case RIND_AGENT_TRANSFER_COMPLETE_NO_HSM:
    case RIND_AGENT_TRANSFER_COMPLETE_NOT_LEADER:
        return transfer_fail(run, RIND_E_STALE, RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER);
    case RIND_AGENT_TRANSFER_COMPLETE_INVALID_REALM:
        return transfer_fail_unexpected(run, "complete", "InvalidRealm");
    case RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP:
        return transfer_fail_unexpected(run, "complete", "InvalidGroup");
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}
