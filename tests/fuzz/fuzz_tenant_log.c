/*
 * fuzz_tenant_log.c - what strangers can make the tenant event log read: bodies of requests
 * (rind_tenant_log_request_read), data of events (rind_tenant_log_event_read, and the page that is
 * made of them), bearer headers and tokens (rind_bearer_find, rind_bearer_read_key_id,
 * rind_bearer_validate), and payloads of secrets (rind_bearer_key_new).
 */
#include <stdlib.h>

#include "auth/auth.h"
#include "base/assert.h"
#include "tenantlog/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_token(struct rind_ctx *ctx, struct rind_slice token)
{
    struct rind_token_key *key = NULL;
    RIND_ASSERT(rind_is_ok(
        rind_bearer_key_new(ctx, rind_slice_text("a key the fuzzer does not have"), &key)));
    struct rind_bearer_check check = {.key = key,
                                      .requirement = RIND_TOKEN_REQUIRE_AUDIT,
                                      .now_unix_ms = UINT64_C(1700000000000)};
    struct rind_token_claims claims;
    enum rind_bearer_fault fault;
    if (rind_is_ok(rind_bearer_read_key_id(ctx, token, &check.key_id))) {
        RIND_ASSERT(rind_token_tenant_is_valid(check.key_id.tenant));
        RIND_ASSERT(!rind_is_ok(rind_bearer_validate(ctx, token, &check, &claims, &fault)));
        RIND_ASSERT(fault == RIND_BEARER_FAULT_INVALID);
    }
    rind_token_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[8 << 20];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_slice input = rind_slice_make(data, size);
    struct rind_tenant_log_request request;
    struct rind_token_key *key = NULL;
    struct rind_slice token;
    struct rind_slice page;
    size_t shown;

    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    if (rind_is_ok(rind_tenant_log_request_read(&ctx, input, &request))) {
        RIND_ASSERT(request.page_size >= RIND_TENANT_LOG_PAGE_MIN &&
                    request.page_size <= RIND_TENANT_LOG_PAGE_MAX);
    }
    const struct rind_delivered_event event = {.id = input, .ack_id = input, .data = input};
    rind_status status = rind_tenant_log_page_write(&ctx, &event, 1, NULL, &shown, &page);
    RIND_ASSERT(!rind_is_ok(status) || shown <= 1);
    if (rind_bearer_find(input, &token)) {
        RIND_ASSERT(token.length > 0);
        try_token(&ctx, token);
    }
    try_token(&ctx, input);
    if (rind_is_ok(rind_bearer_key_new(&ctx, input, &key))) {
        RIND_ASSERT(size > 0);
    }
    rind_token_key_free(key);
    return 0;
}
