/* endpoints.c - see endpoints.h. */
#include "software/endpoints.h"

#include "software/app.h"
#include "software/request.h"
#include "software/sdk_version.h"
#include "software/software.h"

#define ENDPOINTS_TYPE_JSON "application/json"
#define ENDPOINTS_TYPE_TEXT "text/plain; charset=UTF-8"
#define ENDPOINTS_TYPE_CBOR "application/octet-stream"
/* A wildcard would not cover Authorization (Fetch standard, CORS protocol). */
#define ENDPOINTS_CORS_HEADERS                                                                     \
    "Authorization, Content-Type, X-Juicebox-Version, Traceparent, Tracestate"

static void respond(struct rind_response *response, unsigned status, const char *type,
                    struct rind_slice body)
{
    response->status = status;
    response->body = body;
    rind_response_add_header(response, "content-type", rind_slice_text(type));
}

static void respond_text(struct rind_response *response, unsigned status, const char *text)
{
    respond(response, status, ENDPOINTS_TYPE_TEXT, rind_slice_text(text));
}

/* Our own texts need no escapes. */
static void respond_message(struct rind_ctx *ctx, struct rind_response *response, unsigned status,
                            const char *message)
{
    struct rind_buffer buffer;
    size_t size = strlen(message) + sizeof("{\"message\":\"\"}\n");
    char *text = rind_ctx_alloc(ctx, size);
    rind_buffer_init(&buffer, text, text != NULL ? size : 0);
    rind_buffer_print(&buffer, "{\"message\":\"%s\"}\n", message);
    respond(response, status, ENDPOINTS_TYPE_JSON, rind_buffer_slice(&buffer));
}

/* ---- POST /req ---- */

static void req_report(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                       struct rind_slice tenant, enum rind_secrets_request_kind kind)
{
    char *name = rind_ctx_alloc(ctx, tenant.length + 1);
    if (endpoints->metrics == NULL || name == NULL) {
        return;
    }
    memcpy(name, tenant.data, tenant.length); /* not empty; the arena gives zeroed bytes */
    const struct rind_tag tags[] = {{"tenant", name}, {"type", rind_software_request_name(kind)}};
    rind_metrics_count(endpoints->metrics, "realm.request.count", 1, tags, 2);
}

static void req_answer_fault(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                             enum rind_software_fault fault, struct rind_response *response)
{
    switch (fault) {
    case RIND_SOFTWARE_FAULT_PROCESS:
        respond_text(response, 400, "Error processing request");
        return;
    case RIND_SOFTWARE_FAULT_READ:
        RIND_LOG_WARN(endpoints->log, "a record could not be read: %s", ctx->sentence);
        respond_text(response, 500, "Error reading from record store");
        return;
    case RIND_SOFTWARE_FAULT_WRITE:
        RIND_LOG_WARN(endpoints->log, "a record could not be written: %s", ctx->sentence);
        respond_text(response, 500, "Error writing to record store");
        return;
    case RIND_SOFTWARE_FAULT_PUBLISH:
        RIND_LOG_WARN(endpoints->log,
                      "a tenant event was not published, but what it tells of is "
                      "done: %s",
                      ctx->sentence);
        respond_text(response, 500, "Error writing to pub/sub queue");
        return;
    case RIND_SOFTWARE_FAULT_NONE:
        break;
    }
    RIND_UNREACHABLE("only faults are answered here");
}

/* The server takes what the longest of all requests may have. */
static bool req_is_too_large(const struct rind_request *request)
{
    return request->is_body_too_large || request->body.length > RIND_SOFTWARE_BODY_SIZE_MAX;
}

/* From the body on, for an authenticated user. */
static void req_serve(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                      const struct rind_request *request, const struct rind_token_claims *claims,
                      struct rind_response *response)
{
    struct rind_secrets_request secrets_request;
    struct rind_slice answer;
    enum rind_software_fault fault;
    if (req_is_too_large(request)) { /* without a length that said so before */
        respond_text(response, 500, "Error reading request body");
        return;
    }
    if (!rind_is_ok(rind_software_request_decode(ctx, request->body, &secrets_request))) {
        respond_text(response, 400, "Error unmarshalling request body");
        return;
    }
    rind_status status =
        rind_software_request_serve(ctx, &endpoints->records, claims->issuer, claims->subject,
                                    &secrets_request, &answer, &fault);
    enum rind_secrets_request_kind kind = secrets_request.kind;
    rind_wipe(&secrets_request, sizeof(secrets_request));
    if (!rind_is_ok(status)) {
        req_answer_fault(endpoints, ctx, fault, response);
        return;
    }
    req_report(endpoints, ctx, claims->issuer, kind);
    respond(response, 200, ENDPOINTS_TYPE_CBOR, answer);
}

static void req_handle(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                       const struct rind_request *request, struct rind_response *response)
{
    const struct rind_tenant_gate gate = {.keys = endpoints->keys,
                                          .realm = endpoints->records.realm,
                                          .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING};
    struct rind_token_claims claims;
    struct rind_slice header;
    bool is_key_unavailable;
    if (req_is_too_large(request) && rind_request_header(request, "content-length", &header)) {
        respond_message(ctx, response, 413, "Request Entity Too Large");
        return;
    }
    enum rind_bearer_fault fault =
        rind_tenant_gate_judge(ctx, &gate, request, &claims, &is_key_unavailable);
    if (is_key_unavailable) { /* the token may be good: 401 would tell a client to give up */
        respond_message(ctx, response, 503, RIND_TENANT_LOG_NO_KEY);
        return;
    }
    if (fault == RIND_BEARER_FAULT_MISSING || fault == RIND_BEARER_FAULT_INVALID) {
        respond_message(ctx, response, 401, rind_bearer_fault_text(fault));
        return;
    }
    if (!rind_request_header(request, "x-juicebox-version", &header) ||
        !rind_software_sdk_is_accepted(header)) {
        respond_text(response, 426, RIND_SOFTWARE_SDK_REFUSAL);
        return;
    }
    if (fault != RIND_BEARER_FAULT_NONE) {
        respond_text(response, 401, "Error reading user from jwt");
        return;
    }
    req_serve(endpoints, ctx, request, &claims, response);
}

/* ---- the rest ---- */

static void root_handle(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                        struct rind_response *response)
{
    enum { SIZE = 64 };
    char id[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    char *text = rind_ctx_alloc(ctx, SIZE);
    struct rind_buffer buffer;
    rind_hex_encode(rind_realm_id_slice(&endpoints->records.realm), id);
    rind_buffer_init(&buffer, text, text != NULL ? SIZE : 0);
    rind_buffer_print(&buffer, "{\"realmID\":\"%s\"}", id);
    respond(response, 200, ENDPOINTS_TYPE_JSON, rind_buffer_slice(&buffer));
}

static void preflight_handle(struct rind_response *response)
{
    response->status = 204;
    rind_response_add_header(response, "access-control-allow-methods",
                             rind_slice_text("GET, POST"));
    rind_response_add_header(response, "access-control-allow-headers",
                             rind_slice_text(ENDPOINTS_CORS_HEADERS));
}

/* Paths of the tenant log, which makes its answers whole. */
static void tenant_log_handle(struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                              const struct rind_request *request, struct rind_response *response)
{
    if (atomic_fetch_add(&endpoints->tenant_log_requests, 1) < RIND_SOFTWARE_LOG_WORKERS) {
        rind_tenant_log_handle(endpoints->tenant_log, ctx, request, response);
    } else {
        respond_message(ctx, response, 503, "too many ask for events at one time");
    }
    atomic_fetch_sub(&endpoints->tenant_log_requests, 1);
}

/* The realm's own paths. */
static void realm_handle(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                         const struct rind_request *request, struct rind_response *response)
{
    bool is_req = rind_slice_is_text(request->path, "/req");
    bool is_root = rind_slice_is_text(request->path, "/");
    rind_response_add_header(response, "access-control-allow-origin", rind_slice_text("*"));
    if (rind_slice_is_text(request->method, "OPTIONS")) {
        preflight_handle(response);
    } else if (is_req && rind_slice_is_text(request->method, "POST")) {
        req_handle(endpoints, ctx, request, response);
    } else if (is_root && rind_slice_is_text(request->method, "GET")) {
        root_handle(endpoints, ctx, response);
    } else if (is_req || is_root) {
        respond_message(ctx, response, 405, "Method Not Allowed");
    } else {
        respond_message(ctx, response, 404, "Not Found");
    }
}

void rind_software_endpoints_handle(void *self, struct rind_ctx *ctx,
                                    const struct rind_request *request,
                                    struct rind_response *response)
{
    struct rind_software_endpoints *endpoints = self;
    bool is_tenant_log = rind_slice_is_text(request->path, "/tenant_log") ||
                         rind_slice_is_text(request->path, "/tenant_log/ack");
    if (is_tenant_log && endpoints->tenant_log != NULL) {
        tenant_log_handle(endpoints, ctx, request, response);
    } else if (is_tenant_log) {
        respond_message(ctx, response, 404, "this realm keeps no tenant events");
    } else {
        realm_handle(endpoints, ctx, request, response);
    }
    struct rind_exec_time *exec_time = rind_ctx_alloc(ctx, sizeof(*exec_time));
    if (exec_time != NULL) {
        rind_exec_time_add(exec_time, request->start_ns, response);
    }
}
