/* mailbox.c - see mailbox.h. */
#include "net/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/exchange.h"

rind_status rind_mailbox_new(struct rind_ctx *ctx, struct rind_mailbox **mailbox)
{
    struct rind_mailbox *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a mailbox");
    made->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->event_fd < 0) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT,
                         "could not make an event descriptor: %s; raise the limit of open files "
                         "(ulimit -n)",
                         strerror(errno));
    }
    atomic_init(&made->reference_count, 1);
    rind_mutex_init(&made->mutex);
    *mailbox = made;
    return RIND_OK;
}

void rind_mailbox_retain(struct rind_mailbox *mailbox)
{
    unsigned before = atomic_fetch_add(&mailbox->reference_count, 1);
    RIND_ASSERT(before > 0);
}

void rind_mailbox_release(struct rind_mailbox *mailbox)
{
    unsigned before = atomic_fetch_sub(&mailbox->reference_count, 1);
    RIND_ASSERT(before > 0);
    if (before > 1) {
        return;
    }
    RIND_ASSERT(mailbox->completed == NULL && mailbox->newcomers == NULL);
    rind_mutex_fini(&mailbox->mutex);
    (void)close(mailbox->event_fd);
    free(mailbox);
}

/* Wakes the loop unless that was done already. Caller holds the lock; the write cannot block. */
static void mailbox_signal(struct rind_mailbox *mailbox)
{
    if (!mailbox->is_signalled) {
        mailbox->is_signalled = true;
        uint64_t one = 1;
        ssize_t written = write(mailbox->event_fd, &one, sizeof(one));
        RIND_ASSERT(written == (ssize_t)sizeof(one));
    }
}

bool rind_mailbox_put_completed(struct rind_mailbox *mailbox, struct rind_exchange *exchange)
{
    rind_mutex_lock(&mailbox->mutex);
    bool is_open = !mailbox->is_closed;
    if (is_open) {
        exchange->next = mailbox->completed;
        mailbox->completed = exchange;
        mailbox_signal(mailbox);
    }
    rind_mutex_unlock(&mailbox->mutex);
    return is_open;
}

bool rind_mailbox_put_newcomer(struct rind_mailbox *mailbox, struct rind_newcomer *newcomer)
{
    rind_mutex_lock(&mailbox->mutex);
    bool is_open = !mailbox->is_closed;
    if (is_open) {
        newcomer->next = mailbox->newcomers;
        mailbox->newcomers = newcomer;
        mailbox_signal(mailbox);
    }
    rind_mutex_unlock(&mailbox->mutex);
    return is_open;
}

void rind_mailbox_poke(struct rind_mailbox *mailbox)
{
    rind_mutex_lock(&mailbox->mutex);
    mailbox_signal(mailbox);
    rind_mutex_unlock(&mailbox->mutex);
}

void rind_mailbox_want_drain(struct rind_mailbox *mailbox)
{
    rind_mutex_lock(&mailbox->mutex);
    mailbox->wants_drain = true;
    mailbox_signal(mailbox);
    rind_mutex_unlock(&mailbox->mutex);
}

void rind_mailbox_want_stop(struct rind_mailbox *mailbox)
{
    rind_mutex_lock(&mailbox->mutex);
    mailbox->wants_stop = true;
    mailbox_signal(mailbox);
    rind_mutex_unlock(&mailbox->mutex);
}

/* Empties the mailbox and turns its lists into order of arrival. Caller holds the lock. */
static struct rind_mailbox_contents mailbox_empty(struct rind_mailbox *mailbox)
{
    struct rind_mailbox_contents contents = {
        .wants_drain = mailbox->wants_drain,
        .wants_stop = mailbox->wants_stop,
    };
    while (mailbox->completed != NULL) {
        struct rind_exchange *exchange = mailbox->completed;
        mailbox->completed = exchange->next;
        exchange->next = contents.completed;
        contents.completed = exchange;
    }
    while (mailbox->newcomers != NULL) {
        struct rind_newcomer *newcomer = mailbox->newcomers;
        mailbox->newcomers = newcomer->next;
        newcomer->next = contents.newcomers;
        contents.newcomers = newcomer;
    }
    if (mailbox->is_signalled) {
        mailbox->is_signalled = false;
        uint64_t count;
        ssize_t got = read(mailbox->event_fd, &count, sizeof(count));
        RIND_ASSERT(got == (ssize_t)sizeof(count));
    }
    return contents;
}

struct rind_mailbox_contents rind_mailbox_take(struct rind_mailbox *mailbox)
{
    rind_mutex_lock(&mailbox->mutex);
    struct rind_mailbox_contents contents = mailbox_empty(mailbox);
    rind_mutex_unlock(&mailbox->mutex);
    return contents;
}

struct rind_mailbox_contents rind_mailbox_close(struct rind_mailbox *mailbox)
{
    rind_mutex_lock(&mailbox->mutex);
    mailbox->is_closed = true;
    struct rind_mailbox_contents contents = mailbox_empty(mailbox);
    rind_mutex_unlock(&mailbox->mutex);
    return contents;
}
