/* configuration.c - `rind configuration`: what a client needs to know, as JSON (spec 08 section
 * 14). */
#include <stdio.h>

#include "cli/command.h"
#include "cli/ids.h"

/* The public key of the realm: all its HSMs have the same. */
static struct rind_slice configuration_public_key(struct rind_cluster_hsm_list hsms,
                                                  const struct rind_realm_id *realm)
{
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (status->has_realm && rind_realm_id_equal(&status->realm.id, realm)) {
            return status->public_key;
        }
    }
    return rind_slice_make(NULL, 0);
}

static rind_status configuration_add_realm(struct rind_ctx *ctx, json_t *realms,
                                           struct rind_cluster_hsm_list hsms,
                                           const struct rind_realm_id *realm, const char *address)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    struct rind_slice public_key = configuration_public_key(hsms, realm);
    RIND_REQUIRE(ctx, public_key.length == 32, RIND_E_DECODE,
                 "an HSM reported a public key of %zu bytes instead of 32", public_key.length);
    char key[RIND_HEX_SIZE(32)];
    rind_hex_encode(public_key, key);
    json_t *entry = json_pack("{s:s, s:s, s:s}", "id", rind_cli_id_text(realm->bytes, id),
                              "address", address, "public_key", key);
    RIND_REQUIRE(ctx, entry != NULL && json_array_append_new(realms, entry) == 0, RIND_E_LIMIT,
                 "no memory for the configuration");
    return RIND_OK;
}

static rind_status configuration_print_with(struct rind_ctx *ctx, json_t *realms,
                                            struct rind_cluster_hsm_list hsms, const char *address)
{
    struct rind_realm_id *ids;
    size_t count;
    RIND_TRY(rind_cli_list_realms(ctx, hsms, &ids, &count));
    RIND_REQUIRE(ctx, count > 0, RIND_E_NOT_FOUND,
                 "found no usable realms; make one with 'rind new-realm'");
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(configuration_add_realm(ctx, realms, hsms, &ids[i], address));
    }
    json_t *root =
        json_pack("{s:O, s:i, s:i, s:s}", "realms", realms, "register_threshold", (int)count,
                  "recover_threshold", (int)count, "pin_hashing_mode", "Standard2019");
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "no memory for the configuration");
    struct rind_slice text;
    rind_status written = rind_json_write(ctx, root, &text);
    json_decref(root);
    RIND_TRY(written);
    (void)printf("%.*s\n", (int)text.length, (const char *)text.data);
    return RIND_OK;
}

static rind_status configuration_show(struct rind_cli *cli, const char *store,
                                      const struct rind_url *balancer)
{
    struct rind_cli_view view;
    RIND_TRY(rind_cli_connect(cli, store));
    RIND_TRY(rind_cli_look(cli, &view));
    json_t *realms = json_array();
    rind_status status = configuration_print_with(&cli->ctx, realms, view.hsms, balancer->text);
    json_decref(realms);
    return status;
}

int rind_cli_configuration(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    struct rind_url balancer;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        {.value_name = "LOAD_BALANCER",
         .kind = RIND_FLAG_URL,
         .is_required = true,
         .help = "URL at which clients reach the load balancer.",
         .value = &balancer},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind configuration",
        .about = "Prints the configuration that clients need to use all realms found.",
        .example = "rind configuration --store lmdb:/var/lib/rind/store https://realm.example/",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, configuration_show(cli, store, &balancer));
}
