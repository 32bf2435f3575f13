/* client_exchange.c - see client_exchange.h. */
#include "net/client_exchange.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "base/base.h"
#include "host/trace.h"

#define CLIENT_INPUT_SIZE_BYTES 16384u
#define CLIENT_READS_PER_STEP 8u
#define CLIENT_BODY_SIZE_FIRST 1024u

static struct rind_client_exchange *client_of(llhttp_t *parser)
{
    return parser->data;
}

static int client_fail_parse(struct rind_client_exchange *exchange, rind_status status)
{
    exchange->parse_status = status;
    return HPE_USER;
}

/* Room for `more` bytes of body, in the arena. */
static bool client_reserve_body(struct rind_client_exchange *exchange, size_t more)
{
    size_t needed = exchange->body_length + more;
    if (needed <= exchange->body_capacity) {
        return true;
    }
    size_t wanted =
        exchange->body_capacity == 0 ? CLIENT_BODY_SIZE_FIRST : 2 * exchange->body_capacity;
    wanted = wanted < needed ? needed : wanted;
    uint8_t *grown = rind_ctx_alloc(exchange->ctx, wanted);
    if (grown == NULL) {
        return false;
    }
    if (exchange->body_length > 0) {
        memcpy(grown, exchange->body, exchange->body_length);
    }
    exchange->body = grown;
    exchange->body_capacity = wanted;
    return true;
}

static int client_on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_client_exchange *exchange = client_of(parser);
    size_t limit = rind_client_pool_options(exchange->client)->answer_size_bytes_max;
    if (length > limit - exchange->body_length) {
        return client_fail_parse(
            exchange, rind_fail(exchange->ctx, RIND_E_LIMIT,
                                "the answer is larger than the limit of %zu bytes", limit));
    }
    if (!client_reserve_body(exchange, length)) {
        return client_fail_parse(exchange, rind_status_make(RIND_E_LIMIT));
    }
    memcpy(exchange->body + exchange->body_length, at, length);
    exchange->body_length += length;
    return 0;
}

static int client_on_headers_complete(llhttp_t *parser)
{
    struct rind_client_exchange *exchange = client_of(parser);
    if (parser->status_code == 101) {
        return client_fail_parse(exchange, rind_fail(exchange->ctx, RIND_E_DECODE,
                                                     "the peer switched protocols unasked"));
    }
    parser->upgrade = 0;
    exchange->is_head_complete = parser->status_code >= 200;
    size_t limit = rind_client_pool_options(exchange->client)->answer_size_bytes_max;
    bool is_announced = (parser->flags & F_CONTENT_LENGTH) != 0;
    if (is_announced && parser->content_length <= limit &&
        !client_reserve_body(exchange, (size_t)parser->content_length)) {
        return client_fail_parse(exchange, rind_status_make(RIND_E_LIMIT));
    }
    return 0;
}

static int client_on_message_complete(llhttp_t *parser)
{
    struct rind_client_exchange *exchange = client_of(parser);
    if (parser->status_code < 200) {
        return 0; /* "100 Continue": the answer proper follows */
    }
    exchange->is_complete = true;
    exchange->is_keep_alive = llhttp_should_keep_alive(parser) != 0;
    exchange->answer = (struct rind_answer){
        .status = parser->status_code,
        .body = rind_slice_make(exchange->body, exchange->body_length),
    };
    return HPE_PAUSED; /* whatever follows was not asked for */
}

static const llhttp_settings_t client_settings = {
    .on_headers_complete = client_on_headers_complete,
    .on_body = client_on_body,
    .on_message_complete = client_on_message_complete,
};

static bool client_is_clean_text(struct rind_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static void client_write_trace(struct rind_buffer *head, const struct rind_trace *trace)
{
    char parent[RIND_TRACEPARENT_SIZE];
    rind_trace_print(trace, parent);
    rind_buffer_print(head, "traceparent: %s\r\n", parent);
    if (trace->state.length > 0) {
        rind_buffer_print(head, "tracestate: ");
        rind_buffer_append(head, trace->state);
        rind_buffer_print(head, "\r\n");
    }
}

static rind_status client_write_head(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    const struct rind_call *call = exchange->call;
    const struct rind_url *url = call->url;
    size_t size = sizeof(url->text) + sizeof(url->host) + 1280;
    for (size_t i = 0; i < call->header_count; i++) {
        size += call->headers[i].name.length + call->headers[i].value.length + 4;
    }
    void *memory = rind_ctx_alloc(ctx, size);
    if (memory == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_buffer head;
    rind_buffer_init(&head, memory, size);
    bool is_v6 = strchr(url->host, ':') != NULL;
    rind_buffer_print(&head, "%s %s HTTP/1.1\r\nhost: %s%s%s",
                      call->method != NULL ? call->method : "POST", rind_url_path(url),
                      is_v6 ? "[" : "", url->host, is_v6 ? "]" : "");
    if (url->port != 80) {
        rind_buffer_print(&head, ":%u", url->port);
    }
    rind_buffer_print(&head, "\r\nuser-agent: %.200s\r\naccept: */*\r\ncontent-length: %zu\r\n",
                      rind_client_pool_options(exchange->client)->user_agent, call->body.length);
    for (size_t i = 0; i < call->header_count; i++) {
        RIND_REQUIRE(ctx,
                     client_is_clean_text(call->headers[i].name) &&
                         client_is_clean_text(call->headers[i].value),
                     RIND_E_INVALID, "header %zu of the call holds control characters", i);
        rind_buffer_append(&head, call->headers[i].name);
        rind_buffer_print(&head, ": ");
        rind_buffer_append(&head, call->headers[i].value);
        rind_buffer_print(&head, "\r\n");
    }
    if (ctx->trace != NULL) {
        client_write_trace(&head, ctx->trace);
    }
    rind_buffer_print(&head, "\r\n");
    RIND_ASSERT(!head.is_overflown);
    exchange->head = rind_buffer_slice(&head);
    return RIND_OK;
}

/* From the beginning, on the connection of the lease. */
static void client_start(struct rind_client_exchange *exchange)
{
    exchange->state = exchange->lease.is_connecting ? RIND_CLIENT_CONNECTING : RIND_CLIENT_SENDING;
    exchange->connect_deadline =
        rind_deadline_in_ns(rind_client_pool_options(exchange->client)->connect_timeout_ns);
    exchange->sent = 0;
    exchange->has_answer_bytes = false;
    exchange->is_head_complete = false;
    exchange->is_send_cut = false;
    exchange->body_length = 0;
    llhttp_init(&exchange->parser, HTTP_RESPONSE, &client_settings);
    exchange->parser.data = exchange;
    if (exchange->call->method != NULL && strcmp(exchange->call->method, "HEAD") == 0) {
        exchange->parser.flags |= F_SKIPBODY;
    }
}

rind_status rind_client_exchange_open(struct rind_ctx *ctx, struct rind_client_exchange *exchange,
                                      struct rind_client *client, const struct rind_call *call,
                                      struct rind_deadline room_deadline)
{
    RIND_ASSERT(call->url != NULL && call->header_count <= RIND_CLIENT_HEADERS_MAX);
    *exchange = (struct rind_client_exchange){.client = client, .call = call};
    RIND_REQUIRE(ctx, !rind_deadline_has_expired(call->deadline), RIND_E_TIMEOUT,
                 "no time was left for the call");
    RIND_TRY(client_write_head(ctx, exchange));
    RIND_TRY(rind_client_pool_take(ctx, client, call->url, room_deadline, &exchange->lease));
    client_start(exchange);
    return RIND_OK;
}

void rind_client_exchange_close(struct rind_client_exchange *exchange)
{
    bool is_clean = exchange->state == RIND_CLIENT_OVER && rind_is_ok(exchange->status) &&
                    exchange->is_keep_alive;
    if (exchange->lease.peer == NULL) {
        return;
    }
    if (is_clean) {
        rind_client_pool_give(exchange->client, &exchange->lease);
    } else {
        rind_client_pool_drop(exchange->client, &exchange->lease);
    }
}

int rind_client_exchange_fd(const struct rind_client_exchange *exchange)
{
    return exchange->lease.fd;
}

short rind_client_exchange_events(const struct rind_client_exchange *exchange)
{
    switch (exchange->state) {
    case RIND_CLIENT_CONNECTING:
        return POLLOUT;
    case RIND_CLIENT_SENDING:
        return POLLOUT | POLLIN; /* a refusal may come before all is sent */
    case RIND_CLIENT_RECEIVING:
        return POLLIN;
    case RIND_CLIENT_OVER:
        return 0;
    }
    RIND_UNREACHABLE("every state is listed");
}

struct rind_deadline rind_client_exchange_deadline(const struct rind_client_exchange *exchange)
{
    if (exchange->state == RIND_CLIENT_OVER) {
        return rind_deadline_now();
    }
    if (exchange->state == RIND_CLIENT_CONNECTING) {
        return rind_deadline_min(exchange->connect_deadline, exchange->call->deadline);
    }
    return exchange->call->deadline;
}

static void client_finish(struct rind_client_exchange *exchange, rind_status status)
{
    exchange->state = RIND_CLIENT_OVER;
    exchange->status = status;
}

/*
 * The connection broke. Before any byte of the answer, a kept connection most likely was closed by
 * the peer for being idle. Sending again is safe if nothing was sent, or if the caller says so;
 * anything else could execute a request twice.
 */
static void client_break(struct rind_ctx *ctx, struct rind_client_exchange *exchange, int error)
{
    bool is_unsent = exchange->sent == 0;
    bool is_stale = exchange->lease.is_reused && !exchange->has_answer_bytes;
    if (is_stale && !exchange->is_repeated && (is_unsent || exchange->call->is_repeatable)) {
        exchange->is_repeated = true;
        rind_status status = rind_client_pool_replace(ctx, exchange->client, &exchange->lease);
        if (!rind_is_ok(status)) {
            client_finish(exchange, status);
            return;
        }
        client_start(exchange);
        return;
    }
    const char *reason = error != 0 ? strerror(error) : "closed by the peer";
    client_finish(exchange,
                  is_unsent ? rind_fail(ctx, RIND_E_NETWORK, "connection lost: %s", reason)
                            : rind_fail(ctx, RIND_E_UNKNOWN_OUTCOME,
                                        "connection lost before the answer was complete: %s; the "
                                        "request may have been executed",
                                        reason));
}

static void client_step_connect(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(exchange->lease.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        client_finish(exchange,
                      rind_fail(ctx, RIND_E_NETWORK, "could not connect: %s", strerror(error)));
        return;
    }
    exchange->lease.is_connecting = false;
    exchange->state = RIND_CLIENT_SENDING;
}

static void client_step_send(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    struct rind_slice head = exchange->head;
    struct rind_slice body = exchange->call->body;
    size_t total = head.length + body.length;
    while (exchange->sent < total) {
        struct iovec parts[2];
        int count = 0;
        if (exchange->sent < head.length) {
            parts[count++] = (struct iovec){(uint8_t *)(uintptr_t)head.data + exchange->sent,
                                            head.length - exchange->sent};
        }
        size_t body_sent = exchange->sent > head.length ? exchange->sent - head.length : 0;
        if (body.length > body_sent) {
            parts[count++] = (struct iovec){(uint8_t *)(uintptr_t)body.data + body_sent,
                                            body.length - body_sent};
        }
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
        ssize_t written = sendmsg(exchange->lease.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written < 0) {
            if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
                return;
            }
            if (exchange->sent == 0) {
                client_break(ctx, exchange, errno);
                return;
            }
            /* The peer takes no more, but may have said why (413) before it closed. */
            exchange->is_send_cut = true;
            break;
        }
        exchange->sent += (size_t)written;
    }
    exchange->state = RIND_CLIENT_RECEIVING;
}

/* Feeds the parser; ends the exchange when the answer is complete or is none. */
static void client_parse(struct rind_ctx *ctx, struct rind_client_exchange *exchange,
                         const char *data, size_t length)
{
    exchange->ctx = ctx;
    exchange->has_answer_bytes = exchange->has_answer_bytes || length > 0;
    llhttp_errno_t error = length > 0 ? llhttp_execute(&exchange->parser, data, length)
                                      : llhttp_finish(&exchange->parser);
    if (exchange->is_complete) {
        /* Bytes beyond the answer make the connection useless for the next one. */
        const char *end = error == HPE_PAUSED ? llhttp_get_error_pos(&exchange->parser) : NULL;
        bool is_exact = length == 0 || end == data + length;
        bool is_all_sent = exchange->state == RIND_CLIENT_RECEIVING && !exchange->is_send_cut;
        exchange->is_keep_alive = exchange->is_keep_alive && is_exact && is_all_sent && length > 0;
        client_finish(exchange, RIND_OK);
    } else if (!rind_is_ok(exchange->parse_status)) {
        client_finish(exchange, exchange->parse_status);
    } else if (error != HPE_OK) {
        client_finish(exchange, rind_fail(ctx, RIND_E_DECODE, "the answer is not valid HTTP: %s",
                                          llhttp_errno_name(error)));
    }
}

static void client_step_receive(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    char input[CLIENT_INPUT_SIZE_BYTES];
    for (unsigned i = 0; i < CLIENT_READS_PER_STEP && exchange->state != RIND_CLIENT_OVER; i++) {
        ssize_t got = recv(exchange->lease.fd, input, sizeof(input), MSG_DONTWAIT);
        if (got > 0) {
            client_parse(ctx, exchange, input, (size_t)got);
            continue;
        }
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
            return;
        }
        /* An answer without length ends with the connection, everything else is cut short. */
        if (got == 0 && exchange->is_head_complete &&
            llhttp_message_needs_eof(&exchange->parser) != 0) {
            client_parse(ctx, exchange, NULL, 0);
        }
        if (exchange->state != RIND_CLIENT_OVER) {
            client_break(ctx, exchange, got < 0 ? errno : 0);
        }
        return;
    }
}

static void client_expire(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    if (exchange->state == RIND_CLIENT_CONNECTING &&
        !rind_deadline_has_expired(exchange->call->deadline)) {
        client_finish(exchange, rind_fail(ctx, RIND_E_NETWORK,
                                          "could not connect in time; the peer may be down"));
        return;
    }
    client_finish(exchange,
                  rind_fail(ctx, RIND_E_TIMEOUT,
                            exchange->sent == 0 ? "no time was left before the request was sent"
                                                : "no complete answer came in time"));
}

void rind_client_exchange_step(struct rind_ctx *ctx, struct rind_client_exchange *exchange,
                               bool is_ready)
{
    if (exchange->state == RIND_CLIENT_OVER) {
        return;
    }
    if (is_ready && exchange->state == RIND_CLIENT_CONNECTING) {
        client_step_connect(ctx, exchange);
    }
    /* Nobody has answered what leaves only now; what is cut off may have been answered already. */
    bool may_receive = exchange->state == RIND_CLIENT_RECEIVING;
    if (is_ready && exchange->state == RIND_CLIENT_SENDING) {
        client_step_send(ctx, exchange);
        may_receive =
            exchange->is_send_cut || (exchange->state == RIND_CLIENT_SENDING && exchange->sent > 0);
    }
    if (is_ready && may_receive) {
        client_step_receive(ctx, exchange);
    }
    if (exchange->state != RIND_CLIENT_OVER &&
        rind_deadline_has_expired(rind_client_exchange_deadline(exchange))) {
        client_expire(ctx, exchange);
    }
}

bool rind_client_exchange_is_over(const struct rind_client_exchange *exchange)
{
    return exchange->state == RIND_CLIENT_OVER;
}

rind_status rind_client_exchange_status(const struct rind_client_exchange *exchange)
{
    RIND_ASSERT(exchange->state == RIND_CLIENT_OVER);
    return exchange->status;
}

struct rind_answer rind_client_exchange_answer(const struct rind_client_exchange *exchange)
{
    RIND_ASSERT(rind_is_ok(rind_client_exchange_status(exchange)));
    return exchange->answer;
}
