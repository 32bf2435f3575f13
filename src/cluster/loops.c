/* loops.c - the manager's threads: each sleeps first, then acts, until the manager closes. */
#include "cluster/manager_state.h"
#include "cluster/rebalance.h"
#include "cluster/recovery.h"

#define LOOP_ARENA_SIZE_BYTES (64u << 20) /* addresses; only what is used costs memory */
#define LOOP_ARENA_KEPT_BYTES (1u << 20)
/* Between two leader checks, however often somebody wants one. */
#define CHECK_PAUSE_MS_MIN 100u
/* The first check comes soon, so that the leaders there are become known and are watched. */
#define CHECK_FIRST_MS 500u
/* After a check that left a group without a leader; doubles up to the interval. */
#define CHECK_RETRY_MS 200u
#define REPAIR_TIMEOUT_MS 10000u

/* What a loop works with. */
struct loop {
    struct rind_manager *manager;
    struct rind_ctx ctx;
    struct rind_arena *arena;
    struct rind_span span; /* of a round */
};

static bool loop_begin(struct loop *loop, void *manager)
{
    loop->manager = manager;
    rind_ctx_init(&loop->ctx, NULL);
    rind_status status = rind_arena_map(&loop->ctx, LOOP_ARENA_SIZE_BYTES, &loop->arena);
    if (!rind_is_ok(status)) {
        RIND_LOG_ERROR(loop->manager->cluster.log, "%s", loop->ctx.sentence);
        return false;
    }
    rind_ctx_init(&loop->ctx, loop->arena);
    return true;
}

/* Begins the span of what a loop does once it has waited. */
static void loop_begin_round(struct loop *loop, const char *name)
{
    rind_span_begin_round(&loop->ctx, &loop->span, loop->manager->options.tracer, name,
                          RIND_TRACE_LOOP_RATE);
}

/* Ends it, and forgets what the round was about. */
static void loop_next(struct loop *loop)
{
    rind_span_end(&loop->ctx, &loop->span, RIND_OK);
    rind_arena_map_reset(loop->arena, LOOP_ARENA_KEPT_BYTES);
}

/* ---- leaders ---- */

void manager_want_check(void *self)
{
    struct rind_manager *manager = self;
    rind_mutex_lock(&manager->lock);
    manager->is_check_wanted = true;
    rind_cond_broadcast(&manager->check_changed);
    rind_mutex_unlock(&manager->lock);
}

void manager_repair(void *self)
{
    struct rind_manager *manager = self;
    struct rind_deadline deadline = rind_deadline_in_ms(REPAIR_TIMEOUT_MS);
    rind_mutex_lock(&manager->lock);
    /* One that runs already may have looked before there was something to repair. */
    uint64_t wanted = manager->checks_done + 2;
    while (manager->checks_done < wanted && !manager->is_closing) {
        manager->is_check_wanted = true;
        rind_cond_broadcast(&manager->check_changed);
        if (!rind_cond_wait(&manager->check_changed, &manager->lock, deadline)) {
            break;
        }
    }
    rind_mutex_unlock(&manager->lock);
}

/* Waits for the next check's time. False when the manager closes. */
static bool leaders_wait(struct rind_manager *manager, struct rind_deadline earliest,
                         struct rind_deadline latest)
{
    rind_mutex_lock(&manager->lock);
    for (;;) {
        struct rind_deadline until = manager->is_check_wanted ? earliest : latest;
        if (manager->is_closing || rind_deadline_has_expired(until)) {
            break;
        }
        (void)rind_cond_wait(&manager->check_changed, &manager->lock, until);
    }
    manager->is_check_wanted = false;
    bool is_closing = manager->is_closing;
    rind_mutex_unlock(&manager->lock);
    return !is_closing;
}

/* True if groups are left that should be looked at again soon. */
static bool leaders_check(struct loop *loop)
{
    struct rind_manager *manager = loop->manager;
    struct rind_leaders_report report;
    rind_status status = rind_leaders_check(&loop->ctx, manager->leaders, &report);
    bool is_left = false;
    if (rind_is_ok(status)) {
        rind_watch_set(manager->watch, report.leader_urls, report.leader_count);
        is_left = report.failed > 0 || report.busy > 0;
    } else {
        RIND_LOG_WARN(manager->cluster.log, "leader check: %s", loop->ctx.sentence);
    }
    rind_mutex_lock(&manager->lock);
    manager->checks_done++;
    rind_cond_broadcast(&manager->check_changed);
    rind_mutex_unlock(&manager->lock);
    return is_left;
}

void manager_run_leaders(void *self)
{
    struct loop loop;
    if (!loop_begin(&loop, self)) {
        return;
    }
    uint64_t interval_ns = loop.manager->options.interval_ns;
    uint64_t retry_ns = CHECK_RETRY_MS * RIND_NS_PER_MS;
    uint64_t first_ns = CHECK_FIRST_MS * RIND_NS_PER_MS;
    struct rind_deadline latest =
        rind_deadline_in_ns(first_ns < interval_ns ? first_ns : interval_ns);
    while (leaders_wait(
        loop.manager, rind_deadline_min(latest, rind_deadline_in_ms(CHECK_PAUSE_MS_MIN)), latest)) {
        loop_begin_round(&loop, "check the leaders");
        bool is_left = leaders_check(&loop);
        loop_next(&loop);
        latest = rind_deadline_in_ns(is_left && retry_ns < interval_ns ? retry_ns : interval_ns);
        retry_ns = is_left ? retry_ns * 2 : CHECK_RETRY_MS * RIND_NS_PER_MS;
    }
    rind_arena_unmap(loop.arena);
}

/* ---- transfers ---- */

void manager_run_transfers(void *self)
{
    struct loop loop;
    if (!loop_begin(&loop, self)) {
        return;
    }
    struct rind_manager *manager = loop.manager;
    while (
        !rind_stopper_wait(&manager->stopper, rind_deadline_in_ns(manager->options.interval_ns))) {
        struct rind_recovery_report report;
        loop_begin_round(&loop, "check transfers");
        rind_status status =
            rind_recovery_pass(&loop.ctx, manager->keeper, &manager->cluster, &report);
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(manager->cluster.log, "transfer check: %s", loop.ctx.sentence);
        }
        loop_next(&loop);
    }
    rind_arena_unmap(loop.arena);
}

/* ---- rebalance ---- */

void manager_run_rebalance(void *self)
{
    struct loop loop;
    if (!loop_begin(&loop, self)) {
        return;
    }
    struct rind_manager *manager = loop.manager;
    const struct rind_rebalance rebalance = {.keeper = manager->keeper,
                                             .cluster = &manager->cluster,
                                             .repair = manager_repair,
                                             .self = manager};
    while (!rind_stopper_wait(&manager->stopper,
                              rind_deadline_in_ns(manager->options.rebalance_interval_ns))) {
        struct rind_cluster_rebalance_response response;
        loop_begin_round(&loop, "rebalance");
        rind_rebalance_pass(&loop.ctx, &rebalance, &response);
        if (response.kind == RIND_CLUSTER_REBALANCE_ERR) {
            char memory[RIND_SENTENCE_SIZE_MAX];
            struct rind_buffer text;
            rind_buffer_init(&text, memory, sizeof(memory));
            rind_rebalance_error_print(&text, &response.error);
            RIND_LOG_WARN(manager->cluster.log, "rebalance: %.*s", (int)text.length, memory);
        }
        loop_next(&loop);
    }
    rind_arena_unmap(loop.arena);
}

/* ---- registration ---- */

void manager_run_registration(void *self)
{
    struct loop loop;
    if (!loop_begin(&loop, self)) {
        return;
    }
    struct rind_manager *manager = loop.manager;
    struct rind_deadline next;
    do {
        loop_begin_round(&loop, "register");
        rind_status status = rind_store_discovery_register(
            &loop.ctx, manager->options.store, RIND_SERVICE_CLUSTER_MANAGER, manager->url.text,
            rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS));
        if (rind_is_ok(status)) {
            if (!atomic_exchange(&manager->is_registered, true)) {
                RIND_LOG_INFO(manager->cluster.log, "registered as %s", manager->url.text);
            }
            next = rind_deadline_in_ms(RIND_DISCOVERY_REGISTER_INTERVAL_MS);
        } else {
            RIND_LOG_WARN(manager->cluster.log, "cannot register with service discovery: %s",
                          loop.ctx.sentence);
            next = rind_deadline_in_ms(RIND_DISCOVERY_RETRY_INTERVAL_MS);
        }
        loop_next(&loop);
    } while (!rind_stopper_wait(&manager->stopper, next));
    rind_arena_unmap(loop.arena);
}
