/* service.c - see service.h. */
#include "tenantlog/service.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "auth/auth.h"
#include "tenantlog/body.h"
#include "tenantlog/gate.h"

#define SERVICE_LIVEZ_SIZE_MAX 2048u
#define SERVICE_MESSAGE_SIZE_MAX (RIND_SENTENCE_SIZE_MAX + 64u)
#define SERVICE_REALM_BODY_SIZE 64u
#define SERVICE_JSON "application/json; charset=UTF-8"

struct rind_tenant_log {
    struct rind_tenant_log_options options;
    struct rind_log log;
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    struct rind_stopper stopper; /* set when shutting down: nobody waits for events any more */
    atomic_uint waiting;         /* requests that wait for events */
    struct rind_server *server;
};

/* --- answers --- */

static void answer_json(struct rind_response *response, unsigned status, struct rind_slice body)
{
    response->status = status;
    response->body = body;
    rind_response_add_header(response, "content-type", rind_slice_text(SERVICE_JSON));
}

static void answer_message(struct rind_ctx *ctx, struct rind_response *response, unsigned status,
                           const char *text)
{
    struct rind_slice body;
    if (rind_is_ok(rind_tenant_log_message_write(ctx, text, &body))) {
        answer_json(response, status, body);
    } else {
        response->status = status; /* no memory for a text */
    }
}

static void serve_realm(struct rind_tenant_log *service, struct rind_ctx *ctx,
                        struct rind_response *response)
{
    char *text = rind_ctx_alloc(ctx, SERVICE_REALM_BODY_SIZE);
    if (text == NULL) {
        response->status = 500;
        return;
    }
    int length = snprintf(text, SERVICE_REALM_BODY_SIZE, "{\"realmID\":\"%s\"}\n", service->realm);
    answer_json(response, 200, rind_slice_make(text, (size_t)length));
}

static void serve_livez(struct rind_tenant_log *service, struct rind_ctx *ctx,
                        struct rind_response *response)
{
    char *text = rind_ctx_alloc(ctx, SERVICE_LIVEZ_SIZE_MAX);
    if (rind_stopper_is_set(&service->stopper) || text == NULL) {
        response->status = 503;
        response->body = rind_slice_text("Shutting down");
        return;
    }
    struct rind_buffer out;
    rind_buffer_init(&out, text, SERVICE_LIVEZ_SIZE_MAX);
    rind_buffer_print(&out, "ok\nrealm: %s\n", service->realm);
    rind_build_info_livez(&out, NULL);
    response->status = 200;
    response->body = rind_buffer_slice(&out);
}

/* --- who asks --- */

static bool authenticate(struct rind_tenant_log *service, struct rind_ctx *ctx,
                         const struct rind_request *request, struct rind_response *response,
                         struct rind_token_claims *claims)
{
    const struct rind_tenant_gate gate = {.keys = service->options.keys,
                                          .realm = service->options.realm,
                                          .requirement = RIND_TOKEN_REQUIRE_AUDIT,
                                          .must_expire = service->options.must_expire};
    bool is_key_unavailable;
    enum rind_bearer_fault fault =
        rind_tenant_gate_judge(ctx, &gate, request, claims, &is_key_unavailable);
    if (fault == RIND_BEARER_FAULT_NONE) {
        return true;
    }
    if (is_key_unavailable) {
        answer_message(ctx, response, 503, RIND_TENANT_LOG_NO_KEY);
        return false;
    }
    answer_message(ctx, response, 401, rind_bearer_fault_text(fault));
    return false;
}

/* Everything before the work: who asks, and what for. False: the response is made. */
static bool admit(struct rind_tenant_log *service, struct rind_ctx *ctx,
                  const struct rind_request *request, struct rind_response *response,
                  struct rind_token_claims *claims, struct rind_tenant_log_request *asked)
{
    if (!authenticate(service, ctx, request, response, claims)) {
        return false;
    }
    if (request->is_body_too_large) {
        answer_message(ctx, response, 500, "error reading request body: it is too large");
        return false;
    }
    if (!rind_is_ok(rind_tenant_log_request_read(ctx, request->body, asked))) {
        char text[SERVICE_MESSAGE_SIZE_MAX];
        (void)snprintf(text, sizeof(text), "error unmarshalling request body: %s", ctx->sentence);
        answer_message(ctx, response, 400, text);
        return false;
    }
    return true;
}

/* --- the work --- */

static void count_request(struct rind_tenant_log *service, const struct rind_request *request,
                          struct rind_slice tenant)
{
    char tenant_text[RIND_METRICS_TEXT_SIZE_MAX];
    char path[RIND_METRICS_TEXT_SIZE_MAX];
    (void)snprintf(tenant_text, sizeof(tenant_text), "%.*s", (int)tenant.length,
                   (const char *)tenant.data);
    (void)snprintf(path, sizeof(path), "%.*s", (int)request->path.length,
                   (const char *)request->path.data);
    const struct rind_tag tags[] = {{"tenant", tenant_text}, {"type", path}};
    rind_metrics_count(service->options.metrics, "realm.tenant_log.count", 1, tags, 2);
}

static rind_status acknowledge(struct rind_tenant_log *service, struct rind_ctx *ctx,
                               struct rind_slice tenant,
                               const struct rind_tenant_log_request *asked)
{
    if (asked->ack_count == 0) {
        return RIND_OK;
    }
    struct rind_event_source *events = service->options.events;
    return events->acknowledge(events->self, ctx, tenant, asked->acks, asked->ack_count,
                               rind_deadline_in_ms(RIND_TENANT_LOG_ACK_MS));
}

/* Pulls until there is something to show, the time is over, or the service ends. */
static rind_status pull_page(struct rind_tenant_log *service, struct rind_ctx *ctx,
                             struct rind_slice tenant, size_t count_max, bool may_wait,
                             struct rind_slice *page)
{
    struct rind_event_source *source = service->options.events;
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_TENANT_LOG_WAIT_MS);
    size_t mark = rind_arena_mark(ctx->arena);
    while (true) {
        struct rind_delivered_event *events = NULL;
        size_t count = 0;
        size_t shown = 0;
        bool waits = may_wait && !rind_stopper_is_set(&service->stopper);
        rind_arena_release(ctx->arena, mark);
        rind_status status =
            source->pull(source->self, ctx, tenant, count_max, waits, deadline, &events, &count);
        if (!rind_is_ok(status) && !rind_is(status, RIND_E_CANCELLED)) {
            return status;
        }
        RIND_TRY(rind_tenant_log_page_write(ctx, events, count, &service->log, &shown, page));
        if (shown > 0 || !waits || rind_deadline_has_expired(deadline)) {
            return RIND_OK;
        }
        struct rind_deadline pause = rind_deadline_in_ms(RIND_TENANT_LOG_PAUSE_MS);
        (void)rind_stopper_wait(&service->stopper, rind_deadline_min(pause, deadline));
    }
}

/*
 * Waiting takes a worker. A quarter of them is kept for those who do not wait: when the others are
 * all taken, a page is what is there at this moment.
 */
static rind_status pull_in_turn(struct rind_tenant_log *service, struct rind_ctx *ctx,
                                struct rind_slice tenant, size_t count_max, struct rind_slice *page)
{
    unsigned waiting = atomic_fetch_add(&service->waiting, 1);
    bool may_wait = waiting < service->options.worker_threads - service->options.worker_threads / 4;
    rind_status status = pull_page(service, ctx, tenant, count_max, may_wait, page);
    atomic_fetch_sub(&service->waiting, 1);
    return status;
}

static void serve_failure(struct rind_tenant_log *service, struct rind_ctx *ctx,
                          struct rind_response *response, unsigned status, const char *what)
{
    RIND_LOG_WARN(&service->log, "%s: %s", what, ctx->sentence);
    answer_message(ctx, response, status, what);
}

static void serve_log(struct rind_tenant_log *service, struct rind_ctx *ctx,
                      const struct rind_request *request, struct rind_response *response)
{
    struct rind_token_claims claims;
    struct rind_tenant_log_request asked;
    struct rind_slice page;
    if (!admit(service, ctx, request, response, &claims, &asked)) {
        return;
    }
    if (!rind_is_ok(acknowledge(service, ctx, claims.issuer, &asked))) {
        serve_failure(service, ctx, response, 500, "error acknowledging events");
        return;
    }
    if (!rind_is_ok(pull_in_turn(service, ctx, claims.issuer, asked.page_size, &page))) {
        serve_failure(service, ctx, response, 500, "error reading events");
        return;
    }
    count_request(service, request, claims.issuer);
    answer_json(response, 200, page);
}

static void serve_ack(struct rind_tenant_log *service, struct rind_ctx *ctx,
                      const struct rind_request *request, struct rind_response *response)
{
    struct rind_token_claims claims;
    struct rind_tenant_log_request asked;
    if (!admit(service, ctx, request, response, &claims, &asked)) {
        return;
    }
    rind_status status = acknowledge(service, ctx, claims.issuer, &asked);
    if (!rind_is_ok(status)) {
        /* A bad id stays bad: who sends it must not think that trying again helps. */
        serve_failure(service, ctx, response, rind_is(status, RIND_E_INVALID) ? 400 : 500,
                      "error acknowledging events");
        return;
    }
    count_request(service, request, claims.issuer);
    answer_json(response, 200, rind_slice_text("{}\n"));
}

/* --- routes --- */

static void serve_preflight(struct rind_response *response)
{
    response->status = 204;
    rind_response_add_header(response, "access-control-allow-methods",
                             rind_slice_text("GET,HEAD,PUT,PATCH,POST,DELETE"));
    rind_response_add_header(
        response, "access-control-allow-headers",
        rind_slice_text("Authorization, Content-Type, traceparent, tracestate"));
}

enum route { ROUTE_REALM, ROUTE_LIVEZ, ROUTE_LOG, ROUTE_ACK, ROUTE_COUNT };

static const struct {
    const char *method;
    const char *path;
} routes[ROUTE_COUNT] = {
    [ROUTE_REALM] = {"GET", "/"},
    [ROUTE_LIVEZ] = {"GET", "/livez"},
    [ROUTE_LOG] = {"POST", "/tenant_log"},
    [ROUTE_ACK] = {"POST", "/tenant_log/ack"},
};

static void serve_route(struct rind_tenant_log *service, enum route route, struct rind_ctx *ctx,
                        const struct rind_request *request, struct rind_response *response)
{
    switch (route) {
    case ROUTE_REALM:
        serve_realm(service, ctx, response);
        return;
    case ROUTE_LIVEZ:
        serve_livez(service, ctx, response);
        return;
    case ROUTE_LOG:
        serve_log(service, ctx, request, response);
        return;
    case ROUTE_ACK:
        serve_ack(service, ctx, request, response);
        return;
    case ROUTE_COUNT:
        break;
    }
    answer_message(ctx, response, 404, "Not Found");
}

void rind_tenant_log_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                            struct rind_response *response)
{
    struct rind_tenant_log *service = self;
    enum route route = ROUTE_REALM;
    struct rind_slice length;
    rind_response_add_header(response, "access-control-allow-origin", rind_slice_text("*"));
    rind_response_add_header(response, "vary", rind_slice_text("Origin"));
    if (rind_slice_is_text(request->method, "OPTIONS")) {
        serve_preflight(response);
        return;
    }
    if (request->is_body_too_large && rind_request_header(request, "content-length", &length)) {
        answer_message(ctx, response, 413, "Request Entity Too Large");
        return;
    }
    while (route < ROUTE_COUNT && !rind_slice_is_text(request->path, routes[route].path)) {
        route++;
    }
    if (route < ROUTE_COUNT && !rind_slice_is_text(request->method, routes[route].method)) {
        answer_message(ctx, response, 405, "Method Not Allowed");
        return;
    }
    serve_route(service, route, ctx, request, response);
}

/* --- life --- */

static rind_status service_start(struct rind_ctx *ctx, struct rind_tenant_log *service)
{
    struct rind_server_options options = rind_server_options_default();
    options.listen = service->options.listen;
    options.handle = rind_tenant_log_handle;
    options.self = service;
    options.name = "tenant-log";
    options.log = &service->log;
    options.metrics = service->options.metrics;
    options.http2 = RIND_SERVER_HTTP2_PRIOR_KNOWLEDGE; /* what ends TLS in front may speak it */
    options.worker_threads = service->options.worker_threads;
    options.body_size_bytes_max = RIND_TENANT_LOG_BODY_SIZE_MAX;
    return rind_server_open(ctx, &options, &service->server);
}

rind_status rind_tenant_log_new(struct rind_ctx *ctx, const struct rind_tenant_log_options *options,
                                struct rind_tenant_log **result)
{
    struct rind_tenant_log *service = calloc(1, sizeof(*service));
    RIND_REQUIRE(ctx, service != NULL, RIND_E_LIMIT, "out of memory for the service");
    rind_status status = rind_stopper_init(ctx, &service->stopper);
    if (!rind_is_ok(status)) {
        free(service);
        return status;
    }
    service->options = *options;
    service->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    rind_hex_encode(rind_realm_id_slice(&options->realm), service->realm);
    *result = service;
    return RIND_OK;
}

rind_status rind_tenant_log_open(struct rind_ctx *ctx,
                                 const struct rind_tenant_log_options *options,
                                 struct rind_tenant_log **result)
{
    struct rind_tenant_log *service;
    RIND_TRY(rind_tenant_log_new(ctx, options, &service));
    rind_status status = service_start(ctx, service);
    if (!rind_is_ok(status)) {
        rind_tenant_log_close(service);
        return status;
    }
    *result = service;
    return RIND_OK;
}

struct rind_address rind_tenant_log_address(const struct rind_tenant_log *service)
{
    return rind_server_address(service->server);
}

void rind_tenant_log_stop(struct rind_tenant_log *service)
{
    rind_stopper_set(&service->stopper);
}

rind_status rind_tenant_log_drain(struct rind_ctx *ctx, struct rind_tenant_log *service,
                                  struct rind_deadline deadline)
{
    rind_tenant_log_stop(service);
    return rind_server_drain(ctx, service->server, deadline);
}

void rind_tenant_log_close(struct rind_tenant_log *service)
{
    if (service == NULL) {
        return;
    }
    rind_stopper_set(&service->stopper);
    rind_server_close(service->server);
    rind_stopper_fini(&service->stopper);
    free(service);
}
