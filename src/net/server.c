/* server.c - opening, draining and closing a server; see server.h. */
#include "net/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "net/loop.h"
#include "net/server_state.h"

#define SERVER_BACKLOG 1024
/* Of the files a process may open, these stay free for what else it does (calls to its peers). */
#define SERVER_FILES_RESERVED 1024u

struct rind_server_options rind_server_options_default(void)
{
    return (struct rind_server_options){
        .name = "server",
        .http2 = RIND_SERVER_HTTP2_ALPN,
        .io_threads = 2,
        .worker_threads = 32,
        .requests_waiting_max = 1024,
        .connections_max = 10000,
        .streams_max = 200,
        .head_size_bytes_max = 417792,
        .header_list_size_bytes_max = 4096,
        .body_size_bytes_max = 16u * 1024u * 1024u,
        .buffered_bytes_max = 512u * 1024u * 1024u,
        .arena_size_bytes = 64u * 1024u * 1024u,
        .tls_handshake_timeout_ns = 10 * RIND_NS_PER_S,
        .head_timeout_ns = 10 * RIND_NS_PER_S,
        .body_timeout_ns = 30 * RIND_NS_PER_S,
        .hurry_timeout_ns = RIND_NS_PER_S,
        .write_timeout_ns = 30 * RIND_NS_PER_S,
        .idle_timeout_ns = 60 * RIND_NS_PER_S,
    };
}

/* A bound, listening, nonblocking socket. */
/* Closes `fd`. */
static rind_status server_fail_listen(struct rind_ctx *ctx, const struct rind_address *address,
                                      int fd, int error)
{
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(address, text);
    (void)close(fd);
    const char *remedy = error == EADDRINUSE ? "stop the process that uses it, or listen elsewhere"
                                             : "check the address";
    return rind_fail(ctx, RIND_E_NETWORK, "could not listen on %s: %s; %s", text, strerror(error),
                     remedy);
}

rind_status rind_server_bind(struct rind_ctx *ctx, struct rind_address *address, int *bound_fd)
{
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(address, text);
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_NETWORK, "could not make a socket for %s: %s", text,
                 strerror(errno));
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    struct sockaddr *name = (struct sockaddr *)(void *)&address->storage;
    address->length = address->storage.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in);
    if (bind(fd, name, address->length) != 0 || getsockname(fd, name, &address->length) != 0) {
        return server_fail_listen(ctx, address, fd, errno);
    }
    *bound_fd = fd;
    return RIND_OK;
}

/* Takes the descriptor in the options if there is one. */
static rind_status server_listen(struct rind_ctx *ctx, struct rind_server *server, int *listen_fd)
{
    int fd = server->options.bound_fd;
    if (!server->options.has_bound_fd) {
        RIND_TRY(rind_server_bind(ctx, &server->address, &fd));
    }
    server->options.has_bound_fd = false;
    if (listen(fd, SERVER_BACKLOG) != 0) {
        return server_fail_listen(ctx, &server->address, fd, errno);
    }
    *listen_fd = fd;
    return RIND_OK;
}

/* Opens loop number loop_count; its number grows only on success. */
static rind_status server_add_loop(struct rind_ctx *ctx, struct rind_server *server, int listen_fd)
{
    uint32_t share = server->options.connections_max / server->options.io_threads;
    struct rind_loop *loop = calloc(1, sizeof(*loop));
    RIND_REQUIRE(ctx, loop != NULL, RIND_E_LIMIT, "no memory for an I/O thread");
    rind_status status = rind_loop_open(ctx, loop, server, listen_fd, share > 0 ? share : 1);
    if (!rind_is_ok(status)) {
        free(loop);
        return status;
    }
    server->loops[server->loop_count++] = loop;
    return RIND_OK;
}

static rind_status server_open_loops(struct rind_ctx *ctx, struct rind_server *server)
{
    int listen_fd = -1;
    RIND_TRY(server_listen(ctx, server, &listen_fd));
    rind_status status = server_add_loop(ctx, server, listen_fd);
    if (!rind_is_ok(status)) {
        (void)close(listen_fd);
        return status;
    }
    while (server->loop_count < server->options.io_threads) {
        RIND_TRY(server_add_loop(ctx, server, -1));
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        char name[32]; /* the kernel keeps 15 characters of it */
        (void)snprintf(name, sizeof(name), "io%u-%.9s", i, server->options.name);
        RIND_TRY(rind_loop_start(ctx, server->loops[i], name));
    }
    return RIND_OK;
}

static rind_status server_start(struct rind_ctx *ctx, struct rind_server *server)
{
    const struct rind_server_options *options = &server->options;
    server->loops = calloc(options->io_threads, sizeof(server->loops[0]));
    RIND_REQUIRE(ctx, server->loops != NULL, RIND_E_LIMIT, "no memory for a server");
    if (options->tls_certificate_file != NULL) {
        RIND_TRY(rind_tls_open(ctx, options->tls_certificate_file, options->tls_key_file,
                               options->http2 != RIND_SERVER_HTTP2_OFF, options->log,
                               &server->tls));
    }
    struct rind_arena_pool_options arenas = rind_arena_pool_options_default();
    arenas.arena_size_bytes = options->arena_size_bytes;
    bool has_workers = options->worker_threads > 0;
    arenas.count_max = has_workers ? options->worker_threads : options->io_threads;
    arenas.kept_count = arenas.count_max;
    RIND_TRY(rind_arena_pool_open(ctx, &arenas, &server->arenas));
    if (has_workers) {
        RIND_TRY(rind_pool_open(ctx, options->name, options->worker_threads,
                                options->requests_waiting_max, &server->workers));
    }
    return server_open_loops(ctx, server);
}

/* Clients that only connect must not take the descriptors that serving the others needs. */
static void server_limit_connections(struct rind_server *server)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return;
    }
    uint64_t files = limit.rlim_cur;
    uint64_t allowed =
        files > 2 * SERVER_FILES_RESERVED ? files - SERVER_FILES_RESERVED : files / 2;
    if (allowed < server->options.connections_max) {
        RIND_LOG_WARN(&server->log,
                      "at most %llu connections at one time instead of %u, as only %llu files may "
                      "be open; raise that limit (ulimit -n, LimitNOFILE=)",
                      (unsigned long long)allowed, server->options.connections_max,
                      (unsigned long long)files);
        server->options.connections_max = allowed > 0 ? (uint32_t)allowed : 1;
    }
}

rind_status rind_server_open(struct rind_ctx *ctx, const struct rind_server_options *options,
                             struct rind_server **server)
{
    RIND_ASSERT(options->handle != NULL && options->name != NULL);
    RIND_ASSERT(options->io_threads > 0 && options->io_threads <= RIND_SERVER_IO_THREADS_MAX);
    RIND_ASSERT(options->connections_max > 0 && options->streams_max > 0);
    RIND_ASSERT(options->worker_threads > 0 || options->http2 == RIND_SERVER_HTTP2_OFF);
    RIND_ASSERT(options->body_size_bytes_max <= options->buffered_bytes_max);
    struct rind_server *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a server");
    made->options = *options;
    made->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    made->address = options->listen;
    made->limits = (struct rind_message_limits){
        .head_size_bytes_max = options->head_size_bytes_max,
        .body_size_bytes_max = options->body_size_bytes_max,
        .budget_bytes_max = options->buffered_bytes_max,
    };
    server_limit_connections(made);
    rind_mutex_init(&made->mutex);
    rind_cond_init(&made->emptied);
    rind_status status = server_start(ctx, made);
    if (!rind_is_ok(status)) {
        rind_server_close(made);
        return status;
    }
    *server = made;
    return RIND_OK;
}

struct rind_address rind_server_address(const struct rind_server *server)
{
    return server->address;
}

rind_status rind_server_reload_tls(struct rind_ctx *ctx, struct rind_server *server)
{
    RIND_REQUIRE(ctx, server->tls != NULL, RIND_E_INVALID, "this server does not use TLS");
    return rind_tls_reload(ctx, server->tls);
}

rind_status rind_server_drain(struct rind_ctx *ctx, struct rind_server *server,
                              struct rind_deadline deadline)
{
    atomic_store(&server->is_draining, true);
    for (unsigned i = 0; i < server->loop_count; i++) {
        rind_mailbox_want_drain(server->loops[i]->mailbox);
    }
    rind_mutex_lock(&server->mutex);
    while (atomic_load(&server->connection_count) > 0 &&
           rind_cond_wait(&server->emptied, &server->mutex, deadline)) {
    }
    rind_mutex_unlock(&server->mutex);
    unsigned left = atomic_load(&server->connection_count);
    RIND_REQUIRE(ctx, left == 0, RIND_E_TIMEOUT,
                 "%u connections were still busy at the end of the drain", left);
    return RIND_OK;
}

void rind_server_close(struct rind_server *server)
{
    if (server == NULL) {
        return;
    }
    for (unsigned i = 0; i < server->loop_count; i++) {
        rind_loop_close(server->loops[i]);
    }
    rind_pool_close(server->workers); /* handlers run to their end; answers find no mailbox */
    for (unsigned i = 0; i < server->loop_count; i++) {
        free(server->loops[i]);
    }
    free(server->loops);
    rind_arena_pool_close(server->arenas);
    rind_tls_close(server->tls);
    if (server->options.has_bound_fd) {
        (void)close(server->options.bound_fd); /* open failed before it was used */
    }
    rind_cond_fini(&server->emptied);
    rind_mutex_fini(&server->mutex);
    free(server);
}

uint32_t rind_server_connection_count(const struct rind_server *server)
{
    return atomic_load(&server->connection_count);
}

uint32_t rind_server_exchange_count(const struct rind_server *server)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < server->loop_count; i++) {
        count += atomic_load(&server->loops[i]->mailbox->exchanges_in_service);
    }
    return count;
}
