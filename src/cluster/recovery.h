/*
 * recovery.h - finishing transfers that were interrupted anywhere.
 *
 * The groups' logs say what is under way; whichever manager gets the realm's ownership lease takes
 * it up. A source's record of a transfer is dropped only when all of the range verifiably belongs
 * to somebody. Spec: docs/spec/08-cluster.md section 10.
 */
#ifndef RIND_CLUSTER_RECOVERY_H
#define RIND_CLUSTER_RECOVERY_H

#include "cluster/transfer.h"

/* Of one transfer in one pass: the lease is not kept for longer, so that others get their turn. */
#define RIND_RECOVERY_TRANSFER_TIMEOUT_MS 30000u

struct rind_recovery_report {
    size_t realms;    /* with transfers under way */
    size_t busy;      /* of them, left to somebody else who holds the lease */
    size_t resumed;   /* transfers taken up and brought to their end */
    size_t completed; /* arrived before; dropped at the source now */
    size_t left;      /* transfers left as they are, for now */
};

/*
 * One pass over all realms. Fails only if service discovery cannot be read or memory is short;
 * trouble in one realm does not keep it from the others.
 */
rind_status rind_recovery_pass(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                               const struct rind_cluster *cluster,
                               struct rind_recovery_report *report) RIND_MUST_USE;

#endif
