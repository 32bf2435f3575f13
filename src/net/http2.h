/*
 * http2.h - HTTP/2 on one connection: bytes in, requests out; answers into bytes.
 *
 * Knows no sockets; the protocol is nghttp2's. Limits: spec 07 section 2.1. Against floods: streams
 * count against the limit until their handler is done, even if the client reset them (so resetting
 * buys no concurrency); resets beyond a rate end the connection, and so do settings and pings whose
 * acknowledgements pile up unread. Neither a request that is not completed nor an answer that is
 * not taken stays (rind_http2_receiving_since_ns, rind_http2_answering_since_ns). For this room.
 */
#ifndef RIND_NET_HTTP2_H
#define RIND_NET_HTTP2_H

#include "base/buffer.h"
#include "host/clock.h"
#include "net/exchange.h"

struct rind_http2; /* opaque; belongs to one connection and its thread */

/* What the connection does for its HTTP/2 half. */
struct rind_http2_owner {
    void *self;
    /* A new exchange in the connection's list; NULL without memory. */
    struct rind_exchange *(*open)(void *self);
    /*
     * Hands a complete request to a worker; takes the message. False (message still the caller's)
     * if there is no worker for it.
     */
    bool (*dispatch)(void *self, struct rind_exchange *exchange, struct rind_message *message);
    /* The exchange is not needed any more (answered, refused, or reset before it was dispatched).
     */
    void (*close)(void *self, struct rind_exchange *exchange);
};

struct rind_http2_options {
    struct rind_http2_owner owner;
    const struct rind_message_limits *limits; /* borrowed */
    atomic_size_t *budget;                    /* borrowed */
    const char *peer;                         /* borrowed */
    uint32_t streams_max;
    uint32_t header_list_size_bytes_max;
};

/* NULL without memory. */
struct rind_http2 *rind_http2_new(const struct rind_http2_options *options);
void rind_http2_free(struct rind_http2 *http2);

/* Takes all bytes. False: the connection must end (after sending what fill still has). */
bool rind_http2_feed(struct rind_http2 *http2, struct rind_slice bytes);

/* The exchange is completed: sends its answer, or closes it if its stream is gone. */
void rind_http2_answer(struct rind_http2 *http2, struct rind_exchange *exchange);

/* Appends frames to send until none is left or the buffer is nearly full. False: must end. */
bool rind_http2_fill(struct rind_http2 *http2, struct rind_buffer *buffer);

/* The most bytes that one frame adds: a buffer of at least this size is needed. */
#define RIND_HTTP2_FRAME_SIZE_MAX (16384u + 9u + 1u)

/*
 * Graceful end: announce it, later refuse new streams (rind_http2_refuse). False once nothing is
 * left to read or write.
 */
void rind_http2_announce_end(struct rind_http2 *http2);
void rind_http2_refuse(struct rind_http2 *http2);
bool rind_http2_is_alive(const struct rind_http2 *http2);

/* Streams that are open or whose handler runs. */
uint32_t rind_http2_exchange_count(const struct rind_http2 *http2);

/* When the oldest request that is still being received began; UINT64_MAX if there is none. */
uint64_t rind_http2_receiving_since_ns(const struct rind_http2 *http2);

/*
 * Since when the oldest of the answers that are not sent completely has got no further, because the
 * client gives it no window; UINT64_MAX if there is none. A few bytes do not count.
 */
uint64_t rind_http2_answering_since_ns(const struct rind_http2 *http2);

/* Resets all streams whose answers have got no further since `progress_ns`. */
void rind_http2_reset_answering(struct rind_http2 *http2, uint64_t progress_ns);

/* Resets all requests still being received that began at or before `start_ns`. */
void rind_http2_reset_receiving(struct rind_http2 *http2, uint64_t start_ns);

#endif
