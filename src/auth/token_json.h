/* token_json.h - the two JSON parts of a token, decoded. For token.c and its tests only. */
#ifndef RIND_AUTH_TOKEN_JSON_H
#define RIND_AUTH_TOKEN_JSON_H

#include "auth/token.h"

/* Header members we act on; absent texts have data NULL. */
struct rind_token_header {
    struct rind_slice alg;
    struct rind_slice kid;
    struct rind_slice typ;
};

/* A time claim: any JSON number, so not always a sane one. */
struct rind_token_time {
    bool is_present;
    double unix_s;       /* whole seconds, fraction cut */
    double exact_unix_s; /* as it was written */
};

enum rind_token_audience_form {
    RIND_TOKEN_AUDIENCE_ABSENT,
    RIND_TOKEN_AUDIENCE_TEXT,
    RIND_TOKEN_AUDIENCE_ARRAY
};

/* Claims we act on; absent texts have data NULL. */
struct rind_token_contents {
    struct rind_token_time iat;
    struct rind_token_time exp;
    struct rind_token_time nbf;
    struct rind_slice iss;
    struct rind_slice sub;
    struct rind_slice scope;
    enum rind_token_audience_form audience_form;
    size_t audience_count;      /* elements of the array, 1 for a text, 0 if absent */
    bool has_expected_audience; /* the text, or an element of the array, is the one expected */
};

/* Decodes a header (the JSON text). RIND_E_AUTH unless its members have the right types. */
rind_status rind_token_header_decode(struct rind_ctx *ctx, struct rind_slice json,
                                     struct rind_token_header *header) RIND_MUST_USE;

/* Decodes claims (the JSON text). `audience` is the one to look for. */
rind_status rind_token_claims_decode(struct rind_ctx *ctx, struct rind_slice json,
                                     struct rind_slice audience,
                                     struct rind_token_contents *claims) RIND_MUST_USE;

#endif
