/*
 * watchdog.c - notices when agent and HSM no longer agree, and mends it. Spec 06 section 9.6 and
 * section 16 item 16.
 *
 * Each disagreement has a remedy that ends in a state the
 * cluster manager can work with.
 */
#include "agent/jobs.h"

#include "agent/leadership.h"
#include "agent/lost.h"
#include "agent/role.h"

#define WATCHDOG_PERIOD_MS 1000u
#define WATCHDOG_SUSPECT_COUNT 5u
/* Entries that do not get committed for so long are reported. */
#define WATCHDOG_STALL_MS 30000u

static void watchdog_report(struct rind_agent_group *group, const char *what)
{
    RIND_LOG_ERROR(&group->log, "watchdog: %s", what);
    rind_metrics_event(group->agent->metrics, "Agent watchdog triggered", what, group->tags, 2);
}

/* The HSM leads but nobody here drives it. Clients of the group get no service until it stops. */
static void watchdog_check_hsm(struct rind_job *job, struct rind_agent_group *group,
                               const struct rind_group_status *status, bool is_leading,
                               uint64_t boot)
{
    bool is_leader_by_hsm = status->role.role.kind != RIND_ROLE_WITNESS;
    bool is_suspect =
        is_leader_by_hsm && !is_leading && status->has_captured && status->captured.index > 1;
    group->suspect_hsm_count = is_suspect ? group->suspect_hsm_count + 1 : 0;
    if (group->suspect_hsm_count >= WATCHDOG_SUSPECT_COUNT) {
        group->suspect_hsm_count = 0;
        watchdog_report(group, "group in suspect state (hsm is leader, agent is not)");
        rind_leadership_step_down_quietly(&job->ctx, group, boot, true);
    }
}

/* We lead but the HSM does not: a role report got lost. The status is as good as a report. */
static void watchdog_check_agent(struct rind_agent_group *group,
                                 const struct rind_group_status *status, bool is_leading,
                                 uint64_t boot)
{
    bool is_suspect = is_leading && status->role.role.kind == RIND_ROLE_WITNESS;
    group->suspect_agent_count = is_suspect ? group->suspect_agent_count + 1 : 0;
    if (group->suspect_agent_count >= WATCHDOG_SUSPECT_COUNT) {
        group->suspect_agent_count = 0;
        watchdog_report(group, "group in suspect state (agent is leader, hsm is not)");
        rind_role_apply(group, boot, &status->role);
    }
}

/* Starts a search for an entry that nobody can bring any more; reports commits that stand still. */
static void watchdog_check_progress(struct rind_agent_group *group)
{
    bool is_stalled = false;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = group->leader;
    if (leader != NULL) {
        if (rind_lost_is_hole(leader) && !leader->is_reply_lost) {
            leader->is_reply_lost = true;
            rind_cond_signal(&group->commit_wanted);
        }
        bool is_waiting =
            leader->has_last_appended && leader->last_appended.index > leader->committed;
        uint64_t now_ns = rind_clock_monotonic_ns();
        if (is_waiting && now_ns - leader->progress_at_ns > WATCHDOG_STALL_MS * RIND_NS_PER_MS) {
            is_stalled = true;
            leader->progress_at_ns = now_ns; /* say it once per period */
        }
    }
    rind_mutex_unlock(&group->lock);
    if (is_stalled) {
        watchdog_report(group, "entries are appended but not committed: a majority of the group's "
                               "members does not persist them");
    }
}

static void watchdog_check_group(struct rind_job *job, struct rind_agent_group *group,
                                 const struct rind_group_status *status, uint64_t boot)
{
    rind_mutex_lock(&group->lock);
    bool is_leading = group->leader != NULL;
    rind_mutex_unlock(&group->lock);
    watchdog_check_hsm(job, group, status, is_leading, boot);
    watchdog_check_agent(group, status, is_leading, boot);
}

static void watchdog_round(struct rind_job *job)
{
    struct rind_agent *agent = job->agent;
    struct rind_agent_group *groups[RIND_AGENT_GROUPS_MAX];
    size_t count = rind_agent_groups(agent, groups);
    for (size_t i = 0; i < count; i++) {
        watchdog_check_progress(groups[i]);
    }
    struct rind_hsm_status_response status;
    uint64_t boot = rind_agent_hsm_boot(agent);
    rind_status outcome = rind_hsm_status_get(&job->ctx, agent->status, 0,
                                              rind_deadline_in_ms(WATCHDOG_PERIOD_MS), &status);
    if (!rind_is_ok(outcome)) {
        RIND_LOG_WARN(&agent->log, "watchdog: %s", job->ctx.sentence);
        return;
    }
    for (size_t i = 0; status.has_realm && i < status.realm.groups.count; i++) {
        const struct rind_group_status *item = &status.realm.groups.items[i];
        struct rind_agent_group *group =
            rind_agent_find_group(agent, &status.realm.id, &item->id, NULL);
        if (group != NULL) {
            watchdog_check_group(job, group, item, boot);
        }
    }
}

void rind_job_watchdog(void *self)
{
    struct rind_agent *agent = self;
    struct rind_job job;
    rind_job_begin(&job, agent, RIND_AGENT_ARENA_SIZE_BYTES);
    while (!rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(WATCHDOG_PERIOD_MS))) {
        watchdog_round(&job);
        rind_metrics_timing_ns(agent->metrics, "service.uptime",
                               rind_clock_monotonic_ns() - agent->start_ns, NULL, 0);
        rind_job_reset(&job);
    }
    rind_job_end(&job);
}
