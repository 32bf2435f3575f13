/*
 * pool.h - a fixed number of worker threads behind a bounded queue of jobs.
 *
 * A job is straight blocking code. Thread-safe: submit from anywhere, workers included (but a
 * worker that waits for room in its own pool's queue can deadlock: give such a submit a short
 * deadline).
 */
#ifndef RIND_HOST_POOL_H
#define RIND_HOST_POOL_H

#include "base/status.h"
#include "host/clock.h"

#define RIND_POOL_THREADS_MAX 1024u

struct rind_pool; /* opaque */

/* Starts `thread_count` threads called `name`; at most `jobs_max` jobs wait for one. */
rind_status rind_pool_open(struct rind_ctx *ctx, const char *name, unsigned thread_count,
                           size_t jobs_max, struct rind_pool **pool) RIND_MUST_USE;

/*
 * Queues `run(self)`; it will run exactly once. RIND_E_BUSY if there was no room until the
 * deadline, RIND_E_CANCELLED if the pool is closing; then the job will not run and `self` is the
 * caller's.
 */
rind_status rind_pool_submit(struct rind_ctx *ctx, struct rind_pool *pool, void (*run)(void *self),
                             void *self, struct rind_deadline deadline) RIND_MUST_USE;

/* Refuses new jobs, waits until all queued and running ones have ended, frees. NULL is allowed. */
void rind_pool_close(struct rind_pool *pool);

/* Jobs waiting for a thread at this moment; for metrics. */
size_t rind_pool_waiting(struct rind_pool *pool);

#endif
