/* secrets_text.c - see secrets_text.h. */
#include "software/secrets_text.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "auth/auth.h"

#define NAME_SIZE (sizeof(RIND_SECRET_SOFTWARE_PREFIX) + RIND_BEARER_TENANT_SIZE_MAX)

static bool text_version_parse(const char *text, uint64_t *version)
{
    uint64_t value = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || value > (UINT64_MAX - (uint64_t)(*c - '0')) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(*c - '0');
    }
    *version = value;
    return *text != '\0';
}

/* A value that is a JSON object is meant as a secret object; one with a mistake is no raw key. */
static bool text_is_object(struct rind_slice payload)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)payload.data, payload.length, JSON_ALLOW_NUL, &error);
    bool is_object = json_is_object(json);
    json_decref(json);
    return is_object;
}

static rind_status text_add(struct rind_ctx *ctx, struct rind_secret_map *map, const char *tenant,
                            const char *version_text, const json_t *value)
{
    char name[NAME_SIZE];
    uint64_t version;
    RIND_REQUIRE(ctx, text_version_parse(version_text, &version) && json_is_string(value),
                 RIND_E_INVALID,
                 "the secrets of tenant %.40s are not a map of version numbers to texts", tenant);
    (void)snprintf(name, sizeof(name), RIND_SECRET_SOFTWARE_PREFIX "%s", tenant);
    struct rind_slice payload =
        rind_slice_make(json_string_value(value), json_string_length(value));
    rind_status status =
        text_is_object(payload)
            ? rind_secret_map_add(map, ctx, rind_slice_text(name), version, payload)
            : rind_secret_map_add_or_raw(map, ctx, rind_slice_text(name), version, payload);
    return rind_is_ok(status) ? status
                              : rind_fail_while(ctx, status, "in version %s of tenant %.40s",
                                                version_text, tenant);
}

static rind_status text_fill(struct rind_ctx *ctx, json_t *root, struct rind_secret_map *map)
{
    const char *tenant;
    json_t *versions;
    RIND_REQUIRE(ctx, json_is_object(root), RIND_E_INVALID, "the secrets are not a JSON object");
    json_object_foreach(root, tenant, versions)
    {
        const char *version;
        json_t *value;
        RIND_REQUIRE(ctx, strlen(tenant) <= RIND_BEARER_TENANT_SIZE_MAX && json_is_object(versions),
                     RIND_E_INVALID,
                     "the secrets of tenant %.40s are not a map of version numbers to texts",
                     tenant);
        json_object_foreach(versions, version, value)
        {
            RIND_TRY(text_add(ctx, map, tenant, version, value));
        }
    }
    return rind_secret_map_seal(map, ctx);
}

rind_status rind_software_secrets_parse(struct rind_ctx *ctx, struct rind_slice text,
                                        struct rind_secret_map **result)
{
    json_error_t error;
    RIND_REQUIRE(ctx, text.length <= RIND_SOFTWARE_SECRETS_TEXT_SIZE_MAX, RIND_E_LIMIT,
                 "the secrets have more than %u bytes", RIND_SOFTWARE_SECRETS_TEXT_SIZE_MAX);
    json_t *root = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &error);
    struct rind_secret_map *map = rind_secret_map_new();
    rind_status status = root == NULL  ? rind_fail(ctx, RIND_E_INVALID, "the secrets are not JSON")
                         : map == NULL ? rind_fail(ctx, RIND_E_LIMIT, "out of memory for secrets")
                                       : text_fill(ctx, root, map);
    json_decref(root);
    if (!rind_is_ok(status)) {
        rind_secret_map_free(map);
        return status;
    }
    *result = map;
    return RIND_OK;
}

/* ---- the source ---- */

static rind_status text_load(void *self, struct rind_ctx *ctx, struct rind_secret_map **map)
{
    const char *text = self;
    return rind_software_secrets_parse(ctx, rind_slice_text(text), map);
}

static void text_close(void *self)
{
    (void)self; /* the text is the caller's */
}

rind_status rind_software_secrets_text(struct rind_ctx *ctx, const char *text,
                                       struct rind_secrets_source *source)
{
    RIND_REQUIRE(ctx, text != NULL, RIND_E_INVALID, "there are no secrets");
    *source = (struct rind_secrets_source){
        .self = (void *)(uintptr_t)text, .load = text_load, .close = text_close, .interval_ms = 0};
    return RIND_OK;
}
