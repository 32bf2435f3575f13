/*
 * gather.h - asking all agents what they know.
 *
 * Silent agents are reported, never waited for beyond the time limit. Spec: docs/spec/08-cluster.md
 * section 4. Results lie in ctx's arena. Thread-safe.
 */
#ifndef RIND_CLUSTER_GATHER_H
#define RIND_CLUSTER_GATHER_H

#include "cluster/workload.h"
#include "host/log.h"
#include "net/net.h"
#include "store/store.h"

#define RIND_CLUSTER_STATUS_TIMEOUT_MS 5000u /* of one agent, for the manager's passes */

#define RIND_CLUSTER_SILENT_TIMEOUT_MS 500u /* of one that did not answer the last time */

/* What every procedure of this room works with; all borrowed. */
struct rind_cluster {
    struct rind_store *store;
    struct rind_client *client;
    const struct rind_log *log; /* may be NULL */
    const char *name;           /* owner text of leases */
};

/* One agent that service discovery knows, and its answer if it gave one. */
struct rind_cluster_agent {
    const char *url;
    bool has_answered;
    struct rind_agent_status_response response; /* if has_answered */
    const char *fault;                          /* the sentence if not */
};
RIND_LIST_TYPE(rind_cluster_agent_list, struct rind_cluster_agent);

/* Asks the agents at `urls`, in parallel. The list has the order of the URLs. */
rind_status rind_cluster_ask(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                             const char *const *urls, size_t count, uint64_t timeout_ms,
                             struct rind_cluster_agent_list *agents) RIND_MUST_USE;

/* Asks every agent in service discovery. Fails only if discovery cannot be read. */
rind_status rind_cluster_ask_all(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                 uint64_t timeout_ms,
                                 struct rind_cluster_agent_list *agents) RIND_MUST_USE;

/*
 * As rind_cluster_ask_all, but once all other agents have answered, those in `silent` (URLs that
 * did not answer the last time) get RIND_CLUSTER_SILENT_TIMEOUT_MS only: one agent that hangs must
 * not delay the repair of what does not depend on it.
 */
rind_status rind_cluster_ask_impatiently(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                         uint64_t timeout_ms, const char *const *silent,
                                         size_t silent_count,
                                         struct rind_cluster_agent_list *agents) RIND_MUST_USE;

/* The agents that reported an HSM. Of two reporting one HSM id the last stays. */
rind_status rind_cluster_hsms(struct rind_ctx *ctx, struct rind_cluster_agent_list agents,
                              struct rind_cluster_hsm_list *hsms) RIND_MUST_USE;

/*
 * Fails if two agents report one HSM: a process was started twice, or, worse, an HSM's state was
 * copied and both copies run. The sentence names both agents and what to do.
 */
rind_status rind_cluster_check_single(struct rind_ctx *ctx,
                                      struct rind_cluster_agent_list agents) RIND_MUST_USE;

RIND_LIST_TYPE(rind_cluster_group_list, struct rind_cluster_group);

/* All groups that any HSM reports, once each, ascending by realm and group. */
rind_status rind_cluster_groups(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                struct rind_cluster_group_list *groups) RIND_MUST_USE;

/* The base URL of an HSM's agent, as gathered: service discovery's text. */
static inline const char *rind_cluster_hsm_url(const struct rind_cluster_hsm *hsm)
{
    return (const char *)hsm->url.data;
}

/*
 * The HSM that leads the group, or NULL. Of two that claim it, the one whose leadership has
 * committed furthest: a superseded leader cannot commit.
 */
const struct rind_cluster_hsm *rind_cluster_leader(struct rind_cluster_hsm_list hsms,
                                                   const struct rind_realm_id *realm,
                                                   const struct rind_group_id *group);

#endif
