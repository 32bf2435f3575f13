/* agent_list.c - see agent_list.h. */
#include "balancer/agent_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static void agent_state_fini(struct rind_agent_state *agent)
{
    rind_agent_target_release(agent->target);
    free(agent->claims);
}

void rind_agent_list_fini(struct rind_agent_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        agent_state_fini(&list->agents[i]);
    }
    free(list->agents);
    *list = (struct rind_agent_list){0};
}

static struct rind_agent_state *agent_list_find_url(const struct rind_agent_list *list,
                                                    const char *url)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->agents[i].target->url, url) == 0) {
            return &list->agents[i];
        }
    }
    return NULL;
}

/* True if the list names exactly these services, in this order. */
static bool agent_list_matches(const struct rind_agent_list *list,
                               const struct rind_services *services)
{
    if (list->count != services->count) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->agents[i].target->url, services->services[i].url) != 0) {
            return false;
        }
    }
    return true;
}

/* The state of the service `url` in the next list: moved over from this one, or new. */
static rind_status agent_list_carry(struct rind_ctx *ctx, struct rind_agent_list *list,
                                    const char *url, struct rind_agent_state *next)
{
    struct rind_agent_state *known = agent_list_find_url(list, url);
    if (known == NULL) {
        return rind_agent_target_new(ctx, url, &next->target);
    }
    next->target = rind_agent_target_retain(known->target);
    next->is_slow = known->is_slow;
    next->claims = known->claims;
    known->claims = NULL;
    return RIND_OK;
}

rind_status rind_agent_list_replace(struct rind_ctx *ctx, struct rind_agent_list *list,
                                    const struct rind_services *services, size_t count_max,
                                    struct rind_agent_list_change *change)
{
    *change = (struct rind_agent_list_change){0};
    if (agent_list_matches(list, services)) {
        return RIND_OK;
    }
    struct rind_agent_list next = {.agents = calloc(services->count + 1, sizeof(next.agents[0]))};
    RIND_REQUIRE(ctx, next.agents != NULL, RIND_E_LIMIT, "out of memory for the list of agents");
    for (size_t i = 0; i < services->count; i++) {
        rind_status status =
            next.count < count_max
                ? agent_list_carry(ctx, list, services->services[i].url, &next.agents[next.count])
                : rind_fail(ctx, RIND_E_LIMIT, "more than %zu agents are registered", count_max);
        if (rind_is_ok(status)) {
            next.count++;
        } else {
            change->ignored_count++; /* one bad registration must not hide the others */
        }
    }
    change->is_changed = true;
    rind_agent_list_fini(list);
    *list = next;
    return RIND_OK;
}

rind_status rind_agent_list_targets(struct rind_ctx *ctx, const struct rind_agent_list *list,
                                    bool is_slow, struct rind_agent_target ***result,
                                    size_t *result_count)
{
    size_t count = 0;
    struct rind_agent_target **targets =
        rind_ctx_alloc_array(ctx, list->count + 1, sizeof(struct rind_agent_target *));
    if (targets == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->agents[i].is_slow == is_slow) {
            targets[count++] = rind_agent_target_retain(list->agents[i].target);
        }
    }
    *result = targets;
    *result_count = count;
    return RIND_OK;
}

bool rind_agent_list_note(struct rind_agent_list *list, const struct rind_agent_target *target,
                          enum rind_agent_outcome outcome, struct rind_routing_claims *claims_take,
                          bool is_patient)
{
    struct rind_agent_state *agent = NULL;
    for (size_t i = 0; i < list->count && agent == NULL; i++) {
        agent = list->agents[i].target == target ? &list->agents[i] : NULL;
    }
    if (agent == NULL) {
        free(claims_take);
        return false;
    }
    bool is_slow = outcome == RIND_AGENT_TIMED_OUT;
    bool is_changed = is_slow != agent->is_slow;
    agent->is_slow = is_slow;
    if (is_slow && !is_patient) {
        RIND_ASSERT(claims_take == NULL);
        return is_changed; /* what it said stands until the patient poll knows better */
    }
    is_changed = is_changed || !rind_routing_claims_equal(agent->claims, claims_take);
    free(agent->claims);
    agent->claims = claims_take;
    return is_changed;
}

bool rind_agent_list_has_slow(const struct rind_agent_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->agents[i].is_slow) {
            return true;
        }
    }
    return false;
}

rind_status rind_agent_list_route(struct rind_ctx *ctx, const struct rind_agent_list *list,
                                  struct rind_routing **routing)
{
    struct rind_routing_agent *agents = rind_ctx_alloc_array(ctx, list->count + 1, sizeof(*agents));
    if (agents == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < list->count; i++) {
        agents[i] = (struct rind_routing_agent){.target = list->agents[i].target,
                                                .claims = list->agents[i].claims,
                                                .is_slow = list->agents[i].is_slow};
    }
    return rind_routing_new(ctx, agents, list->count, routing);
}
