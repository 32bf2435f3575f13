/*
 * token_json.c - token headers and claims from JSON: types checked, values not yet.
 *
 * The JSON of a header is hostile (its signature is not verified when the key id is read). Depth is
 * bounded by the token's size and jansson's own limit. Members that repeat are refused: which one
 * counts must not be a matter of taste. Spec: docs/spec/01-client-protocol.md section 14.4.
 */
#include "auth/token_json.h"

#include <math.h>

#include <jansson.h>

/* Integers come as doubles: times are compared as whole seconds, and no unknown claim with a large
 * number can make a token unreadable. */
#define TOKEN_JSON_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)

static rind_status malformed(struct rind_ctx *ctx, const char *member)
{
    return rind_fail(ctx, RIND_E_AUTH, "JWT member '%s' has the wrong type", member);
}

/* An optional text; null counts as absent. The result is copied into ctx->arena. */
static rind_status text_member(struct rind_ctx *ctx, const json_t *object, const char *member,
                               struct rind_slice *text)
{
    const json_t *value = json_object_get(object, member);
    if (value == NULL || json_is_null(value)) {
        *text = rind_slice_make(NULL, 0);
        return RIND_OK;
    }
    if (!json_is_string(value)) {
        return malformed(ctx, member);
    }
    RIND_REQUIRE(
        ctx,
        rind_arena_copy(ctx->arena,
                        rind_slice_make(json_string_value(value), json_string_length(value)), text),
        RIND_E_LIMIT, "no room for a token's claims");
    return RIND_OK;
}

static bool is_text_array(const json_t *value)
{
    if (!json_is_array(value)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i))) {
            return false;
        }
    }
    return true;
}

static rind_status header_read(struct rind_ctx *ctx, const json_t *object,
                               struct rind_token_header *header)
{
    /* Members that we do not act on must still have their types. */
    static const char *const texts[] = {"cty", "jku", "jwk", "x5u", "x5t", "x5t#S256"};
    static const char *const arrays[] = {"crit", "x5c"};

    RIND_TRY(text_member(ctx, object, "alg", &header->alg));
    RIND_TRY(text_member(ctx, object, "kid", &header->kid));
    RIND_TRY(text_member(ctx, object, "typ", &header->typ));
    if (header->alg.data == NULL) {
        return malformed(ctx, "alg");
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const json_t *value = json_object_get(object, texts[i]);
        if (value != NULL && !json_is_null(value) && !json_is_string(value)) {
            return malformed(ctx, texts[i]);
        }
    }
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        const json_t *value = json_object_get(object, arrays[i]);
        if (value != NULL && !json_is_null(value) && !is_text_array(value)) {
            return malformed(ctx, arrays[i]);
        }
    }
    return RIND_OK;
}

/* A time claim must be a number: a text or null would mean a different thing to each reader. */
static rind_status time_member(struct rind_ctx *ctx, const json_t *object, const char *member,
                               struct rind_token_time *time)
{
    const json_t *value = json_object_get(object, member);
    time->is_present = value != NULL;
    if (value != NULL) {
        if (!json_is_number(value)) {
            return malformed(ctx, member);
        }
        time->exact_unix_s = json_number_value(value);
        time->unix_s = trunc(time->exact_unix_s);
    }
    return RIND_OK;
}

static bool is_expected(const json_t *text, struct rind_slice expected)
{
    return rind_slice_equal(rind_slice_make(json_string_value(text), json_string_length(text)),
                            expected);
}

static rind_status audience_member(struct rind_ctx *ctx, const json_t *object,
                                   struct rind_slice expected, struct rind_token_contents *claims)
{
    const json_t *value = json_object_get(object, "aud");
    claims->has_expected_audience = false;
    claims->audience_count = 0;
    if (value == NULL || json_is_null(value)) {
        claims->audience_form = RIND_TOKEN_AUDIENCE_ABSENT;
        return RIND_OK;
    }
    if (json_is_string(value)) {
        claims->audience_form = RIND_TOKEN_AUDIENCE_TEXT;
        claims->audience_count = 1;
        claims->has_expected_audience = is_expected(value, expected);
        return RIND_OK;
    }
    if (!is_text_array(value)) {
        return malformed(ctx, "aud");
    }
    claims->audience_form = RIND_TOKEN_AUDIENCE_ARRAY;
    claims->audience_count = json_array_size(value);
    for (size_t i = 0; i < json_array_size(value); i++) {
        claims->has_expected_audience |= is_expected(json_array_get(value, i), expected);
    }
    return RIND_OK;
}

static rind_status claims_read(struct rind_ctx *ctx, const json_t *object,
                               struct rind_slice audience, struct rind_token_contents *claims)
{
    RIND_TRY(time_member(ctx, object, "iat", &claims->iat));
    RIND_TRY(time_member(ctx, object, "exp", &claims->exp));
    RIND_TRY(time_member(ctx, object, "nbf", &claims->nbf));
    RIND_TRY(text_member(ctx, object, "iss", &claims->iss));
    RIND_TRY(text_member(ctx, object, "sub", &claims->sub));
    RIND_TRY(text_member(ctx, object, "scope", &claims->scope));
    return audience_member(ctx, object, audience, claims);
}

static json_t *object_load(struct rind_slice json)
{
    json_error_t error;
    json_t *object = json_loadb((const char *)json.data, json.length, TOKEN_JSON_FLAGS, &error);
    if (object != NULL && !json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

rind_status rind_token_header_decode(struct rind_ctx *ctx, struct rind_slice json,
                                     struct rind_token_header *header)
{
    json_t *object = object_load(json);
    RIND_REQUIRE(ctx, object != NULL, RIND_E_AUTH, "JWT header is not a JSON object");
    rind_status status = header_read(ctx, object, header);
    json_decref(object);
    return status;
}

rind_status rind_token_claims_decode(struct rind_ctx *ctx, struct rind_slice json,
                                     struct rind_slice audience, struct rind_token_contents *claims)
{
    json_t *object = object_load(json);
    RIND_REQUIRE(ctx, object != NULL, RIND_E_AUTH, "JWT claims are not a JSON object");
    rind_status status = claims_read(ctx, object, audience, claims);
    json_decref(object);
    return status;
}
