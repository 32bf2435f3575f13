/* cluster_transfer.c - moving ranges between groups: see cluster.h. */
#include "hsm/cluster_inner.h"

struct rind_hsm_prepare_transfer_response cluster_prepare(struct cluster *cluster, unsigned h,
                                                          const struct rind_group_id *source,
                                                          const struct rind_group_id *destination,
                                                          const struct rind_owned_range *range)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_PREPARE_TRANSFER,
        .prepare_transfer = {.realm = cluster->realm,
                             .source = *source,
                             .destination = *destination,
                             .range = *range},
    };
    struct rind_hsm_prepare_transfer_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_cancel_prepared_transfer_response
cluster_cancel(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
               const struct rind_group_id *destination, const struct rind_owned_range *range)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER,
        .cancel_prepared_transfer = {.realm = cluster->realm,
                                     .source = *source,
                                     .destination = *destination,
                                     .range = *range},
    };
    struct rind_hsm_cancel_prepared_transfer_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_transfer_out_response
cluster_transfer_out(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
                     const struct rind_group_id *destination, const struct rind_owned_range *range,
                     const struct rind_transfer_nonce *nonce, const struct rind_mac *statement)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_TRANSFER_OUT,
        .transfer_out = {.realm = cluster->realm,
                         .source = *source,
                         .destination = *destination,
                         .range = *range,
                         .nonce = *nonce,
                         .statement = *statement},
    };
    const struct rind_log_entry *last = cluster_last(cluster, source);
    struct rind_record_id split;
    if (last->has_partition && rind_owned_range_split_at(&last->partition.range, range, &split)) {
        request.transfer_out.has_proof = true;
        request.transfer_out.proof = cluster_proof(cluster, &last->partition, &split);
    }
    struct rind_hsm_transfer_out_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_transfer_statement_response
cluster_transfer_statement(struct cluster *cluster, unsigned h, const struct rind_group_id *source,
                           const struct rind_group_id *destination,
                           const struct rind_transfer_nonce *nonce)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_TRANSFER_STATEMENT,
        .transfer_statement = {.realm = cluster->realm,
                               .source = *source,
                               .destination = *destination,
                               .nonce = *nonce},
    };
    struct rind_hsm_transfer_statement_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_transfer_in_response cluster_transfer_in(struct cluster *cluster, unsigned h,
                                                         const struct rind_group_id *source,
                                                         const struct rind_group_id *destination,
                                                         const struct rind_partition *transferring,
                                                         const struct rind_transfer_nonce *nonce,
                                                         const struct rind_mac *statement)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_TRANSFER_IN,
        .transfer_in = {.realm = cluster->realm,
                        .source = *source,
                        .destination = *destination,
                        .transferring = *transferring,
                        .nonce = *nonce,
                        .statement = *statement},
    };
    const struct rind_log_entry *last = cluster_last(cluster, destination);
    if (last->has_partition) {
        enum rind_side owned_side;
        enum rind_side incoming_side;
        rind_walk_merge_sides(&last->partition.range, &transferring->range, &owned_side,
                              &incoming_side);
        request.transfer_in.has_proofs = true;
        request.transfer_in.proofs.owned =
            cluster_edge_proof(cluster, &last->partition, owned_side);
        request.transfer_in.proofs.transferring =
            cluster_edge_proof(cluster, transferring, incoming_side);
    }
    struct rind_hsm_transfer_in_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_complete_transfer_response cluster_complete(struct cluster *cluster, unsigned h,
                                                            const struct rind_group_id *source,
                                                            const struct rind_group_id *destination,
                                                            const struct rind_owned_range *range)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_COMPLETE_TRANSFER,
        .complete_transfer = {.realm = cluster->realm,
                              .source = *source,
                              .destination = *destination,
                              .range = *range},
    };
    struct rind_hsm_complete_transfer_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

static void transfer_append_and_commit(struct cluster *cluster, unsigned h,
                                       const struct rind_group_id *group,
                                       const struct rind_log_entry *entry,
                                       const struct rind_store_delta *delta)
{
    bool is_appended = cluster_append(cluster, group, entry, delta);
    struct rind_hsm_commit_response commit = cluster_commit(cluster, h, group);
    if (!is_appended || commit.kind != RIND_HSM_COMMIT_OK || commit.ok.committed != entry->index) {
        cluster_fail("transfer", "a step did not commit");
    }
}

void cluster_transfer(struct cluster *cluster, unsigned source_leader,
                      const struct rind_group_id *source, unsigned destination_leader,
                      const struct rind_group_id *destination, const struct rind_owned_range *range)
{
    struct rind_hsm_prepare_transfer_response prepared =
        cluster_prepare(cluster, destination_leader, source, destination, range);
    RIND_ASSERT(prepared.kind == RIND_HSM_PREPARE_TRANSFER_OK && prepared.ok.has_entry);
    transfer_append_and_commit(cluster, destination_leader, destination, &prepared.ok.entry, NULL);

    struct rind_hsm_transfer_out_response out =
        cluster_transfer_out(cluster, source_leader, source, destination, range, &prepared.ok.nonce,
                             &prepared.ok.statement);
    RIND_ASSERT(out.kind == RIND_HSM_TRANSFER_OUT_OK && out.ok.has_entry);
    transfer_append_and_commit(cluster, source_leader, source, &out.ok.entry, &out.ok.delta);

    struct rind_hsm_transfer_statement_response statement =
        cluster_transfer_statement(cluster, source_leader, source, destination, &prepared.ok.nonce);
    RIND_ASSERT(statement.kind == RIND_HSM_TRANSFER_STATEMENT_OK);

    struct rind_hsm_transfer_in_response in =
        cluster_transfer_in(cluster, destination_leader, source, destination, &out.ok.partition,
                            &prepared.ok.nonce, &statement.statement);
    RIND_ASSERT(in.kind == RIND_HSM_TRANSFER_IN_OK);
    transfer_append_and_commit(cluster, destination_leader, destination, &in.ok.entry,
                               &in.ok.delta);

    struct rind_hsm_complete_transfer_response complete =
        cluster_complete(cluster, source_leader, source, destination, range);
    RIND_ASSERT(complete.kind == RIND_HSM_COMPLETE_TRANSFER_OK);
    transfer_append_and_commit(cluster, source_leader, source, &complete.ok.entry, NULL);
}
