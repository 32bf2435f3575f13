/*
 * command.h - what every command of `rind` starts from: a context, a log, and, for those that talk
 * to a realm, a store and a client.
 *
 * A command is one file with one function of type rind_cli_run and one row in main.c's table. It
 * prints results to stdout; a fault ends it with `error: <sentence>` on stderr and status 1, a
 * wrong command line with status 2. One thread.
 */
#ifndef RIND_CLI_COMMAND_H
#define RIND_CLI_COMMAND_H

#include <stdbool.h>
#include <stdio.h>

#include "base/base.h"
#include "cluster/cluster.h"
#include "host/host.h"
#include "net/net.h"
#include "store/store.h"

#define RIND_CLI_EXIT_FAULT 1

/* Of one agent's status. Agents that are up answer within milliseconds. */
#define RIND_CLI_STATUS_TIMEOUT_MS 5000u

struct rind_cli {
    struct rind_ctx ctx;
    struct rind_arena *arena;
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_bigtable_flags bigtable; /* of every command that has --store */
    /* Open only between rind_cli_connect and the command's end. */
    struct rind_store *store;
    struct rind_client *client;
    struct rind_cluster cluster;
    FILE *man; /* not NULL: commands print their part of the man page there and do nothing else */
};

/* argv[0] is the command's name. Returns the exit status. */
typedef int (*rind_cli_run)(struct rind_cli *cli, int argc, char *const *argv);

/* The flag every command has that reads service discovery. */
struct rind_cli_store_flag {
    const char *store;
};

/* A row for --store, whose value goes to `flag`. */
#define RIND_CLI_STORE_FLAG(flag)                                                                  \
    {                                                                                              \
        .name = "store", .value_name = "STORE", .environment = "RIND_STORE",                       \
        .kind = RIND_FLAG_TEXT, .is_required = true,                                               \
        .help = "Where the realm keeps its rows: lmdb:DIRECTORY or bigtable, the same as its "     \
                "agents use.",                                                                     \
        .value = &(flag)                                                                           \
    }

/* A row for --json. */
#define RIND_CLI_JSON_FLAG(flag)                                                                   \
    {                                                                                              \
        .name = "json", .kind = RIND_FLAG_BOOL,                                                    \
        .help = "Print the result as one line of JSON, for scripts.", .value = &(flag)             \
    }

/* A row for the cluster manager to ask. */
#define RIND_CLI_MANAGER_FLAG(url, is_given_flag)                                                  \
    {                                                                                              \
        .name = "cluster", .letter = 'c', .value_name = "URL", .kind = RIND_FLAG_URL,              \
        .help = "Cluster manager to ask. Default: the first in service discovery that answers.",   \
        .value = &(url), .is_given = &(is_given_flag)                                              \
    }

/* rind_flags_or_exit for commands: true if the command shall run. One that has --store gets the
 * flags that say which Bigtable. */
bool rind_cli_flags(struct rind_cli *cli, const struct rind_command *command, int argc,
                    char *const *argv, int *exit_status);

/*
 * The value of --configuration: JSON, or "@FILE" with it: JSON never begins so, and units cannot
 * run $(cat FILE). The text is the given one or lies in the arena.
 */
rind_status rind_cli_read_configuration(struct rind_ctx *ctx, const char *given,
                                        const char **json) RIND_MUST_USE;

/* Opens store and client; the sentence names what is wrong. */
rind_status rind_cli_connect(struct rind_cli *cli, const char *store_name) RIND_MUST_USE;

/* What all agents said; in the command's arena. */
struct rind_cli_view {
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
};

/* Asks all agents in service discovery. Connected only. */
rind_status rind_cli_look(struct rind_cli *cli, struct rind_cli_view *view) RIND_MUST_USE;

/*
 * RIND_E_UNAVAILABLE, naming one, if agents did not answer, and RIND_E_INVALID if two serve one
 * HSM: for commands to return after they have shown the rest, so that scripts see it.
 */
rind_status rind_cli_require_all(struct rind_cli *cli,
                                 const struct rind_cli_view *view) RIND_MUST_USE;

/* Prints a JSON document as one line and releases it. NULL (no memory) is an error. */
rind_status rind_cli_print_json(struct rind_cli *cli, json_t *root_take) RIND_MUST_USE;

/* A JSON string of the bytes in hex; NULL when out of memory. */
json_t *rind_cli_json_hex(struct rind_slice bytes);

/* Prints "error: <sentence>" and returns RIND_CLI_EXIT_FAULT; 0 for RIND_OK. */
int rind_cli_exit(struct rind_cli *cli, rind_status status);

/* The commands. */
int rind_cli_agents(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_assimilate(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_auth_token(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_bench(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_chaos(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_check(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_configuration(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_demo(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_groups(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_join_realm(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_group(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_keys(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_realm(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_partitions(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_rebalance(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_set_capacity(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_store_check(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_store_copy(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_store_stats(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_stepdown(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_table_stats(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_tenant_log(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_token_create(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_token_random(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_token_validate(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_transfer(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_transfer_planned(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_user_summary(struct rind_cli *cli, int argc, char *const *argv);

#endif
