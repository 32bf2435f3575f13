/*
 * request.h - one request on one user's record: read, apply, write if it changed, tell the tenant,
 * answer.
 *
 * The write is conditional on what was read and durable before the response is handed out, so a
 * guess is counted before its answer can be seen. Where somebody else wrote in between, the request
 * is applied again to what is there now: nothing of the earlier try has left. An event is published
 * once the write is done, and if it cannot be there is no answer, for tenants rely on seeing every
 * guess; the record stays as it was written.
 * Spec: docs/spec/05-cloud-services.md section 13.3.
 */
#ifndef RIND_SOFTWARE_REQUEST_H
#define RIND_SOFTWARE_REQUEST_H

#include "auth/auth.h"
#include "base/base.h"
#include "host/host.h"
#include "software/events.h"
#include "store/store.h"
#include "wire/wire.h"

/* Tries of one request. Each conflict means that another request on the record succeeded. */
#define RIND_SOFTWARE_TRIES_MAX 8u
/* For all of a request's reads and writes. */
#define RIND_SOFTWARE_TIMEOUT_MS 10000u
/* And then for its event. */
#define RIND_SOFTWARE_PUBLISH_MS 10000u

/* Which step failed; each has its answer. */
enum rind_software_fault {
    RIND_SOFTWARE_FAULT_NONE,
    RIND_SOFTWARE_FAULT_READ,
    RIND_SOFTWARE_FAULT_PROCESS,
    RIND_SOFTWARE_FAULT_WRITE,
    RIND_SOFTWARE_FAULT_PUBLISH, /* what was to be written is */
};

/* What requests work on; borrowed. */
struct rind_software_records {
    struct rind_realm_id realm;
    struct rind_store *store;
    struct rind_software_events events;
};

/*
 * Serves a decoded request of an authenticated user. `response` (CBOR) is in ctx->arena; otherwise
 * the sentence is for the log, and `fault` says what to answer.
 */
rind_status rind_software_request_serve(struct rind_ctx *ctx,
                                        const struct rind_software_records *records,
                                        struct rind_slice tenant, struct rind_slice user,
                                        const struct rind_secrets_request *request,
                                        struct rind_slice *response,
                                        enum rind_software_fault *fault) RIND_MUST_USE;

#endif
