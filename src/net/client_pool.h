/*
 * client_pool.h - a client's connections, kept per peer. For this room.
 *
 * Thread-safe. A socket taken from the pool belongs to one exchange until it is given back.
 */
#ifndef RIND_NET_CLIENT_POOL_H
#define RIND_NET_CLIENT_POOL_H

#include "net/client.h"

struct rind_client_peer; /* opaque: a host and port, and its connections */

struct rind_client_lease {
    struct rind_client_peer *peer;
    int fd;             /* nonblocking */
    bool is_reused;     /* it has served a call before */
    bool is_connecting; /* connect(2) has been started */
};

const struct rind_client_options *rind_client_pool_options(const struct rind_client *client);

/*
 * A kept connection that looks alive, or a new one that is being connected. Waits until `deadline`
 * if the peer has all its connections in use. RIND_E_BUSY, RIND_E_NETWORK, RIND_E_INVALID.
 */
rind_status rind_client_pool_take(struct rind_ctx *ctx, struct rind_client *client,
                                  const struct rind_url *url, struct rind_deadline deadline,
                                  struct rind_client_lease *lease) RIND_MUST_USE;

/* Replaces the lease's socket, which turned out dead, by a new one being connected. */
rind_status rind_client_pool_replace(struct rind_ctx *ctx, struct rind_client *client,
                                     struct rind_client_lease *lease) RIND_MUST_USE;

/* Keeps the connection for later calls, or closes it. */
void rind_client_pool_give(struct rind_client *client, struct rind_client_lease *lease);
void rind_client_pool_drop(struct rind_client *client, struct rind_client_lease *lease);

#endif
