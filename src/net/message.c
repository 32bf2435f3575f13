/* message.c - see message.h. */
#include "net/message.h"

#include <stdlib.h>

#include "base/base.h"

#define MESSAGE_TEXT_SIZE_FIRST 512u /* method, path and headers of our own clients: about 200 */
#define MESSAGE_BODY_SIZE_FIRST 1024u
#define MESSAGE_HEADERS_FIRST 8u

/* Takes `size` bytes of the budget, or none. */
static bool message_charge(struct rind_message *message, size_t size)
{
    size_t before = atomic_fetch_add(message->budget, size);
    if (before + size > message->limits->budget_bytes_max) {
        (void)atomic_fetch_sub(message->budget, size);
        return false;
    }
    message->charged += size;
    return true;
}

struct rind_message *rind_message_new(const struct rind_message_limits *limits,
                                      atomic_size_t *budget)
{
    struct rind_message *message = calloc(1, sizeof(*message));
    if (message == NULL) {
        return NULL;
    }
    message->limits = limits;
    message->budget = budget;
    if (!message_charge(message, sizeof(*message))) {
        free(message);
        return NULL;
    }
    return message;
}

void rind_message_free(struct rind_message *message)
{
    if (message == NULL) {
        return;
    }
    rind_wipe(message->text, message->text_length);
    rind_wipe(message->body, message->body_length);
    free(message->text);
    free(message->body);
    free(message->names);
    free(message->values);
    free(message->headers);
    (void)atomic_fetch_sub(message->budget, message->charged);
    free(message);
}

/* Room for `more` bytes in a growing block; doubles. False if heap or budget say no. */
static bool message_grow(struct rind_message *message, void **block, size_t used, size_t *capacity,
                         size_t more, size_t first)
{
    size_t needed = used + more;
    if (needed <= *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? first : *capacity;
    while (wanted < needed) {
        wanted *= 2;
    }
    if (!message_charge(message, wanted - *capacity)) {
        return false;
    }
    /* Not realloc: it would leave an unwiped copy behind. */
    void *grown = malloc(wanted);
    if (grown == NULL) {
        return false;
    }
    if (used > 0) {
        memcpy(grown, *block, used);
        rind_wipe(*block, used);
    }
    free(*block);
    *block = grown;
    *capacity = wanted;
    return true;
}

/* `*array` with room for `count` elements of `size` bytes; false without memory. */
static bool message_resize(void **array, size_t count, size_t size)
{
    void *resized = realloc(*array, count * size);
    if (resized == NULL) {
        return false;
    }
    *array = resized;
    return true;
}

/* Grows with the request, since somebody may keep many of them half sent. */
static bool message_grow_headers(struct rind_message *message)
{
    size_t before = message->header_capacity;
    size_t wanted = before == 0 ? MESSAGE_HEADERS_FIRST : 2 * before;
    wanted = wanted < RIND_HTTP_HEADERS_MAX ? wanted : RIND_HTTP_HEADERS_MAX;
    size_t each =
        sizeof(message->names[0]) + sizeof(message->values[0]) + sizeof(message->headers[0]);
    void *names = message->names;
    void *values = message->values;
    void *headers = message->headers;
    bool is_grown = message_charge(message, (wanted - before) * each) &&
                    message_resize(&names, wanted, sizeof(message->names[0])) &&
                    message_resize(&values, wanted, sizeof(message->values[0])) &&
                    message_resize(&headers, wanted, sizeof(message->headers[0]));
    message->names = names;
    message->values = values;
    message->headers = headers;
    if (is_grown) {
        memset(message->names + before, 0, (wanted - before) * sizeof(message->names[0]));
        memset(message->values + before, 0, (wanted - before) * sizeof(message->values[0]));
        message->header_capacity = wanted;
    }
    return is_grown;
}

enum rind_message_result rind_message_begin_header(struct rind_message *message)
{
    if (message->header_count < message->header_capacity) {
        return RIND_MESSAGE_OK;
    }
    if (message->header_count == RIND_HTTP_HEADERS_MAX) {
        return RIND_MESSAGE_TOO_LARGE;
    }
    return message_grow_headers(message) ? RIND_MESSAGE_OK : RIND_MESSAGE_NO_MEMORY;
}

enum rind_message_result rind_message_count(struct rind_message *message, size_t size)
{
    message->head_size += size;
    return message->head_size > message->limits->head_size_bytes_max ? RIND_MESSAGE_TOO_LARGE
                                                                     : RIND_MESSAGE_OK;
}

enum rind_message_result rind_message_append(struct rind_message *message,
                                             struct rind_message_span *span, struct rind_slice text)
{
    if (rind_message_count(message, text.length) != RIND_MESSAGE_OK) {
        return RIND_MESSAGE_TOO_LARGE;
    }
    void *block = message->text;
    bool has_room = message_grow(message, &block, message->text_length, &message->text_capacity,
                                 text.length, MESSAGE_TEXT_SIZE_FIRST);
    message->text = block;
    if (!has_room) {
        return RIND_MESSAGE_NO_MEMORY;
    }
    if (span->length == 0) {
        span->start = (uint32_t)message->text_length;
    }
    RIND_ASSERT(span->start + span->length == message->text_length); /* spans do not interleave */
    if (text.length > 0) {
        memcpy(message->text + message->text_length, text.data, text.length);
    }
    message->text_length += text.length;
    span->length += (uint32_t)text.length;
    return RIND_MESSAGE_OK;
}

void rind_message_drop_body(struct rind_message *message)
{
    rind_wipe(message->body, message->body_length);
    free(message->body);
    message->body = NULL;
    message->body_length = 0;
    message->body_capacity = 0;
    message->is_body_too_large = true;
}

enum rind_message_result rind_message_append_body(struct rind_message *message,
                                                  struct rind_slice bytes)
{
    if (message->is_body_too_large ||
        bytes.length > message->limits->body_size_bytes_max - message->body_length) {
        rind_message_drop_body(message);
        return RIND_MESSAGE_OK;
    }
    if (bytes.length == 0) {
        return RIND_MESSAGE_OK;
    }
    void *block = message->body;
    bool has_room = message_grow(message, &block, message->body_length, &message->body_capacity,
                                 bytes.length, MESSAGE_BODY_SIZE_FIRST);
    message->body = block;
    if (!has_room) {
        return RIND_MESSAGE_NO_MEMORY;
    }
    memcpy(message->body + message->body_length, bytes.data, bytes.length);
    message->body_length += bytes.length;
    return RIND_MESSAGE_OK;
}

struct rind_slice rind_message_text(const struct rind_message *message,
                                    struct rind_message_span span)
{
    return rind_slice_make(span.length == 0 ? "" : message->text + span.start, span.length);
}

static struct rind_slice message_trim(struct rind_slice text)
{
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

void rind_message_seal(struct rind_message *message)
{
    for (size_t i = 0; i < message->header_count; i++) {
        struct rind_message_span name = message->names[i];
        for (size_t j = 0; j < name.length; j++) {
            char *c = &message->text[name.start + j];
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
        }
        message->headers[i].name = rind_message_text(message, name);
        message->headers[i].value = message_trim(rind_message_text(message, message->values[i]));
    }
    struct rind_slice target = rind_message_text(message, message->target);
    const uint8_t *question = memchr(target.data, '?', target.length);
    size_t path_length = question != NULL ? (size_t)(question - target.data) : target.length;
    size_t query_start = question != NULL ? path_length + 1 : target.length;
    message->request = (struct rind_request){
        .method = rind_message_text(message, message->method),
        .target = target,
        .path = rind_slice_make(target.data, path_length),
        .query = rind_slice_make(target.data + query_start, target.length - query_start),
        .headers = message->headers,
        .header_count = message->header_count,
        .body = rind_slice_make(message->body, message->body_length),
        .is_body_too_large = message->is_body_too_large,
        .start_ns = message->start_ns,
        .peer = message->peer,
    };
}
