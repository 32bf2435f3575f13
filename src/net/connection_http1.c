/* connection_http1.c - HTTP/1 between socket, parser and workers; see connection.h. */
#include <stdlib.h>

#include "base/base.h"
#include "net/connection.h"

/* The answer's bytes from its head to its end, with the head written right before the body. */
static struct rind_slice http1_frame_answer(struct rind_connection *connection,
                                            struct rind_stored_answer *answer, bool is_keep_alive)
{
    char head[RIND_HTTP1_HEAD_SIZE_MAX];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, head, sizeof(head));
    rind_http1_write_head(&buffer, answer->status, answer->headers, answer->header_count,
                          answer->body_length, is_keep_alive, connection->http1.is_http_1_0);
    RIND_ASSERT(!buffer.is_overflown); /* RIND_HTTP1_HEAD_SIZE_MAX says so */
    uint8_t *start = answer->body - buffer.length;
    memcpy(start, head, buffer.length);
    size_t body_length = connection->http1.is_head_method ? 0 : answer->body_length;
    return rind_slice_make(start, buffer.length + body_length);
}

void rind_connection_deliver_http1(struct rind_connection *connection,
                                   struct rind_exchange *exchange)
{
    RIND_ASSERT(connection->open == exchange && connection->out.length == 0);
    if (exchange->answer == NULL) {
        rind_connection_kill(connection); /* no memory for the answer: closing tells the client */
        return;
    }
    connection->is_last = connection->is_closing || !connection->http1.is_keep_alive;
    connection->out = http1_frame_answer(connection, exchange->answer, !connection->is_last);
}

/* An answer of our own, without body, after which the connection ends. */
void rind_connection_answer_http1(struct rind_connection *connection, unsigned status)
{
    char head[RIND_HTTP1_HEAD_SIZE_MAX];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, head, sizeof(head));
    rind_http1_write_head(&buffer, status, NULL, 0, 0, false, false);
    RIND_ASSERT(!buffer.is_overflown);
    connection->is_last = true;
    if (rind_connection_send_copy(connection, rind_buffer_slice(&buffer))) {
        rind_connection_drive_http1(connection);
    }
}

static void http1_dispatch(struct rind_connection *connection)
{
    struct rind_server *server = connection->loop->server;
    struct rind_message *message = rind_http1_take(&connection->http1);
    message->request.is_tls = connection->transport.session != NULL;
    struct rind_exchange *exchange = rind_connection_open_exchange(connection);
    if (exchange == NULL) {
        rind_message_free(message);
        rind_connection_answer_http1(connection, 503);
        return;
    }
    rind_status status =
        rind_exchange_dispatch(exchange, server->workers, server->arenas, server->options.handle,
                               server->options.self, message);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&server->log, "all workers are busy and %u requests wait: answering 503",
                      server->options.requests_waiting_max);
        rind_message_free(message);
        rind_connection_close_exchange(connection, exchange);
        rind_connection_answer_http1(connection, 503);
    } else if (exchange->is_delivered) {
        rind_connection_deliver_http1(connection, exchange);
    }
}

/* Keeps what came after the request, for when it has been answered. False (dead) if it cannot. */
static bool http1_keep_pending(struct rind_connection *connection, struct rind_slice rest)
{
    if (connection->pending != NULL) {
        /* `rest` is the end of it. */
        connection->pending_start += connection->pending_length - rest.length;
        connection->pending_length = rest.length;
    } else if (rest.length > 0) {
        connection->pending = malloc(rest.length);
        if (connection->pending == NULL) {
            rind_connection_kill(connection);
            return false;
        }
        memcpy(connection->pending, rest.data, rest.length);
        connection->pending_start = 0;
        connection->pending_length = rest.length;
    }
    if (connection->pending_length == 0) {
        free(connection->pending);
        connection->pending = NULL;
    }
    return true;
}

/* Parses until a request is complete or the bytes are used up. */
static void http1_process(struct rind_connection *connection, struct rind_slice bytes)
{
    struct rind_http1 *http1 = &connection->http1;
    bool was_receiving = rind_http1_is_receiving(http1);
    size_t consumed = 0;
    enum rind_http1_event event = rind_http1_feed(http1, bytes, &consumed);
    if (!was_receiving) {
        connection->message_start_ns = connection->progress_ns;
    }
    struct rind_slice rest = rind_slice_make(bytes.data + consumed, bytes.length - consumed);
    if (event == RIND_HTTP1_FAILED) {
        rind_connection_answer_http1(connection, http1->failure);
        return;
    }
    if (!http1_keep_pending(connection, rest)) {
        return;
    }
    if (event == RIND_HTTP1_CONTINUE) {
        (void)rind_connection_send_copy(connection, rind_slice_text(RIND_HTTP1_CONTINUE_TEXT));
    } else if (event == RIND_HTTP1_REQUEST) {
        http1_dispatch(connection);
    }
}

/* The answer has left: the next request, or the end. False if there is nothing more to do here. */
static bool http1_finish_answer(struct rind_connection *connection)
{
    if (connection->open != NULL) {
        if (!connection->open->is_delivered) {
            return false; /* a worker has it */
        }
        rind_connection_close_exchange(connection, connection->open);
    }
    bool is_idle = rind_connection_is_idle(connection);
    if (connection->is_last || (connection->is_closing && is_idle)) {
        rind_connection_linger(connection);
        return false;
    }
    return true;
}

void rind_connection_drive_http1(struct rind_connection *connection)
{
    for (unsigned turn = 0; turn < RIND_CONNECTION_TURNS_MAX; turn++) {
        if (connection->state != RIND_CONNECTION_HTTP1 || !rind_connection_flush(connection) ||
            connection->out.length > 0 || !http1_finish_answer(connection)) {
            return;
        }
        if (connection->pending_length > 0) {
            http1_process(connection,
                          rind_slice_make(connection->pending + connection->pending_start,
                                          connection->pending_length));
            continue;
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
        http1_process(connection, bytes);
    }
    /* Others first; epoll does not see what TLS or `pending` has buffered. */
    if (connection->state == RIND_CONNECTION_HTTP1) {
        rind_loop_set_ready(connection->loop, connection);
    }
}
