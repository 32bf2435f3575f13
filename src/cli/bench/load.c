/* load.c - see load.h. */
#include "cli/bench/load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD_ARENA_SIZE_BYTES ((size_t)1 << 18)
#define LOAD_TICK_NS RIND_NS_PER_S

struct load {
    const struct rind_load_options *options;
    const struct rind_load_job *job;
    uint64_t start_ns;
    atomic_uint_fast64_t next; /* index of the next operation */
    struct rind_stopper halt;  /* set when a worker cannot go on, or we were told to stop */
    struct rind_mutex mutex;   /* guards all below; held for a few additions */
    struct rind_cond ended;    /* a worker has */
    unsigned running_count;
    struct rind_load_result *result;
    struct rind_histogram second; /* of the current second */
    uint64_t second_error_count;
    uint64_t second_start_ns;
    rind_status status;
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

struct load_worker {
    struct load *load;
    unsigned index;
    struct rind_thread thread;
};

/* ---- workers ---- */

static void load_note(struct load *load, uint64_t latency_ns, unsigned kind)
{
    uint64_t latency_us = latency_ns / RIND_NS_PER_US;
    RIND_ASSERT(kind < RIND_LOAD_KINDS_MAX);
    rind_mutex_lock(&load->mutex);
    load->result->kind_counts[kind]++;
    if (kind == 0) {
        rind_histogram_add(&load->result->ok, latency_us);
        rind_histogram_add(&load->second, latency_us);
    } else {
        rind_histogram_add(&load->result->failed, latency_us);
        load->result->error_count++;
        load->second_error_count++;
    }
    rind_mutex_unlock(&load->mutex);
}

static void load_give_up(struct load *load, const struct rind_ctx *ctx)
{
    rind_mutex_lock(&load->mutex);
    load->status = rind_status_make(RIND_E_INTERNAL);
    (void)snprintf(load->sentence, sizeof(load->sentence), "%s", ctx->sentence);
    rind_mutex_unlock(&load->mutex);
    rind_stopper_set(&load->halt);
}

/* When operation `index` is due; closed loops owe nothing, so at once. */
static uint64_t load_due_ns(const struct load *load, uint64_t index)
{
    if (load->options->rate <= 0) {
        return 0;
    }
    return load->start_ns + (uint64_t)((double)index * (double)RIND_NS_PER_S / load->options->rate);
}

/* True if operation `index` is to be done. */
static bool load_wants(const struct load *load, uint64_t index)
{
    const struct rind_load_options *options = load->options;
    if (rind_stopper_is_set(&load->halt) || (options->count > 0 && index >= options->count)) {
        return false;
    }
    if (options->duration_ns == 0) {
        return true;
    }
    uint64_t due_ns = load_due_ns(load, index);
    uint64_t at_ns = due_ns > 0 ? due_ns : rind_clock_monotonic_ns();
    return at_ns < load->start_ns + options->duration_ns;
}

/* One operation; false when there are no more. */
static bool load_step(struct load *load, struct rind_ctx *ctx, unsigned worker)
{
    const struct rind_load_job *job = load->job;
    uint64_t index = atomic_fetch_add(&load->next, 1);
    if (!load_wants(load, index)) {
        return false;
    }
    rind_arena_reset(ctx->arena);
    if (!job->prepare(job->self, ctx, worker, index)) {
        load_give_up(load, ctx);
        job->finish(job->self, worker);
        return false;
    }
    uint64_t from_ns = load_due_ns(load, index);
    if (from_ns == 0) {
        from_ns = rind_clock_monotonic_ns();
    } else if (rind_stopper_wait(&load->halt, (struct rind_deadline){from_ns})) {
        job->finish(job->self, worker);
        return false;
    }
    unsigned kind = job->run(job->self, worker);
    load_note(load, rind_clock_monotonic_ns() - from_ns, kind);
    job->finish(job->self, worker);
    return true;
}

static void load_work(void *self)
{
    struct load_worker *worker = self;
    struct load *load = worker->load;
    struct rind_arena *arena = NULL;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (rind_is_ok(rind_arena_map(&ctx, LOAD_ARENA_SIZE_BYTES, &arena))) {
        ctx.arena = arena;
        while (load_step(load, &ctx, worker->index)) {
        }
        rind_arena_unmap(arena);
    } else {
        load_give_up(load, &ctx);
    }
    rind_mutex_lock(&load->mutex);
    load->running_count--;
    rind_cond_signal(&load->ended);
    rind_mutex_unlock(&load->mutex);
}

/* ---- watching them ---- */

/* Closes the current second. The mutex is held. */
static struct rind_load_second load_close_second(struct load *load, uint64_t now_ns)
{
    struct rind_load_result *result = load->result;
    result->elapsed_ns = now_ns - load->start_ns;
    const struct rind_load_second second = {
        .at_s = (double)result->elapsed_ns / (double)RIND_NS_PER_S,
        .duration_s = (double)(now_ns - load->second_start_ns) / (double)RIND_NS_PER_S,
        .ok_count = load->second.count,
        .error_count = load->second_error_count,
        .p50_us = rind_histogram_quantile_us(&load->second, 0.5),
        .p99_us = rind_histogram_quantile_us(&load->second, 0.99)};
    if (result->second_count < RIND_LOAD_SECONDS_MAX) {
        result->seconds[result->second_count++] = second;
    }
    memset(&load->second, 0, sizeof(load->second));
    load->second_error_count = 0;
    load->second_start_ns = now_ns;
    return second;
}

static void load_watch(struct load *load)
{
    const struct rind_load_options *options = load->options;
    bool is_over = false;
    while (!is_over) {
        struct rind_deadline tick = {load->second_start_ns + LOAD_TICK_NS};
        rind_mutex_lock(&load->mutex);
        while (load->running_count > 0 && rind_cond_wait(&load->ended, &load->mutex, tick)) {
        }
        is_over = load->running_count == 0;
        const struct rind_load_progress progress = {
            .last = load_close_second(load, rind_clock_monotonic_ns()),
            .ok_count = load->result->ok.count,
            .error_count = load->result->error_count};
        rind_mutex_unlock(&load->mutex);
        if (options->progress != NULL && !is_over) {
            options->progress(options->progress_self, &progress);
        }
        if (options->stopper != NULL && rind_stopper_is_set(options->stopper)) {
            rind_stopper_set(&load->halt);
        }
    }
}

static rind_status load_start_workers(struct rind_ctx *ctx, struct load *load,
                                      struct load_worker *workers)
{
    for (unsigned i = 0; i < load->options->worker_count; i++) {
        char name[RIND_THREAD_NAME_SIZE_MAX];
        (void)snprintf(name, sizeof(name), "load-%u", i);
        workers[i] = (struct load_worker){.load = load, .index = i};
        rind_mutex_lock(&load->mutex);
        load->running_count++;
        rind_mutex_unlock(&load->mutex);
        rind_status status =
            rind_thread_start(ctx, &workers[i].thread, name, load_work, &workers[i]);
        if (!rind_is_ok(status)) {
            rind_mutex_lock(&load->mutex);
            load->running_count--;
            rind_mutex_unlock(&load->mutex);
            rind_stopper_set(&load->halt);
            return status;
        }
    }
    return RIND_OK;
}

static rind_status load_run_with(struct rind_ctx *ctx, struct load *load,
                                 struct load_worker *workers)
{
    load->start_ns = rind_clock_monotonic_ns();
    load->second_start_ns = load->start_ns;
    rind_status status = load_start_workers(ctx, load, workers);
    load_watch(load);
    for (unsigned i = 0; i < load->options->worker_count; i++) {
        rind_thread_join(&workers[i].thread);
    }
    RIND_TRY(status);
    RIND_REQUIRE(ctx, rind_is_ok(load->status), RIND_E_INTERNAL, "%s", load->sentence);
    return RIND_OK;
}

rind_status rind_load_run(struct rind_ctx *ctx, const struct rind_load_options *options,
                          const struct rind_load_job *job, struct rind_load_result *result)
{
    RIND_REQUIRE(ctx,
                 options->worker_count >= 1 && options->worker_count <= RIND_LOAD_WORKERS_MAX &&
                     (options->count > 0 || options->duration_ns > 0),
                 RIND_E_INVALID, "a load needs workers, and a number of operations or a duration");
    memset(result, 0, sizeof(*result));
    struct load *load = calloc(1, sizeof(*load));
    struct load_worker *workers = calloc(options->worker_count, sizeof(*workers));
    rind_status status = load == NULL || workers == NULL
                             ? rind_fail(ctx, RIND_E_LIMIT, "no memory for the load's workers")
                             : rind_stopper_init(ctx, &load->halt);
    if (rind_is_ok(status)) {
        load->options = options;
        load->job = job;
        load->result = result;
        rind_mutex_init(&load->mutex);
        rind_cond_init(&load->ended);
        status = load_run_with(ctx, load, workers);
        rind_cond_fini(&load->ended);
        rind_mutex_fini(&load->mutex);
        rind_stopper_fini(&load->halt);
    }
    free(workers);
    free(load);
    return status;
}

double rind_load_throughput(const struct rind_load_result *result)
{
    return result->elapsed_ns == 0
               ? 0
               : (double)result->ok.count * (double)RIND_NS_PER_S / (double)result->elapsed_ns;
}
