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

/* ---- tokens ---- */

/* Whether the token's signer is known and signed it; `fault` says what else is wrong with it. */
static bool endpoints_check_token(const struct rind_software_endpoints *endpoints,
                                  struct rind_ctx *ctx, const struct rind_secret_map *secrets,
                                  struct rind_slice token, struct rind_token_claims *claims,
                                  enum rind_bearer_fault *fault)
{
    struct rind_bearer_check check = {.realm = endpoints->realm,
                                      .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING,
                                      .now_unix_ms = rind_clock_unix_ms()};
    char name[sizeof(RIND_SECRET_SOFTWARE_PREFIX) + RIND_BEARER_TENANT_SIZE_MAX];
    *fault = RIND_BEARER_FAULT_INVALID;
    if (!rind_is_ok(rind_bearer_read_key_id(ctx, token, &check.key_id))) {
        return false;
    }
    (void)snprintf(name, sizeof(name), RIND_SECRET_SOFTWARE_PREFIX "%.*s",
                   (int)check.key_id.tenant.length, (const char *)check.key_id.tenant.data);
    const struct rind_secret *secret =
        rind_secret_map_find(secrets, rind_slice_text(name), check.key_id.version);
    if (secret == NULL || secret->token_key == NULL) {
        return false; /* one that is no key was reported when it was loaded */
    }
    check.key = secret->token_key;
    rind_status status = rind_bearer_validate(ctx, token, &check, claims, fault);
    return rind_is_ok(status) || *fault != RIND_BEARER_FAULT_INVALID;
}

/* Several Authorization headers are tried in turn; the first with a signature of ours counts. */
static enum rind_bearer_fault
endpoints_authenticate(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                       const struct rind_request *request, struct rind_token_claims *claims)
{
    enum rind_bearer_fault fault = RIND_BEARER_FAULT_MISSING;
    struct rind_published_ref secrets = rind_secrets_acquire(endpoints->secrets);
    for (size_t i = 0; i < request->header_count; i++) {
        struct rind_slice token;
        if (rind_slice_is_text(request->headers[i].name, "authorization") &&
            rind_bearer_find(request->headers[i].value, &token) &&
            endpoints_check_token(endpoints, ctx, secrets.value, token, claims, &fault)) {
            break;
        }
    }
    rind_secrets_release(endpoints->secrets, secrets);
    return fault;
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
    case RIND_SOFTWARE_FAULT_NONE:
        break;
    }
    RIND_UNREACHABLE("only faults are answered here");
}

/* From the body on, for an authenticated user. */
static void req_serve(const struct rind_software_endpoints *endpoints, struct rind_ctx *ctx,
                      const struct rind_request *request, const struct rind_token_claims *claims,
                      struct rind_response *response)
{
    struct rind_secrets_request secrets_request;
    struct rind_record_id record;
    struct rind_slice answer;
    enum rind_software_fault fault;
    if (request->is_body_too_large) { /* without a length that said so before */
        respond_text(response, 500, "Error reading request body");
        return;
    }
    if (!rind_is_ok(rind_software_request_decode(ctx, request->body, &secrets_request))) {
        respond_text(response, 400, "Error unmarshalling request body");
        return;
    }
    rind_record_id_derive_software(claims->issuer, claims->subject, &record);
    rind_status status = rind_software_request_serve(ctx, endpoints->store, &endpoints->realm,
                                                     &record, &secrets_request, &answer, &fault);
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
    struct rind_token_claims claims;
    struct rind_slice header;
    if (request->is_body_too_large && rind_request_header(request, "content-length", &header)) {
        respond_message(ctx, response, 413, "Request Entity Too Large");
        return;
    }
    enum rind_bearer_fault fault = endpoints_authenticate(endpoints, ctx, request, &claims);
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
    rind_hex_encode(rind_realm_id_slice(&endpoints->realm), id);
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

void rind_software_endpoints_handle(void *self, struct rind_ctx *ctx,
                                    const struct rind_request *request,
                                    struct rind_response *response)
{
    const struct rind_software_endpoints *endpoints = self;
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
    struct rind_exec_time *exec_time = rind_ctx_alloc(ctx, sizeof(*exec_time));
    if (exec_time != NULL) {
        rind_exec_time_add(exec_time, request->start_ns, response);
    }
}
