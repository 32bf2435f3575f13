/*
 * fuzz_secret.c - payloads of secrets as Secret Manager serves them: rind_secret_map_add_or_raw,
 * with the DER parsers of RSA and Ed25519 keys behind it (the first byte picks one directly).
 */
#include "auth/auth.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_key(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                    struct rind_slice bytes)
{
    struct rind_token_key *key = NULL;
    if (rind_is_ok(rind_token_key_new_verifying(ctx, algorithm, bytes, &key))) {
        (void)rind_token_key_verify(key, bytes, bytes);
        rind_token_key_free(key);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rind_ctx ctx;
    struct rind_slice input = rind_slice_make(data, size);
    rind_ctx_init(&ctx, NULL);
    if (size > 0 && data[0] < RIND_TOKEN_ALGORITHM_COUNT) {
        try_key(&ctx, (enum rind_token_algorithm)data[0], rind_slice_make(data + 1, size - 1));
        return 0;
    }
    struct rind_secret_map *map = rind_secret_map_new();
    RIND_ASSERT(map != NULL);
    bool is_added =
        rind_is_ok(rind_secret_map_add_or_raw(map, &ctx, rind_slice_text("tenant-fuzz"), 1, input));
    RIND_ASSERT(rind_is_ok(rind_secret_map_seal(map, &ctx)));
    const struct rind_secret *secret = rind_secret_map_find(map, rind_slice_text("tenant-fuzz"), 1);
    RIND_ASSERT(is_added == (secret != NULL));
    RIND_ASSERT(secret == NULL || !secret->is_raw || rind_slice_equal(secret->data, input));
    rind_secret_map_free(map);
    return 0;
}
