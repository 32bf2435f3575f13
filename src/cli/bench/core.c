/* core.c - `rind bench core`: the trusted core alone, on one thread. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "cli/bench/bench.h"
#include "cli/bench/core_host.h"
#include "cli/bench/core_run.h"
#include "cli/bench/sparse_tree.h"

struct core_command {
    struct rind_cli *cli;
    uint64_t record_count;
    bool has_records;
    uint64_t round_count;
    uint64_t batch_size;
    bool is_json;
};

static const uint64_t core_record_counts[] = {1000, 1000000, 500000000};

static const char *const core_request_names[RIND_CORE_RUN_REQUESTS] = {
    "register1", "register2", "recover1", "recover2", "recover3", "delete"};

static json_t *core_operation_json(const struct rind_core_run_operation *operation)
{
    return json_pack("{s:f, s:f, s:f}", "cpu_us", operation->cpu_us, "floor_us",
                     operation->floor_us, "ratio", operation->ratio);
}

static json_t *core_json(uint64_t record_count, const struct rind_core_run *run)
{
    json_t *requests = json_object();
    for (size_t i = 0; i < RIND_CORE_RUN_REQUESTS; i++) {
        (void)json_object_set_new(requests, core_request_names[i], json_real(run->request_us[i]));
    }
    const struct rind_floor *floor = &run->floor;
    json_t *operations =
        json_pack("{s:f, s:f, s:f, s:f, s:f}", "x25519_base", floor->x25519_base_us, "x25519",
                  floor->x25519_us, "ristretto_base", floor->ristretto_base_us, "ristretto",
                  floor->ristretto_us, "ristretto_check", floor->ristretto_check_us);
    return json_pack("{s:I, s:o, s:o, s:o, s:f, s:o}", "records", (json_int_t)record_count,
                     "recover", core_operation_json(&run->recover), "register",
                     core_operation_json(&run->registration), "request_us", requests, "commit_us",
                     run->commit_us, "public_key_us", operations);
}

static void core_print_heading(void)
{
    (void)printf("CPU microseconds of the core on one thread; a whole operation includes its share "
                 "of the commits\n\n%12s",
                 "records");
    for (size_t i = 0; i < RIND_CORE_RUN_REQUESTS; i++) {
        (void)printf(" %9s", core_request_names[i]);
    }
    (void)printf(" %7s | %8s %7s %6s | %8s %7s %6s\n", "commit", "recover", "floor", "ratio",
                 "register", "floor", "ratio");
}

static void core_print(uint64_t record_count, const struct rind_core_run *run)
{
    (void)printf("%12" PRIu64, record_count);
    for (size_t i = 0; i < RIND_CORE_RUN_REQUESTS; i++) {
        (void)printf(" %9.1f", run->request_us[i]);
    }
    (void)printf(" %7.1f | %8.1f %7.1f %6.3f | %8.1f %7.1f %6.3f\n", run->commit_us,
                 run->recover.cpu_us, run->recover.floor_us, run->recover.ratio,
                 run->registration.cpu_us, run->registration.floor_us, run->registration.ratio);
    (void)fflush(stdout);
}

static rind_status core_run_one(const struct core_command *command, uint64_t record_count,
                                json_t *runs)
{
    const struct rind_core_run_options options = {.record_count = record_count,
                                                  .round_count = (uint32_t)command->round_count,
                                                  .batch_size = (uint32_t)command->batch_size,
                                                  .seed = record_count};
    struct rind_core_run run;
    RIND_TRY(rind_core_run(&command->cli->ctx, &options, &run));
    if (command->is_json) {
        (void)json_array_append_new(runs, core_json(record_count, &run));
    } else {
        core_print(record_count, &run);
    }
    return RIND_OK;
}

static rind_status core_run_all(const struct core_command *command, json_t *runs)
{
    struct rind_ctx *ctx = &command->cli->ctx;
    RIND_REQUIRE(ctx, sodium_init() >= 0, RIND_E_INTERNAL, "libsodium cannot start");
    if (!command->is_json) {
        core_print_heading();
    }
    if (command->has_records) {
        RIND_TRY(core_run_one(command, command->record_count, runs));
        return command->is_json ? rind_bench_print_json(ctx, json_array_get(runs, 0)) : RIND_OK;
    }
    for (size_t i = 0; i < sizeof(core_record_counts) / sizeof(core_record_counts[0]); i++) {
        RIND_TRY(core_run_one(command, core_record_counts[i], runs));
    }
    if (!command->is_json) {
        return RIND_OK;
    }
    json_t *all = json_pack("{s:O}", "runs", runs);
    rind_status status = rind_bench_print_json(ctx, all);
    json_decref(all);
    return status;
}

static bool core_parse(struct core_command *core, int argc, char *const *argv, int *exit_status)
{
    const struct rind_flag flags[] = {
        {.name = "records",
         .value_name = "N",
         .kind = RIND_FLAG_U64,
         .min = RIND_SPARSE_TREE_RECORDS_MIN,
         .max = RIND_SPARSE_TREE_RECORDS_MAX,
         .help = "Records in the tree besides those of the run. Only the paths that are used are "
                 "made, so any number costs the same. Default: a thousand, a million and 500 "
                 "million in turn.",
         .value = &core->record_count,
         .is_given = &core->has_records},
        {.name = "rounds",
         .kind = RIND_FLAG_U64,
         .fallback = "31",
         .min = 1,
         .max = RIND_CORE_RUN_ROUNDS_MAX,
         .help = "Rounds whose median is shown.",
         .value = &core->round_count},
        {.name = "batch",
         .kind = RIND_FLAG_U64,
         .fallback = "64",
         .min = 1,
         .max = RIND_CORE_HOST_BATCH_MAX,
         .help = "New users per round, who move in step: so many requests are committed at once.",
         .value = &core->batch_size},
        RIND_BENCH_JSON_FLAG(core->is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind bench core",
        .about = "Measures the trusted core alone: CPU per request, and over its floor.",
        .example = "rind bench core\n  rind bench core --records 1000000 --json",
        .tables = tables,
        .table_count = 1};
    return rind_cli_flags(core->cli, &command, argc, argv, exit_status);
}

int rind_bench_core(struct rind_cli *cli, int argc, char *const *argv)
{
    struct core_command command = {.cli = cli};
    int exit_status = 0;
    if (!core_parse(&command, argc, argv, &exit_status)) {
        return exit_status;
    }
    json_t *runs = json_array();
    rind_status status = core_run_all(&command, runs);
    json_decref(runs);
    return rind_cli_exit(cli, status);
}
