/*
 * http1.h - HTTP/1.0 and 1.1 on one connection: bytes in, requests out; answers into bytes.
 *
 * Knows no sockets. The parser is llhttp in its strict mode: whatever is ambiguous (two lengths,
 * length and chunked, bare CR) is refused. For this room.
 */
#ifndef RIND_NET_HTTP1_H
#define RIND_NET_HTTP1_H

#include <llhttp.h>

#include "base/buffer.h"
#include "net/message.h"

struct rind_http1 {
    llhttp_t parser;
    const struct rind_message_limits *limits; /* borrowed */
    atomic_size_t *budget;                    /* borrowed */
    struct rind_message *message;             /* being received; NULL between requests */
    const char *peer;                         /* borrowed */
    bool is_head_complete;
    bool is_keep_alive; /* of the request that was completed last */
    bool is_head_method;
    bool is_http_1_0;
    bool expects_continue; /* the client waits for "100 Continue" */
    unsigned failure;      /* status that says what was wrong; 0: nothing yet */
};

enum rind_http1_event {
    RIND_HTTP1_MORE,     /* all bytes are taken, the request is not complete */
    RIND_HTTP1_CONTINUE, /* send RIND_HTTP1_CONTINUE_TEXT, then feed the rest */
    RIND_HTTP1_REQUEST,  /* a request is complete: take it */
    RIND_HTTP1_FAILED,   /* answer http1->failure without body, then close */
};

#define RIND_HTTP1_CONTINUE_TEXT "HTTP/1.1 100 Continue\r\n\r\n"

void rind_http1_init(struct rind_http1 *http1, const struct rind_message_limits *limits,
                     atomic_size_t *budget, const char *peer);
void rind_http1_fini(struct rind_http1 *http1);

/*
 * Feeds bytes; *consumed tells how many were taken. Not to be called while a complete request has
 * not been taken, nor after a failure.
 */
enum rind_http1_event rind_http1_feed(struct rind_http1 *http1, struct rind_slice bytes,
                                      size_t *consumed);

/* The complete request, sealed; the caller frees it. */
struct rind_message *rind_http1_take(struct rind_http1 *http1);

/* True if part of a request is there. */
bool rind_http1_is_receiving(const struct rind_http1 *http1);

/* Enough for the status line, all headers a handler may add, and ours. */
#define RIND_HTTP1_HEAD_SIZE_MAX                                                                   \
    (RIND_RESPONSE_HEADERS_MAX * (RIND_RESPONSE_HEADER_SIZE_MAX + 4u) + 256u)

/*
 * Writes the head of an answer of `body_length` bytes. Header values are printed as they are: they
 * have been cleaned by rind_answer_copy (exchange.h).
 */
void rind_http1_write_head(struct rind_buffer *buffer, unsigned status,
                           const struct rind_http_header *headers, size_t header_count,
                           size_t body_length, bool is_keep_alive, bool is_http_1_0);

#define RIND_HTTP_DATE_SIZE 32u
/* "Sun, 06 Nov 1994 08:49:37 GMT" of this moment. */
void rind_http_date(char text[static RIND_HTTP_DATE_SIZE]);

#endif
