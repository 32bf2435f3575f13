/*
 * manager.h - the cluster manager: three loops, an HTTP service, a registration.
 *
 * Several managers may run on one store; leases keep them from working on the same thing. Any of
 * them may end at any moment: what it left half done, another one finishes. Managers decide about
 * availability only; no mistake of theirs can break what HSMs guarantee.
 * Spec: docs/spec/08-cluster.md section 1.
 */
#ifndef RIND_CLUSTER_MANAGER_H
#define RIND_CLUSTER_MANAGER_H

#include "cluster/gather.h"

struct rind_manager_options {
    struct rind_address listen;     /* also the advertised address; port 0: the system chooses */
    uint64_t interval_ns;           /* of the leader check and of the transfer check */
    uint64_t rebalance_interval_ns; /* of the rebalance pass */
    struct rind_store *store;       /* borrowed */
    const struct rind_log *log;     /* borrowed; NULL: silent */
    struct rind_metrics *metrics;   /* borrowed; NULL: none */
    struct rind_tracer *tracer;     /* borrowed; NULL: none */
};

struct rind_manager; /* opaque */

/*
 * Makes the shared tables if they are missing, serves, starts the loops and registers in the
 * background: the manager works when this returns, and is ready (livez 200) once registered.
 */
rind_status rind_manager_open(struct rind_ctx *ctx, const struct rind_manager_options *options,
                              struct rind_manager **manager) RIND_MUST_USE;

/*
 * Takes the registration back, ends service and loops; work in progress is abandoned where it
 * stands, its leases are given back. NULL is allowed.
 */
void rind_manager_close(struct rind_manager *manager);

/* Where it serves, with the port that the system chose. */
struct rind_address rind_manager_address(const struct rind_manager *manager);

#endif
