/*
 * queue.h - a bounded first-in first-out queue of pointers between threads, which can be closed.
 *
 * The queue never owns what the pointers point at: an item belongs to the pusher until push
 * succeeds, then to whoever pops it. Thread-safe.
 */
#ifndef RIND_HOST_QUEUE_H
#define RIND_HOST_QUEUE_H

#include "base/status.h"
#include "host/clock.h"

struct rind_queue; /* opaque */

/* A new empty queue for at most `capacity` (> 0) items. */
rind_status rind_queue_new(struct rind_ctx *ctx, size_t capacity,
                           struct rind_queue **queue) RIND_MUST_USE;

/* The queue must be empty and nobody may be using it. NULL is allowed. */
void rind_queue_free(struct rind_queue *queue);

/*
 * Waits for room until the deadline and appends `item` (not NULL). RIND_E_BUSY if the queue stayed
 * full, RIND_E_CANCELLED if it is closed; then the item is still the caller's.
 */
rind_status rind_queue_push(struct rind_ctx *ctx, struct rind_queue *queue, void *item,
                            struct rind_deadline deadline) RIND_MUST_USE;

/*
 * Waits for an item until the deadline and takes the oldest. RIND_E_TIMEOUT if none came,
 * RIND_E_CANCELLED once the queue is closed and empty.
 */
rind_status rind_queue_pop(struct rind_ctx *ctx, struct rind_queue *queue,
                           struct rind_deadline deadline, void **item) RIND_MUST_USE;

/* As pop, but takes all that are there, `count_max` at most: at least one on success. */
rind_status rind_queue_pop_many(struct rind_ctx *ctx, struct rind_queue *queue,
                                struct rind_deadline deadline, void **items, size_t count_max,
                                size_t *count) RIND_MUST_USE;

/* No pushes from now on; what is inside can still be popped. Wakes everybody. Idempotent. */
void rind_queue_close(struct rind_queue *queue);

/* Items inside at this moment; for metrics. */
size_t rind_queue_count(struct rind_queue *queue);

#endif
