/* role.c - see role.h. */
#include "agent/role.h"

#include "agent/agent.h"

static const char *role_name(const struct rind_role_status *role)
{
    switch (role->role.kind) {
    case RIND_ROLE_LEADER:
        return "leader";
    case RIND_ROLE_STEPPING_DOWN:
        return "stepping down";
    case RIND_ROLE_WITNESS:
        return "witness";
    }
    return "unknown";
}

/* Wakes all that look at the role. Group's lock held. */
static void role_wake_all(struct rind_agent_group *group)
{
    rind_cond_broadcast(&group->append_wanted);
    rind_cond_broadcast(&group->watch_wanted);
    rind_cond_broadcast(&group->commit_wanted);
    rind_cond_broadcast(&group->poll_wanted);
    rind_cond_broadcast(&group->compact_wanted);
    rind_cond_broadcast(&group->progress);
}

/* Stores the role and makes the leadership fit. Returns the one it replaced. Lock held. */
static struct rind_leader *role_store(struct rind_agent_group *group,
                                      const struct rind_role_status *role)
{
    group->role = *role;
    struct rind_leader *retired = NULL;
    if (group->leader != NULL && !rind_leader_is_of(group->leader, role)) {
        retired = group->leader;
        group->leader = NULL;
    }
    if (group->leader == NULL && role->role.kind != RIND_ROLE_WITNESS) {
        group->leader = rind_leader_new(rind_agent_next_leader_number(group->agent), role);
        for (size_t i = 0; i < group->other_count; i++) {
            group->others[i].has_captured = false; /* what members reported to an older leader */
        }
    }
    role_wake_all(group);
    return retired;
}

bool rind_role_equal(const struct rind_group_member_role *a, const struct rind_group_member_role *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case RIND_ROLE_LEADER:
        return a->leader.starting == b->leader.starting;
    case RIND_ROLE_STEPPING_DOWN:
        return a->stepping_down.leader_starting == b->stepping_down.leader_starting;
    case RIND_ROLE_WITNESS:
        return true;
    }
    return false;
}

void rind_role_apply(struct rind_agent_group *group, uint64_t boot,
                     const struct rind_role_status *role)
{
    struct rind_leader *retired = NULL;
    bool is_changed = false;
    bool is_contradiction = false;
    rind_mutex_lock(&group->lock);
    if (boot == group->hsm_boot && role->at > group->role.at) {
        retired = role_store(group, role);
        is_changed = true;
    } else if (boot == group->hsm_boot && role->at == group->role.at) {
        /* Only a host that mixes up replies can cause it. */
        is_contradiction = !rind_role_equal(&role->role, &group->role.role);
    }
    rind_mutex_unlock(&group->lock);
    if (is_changed) {
        RIND_LOG_INFO(&group->log, "role is now %s (@%llu)", role_name(role),
                      (unsigned long long)role->at);
    }
    if (is_contradiction) {
        RIND_LOG_ERROR(&group->log, "the HSM reported two roles at clock %llu: was it restarted?",
                       (unsigned long long)role->at);
    }
    if (retired != NULL) {
        rind_store_forget_last_write(group->agent->store, &group->realm, &group->id);
    }
    rind_leader_retire(group, retired);
}

void rind_role_restart(struct rind_agent_group *group, uint64_t boot,
                       const struct rind_role_status *role)
{
    rind_mutex_lock(&group->lock);
    group->hsm_boot = boot;
    struct rind_leader *retired = group->leader;
    group->leader = NULL;
    group->role = *role;
    (void)role_store(group, role);
    rind_mutex_unlock(&group->lock);
    RIND_LOG_WARN(&group->log, "the HSM was restarted; role is now %s (@%llu)", role_name(role),
                  (unsigned long long)role->at);
    rind_store_forget_last_write(group->agent->store, &group->realm, &group->id);
    rind_leader_retire(group, retired);
}
