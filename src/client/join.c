/* join.c - see join.h. */
#include "client/join.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/assert.h"
#include "client/engine.h"
#include "client/failure.h"
#include "client/memory.h"
#include "client/operation.h"

#define JOIN_THREAD_STACK_SIZE                                                                     \
    (256u * 1024u) /* HTTP and public keys; PINs are hashed elsewhere                              \
                    */

struct rind_sdk_join *rind_sdk_join_new(struct rind_sdk_operation *operation, size_t count)
{
    struct rind_user *user = operation->user;
    size_t size = sizeof(struct rind_sdk_join) + count * sizeof(struct rind_sdk_job);
    struct rind_sdk_join *join = rind_sdk_memory_new(size);
    if (join == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    int failed = pthread_mutex_init(&join->lock, NULL);
    failed |= pthread_condattr_init(&attributes);
    failed |= pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed |= pthread_cond_init(&join->changed, &attributes);
    failed |= pthread_condattr_destroy(&attributes);
    RIND_ASSERT(failed == 0); /* plain objects cannot fail here */
    join->user = user;
    join->operation = operation;
    join->memory_size = size;
    join->references = 1;
    join->job_count = count;
    for (size_t i = 0; i < count; i++) {
        join->jobs[i].join = join;
        join->jobs[i].user = user;
    }
    return join;
}

void rind_sdk_join_release(struct rind_sdk_join *join)
{
    if (join == NULL) {
        return;
    }
    pthread_mutex_lock(&join->lock);
    RIND_ASSERT(join->references > 0);
    join->references--;
    bool is_last = join->references == 0;
    pthread_mutex_unlock(&join->lock);
    if (is_last) {
        pthread_cond_destroy(&join->changed);
        pthread_mutex_destroy(&join->lock);
        rind_sdk_memory_free(join, join->memory_size);
    }
}

static void job_run(struct rind_sdk_job *job)
{
    enum rind_error error = rind_sdk_engine_run(job);
    if (error == RIND_ERROR_NONE) {
        error = job->judge(job);
    }
    struct rind_sdk_join *join = job->join;
    pthread_mutex_lock(&join->lock);
    if (!atomic_load(&job->is_abandoned)) {
        job->failure.error = error;
        job->is_done = true;
        join->done_count++;
        join->failed_count += error != RIND_ERROR_NONE;
        pthread_cond_signal(&join->changed);
    }
    pthread_mutex_unlock(&join->lock);
}

static void *job_thread(void *argument)
{
    struct rind_sdk_job *job = argument;
    struct rind_sdk_join *join = job->join;
    struct rind_user *user = job->user;
    job_run(job);
    rind_sdk_join_release(join);
    rind_sdk_user_thread_ended(user); /* last: the user may be gone right after */
    return NULL;
}

/* Starts a detached thread that no signal of the application's ends up in. */
static bool job_start(struct rind_sdk_job *job)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    int failed = pthread_attr_init(&attributes);
    failed |= pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    failed |= pthread_attr_setstacksize(&attributes, JOIN_THREAD_STACK_SIZE);
    RIND_ASSERT(failed == 0);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attributes, job_thread, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed == 0;
}

static void join_start(struct rind_sdk_join *join)
{
    if (join->job_count == 1) {
        job_run(&join->jobs[0]); /* nobody else to wait for: no thread needed */
        return;
    }
    for (size_t i = 0; i < join->job_count; i++) {
        struct rind_sdk_job *job = &join->jobs[i];
        pthread_mutex_lock(&join->lock);
        join->references++;
        pthread_mutex_unlock(&join->lock);
        rind_sdk_user_thread_started(join->user);
        if (!job_start(job)) {
            RIND_SDK_JOB_FAIL(job, RIND_ERROR_TRANSIENT, "the machine has no thread to spare");
            pthread_mutex_lock(&join->lock);
            join->references--;
            job->is_done = true;
            join->done_count++;
            join->failed_count++;
            pthread_mutex_unlock(&join->lock);
            rind_sdk_user_thread_ended(join->user);
        }
    }
}

/* Stops waiting for jobs under way; call with the join locked. */
static void join_abandon_rest(struct rind_sdk_join *join)
{
    for (size_t i = 0; i < join->job_count; i++) {
        struct rind_sdk_job *job = &join->jobs[i];
        if (!job->is_done) {
            atomic_store(&job->is_abandoned, true);
        }
    }
}

/* Frees the slots of abandoned jobs for others; call with the join not locked. */
static void join_free_slots(struct rind_sdk_join *join)
{
    for (size_t i = 0; i < join->job_count; i++) {
        if (atomic_load(&join->jobs[i].is_abandoned)) {
            rind_sdk_slot_abandon(join->jobs[i].slot, &join->jobs[i]);
        }
    }
}

static struct timespec join_grace_end(uint32_t grace_ms)
{
    struct timespec end;
    int failed = clock_gettime(CLOCK_MONOTONIC, &end);
    RIND_ASSERT(failed == 0);
    end.tv_sec += (time_t)(grace_ms / 1000u);
    end.tv_nsec += (long)(grace_ms % 1000u) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return end;
}

/* Waits; the join is locked. Each job ends by itself in bounded time, hence so does the waiting. */
static void join_wait(struct rind_sdk_join *join, size_t failed_max, size_t threshold,
                      rind_sdk_join_is_enough is_enough)
{
    struct timespec grace_end = {0};
    bool has_enough = false;
    int timed_out = 0;
    while (join->done_count < join->job_count && join->failed_count <= failed_max &&
           !join->is_cancelled && timed_out != ETIMEDOUT) {
        if (!has_enough && is_enough != NULL && is_enough(join, threshold)) {
            has_enough = true;
            grace_end = join_grace_end(join->user->world.join_grace_ms);
        }
        if (has_enough) {
            timed_out = pthread_cond_timedwait(&join->changed, &join->lock, &grace_end);
        } else {
            pthread_cond_wait(&join->changed, &join->lock);
        }
    }
    join_abandon_rest(join);
}

void rind_sdk_join_cancel(struct rind_sdk_join *join)
{
    pthread_mutex_lock(&join->lock);
    join->is_cancelled = true;
    join_abandon_rest(join); /* the only job may run on the thread that would have waited */
    pthread_cond_signal(&join->changed);
    pthread_mutex_unlock(&join->lock);
}

enum rind_error rind_sdk_join_run(struct rind_sdk_join *join, size_t threshold,
                                  rind_sdk_join_is_enough is_enough, struct rind_failure *failure)
{
    RIND_ASSERT(threshold >= 1 && threshold <= join->job_count);
    size_t failed_max = join->job_count - threshold;
    if (!rind_sdk_operation_enter(join->operation, join)) {
        return rind_sdk_operation_cancelled(failure);
    }
    join_start(join);
    pthread_mutex_lock(&join->lock);
    join_wait(join, failed_max, threshold, is_enough);
    bool is_failed = join->failed_count > failed_max;
    bool is_decided = !join->is_cancelled || is_failed || join->done_count == join->job_count ||
                      (is_enough != NULL && is_enough(join, threshold));
    const struct rind_failure *first = NULL;
    for (size_t i = 0; i < join->job_count; i++) {
        const struct rind_sdk_job *job = &join->jobs[i];
        if (job->is_done && job->failure.error != RIND_ERROR_NONE &&
            (first == NULL || rind_sdk_failure_precedes(&job->failure, first))) {
            first = &job->failure;
        }
    }
    if (is_failed) {
        RIND_ASSERT(first != NULL);
        *failure = *first;
    }
    pthread_mutex_unlock(&join->lock);
    rind_sdk_operation_leave(join->operation);
    join_free_slots(join);
    if (!is_decided) {
        return rind_sdk_operation_cancelled(failure);
    }
    return is_failed ? failure->error : RIND_ERROR_NONE;
}

enum rind_error rind_sdk_join_run_all(struct rind_sdk_join *join, struct rind_failure *failure)
{
    if (!rind_sdk_operation_enter(join->operation, join)) {
        return rind_sdk_operation_cancelled(failure);
    }
    join_start(join);
    pthread_mutex_lock(&join->lock);
    join_wait(join, join->job_count, join->job_count, NULL);
    bool is_decided = !join->is_cancelled || join->done_count == join->job_count;
    pthread_mutex_unlock(&join->lock);
    rind_sdk_operation_leave(join->operation);
    join_free_slots(join);
    if (!is_decided) {
        return rind_sdk_operation_cancelled(failure);
    }
    for (size_t i = 0; i < join->job_count; i++) {
        if (join->jobs[i].failure.error != RIND_ERROR_NONE) {
            *failure = join->jobs[i].failure;
            return failure->error;
        }
    }
    return RIND_ERROR_NONE;
}

bool rind_sdk_job_is_success(const struct rind_sdk_job *job)
{
    return job->is_done && job->failure.error == RIND_ERROR_NONE;
}
