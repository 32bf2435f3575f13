/*
 * check.c - `rind check`: does a realm do what clients want of it, seen from where clients are?
 *
 * Spec 08 section 16. A prober for monitoring: rounds of users who register, recover and delete
 * through the public address, told to people, to scripts, and to DogStatsD. One round, or rounds
 * until it is stopped.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/roots.h"
#include "cli/check/round.h"
#include "cli/command.h"

#define CHECK_DOGSTATSD_ADDRESS "127.0.0.1:8125"
#define CHECK_TIMEOUT_NS_MAX (3600ull * RIND_NS_PER_S)

struct check_options {
    const char *configuration;
    const char *secrets_file;
    const char *tenant;
    const char *user;
    const char *environment;
    struct rind_flag_texts certificates;
    struct rind_address dogstatsd;
    uint64_t concurrency;
    uint64_t user_count;
    uint64_t timeout_ns;
    uint64_t http_timeout_ns;
    uint64_t pause_ns;
    bool is_forever;
    bool is_json;
};

struct check {
    struct rind_cli *cli;
    const struct check_options *options;
    struct rind_stopper *stopper;
    struct rind_metrics *metrics;
    struct rind_roots roots;
    struct rind_check_line *line;
    struct rind_check_users *users;
    struct rind_certificates *certificates;
};

/* ---- rounds ---- */

static rind_status check_tell(const struct check *check, const struct rind_check_round *round)
{
    rind_check_round_publish(round, check->metrics);
    if (check->options->is_json) {
        return rind_check_round_print_json(check->cli, round, check->users, check->options->user,
                                           check->certificates);
    }
    rind_check_round_print(round, check->users, check->certificates);
    return RIND_OK;
}

static bool check_is_stopped(const struct check *check)
{
    return rind_stopper_is_set(check->stopper);
}

/* The last round decides. One that was cut off by our own end says nothing of the realm. */
static rind_status check_run_rounds(struct check *check)
{
    const struct check_options *options = check->options;
    struct rind_ctx *ctx = &check->cli->ctx;
    struct rind_check_round last = {.error = "interrupted before the first round was over"};
    bool is_last = false;
    while (!is_last) {
        struct rind_check_round round;
        size_t mark = rind_arena_mark(ctx->arena);
        RIND_TRY(rind_check_round_run(ctx, check->users, (unsigned)options->user_count,
                                      check->certificates, options->timeout_ns, &round));
        if (check_is_stopped(check)) {
            break;
        }
        last = round;
        RIND_TRY(check_tell(check, &round));
        rind_arena_release(ctx->arena, mark);
        is_last = !options->is_forever ||
                  rind_stopper_wait(check->stopper, rind_deadline_in_ns(options->pause_ns));
    }
    RIND_REQUIRE(ctx, last.error[0] == '\0', RIND_E_UNAVAILABLE, "%s", last.error);
    return RIND_OK;
}

/* ---- opening ---- */

static rind_status check_open_metrics(struct check *check)
{
    struct rind_ctx *ctx = &check->cli->ctx;
    const struct rind_tag tags[] = {{"service", "service_checker"},
                                    {"env", check->options->environment},
                                    {"version", rind_build_info()->git_hash}};
    RIND_TRY(
        rind_metrics_new(ctx, tags, rind_build_info()->git_hash != NULL ? 3 : 2, &check->metrics));
    rind_metrics_add_environment_tags(check->metrics);
    return rind_metrics_add_dogstatsd(ctx, check->metrics, &check->options->dogstatsd,
                                      &check->cli->log);
}

static rind_status check_open(struct check *check)
{
    const struct check_options *options = check->options;
    struct rind_ctx *ctx = &check->cli->ctx;
    const char *configuration;
    RIND_TRY(rind_cli_read_configuration(ctx, options->configuration, &configuration));
    RIND_REQUIRE(ctx, sodium_init() >= 0, RIND_E_INTERNAL, "libsodium cannot start");
    RIND_TRY(check_open_metrics(check));
    RIND_TRY(rind_roots_open(ctx, options->certificates.values, options->certificates.count,
                             &check->roots));
    const struct rind_check_line_options line = {
        .ca_file = check->roots.path[0] != '\0' ? check->roots.path : NULL,
        .stopper = check->stopper,
        .metrics = check->metrics,
        .log = &check->cli->log};
    RIND_TRY(rind_check_line_open(ctx, &line, &check->line));
    const struct rind_check_users_options users = {
        .configuration = configuration,
        .secrets_file = options->secrets_file,
        .tenant = options->tenant,
        .user = options->user,
        .concurrency = (unsigned)options->concurrency,
        .user_count = (unsigned)options->user_count,
        .request_timeout_ms = (uint32_t)(options->http_timeout_ns / RIND_NS_PER_MS),
        .stopper = check->stopper,
        .line = check->line};
    RIND_TRY(rind_check_users_open(ctx, &users, &check->users));
    const struct rind_certificates_options certificates = {
        .configuration = rind_check_users_configuration(check->users),
        .timeout_ns = options->http_timeout_ns,
        .metrics = check->metrics,
        .log = &check->cli->log};
    return rind_certificates_open(ctx, &certificates, &check->certificates);
}

static rind_status check_run_with(struct check *check)
{
    RIND_TRY(check_open(check));
    if (rind_check_users_were_slow(check->users)) {
        RIND_LOG_WARN(&check->cli->log, "PINs are hashed with FastInsecure, not as the "
                                        "configuration says: the realms are checked, not this "
                                        "machine");
    }
    return check_run_rounds(check);
}

static rind_status check_run(struct rind_cli *cli, const struct check_options *options)
{
    struct rind_process *process;
    struct check check = {.cli = cli, .options = options};
    RIND_TRY(rind_process_open(&cli->ctx, &cli->log, &process));
    check.stopper = rind_process_stopper(process);
    rind_status status = check_run_with(&check);
    rind_certificates_close(check.certificates);
    rind_check_users_close(check.users);
    rind_check_line_close(check.line);
    rind_roots_close(&check.roots);
    rind_metrics_close(check.metrics);
    rind_process_close(process);
    return status;
}

/* ---- the command line ---- */

#define CHECK_REALM_FLAGS(options)                                                                 \
    {.name = "configuration",                                                                      \
     .value_name = "JSON",                                                                         \
     .kind = RIND_FLAG_TEXT,                                                                       \
     .is_required = true,                                                                          \
     .help = "Client configuration, or @FILE with it; PINs are hashed with FastInsecure, "         \
             "whatever it says.",                                                                  \
     .value = &(options)->configuration},                                                          \
        {.name = "secrets-file",                                                                   \
         .value_name = "FILE",                                                                     \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .is_required = true,                                                                      \
         .help = "JSON file with the tenant's keys (for software realms jb-sw-tenant-TENANT).",    \
         .value = &(options)->secrets_file},                                                       \
        {.name = "tenant",                                                                         \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .fallback = "test-juiceboxmonitor",                                                       \
         .help = "Whose users; must start with 'test-'.",                                          \
         .value = &(options)->tenant},                                                             \
        {.name = "user",                                                                           \
         .kind = RIND_FLAG_TEXT,                                                                   \
         .fallback = "Mario",                                                                      \
         .help = "Users are called this and a number from 1.",                                     \
         .value = &(options)->user},                                                               \
    {                                                                                              \
        .name = "tls-certificate", .value_name = "FILE", .kind = RIND_FLAG_TEXTS,                  \
        .help = "The only roots to trust, DER or PEM; may be repeated. Default: the system's.",    \
        .value = &(options)->certificates                                                          \
    }

#define CHECK_ROUND_FLAGS(options)                                                                 \
    {.name = "count",                                                                              \
     .value_name = "N",                                                                            \
     .kind = RIND_FLAG_U64,                                                                        \
     .fallback = "5",                                                                              \
     .min = 1,                                                                                     \
     .max = RIND_CHECK_USERS_MAX,                                                                  \
     .help = "Users of a round.",                                                                  \
     .value = &(options)->user_count},                                                             \
        {.name = "concurrency",                                                                    \
         .value_name = "N",                                                                        \
         .kind = RIND_FLAG_U64,                                                                    \
         .fallback = "1",                                                                          \
         .min = 1,                                                                                 \
         .max = RIND_CHECK_CONCURRENCY_MAX,                                                        \
         .help = "Users at a time.",                                                               \
         .value = &(options)->concurrency},                                                        \
        {.name = "timeout",                                                                        \
         .value_name = "TIME",                                                                     \
         .kind = RIND_FLAG_DURATION,                                                               \
         .fallback = "10s",                                                                        \
         .min = RIND_NS_PER_MS,                                                                    \
         .max = CHECK_TIMEOUT_NS_MAX,                                                              \
         .help = "For a round, certificates included.",                                            \
         .value = &(options)->timeout_ns},                                                         \
        {.name = "http-timeout",                                                                   \
         .value_name = "TIME",                                                                     \
         .kind = RIND_FLAG_DURATION,                                                               \
         .fallback = "5s",                                                                         \
         .min = RIND_NS_PER_MS,                                                                    \
         .max = CHECK_TIMEOUT_NS_MAX,                                                              \
         .help = "For one HTTP request.",                                                          \
         .value = &(options)->http_timeout_ns},                                                    \
        {.name = "forever",                                                                        \
         .kind = RIND_FLAG_BOOL,                                                                   \
         .help = "Round after round until SIGTERM or Ctrl-C; the last whole one decides the exit " \
                 "status.",                                                                        \
         .value = &(options)->is_forever},                                                         \
    {                                                                                              \
        .name = "pause", .value_name = "TIME", .kind = RIND_FLAG_DURATION, .fallback = "0s",       \
        .help = "With --forever: between two rounds.", .value = &(options)->pause_ns               \
    }

static bool check_parse(struct rind_cli *cli, struct check_options *options, int argc,
                        char *const *argv, int *exit_status)
{
    const struct rind_flag realm[] = {CHECK_REALM_FLAGS(options)};
    const struct rind_flag round[] = {CHECK_ROUND_FLAGS(options)};
    const struct rind_flag telling[] = {
        {.name = "env",
         .kind = RIND_FLAG_TEXT,
         .fallback = "dev",
         .help = "Tag env of the metrics.",
         .value = &options->environment},
        {.name = "dogstatsd",
         .value_name = "ADDRESS",
         .kind = RIND_FLAG_ADDRESS,
         .fallback = CHECK_DOGSTATSD_ADDRESS,
         .help = "Where metrics and the service check healthcheck.register_recover go (UDP).",
         .value = &options->dogstatsd},
        {.name = "json",
         .kind = RIND_FLAG_BOOL,
         .help = "Print one line of JSON for each round, for scripts.",
         .value = &options->is_json},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE("The realms", realm),
                                             RIND_FLAG_TABLE("Rounds", round),
                                             RIND_FLAG_TABLE("What is told", telling)};
    const struct rind_command command = {
        .program = "rind check",
        .about = "Checks realms from where clients are: users register, recover and delete, and "
                 "certificates must be good for more than five days. Exit status 1 if the last "
                 "round found a fault. LOGLEVEL=WARN tells of slow and failed requests, too.",
        .example = "rind check --configuration @configuration.json --secrets-file secrets.json "
                   "--tenant test-acme\n"
                   "  rind check --configuration @configuration.json --secrets-file secrets.json "
                   "--forever --pause 10s --env prod --json",
        .tables = tables,
        .table_count = 3};
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

int rind_cli_check(struct rind_cli *cli, int argc, char *const *argv)
{
    struct check_options options = {0};
    int exit_status;
    if (!check_parse(cli, &options, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, check_run(cli, &options));
}
