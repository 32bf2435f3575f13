/*
 * transport.h - a nonblocking byte stream: a socket, with or without TLS on it. For this room.
 *
 * One thread. Nothing here waits.
 */
#ifndef RIND_NET_TRANSPORT_H
#define RIND_NET_TRANSPORT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct rind_transport {
    int fd;                /* owned */
    SSL *session;          /* owned; NULL: plain */
    bool is_write_awaited; /* TLS wants to write before it can go on reading */
};

enum rind_transport_result {
    RIND_TRANSPORT_OK,
    RIND_TRANSPORT_AGAIN,  /* nothing can be done before the socket is ready */
    RIND_TRANSPORT_CLOSED, /* the peer said goodbye */
    RIND_TRANSPORT_FAILED, /* reset, protocol error */
};

/* Goes on with the TLS handshake; OK when it is done (at once on a plain one). */
enum rind_transport_result rind_transport_handshake(struct rind_transport *transport);

/* At least one byte on OK. */
enum rind_transport_result rind_transport_read(struct rind_transport *transport, void *data,
                                               size_t capacity, size_t *length);

/*
 * At least one byte on OK. After AGAIN the next write must begin with the same bytes, and be no
 * shorter (TLS).
 */
enum rind_transport_result rind_transport_write(struct rind_transport *transport,
                                                struct rind_slice bytes, size_t *written);

/* No more writing: TLS close-notify and FIN. Best effort. */
void rind_transport_finish(struct rind_transport *transport);

/* Closes the socket at once. */
void rind_transport_close(struct rind_transport *transport);

#endif
