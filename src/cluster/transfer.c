/* transfer.c - see transfer.h. */
#include "cluster/transfer_steps.h"

/* Section 9.2: up to the arrival of the range, and taking it off the source's list. */
static const struct rind_retry_profile transfer_move_profile = {
    .attempts_max = 1000,
    .timeout_ns = RIND_TRANSFER_TIMEOUT_MS * RIND_NS_PER_MS,
    .backoff_ns = 10 * RIND_NS_PER_MS,
    .multiplier = 1.1,
    .backoff_ns_max = 500 * RIND_NS_PER_MS,
};
static const struct rind_retry_profile transfer_complete_profile = {
    .attempts_max = 1000,
    .timeout_ns = RIND_TRANSFER_TIMEOUT_MS * RIND_NS_PER_MS,
    .backoff_ns = 10 * RIND_NS_PER_MS,
    .multiplier = 2.0,
    .backoff_ns_max = 1000 * RIND_NS_PER_MS,
};

/* How a step says "again, from the start" (transfer_steps.h). */
static bool transfer_is_retryable(rind_status status)
{
    return rind_is(status, RIND_E_STALE);
}

/* Phase A, once. An interruption anywhere is taken up by starting from prepare again. */
static rind_status transfer_move_once(struct transfer_run *run)
{
    RIND_TRY(transfer_find_leaders(run));
    rind_status prepared = transfer_prepare(run);
    if (rind_is(prepared, RIND_E_EXISTS)) {
        return RIND_OK;
    }
    RIND_TRY(prepared);
    RIND_TRY(transfer_out(run));
    return transfer_in(run);
}

static rind_status transfer_complete_once(struct transfer_run *run)
{
    rind_status found = transfer_find_leaders(run);
    if (run->source == NULL) {
        return found; /* the destination's leader is not needed any more */
    }
    return transfer_complete(run);
}

/* Runs one phase until it is through, given up, or out of time. */
static rind_status transfer_phase(struct transfer_run *run, const char *description,
                                  const struct rind_retry_profile *profile,
                                  struct rind_deadline deadline,
                                  rind_status (*attempt)(struct transfer_run *run))
{
    const struct rind_retry_options options = {.profile = profile,
                                               .description = description,
                                               .deadline = deadline,
                                               .log = rind_grant_cluster(run->grant)->log,
                                               .is_retryable = transfer_is_retryable};
    struct rind_retry retry;
    run->error = (struct rind_cluster_transfer_error){.kind = RIND_CLUSTER_TRANSFER_ERROR_TIMEOUT};
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        size_t mark = rind_arena_mark(run->ctx->arena);
        run->deadline = retry.deadline;
        rind_status status = rind_grant_check(run->ctx, run->grant);
        if (rind_is_ok(status)) {
            status = attempt(run);
        }
        if (rind_is(status, RIND_E_CANCELLED)) { /* whenever that was noticed */
            run->error = (struct rind_cluster_transfer_error){
                .kind = RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY};
        }
        rind_retry_record(&retry, run->ctx, status);
        rind_arena_release(run->ctx->arena, mark);
    }
    return rind_retry_end(&retry, run->ctx);
}

/* The error with its text in ctx's arena. */
static void transfer_answer_error(struct rind_ctx *ctx,
                                  const struct rind_cluster_transfer_error *error,
                                  struct rind_cluster_transfer_response *response)
{
    *response =
        (struct rind_cluster_transfer_response){.kind = RIND_CLUSTER_TRANSFER_ERR, .error = *error};
    if (error->kind != RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR) {
        return;
    }
    struct rind_rpc_error *rpc_error = &response->error.rpc_error;
    struct rind_slice *text =
        rpc_error->kind == RIND_RPC_ERROR_DESERIALIZATION ? &rpc_error->deserialization
        : rpc_error->kind == RIND_RPC_ERROR_SERIALIZATION ? &rpc_error->serialization
                                                          : NULL;
    if (text != NULL && !rind_arena_copy(ctx->arena, *text, text)) {
        *text = rind_slice_text("(no memory for the sentence)");
    }
}

void rind_transfer_under(struct rind_ctx *ctx, struct rind_grant *grant, uint64_t timeout_ms,
                         const struct rind_cluster_transfer_request *request,
                         struct rind_cluster_transfer_response *response)
{
    struct transfer_run run = {.ctx = ctx, .grant = grant, .request = request};
    struct rind_deadline deadline = rind_deadline_in_ms(timeout_ms);
    rind_status status;
    if (rind_group_id_equal(&request->source, &request->destination)) {
        status = transfer_fail(&run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP);
    } else if (!rind_owned_range_is_valid(&request->range)) {
        status =
            transfer_fail(&run, RIND_E_INVALID, RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE);
    } else {
        status = transfer_phase(&run, "move a range", &transfer_move_profile, deadline,
                                transfer_move_once);
        if (rind_is_ok(status)) {
            status = transfer_phase(&run, "complete a transfer", &transfer_complete_profile,
                                    deadline, transfer_complete_once);
        }
    }
    *response = (struct rind_cluster_transfer_response){.kind = RIND_CLUSTER_TRANSFER_OK};
    if (!rind_is_ok(status)) {
        transfer_answer_error(ctx, &run.error, response);
    }
}

void rind_transfer(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                   const struct rind_cluster_transfer_request *request,
                   struct rind_cluster_transfer_response *response)
{
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    rind_lease_key_ownership(&request->realm, key);
    rind_status status = rind_grant_obtain(ctx, keeper, key, RIND_TRANSFER_LEASE_WAIT_MS, &grant);
    if (!rind_is_ok(status)) {
        *response = (struct rind_cluster_transfer_response){
            .kind = RIND_CLUSTER_TRANSFER_ERR,
            .error = {.kind = RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY}};
        return;
    }
    rind_transfer_under(ctx, &grant, RIND_TRANSFER_TIMEOUT_MS, request, response);
    rind_grant_release(&grant);
}

/* The specified sentence, without the text of an RPC error. */
static const char *transfer_error_sentence(enum rind_cluster_transfer_error_kind kind)
{
    switch (kind) {
    case RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER:
        return "could not find source group leader";
    case RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER:
        return "could not find destination group leader";
    case RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY:
        return "cluster manager failed to obtain management lease";
    case RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP:
        return "the source or destination group is invalid, or the same group was specified for "
               "both source and destination";
    case RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE:
        return "the source or destination group cannot handle the provided key range";
    case RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING:
        return "the source or destination group is busy with a different transfer";
    case RIND_CLUSTER_TRANSFER_ERROR_NO_STORE:
        return "failed to read or write to the store";
    case RIND_CLUSTER_TRANSFER_ERROR_TIMEOUT:
        return "timed out trying to perform the transfer";
    case RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT:
        return "an agent timed out waiting to commit a log entry";
    case RIND_CLUSTER_TRANSFER_ERROR_INVALID_NONCE:
        return "the nonce in the transfer to the destination wasn't what the leader was expecting";
    case RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR:
        return "an RPC error occurred to one of the leaders: ";
    }
    RIND_UNREACHABLE("every kind is above");
}

void rind_transfer_error_print(struct rind_buffer *out,
                               const struct rind_cluster_transfer_error *error)
{
    rind_buffer_print(out, "%s", transfer_error_sentence(error->kind));
    if (error->kind == RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR) {
        rind_rpc_error_print(out, &error->rpc_error);
    }
}
