/* pool.c - see pool.h. */
#include "host/pool.h"

#include <stdlib.h>

#include "base/assert.h"
#include "host/thread.h"

struct pool_job {
    void (*run)(void *self);
    void *self;
};

struct rind_pool {
    struct rind_mutex mutex; /* guards the ring and is_closed; innermost */
    struct rind_cond has_room;
    struct rind_semaphore jobs_ready; /* one for each job, and when closed one for each thread */
    size_t jobs_max;
    size_t first;
    size_t count;
    bool is_closed;
    struct pool_job *jobs; /* a ring of jobs_max, by value: submitting allocates nothing */
    unsigned thread_count;
    struct rind_thread threads[];
};

/* Takes the next job; false once the pool is closed and drained. */
static bool pool_next(struct rind_pool *pool, struct pool_job *job)
{
    (void)rind_semaphore_wait(&pool->jobs_ready, rind_deadline_never());
    rind_mutex_lock(&pool->mutex);
    bool has_job = pool->count > 0;
    RIND_ASSERT(has_job || pool->is_closed);
    if (has_job) {
        *job = pool->jobs[pool->first];
        pool->first = (pool->first + 1) % pool->jobs_max;
        pool->count--;
        rind_cond_signal(&pool->has_room);
    }
    rind_mutex_unlock(&pool->mutex);
    return has_job;
}

static void pool_run(void *self)
{
    struct rind_pool *pool = self;
    struct pool_job job;
    while (pool_next(pool, &job)) {
        job.run(job.self);
    }
}

rind_status rind_pool_open(struct rind_ctx *ctx, const char *name, unsigned thread_count,
                           size_t jobs_max, struct rind_pool **pool)
{
    RIND_ASSERT(thread_count > 0 && thread_count <= RIND_POOL_THREADS_MAX);
    RIND_ASSERT(jobs_max > 0);
    struct rind_pool *made = calloc(1, sizeof(*made) + thread_count * sizeof(made->threads[0]));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for pool %s", name);
    made->jobs = calloc(jobs_max, sizeof(made->jobs[0]));
    if (made->jobs == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for %zu jobs of pool %s", jobs_max, name);
    }
    rind_mutex_init(&made->mutex);
    rind_cond_init(&made->has_room);
    rind_semaphore_init(&made->jobs_ready);
    made->jobs_max = jobs_max;
    rind_status status = RIND_OK;
    while (made->thread_count < thread_count && rind_is_ok(status)) {
        status = rind_thread_start(ctx, &made->threads[made->thread_count], name, pool_run, made);
        made->thread_count += rind_is_ok(status) ? 1 : 0;
    }
    if (!rind_is_ok(status)) {
        rind_pool_close(made);
        return status;
    }
    *pool = made;
    return RIND_OK;
}

rind_status rind_pool_submit(struct rind_ctx *ctx, struct rind_pool *pool, void (*run)(void *self),
                             void *self, struct rind_deadline deadline)
{
    RIND_ASSERT(run != NULL);
    rind_mutex_lock(&pool->mutex);
    while (pool->count == pool->jobs_max && !pool->is_closed &&
           rind_cond_wait(&pool->has_room, &pool->mutex, deadline)) {
    }
    bool is_closed = pool->is_closed;
    bool has_room = pool->count < pool->jobs_max;
    bool is_queued = has_room && !is_closed;
    if (is_queued) {
        pool->jobs[(pool->first + pool->count) % pool->jobs_max] = (struct pool_job){run, self};
        pool->count++;
    }
    rind_mutex_unlock(&pool->mutex);
    if (is_queued) {
        rind_semaphore_post(&pool->jobs_ready); /* without the lock, which the worker wants first */
    }
    RIND_REQUIRE(ctx, !is_closed, RIND_E_CANCELLED, "worker pool is closing");
    RIND_REQUIRE(ctx, has_room, RIND_E_BUSY, "all workers are busy and %zu jobs wait already",
                 pool->jobs_max);
    return RIND_OK;
}

void rind_pool_close(struct rind_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    rind_mutex_lock(&pool->mutex);
    pool->is_closed = true;
    rind_cond_broadcast(&pool->has_room);
    rind_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        rind_semaphore_post(&pool->jobs_ready);
    }
    for (unsigned i = 0; i < pool->thread_count; i++) {
        rind_thread_join(&pool->threads[i]);
    }
    RIND_ASSERT(pool->count == 0);
    rind_semaphore_fini(&pool->jobs_ready);
    rind_cond_fini(&pool->has_room);
    rind_mutex_fini(&pool->mutex);
    free(pool->jobs);
    free(pool);
}

size_t rind_pool_waiting(struct rind_pool *pool)
{
    rind_mutex_lock(&pool->mutex);
    size_t count = pool->count;
    rind_mutex_unlock(&pool->mutex);
    return count;
}
