/*
 * request.h - what a client's protocol request goes through: authentication, record id, routing,
 * forwarding, and, if nobody serves the record, further passes with a fresh routing table.
 *
 * The order of the checks is the specification's; clients learn only the result. Nothing of the
 * token, the user or the encrypted message is logged.
 * Spec: docs/spec/07-load-balancer.md sections 4 (from step 4), 7 and 8.
 */
#ifndef RIND_BALANCER_REQUEST_H
#define RIND_BALANCER_REQUEST_H

#include <stdatomic.h>

#include "auth/auth.h"
#include "balancer/forward.h"
#include "balancer/refresher.h"
#include "base/status.h"
#include "host/metrics.h"
#include "host/published.h"
#include "host/thread.h"
#include "wire/client.h"

/* For all passes together: what the reference gives each call to an agent. */
#define RIND_REQUEST_TIMEOUT_MS 30000u

/* What requests are served with; borrowed, shared by all workers. */
struct rind_request_service {
    struct rind_secrets *secrets;
    const struct rind_record_key *record_key;
    struct rind_published *routing;
    struct rind_refresher *refresher;
    struct rind_forwarder forwarder;
    const struct rind_log *log;
    struct rind_metrics *metrics;
    uint64_t gap_ns;              /* as in balancer.h */
    struct rind_stopper *stopper; /* set: waits for nothing any more */
    atomic_uint *waiting_count;   /* requests that wait for a record to be served again */
    unsigned waiting_count_max;
};

/* Serves one decoded request; the response lies in ctx's arena and in `request`. */
void rind_request_serve(struct rind_ctx *ctx, const struct rind_request_service *service,
                        const struct rind_client_request *request,
                        struct rind_client_response *response);

/* The variant's name, such as "Unavailable"; a static text. */
const char *rind_client_response_name(enum rind_client_response_kind kind);

/* The HTTP status of section 10.3. */
unsigned rind_client_response_status(enum rind_client_response_kind kind);

#endif
