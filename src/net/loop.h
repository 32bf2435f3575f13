/*
 * loop.h - a thread that owns connections: epoll, timers, mailbox. For this room.
 *
 * The first loop of a server also accepts, and hands sockets to the others in turn.
 */
#ifndef RIND_NET_LOOP_H
#define RIND_NET_LOOP_H

#include "host/thread.h"
#include "net/mailbox.h"
#include "net/server_state.h"
#include "net/timer.h"

struct rind_connection;

#define RIND_LOOP_INPUT_SIZE_BYTES 16384u
#define RIND_LOOP_OUTPUT_SIZE_BYTES 65536u /* several frames of HTTP/2 */

struct rind_loop {
    struct rind_server *server;
    struct rind_mailbox *mailbox; /* counted */
    struct rind_thread thread;
    int epoll_fd;
    int listen_fd;            /* of the first loop; -1 otherwise, and once draining */
    uint64_t accept_again_ns; /* when out of descriptors: when to try again; 0: accepting */
    uint64_t shed_again_ns;   /* not before, however short memory is */
    uint32_t connections_max;
    uint32_t next_loop; /* whose turn it is to get a new connection */
    struct rind_timers timers;
    struct rind_connection *connections; /* the newest first */
    struct rind_connection *oldest;
    struct rind_connection *dead;
    uint32_t connection_count;
    struct rind_connection *ready; /* those with is_ready */
    bool is_draining;
    uint8_t input[RIND_LOOP_INPUT_SIZE_BYTES];
    uint8_t output[RIND_LOOP_OUTPUT_SIZE_BYTES];
};

/* `listen_fd` -1: does not accept. Owned by the loop on success. `loop` must be zeroed. */
rind_status rind_loop_open(struct rind_ctx *ctx, struct rind_loop *loop, struct rind_server *server,
                           int listen_fd, uint32_t connections_max) RIND_MUST_USE;

/* Starts the thread; all loops of the server must be open. */
rind_status rind_loop_start(struct rind_ctx *ctx, struct rind_loop *loop,
                            const char *name) RIND_MUST_USE;

/* Stops the thread, kills connections, abandons exchanges. */
void rind_loop_close(struct rind_loop *loop);

/* For connections: list, count, timer and metrics. */
void rind_loop_add(struct rind_loop *loop, struct rind_connection *connection);
void rind_loop_remove(struct rind_loop *loop, struct rind_connection *connection);
void rind_loop_set_ready(struct rind_loop *loop, struct rind_connection *connection);
void rind_loop_clear_ready(struct rind_loop *loop, struct rind_connection *connection);
void rind_loop_count_protocol(struct rind_loop *loop, const char *protocol, const char *what);

#endif
