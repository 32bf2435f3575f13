/* state.c - see state.h. */
#include "agent/state.h"

#include <stdlib.h>

#include "agent/agent.h"
#include "agent/waiter.h"

uint64_t rind_index_after(uint64_t index)
{
    return index < UINT64_MAX ? index + 1 : index;
}

static uint64_t role_starting(const struct rind_role_status *role)
{
    return role->role.kind == RIND_ROLE_LEADER ? role->role.leader.starting
                                               : role->role.stepping_down.leader_starting;
}

static uint64_t role_leader_clock(const struct rind_role_status *role)
{
    return role->role.kind == RIND_ROLE_LEADER ? role->at : role->at - 1;
}

struct rind_leader *rind_leader_new(uint64_t number, const struct rind_role_status *role)
{
    RIND_ASSERT(role->role.kind != RIND_ROLE_WITNESS);
    struct rind_leader *leader = calloc(1, sizeof(*leader));
    RIND_ASSERT(leader != NULL);
    leader->number = number;
    leader->clock = role_leader_clock(role);
    leader->starting = role_starting(role);
    leader->next = leader->starting;
    leader->highest_seen = leader->starting > 0 ? leader->starting - 1 : 0;
    leader->progress_at_ns = rind_clock_monotonic_ns();
    rind_map32_init(&leader->waiters, RIND_AGENT_WAITERS_MAX);
    return leader;
}

bool rind_leader_is_of(const struct rind_leader *leader, const struct rind_role_status *role)
{
    return role->role.kind != RIND_ROLE_WITNESS && leader->clock == role_leader_clock(role) &&
           leader->starting == role_starting(role);
}

struct rind_leader *rind_leader_of(struct rind_agent_group *group, uint64_t number)
{
    return group->leader != NULL && group->leader->number == number ? group->leader : NULL;
}

/*
 * NotLeader says that nothing came of the request, so callers send it to the next leader: true only
 * of what was never given to the store. The entry of any other waiter may be in the log and commit
 * under the next leader, and a repeated Recover2 would spend a second guess.
 */
static enum rind_agent_app_response_kind leader_refusal(const struct rind_leader *leader,
                                                        const struct rind_app_waiter *waiter)
{
    return waiter->index >= leader->next ? RIND_AGENT_APP_NOT_LEADER : RIND_AGENT_APP_NO_HSM;
}

void rind_leader_retire(struct rind_agent_group *group, struct rind_leader *leader)
{
    if (leader == NULL) {
        return;
    }
    size_t cursor = 0;
    const uint8_t *mac;
    union rind_map32_value value;
    while (rind_map32_next(&leader->waiters, &cursor, &mac, &value)) {
        rind_app_waiter_refuse_take(value.pointer, leader_refusal(leader, value.pointer));
    }
    rind_map32_fini(&leader->waiters);
    for (size_t i = 0; i < RIND_AGENT_QUEUE_MAX; i++) {
        if (leader->queue[i] != NULL) {
            rind_item_unpin(group, leader->queue[i]);
            rind_append_item_free(leader->queue[i]);
        }
    }
    free(leader->rows);
    free(leader);
}

void rind_item_unpin(struct rind_agent_group *group, struct rind_append_item *item)
{
    if (item->is_pinned) {
        rind_store_unpin_nodes(group->agent->store, &group->realm, item->delta.add,
                               item->delta.add_count);
        item->is_pinned = false;
    }
}
