/* http2.c - see http2.h. */
#include "net/http2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "host/clock.h"
#include "net/http1.h"

#define HTTP2_WINDOW_BYTES (1024 * 1024) /* initial, of streams and connection: spec 07 2.1 */
#define HTTP2_HEADER_OVERHEAD 32u        /* RFC 9113 section 6.5.2 */
#define HTTP2_RESETS_BURST 400u          /* twice the streams: a page that is left at once */
#define HTTP2_RESETS_PER_S 50u
#define HTTP2_SETTINGS_MAX 32u
#define HTTP2_PROGRESS_BYTES 4096u /* of an answer's body: less is no progress */
#define HTTP2_FIELDS_MAX (RIND_RESPONSE_HEADERS_MAX + 3u)

/* A stream whose request is not complete yet; in a list ordered by start. */
struct http2_receiving {
    struct http2_receiving *previous;
    struct http2_receiving *next;
    struct rind_exchange *exchange;
    struct rind_message *message; /* NULL: refused (see status), the rest is ignored */
    unsigned status;              /* of a refusal; 0: none so far */
    uint32_t list_size;           /* header list as RFC 9113 counts it */
};

struct rind_http2 {
    nghttp2_session *session;
    struct rind_http2_options options;
    struct http2_receiving *oldest;
    struct http2_receiving *newest;
    struct rind_exchange *answering_first; /* not sent completely; by last progress */
    struct rind_exchange *answering_last;
    uint32_t exchange_count;
    bool is_end_announced;
    bool is_refusing;
    uint64_t resets_left; /* in thousandths */
    uint64_t resets_refilled_ns;
};

static void http2_receiving_free(struct rind_http2 *http2, struct http2_receiving *receiving)
{
    *(receiving->previous != NULL ? &receiving->previous->next : &http2->oldest) = receiving->next;
    *(receiving->next != NULL ? &receiving->next->previous : &http2->newest) = receiving->previous;
    receiving->exchange->receiving = NULL;
    rind_message_free(receiving->message);
    free(receiving);
}

static struct http2_receiving *http2_find_receiving(struct rind_http2 *http2, int32_t stream_id)
{
    struct rind_exchange *exchange =
        nghttp2_session_get_stream_user_data(http2->session, stream_id);
    return exchange != NULL ? exchange->receiving : NULL;
}

/* Only answered or never dispatched exchanges may go; the others come back through the mailbox. */
static void http2_close_exchange(struct rind_http2 *http2, struct rind_exchange *exchange)
{
    RIND_ASSERT(http2->exchange_count > 0);
    http2->exchange_count--;
    http2->options.owner.close(http2->options.owner.self, exchange);
}

static void http2_answering_add(struct rind_http2 *http2, struct rind_exchange *exchange)
{
    exchange->is_answering = true;
    exchange->progress_ns = rind_clock_monotonic_ns();
    exchange->progress_sent = exchange->sent;
    exchange->answering_next = NULL;
    exchange->answering_previous = http2->answering_last;
    *(http2->answering_last != NULL ? &http2->answering_last->answering_next
                                    : &http2->answering_first) = exchange;
    http2->answering_last = exchange;
}

static void http2_answering_remove(struct rind_http2 *http2, struct rind_exchange *exchange)
{
    if (!exchange->is_answering) {
        return;
    }
    exchange->is_answering = false;
    *(exchange->answering_previous != NULL ? &exchange->answering_previous->answering_next
                                           : &http2->answering_first) = exchange->answering_next;
    *(exchange->answering_next != NULL ? &exchange->answering_next->answering_previous
                                       : &http2->answering_last) = exchange->answering_previous;
}

static void http2_reset(struct rind_http2 *http2, int32_t stream_id, uint32_t code)
{
    /* Fails only without memory, in which case the session fails by itself soon. */
    (void)nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE, stream_id, code);
}

static ssize_t http2_read_body(nghttp2_session *session, int32_t stream_id, uint8_t *data,
                               size_t capacity, uint32_t *flags, nghttp2_data_source *source,
                               void *self)
{
    (void)session;
    (void)stream_id;
    struct rind_http2 *http2 = self;
    struct rind_exchange *exchange = source->ptr;
    const struct rind_stored_answer *answer = exchange->answer;
    size_t length = answer->body_length - exchange->sent;
    length = length < capacity ? length : capacity;
    memcpy(data, answer->body + exchange->sent, length);
    exchange->sent += length;
    if (exchange->sent - exchange->progress_sent >= HTTP2_PROGRESS_BYTES) {
        http2_answering_remove(http2, exchange);
        http2_answering_add(http2, exchange);
    }
    if (exchange->sent == answer->body_length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)length;
}

static nghttp2_nv http2_field(struct rind_slice name, struct rind_slice value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.data,
                        .value = (uint8_t *)(uintptr_t)value.data,
                        .namelen = name.length,
                        .valuelen = value.length,
                        .flags = NGHTTP2_NV_FLAG_NONE};
}

/* Queues the exchange's stored answer. nghttp2 copies the fields; the body stays ours. */
static void http2_submit(struct rind_http2 *http2, struct rind_exchange *exchange)
{
    const struct rind_stored_answer *answer = exchange->answer;
    char status[8];
    char length[24];
    char date[RIND_HTTP_DATE_SIZE];
    (void)snprintf(status, sizeof(status), "%u", answer->status);
    (void)snprintf(length, sizeof(length), "%zu", answer->body_length);
    rind_http_date(date);

    nghttp2_nv fields[HTTP2_FIELDS_MAX];
    size_t count = 0;
    fields[count++] = http2_field(rind_slice_text(":status"), rind_slice_text(status));
    for (size_t i = 0; i < answer->header_count; i++) {
        fields[count++] = http2_field(answer->headers[i].name, answer->headers[i].value);
    }
    fields[count++] = http2_field(rind_slice_text("content-length"), rind_slice_text(length));
    fields[count++] = http2_field(rind_slice_text("date"), rind_slice_text(date));

    nghttp2_data_provider body = {.source.ptr = exchange, .read_callback = http2_read_body};
    bool has_body = answer->body_length > 0 && !exchange->is_head_method;
    http2_answering_add(http2, exchange);
    if (nghttp2_submit_response(http2->session, exchange->stream_id, fields, count,
                                has_body ? &body : NULL) != 0) {
        http2_reset(http2, exchange->stream_id, NGHTTP2_INTERNAL_ERROR);
    }
}

void rind_http2_answer(struct rind_http2 *http2, struct rind_exchange *exchange)
{
    RIND_ASSERT(atomic_load(&exchange->is_completed));
    if (!exchange->is_stream_open) {
        http2_close_exchange(http2, exchange); /* the client has reset it meanwhile */
    } else if (exchange->answer == NULL) {
        http2_reset(http2, exchange->stream_id, NGHTTP2_INTERNAL_ERROR);
    } else {
        http2_submit(http2, exchange);
    }
}

/* An answer of our own, without body. */
static void http2_answer_status(struct rind_http2 *http2, struct rind_exchange *exchange,
                                unsigned status)
{
    struct rind_response response = rind_response_make(status, rind_slice_make(NULL, 0));
    exchange->answer = rind_stored_answer_new(&response);
    atomic_store(&exchange->is_completed, true);
    rind_http2_answer(http2, exchange);
}

/* The request is complete, or complete enough to be refused. */
static void http2_finish_receiving(struct rind_http2 *http2, struct http2_receiving *receiving)
{
    struct rind_exchange *exchange = receiving->exchange;
    struct rind_message *message = receiving->message;
    unsigned status = receiving->status;
    receiving->message = NULL;
    http2_receiving_free(http2, receiving);
    if (status != 0) {
        rind_message_free(message);
        http2_answer_status(http2, exchange, status);
        return;
    }
    rind_message_seal(message);
    message->request.is_http2 = true;
    exchange->is_head_method = rind_slice_is_text(message->request.method, "HEAD");
    if (!http2->options.owner.dispatch(http2->options.owner.self, exchange, message)) {
        rind_message_free(message);
        http2_answer_status(http2, exchange, 503);
    }
}

static int http2_on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    (void)session;
    struct rind_http2 *http2 = self;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    if (http2->exchange_count >= http2->options.streams_max) {
        http2_reset(http2, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    struct http2_receiving *receiving = calloc(1, sizeof(*receiving));
    struct rind_exchange *exchange =
        receiving != NULL ? http2->options.owner.open(http2->options.owner.self) : NULL;
    if (exchange == NULL) {
        free(receiving);
        http2_reset(http2, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    http2->exchange_count++;
    exchange->stream_id = frame->hd.stream_id;
    exchange->is_stream_open = true;
    exchange->start_ns = rind_clock_monotonic_ns();
    receiving->exchange = exchange;
    exchange->receiving = receiving;
    receiving->message = rind_message_new(http2->options.limits, http2->options.budget);
    if (receiving->message == NULL) {
        receiving->status = 503;
    } else {
        (void)snprintf(receiving->message->peer, sizeof(receiving->message->peer), "%s",
                       http2->options.peer);
    }
    receiving->previous = http2->newest;
    *(http2->newest != NULL ? &http2->newest->next : &http2->oldest) = receiving;
    http2->newest = receiving;
    (void)nghttp2_session_set_stream_user_data(http2->session, frame->hd.stream_id, exchange);
    return 0;
}

/* Pseudo headers become what HTTP/1 would have said; nghttp2 has checked their form. */
static enum rind_message_result http2_store_field(struct rind_message *message,
                                                  struct rind_slice name, struct rind_slice value)
{
    if (rind_slice_is_text(name, ":method")) {
        return rind_message_append(message, &message->method, value);
    }
    if (rind_slice_is_text(name, ":path")) {
        return rind_message_append(message, &message->target, value);
    }
    if (rind_slice_is_text(name, ":authority")) {
        name = rind_slice_text("host");
    } else if (name.length > 0 && name.data[0] == ':') {
        return RIND_MESSAGE_OK;
    }
    enum rind_message_result result = rind_message_begin_header(message);
    if (result == RIND_MESSAGE_OK) {
        result = rind_message_append(message, &message->names[message->header_count], name);
    }
    if (result == RIND_MESSAGE_OK) {
        result = rind_message_append(message, &message->values[message->header_count], value);
    }
    message->header_count += result == RIND_MESSAGE_OK ? 1 : 0;
    return result;
}

static int http2_on_header(nghttp2_session *session, const nghttp2_frame *frame,
                           const uint8_t *name, size_t name_length, const uint8_t *value,
                           size_t value_length, uint8_t flags, void *self)
{
    (void)session;
    (void)flags;
    struct rind_http2 *http2 = self;
    struct http2_receiving *receiving = http2_find_receiving(http2, frame->hd.stream_id);
    if (receiving == NULL || receiving->status != 0) {
        return 0;
    }
    /* Trailers count too, but are not kept. */
    receiving->list_size += (uint32_t)(name_length + value_length) + HTTP2_HEADER_OVERHEAD;
    if (receiving->list_size > http2->options.header_list_size_bytes_max) {
        receiving->status = 431;
        return 0;
    }
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    switch (http2_store_field(receiving->message, rind_slice_make(name, name_length),
                              rind_slice_make(value, value_length))) {
    case RIND_MESSAGE_OK:
        break;
    case RIND_MESSAGE_TOO_LARGE:
        receiving->status = 431;
        break;
    case RIND_MESSAGE_NO_MEMORY:
        receiving->status = 503;
        break;
    }
    return 0;
}

/* A reset of an unfinished stream takes from a bucket; false once it is empty. */
static bool http2_allows_reset(struct rind_http2 *http2)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    uint64_t elapsed_ms = (now_ns - http2->resets_refilled_ns) / RIND_NS_PER_MS;
    http2->resets_refilled_ns += elapsed_ms * RIND_NS_PER_MS;
    uint64_t full = HTTP2_RESETS_BURST * 1000u;
    uint64_t refill = elapsed_ms > full ? full : elapsed_ms * HTTP2_RESETS_PER_S;
    http2->resets_left = http2->resets_left + refill > full ? full : http2->resets_left + refill;
    if (http2->resets_left < 1000u) {
        return false;
    }
    http2->resets_left -= 1000u;
    return true;
}

static int http2_on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    struct rind_http2 *http2 = self;
    if (frame->hd.type == NGHTTP2_RST_STREAM && !http2_allows_reset(http2)) {
        (void)nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    struct http2_receiving *receiving = http2_find_receiving(http2, frame->hd.stream_id);
    if (receiving == NULL) {
        return 0;
    }
    bool is_head = frame->hd.type == NGHTTP2_HEADERS;
    if (is_head && receiving->message != NULL && receiving->message->start_ns == 0) {
        receiving->message->start_ns = rind_clock_monotonic_ns();
    }
    bool is_complete = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (is_complete || receiving->status != 0) {
        http2_finish_receiving(http2, receiving);
    }
    return 0;
}

static int http2_on_data(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                         const uint8_t *data, size_t length, void *self)
{
    (void)session;
    (void)flags;
    struct rind_http2 *http2 = self;
    struct http2_receiving *receiving = http2_find_receiving(http2, stream_id);
    if (receiving == NULL || receiving->status != 0) {
        return 0; /* answered or refused already: the rest is thrown away */
    }
    if (rind_message_append_body(receiving->message, rind_slice_make(data, length)) !=
        RIND_MESSAGE_OK) {
        receiving->status = 503;
        return 0;
    }
    if (receiving->message->is_body_too_large) {
        http2_finish_receiving(http2, receiving);
    }
    return 0;
}

/* After a refusal the client is told to stop sending; otherwise the stream would stay half open. */
static int http2_on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    struct rind_http2 *http2 = self;
    bool is_answer = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!is_answer || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return 0;
    }
    struct rind_exchange *exchange =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (exchange == NULL) {
        return 0;
    }
    bool is_head_refused = exchange->answer != NULL && exchange->answer->status == 431;
    if (is_head_refused) {
        http2_reset(http2, frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    } else if (nghttp2_session_get_stream_remote_close(session, frame->hd.stream_id) == 0) {
        http2_reset(http2, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
}

static int http2_on_stream_close(nghttp2_session *session, int32_t stream_id, uint32_t code,
                                 void *self)
{
    (void)code;
    struct rind_http2 *http2 = self;
    struct rind_exchange *exchange = nghttp2_session_get_stream_user_data(session, stream_id);
    if (exchange == NULL) {
        return 0;
    }
    exchange->is_stream_open = false;
    http2_answering_remove(http2, exchange);
    struct http2_receiving *receiving = http2_find_receiving(http2, stream_id);
    if (receiving != NULL) {
        http2_receiving_free(http2, receiving);
    }
    bool is_in_service = exchange->is_dispatched && !exchange->is_delivered;
    if (is_in_service) {
        atomic_store(&exchange->is_abandoned, true);
    } else {
        http2_close_exchange(http2, exchange);
    }
    return 0;
}

static bool http2_set_options(nghttp2_option **option)
{
    if (nghttp2_option_new(option) != 0) {
        return false;
    }
    nghttp2_option_set_no_closed_streams(*option, 1);
    nghttp2_option_set_max_settings(*option, HTTP2_SETTINGS_MAX);
    /* Of our answers' few fields most have a new value each time (x-exec-time): a table of them
     * would cost each connection kilobytes, and each answer a search through all of it. */
    nghttp2_option_set_max_deflate_dynamic_table_size(*option, 0);
    return true;
}

static bool http2_open_session(struct rind_http2 *http2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        return false;
    }
    bool is_made = http2_set_options(&option);
    if (is_made) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, http2_on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, http2_on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, http2_on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, http2_on_data);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, http2_on_frame_send);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, http2_on_stream_close);
        is_made = nghttp2_session_server_new2(&http2->session, callbacks, http2, option) == 0;
        nghttp2_option_del(option);
    }
    nghttp2_session_callbacks_del(callbacks);
    return is_made;
}

struct rind_http2 *rind_http2_new(const struct rind_http2_options *options)
{
    struct rind_http2 *http2 = calloc(1, sizeof(*http2));
    if (http2 == NULL) {
        return NULL;
    }
    http2->options = *options;
    http2->resets_left = HTTP2_RESETS_BURST * 1000u;
    http2->resets_refilled_ns = rind_clock_monotonic_ns();
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options->streams_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options->header_list_size_bytes_max},
    };
    bool is_ready = http2_open_session(http2) &&
                    nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
                                            sizeof(settings) / sizeof(settings[0])) == 0 &&
                    nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
                                                          HTTP2_WINDOW_BYTES) == 0;
    if (!is_ready) {
        rind_http2_free(http2);
        return NULL;
    }
    return http2;
}

void rind_http2_free(struct rind_http2 *http2)
{
    if (http2 == NULL) {
        return;
    }
    while (http2->oldest != NULL) {
        http2_receiving_free(http2, http2->oldest);
    }
    nghttp2_session_del(http2->session);
    free(http2);
}

bool rind_http2_feed(struct rind_http2 *http2, struct rind_slice bytes)
{
    ssize_t taken = nghttp2_session_mem_recv(http2->session, bytes.data, bytes.length);
    return taken >= 0 && (size_t)taken == bytes.length;
}

bool rind_http2_fill(struct rind_http2 *http2, struct rind_buffer *buffer)
{
    while (buffer->capacity - buffer->length >= RIND_HTTP2_FRAME_SIZE_MAX) {
        const uint8_t *data = NULL;
        ssize_t length = nghttp2_session_mem_send(http2->session, &data);
        if (length < 0) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        rind_buffer_append(buffer, rind_slice_make(data, (size_t)length));
        RIND_ASSERT(!buffer->is_overflown); /* nghttp2 hands out one frame at a time */
    }
    return true;
}

void rind_http2_announce_end(struct rind_http2 *http2)
{
    if (!http2->is_end_announced) {
        http2->is_end_announced = true;
        (void)nghttp2_submit_shutdown_notice(http2->session);
    }
}

void rind_http2_refuse(struct rind_http2 *http2)
{
    if (!http2->is_refusing) {
        http2->is_refusing = true;
        (void)nghttp2_submit_goaway(http2->session, NGHTTP2_FLAG_NONE,
                                    nghttp2_session_get_last_proc_stream_id(http2->session),
                                    NGHTTP2_NO_ERROR, NULL, 0);
    }
}

bool rind_http2_is_alive(const struct rind_http2 *http2)
{
    bool is_over = http2->is_refusing && http2->exchange_count == 0;
    bool wants_write = nghttp2_session_want_write(http2->session) != 0;
    return wants_write || (nghttp2_session_want_read(http2->session) != 0 && !is_over);
}

uint32_t rind_http2_exchange_count(const struct rind_http2 *http2)
{
    return http2->exchange_count;
}

uint64_t rind_http2_receiving_since_ns(const struct rind_http2 *http2)
{
    return http2->oldest != NULL ? http2->oldest->exchange->start_ns : UINT64_MAX;
}

void rind_http2_reset_receiving(struct rind_http2 *http2, uint64_t start_ns)
{
    while (http2->oldest != NULL && http2->oldest->exchange->start_ns <= start_ns) {
        struct http2_receiving *receiving = http2->oldest;
        struct rind_exchange *exchange = receiving->exchange;
        http2_receiving_free(http2, receiving);
        /* The exchange goes when the stream closes, which sending this does. */
        http2_reset(http2, exchange->stream_id, NGHTTP2_CANCEL);
    }
}

uint64_t rind_http2_answering_since_ns(const struct rind_http2 *http2)
{
    return http2->answering_first != NULL ? http2->answering_first->progress_ns : UINT64_MAX;
}

void rind_http2_reset_answering(struct rind_http2 *http2, uint64_t progress_ns)
{
    struct rind_exchange *exchange = http2->answering_first;
    while (exchange != NULL && exchange->progress_ns <= progress_ns) {
        http2_answering_remove(http2, exchange);
        /* The exchange goes when the stream closes, which sending this does. */
        http2_reset(http2, exchange->stream_id, NGHTTP2_CANCEL);
        exchange = http2->answering_first;
    }
}
