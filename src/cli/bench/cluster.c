/*
 * cluster.c - `rind bench cluster` and `rind bench hsm`: a realm through its balancer.
 *
 * Question: how many operations per second, how fast, and for how much CPU of all servers together?
 * Spec: 08 sections 15 and 18.4; what we do beyond it: open loop, a realm of our own, CPU and
 * memory of the servers, progress, plots.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench/bench.h"
#include "cli/bench/cluster_options.h"
#include "cli/bench/plot.h"
#include "cli/bench/report.h"
#include "cli/bench/roots.h"

#define CLUSTER_FLOOR_REPEATS 512u
#define CLUSTER_AFTER_OVERLOAD_NS (5 * RIND_NS_PER_S)

struct cluster_run {
    struct rind_cli *cli;
    const struct rind_bench_cluster_options *options;
    struct rind_stopper *stopper;
    struct rind_workload *workload;
    struct rind_usage usage;
    struct rind_report report;
    bool is_terminal;
    uint64_t next_line_ns; /* when progress is told again, if not on a terminal */
};

/* ---- progress ---- */

static void cluster_progress(void *self, const struct rind_load_progress *progress)
{
    struct cluster_run *run = self;
    uint64_t now_ns = rind_clock_monotonic_ns();
    if (!run->is_terminal && now_ns < run->next_line_ns) {
        return;
    }
    run->next_line_ns = now_ns + run->options->reporting_interval_ns;
    (void)fprintf(stderr,
                  "%s%7.0f s  %9" PRIu64 " done  %6" PRIu64 " errors  %8.1f/s  p50 %8.2f ms  p99 "
                  "%8.2f ms%s",
                  run->is_terminal ? "\r\033[K" : "", progress->last.at_s, progress->ok_count,
                  progress->error_count,
                  (double)progress->last.ok_count / progress->last.duration_s,
                  (double)progress->last.p50_us / 1000.0, (double)progress->last.p99_us / 1000.0,
                  run->is_terminal ? "" : "\n");
    (void)fflush(stderr);
}

/* ---- the plan ---- */

static rind_status cluster_warm_up(struct cluster_run *run)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    const struct rind_load_options once = {.worker_count = 1, .count = 1};
    struct rind_load_job job = rind_workload_job(run->workload, RIND_WORKLOAD_REGISTER);
    struct rind_load_result *result = calloc(1, sizeof(*result));
    RIND_REQUIRE(ctx, result != NULL, RIND_E_LIMIT, "no memory for the results");
    rind_status status = rind_load_run(ctx, &once, &job, result);
    bool is_registered = result->ok.count == 1;
    unsigned kind = 1;
    while (kind + 1 < RIND_LOAD_KINDS_MAX && result->kind_counts[kind] == 0) {
        kind++;
    }
    free(result);
    RIND_TRY(status);
    RIND_REQUIRE(
        ctx, is_registered, RIND_E_UNAVAILABLE,
        "the first user could not register (%s); does the realm serve, and are "
        "configuration, certificate and secrets those it runs with? 'rind check' with the same "
        "flags tells more",
        rind_workload_outcome_name(kind));
    return RIND_OK;
}

static rind_status cluster_phase(struct cluster_run *run, enum rind_workload_operation operation,
                                 const char *label, const struct rind_load_options *load)
{
    const struct rind_bench_cluster_options *options = run->options;
    struct rind_ctx *ctx = &run->cli->ctx;
    struct rind_report_phase *phase = &run->report.phases[run->report.phase_count];
    struct rind_load_job job = rind_workload_job(run->workload, operation);
    *phase = (struct rind_report_phase){.operation = operation,
                                        .label = label,
                                        .concurrency = load->worker_count,
                                        .rate = load->rate};
    phase->result = calloc(1, sizeof(*phase->result));
    RIND_REQUIRE(ctx, phase->result != NULL, RIND_E_LIMIT, "no memory for the results");
    run->report.phase_count++;
    run->next_line_ns = rind_clock_monotonic_ns() + options->reporting_interval_ns;
    rind_usage_start(&run->usage);
    rind_status status = rind_load_run(ctx, load, &job, phase->result);
    rind_usage_stop(&run->usage);
    if (run->is_terminal) {
        (void)fprintf(stderr, "\r\033[K");
    }
    RIND_TRY(status);
    phase->usage = run->usage;
    if (!options->is_json) {
        rind_report_print(&run->report, phase);
    }
    RIND_REQUIRE(ctx, run->stopper == NULL || !rind_stopper_is_set(run->stopper), RIND_E_CANCELLED,
                 "interrupted");
    return RIND_OK;
}

/* The throughput of the plan's last recovers. */
static double cluster_recover_rate(const struct rind_report *report)
{
    double rate = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        if (report->phases[i].operation == RIND_WORKLOAD_RECOVER) {
            rate = rind_load_throughput(report->phases[i].result);
        }
    }
    return rate;
}

/* More than the realm can do, and what comes after it. */
static rind_status cluster_overload(struct cluster_run *run, const struct rind_load_options *plan)
{
    struct rind_load_options over = *plan;
    struct rind_load_options after = *plan;
    over.worker_count = RIND_LOAD_WORKERS_MAX;
    over.rate = cluster_recover_rate(&run->report) * (double)run->options->overload;
    after.duration_ns = CLUSTER_AFTER_OVERLOAD_NS;
    RIND_REQUIRE(&run->cli->ctx, over.rate > 0, RIND_E_UNAVAILABLE,
                 "no recover succeeded, so there is no rate to exceed");
    RIND_TRY(cluster_phase(run, RIND_WORKLOAD_RECOVER, "recover, overloaded", &over));
    return cluster_phase(run, RIND_WORKLOAD_RECOVER, "recover, after the overload", &after);
}

static rind_status cluster_run_plan(struct cluster_run *run)
{
    const struct rind_bench_cluster_options *options = run->options;
    struct rind_ctx *ctx = &run->cli->ctx;
    RIND_REQUIRE(ctx, sodium_init() >= 0, RIND_E_INTERNAL, "libsodium cannot start");
    if (rind_workload_was_slow(run->workload)) {
        (void)fprintf(stderr,
                      "warning: PINs are hashed with FastInsecure, not as the configuration "
                      "says, so that realms are measured and not this machine\n");
    }
    RIND_TRY(cluster_warm_up(run));
    rind_floor_measure(CLUSTER_FLOOR_REPEATS, &run->report.floor);
    run->report.started_unix_ms = rind_clock_unix_ms();
    uint64_t start_ns = rind_clock_monotonic_ns();
    const struct rind_load_options load = {
        .worker_count = (unsigned)options->concurrency,
        .rate = (double)options->rate,
        .count = options->duration_ns > 0 ? 0 : options->user_count,
        .duration_ns = options->duration_ns,
        .stopper = run->stopper,
        .progress = cluster_progress,
        .progress_self = run,
    };
    for (size_t i = 0; i < options->plan_count; i++) {
        RIND_TRY(cluster_phase(run, options->plan[i], NULL, &load));
    }
    if (options->overload > 0) {
        RIND_TRY(cluster_overload(run, &load));
    }
    run->report.elapsed_ns = rind_clock_monotonic_ns() - start_ns;
    return RIND_OK;
}

static rind_status cluster_publish(struct cluster_run *run)
{
    const struct rind_bench_cluster_options *options = run->options;
    struct rind_ctx *ctx = &run->cli->ctx;
    json_t *root = rind_report_json(&run->report);
    rind_status status = RIND_OK;
    if (options->is_json) {
        status = rind_bench_print_json(ctx, root);
    }
    if (rind_is_ok(status) && options->results_file != NULL &&
        (root == NULL || json_dump_file(root, options->results_file,
                                        JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0)) {
        status = rind_fail(ctx, RIND_E_IO, "cannot write %s", options->results_file);
    }
    json_decref(root);
    if (rind_is_ok(status) && options->plot_file != NULL) {
        status = rind_plot_write(ctx, &run->report, options->plot_file);
    }
    return status;
}

/* ---- the realm ---- */

static rind_status cluster_measure(struct cluster_run *run, const char *configuration,
                                   const char *certificate, const char *secrets_file)
{
    const struct rind_bench_cluster_options *options = run->options;
    struct rind_ctx *ctx = &run->cli->ctx;
    const struct rind_workload_options workload = {
        .configuration = configuration,
        .certificate = certificate,
        .secrets_file = secrets_file,
        .tenant = options->tenant,
        .user_prefix = options->user_prefix,
        .user_start = options->user_start,
        .user_count = options->user_count,
        .pool_count = options->pool_count > 0 ? (unsigned)options->pool_count : 1u,
        .worker_count =
            options->overload > 0 ? RIND_LOAD_WORKERS_MAX : (unsigned)options->concurrency,
    };
    run->is_terminal = isatty(STDERR_FILENO) == 1;
    run->report.rate = (double)options->rate;
    run->report.configuration = json_loads(configuration, 0, NULL);
    RIND_REQUIRE(ctx, run->report.configuration != NULL, RIND_E_INVALID,
                 "the configuration is no JSON");
    rind_status status = rind_workload_open(ctx, &workload, &run->workload);
    if (rind_is_ok(status)) {
        status = cluster_run_plan(run);
    }
    if (rind_is_ok(status)) {
        status = cluster_publish(run);
    }
    rind_workload_close(run->workload);
    for (size_t i = 0; i < run->report.phase_count; i++) {
        free(run->report.phases[i].result);
    }
    json_decref(run->report.configuration);
    return status;
}

static void cluster_say_step(void *self, const char *step)
{
    (void)self;
    (void)fprintf(stderr, "  %s\n", step);
}

static rind_status cluster_measure_local(struct cluster_run *run, struct rind_local *local)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    const char *configuration;
    for (size_t i = 0; i < local->child_count; i++) {
        RIND_TRY(
            rind_usage_watch(ctx, &run->usage, local->children[i].name, local->children[i].pid));
    }
    RIND_TRY(rind_local_configuration(ctx, local, &configuration));
    RIND_TRY(cluster_measure(run, configuration, local->certificate_pem, local->secrets_file));
    return rind_local_check(ctx, local);
}

static rind_status cluster_start(struct cluster_run *run)
{
    struct rind_cli *cli = run->cli;
    struct rind_local local;
    RIND_TRY(rind_local_open(&cli->ctx, &run->options->local, &cli->log, run->stopper,
                             run->options->is_json ? NULL : cluster_say_step, NULL, &local));
    rind_status status = cluster_measure_local(run, &local);
    rind_local_close(&local);
    return status;
}

static rind_status cluster_measure_running(struct cluster_run *run)
{
    const struct rind_bench_cluster_options *options = run->options;
    struct rind_ctx *ctx = &run->cli->ctx;
    struct rind_roots roots;
    const char *configuration;
    RIND_TRY(rind_cli_read_configuration(ctx, options->configuration, &configuration));
    if (options->info_file != NULL) {
        RIND_TRY(rind_usage_watch_info(ctx, &run->usage, options->info_file));
    }
    RIND_TRY(
        rind_roots_open(ctx, options->certificates.values, options->certificates.count, &roots));
    rind_status status = cluster_measure(run, configuration, roots.path[0] != 0 ? roots.path : NULL,
                                         options->secrets_file);
    rind_roots_close(&roots);
    return status;
}

static rind_status cluster_run(struct rind_cli *cli,
                               const struct rind_bench_cluster_options *options)
{
    struct rind_process *process;
    struct cluster_run *run = calloc(1, sizeof(*run));
    RIND_REQUIRE(&cli->ctx, run != NULL, RIND_E_LIMIT, "no memory for the benchmark");
    rind_status status = rind_process_open(&cli->ctx, &cli->log, &process);
    if (!rind_is_ok(status)) {
        free(run);
        return status;
    }
    run->cli = cli;
    run->options = options;
    run->stopper = rind_process_stopper(process);
    status = options->is_started ? cluster_start(run) : cluster_measure_running(run);
    rind_process_close(process);
    free(run);
    return status;
}

static int cluster_main(struct rind_cli *cli, bool is_hsm, int argc, char *const *argv)
{
    struct rind_bench_cluster_options *options = calloc(1, sizeof(*options));
    if (options == NULL) {
        return rind_cli_exit(cli, rind_fail(&cli->ctx, RIND_E_LIMIT, "no memory for the options"));
    }
    int exit_status = 0;
    bool is_run = is_hsm ? rind_bench_hsm_parse(cli, options, argc, argv, &exit_status)
                         : rind_bench_cluster_parse(cli, options, argc, argv, &exit_status);
    if (is_run) {
        rind_status planned = rind_bench_cluster_plan(&cli->ctx, options);
        if (rind_is_ok(planned)) {
            exit_status = rind_cli_exit(cli, cluster_run(cli, options));
        } else {
            (void)rind_cli_exit(cli, planned);
            exit_status = RIND_EXIT_USAGE;
        }
    }
    free(options);
    return exit_status;
}

int rind_bench_cluster(struct rind_cli *cli, int argc, char *const *argv)
{
    return cluster_main(cli, false, argc, argv);
}

int rind_bench_hsm(struct rind_cli *cli, int argc, char *const *argv)
{
    return cluster_main(cli, true, argc, argv);
}
