/* assign.c - see assign.h. */
#include "cluster/assign.h"

/* Why an agent did not take a leadership over; a static text. */
static const char *assign_refusal(enum rind_agent_become_leader_response_kind kind)
{
    switch (kind) {
    case RIND_AGENT_BECOME_LEADER_OK:
        return "it leads";
    case RIND_AGENT_BECOME_LEADER_NO_HSM:
        return "its HSM does not answer";
    case RIND_AGENT_BECOME_LEADER_NO_STORE:
        return "it cannot read the log";
    case RIND_AGENT_BECOME_LEADER_INVALID_REALM:
        return "its HSM is in another realm";
    case RIND_AGENT_BECOME_LEADER_INVALID_GROUP:
        return "its HSM is no member";
    case RIND_AGENT_BECOME_LEADER_STALE_INDEX:
        return "somebody has written since the former leader stepped down";
    case RIND_AGENT_BECOME_LEADER_FUTURE_INDEX:
        return "it does not see the former leader's last entry";
    case RIND_AGENT_BECOME_LEADER_STEPDOWN_IN_PROGRESS:
        return "it is still stepping down";
    case RIND_AGENT_BECOME_LEADER_TIMEOUT:
        return "it ran out of time";
    case RIND_AGENT_BECOME_LEADER_NOT_CAPTURED:
        return "its HSM has not captured the whole log";
    }
    RIND_UNREACHABLE("the decoder admits no other kind");
}

rind_status rind_assign_ask(struct rind_ctx *ctx, struct rind_grant *grant,
                            struct rind_cluster_hsm_list hsms, const size_t *candidates,
                            size_t count, const struct rind_assign_request *request,
                            struct rind_assign_result *result)
{
    const struct rind_agent_become_leader_request message = {.realm = request->realm,
                                                             .group = request->group,
                                                             .has_last = request->has_last,
                                                             .last = request->last};
    const struct rind_cluster *cluster = rind_grant_cluster(grant);
    struct rind_log log =
        rind_log_with_hex(cluster->log, "group", rind_group_id_slice(&request->group));
    *result = (struct rind_assign_result){0};
    for (size_t i = 0; i < count; i++) {
        const struct rind_cluster_hsm *candidate = &hsms.items[candidates[i]];
        const char *url = rind_cluster_hsm_url(candidate);
        struct rind_agent_become_leader_response response;
        unsigned http_status;
        rind_status status = rind_grant_call(ctx, grant, url, &rind_rpc_become_leader, &message,
                                             &response, RIND_ASSIGN_TIMEOUT_MS, &http_status);
        if (rind_is(status, RIND_E_CANCELLED)) {
            return status;
        }
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(&log, "%s did not become leader: %s", url, ctx->sentence);
            result->has_rpc_error = true;
            result->rpc_error = rind_rpc_error_copy(ctx, status, http_status);
        } else if (response.kind != RIND_AGENT_BECOME_LEADER_OK) {
            RIND_LOG_WARN(&log, "%s did not become leader: %s", url, assign_refusal(response.kind));
        } else {
            RIND_LOG_INFO(&log, "%s leads now", url);
            *result = (struct rind_assign_result){.is_assigned = true, .index = candidates[i]};
            return RIND_OK;
        }
    }
    return RIND_OK;
}

rind_status rind_assign_leader(struct rind_ctx *ctx, struct rind_grant *grant,
                               struct rind_cluster_hsm_list hsms, const struct rind_hsm_id *skip,
                               const struct rind_assign_request *request,
                               struct rind_assign_result *result)
{
    const struct rind_workload_pledge_list no_pledges = {0};
    size_t *candidates;
    size_t count;
    RIND_TRY(rind_workload_order_candidates(ctx, hsms, no_pledges, &request->realm, &request->group,
                                            skip, &candidates, &count));
    return rind_assign_ask(ctx, grant, hsms, candidates, count, request, result);
}
