/* refresher.c - see refresher.h. */
#include "balancer/refresher.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "balancer/agent_list.h"
#include "balancer/routing.h"
#include "base/assert.h"
#include "host/arena_pool.h"
#include "host/thread.h"
#include "rpc/rpc.h"

/* Addresses reserved for one round of answers; only what is used costs memory. */
#define REFRESHER_ARENA_SIZE (64u * 1024 * 1024)
#define REFRESHER_ARENA_KEPT (128u * 1024)
/* Waits that only a stop or a signal ends are looked at again after this long. */
#define REFRESHER_WAIT_MS 60000u

struct rind_refresher {
    struct rind_refresher_options options;
    struct rind_stopper stopper;
    struct rind_thread prompt_thread;
    struct rind_thread slow_thread;
    _Atomic uint64_t last_request_ns; /* 0: never */
    _Atomic uint64_t last_started_ns; /* of a refresh */

    struct rind_mutex mutex; /* guards all below; nothing is taken after it */
    struct rind_cond changed;
    struct rind_agent_list list; /* its agents come and go on the prompt thread only */
    bool is_wanted;              /* a refresh, as soon as the spacing allows */
    bool is_dirty;               /* the slow thread learned something to be published */
    bool is_stopping;
    /* Polls between two reads of discovery find no new agent: nobody who waits is content with
     * them. */
    uint64_t discovering_ns; /* when the last refresh that reads discovery began */
    uint64_t discovered_ns;  /* when the last one of these that is complete began */
    uint64_t completed_count;
};

/* --- both threads --- */

/* Publishes what the list says now. The prompt thread only, so that tables never go back. */
static void refresher_publish(struct rind_refresher *refresher, struct rind_ctx *ctx)
{
    struct rind_routing *routing = NULL;
    rind_mutex_lock(&refresher->mutex);
    rind_status status = rind_agent_list_route(ctx, &refresher->list, &routing);
    refresher->is_dirty = !rind_is_ok(status);
    rind_mutex_unlock(&refresher->mutex);
    if (rind_is_ok(status)) {
        status = rind_published_replace(ctx, refresher->options.routing, routing);
        if (!rind_is_ok(status)) {
            rind_routing_free(routing);
            rind_mutex_lock(&refresher->mutex);
            refresher->is_dirty = true; /* tried again with the next refresh */
            rind_mutex_unlock(&refresher->mutex);
        }
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(refresher->options.log, "the routing table could not be replaced yet: %s",
                      ctx->sentence);
    }
}

/* Says what one answer, or the lack of it, means for the table. */
static void refresher_report(const struct rind_refresher *refresher,
                             const struct rind_agent_target *target,
                             enum rind_agent_outcome outcome, size_t dropped_count,
                             const char *sentence)
{
    if (outcome != RIND_AGENT_ANSWERED) {
        RIND_LOG_WARN(refresher->options.log, "could not get status of agent %s: %s", target->url,
                      sentence);
    }
    if (dropped_count > 0) {
        RIND_LOG_WARN(refresher->options.log,
                      "agent %s says that it leads %zu groups whose range ends before it starts; "
                      "ignoring them",
                      target->url, dropped_count);
    }
}

/* Takes what one agent answered into the list; true if that changes the routing table. */
static bool refresher_note(struct rind_refresher *refresher, struct rind_ctx *ctx,
                           const struct rind_agent_target *target, bool is_patient,
                           const struct rind_rpc_result *result,
                           const struct rind_agent_status_response *response)
{
    enum rind_agent_outcome outcome = RIND_AGENT_ANSWERED;
    struct rind_routing_claims *claims = NULL;
    size_t dropped_count = 0;
    const char *sentence = result->sentence;
    if (rind_is(result->status, RIND_E_TIMEOUT) || rind_is(result->status, RIND_E_BUSY)) {
        outcome = RIND_AGENT_TIMED_OUT;
    } else if (!rind_is_ok(result->status)) {
        outcome = RIND_AGENT_FAILED;
    } else if (!rind_is_ok(rind_routing_claims_new(ctx, response, &claims, &dropped_count))) {
        outcome = RIND_AGENT_FAILED;
        sentence = ctx->sentence;
    }
    rind_mutex_lock(&refresher->mutex);
    bool is_changed = rind_agent_list_note(&refresher->list, target, outcome, claims, is_patient);
    rind_mutex_unlock(&refresher->mutex);
    refresher_report(refresher, target, outcome, dropped_count, sentence);
    return is_changed;
}

/* Opens a poll of these targets, whose URLs the calls borrow. */
static rind_status refresher_poll_open(struct rind_refresher *refresher, struct rind_ctx *ctx,
                                       struct rind_agent_target *const *targets, size_t count,
                                       uint64_t timeout_ms, struct rind_rpc_fan *fan)
{
    static const struct rind_agent_status_request request = {0};
    const char **urls = rind_ctx_alloc_array(ctx, count, sizeof(*urls));
    if (urls == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        urls[i] = targets[i]->url;
    }
    return rind_rpc_fan_open(ctx, refresher->options.client, urls, count, &rind_rpc_status,
                             &request, rind_deadline_in_ms(timeout_ms), fan);
}

/*
 * One poll of these targets; true if the routing table has yet to change. The prompt poll publishes
 * on the way, so that whoever answers fast is routed to at once.
 */
static bool refresher_poll(struct rind_refresher *refresher, struct rind_ctx *ctx,
                           struct rind_agent_target *const *targets, size_t count, bool is_patient)
{
    struct rind_rpc_fan fan;
    struct rind_rpc_result result;
    bool is_changed = false;
    bool *has_result = rind_ctx_alloc_array(ctx, count, sizeof(*has_result));
    struct rind_agent_status_response *response = rind_ctx_alloc(ctx, sizeof(*response));
    if (has_result == NULL || response == NULL ||
        !rind_is_ok(refresher_poll_open(
            refresher, ctx, targets, count,
            is_patient ? RIND_REFRESH_SLOW_TIMEOUT_MS : RIND_REFRESH_PROMPT_TIMEOUT_MS, &fan))) {
        RIND_LOG_WARN(refresher->options.log, "could not ask the agents for their status: %s",
                      ctx->sentence);
        return false;
    }
    while (!rind_stopper_is_set(&refresher->stopper) &&
           rind_rpc_fan_next(ctx, &fan, response, &result)) {
        has_result[result.index] = true;
        if (refresher_note(refresher, ctx, targets[result.index], is_patient, &result, response)) {
            is_changed = is_patient;
            if (!is_patient) {
                refresher_publish(refresher, ctx);
            }
        }
    }
    rind_rpc_fan_close(&fan);
    result = (struct rind_rpc_result){.status = rind_status_make(RIND_E_TIMEOUT),
                                      .sentence = "no answer in time"};
    for (size_t i = 0; i < count && !rind_stopper_is_set(&refresher->stopper); i++) {
        if (!has_result[i] &&
            refresher_note(refresher, ctx, targets[i], is_patient, &result, response)) {
            is_changed = true;
        }
    }
    return is_changed;
}

static void targets_release(struct rind_agent_target **targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rind_agent_target_release(targets[i]);
    }
}

/* Polls all agents that are (not) slow. */
static bool refresher_poll_all(struct rind_refresher *refresher, struct rind_ctx *ctx, bool is_slow)
{
    struct rind_agent_target **targets = NULL;
    size_t count = 0;
    rind_mutex_lock(&refresher->mutex);
    rind_status status = rind_agent_list_targets(ctx, &refresher->list, is_slow, &targets, &count);
    rind_mutex_unlock(&refresher->mutex);
    if (!rind_is_ok(status) || count == 0) {
        return false;
    }
    bool is_changed = refresher_poll(refresher, ctx, targets, count, is_slow);
    targets_release(targets, count);
    return is_changed;
}

/* --- the prompt thread --- */

/* Reads discovery; if that fails, the agents known before stay. */
static void refresher_discover(struct rind_refresher *refresher, struct rind_ctx *ctx)
{
    struct rind_services services;
    struct rind_agent_list_change change = {0};
    rind_status status = rind_store_discovery_lookup(
        ctx, refresher->options.store, RIND_SERVICE_AGENT,
        rind_deadline_in_ms(RIND_REFRESH_DISCOVERY_TIMEOUT_MS), &services);
    if (rind_is_ok(status)) {
        rind_mutex_lock(&refresher->mutex);
        status = rind_agent_list_replace(ctx, &refresher->list, &services, RIND_REFRESH_AGENTS_MAX,
                                         &change);
        rind_mutex_unlock(&refresher->mutex);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(refresher->options.log,
                      "could not read which agents there are, keeping those known: %s",
                      ctx->sentence);
        rind_metrics_count(refresher->options.metrics, "load_balancer.discovery.errors", 1, NULL,
                           0);
    }
    if (change.ignored_count > 0) {
        RIND_LOG_WARN(refresher->options.log, "%zu registered agents are ignored: %s",
                      change.ignored_count, ctx->sentence);
    }
    if (change.is_changed) {
        refresher_publish(refresher, ctx);
    }
}

static bool refresher_is_idle(const struct rind_refresher *refresher, uint64_t now_ns)
{
    uint64_t last_ns = atomic_load(&refresher->last_request_ns);
    return last_ns == 0 || now_ns - last_ns > RIND_REFRESH_IDLE_AFTER_MS * RIND_NS_PER_MS;
}

/* When the next refresh is due. */
static struct rind_deadline refresher_due(const struct rind_refresher *refresher)
{
    uint64_t started_ns = atomic_load(&refresher->last_started_ns);
    uint64_t interval_ms = refresher->is_wanted ? RIND_REFRESH_SPACING_MS
                           : refresher_is_idle(refresher, rind_clock_monotonic_ns())
                               ? RIND_REFRESH_IDLE_MS
                               : RIND_REFRESH_ACTIVE_MS;
    struct rind_deadline due = {started_ns == 0 ? 0 : started_ns + interval_ms * RIND_NS_PER_MS};
    return due;
}

/* Waits until a refresh is due; false if it is time to stop. *is_discovering: it reads discovery.
 */
static bool refresher_wait(struct rind_refresher *refresher, struct rind_ctx *ctx,
                           struct rind_deadline discovery_due, bool *is_discovering)
{
    rind_mutex_lock(&refresher->mutex);
    while (!refresher->is_stopping && !rind_deadline_has_expired(refresher_due(refresher))) {
        if (refresher->is_dirty) {
            rind_mutex_unlock(&refresher->mutex);
            refresher_publish(refresher, ctx);
            rind_mutex_lock(&refresher->mutex);
            if (refresher->is_dirty) {
                break; /* refresh now: a failed publication must not spin here */
            }
            continue;
        }
        (void)rind_cond_wait(&refresher->changed, &refresher->mutex, refresher_due(refresher));
    }
    bool is_running = !refresher->is_stopping;
    uint64_t now_ns = rind_clock_monotonic_ns();
    *is_discovering = refresher->is_wanted || rind_deadline_has_expired(discovery_due);
    refresher->is_wanted = false;
    atomic_store(&refresher->last_started_ns, now_ns);
    if (*is_discovering) {
        refresher->discovering_ns = now_ns;
    }
    rind_mutex_unlock(&refresher->mutex);
    return is_running;
}

static void refresher_complete(struct rind_refresher *refresher)
{
    rind_mutex_lock(&refresher->mutex);
    refresher->discovered_ns = refresher->discovering_ns;
    refresher->completed_count++;
    rind_cond_broadcast(&refresher->changed); /* waiters, and the slow thread if there is work */
    rind_mutex_unlock(&refresher->mutex);
}

static void refresher_prompt_run(void *self)
{
    struct rind_refresher *refresher = self;
    struct rind_arena *arena = NULL;
    struct rind_ctx ctx;
    struct rind_deadline discovery_due = rind_deadline_now();
    bool is_discovering = false;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, REFRESHER_ARENA_SIZE, &arena))) {
        RIND_LOG_ERROR(refresher->options.log, "routes cannot be kept: %s", ctx.sentence);
        return;
    }
    rind_ctx_init(&ctx, arena);
    while (refresher_wait(refresher, &ctx, discovery_due, &is_discovering)) {
        struct rind_span span;
        rind_span_begin_round(&ctx, &span, refresher->options.tracer, "refresh",
                              RIND_TRACE_LOOP_RATE);
        if (is_discovering) {
            refresher_discover(refresher, &ctx);
            discovery_due = rind_deadline_in_ms(RIND_REFRESH_DISCOVERY_MS);
        }
        if (refresher_poll_all(refresher, &ctx, false)) {
            refresher_publish(refresher, &ctx); /* time-outs found at the end */
        }
        refresher_complete(refresher);
        rind_span_end(&ctx, &span, RIND_OK);
        rind_arena_map_reset(arena, REFRESHER_ARENA_KEPT);
    }
    rind_arena_unmap(arena);
}

/* --- the slow thread --- */

/* Waits until an agent is slow; false if it is time to stop. */
static bool refresher_wait_for_slow(struct rind_refresher *refresher)
{
    rind_mutex_lock(&refresher->mutex);
    while (!refresher->is_stopping && !rind_agent_list_has_slow(&refresher->list)) {
        (void)rind_cond_wait(&refresher->changed, &refresher->mutex,
                             rind_deadline_in_ms(REFRESHER_WAIT_MS));
    }
    bool is_running = !refresher->is_stopping;
    rind_mutex_unlock(&refresher->mutex);
    return is_running;
}

static void refresher_slow_run(void *self)
{
    struct rind_refresher *refresher = self;
    struct rind_arena *arena = NULL;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, REFRESHER_ARENA_SIZE, &arena))) {
        RIND_LOG_ERROR(refresher->options.log, "slow agents cannot be asked: %s", ctx.sentence);
        return;
    }
    rind_ctx_init(&ctx, arena);
    while (refresher_wait_for_slow(refresher)) {
        struct rind_span span;
        rind_span_begin_round(&ctx, &span, refresher->options.tracer, "refresh slow agents",
                              RIND_TRACE_LOOP_RATE);
        if (refresher_poll_all(refresher, &ctx, true)) {
            rind_mutex_lock(&refresher->mutex);
            refresher->is_dirty = true;
            rind_cond_broadcast(&refresher->changed);
            rind_mutex_unlock(&refresher->mutex);
        }
        rind_span_end(&ctx, &span, RIND_OK);
        rind_arena_map_reset(arena, REFRESHER_ARENA_KEPT);
        (void)rind_stopper_wait(&refresher->stopper,
                                rind_deadline_in_ms(RIND_REFRESH_SLOW_PAUSE_MS));
    }
    rind_arena_unmap(arena);
}

/* --- everybody --- */

rind_status rind_refresher_open(struct rind_ctx *ctx, const struct rind_refresher_options *options,
                                struct rind_refresher **result)
{
    struct rind_refresher *refresher = calloc(1, sizeof(*refresher));
    RIND_REQUIRE(ctx, refresher != NULL, RIND_E_LIMIT, "out of memory for the routing table");
    rind_status status = rind_stopper_init(ctx, &refresher->stopper);
    if (!rind_is_ok(status)) {
        free(refresher);
        return status;
    }
    refresher->options = *options;
    rind_mutex_init(&refresher->mutex);
    rind_cond_init(&refresher->changed);
    status = rind_thread_start(ctx, &refresher->prompt_thread, "routes", refresher_prompt_run,
                               refresher);
    if (rind_is_ok(status)) {
        status = rind_thread_start(ctx, &refresher->slow_thread, "slow-agents", refresher_slow_run,
                                   refresher);
    }
    if (!rind_is_ok(status)) {
        rind_refresher_close(refresher);
        return status;
    }
    *result = refresher;
    return RIND_OK;
}

void rind_refresher_close(struct rind_refresher *refresher)
{
    if (refresher == NULL) {
        return;
    }
    rind_mutex_lock(&refresher->mutex);
    refresher->is_stopping = true;
    rind_cond_broadcast(&refresher->changed);
    rind_mutex_unlock(&refresher->mutex);
    rind_stopper_set(&refresher->stopper);
    rind_thread_join(&refresher->prompt_thread);
    rind_thread_join(&refresher->slow_thread);
    rind_agent_list_fini(&refresher->list);
    rind_cond_fini(&refresher->changed);
    rind_mutex_fini(&refresher->mutex);
    rind_stopper_fini(&refresher->stopper);
    free(refresher);
}

void rind_refresher_note_request(struct rind_refresher *refresher)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    uint64_t started_ns = atomic_load(&refresher->last_started_ns);
    atomic_store(&refresher->last_request_ns, now_ns);
    if (now_ns > started_ns && now_ns - started_ns > RIND_REFRESH_ACTIVE_MS * RIND_NS_PER_MS) {
        rind_mutex_lock(&refresher->mutex);
        rind_cond_broadcast(&refresher->changed); /* it is no longer idle: due is sooner now */
        rind_mutex_unlock(&refresher->mutex);
    }
}

bool rind_refresher_await(struct rind_refresher *refresher, uint64_t since_ns,
                          struct rind_deadline deadline)
{
    bool is_waiting = true;
    rind_mutex_lock(&refresher->mutex);
    while (refresher->discovered_ns < since_ns && !refresher->is_stopping && is_waiting) {
        if (refresher->discovering_ns < since_ns && !refresher->is_wanted) {
            refresher->is_wanted = true;
            rind_cond_broadcast(&refresher->changed);
        }
        is_waiting = rind_cond_wait(&refresher->changed, &refresher->mutex, deadline);
    }
    bool is_fresh = refresher->discovered_ns >= since_ns;
    rind_mutex_unlock(&refresher->mutex);
    return is_fresh;
}

uint64_t rind_refresher_count(struct rind_refresher *refresher)
{
    rind_mutex_lock(&refresher->mutex);
    uint64_t count = refresher->completed_count;
    rind_mutex_unlock(&refresher->mutex);
    return count;
}
