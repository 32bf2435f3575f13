/* rebalance.c - `rind rebalance`: has a leadership moved to an HSM with less to do (spec 08 section
 * 14). */
#include <stdio.h>

#include "cli/ids.h"
#include "cli/manager_call.h"

#define REBALANCE_TIMEOUT_MS 60000u
/* Every move lowers the busier HSM's load, so this many are not needed: 16 groups on 1024 HSMs. */
#define REBALANCE_MOVES_MAX 16384u

struct rebalance_options {
    const char *store;
    struct rind_url manager;
    bool has_manager;
    bool is_full;
    bool is_json;
};

static rind_status rebalance_report(struct rind_cli *cli, bool is_json,
                                    const struct rind_cluster_rebalance_ok *ok)
{
    const struct rind_cluster_rebalanced *moved = &ok->rebalanced;
    bool is_moved = ok->kind == RIND_CLUSTER_REBALANCE_OK_REBALANCED;
    char group[RIND_CLI_ID_TEXT_SIZE];
    char realm[RIND_CLI_ID_TEXT_SIZE];
    char from[RIND_CLI_ID_TEXT_SIZE];
    char to[RIND_CLI_ID_TEXT_SIZE];
    if (!is_moved) {
        if (is_json) {
            return rind_cli_print_json(cli, json_pack("{s:b}", "is_balanced", 1));
        }
        (void)printf("Already balanced.\n");
        return RIND_OK;
    }
    (void)rind_cli_id_text(moved->group.bytes, group);
    (void)rind_cli_id_text(moved->realm.bytes, realm);
    (void)rind_cli_id_text(moved->from.bytes, from);
    (void)rind_cli_id_text(moved->to.bytes, to);
    if (is_json) {
        return rind_cli_print_json(cli,
                                   json_pack("{s:b, s:s, s:s, s:s, s:s}", "is_balanced", 0, "realm",
                                             realm, "group", group, "from", from, "to", to));
    }
    (void)printf("Moved leadership for %s in realm %s from %s to %s.\n", group, realm, from, to);
    (void)fflush(stdout);
    return RIND_OK;
}

static rind_status rebalance_once(struct rind_cli *cli, const struct rebalance_options *options,
                                  const struct rind_cli_managers *managers, bool *is_balanced)
{
    const struct rind_cluster_rebalance_request request = {0};
    struct rind_cluster_rebalance_response response;
    RIND_TRY(rind_cli_call_manager(cli, managers, "moving a leadership",
                                   &rind_rpc_manager_rebalance, &request, &response,
                                   REBALANCE_TIMEOUT_MS));
    if (response.kind == RIND_CLUSTER_REBALANCE_OK) {
        *is_balanced = response.ok.kind == RIND_CLUSTER_REBALANCE_OK_ALREADY_BALANCED;
        return rebalance_report(cli, options->is_json, &response.ok);
    }
    char memory[RIND_SENTENCE_SIZE_MAX];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_rebalance_error_print(&text, &response.error);
    return rind_fail(&cli->ctx, RIND_E_UNAVAILABLE, "%.*s", (int)text.length, memory);
}

static rind_status rebalance_run(struct rind_cli *cli, const struct rebalance_options *options)
{
    struct rind_cli_managers managers;
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(
        rind_cli_find_managers(cli, options->has_manager ? &options->manager : NULL, &managers));
    bool is_balanced = false;
    for (uint32_t i = 0; i < REBALANCE_MOVES_MAX; i++) {
        size_t mark = rind_arena_mark(cli->arena);
        RIND_TRY(rebalance_once(cli, options, &managers, &is_balanced));
        rind_arena_release(cli->arena, mark);
        if (is_balanced || !options->is_full) {
            return RIND_OK;
        }
    }
    return rind_fail(&cli->ctx, RIND_E_LIMIT,
                     "still not balanced after %u moves; see 'rind groups --watch'",
                     REBALANCE_MOVES_MAX);
}

int rind_cli_rebalance(struct rind_cli *cli, int argc, char *const *argv)
{
    struct rebalance_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        RIND_CLI_MANAGER_FLAG(options.manager, options.has_manager),
        {.name = "full",
         .letter = 'f',
         .kind = RIND_FLAG_BOOL,
         .help = "Go on until nothing is left to move.",
         .value = &options.is_full},
        RIND_CLI_JSON_FLAG(options.is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind rebalance",
        .about = "Moves the leadership of one group from a busy HSM to one with less to do.",
        .example = "rind rebalance --store lmdb:/var/lib/rind/store --full",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, rebalance_run(cli, &options));
}
