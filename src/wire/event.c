/* event.c - see event.h. */
#include "wire/event.h"

/* Writes `text` as a JSON string. Users are hex digits today; anything else is escaped. */
static void event_print_string(struct rind_buffer *out, struct rind_slice text)
{
    rind_buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\') {
            rind_buffer_append_byte(out, '\\');
            rind_buffer_append_byte(out, byte);
        } else if (byte < 0x20) {
            rind_buffer_print(out, "\\u%04x", byte);
        } else {
            rind_buffer_append_byte(out, byte);
        }
    }
    rind_buffer_append_byte(out, '"');
}

/* The part between braces before "user"; NULL if the result makes no event. */
static const char *event_name(const struct rind_app_result_type *result)
{
    switch (result->kind) {
    case RIND_APP_RESULT_REGISTER2:
        return "registered";
    case RIND_APP_RESULT_RECOVER2:
        return result->recover2.has_updated ? "guess_used" : NULL;
    case RIND_APP_RESULT_RECOVER3:
        return result->recover3.recovered ? "share_recovered" : NULL;
    case RIND_APP_RESULT_DELETE:
        return "deleted";
    case RIND_APP_RESULT_REGISTER1:
    case RIND_APP_RESULT_RECOVER1:
        return NULL;
    }
    return NULL;
}

rind_status rind_event_json(struct rind_ctx *ctx, const struct rind_app_result_type *result,
                            struct rind_slice user, bool *has_event, struct rind_slice *json)
{
    const char *name = event_name(result);
    *has_event = name != NULL;
    if (name == NULL) {
        return RIND_OK;
    }
    void *memory = rind_ctx_alloc(ctx, RIND_EVENT_JSON_SIZE_MAX);
    if (memory == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    struct rind_buffer out;
    rind_buffer_init(&out, memory, RIND_EVENT_JSON_SIZE_MAX);
    rind_buffer_print(&out, "{\"event\":\"%s\",", name);
    if (result->kind == RIND_APP_RESULT_RECOVER2) {
        rind_buffer_print(&out, "\"guess_count\":%u,\"num_guesses\":%u,",
                          result->recover2.updated.guess_count,
                          result->recover2.updated.num_guesses);
    }
    rind_buffer_print(&out, "\"user\":");
    event_print_string(&out, user);
    rind_buffer_append_byte(&out, '}');
    RIND_REQUIRE(ctx, !out.is_overflown, RIND_E_LIMIT, "an event's user name has %zu bytes",
                 user.length);
    *json = rind_buffer_slice(&out);
    return RIND_OK;
}
