/* create.c - `rind new-realm`, `rind join-realm`, `rind new-group` (spec 08 sections 11 and 14). */
#include <stdio.h>

#include "cli/command.h"
#include "cli/ids.h"

#define CREATE_STATUS_TIMEOUT_MS 10000u

/* Agents as typed, in the form in which they are asked. */
static rind_status create_normalise(struct rind_ctx *ctx, const struct rind_flag_texts *agents,
                                    const char ***urls)
{
    *urls = rind_ctx_alloc_array(ctx, agents->count, sizeof(**urls));
    RIND_REQUIRE(ctx, *urls != NULL, RIND_E_LIMIT, "no memory for %zu agents", agents->count);
    for (size_t i = 0; i < agents->count; i++) {
        struct rind_url *url = rind_ctx_alloc(ctx, sizeof(*url));
        RIND_REQUIRE(ctx, url != NULL, RIND_E_LIMIT, "no memory for %zu agents", agents->count);
        RIND_TRY(rind_url_parse(ctx, rind_slice_text(agents->values[i]), url));
        (*urls)[i] = url->text;
    }
    return RIND_OK;
}

static rind_status new_realm(struct rind_cli *cli, const char *store, const struct rind_url *agent)
{
    struct rind_realm_id realm;
    struct rind_group_id group;
    char realm_text[RIND_CLI_ID_TEXT_SIZE];
    char group_text[RIND_CLI_ID_TEXT_SIZE];
    RIND_TRY(rind_cli_connect(cli, store));
    (void)printf("Creating new realm\n");
    (void)fflush(stdout);
    RIND_TRY(rind_create_realm(&cli->ctx, &cli->cluster, agent->text, &realm, &group));
    (void)printf("Created realm %s with starting group %s\n",
                 rind_cli_id_text(realm.bytes, realm_text),
                 rind_cli_id_text(group.bytes, group_text));
    return RIND_OK;
}

int rind_cli_new_realm(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    struct rind_url agent;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
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
    if (!rind_flags_or_exit(&command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, new_realm(cli, store, &agent));
}

/* What join-realm and new-group have in common on their command lines. */
struct create_options {
    const char *store;
    const char *realm;
    struct rind_flag_texts agents;
};

static bool create_parse(const char *program, const char *about, const char *example, int argc,
                         char *const *argv, struct create_options *options, int *exit_status)
{
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options->store),
        {.name = "realm",
         .letter = 'r',
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id, or its first digits.",
         .value = &options->realm},
        {.value_name = "AGENTS",
         .kind = RIND_FLAG_TEXTS,
         .is_required = true,
         .help = "URLs of the agents.",
         .value = &options->agents},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = program, .about = about, .example = example, .tables = tables, .table_count = 1};
    return rind_flags_or_exit(&command, argc, argv, exit_status);
}

/* Connects, asks all agents, resolves the realm. */
static rind_status create_prepare(struct rind_cli *cli, const struct create_options *options,
                                  struct rind_cluster_hsm_list *hsms, struct rind_realm_id *realm,
                                  const char ***urls)
{
    struct rind_cluster_agent_list agents;
    RIND_TRY(create_normalise(&cli->ctx, &options->agents, urls));
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cluster_ask_all(&cli->ctx, &cli->cluster, CREATE_STATUS_TIMEOUT_MS, &agents));
    RIND_TRY(rind_cluster_hsms(&cli->ctx, agents, hsms));
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
    (void)printf("Requesting %zu HSMs to join realm %s\n", options->agents.count,
                 rind_cli_id_text(realm.bytes, text));
    (void)fflush(stdout);
    RIND_TRY(rind_create_join_realm(&cli->ctx, &cli->cluster, &realm, urls, options->agents.count,
                                    member));
    (void)printf("HSMs done joining realm\n");
    return RIND_OK;
}

int rind_cli_join_realm(struct rind_cli *cli, int argc, char *const *argv)
{
    struct create_options options = {0};
    int exit_status;
    if (!create_parse("rind join-realm",
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
    (void)printf("Creating new group in realm %s\n", rind_cli_id_text(realm.bytes, text));
    (void)fflush(stdout);
    RIND_TRY(
        rind_create_group(&cli->ctx, &cli->cluster, &realm, urls, options->agents.count, &group));
    (void)printf("Created group %s\n", rind_cli_id_text(group.bytes, text));
    return RIND_OK;
}

int rind_cli_new_group(struct rind_cli *cli, int argc, char *const *argv)
{
    struct create_options options = {0};
    int exit_status;
    if (!create_parse("rind new-group",
                      "Makes a group of the HSMs of 1 to 9 agents; the first leads it.",
                      "rind new-group --store lmdb:DIR --realm 2f8b http://10.0.0.1:8082 "
                      "http://10.0.0.2:8082 http://10.0.0.3:8082",
                      argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, new_group(cli, &options));
}
