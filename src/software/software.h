/*
 * software.h - a software realm: one service that keeps shares without an HSM.
 *
 * Purpose: the same secrets protocol as an HSM realm's, as plain requests over HTTP or HTTPS, for
 * configurations that mix kinds of realms. Whoever reads its store reads its users' shares and may
 * guess PINs at will: the guess limit holds against clients only, not against the operator.
 * Trusts: its store and its secrets. Nothing of a request is believed before its token is.
 * Order to read: endpoints.h (order of checks), request.h (record, write, conflict, event), app.h
 * (the state machine, which is the HSM's), events.h, sdk_version.h; command.h for the program.
 * Invariants: a guess is durably counted before its answer leaves, and its event published, where
 * events are; of concurrent requests on one record each that is answered was applied to the record
 * as the one before left it.
 * Spec: docs/spec/05-cloud-services.md section 13.
 */
#ifndef RIND_SOFTWARE_SOFTWARE_H
#define RIND_SOFTWARE_SOFTWARE_H

#include "base/base.h"
#include "host/host.h"
#include "software/command.h"
#include "software/events.h"
#include "software/secrets_text.h"
#include "store/store.h"
#include "tenantlog/tenantlog.h"

/* A request to register has 665 bytes; deployed realms count in decimal (spec 13.3). */
#define RIND_SOFTWARE_BODY_SIZE_MAX 2000u

struct rind_software; /* opaque */

struct rind_software_options {
    struct rind_realm_id realm;
    struct rind_address listen;       /* port 0: the system chooses */
    const char *tls_certificate_file; /* PEM; NULL: plain HTTP */
    const char *tls_key_file;
    uint64_t idle_timeout_ns;      /* of connections */
    struct rind_store *store;      /* with its table; borrowed until close, as is the rest */
    struct rind_tenant_keys *keys; /* the tenants': jb-sw-tenant-<tenant> */
    struct rind_software_events events;
    struct rind_event_source *event_source; /* what the tenant log shows; NULL: there is none */
    const struct rind_log *log;
    struct rind_metrics *metrics; /* NULL: none */
};

/* Binds, serves when it returns. The store has the realm's table (rind_store_software_create). */
rind_status rind_software_open(struct rind_ctx *ctx, const struct rind_software_options *options,
                               struct rind_software **software) RIND_MUST_USE;

/* Where it listens, with the port that the system chose. */
struct rind_address rind_software_address(const struct rind_software *software);

/* Reads certificate and key again; on failure the old pair stays in use. Plain HTTP: nothing. */
rind_status rind_software_reload_tls(struct rind_ctx *ctx,
                                     struct rind_software *software) RIND_MUST_USE;

/* Stops accepting, finishes what is in flight. RIND_E_TIMEOUT if connections are left. */
rind_status rind_software_drain(struct rind_ctx *ctx, struct rind_software *software,
                                struct rind_deadline deadline) RIND_MUST_USE;

/* Cuts what is left and frees. NULL is allowed. */
void rind_software_close(struct rind_software *software);

#endif
