/* cluster_options.c - see cluster_options.h. */
#include "cli/bench/cluster_options.h"

#include <string.h>

#include "cli/bench/bench.h"

/* Unless told otherwise, no tenant of our own realm is held back. */
#define CLUSTER_RATE_LIMIT "1000000"

#define CLUSTER_LOAD_FLAGS(options, concurrency_default, count_default, pools_default)             \
    {.name = "concurrency",                                                                        \
     .value_name = "N",                                                                            \
     .kind = RIND_FLAG_U64,                                                                        \
     .fallback = (concurrency_default),                                                            \
     .min = 1,                                                                                     \
     .max = RIND_LOAD_WORKERS_MAX,                                                                 \
     .help = "Operations under way at a time; with --rate, at most.",                              \
     .value = &(options)->concurrency},                                                            \
        {.name = "count",                                                                          \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .fallback = (count_default),                                                              \
         .min = 1,                                                                                 \
         .max = 100000000,                                                                         \
         .help = "Users, and operations of each kind unless --duration is given.",                 \
         .value = &(options)->user_count},                                                         \
        {.name = "duration",                                                                       \
         .value_name = "TIME",                                                                     \
         .kind = RIND_FLAG_DURATION,                                                               \
         .max = RIND_LOAD_SECONDS_MAX * RIND_NS_PER_S,                                             \
         .help = "Do each kind of operation for this long, from user to user and round again.",    \
         .value = &(options)->duration_ns},                                                        \
        {.name = "rate",                                                                           \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .max = 1000000,                                                                           \
         .help = "Open loop: start so many operations per second, whatever became of those "       \
                 "before. Latencies count from when an operation was due. Default: closed loop.",  \
         .value = &(options)->rate},                                                               \
        {.name = "overload",                                                                       \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .max = 10,                                                                                \
         .help = "After the plan: recovers due at N times the rate that the plan's recovers came " \
                 "to, for --duration, by up to 4096 users at a time; then, at once, the plan's "   \
                 "load again for five seconds.",                                                   \
         .value = &(options)->overload},                                                           \
        {.name = "plan",                                                                           \
         .value_name = "OP",                                                                       \
         .kind = RIND_FLAG_TEXTS,                                                                  \
         .help = "Operations, in order: register, recover, delete or auth-error; separated by "    \
                 "commas or repeated. Default: register,recover,delete.",                          \
         .value = &(options)->plan_texts},                                                         \
        {.name = "conn-pool",                                                                      \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .fallback = (pools_default),                                                              \
         .max = RIND_WORKLOAD_POOLS_MAX,                                                           \
         .help = "Pools of connections; 0 and 1: one for all.",                                    \
         .value = &(options)->pool_count},                                                         \
        {.name = "reporting-interval",                                                             \
         .value_name = "TIME",                                                                     \
         .kind = RIND_FLAG_DURATION,                                                               \
         .fallback = "10s",                                                                        \
         .min = RIND_NS_PER_S,                                                                     \
         .help = "Between two lines of progress, if they do not go to a terminal.",                \
         .value = &(options)->reporting_interval_ns},                                              \
        {.name = "results-file",                                                                   \
         .value_name = "FILE",                                                                     \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .help = "Write all figures there, as JSON.",                                              \
         .value = &(options)->results_file},                                                       \
        {.name = "plot",                                                                           \
         .value_name = "FILE",                                                                     \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .help = "Draw latency and throughput over time there, as SVG.",                           \
         .value = &(options)->plot_file},                                                          \
        {.name = "tenant",                                                                         \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .fallback = RIND_LOCAL_TENANT,                                                            \
         .help = "Whose users; must start with 'test-'.",                                          \
         .value = &(options)->tenant},                                                             \
        {.name = "user-prefix",                                                                    \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .fallback = RIND_LOCAL_USER,                                                              \
         .help = "Users are called this and a number.",                                            \
         .value = &(options)->user_prefix},                                                        \
        {.name = "user-start",                                                                     \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .fallback = "0",                                                                          \
         .help = "Number of the first user.",                                                      \
         .value = &(options)->user_start},                                                         \
        RIND_BENCH_JSON_FLAG((options)->is_json)

static const char *const cluster_stores[] = {"lmdb", "bigtable", NULL};

#define CLUSTER_REALM_FLAGS(options)                                                               \
    {.name = "store",                                                                              \
     .kind = RIND_FLAG_CHOICE,                                                                     \
     .choices = cluster_stores,                                                                    \
     .fallback = "lmdb",                                                                           \
     .help = "Engine of the realm's store, as for 'rind demo'. Processor time of a Bigtable "      \
             "emulator that is started for it is told apart.",                                     \
     .value = &(options)->store},                                                                  \
        {.name = "state",                                                                          \
         .value_name = "DIR",                                                                      \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .help =                                                                                   \
             "Keep the realm in this directory, and go on with what is there. Default: a fresh "   \
             "one, removed at the end.",                                                           \
         .value = &(options)->local.state_directory},                                              \
    {                                                                                              \
        .name = "rate-limit", .kind = RIND_FLAG_U64, .fallback = CLUSTER_RATE_LIMIT, .min = 1,     \
        .max = 1000000, .help = "Requests per second that a tenant of the realm may make.",        \
        .value = &(options)->local.rate_limit                                                      \
    }

bool rind_bench_cluster_parse(struct rind_cli *cli, struct rind_bench_cluster_options *options,
                              int argc, char *const *argv, int *exit_status)
{
    const struct rind_flag load[] = {CLUSTER_LOAD_FLAGS(options, "3", "100", "0")};
    const struct rind_flag running[] = {
        {.name = "configuration",
         .value_name = "JSON",
         .kind = RIND_FLAG_TEXT,
         .help = "Client configuration, or @FILE with it; PINs are hashed with FastInsecure, "
                 "whatever it says.",
         .value = &options->configuration},
        {.name = "tls-certificate",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXTS,
         .help = "The only roots to trust, DER or PEM; may be repeated. Default: the system's.",
         .value = &options->certificates},
        {.name = "secrets-file",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "JSON file with the tenant's keys.",
         .value = &options->secrets_file},
        {.name = "info",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "What 'rind demo --info' wrote: the processes whose CPU and memory are told.",
         .value = &options->info_file},
    };
    const struct rind_flag own[] = {
        {.name = "start",
         .kind = RIND_FLAG_BOOL,
         .help = "Run a realm on this machine for the benchmark, as 'rind demo' does.",
         .value = &options->is_started},
        {.name = "minimal",
         .kind = RIND_FLAG_BOOL,
         .help = "One realm of one HSM, instead of two realms of five and three.",
         .value = &options->is_minimal},
        {.name = "hsms",
         .kind = RIND_FLAG_U64,
         .fallback = "3",
         .min = 1,
         .max = RIND_LOCAL_HSMS_MAX,
         .help = "One realm with this many HSMs.",
         .value = &options->hsm_count,
         .is_given = &options->has_hsms},
        {.name = "groups",
         .kind = RIND_FLAG_U64,
         .fallback = "1",
         .min = 1,
         .max = RIND_LOCAL_GROUPS_MAX,
         .help = "One realm with this many groups, each of all its HSMs.",
         .value = &options->group_count,
         .is_given = &options->has_groups},
        CLUSTER_REALM_FLAGS(options)};
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, load),
                                             RIND_FLAG_TABLE("A realm that runs", running),
                                             RIND_FLAG_TABLE("A realm of its own", own)};
    const struct rind_command command = {
        .program = "rind bench cluster",
        .about = "Measures a realm through its balancer: throughput, latency, CPU of all servers.",
        .example = "rind bench cluster --start --minimal --concurrency 64 --count 2000\n"
                   "  rind bench cluster --start --hsms 5 --groups 3 --plan register,recover "
                   "--rate 100 --duration 30s --json",
        .tables = tables,
        .table_count = 3};
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

bool rind_bench_hsm_parse(struct rind_cli *cli, struct rind_bench_cluster_options *options,
                          int argc, char *const *argv, int *exit_status)
{
    const struct rind_flag load[] = {CLUSTER_LOAD_FLAGS(options, "3", "100", "10")};
    const struct rind_flag own[] = {{.name = "num-agents",
                                     .value_name = "N",
                                     .kind = RIND_FLAG_U64,
                                     .fallback = "5",
                                     .min = 1,
                                     .max = RIND_LOCAL_HSMS_MAX,
                                     .help = "HSMs, each with its agent, all in one group.",
                                     .value = &options->hsm_count},
                                    CLUSTER_REALM_FLAGS(options)};
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, load),
                                             RIND_FLAG_TABLE("The realm", own)};
    const struct rind_command command = {.program = "rind bench hsm",
                                         .about =
                                             "Measures one group of HSMs on a realm of its own.",
                                         .example = "rind bench hsm --concurrency 64 --count 2000",
                                         .tables = tables,
                                         .table_count = 2};
    options->is_started = true;
    options->has_hsms = true;
    options->group_count = 1;
    options->local.manager_count = 2;
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

/* ---- from flags to a plan ---- */

static rind_status cluster_plan_operation(struct rind_ctx *ctx,
                                          struct rind_bench_cluster_options *options,
                                          struct rind_slice name)
{
    RIND_REQUIRE(ctx, options->plan_count < RIND_REPORT_PHASES_MAX, RIND_E_INVALID,
                 "--plan has more than %u operations", RIND_REPORT_PHASES_MAX);
    for (unsigned o = 0; o < RIND_WORKLOAD_OPERATIONS; o++) {
        enum rind_workload_operation operation = (enum rind_workload_operation)o;
        if (rind_slice_is_text(name, rind_workload_operation_name(operation))) {
            options->plan[options->plan_count++] = operation;
            return RIND_OK;
        }
    }
    return rind_fail(ctx, RIND_E_INVALID,
                     "--plan: '%.*s' is none of register, recover, delete, auth-error",
                     (int)name.length, (const char *)name.data);
}

static rind_status cluster_plan_text(struct rind_ctx *ctx,
                                     struct rind_bench_cluster_options *options, const char *text)
{
    for (;;) {
        size_t length = strcspn(text, ",");
        RIND_TRY(cluster_plan_operation(ctx, options, rind_slice_make(text, length)));
        if (text[length] == 0) {
            return RIND_OK;
        }
        text += length + 1;
    }
}

static void cluster_plan_realms(struct rind_bench_cluster_options *options)
{
    struct rind_local_options *local = &options->local;
    local->store =
        strcmp(options->store, "bigtable") == 0 ? RIND_LOCAL_STORE_BIGTABLE : RIND_LOCAL_STORE_LMDB;
    local->balancer_count = 1;
    local->realm_count = 1;
    if (options->is_minimal) {
        local->realms[0] = (struct rind_local_realm_plan){.hsm_count = 1};
        return;
    }
    if (local->manager_count == 0) {
        local->manager_count = 1;
    }
    if (options->has_hsms || options->has_groups) {
        local->realms[0] =
            (struct rind_local_realm_plan){.hsm_count = (uint32_t)options->hsm_count,
                                           .group_count = (uint32_t)options->group_count};
        return;
    }
    local->realms[0] = (struct rind_local_realm_plan){.hsm_count = 5, .group_count = 2};
    local->realms[1] = (struct rind_local_realm_plan){.hsm_count = 3, .group_count = 2};
    local->realm_count = 2;
}

rind_status rind_bench_cluster_plan(struct rind_ctx *ctx,
                                    struct rind_bench_cluster_options *options)
{
    bool has_running = options->configuration != NULL || options->certificates.count > 0 ||
                       options->secrets_file != NULL || options->info_file != NULL;
    bool has_shape = options->has_hsms || options->has_groups;
    RIND_REQUIRE(ctx, !options->is_started || !has_running, RIND_E_INVALID,
                 "--start makes a realm; leave out --configuration, --tls-certificate, "
                 "--secrets-file and --info, or --start");
    RIND_REQUIRE(ctx,
                 options->is_started ||
                     (options->configuration != NULL && options->secrets_file != NULL),
                 RIND_E_INVALID,
                 "say which realm: --configuration and --secrets-file, or --start for a new one");
    RIND_REQUIRE(ctx, options->is_started || (!options->is_minimal && !has_shape), RIND_E_INVALID,
                 "--minimal, --hsms and --groups shape a realm that --start starts");
    RIND_REQUIRE(ctx, options->overload == 0 || options->duration_ns > 0, RIND_E_INVALID,
                 "--overload needs --duration");
    RIND_REQUIRE(ctx, !(options->is_minimal && has_shape), RIND_E_INVALID,
                 "--minimal is one HSM; leave out --hsms and --groups, or --minimal");
    if (options->plan_texts.count == 0) {
        RIND_TRY(cluster_plan_text(ctx, options, "register,recover,delete"));
    }
    for (size_t i = 0; i < options->plan_texts.count; i++) {
        RIND_TRY(cluster_plan_text(ctx, options, options->plan_texts.values[i]));
    }
    bool has_recover = false;
    for (size_t i = 0; i < options->plan_count; i++) {
        has_recover = has_recover || options->plan[i] == RIND_WORKLOAD_RECOVER;
    }
    RIND_REQUIRE(ctx, options->overload == 0 || has_recover, RIND_E_INVALID,
                 "--overload is measured in recovers; the plan needs one");
    RIND_REQUIRE(ctx, options->overload == 0 || options->plan_count + 2 <= RIND_REPORT_PHASES_MAX,
                 RIND_E_INVALID, "--overload adds two to the plan, which has at most %u operations",
                 RIND_REPORT_PHASES_MAX);
    if (options->is_started) {
        cluster_plan_realms(options);
    }
    return RIND_OK;
}
