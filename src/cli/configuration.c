/* configuration.c - `rind configuration`: what a client needs to know, as JSON (spec 08 section
 * 14). */
#include <stdio.h>
#include <string.h>

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

struct configuration_options {
    const char *store;
    struct rind_url balancer;
    struct rind_flag_texts software; /* HEX=URL each */
    uint64_t threshold;
    bool has_threshold;
};

/* A realm without a public key is a software realm. */
static rind_status configuration_add_software(struct rind_ctx *ctx, json_t *realms,
                                              const char *text)
{
    const char *separator = strchr(text, '=');
    struct rind_realm_id realm;
    struct rind_url url;
    char id[RIND_CLI_ID_TEXT_SIZE];
    RIND_REQUIRE(ctx,
                 separator != NULL &&
                     rind_realm_id_parse(rind_slice_make(text, (size_t)(separator - text)), &realm),
                 RIND_E_INVALID, "'%s' is not a realm id of 32 hex digits, '=' and a URL", text);
    RIND_TRY(rind_url_parse(ctx, rind_slice_text(separator + 1), &url));
    json_t *entry =
        json_pack("{s:s, s:s}", "id", rind_cli_id_text(realm.bytes, id), "address", url.text);
    RIND_REQUIRE(ctx, entry != NULL && json_array_append_new(realms, entry) == 0, RIND_E_LIMIT,
                 "no memory for the configuration");
    return RIND_OK;
}

static rind_status configuration_add_all(struct rind_ctx *ctx, json_t *realms,
                                         struct rind_cluster_hsm_list hsms,
                                         const struct configuration_options *options)
{
    struct rind_realm_id *ids;
    size_t count;
    RIND_TRY(rind_cli_list_realms(ctx, hsms, &ids, &count));
    RIND_REQUIRE(ctx, count > 0, RIND_E_NOT_FOUND,
                 "found no usable realms; make one with 'rind new-realm'");
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(configuration_add_realm(ctx, realms, hsms, &ids[i], options->balancer.text));
    }
    for (size_t i = 0; i < options->software.count; i++) {
        RIND_TRY(configuration_add_software(ctx, realms, options->software.values[i]));
    }
    return RIND_OK;
}

/* Clients refuse a threshold that is not more than half of the realms. */
static rind_status configuration_print_with(struct rind_ctx *ctx, json_t *realms,
                                            struct rind_cluster_hsm_list hsms,
                                            const struct configuration_options *options)
{
    RIND_TRY(configuration_add_all(ctx, realms, hsms, options));
    size_t count = json_array_size(realms);
    uint64_t threshold = options->has_threshold ? options->threshold : count;
    RIND_REQUIRE(ctx, threshold > count / 2 && threshold <= count, RIND_E_INVALID,
                 "of %zu realms the threshold must be more than half and at most all", count);
    json_t *root =
        json_pack("{s:O, s:i, s:i, s:s}", "realms", realms, "register_threshold", (int)threshold,
                  "recover_threshold", (int)threshold, "pin_hashing_mode", "Standard2019");
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "no memory for the configuration");
    struct rind_slice text;
    rind_status written = rind_json_write(ctx, root, &text);
    json_decref(root);
    RIND_TRY(written);
    (void)printf("%.*s\n", (int)text.length, (const char *)text.data);
    return RIND_OK;
}

static rind_status configuration_show(struct rind_cli *cli,
                                      const struct configuration_options *options)
{
    struct rind_cli_view view;
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cli_look(cli, &view));
    json_t *realms = json_array();
    rind_status status = configuration_print_with(&cli->ctx, realms, view.hsms, options);
    json_decref(realms);
    return status;
}

int rind_cli_configuration(struct rind_cli *cli, int argc, char *const *argv)
{
    struct configuration_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        {.name = "software-realm",
         .value_name = "HEX=URL",
         .kind = RIND_FLAG_TEXTS,
         .help = "Add the software realm with this id and address. May be repeated.",
         .value = &options.software},
        {.name = "threshold",
         .value_name = "COUNT",
         .kind = RIND_FLAG_U64,
         .min = 1,
         .max = 255,
         .show_fallback = "all realms",
         .help = "How many realms it takes to register and to recover: more than half.",
         .value = &options.threshold,
         .is_given = &options.has_threshold},
        {.value_name = "LOAD_BALANCER",
         .kind = RIND_FLAG_URL,
         .is_required = true,
         .help = "URL at which clients reach the load balancer.",
         .value = &options.balancer},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind configuration",
        .about = "Prints the configuration that clients need to use all realms found.",
        .example = "rind configuration --store lmdb:/var/lib/rind/store https://realm.example/ "
                   "\\\n      --threshold "
                   "2 --software-realm "
                   "2f8b1c5e00d14aa3b1f0c2d3e4f50617=https://software.example/",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, configuration_show(cli, &options));
}
