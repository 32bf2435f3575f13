/* routing.c - see routing.h. */
#include "balancer/routing.h"

#include <stdlib.h>

#include "base/assert.h"
#include "wire/range.h"

struct rind_routing {
    struct rind_routing_realm *realms; /* by id */
    size_t realm_count;
    struct rind_routing_entry *entries; /* those of one realm stand together */
    size_t entry_count;
};

static bool group_is_claimed(const struct rind_group_status *group)
{
    return group->has_leader && group->leader.has_owned_range;
}

rind_status rind_routing_claims_new(struct rind_ctx *ctx,
                                    const struct rind_agent_status_response *status,
                                    struct rind_routing_claims **result, size_t *dropped_count)
{
    *dropped_count = 0;
    if (!status->has_hsm || !status->hsm.has_realm) {
        *result = NULL;
        return RIND_OK;
    }
    const struct rind_realm_status *realm = &status->hsm.realm;
    size_t count_max = realm->groups.count;
    RIND_ASSERT(count_max <= RIND_WIRE_GROUPS_MAX); /* by the schema it was decoded with */
    struct rind_routing_claims *claims =
        calloc(1, sizeof(*claims) + count_max * sizeof(claims->claims[0]));
    RIND_REQUIRE(ctx, claims != NULL, RIND_E_LIMIT, "out of memory for an agent's status");
    claims->realm = realm->id;
    for (size_t i = 0; i < count_max; i++) {
        const struct rind_group_status *group = &realm->groups.items[i];
        if (!group_is_claimed(group)) {
            continue;
        }
        if (!rind_owned_range_is_valid(&group->leader.owned_range)) {
            (*dropped_count)++;
            continue;
        }
        claims->claims[claims->count++] = (struct rind_routing_claim){
            .group = group->id,
            .range = group->leader.owned_range,
            .role_clock = group->role.at,
        };
    }
    *result = claims;
    return RIND_OK;
}

static bool claim_equal(const struct rind_routing_claim *a, const struct rind_routing_claim *b)
{
    return rind_group_id_equal(&a->group, &b->group) &&
           rind_owned_range_equal(&a->range, &b->range) && a->role_clock == b->role_clock;
}

bool rind_routing_claims_equal(const struct rind_routing_claims *a,
                               const struct rind_routing_claims *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    if (!rind_realm_id_equal(&a->realm, &b->realm) || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!claim_equal(&a->claims[i], &b->claims[i])) {
            return false;
        }
    }
    return true;
}

static int realm_compare(const void *a, const void *b)
{
    return rind_realm_id_compare(&((const struct rind_routing_realm *)a)->id,
                                 &((const struct rind_routing_realm *)b)->id);
}

/* Lists the distinct realms, sorted. */
static void routing_list_realms(struct rind_routing *routing,
                                const struct rind_routing_agent *agents, size_t agent_count)
{
    for (size_t i = 0; i < agent_count; i++) {
        if (agents[i].claims != NULL) {
            routing->realms[routing->realm_count++].id = agents[i].claims->realm;
        }
    }
    if (routing->realm_count == 0) {
        return;
    }
    qsort(routing->realms, routing->realm_count, sizeof(routing->realms[0]), realm_compare);
    size_t kept = 1;
    for (size_t i = 1; i < routing->realm_count; i++) {
        if (realm_compare(&routing->realms[kept - 1], &routing->realms[i]) != 0) {
            routing->realms[kept++] = routing->realms[i];
        }
    }
    routing->realm_count = kept;
}

/* Groups stand together; within one, the likeliest leader comes first. */
static int entry_compare(const void *a, const void *b)
{
    const struct rind_routing_entry *x = a;
    const struct rind_routing_entry *y = b;
    int order = rind_group_id_compare(&x->group, &y->group);
    if (order != 0) {
        return order;
    }
    if (x->is_slow != y->is_slow) {
        return x->is_slow ? 1 : -1;
    }
    if (x->role_clock != y->role_clock) {
        return x->role_clock > y->role_clock ? -1 : 1;
    }
    return x->order < y->order ? -1 : x->order > y->order;
}

static void realm_add_agent(struct rind_routing_entry *entries, size_t *count,
                            const struct rind_routing_agent *agent, uint32_t order)
{
    for (size_t i = 0; i < agent->claims->count; i++) {
        const struct rind_routing_claim *claim = &agent->claims->claims[i];
        entries[(*count)++] = (struct rind_routing_entry){
            .group = claim->group,
            .range = claim->range,
            .role_clock = claim->role_clock,
            .target = rind_agent_target_retain(agent->target),
            .is_slow = agent->is_slow,
            .order = order,
        };
    }
}

static void routing_fill(struct rind_routing *routing, const struct rind_routing_agent *agents,
                         size_t agent_count)
{
    routing_list_realms(routing, agents, agent_count);
    for (size_t r = 0; r < routing->realm_count; r++) {
        struct rind_routing_realm *realm = &routing->realms[r];
        struct rind_routing_entry *entries = routing->entries + routing->entry_count;
        for (size_t a = 0; a < agent_count; a++) {
            const struct rind_routing_claims *claims = agents[a].claims;
            if (claims != NULL && rind_realm_id_equal(&claims->realm, &realm->id)) {
                realm_add_agent(entries, &realm->entry_count, &agents[a], (uint32_t)a);
            }
        }
        qsort(entries, realm->entry_count, sizeof(entries[0]), entry_compare);
        realm->entries = entries;
        routing->entry_count += realm->entry_count;
    }
}

rind_status rind_routing_new(struct rind_ctx *ctx, const struct rind_routing_agent *agents,
                             size_t agent_count, struct rind_routing **result)
{
    size_t entry_count = 0;
    for (size_t i = 0; i < agent_count; i++) {
        entry_count += agents[i].claims != NULL ? agents[i].claims->count : 0;
    }
    struct rind_routing *routing = calloc(1, sizeof(*routing));
    if (routing != NULL) {
        routing->realms = calloc(agent_count + 1, sizeof(routing->realms[0]));
        routing->entries = calloc(entry_count + 1, sizeof(routing->entries[0]));
    }
    if (routing == NULL || routing->realms == NULL || routing->entries == NULL) {
        rind_routing_free(routing);
        return rind_fail(ctx, RIND_E_LIMIT, "out of memory for a routing table");
    }
    routing_fill(routing, agents, agent_count);
    RIND_ASSERT(routing->entry_count == entry_count);
    *result = routing;
    return RIND_OK;
}

void rind_routing_free(void *pointer)
{
    struct rind_routing *routing = pointer;
    if (routing == NULL) {
        return;
    }
    for (size_t i = 0; i < routing->entry_count; i++) {
        rind_agent_target_release(routing->entries[i].target);
    }
    free(routing->entries);
    free(routing->realms);
    free(routing);
}

const struct rind_routing_realm *rind_routing_find(const struct rind_routing *routing,
                                                   const struct rind_realm_id *realm)
{
    struct rind_routing_realm key = {.id = *realm};
    return bsearch(&key, routing->realms, routing->realm_count, sizeof(routing->realms[0]),
                   realm_compare);
}

size_t rind_routing_realm_count(const struct rind_routing *routing)
{
    return routing->realm_count;
}

const struct rind_routing_entry *rind_routing_next(const struct rind_routing_realm *realm,
                                                   const struct rind_record_id *record,
                                                   size_t *position)
{
    while (*position < realm->entry_count) {
        const struct rind_routing_entry *entry = &realm->entries[(*position)++];
        if (rind_owned_range_contains(&entry->range, record)) {
            return entry;
        }
    }
    return NULL;
}
