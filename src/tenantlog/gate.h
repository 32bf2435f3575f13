/*
 * gate.h - who may come in: the bearer tokens of a request, judged with tenants' keys.
 *
 * What the tenant event log and software realms have in common. Spec 05 section 12.2.
 */
#ifndef RIND_TENANTLOG_GATE_H
#define RIND_TENANTLOG_GATE_H

#include "auth/auth.h"
#include "net/net.h"
#include "tenantlog/tenant_keys.h"

/* limits */
#define RIND_TENANT_GATE_KEY_MS 10000u /* for a key */

struct rind_tenant_gate {
    struct rind_tenant_keys *keys; /* borrowed */
    struct rind_realm_id realm;
    enum rind_token_requirement requirement;
    bool must_expire;
};

/*
 * Tries the Authorization headers in turn; the first token that is authentic is judged. The claims
 * (in ctx->arena) may be believed if it returns RIND_BEARER_FAULT_NONE. `*is_key_unavailable` says
 * that a token's key could not be asked for, so it may be good, and that no other was (the sentence
 * says why): its owner should try again, not look for another.
 */
enum rind_bearer_fault rind_tenant_gate_judge(struct rind_ctx *ctx,
                                              const struct rind_tenant_gate *gate,
                                              const struct rind_request *request,
                                              struct rind_token_claims *claims,
                                              bool *is_key_unavailable);

#endif
