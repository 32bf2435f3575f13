/* main.c - `rind`: a table of commands, and the one that was asked for. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define ARENA_SIZE_BYTES (256u << 20) /* addresses, not memory: only what is used costs any */

struct command {
    const char *name;
    rind_cli_run run;
    const char *about;
};

static const struct command commands[] = {
    {"demo", rind_cli_demo, "run a whole realm on this machine and show what it does"},
    {"bench", rind_cli_bench, "measure a realm, its core or its store"},
    {"agents", rind_cli_agents, "show every agent, its HSM and its groups"},
    {"groups", rind_cli_groups, "show who leads what, positions and ranges"},
    {"new-keys", rind_cli_new_keys, "make realm keys for software HSMs"},
    {"new-realm", rind_cli_new_realm, "make a realm on one agent's HSM"},
    {"join-realm", rind_cli_join_realm, "let more HSMs join a realm"},
    {"new-group", rind_cli_new_group, "make a group of HSMs"},
    {"configuration", rind_cli_configuration, "print a client configuration"},
    {"auth-token", rind_cli_auth_token, "make a token for a test tenant's user"},
};

static void print_usage(FILE *out)
{
    (void)fprintf(out, "rind - operate, show and measure PIN-protected secret recovery\n\n"
                       "Usage: rind COMMAND [OPTIONS]\n\nCommands:\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        (void)fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].about);
    }
    (void)fprintf(out, "\n'rind COMMAND --help' explains a command. Example:\n"
                       "  rind demo --minimal\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
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

int main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
        const struct rind_command self = {.program = "rind"};
        rind_flags_version(&self, stdout);
        return 0;
    }
    bool is_help = argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
                                 strcmp(argv[1], "help") == 0);
    if (is_help && argc == 2) {
        print_usage(stdout);
        return 0;
    }
    /* `rind help COMMAND` is `rind COMMAND --help`. */
    const char *name = is_help ? argv[2] : argc >= 2 ? argv[1] : NULL;
    if (name == NULL) {
        print_usage(stderr);
        return RIND_EXIT_USAGE;
    }
    const struct command *command = find_command(name);
    if (command == NULL) {
        (void)fprintf(stderr, "error: there is no command '%s'; 'rind --help' lists them\n", name);
        return RIND_EXIT_USAGE;
    }
    struct rind_cli cli = {0};
    rind_ctx_init(&cli.ctx, NULL);
    int exit_status;
    rind_status opened = open_cli(&cli);
    if (!rind_is_ok(opened)) {
        exit_status = rind_cli_exit(&cli, opened);
    } else if (is_help) {
        char help[] = "--help";
        char *const arguments[] = {argv[2], help, NULL};
        exit_status = command->run(&cli, 2, arguments);
    } else {
        exit_status = command->run(&cli, argc - 1, argv + 1);
    }
    close_cli(&cli);
    return exit_status;
}
