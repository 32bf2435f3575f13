/*
 * request.h - one request on one user's record: read, apply, write if it changed, answer.
 *
 * The write is conditional on what was read and durable before the response is handed out, so a
 * guess is counted before its answer can be seen. Where somebody else wrote in between, the request
 * is applied again to what is there now: nothing of the earlier try has left.
 * Spec: docs/spec/05-cloud-services.md section 13.3.
 */
#ifndef RIND_SOFTWARE_REQUEST_H
#define RIND_SOFTWARE_REQUEST_H

#include "base/base.h"
#include "host/host.h"
#include "store/store.h"
#include "wire/wire.h"

/* Tries of one request. Each conflict means that another request on the record succeeded. */
#define RIND_SOFTWARE_TRIES_MAX 8u
/* For all of a request's reads and writes. */
#define RIND_SOFTWARE_TIMEOUT_MS 10000u

/* Which step failed; each has its answer. */
enum rind_software_fault {
    RIND_SOFTWARE_FAULT_NONE,
    RIND_SOFTWARE_FAULT_READ,
    RIND_SOFTWARE_FAULT_PROCESS,
    RIND_SOFTWARE_FAULT_WRITE,
};

/* Serves a decoded request. `response` (CBOR) is in ctx->arena; otherwise the sentence is for the
 * log, and `fault` says what to answer. */
rind_status rind_software_request_serve(struct rind_ctx *ctx, struct rind_store *store,
                                        const struct rind_realm_id *realm,
                                        const struct rind_record_id *record,
                                        const struct rind_secrets_request *request,
                                        struct rind_slice *response,
                                        enum rind_software_fault *fault) RIND_MUST_USE;

#endif
