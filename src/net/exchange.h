/*
 * exchange.h - a request on its way: from its connection to a worker, maybe parked, and back.
 *
 * Ownership: an exchange is counted. Its connection holds one reference until the answer is sent or
 * the connection ends; the worker holds one while the handler runs; a reply handle, or the mailbox
 * it comes back through, holds one. The message belongs to the worker from dispatch on. Fields
 * marked "loop" are touched only by the thread of the connection. For this room.
 */
#ifndef RIND_NET_EXCHANGE_H
#define RIND_NET_EXCHANGE_H

#include <stdatomic.h>

#include "host/pool.h"
#include "host/span.h"
#include "net/mailbox.h"
#include "net/message.h"

/* A copy of a handler's answer, with room in front of the body for an HTTP/1 head. */
struct rind_stored_answer {
    unsigned status;
    size_t header_count;
    struct rind_http_header headers[RIND_RESPONSE_HEADERS_MAX];
    uint8_t *body; /* inside `bytes` */
    size_t body_length;
    size_t bytes_size;
    uint8_t bytes[];
};

/* NULL if there is no memory. Header values lose control characters, names become lower case. */
struct rind_stored_answer *rind_stored_answer_new(const struct rind_response *response);
/* Wipes and frees. NULL is allowed. */
void rind_stored_answer_free(struct rind_stored_answer *answer);

struct rind_connection;

struct rind_exchange {
    uint32_t magic;
    atomic_uint reference_count;
    struct rind_mailbox *mailbox; /* counted; where the answer goes */
    struct rind_exchange *next;   /* in the mailbox */

    rind_handler *handle;
    void *handler_self;
    struct rind_arena_pool *arenas;
    struct rind_tracer *tracer;   /* NULL: none */
    struct rind_span *span;       /* of the request, if it is recorded, until it is answered */
    struct rind_message *message; /* NULL once the handler has returned */

    atomic_bool is_completed;
    atomic_bool is_abandoned;
    struct rind_stored_answer *answer; /* NULL when completed: no memory, close */

    /* loop: */
    struct rind_connection *connection;  /* NULL once it has ended */
    struct rind_exchange *previous_open; /* in the connection's list */
    struct rind_exchange *next_open;
    int32_t stream_id;                 /* HTTP/2 */
    bool is_stream_open;               /* HTTP/2 */
    bool is_dispatched;                /* a worker has or had it */
    bool is_inline;                    /* its handler runs on this thread */
    bool is_delivered;                 /* and it has come back */
    struct http2_receiving *receiving; /* HTTP/2, while the request is received */
    bool is_head_method;
    size_t sent;                              /* bytes of the body, HTTP/2 */
    bool is_answering;                        /* HTTP/2: in the list of answers being sent */
    struct rind_exchange *answering_previous; /* in that list */
    struct rind_exchange *answering_next;
    uint64_t progress_ns; /* of the answer ... */
    size_t progress_sent; /* ... and how much was sent then */
    uint64_t start_ns;
};

/* A new exchange with one reference, the caller's; NULL without memory. */
struct rind_exchange *rind_exchange_new(struct rind_mailbox *mailbox);
void rind_exchange_retain(struct rind_exchange *exchange);
void rind_exchange_release(struct rind_exchange *exchange);

/*
 * Hands exchange and its message to a worker; without `workers` (NULL) it runs the handler here and
 * now, after which exchange->is_delivered tells whether the answer is there. RIND_E_BUSY if too
 * many wait already: then the caller still owns both and answers 503.
 */
rind_status rind_exchange_dispatch(struct rind_exchange *exchange, struct rind_pool *workers,
                                   struct rind_arena_pool *arenas, rind_handler *handle, void *self,
                                   struct rind_message *message) RIND_MUST_USE;

#endif
