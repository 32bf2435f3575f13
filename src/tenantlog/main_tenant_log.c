/*
 * main_tenant_log.c - rind-tenant-log: builds the service from its command line, ends gracefully.
 *
 * Spec 05 section 12.1. A failure to start is one sentence on stderr and an exit status that says
 * what is missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tenantlog/options.h"
#include "tenantlog/tenantlog.h"

#define MAIN_ARENA_SIZE_BYTES (1u << 20)
#define MAIN_OPEN_FILES_MIN 1024u
#define MAIN_DOGSTATSD_ADDRESS "127.0.0.1:8125"
#define MAIN_TICK_MS 1000u
/* A shutdown: first whoever only waits ends, then what still asks Google is cut off. */
#define MAIN_SHUTDOWN_MS 20000u
#define MAIN_DRAIN_MS 3000u

struct program {
    struct rind_tenant_log_flags flags;
    uint64_t start_ns;
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_process *process;
    struct rind_metrics *metrics;
    struct rind_pubsub *pubsub;
    struct rind_event_source events;
    struct rind_tenant_keys *keys;
    struct rind_tenant_log *service;
};

static rind_status program_open_host(struct rind_ctx *ctx, struct program *program)
{
    enum rind_log_level level;
    RIND_TRY(rind_log_level_from_environment(ctx, RIND_LOG_LEVEL_INFO, &level));
    RIND_TRY(rind_log_open(ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &program->sink));
    struct rind_log bare = rind_log_make(program->sink);
    struct rind_log named = rind_log_with_text(&bare, "service", "tenant-log");
    program->log = rind_log_with_hex(&named, "realm", rind_realm_id_slice(&program->flags.realm));
    const struct rind_hardening hardening = {.open_files_min = MAIN_OPEN_FILES_MIN};
    RIND_TRY(rind_process_harden(ctx, &hardening, &program->log));
    RIND_TRY(rind_process_open(ctx, &program->log, &program->process));
    const struct rind_tag tags[] = {{"service", "tenant-log"},
                                    {"version", rind_build_info()->git_hash}};
    struct rind_address address;
    RIND_TRY(rind_metrics_new(ctx, tags, tags[1].value != NULL ? 2 : 1, &program->metrics));
    rind_metrics_add_environment_tags(program->metrics);
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(MAIN_DOGSTATSD_ADDRESS), &address));
    if (getenv("OPENTELEMETRY_ENDPOINT") != NULL) {
        RIND_LOG_WARN(&program->log,
                      "OPENTELEMETRY_ENDPOINT is set, but this program exports no traces; metrics "
                      "go to %s as DogStatsD",
                      MAIN_DOGSTATSD_ADDRESS);
    }
    return rind_metrics_add_dogstatsd(ctx, program->metrics, &address, &program->log);
}

static rind_status program_open_keys(struct rind_ctx *ctx, struct program *program)
{
    struct rind_key_source source;
    const struct rind_secret_manager_options options = {
        .project = program->flags.project,
        .flags = &program->flags.secret_manager,
        .log = &program->log,
        .metrics = program->metrics,
    };
    if (program->flags.secrets_file != NULL) {
        struct rind_secrets_source file;
        RIND_TRY(rind_secrets_file_source(ctx, program->flags.secrets_file, &file));
        RIND_TRY(
            rind_key_source_secrets(ctx, file, RIND_SECRET_TENANT_PREFIX, &program->log, &source));
    } else {
        RIND_TRY(rind_key_source_secret_manager(ctx, &options, RIND_SECRET_TENANT_PREFIX, &source));
    }
    return rind_tenant_keys_open(ctx, source, &program->log, &program->keys);
}

static rind_status program_open_events(struct rind_ctx *ctx, struct program *program)
{
    const struct rind_pubsub_options options = {
        .project = program->flags.pubsub.project,
        .flags = &program->flags.pubsub,
        .log = &program->log,
        .metrics = program->metrics,
    };
    RIND_TRY(rind_pubsub_open(ctx, &options, &program->pubsub));
    return rind_event_source_pubsub(ctx, program->pubsub, &program->flags.realm, &program->events);
}

static rind_status program_open_service(struct rind_ctx *ctx, struct program *program)
{
    const struct rind_tenant_log_options options = {
        .listen = program->flags.listen,
        .realm = program->flags.realm,
        .events = &program->events,
        .keys = program->keys,
        .must_expire = program->flags.must_expire,
        .worker_threads = (unsigned)program->flags.worker_threads,
        .log = &program->log,
        .metrics = program->metrics,
    };
    char text[RIND_ADDRESS_TEXT_SIZE];
    RIND_TRY(rind_tenant_log_open(ctx, &options, &program->service));
    struct rind_address bound = rind_tenant_log_address(program->service);
    rind_address_format(&bound, text);
    rind_process_ready(&program->log, text);
    return RIND_OK;
}

/* 0, or the exit status of whatever could not be opened. */
static int program_open(struct rind_ctx *ctx, struct program *program)
{
    static const struct {
        rind_status (*open)(struct rind_ctx *ctx, struct program *program);
        int exit_status;
    } steps[] = {
        {program_open_host, RIND_TENANT_LOG_EXIT_FAULT},
        {program_open_keys, RIND_TENANT_LOG_EXIT_SECRETS},
        {program_open_events, RIND_TENANT_LOG_EXIT_PUBSUB},
        {program_open_service, RIND_TENANT_LOG_EXIT_FAULT},
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (!rind_is_ok(steps[i].open(ctx, program))) {
            (void)fprintf(stderr, "rind-tenant-log: %s\n", ctx->sentence);
            return steps[i].exit_status;
        }
    }
    return 0;
}

static void program_serve(struct program *program)
{
    uint64_t reload_count = 0;
    while (!rind_process_wait(program->process, rind_deadline_in_ms(MAIN_TICK_MS), &reload_count)) {
        rind_metrics_timing_ns(program->metrics, "service.uptime",
                               rind_clock_monotonic_ns() - program->start_ns, NULL, 0);
    }
}

static void program_shut_down(struct rind_ctx *ctx, struct program *program)
{
    rind_process_stopping(&program->log);
    rind_process_set_shutdown_deadline(program->process, rind_deadline_in_ms(MAIN_SHUTDOWN_MS));
    if (rind_is_ok(
            rind_tenant_log_drain(ctx, program->service, rind_deadline_in_ms(MAIN_DRAIN_MS)))) {
        return;
    }
    program->events.cancel(program->events.self); /* events on their way come again */
    rind_tenant_keys_cancel(program->keys);
    if (!rind_is_ok(
            rind_tenant_log_drain(ctx, program->service, rind_deadline_in_ms(MAIN_DRAIN_MS)))) {
        RIND_LOG_WARN(&program->log, "shutting down although: %s", ctx->sentence);
    }
}

/* Undoes any part of program_open, last first. */
static void program_close(struct program *program)
{
    rind_tenant_log_close(program->service);
    if (program->events.close != NULL) {
        program->events.close(program->events.self);
    }
    rind_pubsub_close(program->pubsub);
    rind_tenant_keys_close(program->keys);
    rind_metrics_close(program->metrics);
    rind_process_close(program->process);
    rind_log_close(program->sink);
}

int main(int argc, char **argv)
{
    static uint8_t memory[MAIN_ARENA_SIZE_BYTES];
    static struct program program; /* threads refer to it */
    struct rind_arena arena;
    struct rind_ctx ctx;
    int exit_status = 0;
    if (!rind_tenant_log_flags_parse(&program.flags, argc, argv, &exit_status)) {
        return exit_status;
    }
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    program.start_ns = rind_clock_monotonic_ns();
    exit_status = program_open(&ctx, &program);
    if (exit_status == 0) {
        program_serve(&program);
        program_shut_down(&ctx, &program);
    }
    program_close(&program);
    return exit_status;
}
