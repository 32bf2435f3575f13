/* exchange.c - see exchange.h. */
#include "net/exchange.h"

#include <stdlib.h>

#include "base/base.h"
#include "host/arena_pool.h"
#include "net/http1.h"

#define EXCHANGE_MAGIC 0x45584348u

struct rind_exchange *rind_exchange_new(struct rind_mailbox *mailbox)
{
    struct rind_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL) {
        return NULL;
    }
    exchange->magic = EXCHANGE_MAGIC;
    atomic_init(&exchange->reference_count, 1);
    rind_mailbox_retain(mailbox);
    exchange->mailbox = mailbox;
    return exchange;
}

void rind_exchange_retain(struct rind_exchange *exchange)
{
    RIND_ASSERT(exchange->magic == EXCHANGE_MAGIC);
    unsigned before = atomic_fetch_add(&exchange->reference_count, 1);
    RIND_ASSERT(before > 0);
}

void rind_exchange_release(struct rind_exchange *exchange)
{
    RIND_ASSERT(exchange->magic == EXCHANGE_MAGIC);
    unsigned before = atomic_fetch_sub(&exchange->reference_count, 1);
    RIND_ASSERT(before > 0);
    if (before > 1) {
        return;
    }
    exchange->magic = 0;
    rind_message_free(exchange->message);
    rind_stored_answer_free(exchange->answer);
    rind_mailbox_release(exchange->mailbox);
    free(exchange);
}

static void exchange_end_span(struct rind_exchange *exchange)
{
    if (exchange->span != NULL) {
        rind_span_answer_take(exchange->span,
                              exchange->answer != NULL ? exchange->answer->status : 0);
        exchange->span = NULL;
    }
}

/* Stores the answer and sends the exchange home; consumes one reference. */
static void exchange_complete(struct rind_exchange *exchange, const struct rind_response *response)
{
    RIND_ASSERT(exchange->magic == EXCHANGE_MAGIC);
    bool was_completed = atomic_exchange(&exchange->is_completed, true);
    RIND_ASSERT(!was_completed); /* exactly once */
    exchange->answer = rind_stored_answer_new(response);
    exchange_end_span(exchange);
    (void)atomic_fetch_sub(&exchange->mailbox->exchanges_in_service, 1);
    if (!rind_mailbox_put_completed(exchange->mailbox, exchange)) {
        rind_exchange_release(exchange);
    }
}

struct rind_reply {
    struct rind_exchange exchange; /* a reply handle is the exchange under another name */
};

struct rind_reply *rind_response_defer(struct rind_response *response)
{
    RIND_ASSERT(response->exchange != NULL); /* of a handler, and not deferred yet */
    struct rind_exchange *exchange = response->exchange;
    response->exchange = NULL;
    rind_exchange_retain(exchange);
    return (struct rind_reply *)(void *)exchange;
}

void rind_reply_complete(struct rind_reply *reply, const struct rind_response *response)
{
    exchange_complete(&reply->exchange, response);
}

bool rind_reply_is_abandoned(const struct rind_reply *reply)
{
    return atomic_load(&reply->exchange.is_abandoned);
}

/* The trace that the client says the request belongs to (spec 05 section 5). Whoever sends the
 * headers twice has none. */
static void exchange_read_trace(struct rind_ctx *ctx, const struct rind_request *request)
{
    struct rind_slice parent;
    struct rind_slice state = rind_slice_make(NULL, 0);
    if (!rind_request_header(request, "traceparent", &parent) ||
        rind_request_header_count(request, "traceparent") > 1) {
        return;
    }
    if (rind_request_header_count(request, "tracestate") == 1) {
        (void)rind_request_header(request, "tracestate", &state);
    }
    struct rind_trace *trace = rind_ctx_alloc(ctx, sizeof(*trace));
    if (trace != NULL && rind_trace_parse(parent, state, trace)) {
        ctx->trace = trace;
    }
}

/* On a worker thread, or inline: the handler's whole world. */
static void exchange_run(void *self)
{
    struct rind_exchange *exchange = self;
    struct rind_response response = {.exchange = exchange};
    struct rind_arena *arena = NULL;
    rind_status status = rind_arena_pool_take(NULL, exchange->arenas, &arena);
    if (rind_is_ok(status)) {
        struct rind_ctx ctx;
        rind_ctx_init(&ctx, arena);
        const struct rind_request *request = &exchange->message->request;
        exchange_read_trace(&ctx, request);
        if (exchange->tracer != NULL) {
            exchange->span = rind_span_new_request(&ctx, exchange->tracer, request->method,
                                                   request->path, request->start_ns);
        }
        exchange->handle(exchange->handler_self, &ctx, request, &response);
    } else {
        response.status = 503;
    }
    bool is_deferred = response.exchange == NULL;
    if (!is_deferred && exchange->is_inline) {
        atomic_store(&exchange->is_completed, true);
        exchange->answer = rind_stored_answer_new(&response);
        exchange_end_span(exchange);
        (void)atomic_fetch_sub(&exchange->mailbox->exchanges_in_service, 1);
        exchange->is_delivered = true;
    } else if (!is_deferred) {
        rind_exchange_retain(exchange);
        exchange_complete(exchange, &response);
    }
    /* The answer is copied: request and arena end here, even if the exchange is parked. */
    struct rind_arena_pool *arenas = exchange->arenas;
    rind_message_free(exchange->message);
    exchange->message = NULL;
    rind_exchange_release(exchange);
    if (arena != NULL) {
        rind_arena_pool_give(arenas, arena);
    }
}

rind_status rind_exchange_dispatch(struct rind_exchange *exchange, struct rind_pool *workers,
                                   struct rind_arena_pool *arenas, rind_handler *handle, void *self,
                                   struct rind_message *message)
{
    RIND_ASSERT(exchange->message == NULL && !exchange->is_dispatched);
    exchange->handle = handle;
    exchange->handler_self = self;
    exchange->arenas = arenas;
    exchange->message = message;
    exchange->is_dispatched = true;
    (void)atomic_fetch_add(&exchange->mailbox->exchanges_in_service, 1);
    rind_exchange_retain(exchange); /* the worker's */
    if (workers == NULL) {
        exchange->is_inline = true;
        exchange_run(exchange);
        return RIND_OK;
    }
    rind_status status =
        rind_pool_submit(NULL, workers, exchange_run, exchange, rind_deadline_now());
    if (!rind_is_ok(status)) {
        exchange->message = NULL;
        exchange->is_dispatched = false;
        (void)atomic_fetch_sub(&exchange->mailbox->exchanges_in_service, 1);
        rind_exchange_release(exchange);
    }
    return status;
}

static uint8_t *answer_copy_text(uint8_t *at, struct rind_slice text, struct rind_slice *copy,
                                 bool is_name)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (is_name && c >= 'A' && c <= 'Z') {
            c = (uint8_t)(c + ('a' - 'A'));
        }
        /* A line break here would let a value become a header or a second answer. */
        at[i] = c < 0x20 || c == 0x7f ? ' ' : c;
    }
    *copy = rind_slice_make(at, text.length);
    return at + text.length;
}

struct rind_stored_answer *rind_stored_answer_new(const struct rind_response *response)
{
    size_t texts_size = 0;
    for (size_t i = 0; i < response->header_count; i++) {
        texts_size += response->headers[i].name.length + response->headers[i].value.length;
    }
    RIND_ASSERT(texts_size <= RIND_RESPONSE_HEADERS_MAX * RIND_RESPONSE_HEADER_SIZE_MAX);
    size_t size;
    if (!rind_checked_add(texts_size + RIND_HTTP1_HEAD_SIZE_MAX, response->body.length, &size)) {
        return NULL;
    }
    struct rind_stored_answer *answer = malloc(sizeof(*answer) + size);
    if (answer == NULL) {
        return NULL;
    }
    *answer = (struct rind_stored_answer){
        .status = response->status >= 100 && response->status <= 599 ? response->status : 500,
        .header_count = response->header_count,
        .body_length = response->body.length,
        .bytes_size = size,
    };
    uint8_t *at = answer->bytes;
    for (size_t i = 0; i < response->header_count; i++) {
        at = answer_copy_text(at, response->headers[i].name, &answer->headers[i].name, true);
        at = answer_copy_text(at, response->headers[i].value, &answer->headers[i].value, false);
    }
    answer->body = at + RIND_HTTP1_HEAD_SIZE_MAX;
    if (response->body.length > 0) {
        memcpy(answer->body, response->body.data, response->body.length);
    }
    return answer;
}

void rind_stored_answer_free(struct rind_stored_answer *answer)
{
    if (answer != NULL) {
        if (answer->body_length > 0) {
            rind_wipe(answer->body, answer->body_length);
        }
        free(answer);
    }
}
