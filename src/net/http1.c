/* http1.c - see http1.h. */
#include "net/http1.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

#include "base/base.h"
#include "host/clock.h"

#define HTTP1_HEADER_OVERHEAD 4u /* ": " and CR LF, counted like the bytes of a head */

static struct rind_http1 *http1_of(llhttp_t *parser)
{
    return parser->data;
}

/* Records what was wrong and makes llhttp stop. */
static int http1_fail(struct rind_http1 *http1, unsigned status)
{
    http1->failure = status;
    return HPE_USER;
}

static int http1_checked(struct rind_http1 *http1, enum rind_message_result result)
{
    switch (result) {
    case RIND_MESSAGE_OK:
        return 0;
    case RIND_MESSAGE_TOO_LARGE:
        return http1_fail(http1, 431);
    case RIND_MESSAGE_NO_MEMORY:
        return http1_fail(http1, 503);
    }
    RIND_UNREACHABLE("every result is listed");
}

static int http1_on_message_begin(llhttp_t *parser)
{
    struct rind_http1 *http1 = http1_of(parser);
    RIND_ASSERT(http1->message == NULL);
    http1->message = rind_message_new(http1->limits, http1->budget);
    http1->is_head_complete = false;
    if (http1->message == NULL) {
        return http1_fail(http1, 503);
    }
    (void)snprintf(http1->message->peer, sizeof(http1->message->peer), "%s", http1->peer);
    return 0;
}

static int http1_on_method(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_http1 *http1 = http1_of(parser);
    return http1_checked(http1, rind_message_append(http1->message, &http1->message->method,
                                                    rind_slice_make(at, length)));
}

static int http1_on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_http1 *http1 = http1_of(parser);
    return http1_checked(http1, rind_message_append(http1->message, &http1->message->target,
                                                    rind_slice_make(at, length)));
}

/* RFC 9110 section 5.6.2. llhttp lets spaces through, which intermediaries read differently. */
static bool http1_is_token(struct rind_slice text)
{
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == 0 || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* Trailers after a chunked body are counted like a head and otherwise ignored. */
static int http1_on_field(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_http1 *http1 = http1_of(parser);
    struct rind_message *message = http1->message;
    if (!http1_is_token(rind_slice_make(at, length))) {
        return http1_fail(http1, 400);
    }
    if (http1->is_head_complete) {
        return http1_checked(http1, rind_message_count(message, length));
    }
    enum rind_message_result result = rind_message_begin_header(message);
    if (result != RIND_MESSAGE_OK) {
        return http1_checked(http1, result);
    }
    return http1_checked(http1, rind_message_append(message, &message->names[message->header_count],
                                                    rind_slice_make(at, length)));
}

static int http1_on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_http1 *http1 = http1_of(parser);
    struct rind_message *message = http1->message;
    if (http1->is_head_complete) {
        return http1_checked(http1, rind_message_count(message, length));
    }
    RIND_ASSERT(message->header_count < message->header_capacity);
    return http1_checked(http1,
                         rind_message_append(message, &message->values[message->header_count],
                                             rind_slice_make(at, length)));
}

static int http1_on_value_complete(llhttp_t *parser)
{
    struct rind_http1 *http1 = http1_of(parser);
    if (!http1->is_head_complete) {
        http1->message->header_count++;
    }
    /* Here and not with the name, which may come in pieces. */
    return http1_checked(http1, rind_message_count(http1->message, HTTP1_HEADER_OVERHEAD));
}

static bool http1_has_expectation(const struct rind_message *message)
{
    for (size_t i = 0; i < message->header_count; i++) {
        struct rind_slice name = rind_message_text(message, message->names[i]);
        struct rind_slice value = rind_message_text(message, message->values[i]);
        if (name.length == 6 && strncasecmp((const char *)name.data, "expect", 6) == 0 &&
            value.length == 12 && strncasecmp((const char *)value.data, "100-continue", 12) == 0) {
            return true;
        }
    }
    return false;
}

static int http1_on_headers_complete(llhttp_t *parser)
{
    struct rind_http1 *http1 = http1_of(parser);
    struct rind_message *message = http1->message;
    http1->is_head_complete = true;
    http1->is_head_method = parser->method == HTTP_HEAD;
    http1->is_http_1_0 = parser->http_major == 1 && parser->http_minor == 0;
    http1->is_keep_alive = llhttp_should_keep_alive(parser) != 0;
    message->start_ns = rind_clock_monotonic_ns();
    parser->upgrade = 0; /* nothing is ever upgraded: what follows is still HTTP/1 */
    if (parser->http_major != 1) {
        return http1_fail(http1, 505);
    }
    if (http1->is_http_1_0 && (parser->flags & F_TRANSFER_ENCODING) != 0) {
        return http1_fail(http1, 400); /* faulty framing (RFC 9112 section 6.1): others skip it */
    }
    bool is_chunked = (parser->flags & F_CHUNKED) != 0;
    if (!is_chunked && parser->content_length > message->limits->body_size_bytes_max) {
        /* Refused before it is sent: the answer comes at once and the connection ends. */
        rind_message_drop_body(message);
        http1->is_keep_alive = false;
        return HPE_PAUSED;
    }
    bool has_body = is_chunked || parser->content_length > 0;
    http1->expects_continue = has_body && !http1->is_http_1_0 && http1_has_expectation(message);
    return http1->expects_continue ? HPE_PAUSED : 0;
}

static int http1_on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct rind_http1 *http1 = http1_of(parser);
    return http1_checked(http1,
                         rind_message_append_body(http1->message, rind_slice_make(at, length)));
}

static int http1_on_message_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t http1_settings = {
    .on_message_begin = http1_on_message_begin,
    .on_method = http1_on_method,
    .on_url = http1_on_url,
    .on_header_field = http1_on_field,
    .on_header_value = http1_on_value,
    .on_header_value_complete = http1_on_value_complete,
    .on_headers_complete = http1_on_headers_complete,
    .on_body = http1_on_body,
    .on_message_complete = http1_on_message_complete,
};

void rind_http1_init(struct rind_http1 *http1, const struct rind_message_limits *limits,
                     atomic_size_t *budget, const char *peer)
{
    *http1 = (struct rind_http1){.limits = limits, .budget = budget, .peer = peer};
    llhttp_init(&http1->parser, HTTP_REQUEST, &http1_settings);
    http1->parser.data = http1;
}

void rind_http1_fini(struct rind_http1 *http1)
{
    rind_message_free(http1->message);
    http1->message = NULL;
}

/* What went wrong, for the few errors that are not simply a malformed head. */
static enum rind_http1_event http1_failed(struct rind_http1 *http1, llhttp_errno_t error)
{
    if (http1->failure == 0) {
        bool is_version = error == HPE_INVALID_VERSION;
        http1->failure = is_version ? 505 : 400;
    }
    return RIND_HTTP1_FAILED;
}

enum rind_http1_event rind_http1_feed(struct rind_http1 *http1, struct rind_slice bytes,
                                      size_t *consumed)
{
    RIND_ASSERT(http1->failure == 0);
    *consumed = 0;
    if (bytes.length == 0) {
        return RIND_HTTP1_MORE;
    }
    const char *data = (const char *)bytes.data;
    llhttp_errno_t error = llhttp_execute(&http1->parser, data, bytes.length);
    if (error == HPE_OK) {
        *consumed = bytes.length;
        /* A chunked body outgrew its limit: no use in receiving the rest. */
        if (http1->message != NULL && http1->message->is_body_too_large) {
            http1->is_keep_alive = false;
            return RIND_HTTP1_REQUEST;
        }
        return RIND_HTTP1_MORE;
    }
    if (error != HPE_PAUSED) {
        *consumed = bytes.length;
        return http1_failed(http1, error);
    }
    const char *position = llhttp_get_error_pos(&http1->parser);
    RIND_ASSERT(position >= data && position <= data + bytes.length);
    *consumed = (size_t)(position - data);
    llhttp_resume(&http1->parser);
    if (http1->expects_continue) {
        http1->expects_continue = false;
        return RIND_HTTP1_CONTINUE;
    }
    if (http1->message->is_body_too_large) {
        http1->is_keep_alive = false;
    }
    return RIND_HTTP1_REQUEST;
}

struct rind_message *rind_http1_take(struct rind_http1 *http1)
{
    struct rind_message *message = http1->message;
    RIND_ASSERT(message != NULL);
    http1->message = NULL;
    rind_message_seal(message);
    return message;
}

bool rind_http1_is_receiving(const struct rind_http1 *http1)
{
    return http1->message != NULL;
}

void rind_http_date(char text[static RIND_HTTP_DATE_SIZE])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = (time_t)rind_clock_unix_s();
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)snprintf(text, RIND_HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                   days[(unsigned)utc.tm_wday % 7u], (unsigned)utc.tm_mday % 100u,
                   months[(unsigned)utc.tm_mon % 12u], (unsigned)(utc.tm_year + 1900) % 10000u,
                   (unsigned)utc.tm_hour % 100u, (unsigned)utc.tm_min % 100u,
                   (unsigned)utc.tm_sec % 100u);
}

void rind_http1_write_head(struct rind_buffer *buffer, unsigned status,
                           const struct rind_http_header *headers, size_t header_count,
                           size_t body_length, bool is_keep_alive, bool is_http_1_0)
{
    char date[RIND_HTTP_DATE_SIZE];
    rind_http_date(date);
    rind_buffer_print(buffer, "HTTP/1.1 %u %s\r\n", status, rind_http_reason(status));
    for (size_t i = 0; i < header_count; i++) {
        rind_buffer_append(buffer, headers[i].name);
        rind_buffer_print(buffer, ": ");
        rind_buffer_append(buffer, headers[i].value);
        rind_buffer_print(buffer, "\r\n");
    }
    rind_buffer_print(buffer, "content-length: %zu\r\ndate: %s\r\n", body_length, date);
    if (!is_keep_alive) {
        rind_buffer_print(buffer, "connection: close\r\n");
    } else if (is_http_1_0) {
        rind_buffer_print(buffer, "connection: keep-alive\r\n");
    }
    rind_buffer_print(buffer, "\r\n");
}
