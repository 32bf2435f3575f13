/*
 * clock.h - time for daemons: a monotonic clock to measure and wait by, the wall clock to print.
 *
 * Deadlines are points on the monotonic clock, so setting the wall clock neither cuts nor stretches
 * a wait. A deadline is a value: pass it down, take the minimum with your own.
 * Thread-safe: everything here.
 */
#ifndef RIND_HOST_CLOCK_H
#define RIND_HOST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define RIND_NS_PER_US 1000ull
#define RIND_NS_PER_MS 1000000ull
#define RIND_NS_PER_S 1000000000ull

/* Nanoseconds since some fixed moment before the process started; never goes back. */
uint64_t rind_clock_monotonic_ns(void);

/* Wall clock: time since 1970 UTC. May jump; only for stamps that people or peers read. */
uint64_t rind_clock_unix_ns(void);
uint64_t rind_clock_unix_ms(void);
uint64_t rind_clock_unix_s(void);

/* A moment after which waiting is over. */
struct rind_deadline {
    uint64_t at_ns; /* on the monotonic clock; UINT64_MAX is never */
};

/* `duration` from now; saturates at never. */
struct rind_deadline rind_deadline_in_ns(uint64_t duration_ns);
struct rind_deadline rind_deadline_in_ms(uint64_t duration_ms);

/* Never expires: only for waits that a stopper or a close ends. */
struct rind_deadline rind_deadline_never(void);

/* Has expired already: asks without waiting. */
struct rind_deadline rind_deadline_now(void);

/* The earlier of the two. */
struct rind_deadline rind_deadline_min(struct rind_deadline a, struct rind_deadline b);

bool rind_deadline_is_never(struct rind_deadline deadline);
bool rind_deadline_has_expired(struct rind_deadline deadline);

/* Time left; 0 once expired, UINT64_MAX for never. */
uint64_t rind_deadline_remaining_ns(struct rind_deadline deadline);

/* As poll(2) and epoll_wait(2) want it: rounded up, so that a wait never ends early; -1 is never.
 */
int rind_deadline_poll_ms(struct rind_deadline deadline);

/* As pthread_cond_clockwait(3) wants it, on CLOCK_MONOTONIC. */
struct timespec rind_deadline_timespec(struct rind_deadline deadline);

#endif
