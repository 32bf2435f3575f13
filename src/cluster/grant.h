/*
 * grant.h - the right to change leaderships or ownership, held as a lease that renews itself.
 *
 * Any number of managers run at once and coordinate through leases alone: whoever changes a group's
 * leadership holds that group's lease, whoever moves records in a realm its ownership lease. A
 * grant is such a lease, renewed by the keeper's thread until it is released. Losing it stops the
 * work: no RPC is started under a lost grant, and one under way is abandoned before anybody else
 * can take the lease. Machines' clocks decide when leases
 * end: keep them within RIND_GRANT_MARGIN_MS of each other; beyond that HSMs still refuse what
 * would be wrong. Spec: docs/spec/08-cluster.md section 3.
 */
#ifndef RIND_CLUSTER_GRANT_H
#define RIND_CLUSTER_GRANT_H

#include "cluster/gather.h"
#include "host/host.h"
#include "rpc/rpc.h"

/* We stop this long before a lease ends by our clock. */
#define RIND_GRANT_MARGIN_MS 500u
/* An obtain that took longer left too little of the lease to start with: it counts as failed. */
#define RIND_GRANT_OBTAIN_TIMEOUT_MS 2000u
#define RIND_GRANT_RELEASE_TIMEOUT_MS 1000u

struct rind_grant_keeper; /* opaque: the thread that renews, and the list of what it renews */

/* `stopper` (borrowed, may be NULL) being set counts as losing all grants: for an orderly end. */
rind_status rind_grant_keeper_open(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   struct rind_stopper *stopper,
                                   struct rind_grant_keeper **keeper) RIND_MUST_USE;

/* All grants must have been released. NULL is allowed. */
void rind_grant_keeper_close(struct rind_grant_keeper *keeper);

/* Memory of its holder, which must not move it between obtain and release. */
struct rind_grant {
    struct rind_grant_keeper *keeper;
    struct rind_grant *next;
    struct rind_lease lease;
    struct rind_deadline valid_until; /* the rest is guarded by the keeper's lock */
    struct rind_deadline renew_at;
    bool is_renewing;
    bool is_lost;
};

/*
 * Takes the lease `key` (rind_lease_key_*) without waiting, or waits up to `wait_ms` for it.
 * RIND_E_BUSY if somebody else holds it; anything else is the store's failure.
 */
rind_status rind_grant_obtain(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                              const char *key, uint64_t wait_ms,
                              struct rind_grant *grant) RIND_MUST_USE;

/* Gives the lease back before it returns, so that the next one who asks gets it. */
void rind_grant_release(struct rind_grant *grant);

/* What the grant's manager works with; borrowed. */
const struct rind_cluster *rind_grant_cluster(const struct rind_grant *grant);

/* RIND_E_CANCELLED once the grant is lost (or the manager is ending). Any thread. */
rind_status rind_grant_check(struct rind_ctx *ctx, struct rind_grant *grant) RIND_MUST_USE;

/*
 * As rind_rpc_call, under a grant: RIND_E_CANCELLED as soon as the grant is lost, whether the call
 * was sent or not.
 */
rind_status rind_grant_call(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                            const struct rind_rpc *rpc, const void *request, void *response,
                            uint64_t timeout_ms, unsigned *http_status) RIND_MUST_USE;

#endif
