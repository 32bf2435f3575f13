/* lost.c - see lost.h. */
#include "agent/lost.h"

#include "agent/leadership.h"

bool rind_lost_is_hole(const struct rind_leader *leader)
{
    return leader->admitted_count == 0 && leader->queued_count > 0 && !leader->is_closed &&
           leader->queue[leader->next % RIND_AGENT_QUEUE_MAX] == NULL;
}

/* The HSM's last index of the group it leads; false if it does not say. */
static bool lost_hsm_last(const struct rind_hsm_status_response *status,
                          const struct rind_agent_group *group, uint64_t *last)
{
    if (!status->has_realm || !rind_realm_id_equal(&status->realm.id, &group->realm)) {
        return false;
    }
    for (size_t i = 0; i < status->realm.groups.count; i++) {
        const struct rind_group_status *item = &status->realm.groups.items[i];
        if (rind_group_id_equal(&item->id, &group->id) && item->has_leader) {
            *last = item->leader.last;
            return true;
        }
    }
    return false;
}

void rind_lost_check(struct rind_ctx *ctx, struct rind_agent_group *group, uint64_t number,
                     uint64_t boot)
{
    struct rind_hsm_status_response status;
    if (!rind_is_ok(rind_hsm_link_status(&group->agent->hsm, ctx, &status))) {
        RIND_LOG_WARN(&group->log, "cannot ask the HSM for its last entry: %s", ctx->sentence);
        return; /* the suspicion stays, the committer comes back */
    }
    uint64_t last = 0;
    bool is_known = lost_hsm_last(&status, group, &last);
    bool is_complete = false;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, number);
    bool is_over = leader == NULL || leader->admitted_count > 0;
    if (!is_over) {
        is_complete = is_known && last <= leader->highest_seen && !rind_lost_is_hole(leader) &&
                      !leader->is_chain_broken;
        if (is_complete) {
            leader->is_reply_lost = false;
            rind_cond_broadcast(&group->progress);
            rind_cond_signal(&group->append_wanted);
        }
    }
    rind_mutex_unlock(&group->lock);
    if (is_over || is_complete) {
        return;
    }
    RIND_LOG_ERROR(&group->log,
                   "an entry the HSM made was lost on its way; giving up leadership by force");
    rind_leadership_step_down_quietly(ctx, group, boot, true);
}
