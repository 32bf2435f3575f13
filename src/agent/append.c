/*
 * append.c - the appender of a group: takes what the HSM produced, in order, to the log.
 *
 * One append at a time; what arrives meanwhile forms the next batch. A store that does not answer
 * is asked again for as long as the leadership lasts: the queue is bounded by admission, and the
 * conditional write makes every repetition safe. Spec 06 sections 6.4 and 6.5.
 *
 * The Merkle write of the next batch is not started while the log write of this one is under way
 * (section 13.4 item 4): the embedded engine writes both in one transaction, and on Bigtable the
 * batch adapts to the sum of both.
 */
#include "agent/jobs.h"

#include "agent/append_queue.h"
#include "agent/leadership.h"

#define APPEND_RETRY_MS_FIRST 20u
#define APPEND_RETRY_MS_MAX 2000u
/*
 * How long a batch may wait for requests that are at the HSM already: while the batch before it is
 * not committed, and never longer than this. An append costs CPU and fsyncs of its own, and so do
 * the captures of all members, the persisting and the commit that follow it, so small batches that
 * chase each other only keep the processors from finishing any. Under light load there is nobody to
 * wait for. Spec 06 section 13.4 item 4 would have us never wait; but who waits here are requests
 * whose company is being computed, not an idle disk.
 */
#define APPEND_LINGER_NS_MAX (10 * RIND_NS_PER_MS)

struct append_work {
    uint64_t number; /* of the leadership */
    uint64_t boot;
    struct rind_append_item *items[RIND_LOG_BATCH_ENTRIES_MAX];
    size_t count;
    size_t queued_after;
    uint64_t began_ns; /* of its append */
};

/* Entries of an old leadership that slipped in would break the chain: then the HSM has another
 * log than we think, which ends like a lost reply. Lock held. */
static bool append_follows(const struct append_work *work, const struct rind_append_item *item)
{
    return work->count == 0 ||
           rind_mac_equal(&item->entry.prev_mac, &work->items[work->count - 1]->entry.entry_mac);
}

/* Takes the next batch out of the queue. Lock held. */
static void append_take(struct rind_agent_group *group, struct append_work *work)
{
    struct rind_leader *leader = group->leader;
    work->number = leader->number;
    work->boot = group->hsm_boot;
    work->count = 0;
    while (work->count < RIND_LOG_BATCH_ENTRIES_MAX) {
        struct rind_append_item **place = &leader->queue[leader->next % RIND_AGENT_QUEUE_MAX];
        if (*place == NULL) {
            break;
        }
        if (!append_follows(work, *place)) {
            leader->is_chain_broken = true;
            leader->is_reply_lost = true;
            rind_cond_signal(&group->commit_wanted);
            break;
        }
        work->items[work->count++] = *place;
        *place = NULL;
        leader->next++;
        leader->queued_count--;
    }
    leader->appending_count = work->count;
    work->queued_after = leader->queued_count;
}

static bool append_is_due(const struct rind_agent_group *group)
{
    const struct rind_leader *leader = group->leader;
    return leader != NULL && !leader->is_closed && !leader->is_reply_lost &&
           leader->queue[leader->next % RIND_AGENT_QUEUE_MAX] != NULL;
}

/* Gives requests that are at the HSM a moment to join the batch. Lock held. */
static void append_linger(struct rind_agent_group *group)
{
    struct rind_deadline deadline = rind_deadline_in_ns(APPEND_LINGER_NS_MAX);
    bool is_waiting = !rind_stopper_is_set(&group->agent->stopper);
    while (is_waiting && append_is_due(group)) {
        group->leader->is_lingering = true;
        is_waiting = rind_append_lingers(group->leader) &&
                     rind_cond_wait(&group->append_wanted, &group->lock, deadline) &&
                     !rind_stopper_is_set(&group->agent->stopper);
    }
    if (group->leader != NULL) {
        group->leader->is_lingering = false;
    }
}

/* Waits for work; false when it is time to end. */
static bool append_wait(struct rind_agent_group *group, struct append_work *work)
{
    struct rind_stopper *stopper = &group->agent->stopper;
    rind_mutex_lock(&group->lock);
    while (!rind_stopper_is_set(stopper) && !append_is_due(group)) {
        (void)rind_cond_wait(&group->append_wanted, &group->lock, rind_deadline_never());
    }
    append_linger(group);
    bool is_ending = rind_stopper_is_set(stopper);
    work->count = 0;
    if (!is_ending && append_is_due(group)) { /* else the leadership ended meanwhile */
        append_take(group, work);
    }
    rind_mutex_unlock(&group->lock);
    return !is_ending;
}

static bool append_is_still_led(struct rind_agent_group *group, uint64_t number)
{
    rind_mutex_lock(&group->lock);
    bool is_led = rind_leader_of(group, number) != NULL;
    rind_mutex_unlock(&group->lock);
    return is_led && !rind_stopper_is_set(&group->agent->stopper);
}

/* Writes the batch, asking again until it is decided or the leadership is over. */
static rind_status append_write(struct rind_ctx *ctx, struct rind_agent_group *group,
                                const struct append_work *work, struct rind_log_row *row)
{
    struct rind_store_entry entries[RIND_LOG_BATCH_ENTRIES_MAX];
    struct rind_append_delta deltas[RIND_LOG_BATCH_ENTRIES_MAX];
    for (size_t i = 0; i < work->count; i++) {
        entries[i] = work->items[i]->stored;
        deltas[i] = work->items[i]->delta;
    }
    struct rind_append_delta squashed;
    RIND_TRY(rind_append_delta_squash(ctx, deltas, work->count, &squashed));
    size_t mark = rind_arena_mark(ctx->arena);
    bool is_again = false;
    uint64_t pause_ms = APPEND_RETRY_MS_FIRST;
    for (;;) {
        rind_status status = (is_again ? rind_store_append_again : rind_store_append)(
            ctx, group->agent->store, &group->realm, &group->id, entries, work->count, &squashed,
            rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), row);
        if (rind_is_ok(status) || rind_is(status, RIND_E_PRECONDITION) ||
            !append_is_still_led(group, work->number)) {
            return status;
        }
        is_again = is_again || rind_is(status, RIND_E_UNKNOWN_OUTCOME);
        RIND_LOG_WARN(&group->log, "append of entry %llu failed, trying again: %s",
                      (unsigned long long)entries[0].index, ctx->sentence);
        rind_arena_release(ctx->arena, mark);
        (void)rind_stopper_wait(&group->agent->stopper, rind_deadline_in_ms(pause_ms));
        pause_ms = pause_ms * 2 < APPEND_RETRY_MS_MAX ? pause_ms * 2 : APPEND_RETRY_MS_MAX;
    }
}

/* Remembers the row for compaction. Rows must stay consecutive, so the first that does not fit
 * ends the list for this leadership. Lock held. */
static void append_note_row(struct rind_leader *leader, struct rind_log_row row)
{
    leader->is_rows_full = leader->is_rows_full || leader->row_count >= RIND_AGENT_ROWS_MAX;
    if (leader->is_rows_full) {
        return;
    }
    rind_leader_reserve_rows(leader, leader->row_count + 1);
    leader->rows[leader->row_count++] = row;
}

/* Hands acknowledged entries to the own watcher. Those it has no room for it reads from the store.
 * Returns how many of the items were taken over. Lock held. */
static size_t append_feed(struct rind_agent_group *group, const struct append_work *work)
{
    if (group->fed_count + work->count > RIND_AGENT_FED_MAX) {
        return 0;
    }
    if (group->fed_count > 0 &&
        group->fed[group->fed_count - 1]->entry.index + 1 != work->items[0]->entry.index) {
        return 0;
    }
    for (size_t i = 0; i < work->count; i++) {
        group->fed[group->fed_count++] = work->items[i];
    }
    return work->count;
}

/* When the clients' entries were appended, for those whose requests are recorded. Lock held. */
static void append_note_times(struct rind_leader *leader, const struct append_work *work)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    for (size_t i = 0; i < work->count; i++) {
        const union rind_map32_value *value =
            rind_map32_get(&leader->waiters, work->items[i]->entry.entry_mac.bytes);
        if (value != NULL) {
            struct rind_app_waiter *waiter = value->pointer;
            waiter->append_began_ns = work->began_ns;
            waiter->appended_ns = now_ns;
            waiter->batch_size = (uint32_t)work->count;
        }
    }
}

static void append_succeeded(struct rind_agent_group *group, struct append_work *work,
                             struct rind_log_row row)
{
    size_t fed = 0;
    const struct rind_log_entry *last = &work->items[work->count - 1]->entry;
    for (size_t i = 0; i < work->count; i++) {
        rind_item_unpin(group, work->items[i]);
    }
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, work->number);
    if (leader != NULL) {
        append_note_row(leader, row);
        if (group->agent->options.tracer != NULL) {
            append_note_times(leader, work);
        }
        leader->appending_count = 0;
        leader->has_last_appended = true;
        leader->last_appended = (struct rind_log_position){last->index, last->entry_mac};
        leader->progress_at_ns = rind_clock_monotonic_ns();
        fed = append_feed(group, work);
        rind_cond_signal(&group->watch_wanted);
        rind_cond_broadcast(&group->poll_wanted);
        rind_cond_broadcast(&group->progress);
    }
    rind_mutex_unlock(&group->lock);
    for (size_t i = fed; i < work->count; i++) {
        rind_append_item_free(work->items[i]);
    }
}

/* Another leader has written: nothing from entry `first` on is in the log, and nothing more is
 * appended under this leadership. */
static void append_conflicted(struct rind_agent_group *group, uint64_t number, uint64_t first)
{
    struct rind_append_item *dropped[RIND_AGENT_QUEUE_MAX];
    size_t dropped_count = 0;
    rind_mutex_lock(&group->lock);
    struct rind_leader *leader = rind_leader_of(group, number);
    if (leader != NULL) {
        leader->is_closed = true;
        leader->appending_count = 0;
        leader->next = first;
        for (size_t i = 0; i < RIND_AGENT_QUEUE_MAX; i++) {
            if (leader->queue[i] != NULL) {
                dropped[dropped_count++] = leader->queue[i];
                leader->queue[i] = NULL;
            }
        }
        leader->queued_count = 0;
    }
    group->is_conflict_seen = true;
    rind_cond_signal(&group->watch_wanted);
    rind_cond_broadcast(&group->progress);
    rind_mutex_unlock(&group->lock);
    for (size_t i = 0; i < dropped_count; i++) {
        rind_item_unpin(group, dropped[i]);
        rind_append_item_free(dropped[i]);
    }
    rind_store_forget_last_write(group->agent->store, &group->realm, &group->id);
}

static void append_drop(struct rind_agent_group *group, struct append_work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        rind_item_unpin(group, work->items[i]);
        rind_append_item_free(work->items[i]);
    }
}

static void append_round(struct rind_ctx *ctx, struct rind_agent_group *group,
                         struct append_work *work)
{
    struct rind_metrics *metrics = group->agent->metrics;
    work->began_ns = rind_clock_monotonic_ns();
    struct rind_log_row row;
    rind_status status = append_write(ctx, group, work, &row);
    uint64_t duration_ns = rind_clock_monotonic_ns() - work->began_ns;
    if (rind_is_ok(status)) {
        rind_metrics_timing_ns(metrics, "bigtable.append.time", duration_ns, group->tags, 2);
        rind_metrics_distribution(metrics, "bigtable.append.batch.size", work->count, group->tags,
                                  2);
        rind_metrics_distribution(metrics, "bigtable.append.queue.size", work->queued_after,
                                  group->tags, 2);
        append_succeeded(group, work, row);
        return;
    }
    uint64_t first = work->items[0]->entry.index;
    append_drop(group, work); /* the items are gone from here on */
    if (!append_is_still_led(group, work->number)) {
        return; /* the HSM has been told, or told us */
    }
    RIND_LOG_WARN(&group->log, "duelling leaders: entry %llu was not appended, stepping down: %s",
                  (unsigned long long)first, ctx->sentence);
    append_conflicted(group, work->number, first);
    if (!append_is_still_led(group, work->number)) {
        return; /* ended meanwhile; a new leadership is not to be ended for the old one's sake */
    }
    /* Without a conflict the missing entry would never be committed: then only force helps. */
    rind_leadership_step_down_quietly(ctx, group, work->boot,
                                      !rind_is(status, RIND_E_PRECONDITION));
}

void rind_job_appender(void *self)
{
    struct rind_agent_group *group = self;
    struct rind_job job;
    rind_job_begin(&job, group->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    struct append_work work = {0};
    while (append_wait(group, &work)) {
        if (work.count > 0) {
            struct rind_span span;
            rind_job_begin_round(&job, &span, "append");
            append_round(&job.ctx, group, &work);
            rind_span_end(&job.ctx, &span, RIND_OK);
        }
        rind_job_reset(&job);
    }
    rind_job_end(&job);
}
