/*
 * chaos.c - `rind chaos`: attacks a realm while users use it, and proves that no promise breaks.
 *
 * Spec: docs/spec/08-cluster.md section 17; the checker goes beyond it. The parts are in chaos/.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/chaos/samples.h"
#include "cli/chaos/session.h"
#include "cli/command.h"

#define CHAOS_SEED_FROM_CLOCK 0u

struct chaos_flags {
    struct rind_chaos_options options;
    uint64_t hsm_count;
    uint64_t group_count;
    uint64_t manager_count;
    uint64_t balancer_count;
    uint64_t users;
    uint64_t failovers;
    uint64_t transfers;
    uint64_t workers;
    uint64_t pause_ns;
    bool is_start;
};

static bool chaos_parse(struct rind_cli *cli, struct chaos_flags *f, int argc, char *const *argv,
                        int *exit_status)
{
    const struct rind_flag realm[] = {
        {.name = "start",
         .kind = RIND_FLAG_BOOL,
         .help = "Start a realm for it on this machine, and end it afterwards.",
         .value = &f->is_start},
        {.name = "info",
         .value_name = "FILE",
         .kind = RIND_FLAG_TEXT,
         .help = "Or attack the first realm of 'rind demo --keep-alive --info FILE', which starts "
                 "again what is killed.",
         .value = &f->options.info_file},
        {.name = "hsms",
         .kind = RIND_FLAG_U64,
         .fallback = "5",
         .min = 1,
         .max = RIND_LOCAL_HSMS_MAX,
         .help = "HSMs of the realm.",
         .value = &f->hsm_count},
        {.name = "groups",
         .kind = RIND_FLAG_U64,
         .fallback = "3",
         .min = 1,
         .max = RIND_LOCAL_GROUPS_MAX,
         .help = "Groups of the realm, each of all its HSMs.",
         .value = &f->group_count},
        {.name = "managers",
         .kind = RIND_FLAG_U64,
         .fallback = "2",
         .min = 1,
         .max = 4,
         .help = "Cluster managers.",
         .value = &f->manager_count},
        {.name = "balancers",
         .kind = RIND_FLAG_U64,
         .fallback = "2",
         .min = 1,
         .max = RIND_CHAOS_BALANCERS_MAX,
         .help = "Load balancers. Users are spread over them.",
         .value = &f->balancer_count},
        {.name = "hosts",
         .value_name = "PREFIX",
         .kind = RIND_FLAG_TEXT,
         .help = "Put each HSM and agent into the network namespace PREFIX and its name, such as "
                 "PREFIXagent-a1, and cut their links too. tests/hosts/run makes the namespaces.",
         .value = &f->options.hosts.prefix},
        {.name = "hosts-subnet",
         .value_name = "A.B.C",
         .kind = RIND_FLAG_TEXT,
         .fallback = "10.213.77",
         .help = "The first three numbers of their addresses; we are .1.",
         .value = &f->options.hosts.subnet},
        {.name = "state",
         .value_name = "DIR",
         .kind = RIND_FLAG_TEXT,
         .help = "Keep logs and everything else in this directory. Default: a fresh directory, "
                 "removed at the end.",
         .value = &f->options.local.state_directory},
    };
    const struct rind_flag attack[] = {
        {.name = "duration",
         .kind = RIND_FLAG_DURATION,
         .fallback = "1m",
         .help = "How long to attack; 0s: not at all, only what else was asked for.",
         .value = &f->options.duration_ns},
        {.name = "failovers",
         .kind = RIND_FLAG_U64,
         .fallback = "0",
         .max = RIND_CHAOS_SAMPLES_MAX,
         .help =
             "Before that, kill a leader's machine so many times, and measure how long it takes "
             "until all records are served again.",
         .value = &f->failovers},
        {.name = "transfers",
         .kind = RIND_FLAG_U64,
         .fallback = "0",
         .max = RIND_CHAOS_SAMPLES_MAX,
         .help = "Then move half of all records so many times, and measure how long it takes.",
         .value = &f->transfers},
        {.name = "interval",
         .kind = RIND_FLAG_DURATION,
         .fallback = "2s",
         .min = 10 * RIND_NS_PER_MS,
         .help = "From one fault to the next, on average.",
         .value = &f->options.interval_ns},
        {.name = "seed",
         .kind = RIND_FLAG_U64,
         .show_fallback = "from the clock",
         .help = "Chooses the faults and what users do.",
         .value = &f->options.seed},
        {.name = "users",
         .kind = RIND_FLAG_U64,
         .fallback = "256",
         .min = 1,
         .max = RIND_CHAOS_USERS_MAX,
         .help = "Users, of two devices each.",
         .value = &f->users},
        {.name = "workers",
         .kind = RIND_FLAG_U64,
         .fallback = "8",
         .min = 1,
         .max = RIND_CHAOS_WORKERS_MAX,
         .help = "Users who are active at one time.",
         .value = &f->workers},
        {.name = "pause",
         .kind = RIND_FLAG_DURATION,
         .fallback = "20ms",
         .max = 60 * RIND_NS_PER_S,
         .help = "Longest rest of an active user between operations.",
         .value = &f->pause_ns},
        {.name = "json",
         .kind = RIND_FLAG_BOOL,
         .help = "Print one JSON object per line instead of text.",
         .value = &f->options.is_json},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, attack),
                                             RIND_FLAG_TABLE("The realm", realm)};
    const struct rind_command command = {
        .program = "rind chaos",
        .about = "Attacks a realm while users use it, and checks that no promise breaks.",
        .example = "rind chaos --start --hsms 5 --groups 3 --duration 10m\n"
                   "  rind chaos --info realm.json --duration 1m --interval 500ms",
        .tables = tables,
        .table_count = 2};
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

static rind_status chaos_plan(struct rind_ctx *ctx, struct chaos_flags *f)
{
    RIND_REQUIRE(ctx, f->is_start != (f->options.info_file != NULL), RIND_E_INVALID,
                 "say which realm to attack: --start or --info FILE");
    struct rind_chaos_options *options = &f->options;
    options->user_count = (uint32_t)f->users;
    options->worker_count = (uint32_t)(f->workers < f->users ? f->workers : f->users);
    options->failover_count = (uint32_t)f->failovers;
    options->transfer_count = (uint32_t)f->transfers;
    options->pause_ms_max = (uint32_t)(f->pause_ns / RIND_NS_PER_MS);
    options->local.realms[0] = (struct rind_local_realm_plan){
        .hsm_count = (uint32_t)f->hsm_count, .group_count = (uint32_t)f->group_count};
    options->local.realm_count = 1;
    options->local.hosts = options->hosts.prefix == NULL ? NULL : &options->hosts;
    options->local.manager_count = (uint32_t)f->manager_count;
    options->local.balancer_count = (uint32_t)f->balancer_count;
    options->local.rate_limit = RIND_CHAOS_RATE_LIMIT;
    if (options->seed == CHAOS_SEED_FROM_CLOCK) {
        options->seed = rind_clock_unix_ms() % 1000000u + 1;
    }
    return RIND_OK;
}

int rind_cli_chaos(struct rind_cli *cli, int argc, char *const *argv)
{
    struct chaos_flags flags = {0};
    int exit_status;
    if (!chaos_parse(cli, &flags, argc, argv, &exit_status)) {
        return exit_status;
    }
    rind_status status = chaos_plan(&cli->ctx, &flags);
    if (!rind_is_ok(status)) {
        (void)rind_cli_exit(cli, status);
        return RIND_EXIT_USAGE;
    }
    return rind_cli_exit(cli, rind_chaos_session(cli, &flags.options));
}
