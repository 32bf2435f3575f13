/* delayed_replies.c - see delayed_replies.h. All delays are equal, so a ring in order of arrival is
 * in order of what is due. */
#include "balancer/delayed_replies.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "host/clock.h"
#include "host/thread.h"
#include "net/net.h"

struct delayed_reply {
    struct rind_reply *reply;
    uint64_t start_ns;
    struct rind_deadline due;
};

struct rind_delayed_replies {
    struct rind_thread thread;
    struct rind_mutex mutex; /* guards all below; nothing is taken after it */
    struct rind_cond changed;
    bool is_stopping;
    size_t first;
    size_t count;
    struct delayed_reply ring[RIND_RTTEST_WAITING_MAX];
};

static void delayed_reply_complete(const struct delayed_reply *delayed)
{
    char body[RIND_RTTEST_BODY_SIZE];
    struct rind_exec_time exec_time;
    memset(body, 'A', sizeof(body));
    struct rind_response response = rind_response_make(200, RIND_SLICE_OF(body));
    rind_exec_time_add(&exec_time, delayed->start_ns, &response);
    rind_reply_complete(delayed->reply, &response);
}

/* Waits for the first reply to be due and takes it; false once stopped and empty. */
static bool delayed_replies_take(struct rind_delayed_replies *replies, struct delayed_reply *taken)
{
    rind_mutex_lock(&replies->mutex);
    for (;;) {
        const struct delayed_reply *first = &replies->ring[replies->first];
        if (replies->count > 0 && (replies->is_stopping || rind_deadline_has_expired(first->due))) {
            *taken = *first;
            replies->first = (replies->first + 1) % RIND_RTTEST_WAITING_MAX;
            replies->count--;
            rind_mutex_unlock(&replies->mutex);
            return true;
        }
        if (replies->is_stopping) {
            rind_mutex_unlock(&replies->mutex);
            return false;
        }
        /* Without replies only defer or close can end the wait; both signal. */
        (void)rind_cond_wait(&replies->changed, &replies->mutex,
                             replies->count > 0 ? first->due : rind_deadline_never());
    }
}

static void delayed_replies_run(void *self)
{
    struct rind_delayed_replies *replies = self;
    struct delayed_reply taken;
    while (delayed_replies_take(replies, &taken)) {
        delayed_reply_complete(&taken);
    }
}

rind_status rind_delayed_replies_open(struct rind_ctx *ctx, struct rind_delayed_replies **result)
{
    struct rind_delayed_replies *replies = calloc(1, sizeof(*replies));
    RIND_REQUIRE(ctx, replies != NULL, RIND_E_LIMIT, "out of memory for delayed replies");
    rind_mutex_init(&replies->mutex);
    rind_cond_init(&replies->changed);
    rind_status status =
        rind_thread_start(ctx, &replies->thread, "rttest", delayed_replies_run, replies);
    if (!rind_is_ok(status)) {
        rind_delayed_replies_close(replies);
        return status;
    }
    *result = replies;
    return RIND_OK;
}

void rind_delayed_replies_close(struct rind_delayed_replies *replies)
{
    if (replies == NULL) {
        return;
    }
    rind_mutex_lock(&replies->mutex);
    replies->is_stopping = true;
    rind_cond_broadcast(&replies->changed);
    rind_mutex_unlock(&replies->mutex);
    rind_thread_join(&replies->thread);
    RIND_ASSERT(replies->count == 0);
    rind_cond_fini(&replies->changed);
    rind_mutex_fini(&replies->mutex);
    free(replies);
}

bool rind_delayed_replies_defer(struct rind_delayed_replies *replies,
                                struct rind_response *response, uint64_t start_ns)
{
    rind_mutex_lock(&replies->mutex);
    bool has_room = replies->count < RIND_RTTEST_WAITING_MAX && !replies->is_stopping;
    if (has_room) {
        size_t last = (replies->first + replies->count) % RIND_RTTEST_WAITING_MAX;
        replies->ring[last] =
            (struct delayed_reply){.reply = rind_response_defer(response),
                                   .start_ns = start_ns,
                                   .due = rind_deadline_in_ms(RIND_RTTEST_DELAY_MS)};
        replies->count++;
        rind_cond_signal(&replies->changed);
    }
    rind_mutex_unlock(&replies->mutex);
    return has_room;
}
