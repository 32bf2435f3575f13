/* queue.c - see queue.h. */
#include "host/queue.h"

#include <stdlib.h>

#include "base/assert.h"
#include "host/thread.h"

struct rind_queue {
    struct rind_mutex mutex; /* guards everything below; innermost */
    struct rind_cond has_items;
    struct rind_cond has_room;
    size_t capacity;
    size_t first; /* index of the oldest item */
    size_t count;
    bool is_closed;
    void *items[]; /* a ring of `capacity` */
};

rind_status rind_queue_new(struct rind_ctx *ctx, size_t capacity, struct rind_queue **queue)
{
    RIND_ASSERT(capacity > 0 && capacity < SIZE_MAX / sizeof(void *) / 2);
    struct rind_queue *made = calloc(1, sizeof(*made) + capacity * sizeof(made->items[0]));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a queue of %zu items", capacity);
    rind_mutex_init(&made->mutex);
    rind_cond_init(&made->has_items);
    rind_cond_init(&made->has_room);
    made->capacity = capacity;
    *queue = made;
    return RIND_OK;
}

void rind_queue_free(struct rind_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    RIND_ASSERT(queue->count == 0); /* an item left behind is a leak */
    rind_cond_fini(&queue->has_room);
    rind_cond_fini(&queue->has_items);
    rind_mutex_fini(&queue->mutex);
    free(queue);
}

rind_status rind_queue_push(struct rind_ctx *ctx, struct rind_queue *queue, void *item,
                            struct rind_deadline deadline)
{
    RIND_ASSERT(item != NULL);
    rind_mutex_lock(&queue->mutex);
    while (queue->count == queue->capacity && !queue->is_closed &&
           rind_cond_wait(&queue->has_room, &queue->mutex, deadline)) {
    }
    bool is_closed = queue->is_closed;
    bool has_room = queue->count < queue->capacity;
    if (has_room && !is_closed) {
        queue->items[(queue->first + queue->count) % queue->capacity] = item;
        queue->count++;
        rind_cond_signal(&queue->has_items);
    }
    rind_mutex_unlock(&queue->mutex);
    RIND_REQUIRE(ctx, !is_closed, RIND_E_CANCELLED, "queue is closed");
    RIND_REQUIRE(ctx, has_room, RIND_E_BUSY, "queue of %zu items stayed full; try again later",
                 queue->capacity);
    return RIND_OK;
}

rind_status rind_queue_pop(struct rind_ctx *ctx, struct rind_queue *queue,
                           struct rind_deadline deadline, void **item)
{
    size_t count;
    return rind_queue_pop_many(ctx, queue, deadline, item, 1, &count);
}

rind_status rind_queue_pop_many(struct rind_ctx *ctx, struct rind_queue *queue,
                                struct rind_deadline deadline, void **items, size_t count_max,
                                size_t *count)
{
    RIND_ASSERT(count_max > 0);
    rind_mutex_lock(&queue->mutex);
    while (queue->count == 0 && !queue->is_closed &&
           rind_cond_wait(&queue->has_items, &queue->mutex, deadline)) {
    }
    bool is_closed = queue->is_closed;
    size_t taken = 0;
    while (queue->count > 0 && taken < count_max) {
        items[taken++] = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        rind_cond_signal(&queue->has_room);
    }
    rind_mutex_unlock(&queue->mutex);
    if (taken == 0) {
        return is_closed ? rind_fail(ctx, RIND_E_CANCELLED, "queue is closed")
                         : rind_fail(ctx, RIND_E_TIMEOUT, "nothing was queued in time");
    }
    *count = taken;
    return RIND_OK;
}

void rind_queue_close(struct rind_queue *queue)
{
    rind_mutex_lock(&queue->mutex);
    queue->is_closed = true;
    rind_cond_broadcast(&queue->has_items);
    rind_cond_broadcast(&queue->has_room);
    rind_mutex_unlock(&queue->mutex);
}

size_t rind_queue_count(struct rind_queue *queue)
{
    rind_mutex_lock(&queue->mutex);
    size_t count = queue->count;
    rind_mutex_unlock(&queue->mutex);
    return count;
}
