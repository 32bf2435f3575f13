/*
 * rpc.c - see rpc.h.
 *
 * One row per path: its request and response tables and the function between them. `app`, whose
 * answer may come long after the handler, and the three paths whose answer is no plain message have
 * functions of their own.
 */
#include "agent/rpc.h"

#include "agent/app.h"
#include "agent/create.h"
#include "agent/hsm_status.h"
#include "agent/leadership.h"
#include "agent/rate_exchange.h"
#include "agent/status.h"
#include "agent/transfer.h"

/* The largest C struct of any request or response below. */
#define RPC_MESSAGE_SIZE_MAX 4096u
/* Below the callers' 30 s, so that they hear NoStore. */
#define RPC_STORE_TIMEOUT_MS 20000u
#define RPC_CAPTURED_DIGITS_MAX 19u /* of a log index: below 2^63 */

struct rpc_row {
    const char *path;
    const struct rind_schema *request_schema;
    const struct rind_schema *response_schema;
    void (*serve)(struct rind_ctx *ctx, struct rind_agent *agent, const void *request,
                  void *response);
    bool is_reading; /* leaves the HSM as it is */
};

/* From the table's untyped messages to the typed functions. */
#define RPC_SERVE(name, function)                                                                  \
    static void rpc_serve_##name(struct rind_ctx *ctx, struct rind_agent *agent,                   \
                                 const void *request, void *response)                              \
    {                                                                                              \
        function(ctx, agent, request, response);                                                   \
    }                                                                                              \
    _Static_assert(sizeof(struct rind_agent_##name##_request) <= RPC_MESSAGE_SIZE_MAX &&           \
                       sizeof(struct rind_agent_##name##_response) <= RPC_MESSAGE_SIZE_MAX,        \
                   "messages fit into the request's memory")

RPC_SERVE(become_leader, rind_leadership_become);
RPC_SERVE(stepdown, rind_leadership_step_down);
RPC_SERVE(realm_join, rind_create_join_realm);
RPC_SERVE(group_new, rind_create_group);
RPC_SERVE(group_join, rind_create_join_group);
RPC_SERVE(transfer_prepare, rind_transfer_prepare);
RPC_SERVE(transfer_cancel_prepare, rind_transfer_cancel_prepare);
RPC_SERVE(transfer_out, rind_transfer_out);
RPC_SERVE(transfer_in, rind_transfer_in);
RPC_SERVE(transfer_owns, rind_transfer_owns);
RPC_SERVE(transfer_complete, rind_transfer_complete);

static void rpc_serve_realm_new(struct rind_ctx *ctx, struct rind_agent *agent, const void *request,
                                void *response)
{
    (void)request;
    rind_create_realm(ctx, agent, response);
}

static void rpc_serve_tenants_reload(struct rind_ctx *ctx, struct rind_agent *agent,
                                     const void *request, void *response)
{
    (void)request;
    struct rind_agent_tenants_reload_response *reload = response;
    *reload = (struct rind_agent_tenants_reload_response){0};
    uint64_t count = 0;
    if (rind_is_ok(rind_agent_load_tenants(ctx, agent, rind_deadline_in_ms(RPC_STORE_TIMEOUT_MS),
                                           &count))) {
        reload->kind = RIND_AGENT_TENANTS_RELOAD_OK;
        reload->ok.num_tenants = count;
    } else {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        reload->kind = RIND_AGENT_TENANTS_RELOAD_NO_STORE;
    }
}

#define RPC_ROW(path_text, name)                                                                   \
    {                                                                                              \
        (path_text), &rind_agent_##name##_request_schema, &rind_agent_##name##_response_schema,    \
            rpc_serve_##name, false                                                                \
    }
#define RPC_READING_ROW(path_text, name)                                                           \
    {                                                                                              \
        (path_text), &rind_agent_##name##_request_schema, &rind_agent_##name##_response_schema,    \
            rpc_serve_##name, true                                                                 \
    }

static const struct rpc_row rpc_rows[] = {
    RPC_READING_ROW("/tenants/reload", tenants_reload),
    RPC_ROW("/become_leader", become_leader),
    RPC_ROW("/stepdown", stepdown),
    RPC_ROW("/realm/new", realm_new),
    RPC_ROW("/realm/join", realm_join),
    RPC_ROW("/group/new", group_new),
    RPC_ROW("/group/join", group_join),
    RPC_ROW("/transfer/prepare", transfer_prepare),
    RPC_ROW("/transfer/cancel_prepare", transfer_cancel_prepare),
    RPC_ROW("/transfer/out", transfer_out),
    RPC_ROW("/transfer/in", transfer_in),
    RPC_READING_ROW("/transfer/owns", transfer_owns),
    RPC_ROW("/transfer/complete", transfer_complete),
};

static void rpc_answer(struct rind_ctx *ctx, const struct rind_schema *schema, const void *message,
                       struct rind_response *response)
{
    if (rind_is_ok(rind_wire_encode_alloc(ctx, schema, message, &response->body))) {
        response->status = 200;
    } else {
        response->status = 500;
    }
}

static void rpc_serve_row(const struct rpc_row *row, struct rind_ctx *ctx, struct rind_agent *agent,
                          const struct rind_request *request, struct rind_response *response)
{
    void *message = rind_ctx_alloc(ctx, row->request_schema->size);
    void *answer = rind_ctx_alloc(ctx, row->response_schema->size);
    if (message == NULL || answer == NULL) {
        response->status = 500;
        return;
    }
    if (!rind_is_ok(rind_wire_decode_strict(ctx, row->request_schema, request->body, message))) {
        response->status = 400;
        return;
    }
    row->serve(ctx, agent, message, answer);
    if (!row->is_reading) {
        rind_hsm_status_forget(agent->status); /* who got our answer sees its effect */
    }
    rpc_answer(ctx, row->response_schema, answer, response);
}

static void rpc_complete_app(void *handle, struct rind_slice body)
{
    struct rind_response response = rind_response_make(200, body);
    rind_reply_complete(handle, &response);
}

static void rpc_serve_app(struct rind_ctx *ctx, struct rind_agent *agent,
                          const struct rind_request *request, struct rind_response *response)
{
    struct rind_agent_app_request message;
    if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_agent_app_request_schema, request->body,
                                            &message))) {
        response->status = 400;
        return;
    }
    struct rind_app_reply reply = {rpc_complete_app, rind_response_defer(response)};
    rind_app_handle(ctx, agent, &message, reply);
}

static void rpc_serve_status(struct rind_ctx *ctx, struct rind_agent *agent,
                             const struct rind_request *request, struct rind_response *response)
{
    struct rind_agent_status_request message;
    if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_agent_status_request_schema, request->body,
                                            &message))) {
        response->status = 400;
        return;
    }
    struct rind_agent_status_response *status = rind_ctx_alloc(ctx, sizeof(*status));
    if (status == NULL || !rind_is_ok(rind_agent_status(ctx, agent, status))) {
        response->status = 500;
        return;
    }
    rpc_answer(ctx, &rind_agent_status_response_schema, status, response);
}

/* The index that the caller knows of; false if it tells none, and then there is no wait. */
static bool rpc_captured_known(const struct rind_request *request, uint64_t *known)
{
    struct rind_slice text;
    if (!rind_request_header(request, RIND_CAPTURED_HEADER, &text) || text.length == 0 ||
        text.length > RPC_CAPTURED_DIGITS_MAX) {
        return false;
    }
    *known = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *known = *known * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

static void rpc_serve_captured(struct rind_ctx *ctx, struct rind_agent *agent,
                               const struct rind_request *request, struct rind_response *response)
{
    struct rind_agent_captured_request message;
    struct rind_agent_captured_response answer;
    uint64_t known = 0;
    if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_agent_captured_request_schema, request->body,
                                            &message))) {
        response->status = 400;
        return;
    }
    bool may_wait = rpc_captured_known(request, &known);
    struct rind_deadline deadline =
        may_wait ? rind_deadline_in_ms(RIND_CAPTURED_WAIT_MS_MAX) : rind_deadline_now();
    rind_agent_captured(agent, &message, known, deadline, &answer);
    rpc_answer(ctx, &rind_agent_captured_response_schema, &answer, response);
}

static void rpc_serve_rate_state(struct rind_ctx *ctx, struct rind_agent *agent,
                                 const struct rind_request *request, struct rind_response *response)
{
    struct rind_agent_rate_state_request message;
    if (!rind_is_ok(rind_wire_decode_strict(ctx, &rind_agent_rate_state_request_schema,
                                            request->body, &message))) {
        response->status = 400;
        return;
    }
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status =
        rind_rate_exchange_export(ctx, agent->exchange, rind_clock_unix_ms(), &response->body);
    rind_metrics_timing_ns(agent->metrics, "agent.rate_limiter.state_update",
                           rind_clock_monotonic_ns() - start_ns, NULL, 0);
    response->status = rind_is_ok(status) ? 200 : 500;
}

void rind_rpc_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                     struct rind_response *response)
{
    struct rind_agent *agent = self;
    response->status = 404;
    if (request->is_body_too_large) {
        response->status = 413;
    } else if (rind_slice_is_text(request->path, "/app")) {
        rpc_serve_app(ctx, agent, request, response);
    } else if (rind_slice_is_text(request->path, "/captured")) {
        rpc_serve_captured(ctx, agent, request, response);
    } else if (rind_slice_is_text(request->path, "/status")) {
        rpc_serve_status(ctx, agent, request, response);
    } else if (rind_slice_is_text(request->path, "/rate/state")) {
        rpc_serve_rate_state(ctx, agent, request, response);
    } else if (rind_slice_is_text(request->path, "/livez")) {
        rind_agent_livez(ctx, agent, response);
    } else {
        for (size_t i = 0; i < sizeof(rpc_rows) / sizeof(rpc_rows[0]); i++) {
            if (rind_slice_is_text(request->path, rpc_rows[i].path)) {
                rpc_serve_row(&rpc_rows[i], ctx, agent, request, response);
                return;
            }
        }
    }
}
