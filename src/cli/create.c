/* create.c - `rind new-realm`, `rind join-realm`, `rind new-group` (spec 08 sections 11 and 14). */
#include <stdio.h>

#include "cli/command.h"
#include "cli/ids.h"

/* Agents as typed, in the form in which they are asked. */
static rind_status create_normalise(struct rind_ctx *ctx, const struct rind_flag_texts *agents,
                                    const char ***urls)
{
    *urls = rind_ctx_alloc_array(ctx, agents->count, sizeof(**urls));
    RIND_REQUIRE(ctx, *urls != NULL, RIND_E_LIMIT, "no memory for %zu agents", agents->count);
    for (size_t i = 0; i < agents->count; i++) {
        struct rind_url *url = rind_ctx_alloc(ctx, sizeof(*url));
        RIND_REQUIRE(ctx, url != NULL, RIND_E_LIMIT, "no memory for %zu agents", agents->count);
        rind_status parsed = rind_url_parse(ctx, rind_slice_text(agents->values[i]), url);
        if (!rind_is_ok(parsed)) {
            return rind_fail_while(ctx, parsed, "agent '%s'", agents->values[i]);
        }
        (*urls)[i] = url->text;
    }
    return RIND_OK;
}

static rind_status new_realm(struct rind_cli *cli, const char *store, const struct rind_url *agent,
                             bool is_json)
{
    struct rind_realm_id realm;
    struct rind_group_id group;
    char realm_text[RIND_CLI_ID_TEXT_SIZE];
    char group_text[RIND_CLI_ID_TEXT_SIZE];
    RIND_TRY(rind_cli_connect(cli, store));
    if (!is_json) {
        (void)printf("Creating new realm\n");
        (void)fflush(stdout);
    }
    RIND_TRY(rind_create_realm(&cli->ctx, &cli->cluster, agent->text, &realm, &group));
    if (is_json) {
        return rind_cli_print_json(
            cli, json_pack("{s:o, s:o}", "realm", rind_cli_json_hex(rind_realm_id_slice(&realm)),
                           "group", rind_cli_json_hex(rind_group_id_slice(&group))));
    }
    (void)printf("Created realm %s with starting group %s\n",
                 rind_cli_id_text(realm.bytes, realm_text),
                 rind_cli_id_text(group.bytes, group_text));
    return RIND_OK;
}

int rind_cli_new_realm(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    struct rind_url agent;
    bool is_json = false;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        RIND_CLI_JSON_FLAG(is_json),
        {.value_name = "AGENT",
         .kind = RIND_FLAG_URL,
         .is_required = true,
         .help = "URL of the agent whose HSM starts the realm.",
         .value = &agent},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind new-realm",
        .about = "Makes a realm on one HSM, with a first group that owns all records.",
        .example = "rind new-realm --store lmdb:/var/lib/rind/store http://10.0.0.1:8082",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, new_realm(cli, store, &agent, is_json));
}

/* What join-realm and new-group have in common on their command lines. */
struct create_options {
    const char *store;
    const char *realm;
    struct rind_flag_texts agents;
    bool is_json;
};

static bool create_parse(struct rind_cli *cli, const char *program, const char *about,
                         const char *example, int argc, char *const *argv,
                         struct create_options *options, int *exit_status)
{
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options->store),
        {.name = "realm",
         .letter = 'r',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id, or its first digits.",
         .value = &options->realm},
        RIND_CLI_JSON_FLAG(options->is_json),
        {.value_name = "AGENTS",
         .kind = RIND_FLAG_TEXTS,
         .is_required = true,
         .help = "URLs of the agents.",
         .value = &options->agents},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = program, .about = about, .example = example, .tables = tables, .table_count = 1};
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

/* Connects, asks all agents, resolves the realm. */
static rind_status create_prepare(struct rind_cli *cli, const struct create_options *options,
                                  struct rind_cluster_hsm_list *hsms, struct rind_realm_id *realm,
                                  const char ***urls)
{
    struct rind_cli_view view;
    RIND_TRY(create_normalise(&cli->ctx, &options->agents, urls));
    RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", options->realm));
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cli_look(cli, &view));
    *hsms = view.hsms;
    return rind_cli_resolve_realm(&cli->ctx, *hsms, options->realm, realm);
}

static rind_status join_realm(struct rind_cli *cli, const struct create_options *options)
{
    struct rind_cluster_hsm_list hsms;
    struct rind_realm_id realm;
    const char **urls;
    char text[RIND_CLI_ID_TEXT_SIZE];
    RIND_TRY(create_prepare(cli, options, &hsms, &realm, &urls));
    const char *member = NULL;
    for (size_t i = 0; i < hsms.count && member == NULL; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (status->has_realm && rind_realm_id_equal(&status->realm.id, &realm)) {
            member = (const char *)hsms.items[i].url.data; /* a text of discovery, with its NUL */
        }
    }
    RIND_REQUIRE(&cli->ctx, member != NULL, RIND_E_UNAVAILABLE,
                 "could not find any available HSM that's already in the realm");
    (void)rind_cli_id_text(realm.bytes, text);
    if (!options->is_json) {
        (void)printf("Requesting %zu HSMs to join realm %s\n", options->agents.count, text);
        (void)fflush(stdout);
    }
    RIND_TRY(rind_create_join_realm(&cli->ctx, &cli->cluster, &realm, urls, options->agents.count,
                                    member));
    if (options->is_json) {
        return rind_cli_print_json(cli, json_pack("{s:s, s:I}", "realm", text, "agents",
                                                  (json_int_t)options->agents.count));
    }
    (void)printf("HSMs done joining realm\n");
    return RIND_OK;
}

int rind_cli_join_realm(struct rind_cli *cli, int argc, char *const *argv)
{
    struct create_options options = {0};
    int exit_status;
    if (!create_parse(cli, "rind join-realm",
                      "Lets the HSMs of more agents join a realm; they must have its keys.",
                      "rind join-realm --store lmdb:DIR --realm 2f8b http://10.0.0.2:8082", argc,
                      argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, join_realm(cli, &options));
}

static rind_status new_group(struct rind_cli *cli, const struct create_options *options)
{
    struct rind_cluster_hsm_list hsms;
    struct rind_realm_id realm;
    struct rind_group_id group;
    const char **urls;
    char text[RIND_CLI_ID_TEXT_SIZE];
    RIND_TRY(create_prepare(cli, options, &hsms, &realm, &urls));
    if (!options->is_json) {
        (void)printf("Creating new group in realm %s\n", rind_cli_id_text(realm.bytes, text));
        (void)fflush(stdout);
    }
    RIND_TRY(
        rind_create_group(&cli->ctx, &cli->cluster, &realm, urls, options->agents.count, &group));
    if (options->is_json) {
        return rind_cli_print_json(
            cli, json_pack("{s:o, s:o}", "realm", rind_cli_json_hex(rind_realm_id_slice(&realm)),
                           "group", rind_cli_json_hex(rind_group_id_slice(&group))));
    }
    (void)printf("Created group %s\n", rind_cli_id_text(group.bytes, text));
    return RIND_OK;
}

int rind_cli_new_group(struct rind_cli *cli, int argc, char *const *argv)
{
    struct create_options options = {0};
    int exit_status;
    if (!create_parse(cli, "rind new-group",
                      "Makes a group of the HSMs of 1 to 9 agents; the first leads it.",
                      "rind new-group --store lmdb:DIR --realm 2f8b http://10.0.0.1:8082 "
                      "http://10.0.0.2:8082 http://10.0.0.3:8082",
                      argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, new_group(cli, &options));
}
