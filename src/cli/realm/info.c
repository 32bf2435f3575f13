/* info.c - what a local realm looks like from outside: configuration, tokens, processes (JSON). */
#include <inttypes.h>
#include <stdio.h>

#include "cli/auth_token.h"
#include "cli/ids.h"
#include "cli/realm/local.h"

#define INFO_ARENA_SIZE_BYTES (4u << 20) /* a secrets file of 1 MiB and its decoded form */

static rind_status info_write(struct rind_ctx *ctx, json_t *root, const char **json)
{
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "no memory for a JSON document");
    struct rind_slice text;
    rind_status status = rind_json_write(ctx, root, &text);
    json_decref(root);
    RIND_TRY(status);
    *json = (const char *)text.data;
    return RIND_OK;
}

static json_t *info_realm(const struct rind_local *local, const struct rind_local_realm *realm)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    char key[RIND_HEX_SIZE(32)];
    (void)rind_cli_id_text(realm->id.bytes, id);
    if (realm->software_url != NULL) {
        return json_pack("{s:s, s:s}", "id", id, "address", realm->software_url);
    }
    rind_hex_encode(rind_slice_make(realm->public_key, 32), key);
    return json_pack("{s:s, s:s, s:s}", "id", id, "address", local->balancer_url, "public_key",
                     key);
}

/* What the tenant's secret for this realm is called, before its name. */
static const char *info_secret_prefix(const struct rind_local *local,
                                      const struct rind_realm_id *realm)
{
    for (size_t i = 0; i < local->realm_count; i++) {
        if (rind_realm_id_equal(&local->realms[i].id, realm)) {
            return local->realms[i].software_url != NULL ? RIND_SECRET_SOFTWARE_PREFIX
                                                         : RIND_SECRET_TENANT_PREFIX;
        }
    }
    return RIND_SECRET_TENANT_PREFIX;
}

static json_t *info_configuration(const struct rind_local *local)
{
    json_t *realms = json_array();
    for (size_t i = 0; i < local->realm_count; i++) {
        (void)json_array_append_new(realms, info_realm(local, &local->realms[i]));
    }
    uint32_t threshold = local->options->recover_threshold;
    int count = threshold != 0 ? (int)threshold : (int)local->realm_count;
    return json_pack("{s:o, s:i, s:i, s:s}", "realms", realms, "register_threshold", count,
                     "recover_threshold", count, "pin_hashing_mode", "FastInsecure");
}

rind_status rind_local_configuration(struct rind_ctx *ctx, const struct rind_local *local,
                                     const char **json)
{
    return info_write(ctx, info_configuration(local), json);
}

static rind_status info_tokens(struct rind_ctx *ctx, const struct rind_local *local,
                               const char *user, json_t *tokens)
{
    const struct rind_cli_keys keys = {.secrets_file = local->secrets_file};
    for (size_t i = 0; i < local->realm_count; i++) {
        const struct rind_token_grant grant = {.tenant = rind_slice_text(RIND_LOCAL_TENANT),
                                               .user = rind_slice_text(user),
                                               .realm = local->realms[i].id,
                                               .scope = RIND_TOKEN_SCOPE_USER};
        struct rind_slice token;
        char id[RIND_CLI_ID_TEXT_SIZE];
        const char *prefix = info_secret_prefix(local, &grant.realm);
        RIND_TRY(rind_cli_make_token(ctx, &keys, prefix, &grant, &token));
        RIND_REQUIRE(ctx,
                     json_object_set_new(tokens, rind_cli_id_text(local->realms[i].id.bytes, id),
                                         json_string((const char *)token.data)) == 0,
                     RIND_E_LIMIT, "no memory for the tokens");
    }
    return RIND_OK;
}

rind_status rind_local_tokens(struct rind_ctx *ctx, const struct rind_local *local,
                              const char *user, const char **json)
{
    json_t *tokens = json_object();
    rind_status status = info_tokens(ctx, local, user, tokens);
    if (!rind_is_ok(status)) {
        json_decref(tokens);
        return status;
    }
    return info_write(ctx, tokens, json);
}

bool rind_local_token(const struct rind_local *local, const struct rind_realm_id *realm,
                      const char *user, char *jwt, size_t jwt_size)
{
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_slice token;
    const struct rind_cli_keys keys = {.secrets_file = local->secrets_file};
    const struct rind_token_grant grant = {.tenant = rind_slice_text(RIND_LOCAL_TENANT),
                                           .user = rind_slice_text(user),
                                           .realm = *realm,
                                           .scope = RIND_TOKEN_SCOPE_USER};
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, INFO_ARENA_SIZE_BYTES, &arena))) {
        return false;
    }
    ctx.arena = arena;
    const char *prefix = info_secret_prefix(local, realm);
    bool is_made = rind_is_ok(rind_cli_make_token(&ctx, &keys, prefix, &grant, &token)) &&
                   token.length < jwt_size;
    if (is_made) {
        memcpy(jwt, token.data, token.length + 1);
    }
    rind_arena_unmap(arena);
    return is_made;
}

rind_status rind_local_write_info(struct rind_ctx *ctx, const struct rind_local *local,
                                  const char *path)
{
    json_t *tokens = json_object();
    rind_status status = info_tokens(ctx, local, RIND_LOCAL_USER, tokens);
    if (!rind_is_ok(status)) {
        json_decref(tokens);
        return status;
    }
    json_t *processes = json_array();
    for (size_t i = 0; i < local->child_count; i++) {
        const struct rind_child *child = &local->children[i];
        (void)json_array_append_new(processes,
                                    json_pack("{s:s, s:i, s:s, s:s}", "name", child->name, "pid",
                                              (int)child->pid, "address", child->address, "log",
                                              child->log_file));
    }
    /* For the environment of whoever uses the store "bigtable"; null with other stores. */
    char emulator[RIND_URL_HOST_SIZE_MAX + 8];
    (void)snprintf(emulator, sizeof(emulator), "%s:%u", local->bigtable.url.host,
                   (unsigned)local->bigtable.url.port);
    const char *json;
    RIND_TRY(info_write(
        ctx,
        json_pack("{s:o, s:o, s:s, s:s, s:s, s:s?, s:s, s:o}", "configuration",
                  info_configuration(local), "auth_tokens", tokens, "tls_certificate",
                  local->certificate_der, "tls_certificate_pem", local->certificate_pem, "store",
                  local->store, "bigtable_emulator_host", local->bigtable.has_url ? emulator : NULL,
                  "secrets_file", local->secrets_file, "processes", processes),
        &json));
    return rind_file_replace(ctx, path, rind_slice_text(json), 0600);
}
