/*
 * fuzz_token.c - hostile tokens: rind_token_read_key_id and rind_token_validate, and behind the
 * signature rind_token_header_decode and rind_token_claims_decode, which the input reaches
 * directly so that the fuzzer need not forge MACs.
 */
#include "auth/auth.h"

#include <stdlib.h>

#include "auth/token_json.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[256 * 1024];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_slice input = rind_slice_make(data, size);
    struct rind_token_key *key = NULL;
    struct rind_token_key_id key_id;
    struct rind_token_claims claims;
    struct rind_token_header header;
    struct rind_token_contents contents;
    enum rind_token_fault fault;

    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    RIND_ASSERT(rind_is_ok(rind_token_key_new_verifying(
        &ctx, RIND_TOKEN_HS256, rind_slice_text("a key the fuzzer does not have"), &key)));
    struct rind_token_check check = {.key = key,
                                     .requirement = RIND_TOKEN_REQUIRE_ANY_OR_MISSING,
                                     .now_unix_ms = UINT64_C(1700000000000)};
    rind_status status = rind_token_read_key_id(&ctx, input, &key_id, &fault);
    RIND_ASSERT(rind_is_ok(status) == (fault == RIND_TOKEN_FAULT_NONE));
    status = rind_token_validate(&ctx, input, &check, &claims, &fault);
    RIND_ASSERT(!rind_is_ok(status) && fault != RIND_TOKEN_FAULT_NONE);
    status = rind_token_header_decode(&ctx, input, &header);
    RIND_ASSERT(!rind_is_ok(status) || header.alg.data != NULL);
    status = rind_token_claims_decode(&ctx, input, rind_slice_text("audience"), &contents);
    RIND_ASSERT(!rind_is_ok(status) || contents.audience_form != RIND_TOKEN_AUDIENCE_ABSENT ||
                !contents.has_expected_audience);
    rind_token_key_free(key);
    return 0;
}
