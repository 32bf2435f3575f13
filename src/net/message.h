/*
 * message.h - a request while it is received: bounded text of its head, bounded body.
 *
 * Filled by http1.c or http2.c on the thread of its connection, then read by one worker. All bytes
 * are charged to a budget shared by the server's connections. For this room.
 */
#ifndef RIND_NET_MESSAGE_H
#define RIND_NET_MESSAGE_H

#include <stdatomic.h>

#include "net/http.h"

struct rind_message_limits {
    size_t head_size_bytes_max; /* names, values, and what counts as their overhead */
    size_t body_size_bytes_max;
    size_t budget_bytes_max; /* of all messages on the budget */
};

struct rind_message_span {
    uint32_t start;
    uint32_t length;
};

struct rind_message {
    const struct rind_message_limits *limits;
    atomic_size_t *budget; /* bytes charged by all messages */
    size_t charged;        /* bytes of the budget that this one holds */

    char *text; /* method, target, names and values, one after the other */
    size_t text_length;
    size_t text_capacity;
    size_t head_size; /* counted against the limit */
    struct rind_message_span method;
    struct rind_message_span target;
    struct rind_message_span *names; /* header_capacity of each, heap */
    struct rind_message_span *values;
    struct rind_http_header *headers; /* made by rind_message_seal */
    size_t header_count;
    size_t header_capacity;

    uint8_t *body;
    size_t body_length;
    size_t body_capacity;
    bool is_body_too_large;

    uint64_t start_ns;
    char peer[64];
    struct rind_request request; /* made by rind_message_seal */
};

enum rind_message_result {
    RIND_MESSAGE_OK,
    RIND_MESSAGE_TOO_LARGE, /* head or number of headers */
    RIND_MESSAGE_NO_MEMORY, /* the budget or the heap is exhausted */
};

/* NULL if heap or budget are exhausted. */
struct rind_message *rind_message_new(const struct rind_message_limits *limits,
                                      atomic_size_t *budget);
/* Wipes (bodies may be secret), frees, gives the charge back. NULL is allowed. */
void rind_message_free(struct rind_message *message);

/* Makes room for names[header_count] and values[header_count]; again if that header has begun. */
enum rind_message_result rind_message_begin_header(struct rind_message *message);

/* Appends to the text; `span` (of this message, zero at first) grows by it. */
enum rind_message_result rind_message_append(struct rind_message *message,
                                             struct rind_message_span *span,
                                             struct rind_slice text);

/* Counts `size` more bytes of the head against the limit. */
enum rind_message_result rind_message_count(struct rind_message *message, size_t size);

/* Appends to the body, or frees it and sets is_body_too_large. */
enum rind_message_result rind_message_append_body(struct rind_message *message,
                                                  struct rind_slice bytes);

/* Throws the body away and marks it as too large. */
void rind_message_drop_body(struct rind_message *message);

/* Makes message->request from what was received: names in lower case, path and query split. */
void rind_message_seal(struct rind_message *message);

/* The text of a span; moves when more is appended. */
struct rind_slice rind_message_text(const struct rind_message *message,
                                    struct rind_message_span span);

#endif
