/*
 * mailbox.h - how other threads reach the thread that owns a connection.
 *
 * Counted, because answers to parked requests may come after the server is gone. For this room.
 */
#ifndef RIND_NET_MAILBOX_H
#define RIND_NET_MAILBOX_H

#include <stdatomic.h>

#include "host/address.h"
#include "host/thread.h"

struct rind_exchange;

/* An accepted socket on its way to the loop that will own it. */
struct rind_newcomer {
    struct rind_newcomer *next;
    int fd;
    struct rind_address address;
};

struct rind_mailbox {
    atomic_uint reference_count;
    atomic_uint exchanges_in_service; /* dispatched and not completed */
    int event_fd;                     /* readable when something is inside */
    struct rind_mutex mutex;          /* guards what follows; innermost */
    bool is_closed;
    bool is_signalled;
    bool wants_drain;
    bool wants_stop;
    struct rind_exchange *completed; /* newest first */
    struct rind_newcomer *newcomers; /* newest first */
};

/* What was inside, in order of arrival. */
struct rind_mailbox_contents {
    struct rind_exchange *completed; /* each with a reference, now the taker's */
    struct rind_newcomer *newcomers;
    bool wants_drain;
    bool wants_stop;
};

rind_status rind_mailbox_new(struct rind_ctx *ctx, struct rind_mailbox **mailbox) RIND_MUST_USE;
void rind_mailbox_retain(struct rind_mailbox *mailbox);
void rind_mailbox_release(struct rind_mailbox *mailbox);

/* Each wakes the loop. False if the mailbox is closed: the item is still the caller's. */
bool rind_mailbox_put_completed(struct rind_mailbox *mailbox, struct rind_exchange *exchange);
bool rind_mailbox_put_newcomer(struct rind_mailbox *mailbox, struct rind_newcomer *newcomer);
void rind_mailbox_poke(struct rind_mailbox *mailbox);
void rind_mailbox_want_drain(struct rind_mailbox *mailbox);
void rind_mailbox_want_stop(struct rind_mailbox *mailbox);

struct rind_mailbox_contents rind_mailbox_take(struct rind_mailbox *mailbox);

/* As take, and nothing can be put any more. */
struct rind_mailbox_contents rind_mailbox_close(struct rind_mailbox *mailbox);

#endif
