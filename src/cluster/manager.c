/* manager.c - see manager.h. */
#include <stdlib.h>

#include "cluster/manager_state.h"

#define MANAGER_DRAIN_MS 500u
#define MANAGER_DEREGISTER_MS 300u
#define MANAGER_WORKER_THREADS 32u  /* procedures at one time; only leases limit them otherwise */
#define MANAGER_BODY_SIZE_MAX 4096u /* the largest request has some 200 bytes */
#define MANAGER_RELEASE_ARENA_BYTES (64u << 10)

static rind_status manager_open_server(struct rind_ctx *ctx, struct rind_manager *manager)
{
    struct rind_server_options options = rind_server_options_default();
    options.listen = manager->options.listen;
    options.handle = manager_handle;
    options.self = manager;
    options.name = "manager";
    options.log = manager->options.log;
    options.metrics = manager->options.metrics;
    options.tracer = manager->options.tracer;
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.worker_threads = MANAGER_WORKER_THREADS;
    options.body_size_bytes_max = MANAGER_BODY_SIZE_MAX;
    RIND_TRY(rind_server_open(ctx, &options, &manager->server));
    struct rind_address bound = rind_server_address(manager->server);
    rind_url_from_address(&bound, &manager->url);
    return RIND_OK;
}

static rind_status manager_open_parts(struct rind_ctx *ctx, struct rind_manager *manager)
{
    struct rind_client_options client = rind_client_options_default();
    client.metrics = manager->options.metrics;
    RIND_TRY(rind_stopper_init(ctx, &manager->stopper));
    manager->has_stopper = true;
    RIND_TRY(rind_store_create_shared_tables(ctx, manager->options.store,
                                             rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS)));
    RIND_TRY(rind_client_open(ctx, &client, &manager->client));
    rind_address_format(&manager->options.listen, manager->name);
    manager->cluster = (struct rind_cluster){.store = manager->options.store,
                                             .client = manager->client,
                                             .log = manager->options.log,
                                             .name = manager->name};
    RIND_TRY(rind_grant_keeper_open(ctx, &manager->cluster, &manager->stopper, &manager->keeper));
    RIND_TRY(rind_leaders_new(ctx, manager->keeper, &manager->cluster, RIND_LEADERS_STALL_MS,
                              &manager->leaders));
    RIND_TRY(rind_watch_open(ctx, manager_want_check, manager, &manager->watch));
    return manager_open_server(ctx, manager);
}

static rind_status manager_start_threads(struct rind_ctx *ctx, struct rind_manager *manager)
{
    RIND_TRY(
        rind_thread_start(ctx, &manager->leaders_thread, "leaders", manager_run_leaders, manager));
    RIND_TRY(rind_thread_start(ctx, &manager->transfers_thread, "transfers", manager_run_transfers,
                               manager));
    RIND_TRY(rind_thread_start(ctx, &manager->rebalance_thread, "rebalance", manager_run_rebalance,
                               manager));
    return rind_thread_start(ctx, &manager->registration_thread, "registration",
                             manager_run_registration, manager);
}

rind_status rind_manager_open(struct rind_ctx *ctx, const struct rind_manager_options *options,
                              struct rind_manager **manager)
{
    struct rind_manager *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for the cluster manager");
    made->options = *options;
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->check_changed);
    rind_status status = manager_open_parts(ctx, made);
    if (rind_is_ok(status)) {
        status = manager_start_threads(ctx, made);
    }
    if (!rind_is_ok(status)) {
        rind_manager_close(made);
        return status;
    }
    *manager = made;
    return RIND_OK;
}

/* So that nobody asks us any more; without it the entry ends by itself after 21 minutes. */
static void manager_deregister(struct rind_manager *manager)
{
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, MANAGER_RELEASE_ARENA_BYTES, &arena))) {
        return;
    }
    rind_ctx_init(&ctx, arena);
    rind_status status =
        rind_store_discovery_remove(&ctx, manager->options.store, RIND_SERVICE_CLUSTER_MANAGER,
                                    manager->url.text, rind_deadline_in_ms(MANAGER_DEREGISTER_MS));
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(manager->options.log, "the registration stays until it expires: %s",
                      ctx.sentence);
    }
    rind_arena_unmap(arena);
}

/* Tells everybody to stop, and waits for the one thread that could register us again. */
static void manager_stop(struct rind_manager *manager)
{
    rind_stopper_set(&manager->stopper);
    rind_mutex_lock(&manager->lock);
    manager->is_closing = true;
    rind_cond_broadcast(&manager->check_changed);
    rind_mutex_unlock(&manager->lock);
    rind_thread_join(&manager->registration_thread);
    if (atomic_load(&manager->is_registered)) {
        manager_deregister(manager);
    }
}

void rind_manager_close(struct rind_manager *manager)
{
    if (manager == NULL) {
        return;
    }
    if (manager->has_stopper) {
        manager_stop(manager);
    }
    if (manager->server != NULL) {
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, NULL);
        rind_status drained =
            rind_server_drain(&ctx, manager->server, rind_deadline_in_ms(MANAGER_DRAIN_MS));
        if (!rind_is_ok(drained)) {
            RIND_LOG_WARN(manager->options.log, "%s", ctx.sentence);
        }
    }
    rind_server_close(manager->server);
    rind_thread_join(&manager->leaders_thread);
    rind_thread_join(&manager->transfers_thread);
    rind_thread_join(&manager->rebalance_thread);
    rind_watch_close(manager->watch); /* after the leader check, which tells it whom to watch */
    rind_leaders_free(manager->leaders);
    rind_grant_keeper_close(manager->keeper);
    rind_client_close(manager->client);
    if (manager->has_stopper) {
        rind_stopper_fini(&manager->stopper);
    }
    rind_cond_fini(&manager->check_changed);
    rind_mutex_fini(&manager->lock);
    free(manager);
}

struct rind_address rind_manager_address(const struct rind_manager *manager)
{
    return rind_server_address(manager->server);
}
