/* base64url.h - strict base64url without padding (RFC 4648 section 5), as tokens use it. */
#ifndef RIND_AUTH_BASE64URL_H
#define RIND_AUTH_BASE64URL_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"

/*
 * Decodes into ctx->arena. False for padding, blanks, other characters, an impossible length,
 * non-zero trailing bits, or a full arena.
 */
bool rind_base64url_decode(struct rind_ctx *ctx, struct rind_slice text, struct rind_slice *bytes);

/* Encodes into ctx->arena, without a NUL. */
rind_status rind_base64url_encode(struct rind_ctx *ctx, struct rind_slice bytes,
                                  struct rind_slice *text) RIND_MUST_USE;

#endif
