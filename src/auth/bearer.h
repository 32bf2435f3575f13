/*
 * bearer.h - bearer tokens: what opens the tenant event log, and what software realms are sent.
 *
 * The same tokens as token.h's, judged by other rules: no bound on size but the header's and none
 * on lifetime, times only if present, an audience of one element is fine. Nothing but the key id is
 * believed before the signature verified, and the key decides the algorithm. No state.
 * Spec: docs/spec/05-cloud-services.md section 12.2.
 */
#ifndef RIND_AUTH_BEARER_H
#define RIND_AUTH_BEARER_H

#include "auth/token.h"

/* Bytes of a token: as long as the head of a request may reasonably be. */
#define RIND_BEARER_SIZE_MAX 16384u
/* Characters of a tenant's name: with its prefix it is the name of a secret, of 255 at most. */
#define RIND_BEARER_TENANT_SIZE_MAX 240u

/* Why a token was refused; each has its text (rind_bearer_fault_text). */
enum rind_bearer_fault {
    RIND_BEARER_FAULT_NONE,
    RIND_BEARER_FAULT_MISSING, /* there was no token to look at */
    RIND_BEARER_FAULT_INVALID, /* rules 1 to 3: key id, key, signature, times */
    RIND_BEARER_FAULT_AUDIENCE,
    RIND_BEARER_FAULT_SUBJECT,
    RIND_BEARER_FAULT_ISSUER,
    RIND_BEARER_FAULT_SIGNER,
    RIND_BEARER_FAULT_SCOPE_MISSING,
    RIND_BEARER_FAULT_SCOPE
};

/* What the caller is told: "jwt claims missing 'sub' field"; a static text. */
const char *rind_bearer_fault_text(enum rind_bearer_fault fault);

/* The token of an Authorization header's value; false unless it begins with "Bearer ". */
bool rind_bearer_find(struct rind_slice header_value, struct rind_slice *token);

/*
 * Rule 1: whose key the token says it is signed with. The tenant is in ctx->arena and matches
 * rind_token_tenant_is_valid. RIND_E_AUTH otherwise.
 */
rind_status rind_bearer_read_key_id(struct rind_ctx *ctx, struct rind_slice token,
                                    struct rind_token_key_id *key_id) RIND_MUST_USE;

/*
 * Rule 2: the verification key of a secret's payload. A payload that is not a JSON object of texts
 * is an HS256 key as it is, unless it names a public-key algorithm; all other mistakes are
 * RIND_E_INVALID. Free the key with rind_token_key_free.
 */
rind_status rind_bearer_key_new(struct rind_ctx *ctx, struct rind_slice payload,
                                struct rind_token_key **key) RIND_MUST_USE;

struct rind_bearer_check {
    const struct rind_token_key *key; /* of key_id */
    struct rind_token_key_id key_id;
    struct rind_realm_id realm;
    enum rind_token_requirement requirement; /* AUDIT, or USER_OR_MISSING */
    bool must_expire;                        /* refuse tokens without `exp` */
    uint64_t now_unix_ms;
};

/*
 * Rules 2 to 4, in their order. On success `claims` (in ctx->arena) may be believed. Otherwise
 * RIND_E_AUTH, the sentence for the log, and the fault for the caller.
 */
rind_status rind_bearer_validate(struct rind_ctx *ctx, struct rind_slice token,
                                 const struct rind_bearer_check *check,
                                 struct rind_token_claims *claims,
                                 enum rind_bearer_fault *fault) RIND_MUST_USE;

#endif
