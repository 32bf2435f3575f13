/* command.c - see command.h. */
#include "cli/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_TABLES_MAX 8u
#define COMMAND_CONFIGURATION_SIZE_MAX (1u << 20)
#define JSON_HEX_SIZE_MAX 1024u /* bytes; ids, keys and hashes have 16 to 64 */

/* A man page part: heading, what it does, options, example. */
static void command_print_man(const struct rind_command *command, FILE *out)
{
    (void)fprintf(out, ".SH \"%s\"\n%s\n", command->program, command->about);
    rind_flags_man(command, out);
    if (command->example != NULL) {
        (void)fprintf(out, ".PP\nExample:\n.PP\n.nf\n  %s\n.fi\n", command->example);
    }
}

/* Whether some flag names a store (--store, --from), rather than only a kind of one. */
static bool command_has_store(const struct rind_command *command)
{
    for (size_t i = 0; i < command->table_count; i++) {
        for (size_t j = 0; j < command->tables[i].count; j++) {
            const struct rind_flag *flag = &command->tables[i].flags[j];
            if (flag->kind == RIND_FLAG_TEXT && flag->value_name != NULL &&
                strcmp(flag->value_name, "STORE") == 0) {
                return true;
            }
        }
    }
    return false;
}

bool rind_cli_flags(struct rind_cli *cli, const struct rind_command *command, int argc,
                    char *const *argv, int *exit_status)
{
    RIND_ASSERT(command->example != NULL); /* every command shows one */
    RIND_ASSERT(command->table_count < COMMAND_TABLES_MAX);
    struct rind_flag_table tables[COMMAND_TABLES_MAX];
    struct rind_command whole = *command;
    for (size_t i = 0; i < command->table_count; i++) {
        tables[i] = command->tables[i];
    }
    whole.tables = tables;
    if (command_has_store(command)) {
        tables[whole.table_count++] = rind_bigtable_flags_table(&cli->bigtable);
    }
    if (cli->man != NULL) {
        command_print_man(&whole, cli->man);
        *exit_status = 0;
        return false;
    }
    return rind_flags_or_exit(&whole, argc, argv, exit_status);
}

/* A command must not answer a mistyped directory with an empty store made there. */
static rind_status command_require_store(struct rind_ctx *ctx, const char *store_name)
{
    static const char prefix[] = "lmdb:";
    char path[PATH_MAX];
    if (strncmp(store_name, prefix, sizeof(prefix) - 1) != 0) {
        return RIND_OK;
    }
    const char *directory = store_name + sizeof(prefix) - 1;
    int length = snprintf(path, sizeof(path), "%s/data.mdb", directory);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(path), RIND_E_INVALID,
                 "the store's path is longer than %d bytes", PATH_MAX);
    RIND_REQUIRE(ctx, access(path, F_OK) == 0 || errno != ENOENT, RIND_E_NOT_FOUND,
                 "there is no store in %s; agents make it when they start, so give what they have "
                 "as --store",
                 directory);
    return RIND_OK;
}

rind_status rind_cli_read_configuration(struct rind_ctx *ctx, const char *given, const char **json)
{
    struct rind_slice text;
    *json = given;
    if (given[0] != '@') {
        return RIND_OK;
    }
    RIND_TRY(rind_file_read(ctx, given + 1, COMMAND_CONFIGURATION_SIZE_MAX, &text));
    char *copy = rind_ctx_alloc(ctx, text.length + 1);
    RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "no memory for the configuration");
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    *json = copy;
    return RIND_OK;
}

rind_status rind_cli_connect(struct rind_cli *cli, const char *store_name)
{
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(&cli->ctx, &cli->bigtable, &cli->log, &bigtable));
    const struct rind_store_options options = {.bigtable = &bigtable, .log = &cli->log};
    RIND_TRY(command_require_store(&cli->ctx, store_name));
    RIND_TRY(rind_store_open(&cli->ctx, store_name, &options, &cli->store));
    const struct rind_client_options client_options = rind_client_options_default();
    RIND_TRY(rind_client_open(&cli->ctx, &client_options, &cli->client));
    cli->cluster = (struct rind_cluster){
        .store = cli->store, .client = cli->client, .log = &cli->log, .name = "rind"};
    return RIND_OK;
}

rind_status rind_cli_look(struct rind_cli *cli, struct rind_cli_view *view)
{
    rind_status asked =
        rind_cluster_ask_all(&cli->ctx, &cli->cluster, RIND_CLI_STATUS_TIMEOUT_MS, &view->agents);
    if (!rind_is_ok(asked)) {
        return rind_fail_while(&cli->ctx, asked, "service discovery failed");
    }
    return rind_cluster_hsms(&cli->ctx, view->agents, &view->hsms);
}

rind_status rind_cli_require_all(struct rind_cli *cli, const struct rind_cli_view *view)
{
    size_t silent = 0;
    const struct rind_cluster_agent *first = NULL;
    for (size_t i = 0; i < view->agents.count; i++) {
        if (!view->agents.items[i].has_answered) {
            first = silent == 0 ? &view->agents.items[i] : first;
            silent++;
        }
    }
    RIND_REQUIRE(&cli->ctx, silent == 0, RIND_E_UNAVAILABLE,
                 "%zu of %zu agents did not answer, what they know is missing above: %s: %s",
                 silent, view->agents.count, first->url, first->fault);
    return rind_cluster_check_single(&cli->ctx, view->agents);
}

rind_status rind_cli_print_json(struct rind_cli *cli, json_t *root_take)
{
    struct rind_slice text;
    RIND_REQUIRE(&cli->ctx, root_take != NULL, RIND_E_LIMIT, "no memory for a JSON document");
    rind_status written = rind_json_write(&cli->ctx, root_take, &text);
    json_decref(root_take);
    RIND_TRY(written);
    (void)printf("%.*s\n", (int)text.length, (const char *)text.data);
    return RIND_OK;
}

json_t *rind_cli_json_hex(struct rind_slice bytes)
{
    char text[RIND_HEX_SIZE(JSON_HEX_SIZE_MAX)];
    struct rind_slice shown = bytes;
    shown.length = shown.length > JSON_HEX_SIZE_MAX ? JSON_HEX_SIZE_MAX : shown.length;
    rind_hex_encode(shown, text);
    return json_string(text);
}

int rind_cli_exit(struct rind_cli *cli, rind_status status)
{
    if (rind_is_ok(status)) {
        return 0;
    }
    (void)fflush(stdout);
    (void)fprintf(stderr, "error: %s\n",
                  cli->ctx.sentence[0] != '\0' ? cli->ctx.sentence
                                               : rind_code_name((enum rind_code)status.code));
    return RIND_CLI_EXIT_FAULT;
}
