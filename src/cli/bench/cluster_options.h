/* cluster_options.h - the command lines of `rind bench cluster` and `rind bench hsm`. */
#ifndef RIND_CLI_BENCH_CLUSTER_OPTIONS_H
#define RIND_CLI_BENCH_CLUSTER_OPTIONS_H

#include "cli/bench/report.h"
#include "cli/bench/workload.h"
#include "cli/command.h"
#include "cli/realm/local.h"

struct rind_bench_cluster_options {
    /* What is done. */
    uint64_t concurrency;
    uint64_t user_count;
    uint64_t duration_ns; /* 0: user_count operations each */
    uint64_t rate;        /* per second; 0: closed loop */
    uint64_t overload;    /* times the throughput of the plan's recovers; 0: no such phase */
    struct rind_flag_texts plan_texts;
    enum rind_workload_operation plan[RIND_REPORT_PHASES_MAX];
    size_t plan_count;
    const char *tenant;
    const char *user_prefix;
    uint64_t user_start;
    uint64_t pool_count;
    /* What is told. */
    uint64_t reporting_interval_ns;
    const char *results_file;
    const char *plot_file;
    bool is_json;
    /* A realm that runs ... */
    const char *configuration;
    struct rind_flag_texts certificates;
    const char *secrets_file;
    const char *info_file;
    /* ... or one of our own. */
    bool is_started;
    bool is_minimal;
    bool has_hsms;
    bool has_groups;
    uint64_t hsm_count;
    uint64_t group_count;
    const char *store;
    struct rind_local_options local;
};

/* As rind_cli_flags. */
bool rind_bench_cluster_parse(struct rind_cli *cli, struct rind_bench_cluster_options *options,
                              int argc, char *const *argv, int *exit_status);
bool rind_bench_hsm_parse(struct rind_cli *cli, struct rind_bench_cluster_options *options,
                          int argc, char *const *argv, int *exit_status);

/* From flags to the realm and the plan. RIND_E_INVALID for what does not go together. */
rind_status rind_bench_cluster_plan(struct rind_ctx *ctx,
                                    struct rind_bench_cluster_options *options) RIND_MUST_USE;

#endif
