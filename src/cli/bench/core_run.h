/*
 * core_run.h - one run of `rind bench core`: rounds of registers and recovers at one tree size.
 *
 * Question: what does the trusted core cost per request, and how much of it is more than the
 * public-key operations it cannot do without? Method: in each round, a batch of new users register
 * and recover, all in step, so that a batch of requests is committed at once, and each is deleted
 * again; the floor is measured in the same round. Figures are medians over the rounds, ratios are
 * medians of each round's ratio, so that a busy machine disturbs little.
 */
#ifndef RIND_CLI_BENCH_CORE_RUN_H
#define RIND_CLI_BENCH_CORE_RUN_H

#include "base/base.h"
#include "cli/bench/floor.h"

#define RIND_CORE_RUN_ROUNDS_MAX 1000u
#define RIND_CORE_RUN_REQUESTS 6u /* kinds of client request, in the wire's order */

struct rind_core_run_options {
    uint64_t record_count;
    uint32_t round_count;
    uint32_t batch_size; /* users per round, and requests per commit */
    uint64_t seed;
};

struct rind_core_run_operation {
    double cpu_us; /* of the core: its requests and their share of the commits */
    double floor_us;
    double ratio;
};

struct rind_core_run {
    double request_us[RIND_CORE_RUN_REQUESTS]; /* alone, without commits */
    double commit_us; /* CaptureNext, PersistState and Commit, per request committed */
    struct rind_floor floor;
    struct rind_core_run_operation recover;
    struct rind_core_run_operation registration;
};

rind_status rind_core_run(struct rind_ctx *ctx, const struct rind_core_run_options *options,
                          struct rind_core_run *found) RIND_MUST_USE;

#endif
