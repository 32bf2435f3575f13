/*
 * poll.c - the poller of one other member of a group: while this HSM leads, asks what that member
 * has persisted, as long as something waits for it.
 *
 * One thread per member, so that one that hangs delays only itself. With nothing uncommitted it
 * sleeps on the group's condition. Spec 06 sections 9.2 and 13.4 items 6 and 7.
 */
#include "agent/jobs.h"

#include "agent/peers.h"

#define POLL_PAUSE_MS 2u
#define POLL_PAUSE_FAILED_MS 50u
/* A step-down waits for foreign entries, whose pace we do not know. */
#define POLL_PAUSE_STEPPING_DOWN_MS 10u

/* True while an answer of this member could make a difference. Lock held. */
static bool poll_is_wanted(const struct rind_agent_member *member)
{
    const struct rind_agent_group *group = member->group;
    const struct rind_leader *leader = group->leader;
    if (leader == NULL) {
        return false;
    }
    if (group->role.role.kind == RIND_ROLE_STEPPING_DOWN || leader->committed == 0) {
        return true;
    }
    return leader->has_last_appended && leader->last_appended.index > leader->committed &&
           (!member->has_captured || member->captured.index < leader->last_appended.index);
}

static bool poll_wait(struct rind_agent_member *member)
{
    struct rind_agent_group *group = member->group;
    struct rind_stopper *stopper = &group->agent->stopper;
    rind_mutex_lock(&group->lock);
    while (!rind_stopper_is_set(stopper) && !poll_is_wanted(member)) {
        (void)rind_cond_wait(&group->poll_wanted, &group->lock, rind_deadline_never());
    }
    rind_mutex_unlock(&group->lock);
    return !rind_stopper_is_set(stopper);
}

/* The index this member is known to have persisted; RIND_CAPTURED_ANY if nothing is known. */
static uint64_t poll_known(struct rind_agent_member *member)
{
    rind_mutex_lock(&member->group->lock);
    uint64_t known = member->has_captured ? member->captured.index : RIND_CAPTURED_ANY;
    rind_mutex_unlock(&member->group->lock);
    return known;
}

/* Notes the answer and says how long to wait before the next question. */
static uint64_t poll_note(struct rind_agent_member *member, bool is_answered,
                          const struct rind_captured *captured)
{
    struct rind_agent_group *group = member->group;
    uint64_t pause_ms = is_answered ? POLL_PAUSE_MS : POLL_PAUSE_FAILED_MS;
    rind_mutex_lock(&group->lock);
    if (is_answered && rind_realm_id_equal(&captured->realm, &group->realm) &&
        rind_group_id_equal(&captured->group, &group->id)) {
        bool is_news = !member->has_captured || captured->index > member->captured.index ||
                       !rind_mac_equal(&captured->mac, &member->captured.mac);
        member->has_captured = true;
        member->captured = *captured;
        if (is_news) {
            group->capture_version++;
            rind_cond_signal(&group->commit_wanted);
            pause_ms = 0;
        }
    }
    if (group->role.role.kind == RIND_ROLE_STEPPING_DOWN && pause_ms == POLL_PAUSE_MS) {
        pause_ms = POLL_PAUSE_STEPPING_DOWN_MS;
    }
    rind_mutex_unlock(&group->lock);
    return pause_ms;
}

void rind_job_poller(void *self)
{
    struct rind_agent_member *member = self;
    struct rind_agent_group *group = member->group;
    struct rind_job job;
    rind_job_begin(&job, group->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    while (poll_wait(member)) {
        struct rind_captured captured;
        struct rind_span span;
        rind_job_begin_round(&job, &span, "poll a witness");
        bool is_answered =
            rind_peers_captured(&job.ctx, group->agent->peers, &member->hsm, &group->realm,
                                &group->id, poll_known(member), &captured);
        rind_span_end(&job.ctx, &span, RIND_OK);
        uint64_t pause_ms = poll_note(member, is_answered, &captured);
        rind_job_reset(&job);
        if (pause_ms > 0) {
            (void)rind_stopper_wait(&group->agent->stopper, rind_deadline_in_ms(pause_ms));
        }
    }
    rind_job_end(&job);
}
