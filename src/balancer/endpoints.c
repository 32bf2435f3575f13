/* endpoints.c - see endpoints.h. */
#include "balancer/endpoints.h"

#include "balancer/sdk_version.h"
#include "base/buffer.h"
#include "host/build_info.h"
#include "host/trace.h"
#include "net/net.h"
#include "wire/client.h"
#include "wire/codec.h"

#define ENDPOINTS_LIVEZ_SIZE_MAX 4096u

static void respond_text(struct rind_response *response, unsigned status, const char *text)
{
    response->status = status;
    response->body = rind_slice_text(text);
}

static void allow_any_origin(struct rind_response *response)
{
    rind_response_add_header(response, "access-control-allow-origin", rind_slice_text("*"));
}

/* --- /livez --- */

static void livez_handle(const struct rind_endpoints *endpoints, struct rind_ctx *ctx,
                         struct rind_response *response)
{
    char *text = rind_ctx_alloc(ctx, ENDPOINTS_LIVEZ_SIZE_MAX);
    if (atomic_load(endpoints->is_shutting_down) || text == NULL) {
        respond_text(response, 200, "Shutting down"); /* takes the instance out of rotation */
        return;
    }
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, text, ENDPOINTS_LIVEZ_SIZE_MAX);
    rind_buffer_print(&buffer, "Juicebox load balancer: %s\nname: %s\n", rind_build_info()->version,
                      endpoints->name);
    rind_build_info_livez(&buffer, NULL);
    response->status = 200;
    response->body = rind_buffer_slice(&buffer);
}

/* --- /rttest --- */

static void rttest_handle(const struct rind_endpoints *endpoints,
                          const struct rind_request *request, struct rind_response *response,
                          bool *is_deferred)
{
    if (request->is_body_too_large) {
        response->status = 413;
        return;
    }
    *is_deferred =
        rind_delayed_replies_defer(endpoints->delayed_replies, response, request->start_ns);
    if (!*is_deferred) {
        response->status = 503;
    }
}

/* --- /req --- */

static void preflight_handle(struct rind_response *response)
{
    respond_text(response, 200, "No Content");
    allow_any_origin(response);
    rind_response_add_header(response, "access-control-allow-headers", rind_slice_text("*"));
    rind_response_add_header(response, "access-control-allow-methods", rind_slice_text("POST"));
}

/* Steps 2 to 5 of section 4. */
static void req_serve(const struct rind_endpoints *endpoints, struct rind_ctx *ctx,
                      const struct rind_request *request, struct rind_client_response *answer)
{
    struct rind_client_request client_request;
    if (request->is_body_too_large) {
        answer->kind = RIND_CLIENT_RESPONSE_PAYLOAD_TOO_LARGE;
    } else if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_client_request_schema, request->body,
                                                   &client_request))) {
        answer->kind = RIND_CLIENT_RESPONSE_DECODING_ERROR;
    } else {
        rind_request_serve(ctx, &endpoints->service, &client_request, answer);
    }
}

static void req_handle(const struct rind_endpoints *endpoints, struct rind_ctx *ctx,
                       const struct rind_request *request, struct rind_response *response)
{
    struct rind_slice version = {0};
    struct rind_client_response answer = {0};
    allow_any_origin(response);
    if (!rind_request_header(request, RIND_SDK_VERSION_HEADER, &version) ||
        !rind_sdk_version_is_accepted(version)) {
        respond_text(response, 426, RIND_SDK_VERSION_REFUSAL);
        return;
    }
    rind_trace_sample(ctx, endpoints->trace_rate);
    req_serve(endpoints, ctx, request, &answer);
    response->status = rind_client_response_status(answer.kind);
    if (!rind_is_ok(
            rind_wire_encode_alloc(ctx, &rind_client_response_schema, &answer, &response->body))) {
        /* Only an agent's answer of absurd size gets here. */
        RIND_LOG_WARN(endpoints->service.log, "an answer could not be encoded: %s", ctx->sentence);
        response->status = 500;
        response->body = rind_slice_make(NULL, 0);
    }
}

/* --- all --- */

/* Section 3's table; the response's body and status, and headers other than x-exec-time. */
static void endpoints_dispatch(const struct rind_endpoints *endpoints, struct rind_ctx *ctx,
                               const struct rind_request *request, struct rind_response *response,
                               bool *is_deferred)
{
    bool is_post = rind_slice_is_text(request->method, "POST");
    if (rind_slice_is_text(request->path, "/req")) {
        if (is_post) {
            req_handle(endpoints, ctx, request, response);
        } else if (rind_slice_is_text(request->method, "OPTIONS")) {
            preflight_handle(response);
        } else {
            respond_text(response, 405, "Not Allowed");
        }
    } else if (rind_slice_is_text(request->path, "/livez")) {
        if (rind_slice_is_text(request->method, "GET")) {
            livez_handle(endpoints, ctx, response);
        } else {
            respond_text(response, 405, "Not Allowed");
        }
    } else if (is_post && rind_slice_is_text(request->path, "/rttest")) {
        rttest_handle(endpoints, request, response, is_deferred);
    } else {
        respond_text(response, 404, "Not Found");
    }
}

void rind_endpoints_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    const struct rind_endpoints *endpoints = self;
    bool is_deferred = false;
    struct rind_exec_time *exec_time = rind_ctx_alloc(ctx, sizeof(*exec_time));
    endpoints_dispatch(endpoints, ctx, request, response, &is_deferred);
    if (!is_deferred && exec_time != NULL) {
        rind_exec_time_add(exec_time, request->start_ns, response);
    }
}
