/*
 * create.h - making realms and groups, and letting HSMs join a realm.
 *
 * Sequences of RPCs that the operator's commands and the demo run. Each can be interrupted and run
 * again: what exists already is found, not made twice. Spec: docs/spec/08-cluster.md section 11.
 */
#ifndef RIND_CLUSTER_CREATE_H
#define RIND_CLUSTER_CREATE_H

#include "cluster/gather.h"

#define RIND_CREATE_MEMBERS_MAX 9u         /* HSMs of one group */
#define RIND_CREATE_GROUPS_PER_HSM_MAX 16u /* spec 02 section 1 */
#define RIND_CREATE_COMMIT_TIMEOUT_MS 60000u

/*
 * Makes a realm on the HSM of the agent at `url`, with a first group of that HSM alone that owns
 * everything, and waits until the group has committed. RIND_E_EXISTS if the HSM is in a realm.
 */
rind_status rind_create_realm(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const char *url, struct rind_realm_id *realm,
                              struct rind_group_id *group) RIND_MUST_USE;

/*
 * Lets the HSMs of the agents at `urls` join the realm, vouched for by the HSM of the agent at
 * `member_url`. Fine for those that are in it. The first failure is returned, after all answered.
 */
rind_status rind_create_join_realm(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   const struct rind_realm_id *realm, const char *const *urls,
                                   size_t count, const char *member_url) RIND_MUST_USE;

/*
 * Makes a group of the HSMs of 1 to RIND_CREATE_MEMBERS_MAX agents, led by the first, that owns
 * nothing yet, and waits until it has committed.
 */
rind_status rind_create_group(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const struct rind_realm_id *realm, const char *const *urls,
                              size_t count, struct rind_group_id *group) RIND_MUST_USE;

/*
 * Waits until the HSM of the agent at `url` leads the group and has committed its first entry: asks
 * every 1 to 50 ms. RIND_E_TIMEOUT after RIND_CREATE_COMMIT_TIMEOUT_MS.
 */
rind_status rind_create_wait_committed(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                       const char *url, const struct rind_realm_id *realm,
                                       const struct rind_group_id *group) RIND_MUST_USE;

#endif
