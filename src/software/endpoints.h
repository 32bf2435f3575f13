/*
 * endpoints.h - what a software realm serves over HTTP, in the order of the specification's checks.
 *
 *   POST /req             a request of the secrets protocol
 *   POST /tenant_log      a tenant's events, and
 *   POST /tenant_log/ack  their acknowledgement: tenantlog/service.h's, where events are kept
 *   OPTIONS *             CORS preflights of browsers
 *   GET /                 {"realmID":"..."}
 *
 * Spec: docs/spec/05-cloud-services.md sections 13.2 and 13.3.
 */
#ifndef RIND_SOFTWARE_ENDPOINTS_H
#define RIND_SOFTWARE_ENDPOINTS_H

#include <stdatomic.h>

#include "auth/auth.h"
#include "host/host.h"
#include "net/net.h"
#include "software/request.h"
#include "tenantlog/tenantlog.h"

/* limits */
/* Requests of tenants' backends at one time; those wait for events and must leave workers to users'
 * requests. Above it 503. */
#define RIND_SOFTWARE_LOG_WORKERS 32u

/* What requests are served with; borrowed, shared by all workers. */
struct rind_software_endpoints {
    struct rind_software_records records;
    struct rind_tenant_keys *keys;      /* jb-sw-tenant-<tenant> */
    struct rind_tenant_log *tenant_log; /* NULL: no events are kept */
    atomic_uint tenant_log_requests;    /* under way */
    const struct rind_log *log;
    struct rind_metrics *metrics; /* NULL: none */
};

/* A rind_handler over a struct rind_software_endpoints. */
void rind_software_endpoints_handle(void *self, struct rind_ctx *ctx,
                                    const struct rind_request *request,
                                    struct rind_response *response);

#endif
