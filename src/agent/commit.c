/*
 * commit.c - the committer of a group: when a majority has persisted an entry, lets the HSM release
 * what it withheld, and answers the clients.
 *
 * It acts when a capture arrives that makes progress possible (its own from the persister, others'
 * from one poller per member, so that a silent member delays nobody), and otherwise sleeps. Spec 06
 * sections 9.2 and 13.4 items 6 and 7.
 */
#include "agent/commit.h"

#include "agent/append_queue.h"
#include "agent/election.h"
#include "agent/jobs.h"
#include "agent/lost.h"
#include "agent/release.h"
#include "agent/role.h"

#define COMMIT_RETRY_MS_FIRST 2u
#define COMMIT_RETRY_MS_MAX 100u

enum commit_step { COMMIT_END, COMMIT_NOW, COMMIT_CHECK_LOST };

struct commit_work {
    struct rind_job job;
    struct rind_agent_group *group;
    uint64_t number; /* of the leadership */
    uint64_t boot;
    uint64_t version; /* captures at the last attempt */
    struct rind_deadline retry_at;
    uint64_t retry_ms;
    struct rind_captured captures[RIND_AGENT_MEMBERS_MAX];
    size_t capture_count;
};

/* Gathers all captures; returns the index a majority has reached. Lock held. */
static uint64_t commit_gather(struct commit_work *work)
{
    struct rind_agent_group *group = work->group;
    uint64_t votes[RIND_AGENT_MEMBERS_MAX];
    size_t count = 0;
    if (group->has_captured) {
        votes[count] = group->captured.index;
        work->captures[count++] = group->captured;
    }
    for (size_t i = 0; i < group->other_count; i++) {
        if (group->others[i].has_captured) {
            votes[count] = group->others[i].captured.index;
            work->captures[count++] = group->others[i].captured;
        }
    }
    work->capture_count = count;
    return rind_election_outcome(group->member_count, votes, count);
}

/*
 * What is to be done; or COMMIT_END if nothing, and then *wait_until. A step-down may need a commit
 * that commits nothing new, so there every new capture is reason enough. Lock held.
 */
static bool commit_is_due(struct commit_work *work, enum commit_step *step,
                          struct rind_deadline *wait_until)
{
    struct rind_agent_group *group = work->group;
    struct rind_leader *leader = group->leader;
    *wait_until = rind_deadline_never();
    if (leader == NULL) {
        return false;
    }
    bool is_other_leadership = leader->number != work->number;
    work->number = leader->number;
    work->boot = group->hsm_boot;
    if (is_other_leadership) {
        work->retry_ms = COMMIT_RETRY_MS_FIRST;
    }
    bool may_retry = is_other_leadership || group->capture_version != work->version ||
                     rind_deadline_has_expired(work->retry_at);
    if (leader->is_reply_lost && leader->admitted_count == 0) {
        *step = COMMIT_CHECK_LOST;
        *wait_until = work->retry_at;
        return rind_deadline_has_expired(work->retry_at) || is_other_leadership;
    }
    uint64_t candidate = commit_gather(work);
    bool is_stepping_down = group->role.role.kind == RIND_ROLE_STEPPING_DOWN;
    if (candidate == 0 || (candidate <= leader->committed && !is_stepping_down)) {
        return false;
    }
    *step = COMMIT_NOW;
    *wait_until = work->retry_at;
    return may_retry;
}

static enum commit_step commit_wait_due(struct commit_work *work)
{
    struct rind_agent_group *group = work->group;
    struct rind_stopper *stopper = &group->agent->stopper;
    enum commit_step step = COMMIT_END;
    struct rind_deadline wait_until;
    rind_mutex_lock(&group->lock);
    while (!rind_stopper_is_set(stopper) && !commit_is_due(work, &step, &wait_until)) {
        (void)rind_cond_wait(&group->commit_wanted, &group->lock, wait_until);
    }
    work->version = group->capture_version;
    rind_mutex_unlock(&group->lock);
    return rind_stopper_is_set(stopper) ? COMMIT_END : step;
}

/* Sets when to try again without news. */
static void commit_back_off(struct commit_work *work)
{
    work->retry_at = rind_deadline_in_ms(work->retry_ms);
    work->retry_ms =
        work->retry_ms * 2 < COMMIT_RETRY_MS_MAX ? work->retry_ms * 2 : COMMIT_RETRY_MS_MAX;
}

/* Takes the waiter of `mac` out of the leadership; NULL if there is none. Lock held. */
static struct rind_app_waiter *commit_take_waiter(struct rind_leader *leader,
                                                  const struct rind_mac *mac)
{
    union rind_map32_value value = {.pointer = NULL};
    if (leader == NULL || !rind_map32_remove(&leader->waiters, mac->bytes, &value)) {
        return NULL;
    }
    return value.pointer;
}

/*
 * After a lost Commit reply: clients whose entries are committed but whose answers were in that
 * reply. The HSM gives answers out once, so they will never come. Returns how many. Lock held.
 */
static size_t commit_take_orphans(struct rind_leader *leader, uint64_t committed,
                                  struct rind_app_waiter **orphans, size_t count_max)
{
    size_t count = 0;
    size_t cursor = 0;
    const uint8_t *mac;
    union rind_map32_value value;
    while (count < count_max && rind_map32_next(&leader->waiters, &cursor, &mac, &value)) {
        struct rind_app_waiter *waiter = value.pointer;
        if (waiter->index <= committed) {
            orphans[count++] = waiter;
        }
    }
    return count;
}

static void commit_cancel_orphans(struct commit_work *work, uint64_t committed)
{
    struct rind_agent_group *group = work->group;
    struct rind_app_waiter **orphans = rind_ctx_alloc_array(&work->job.ctx, RIND_AGENT_WAITERS_MAX,
                                                            sizeof(struct rind_app_waiter *));
    if (orphans == NULL) {
        return; /* the flag stays set: the next commit tries again */
    }
    size_t count = 0;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, work->number);
    if (leader != NULL) {
        count = commit_take_orphans(leader, committed, orphans, RIND_AGENT_WAITERS_MAX);
        for (size_t i = 0; i < count; i++) {
            (void)commit_take_waiter(leader, &orphans[i]->mac);
        }
        leader->is_commit_reply_lost = false;
    }
    rind_mutex_unlock(&group->lock);
    for (size_t i = 0; i < count; i++) {
        rind_app_waiter_refuse_take(orphans[i], RIND_AGENT_APP_NO_HSM); /* it was executed */
    }
}

/* Takes all waiters a Commit reply names: first those to answer, then those to refuse. */
static void commit_take_waiters(struct commit_work *work, const struct rind_commit_state *state,
                                struct rind_app_waiter **answered,
                                struct rind_app_waiter **abandoned)
{
    struct rind_agent_group *group = work->group;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, work->number);
    for (size_t i = 0; i < state->responses.count; i++) {
        answered[i] = commit_take_waiter(leader, &state->responses.items[i].mac);
    }
    for (size_t i = 0; i < state->abandoned.count; i++) {
        abandoned[i] = commit_take_waiter(leader, &state->abandoned.items[i]);
    }
    rind_mutex_unlock(&group->lock);
}

/* Raises `committed`. False if the leadership is over, or another one has begun. */
static void commit_raise(struct commit_work *work, uint64_t committed)
{
    struct rind_agent_group *group = work->group;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, work->number);
    if (leader != NULL && committed > leader->committed) {
        leader->committed = committed;
        leader->progress_at_ns = rind_clock_monotonic_ns();
        rind_commit_update_compaction(group);
        if (leader->is_lingering && !rind_append_lingers(leader)) {
            rind_cond_signal(&group->append_wanted);
        }
    }
    rind_cond_broadcast(&group->progress);
    rind_mutex_unlock(&group->lock);
    rind_metrics_gauge(group->agent->metrics, "agent.commit.log.index", (int64_t)committed,
                       group->tags, 2);
}

/*
 * The order matters: answers before refusals before the role (a Witness role drops all waiters that
 * are left) before `committed`. Invariant 6 of spec 06 section 14.
 */
static void commit_apply(struct commit_work *work, const struct rind_commit_state *state)
{
    struct rind_agent_group *group = work->group;
    struct rind_ctx *ctx = &work->job.ctx;
    struct rind_app_waiter **answered =
        rind_ctx_alloc_array(ctx, state->responses.count, sizeof(struct rind_app_waiter *));
    struct rind_app_waiter **abandoned =
        rind_ctx_alloc_array(ctx, state->abandoned.count, sizeof(struct rind_app_waiter *));
    RIND_ASSERT(answered != NULL && abandoned != NULL); /* the arena holds far more than a reply */
    commit_take_waiters(work, state, answered, abandoned);
    size_t unknown = 0;
    for (size_t i = 0; i < state->responses.count; i++) {
        if (answered[i] != NULL) {
            rind_release_take(ctx, group->agent->releaser, answered[i], &state->responses.items[i]);
        } else {
            unknown++;
        }
    }
    for (size_t i = 0; i < state->abandoned.count; i++) {
        if (abandoned[i] != NULL) {
            rind_app_waiter_refuse_take(abandoned[i], RIND_AGENT_APP_NOT_LEADER);
        }
    }
    if (unknown > 0) {
        RIND_LOG_WARN(&group->log, "%zu committed answers have no client waiting", unknown);
    }
    rind_role_apply(group, work->boot, &state->role);
    commit_raise(work, state->committed);
}

static void commit_reply_lost(struct commit_work *work)
{
    struct rind_agent_group *group = work->group;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, work->number);
    if (leader != NULL) {
        leader->is_commit_reply_lost = true;
    }
    rind_mutex_unlock(&group->lock);
}

static bool commit_was_reply_lost(struct commit_work *work)
{
    rind_mutex_lock(&work->group->lock);
    struct rind_leader *leader = rind_leader_of(work->group, work->number);
    bool was_lost = leader != NULL && leader->is_commit_reply_lost;
    rind_mutex_unlock(&work->group->lock);
    return was_lost;
}

static void commit_once(struct commit_work *work)
{
    struct rind_agent_group *group = work->group;
    struct rind_ctx *ctx = &work->job.ctx;
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_COMMIT,
        .commit = {group->realm, group->id, {work->captures, work->capture_count}},
    };
    struct rind_hsm_commit_response response;
    rind_status status =
        rind_hsm_link_call(&group->agent->hsm, ctx, RIND_HSM_URGENCY_COMMIT, rind_deadline_never(),
                           &request, &rind_hsm_commit_response_schema, &response);
    commit_back_off(work);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log, "%s", ctx->sentence);
        if (rind_is(status, RIND_E_UNKNOWN_OUTCOME)) {
            commit_reply_lost(work);
        }
        return;
    }
    if (response.kind == RIND_HSM_COMMIT_NOT_LEADER) {
        rind_role_apply(group, work->boot, &response.not_leader);
        return;
    }
    if (response.kind != RIND_HSM_COMMIT_OK) {
        RIND_LOG_INFO(&group->log, "nothing committed (answer %u)", (unsigned)response.kind);
        return;
    }
    work->retry_ms = COMMIT_RETRY_MS_FIRST;
    bool was_reply_lost = commit_was_reply_lost(work);
    commit_apply(work, &response.ok);
    if (was_reply_lost) {
        commit_cancel_orphans(work, response.ok.committed);
    }
}

void rind_job_committer(void *self)
{
    struct commit_work work = {.group = self, .retry_ms = COMMIT_RETRY_MS_FIRST};
    rind_job_begin(&work.job, work.group->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    for (;;) {
        enum commit_step step = commit_wait_due(&work);
        if (step == COMMIT_END) {
            break;
        }
        struct rind_span span;
        rind_job_begin_round(&work.job, &span, "commit");
        if (step == COMMIT_NOW) {
            commit_once(&work);
        } else {
            rind_lost_check(&work.job.ctx, work.group, work.number, work.boot);
            commit_back_off(&work);
        }
        rind_span_end(&work.job.ctx, &span, RIND_OK);
        rind_job_reset(&work.job);
    }
    rind_job_end(&work.job);
}

/* The capture of the other member that is furthest behind; 0 if one has never told. Lock held. */
static uint64_t commit_slowest_member(const struct rind_agent_group *group)
{
    uint64_t slowest = UINT64_MAX;
    for (size_t i = 0; i < group->other_count; i++) {
        uint64_t captured = group->others[i].has_captured ? group->others[i].captured.index : 0;
        slowest = captured < slowest ? captured : slowest;
    }
    return slowest;
}

void rind_commit_update_compaction(struct rind_agent_group *group)
{
    struct rind_leader *leader = group->leader;
    if (leader == NULL || !group->has_captured) {
        return;
    }
    uint64_t index = rind_compaction_index_for_slowest(
        rind_compaction_index(leader->committed, group->captured.index),
        commit_slowest_member(group), group->agent->options.keep_entries);
    if (index != leader->compact_index) {
        leader->compact_index = index;
        rind_cond_signal(&group->compact_wanted);
    }
}

/* Lock held. */
static bool commit_is_continuous(const struct rind_agent_group *group, uint64_t clock)
{
    bool is_same_role = group->role.at == clock && group->role.role.kind == RIND_ROLE_LEADER;
    bool is_ending =
        group->role.at == clock + 1 && group->role.role.kind == RIND_ROLE_STEPPING_DOWN;
    return group->leader != NULL && (is_same_role || is_ending);
}

enum rind_commit_outcome rind_commit_wait(struct rind_agent_group *group, uint64_t index,
                                          uint64_t clock, struct rind_deadline deadline)
{
    enum rind_commit_outcome outcome = RIND_COMMIT_TIMEOUT;
    rind_mutex_lock(&group->lock);
    for (;;) {
        if (!commit_is_continuous(group, clock)) {
            outcome = RIND_COMMIT_NOT_LEADER;
            break;
        }
        if (group->leader->committed >= index) {
            outcome = RIND_COMMIT_REACHED;
            break;
        }
        if (rind_deadline_has_expired(deadline)) {
            break;
        }
        (void)rind_cond_wait(&group->progress, &group->lock, deadline);
    }
    rind_mutex_unlock(&group->lock);
    return outcome;
}
