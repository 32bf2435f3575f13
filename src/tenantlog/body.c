/* body.c - see body.h. */
#include "tenantlog/body.h"

#include <stdlib.h>
#include <time.h>

#include "host/json.h"

/* Years that RFC 3339 can write. */
#define BODY_UNIX_S_MAX INT64_C(253402300799)

/* --- requests --- */

static rind_status read_acks(struct rind_ctx *ctx, const struct rind_json_at *root,
                             struct rind_tenant_log_request *request)
{
    struct rind_json_at acks;
    RIND_TRY(rind_json_member_optional(ctx, root, "acks", &acks));
    if (acks.value == NULL) { /* the published description of the API calls it so */
        RIND_TRY(rind_json_member_optional(ctx, root, "ack", &acks));
    }
    if (acks.value == NULL) {
        return RIND_OK;
    }
    size_t count;
    RIND_TRY(rind_json_count(ctx, &acks, &count));
    struct rind_slice *list = rind_ctx_alloc_array(ctx, count, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        struct rind_json_at element;
        const char *text;
        RIND_TRY(rind_json_element(ctx, &acks, i, &element));
        RIND_TRY(rind_json_text(ctx, &element, &text));
        RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, rind_slice_text(text), &list[i]),
                     RIND_E_LIMIT, "no room for acknowledgements");
    }
    request->acks = list;
    request->ack_count = count;
    return RIND_OK;
}

static rind_status read_page_size(struct rind_ctx *ctx, const struct rind_json_at *root,
                                  struct rind_tenant_log_request *request)
{
    struct rind_json_at size;
    int64_t value = 0;
    RIND_TRY(rind_json_member_optional(ctx, root, "page_size", &size));
    if (size.value != NULL) {
        RIND_TRY(rind_json_i64(ctx, &size, &value));
    }
    RIND_REQUIRE(ctx, value >= INT16_MIN && value <= INT16_MAX, RIND_E_DECODE,
                 "field %s must be a number of 16 bits", size.path);
    request->page_size = value < (int64_t)RIND_TENANT_LOG_PAGE_MIN   ? RIND_TENANT_LOG_PAGE_MIN
                         : value > (int64_t)RIND_TENANT_LOG_PAGE_MAX ? RIND_TENANT_LOG_PAGE_MAX
                                                                     : (size_t)value;
    return RIND_OK;
}

rind_status rind_tenant_log_request_read(struct rind_ctx *ctx, struct rind_slice body,
                                         struct rind_tenant_log_request *request)
{
    json_t *root;
    struct rind_tenant_log_request read = {0};
    RIND_REQUIRE(ctx, body.length > 0, RIND_E_DECODE, "the body is empty");
    RIND_TRY(rind_json_parse(ctx, body, "the body", &root));
    struct rind_json_at at = rind_json_root(root, "body");
    rind_status status = read_acks(ctx, &at, &read);
    if (rind_is_ok(status)) {
        status = read_page_size(ctx, &at, &read);
    }
    json_decref(root);
    RIND_TRY(status);
    *request = read;
    return RIND_OK;
}

/* --- events --- */

static rind_status read_text(struct rind_ctx *ctx, const struct rind_json_at *root, const char *key,
                             struct rind_slice *text)
{
    const char *value;
    RIND_TRY(rind_json_member_text(ctx, root, key, &value));
    RIND_REQUIRE(ctx, rind_arena_copy(ctx->arena, rind_slice_text(value), text), RIND_E_LIMIT,
                 "no room for an event");
    return RIND_OK;
}

static rind_status read_guesses(struct rind_ctx *ctx, const struct rind_json_at *root,
                                const char *key, bool *has_value, uint16_t *value)
{
    struct rind_json_at at;
    uint64_t number;
    RIND_TRY(rind_json_member_optional(ctx, root, key, &at));
    *has_value = at.value != NULL;
    if (at.value == NULL) {
        return RIND_OK;
    }
    RIND_TRY(rind_json_u64(ctx, &at, &number));
    RIND_REQUIRE(ctx, number <= UINT16_MAX, RIND_E_DECODE, "field %s is above 65535", at.path);
    *value = (uint16_t)number;
    return RIND_OK;
}

static rind_status event_read(struct rind_ctx *ctx, const struct rind_json_at *root,
                              struct rind_tenant_log_event *event)
{
    RIND_TRY(read_text(ctx, root, "user", &event->user));
    RIND_TRY(read_text(ctx, root, "event", &event->event));
    RIND_TRY(read_guesses(ctx, root, "num_guesses", &event->has_num_guesses, &event->num_guesses));
    return read_guesses(ctx, root, "guess_count", &event->has_guess_count, &event->guess_count);
}

rind_status rind_tenant_log_event_read(struct rind_ctx *ctx, struct rind_slice data,
                                       struct rind_tenant_log_event *event)
{
    json_t *root;
    struct rind_tenant_log_event read = {0};
    RIND_TRY(rind_json_parse(ctx, data, "an event", &root));
    struct rind_json_at at = rind_json_root(root, "event");
    rind_status status = event_read(ctx, &at, &read);
    json_decref(root);
    RIND_TRY(status);
    *event = read;
    return RIND_OK;
}

/* --- answers --- */

void rind_tenant_log_time(int64_t unix_s, int32_t nanos,
                          char text[static RIND_TENANT_LOG_TIME_SIZE])
{
    bool is_sane = unix_s >= 0 && unix_s <= BODY_UNIX_S_MAX && nanos >= 0 && nanos < 1000000000;
    time_t when = is_sane ? (time_t)unix_s : 0;
    struct tm utc;
    char fraction[16] = "";
    (void)gmtime_r(&when, &utc);
    if (is_sane && nanos > 0) {
        int length = snprintf(fraction, sizeof(fraction), ".%09d", (int)nanos);
        while (fraction[length - 1] == '0') {
            fraction[--length] = '\0';
        }
    }
    (void)snprintf(text, RIND_TENANT_LOG_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
                   (utc.tm_year + 1900) % 10000, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                   utc.tm_min, utc.tm_sec, fraction);
}

static json_t *text_json(struct rind_slice text)
{
    return json_stringn(text.length > 0 ? (const char *)text.data : "", text.length);
}

/* The members in the order of the specification; NULL when out of memory or no UTF-8. */
static json_t *event_json(const struct rind_delivered_event *delivered,
                          const struct rind_tenant_log_event *event)
{
    char when[RIND_TENANT_LOG_TIME_SIZE];
    rind_tenant_log_time(delivered->publish_unix_s, delivered->publish_nanos, when);
    json_t *json = json_object();
    int failures = json_object_set_new(json, "id", text_json(delivered->id));
    failures += json_object_set_new(json, "ack", text_json(delivered->ack_id));
    failures += json_object_set_new(json, "when", json_string(when));
    failures += json_object_set_new(json, "user_id", text_json(event->user));
    failures += json_object_set_new(json, "event", text_json(event->event));
    if (event->has_num_guesses) {
        failures += json_object_set_new(json, "num_guesses", json_integer(event->num_guesses));
    }
    if (event->has_guess_count) {
        failures += json_object_set_new(json, "guess_count", json_integer(event->guess_count));
    }
    if (failures != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* Compact JSON and a newline. */
static rind_status json_write_line(struct rind_ctx *ctx, const json_t *root,
                                   struct rind_slice *line)
{
    struct rind_slice text;
    RIND_TRY(rind_json_write(ctx, root, &text));
    uint8_t *bytes = rind_ctx_alloc(ctx, text.length + 1);
    if (bytes == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    memcpy(bytes, text.data, text.length);
    bytes[text.length] = '\n';
    *line = rind_slice_make(bytes, text.length + 1);
    return RIND_OK;
}

/* Adds what can be shown; the rest is somebody's mistake that must not hide other events. */
static void page_fill(struct rind_ctx *ctx, const struct rind_delivered_event *events, size_t count,
                      const struct rind_log *log, json_t *list)
{
    for (size_t i = 0; i < count; i++) {
        struct rind_tenant_log_event event;
        rind_status status = rind_tenant_log_event_read(ctx, events[i].data, &event);
        if (rind_is_ok(status) &&
            json_array_append_new(list, event_json(&events[i], &event)) != 0) {
            status = rind_fail(ctx, RIND_E_DECODE, "a text in it is not UTF-8");
        }
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(log, "event %.*s is left out: %s", (int)events[i].id.length,
                          events[i].id.length > 0 ? (const char *)events[i].id.data : "",
                          ctx->sentence);
        }
    }
}

rind_status rind_tenant_log_page_write(struct rind_ctx *ctx,
                                       const struct rind_delivered_event *events, size_t count,
                                       const struct rind_log *log, size_t *shown,
                                       struct rind_slice *json)
{
    json_t *list = json_array();
    page_fill(ctx, events, count, log, list);
    *shown = json_array_size(list);
    json_t *root = json_pack("{s:o}", "events", list);
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "out of memory for a page of events");
    rind_status status = json_write_line(ctx, root, json);
    json_decref(root);
    return status;
}

rind_status rind_tenant_log_message_write(struct rind_ctx *ctx, const char *text,
                                          struct rind_slice *json)
{
    json_t *root = json_pack("{s:s}", "message", text);
    RIND_REQUIRE(ctx, root != NULL, RIND_E_LIMIT, "out of memory for a message");
    rind_status status = json_write_line(ctx, root, json);
    json_decref(root);
    return status;
}
