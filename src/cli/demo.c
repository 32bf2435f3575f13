/* demo.c - `rind demo`: whole realms on this machine, and what one does with them. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/ids.h"
#include "cli/realm/local.h"
#include "cli/story.h"

#define DEMO_PROGRAM_STOP_TIMEOUT_MS 5000u

struct demo {
    struct rind_cli *cli;
    struct rind_local_options options;
    const char *program; /* --demo */
    const char *info_file;
    const char *store;
    bool is_minimal;
    bool is_mixed;
    bool is_kept_alive;
    uint64_t hsm_count;
    uint64_t group_count;
    bool has_shape; /* --hsms or --groups was given */
};

static void demo_print_step(void *self, const char *step)
{
    (void)self;
    (void)printf("  %s\n", step);
    (void)fflush(stdout);
}

/* ---- a program of the user's ---- */

static _Noreturn void demo_become_program(char *const *argv)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execvp(argv[0], argv);
    dprintf(STDERR_FILENO, "error: cannot start %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

/* Waits for the program; if we are told to stop it is told too, and killed if it does not listen.
 */
static int demo_wait_program(pid_t pid, struct rind_stopper *stopper)
{
    int status = 0;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0) {
        struct pollfd waiting[2] = {{.fd = fd, .events = POLLIN},
                                    {.fd = rind_stopper_fd(stopper), .events = POLLIN}};
        while (poll(waiting, 2, -1) < 0 && errno == EINTR) {
        }
        if (waiting[0].revents == 0) {
            (void)kill(pid, SIGTERM);
            if (poll(waiting, 1, (int)DEMO_PROGRAM_STOP_TIMEOUT_MS) <= 0) {
                (void)kill(pid, SIGKILL);
            }
        }
        (void)close(fd);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static rind_status demo_run_program(struct demo *demo, struct rind_local *local,
                                    struct rind_stopper *stopper, int *exit_status)
{
    struct rind_ctx *ctx = &demo->cli->ctx;
    const char *configuration;
    const char *tokens;
    RIND_TRY(rind_local_configuration(ctx, local, &configuration));
    RIND_TRY(rind_local_tokens(ctx, local, RIND_LOCAL_USER, &tokens));
    const char *const arguments[] = {
        demo->program, "--configuration",   configuration,          "--auth-tokens",
        tokens,        "--tls-certificate", local->certificate_der, NULL};
    (void)printf("\nrunning %s\n", demo->program);
    (void)fflush(stdout);
    pid_t pid = fork();
    RIND_REQUIRE(ctx, pid >= 0, RIND_E_IO, "cannot start %s: %s", demo->program, strerror(errno));
    if (pid == 0) {
        demo_become_program((char *const *)(uintptr_t)arguments);
    }
    *exit_status = demo_wait_program(pid, stopper);
    (void)printf("%s ended with status %d\n", demo->program, *exit_status);
    return RIND_OK;
}

/* ---- waiting for Ctrl-C ---- */

/* Starts again what has ended, as a service manager would. Its new id goes into the info file. */
static rind_status demo_supervise(struct demo *demo, struct rind_local *local)
{
    struct rind_ctx *ctx = &demo->cli->ctx;
    bool has_changed = false;
    for (size_t i = 0; i < local->child_count; i++) {
        struct rind_child *child = &local->children[i];
        if (rind_is_ok(rind_child_check(ctx, child))) {
            continue;
        }
        RIND_REQUIRE(ctx, strcmp(child->name, RIND_LOCAL_EMULATOR_NAME) != 0, RIND_E_UNAVAILABLE,
                     "the Bigtable emulator has ended, and with it all that the realms had stored");
        (void)fprintf(stderr, "warning: %s; starting it again\n", ctx->sentence);
        RIND_TRY(rind_child_start(ctx, child));
        has_changed = true;
    }
    return has_changed && demo->info_file != NULL
               ? rind_local_write_info(ctx, local, demo->info_file)
               : RIND_OK;
}

static rind_status demo_keep_alive(struct demo *demo, struct rind_local *local,
                                   struct rind_process *process)
{
    struct rind_ctx *ctx = &demo->cli->ctx;
    const char *configuration;
    const char *tokens;
    RIND_TRY(rind_local_configuration(ctx, local, &configuration));
    RIND_TRY(rind_local_tokens(ctx, local, RIND_LOCAL_USER, &tokens));
    (void)printf("\nconfiguration: %s\n\nauth tokens of user %s (ten minutes): %s\n\n"
                 "certificate: %s\nstore: %s\nsecrets: %s\n\nserving until Ctrl-C\n",
                 configuration, RIND_LOCAL_USER, tokens, local->certificate_pem, local->store,
                 local->secrets_file);
    (void)fflush(stdout);
    uint64_t reload_count = 0;
    for (;;) {
        if (rind_process_wait(process, rind_deadline_in_ms(1000), &reload_count)) {
            return RIND_OK;
        }
        RIND_TRY(demo_supervise(demo, local));
    }
}

/* ---- the command ---- */

static rind_status demo_use(struct demo *demo, struct rind_local *local,
                            struct rind_process *process, int *exit_status)
{
    struct rind_ctx *ctx = &demo->cli->ctx;
    struct rind_stopper *stopper = rind_process_stopper(process);
    uint64_t elapsed_ms = (rind_clock_monotonic_ns() - local->start_ns) / RIND_NS_PER_MS;
    (void)printf("  ready after %" PRIu64 ".%02" PRIu64 " s; logs are in %s\n", elapsed_ms / 1000,
                 elapsed_ms % 1000 / 10, local->directory);
    (void)fflush(stdout);
    if (demo->info_file != NULL) {
        RIND_TRY(rind_local_write_info(ctx, local, demo->info_file));
    }
    if (demo->program != NULL) {
        RIND_TRY(demo_run_program(demo, local, stopper, exit_status));
    } else if (!demo->is_kept_alive) {
        RIND_TRY(rind_story_tell(ctx, local, stopper));
        (void)printf("\nAll of it happened as promised.\n");
    }
    return demo->is_kept_alive ? demo_keep_alive(demo, local, process) : RIND_OK;
}

static void demo_describe(const struct demo *demo)
{
    (void)printf("starting");
    for (size_t i = 0; i < demo->options.realm_count; i++) {
        const struct rind_local_realm_plan *plan = &demo->options.realms[i];
        (void)printf("%s a realm of %u HSM%s%s", i == 0 ? "" : " and", plan->hsm_count,
                     plan->hsm_count == 1 ? "" : "s",
                     plan->group_count > 1 ? " in several groups" : "");
    }
    (void)printf("%s on this machine\n",
                 demo->options.has_software_realm
                     ? " and a software realm, of which any two recover a secret,"
                     : "");
    (void)fflush(stdout);
}

static rind_status demo_run(struct demo *demo, int *exit_status)
{
    struct rind_cli *cli = demo->cli;
    struct rind_process *process;
    struct rind_local local;
    RIND_TRY(rind_process_open(&cli->ctx, &cli->log, &process));
    demo_describe(demo);
    rind_status status =
        rind_local_open(&cli->ctx, &demo->options, &cli->log, rind_process_stopper(process),
                        demo_print_step, NULL, &local);
    if (rind_is_ok(status)) {
        status = demo_use(demo, &local, process, exit_status);
        rind_local_close(&local);
        if (demo->info_file != NULL) {
            (void)unlink(demo->info_file); /* nothing in it is true any more */
        }
    }
    rind_process_close(process);
    return status;
}

/* From flags to the realms to start. */
static rind_status demo_plan(struct demo *demo)
{
    struct rind_ctx *ctx = &demo->cli->ctx;
    struct rind_local_options *options = &demo->options;
    RIND_REQUIRE(ctx, !(demo->is_minimal && demo->has_shape), RIND_E_INVALID,
                 "--minimal is one HSM; leave out --hsms and --groups, or --minimal");
    RIND_REQUIRE(ctx, !(demo->is_minimal && demo->is_mixed), RIND_E_INVALID,
                 "--minimal is one realm, --mixed are three; leave out one of them");
    options->store =
        strcmp(demo->store, "bigtable") == 0 ? RIND_LOCAL_STORE_BIGTABLE : RIND_LOCAL_STORE_LMDB;
    options->balancer_count = 1;
    if (demo->is_mixed) {
        /* Any two of the three recover, so one of each kind is enough, and no kind alone. */
        for (size_t i = 0; i < 2; i++) {
            options->realms[i] = (struct rind_local_realm_plan){
                .hsm_count = demo->has_shape ? (uint32_t)demo->hsm_count : 1,
                .group_count = demo->has_shape ? (uint32_t)demo->group_count : 0};
        }
        options->realm_count = 2;
        options->has_software_realm = true;
        options->recover_threshold = 2;
        options->manager_count = 1;
    } else if (demo->is_minimal) {
        options->realms[0] = (struct rind_local_realm_plan){.hsm_count = 1};
        options->realm_count = 1;
    } else if (demo->has_shape) {
        options->realms[0] = (struct rind_local_realm_plan){
            .hsm_count = (uint32_t)demo->hsm_count, .group_count = (uint32_t)demo->group_count};
        options->realm_count = 1;
        options->manager_count = 1;
    } else {
        options->realms[0] = (struct rind_local_realm_plan){.hsm_count = 5, .group_count = 2};
        options->realms[1] = (struct rind_local_realm_plan){.hsm_count = 3, .group_count = 2};
        options->realm_count = 2;
        options->manager_count = 1;
    }
    return RIND_OK;
}

static const char *const demo_stores[] = {"lmdb", "bigtable", NULL};

static bool demo_parse(struct demo *demo, int argc, char *const *argv, int *exit_status)
{
    bool has_hsms = false;
    bool has_groups = false;
    const struct rind_flag flags[] = {
        {.name = "minimal",
         .kind = RIND_FLAG_BOOL,
         .help = "One realm of one HSM, instead of two realms of five and three.",
         .value = &demo->is_minimal},
        {.name = "mixed",
         .kind = RIND_FLAG_BOOL,
         .help = "Two realms of HSMs and a software realm, of which any two recover a secret.",
         .value = &demo->is_mixed},
        {.name = "hsms",
         .kind = RIND_FLAG_U64,
         .fallback = "3",
         .min = 1,
         .max = RIND_LOCAL_HSMS_MAX,
         .help = "One realm (with --mixed: two) with this many HSMs.",
         .value = &demo->hsm_count,
         .is_given = &has_hsms},
        {.name = "groups",
         .kind = RIND_FLAG_U64,
         .fallback = "1",
         .min = 1,
         .max = RIND_LOCAL_GROUPS_MAX,
         .help = "One realm (with --mixed: two) with this many groups, each of all its HSMs.",
         .value = &demo->group_count,
         .is_given = &has_groups},
        {.name = "demo",
         .value_name = "PROGRAM",
         .kind = RIND_FLAG_TEXT,
         .help = "Run this instead of the story, with --configuration JSON --auth-tokens JSON "
                 "--tls-certificate FILE.der. Its exit status becomes ours.",
         .value = &demo->program},
        {.name = "keep-alive",
         .letter = 'k',
         .kind = RIND_FLAG_BOOL,
         .help = "Print what clients need and serve until Ctrl-C. What ends is started again.",
         .value = &demo->is_kept_alive},
        {.name = "info",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "Write what runs as JSON: configuration, auth_tokens, tls_certificate, store, "
                 "secrets_file and every process with name, pid, address and log. Removed at the "
                 "end.",
         .value = &demo->info_file},
        {.name = "state",
         .value_name = "DIR",
         .kind = RIND_FLAG_TEXT,
         .help =
             "Keep everything in this directory, and go on with what is there. Default: a fresh "
             "directory, removed at the end.",
         .value = &demo->options.state_directory},
        {.name = "secrets-file",
         .kind = RIND_FLAG_TEXT,
         .help = "JSON file with the record-id key and the keys of tenant test-acme (with --mixed "
                 "also jb-sw-tenant-test-acme). Default: random ones.",
         .value = &demo->options.secrets_file},
        {.name = "rate-limit",
         .kind = RIND_FLAG_U64,
         .fallback = "1000",
         .min = 1,
         .max = 1000000,
         .help = "Requests per second that a tenant may make.",
         .value = &demo->options.rate_limit},
        {.name = "store",
         .kind = RIND_FLAG_CHOICE,
         .choices = demo_stores,
         .fallback = "lmdb",
         .help = "Engine of the store. bigtable is the emulator that BIGTABLE_EMULATOR_HOST names, "
                 "or else one that is started for the realm and ends with it.",
         .value = &demo->store},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind demo",
        .about = "Runs whole realms on this machine and shows what they do.",
        .example = "rind demo --minimal\n  rind demo --mixed\n  rind demo --hsms 5 --groups 3 "
                   "--keep-alive",
        .tables = tables,
        .table_count = 1};
    bool is_run = rind_cli_flags(demo->cli, &command, argc, argv, exit_status);
    demo->has_shape = has_hsms || has_groups;
    return is_run;
}

int rind_cli_demo(struct rind_cli *cli, int argc, char *const *argv)
{
    struct demo demo = {.cli = cli};
    int exit_status = 0;
    if (!demo_parse(&demo, argc, argv, &exit_status)) {
        return exit_status;
    }
    rind_status planned = demo_plan(&demo);
    if (!rind_is_ok(planned)) {
        (void)rind_cli_exit(cli, planned);
        return RIND_EXIT_USAGE;
    }
    rind_status status = demo_run(&demo, &exit_status);
    return rind_is_ok(status) ? exit_status : rind_cli_exit(cli, status);
}
