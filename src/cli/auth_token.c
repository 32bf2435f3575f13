/* auth_token.c - `rind auth-token` (spec 08 section 14). */
#include "cli/auth_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/ids.h"

/* For all that is asked of Secret Manager: somebody waits at a terminal. */
#define SECRET_TIMEOUT_MS 30000u

static const char *const scopes[] = {"user", "audit", NULL};

/* Signing keys are read here and nowhere else: servers only verify. */
static rind_status make_signing_key(struct rind_ctx *ctx, const struct rind_secret *secret,
                                    struct rind_token_key **key)
{
    switch (secret->algorithm) {
    case RIND_SECRET_HMAC_SHA256:
        return rind_token_key_new_signing(ctx, RIND_TOKEN_HS256, secret->data, key);
    case RIND_SECRET_RSA_PKCS1_SHA256:
        return rind_token_key_new_signing(ctx, RIND_TOKEN_RS256, secret->data, key);
    case RIND_SECRET_EDWARDS25519:
        return rind_token_key_new_signing(ctx, RIND_TOKEN_EDDSA, secret->data, key);
    case RIND_SECRET_BLAKE2S_MAC256:
        break;
    }
    return rind_fail(ctx, RIND_E_INVALID,
                     "unsupported JWT algorithm: the tenant's secret is no "
                     "token key");
}

struct rind_token_maker {
    struct rind_slice tenant; /* borrowed */
    uint64_t key_version;
    struct rind_token_key *key;
};

/* Takes over `key`. */
static rind_status token_maker_new(struct rind_ctx *ctx, struct rind_slice tenant,
                                   uint64_t key_version, struct rind_token_key *key,
                                   struct rind_token_maker **maker)
{
    *maker = calloc(1, sizeof(**maker));
    if (*maker == NULL) {
        rind_token_key_free(key);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for a key");
    }
    **maker = (struct rind_token_maker){.tenant = tenant, .key_version = key_version, .key = key};
    return RIND_OK;
}

static rind_status token_maker_from(struct rind_ctx *ctx, const struct rind_secret_map *map,
                                    const char *name, struct rind_slice tenant,
                                    struct rind_token_maker **maker)
{
    const struct rind_secret *secret = rind_secret_map_find_latest(map, rind_slice_text(name));
    RIND_REQUIRE(ctx, secret != NULL, RIND_E_NOT_FOUND,
                 "tenant has no secrets: the secrets file lacks %s", name);
    struct rind_token_key *key = NULL;
    rind_status status = make_signing_key(ctx, secret, &key);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "signing with version %" PRIu64 " of %s",
                               secret->version, name);
    }
    return token_maker_new(ctx, tenant, secret->version, key, maker);
}

static rind_status load_file(struct rind_ctx *ctx, const char *path, struct rind_secret_map **map)
{
    struct rind_secrets_source source;
    RIND_TRY(rind_secrets_file_source(ctx, path, &source));
    rind_status status = source.load(source.self, ctx, map);
    source.close(source.self);
    return status;
}

/* The tenant's secret is called by its prefix and name. */
static rind_status token_maker_open(struct rind_ctx *ctx, const struct rind_cli_keys *keys,
                                    const char *prefix, struct rind_slice tenant,
                                    struct rind_token_maker **maker)
{
    static const char test[] = "test-";
    char name[RIND_SECRET_NAME_SIZE_MAX];
    RIND_REQUIRE(
        ctx, tenant.length >= sizeof(test) - 1 && memcmp(tenant.data, test, sizeof(test) - 1) == 0,
        RIND_E_DENIED, "tenant must start with 'test-'");
    int length = snprintf(name, sizeof(name), "%s%.*s", prefix, (int)tenant.length,
                          (const char *)tenant.data);
    /* It becomes a part of a resource's name, so nothing else may get into it. */
    RIND_REQUIRE(ctx,
                 length > 0 && (size_t)length < sizeof(name) && rind_token_tenant_is_valid(tenant),
                 RIND_E_INVALID, "the tenant's name must be test- and letters and digits");
    struct rind_secret_map *map = NULL;
    RIND_TRY(keys->secrets_file != NULL
                 ? load_file(ctx, keys->secrets_file, &map)
                 : rind_secrets_manager_load_latest(ctx, keys->manager, name,
                                                    rind_deadline_in_ms(SECRET_TIMEOUT_MS), &map));
    rind_status status = token_maker_from(ctx, map, name, tenant, maker);
    rind_secret_map_free(map);
    return status;
}

rind_status rind_token_maker_open(struct rind_ctx *ctx, const char *path, struct rind_slice tenant,
                                  struct rind_token_maker **maker)
{
    const struct rind_cli_keys keys = {.secrets_file = path};
    return token_maker_open(ctx, &keys, RIND_SECRET_TENANT_PREFIX, tenant, maker);
}

rind_status rind_token_maker_open_software(struct rind_ctx *ctx, const char *path,
                                           struct rind_slice tenant,
                                           struct rind_token_maker **maker)
{
    const struct rind_cli_keys keys = {.secrets_file = path};
    return token_maker_open(ctx, &keys, RIND_SECRET_SOFTWARE_PREFIX, tenant, maker);
}

rind_status rind_token_maker_open_invalid(struct rind_ctx *ctx, struct rind_slice tenant,
                                          struct rind_token_maker **maker)
{
    struct rind_token_key *key = NULL;
    RIND_TRY(rind_token_key_new_signing(ctx, RIND_TOKEN_HS256, rind_slice_text("invalid"), &key));
    return token_maker_new(ctx, tenant, 1, key, maker);
}

void rind_token_maker_close(struct rind_token_maker *maker)
{
    if (maker != NULL) {
        rind_token_key_free(maker->key);
        free(maker);
    }
}

rind_status rind_token_maker_grant(struct rind_ctx *ctx, const struct rind_token_maker *maker,
                                   const struct rind_token_grant *grant, struct rind_slice *token)
{
    struct rind_token_grant complete = *grant;
    complete.tenant = maker->tenant;
    complete.key_version = maker->key_version;
    struct rind_slice made;
    RIND_TRY(rind_token_create(ctx, &complete, maker->key, rind_clock_unix_ms(), &made));
    uint8_t *copy = rind_ctx_alloc(ctx, made.length + 1);
    RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "no memory for the token");
    memcpy(copy, made.data, made.length);
    *token = rind_slice_make(copy, made.length);
    return RIND_OK;
}

rind_status rind_token_maker_make(struct rind_ctx *ctx, const struct rind_token_maker *maker,
                                  const struct rind_realm_id *realm, struct rind_slice user,
                                  struct rind_slice *token)
{
    const struct rind_token_grant grant = {
        .user = user, .realm = *realm, .scope = RIND_TOKEN_SCOPE_USER};
    return rind_token_maker_grant(ctx, maker, &grant, token);
}

rind_status rind_cli_make_token(struct rind_ctx *ctx, const struct rind_cli_keys *keys,
                                const char *prefix, const struct rind_token_grant *grant,
                                struct rind_slice *token)
{
    struct rind_token_maker *maker;
    RIND_TRY(token_maker_open(ctx, keys, prefix, grant->tenant, &maker));
    rind_status status = rind_token_maker_grant(ctx, maker, grant, token);
    rind_token_maker_close(maker);
    return status;
}

struct auth_token_options {
    const char *store;
    const char *secrets_file;
    const char *tenant;
    const char *user;
    const char *realm;
    const char *scope;
    bool is_software;
    struct rind_secret_manager_flags manager;
};

/* A full id needs no realm to be running; a prefix is looked up among those that are. */
static rind_status auth_token_find_realm(struct rind_cli *cli,
                                         const struct auth_token_options *options,
                                         struct rind_realm_id *realm)
{
    if (rind_realm_id_parse(rind_slice_text(options->realm), realm)) {
        return RIND_OK;
    }
    RIND_REQUIRE(&cli->ctx, options->store != NULL, RIND_E_INVALID,
                 "'%s' is no realm id of 32 hex digits; give all of them, or --store to find the "
                 "realm by the first few",
                 options->realm);
    struct rind_cli_view view;
    RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", options->realm));
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cli_look(cli, &view));
    return rind_cli_resolve_realm(&cli->ctx, view.hsms, options->realm, realm);
}

static rind_status auth_token_show(struct rind_cli *cli, const struct auth_token_options *options)
{
    struct rind_token_grant grant = {.tenant = rind_slice_text(options->tenant),
                                     .user = rind_slice_text(options->user)};
    bool is_scope = rind_token_scope_find(rind_slice_text(options->scope), &grant.scope);
    RIND_ASSERT(is_scope); /* one of `scopes` */
    RIND_TRY(auth_token_find_realm(cli, options, &grant.realm));
    struct rind_slice token;
    const char *prefix =
        options->is_software ? RIND_SECRET_SOFTWARE_PREFIX : RIND_SECRET_TENANT_PREFIX;
    const struct rind_secret_manager_options manager = {
        .project = cli->bigtable.project, .flags = &options->manager, .log = &cli->log};
    const struct rind_cli_keys keys = {.secrets_file = options->secrets_file, .manager = &manager};
    RIND_TRY(rind_cli_make_token(&cli->ctx, &keys, prefix, &grant, &token));
    (void)printf("%.*s\n", (int)token.length, (const char *)token.data);
    return RIND_OK;
}

int rind_cli_auth_token(struct rind_cli *cli, int argc, char *const *argv)
{
    struct auth_token_options options = {0};
    const struct rind_flag flags[] = {
        {.name = "tenant",
         .letter = 't',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Tenant that issues the token; must start with 'test-'.",
         .value = &options.tenant},
        {.name = "user",
         .letter = 'u',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "User whom the token lets in.",
         .value = &options.user},
        {.name = "realm",
         .letter = 'r',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id; with --store its first digits suffice.",
         .value = &options.realm},
        {.name = "scope",
         .letter = 's',
         .kind = RIND_FLAG_CHOICE,
         .choices = scopes,
         .fallback = "user",
         .help = "What the token is for.",
         .value = &options.scope},
        {.name = "software",
         .kind = RIND_FLAG_BOOL,
         .help = "The realm is a software realm: use the tenant's key for those, "
                 "jb-sw-tenant-TENANT.",
         .value = &options.is_software},
        {.name = "secrets-file",
         .show_fallback = "Google Secret Manager of --bigtable-project",
         .kind = RIND_FLAG_TEXT,
         .help = "JSON file with the tenants' keys, as the load balancer reads it.",
         .value = &options.secrets_file},
        {.name = "store",
         .value_name = "STORE",
         .environment = "RIND_STORE",
         .kind = RIND_FLAG_TEXT,
         .help = "Where the realm keeps its rows; needed only to complete a realm id.",
         .value = &options.store},
    };
    struct rind_flag manager_flags[RIND_SECRET_MANAGER_FLAG_ROWS];
    rind_secret_manager_flag_rows(&options.manager, manager_flags);
    const struct rind_flag_table tables[] = {
        RIND_FLAG_TABLE(NULL, flags),
        RIND_FLAG_TABLE("Google Secret Manager, without --secrets-file", manager_flags)};
    const struct rind_command command = {
        .program = "rind auth-token",
        .about = "Makes a token that lets a test tenant's user use a realm for ten minutes.",
        .example = "rind auth-token --secrets-file secrets.json -t test-acme -u mario -r 2f8b...\n"
                   "  rind auth-token --bigtable-project example -t test-acme -u mario -r 2f8b...",
        .tables = tables,
        .table_count = 2};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, auth_token_show(cli, &options));
}
