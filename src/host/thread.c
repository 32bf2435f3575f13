/* thread.c - see thread.h. */
#include "host/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

struct thread_start {
    void (*run)(void *self);
    void *self;
    char name[RIND_THREAD_NAME_SIZE_MAX];
};

static void *thread_main(void *argument)
{
    struct thread_start start = *(struct thread_start *)argument;
    free(argument);
    (void)pthread_setname_np(pthread_self(), start.name);
    start.run(start.self);
    return NULL;
}

/* Creates with all signals blocked, so that they reach only whoever waits for them (process.h). */
static int thread_create(pthread_t *id, struct thread_start *start)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = pthread_attr_setstacksize(&attributes, RIND_THREAD_STACK_SIZE_BYTES);
    RIND_ASSERT(error == 0);

    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    error = pthread_sigmask(SIG_SETMASK, &all, &before);
    RIND_ASSERT(error == 0);
    int result = pthread_create(id, &attributes, thread_main, start);
    error = pthread_sigmask(SIG_SETMASK, &before, NULL);
    RIND_ASSERT(error == 0);
    (void)pthread_attr_destroy(&attributes);
    return result;
}

rind_status rind_thread_start(struct rind_ctx *ctx, struct rind_thread *thread, const char *name,
                              void (*run)(void *self), void *self)
{
    *thread = (struct rind_thread){.is_running = false};
    struct thread_start *start = calloc(1, sizeof(*start));
    RIND_REQUIRE(ctx, start != NULL, RIND_E_LIMIT, "no memory to start thread %s", name);
    start->run = run;
    start->self = self;
    for (size_t i = 0; i + 1 < sizeof(start->name) && name[i] != '\0'; i++) {
        start->name[i] = name[i];
    }
    int error = thread_create(&thread->id, start);
    if (error != 0) {
        free(start);
        return rind_fail(ctx, RIND_E_LIMIT,
                         "could not start thread %s: %s; raise the limit of threads (ulimit -u)",
                         name, strerror(error));
    }
    thread->is_running = true;
    return RIND_OK;
}

void rind_thread_join(struct rind_thread *thread)
{
    if (thread->is_running) {
        int error = pthread_join(thread->id, NULL);
        RIND_ASSERT(error == 0);
        thread->is_running = false;
    }
}

void rind_mutex_init(struct rind_mutex *mutex)
{
    int error = pthread_mutex_init(&mutex->mutex, NULL);
    RIND_ASSERT(error == 0);
}

void rind_mutex_fini(struct rind_mutex *mutex)
{
    int error = pthread_mutex_destroy(&mutex->mutex);
    RIND_ASSERT(error == 0); /* nobody may hold it any more */
}

void rind_mutex_lock(struct rind_mutex *mutex)
{
    int error = pthread_mutex_lock(&mutex->mutex);
    RIND_ASSERT(error == 0);
}

void rind_mutex_unlock(struct rind_mutex *mutex)
{
    int error = pthread_mutex_unlock(&mutex->mutex);
    RIND_ASSERT(error == 0);
}

void rind_cond_init(struct rind_cond *cond)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    RIND_ASSERT(error == 0);
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    RIND_ASSERT(error == 0);
    error = pthread_cond_init(&cond->cond, &attributes);
    RIND_ASSERT(error == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void rind_cond_fini(struct rind_cond *cond)
{
    int error = pthread_cond_destroy(&cond->cond);
    RIND_ASSERT(error == 0);
}

void rind_cond_signal(struct rind_cond *cond)
{
    int error = pthread_cond_signal(&cond->cond);
    RIND_ASSERT(error == 0);
}

void rind_cond_broadcast(struct rind_cond *cond)
{
    int error = pthread_cond_broadcast(&cond->cond);
    RIND_ASSERT(error == 0);
}

bool rind_cond_wait(struct rind_cond *cond, struct rind_mutex *mutex, struct rind_deadline deadline)
{
    if (rind_deadline_is_never(deadline)) {
        int error = pthread_cond_wait(&cond->cond, &mutex->mutex);
        RIND_ASSERT(error == 0);
        return true;
    }
    struct timespec when = rind_deadline_timespec(deadline);
    int error = pthread_cond_timedwait(&cond->cond, &mutex->mutex, &when);
    RIND_ASSERT(error == 0 || error == ETIMEDOUT);
    return error == 0;
}

void rind_semaphore_init(struct rind_semaphore *semaphore)
{
    int result = sem_init(&semaphore->semaphore, 0, 0);
    RIND_ASSERT(result == 0);
}

void rind_semaphore_fini(struct rind_semaphore *semaphore)
{
    int result = sem_destroy(&semaphore->semaphore);
    RIND_ASSERT(result == 0);
}

void rind_semaphore_post(struct rind_semaphore *semaphore)
{
    int result = sem_post(&semaphore->semaphore);
    RIND_ASSERT(result == 0); /* fails only beyond SEM_VALUE_MAX */
}

bool rind_semaphore_wait(struct rind_semaphore *semaphore, struct rind_deadline deadline)
{
    int result;
    if (rind_deadline_is_never(deadline)) {
        do {
            result = sem_wait(&semaphore->semaphore);
        } while (result != 0 && errno == EINTR);
        RIND_ASSERT(result == 0);
        return true;
    }
    struct timespec when = rind_deadline_timespec(deadline);
    do {
        result = sem_clockwait(&semaphore->semaphore, CLOCK_MONOTONIC, &when);
    } while (result != 0 && errno == EINTR);
    RIND_ASSERT(result == 0 || errno == ETIMEDOUT);
    return result == 0;
}

rind_status rind_stopper_init(struct rind_ctx *ctx, struct rind_stopper *stopper)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    RIND_REQUIRE(
        ctx, fd >= 0, RIND_E_LIMIT,
        "could not make an event descriptor: %s; raise the limit of open files (ulimit -n)",
        strerror(errno));
    stopper->event_fd = fd;
    atomic_init(&stopper->is_set, false);
    rind_mutex_init(&stopper->mutex);
    rind_cond_init(&stopper->cond);
    return RIND_OK;
}

void rind_stopper_fini(struct rind_stopper *stopper)
{
    rind_cond_fini(&stopper->cond);
    rind_mutex_fini(&stopper->mutex);
    (void)close(stopper->event_fd);
    stopper->event_fd = -1;
}

void rind_stopper_set(struct rind_stopper *stopper)
{
    rind_mutex_lock(&stopper->mutex);
    atomic_store(&stopper->is_set, true);
    rind_cond_broadcast(&stopper->cond);
    rind_mutex_unlock(&stopper->mutex);
    uint64_t one = 1;
    ssize_t written = write(stopper->event_fd, &one, sizeof(one));
    (void)written; /* fails only if the counter is full: then it is readable anyway */
}

bool rind_stopper_is_set(const struct rind_stopper *stopper)
{
    return atomic_load(&stopper->is_set);
}

bool rind_stopper_wait(struct rind_stopper *stopper, struct rind_deadline deadline)
{
    rind_mutex_lock(&stopper->mutex);
    while (!atomic_load(&stopper->is_set) &&
           rind_cond_wait(&stopper->cond, &stopper->mutex, deadline)) {
    }
    bool is_set = atomic_load(&stopper->is_set);
    rind_mutex_unlock(&stopper->mutex);
    return is_set;
}

int rind_stopper_fd(const struct rind_stopper *stopper)
{
    return stopper->event_fd;
}
