/*
 * main.c - rind-hsm: the trusted core as a daemon (spec 02 section 7.4).
 *
 * Order at start: flags, log, no core dumps, keys, state file and core (whose memory is locked), no
 * capabilities, signals, server. Every failure before the line "listening on" is one sentence on
 * stderr and exit status 1 (2 for the command line).
 *
 * An agent that starts this program as its child can have it end with itself (spec 06 section 16
 * item 19): it sets RIND_HSM_PARENT to its process id in the child's environment.
 */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/host.h"
#include "platform/platform.h"

#define MAIN_LISTEN_DEFAULT "127.0.0.1:8078"
#define MAIN_PARENT_VARIABLE "RIND_HSM_PARENT"
/* After this long the process ends whatever is in flight (spec 02 section 7.4). */
#define MAIN_SHUTDOWN_MS 800u
#define MAIN_DRAIN_MS 400u

struct main_options {
    const char *key;
    bool has_key;
    const char *keys_file;
    bool has_keys_file;
    const char *state_directory;
    bool has_state_directory;
    struct rind_address listen;
    const char *name;
    bool has_name;
};

/* What is computed from the options. */
struct main_names {
    char state_directory[RIND_STATE_FILE_PATH_SIZE_MAX];
    char name[RIND_STATE_FILE_NAME_SIZE_MAX + 1];
};

static rind_status main_die_with_parent(struct rind_ctx *ctx)
{
    const char *text = getenv(MAIN_PARENT_VARIABLE);
    if (text == NULL || text[0] == '\0') {
        return RIND_OK;
    }
    char *end = NULL;
    errno = 0;
    long long parent = strtoll(text, &end, 10);
    RIND_REQUIRE(ctx, errno == 0 && *end == '\0' && parent > 0, RIND_E_INVALID,
                 "%s must be the process id of the parent", MAIN_PARENT_VARIABLE);
    return rind_process_die_with_parent(ctx, (int64_t)parent);
}

static rind_status main_check_keys(struct rind_ctx *ctx, const struct main_options *options)
{
    RIND_REQUIRE(ctx, options->has_key != options->has_keys_file, RIND_E_INVALID,
                 "give the realm's keys with --keys-file FILE, or derive insecure ones for testing "
                 "with --key TEXT: exactly one of the two");
    RIND_REQUIRE(ctx, !options->has_key || options->key[0] != '\0', RIND_E_INVALID,
                 "--key must not be empty; give some text to derive the keys from");
    return RIND_OK;
}

static rind_status main_load_keys(struct rind_ctx *ctx, const struct main_options *options,
                                  const struct rind_log *log, struct rind_realm_keys *keys)
{
    if (options->has_keys_file) {
        return rind_keys_file_read(ctx, options->keys_file, keys);
    }
    RIND_LOG_WARN(log, "INSECURE: the realm's keys are derived from --key, so whoever knows or "
                       "guesses that text reads every secret; for testing only");
    rind_realm_keys_derive_insecure(rind_slice_text(options->key), keys);
    return RIND_OK;
}

/* A fresh directory's name when none was given: its state is lost with the machine's /tmp. */
static rind_status main_temporary_directory(struct rind_ctx *ctx, char *path, size_t size)
{
    uint8_t random[10];
    RIND_REQUIRE(ctx, getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random), RIND_E_IO,
                 "the system's random generator fails: %s", strerror(errno));
    char digits[RIND_HEX_SIZE(sizeof(random))];
    rind_hex_encode(RIND_SLICE_OF(random), digits);
    const char *parent = getenv("TMPDIR");
    int length = snprintf(path, size, "%s/agent_hsm_%s",
                          parent != NULL && parent[0] != '\0' ? parent : "/tmp", digits);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < size, RIND_E_INVALID,
                 "TMPDIR is too long; give --state-dir");
    return RIND_OK;
}

static rind_status main_choose_names(struct rind_ctx *ctx, const struct main_options *options,
                                     struct main_names *names)
{
    char listen[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&options->listen, listen);
    int length = options->has_name ? snprintf(names->name, sizeof(names->name), "%s", options->name)
                                   : snprintf(names->name, sizeof(names->name), "hsm%s", listen);
    RIND_REQUIRE(ctx, length >= 0 && (size_t)length < sizeof(names->name), RIND_E_INVALID,
                 "--name must have at most %u characters", RIND_STATE_FILE_NAME_SIZE_MAX);
    if (!options->has_state_directory) {
        return main_temporary_directory(ctx, names->state_directory,
                                        sizeof(names->state_directory));
    }
    length = snprintf(names->state_directory, sizeof(names->state_directory), "%s",
                      options->state_directory);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(names->state_directory), RIND_E_INVALID,
                 "--state-dir must have 1 to %zu characters", sizeof(names->state_directory) - 1);
    return RIND_OK;
}

static rind_status main_open_machine(struct rind_ctx *ctx, const struct main_options *options,
                                     const struct main_names *names, const struct rind_log *log,
                                     struct rind_machine *machine)
{
    struct rind_realm_keys keys = {0};
    rind_status status = main_load_keys(ctx, options, log, &keys);
    if (rind_is_ok(status)) {
        status = rind_machine_open(ctx, names->state_directory, names->name, &keys, log, machine);
    }
    rind_realm_keys_wipe(&keys);
    return status;
}

/* Serves until the process is asked to end. */
static rind_status main_serve(struct rind_ctx *ctx, const struct main_options *options,
                              struct rind_machine *machine, struct rind_process *process,
                              const struct rind_log *log)
{
    struct rind_service service;
    RIND_TRY(rind_service_open(ctx, machine, &options->listen, log, &service));
    struct rind_address address = rind_service_address(&service);
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(&address, text);
    RIND_LOG_INFO(log, "listening on http://%s", text);
    rind_process_ready(log, machine->state.path);

    uint64_t reload_count = rind_process_reload_count(process);
    while (!rind_process_wait(process, rind_deadline_never(), &reload_count)) {
        RIND_LOG_INFO(log, "nothing to reload: flags and keys are read at start");
    }
    rind_process_stopping(log);
    rind_process_set_shutdown_deadline(process, rind_deadline_in_ms(MAIN_SHUTDOWN_MS));
    rind_service_close(&service, rind_deadline_in_ms(MAIN_DRAIN_MS));
    return RIND_OK;
}

static rind_status main_run_machine(struct rind_ctx *ctx, const struct main_options *options,
                                    struct rind_machine *machine, const struct rind_log *log)
{
    /* Memory is locked by now: nothing needs a capability any more. */
    struct rind_hardening hardening = {.keep_capabilities = false};
    RIND_TRY(rind_process_harden(ctx, &hardening, log));
    struct rind_process *process = NULL;
    RIND_TRY(rind_process_open(ctx, log, &process));
    rind_status status = main_serve(ctx, options, machine, process, log);
    rind_process_close(process);
    return status;
}

static rind_status main_run(struct rind_ctx *ctx, const struct main_options *options,
                            struct rind_log_sink *sink)
{
    RIND_REQUIRE(ctx, sodium_init() >= 0, RIND_E_INTERNAL, "libsodium cannot start");
    /* A file size limit is an error of the write that meets it, not the end of the process. */
    (void)signal(SIGXFSZ, SIG_IGN);
    RIND_TRY(main_die_with_parent(ctx));
    struct main_names names;
    RIND_TRY(main_choose_names(ctx, options, &names));
    struct rind_log unnamed = rind_log_make(sink);
    struct rind_log log = rind_log_with_text(&unnamed, "hsm", names.name);
    if (!options->has_state_directory) {
        RIND_LOG_WARN(&log, "state is kept in %s and will be lost with it; give --state-dir",
                      names.state_directory);
    }
    /* Before there are keys in memory: it must not be dumped. */
    struct rind_hardening hardening = {.keep_capabilities = true};
    RIND_TRY(rind_process_harden(ctx, &hardening, &log));
    struct rind_machine machine;
    RIND_TRY(main_open_machine(ctx, options, &names, &log, &machine));
    rind_status status = main_run_machine(ctx, options, &machine, &log);
    rind_machine_close(&machine);
    return status;
}

static bool main_parse(int argc, char **argv, struct main_options *options, int *exit_status)
{
    const struct rind_flag flags[] = {
        {.name = "key",
         .letter = 'k',
         .kind = RIND_FLAG_TEXT,
         .help = "Derive realm keys from this input. INSECURE: for testing only.",
         .value = &options->key,
         .is_given = &options->has_key},
        {.name = "keys-file",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "Read the realm's keys from this JSON file, which only its owner may read: an "
                 "object with communication_private, communication_public, record and mac, 64 hex "
                 "digits each. Exactly one of --key and --keys-file must be given.",
         .value = &options->keys_file,
         .is_given = &options->has_keys_file},
        {.name = "state-dir",
         .letter = 's',
         .value_name = "STATE_DIR",
         .kind = RIND_FLAG_TEXT,
         .help = "Directory to store the persistent state file in.",
         .show_fallback = "a random temp dir",
         .value = &options->state_directory,
         .is_given = &options->has_state_directory},
        {.name = "listen",
         .letter = 'l',
         .fallback = MAIN_LISTEN_DEFAULT,
         .kind = RIND_FLAG_ADDRESS,
         .help = "The IP/port to listen on.",
         .value = &options->listen},
        {.name = "name",
         .letter = 'n',
         .kind = RIND_FLAG_TEXT,
         .help = "Name of the HSM in logging, and of its state file.",
         .show_fallback = "hsm{listen}",
         .value = &options->name,
         .is_given = &options->has_name},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind-hsm",
        .about = "A software HSM: the trusted core of a realm, served over HTTP to its agent.",
        .example = "rind-hsm --keys-file /etc/rind/realm-keys.json --state-dir /var/lib/rind-hsm "
                   "--name hsm1",
        .tables = tables,
        .table_count = 1,
    };
    return rind_flags_or_exit(&command, argc, argv, exit_status);
}

int main(int argc, char **argv)
{
    struct main_options options = {0};
    int exit_status = 0;
    if (!main_parse(argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(main_check_keys(&ctx, &options))) {
        (void)fprintf(stderr, "rind-hsm: %s\n", ctx.sentence);
        return RIND_EXIT_USAGE;
    }
    enum rind_log_level level;
    struct rind_log_sink *sink = NULL;
    rind_status status = rind_log_level_from_environment(&ctx, RIND_LOG_LEVEL_INFO, &level);
    if (rind_is_ok(status)) {
        status = rind_log_open(&ctx, STDOUT_FILENO, RIND_LOG_FORMAT_AUTO, level, &sink);
    }
    if (rind_is_ok(status)) {
        status = main_run(&ctx, &options, sink);
    }
    rind_log_close(sink);
    if (!rind_is_ok(status)) {
        fprintf(stderr, "rind-hsm: %s\n", ctx.sentence);
        return 1;
    }
    return 0;
}
