/* bench.c - see bench.h: the benchmark that was asked for. */
#include "cli/bench/bench.h"

#include <stdio.h>
#include <string.h>

struct bench {
    const char *name;
    rind_cli_run run;
    const char *about;
};

static const struct bench benches[] = {
    {"core", rind_bench_core, "the trusted core alone, over its floor"},
    {"cluster", rind_bench_cluster, "any realm through its balancer"},
    {"hsm", rind_bench_hsm, "one group of HSMs, on a realm of its own"},
    {"tree", rind_bench_tree, "a large tree in a store"},
};

rind_status rind_bench_print_json(struct rind_ctx *ctx, const json_t *root)
{
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "no memory for the figures");
    RIND_REQUIRE(ctx, json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0,
                 RIND_E_IO, "cannot print the figures");
    (void)printf("\n");
    return RIND_OK;
}

static void bench_print_usage(FILE *out)
{
    (void)fprintf(out, "rind bench - measure\n\nUsage: rind bench WHAT [OPTIONS]\n\nWhat:\n");
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
        (void)fprintf(out, "  %-9s %s\n", benches[i].name, benches[i].about);
    }
    (void)fprintf(out, "\n'rind bench WHAT --help' explains one. Example:\n  rind bench core\n");
}

int rind_cli_bench(struct rind_cli *cli, int argc, char *const *argv)
{
    for (size_t i = 0; cli->man != NULL && i < sizeof(benches) / sizeof(benches[0]); i++) {
        (void)benches[i].run(cli, argc, argv);
    }
    if (cli->man != NULL) {
        return 0;
    }
    if (argc < 2) {
        bench_print_usage(stderr);
        return RIND_EXIT_USAGE;
    }
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
        if (strcmp(benches[i].name, argv[1]) == 0) {
            return benches[i].run(cli, argc - 1, argv + 1);
        }
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        bench_print_usage(stdout);
        return 0;
    }
    (void)fprintf(stderr, "error: there is no benchmark '%s'; 'rind bench --help' lists them\n",
                  argv[1]);
    return RIND_EXIT_USAGE;
}
