/*
 * watch.c - the watcher of a group: hands the log to the HSM, entry by entry, in exact succession.
 *
 * While this agent leads, its own acknowledged entries come straight from the appender (they are
 * durable and in order), and the log is read only now and then for foreign ones. A witness waits
 * for the store to say that the log has changed. Whatever goes wrong, the HSM is asked where it
 * stands and the watcher resumes there; it never gives up. Spec 06 sections 8.1 and 13.4 item 5.
 */
#include "agent/jobs.h"

#include "agent/catchup.h"
#include "agent/persist.h"
#include "agent/role.h"

#define WATCH_FOREIGN_POLL_MS 100u /* while leading */
#define WATCH_CHANGE_WAIT_MS 1000u /* also bounds how long the end of the agent can be missed */
#define WATCH_PAUSE_MS_FIRST 20u
#define WATCH_PAUSE_MS_MAX 2000u
/* Most entries one read returns: RIND_LOG_ITERATOR_ENTRIES and the rest of the last row. */
#define WATCH_ENTRIES_MAX (RIND_LOG_ITERATOR_ENTRIES + RIND_LOG_BATCH_ENTRIES_MAX)

struct watch {
    struct rind_job job;
    struct rind_agent_group *group;
    uint64_t next;   /* index the HSM must get next */
    bool is_hungry;  /* the last read brought entries: look again at once */
    uint32_t change; /* the store's change count before the last read */
    uint64_t pause_ms;
    struct rind_log_iterator iterator;
    struct rind_append_item *taken[WATCH_ENTRIES_MAX]; /* from the feed, to be freed */
    size_t taken_count;
};

enum watch_step { WATCH_END, WATCH_FED, WATCH_READ };

/* Moves the part of the feed that follows `next` to `taken`; drops what is of no use. Lock held. */
static void watch_take_fed(struct watch *watch)
{
    struct rind_agent_group *group = watch->group;
    size_t old = 0;
    while (old < group->fed_count && group->fed[old]->entry.index < watch->next) {
        rind_append_item_free(group->fed[old++]);
    }
    size_t count = group->fed_count - old;
    if (count > 0 && group->fed[old]->entry.index != watch->next) {
        while (old < group->fed_count) { /* a gap: the store has what is missing */
            rind_append_item_free(group->fed[old++]);
        }
        group->fed_count = 0;
        watch->is_hungry = true;
        return;
    }
    count = count < WATCH_ENTRIES_MAX ? count : WATCH_ENTRIES_MAX;
    memcpy(watch->taken, group->fed + old, count * sizeof(*watch->taken));
    watch->taken_count = count;
    group->fed_count -= old + count;
    memmove(group->fed, group->fed + old + count, group->fed_count * sizeof(*group->fed));
}

/* Waits while leading: for the own appender, or until it is time to look for foreign entries. */
static enum watch_step watch_wait_leading(struct watch *watch)
{
    struct rind_agent_group *group = watch->group;
    struct rind_deadline poll = rind_deadline_in_ms(WATCH_FOREIGN_POLL_MS);
    enum watch_step step = WATCH_READ;
    rind_mutex_lock(&group->lock);
    for (;;) {
        if (rind_stopper_is_set(&group->agent->stopper)) {
            step = WATCH_END;
            break;
        }
        watch_take_fed(watch);
        if (watch->taken_count > 0) {
            step = WATCH_FED;
            break;
        }
        if (group->is_conflict_seen || watch->is_hungry || group->leader == NULL ||
            rind_deadline_has_expired(poll)) {
            group->is_conflict_seen = false;
            break;
        }
        (void)rind_cond_wait(&group->watch_wanted, &group->lock, poll);
    }
    rind_mutex_unlock(&group->lock);
    return step;
}

static enum watch_step watch_wait(struct watch *watch)
{
    struct rind_agent_group *group = watch->group;
    struct rind_agent *agent = group->agent;
    rind_mutex_lock(&group->lock);
    bool is_leading = group->leader != NULL || group->fed_count > 0;
    rind_mutex_unlock(&group->lock);
    if (is_leading) {
        return watch_wait_leading(watch);
    }
    if (!watch->is_hungry && !rind_stopper_is_set(&agent->stopper)) {
        rind_store_wait_change(agent->store, &group->realm, &group->id, watch->change,
                               rind_deadline_in_ms(WATCH_CHANGE_WAIT_MS));
    }
    return rind_stopper_is_set(&agent->stopper) ? WATCH_END : WATCH_READ;
}

static void watch_pause(struct watch *watch)
{
    (void)rind_stopper_wait(&watch->group->agent->stopper, rind_deadline_in_ms(watch->pause_ms));
    uint64_t longer = watch->pause_ms * 2;
    watch->pause_ms = longer < WATCH_PAUSE_MS_MAX ? longer : WATCH_PAUSE_MS_MAX;
    watch->is_hungry = true;
}

/* The HSM's own answer to where it stands: after a lost reply, a refusal, or its restart. */
static void watch_resume_from_hsm(struct watch *watch)
{
    struct rind_agent_group *group = watch->group;
    struct rind_captured_list captured;
    watch_pause(watch);
    if (!rind_is_ok(rind_persist_once(&watch->job.ctx, group->agent, &captured))) {
        return; /* the next attempt fails likewise and comes back here */
    }
    watch->next = 1;
    for (size_t i = 0; i < captured.count; i++) {
        if (rind_group_id_equal(&captured.items[i].group, &group->id) &&
            rind_realm_id_equal(&captured.items[i].realm, &group->realm)) {
            watch->next = rind_index_after(captured.items[i].index);
        }
    }
}

static void watch_captured(struct watch *watch, uint64_t boot, size_t count,
                           const struct rind_role_status *role)
{
    struct rind_agent_group *group = watch->group;
    watch->next += count;
    watch->pause_ms = WATCH_PAUSE_MS_FIRST;
    rind_mutex_lock(&group->lock);
    group->captured_volatile = watch->next - 1;
    rind_mutex_unlock(&group->lock);
    rind_persist_request(group->agent);
    rind_role_apply(group, boot, role);
}

/* Gives the HSM the next `count` entries, which begin at watch->next. */
static void watch_capture(struct watch *watch, struct rind_slice *entries, size_t count)
{
    struct rind_agent_group *group = watch->group;
    struct rind_ctx *ctx = &watch->job.ctx;
    struct rind_spliced_request request = {
        .kind = RIND_SPLICED_REQUEST_CAPTURE_NEXT,
        .capture_next = {group->realm, group->id, {entries, count}},
    };
    struct rind_hsm_capture_next_response response;
    uint64_t boot = rind_agent_hsm_boot(group->agent);
    rind_status status = rind_hsm_link_call_spliced(
        &group->agent->hsm, ctx, RIND_HSM_URGENCY_CAPTURE, rind_deadline_never(), &request,
        &rind_hsm_capture_next_response_schema, &response);
    if (rind_is_ok(status) && response.kind == RIND_HSM_CAPTURE_NEXT_OK) {
        watch_captured(watch, boot, count, &response.ok);
        return;
    }
    if (rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log,
                      "the HSM refused to capture %zu entries from %llu on (answer %u); asking it "
                      "where it stands",
                      count, (unsigned long long)watch->next, (unsigned)response.kind);
    } else {
        RIND_LOG_WARN(&group->log, "%s", ctx->sentence);
    }
    watch_resume_from_hsm(watch);
}

static void watch_feed(struct watch *watch)
{
    struct rind_slice entries[WATCH_ENTRIES_MAX];
    for (size_t i = 0; i < watch->taken_count; i++) {
        entries[i] = watch->taken[i]->stored.cbor;
    }
    watch_capture(watch, entries, watch->taken_count);
    for (size_t i = 0; i < watch->taken_count; i++) {
        rind_append_item_free(watch->taken[i]);
    }
    watch->taken_count = 0;
}

static void watch_read(struct watch *watch)
{
    struct rind_agent_group *group = watch->group;
    struct rind_ctx *ctx = &watch->job.ctx;
    if (watch->iterator.next_index != watch->next) {
        rind_log_iterator_init(&watch->iterator, &group->realm, &group->id, watch->next,
                               RIND_LOG_ITERATOR_ENTRIES);
    }
    watch->change = rind_store_change_count(group->agent->store, &group->realm, &group->id);
    watch->is_hungry = false;
    struct rind_log_entries read;
    rind_status status = rind_log_iterator_next(ctx, group->agent->store, &watch->iterator,
                                                rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &read);
    if (rind_is(status, RIND_E_STALE)) {
        uint64_t index = 0;
        if (rind_catch_up(&watch->job, group, watch->iterator.compacted_index, &index)) {
            watch->next = rind_index_after(index);
            watch->pause_ms = WATCH_PAUSE_MS_FIRST;
            watch->is_hungry = true;
        } else {
            watch_resume_from_hsm(watch);
        }
        return;
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log, "cannot read the log from entry %llu on: %s",
                      (unsigned long long)watch->next, ctx->sentence);
        watch_pause(watch);
        return;
    }
    if (read.count == 0) {
        return;
    }
    RIND_ASSERT(read.count <= WATCH_ENTRIES_MAX);
    struct rind_slice entries[WATCH_ENTRIES_MAX];
    for (size_t i = 0; i < read.count; i++) {
        entries[i] = read.entries[i].cbor;
    }
    watch->is_hungry = true;
    watch_capture(watch, entries, read.count);
}

void rind_job_watcher(void *self)
{
    struct watch watch = {.group = self, .is_hungry = true, .pause_ms = WATCH_PAUSE_MS_FIRST};
    watch.next = watch.group->watch_first;
    rind_job_begin(&watch.job, watch.group->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    for (;;) {
        enum watch_step step = watch_wait(&watch);
        if (step == WATCH_END) {
            break;
        }
        struct rind_span span;
        rind_job_begin_round(&watch.job, &span, "watch the log");
        if (step == WATCH_FED) {
            watch_feed(&watch);
        } else {
            watch_read(&watch);
        }
        rind_span_end(&watch.job.ctx, &span, RIND_OK);
        rind_job_reset(&watch.job);
    }
    rind_job_end(&watch.job);
}
