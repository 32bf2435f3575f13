/*
 * endpoints.h - the balancer's HTTP surface: paths, methods, headers, statuses.
 *
 * Spec: docs/spec/07-load-balancer.md sections 3 to 6 and 10.3. Requests are hostile; every answer
 * made here carries x-exec-time.
 */
#ifndef RIND_BALANCER_ENDPOINTS_H
#define RIND_BALANCER_ENDPOINTS_H

#include <stdatomic.h>

#include "balancer/delayed_replies.h"
#include "balancer/request.h"
#include "net/http.h"

/* Largest request body (section 6); one byte more is PayloadTooLarge. */
#define RIND_BALANCER_BODY_SIZE_MAX 2048u

/* What the handler works with; borrowed. */
struct rind_endpoints {
    const char *name; /* in /livez */
    const atomic_bool *is_shutting_down;
    struct rind_delayed_replies *delayed_replies;
    double trace_rate; /* share of /req that is traced, whatever clients say; 0 to 1 */
    struct rind_request_service service;
};

/* A rind_handler over a struct rind_endpoints. */
void rind_endpoints_handle(void *endpoints, struct rind_ctx *ctx,
                           const struct rind_request *request, struct rind_response *response);

#endif
