/* append_queue.c - see append_queue.h. */
#include "agent/append_queue.h"

#include "agent/agent.h"

bool rind_append_lingers(const struct rind_leader *leader)
{
    bool is_batch_under_way =
        leader->has_last_appended && leader->committed < leader->last_appended.index;
    return leader->is_lingering && is_batch_under_way && leader->admitted_count > 0 &&
           leader->queued_count < RIND_LOG_BATCH_ENTRIES_MAX && !leader->is_reply_lost;
}

static bool leader_is_full(const struct rind_leader *leader)
{
    return leader->is_reply_lost ||
           leader->admitted_count + leader->queued_count + leader->appending_count >=
               RIND_AGENT_ADMITTED_MAX;
}

/* Stepping down, the HSM answers NotLeader anyway; after a conflict nothing is appended. */
static bool group_takes_requests(const struct rind_agent_group *group)
{
    return group->leader != NULL && !group->leader->is_closed &&
           group->role.role.kind == RIND_ROLE_LEADER;
}

rind_status rind_append_admit(struct rind_ctx *ctx, struct rind_agent_group *group,
                              struct rind_deadline deadline, struct rind_admission *admission)
{
    rind_mutex_lock(&group->lock);
    while (group_takes_requests(group) && leader_is_full(group->leader) &&
           !rind_deadline_has_expired(deadline)) {
        (void)rind_cond_wait(&group->progress, &group->lock, deadline);
    }
    bool is_leading = group_takes_requests(group);
    bool is_admitted = is_leading && !leader_is_full(group->leader);
    if (is_admitted) {
        group->leader->admitted_count++;
        *admission = (struct rind_admission){group, group->leader->number, group->hsm_boot};
    }
    rind_mutex_unlock(&group->lock);
    RIND_REQUIRE(ctx, is_leading, RIND_E_PRECONDITION, "this agent does not lead the group");
    RIND_REQUIRE(ctx, is_admitted, RIND_E_BUSY,
                 "%u requests of the group wait for the log; the store or the HSM is too slow",
                 RIND_AGENT_ADMITTED_MAX);
    return RIND_OK;
}

/* The leadership, with this admission settled; NULL if it is over. Lock held. */
static struct rind_leader *admission_settle(const struct rind_admission *admission)
{
    struct rind_agent_group *group = admission->group;
    struct rind_leader *leader = rind_leader_of(group, admission->number);
    if (leader != NULL) {
        RIND_ASSERT(leader->admitted_count > 0);
        leader->admitted_count--;
        rind_cond_broadcast(&group->progress);
        if (leader->admitted_count == 0) {
            rind_cond_signal(&group->commit_wanted); /* a suspicion can be looked into now */
            rind_cond_signal(&group->append_wanted); /* nothing to linger for any more */
        }
    }
    return leader;
}

void rind_append_refused(const struct rind_admission *admission)
{
    rind_mutex_lock(&admission->group->lock);
    (void)admission_settle(admission);
    rind_mutex_unlock(&admission->group->lock);
}

void rind_append_reply_lost(const struct rind_admission *admission)
{
    rind_mutex_lock(&admission->group->lock);
    struct rind_leader *leader = admission_settle(admission);
    if (leader != NULL) {
        leader->is_reply_lost = true;
        rind_cond_signal(&admission->group->commit_wanted);
    }
    rind_mutex_unlock(&admission->group->lock);
}

/* Moves the basis over all queued entries that follow it without a gap. */
static void leader_advance_basis(struct rind_leader *leader)
{
    uint64_t index = leader->has_basis ? leader->basis.index + 1 : leader->starting;
    for (;; index++) {
        const struct rind_append_item *item = leader->queue[index % RIND_AGENT_QUEUE_MAX];
        if (item == NULL || item->entry.index != index) {
            return;
        }
        leader->basis = item->entry;
        leader->has_basis = true;
    }
}

/* True if the queue has a free place for exactly this index. */
static bool leader_has_place(const struct rind_leader *leader, uint64_t index)
{
    return index >= leader->next && index - leader->next < RIND_AGENT_QUEUE_MAX &&
           leader->queue[index % RIND_AGENT_QUEUE_MAX] == NULL;
}

/* Queues the item and parks the waiter; false if it has no place here. Lock held. */
static bool leader_enqueue(struct rind_leader *leader, struct rind_append_item *item,
                           struct rind_app_waiter *waiter)
{
    if (leader->is_closed || !leader_has_place(leader, item->entry.index)) {
        return false;
    }
    if (waiter != NULL && !rind_map32_put(&leader->waiters, item->entry.entry_mac.bytes,
                                          (union rind_map32_value){.pointer = waiter})) {
        return false; /* more waiting clients than RIND_AGENT_WAITERS_MAX */
    }
    leader->queue[item->entry.index % RIND_AGENT_QUEUE_MAX] = item;
    leader->queued_count++;
    if (item->entry.index > leader->highest_seen) {
        leader->highest_seen = item->entry.index;
    }
    leader_advance_basis(leader);
    return true;
}

bool rind_append_enqueue_take(const struct rind_admission *admission, struct rind_append_item *item,
                              struct rind_app_waiter *waiter)
{
    struct rind_agent_group *group = admission->group;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    /* Before others can see the entry, so that their proofs find its nodes. */
    item->is_pinned = rind_is_ok(rind_store_pin_nodes(&ctx, group->agent->store, &group->realm,
                                                      item->delta.add, item->delta.add_count));
    if (waiter != NULL) {
        waiter->index = item->entry.index;
        waiter->mac = item->entry.entry_mac;
        waiter->changes_tree = item->delta.add_count + item->delta.remove_count > 0;
        waiter->start_ns = rind_clock_monotonic_ns();
    }
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = admission_settle(admission);
    bool is_enqueued = leader != NULL && leader_enqueue(leader, item, waiter);
    if (is_enqueued) {
        if (!rind_append_lingers(leader)) {
            rind_cond_signal(&group->append_wanted);
        }
    } else if (leader != NULL && !leader->is_closed) {
        /* A leadership that cannot take an entry of its HSM has a hole: it must end. */
        leader->is_chain_broken = true;
        leader->is_reply_lost = true;
        rind_cond_signal(&group->commit_wanted);
    }
    rind_mutex_unlock(&group->lock);
    if (!is_enqueued) {
        rind_item_unpin(group, item);
        rind_append_item_free(item);
    }
    return is_enqueued;
}

bool rind_append_basis(const struct rind_admission *admission, struct rind_log_entry *basis)
{
    rind_mutex_lock(&admission->group->lock);
    struct rind_leader *leader = rind_leader_of(admission->group, admission->number);
    bool has_basis = leader != NULL && leader->has_basis;
    if (has_basis) {
        *basis = leader->basis;
    }
    rind_mutex_unlock(&admission->group->lock);
    return has_basis;
}

void rind_append_offer_basis(const struct rind_admission *admission,
                             const struct rind_log_entry *entry)
{
    rind_mutex_lock(&admission->group->lock);
    struct rind_leader *leader = rind_leader_of(admission->group, admission->number);
    if (leader != NULL && !leader->has_basis && entry->index + 1 == leader->starting) {
        leader->basis = *entry;
        leader->has_basis = true;
        leader_advance_basis(leader);
    }
    rind_mutex_unlock(&admission->group->lock);
}
