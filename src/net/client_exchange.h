/*
 * client_exchange.h - one call on its way: connect, send, receive, as steps that never wait. For
 * this room: client.c drives one (a call) or many (a fan) with poll(2).
 */
#ifndef RIND_NET_CLIENT_EXCHANGE_H
#define RIND_NET_CLIENT_EXCHANGE_H

#include <llhttp.h>

#include "net/client_pool.h"

enum rind_client_state {
    RIND_CLIENT_CONNECTING,
    RIND_CLIENT_SENDING,
    RIND_CLIENT_RECEIVING,
    RIND_CLIENT_OVER,
};

struct rind_client_exchange {
    struct rind_client *client;
    const struct rind_call *call;
    struct rind_client_lease lease; /* peer NULL: none */
    enum rind_client_state state;
    struct rind_deadline connect_deadline;
    struct rind_slice head; /* in the arena */
    size_t sent;            /* of head and body together */
    bool is_repeated;       /* was sent a second time: not again */
    bool has_answer_bytes;
    bool is_head_complete;
    bool is_send_cut; /* the peer closed its receiving side */

    llhttp_t parser;
    struct rind_ctx *ctx; /* during a step: where the parser allocates and explains */
    uint8_t *body;
    size_t body_length;
    size_t body_capacity;
    bool is_complete;
    bool is_keep_alive;
    rind_status parse_status;

    rind_status status; /* once over */
    struct rind_answer answer;
};

/*
 * Takes a connection, waiting for a free one until `room_deadline`, and writes the head. `call` is
 * borrowed until close. On failure nothing is to be closed.
 */
rind_status rind_client_exchange_open(struct rind_ctx *ctx, struct rind_client_exchange *exchange,
                                      struct rind_client *client, const struct rind_call *call,
                                      struct rind_deadline room_deadline) RIND_MUST_USE;

/* Gives the connection back to the pool, or closes it if it is not clean. */
void rind_client_exchange_close(struct rind_client_exchange *exchange);

/* What to poll for, and until when. */
int rind_client_exchange_fd(const struct rind_client_exchange *exchange);
short rind_client_exchange_events(const struct rind_client_exchange *exchange);
struct rind_deadline rind_client_exchange_deadline(const struct rind_client_exchange *exchange);

/* Goes on as far as it can if the socket is ready; notices an expired deadline. */
void rind_client_exchange_step(struct rind_ctx *ctx, struct rind_client_exchange *exchange,
                               bool is_ready);

bool rind_client_exchange_is_over(const struct rind_client_exchange *exchange);
/* Once over; a failure's sentence was left in the ctx of the step that ended it. */
rind_status rind_client_exchange_status(const struct rind_client_exchange *exchange);
struct rind_answer rind_client_exchange_answer(const struct rind_client_exchange *exchange);

#endif
