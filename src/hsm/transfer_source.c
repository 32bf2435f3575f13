/*
 * transfer_source.c - TransferOut, TransferStatement, CompleteTransfer: the group that gives a
 * range away (spec 02 sections 14.3, 14.4 and 14.6).
 */
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/transfer.h"

RIND_HSM_TRANSFER_KINDS_MATCH(TRANSFER_OUT);
RIND_HSM_TRANSFER_KINDS_MATCH(TRANSFER_STATEMENT);
RIND_HSM_TRANSFER_KINDS_MATCH(COMPLETE_TRANSFER);

/* What TransferOut makes of the owned partition. */
struct transfer_out_parts {
    bool has_kept;
    struct rind_partition kept;
    struct rind_partition transferred;
    struct rind_store_delta delta;
};

/*
 * Steps 4 to 6. Computes only: the tree in use stays in place if this fails (section 17 item 3).
 */
static enum rind_hsm_transfer_out_response_kind
transfer_out_divide(struct rind_ctx *ctx, const struct rind_hsm_leadership *leadership,
                    const struct rind_log_entry *last,
                    const struct rind_hsm_transfer_out_request *request,
                    struct transfer_out_parts *parts)
{
    if (!last->has_partition) {
        return RIND_HSM_TRANSFER_OUT_NOT_OWNER;
    }
    if (rind_owned_range_equal(&last->partition.range, &request->range)) {
        *parts = (struct transfer_out_parts){.transferred = last->partition};
        return RIND_HSM_TRANSFER_OUT_OK;
    }
    if (!request->has_proof) {
        return RIND_HSM_TRANSFER_OUT_MISSING_PROOF;
    }
    struct rind_record_id split_key;
    if (!rind_owned_range_split_at(&last->partition.range, &request->range, &split_key)) {
        return RIND_HSM_TRANSFER_OUT_NOT_OWNER;
    }
    if (!rind_record_id_equal(&split_key, &request->proof.key)) {
        return RIND_HSM_TRANSFER_OUT_MISSING_PROOF;
    }
    RIND_ASSERT(leadership->is_tree_open);
    struct rind_tree_split split;
    rind_status status = rind_tree_split(ctx, leadership->tree, &request->proof, &split);
    if (rind_is(status, RIND_E_STALE)) {
        return RIND_HSM_TRANSFER_OUT_STALE_PROOF;
    }
    if (!rind_is_ok(status)) {
        return RIND_HSM_TRANSFER_OUT_INVALID_PROOF;
    }
    bool is_left = rind_owned_range_equal(&split.left.range, &request->range);
    RIND_ASSERT(is_left || rind_owned_range_equal(&split.right.range, &request->range));
    *parts = (struct transfer_out_parts){
        .has_kept = true,
        .kept = is_left ? split.right : split.left,
        .transferred = is_left ? split.left : split.right,
        .delta = split.delta,
    };
    return RIND_HSM_TRANSFER_OUT_OK;
}

/* Steps 1 and 2. */
static enum rind_hsm_transfer_out_response_kind
transfer_out_check(struct rind_hsm *hsm, const struct rind_hsm_transfer_out_request *request,
                   struct rind_hsm_group **group, const struct rind_log_entry **last)
{
    if (rind_group_id_equal(&request->source, &request->destination)) {
        return RIND_HSM_TRANSFER_OUT_INVALID_GROUP;
    }
    if (!rind_owned_range_is_valid(&request->range)) {
        return RIND_HSM_TRANSFER_OUT_NOT_OWNER;
    }
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->source, group, last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_transfer_out_response_kind)check;
    }
    struct rind_prepared_transfer_message message = {.realm = request->realm,
                                                     .source = request->source,
                                                     .destination = request->destination,
                                                     .range = request->range,
                                                     .nonce = request->nonce};
    return rind_hsm_prepared_statement_is_valid(&hsm->keys, &message, &request->statement)
               ? RIND_HSM_TRANSFER_OUT_OK
               : RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT;
}

/* Step 7: from this entry on, committed or not, we do not answer for the range any more. */
static void transfer_out_append(struct rind_hsm *hsm, struct rind_hsm_group *group,
                                const struct rind_hsm_transfer_out_request *request,
                                const struct transfer_out_parts *parts,
                                struct rind_hsm_transfer_out_ok *ok)
{
    struct rind_hsm_leadership *leadership = group->leadership;
    struct rind_transferring transferring = {
        .kind = RIND_TRANSFERRING_OUT,
        .out = {.destination = request->destination,
                .partition = parts->transferred,
                .at = rind_hsm_leader_log_last(&leadership->log)->index + 1},
    };
    leadership->has_binding = true;
    leadership->binding = rind_hsm_transfer_preparation(&request->nonce);
    rind_hsm_append_entry(hsm, group, parts->has_kept ? &parts->kept : NULL, &transferring, NULL,
                          &ok->entry);
    if (parts->has_kept) {
        rind_hsm_open_tree(hsm, group, &parts->kept.root_hash);
    } else {
        leadership->is_tree_open = false;
    }
    ok->has_entry = true;
    ok->delta = parts->delta;
    ok->partition = parts->transferred;
    ok->wait_til_committed = ok->entry.index;
    ok->clock = group->role_clock;
}

static enum rind_hsm_transfer_out_response_kind transfer_out_run(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_transfer_out_request *request = &job->request->transfer_out;
    struct rind_hsm_transfer_out_ok *ok = &job->answer.transfer_out.ok;
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    enum rind_hsm_transfer_out_response_kind kind = transfer_out_check(hsm, request, &group, &last);
    if (kind != RIND_HSM_TRANSFER_OUT_OK) {
        return kind;
    }
    if (rind_hsm_transfer_is_out(last, &request->destination) &&
        rind_owned_range_equal(&last->transferring.out.partition.range, &request->range) &&
        rind_hsm_transfer_answers(group->leadership, &request->nonce)) {
        ok->partition = last->transferring.out.partition;
        ok->wait_til_committed = last->transferring.out.at;
        ok->clock = group->role_clock;
        return RIND_HSM_TRANSFER_OUT_OK;
    }
    if (last->has_transferring) {
        return RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING;
    }
    struct transfer_out_parts parts;
    kind = transfer_out_divide(job->ctx, group->leadership, last, request, &parts);
    if (kind != RIND_HSM_TRANSFER_OUT_OK) {
        return kind;
    }
    if (!rind_hsm_has_room_for_transfer(group->leadership)) {
        return RIND_HSM_TRANSFER_OUT_NOT_LEADER; /* see rind_hsm_transfer_append */
    }
    transfer_out_append(hsm, group, request, &parts, ok);
    return RIND_HSM_TRANSFER_OUT_OK;
}

rind_status rind_hsm_handle_transfer_out(struct rind_hsm_job *job)
{
    job->answer.transfer_out.kind = transfer_out_run(job);
    return RIND_OK;
}

/*
 * The nonce is the destination's to check, but for the preparation it names: a destination that has
 * taken the range may give it on and prepare again, and would get the same old tree once more.
 */
static enum rind_hsm_transfer_statement_response_kind
transfer_statement_run(struct rind_hsm *hsm,
                       const struct rind_hsm_transfer_statement_request *request,
                       struct rind_mac *statement)
{
    if (rind_group_id_equal(&request->source, &request->destination)) {
        return RIND_HSM_TRANSFER_STATEMENT_INVALID_GROUP;
    }
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->source, &group, &last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_transfer_statement_response_kind)check;
    }
    if (!rind_hsm_transfer_is_out(last, &request->destination) ||
        !rind_hsm_transfer_answers(group->leadership, &request->nonce)) {
        return RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING;
    }
    const struct rind_transferring_out *out = &last->transferring.out;
    if (!group->leadership->has_committed || group->leadership->committed < out->at) {
        return RIND_HSM_TRANSFER_STATEMENT_BUSY;
    }
    struct rind_transfer_message message = {.realm = request->realm,
                                            .partition = out->partition,
                                            .destination = request->destination,
                                            .nonce = request->nonce};
    rind_hsm_transfer_statement_make(&hsm->keys, &message, statement);
    return RIND_HSM_TRANSFER_STATEMENT_OK;
}

rind_status rind_hsm_handle_transfer_statement(struct rind_hsm_job *job)
{
    struct rind_hsm_transfer_statement_response *answer = &job->answer.transfer_statement;
    answer->kind =
        transfer_statement_run(job->hsm, &job->request->transfer_statement, &answer->statement);
    return RIND_OK;
}

/*
 * Does not wait until the transfer out is committed (section 17 item 19): whoever calls this says
 * that the destination has the range, which a commit here does not show either. And a cluster
 * manager takes NotTransferring for success, so after a change of leaders, when a new one has not
 * committed yet, that answer would leave the transfer pending for good in its eyes.
 */
static enum rind_hsm_complete_transfer_response_kind
complete_run(struct rind_hsm *hsm, const struct rind_hsm_complete_transfer_request *request,
             struct rind_hsm_complete_transfer_ok *ok)
{
    if (rind_group_id_equal(&request->source, &request->destination)) {
        return RIND_HSM_COMPLETE_TRANSFER_INVALID_GROUP;
    }
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->source, &group, &last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_complete_transfer_response_kind)check;
    }
    if (!rind_hsm_transfer_is_out(last, &request->destination) ||
        !rind_owned_range_equal(&last->transferring.out.partition.range, &request->range)) {
        return RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING;
    }
    if (!rind_hsm_transfer_append(hsm, group, NULL, &ok->entry)) {
        return RIND_HSM_COMPLETE_TRANSFER_NOT_LEADER;
    }
    ok->clock = group->role_clock;
    return RIND_HSM_COMPLETE_TRANSFER_OK;
}

rind_status rind_hsm_handle_complete_transfer(struct rind_hsm_job *job)
{
    struct rind_hsm_complete_transfer_response *answer = &job->answer.complete_transfer;
    answer->kind = complete_run(job->hsm, &job->request->complete_transfer, &answer->ok);
    return RIND_OK;
}
