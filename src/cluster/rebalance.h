/*
 * rebalance.h - one pass that moves at most one leadership to an HSM with less to do.
 *
 * Every move lowers the larger load of the two HSMs involved, so repeated passes come to an end.
 * Spec: docs/spec/08-cluster.md section 8.
 */
#ifndef RIND_CLUSTER_REBALANCE_H
#define RIND_CLUSTER_REBALANCE_H

#include "cluster/leaders.h"

/*
 * One pass; the lease is given back before it returns. If both HSMs refuse to lead, `repair` (a
 * leader check, section 8 step 8) runs before the answer. The response borrows from ctx's arena.
 * Thread-safe if `repair` is.
 */
struct rind_rebalance {
    struct rind_grant_keeper *keeper;
    const struct rind_cluster *cluster;
    void (*repair)(void *self); /* NULL: left to the next leader check */
    void *self;
};
void rind_rebalance_pass(struct rind_ctx *ctx, const struct rind_rebalance *rebalance,
                         struct rind_cluster_rebalance_response *response);

/* The printed form of an error (section 2). */
void rind_rebalance_error_print(struct rind_buffer *out,
                                const struct rind_cluster_rebalance_error *error);

/* The table of section 8.2, with the move marked. The busiest HSM comes first. */
rind_status rind_rebalance_print_workloads(struct rind_ctx *ctx, struct rind_buffer *out,
                                           struct rind_cluster_hsm_list hsms,
                                           const struct rind_cluster_move *move) RIND_MUST_USE;

#endif
