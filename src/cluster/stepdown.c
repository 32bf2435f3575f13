/* stepdown.c - see stepdown.h. */
#include "cluster/stepdown.h"

#include <stdlib.h>

#define STEPDOWN_RPC_TIMEOUT_MS 10000u
/* Members' statuses between step-down and assignment: silent ones are not worth waiting for. */
#define STEPDOWN_STATUS_TIMEOUT_MS 1000u
/* Nobody took over: asked again this often, for the group has no leader meanwhile. */
#define STEPDOWN_ASSIGN_ATTEMPTS_MAX 3u

/* One leadership to move. */
struct stepdown_item {
    struct rind_cluster_group group;
    struct rind_hsm_id hsm;
    const char *url;
    const struct rind_group_status *status; /* as its leader reported it */
};

struct stepdown_items {
    struct stepdown_item *items;
    size_t count;
};

static int stepdown_compare(const void *left, const void *right)
{
    const struct stepdown_item *a = left;
    const struct stepdown_item *b = right;
    int order = rind_group_id_compare(&a->group.group, &b->group.group);
    return order != 0 ? order : rind_realm_id_compare(&a->group.realm, &b->group.realm);
}

/* All groups that the HSM leads. */
static rind_status stepdown_list_hsm(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                     const struct rind_hsm_id *id, bool *is_known,
                                     struct stepdown_items *items)
{
    *is_known = false;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (!rind_hsm_id_equal(&status->id, id)) {
            continue;
        }
        *is_known = true;
        size_t groups = status->has_realm ? status->realm.groups.count : 0;
        items->items = rind_ctx_alloc_array(ctx, groups, sizeof(*items->items));
        RIND_REQUIRE(ctx, items->items != NULL, RIND_E_LIMIT, "no memory for %zu groups", groups);
        for (size_t g = 0; g < groups; g++) {
            const struct rind_group_status *group = &status->realm.groups.items[g];
            if (group->has_leader) {
                items->items[items->count] =
                    (struct stepdown_item){.group = {.realm = status->realm.id, .group = group->id},
                                           .hsm = status->id,
                                           .url = rind_cluster_hsm_url(&hsms.items[i]),
                                           .status = group};
                items->count++;
            }
        }
        qsort(items->items, items->count, sizeof(*items->items), stepdown_compare);
    }
    return RIND_OK;
}

/*
 * The leader of the group. Of two that claim it only the one that can commit counts: the other is
 * fenced already and steps down by itself. (The reference answers Busy.)
 */
static rind_status stepdown_list_group(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                       const struct rind_cluster_group *group,
                                       struct stepdown_items *items)
{
    const struct rind_cluster_hsm *leader = rind_cluster_leader(hsms, &group->realm, &group->group);
    if (leader == NULL) {
        return RIND_OK;
    }
    items->items = rind_ctx_alloc(ctx, sizeof(*items->items));
    RIND_REQUIRE(ctx, items->items != NULL, RIND_E_LIMIT, "no memory for the group");
    items->items[0] = (struct stepdown_item){
        .group = *group,
        .hsm = leader->status->id,
        .url = rind_cluster_hsm_url(leader),
        .status = rind_cluster_find_group(leader->status, &group->realm, &group->group)};
    items->count = 1;
    return RIND_OK;
}

static struct rind_cluster_stepdown_response
stepdown_answer(enum rind_cluster_stepdown_response_kind kind)
{
    return (struct rind_cluster_stepdown_response){.kind = kind};
}

static struct rind_cluster_stepdown_response
stepdown_rpc_error(struct rind_ctx *ctx, rind_status status, unsigned http_status)
{
    return (struct rind_cluster_stepdown_response){
        .kind = RIND_CLUSTER_STEPDOWN_RPC_ERROR,
        .rpc_error = rind_rpc_error_copy(ctx, status, http_status)};
}

/* The members' statuses, from the agents that had them when we began. */
static rind_status stepdown_ask_members(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                        struct rind_cluster_hsm_list hsms,
                                        const struct stepdown_item *item,
                                        struct rind_cluster_hsm_list *members)
{
    const struct rind_hsm_id_list *configuration = &item->status->configuration;
    const char **urls = rind_ctx_alloc_array(ctx, configuration->count, sizeof(*urls));
    RIND_REQUIRE(ctx, urls != NULL, RIND_E_LIMIT, "no memory for %zu members",
                 configuration->count);
    size_t count = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        for (size_t m = 0; m < configuration->count && count < configuration->count; m++) {
            if (rind_hsm_id_equal(&hsms.items[i].status->id, &configuration->items[m])) {
                urls[count] = rind_cluster_hsm_url(&hsms.items[i]);
                count++;
            }
        }
    }
    struct rind_cluster_agent_list agents;
    RIND_TRY(rind_cluster_ask(ctx, cluster, urls, count, STEPDOWN_STATUS_TIMEOUT_MS, &agents));
    return rind_cluster_hsms(ctx, agents, members);
}

/*
 * Gets another member to lead. Nobody doing so is tried again and then left to the leader check;
 * for the caller that is no error, as the HSM did step down.
 */
static rind_status stepdown_assign(struct rind_ctx *ctx, struct rind_grant *grant,
                                   struct rind_cluster_hsm_list hsms,
                                   const struct stepdown_item *item, uint64_t last,
                                   struct rind_assign_result *result)
{
    const struct rind_cluster *cluster = rind_grant_cluster(grant);
    const struct rind_assign_request request = {
        .realm = item->group.realm, .group = item->group.group, .has_last = true, .last = last};
    *result = (struct rind_assign_result){0};
    for (unsigned attempt = 0; attempt < STEPDOWN_ASSIGN_ATTEMPTS_MAX; attempt++) {
        struct rind_cluster_hsm_list members;
        RIND_TRY(stepdown_ask_members(ctx, cluster, hsms, item, &members));
        const struct rind_cluster_hsm *other =
            rind_cluster_leader(members, &request.realm, &request.group);
        if (other != NULL && !rind_hsm_id_equal(&other->status->id, &item->hsm)) {
            return RIND_OK; /* somebody leads already: there were two */
        }
        RIND_TRY(rind_assign_leader(ctx, grant, members, &item->hsm, &request, result));
        if (result->is_assigned) {
            return RIND_OK;
        }
    }
    struct rind_log log =
        rind_log_with_hex(cluster->log, "group", rind_group_id_slice(&request.group));
    RIND_LOG_WARN(&log, "%s stepped down and nobody took over yet", item->url);
    return RIND_OK;
}

/* One item, under its grant. True if it is done and the next one may follow. */
static bool stepdown_move(struct rind_ctx *ctx, struct rind_grant *grant,
                          struct rind_cluster_hsm_list hsms, const struct stepdown_item *item,
                          struct rind_cluster_stepdown_response *response)
{
    const struct rind_agent_stepdown_request message = {.realm = item->group.realm,
                                                        .group = item->group.group};
    struct rind_agent_stepdown_response answer;
    unsigned http_status;
    rind_status status = rind_grant_call(ctx, grant, item->url, &rind_rpc_stepdown, &message,
                                         &answer, STEPDOWN_RPC_TIMEOUT_MS, &http_status);
    if (!rind_is_ok(status)) {
        *response = stepdown_rpc_error(ctx, status, http_status);
        return false;
    }
    switch (answer.kind) {
    case RIND_AGENT_STEPDOWN_OK:
        break;
    case RIND_AGENT_STEPDOWN_INVALID_REALM:
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_INVALID_REALM);
        return false;
    case RIND_AGENT_STEPDOWN_INVALID_GROUP:
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_INVALID_GROUP);
        return false;
    case RIND_AGENT_STEPDOWN_NOT_LEADER:
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_NOT_LEADER);
        return false;
    case RIND_AGENT_STEPDOWN_NO_HSM:
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_NO_HSM);
        return false;
    }
    struct rind_assign_result result;
    status = stepdown_assign(ctx, grant, hsms, item, answer.ok.last, &result);
    if (!rind_is_ok(status)) {
        *response = stepdown_rpc_error(ctx, status, 0);
        return false;
    }
    if (!result.is_assigned && result.has_rpc_error) {
        *response = (struct rind_cluster_stepdown_response){.kind = RIND_CLUSTER_STEPDOWN_RPC_ERROR,
                                                            .rpc_error = result.rpc_error};
        return false;
    }
    return true;
}

/* Takes the leases of all items, or none. */
static bool stepdown_obtain_all(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                                const struct stepdown_items *items, struct rind_grant *grants,
                                struct rind_cluster_stepdown_response *response)
{
    for (size_t i = 0; i < items->count; i++) {
        char key[RIND_LEASE_KEY_SIZE_MAX];
        rind_lease_key_group(&items->items[i].group.realm, &items->items[i].group.group, key);
        rind_status status = rind_grant_obtain(ctx, keeper, key, 0, &grants[i]);
        if (rind_is_ok(status)) {
            continue;
        }
        if (rind_is(status, RIND_E_BUSY)) {
            *response = (struct rind_cluster_stepdown_response){.kind = RIND_CLUSTER_STEPDOWN_BUSY,
                                                                .busy = items->items[i].group};
        } else {
            *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_NO_STORE);
        }
        while (i > 0) {
            i--;
            rind_grant_release(&grants[i]);
        }
        return false;
    }
    return true;
}

static void stepdown_move_all(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                              struct rind_cluster_hsm_list hsms, const struct stepdown_items *items,
                              struct rind_cluster_stepdown_response *response)
{
    struct rind_grant *grants = rind_ctx_alloc_array(ctx, items->count, sizeof(*grants));
    if (grants == NULL) {
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_NO_STORE);
        return;
    }
    if (!stepdown_obtain_all(ctx, keeper, items, grants, response)) {
        return;
    }
    *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_OK);
    bool is_going_on = true;
    for (size_t i = 0; i < items->count; i++) {
        is_going_on =
            is_going_on && stepdown_move(ctx, &grants[i], hsms, &items->items[i], response);
        rind_grant_release(&grants[i]);
    }
}

/* What is to be done; false with the response set if nothing can be. */
static bool stepdown_resolve(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                             const struct rind_cluster_stepdown_request *request,
                             struct rind_cluster_hsm_list *hsms, struct stepdown_items *items,
                             struct rind_cluster_stepdown_response *response)
{
    struct rind_cluster_agent_list agents;
    rind_status status =
        rind_cluster_ask_all(ctx, cluster, RIND_CLUSTER_STATUS_TIMEOUT_MS, &agents);
    if (rind_is_ok(status)) {
        status = rind_cluster_hsms(ctx, agents, hsms);
    }
    bool is_known = true;
    if (rind_is_ok(status)) {
        status = request->kind == RIND_CLUSTER_STEPDOWN_REQUEST_HSM
                     ? stepdown_list_hsm(ctx, *hsms, &request->hsm, &is_known, items)
                     : stepdown_list_group(ctx, *hsms, &request->group, items);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(cluster->log, "step-down: %s", ctx->sentence);
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_NO_STORE);
        return false;
    }
    if (!is_known) {
        *response = stepdown_answer(RIND_CLUSTER_STEPDOWN_INVALID_HSM);
    }
    return is_known;
}

void rind_stepdown(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                   const struct rind_cluster *cluster,
                   const struct rind_cluster_stepdown_request *request,
                   struct rind_cluster_stepdown_response *response)
{
    struct rind_cluster_hsm_list hsms;
    struct stepdown_items items = {0};
    if (stepdown_resolve(ctx, cluster, request, &hsms, &items, response)) {
        stepdown_move_all(ctx, keeper, hsms, &items, response);
    }
}

static const char *stepdown_name(enum rind_cluster_stepdown_response_kind kind)
{
    switch (kind) {
    case RIND_CLUSTER_STEPDOWN_OK:
        return "Ok";
    case RIND_CLUSTER_STEPDOWN_NO_HSM:
        return "NoHsm";
    case RIND_CLUSTER_STEPDOWN_NO_STORE:
        return "NoStore";
    case RIND_CLUSTER_STEPDOWN_NOT_LEADER:
        return "NotLeader";
    case RIND_CLUSTER_STEPDOWN_INVALID_REALM:
        return "InvalidRealm";
    case RIND_CLUSTER_STEPDOWN_INVALID_GROUP:
        return "InvalidGroup";
    case RIND_CLUSTER_STEPDOWN_INVALID_HSM:
        return "InvalidHsm";
    case RIND_CLUSTER_STEPDOWN_BUSY:
        return "Busy";
    case RIND_CLUSTER_STEPDOWN_RPC_ERROR:
        return "RpcError";
    }
    RIND_UNREACHABLE("every kind is above");
}

void rind_stepdown_print(struct rind_buffer *out,
                         const struct rind_cluster_stepdown_response *response)
{
    rind_buffer_print(out, "%s", stepdown_name(response->kind));
    if (response->kind == RIND_CLUSTER_STEPDOWN_BUSY) {
        rind_buffer_print(out, ": the group ");
        rind_buffer_append_hex(out, rind_group_id_slice(&response->busy.group));
        rind_buffer_print(out, " is busy with some other management task");
    } else if (response->kind == RIND_CLUSTER_STEPDOWN_RPC_ERROR) {
        rind_buffer_print(out, ": ");
        rind_rpc_error_print(out, &response->rpc_error);
    }
}
