/*
 * secret_json.c - see secret_json.h. Spec: docs/spec/05-cloud-services.md section 3.2.
 *
 * Operators write it, so mistakes must be found and named; what it says is secret, so it is wiped.
 */
#include "auth/secret_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/wipe.h"

/* Objects nest this deep in a secrets file; wiping goes no deeper (nothing secret is there). */
#define SECRET_JSON_DEPTH_MAX 3u

static const struct {
    const char *name;
    enum rind_secret_algorithm algorithm;
} algorithms[] = {
    {"HmacSha256", RIND_SECRET_HMAC_SHA256},
    {"RsaPkcs1Sha256", RIND_SECRET_RSA_PKCS1_SHA256},
    {"Blake2sMac256", RIND_SECRET_BLAKE2S_MAC256},
    {"Edwards25519", RIND_SECRET_EDWARDS25519},
};

static struct rind_slice text_of(const json_t *value)
{
    return rind_slice_make(json_string_value(value), json_string_length(value));
}

static bool algorithm_find(struct rind_slice name, enum rind_secret_algorithm *algorithm)
{
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (rind_slice_is_text(name, algorithms[i].name)) {
            *algorithm = algorithms[i].algorithm;
            return true;
        }
    }
    return false;
}

rind_status rind_secret_object_read(struct rind_ctx *ctx, const json_t *object,
                                    struct rind_secret_contents *contents)
{
    const json_t *data = json_object_get(object, "data");
    const json_t *encoding = json_object_get(object, "encoding");
    const json_t *algorithm = json_object_get(object, "algorithm");
    enum rind_secret_algorithm kind = RIND_SECRET_HMAC_SHA256;
    RIND_REQUIRE(ctx,
                 json_is_string(data) && json_is_string(encoding) && json_is_string(algorithm) &&
                     algorithm_find(text_of(algorithm), &kind),
                 RIND_E_INVALID, "InvalidJSON");
    bool is_hex = rind_slice_is_text(text_of(encoding), "Hex");
    RIND_REQUIRE(ctx, is_hex || rind_slice_is_text(text_of(encoding), "UTF8"), RIND_E_INVALID,
                 "InvalidJSON");
    struct rind_slice text = text_of(data);
    uint8_t *bytes = malloc(text.length + 1);
    RIND_REQUIRE(ctx, bytes != NULL, RIND_E_LIMIT, "out of memory for a secret");
    size_t length = is_hex ? text.length / 2 : text.length;
    if (is_hex && !rind_hex_decode(text, bytes, length)) {
        free(bytes);
        return rind_fail(ctx, RIND_E_INVALID, "InvalidDataForEncoding");
    }
    if (!is_hex && length > 0) {
        memcpy(bytes, text.data, length);
    }
    contents->algorithm = kind;
    contents->data = bytes;
    contents->length = length;
    return RIND_OK;
}

json_t *rind_secret_json_parse(struct rind_slice text, json_error_t *error)
{
    return json_loadb((const char *)text.data, text.length,
                      JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, error);
}

static void texts_wipe(json_t *json, unsigned depth)
{
    const char *key;
    json_t *value;
    if (json_is_string(json)) {
        /* jansson gives no writable view of what it owns; this memory is about to be freed. */
        rind_wipe((void *)(uintptr_t)json_string_value(json), json_string_length(json));
    } else if (json_is_object(json) && depth < SECRET_JSON_DEPTH_MAX) {
        json_object_foreach(json, key, value)
        {
            texts_wipe(value, depth + 1);
        }
    }
}

void rind_secret_json_free(json_t *json)
{
    texts_wipe(json, 0);
    json_decref(json);
}
