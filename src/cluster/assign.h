/*
 * assign.h - getting a member of a group to lead it.
 *
 * Asks one candidate after the other; an HSM refuses unless it has persisted all of the group's
 * log, so a wrong choice costs time and nothing else. Spec: docs/spec/08-cluster.md section 6.2.
 */
#ifndef RIND_CLUSTER_ASSIGN_H
#define RIND_CLUSTER_ASSIGN_H

#include "cluster/grant.h"

/* Agents give up after 5 s (spec 06 section 9.1); the rest is for the way. */
#define RIND_ASSIGN_TIMEOUT_MS 8000u

/* `last`: the index that the former leader ended with, if it said so. */
struct rind_assign_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    bool has_last;
    uint64_t last;
};

struct rind_assign_result {
    bool is_assigned;
    size_t index;       /* if assigned: of the HSM that leads now, into `hsms` */
    bool has_rpc_error; /* nobody leads, and this was the last failed call */
    struct rind_rpc_error rpc_error;
};

/*
 * Asks `candidates` (indexes into `hsms`) in order until one leads. Nobody leading is no failure;
 * RIND_E_CANCELLED if the grant, which must be the group's, was lost.
 */
rind_status rind_assign_ask(struct rind_ctx *ctx, struct rind_grant *grant,
                            struct rind_cluster_hsm_list hsms, const size_t *candidates,
                            size_t count, const struct rind_assign_request *request,
                            struct rind_assign_result *result) RIND_MUST_USE;

/* The same with all members but `skip` (may be NULL) in the specified order. */
rind_status rind_assign_leader(struct rind_ctx *ctx, struct rind_grant *grant,
                               struct rind_cluster_hsm_list hsms, const struct rind_hsm_id *skip,
                               const struct rind_assign_request *request,
                               struct rind_assign_result *result) RIND_MUST_USE;

#endif
