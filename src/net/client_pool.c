/* client_pool.c - see client_pool.h. */
#include "net/client_pool.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "host/thread.h"

#define CLIENT_RESOLVED_NS_MAX (30 * RIND_NS_PER_S) /* how long a name's address is trusted */

struct client_idle {
    int fd;
    uint64_t since_ns;
};

struct rind_client_peer {
    struct rind_client_peer *next;
    char host[RIND_URL_HOST_SIZE_MAX];
    uint16_t port;
    uint32_t in_use;  /* sockets out */
    uint32_t waiting; /* threads that hold on to this peer */
    struct rind_address address;
    uint64_t resolved_ns; /* 0: not yet */
    struct rind_cond has_room;
    uint32_t idle_count;
    struct client_idle idle[]; /* the most recently used last */
};

struct rind_client {
    struct rind_client_options options;
    struct rind_mutex mutex; /* guards the peers and what they hold; innermost, never over I/O */
    struct rind_client_peer *peers;
    uint32_t peer_count;
};

rind_status rind_client_open(struct rind_ctx *ctx, const struct rind_client_options *options,
                             struct rind_client **client)
{
    RIND_ASSERT(options->connections_per_peer_max > 0 && options->peers_max > 0);
    struct rind_client *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for an RPC client");
    made->options = *options;
    rind_mutex_init(&made->mutex);
    *client = made;
    return RIND_OK;
}

const struct rind_client_options *rind_client_pool_options(const struct rind_client *client)
{
    return &client->options;
}

/* Closes idle sockets and frees; nobody may use the peer. */
static void peer_free(struct rind_client_peer *peer)
{
    RIND_ASSERT(peer->in_use == 0 && peer->waiting == 0);
    for (uint32_t i = 0; i < peer->idle_count; i++) {
        (void)close(peer->idle[i].fd);
    }
    rind_cond_fini(&peer->has_room);
    free(peer);
}

void rind_client_close(struct rind_client *client)
{
    if (client == NULL) {
        return;
    }
    while (client->peers != NULL) {
        struct rind_client_peer *peer = client->peers;
        client->peers = peer->next;
        peer_free(peer);
    }
    rind_mutex_fini(&client->mutex);
    free(client);
}

/* Takes a peer that nobody uses out of the list. Caller holds the lock. */
static struct rind_client_peer *pool_forget_one(struct rind_client *client)
{
    struct rind_client_peer *found = NULL;
    struct rind_client_peer **link = &client->peers;
    for (struct rind_client_peer **at = &client->peers; *at != NULL; at = &(*at)->next) {
        if ((*at)->in_use == 0 && (*at)->waiting == 0) {
            found = *at; /* the last one found is the oldest */
            link = at;
        }
    }
    if (found != NULL) {
        *link = found->next;
        client->peer_count--;
    }
    return found;
}

static struct rind_client_peer *pool_find(struct rind_client *client, const struct rind_url *url)
{
    struct rind_client_peer *peer = client->peers;
    while (peer != NULL && (peer->port != url->port || strcmp(peer->host, url->host) != 0)) {
        peer = peer->next;
    }
    return peer;
}

/* The peer of the URL, remembered from now on, with its waiting count raised by one. */
static rind_status pool_hold_peer(struct rind_ctx *ctx, struct rind_client *client,
                                  const struct rind_url *url, struct rind_client_peer **held)
{
    size_t size = sizeof(struct rind_client_peer) +
                  client->options.idle_per_peer_max * sizeof(struct client_idle);
    struct rind_client_peer *fresh = NULL;
    struct rind_client_peer *forgotten = NULL;
    rind_mutex_lock(&client->mutex);
    struct rind_client_peer *peer = pool_find(client, url);
    if (peer == NULL) {
        if (client->peer_count >= client->options.peers_max) {
            forgotten = pool_forget_one(client);
        }
        bool has_room = client->peer_count < client->options.peers_max;
        fresh = has_room ? calloc(1, size) : NULL;
        if (fresh != NULL) {
            memcpy(fresh->host, url->host, sizeof(fresh->host));
            fresh->port = url->port;
            rind_cond_init(&fresh->has_room);
            fresh->next = client->peers;
            client->peers = fresh;
            client->peer_count++;
            peer = fresh;
        }
    }
    if (peer != NULL) {
        peer->waiting++;
    }
    rind_mutex_unlock(&client->mutex);
    if (forgotten != NULL) {
        peer_free(forgotten);
    }
    RIND_REQUIRE(ctx, peer != NULL, RIND_E_BUSY, "connections to %u other peers are in use",
                 client->options.peers_max);
    *held = peer;
    return RIND_OK;
}

/* A kept socket on which bytes or an end wait is of no use: the peer has closed it. */
static bool pool_is_alive(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* The most recently used kept socket, or -1. Counts as in use from now on. */
static int pool_pop_idle(struct rind_client *client, struct rind_client_peer *peer)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    for (;;) {
        rind_mutex_lock(&client->mutex);
        struct client_idle idle = {-1, 0};
        if (peer->idle_count > 0) {
            idle = peer->idle[--peer->idle_count];
        }
        rind_mutex_unlock(&client->mutex);
        if (idle.fd < 0 ||
            (now_ns - idle.since_ns <= client->options.idle_ns_max && pool_is_alive(idle.fd))) {
            return idle.fd;
        }
        (void)close(idle.fd);
    }
}

/* Waits for the right to use one of the peer's connections. */
static rind_status pool_wait_for_room(struct rind_ctx *ctx, struct rind_client *client,
                                      struct rind_client_peer *peer, struct rind_deadline deadline)
{
    rind_mutex_lock(&client->mutex);
    while (peer->in_use >= client->options.connections_per_peer_max &&
           rind_cond_wait(&peer->has_room, &client->mutex, deadline)) {
    }
    bool has_room = peer->in_use < client->options.connections_per_peer_max;
    peer->in_use += has_room ? 1 : 0;
    rind_mutex_unlock(&client->mutex);
    RIND_REQUIRE(ctx, has_room, RIND_E_BUSY, "all %u connections to the peer are in use",
                 client->options.connections_per_peer_max);
    return RIND_OK;
}

/* The system's resolver bounds its own time (resolv.conf); peers are IP literals as a rule. */
static rind_status pool_resolve(struct rind_ctx *ctx, const struct rind_client_peer *peer,
                                struct rind_address *address)
{
    char port[8];
    (void)snprintf(port, sizeof(port), "%u", peer->port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(peer->host, port, &hints, &found);
    RIND_REQUIRE(ctx, error == 0 && found != NULL, RIND_E_NETWORK,
                 "could not find the address of %.100s: %s", peer->host, gai_strerror(error));
    struct rind_address made = {.length = found->ai_addrlen};
    memcpy(&made.storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    *address = made;
    return RIND_OK;
}

static rind_status pool_address(struct rind_ctx *ctx, struct rind_client *client,
                                struct rind_client_peer *peer, struct rind_address *address)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    rind_mutex_lock(&client->mutex);
    bool is_known = peer->resolved_ns != 0 && now_ns - peer->resolved_ns <= CLIENT_RESOLVED_NS_MAX;
    struct rind_address known = peer->address;
    rind_mutex_unlock(&client->mutex);
    if (!is_known) {
        RIND_TRY(pool_resolve(ctx, peer, &known));
        rind_mutex_lock(&client->mutex);
        peer->address = known;
        peer->resolved_ns = now_ns;
        rind_mutex_unlock(&client->mutex);
    }
    *address = known;
    return RIND_OK;
}

static rind_status pool_connect(struct rind_ctx *ctx, struct rind_client *client,
                                struct rind_client_lease *lease)
{
    struct rind_address address;
    RIND_TRY(pool_address(ctx, client, lease->peer, &address));
    int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_NETWORK, "could not make a socket: %s", strerror(errno));
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (connect(fd, (const struct sockaddr *)(const void *)&address.storage, address.length) != 0 &&
        errno != EINPROGRESS) {
        int error = errno;
        (void)close(fd);
        return rind_fail(ctx, RIND_E_NETWORK, "could not connect: %s", strerror(error));
    }
    lease->fd = fd;
    lease->is_reused = false;
    lease->is_connecting = true;
    return RIND_OK;
}

/* Gives up the right to a connection. */
static void pool_release(struct rind_client *client, struct rind_client_lease *lease)
{
    struct rind_client_peer *peer = lease->peer;
    rind_mutex_lock(&client->mutex);
    RIND_ASSERT(peer->in_use > 0);
    peer->in_use--;
    rind_cond_signal(&peer->has_room);
    rind_mutex_unlock(&client->mutex);
    lease->peer = NULL;
    lease->fd = -1;
}

rind_status rind_client_pool_take(struct rind_ctx *ctx, struct rind_client *client,
                                  const struct rind_url *url, struct rind_deadline deadline,
                                  struct rind_client_lease *lease)
{
    RIND_REQUIRE(ctx, !url->is_tls, RIND_E_INVALID,
                 "internal RPC speaks plain HTTP; write the URL with http://");
    struct rind_client_peer *peer = NULL;
    RIND_TRY(pool_hold_peer(ctx, client, url, &peer));
    rind_status status = pool_wait_for_room(ctx, client, peer, deadline);
    rind_mutex_lock(&client->mutex);
    peer->waiting--; /* in_use holds on to it from here */
    rind_mutex_unlock(&client->mutex);
    RIND_TRY(status);
    *lease = (struct rind_client_lease){.peer = peer, .fd = pool_pop_idle(client, peer)};
    lease->is_reused = lease->fd >= 0;
    if (!lease->is_reused) {
        status = pool_connect(ctx, client, lease);
        if (!rind_is_ok(status)) {
            pool_release(client, lease);
        }
    }
    return status;
}

rind_status rind_client_pool_replace(struct rind_ctx *ctx, struct rind_client *client,
                                     struct rind_client_lease *lease)
{
    (void)close(lease->fd);
    lease->fd = -1;
    return pool_connect(ctx, client, lease);
}

void rind_client_pool_give(struct rind_client *client, struct rind_client_lease *lease)
{
    struct rind_client_peer *peer = lease->peer;
    int surplus = lease->fd;
    uint64_t now_ns = rind_clock_monotonic_ns();
    rind_mutex_lock(&client->mutex);
    if (peer->idle_count < client->options.idle_per_peer_max) {
        peer->idle[peer->idle_count++] = (struct client_idle){lease->fd, now_ns};
        surplus = -1;
    }
    rind_mutex_unlock(&client->mutex);
    if (surplus >= 0) {
        (void)close(surplus);
    }
    pool_release(client, lease);
}

void rind_client_pool_drop(struct rind_client *client, struct rind_client_lease *lease)
{
    if (lease->fd >= 0) {
        (void)close(lease->fd);
    }
    pool_release(client, lease);
}
