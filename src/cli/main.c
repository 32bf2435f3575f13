/* main.c - `rind`: a table of commands, and the one that was asked for. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define ARENA_SIZE_BYTES (256u << 20) /* addresses, not memory: only what is used costs any */

/* `name` of a command in a group is what follows the group's name. */
struct command {
    const char *group; /* NULL: none */
    const char *name;
    rind_cli_run run;
    const char *about;
    const char *heading; /* of this command and those after it; NULL: goes on */
};

static int print_man(struct rind_cli *cli, int argc, char *const *argv);

static const struct command commands[] = {
    {NULL, "demo", rind_cli_demo, "run a whole realm on this machine and show what it does",
     "Trying and measuring"},
    {NULL, "bench", rind_cli_bench, "measure a realm, its core or its store", NULL},
    {NULL, "chaos", rind_cli_chaos, "attack a realm while users use it, and check every promise",
     NULL},
    {NULL, "agents", rind_cli_agents, "show every agent, its HSM and its groups", "Looking"},
    {NULL, "groups", rind_cli_groups, "show who leads what, positions and ranges", NULL},
    {NULL, "partitions", rind_cli_partitions, "show which group owns which records", NULL},
    {NULL, "check", rind_cli_check, "check a realm from where clients are, for monitoring", NULL},
    {NULL, "user-summary", rind_cli_user_summary, "count users per realm and tenant", NULL},
    {NULL, "table-stats", rind_cli_table_stats, "count what a realm's tables hold", NULL},
    {NULL, "tenant-log", rind_cli_tenant_log, "read what happened to a tenant's users", NULL},
    {NULL, "new-keys", rind_cli_new_keys, "make realm keys for software HSMs",
     "Making and changing realms"},
    {NULL, "new-realm", rind_cli_new_realm, "make a realm on one agent's HSM", NULL},
    {NULL, "join-realm", rind_cli_join_realm, "let more HSMs join a realm", NULL},
    {NULL, "new-group", rind_cli_new_group, "make a group of HSMs", NULL},
    {NULL, "transfer", rind_cli_transfer, "move records from one group to another", NULL},
    {NULL, "stepdown", rind_cli_stepdown, "move leaderships away from an HSM or a group", NULL},
    {NULL, "rebalance", rind_cli_rebalance, "move a leadership to an HSM with less to do", NULL},
    {"experimental", "transfer", rind_cli_transfer_planned, "give a group exactly a range", NULL},
    {"experimental", "assimilate", rind_cli_assimilate, "spread a realm evenly over all HSMs",
     NULL},
    {"store", "stats", rind_cli_store_stats, "count the rows and bytes of every table",
     "A realm's store"},
    {"store", "check", rind_cli_store_check, "verify every node of a realm's trees", NULL},
    {"store", "copy", rind_cli_store_copy, "copy a store to another, and compare", NULL},
    {NULL, "configuration", rind_cli_configuration, "print a client configuration",
     "Clients and tenants"},
    {"tenant", "set-capacity", rind_cli_set_capacity, "set a tenant's share of the capacity", NULL},
    {NULL, "auth-token", rind_cli_auth_token, "make a token for a test tenant's user", NULL},
    {"token", "create", rind_cli_token_create, "make a token with a key given in hex", NULL},
    {"token", "validate", rind_cli_token_validate, "check a token as a realm does", NULL},
    {"token", "random", rind_cli_token_random, "make a random key for tokens", NULL},
    {NULL, "man", print_man, "print the manual page", "Reading"},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_command(FILE *out, const struct command *command)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s%s%s", command->group != NULL ? command->group : "",
                   command->group != NULL ? " " : "", command->name);
    (void)fprintf(out, "  %-24s %s\n", name, command->about);
}

static void print_usage(FILE *out)
{
    (void)fprintf(out, "rind - operate, show and measure PIN-protected secret recovery\n\n"
                       "Usage: rind COMMAND [OPTIONS]\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].heading != NULL) {
            (void)fprintf(out, "\n%s:\n", commands[i].heading);
        }
        print_command(out, &commands[i]);
    }
    (void)fprintf(out, "\n'rind COMMAND --help' explains a command. Example:\n"
                       "  rind demo --minimal\n");
}

static void print_group_usage(FILE *out, const char *group)
{
    (void)fprintf(out, "Usage: rind %s COMMAND [OPTIONS]\n\nCommands:\n", group);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].group != NULL && strcmp(commands[i].group, group) == 0) {
            print_command(out, &commands[i]);
        }
    }
    (void)fprintf(out, "\n'rind %s COMMAND --help' explains a command.\n", group);
}

static bool is_group(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i].group != NULL && strcmp(commands[i].group, name) == 0) {
            return true;
        }
    }
    return false;
}

static const struct command *find_command(const char *group, const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        bool is_in_group = group == NULL
                               ? commands[i].group == NULL
                               : commands[i].group != NULL && strcmp(commands[i].group, group) == 0;
        if (is_in_group && strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* roff: each command's part comes from its own table of flags. tests/cli compares docs/man. */
static int print_man(struct rind_cli *cli, int argc, char *const *argv)
{
    const struct rind_command self = {.program = "rind man",
                                      .about = "Prints this manual page, as roff.",
                                      .example = "rind man | man -l -"};
    int exit_status;
    if (!rind_cli_flags(cli, &self, argc, argv, &exit_status)) {
        return exit_status;
    }
    (void)printf(
        ".\\\" Printed by 'rind man' from the tables of flags; tools/update-man puts it here.\n"
        ".TH RIND 1\n.SH NAME\nrind \\- operate, show and measure PIN\\-protected secret "
        "recovery\n.SH SYNOPSIS\n.B rind\n\\fICOMMAND\\fR [\\fIOPTIONS\\fR]\n"
        ".SH DESCRIPTION\n"
        "One program for everything an operator does with realms: looking at them, making "
        "them, moving work and records between HSMs, making tokens. Commands that look at "
        "a realm find its agents in the service discovery of its store. Results go to "
        "stdout; with \\-\\-json as one line of JSON. A fault is one line on stderr, "
        "beginning with \"error:\".\n"
        ".SH \"EXIT STATUS\"\n0 if all went well, 1 after a fault (also if only some of "
        "the agents answered), 2 if the command line cannot be.\n"
        ".SH ENVIRONMENT\n.TP\n.B RIND_STORE\nDefault of \\-\\-store.\n"
        ".TP\n.B LOGLEVEL\nERROR (default), WARN, INFO, DEBUG or TRACE; logs go to "
        "stderr.\n");
    cli->man = stdout;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        char name[] = "rind";
        char help[] = "--help";
        char *const arguments[] = {name, help, NULL};
        (void)commands[i].run(cli, 2, arguments);
    }
    cli->man = NULL;
    (void)printf(".SH \"SEE ALSO\"\n.BR rind\\-agent (1),\n.BR rind\\-cluster\\-manager (1),\n"
                 ".BR rind\\-load\\-balancer (1)\n");
    return 0;
}

static rind_status open_cli(struct rind_cli *cli)
{
    enum rind_log_level level;
    RIND_TRY(rind_arena_map(&cli->ctx, ARENA_SIZE_BYTES, &cli->arena));
    cli->ctx.arena = cli->arena;
    RIND_TRY(rind_log_level_from_environment(&cli->ctx, RIND_LOG_LEVEL_ERROR, &level));
    RIND_TRY(rind_log_open(&cli->ctx, STDERR_FILENO, RIND_LOG_FORMAT_TEXT, level, &cli->sink));
    cli->log = rind_log_make(cli->sink);
    return RIND_OK;
}

static void close_cli(struct rind_cli *cli)
{
    rind_client_close(cli->client);
    rind_store_close(cli->store);
    rind_log_close(cli->sink);
    rind_arena_unmap(cli->arena);
}

/* Runs the command with argv, whose first element is its (last) name. */
static int run_command(const struct command *command, int argc, char *const *argv)
{
    struct rind_cli cli = {0};
    int exit_status;
    rind_ctx_init(&cli.ctx, NULL);
    rind_status opened = open_cli(&cli);
    if (rind_is_ok(opened)) {
        exit_status = command->run(&cli, argc, argv);
    } else {
        exit_status = rind_cli_exit(&cli, opened);
    }
    close_cli(&cli);
    if (fflush(stdout) != 0 && exit_status == 0) {
        (void)fprintf(stderr, "error: the output could not be written\n");
        exit_status = RIND_CLI_EXIT_FAULT;
    }
    return exit_status;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* argv[1..] are a command's words and options; `is_explained` turns it into its --help. */
static int dispatch(int argc, char **argv, bool is_explained)
{
    const char *group =
        argc > 1 && is_group(argv[1]) && find_command(NULL, argv[1]) == NULL ? argv[1] : NULL;
    int at = group != NULL ? 2 : 1;
    if (argc <= at || (group != NULL && is_help(argv[at]))) {
        bool is_wanted = is_explained || argc > at;
        FILE *out = is_wanted ? stdout : stderr;
        if (group != NULL) {
            print_group_usage(out, group);
        } else {
            print_usage(out);
        }
        return is_wanted ? 0 : RIND_EXIT_USAGE;
    }
    const struct command *command = find_command(group, argv[at]);
    if (command == NULL) {
        (void)fprintf(stderr, "error: there is no command '%s%s%s'; 'rind --help' lists them\n",
                      group != NULL ? group : "", group != NULL ? " " : "", argv[at]);
        return RIND_EXIT_USAGE;
    }
    if (is_explained) {
        char help[] = "--help";
        char *const arguments[] = {argv[at], help, NULL};
        return run_command(command, 2, arguments);
    }
    return run_command(command, argc - at, argv + at);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        const struct rind_command self = {.program = "rind"};
        rind_flags_version(&self, stdout);
        return 0;
    }
    /* `rind help COMMAND` is `rind COMMAND --help`. */
    if (argc >= 2 && is_help(argv[1])) {
        return dispatch(argc - 1, argv + 1, true);
    }
    return dispatch(argc, argv, false);
}
