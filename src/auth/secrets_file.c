/*
 * secrets_file.c - secrets from a JSON file.
 *
 * Spec: docs/spec/05-cloud-services.md section 3.4. The file is operators' text: every mistake gets
 * a sentence with its path. It is read whole on each load and compared by hash with the last one
 * that was good, so that an idle daemon parses nothing.
 */
#include "auth/secrets.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "auth/secret_json.h"
#include "host/arena_pool.h"
#include "host/file.h"

#define SECRETS_FILE_HASH_SIZE crypto_hash_sha256_BYTES
/* Beyond the text itself; and what stays mapped between loads. */
#define SECRETS_FILE_SPARE_SIZE 4096u
#define SECRETS_FILE_KEPT_SIZE 65536u

struct secrets_file {
    char *path;
    struct rind_arena *arena; /* holds the text during a load; wiped after it */
    bool has_loaded;
    uint8_t hash[SECRETS_FILE_HASH_SIZE]; /* of the last content that loaded */
};

static rind_status secrets_file_fail(struct rind_ctx *ctx, const struct secrets_file *file,
                                     enum rind_code code, const char *cause)
{
    return rind_fail(ctx, code, "failed to read secrets from \"%s\": %s", file->path, cause);
}

static bool decimal_version(const char *text, uint64_t *version)
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

static rind_status secrets_file_add_name(struct rind_ctx *ctx, const struct secrets_file *file,
                                         struct rind_secret_map *map, const char *name,
                                         json_t *versions)
{
    const char *version_text;
    json_t *object;
    if (!json_is_object(versions)) {
        return rind_fail(
            ctx, RIND_E_INVALID,
            "failed to read secrets from \"%s\": %.400s is not a map of versions; is it "
            "a secrets file?",
            file->path, name);
    }
    json_object_foreach(versions, version_text, object)
    {
        uint64_t version;
        if (!decimal_version(version_text, &version)) {
            return secrets_file_fail(ctx, file, RIND_E_INVALID, "a version is not a number");
        }
        rind_status status =
            rind_secret_map_add_object(map, ctx, rind_slice_text(name), version, object);
        if (!rind_is_ok(status) && strcmp(ctx->sentence, "InvalidDataForEncoding") == 0) {
            return rind_fail(ctx, RIND_E_INVALID,
                             "failed to parse json secret: InvalidDataForEncoding; the data of "
                             "%.400s, version %llu, is not what its encoding says",
                             name, (unsigned long long)version);
        }
        if (!rind_is_ok(status)) {
            return rind_fail_while(ctx, status, "failed to read secrets from \"%s\": %s %llu",
                                   file->path, name, (unsigned long long)version);
        }
    }
    return RIND_OK;
}

static rind_status secrets_file_fill(struct rind_ctx *ctx, const struct secrets_file *file,
                                     json_t *root, struct rind_secret_map *map)
{
    const char *name;
    json_t *versions;
    if (!json_is_object(root)) {
        return secrets_file_fail(ctx, file, RIND_E_INVALID, "it is not one JSON object");
    }
    json_object_foreach(root, name, versions)
    {
        RIND_TRY(secrets_file_add_name(ctx, file, map, name, versions));
    }
    rind_status status = rind_secret_map_seal(map, ctx);
    return rind_is_ok(status)
               ? status
               : rind_fail_while(ctx, status, "failed to read secrets from \"%s\"", file->path);
}

static rind_status secrets_file_parse(struct rind_ctx *ctx, const struct secrets_file *file,
                                      struct rind_slice text, struct rind_secret_map **result)
{
    json_error_t error;
    json_t *root = rind_secret_json_parse(text, &error);
    if (root == NULL) {
        return rind_fail(ctx, RIND_E_INVALID,
                         "failed to read secrets from \"%s\": not JSON at line %d column %d",
                         file->path, error.line, error.column);
    }
    struct rind_secret_map *map = rind_secret_map_new();
    rind_status status = map != NULL ? secrets_file_fill(ctx, file, root, map)
                                     : secrets_file_fail(ctx, file, RIND_E_LIMIT, "out of memory");
    rind_secret_json_free(root);
    if (!rind_is_ok(status)) {
        rind_secret_map_free(map);
        return status;
    }
    *result = map;
    return RIND_OK;
}

static rind_status secrets_file_load_text(struct rind_ctx *ctx, struct secrets_file *file,
                                          struct rind_slice text, struct rind_secret_map **map)
{
    uint8_t hash[SECRETS_FILE_HASH_SIZE];
    crypto_hash_sha256(hash, text.data, text.length);
    *map = NULL;
    if (file->has_loaded && memcmp(hash, file->hash, sizeof(file->hash)) == 0) {
        return RIND_OK;
    }
    RIND_TRY(secrets_file_parse(ctx, file, text, map));
    memcpy(file->hash, hash, sizeof(file->hash));
    file->has_loaded = true;
    return RIND_OK;
}

static rind_status secrets_file_load(void *self, struct rind_ctx *ctx, struct rind_secret_map **map)
{
    struct secrets_file *file = self;
    struct rind_ctx file_ctx;
    struct rind_slice text;
    rind_ctx_init(&file_ctx, file->arena);
    rind_status status = rind_file_read(&file_ctx, file->path, RIND_SECRETS_FILE_SIZE_MAX, &text);
    if (!rind_is_ok(status)) {
        status = secrets_file_fail(ctx, file, (enum rind_code)status.code, file_ctx.sentence);
    } else {
        status = secrets_file_load_text(ctx, file, text, map);
    }
    rind_arena_map_reset(file->arena, SECRETS_FILE_KEPT_SIZE);
    return status;
}

static void secrets_file_close(void *self)
{
    struct secrets_file *file = self;
    rind_arena_unmap(file->arena);
    free(file->path);
    free(file);
}

rind_status rind_secrets_file_source(struct rind_ctx *ctx, const char *path,
                                     struct rind_secrets_source *source)
{
    struct secrets_file *file = calloc(1, sizeof(*file));
    char *copy = strdup(path);
    if (file == NULL || copy == NULL) {
        free(file);
        free(copy);
        return rind_fail(ctx, RIND_E_LIMIT, "out of memory for a secrets source");
    }
    file->path = copy;
    rind_status status =
        rind_arena_map(ctx, RIND_SECRETS_FILE_SIZE_MAX + SECRETS_FILE_SPARE_SIZE, &file->arena);
    if (!rind_is_ok(status)) {
        secrets_file_close(file);
        return status;
    }
    *source = (struct rind_secrets_source){.self = file,
                                           .load = secrets_file_load,
                                           .close = secrets_file_close,
                                           .interval_ms = RIND_SECRETS_FILE_INTERVAL_MS};
    return RIND_OK;
}
