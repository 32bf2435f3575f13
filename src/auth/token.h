/*
 * token.h - JSON Web Tokens: what a tenant signs for a user of a realm.
 *
 * A token is hostile until rind_token_validate returned ok: nothing but its key id is read before
 * the signature verified, and the key decides the algorithm. Thread-safe: no state.
 * Spec: docs/spec/01-client-protocol.md sections 14.1 to 14.4.
 */
#ifndef RIND_AUTH_TOKEN_H
#define RIND_AUTH_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/token_key.h"
#include "base/id.h"
#include "base/slice.h"
#include "base/status.h"

/* Limits of section 14.4: bytes of a token, characters of its header, clock tolerance, lifetime. */
#define RIND_TOKEN_SIZE_MAX 1000u
#define RIND_TOKEN_HEADER_SIZE_MAX 8192u
#define RIND_TOKEN_TOLERANCE_MS 5000u
#define RIND_TOKEN_LIFETIME_S_MAX 86400u
/* Lifetime of tokens that we create. */
#define RIND_TOKEN_LIFETIME_S 600u

enum rind_token_scope { RIND_TOKEN_SCOPE_NONE, RIND_TOKEN_SCOPE_USER, RIND_TOKEN_SCOPE_AUDIT };

/* "user", "audit" or "" for none; a static text. */
const char *rind_token_scope_name(enum rind_token_scope scope);

/* Finds a scope by its exact name. False if there is none ("" included). */
bool rind_token_scope_find(struct rind_slice name, enum rind_token_scope *scope);

/* Which scopes the caller accepts. A scope that is not a known word is refused by all of them. */
enum rind_token_requirement {
    RIND_TOKEN_REQUIRE_USER,
    RIND_TOKEN_REQUIRE_AUDIT,
    RIND_TOKEN_REQUIRE_USER_OR_MISSING, /* what protocol requests need */
    RIND_TOKEN_REQUIRE_AUDIT_OR_MISSING,
    RIND_TOKEN_REQUIRE_ANY_OR_MISSING
};

/* The class of a refusal; the sentence in the context says more. Clients learn none of it. */
enum rind_token_fault {
    RIND_TOKEN_FAULT_NONE,
    RIND_TOKEN_FAULT_JWT, /* shape, algorithm, signature, times, audience mismatch */
    RIND_TOKEN_FAULT_KEY_ID,
    RIND_TOKEN_FAULT_AUDIENCE,
    RIND_TOKEN_FAULT_ISSUER,
    RIND_TOKEN_FAULT_SUBJECT,
    RIND_TOKEN_FAULT_SCOPE,
    RIND_TOKEN_FAULT_LIFETIME
};

/* Which key a token says it is signed with: `<tenant>:<version>`. */
struct rind_token_key_id {
    struct rind_slice tenant;
    uint64_t version;
};

/* What a valid token says. */
struct rind_token_claims {
    struct rind_slice issuer;  /* the tenant; contains no colon */
    struct rind_slice subject; /* the user; may be empty */
    struct rind_realm_id audience;
    enum rind_token_scope scope;
};

/* What a token to be created says. */
struct rind_token_grant {
    struct rind_slice tenant; /* must match rind_token_tenant_is_valid */
    struct rind_slice user;   /* UTF-8 */
    struct rind_realm_id realm;
    enum rind_token_scope scope; /* NONE: the token has no scope */
    uint64_t key_version;
};

/* What a token is validated against. */
struct rind_token_check {
    const struct rind_token_key *key; /* of the key id's tenant and version */
    struct rind_realm_id realm;
    enum rind_token_requirement requirement;
    uint64_t now_unix_ms;
};

/* True if `tenant` matches ^(test-)?[a-zA-Z0-9]+$, as creating tokens requires. */
bool rind_token_tenant_is_valid(struct rind_slice tenant);

/* Splits `kid` at its first colon; the version is decimal, 64 bits, a leading + is fine. */
bool rind_token_key_id_parse(struct rind_slice kid, struct rind_token_key_id *key_id);

/*
 * Makes a token valid from `now_unix_ms` for RIND_TOKEN_LIFETIME_S; in ctx->arena, without a NUL.
 * RIND_E_INVALID for a bad tenant, a user that is not UTF-8 or a key that cannot sign;
 * RIND_E_LIMIT if the token would be longer than realms accept.
 */
rind_status rind_token_create(struct rind_ctx *ctx, const struct rind_token_grant *grant,
                              const struct rind_token_key *key, uint64_t now_unix_ms,
                              struct rind_slice *token) RIND_MUST_USE;

/*
 * Reads the key id of a token whose signature is NOT verified yet, to look its key up. The tenant
 * is in ctx->arena. RIND_E_AUTH with the fault JWT or KEY_ID.
 */
rind_status rind_token_read_key_id(struct rind_ctx *ctx, struct rind_slice token,
                                   struct rind_token_key_id *key_id,
                                   enum rind_token_fault *fault) RIND_MUST_USE;

/*
 * Checks everything of section 14.4 from step 1 on, in its order. On success `claims` (in
 * ctx->arena) may be believed. Otherwise RIND_E_AUTH and the class of the first failure in `fault`.
 */
rind_status rind_token_validate(struct rind_ctx *ctx, struct rind_slice token,
                                const struct rind_token_check *check,
                                struct rind_token_claims *claims,
                                enum rind_token_fault *fault) RIND_MUST_USE;

#endif
