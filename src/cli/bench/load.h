/*
 * load.h - many users at once in one process: does operations, measures each, counts what failed.
 *
 * Closed loop: so many workers, each starts its next operation when the last one has ended. Open
 * loop: operations are due at a fixed rate, whatever became of those before; an operation's latency
 * counts from when it was due, so that a realm that stands still cannot hide it (no coordinated
 * omission). Workers are threads that block.
 */
#ifndef RIND_CLI_BENCH_LOAD_H
#define RIND_CLI_BENCH_LOAD_H

#include "base/base.h"
#include "cli/histogram.h"
#include "host/host.h"

#define RIND_LOAD_WORKERS_MAX 4096u
#define RIND_LOAD_KINDS_MAX 16u /* outcomes of an operation; 0 is success */
#define RIND_LOAD_SECONDS_MAX 3600u

/* What to do. Called on the workers' threads, with the worker's number. */
struct rind_load_job {
    void *self;
    /* Gets operation `index` ready; not measured. False: nothing can go on; `ctx` says why. */
    bool (*prepare)(void *self, struct rind_ctx *ctx, unsigned worker, uint64_t index);
    /* Does it. Returns the kind of outcome. */
    unsigned (*run)(void *self, unsigned worker);
    /* Clears up; not measured. */
    void (*finish)(void *self, unsigned worker);
};

/* One second of the run. */
struct rind_load_second {
    double at_s; /* its end, since the start */
    double duration_s;
    uint64_t ok_count;
    uint64_t error_count;
    uint64_t p50_us;
    uint64_t p99_us;
};

/* What is known while it runs. */
struct rind_load_progress {
    uint64_t ok_count;
    uint64_t error_count;
    struct rind_load_second last;
};

struct rind_load_options {
    unsigned worker_count;        /* operations under way at most */
    double rate;                  /* operations due per second; 0: closed loop */
    uint64_t count;               /* operations; 0: no limit but the duration */
    uint64_t duration_ns;         /* starts none after this; 0: no limit but the count */
    struct rind_stopper *stopper; /* ends the run early; may be NULL */
    /* Called about once a second on the calling thread; may be NULL. */
    void (*progress)(void *self, const struct rind_load_progress *progress);
    void *progress_self;
};

struct rind_load_result {
    uint64_t elapsed_ns;
    uint64_t kind_counts[RIND_LOAD_KINDS_MAX];
    uint64_t error_count;
    struct rind_histogram ok;     /* latencies of those that succeeded */
    struct rind_histogram failed; /* and of the others */
    size_t second_count;
    struct rind_load_second seconds[RIND_LOAD_SECONDS_MAX];
};

/*
 * Runs the job and waits for the last operation. `result` is large: keep it on the heap.
 * RIND_E_INVALID for options that never end; what prepare said.
 */
rind_status rind_load_run(struct rind_ctx *ctx, const struct rind_load_options *options,
                          const struct rind_load_job *job,
                          struct rind_load_result *result) RIND_MUST_USE;

/* Successful operations per second. */
double rind_load_throughput(const struct rind_load_result *result);

#endif
