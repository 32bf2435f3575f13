/*
 * server.h - the HTTP server: HTTP/1.0, 1.1 and 2, plain or TLS, for handlers that block.
 *
 * Idle connections sit in epoll and cost no thread; under TLS they cost about 15 KiB (HTTP/1) or
 * 37 KiB (HTTP/2). A complete request goes to a worker of a bounded pool, which runs the handler;
 * the answer goes back to the thread that owns the connection. Bytes from the network can never end
 * the process. Specs: 05 section 8, 06 section 1.1, 07 sections 2 and 3. Thread-safe: all functions
 * but open and close.
 */
#ifndef RIND_NET_SERVER_H
#define RIND_NET_SERVER_H

#include "base/status.h"
#include "host/address.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/metrics.h"
#include "host/span.h"
#include "net/http.h"

struct rind_server; /* opaque */

enum rind_server_http2 {
    RIND_SERVER_HTTP2_OFF,             /* HTTP/1 only (internal RPC) */
    RIND_SERVER_HTTP2_ALPN,            /* over TLS, if the client negotiates it */
    RIND_SERVER_HTTP2_PRIOR_KNOWLEDGE, /* also over plain TCP, for tests and private networks */
};

/* Every limit has a default (rind_server_options_default); change what must differ. */
struct rind_server_options {
    struct rind_address listen; /* port 0: the system chooses, see rind_server_address */
    bool has_bound_fd;
    int bound_fd; /* from rind_server_bind for `listen`; open takes it, also if it fails */
    rind_handler *handle;
    void *self; /* handed to the handler */

    const char *name;             /* of threads and in logs */
    const struct rind_log *log;   /* kept as a copy; NULL: silent */
    struct rind_metrics *metrics; /* NULL: none */
    struct rind_tracer *tracer;   /* a span per request; borrowed; NULL: none */
    const char *metrics_prefix; /* "load_balancer": connections.count, .errors, .active; or NULL */

    const char *tls_certificate_file; /* PEM chain, leaf first; NULL: plain TCP */
    const char *tls_key_file;         /* PEM: PKCS#8, PKCS#1 or SEC 1 */
    enum rind_server_http2 http2;

    unsigned io_threads; /* own the connections */
    /* Run handlers: as many as may block at one time. 0: the I/O threads run them, which saves four
     * context switches per request where requests are served one at a time anyway. Not with HTTP/2.
     */
    unsigned worker_threads;
    uint32_t requests_waiting_max; /* for a worker; above it 503 */

    /* Above it the oldest idle one makes room, else refused. Lowered if too few files may be open.
     */
    uint32_t connections_max;
    uint32_t streams_max; /* concurrent HTTP/2 streams of a connection, abandoned ones included */
    uint32_t head_size_bytes_max;        /* HTTP/1; above it 431 */
    uint32_t header_list_size_bytes_max; /* HTTP/2; above it 431 */
    size_t body_size_bytes_max;          /* above it the handler sees is_body_too_large */
    size_t buffered_bytes_max;           /* of all requests being received; above it 503 */
    size_t arena_size_bytes;             /* address range of a request's arena */

    uint64_t tls_handshake_timeout_ns;
    uint64_t head_timeout_ns;  /* from a request's first byte to the end of its head */
    uint64_t body_timeout_ns;  /* from the end of the head to the end of the body */
    uint64_t hurry_timeout_ns; /* instead of both while buffered_bytes_max is used to 3/4 */
    uint64_t write_timeout_ns; /* without any progress in sending (of an HTTP/2 answer: 4 KiB) */
    uint64_t idle_timeout_ns;  /* without any progress at all: graceful close (07 section 2.4) */
};

/*
 * Defaults: 2 I/O threads, 32 workers, 1024 waiting requests, 10000 connections, 200 streams,
 * 417792 bytes of head (07 section 2.1), 4096 bytes of HTTP/2 header list, 16 MiB bodies, 512 MiB
 * buffered, 64 MiB arenas, 10 s for handshake and head, 30 s for body and write, 1 s in a hurry,
 * 60 s idle; HTTP/2 by ALPN when TLS is on.
 */
struct rind_server_options rind_server_options_default(void);

/*
 * Takes an address ahead of rind_server_open: a program whose address is in use should find that
 * out before it touches anything that another one of its kind is at work on. Connections are
 * refused until open. `*address` gets the port that the system chose. Whoever does not hand the
 * descriptor to open closes it.
 */
rind_status rind_server_bind(struct rind_ctx *ctx, struct rind_address *address,
                             int *bound_fd) RIND_MUST_USE;

/*
 * Binds, loads the key pair if any, starts the threads; serves when it returns. The options are
 * copied, what they point at is borrowed until close. Failures name address or file, and remedy.
 */
rind_status rind_server_open(struct rind_ctx *ctx, const struct rind_server_options *options,
                             struct rind_server **server) RIND_MUST_USE;

/* Where it listens, with the port that the system chose. */
struct rind_address rind_server_address(const struct rind_server *server);

/*
 * Reads certificate and key again from the same files. New handshakes use them; connections stay.
 * If anything is wrong with them the old pair stays in use and the sentence says why.
 */
rind_status rind_server_reload_tls(struct rind_ctx *ctx, struct rind_server *server) RIND_MUST_USE;

/*
 * Graceful end of service: stops listening, closes idle connections, tells HTTP/2 peers (GOAWAY),
 * lets requests in flight finish, and waits until no connection is left. RIND_E_TIMEOUT with their
 * number if some are left at the deadline. Idempotent.
 */
rind_status rind_server_drain(struct rind_ctx *ctx, struct rind_server *server,
                              struct rind_deadline deadline) RIND_MUST_USE;

/*
 * Cuts what is left of the connections, waits for running handlers, frees. Deferred replies may
 * still be completed afterwards. NULL is allowed.
 */
void rind_server_close(struct rind_server *server);

/* At this moment; for metrics and tests. */
uint32_t rind_server_connection_count(const struct rind_server *server);
uint32_t rind_server_exchange_count(const struct rind_server *server); /* requests being served */

#endif
