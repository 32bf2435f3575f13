/* gather.c - see gather.h. */
#include "cluster/gather.h"

#include <stdlib.h>

#include "rpc/rpc.h"

static rind_status gather_copy_sentence(struct rind_ctx *ctx, const char *sentence,
                                        const char **copy)
{
    struct rind_slice text;
    RIND_REQUIRE(
        ctx, rind_arena_copy(ctx->arena, rind_slice_make(sentence, strlen(sentence) + 1), &text),
        RIND_E_LIMIT, "no memory for the agents' answers");
    *copy = (const char *)text.data;
    return RIND_OK;
}

/* Which agents are waited for only briefly. */
struct gather_silent {
    const char *const *urls;
    size_t count;
};

static bool gather_is_silent(const struct gather_silent *silent, const char *url)
{
    for (size_t i = 0; i < silent->count; i++) {
        if (strcmp(silent->urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

static rind_status gather_collect(struct rind_ctx *ctx, struct rind_rpc_fan *fan,
                                  const struct gather_silent *silent,
                                  struct rind_cluster_agent *agents, size_t count)
{
    struct rind_deadline brief = rind_deadline_in_ms(RIND_CLUSTER_SILENT_TIMEOUT_MS);
    size_t awaited = 0; /* agents that get the whole time and have not answered */
    for (size_t i = 0; i < count; i++) {
        awaited += gather_is_silent(silent, agents[i].url) ? 0 : 1;
    }
    struct rind_rpc_result result;
    struct rind_agent_status_response response;
    if (awaited == 0) {
        fan->deadline = rind_deadline_min(fan->deadline, brief);
    }
    while (rind_rpc_fan_next(ctx, fan, &response, &result)) {
        struct rind_cluster_agent *agent = &agents[result.index];
        if (rind_is_ok(result.status)) {
            agent->has_answered = true;
            agent->response = response;
        } else {
            RIND_TRY(gather_copy_sentence(ctx, result.sentence, &agent->fault));
        }
        awaited -= gather_is_silent(silent, agent->url) ? 0 : 1;
        if (awaited == 0) {
            fan->deadline = rind_deadline_min(fan->deadline, brief);
        }
    }
    return RIND_OK;
}

static rind_status gather_ask(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                              const char *const *urls, size_t count, uint64_t timeout_ms,
                              const struct gather_silent *silent,
                              struct rind_cluster_agent_list *agents)
{
    struct rind_cluster_agent *items = rind_ctx_alloc_array(ctx, count, sizeof(*items));
    RIND_REQUIRE(ctx, items != NULL, RIND_E_LIMIT, "no memory for %zu agents", count);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct rind_cluster_agent){.url = urls[i], .fault = "no answer in time"};
    }
    const struct rind_agent_status_request request = {0};
    struct rind_rpc_fan fan;
    RIND_TRY(rind_rpc_fan_open(ctx, cluster->client, urls, count, &rind_rpc_status, &request,
                               rind_deadline_in_ms(timeout_ms), &fan));
    rind_status collected = gather_collect(ctx, &fan, silent, items, count);
    rind_rpc_fan_close(&fan);
    RIND_TRY(collected);
    agents->items = items;
    agents->count = count;
    return RIND_OK;
}

rind_status rind_cluster_ask(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                             const char *const *urls, size_t count, uint64_t timeout_ms,
                             struct rind_cluster_agent_list *agents)
{
    const struct gather_silent nobody = {0};
    return gather_ask(ctx, cluster, urls, count, timeout_ms, &nobody, agents);
}

rind_status rind_cluster_ask_impatiently(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                         uint64_t timeout_ms, const char *const *silent,
                                         size_t silent_count,
                                         struct rind_cluster_agent_list *agents)
{
    const struct gather_silent impatient = {silent, silent_count};
    struct rind_services services;
    RIND_TRY(rind_store_discovery_lookup(ctx, cluster->store, RIND_SERVICE_AGENT,
                                         rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &services));
    const char **urls = rind_ctx_alloc_array(ctx, services.count, sizeof(*urls));
    RIND_REQUIRE(ctx, urls != NULL, RIND_E_LIMIT, "no memory for %zu agents", services.count);
    for (size_t i = 0; i < services.count; i++) {
        urls[i] = services.services[i].url;
    }
    return gather_ask(ctx, cluster, urls, services.count, timeout_ms, &impatient, agents);
}

rind_status rind_cluster_ask_all(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                 uint64_t timeout_ms, struct rind_cluster_agent_list *agents)
{
    return rind_cluster_ask_impatiently(ctx, cluster, timeout_ms, NULL, 0, agents);
}

static struct rind_cluster_hsm *gather_find_hsm(struct rind_cluster_hsm *hsms, size_t count,
                                                const struct rind_hsm_id *id)
{
    for (size_t i = 0; i < count; i++) {
        if (rind_hsm_id_equal(&hsms[i].status->id, id)) {
            return &hsms[i];
        }
    }
    return NULL;
}

rind_status rind_cluster_hsms(struct rind_ctx *ctx, struct rind_cluster_agent_list agents,
                              struct rind_cluster_hsm_list *hsms)
{
    struct rind_cluster_hsm *items = rind_ctx_alloc_array(ctx, agents.count, sizeof(*items));
    RIND_REQUIRE(ctx, items != NULL, RIND_E_LIMIT, "no memory for %zu HSMs", agents.count);
    size_t count = 0;
    for (size_t i = 0; i < agents.count; i++) {
        const struct rind_cluster_agent *agent = &agents.items[i];
        if (!agent->has_answered || !agent->response.has_hsm) {
            continue;
        }
        struct rind_cluster_hsm *hsm = gather_find_hsm(items, count, &agent->response.hsm.id);
        if (hsm == NULL) {
            hsm = &items[count];
            count++;
        }
        *hsm = (struct rind_cluster_hsm){.url = rind_slice_text(agent->url),
                                         .agent_name = agent->response.agent.name,
                                         .status = &agent->response.hsm,
                                         .agent = &agent->response};
    }
    hsms->items = items;
    hsms->count = count;
    return RIND_OK;
}

rind_status rind_cluster_check_single(struct rind_ctx *ctx, struct rind_cluster_agent_list agents)
{
    for (size_t i = 0; i < agents.count; i++) {
        const struct rind_cluster_agent *one = &agents.items[i];
        for (size_t j = 0; one->has_answered && one->response.has_hsm && j < i; j++) {
            const struct rind_cluster_agent *other = &agents.items[j];
            char id[RIND_HEX_SIZE(sizeof(one->response.hsm.id.bytes))];
            rind_hex_encode(RIND_SLICE_OF(one->response.hsm.id.bytes), id);
            RIND_REQUIRE(ctx,
                         !other->has_answered || !other->response.has_hsm ||
                             !rind_hsm_id_equal(&one->response.hsm.id, &other->response.hsm.id),
                         RIND_E_INVALID,
                         "%s and %s both serve HSM %s: end one of the agents; if the HSM's state "
                         "was copied, end that HSM too and remove the copy: it gives guesses back",
                         other->url, one->url, id);
        }
    }
    return RIND_OK;
}

static int gather_compare_group(const void *left, const void *right)
{
    const struct rind_cluster_group *a = left;
    const struct rind_cluster_group *b = right;
    int order = rind_realm_id_compare(&a->realm, &b->realm);
    return order != 0 ? order : rind_group_id_compare(&a->group, &b->group);
}

rind_status rind_cluster_groups(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                struct rind_cluster_group_list *groups)
{
    size_t reported = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        reported += status->has_realm ? status->realm.groups.count : 0;
    }
    struct rind_cluster_group *items = rind_ctx_alloc_array(ctx, reported, sizeof(*items));
    RIND_REQUIRE(ctx, items != NULL, RIND_E_LIMIT, "no memory for %zu groups", reported);
    size_t count = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        for (size_t g = 0; status->has_realm && g < status->realm.groups.count; g++) {
            items[count] = (struct rind_cluster_group){.realm = status->realm.id,
                                                       .group = status->realm.groups.items[g].id};
            count++;
        }
    }
    qsort(items, count, sizeof(*items), gather_compare_group);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || gather_compare_group(&items[kept - 1], &items[i]) != 0) {
            items[kept] = items[i];
            kept++;
        }
    }
    groups->items = items;
    groups->count = kept;
    return RIND_OK;
}

const struct rind_cluster_hsm *rind_cluster_leader(struct rind_cluster_hsm_list hsms,
                                                   const struct rind_realm_id *realm,
                                                   const struct rind_group_id *group)
{
    const struct rind_cluster_hsm *best = NULL;
    uint64_t best_committed = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *found =
            rind_cluster_find_group(hsms.items[i].status, realm, group);
        if (found == NULL || !found->has_leader) {
            continue;
        }
        uint64_t committed = found->leader.has_committed ? found->leader.committed : 0;
        if (best == NULL || committed > best_committed) {
            best = &hsms.items[i];
            best_committed = committed;
        }
    }
    return best;
}
