/* gate.c - see gate.h. */
#include "tenantlog/gate.h"

/* One token: rules 1 to 4. */
static enum rind_bearer_fault
gate_judge_token(struct rind_ctx *ctx, const struct rind_tenant_gate *gate, struct rind_slice token,
                 struct rind_token_claims *claims, bool *is_key_unavailable)
{
    struct rind_bearer_check check = {
        .realm = gate->realm,
        .requirement = gate->requirement,
        .must_expire = gate->must_expire,
        .now_unix_ms = rind_clock_unix_ms(),
    };
    enum rind_bearer_fault fault = RIND_BEARER_FAULT_INVALID;
    struct rind_tenant_key *key;
    if (!rind_is_ok(rind_bearer_read_key_id(ctx, token, &check.key_id))) {
        return fault;
    }
    rind_status status = rind_tenant_keys_acquire(
        ctx, gate->keys, &check.key_id, rind_deadline_in_ms(RIND_TENANT_GATE_KEY_MS), &key);
    if (!rind_is_ok(status)) {
        *is_key_unavailable =
            !rind_is(status, RIND_E_NOT_FOUND) && !rind_is(status, RIND_E_INVALID);
        return fault;
    }
    check.key = rind_tenant_key_of(key);
    status = rind_bearer_validate(ctx, token, &check, claims, &fault);
    rind_tenant_key_release(key);
    return rind_is_ok(status) ? RIND_BEARER_FAULT_NONE : fault;
}

enum rind_bearer_fault rind_tenant_gate_judge(struct rind_ctx *ctx,
                                              const struct rind_tenant_gate *gate,
                                              const struct rind_request *request,
                                              struct rind_token_claims *claims,
                                              bool *is_key_unavailable)
{
    enum rind_bearer_fault fault = RIND_BEARER_FAULT_MISSING;
    *is_key_unavailable = false;
    for (size_t i = 0; i < request->header_count; i++) {
        struct rind_slice token;
        if (!rind_slice_is_text(request->headers[i].name, "authorization") ||
            !rind_bearer_find(request->headers[i].value, &token)) {
            continue;
        }
        fault = gate_judge_token(ctx, gate, token, claims, is_key_unavailable);
        if (fault != RIND_BEARER_FAULT_INVALID) {
            *is_key_unavailable = false;
            break;
        }
    }
    return fault;
}
