/*
 * token.c - creation and validation of tokens.
 *
 * Validation follows docs/spec/01-client-protocol.md section 14.4 step by step; each step names its
 * number. The order cannot be seen by clients (all failures look alike to them) but by operators.
 */
#include "auth/token.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "auth/base64url.h"
#include "auth/token_inner.h"
#include "auth/token_json.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/hex.h"

#define TOKEN_REALM_TEXT_SIZE RIND_HEX_SIZE(sizeof(struct rind_realm_id))

static const char *const scope_names[] = {[RIND_TOKEN_SCOPE_NONE] = "",
                                          [RIND_TOKEN_SCOPE_USER] = "user",
                                          [RIND_TOKEN_SCOPE_AUDIT] = "audit"};

const char *rind_token_scope_name(enum rind_token_scope scope)
{
    RIND_ASSERT(scope <= RIND_TOKEN_SCOPE_AUDIT);
    return scope_names[scope];
}

bool rind_token_scope_find(struct rind_slice name, enum rind_token_scope *scope)
{
    for (unsigned i = RIND_TOKEN_SCOPE_USER; i <= RIND_TOKEN_SCOPE_AUDIT; i++) {
        if (rind_slice_is_text(name, scope_names[i])) {
            *scope = (enum rind_token_scope)i;
            return true;
        }
    }
    return false;
}

bool rind_token_tenant_is_valid(struct rind_slice tenant)
{
    static const char prefix[] = "test-";
    size_t prefix_length = sizeof(prefix) - 1;
    if (tenant.length >= prefix_length && memcmp(tenant.data, prefix, prefix_length) == 0) {
        tenant = rind_slice_make(tenant.data + prefix_length, tenant.length - prefix_length);
    }
    for (size_t i = 0; i < tenant.length; i++) {
        uint8_t c = tenant.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))) {
            return false;
        }
    }
    return tenant.length > 0;
}

static bool decimal_parse(struct rind_slice digits, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < digits.length; i++) {
        uint8_t c = digits.data[i];
        if (c < '0' || c > '9' || sum > (UINT64_MAX - (c - '0')) / 10) {
            return false;
        }
        sum = sum * 10 + (c - '0');
    }
    *value = sum;
    return digits.length > 0;
}

bool rind_token_key_id_parse(struct rind_slice kid, struct rind_token_key_id *key_id)
{
    const uint8_t *colon = kid.length > 0 ? memchr(kid.data, ':', kid.length) : NULL;
    if (colon == NULL) {
        return false;
    }
    struct rind_slice tenant = rind_slice_make(kid.data, (size_t)(colon - kid.data));
    struct rind_slice version = rind_slice_make(colon + 1, kid.length - tenant.length - 1);
    if (version.length > 0 && version.data[0] == '+') {
        version = rind_slice_make(version.data + 1, version.length - 1);
    }
    key_id->tenant = tenant;
    return decimal_parse(version, &key_id->version);
}

/* --- creation --- */

/* Compact JSON of `object` in ctx->arena as base64url. Frees the object, which may be NULL. */
static rind_status json_take_encoded(struct rind_ctx *ctx, json_t *object, struct rind_slice *text)
{
    char *json = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    RIND_REQUIRE(ctx, json != NULL, RIND_E_INVALID, "the tenant or user is not UTF-8 text");
    rind_status status = rind_base64url_encode(ctx, rind_slice_text(json), text);
    free(json);
    return status;
}

static json_t *token_header_new(const struct rind_token_grant *grant,
                                const struct rind_token_key *key)
{
    return json_pack(
        "{s:s, s:o, s:s}", "alg", rind_token_algorithm_name(rind_token_key_algorithm(key)), "kid",
        json_sprintf("%.*s:%llu", (int)grant->tenant.length, (const char *)grant->tenant.data,
                     (unsigned long long)grant->key_version),
        "typ", "JWT");
}

static json_t *token_claims_new(const struct rind_token_grant *grant, uint64_t now_unix_s)
{
    char realm[TOKEN_REALM_TEXT_SIZE];
    rind_hex_encode(rind_realm_id_slice(&grant->realm), realm);
    json_t *claims =
        json_pack("{s:I, s:I, s:I, s:s%, s:s%, s:s}", "iat", (json_int_t)now_unix_s, "exp",
                  (json_int_t)(now_unix_s + RIND_TOKEN_LIFETIME_S), "nbf", (json_int_t)now_unix_s,
                  "iss", grant->tenant.data, grant->tenant.length, "sub",
                  grant->user.length > 0 ? (const char *)grant->user.data : "", grant->user.length,
                  "aud", realm);
    if (claims != NULL && grant->scope != RIND_TOKEN_SCOPE_NONE &&
        json_object_set_new(claims, "scope", json_string(rind_token_scope_name(grant->scope))) !=
            0) {
        json_decref(claims);
        return NULL;
    }
    return claims;
}

rind_status rind_token_create(struct rind_ctx *ctx, const struct rind_token_grant *grant,
                              const struct rind_token_key *key, uint64_t now_unix_ms,
                              struct rind_slice *token)
{
    RIND_REQUIRE(ctx, rind_token_tenant_is_valid(grant->tenant), RIND_E_INVALID,
                 "a tenant is letters and digits, with test- in front for test tenants");
    RIND_REQUIRE(
        ctx, grant->tenant.length < RIND_TOKEN_SIZE_MAX && grant->user.length < RIND_TOKEN_SIZE_MAX,
        RIND_E_LIMIT, "tenant or user is longer than a token may be (%u bytes)",
        RIND_TOKEN_SIZE_MAX);
    struct rind_slice header;
    struct rind_slice claims;
    struct rind_slice signature;
    struct rind_slice signature_text;
    RIND_TRY(json_take_encoded(ctx, token_header_new(grant, key), &header));
    RIND_TRY(json_take_encoded(ctx, token_claims_new(grant, now_unix_ms / 1000), &claims));

    /* The arena holds signed part and token apart; both are small. */
    size_t signed_size = header.length + 1 + claims.length;
    uint8_t *signed_bytes = rind_ctx_alloc(ctx, signed_size);
    if (signed_bytes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, signed_bytes, signed_size);
    rind_buffer_append(&buffer, header);
    rind_buffer_append_byte(&buffer, '.');
    rind_buffer_append(&buffer, claims);
    RIND_TRY(rind_token_key_sign(ctx, key, rind_buffer_slice(&buffer), &signature));
    RIND_TRY(rind_base64url_encode(ctx, signature, &signature_text));

    size_t size = signed_size + 1 + signature_text.length;
    RIND_REQUIRE(ctx, size <= RIND_TOKEN_SIZE_MAX, RIND_E_LIMIT,
                 "the token would have %zu bytes, realms accept %u: use a shorter user name or key",
                 size, RIND_TOKEN_SIZE_MAX);
    uint8_t *bytes = rind_ctx_alloc(ctx, size);
    if (bytes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_buffer out;
    rind_buffer_init(&out, bytes, size);
    rind_buffer_append(&out, rind_buffer_slice(&buffer));
    rind_buffer_append_byte(&out, '.');
    rind_buffer_append(&out, signature_text);
    RIND_ASSERT(!out.is_overflown && out.length == size);
    *token = rind_buffer_slice(&out);
    return RIND_OK;
}

/* --- validation --- */

/* Text before the first dot, or all of it. */
static struct rind_slice token_first_part(struct rind_slice token)
{
    const uint8_t *dot = token.length > 0 ? memchr(token.data, '.', token.length) : NULL;
    return rind_slice_make(token.data, dot != NULL ? (size_t)(dot - token.data) : token.length);
}

/* Step 3. */
rind_status rind_token_header_read(struct rind_ctx *ctx, struct rind_slice text,
                                   struct rind_token_header *header)
{
    struct rind_slice json;
    RIND_REQUIRE(ctx, text.length <= RIND_TOKEN_HEADER_SIZE_MAX, RIND_E_AUTH,
                 "JWT header too large");
    RIND_REQUIRE(ctx, rind_base64url_decode(ctx, text, &json), RIND_E_AUTH, "JWT base64 error");
    return rind_token_header_decode(ctx, json, header);
}

rind_status rind_token_read_key_id(struct rind_ctx *ctx, struct rind_slice token,
                                   struct rind_token_key_id *key_id, enum rind_token_fault *fault)
{
    struct rind_token_header header;
    *fault = RIND_TOKEN_FAULT_JWT;
    RIND_TRY(rind_token_header_read(ctx, token_first_part(token), &header));
    *fault = RIND_TOKEN_FAULT_KEY_ID;
    RIND_REQUIRE(ctx, rind_token_key_id_parse(header.kid, key_id), RIND_E_AUTH,
                 "the JWT's kid is not <tenant>:<version>");
    *fault = RIND_TOKEN_FAULT_NONE;
    return RIND_OK;
}

/* Step 2. */
rind_status rind_token_split(struct rind_ctx *ctx, struct rind_slice token,
                             struct rind_token_parts *parts)
{
    size_t dots[2] = {0, 0};
    size_t dot_count = 0;
    for (size_t i = 0; i < token.length; i++) {
        if (token.data[i] == '.') {
            RIND_REQUIRE(ctx, dot_count < 2, RIND_E_AUTH, "JWT compact encoding error");
            dots[dot_count++] = i;
        }
    }
    RIND_REQUIRE(ctx, dot_count == 2, RIND_E_AUTH, "JWT compact encoding error");
    parts->header = rind_slice_make(token.data, dots[0]);
    parts->claims = rind_slice_make(token.data + dots[0] + 1, dots[1] - dots[0] - 1);
    parts->signature = rind_slice_make(token.data + dots[1] + 1, token.length - dots[1] - 1);
    parts->signed_part = rind_slice_make(token.data, dots[1]);
    return RIND_OK;
}

static uint8_t ascii_upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool typ_is_jwt(struct rind_slice typ)
{
    static const char suffix[] = "+JWT";
    size_t offset = typ.length == 3 ? 1 : 0; /* the whole of it is JWT, or its end is +JWT */
    size_t length = sizeof(suffix) - 1 - offset;
    if (typ.length < length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (ascii_upper(typ.data[typ.length - length + i]) != suffix[offset + i]) {
            return false;
        }
    }
    return true;
}

/* Steps 5 and 6: after them the claims are the tenant's, whatever they say. */
rind_status rind_token_authenticate(struct rind_ctx *ctx, const struct rind_token_parts *parts,
                                    const struct rind_token_header *header,
                                    const struct rind_token_key *key)
{
    enum rind_token_algorithm algorithm = rind_token_key_algorithm(key);
    struct rind_slice signature;

    /* The key decides: a public key must never be usable as an HMAC key, nor "none" as anything. */
    RIND_REQUIRE(ctx, rind_slice_is_text(header->alg, rind_token_algorithm_name(algorithm)),
                 RIND_E_AUTH, "JWT algorithm mismatch");
    RIND_REQUIRE(ctx, rind_base64url_decode(ctx, parts->signature, &signature), RIND_E_AUTH,
                 "JWT base64 error");
    RIND_REQUIRE(ctx, rind_token_key_verify(key, parts->signed_part, signature), RIND_E_AUTH,
                 algorithm == RIND_TOKEN_HS256 ? "Authentication tag didn't verify"
                                               : "Signature tag didn't verify");
    return RIND_OK;
}

/* Step 8. Times are whole seconds, now is milliseconds; doubles hold both exactly. */
static rind_status token_check_times(struct rind_ctx *ctx, const struct rind_token_contents *claims,
                                     uint64_t now_unix_ms)
{
    double latest_s = ((double)now_unix_ms + RIND_TOKEN_TOLERANCE_MS) / 1000;
    double earliest_s = ((double)now_unix_ms - RIND_TOKEN_TOLERANCE_MS) / 1000;
    RIND_REQUIRE(ctx, !claims->iat.is_present || claims->iat.unix_s <= latest_s, RIND_E_AUTH,
                 "Clock drift detected");
    RIND_REQUIRE(ctx, !claims->nbf.is_present || claims->nbf.unix_s <= latest_s, RIND_E_AUTH,
                 "Token not valid yet");
    RIND_REQUIRE(ctx, !claims->exp.is_present || claims->exp.unix_s >= earliest_s, RIND_E_AUTH,
                 "Token has expired");
    return RIND_OK;
}

static rind_status refuse(struct rind_ctx *ctx, enum rind_token_fault *fault,
                          enum rind_token_fault reason, const char *sentence)
{
    *fault = reason;
    return rind_fail(ctx, RIND_E_AUTH, "%s", sentence);
}

/* Step 14. */
static bool scope_is_accepted(enum rind_token_requirement requirement, enum rind_token_scope scope)
{
    switch (requirement) {
    case RIND_TOKEN_REQUIRE_USER:
        return scope == RIND_TOKEN_SCOPE_USER;
    case RIND_TOKEN_REQUIRE_AUDIT:
        return scope == RIND_TOKEN_SCOPE_AUDIT;
    case RIND_TOKEN_REQUIRE_USER_OR_MISSING:
        return scope != RIND_TOKEN_SCOPE_AUDIT;
    case RIND_TOKEN_REQUIRE_AUDIT_OR_MISSING:
        return scope != RIND_TOKEN_SCOPE_USER;
    case RIND_TOKEN_REQUIRE_ANY_OR_MISSING:
        return true;
    }
    RIND_UNREACHABLE("all requirements are listed");
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct rind_slice trimmed(struct rind_slice text)
{
    while (text.length > 0 && is_blank(text.data[0])) {
        text = rind_slice_make(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && is_blank(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* Steps 10 to 14 on authenticated claims. */
static rind_status token_judge(struct rind_ctx *ctx, const struct rind_token_header *header,
                               const struct rind_token_contents *contents,
                               const struct rind_token_check *check,
                               struct rind_token_claims *claims, enum rind_token_fault *fault)
{
    double lifetime_s = contents->exp.unix_s - contents->nbf.unix_s;
    if (!contents->nbf.is_present || !contents->exp.is_present || lifetime_s < 0 ||
        lifetime_s > RIND_TOKEN_LIFETIME_S_MAX) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_LIFETIME,
                      "the token has no nbf or exp, or they are not in order within 24 hours");
    }
    if (contents->iss.data == NULL) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_ISSUER, "the token has no iss");
    }
    if (contents->sub.data == NULL) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_SUBJECT, "the token has no sub");
    }
    struct rind_token_key_id key_id;
    if (!rind_token_key_id_parse(header->kid, &key_id) ||
        !rind_slice_equal(key_id.tenant, contents->iss)) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_KEY_ID,
                      "the token's kid is not <tenant>:<version> with the tenant in its iss");
    }
    /* Step 9 found the realm in it, so as a plain text it is the hex of 16 bytes. */
    if (contents->audience_form != RIND_TOKEN_AUDIENCE_TEXT) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_AUDIENCE, "the token's aud is not a text");
    }
    enum rind_token_scope scope = RIND_TOKEN_SCOPE_NONE;
    bool is_known =
        contents->scope.data == NULL || rind_token_scope_find(trimmed(contents->scope), &scope);
    if (!is_known || !scope_is_accepted(check->requirement, scope)) {
        return refuse(ctx, fault, RIND_TOKEN_FAULT_SCOPE, "the token's scope does not allow this");
    }
    claims->issuer = contents->iss;
    claims->subject = contents->sub;
    claims->audience = check->realm;
    claims->scope = scope;
    *fault = RIND_TOKEN_FAULT_NONE;
    return RIND_OK;
}

rind_status rind_token_validate(struct rind_ctx *ctx, struct rind_slice token,
                                const struct rind_token_check *check,
                                struct rind_token_claims *claims, enum rind_token_fault *fault)
{
    char realm[TOKEN_REALM_TEXT_SIZE];
    struct rind_token_parts parts;
    struct rind_token_header header;
    struct rind_slice json;
    struct rind_token_contents contents;

    *fault = RIND_TOKEN_FAULT_JWT;
    RIND_REQUIRE(ctx, token.length <= RIND_TOKEN_SIZE_MAX, RIND_E_AUTH, "Token is too long");
    RIND_TRY(rind_token_split(ctx, token, &parts));
    RIND_TRY(rind_token_header_read(ctx, parts.header, &header));
    RIND_REQUIRE(ctx, header.typ.data == NULL || typ_is_jwt(header.typ), RIND_E_AUTH,
                 "Not a JWT token");
    RIND_TRY(rind_token_authenticate(ctx, &parts, &header, check->key));
    RIND_REQUIRE(ctx, rind_base64url_decode(ctx, parts.claims, &json), RIND_E_AUTH,
                 "JWT base64 error");
    rind_hex_encode(rind_realm_id_slice(&check->realm), realm);
    RIND_TRY(rind_token_claims_decode(ctx, json, rind_slice_text(realm), &contents));
    RIND_TRY(token_check_times(ctx, &contents, check->now_unix_ms));
    RIND_REQUIRE(ctx, contents.audience_form != RIND_TOKEN_AUDIENCE_ABSENT, RIND_E_AUTH,
                 "Required audience missing");
    RIND_REQUIRE(ctx, contents.has_expected_audience, RIND_E_AUTH, "Required audience mismatch");
    return token_judge(ctx, &header, &contents, check, claims, fault);
}
