/*
 * app.h - what a request does to a record in a software realm: bytes in, bytes out.
 *
 * The state machine is the trusted core's (hsm/user_app.h), so that both kinds of realms count
 * guesses alike; what differs is the form of the record and that responses are not padded. All of
 * it is secret; what is left in ctx's arena is wiped with it.
 * Spec: docs/spec/05-cloud-services.md sections 13.3 and 13.4.
 */
#ifndef RIND_SOFTWARE_APP_H
#define RIND_SOFTWARE_APP_H

#include "base/base.h"
#include "crypto/random.h"
#include "wire/wire.h"

struct rind_software_outcome {
    struct rind_slice response;         /* encoded, in ctx->arena */
    struct rind_slice record;           /* the new record, encoded, in ctx->arena */
    bool has_changed;                   /* the record is to be written */
    struct rind_app_result_type result; /* what the tenant is told of */
};

/* Decodes a request; bytes after it are an error here. RIND_E_DECODE, RIND_E_LIMIT. */
rind_status rind_software_request_decode(struct rind_ctx *ctx, struct rind_slice body,
                                         struct rind_secrets_request *request) RIND_MUST_USE;

/*
 * Applies the request to a record (length 0: none is stored). Draws from `random` for Recover2
 * answered Ok only.
 *   RIND_E_CORRUPT  the record is none
 *   RIND_E_INVALID  the blinded input is no group element; nothing to write
 */
rind_status rind_software_apply(struct rind_ctx *ctx, const struct rind_random *random,
                                const struct rind_secrets_request *request,
                                struct rind_slice record,
                                struct rind_software_outcome *outcome) RIND_MUST_USE;

/* "Register1" and so on, for metrics. A static text. */
const char *rind_software_request_name(enum rind_secrets_request_kind kind);

#endif
