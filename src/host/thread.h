/*
 * thread.h - threads, locks, conditions and the one way to be told to stop.
 *
 * All waits take a deadline on the monotonic clock. A lock's comment, where it is declared, lists
 * what it guards; nothing waits or does I/O while holding one, but for conditions on that lock.
 */
#ifndef RIND_HOST_THREAD_H
#define RIND_HOST_THREAD_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "host/clock.h"

/* Characters of a thread's name, NUL included (the kernel's limit); longer ones are cut. */
#define RIND_THREAD_NAME_SIZE_MAX 16u

/* Stack of each thread: our deepest call chains use well under half of it, arenas hold the rest. */
#define RIND_THREAD_STACK_SIZE_BYTES (512u * 1024u)

struct rind_thread {
    pthread_t id;
    bool is_running; /* started and not joined yet */
};

/*
 * Starts `run(self)` on a new thread called `name` (visible in ps, gdb and the panic report). All
 * signals are blocked in it. `thread` is the caller's memory and must be joined. RIND_E_LIMIT when
 * the system has no thread left to give.
 */
rind_status rind_thread_start(struct rind_ctx *ctx, struct rind_thread *thread, const char *name,
                              void (*run)(void *self), void *self) RIND_MUST_USE;

/* Waits until the thread has ended. Does nothing if it was never started or is joined already. */
void rind_thread_join(struct rind_thread *thread);

struct rind_mutex {
    pthread_mutex_t mutex;
};

void rind_mutex_init(struct rind_mutex *mutex);
void rind_mutex_fini(struct rind_mutex *mutex);
void rind_mutex_lock(struct rind_mutex *mutex);
void rind_mutex_unlock(struct rind_mutex *mutex);

struct rind_cond {
    pthread_cond_t cond;
};

void rind_cond_init(struct rind_cond *cond);
void rind_cond_fini(struct rind_cond *cond);
void rind_cond_signal(struct rind_cond *cond);
void rind_cond_broadcast(struct rind_cond *cond);

/*
 * Releases `mutex` (which the caller holds), waits for a signal or the deadline, takes it again.
 * False if the deadline passed. Spurious wake-ups happen: call it in a loop over the real
 * condition.
 */
bool rind_cond_wait(struct rind_cond *cond, struct rind_mutex *mutex,
                    struct rind_deadline deadline);

/*
 * A count of what may be taken. Where threads wait for one thing and nobody has to be told all, it
 * is cheaper than a condition: whoever is woken needs no mutex to go on, and nobody who has waited
 * leaves one behind that must look for others to wake.
 */
struct rind_semaphore {
    sem_t semaphore;
};

void rind_semaphore_init(struct rind_semaphore *semaphore);
/* Nobody may wait, or be about to post. */
void rind_semaphore_fini(struct rind_semaphore *semaphore);
void rind_semaphore_post(struct rind_semaphore *semaphore);
/* Takes one, waiting for it until the deadline. False if there was none; never without reason. */
bool rind_semaphore_wait(struct rind_semaphore *semaphore, struct rind_deadline deadline);

/*
 * A request to stop, made once and seen by any number of threads, whether they compute (is_set),
 * sleep (wait) or poll descriptors (fd).
 */
struct rind_stopper {
    struct rind_mutex mutex; /* guards nothing but the wait below */
    struct rind_cond cond;
    atomic_bool is_set;
    int event_fd; /* readable for ever once set */
};

rind_status rind_stopper_init(struct rind_ctx *ctx, struct rind_stopper *stopper) RIND_MUST_USE;
void rind_stopper_fini(struct rind_stopper *stopper);

/* Asks to stop. Idempotent; from any thread (not from a signal handler). */
void rind_stopper_set(struct rind_stopper *stopper);
bool rind_stopper_is_set(const struct rind_stopper *stopper);

/* Sleeps until the deadline, or less: true as soon as stop was asked for. */
bool rind_stopper_wait(struct rind_stopper *stopper, struct rind_deadline deadline);

/* A descriptor that polls readable once stop was asked for. Borrowed: never read or close it. */
int rind_stopper_fd(const struct rind_stopper *stopper);

#endif
