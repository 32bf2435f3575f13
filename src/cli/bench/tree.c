/*
 * tree.c - `rind bench tree`: a large tree in a real store.
 *
 * Question: what does a recover cost where the records are: how many nodes are read, from memory or
 * from the disk, how many bytes are written, and how long does it take? One user after the other,
 * at random places of the tree, core and store in this process: first cold, as after a restart,
 * then the same users again, warm. There is no network in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench/bench.h"
#include "cli/bench/core_host.h"
#include "cli/bench/core_user.h"
#include "cli/bench/tree_store.h"
#include "cli/histogram.h"

#define TREE_USERS_MAX 1000000u

struct tree_options {
    uint64_t record_count;
    uint64_t user_count;
    const char *directory; /* NULL: a temporary one */
    bool is_json;
};

/* What one pass over all users came to. */
struct tree_pass {
    struct rind_histogram latency;
    struct rind_tree_store_counts counts;
    uint64_t core_ns;
    uint64_t device_bytes; /* that the system was told to write for us */
};

struct tree_bench {
    struct rind_cli *cli;
    const struct tree_options *options;
    char directory[RIND_TREE_STORE_PATH_SIZE_MAX];
    struct rind_core_host host;
    struct rind_tree_store *store;
    struct rind_core_user *users;
    double load_s;
    uint64_t file_bytes;
    struct tree_pass registration;
    struct tree_pass cold;
    struct tree_pass warm;
};

static const enum rind_secrets_request_kind tree_register_kinds[] = {
    RIND_SECRETS_REQUEST_REGISTER1, RIND_SECRETS_REQUEST_REGISTER2};
static const enum rind_secrets_request_kind tree_recover_kinds[] = {
    RIND_SECRETS_REQUEST_RECOVER1, RIND_SECRETS_REQUEST_RECOVER2, RIND_SECRETS_REQUEST_RECOVER3};

/* ---- passes ---- */

static uint64_t tree_device_bytes(void)
{
    char line[128];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "write_bytes: %" SCNu64, &bytes) == 1) {
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

static rind_status tree_operation(struct tree_bench *bench, struct rind_core_user *user,
                                  const enum rind_secrets_request_kind *kinds, size_t kind_count,
                                  uint64_t *core_ns)
{
    struct rind_ctx *ctx = &bench->cli->ctx;
    for (size_t i = 0; i < kind_count; i++) {
        size_t mark = rind_arena_mark(ctx->arena);
        struct rind_released_response_list responses;
        RIND_TRY(rind_core_user_ask(ctx, &bench->host, user, kinds[i], core_ns));
        RIND_TRY(rind_core_host_commit(ctx, &bench->host, core_ns, &responses));
        RIND_TRY(rind_core_user_receive(ctx, user, kinds[i], &responses));
        rind_arena_release(ctx->arena, mark);
    }
    return RIND_OK;
}

static rind_status tree_run_pass(struct tree_bench *bench,
                                 const enum rind_secrets_request_kind *kinds, size_t kind_count,
                                 struct tree_pass *pass)
{
    uint64_t device_bytes = tree_device_bytes();
    rind_tree_store_reset(bench->store);
    for (uint64_t i = 0; i < bench->options->user_count; i++) {
        uint64_t start_ns = rind_clock_monotonic_ns();
        RIND_TRY(tree_operation(bench, &bench->users[i], kinds, kind_count, &pass->core_ns));
        rind_histogram_add(&pass->latency, (rind_clock_monotonic_ns() - start_ns) / RIND_NS_PER_US);
    }
    pass->counts = rind_tree_store_counts(bench->store);
    pass->device_bytes = tree_device_bytes() - device_bytes;
    return RIND_OK;
}

/* ---- setting up ---- */

static void tree_say_loaded(uint64_t done, uint64_t all)
{
    (void)fprintf(stderr, "\r\033[K  loaded %" PRIu64 " of %" PRIu64 " nodes", done, all);
    (void)fflush(stderr);
}

static rind_status tree_load(struct tree_bench *bench)
{
    struct rind_ctx *ctx = &bench->cli->ctx;
    const struct tree_options *options = bench->options;
    struct rind_data_hash root_hash;
    bool is_terminal = isatty(STDERR_FILENO) == 1;
    RIND_TRY(rind_core_host_open(ctx, &bench->host));
    RIND_TRY(rind_tree_store_open(ctx, bench->directory, &bench->host.realm, &bench->host.group,
                                  &bench->store));
    uint64_t start_ns = rind_clock_monotonic_ns();
    RIND_TRY(rind_tree_store_load(ctx, bench->store, options->record_count, options->record_count,
                                  is_terminal ? tree_say_loaded : NULL, &root_hash));
    bench->load_s = (double)(rind_clock_monotonic_ns() - start_ns) / (double)RIND_NS_PER_S;
    if (is_terminal) {
        (void)fprintf(stderr, "\r\033[K");
    }
    struct rind_core_nodes nodes = rind_tree_store_nodes(bench->store);
    return rind_core_host_lead(ctx, &bench->host, &root_hash, &nodes);
}

static rind_status tree_run(struct tree_bench *bench)
{
    struct rind_ctx *ctx = &bench->cli->ctx;
    struct rind_seeded seeded = {.state = 42};
    bench->users = calloc(bench->options->user_count, sizeof(*bench->users));
    RIND_REQUIRE(ctx, bench->users != NULL, RIND_E_LIMIT, "no memory for the users");
    for (uint64_t i = 0; i < bench->options->user_count; i++) {
        rind_core_user_init(&seeded, &bench->users[i]);
    }
    RIND_TRY(tree_load(bench));
    RIND_TRY(tree_run_pass(bench, tree_register_kinds, 2, &bench->registration));
    RIND_TRY(rind_tree_store_forget(ctx, bench->store));
    RIND_TRY(tree_run_pass(bench, tree_recover_kinds, 3, &bench->cold));
    RIND_TRY(tree_run_pass(bench, tree_recover_kinds, 3, &bench->warm));
    bench->file_bytes = rind_tree_store_size(bench->store);
    return RIND_OK;
}

/* ---- telling ---- */

static double tree_per_operation(const struct tree_pass *pass, uint64_t total)
{
    return pass->latency.count == 0 ? 0 : (double)total / (double)pass->latency.count;
}

static json_t *tree_pass_json(const struct tree_pass *pass)
{
    const struct rind_tree_store_counts *counts = &pass->counts;
    return json_pack("{s:I, s:{s:f, s:f, s:f, s:f}, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "count",
                     (json_int_t)pass->latency.count, "latency_ms", "p50",
                     (double)rind_histogram_quantile_us(&pass->latency, 0.5) / 1000.0, "p90",
                     (double)rind_histogram_quantile_us(&pass->latency, 0.9) / 1000.0, "p99",
                     (double)rind_histogram_quantile_us(&pass->latency, 0.99) / 1000.0, "max",
                     (double)pass->latency.max_us / 1000.0, "nodes_per_op",
                     tree_per_operation(pass, counts->nodes), "nodes_read_per_op",
                     tree_per_operation(pass, counts->nodes - counts->nodes_cached),
                     "bytes_written_per_op", tree_per_operation(pass, counts->bytes_written),
                     "device_bytes_written_per_op", tree_per_operation(pass, pass->device_bytes),
                     "read_us_per_op", tree_per_operation(pass, counts->proof_ns) / 1000.0,
                     "core_us_per_op", tree_per_operation(pass, pass->core_ns) / 1000.0,
                     "append_us_per_op", tree_per_operation(pass, counts->append_ns) / 1000.0);
}

static json_t *tree_json(const struct tree_bench *bench)
{
    return json_pack("{s:I, s:f, s:I, s:o, s:o, s:o}", "records",
                     (json_int_t)bench->options->record_count, "load_secs", bench->load_s,
                     "file_bytes", (json_int_t)bench->file_bytes, "register",
                     tree_pass_json(&bench->registration), "cold", tree_pass_json(&bench->cold),
                     "warm", tree_pass_json(&bench->warm));
}

static void tree_print_pass(const char *name, const struct tree_pass *pass)
{
    const struct rind_tree_store_counts *counts = &pass->counts;
    (void)printf("%-14s %8.2f %8.2f %7.1f %7.1f %9.1f %9.1f %9.0f %9.0f %9.0f\n", name,
                 (double)rind_histogram_quantile_us(&pass->latency, 0.5) / 1000.0,
                 (double)rind_histogram_quantile_us(&pass->latency, 0.99) / 1000.0,
                 tree_per_operation(pass, counts->nodes),
                 tree_per_operation(pass, counts->nodes - counts->nodes_cached),
                 tree_per_operation(pass, counts->bytes_written) / 1024.0,
                 tree_per_operation(pass, pass->device_bytes) / 1024.0,
                 tree_per_operation(pass, counts->proof_ns) / 1000.0,
                 tree_per_operation(pass, pass->core_ns) / 1000.0,
                 tree_per_operation(pass, counts->append_ns) / 1000.0);
}

static rind_status tree_tell(const struct tree_bench *bench)
{
    if (bench->options->is_json) {
        json_t *root = tree_json(bench);
        rind_status status = rind_bench_print_json(&bench->cli->ctx, root);
        json_decref(root);
        return status;
    }
    (void)printf("%" PRIu64 " records, %.1f MiB, loaded in %.1f s; one user after the other\n\n",
                 bench->options->record_count, (double)bench->file_bytes / 1048576.0,
                 bench->load_s);
    (void)printf("%-14s %8s %8s %7s %7s %9s %9s %9s %9s %9s\n", "per operation", "p50 ms", "p99 ms",
                 "nodes", "read", "written", "device", "read us", "core us", "append us");
    tree_print_pass("register", &bench->registration);
    tree_print_pass("recover, cold", &bench->cold);
    tree_print_pass("recover, warm", &bench->warm);
    (void)printf("\nwritten: KiB handed to the store; device: KiB written to disk\n");
    return RIND_OK;
}

/* ---- the command ---- */

static rind_status tree_make_directory(struct tree_bench *bench)
{
    struct rind_ctx *ctx = &bench->cli->ctx;
    const char *parent = getenv("TMPDIR");
    int length;
    if (bench->options->directory != NULL) {
        length =
            snprintf(bench->directory, sizeof(bench->directory), "%s", bench->options->directory);
    } else {
        length = snprintf(bench->directory, sizeof(bench->directory), "%s/rind-tree-XXXXXX",
                          parent != NULL && parent[0] != 0 ? parent : "/tmp");
    }
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(bench->directory), RIND_E_INVALID,
                 "the name of the directory is too long");
    RIND_REQUIRE(ctx, bench->options->directory != NULL || mkdtemp(bench->directory) != NULL,
                 RIND_E_IO, "cannot make a temporary directory like %s", bench->directory);
    return RIND_OK;
}

/* The files that the store makes; a directory that was given keeps them. */
static void tree_remove_directory(const struct tree_bench *bench)
{
    static const char *const files[] = {"data.mdb", "lock.mdb", "changes"};
    char path[RIND_TREE_STORE_PATH_SIZE_MAX + 16];
    if (bench->options->directory != NULL || bench->directory[0] == 0) {
        return;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", bench->directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(bench->directory);
}

static rind_status tree_bench(struct rind_cli *cli, const struct tree_options *options)
{
    struct tree_bench *bench = calloc(1, sizeof(*bench));
    RIND_REQUIRE(&cli->ctx, bench != NULL, RIND_E_LIMIT, "no memory for the benchmark");
    bench->cli = cli;
    bench->options = options;
    rind_status status = tree_make_directory(bench);
    if (rind_is_ok(status)) {
        status = tree_run(bench);
        rind_core_host_close(&bench->host);
        rind_tree_store_close(bench->store);
        tree_remove_directory(bench);
    }
    if (rind_is_ok(status)) {
        status = tree_tell(bench);
    }
    free(bench->users);
    free(bench);
    return status;
}

int rind_bench_tree(struct rind_cli *cli, int argc, char *const *argv)
{
    struct tree_options options = {0};
    const struct rind_flag flags[] = {
        {.name = "records",
         .value_name = "N",
         .kind = RIND_FLAG_U64,
         .fallback = "100000",
         .min = RIND_TREE_STORE_RECORDS_MIN,
         .max = RIND_TREE_STORE_RECORDS_MAX,
         .help = "Records to load; each takes about 1.5 KiB of disk.",
         .value = &options.record_count},
        {.name = "count",
         .value_name = "N",
         .kind = RIND_FLAG_U64,
         .fallback = "200",
         .min = 1,
         .max = TREE_USERS_MAX,
         .help = "Users who register, and recover twice.",
         .value = &options.user_count},
        {.name = "directory",
         .value_name = "DIR",
         .kind = RIND_FLAG_TEXT,
         .help = "Where to make the store, which then stays. Default: a temporary one, removed.",
         .value = &options.directory},
        RIND_BENCH_JSON_FLAG(options.is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind bench tree",
        .about = "Measures recovers at random places of a large tree in a store, cold and warm.",
        .example = "rind bench tree --records 1000000",
        .tables = tables,
        .table_count = 1};
    int exit_status = 0;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, tree_bench(cli, &options));
}
