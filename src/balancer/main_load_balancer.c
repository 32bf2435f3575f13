/*
 * main_load_balancer.c - rind-load-balancer: builds the balancer from its command line, reloads
 * certificates on SIGHUP, ends gracefully.
 *
 * Spec: docs/spec/07-load-balancer.md sections 1, 2.3, 12 and 13. A failure to start is one
 * sentence on stderr and exit status 1.
 */
#include <stdio.h>
#include <unistd.h>

#include "balancer/balancer.h"
#include "balancer/command.h"
#include "host/host.h"
#include "telemetry/telemetry.h"

#define MAIN_ARENA_SIZE (1024u * 1024)
#define MAIN_OPEN_FILES_MIN 1024u
/* How often uptime is reported; also how late anything else is noticed while shutting down. */
#define MAIN_TICK_MS 1000u
#define MAIN_DOGSTATSD_ADDRESS "127.0.0.1:8125"
/* "lb", an address and its NUL. */
#define MAIN_NAME_SIZE (2 + RIND_ADDRESS_TEXT_SIZE)

struct daemon {
    struct rind_balancer_command command;
    char default_name[MAIN_NAME_SIZE];
    const char *name;
    uint64_t start_ns;
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_process *process;
    struct rind_metrics *metrics;
    struct rind_exporter *exporter;
    struct rind_store *store;
    struct rind_secrets *secrets;
    struct rind_balancer *balancer;
};

static rind_status daemon_open_log(struct rind_ctx *ctx, struct daemon *daemon)
{
    enum rind_log_level level;
    RIND_TRY(rind_log_level_from_environment(ctx, RIND_LOG_LEVEL_INFO, &level));
    RIND_TRY(rind_log_open(ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &daemon->sink));
    struct rind_log log = rind_log_make(daemon->sink);
    daemon->log = rind_log_with_text(&log, "service", "load_balancer");
    return RIND_OK;
}

static rind_status daemon_open_telemetry(struct rind_ctx *ctx, struct daemon *daemon)
{
    const struct rind_tag tags[] = {{"service", "load_balancer"},
                                    {"version", rind_build_info()->git_hash}};
    struct rind_address address;
    RIND_TRY(
        rind_metrics_new(ctx, tags, rind_build_info()->git_hash != NULL ? 2 : 1, &daemon->metrics));
    rind_metrics_add_environment_tags(daemon->metrics);
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(MAIN_DOGSTATSD_ADDRESS), &address));
    RIND_TRY(rind_metrics_add_dogstatsd(ctx, daemon->metrics, &address, &daemon->log));
    const struct rind_exporter_options options = {.service = "juicebox-load-balancer",
                                                  .instance = daemon->name,
                                                  .log = &daemon->log,
                                                  .metrics = daemon->metrics};
    return rind_exporter_open(ctx, &options, &daemon->exporter);
}

static rind_status daemon_open_secrets(struct rind_ctx *ctx, struct daemon *daemon)
{
    struct rind_secrets_source source;
    const struct rind_secret_manager_options options = {
        .project = daemon->command.bigtable.project,
        .flags = &daemon->command.secrets_manager,
        .log = &daemon->log,
        .metrics = daemon->metrics,
    };
    RIND_TRY(daemon->command.secrets_file != NULL
                 ? rind_secrets_file_source(ctx, daemon->command.secrets_file, &source)
                 : rind_secrets_manager_source(ctx, &options, &source));
    return rind_secrets_open(ctx, source, &daemon->log, &daemon->secrets);
}

static void daemon_choose_name(struct daemon *daemon)
{
    char address[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&daemon->command.listen, address);
    (void)snprintf(daemon->default_name, sizeof(daemon->default_name), "lb%s", address);
    daemon->name = daemon->command.name != NULL ? daemon->command.name : daemon->default_name;
}

static rind_status daemon_start(struct rind_ctx *ctx, struct daemon *daemon)
{
    const struct rind_hardening hardening = {.open_files_min = MAIN_OPEN_FILES_MIN};
    char address[RIND_ADDRESS_TEXT_SIZE];
    RIND_TRY(daemon_open_log(ctx, daemon));
    daemon_choose_name(daemon);
    RIND_LOG_INFO(&daemon->log, "starting load balancer %s, version %s", daemon->name,
                  rind_build_info()->version);
    RIND_TRY(rind_process_harden(ctx, &hardening, &daemon->log));
    RIND_TRY(rind_process_open(ctx, &daemon->log, &daemon->process));
    RIND_TRY(daemon_open_telemetry(ctx, daemon));
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &daemon->command.bigtable, &daemon->log, &bigtable));
    const struct rind_store_options store_options = {
        .bigtable = &bigtable, .log = &daemon->log, .metrics = daemon->metrics};
    RIND_TRY(rind_store_open(ctx, daemon->command.store, &store_options, &daemon->store));
    RIND_TRY(daemon_open_secrets(ctx, daemon));
    const struct rind_balancer_options options = {
        .listen = daemon->command.listen,
        .name = daemon->name,
        .tls_certificate_file = daemon->command.tls_certificate_file,
        .tls_key_file = daemon->command.tls_key_file,
        .idle_timeout_ns = daemon->command.idle_timeout_ns,
        .trace_rate = daemon->command.trace_rate,
        .gap_ns = RIND_BALANCER_GAP_MS * RIND_NS_PER_MS,
        .store = daemon->store,
        .secrets = daemon->secrets,
        .log = &daemon->log,
        .metrics = daemon->metrics,
        .tracer = rind_exporter_tracer(daemon->exporter)};
    RIND_TRY(rind_balancer_open(ctx, &options, &daemon->balancer));
    struct rind_address bound = rind_balancer_address(daemon->balancer);
    rind_address_format(&bound, address);
    rind_process_ready(&daemon->log, address);
    return RIND_OK;
}

static void daemon_tick(struct daemon *daemon)
{
    rind_metrics_timing_ns(daemon->metrics, "service.uptime",
                           rind_clock_monotonic_ns() - daemon->start_ns, NULL, 0);
}

static void daemon_reload(struct rind_ctx *ctx, struct daemon *daemon)
{
    if (rind_is_ok(rind_balancer_reload_tls(ctx, daemon->balancer))) {
        RIND_LOG_INFO(&daemon->log, "new connections use the TLS certificate as it is now");
    } else {
        RIND_LOG_WARN(&daemon->log, "%s", ctx->sentence);
    }
}

static void daemon_serve(struct rind_ctx *ctx, struct daemon *daemon, uint64_t *reload_count)
{
    uint64_t seen = *reload_count;
    while (!rind_process_wait(daemon->process, rind_deadline_in_ms(MAIN_TICK_MS), reload_count)) {
        daemon_tick(daemon);
        if (*reload_count != seen) {
            seen = *reload_count;
            daemon_reload(ctx, daemon);
        }
    }
}

/*
 * The notice period: everything goes on, but /livez says that it ends. It is waited for in full
 * even without connections: until health checks have noticed, new ones are still sent here.
 */
static rind_status daemon_notice(struct rind_ctx *ctx, struct daemon *daemon, uint64_t reload_count)
{
    struct rind_stopper nobody; /* only the deadline ends this wait */
    struct rind_deadline end = rind_deadline_in_ns(daemon->command.shutdown_notice_ns);
    RIND_TRY(rind_stopper_init(ctx, &nobody));
    rind_balancer_announce_shutdown(daemon->balancer);
    while (!rind_deadline_has_expired(end)) {
        (void)rind_stopper_wait(&nobody, rind_deadline_min(end, rind_deadline_in_ms(MAIN_TICK_MS)));
        daemon_tick(daemon);
        uint64_t count = rind_process_reload_count(daemon->process);
        if (count != reload_count) {
            reload_count = count;
            daemon_reload(ctx, daemon);
        }
    }
    rind_stopper_fini(&nobody);
    return RIND_OK;
}

static void daemon_shut_down(struct rind_ctx *ctx, struct daemon *daemon, uint64_t reload_count)
{
    struct rind_deadline deadline = rind_deadline_in_ns(daemon->command.shutdown_timeout_ns);
    rind_process_stopping(&daemon->log);
    rind_process_set_shutdown_deadline(daemon->process, deadline);
    rind_status status = daemon_notice(ctx, daemon, reload_count);
    if (rind_is_ok(status)) {
        RIND_LOG_INFO(&daemon->log, "draining connections");
        status = rind_balancer_drain(ctx, daemon->balancer, deadline);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&daemon->log, "shutting down although: %s", ctx->sentence);
    }
}

/* Undoes any part of daemon_start, last first. */
static void daemon_close(struct daemon *daemon)
{
    rind_balancer_close(daemon->balancer);
    rind_secrets_close(daemon->secrets);
    rind_store_close(daemon->store);
    rind_exporter_close(daemon->exporter, rind_deadline_in_ms(RIND_EXPORTER_FLUSH_MS));
    rind_metrics_close(daemon->metrics);
    rind_process_close(daemon->process);
    rind_log_close(daemon->sink);
}

int main(int argc, char **argv)
{
    static uint8_t memory[MAIN_ARENA_SIZE];
    static struct daemon daemon;
    struct rind_arena arena;
    struct rind_ctx ctx;
    int exit_status = 0;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    rind_balancer_command_init(&daemon.command);
    if (!rind_flags_or_exit(&daemon.command.command, argc, argv, &exit_status)) {
        return exit_status;
    }
    daemon.start_ns = rind_clock_monotonic_ns();
    if (rind_is_ok(daemon_start(&ctx, &daemon))) {
        uint64_t reload_count = 0;
        daemon_serve(&ctx, &daemon, &reload_count);
        daemon_shut_down(&ctx, &daemon, reload_count);
    } else {
        (void)fprintf(stderr, "rind-load-balancer: %s\n", ctx.sentence);
        exit_status = 1;
    }
    daemon_close(&daemon);
    return exit_status;
}
