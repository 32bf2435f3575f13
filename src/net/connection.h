/*
 * connection.h - one accepted connection: bytes, protocol, deadlines, end. For this room.
 *
 * Everything here runs on the thread of the connection's loop. States:
 *
 *     HANDSHAKE -> DETECT -> HTTP1 | HTTP2 -> LINGER -> DEAD      (any state may go to DEAD)
 *
 * HTTP/1: one request at a time; while it is served nothing is read, so that pipelined requests
 * are answered in order and a client cannot make us buffer. HTTP/2: see http2.h.
 */
#ifndef RIND_NET_CONNECTION_H
#define RIND_NET_CONNECTION_H

#include "net/http1.h"
#include "net/http2.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/transport.h"

enum rind_connection_state {
    RIND_CONNECTION_HANDSHAKE, /* TLS */
    RIND_CONNECTION_DETECT,    /* plain: the first bytes tell HTTP/2 from HTTP/1 */
    RIND_CONNECTION_HTTP1,
    RIND_CONNECTION_HTTP2,
    RIND_CONNECTION_LINGER, /* all is sent; swallows what comes until the peer closes too */
    RIND_CONNECTION_DEAD,   /* freed at the end of the loop's turn */
};

struct rind_connection {
    uint32_t magic;
    enum rind_connection_state state;
    struct rind_loop *loop;
    struct rind_connection *previous; /* in the loop's list, or next in its dead list */
    struct rind_connection *next;
    struct rind_timer timer;
    struct rind_transport transport;
    uint32_t epoll_events;                  /* as registered */
    struct rind_connection *ready_previous; /* in the loop's list of those with is_ready */
    struct rind_connection *ready_next;
    bool is_ready;          /* has buffered input that epoll does not know of */
    bool has_peer_finished; /* the peer will send nothing more */
    bool is_closing;        /* graceful: what is in flight is finished, nothing else begun */
    uint64_t state_start_ns;
    uint64_t progress_ns; /* of the last byte in or out, request begun or ended */

    struct rind_slice out; /* being sent */
    uint8_t *out_heap;     /* frees it when sent; NULL if `out` is the open exchange's answer */

    struct rind_exchange *open; /* all exchanges that hold this connection */

    struct rind_http1 http1;
    uint64_t message_start_ns; /* when the request being received began */
    uint8_t *pending;          /* input that came with the request being served */
    size_t pending_start;
    size_t pending_length;
    bool is_last; /* close when `out` is sent */

    struct rind_http2 *http2;
    uint64_t refuse_ns; /* when the announced end becomes final; 0: not announced */

    char peer[64];
};

/* Takes the socket. On failure (no memory) it is closed and nothing is left. */
void rind_connection_open(struct rind_loop *loop, int fd, const struct rind_address *address);

/* The socket is ready, or `connection->is_ready` was set. */
void rind_connection_drive(struct rind_connection *connection, uint32_t events);

/* The timer expired. */
void rind_connection_expire(struct rind_connection *connection);

/* A completed exchange of this connection came back; takes no reference. */
void rind_connection_deliver(struct rind_connection *connection, struct rind_exchange *exchange);

/* Begins the graceful end (drain, idle timeout). */
void rind_connection_begin_end(struct rind_connection *connection);

/* Ends it now, abandoning what is in flight. */
void rind_connection_kill(struct rind_connection *connection);

/* Ends requests that have been being received since `start_ns` or longer: memory is short. */
void rind_connection_shed(struct rind_connection *connection, uint64_t start_ns);

/* True if nothing is in flight, so that it may be ended to make room. */
bool rind_connection_is_idle(const struct rind_connection *connection);

/* connection_http1.c and connection_http2.c, called by connection.c only. */
void rind_connection_drive_http1(struct rind_connection *connection);
void rind_connection_deliver_http1(struct rind_connection *connection,
                                   struct rind_exchange *exchange);
void rind_connection_answer_http1(struct rind_connection *connection, unsigned status);
void rind_connection_drive_http2(struct rind_connection *connection);
bool rind_connection_open_http2(struct rind_connection *connection);

/* Shared by the two. */
enum rind_transport_result rind_connection_read(struct rind_connection *connection,
                                                struct rind_slice *bytes);
/* Sends `out`; false if the connection died. */
bool rind_connection_flush(struct rind_connection *connection);
/* Sets `out` to a copy; nothing may be pending. False (and dead) without memory. */
bool rind_connection_send_copy(struct rind_connection *connection, struct rind_slice bytes);
void rind_connection_linger(struct rind_connection *connection);
struct rind_exchange *rind_connection_open_exchange(struct rind_connection *connection);
void rind_connection_close_exchange(struct rind_connection *connection,
                                    struct rind_exchange *exchange);

/* How often one drive may read before others get their turn. */
#define RIND_CONNECTION_TURNS_MAX 8u

#endif
