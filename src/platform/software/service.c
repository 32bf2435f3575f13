/* service.c - see service.h. */
#include "platform/software/service.h"

/*
 * Agents keep their connections; closing an idle one costs them a retry, so it is done only to get
 * rid of peers that are gone.
 */
#define SERVICE_IDLE_TIMEOUT_NS (15u * 60u * RIND_NS_PER_S)
#define SERVICE_RECEIVE_TIMEOUT_NS (60u * RIND_NS_PER_S)
/* One agent with its connections, a monitor, an operator. */
#define SERVICE_CONNECTIONS_MAX 1024u
#define SERVICE_REQUESTS_WAITING_MAX 1024u
#define SERVICE_HEAD_SIZE_BYTES_MAX (64u * 1024u)
#define SERVICE_BUFFERED_BYTES_MAX (64u * 1024u * 1024u)
#define SERVICE_ARENA_SIZE_BYTES (2u * 1024u * 1024u)

static unsigned service_status_code(rind_status status)
{
    if (rind_is_ok(status)) {
        return 200;
    }
    return rind_is(status, RIND_E_DECODE) || rind_is(status, RIND_E_LIMIT) ? 400 : 500;
}

static void service_handle_request(void *self, struct rind_ctx *ctx,
                                   const struct rind_request *request,
                                   struct rind_response *response)
{
    struct rind_service *service = self;
    if (request->is_body_too_large) {
        response->status = 413;
        return;
    }
    struct rind_slice body = {0};
    rind_status status = rind_machine_handle(ctx, service->machine, request->body, &body);
    response->status = service_status_code(status);
    response->body = body;
    if (response->status == 400) {
        RIND_LOG_WARN(&service->log, "refused what %s sent: %s", request->peer, ctx->sentence);
    } else if (response->status == 500) {
        RIND_LOG_ERROR(&service->log, "a request had no effect: %s", ctx->sentence);
    }
}

static const struct rind_route service_routes[] = {
    {.method = NULL, .path = "/req", .handle = service_handle_request},
};

static void service_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    struct rind_routes routes = {
        .rows = service_routes,
        .count = sizeof(service_routes) / sizeof(service_routes[0]),
        .self = self,
    };
    rind_routes_handle(&routes, ctx, request, response);
}

rind_status rind_service_open(struct rind_ctx *ctx, struct rind_machine *machine,
                              const struct rind_address *listen, const struct rind_log *log,
                              struct rind_service *service)
{
    *service = (struct rind_service){.machine = machine, .log = *log};
    struct rind_server_options options = rind_server_options_default();
    options.listen = *listen;
    options.handle = service_handle;
    options.self = service;
    options.name = "rind-hsm";
    options.log = log;
    options.http2 = RIND_SERVER_HTTP2_OFF;
    options.io_threads = 1;
    options.worker_threads = 0; /* the core takes one request at a time: on the I/O thread */
    options.requests_waiting_max = SERVICE_REQUESTS_WAITING_MAX;
    options.connections_max = SERVICE_CONNECTIONS_MAX;
    options.head_size_bytes_max = SERVICE_HEAD_SIZE_BYTES_MAX;
    options.body_size_bytes_max = RIND_HSM_REQUEST_SIZE_BYTES_MAX;
    options.buffered_bytes_max = SERVICE_BUFFERED_BYTES_MAX;
    options.arena_size_bytes = SERVICE_ARENA_SIZE_BYTES;
    options.head_timeout_ns = SERVICE_RECEIVE_TIMEOUT_NS;
    options.body_timeout_ns = SERVICE_RECEIVE_TIMEOUT_NS;
    options.write_timeout_ns = SERVICE_RECEIVE_TIMEOUT_NS;
    options.idle_timeout_ns = SERVICE_IDLE_TIMEOUT_NS;
    return rind_server_open(ctx, &options, &service->server);
}

struct rind_address rind_service_address(const struct rind_service *service)
{
    return rind_server_address(service->server);
}

void rind_service_close(struct rind_service *service, struct rind_deadline deadline)
{
    if (service->server == NULL) {
        return;
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_server_drain(&ctx, service->server, deadline);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&service->log, "%s", ctx.sentence);
    }
    rind_server_close(service->server);
    service->server = NULL;
}
