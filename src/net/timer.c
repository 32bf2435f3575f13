/* timer.c - see timer.h. */
#include "net/timer.h"

#include <stdlib.h>

#include "base/assert.h"

rind_status rind_timers_init(struct rind_ctx *ctx, struct rind_timers *timers, size_t count_max)
{
    *timers = (struct rind_timers){.capacity = count_max};
    timers->heap = calloc(count_max + 1, sizeof(struct rind_timer *));
    RIND_REQUIRE(ctx, timers->heap != NULL, RIND_E_LIMIT, "no memory for %zu timers", count_max);
    return RIND_OK;
}

void rind_timers_fini(struct rind_timers *timers)
{
    free(timers->heap);
    *timers = (struct rind_timers){.heap = NULL};
}

static void timers_place(struct rind_timers *timers, struct rind_timer *timer, size_t position)
{
    timers->heap[position] = timer;
    timer->position = position;
}

/* Moves the timer towards the root while it is earlier than its parent. */
static void timers_rise(struct rind_timers *timers, struct rind_timer *timer)
{
    size_t position = timer->position;
    while (position > 1 && timers->heap[position / 2]->at_ns > timer->at_ns) {
        timers_place(timers, timers->heap[position / 2], position);
        position /= 2;
    }
    timers_place(timers, timer, position);
}

/* Moves the timer away from the root while a child is earlier. */
static void timers_sink(struct rind_timers *timers, struct rind_timer *timer)
{
    size_t position = timer->position;
    for (;;) {
        size_t child = 2 * position;
        if (child > timers->count) {
            break;
        }
        if (child < timers->count && timers->heap[child + 1]->at_ns < timers->heap[child]->at_ns) {
            child++;
        }
        if (timers->heap[child]->at_ns >= timer->at_ns) {
            break;
        }
        timers_place(timers, timers->heap[child], position);
        position = child;
    }
    timers_place(timers, timer, position);
}

static void timers_remove(struct rind_timers *timers, struct rind_timer *timer)
{
    size_t position = timer->position;
    RIND_ASSERT(position > 0 && timers->heap[position] == timer);
    struct rind_timer *last = timers->heap[timers->count];
    timers->count--;
    timer->position = 0;
    if (last != timer) {
        timers_place(timers, last, position);
        timers_rise(timers, last);
        timers_sink(timers, last);
    }
}

void rind_timers_set(struct rind_timers *timers, struct rind_timer *timer,
                     struct rind_deadline deadline)
{
    if (rind_deadline_is_never(deadline)) {
        if (timer->position != 0) {
            timers_remove(timers, timer);
        }
        return;
    }
    timer->at_ns = deadline.at_ns;
    if (timer->position == 0) {
        RIND_ASSERT(timers->count < timers->capacity);
        timers->count++;
        timers_place(timers, timer, timers->count);
    }
    timers_rise(timers, timer);
    timers_sink(timers, timer);
}

struct rind_deadline rind_timers_next(const struct rind_timers *timers)
{
    if (timers->count == 0) {
        return rind_deadline_never();
    }
    return (struct rind_deadline){timers->heap[1]->at_ns};
}

struct rind_timer *rind_timers_pop(struct rind_timers *timers, uint64_t now_ns)
{
    if (timers->count == 0 || timers->heap[1]->at_ns > now_ns) {
        return NULL;
    }
    struct rind_timer *timer = timers->heap[1];
    timers_remove(timers, timer);
    return timer;
}
