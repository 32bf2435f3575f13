/*
 * endpoints.h - what a software realm serves over HTTP, in the order of the specification's checks.
 *
 *   POST /req      a request of the secrets protocol
 *   OPTIONS *      CORS preflights of browsers
 *   GET /          {"realmID":"..."}
 *
 * Spec: docs/spec/05-cloud-services.md sections 13.2 and 13.3.
 */
#ifndef RIND_SOFTWARE_ENDPOINTS_H
#define RIND_SOFTWARE_ENDPOINTS_H

#include "auth/auth.h"
#include "host/host.h"
#include "net/net.h"
#include "store/store.h"

/* What requests are served with; borrowed, shared by all workers. */
struct rind_software_endpoints {
    struct rind_realm_id realm;
    struct rind_store *store;
    struct rind_secrets *secrets;
    const struct rind_log *log;
    struct rind_metrics *metrics; /* NULL: none */
};

/* A rind_handler over a struct rind_software_endpoints. */
void rind_software_endpoints_handle(void *self, struct rind_ctx *ctx,
                                    const struct rind_request *request,
                                    struct rind_response *response);

#endif
