/* errand.c - see errand.h. */
#include "cli/chaos/errand.h"

#include <stdio.h>
#include <stdlib.h>

#include "rpc/rpc.h"

#define ERRAND_TIMEOUT_MS 20000u
#define ERRAND_ARENA_SIZE_BYTES (16u << 20)

struct rind_chaos_courier {
    struct rind_client *client;
    void (*done)(void *self, const struct rind_chaos_errand *errand,
                 const struct rind_chaos_errand_result *result);
    void *self;
    struct rind_arena *arena;
    struct rind_thread thread;
    struct rind_mutex mutex; /* guards what follows */
    struct rind_cond cond;
    bool has_errand;
    bool is_closing;
    struct rind_chaos_errand errand;
};

static rind_status errand_stepdown(struct rind_ctx *ctx, struct rind_client *client,
                                   const struct rind_chaos_errand *errand)
{
    struct rind_cluster_stepdown_request request = {
        .kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP,
        .group = {.realm = errand->realm, .group = errand->group}};
    if (errand->kind == RIND_CHAOS_STEPDOWN_HSM) {
        request = (struct rind_cluster_stepdown_request){.kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM,
                                                         .hsm = errand->hsm};
    }
    struct rind_cluster_stepdown_response response;
    RIND_TRY(rind_rpc_call(ctx, client, errand->url, &rind_rpc_manager_leader_stepdown, &request,
                           &response, rind_deadline_in_ms(ERRAND_TIMEOUT_MS), NULL));
    if (response.kind != RIND_CLUSTER_STEPDOWN_OK) {
        char memory[128];
        struct rind_buffer out;
        rind_buffer_init(&out, memory, sizeof(memory));
        rind_stepdown_print(&out, &response);
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "%.*s", (int)out.length, memory);
    }
    return RIND_OK;
}

static rind_status errand_stepdown_agent(struct rind_ctx *ctx, struct rind_client *client,
                                         const struct rind_chaos_errand *errand)
{
    const struct rind_agent_stepdown_request request = {.realm = errand->realm,
                                                        .group = errand->group};
    struct rind_agent_stepdown_response response;
    RIND_TRY(rind_rpc_call(ctx, client, errand->url, &rind_rpc_stepdown, &request, &response,
                           rind_deadline_in_ms(ERRAND_TIMEOUT_MS), NULL));
    RIND_REQUIRE(ctx, response.kind == RIND_AGENT_STEPDOWN_OK, RIND_E_UNAVAILABLE,
                 "refused (kind %d)", (int)response.kind);
    return RIND_OK;
}

static rind_status errand_become_leader(struct rind_ctx *ctx, struct rind_client *client,
                                        const struct rind_chaos_errand *errand)
{
    const struct rind_agent_become_leader_request request = {.realm = errand->realm,
                                                             .group = errand->group};
    struct rind_agent_become_leader_response response;
    RIND_TRY(rind_rpc_call(ctx, client, errand->url, &rind_rpc_become_leader, &request, &response,
                           rind_deadline_in_ms(ERRAND_TIMEOUT_MS), NULL));
    RIND_REQUIRE(ctx, response.kind == RIND_AGENT_BECOME_LEADER_OK, RIND_E_UNAVAILABLE,
                 "refused (kind %d)", (int)response.kind);
    return RIND_OK;
}

static rind_status errand_rebalance(struct rind_ctx *ctx, struct rind_client *client,
                                    const struct rind_chaos_errand *errand)
{
    const struct rind_cluster_rebalance_request request = {0};
    struct rind_cluster_rebalance_response response;
    RIND_TRY(rind_rpc_call(ctx, client, errand->url, &rind_rpc_manager_rebalance, &request,
                           &response, rind_deadline_in_ms(ERRAND_TIMEOUT_MS), NULL));
    if (response.kind != RIND_CLUSTER_REBALANCE_OK) {
        char memory[128];
        struct rind_buffer out;
        rind_buffer_init(&out, memory, sizeof(memory));
        rind_rebalance_error_print(&out, &response.error);
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "%.*s", (int)out.length, memory);
    }
    return RIND_OK;
}

static rind_status errand_transfer(struct rind_ctx *ctx, struct rind_client *client,
                                   const struct rind_chaos_errand *errand)
{
    const struct rind_cluster_transfer_request request = {.realm = errand->realm,
                                                          .source = errand->group,
                                                          .destination = errand->destination,
                                                          .range = errand->range};
    struct rind_cluster_transfer_response response;
    RIND_TRY(rind_rpc_call(ctx, client, errand->url, &rind_rpc_manager_transfer, &request,
                           &response, rind_deadline_in_ms(RIND_TRANSFER_CALL_TIMEOUT_MS), NULL));
    if (response.kind != RIND_CLUSTER_TRANSFER_OK) {
        char memory[128];
        struct rind_buffer out;
        rind_buffer_init(&out, memory, sizeof(memory));
        rind_transfer_error_print(&out, &response.error);
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "%.*s", (int)out.length, memory);
    }
    return RIND_OK;
}

static rind_status errand_do(struct rind_ctx *ctx, struct rind_client *client,
                             const struct rind_chaos_errand *errand)
{
    switch (errand->kind) {
    case RIND_CHAOS_STEPDOWN_GROUP:
    case RIND_CHAOS_STEPDOWN_HSM:
        return errand_stepdown(ctx, client, errand);
    case RIND_CHAOS_STEPDOWN_AGENT:
        return errand_stepdown_agent(ctx, client, errand);
    case RIND_CHAOS_BECOME_LEADER:
        return errand_become_leader(ctx, client, errand);
    case RIND_CHAOS_REBALANCE:
        return errand_rebalance(ctx, client, errand);
    case RIND_CHAOS_TRANSFER:
        return errand_transfer(ctx, client, errand);
    }
    RIND_UNREACHABLE("there are six kinds of errands");
}

void rind_chaos_errand_run(struct rind_ctx *ctx, struct rind_client *client,
                           const struct rind_chaos_errand *errand,
                           struct rind_chaos_errand_result *result)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status = errand_do(ctx, client, errand);
    result->is_ok = rind_is_ok(status);
    result->duration_ns = rind_clock_monotonic_ns() - start_ns;
    (void)snprintf(result->text, sizeof(result->text), "%.250s",
                   result->is_ok ? "done" : ctx->sentence);
}

static void courier_run(void *self)
{
    struct rind_chaos_courier *courier = self;
    rind_mutex_lock(&courier->mutex);
    while (!courier->is_closing || courier->has_errand) {
        if (!courier->has_errand) {
            (void)rind_cond_wait(&courier->cond, &courier->mutex, rind_deadline_never());
            continue;
        }
        struct rind_chaos_errand errand = courier->errand;
        rind_mutex_unlock(&courier->mutex);
        struct rind_ctx ctx;
        struct rind_chaos_errand_result result;
        rind_ctx_init(&ctx, courier->arena);
        rind_chaos_errand_run(&ctx, courier->client, &errand, &result);
        rind_arena_reset(courier->arena);
        courier->done(courier->self, &errand, &result);
        rind_mutex_lock(&courier->mutex);
        courier->has_errand = false;
    }
    rind_mutex_unlock(&courier->mutex);
}

rind_status rind_chaos_courier_open(struct rind_ctx *ctx, struct rind_client *client,
                                    void (*done)(void *self, const struct rind_chaos_errand *errand,
                                                 const struct rind_chaos_errand_result *result),
                                    void *self, struct rind_chaos_courier **courier)
{
    struct rind_chaos_courier *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a courier");
    made->client = client;
    made->done = done;
    made->self = self;
    rind_mutex_init(&made->mutex);
    rind_cond_init(&made->cond);
    rind_status status = rind_arena_map(ctx, ERRAND_ARENA_SIZE_BYTES, &made->arena);
    if (rind_is_ok(status)) {
        status = rind_thread_start(ctx, &made->thread, "chaos-courier", courier_run, made);
    }
    if (!rind_is_ok(status)) {
        rind_chaos_courier_close(made);
        return status;
    }
    *courier = made;
    return RIND_OK;
}

bool rind_chaos_courier_send(struct rind_chaos_courier *courier,
                             const struct rind_chaos_errand *errand)
{
    rind_mutex_lock(&courier->mutex);
    bool is_free = !courier->has_errand;
    if (is_free) {
        courier->errand = *errand;
        courier->has_errand = true;
        rind_cond_signal(&courier->cond);
    }
    rind_mutex_unlock(&courier->mutex);
    return is_free;
}

bool rind_chaos_courier_is_busy(struct rind_chaos_courier *courier)
{
    rind_mutex_lock(&courier->mutex);
    bool is_busy = courier->has_errand;
    rind_mutex_unlock(&courier->mutex);
    return is_busy;
}

void rind_chaos_courier_close(struct rind_chaos_courier *courier)
{
    if (courier == NULL) {
        return;
    }
    rind_mutex_lock(&courier->mutex);
    courier->is_closing = true;
    rind_cond_signal(&courier->cond);
    rind_mutex_unlock(&courier->mutex);
    rind_thread_join(&courier->thread);
    rind_arena_unmap(courier->arena);
    rind_cond_fini(&courier->cond);
    rind_mutex_fini(&courier->mutex);
    free(courier);
}
