/* balancer.c - see balancer.h: builds the parts, takes them apart again. */
#include "balancer/balancer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "balancer/endpoints.h"
#include "balancer/refresher.h"
#include "balancer/routing.h"
#include "base/wipe.h"
#include "net/net.h"

/* How many requests may wait for agents at one time. A worker costs a few pages of memory. */
#define BALANCER_WORKERS 512u
/* One hung agent must leave workers to the others. */
#define BALANCER_IN_FLIGHT_PER_AGENT_MAX (BALANCER_WORKERS / 4 * 3)
#define BALANCER_HANDSHAKES_PER_AGENT_MAX (BALANCER_WORKERS / 2)
/* Requests that wait for records nobody serves must leave workers to those that are served. */
#define BALANCER_WAITING_MAX (BALANCER_WORKERS / 2)
/* Requests have at most RIND_BALANCER_BODY_SIZE_MAX bytes, answers a few hundred; address space. */
#define BALANCER_ARENA_SIZE (4u * 1024 * 1024)
/* Of an agent; the largest is the status of 256 groups. */
#define BALANCER_ANSWER_SIZE_MAX (1024u * 1024)
/* What is being received at one time: about 1500 bytes while it is less than a whole head. */
#define BALANCER_BUFFERED_MAX (128u * 1024 * 1024)
#define BALANCER_USER_AGENT "juicebox_networking/0.3.2"

struct rind_balancer {
    char *name;
    atomic_bool is_shutting_down;
    struct rind_stopper draining; /* requests wait for nothing any more */
    atomic_uint waiting_count;
    struct rind_record_key record_key; /* secret */
    struct rind_client *client;
    struct rind_published *routing; /* struct rind_routing */
    struct rind_refresher *refresher;
    struct rind_delayed_replies *delayed_replies;
    struct rind_endpoints endpoints;
    struct rind_server *server;
};

static rind_status balancer_read_record_key(struct rind_ctx *ctx, struct rind_secrets *secrets,
                                            struct rind_record_key *key)
{
    struct rind_published_ref ref = rind_secrets_acquire(secrets);
    const struct rind_secret *secret =
        rind_secret_map_find_latest(ref.value, rind_slice_text(RIND_RECORD_KEY_SECRET));
    rind_status status = secret != NULL ? rind_record_key_init(ctx, secret, key)
                                        : rind_fail(ctx, RIND_E_NOT_FOUND,
                                                    "missing secret: %s, enabled and with its "
                                                    "label; docs/google-cloud.md says how to make "
                                                    "it",
                                                    RIND_RECORD_KEY_SECRET);
    rind_secrets_release(secrets, ref);
    return status;
}

static rind_status balancer_start_routing(struct rind_ctx *ctx, struct rind_balancer *balancer,
                                          const struct rind_balancer_options *options)
{
    struct rind_routing *empty = NULL;
    RIND_TRY(rind_routing_new(ctx, NULL, 0, &empty));
    rind_status status = rind_published_new(ctx, empty, rind_routing_free, &balancer->routing);
    if (!rind_is_ok(status)) {
        rind_routing_free(empty);
        return status;
    }
    struct rind_refresher_options refresher_options = {.store = options->store,
                                                       .client = balancer->client,
                                                       .routing = balancer->routing,
                                                       .log = options->log,
                                                       .metrics = options->metrics,
                                                       .tracer = options->tracer};
    return rind_refresher_open(ctx, &refresher_options, &balancer->refresher);
}

static rind_status balancer_start_server(struct rind_ctx *ctx, struct rind_balancer *balancer,
                                         const struct rind_balancer_options *options)
{
    struct rind_server_options server_options = rind_server_options_default();
    server_options.listen = options->listen;
    server_options.handle = rind_endpoints_handle;
    server_options.self = &balancer->endpoints;
    server_options.name = "lb";
    server_options.log = options->log;
    server_options.metrics = options->metrics;
    server_options.tracer = options->tracer;
    server_options.metrics_prefix = "load_balancer";
    server_options.tls_certificate_file = options->tls_certificate_file;
    server_options.tls_key_file = options->tls_key_file;
    server_options.http2 = RIND_SERVER_HTTP2_ALPN;
    server_options.worker_threads = BALANCER_WORKERS;
    server_options.body_size_bytes_max = RIND_BALANCER_BODY_SIZE_MAX;
    server_options.buffered_bytes_max = BALANCER_BUFFERED_MAX;
    server_options.arena_size_bytes = BALANCER_ARENA_SIZE;
    server_options.idle_timeout_ns = options->idle_timeout_ns;
    return rind_server_open(ctx, &server_options, &balancer->server);
}

/* What open does once the struct exists; close undoes any part of it. */
static rind_status balancer_start(struct rind_ctx *ctx, struct rind_balancer *balancer,
                                  const struct rind_balancer_options *options)
{
    struct rind_client_options client_options = rind_client_options_default();
    client_options.user_agent = BALANCER_USER_AGENT;
    client_options.metrics = options->metrics;
    client_options.answer_size_bytes_max = BALANCER_ANSWER_SIZE_MAX;
    client_options.connections_per_peer_max = BALANCER_WORKERS;
    client_options.idle_per_peer_max = BALANCER_WORKERS;

    if (options->tracer != NULL) {
        options->tracer->rate = options->trace_rate;
        options->tracer->is_parent_ignored = true; /* clients are strangers */
    }
    balancer->name = strdup(options->name);
    RIND_REQUIRE(ctx, balancer->name != NULL, RIND_E_LIMIT, "out of memory for the balancer");
    RIND_TRY(balancer_read_record_key(ctx, options->secrets, &balancer->record_key));
    RIND_TRY(rind_client_open(ctx, &client_options, &balancer->client));
    RIND_TRY(rind_delayed_replies_open(ctx, &balancer->delayed_replies));
    RIND_TRY(balancer_start_routing(ctx, balancer, options));
    balancer->endpoints = (struct rind_endpoints){
        .name = balancer->name,
        .is_shutting_down = &balancer->is_shutting_down,
        .delayed_replies = balancer->delayed_replies,
        .trace_rate = options->trace_rate,
        .service = {.secrets = options->secrets,
                    .record_key = &balancer->record_key,
                    .routing = balancer->routing,
                    .refresher = balancer->refresher,
                    .forwarder = {.client = balancer->client,
                                  .log = options->log,
                                  .in_flight_per_agent_max = BALANCER_IN_FLIGHT_PER_AGENT_MAX,
                                  .handshakes_per_agent_max = BALANCER_HANDSHAKES_PER_AGENT_MAX},
                    .log = options->log,
                    .metrics = options->metrics,
                    .gap_ns = options->gap_ns,
                    .stopper = &balancer->draining,
                    .waiting_count = &balancer->waiting_count,
                    .waiting_count_max = BALANCER_WAITING_MAX}};
    return balancer_start_server(ctx, balancer, options);
}

rind_status rind_balancer_open(struct rind_ctx *ctx, const struct rind_balancer_options *options,
                               struct rind_balancer **result)
{
    struct rind_balancer *balancer = calloc(1, sizeof(*balancer));
    RIND_REQUIRE(ctx, balancer != NULL, RIND_E_LIMIT, "out of memory for the balancer");
    rind_status status = rind_stopper_init(ctx, &balancer->draining);
    if (!rind_is_ok(status)) {
        free(balancer);
        return status;
    }
    status = balancer_start(ctx, balancer, options);
    if (!rind_is_ok(status)) {
        rind_balancer_close(balancer);
        return status;
    }
    *result = balancer;
    return RIND_OK;
}

struct rind_address rind_balancer_address(const struct rind_balancer *balancer)
{
    return rind_server_address(balancer->server);
}

rind_status rind_balancer_reload_tls(struct rind_ctx *ctx, struct rind_balancer *balancer)
{
    return rind_server_reload_tls(ctx, balancer->server);
}

void rind_balancer_announce_shutdown(struct rind_balancer *balancer)
{
    atomic_store(&balancer->is_shutting_down, true);
}

rind_status rind_balancer_drain(struct rind_ctx *ctx, struct rind_balancer *balancer,
                                struct rind_deadline deadline)
{
    rind_stopper_set(&balancer->draining);
    return rind_server_drain(ctx, balancer->server, deadline);
}

void rind_balancer_close(struct rind_balancer *balancer)
{
    if (balancer == NULL) {
        return;
    }
    rind_stopper_set(&balancer->draining);
    rind_server_close(balancer->server); /* no handler runs any more: nobody borrows the rest */
    rind_delayed_replies_close(balancer->delayed_replies);
    rind_refresher_close(balancer->refresher);
    rind_published_free(balancer->routing);
    rind_client_close(balancer->client);
    rind_stopper_fini(&balancer->draining);
    rind_wipe(&balancer->record_key, sizeof(balancer->record_key));
    free(balancer->name);
    free(balancer);
}
