/* connection_http2.c - HTTP/2 between socket, nghttp2 and workers; see connection.h. */
#include "base/base.h"
#include "net/connection.h"

static struct rind_exchange *http2_owner_open(void *self)
{
    return rind_connection_open_exchange(self);
}

static void http2_owner_close(void *self, struct rind_exchange *exchange)
{
    rind_connection_close_exchange(self, exchange);
}

static bool http2_owner_dispatch(void *self, struct rind_exchange *exchange,
                                 struct rind_message *message)
{
    struct rind_connection *connection = self;
    struct rind_server *server = connection->loop->server;
    message->request.is_tls = connection->transport.session != NULL;
    rind_status status =
        rind_exchange_dispatch(exchange, server->workers, server->arenas, server->options.handle,
                               server->options.self, message);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&server->log, "all workers are busy and %u requests wait: answering 503",
                      server->options.requests_waiting_max);
        return false;
    }
    return true;
}

bool rind_connection_open_http2(struct rind_connection *connection)
{
    struct rind_server *server = connection->loop->server;
    struct rind_http2_options options = {
        .owner = {connection, http2_owner_open, http2_owner_dispatch, http2_owner_close},
        .limits = &server->limits,
        .budget = &server->buffered_bytes,
        .peer = connection->peer,
        .streams_max = server->options.streams_max,
        .header_list_size_bytes_max = server->options.header_list_size_bytes_max,
    };
    connection->http2 = rind_http2_new(&options);
    return connection->http2 != NULL;
}

/* Moves frames from the session to the socket. False: dead, or the socket is full. */
static bool http2_send(struct rind_connection *connection)
{
    for (;;) {
        if (!rind_connection_flush(connection) || connection->out.length > 0) {
            return false;
        }
        struct rind_loop *loop = connection->loop;
        struct rind_buffer buffer;
        rind_buffer_init(&buffer, loop->output, sizeof(loop->output));
        if (!rind_http2_fill(connection->http2, &buffer)) {
            rind_connection_kill(connection);
            return false;
        }
        if (buffer.length == 0) {
            return true;
        }
        /* Straight from the loop's buffer; only what the socket does not take is copied. */
        size_t written = 0;
        enum rind_transport_result result =
            rind_transport_write(&connection->transport, rind_buffer_slice(&buffer), &written);
        if (result != RIND_TRANSPORT_OK && result != RIND_TRANSPORT_AGAIN) {
            rind_connection_kill(connection);
            return false;
        }
        if (written > 0) {
            connection->progress_ns = rind_clock_monotonic_ns();
        }
        if (written < buffer.length &&
            !rind_connection_send_copy(
                connection, rind_slice_make(loop->output + written, buffer.length - written))) {
            return false;
        }
    }
}

void rind_connection_drive_http2(struct rind_connection *connection)
{
    for (unsigned turn = 0; turn < RIND_CONNECTION_TURNS_MAX; turn++) {
        if (!http2_send(connection)) {
            return;
        }
        if (!rind_http2_is_alive(connection->http2)) {
            rind_connection_linger(connection);
            return;
        }
        struct rind_slice bytes;
        enum rind_transport_result result = rind_connection_read(connection, &bytes);
        if (result == RIND_TRANSPORT_AGAIN) {
            return;
        }
        if (result != RIND_TRANSPORT_OK) {
            rind_connection_kill(connection);
            return;
        }
        if (!rind_http2_feed(connection->http2, bytes)) {
            /* A peer that breaks the protocol: say so (GOAWAY) if it can still be said. */
            if (http2_send(connection)) {
                rind_connection_linger(connection);
            } else {
                rind_connection_kill(connection);
            }
            return;
        }
    }
    rind_loop_set_ready(connection->loop, connection);
}
