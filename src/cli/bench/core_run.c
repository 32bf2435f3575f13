/* core_run.c - see core_run.h. */
#include "cli/bench/core_run.h"

#include <stdlib.h>

#include "cli/bench/core_host.h"
#include "cli/bench/core_user.h"
#include "cli/bench/sparse_tree.h"

/* One round's figures, in microseconds. */
struct core_round {
    double request_us[RIND_CORE_RUN_REQUESTS];
    double commit_us;
    struct rind_floor floor;
    double recover_us;
    double register_us;
};

struct core_runner {
    struct rind_ctx *ctx;
    const struct rind_core_run_options *options;
    struct rind_core_host host;
    struct rind_sparse_tree *tree;
    struct rind_core_user *users;
    size_t user_count;
    struct core_round *rounds;
};

static const enum rind_secrets_request_kind core_register_kinds[] = {
    RIND_SECRETS_REQUEST_REGISTER1, RIND_SECRETS_REQUEST_REGISTER2};
static const enum rind_secrets_request_kind core_recover_kinds[] = {
    RIND_SECRETS_REQUEST_RECOVER1, RIND_SECRETS_REQUEST_RECOVER2, RIND_SECRETS_REQUEST_RECOVER3};
static const enum rind_secrets_request_kind core_delete_kinds[] = {RIND_SECRETS_REQUEST_DELETE};

/* One request of each user of the batch, then their commit. Gives microseconds per user. */
static rind_status core_step(struct core_runner *runner, struct rind_core_user *users,
                             enum rind_secrets_request_kind kind, double *request_us,
                             double *commit_us)
{
    struct rind_ctx *ctx = runner->ctx;
    uint32_t batch_size = runner->options->batch_size;
    uint64_t request_ns = 0;
    uint64_t commit_ns = 0;
    struct rind_released_response_list responses;
    for (uint32_t i = 0; i < batch_size; i++) {
        size_t mark = rind_arena_mark(ctx->arena);
        RIND_TRY(rind_core_user_ask(ctx, &runner->host, &users[i], kind, &request_ns));
        rind_arena_release(ctx->arena, mark);
    }
    size_t mark = rind_arena_mark(ctx->arena);
    RIND_TRY(rind_core_host_commit(ctx, &runner->host, &commit_ns, &responses));
    for (uint32_t i = 0; i < batch_size; i++) {
        RIND_TRY(rind_core_user_receive(ctx, &users[i], kind, &responses));
    }
    rind_arena_release(ctx->arena, mark);
    *request_us = (double)request_ns / batch_size / 1000.0;
    *commit_us = (double)commit_ns / batch_size / 1000.0;
    return RIND_OK;
}

static rind_status core_operation(struct core_runner *runner, struct rind_core_user *users,
                                  const enum rind_secrets_request_kind *kinds, size_t kind_count,
                                  struct core_round *round, double *total_us)
{
    *total_us = 0;
    for (size_t i = 0; i < kind_count; i++) {
        double request_us;
        double commit_us;
        RIND_TRY(core_step(runner, users, kinds[i], &request_us, &commit_us));
        round->request_us[kinds[i] - RIND_SECRETS_REQUEST_REGISTER1] = request_us;
        round->commit_us += commit_us / RIND_CORE_RUN_REQUESTS;
        *total_us += request_us + commit_us;
    }
    return RIND_OK;
}

static rind_status core_round(struct core_runner *runner, uint32_t index)
{
    struct core_round *round = &runner->rounds[index];
    struct rind_core_user *users = &runner->users[(size_t)index * runner->options->batch_size];
    double delete_us;
    *round = (struct core_round){0};
    rind_floor_measure(runner->options->batch_size, &round->floor);
    RIND_TRY(core_operation(runner, users, core_register_kinds, 2, round, &round->register_us));
    RIND_TRY(core_operation(runner, users, core_recover_kinds, 3, round, &round->recover_us));
    return core_operation(runner, users, core_delete_kinds, 1, round, &delete_us);
}

/* ---- medians ---- */

static int core_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median over the rounds of the number `offset` bytes into each, divided by another's. */
static double core_median_ratio(const struct core_runner *runner, size_t offset, size_t over_offset,
                                bool has_over)
{
    double values[RIND_CORE_RUN_ROUNDS_MAX];
    uint32_t count = runner->options->round_count;
    for (uint32_t i = 0; i < count; i++) {
        double over = 1.0;
        memcpy(&values[i], (const char *)&runner->rounds[i] + offset, sizeof(values[i]));
        if (has_over) {
            memcpy(&over, (const char *)&runner->rounds[i] + over_offset, sizeof(over));
        }
        values[i] /= over;
    }
    qsort(values, count, sizeof(values[0]), core_compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double core_median(const struct core_runner *runner, size_t offset)
{
    return core_median_ratio(runner, offset, 0, false);
}

static void core_summarize(const struct core_runner *runner, struct rind_core_run *found)
{
    for (size_t i = 0; i < RIND_CORE_RUN_REQUESTS; i++) {
        found->request_us[i] =
            core_median(runner, offsetof(struct core_round, request_us) + i * sizeof(double));
    }
    const size_t floor = offsetof(struct core_round, floor);
    const size_t recover_floor = floor + offsetof(struct rind_floor, recover_us);
    const size_t register_floor = floor + offsetof(struct rind_floor, register_us);
    const size_t recover = offsetof(struct core_round, recover_us);
    const size_t registration = offsetof(struct core_round, register_us);
    found->commit_us = core_median(runner, offsetof(struct core_round, commit_us));
    /* The floor is seven doubles, each a figure of its own. */
    for (size_t i = 0; i < sizeof(found->floor) / sizeof(double); i++) {
        double median = core_median(runner, floor + i * sizeof(double));
        memcpy((char *)&found->floor + i * sizeof(double), &median, sizeof(median));
    }
    found->recover = (struct rind_core_run_operation){
        .cpu_us = core_median(runner, recover),
        .floor_us = core_median(runner, recover_floor),
        .ratio = core_median_ratio(runner, recover, recover_floor, true)};
    found->registration = (struct rind_core_run_operation){
        .cpu_us = core_median(runner, registration),
        .floor_us = core_median(runner, register_floor),
        .ratio = core_median_ratio(runner, registration, register_floor, true)};
}

/* ---- the run ---- */

/* A core that leads a group with so many records, in which `keys` may register. */
static rind_status core_open(struct core_runner *runner, struct rind_record_id *keys)
{
    const struct rind_core_run_options *options = runner->options;
    struct rind_ctx *ctx = runner->ctx;
    struct rind_data_hash root_hash;
    RIND_TRY(rind_core_host_open(ctx, &runner->host));
    RIND_TRY(rind_sparse_tree_new(ctx, options->record_count, options->seed, keys,
                                  runner->user_count, &root_hash, &runner->tree));
    struct rind_core_nodes nodes = rind_sparse_tree_nodes(runner->tree);
    return rind_core_host_lead(ctx, &runner->host, &root_hash, &nodes);
}

static rind_status core_run_with(struct core_runner *runner)
{
    struct rind_ctx *ctx = runner->ctx;
    const struct rind_core_run_options *options = runner->options;
    struct rind_seeded seeded = {.state = options->seed};
    runner->user_count = (size_t)options->round_count * options->batch_size;
    runner->users = calloc(runner->user_count, sizeof(*runner->users));
    runner->rounds = calloc(options->round_count, sizeof(*runner->rounds));
    struct rind_record_id *keys = calloc(runner->user_count, sizeof(*keys));
    rind_status status = RIND_OK;
    if (runner->users == NULL || runner->rounds == NULL || keys == NULL) {
        status = rind_fail(ctx, RIND_E_LIMIT, "no memory for %zu users", runner->user_count);
    }
    for (size_t i = 0; rind_is_ok(status) && i < runner->user_count; i++) {
        rind_core_user_init(&seeded, &runner->users[i]);
        keys[i] = runner->users[i].record_id;
    }
    if (rind_is_ok(status)) {
        status = core_open(runner, keys);
    }
    free(keys);
    RIND_TRY(status);
    for (uint32_t i = 0; i < options->round_count; i++) {
        RIND_TRY(core_round(runner, i));
    }
    return RIND_OK;
}

rind_status rind_core_run(struct rind_ctx *ctx, const struct rind_core_run_options *options,
                          struct rind_core_run *found)
{
    RIND_REQUIRE(ctx,
                 options->round_count >= 1 && options->round_count <= RIND_CORE_RUN_ROUNDS_MAX &&
                     options->batch_size >= 1 && options->batch_size <= RIND_CORE_HOST_BATCH_MAX,
                 RIND_E_INVALID, "the number of rounds or the size of a batch is out of bounds");
    struct core_runner runner = {.ctx = ctx, .options = options};
    rind_status status = core_run_with(&runner);
    if (rind_is_ok(status)) {
        core_summarize(&runner, found);
    }
    rind_core_host_close(&runner.host);
    rind_sparse_tree_free(runner.tree);
    free(runner.users);
    free(runner.rounds);
    return status;
}
