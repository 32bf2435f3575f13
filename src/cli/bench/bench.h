/*
 * bench.h - `rind bench`: what a realm, its core and its store cost.
 *
 * Each benchmark is a file with a command (core.c, cluster.c, tree.c) over what it runs on:
 * core_host, core_user, core_run, sparse_tree (the core alone); the same with full_tree, tree_store
 * (the core and a store); load, workload, usage, report, plot (a realm through its balancer). All
 * print figures as text, or as one JSON object with --json. No figure fails a run; only what could
 * not be measured does. Methods and results: docs/performance.md.
 */
#ifndef RIND_CLI_BENCH_BENCH_H
#define RIND_CLI_BENCH_BENCH_H

#include <jansson.h>

#include "cli/command.h"

/* A row for --json. */
#define RIND_BENCH_JSON_FLAG(flag)                                                                 \
    {                                                                                              \
        .name = "json", .kind = RIND_FLAG_BOOL, .help = "Print one JSON object instead of text.",  \
        .value = &(flag)                                                                           \
    }

/* Prints `root` to stdout, indented. RIND_E_LIMIT if it was never made, for want of memory. */
rind_status rind_bench_print_json(struct rind_ctx *ctx, const json_t *root) RIND_MUST_USE;

int rind_bench_cluster(struct rind_cli *cli, int argc, char *const *argv);
int rind_bench_core(struct rind_cli *cli, int argc, char *const *argv);
int rind_bench_hsm(struct rind_cli *cli, int argc, char *const *argv);
int rind_bench_tree(struct rind_cli *cli, int argc, char *const *argv);

#endif
