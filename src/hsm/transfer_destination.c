/*
 * transfer_destination.c - PrepareTransfer, CancelPreparedTransfer, TransferIn: the group that
 * receives a range (spec 02 sections 14.1, 14.2 and 14.5).
 */
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/transfer.h"

RIND_HSM_TRANSFER_KINDS_MATCH(PREPARE_TRANSFER);
RIND_HSM_TRANSFER_KINDS_MATCH(CANCEL_PREPARED_TRANSFER);
RIND_HSM_TRANSFER_KINDS_MATCH(TRANSFER_IN);

/* Step 2: finds the prepared transfer or appends the entry that prepares it. */
static enum rind_hsm_prepare_transfer_response_kind
prepare_entry(struct rind_hsm *hsm, struct rind_hsm_group *group, const struct rind_log_entry *last,
              const struct rind_hsm_prepare_transfer_request *request,
              struct rind_hsm_prepare_transfer_ok *ok)
{
    if (rind_hsm_transfer_is_in(last, &request->source, &request->range)) {
        ok->wait_til_committed = last->transferring.in.at;
        return RIND_HSM_PREPARE_TRANSFER_OK;
    }
    if (last->has_transferring) {
        return RIND_HSM_PREPARE_TRANSFER_OTHER_TRANSFER_PENDING;
    }
    struct rind_owned_range joined;
    if (last->has_partition &&
        !rind_owned_range_join(&last->partition.range, &request->range, &joined)) {
        return RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE;
    }
    struct rind_transferring transferring = {
        .kind = RIND_TRANSFERRING_IN,
        .in = {.source = request->source, .range = request->range, .at = last->index + 1},
    };
    ok->has_entry = rind_hsm_transfer_append(hsm, group, &transferring, &ok->entry);
    ok->wait_til_committed = ok->entry.index;
    return ok->has_entry ? RIND_HSM_PREPARE_TRANSFER_OK : RIND_HSM_PREPARE_TRANSFER_NOT_LEADER;
}

static enum rind_hsm_prepare_transfer_response_kind
prepare_run(struct rind_hsm *hsm, const struct rind_hsm_prepare_transfer_request *request,
            struct rind_hsm_prepare_transfer_ok *ok)
{
    if (rind_group_id_equal(&request->destination, &request->source)) {
        return RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP;
    }
    if (!rind_owned_range_is_valid(&request->range)) {
        return RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE;
    }
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->destination, &group, &last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_prepare_transfer_response_kind)check;
    }
    enum rind_hsm_prepare_transfer_response_kind kind =
        prepare_entry(hsm, group, last, request, ok);
    if (kind != RIND_HSM_PREPARE_TRANSFER_OK) {
        return kind;
    }
    /* Also on repeats: only the newest nonce is accepted later. */
    struct rind_hsm_leadership *leadership = group->leadership;
    rind_random_fill(&hsm->random, leadership->incoming.bytes, sizeof(leadership->incoming.bytes));
    rind_put_be64(leadership->incoming.bytes, ok->wait_til_committed); /* the preparation */
    leadership->has_incoming = true;
    ok->nonce = leadership->incoming;
    ok->clock = group->role_clock;
    struct rind_prepared_transfer_message message = {.realm = request->realm,
                                                     .source = request->source,
                                                     .destination = request->destination,
                                                     .range = request->range,
                                                     .nonce = ok->nonce};
    rind_hsm_prepared_statement_make(&hsm->keys, &message, &ok->statement);
    return RIND_HSM_PREPARE_TRANSFER_OK;
}

rind_status rind_hsm_handle_prepare_transfer(struct rind_hsm_job *job)
{
    struct rind_hsm_prepare_transfer_response *answer = &job->answer.prepare_transfer;
    answer->kind = prepare_run(job->hsm, &job->request->prepare_transfer, &answer->ok);
    return RIND_OK;
}

static enum rind_hsm_cancel_prepared_transfer_response_kind
cancel_run(struct rind_hsm *hsm, const struct rind_hsm_cancel_prepared_transfer_request *request,
           struct rind_hsm_cancel_prepared_transfer_ok *ok)
{
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->destination, &group, &last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_cancel_prepared_transfer_response_kind)check;
    }
    if (!rind_hsm_transfer_is_in(last, &request->source, &request->range)) {
        return RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED;
    }
    if (!rind_hsm_transfer_append(hsm, group, NULL, &ok->entry)) {
        return RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_LEADER;
    }
    group->leadership->has_incoming = false;
    ok->clock = group->role_clock;
    return RIND_HSM_CANCEL_PREPARED_TRANSFER_OK;
}

rind_status rind_hsm_handle_cancel_prepared_transfer(struct rind_hsm_job *job)
{
    struct rind_hsm_cancel_prepared_transfer_response *answer =
        &job->answer.cancel_prepared_transfer;
    answer->kind = cancel_run(job->hsm, &job->request->cancel_prepared_transfer, &answer->ok);
    return RIND_OK;
}

/* Step 4: what must hold of the proofs before the statement is looked at. */
static enum rind_hsm_transfer_in_response_kind
transfer_in_check_proofs(const struct rind_log_entry *last,
                         const struct rind_hsm_transfer_in_request *request)
{
    if (!last->has_partition) {
        return RIND_HSM_TRANSFER_IN_OK;
    }
    if (!request->has_proofs) {
        return RIND_HSM_TRANSFER_IN_MISSING_PROOFS;
    }
    const struct rind_read_proof *proof = &request->proofs.transferring;
    bool is_same_tree = rind_owned_range_equal(&proof->range, &request->transferring.range) &&
                        rind_data_hash_equal(&proof->root_hash, &request->transferring.root_hash);
    return is_same_tree ? RIND_HSM_TRANSFER_IN_OK : RIND_HSM_TRANSFER_IN_INVALID_PROOF;
}

/*
 * Step 6: the partition that results, and what the host must store. Computes only: the tree in use
 * stays in place if this fails (section 17 item 3).
 */
static enum rind_hsm_transfer_in_response_kind
transfer_in_join(struct rind_ctx *ctx, const struct rind_hsm_leadership *leadership,
                 const struct rind_log_entry *last,
                 const struct rind_hsm_transfer_in_request *request, struct rind_tree_merge *merge)
{
    if (!last->has_partition) {
        *merge = (struct rind_tree_merge){.joined = request->transferring};
        return RIND_HSM_TRANSFER_IN_OK;
    }
    RIND_ASSERT(leadership->is_tree_open);
    rind_status status = rind_tree_merge(ctx, leadership->tree, &request->proofs.owned,
                                         &request->proofs.transferring, merge);
    if (rind_is(status, RIND_E_STALE)) {
        return RIND_HSM_TRANSFER_IN_STALE_PROOF;
    }
    return rind_is_ok(status) ? RIND_HSM_TRANSFER_IN_OK : RIND_HSM_TRANSFER_IN_INVALID_PROOF;
}

/* Steps 1 to 5. */
static enum rind_hsm_transfer_in_response_kind
transfer_in_check(struct rind_hsm *hsm, const struct rind_hsm_transfer_in_request *request,
                  struct rind_hsm_group **group, const struct rind_log_entry **last)
{
    unsigned check =
        rind_hsm_transfer_check_leader(hsm, &request->realm, &request->destination, group, last);
    if (check != RIND_HSM_TRANSFER_OK) {
        return (enum rind_hsm_transfer_in_response_kind)check;
    }
    if (!rind_hsm_transfer_is_in(*last, &request->source, &request->transferring.range)) {
        return RIND_HSM_TRANSFER_IN_NOT_PREPARED;
    }
    const struct rind_hsm_leadership *leadership = (*group)->leadership;
    if (!leadership->has_incoming ||
        !rind_ct_equal(leadership->incoming.bytes, request->nonce.bytes,
                       sizeof(request->nonce.bytes))) {
        return RIND_HSM_TRANSFER_IN_INVALID_NONCE;
    }
    enum rind_hsm_transfer_in_response_kind kind = transfer_in_check_proofs(*last, request);
    if (kind != RIND_HSM_TRANSFER_IN_OK) {
        return kind;
    }
    struct rind_transfer_message message = {.realm = request->realm,
                                            .partition = request->transferring,
                                            .destination = request->destination,
                                            .nonce = request->nonce};
    return rind_hsm_transfer_statement_is_valid(&hsm->keys, &message, &request->statement)
               ? RIND_HSM_TRANSFER_IN_OK
               : RIND_HSM_TRANSFER_IN_INVALID_STATEMENT;
}

static enum rind_hsm_transfer_in_response_kind transfer_in_run(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_transfer_in_request *request = &job->request->transfer_in;
    struct rind_hsm_transfer_in_ok *ok = &job->answer.transfer_in.ok;
    struct rind_hsm_group *group;
    const struct rind_log_entry *last;
    enum rind_hsm_transfer_in_response_kind kind = transfer_in_check(hsm, request, &group, &last);
    if (kind != RIND_HSM_TRANSFER_IN_OK) {
        return kind;
    }
    struct rind_hsm_leadership *leadership = group->leadership;
    if (!rind_hsm_has_room_for_transfer(leadership)) {
        return RIND_HSM_TRANSFER_IN_NOT_LEADER; /* see rind_hsm_transfer_append */
    }
    struct rind_tree_merge merge;
    kind = transfer_in_join(job->ctx, leadership, last, request, &merge);
    if (kind != RIND_HSM_TRANSFER_IN_OK) {
        return kind;
    }
    /*
     * From here on nothing fails, and only now is the nonce used up: after any refusal the caller
     * may come back with a fresher proof (section 17 item 4). It stays single use: the entry below
     * ends the prepared transfer, and the next one gets its own nonce.
     */
    leadership->has_incoming = false;
    rind_hsm_append_entry(hsm, group, &merge.joined, NULL, NULL, &ok->entry);
    rind_hsm_open_tree(hsm, group, &merge.joined.root_hash);
    ok->delta = merge.delta;
    ok->clock = group->role_clock;
    return RIND_HSM_TRANSFER_IN_OK;
}

rind_status rind_hsm_handle_transfer_in(struct rind_hsm_job *job)
{
    job->answer.transfer_in.kind = transfer_in_run(job);
    return RIND_OK;
}
