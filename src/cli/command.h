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

#include "base/base.h"
#include "cluster/cluster.h"
#include "host/host.h"
#include "net/net.h"
#include "store/store.h"

#define RIND_CLI_EXIT_FAULT 1

struct rind_cli {
    struct rind_ctx ctx;
    struct rind_arena *arena;
    struct rind_log_sink *sink;
    struct rind_log log;
    /* Open only between rind_cli_connect and the command's end. */
    struct rind_store *store;
    struct rind_client *client;
    struct rind_cluster cluster;
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
        .help = "Where the realm keeps its rows: lmdb:DIRECTORY, the same as its agents use.",     \
        .value = &(flag)                                                                           \
    }

/* Opens store and client; the sentence names what is wrong. */
rind_status rind_cli_connect(struct rind_cli *cli, const char *store_name) RIND_MUST_USE;

/* Prints "error: <sentence>" and returns RIND_CLI_EXIT_FAULT; 0 for RIND_OK. */
int rind_cli_exit(struct rind_cli *cli, rind_status status);

/* The commands. */
int rind_cli_agents(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_auth_token(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_bench(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_configuration(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_demo(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_groups(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_join_realm(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_group(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_keys(struct rind_cli *cli, int argc, char *const *argv);
int rind_cli_new_realm(struct rind_cli *cli, int argc, char *const *argv);

#endif
