/*
 * serve.c - the manager's HTTP service (docs/spec/08-cluster.md sections 1.5 and 2).
 *
 * A procedure runs to its end even if its client hangs up: stopping between two steps would only
 * leave more to repair. Requests come from inside the realm's network, but nothing in them is
 * trusted: they are decoded strictly, and HSMs check what they lead to.
 */
#include "cluster/manager_state.h"
#include "cluster/rebalance.h"
#include "cluster/stepdown.h"
#include "cluster/transfer.h"

#define SERVE_LIVEZ_SIZE_BYTES 1024u

static void serve_livez(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                        struct rind_response *response)
{
    struct rind_manager *manager = self;
    struct rind_buffer text;
    (void)request;
    response->status = 500;
    void *memory = rind_ctx_alloc(ctx, SERVE_LIVEZ_SIZE_BYTES);
    if (memory == NULL) {
        return;
    }
    bool is_ready = atomic_load(&manager->is_registered);
    rind_buffer_init(&text, memory, SERVE_LIVEZ_SIZE_BYTES);
    rind_buffer_print(&text, "%s",
                      is_ready ? "ok\n" : "not yet registered with service discovery\n");
    rind_build_info_livez(&text, NULL);
    response->status = is_ready ? 200 : 503;
    response->body = rind_buffer_slice(&text);
}

/* Decodes a request; on failure the answer is 400 without a body (spec 07 section 15). */
static bool serve_decode(struct rind_ctx *ctx, const struct rind_rpc *rpc,
                         const struct rind_request *request, void *message,
                         struct rind_response *response)
{
    rind_status status = rind_wire_decode_strict(ctx, rpc->request, request->body, message);
    if (request->is_body_too_large || !rind_is_ok(status)) {
        response->status = 400;
        return false;
    }
    return true;
}

static void serve_encode(struct rind_ctx *ctx, const struct rind_rpc *rpc, const void *answer,
                         struct rind_response *response)
{
    rind_status status = rind_wire_encode_alloc(ctx, rpc->response, answer, &response->body);
    response->status = rind_is_ok(status) ? 200 : 500;
}

static void serve_stepdown(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    struct rind_manager *manager = self;
    const struct rind_rpc *rpc = &rind_rpc_manager_leader_stepdown;
    struct rind_cluster_stepdown_request message;
    struct rind_cluster_stepdown_response answer;
    if (serve_decode(ctx, rpc, request, &message, response)) {
        rind_stepdown(ctx, manager->keeper, &manager->cluster, &message, &answer);
        serve_encode(ctx, rpc, &answer, response);
        manager_want_check(manager); /* whatever is left without a leader gets one */
    }
}

static void serve_rebalance(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                            struct rind_response *response)
{
    struct rind_manager *manager = self;
    const struct rind_rpc *rpc = &rind_rpc_manager_rebalance;
    struct rind_cluster_rebalance_request message;
    struct rind_cluster_rebalance_response answer;
    if (serve_decode(ctx, rpc, request, &message, response)) {
        const struct rind_rebalance rebalance = {.keeper = manager->keeper,
                                                 .cluster = &manager->cluster,
                                                 .repair = manager_repair,
                                                 .self = manager};
        rind_rebalance_pass(ctx, &rebalance, &answer);
        serve_encode(ctx, rpc, &answer, response);
    }
}

static void serve_transfer(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    struct rind_manager *manager = self;
    const struct rind_rpc *rpc = &rind_rpc_manager_transfer;
    struct rind_cluster_transfer_request message;
    struct rind_cluster_transfer_response answer;
    if (serve_decode(ctx, rpc, request, &message, response)) {
        rind_transfer(ctx, manager->keeper, &message, &answer);
        serve_encode(ctx, rpc, &answer, response);
    }
}

static const struct rind_route serve_rows[] = {
    {NULL, "/livez", serve_livez},
    {NULL, "/leader_stepdown", serve_stepdown},
    {NULL, "/rebalance", serve_rebalance},
    {NULL, "/transfer", serve_transfer},
};

void manager_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                    struct rind_response *response)
{
    struct rind_routes routes = {
        .rows = serve_rows, .count = sizeof(serve_rows) / sizeof(serve_rows[0]), .self = self};
    rind_routes_handle(&routes, ctx, request, response);
}
