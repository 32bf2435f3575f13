/* base64url.c - see base64url.h. libsodium's codec is strict and constant-time. */
#include "auth/base64url.h"

#include <sodium.h>

bool rind_base64url_decode(struct rind_ctx *ctx, struct rind_slice text, struct rind_slice *bytes)
{
    size_t capacity = text.length / 4 * 3 + 3;
    uint8_t *decoded = rind_arena_alloc(ctx->arena, capacity);
    if (decoded == NULL) {
        return false;
    }
    size_t length = 0;
    /* Without an end pointer, anything after the last character that belongs is an error. */
    if (sodium_base642bin(decoded, capacity, (const char *)text.data, text.length, NULL, &length,
                          NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        return false;
    }
    *bytes = rind_slice_make(decoded, length);
    return true;
}

rind_status rind_base64url_encode(struct rind_ctx *ctx, struct rind_slice bytes,
                                  struct rind_slice *text)
{
    size_t size = sodium_base64_encoded_len(bytes.length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *encoded = rind_ctx_alloc(ctx, size);
    if (encoded == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    sodium_bin2base64(encoded, size, bytes.data, bytes.length,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    *text = rind_slice_make(encoded, size - 1);
    return RIND_OK;
}
