/* bearer.c - see bearer.h. Rule numbers: docs/spec/05-cloud-services.md section 12.2. */
#include "auth/bearer.h"

#include <stdlib.h>

#include <jansson.h>

#include "auth/base64url.h"
#include "auth/secret_json.h"
#include "auth/token_inner.h"
#include "base/assert.h"
#include "base/hex.h"
#include "base/wipe.h"

static const char *const fault_texts[] = {
    [RIND_BEARER_FAULT_NONE] = "",
    [RIND_BEARER_FAULT_MISSING] = "missing or malformed jwt",
    [RIND_BEARER_FAULT_INVALID] = "invalid or expired jwt",
    [RIND_BEARER_FAULT_AUDIENCE] = "jwt claims contains invalid 'aud' field",
    [RIND_BEARER_FAULT_SUBJECT] = "jwt claims missing 'sub' field",
    [RIND_BEARER_FAULT_ISSUER] = "jwt claims missing 'iss' field",
    [RIND_BEARER_FAULT_SIGNER] = "jwt 'iss' field does not match signer",
    [RIND_BEARER_FAULT_SCOPE_MISSING] = "jwt claims missing 'scope' field",
    [RIND_BEARER_FAULT_SCOPE] = "jwt claims 'scope' should be 'audit'",
};

const char *rind_bearer_fault_text(enum rind_bearer_fault fault)
{
    RIND_ASSERT(fault <= RIND_BEARER_FAULT_SCOPE);
    return fault_texts[fault];
}

bool rind_bearer_find(struct rind_slice header_value, struct rind_slice *token)
{
    static const char prefix[] = "bearer ";
    size_t length = sizeof(prefix) - 1;
    if (header_value.length <= length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        uint8_t c = header_value.data[i];
        uint8_t lower = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
        if (lower != (uint8_t)prefix[i]) {
            return false;
        }
    }
    *token = rind_slice_make(header_value.data + length, header_value.length - length);
    return true;
}

static bool version_is_plain(struct rind_slice kid, const struct rind_token_key_id *key_id)
{
    return kid.data[key_id->tenant.length + 1] != '+'; /* digits only, unlike protocol requests */
}

rind_status rind_bearer_read_key_id(struct rind_ctx *ctx, struct rind_slice token,
                                    struct rind_token_key_id *key_id)
{
    struct rind_token_parts parts;
    struct rind_token_header header;
    struct rind_token_key_id found;
    RIND_REQUIRE(ctx, token.length <= RIND_BEARER_SIZE_MAX, RIND_E_AUTH,
                 "the token has %zu bytes, more than %u", token.length, RIND_BEARER_SIZE_MAX);
    RIND_TRY(rind_token_split(ctx, token, &parts));
    RIND_TRY(rind_token_header_read(ctx, parts.header, &header));
    RIND_REQUIRE(ctx,
                 rind_token_key_id_parse(header.kid, &found) &&
                     version_is_plain(header.kid, &found) &&
                     found.tenant.length <= RIND_BEARER_TENANT_SIZE_MAX &&
                     rind_token_tenant_is_valid(found.tenant),
                 RIND_E_AUTH, "the JWT's kid is not <tenant>:<version>");
    *key_id = found;
    return RIND_OK;
}

/* --- rule 2: keys --- */

/* An object of texts (or nulls) is meant as a secret object; anything else is a raw key. */
static bool is_text_object(const json_t *json)
{
    const char *name;
    const json_t *value;
    if (!json_is_object(json)) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        if (!json_is_string(value) && !json_is_null(value)) {
            return false;
        }
    }
    return true;
}

/* What it holds is public, so as an HMAC key anybody could sign with it (05 section 17.1). */
static bool names_public_algorithm(const json_t *json)
{
    const char *algorithm = json_string_value(json_object_get(json, "algorithm"));
    return algorithm != NULL &&
           (strcmp(algorithm, "RsaPkcs1Sha256") == 0 || strcmp(algorithm, "Edwards25519") == 0);
}

static rind_status bearer_key_make(struct rind_ctx *ctx, enum rind_token_algorithm algorithm,
                                   struct rind_slice data, struct rind_token_key **key)
{
    RIND_REQUIRE(ctx, data.length > 0, RIND_E_INVALID, "the secret is empty");
    return rind_token_key_new_verifying(ctx, algorithm, data, key);
}

static rind_status bearer_key_of_contents(struct rind_ctx *ctx, const json_t *object,
                                          const struct rind_secret_contents *contents,
                                          struct rind_token_key **key)
{
    const char *encoding = json_string_value(json_object_get(object, "encoding"));
    struct rind_slice data = rind_slice_make(contents->data, contents->length);
    bool is_hex = encoding != NULL && strcmp(encoding, "Hex") == 0;
    switch (contents->algorithm) {
    case RIND_SECRET_HMAC_SHA256:
        return bearer_key_make(ctx, RIND_TOKEN_HS256, data, key);
    case RIND_SECRET_RSA_PKCS1_SHA256:
        RIND_REQUIRE(ctx, is_hex, RIND_E_INVALID, "an RSA key must be encoded as Hex");
        return bearer_key_make(ctx, RIND_TOKEN_RS256, data, key);
    case RIND_SECRET_EDWARDS25519:
        RIND_REQUIRE(ctx, is_hex, RIND_E_INVALID, "an Edwards25519 key must be encoded as Hex");
        return bearer_key_make(ctx, RIND_TOKEN_EDDSA, data, key);
    case RIND_SECRET_BLAKE2S_MAC256:
        break;
    }
    return rind_fail(ctx, RIND_E_INVALID, "unsupported JWT algorithm: Blake2sMac256");
}

static rind_status bearer_key_of_object(struct rind_ctx *ctx, const json_t *object,
                                        struct rind_token_key **key)
{
    struct rind_secret_contents contents;
    RIND_TRY(rind_secret_object_read(ctx, object, &contents));
    rind_status status = bearer_key_of_contents(ctx, object, &contents, key);
    rind_wipe(contents.data, contents.length);
    free(contents.data);
    return status;
}

rind_status rind_bearer_key_new(struct rind_ctx *ctx, struct rind_slice payload,
                                struct rind_token_key **key)
{
    json_error_t error;
    RIND_REQUIRE(ctx, payload.length <= RIND_SECRET_PAYLOAD_SIZE_MAX, RIND_E_INVALID,
                 "the secret has %zu bytes, more than %u", payload.length,
                 RIND_SECRET_PAYLOAD_SIZE_MAX);
    json_t *json = rind_secret_json_parse(payload, &error);
    rind_status status = is_text_object(json) || names_public_algorithm(json)
                             ? bearer_key_of_object(ctx, json, key)
                             : bearer_key_make(ctx, RIND_TOKEN_HS256, payload, key);
    rind_secret_json_free(json);
    return status;
}

/* --- rules 3 and 4 --- */

static rind_status refuse(struct rind_ctx *ctx, enum rind_bearer_fault *fault,
                          enum rind_bearer_fault reason)
{
    *fault = reason;
    return rind_fail(ctx, RIND_E_AUTH, "%s", rind_bearer_fault_text(reason));
}

/* Rule 3, with the same tolerance as everywhere. */
static rind_status bearer_check_times(struct rind_ctx *ctx, const struct rind_bearer_check *check,
                                      const struct rind_token_contents *claims)
{
    double now_s = (double)check->now_unix_ms / 1000;
    double tolerance_s = (double)RIND_TOKEN_TOLERANCE_MS / 1000;
    RIND_REQUIRE(ctx, !claims->exp.is_present || now_s < claims->exp.exact_unix_s + tolerance_s,
                 RIND_E_AUTH, "Token has expired");
    RIND_REQUIRE(ctx, !claims->nbf.is_present || now_s >= claims->nbf.exact_unix_s - tolerance_s,
                 RIND_E_AUTH, "Token not valid yet");
    RIND_REQUIRE(ctx, claims->exp.is_present || !check->must_expire, RIND_E_AUTH,
                 "the token never expires, and only tokens with exp are accepted here");
    return RIND_OK;
}

static rind_status bearer_check_scope(struct rind_ctx *ctx, enum rind_token_requirement requirement,
                                      struct rind_slice text, enum rind_token_scope *scope,
                                      enum rind_bearer_fault *fault)
{
    *scope = RIND_TOKEN_SCOPE_NONE;
    if (requirement == RIND_TOKEN_REQUIRE_USER_OR_MISSING) {
        bool is_accepted = text.length == 0 ||
                           (rind_token_scope_find(text, scope) && *scope == RIND_TOKEN_SCOPE_USER);
        return is_accepted ? RIND_OK : refuse(ctx, fault, RIND_BEARER_FAULT_SCOPE);
    }
    RIND_ASSERT(requirement == RIND_TOKEN_REQUIRE_AUDIT);
    if (text.length == 0) {
        return refuse(ctx, fault, RIND_BEARER_FAULT_SCOPE_MISSING);
    }
    bool is_audit = rind_token_scope_find(text, scope) && *scope == RIND_TOKEN_SCOPE_AUDIT;
    return is_audit ? RIND_OK : refuse(ctx, fault, RIND_BEARER_FAULT_SCOPE);
}

/* Rule 4. */
static rind_status bearer_judge(struct rind_ctx *ctx, const struct rind_bearer_check *check,
                                const struct rind_token_contents *contents,
                                struct rind_token_claims *claims, enum rind_bearer_fault *fault)
{
    if (contents->audience_count != 1 || !contents->has_expected_audience) {
        return refuse(ctx, fault, RIND_BEARER_FAULT_AUDIENCE);
    }
    if (contents->sub.length == 0) {
        return refuse(ctx, fault, RIND_BEARER_FAULT_SUBJECT);
    }
    if (contents->iss.length == 0) {
        return refuse(ctx, fault, RIND_BEARER_FAULT_ISSUER);
    }
    if (!rind_slice_equal(contents->iss, check->key_id.tenant)) {
        return refuse(ctx, fault, RIND_BEARER_FAULT_SIGNER);
    }
    enum rind_token_scope scope;
    RIND_TRY(bearer_check_scope(ctx, check->requirement, contents->scope, &scope, fault));
    *claims = (struct rind_token_claims){.issuer = contents->iss,
                                         .subject = contents->sub,
                                         .audience = check->realm,
                                         .scope = scope};
    *fault = RIND_BEARER_FAULT_NONE;
    return RIND_OK;
}

rind_status rind_bearer_validate(struct rind_ctx *ctx, struct rind_slice token,
                                 const struct rind_bearer_check *check,
                                 struct rind_token_claims *claims, enum rind_bearer_fault *fault)
{
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    struct rind_token_parts parts;
    struct rind_token_header header;
    struct rind_slice json;
    struct rind_token_contents contents;

    *fault = RIND_BEARER_FAULT_INVALID;
    RIND_TRY(rind_token_split(ctx, token, &parts));
    RIND_TRY(rind_token_header_read(ctx, parts.header, &header));
    RIND_TRY(rind_token_authenticate(ctx, &parts, &header, check->key));
    RIND_REQUIRE(ctx, rind_base64url_decode(ctx, parts.claims, &json), RIND_E_AUTH,
                 "JWT base64 error");
    rind_hex_encode(rind_realm_id_slice(&check->realm), realm);
    RIND_TRY(rind_token_claims_decode(ctx, json, rind_slice_text(realm), &contents));
    RIND_TRY(bearer_check_times(ctx, check, &contents));
    return bearer_judge(ctx, check, &contents, claims, fault);
}
