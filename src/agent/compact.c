/*
 * compact.c - the compactor of a group: replaces log rows that the own HSM has persistently
 * captured by tombstones. Spec 06 section 9.3, 04 section 10.
 *
 * Once per leadership it waits until former leaders have stepped down with their entries intact,
 * and lists what they left. Failures of the store are retried for as long as the leadership lasts.
 */
#include "agent/jobs.h"

#include <stdlib.h>

#include "agent/peers.h"

#define COMPACT_WITNESSES_WAIT_MS 60000u
#define COMPACT_WITNESSES_POLL_MS 500u
#define COMPACT_PAUSE_MS 1000u
/*
 * Rows are collected for so long, or until so many may go: at a low rate each request makes a row
 * of its own, and a durable write per row would double what the request costs the store.
 */
#define COMPACT_LINGER_MS 2000u
#define COMPACT_ROWS_ENOUGH 1000u
/* Rows handed to the store in one go: it writes them in chunks of 100. */
#define COMPACT_ROWS_MAX 10000u

struct compact {
    struct rind_job job;
    struct rind_agent_group *group;
    uint64_t number; /* of the leadership */
    uint64_t starting;
    struct rind_log_row rows[COMPACT_ROWS_MAX];
    size_t row_count;
};

void rind_leader_reserve_rows(struct rind_leader *leader, size_t count)
{
    if (count <= leader->row_capacity) {
        return;
    }
    size_t capacity = leader->row_capacity == 0 ? 64 : leader->row_capacity;
    while (capacity < count) {
        capacity *= 2;
    }
    struct rind_log_row *rows = realloc(leader->rows, capacity * sizeof(*rows));
    RIND_ASSERT(rows != NULL);
    leader->rows = rows;
    leader->row_capacity = capacity;
}

/* True if the leadership is over or the agent ends; the group's lock is taken for a moment. */
static bool compact_is_over(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    rind_mutex_lock(&group->lock);
    bool is_over = rind_leader_of(group, compact->number) == NULL;
    rind_mutex_unlock(&group->lock);
    return is_over || rind_stopper_is_set(&group->agent->stopper);
}

static bool compact_is_witness(struct compact *compact, const struct rind_agent_member *member)
{
    struct rind_agent_group *group = compact->group;
    struct rind_agent_status_response status;
    if (!rind_peers_status(&compact->job.ctx, group->agent->peers, &member->hsm, &status) ||
        !status.has_hsm || !status.hsm.has_realm) {
        return false;
    }
    for (size_t i = 0; i < status.hsm.realm.groups.count; i++) {
        const struct rind_group_status *item = &status.hsm.realm.groups.items[i];
        if (rind_group_id_equal(&item->id, &group->id)) {
            return item->role.role.kind == RIND_ROLE_WITNESS;
        }
    }
    return false;
}

/* Waits until all other members are witnesses, or 60 s. False if the leadership ended meanwhile. */
static bool compact_wait_for_witnesses(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    struct rind_deadline deadline = rind_deadline_in_ms(COMPACT_WITNESSES_WAIT_MS);
    while (!rind_deadline_has_expired(deadline) && !compact_is_over(compact)) {
        size_t witnesses = 0;
        while (witnesses < group->other_count &&
               compact_is_witness(compact, &group->others[witnesses])) {
            witnesses++;
        }
        rind_job_reset(&compact->job);
        if (witnesses == group->other_count) {
            break;
        }
        (void)rind_stopper_wait(&group->agent->stopper,
                                rind_deadline_in_ms(COMPACT_WITNESSES_POLL_MS));
    }
    return !compact_is_over(compact);
}

/* Puts the rows of former leaders in front of those of this one. */
static void compact_prepend(struct compact *compact, const struct rind_log_rows *listed)
{
    struct rind_agent_group *group = compact->group;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, compact->number);
    if (leader != NULL && listed->count > 0 && !leader->is_rows_full) {
        rind_leader_reserve_rows(leader, leader->row_count + listed->count);
        memmove(leader->rows + listed->count, leader->rows,
                leader->row_count * sizeof(*leader->rows));
        memcpy(leader->rows, listed->rows, listed->count * sizeof(*leader->rows));
        leader->row_count += listed->count;
    }
    rind_mutex_unlock(&group->lock);
}

/* Lists what former leaders left. False if the leadership ended meanwhile. */
static bool compact_list(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    while (!compact_is_over(compact)) {
        struct rind_log_rows listed = {0};
        rind_status status = rind_store_list_rows(
            &compact->job.ctx, group->agent->store, &group->realm, &group->id, compact->starting,
            rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &listed);
        if (rind_is_ok(status)) {
            compact_prepend(compact, &listed);
            rind_job_reset(&compact->job);
            return true;
        }
        RIND_LOG_WARN(&group->log, "cannot list the log's rows: %s", compact->job.ctx.sentence);
        rind_job_reset(&compact->job);
        (void)rind_stopper_wait(&group->agent->stopper, rind_deadline_in_ms(COMPACT_PAUSE_MS));
    }
    return false;
}

/* Waits for rows that may go and copies them. False if the leadership is over. */
static bool compact_wait_rows(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    struct rind_deadline linger = rind_deadline_never(); /* from the first row that may go */
    rind_mutex_lock(&group->lock);
    compact->row_count = 0;
    struct rind_leader *leader;
    while ((leader = rind_leader_of(group, compact->number)) != NULL &&
           !rind_stopper_is_set(&group->agent->stopper)) {
        size_t count =
            rind_log_rows_compactable(leader->rows, leader->row_count, leader->compact_index);
        if (count > 0 && rind_deadline_is_never(linger)) {
            linger = rind_deadline_in_ms(COMPACT_LINGER_MS);
        }
        if (count >= COMPACT_ROWS_ENOUGH || (count > 0 && rind_deadline_has_expired(linger))) {
            compact->row_count = count < COMPACT_ROWS_MAX ? count : COMPACT_ROWS_MAX;
            memcpy(compact->rows, leader->rows, compact->row_count * sizeof(*compact->rows));
            break;
        }
        (void)rind_cond_wait(&group->compact_wanted, &group->lock, linger);
    }
    rind_mutex_unlock(&group->lock);
    return compact->row_count > 0;
}

static void compact_forget_rows(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    struct rind_metrics *metrics = group->agent->metrics;
    uint64_t first_left = 0;
    size_t count_left = 0;
    uint64_t compact_index = 0;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, compact->number);
    if (leader != NULL) {
        RIND_ASSERT(leader->row_count >= compact->row_count);
        leader->row_count -= compact->row_count;
        memmove(leader->rows, leader->rows + compact->row_count,
                leader->row_count * sizeof(*leader->rows));
        count_left = leader->row_count;
        first_left = count_left > 0 ? leader->rows[0].index : 0;
        compact_index = leader->compact_index;
    }
    rind_mutex_unlock(&group->lock);
    rind_metrics_distribution(metrics, "agent.compaction.uncompacted_rows.count", count_left,
                              group->tags, 2);
    rind_metrics_gauge(metrics, "agent.compaction.uncompacted_rows.first_index",
                       (int64_t)first_left, group->tags, 2);
    rind_metrics_gauge(metrics, "agent.compaction.compact_index", (int64_t)compact_index,
                       group->tags, 2);
}

static void compact_rows(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    struct rind_span span;
    rind_job_begin_round(&compact->job, &span, "compact the log");
    rind_status status = rind_store_replace_oldest_rows(
        &compact->job.ctx, group->agent->store, &group->realm, &group->id, compact->rows,
        compact->row_count, rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS));
    rind_span_end(&compact->job.ctx, &span, status);
    if (rind_is_ok(status)) {
        compact_forget_rows(compact);
    } else {
        /* Repeating is harmless: rows already replaced are replaced again. */
        RIND_LOG_WARN(&group->log, "cannot compact the log: %s", compact->job.ctx.sentence);
        (void)rind_stopper_wait(&group->agent->stopper, rind_deadline_in_ms(COMPACT_PAUSE_MS));
    }
    rind_job_reset(&compact->job);
}

/* Waits for the next leadership; false when it is time to end. */
static bool compact_wait_leadership(struct compact *compact)
{
    struct rind_agent_group *group = compact->group;
    struct rind_stopper *stopper = &group->agent->stopper;
    rind_mutex_lock(&group->lock);
    while (!rind_stopper_is_set(stopper) &&
           (group->leader == NULL || group->leader->number == compact->number)) {
        (void)rind_cond_wait(&group->compact_wanted, &group->lock, rind_deadline_never());
    }
    bool is_ending = rind_stopper_is_set(stopper);
    if (!is_ending) {
        compact->number = group->leader->number;
        compact->starting = group->leader->starting;
    }
    rind_mutex_unlock(&group->lock);
    return !is_ending;
}

void rind_job_compactor(void *self)
{
    struct compact *compact = calloc(1, sizeof(*compact));
    RIND_ASSERT(compact != NULL);
    compact->group = self;
    rind_job_begin(&compact->job, compact->group->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    while (compact_wait_leadership(compact)) {
        if (compact_wait_for_witnesses(compact) && compact_list(compact)) {
            while (compact_wait_rows(compact)) {
                compact_rows(compact);
            }
        }
    }
    rind_job_end(&compact->job);
    free(compact);
}
