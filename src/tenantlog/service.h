/*
 * service.h - the HTTP service of the tenant event log.
 *
 *     GET  /                the realm's id
 *     GET  /livez           "ok" and the build; 503 while shutting down
 *     POST /tenant_log      acknowledge events, then a page of new ones, waited for up to 20 s
 *     POST /tenant_log/ack  acknowledge events
 *
 * The two latter need a bearer token of scope "audit" of the tenant whose events are meant.
 * Plain HTTP: TLS ends in front of it. Spec: docs/spec/05-cloud-services.md section 12.
 *
 * Of section 17.11: bad acknowledgements are 400 in /tenant_log/ack, events that cannot be read are
 * left out and logged, `ack` is an alias of `acks`, and tokens must have `exp` if `must_expire` is
 * set. It is not by default, for deployed tenants' tokens need not have it.
 */
#ifndef RIND_TENANTLOG_SERVICE_H
#define RIND_TENANTLOG_SERVICE_H

#include "net/net.h"
#include "tenantlog/event_source.h"
#include "tenantlog/tenant_keys.h"

/* limits */
#define RIND_TENANT_LOG_WAIT_MS 20000u /* for the first event of a page */
#define RIND_TENANT_LOG_ACK_MS 15000u  /* for acknowledging */
#define RIND_TENANT_LOG_PAUSE_MS 200u  /* before asking again a source that does not wait */
#define RIND_TENANT_LOG_WORKERS_DEFAULT 256u

/* The message of 503 where a token's key cannot be asked for. */
#define RIND_TENANT_LOG_NO_KEY "the token's key is not available at the moment"

struct rind_tenant_log_options {
    struct rind_address listen;
    struct rind_realm_id realm;
    struct rind_event_source *events; /* borrowed */
    struct rind_tenant_keys *keys;    /* borrowed */
    bool must_expire;
    unsigned worker_threads; /* a quarter of them never waits for events */
    const struct rind_log *log;
    struct rind_metrics *metrics;
};

struct rind_tenant_log; /* opaque */

/* Serves when it returns. */
rind_status rind_tenant_log_open(struct rind_ctx *ctx,
                                 const struct rind_tenant_log_options *options,
                                 struct rind_tenant_log **service) RIND_MUST_USE;

/*
 * As open, but without a server: for a service that serves these paths among its own, through
 * rind_tenant_log_handle. `listen` is not looked at; `worker_threads` is how many requests it hands
 * on at one time.
 */
rind_status rind_tenant_log_new(struct rind_ctx *ctx, const struct rind_tenant_log_options *options,
                                struct rind_tenant_log **service) RIND_MUST_USE;

/* A rind_handler over a struct rind_tenant_log, of requests of RIND_TENANT_LOG_BODY_SIZE_MAX. */
void rind_tenant_log_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                            struct rind_response *response);

/* From now on nobody waits for events, and /livez says that it ends. */
void rind_tenant_log_stop(struct rind_tenant_log *service);

/* Of one that was opened. */
struct rind_address rind_tenant_log_address(const struct rind_tenant_log *service);

/*
 * Graceful end: /livez says so, waits for events end, requests in flight finish. RIND_E_TIMEOUT if
 * some are left at the deadline.
 */
rind_status rind_tenant_log_drain(struct rind_ctx *ctx, struct rind_tenant_log *service,
                                  struct rind_deadline deadline) RIND_MUST_USE;

/* NULL is allowed. */
void rind_tenant_log_close(struct rind_tenant_log *service);

#endif
