/* grant.c - see grant.h. */
#include "cluster/grant.h"

#include <stdlib.h>

/* How soon a lost grant is noticed while an RPC is under way. */
#define GRANT_LOOK_INTERVAL_MS 250u
#define GRANT_ARENA_SIZE_BYTES (1u << 20)
#define RELEASE_ARENA_SIZE_BYTES (16u << 10) /* one small row, on the stack */

_Static_assert(RIND_LEASE_DURATION_MS - RIND_GRANT_OBTAIN_TIMEOUT_MS > RIND_GRANT_MARGIN_MS,
               "a lease that was slow to get is valid when the keeper first sees it");

struct rind_grant_keeper {
    const struct rind_cluster *cluster;
    struct rind_stopper *stopper;
    struct rind_thread thread;
    struct rind_arena *arena; /* of the thread */
    /* Guards the list and, in each grant, what its comment says. Nothing is taken after it. */
    struct rind_mutex lock;
    struct rind_cond changed; /* a grant came, or stopped being renewed; or closing */
    struct rind_grant *first;
    bool is_closing;
};

/* A lease of ours obtained or extended by a call begun at `begun`: until when we rely on it. */
static struct rind_deadline grant_valid_until(uint64_t begun_ns)
{
    return (struct rind_deadline){begun_ns +
                                  (RIND_LEASE_DURATION_MS - RIND_GRANT_MARGIN_MS) * RIND_NS_PER_MS};
}

static struct rind_deadline grant_renew_at(uint64_t begun_ns)
{
    return (struct rind_deadline){begun_ns + RIND_LEASE_RENEW_INTERVAL_MS * RIND_NS_PER_MS};
}

/* The grant to renew next, or NULL. Lock held. */
static struct rind_grant *grant_next_due(struct rind_grant_keeper *keeper)
{
    struct rind_grant *due = NULL;
    for (struct rind_grant *grant = keeper->first; grant != NULL; grant = grant->next) {
        if (!grant->is_lost && (due == NULL || grant->renew_at.at_ns < due->renew_at.at_ns)) {
            due = grant;
        }
    }
    return due;
}

/* Extends one lease. Called and returns with the lock held; it is not held meanwhile. */
static void grant_renew(struct rind_grant_keeper *keeper, struct rind_ctx *ctx,
                        struct rind_grant *grant)
{
    struct rind_lease lease = grant->lease;
    struct rind_deadline deadline = grant->valid_until;
    uint64_t begun_ns = rind_clock_monotonic_ns();
    grant->is_renewing = true;
    rind_mutex_unlock(&keeper->lock);
    rind_status status = rind_store_lease_extend(ctx, keeper->cluster->store, &lease,
                                                 RIND_LEASE_DURATION_MS, deadline);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(keeper->cluster->log, "lost lease %s, its work stops: %s", lease.key,
                      ctx->sentence);
    }
    rind_arena_reset(keeper->arena);
    rind_mutex_lock(&keeper->lock);
    grant->is_renewing = false;
    if (rind_is_ok(status)) {
        grant->lease = lease;
        grant->valid_until = grant_valid_until(begun_ns);
        grant->renew_at = grant_renew_at(begun_ns);
    } else {
        grant->is_lost = true;
    }
    rind_cond_broadcast(&keeper->changed);
}

static void grant_keep(void *self)
{
    struct rind_grant_keeper *keeper = self;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, keeper->arena);
    rind_mutex_lock(&keeper->lock);
    while (!keeper->is_closing) {
        struct rind_grant *due = grant_next_due(keeper);
        if (due != NULL && rind_deadline_has_expired(due->renew_at)) {
            grant_renew(keeper, &ctx, due);
        } else {
            (void)rind_cond_wait(&keeper->changed, &keeper->lock,
                                 due != NULL ? due->renew_at : rind_deadline_never());
        }
    }
    rind_mutex_unlock(&keeper->lock);
}

rind_status rind_grant_keeper_open(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   struct rind_stopper *stopper, struct rind_grant_keeper **keeper)
{
    struct rind_grant_keeper *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for the keeper of leases");
    made->cluster = cluster;
    made->stopper = stopper;
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->changed);
    rind_status status = rind_arena_map(ctx, GRANT_ARENA_SIZE_BYTES, &made->arena);
    if (rind_is_ok(status)) {
        status = rind_thread_start(ctx, &made->thread, "leases", grant_keep, made);
    }
    if (!rind_is_ok(status)) {
        rind_grant_keeper_close(made);
        return status;
    }
    *keeper = made;
    return RIND_OK;
}

void rind_grant_keeper_close(struct rind_grant_keeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    rind_mutex_lock(&keeper->lock);
    RIND_ASSERT(keeper->first == NULL);
    keeper->is_closing = true;
    rind_cond_broadcast(&keeper->changed);
    rind_mutex_unlock(&keeper->lock);
    rind_thread_join(&keeper->thread);
    rind_arena_unmap(keeper->arena);
    rind_cond_fini(&keeper->changed);
    rind_mutex_fini(&keeper->lock);
    free(keeper);
}

rind_status rind_grant_obtain(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                              const char *key, uint64_t wait_ms, struct rind_grant *grant)
{
    const struct rind_cluster *cluster = keeper->cluster;
    *grant = (struct rind_grant){.keeper = keeper};
    uint64_t begun_ns = rind_clock_monotonic_ns();
    if (wait_ms == 0) {
        RIND_TRY(rind_store_lease_obtain(
            ctx, cluster->store, key, cluster->name, RIND_LEASE_DURATION_MS,
            rind_deadline_in_ms(RIND_GRANT_OBTAIN_TIMEOUT_MS), &grant->lease));
    } else {
        RIND_ASSERT(wait_ms <= RIND_GRANT_OBTAIN_TIMEOUT_MS);
        RIND_TRY(rind_store_lease_wait(ctx, cluster->store, key, cluster->name,
                                       RIND_LEASE_DURATION_MS, rind_deadline_in_ms(wait_ms),
                                       &grant->lease));
    }
    /* Counted from before the call, so never longer than the lease whatever attempt got it. */
    grant->valid_until = grant_valid_until(begun_ns);
    grant->renew_at = grant_renew_at(begun_ns);
    rind_mutex_lock(&keeper->lock);
    grant->next = keeper->first;
    keeper->first = grant;
    rind_cond_broadcast(&keeper->changed);
    rind_mutex_unlock(&keeper->lock);
    return RIND_OK;
}

void rind_grant_release(struct rind_grant *grant)
{
    struct rind_grant_keeper *keeper = grant->keeper;
    rind_mutex_lock(&keeper->lock);
    while (grant->is_renewing) {
        (void)rind_cond_wait(&keeper->changed, &keeper->lock, rind_deadline_never());
    }
    struct rind_grant **link = &keeper->first;
    while (*link != grant) {
        RIND_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = grant->next;
    bool is_lost = grant->is_lost;
    rind_mutex_unlock(&keeper->lock);
    if (is_lost) {
        return; /* somebody else's by now, or about to end by itself */
    }
    struct rind_ctx ctx;
    uint8_t memory[RELEASE_ARENA_SIZE_BYTES];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    rind_status status =
        rind_store_lease_terminate(&ctx, keeper->cluster->store, &grant->lease,
                                   rind_deadline_in_ms(RIND_GRANT_RELEASE_TIMEOUT_MS));
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(keeper->cluster->log, "lease %s could not be given back, it ends in %u s: %s",
                      grant->lease.key, RIND_LEASE_DURATION_MS / 1000u, ctx.sentence);
    }
}

const struct rind_cluster *rind_grant_cluster(const struct rind_grant *grant)
{
    return grant->keeper->cluster;
}

rind_status rind_grant_check(struct rind_ctx *ctx, struct rind_grant *grant)
{
    struct rind_grant_keeper *keeper = grant->keeper;
    rind_mutex_lock(&keeper->lock);
    bool is_valid = !grant->is_lost && !rind_deadline_has_expired(grant->valid_until);
    /* A lease that could have ended meanwhile is not taken up again, even if nobody took it. */
    grant->is_lost = !is_valid;
    rind_mutex_unlock(&keeper->lock);
    RIND_REQUIRE(ctx, is_valid, RIND_E_CANCELLED, "lost lease %s, the work under it stopped",
                 grant->lease.key);
    RIND_REQUIRE(ctx, keeper->stopper == NULL || !rind_stopper_is_set(keeper->stopper),
                 RIND_E_CANCELLED, "the cluster manager is stopping");
    return RIND_OK;
}

/* Waits for the one answer of `fan`, looking after the grant from time to time. */
static rind_status grant_await(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                               struct rind_rpc_fan *fan, void *response,
                               struct rind_deadline deadline, unsigned *http_status)
{
    for (;;) {
        struct rind_rpc_result result;
        fan->deadline = rind_deadline_min(deadline, rind_deadline_in_ms(GRANT_LOOK_INTERVAL_MS));
        if (rind_rpc_fan_next(ctx, fan, response, &result)) {
            *http_status = result.http_status;
            RIND_REQUIRE(ctx, rind_is_ok(result.status), (enum rind_code)result.status.code, "%s",
                         result.sentence);
            return RIND_OK;
        }
        RIND_TRY(rind_grant_check(ctx, grant));
        RIND_REQUIRE(ctx, !rind_deadline_has_expired(deadline), RIND_E_TIMEOUT,
                     "calling %s%s: no answer in time", url, fan->rpc->path);
    }
}

rind_status rind_grant_call(struct rind_ctx *ctx, struct rind_grant *grant, const char *url,
                            const struct rind_rpc *rpc, const void *request, void *response,
                            uint64_t timeout_ms, unsigned *http_status)
{
    struct rind_deadline deadline = rind_deadline_in_ms(timeout_ms);
    struct rind_rpc_fan fan;
    unsigned status_seen = 0;
    RIND_TRY(rind_grant_check(ctx, grant));
    RIND_TRY(rind_rpc_fan_open(ctx, grant->keeper->cluster->client, &url, 1, rpc, request, deadline,
                               &fan));
    rind_status status = grant_await(ctx, grant, url, &fan, response, deadline, &status_seen);
    rind_rpc_fan_close(&fan);
    if (http_status != NULL) {
        *http_status = status_seen;
    }
    return status;
}
