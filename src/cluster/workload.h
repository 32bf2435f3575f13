/*
 * workload.h - what each HSM has to do, and which leadership to move where.
 *
 * Pure functions over the statuses that HSMs report; nothing here is trusted for safety (an HSM
 * refuses to lead what it has not captured), so a lying status costs availability at most.
 * Spec: docs/spec/08-cluster.md sections 5, 6.2 and 8.1. Thread-safe.
 */
#ifndef RIND_CLUSTER_WORKLOAD_H
#define RIND_CLUSTER_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "wire/wire.h"

/* HSMs that one manager looks after; a realm has at most a few dozen. */
#define RIND_CLUSTER_HSMS_MAX 1024u

/* A candidate's capture may be this many entries older than the leader's (section 5). */
#define RIND_CLUSTER_CAPTURE_LAG_MAX 1000u

/* One HSM as its agent reported it. Everything is borrowed from the arena of the gathering. */
struct rind_cluster_hsm {
    struct rind_slice url; /* base URL of its agent, ends in '/'; a NUL follows */
    struct rind_slice agent_name;
    const struct rind_hsm_status_response *status;
    const struct rind_agent_status_response *agent; /* the whole answer; NULL in tests */
};
RIND_LIST_TYPE(rind_cluster_hsm_list, struct rind_cluster_hsm);

/* A group's part of an HSM's work: 1 for being a member, 2 and the width of its range for leading.
 */
uint64_t rind_workload_of_group(const struct rind_group_status *group);

/* The sum over an HSM's groups; 0 without a realm. */
uint64_t rind_workload_of_hsm(const struct rind_hsm_status_response *status);

/* The group as this HSM reports it, or NULL. */
const struct rind_group_status *
rind_cluster_find_group(const struct rind_hsm_status_response *status,
                        const struct rind_realm_id *realm, const struct rind_group_id *group);

/* A leadership to move: indexes into the list it was chosen from. */
struct rind_cluster_move {
    struct rind_realm_id realm;
    struct rind_group_id group;
    size_t from;
    size_t to;
};

/*
 * The next move that lowers the load of the busiest HSM that can be relieved, or false when there
 * is none. Ties go to the lower HSM id, so every manager that sees the same statuses chooses the
 * same move. Uses ctx's arena; RIND_E_LIMIT above RIND_CLUSTER_HSMS_MAX.
 */
rind_status rind_workload_choose_move(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                      bool *has_move, struct rind_cluster_move *move) RIND_MUST_USE;

/* Work that an HSM was just given and does not report yet. */
struct rind_workload_pledge {
    struct rind_hsm_id hsm;
    uint64_t work;
};
RIND_LIST_TYPE(rind_workload_pledge_list, struct rind_workload_pledge);

/*
 * Members of the group in the order in which they should be asked to lead: least work first
 * (`pledges` included), then furthest captured, then lowest id. `skip` (may be NULL) is left out.
 * Indexes into `hsms`, `*count` of them, in ctx's arena. RIND_E_NOT_FOUND if no HSM reports the
 * group.
 */
rind_status rind_workload_order_candidates(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                           struct rind_workload_pledge_list pledges,
                                           const struct rind_realm_id *realm,
                                           const struct rind_group_id *group,
                                           const struct rind_hsm_id *skip, size_t **candidates,
                                           size_t *count) RIND_MUST_USE;

#endif
