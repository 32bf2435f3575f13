/*
 * main_software_realm.c - rind-software-realm: builds the realm from its command line, reloads
 * certificates on SIGHUP, ends gracefully.
 *
 * A failure to start is one sentence on stderr and an exit status of enum rind_software_exit.
 * Spec: docs/spec/05-cloud-services.md section 13.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "software/software.h"

#define MAIN_ARENA_SIZE (1024u * 1024)
#define MAIN_OPEN_FILES_MIN 1024u
#define MAIN_TICK_MS 1000u
#define MAIN_DRAIN_MS 3000u           /* until those who wait for events are cut off */
#define MAIN_CREATE_TIMEOUT_MS 20000u /* of the realm's table */
#define MAIN_DOGSTATSD_ADDRESS "127.0.0.1:8125"
#define MAIN_SECRETS_VARIABLE "TENANT_SECRETS"

struct daemon {
    struct rind_software_command command;
    uint64_t start_ns;
    struct rind_log_sink *sink;
    struct rind_log log;
    struct rind_process *process;
    struct rind_metrics *metrics;
    struct rind_store *store;
    struct rind_tenant_keys *keys;
    struct rind_pubsub *publisher;
    struct rind_pubsub *reader; /* apart, since an end cuts it off first */
    struct rind_software_pubsub topics;
    struct rind_software_events events;
    struct rind_event_source event_source; /* self NULL: there are none */
    struct rind_software *software;
};

static rind_status daemon_open_log(struct rind_ctx *ctx, struct daemon *daemon)
{
    enum rind_log_level level;
    RIND_TRY(rind_log_level_from_environment(ctx, RIND_LOG_LEVEL_INFO, &level));
    RIND_TRY(rind_log_open(ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &daemon->sink));
    struct rind_log log = rind_log_make(daemon->sink);
    daemon->log = rind_log_with_text(&log, "service", "software_realm");
    return RIND_OK;
}

static rind_status daemon_open_metrics(struct rind_ctx *ctx, struct daemon *daemon)
{
    const struct rind_tag tags[] = {{"service", "software_realm"},
                                    {"version", rind_build_info()->git_hash}};
    struct rind_address address;
    RIND_TRY(
        rind_metrics_new(ctx, tags, rind_build_info()->git_hash != NULL ? 2 : 1, &daemon->metrics));
    rind_metrics_add_environment_tags(daemon->metrics);
    RIND_TRY(rind_address_parse(ctx, rind_slice_text(MAIN_DOGSTATSD_ADDRESS), &address));
    return rind_metrics_add_dogstatsd(ctx, daemon->metrics, &address, &daemon->log);
}

static rind_status daemon_open_store(struct rind_ctx *ctx, struct daemon *daemon)
{
    struct rind_bigtable_options bigtable;
    RIND_TRY(rind_bigtable_flags_options(ctx, &daemon->command.bigtable, &daemon->log, &bigtable));
    const struct rind_store_options options = {
        .bigtable = &bigtable, .log = &daemon->log, .metrics = daemon->metrics};
    RIND_TRY(rind_store_open(ctx, daemon->command.store, &options, &daemon->store));
    if (strcmp(daemon->command.store, "memory:") == 0) {
        RIND_LOG_WARN(&daemon->log, "records are kept in memory only: all of them are gone when "
                                    "this process ends; --store lmdb:DIRECTORY keeps them");
    }
    return rind_store_software_create(ctx, daemon->store, &daemon->command.realm,
                                      rind_deadline_in_ms(MAIN_CREATE_TIMEOUT_MS));
}

/* Secrets that are not at Google's: a file, or the environment. */
static rind_status daemon_open_secrets(struct rind_ctx *ctx, const struct daemon *daemon,
                                       struct rind_secrets_source *source)
{
    const char *text = getenv(MAIN_SECRETS_VARIABLE);
    if (daemon->command.secrets_file != NULL) {
        return rind_secrets_file_source(ctx, daemon->command.secrets_file, source);
    }
    RIND_REQUIRE(ctx, text != NULL, RIND_E_INVALID,
                 "there are no tenants' keys: give --secrets-file, or " MAIN_SECRETS_VARIABLE
                 " in the environment");
    return rind_software_secrets_text(ctx, text, source);
}

static rind_status daemon_open_keys(struct rind_ctx *ctx, struct daemon *daemon)
{
    struct rind_key_source source;
    if (daemon->command.is_google && daemon->command.secrets_file == NULL) {
        const struct rind_secret_manager_options options = {
            .project = daemon->command.bigtable.project,
            .flags = &daemon->command.secret_manager,
            .log = &daemon->log,
            .metrics = daemon->metrics};
        RIND_TRY(
            rind_key_source_secret_manager(ctx, &options, RIND_SECRET_SOFTWARE_PREFIX, &source));
        if (getenv(MAIN_SECRETS_VARIABLE) != NULL) {
            RIND_LOG_WARN(&daemon->log, MAIN_SECRETS_VARIABLE
                          " is set and not looked at: tenants' keys are in Secret Manager");
        }
    } else {
        struct rind_secrets_source secrets;
        RIND_TRY(daemon_open_secrets(ctx, daemon, &secrets));
        RIND_TRY(rind_key_source_secrets(ctx, secrets, RIND_SECRET_SOFTWARE_PREFIX, &daemon->log,
                                         &source));
    }
    (void)unsetenv(MAIN_SECRETS_VARIABLE); /* loaded; no child shall inherit it */
    return rind_tenant_keys_open(ctx, source, &daemon->log, &daemon->keys);
}

static rind_status daemon_open_pubsub(struct rind_ctx *ctx, struct daemon *daemon)
{
    const struct rind_pubsub_options options = {.project = daemon->command.pubsub_project,
                                                .flags = &daemon->command.pubsub,
                                                .log = &daemon->log,
                                                .metrics = daemon->metrics};
    RIND_TRY(rind_pubsub_open(ctx, &options, &daemon->publisher));
    RIND_TRY(rind_pubsub_open(ctx, &options, &daemon->reader));
    daemon->topics = (struct rind_software_pubsub){daemon->publisher, daemon->command.realm};
    rind_software_events_pubsub(&daemon->topics, &daemon->events);
    return rind_event_source_pubsub(ctx, daemon->reader, &daemon->command.realm,
                                    &daemon->event_source);
}

static rind_status daemon_open_events(struct rind_ctx *ctx, struct daemon *daemon)
{
    struct rind_software_list *list;
    switch (daemon->command.events_kind) {
    case RIND_SOFTWARE_EVENTS_PUBSUB:
        return daemon_open_pubsub(ctx, daemon);
    case RIND_SOFTWARE_EVENTS_MEMORY:
        RIND_TRY(rind_software_list_open(ctx, &list));
        rind_software_list_use(list, &daemon->events, &daemon->event_source);
        return RIND_OK;
    case RIND_SOFTWARE_EVENTS_NONE:
        break;
    }
    RIND_LOG_INFO(&daemon->log, "tenants' events are kept nowhere; --events pubsub keeps them");
    return RIND_OK;
}

static rind_status daemon_start(struct rind_ctx *ctx, struct daemon *daemon, int *exit_status)
{
    const struct rind_hardening hardening = {.open_files_min = MAIN_OPEN_FILES_MIN};
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    char address[RIND_ADDRESS_TEXT_SIZE];
    *exit_status = RIND_SOFTWARE_EXIT_FAULT;
    RIND_TRY(daemon_open_log(ctx, daemon));
    rind_hex_encode(rind_realm_id_slice(&daemon->command.realm), realm);
    RIND_LOG_INFO(&daemon->log, "starting software realm %s, version %s", realm,
                  rind_build_info()->version);
    RIND_TRY(rind_process_harden(ctx, &hardening, &daemon->log));
    RIND_TRY(rind_process_open(ctx, &daemon->log, &daemon->process));
    RIND_TRY(daemon_open_metrics(ctx, daemon));
    *exit_status = RIND_SOFTWARE_EXIT_SET_UP;
    RIND_TRY(daemon_open_store(ctx, daemon));
    RIND_TRY(daemon_open_keys(ctx, daemon));
    RIND_TRY(daemon_open_events(ctx, daemon));
    *exit_status = RIND_SOFTWARE_EXIT_FAULT;
    const struct rind_software_options options = {
        .realm = daemon->command.realm,
        .listen = daemon->command.listen,
        .tls_certificate_file = daemon->command.tls_certificate_file,
        .tls_key_file = daemon->command.tls_key_file,
        .idle_timeout_ns = daemon->command.idle_timeout_ns,
        .store = daemon->store,
        .keys = daemon->keys,
        .events = daemon->events,
        .event_source = daemon->event_source.self != NULL ? &daemon->event_source : NULL,
        .log = &daemon->log,
        .metrics = daemon->metrics};
    RIND_TRY(rind_software_open(ctx, &options, &daemon->software));
    struct rind_address bound = rind_software_address(daemon->software);
    rind_address_format(&bound, address);
    rind_process_ready(&daemon->log, address);
    return RIND_OK;
}

static void daemon_reload(struct rind_ctx *ctx, struct daemon *daemon)
{
    if (daemon->command.tls_certificate_file == NULL) {
        return; /* plain HTTP: there is nothing to read again */
    }
    if (rind_is_ok(rind_software_reload_tls(ctx, daemon->software))) {
        RIND_LOG_INFO(&daemon->log, "new connections use the TLS certificate as it is now");
    } else {
        RIND_LOG_WARN(&daemon->log, "%s", ctx->sentence);
    }
}

static void daemon_serve(struct rind_ctx *ctx, struct daemon *daemon)
{
    uint64_t reload_count = 0;
    uint64_t seen = 0;
    while (!rind_process_wait(daemon->process, rind_deadline_in_ms(MAIN_TICK_MS), &reload_count)) {
        rind_metrics_timing_ns(daemon->metrics, "service.uptime",
                               rind_clock_monotonic_ns() - daemon->start_ns, NULL, 0);
        if (reload_count != seen) {
            seen = reload_count;
            daemon_reload(ctx, daemon);
        }
    }
}

/* First whoever only waits ends; then tenants are cut off, whose events come again; then users. */
static void daemon_shut_down(struct rind_ctx *ctx, struct daemon *daemon)
{
    struct rind_deadline deadline = rind_deadline_in_ns(daemon->command.shutdown_timeout_ns);
    struct rind_deadline soon = rind_deadline_min(rind_deadline_in_ms(MAIN_DRAIN_MS), deadline);
    rind_process_stopping(&daemon->log);
    rind_process_set_shutdown_deadline(daemon->process, deadline);
    if (rind_is_ok(rind_software_drain(ctx, daemon->software, soon))) {
        return;
    }
    if (daemon->event_source.cancel != NULL) {
        daemon->event_source.cancel(daemon->event_source.self);
    }
    if (!rind_is_ok(rind_software_drain(ctx, daemon->software, deadline))) {
        RIND_LOG_WARN(&daemon->log, "shutting down although: %s", ctx->sentence);
        rind_tenant_keys_cancel(daemon->keys);
        if (daemon->publisher != NULL) {
            rind_pubsub_cancel(daemon->publisher);
        }
    }
}

/* Undoes any part of daemon_start, last first. */
static void daemon_close(struct daemon *daemon)
{
    rind_software_close(daemon->software);
    if (daemon->event_source.close != NULL) {
        daemon->event_source.close(daemon->event_source.self);
    }
    rind_pubsub_close(daemon->reader);
    rind_pubsub_close(daemon->publisher);
    rind_tenant_keys_close(daemon->keys);
    rind_store_close(daemon->store);
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
    rind_software_command_init(&daemon.command);
    rind_software_command_translate(&daemon.command, argc, argv);
    if (!rind_flags_or_exit(&daemon.command.command, argc, argv, &exit_status)) {
        return exit_status;
    }
    daemon.start_ns = rind_clock_monotonic_ns();
    if (sodium_init() < 0) {
        (void)fprintf(stderr, "rind-software-realm: the system has no randomness\n");
        return RIND_SOFTWARE_EXIT_FAULT;
    }
    rind_status status = rind_software_command_check(&ctx, &daemon.command, &exit_status);
    if (rind_is_ok(status)) {
        status = daemon_start(&ctx, &daemon, &exit_status);
    }
    if (rind_is_ok(status)) {
        daemon_serve(&ctx, &daemon);
        daemon_shut_down(&ctx, &daemon);
        exit_status = 0;
    } else {
        (void)fprintf(stderr, "rind-software-realm: %s\n", ctx.sentence);
    }
    daemon_close(&daemon);
    return exit_status;
}
