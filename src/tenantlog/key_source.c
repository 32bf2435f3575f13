/* key_source.c - see key_source.h. */
#include "tenantlog/key_source.h"

#include <stdlib.h>

#define KEY_SOURCE_MANAGER_KEEP_MS 60000u /* section 17.4: a disabled key ends within a minute */
#define KEY_SOURCE_FILE_KEEP_MS 1000u     /* the file itself is looked at every five seconds */

/* --- Secret Manager --- */

static rind_status manager_fetch(void *self, struct rind_ctx *ctx,
                                 const struct rind_token_key_id *key_id,
                                 struct rind_deadline deadline, struct rind_token_key **key)
{
    struct rind_secret_manager *manager = self;
    char name[RIND_SECRET_MANAGER_NAME_SIZE];
    int length = snprintf(name, sizeof(name), "%s/secrets/%s%.*s/versions/%llu",
                          rind_secret_manager_project(manager), RIND_SECRET_TENANT_PREFIX,
                          (int)key_id->tenant.length, (const char *)key_id->tenant.data,
                          (unsigned long long)key_id->version);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(name), RIND_E_NOT_FOUND,
                 "a tenant's name of %zu bytes is no secret's", key_id->tenant.length);
    struct rind_slice payload;
    RIND_TRY(rind_secret_manager_access(ctx, manager, name, deadline, &payload));
    rind_status status = rind_bearer_key_new(ctx, payload, key);
    return rind_is(status, RIND_E_INVALID)
               ? rind_fail_while(ctx, status, "%s is no key for tokens", name)
               : status;
}

static void manager_cancel(void *self)
{
    rind_secret_manager_cancel(self);
}

static void manager_close(void *self)
{
    rind_secret_manager_close(self);
}

rind_status rind_key_source_secret_manager(struct rind_ctx *ctx,
                                           const struct rind_secret_manager_options *options,
                                           struct rind_key_source *source)
{
    struct rind_secret_manager *manager;
    RIND_TRY(rind_secret_manager_open(ctx, options, &manager));
    *source = (struct rind_key_source){.self = manager,
                                       .fetch = manager_fetch,
                                       .keep_ms = KEY_SOURCE_MANAGER_KEEP_MS,
                                       .cancel = manager_cancel,
                                       .close = manager_close};
    return RIND_OK;
}

/* --- a file --- */

static enum rind_token_algorithm file_algorithm(enum rind_secret_algorithm algorithm)
{
    switch (algorithm) {
    case RIND_SECRET_RSA_PKCS1_SHA256:
        return RIND_TOKEN_RS256;
    case RIND_SECRET_EDWARDS25519:
        return RIND_TOKEN_EDDSA;
    case RIND_SECRET_HMAC_SHA256:
    case RIND_SECRET_BLAKE2S_MAC256: /* has no token key, see below */
        break;
    }
    return RIND_TOKEN_HS256;
}

static rind_status file_find(struct rind_ctx *ctx, const struct rind_secret_map *map,
                             const struct rind_token_key_id *key_id, struct rind_token_key **key)
{
    char name[RIND_SECRET_NAME_SIZE_MAX];
    int length = snprintf(name, sizeof(name), "%s%.*s", RIND_SECRET_TENANT_PREFIX,
                          (int)key_id->tenant.length, (const char *)key_id->tenant.data);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(name), RIND_E_NOT_FOUND,
                 "a tenant's name of %zu bytes is no secret's", key_id->tenant.length);
    const struct rind_secret *secret =
        rind_secret_map_find(map, rind_slice_text(name), key_id->version);
    RIND_REQUIRE(ctx, secret != NULL, RIND_E_NOT_FOUND,
                 "the secrets file has no %s of version %llu", name,
                 (unsigned long long)key_id->version);
    RIND_REQUIRE(ctx, secret->token_key != NULL, RIND_E_INVALID,
                 "%s of version %llu in the secrets file is no key for tokens", name,
                 (unsigned long long)key_id->version);
    return rind_token_key_new_verifying(ctx, file_algorithm(secret->algorithm), secret->data, key);
}

static rind_status file_fetch(void *self, struct rind_ctx *ctx,
                              const struct rind_token_key_id *key_id, struct rind_deadline deadline,
                              struct rind_token_key **key)
{
    struct rind_secrets *secrets = self;
    (void)deadline; /* nothing waits */
    struct rind_published_ref map = rind_secrets_acquire(secrets);
    rind_status status = file_find(ctx, map.value, key_id, key);
    rind_secrets_release(secrets, map);
    return status;
}

static void file_close(void *self)
{
    rind_secrets_close(self);
}

rind_status rind_key_source_file(struct rind_ctx *ctx, const char *path, const struct rind_log *log,
                                 struct rind_key_source *source)
{
    struct rind_secrets_source file;
    struct rind_secrets *secrets;
    RIND_TRY(rind_secrets_file_source(ctx, path, &file));
    RIND_TRY(rind_secrets_open(ctx, file, log, &secrets));
    *source = (struct rind_key_source){.self = secrets,
                                       .fetch = file_fetch,
                                       .keep_ms = KEY_SOURCE_FILE_KEEP_MS,
                                       .close = file_close};
    return RIND_OK;
}
