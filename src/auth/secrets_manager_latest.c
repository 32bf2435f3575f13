/* secrets_manager_latest.c - one secret instead of all of them; see secrets_manager.h. */
#include <stdio.h>

#include "auth/secrets_manager.h"

/* The resource of the greatest version; NULL if none has a number. */
static const char *latest_find(const struct rind_secret_resource *versions, size_t count,
                               uint64_t *latest)
{
    const char *resource = NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t version;
        if (rind_secret_manager_version_of(versions[i].name, &version) &&
            (resource == NULL || version > *latest)) {
            resource = versions[i].name;
            *latest = version;
        }
    }
    return resource;
}

static rind_status latest_make_map(struct rind_ctx *ctx, const char *name, uint64_t version,
                                   struct rind_slice payload, struct rind_secret_map **result)
{
    struct rind_secret_map *map = rind_secret_map_new();
    RIND_REQUIRE(ctx, map != NULL, RIND_E_LIMIT, "out of memory for a secret");
    rind_status status =
        rind_secret_map_add_or_raw(map, ctx, rind_slice_text(name), version, payload);
    if (rind_is_ok(status)) {
        status = rind_secret_map_seal(map, ctx);
    }
    if (!rind_is_ok(status)) {
        rind_secret_map_free(map);
        return rind_fail_while(ctx, status, "in version %llu of secret %s",
                               (unsigned long long)version, name);
    }
    *result = map;
    return RIND_OK;
}

static rind_status latest_load(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                               const char *name, struct rind_deadline deadline,
                               struct rind_secret_map **map)
{
    const char *project = rind_secret_manager_project(manager);
    char resource[RIND_SECRET_MANAGER_NAME_SIZE];
    struct rind_secret_resource *versions;
    size_t count = 0;
    uint64_t version = 0;
    int length = snprintf(resource, sizeof(resource), "%s/secrets/%s", project, name);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(resource), RIND_E_INVALID,
                 "the secret's name %.80s is too long", name);
    rind_status listed =
        rind_secret_manager_list_versions(ctx, manager, resource, deadline, &versions, &count);
    if (rind_is(listed, RIND_E_NOT_FOUND)) {
        return rind_fail(ctx, RIND_E_NOT_FOUND,
                         "Secret Manager has no secret %s in %s; make it as docs/google-cloud.md "
                         "says, or name another project",
                         name, project);
    }
    RIND_TRY(listed);
    const char *latest = latest_find(versions, count, &version);
    RIND_REQUIRE(ctx, latest != NULL, RIND_E_NOT_FOUND,
                 "secret %s in %s has no version that is enabled; add one (gcloud secrets versions "
                 "add) or enable an old one",
                 name, project);
    struct rind_slice payload;
    RIND_TRY(rind_secret_manager_access(ctx, manager, latest, deadline, &payload));
    return latest_make_map(ctx, name, version, payload, map);
}

rind_status rind_secrets_manager_load_latest(struct rind_ctx *ctx,
                                             const struct rind_secret_manager_options *options,
                                             const char *name, struct rind_deadline deadline,
                                             struct rind_secret_map **map)
{
    struct rind_secret_manager *manager;
    RIND_TRY(rind_secret_manager_open(ctx, options, &manager));
    rind_status status = latest_load(ctx, manager, name, deadline, map);
    rind_secret_manager_close(manager);
    return status;
}
