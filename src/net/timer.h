/* timer.h - deadlines of many connections in one heap, for one thread. For loop.c. */
#ifndef RIND_NET_TIMER_H
#define RIND_NET_TIMER_H

#include "base/status.h"
#include "host/clock.h"

/* Inside what has a deadline. Zero-initialised means not set. */
struct rind_timer {
    uint64_t at_ns;
    size_t position; /* in the heap, from 1; 0: not set */
};

struct rind_timers {
    struct rind_timer **heap; /* heap[1..count], the earliest first */
    size_t count;
    size_t capacity;
};

/* Room for `count_max` timers at one time. */
rind_status rind_timers_init(struct rind_ctx *ctx, struct rind_timers *timers,
                             size_t count_max) RIND_MUST_USE;
void rind_timers_fini(struct rind_timers *timers);

/* Sets, moves, or (with a deadline of never) clears the timer. */
void rind_timers_set(struct rind_timers *timers, struct rind_timer *timer,
                     struct rind_deadline deadline);

/* The earliest deadline; never if there is none. */
struct rind_deadline rind_timers_next(const struct rind_timers *timers);

/* Takes out a timer that expired at or before now_ns; NULL if there is none. */
struct rind_timer *rind_timers_pop(struct rind_timers *timers, uint64_t now_ns);

#endif
