/*
 * main.c - rind-cluster-manager: builds the manager from its command line, ends within a second.
 *
 * Spec: docs/spec/08-cluster.md sections 1.1 and 1.2. A failure to start is one sentence on stderr
 * and exit status 1.
 */
#include <stdio.h>
#include <unistd.h>

#include "cluster/manager.h"
#include "cluster/options.h"
#include "host/host.h"
#include "telemetry/telemetry.h"

#define MAIN_ARENA_SIZE_BYTES (16u << 20)
#define MAIN_SHUTDOWN_MS 1000u
#define MAIN_UPTIME_INTERVAL_MS 1000u
#define MAIN_DOGSTATSD_ADDRESS "127.0.0.1:8125"

struct daemon {
    struct rind_manager_flags flags;
    struct rind_arena *arena;
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_process *process;
    struct rind_metrics *metrics;
    struct rind_exporter *exporter;
    struct rind_store *store;
    struct rind_manager *manager;
};

static rind_status daemon_open_host(struct rind_ctx *ctx, struct daemon *daemon)
{
    enum rind_log_level level;
    RIND_TRY(rind_log_level_from_environment(ctx, RIND_LOG_LEVEL_INFO, &level));
    RIND_TRY(rind_log_open(ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &daemon->sink));
    struct rind_log bare = rind_log_make(daemon->sink);
    daemon->log = rind_log_with_text(&bare, "service", "cluster-manager");
    const struct rind_hardening hardening = {0};
    RIND_TRY(rind_process_harden(ctx, &hardening, &daemon->log));
    RIND_TRY(rind_process_open(ctx, &daemon->log, &daemon->process));
    const struct rind_tag tags[] = {{"service", "cluster_manager"},
                                    {"version", rind_build_info()->git_hash}};
    struct rind_address statsd;
    RIND_TRY(
        rind_metrics_new(ctx, tags, rind_build_info()->git_hash != NULL ? 2 : 1, &daemon->metrics));
    rind_metrics_add_environment_tags(daemon->metrics);
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(MAIN_DOGSTATSD_ADDRESS), &statsd));
    RIND_TRY(rind_metrics_add_dogstatsd(ctx, daemon->metrics, &statsd, &daemon->log));
    const struct rind_exporter_options options = {
        .service = "cluster-manager", .log = &daemon->log, .metrics = daemon->metrics};
    return rind_exporter_open(ctx, &options, &daemon->exporter);
}

static rind_status daemon_open(struct rind_ctx *ctx, struct daemon *daemon)
{
    RIND_TRY(daemon_open_host(ctx, daemon));
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &daemon->flags.bigtable, &daemon->log, &bigtable));
    const struct rind_store_options store_options = {
        .bigtable = &bigtable, .log = &daemon->log, .metrics = daemon->metrics};
    RIND_TRY(rind_store_open(ctx, daemon->flags.store, &store_options, &daemon->store));
    const struct rind_manager_options options = {.listen = daemon->flags.listen,
                                                 .interval_ns = daemon->flags.interval_ns,
                                                 .rebalance_interval_ns =
                                                     daemon->flags.rebalance_interval_ns,
                                                 .store = daemon->store,
                                                 .log = &daemon->log,
                                                 .metrics = daemon->metrics,
                                                 .tracer = rind_exporter_tracer(daemon->exporter)};
    RIND_TRY(rind_manager_open(ctx, &options, &daemon->manager));
    char listen[RIND_ADDRESS_TEXT_SIZE];
    struct rind_address bound = rind_manager_address(daemon->manager);
    rind_address_format(&bound, listen);
    rind_process_ready(&daemon->log, listen);
    return RIND_OK;
}

static void daemon_serve(struct daemon *daemon)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    uint64_t reload_count = 0;
    while (!rind_process_wait(daemon->process, rind_deadline_in_ms(MAIN_UPTIME_INTERVAL_MS),
                              &reload_count)) {
        rind_metrics_timing_ns(daemon->metrics, "service.uptime",
                               rind_clock_monotonic_ns() - start_ns, NULL, 0);
    }
    rind_process_stopping(&daemon->log);
    rind_process_set_shutdown_deadline(daemon->process, rind_deadline_in_ms(MAIN_SHUTDOWN_MS));
}

/* Undoes any part of daemon_open, last first. */
static void daemon_close(struct daemon *daemon)
{
    rind_manager_close(daemon->manager);
    rind_store_close(daemon->store);
    rind_exporter_close(daemon->exporter, rind_deadline_in_ms(RIND_EXPORTER_FLUSH_MS));
    rind_metrics_close(daemon->metrics);
    rind_process_close(daemon->process);
    rind_log_close(daemon->sink);
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    struct rind_ctx ctx;
    int exit_status = 0;
    if (!rind_manager_flags_parse(&daemon.flags, argc, argv, &exit_status)) {
        return exit_status;
    }
    rind_ctx_init(&ctx, NULL);
    rind_status opened = rind_arena_map(&ctx, MAIN_ARENA_SIZE_BYTES, &daemon.arena);
    ctx.arena = daemon.arena;
    if (rind_is_ok(opened)) {
        opened = daemon_open(&ctx, &daemon);
    }
    if (rind_is_ok(opened)) {
        daemon_serve(&daemon);
    } else {
        (void)fprintf(stderr, "rind-cluster-manager: %s\n", ctx.sentence);
        exit_status = 1;
    }
    daemon_close(&daemon);
    rind_arena_unmap(daemon.arena);
    return exit_status;
}
