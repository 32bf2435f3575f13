/* connection.c - states, deadlines and ends of a connection; see connection.h. */
#include "net/connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/base.h"

#define CONNECTION_MAGIC 0x434f4e4eu
#define CONNECTION_LINGER_NS RIND_NS_PER_S
#define CONNECTION_ANNOUNCE_NS (500u * RIND_NS_PER_MS) /* about two round trips of a far client */

static const char connection_http2_preface[] = "PRI * HTTP/2.0";

static const struct rind_server_options *
connection_options(const struct rind_connection *connection)
{
    return &connection->loop->server->options;
}

static void connection_enter(struct rind_connection *connection, enum rind_connection_state state)
{
    connection->state = state;
    connection->state_start_ns = rind_clock_monotonic_ns();
    connection->progress_ns = connection->state_start_ns;
}

struct rind_exchange *rind_connection_open_exchange(struct rind_connection *connection)
{
    struct rind_exchange *exchange = rind_exchange_new(connection->loop->mailbox);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->connection = connection;
    exchange->tracer = connection->loop->server->options.tracer;
    exchange->next_open = connection->open;
    if (connection->open != NULL) {
        connection->open->previous_open = exchange;
    }
    connection->open = exchange;
    return exchange;
}

void rind_connection_close_exchange(struct rind_connection *connection,
                                    struct rind_exchange *exchange)
{
    RIND_ASSERT(exchange->connection == connection);
    if (exchange->previous_open != NULL) {
        exchange->previous_open->next_open = exchange->next_open;
    } else {
        connection->open = exchange->next_open;
    }
    if (exchange->next_open != NULL) {
        exchange->next_open->previous_open = exchange->previous_open;
    }
    exchange->connection = NULL;
    exchange->previous_open = NULL;
    exchange->next_open = NULL;
    rind_exchange_release(exchange);
}

void rind_connection_kill(struct rind_connection *connection)
{
    if (connection->state == RIND_CONNECTION_DEAD) {
        return;
    }
    RIND_ASSERT(connection->magic == CONNECTION_MAGIC);
    connection->state = RIND_CONNECTION_DEAD;
    rind_timers_set(&connection->loop->timers, &connection->timer, rind_deadline_never());
    rind_loop_clear_ready(connection->loop, connection);
    rind_http2_free(connection->http2);
    connection->http2 = NULL;
    rind_http1_fini(&connection->http1);
    while (connection->open != NULL) {
        /* What is with a worker runs to its end there (spec 06 section 1.1); only we forget it. */
        atomic_store(&connection->open->is_abandoned, true);
        rind_connection_close_exchange(connection, connection->open);
    }
    free(connection->out_heap);
    connection->out_heap = NULL;
    free(connection->pending);
    connection->pending = NULL;
    rind_transport_close(&connection->transport);
    rind_loop_remove(connection->loop, connection);
}

void rind_connection_linger(struct rind_connection *connection)
{
    rind_transport_finish(&connection->transport);
    connection_enter(connection, RIND_CONNECTION_LINGER);
}

enum rind_transport_result rind_connection_read(struct rind_connection *connection,
                                                struct rind_slice *bytes)
{
    struct rind_loop *loop = connection->loop;
    size_t length = 0;
    enum rind_transport_result result =
        rind_transport_read(&connection->transport, loop->input, sizeof(loop->input), &length);
    if (result == RIND_TRANSPORT_OK) {
        connection->progress_ns = rind_clock_monotonic_ns();
        *bytes = rind_slice_make(loop->input, length);
    }
    return result;
}

bool rind_connection_flush(struct rind_connection *connection)
{
    while (connection->out.length > 0) {
        size_t written = 0;
        switch (rind_transport_write(&connection->transport, connection->out, &written)) {
        case RIND_TRANSPORT_OK:
            connection->progress_ns = rind_clock_monotonic_ns();
            connection->out =
                rind_slice_make(connection->out.data + written, connection->out.length - written);
            break;
        case RIND_TRANSPORT_AGAIN:
            return true;
        case RIND_TRANSPORT_CLOSED:
        case RIND_TRANSPORT_FAILED:
            rind_connection_kill(connection);
            return false;
        }
    }
    free(connection->out_heap);
    connection->out_heap = NULL;
    return true;
}

bool rind_connection_send_copy(struct rind_connection *connection, struct rind_slice bytes)
{
    RIND_ASSERT(connection->out.length == 0 && connection->out_heap == NULL);
    connection->out_heap = malloc(bytes.length);
    if (connection->out_heap == NULL) {
        rind_connection_kill(connection);
        return false;
    }
    memcpy(connection->out_heap, bytes.data, bytes.length);
    connection->out = rind_slice_make(connection->out_heap, bytes.length);
    return true;
}

/* Three letters decide: no HTTP/1 method begins like the preface. */
#define CONNECTION_DETECT_SIZE 3

/* epoll reports input only once this many bytes are there. */
static void connection_wake_at(struct rind_connection *connection, int size)
{
    (void)setsockopt(connection->transport.fd, SOL_SOCKET, SO_RCVLOWAT, &size, sizeof(size));
}

static void connection_begin_http1(struct rind_connection *connection)
{
    rind_loop_count_protocol(connection->loop, "http/1.1", "count");
    connection_enter(connection, RIND_CONNECTION_HTTP1);
}

static void connection_begin_http2(struct rind_connection *connection)
{
    rind_loop_count_protocol(connection->loop, "h2", "count");
    if (!rind_connection_open_http2(connection)) {
        rind_connection_kill(connection);
        return;
    }
    connection_enter(connection, RIND_CONNECTION_HTTP2);
}

static void connection_drive_handshake(struct rind_connection *connection)
{
    switch (rind_transport_handshake(&connection->transport)) {
    case RIND_TRANSPORT_OK:
        if (rind_tls_is_http2(connection->transport.session)) {
            connection_begin_http2(connection);
        } else {
            connection_begin_http1(connection);
        }
        return;
    case RIND_TRANSPORT_AGAIN:
        return;
    case RIND_TRANSPORT_CLOSED:
    case RIND_TRANSPORT_FAILED:
        RIND_LOG_WARN(&connection->loop->server->log, "TLS handshake with %s failed",
                      connection->peer);
        rind_loop_count_protocol(connection->loop, NULL, "errors");
        rind_connection_kill(connection);
        return;
    }
}

/* Looks at the first bytes without taking them. */
static void connection_drive_detect(struct rind_connection *connection)
{
    char seen[CONNECTION_DETECT_SIZE];
    ssize_t length = recv(connection->transport.fd, seen, sizeof(seen), MSG_PEEK | MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (length <= 0) {
        rind_connection_kill(connection);
        return;
    }
    if (length < CONNECTION_DETECT_SIZE) {
        if (connection->has_peer_finished) {
            rind_connection_kill(connection);
        }
        return;
    }
    connection_wake_at(connection, 1);
    if (memcmp(seen, connection_http2_preface, CONNECTION_DETECT_SIZE) == 0) {
        connection_begin_http2(connection);
    } else {
        connection_begin_http1(connection);
    }
}

static void connection_drive_linger(struct rind_connection *connection)
{
    struct rind_slice bytes;
    for (unsigned turn = 0; turn < RIND_CONNECTION_TURNS_MAX; turn++) {
        enum rind_transport_result result = rind_connection_read(connection, &bytes);
        if (result == RIND_TRANSPORT_AGAIN) {
            return;
        }
        if (result != RIND_TRANSPORT_OK) {
            rind_connection_kill(connection);
            return;
        }
    }
}

/* When something must happen even if no event comes. */
static struct rind_deadline connection_deadline(const struct rind_connection *connection)
{
    const struct rind_server_options *options = connection_options(connection);
    bool is_sending = connection->out.length > 0;
    uint64_t quiet_ns = is_sending ? options->write_timeout_ns : options->idle_timeout_ns;
    struct rind_deadline quiet = {connection->progress_ns + quiet_ns};
    switch (connection->state) {
    case RIND_CONNECTION_HANDSHAKE:
        return (struct rind_deadline){connection->state_start_ns +
                                      options->tls_handshake_timeout_ns};
    case RIND_CONNECTION_DETECT:
        return (struct rind_deadline){connection->state_start_ns + options->idle_timeout_ns};
    case RIND_CONNECTION_LINGER:
        return (struct rind_deadline){connection->state_start_ns + CONNECTION_LINGER_NS};
    case RIND_CONNECTION_HTTP1:
        if (is_sending) {
            return quiet;
        }
        if (connection->open != NULL) {
            return connection->is_closing ? rind_deadline_never() : quiet;
        }
        if (rind_http1_is_receiving(&connection->http1)) {
            return connection->http1.is_head_complete
                       ? (struct rind_deadline){connection->http1.message->start_ns +
                                                options->body_timeout_ns}
                       : (struct rind_deadline){connection->message_start_ns +
                                                options->head_timeout_ns};
        }
        return quiet;
    case RIND_CONNECTION_HTTP2: {
        uint64_t since_ns = rind_http2_receiving_since_ns(connection->http2);
        struct rind_deadline receiving = rind_deadline_never();
        if (since_ns != UINT64_MAX) {
            receiving.at_ns = since_ns + options->head_timeout_ns + options->body_timeout_ns;
        }
        uint64_t answering_ns = rind_http2_answering_since_ns(connection->http2);
        if (answering_ns != UINT64_MAX) {
            struct rind_deadline answering = {answering_ns + options->write_timeout_ns};
            receiving = rind_deadline_min(receiving, answering);
        }
        if (connection->is_closing) {
            bool is_announced = connection->refuse_ns != 0;
            uint64_t final_ns = is_announced ? connection->refuse_ns
                                             : connection->progress_ns + options->write_timeout_ns;
            quiet.at_ns = final_ns;
        }
        return rind_deadline_min(quiet, receiving);
    }
    case RIND_CONNECTION_DEAD:
        break;
    }
    RIND_UNREACHABLE("dead connections have no deadline");
}

/* Registers what epoll shall wait for, and the timer. */
static void connection_settle(struct rind_connection *connection)
{
    if (connection->state == RIND_CONNECTION_DEAD) {
        return;
    }
    bool is_sending = connection->out.length > 0;
    bool is_serving = connection->state == RIND_CONNECTION_HTTP1 && connection->open != NULL;
    uint32_t events = EPOLLRDHUP;
    if (!is_sending && !is_serving) {
        events |= EPOLLIN;
    }
    if (is_sending || connection->transport.is_write_awaited) {
        events |= EPOLLOUT;
    }
    if (events != connection->epoll_events) {
        struct epoll_event event = {.events = events, .data.ptr = connection};
        int result =
            epoll_ctl(connection->loop->epoll_fd, EPOLL_CTL_MOD, connection->transport.fd, &event);
        RIND_ASSERT(result == 0);
        connection->epoll_events = events;
    }
    rind_timers_set(&connection->loop->timers, &connection->timer, connection_deadline(connection));
}

/* One step of the current state; states that were entered meanwhile get theirs too. */
static void connection_step(struct rind_connection *connection)
{
    if (connection->state == RIND_CONNECTION_HANDSHAKE) {
        connection_drive_handshake(connection);
    }
    if (connection->state == RIND_CONNECTION_DETECT) {
        connection_drive_detect(connection);
    }
    if (connection->state == RIND_CONNECTION_HTTP1) {
        rind_connection_drive_http1(connection);
    }
    if (connection->state == RIND_CONNECTION_HTTP2) {
        rind_connection_drive_http2(connection);
    }
    if (connection->state == RIND_CONNECTION_LINGER) {
        connection_drive_linger(connection);
    }
}

void rind_connection_drive(struct rind_connection *connection, uint32_t events)
{
    if (connection->state == RIND_CONNECTION_DEAD) {
        return;
    }
    RIND_ASSERT(connection->magic == CONNECTION_MAGIC);
    rind_loop_clear_ready(connection->loop, connection);
    /*
     * A client that stops sending before its answer has left counts as gone (spec 07 section 2.1).
     * In all other states reading finds the end by itself, after what was sent before it.
     */
    bool is_waiting = (connection->state == RIND_CONNECTION_HTTP1 && connection->open != NULL) ||
                      connection->out.length > 0 || connection->transport.is_write_awaited;
    connection->has_peer_finished = (events & EPOLLRDHUP) != 0;
    bool is_gone =
        (events & (EPOLLHUP | EPOLLERR)) != 0 || (is_waiting && connection->has_peer_finished);
    if (is_gone) {
        rind_connection_kill(connection);
        return;
    }
    connection_step(connection);
    connection_settle(connection);
}

void rind_connection_deliver(struct rind_connection *connection, struct rind_exchange *exchange)
{
    RIND_ASSERT(connection->magic == CONNECTION_MAGIC);
    RIND_ASSERT(exchange->connection == connection);
    connection->progress_ns = rind_clock_monotonic_ns();
    exchange->is_delivered = true;
    if (connection->http2 != NULL) {
        rind_http2_answer(connection->http2, exchange);
    } else {
        rind_connection_deliver_http1(connection, exchange);
    }
    if (connection->state != RIND_CONNECTION_DEAD) {
        connection_step(connection);
        connection_settle(connection);
    }
}

bool rind_connection_is_idle(const struct rind_connection *connection)
{
    switch (connection->state) {
    case RIND_CONNECTION_HTTP1:
        return connection->open == NULL && connection->out.length == 0 &&
               connection->pending_length == 0 && !rind_http1_is_receiving(&connection->http1);
    case RIND_CONNECTION_HTTP2:
        return rind_http2_exchange_count(connection->http2) == 0 && connection->out.length == 0;
    case RIND_CONNECTION_LINGER:
        return true;
    default:
        return false;
    }
}

void rind_connection_begin_end(struct rind_connection *connection)
{
    if (connection->is_closing) {
        return;
    }
    connection->is_closing = true;
    switch (connection->state) {
    case RIND_CONNECTION_HANDSHAKE:
    case RIND_CONNECTION_DETECT:
        rind_connection_kill(connection);
        return;
    case RIND_CONNECTION_HTTP1:
        if (rind_connection_is_idle(connection)) {
            rind_connection_linger(connection);
        }
        break;
    case RIND_CONNECTION_HTTP2:
        rind_http2_announce_end(connection->http2);
        connection->refuse_ns = rind_clock_monotonic_ns() + CONNECTION_ANNOUNCE_NS;
        break;
    case RIND_CONNECTION_LINGER:
    case RIND_CONNECTION_DEAD:
        return;
    }
    connection_step(connection);
    connection_settle(connection);
}

static void connection_expire_http2(struct rind_connection *connection)
{
    const struct rind_server_options *options = connection_options(connection);
    uint64_t now_ns = rind_clock_monotonic_ns();
    uint64_t request_ns = options->head_timeout_ns + options->body_timeout_ns;
    uint64_t since_ns = rind_http2_receiving_since_ns(connection->http2);
    uint64_t answering_ns = rind_http2_answering_since_ns(connection->http2);
    if (since_ns != UINT64_MAX && since_ns + request_ns <= now_ns) {
        rind_http2_reset_receiving(connection->http2, now_ns - request_ns);
    } else if (answering_ns != UINT64_MAX && answering_ns + options->write_timeout_ns <= now_ns) {
        rind_http2_reset_answering(connection->http2, now_ns - options->write_timeout_ns);
    } else if (connection->refuse_ns != 0) {
        connection->refuse_ns = 0;
        connection->progress_ns = now_ns;
        rind_http2_refuse(connection->http2);
    } else if (connection->is_closing || connection->out.length > 0) {
        if (connection->open == NULL || connection->out.length > 0) {
            rind_connection_kill(connection); /* the peer takes nothing any more */
            return;
        }
        connection->progress_ns = now_ns; /* handlers are at work: look again later */
    } else {
        rind_connection_begin_end(connection);
        return;
    }
    connection_step(connection);
}

void rind_connection_expire(struct rind_connection *connection)
{
    RIND_ASSERT(connection->magic == CONNECTION_MAGIC);
    switch (connection->state) {
    case RIND_CONNECTION_HANDSHAKE:
        RIND_LOG_WARN(&connection->loop->server->log, "TLS handshake with %s took too long",
                      connection->peer);
        rind_loop_count_protocol(connection->loop, NULL, "errors");
        rind_connection_kill(connection);
        return;
    case RIND_CONNECTION_DETECT:
    case RIND_CONNECTION_LINGER:
        rind_connection_kill(connection);
        return;
    case RIND_CONNECTION_HTTP1:
        if (connection->out.length > 0) {
            rind_connection_kill(connection);
        } else if (connection->open == NULL && rind_http1_is_receiving(&connection->http1)) {
            rind_connection_answer_http1(connection, 408);
        } else {
            rind_connection_begin_end(connection);
        }
        break;
    case RIND_CONNECTION_HTTP2:
        connection_expire_http2(connection);
        break;
    case RIND_CONNECTION_DEAD:
        RIND_UNREACHABLE("dead connections have no timer");
    }
    connection_settle(connection);
}

void rind_connection_shed(struct rind_connection *connection, uint64_t start_ns)
{
    if (connection->state == RIND_CONNECTION_HTTP1) {
        if (connection->open != NULL || connection->out.length > 0 ||
            !rind_http1_is_receiving(&connection->http1) ||
            connection->message_start_ns > start_ns) {
            return;
        }
        rind_connection_answer_http1(connection, 408);
    } else if (connection->state == RIND_CONNECTION_HTTP2) {
        if (rind_http2_receiving_since_ns(connection->http2) > start_ns) {
            return;
        }
        rind_http2_reset_receiving(connection->http2, start_ns);
        connection_step(connection);
    }
    connection_settle(connection);
}

void rind_connection_open(struct rind_loop *loop, int fd, const struct rind_address *address)
{
    struct rind_server *server = loop->server;
    struct rind_connection *connection = calloc(1, sizeof(*connection));
    SSL *session = NULL;
    if (connection != NULL && server->tls != NULL) {
        session = rind_tls_new_session(server->tls, fd);
    }
    if (connection == NULL || (server->tls != NULL && session == NULL)) {
        RIND_LOG_WARN(&server->log, "no memory for a new connection");
        free(connection);
        struct rind_transport transport = {.fd = fd};
        rind_transport_close(&transport);
        return;
    }
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    connection->magic = CONNECTION_MAGIC;
    connection->loop = loop;
    connection->transport = (struct rind_transport){.fd = fd, .session = session};
    char peer[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(address, peer);
    (void)snprintf(connection->peer, sizeof(connection->peer), "%.63s", peer);
    rind_http1_init(&connection->http1, &server->limits, &server->buffered_bytes, connection->peer);
    rind_loop_add(loop, connection);
    connection_enter(connection, session != NULL ? RIND_CONNECTION_HANDSHAKE
                                 : server->options.http2 == RIND_SERVER_HTTP2_PRIOR_KNOWLEDGE
                                     ? RIND_CONNECTION_DETECT
                                     : RIND_CONNECTION_HTTP1);
    connection->epoll_events = EPOLLIN | EPOLLRDHUP;
    struct epoll_event event = {.events = connection->epoll_events, .data.ptr = connection};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        RIND_LOG_WARN(&server->log, "could not watch a new connection: %s", strerror(errno));
        rind_connection_kill(connection);
        return;
    }
    if (connection->state == RIND_CONNECTION_HTTP1) {
        rind_loop_count_protocol(loop, "http/1.1", "count");
    } else if (connection->state == RIND_CONNECTION_DETECT) {
        connection_wake_at(connection, CONNECTION_DETECT_SIZE);
    }
    connection_settle(connection);
}
