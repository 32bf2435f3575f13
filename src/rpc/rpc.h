/*
 * rpc.h - the RPCs between a realm's processes as typed calls: a table of them, and two ways to
 * call.
 *
 * Purpose: everything that talks to an agent or a cluster manager uses these rows, so path, request
 * and response type stand in one place (docs/spec/06-agent.md section 3, 08-cluster.md section 2).
 * Trusts no answer: it is decoded strictly and bounded by its schema. Errors as in 06 section 1.2:
 *   RIND_E_HTTP_STATUS  an error status with a body that is no response of this RPC
 *   RIND_E_DECODE       a success status with such a body
 *   any other           what net/client.h says; all of them are "Network" for third parties
 * Thread-safe: everything but a fan, which belongs to one thread.
 */
#ifndef RIND_RPC_RPC_H
#define RIND_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/address.h"
#include "host/clock.h"
#include "net/net.h"
#include "wire/wire.h"

/* One RPC. The C types of its schemas are named after it in wire/agent.h and wire/cluster.h. */
struct rind_rpc {
    const char *path;
    const struct rind_schema *request;
    const struct rind_schema *response;
    bool is_repeatable; /* it only reads, so a lost connection may be tried again at once */
};

/* Served by agents. */
extern const struct rind_rpc rind_rpc_status;
extern const struct rind_rpc rind_rpc_app;
extern const struct rind_rpc rind_rpc_captured;
extern const struct rind_rpc rind_rpc_rate_state;
extern const struct rind_rpc rind_rpc_tenants_reload;
extern const struct rind_rpc rind_rpc_become_leader;
extern const struct rind_rpc rind_rpc_stepdown;
extern const struct rind_rpc rind_rpc_realm_new;
extern const struct rind_rpc rind_rpc_realm_join;
extern const struct rind_rpc rind_rpc_group_new;
extern const struct rind_rpc rind_rpc_group_join;
extern const struct rind_rpc rind_rpc_transfer_prepare;
extern const struct rind_rpc rind_rpc_transfer_cancel_prepare;
extern const struct rind_rpc rind_rpc_transfer_out;
extern const struct rind_rpc rind_rpc_transfer_in;
extern const struct rind_rpc rind_rpc_transfer_owns;
extern const struct rind_rpc rind_rpc_transfer_complete;

/* Served by cluster managers. */
extern const struct rind_rpc rind_rpc_manager_leader_stepdown;
extern const struct rind_rpc rind_rpc_manager_rebalance;
extern const struct rind_rpc rind_rpc_manager_transfer;

/*
 * Calls the service at `url` (a base URL such as "http://127.0.0.1:8082/") and waits until
 * `deadline`. `response` has rpc->response->size bytes, lies partly in ctx's arena, and is written
 * only on success. `http_status` (may be NULL) gets the status of an answer, 0 without one.
 */
rind_status rind_rpc_call(struct rind_ctx *ctx, struct rind_client *client, const char *url,
                          const struct rind_rpc *rpc, const void *request, void *response,
                          struct rind_deadline deadline, unsigned *http_status) RIND_MUST_USE;

/* The same with further headers. */
rind_status rind_rpc_call_with(struct rind_ctx *ctx, struct rind_client *client, const char *url,
                               const struct rind_rpc *rpc, const struct rind_http_header *headers,
                               size_t header_count, const void *request, void *response,
                               struct rind_deadline deadline, unsigned *http_status) RIND_MUST_USE;

/* What a third party is told about a failed call (06 section 1.2). `ctx` gives the sentence. */
struct rind_rpc_error rind_rpc_error_of(const struct rind_ctx *ctx, rind_status status,
                                        unsigned http_status);

/* The same with its text copied to ctx's arena, for answers that are written later. */
struct rind_rpc_error rind_rpc_error_copy(struct rind_ctx *ctx, rind_status status,
                                          unsigned http_status);

/* The error for people: "network error", "non-OK HTTP status: 503", ... (07 section 15) */
void rind_rpc_error_print(struct rind_buffer *out, const struct rind_rpc_error *error);

struct rind_rpc_result {
    size_t index; /* into the URLs */
    rind_status status;
    unsigned http_status;
    const char *sentence; /* if the call failed; until the next rind_rpc_fan_next */
};

/*
 * The same request to many services at once, on the calling thread:
 *
 *     struct rind_rpc_fan fan;
 *     RIND_TRY(rind_rpc_fan_open(ctx, client, urls, count, &rind_rpc_status, &request, deadline,
 * &fan)); while (rind_rpc_fan_next(ctx, &fan, &response, &result)) { ... result.index,
 * result.status ... } rind_rpc_fan_close(&fan);
 */
struct rind_rpc_fan {
    const struct rind_rpc *rpc;
    struct rind_fan *fan;
    struct rind_call *calls;         /* of the URLs that are some */
    size_t *indexes;                 /* of those calls */
    struct rind_rpc_result *refused; /* of the other URLs, reported first */
    size_t refused_count;
    size_t refused_reported;
    struct rind_deadline deadline;
};

/*
 * Starts all calls. A URL that is none fails alone: its result is RIND_E_INVALID. On failure (the
 * request cannot be encoded, no memory) nothing is started and nothing is to be closed.
 */
rind_status rind_rpc_fan_open(struct rind_ctx *ctx, struct rind_client *client,
                              const char *const *urls, size_t count, const struct rind_rpc *rpc,
                              const void *request, struct rind_deadline deadline,
                              struct rind_rpc_fan *fan) RIND_MUST_USE;

/* The next call that ended; `response` is written if result->status is OK. False when none is left.
 */
bool rind_rpc_fan_next(struct rind_ctx *ctx, struct rind_rpc_fan *fan, void *response,
                       struct rind_rpc_result *result);

/* Abandons what has not ended. */
void rind_rpc_fan_close(struct rind_rpc_fan *fan);

#endif
