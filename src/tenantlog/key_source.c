/* key_source.c - see key_source.h. */
#include "tenantlog/key_source.h"

#include <stdlib.h>

#define KEY_SOURCE_MANAGER_KEEP_MS 60000u /* section 17.4: a disabled key ends within a minute */
#define KEY_SOURCE_SECRETS_KEEP_MS 1000u  /* a file is looked at every five seconds */

struct key_source {
    const char *prefix;                  /* of the secrets' names */
    struct rind_secret_manager *manager; /* one of the two, owned */
    struct rind_secrets *secrets;
};

/* Takes over manager or secrets, even if it fails. */
static struct key_source *key_source_new(const char *prefix, struct rind_secret_manager *manager,
                                         struct rind_secrets *secrets)
{
    struct key_source *source = malloc(sizeof(*source));
    if (source == NULL) {
        rind_secret_manager_close(manager);
        rind_secrets_close(secrets);
        return NULL;
    }
    *source = (struct key_source){prefix, manager, secrets};
    return source;
}

static void key_source_close(void *self)
{
    struct key_source *source = self;
    rind_secret_manager_close(source->manager);
    rind_secrets_close(source->secrets);
    free(source);
}

/* --- Secret Manager --- */

static rind_status manager_fetch(void *self, struct rind_ctx *ctx,
                                 const struct rind_token_key_id *key_id,
                                 struct rind_deadline deadline, struct rind_token_key **key)
{
    const struct key_source *source = self;
    char name[RIND_SECRET_MANAGER_NAME_SIZE];
    int length = snprintf(name, sizeof(name), "%s/secrets/%s%.*s/versions/%llu",
                          rind_secret_manager_project(source->manager), source->prefix,
                          (int)key_id->tenant.length, (const char *)key_id->tenant.data,
                          (unsigned long long)key_id->version);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(name), RIND_E_NOT_FOUND,
                 "a tenant's name of %zu bytes is no secret's", key_id->tenant.length);
    struct rind_slice payload;
    RIND_TRY(rind_secret_manager_access(ctx, source->manager, name, deadline, &payload));
    rind_status status = rind_bearer_key_new(ctx, payload, key);
    return rind_is(status, RIND_E_INVALID)
               ? rind_fail_while(ctx, status, "%s is no key for tokens", name)
               : status;
}

static void manager_cancel(void *self)
{
    const struct key_source *source = self;
    rind_secret_manager_cancel(source->manager);
}

rind_status rind_key_source_secret_manager(struct rind_ctx *ctx,
                                           const struct rind_secret_manager_options *options,
                                           const char *prefix, struct rind_key_source *source)
{
    struct rind_secret_manager *manager;
    RIND_TRY(rind_secret_manager_open(ctx, options, &manager));
    struct key_source *made = key_source_new(prefix, manager, NULL);
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory for tenants' keys");
    *source = (struct rind_key_source){.self = made,
                                       .fetch = manager_fetch,
                                       .keep_ms = KEY_SOURCE_MANAGER_KEEP_MS,
                                       .cancel = manager_cancel,
                                       .close = key_source_close};
    return RIND_OK;
}

/* --- secrets in memory --- */

static enum rind_token_algorithm secrets_algorithm(enum rind_secret_algorithm algorithm)
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

static rind_status secrets_find(struct rind_ctx *ctx, const struct rind_secret_map *map,
                                const char *prefix, const struct rind_token_key_id *key_id,
                                struct rind_token_key **key)
{
    char name[RIND_SECRET_NAME_SIZE_MAX];
    int length = snprintf(name, sizeof(name), "%s%.*s", prefix, (int)key_id->tenant.length,
                          (const char *)key_id->tenant.data);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(name), RIND_E_NOT_FOUND,
                 "a tenant's name of %zu bytes is no secret's", key_id->tenant.length);
    const struct rind_secret *secret =
        rind_secret_map_find(map, rind_slice_text(name), key_id->version);
    RIND_REQUIRE(ctx, secret != NULL, RIND_E_NOT_FOUND, "there is no secret %s of version %llu",
                 name, (unsigned long long)key_id->version);
    RIND_REQUIRE(ctx, secret->token_key != NULL, RIND_E_INVALID,
                 "secret %s of version %llu is no key for tokens", name,
                 (unsigned long long)key_id->version);
    return rind_token_key_new_verifying(ctx, secrets_algorithm(secret->algorithm), secret->data,
                                        key);
}

static rind_status secrets_fetch(void *self, struct rind_ctx *ctx,
                                 const struct rind_token_key_id *key_id,
                                 struct rind_deadline deadline, struct rind_token_key **key)
{
    const struct key_source *source = self;
    (void)deadline; /* nothing waits */
    struct rind_published_ref map = rind_secrets_acquire(source->secrets);
    rind_status status = secrets_find(ctx, map.value, source->prefix, key_id, key);
    rind_secrets_release(source->secrets, map);
    return status;
}

rind_status rind_key_source_secrets(struct rind_ctx *ctx, struct rind_secrets_source secrets_source,
                                    const char *prefix, const struct rind_log *log,
                                    struct rind_key_source *source)
{
    struct rind_secrets *secrets;
    RIND_TRY(rind_secrets_open(ctx, secrets_source, log, &secrets));
    struct key_source *made = key_source_new(prefix, NULL, secrets);
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory for tenants' keys");
    *source = (struct rind_key_source){.self = made,
                                       .fetch = secrets_fetch,
                                       .keep_ms = KEY_SOURCE_SECRETS_KEEP_MS,
                                       .is_at_hand = true,
                                       .close = key_source_close};
    return RIND_OK;
}
