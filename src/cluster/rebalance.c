/* rebalance.c - see rebalance.h. */
#include "cluster/rebalance.h"

#define REBALANCE_STEPDOWN_TIMEOUT_MS 10000u
/* The leader may have changed since the statuses were read: then they are read again. */
#define REBALANCE_LOOKS_MAX 3u
#define REBALANCE_LOOK_PAUSE_MS 100u
#define REBALANCE_LOOKS_TIMEOUT_MS 30000u
#define REBALANCE_TABLE_SIZE_BYTES (64u << 10) /* longer tables are cut */

static struct rind_cluster_rebalance_response
rebalance_error(enum rind_cluster_rebalance_error_kind kind)
{
    return (struct rind_cluster_rebalance_response){.kind = RIND_CLUSTER_REBALANCE_ERR,
                                                    .error = {.kind = kind}};
}

static struct rind_cluster_rebalance_response
rebalance_rpc_error(struct rind_ctx *ctx, rind_status status, unsigned http_status)
{
    struct rind_cluster_rebalance_response response =
        rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_RPC);
    response.error.rpc = rind_rpc_error_copy(ctx, status, http_status);
    return response;
}

/*
 * Section 8.2 has the table on stdout. That is where our log goes, as one JSON document per line,
 * so the table is a message in it.
 */
static void rebalance_log(struct rind_ctx *ctx, const struct rind_log *log,
                          struct rind_cluster_hsm_list hsms, const struct rind_cluster_move *move)
{
    void *memory = rind_ctx_alloc(ctx, REBALANCE_TABLE_SIZE_BYTES);
    if (memory == NULL || !rind_log_is_enabled(log, RIND_LOG_LEVEL_INFO)) {
        return;
    }
    struct rind_buffer table;
    rind_buffer_init(&table, memory, REBALANCE_TABLE_SIZE_BYTES);
    if (rind_is_ok(rind_rebalance_print_workloads(ctx, &table, hsms, move))) {
        RIND_LOG_INFO(log, "%.*s", (int)table.length, (const char *)table.data);
    }
}

/* What one of the two HSMs is asked. False, with the response set, if the call failed. */
static bool rebalance_lead(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                           const struct rind_agent_become_leader_request *request, bool *is_leading,
                           struct rind_cluster_rebalance_response *response)
{
    struct rind_agent_become_leader_response answer;
    unsigned http_status;
    rind_status status = rind_grant_call(ctx, grant, url, &rind_rpc_become_leader, request, &answer,
                                         RIND_ASSIGN_TIMEOUT_MS, &http_status);
    if (!rind_is_ok(status)) {
        *response = rebalance_rpc_error(ctx, status, http_status);
        return false;
    }
    *is_leading = answer.kind == RIND_AGENT_BECOME_LEADER_OK;
    if (!*is_leading) {
        RIND_LOG_WARN(rind_grant_cluster(grant)->log, "%s refused to lead (answer %d)", url,
                      (int)answer.kind);
    }
    return true;
}

/* Under the group's lease. True if a leader check has to repair what we left. */
static bool rebalance_move(struct rind_ctx *ctx, struct rind_grant *grant,
                           struct rind_cluster_hsm_list hsms, const struct rind_cluster_move *move,
                           struct rind_cluster_rebalance_response *response)
{
    const struct rind_cluster_hsm *from = &hsms.items[move->from];
    const struct rind_cluster_hsm *to = &hsms.items[move->to];
    const struct rind_agent_stepdown_request request = {.realm = move->realm, .group = move->group};
    struct rind_agent_stepdown_response answer;
    unsigned http_status;
    rind_status status =
        rind_grant_call(ctx, grant, rind_cluster_hsm_url(from), &rind_rpc_stepdown, &request,
                        &answer, REBALANCE_STEPDOWN_TIMEOUT_MS, &http_status);
    if (!rind_is_ok(status)) {
        *response = rebalance_rpc_error(ctx, status, http_status);
        return true; /* the call may have got through */
    }
    if (answer.kind != RIND_AGENT_STEPDOWN_OK) {
        *response = rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_STEP_DOWN_FAILED);
        return false;
    }
    const struct rind_agent_become_leader_request lead = {
        .realm = move->realm, .group = move->group, .has_last = true, .last = answer.ok.last};
    bool is_leading = false;
    if (!rebalance_lead(ctx, grant, rind_cluster_hsm_url(to), &lead, &is_leading, response)) {
        return true;
    }
    if (is_leading) {
        *response = (struct rind_cluster_rebalance_response){
            .kind = RIND_CLUSTER_REBALANCE_OK,
            .ok = {.kind = RIND_CLUSTER_REBALANCE_OK_REBALANCED,
                   .rebalanced = {.realm = move->realm,
                                  .group = move->group,
                                  .from = from->status->id,
                                  .to = to->status->id}}};
        return false;
    }
    if (!rebalance_lead(ctx, grant, rind_cluster_hsm_url(from), &lead, &is_leading, response)) {
        return true;
    }
    *response =
        rebalance_error(is_leading ? RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_ROLLED_BACK
                                   : RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_FAILED);
    return !is_leading;
}

static void rebalance_under_lease(struct rind_ctx *ctx, const struct rind_rebalance *rebalance,
                                  struct rind_cluster_hsm_list hsms,
                                  const struct rind_cluster_move *move,
                                  struct rind_cluster_rebalance_response *response)
{
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    rind_lease_key_group(&move->realm, &move->group, key);
    rind_status status = rind_grant_obtain(ctx, rebalance->keeper, key, 0, &grant);
    if (rind_is(status, RIND_E_BUSY)) {
        *response = rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_BUSY);
        response->error.busy =
            (struct rind_cluster_group){.realm = move->realm, .group = move->group};
        return;
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rebalance->cluster->log, "rebalance: %s", ctx->sentence);
        *response = rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_NO_STORE);
        return;
    }
    rebalance_log(ctx, rebalance->cluster->log, hsms, move);
    bool needs_repair = rebalance_move(ctx, &grant, hsms, move, response);
    rind_grant_release(&grant);
    if (needs_repair && rebalance->repair != NULL) {
        rebalance->repair(rebalance->self);
    }
}

static void rebalance_once(struct rind_ctx *ctx, const struct rind_rebalance *rebalance,
                           struct rind_cluster_rebalance_response *response)
{
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    struct rind_cluster_move move;
    bool has_move = false;
    rind_status status =
        rind_cluster_ask_all(ctx, rebalance->cluster, RIND_CLUSTER_STATUS_TIMEOUT_MS, &agents);
    if (rind_is_ok(status)) {
        status = rind_cluster_hsms(ctx, agents, &hsms);
    }
    if (rind_is_ok(status)) {
        status = rind_workload_choose_move(ctx, hsms, &has_move, &move);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(rebalance->cluster->log, "rebalance: %s", ctx->sentence);
        *response = rebalance_error(RIND_CLUSTER_REBALANCE_ERROR_NO_STORE);
    } else if (!has_move) {
        *response = (struct rind_cluster_rebalance_response){
            .kind = RIND_CLUSTER_REBALANCE_OK,
            .ok = {.kind = RIND_CLUSTER_REBALANCE_OK_ALREADY_BALANCED}};
    } else {
        rebalance_under_lease(ctx, rebalance, hsms, &move, response);
    }
}

/* How a look says that the leadership had moved before the lease was ours. */
static bool rebalance_is_outdated(const struct rind_cluster_rebalance_response *response)
{
    return response->kind == RIND_CLUSTER_REBALANCE_ERR &&
           response->error.kind == RIND_CLUSTER_REBALANCE_ERROR_STEP_DOWN_FAILED;
}

void rind_rebalance_pass(struct rind_ctx *ctx, const struct rind_rebalance *rebalance,
                         struct rind_cluster_rebalance_response *response)
{
    static const struct rind_retry_profile profile = {
        .attempts_max = REBALANCE_LOOKS_MAX,
        .timeout_ns = REBALANCE_LOOKS_TIMEOUT_MS * RIND_NS_PER_MS,
        .backoff_ns = REBALANCE_LOOK_PAUSE_MS * RIND_NS_PER_MS,
        .multiplier = 2.0,
        .backoff_ns_max = REBALANCE_LOOKS_TIMEOUT_MS * RIND_NS_PER_MS};
    const struct rind_retry_options options = {.profile = &profile,
                                               .description = "move a leadership"};
    struct rind_retry retry;
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        rebalance_once(ctx, rebalance, response);
        rind_retry_record(&retry, ctx,
                          rebalance_is_outdated(response)
                              ? rind_fail(ctx, RIND_E_STALE, "the leader refused to step down")
                              : RIND_OK);
    }
    /* The response says how the last look ended. */
    rind_status ended = rind_retry_end(&retry, ctx);
    (void)ended;
}
