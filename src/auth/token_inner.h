/*
 * token_inner.h - the steps of reading a token that protocol requests (token.c) and bearer tokens
 * (bearer.c) share. For this room only. Step numbers: docs/spec/01-client-protocol.md section 14.4.
 */
#ifndef RIND_AUTH_TOKEN_INNER_H
#define RIND_AUTH_TOKEN_INNER_H

#include "auth/token_json.h"
#include "auth/token_key.h"

/* A token cut at its dots; all borrowed from it. */
struct rind_token_parts {
    struct rind_slice header;
    struct rind_slice claims;
    struct rind_slice signature;
    struct rind_slice signed_part; /* header "." claims, as transmitted */
};

/* Step 2: exactly two dots. RIND_E_AUTH. */
rind_status rind_token_split(struct rind_ctx *ctx, struct rind_slice token,
                             struct rind_token_parts *parts) RIND_MUST_USE;

/* Step 3: the header's members, from its base64url form. RIND_E_AUTH. */
rind_status rind_token_header_read(struct rind_ctx *ctx, struct rind_slice text,
                                   struct rind_token_header *header) RIND_MUST_USE;

/* Steps 5 and 6: the algorithm is the key's, and the signature verifies. RIND_E_AUTH. */
rind_status rind_token_authenticate(struct rind_ctx *ctx, const struct rind_token_parts *parts,
                                    const struct rind_token_header *header,
                                    const struct rind_token_key *key) RIND_MUST_USE;

#endif
