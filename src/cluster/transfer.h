/*
 * transfer.h - moving a range of records from one group to another of the same realm.
 *
 * Four RPCs: prepare (destination), out (source), in (destination), complete (source). The point of
 * no return is the commit of out; from there to the commit of in the range serves nobody, so after
 * it everything is retried until it is through, here or by recovery.h. A prepare is cancelled only
 * when no out was and will be done for it: otherwise records would belong to nobody. HSMs check
 * every step; a mistake here cannot lose or double a record, only leave it unavailable. Spec:
 * docs/spec/08-cluster.md section 9.
 */
#ifndef RIND_CLUSTER_TRANSFER_H
#define RIND_CLUSTER_TRANSFER_H

#include "cluster/grant.h"

#define RIND_TRANSFER_TIMEOUT_MS 120000u
#define RIND_TRANSFER_LEASE_WAIT_MS 1000u
/* What a caller of the manager's RPC should wait: lease, transfer, and the way. */
#define RIND_TRANSFER_CALL_TIMEOUT_MS (RIND_TRANSFER_TIMEOUT_MS + 10000u)

/*
 * Serves the RPC: takes the realm's ownership lease, transfers, gives the lease back. The response
 * borrows from ctx's arena. Thread-safe.
 */
void rind_transfer(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                   const struct rind_cluster_transfer_request *request,
                   struct rind_cluster_transfer_response *response);

/*
 * The same under a grant of the realm's ownership lease, within `timeout_ms`. Repeating a transfer
 * that was interrupted anywhere takes it up again.
 */
void rind_transfer_under(struct rind_ctx *ctx, struct rind_grant *grant, uint64_t timeout_ms,
                         const struct rind_cluster_transfer_request *request,
                         struct rind_cluster_transfer_response *response);

/* The printed form of an error (section 2). */
void rind_transfer_error_print(struct rind_buffer *out,
                               const struct rind_cluster_transfer_error *error);

#endif
