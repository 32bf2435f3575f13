/* settings.c - see settings.h. */
#include "telemetry/settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base.h"

#define SETTINGS_ENDPOINT_DEFAULT "http://localhost:4317"
#define SETTINGS_TIMEOUT_MS_DEFAULT 10000u
#define SETTINGS_EXPORT_TIMEOUT_MS_DEFAULT 30000u
#define SETTINGS_DELAY_MS_DEFAULT 2500u
#define SETTINGS_QUEUE_DEFAULT 2048u
#define SETTINGS_BATCH_DEFAULT 450u

/* NULL if the variable is unset or empty. */
static const char *settings_get(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* The one for traces, or else the one for all signals; `*name` is the one that was found. */
static const char *settings_get_otlp(const char *traces, const char *all, const char **name)
{
    *name = settings_get(traces) != NULL ? traces : all;
    return settings_get(*name);
}

static rind_status settings_number(struct rind_ctx *ctx, const char *name, uint64_t min,
                                   uint64_t max, const char *unit, uint64_t *value)
{
    const char *text = settings_get(name);
    if (text == NULL) {
        return RIND_OK;
    }
    uint64_t number = 0;
    rind_status status = rind_u64_parse(ctx, rind_slice_text(text), &number);
    RIND_REQUIRE(ctx, rind_is_ok(status) && number >= min && number <= max, RIND_E_INVALID,
                 "%s must be a number of %s from %llu to %llu, not \"%.100s\"", name, unit,
                 (unsigned long long)min, (unsigned long long)max, text);
    *value = number;
    return RIND_OK;
}

/* ---- whether, and where to ---- */

static rind_status settings_read_switch(struct rind_ctx *ctx, bool *is_enabled)
{
    const char *name;
    const char *disabled = settings_get("OTEL_SDK_DISABLED");
    const char *exporter = settings_get("OTEL_TRACES_EXPORTER");
    *is_enabled = false;
    if (disabled != NULL && strcasecmp(disabled, "true") == 0) {
        return RIND_OK;
    }
    RIND_REQUIRE(ctx, disabled == NULL || strcasecmp(disabled, "false") == 0, RIND_E_INVALID,
                 "OTEL_SDK_DISABLED must be true or false, not \"%.100s\"", disabled);
    if (exporter == NULL) {
        *is_enabled = settings_get_otlp("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                                        "OTEL_EXPORTER_OTLP_ENDPOINT", &name) != NULL;
        return RIND_OK;
    }
    *is_enabled = strcmp(exporter, "otlp") == 0;
    RIND_REQUIRE(ctx, *is_enabled || strcmp(exporter, "none") == 0, RIND_E_INVALID,
                 "OTEL_TRACES_EXPORTER must be otlp or none, not \"%.100s\"; a collector passes "
                 "traces on to what speaks other protocols",
                 exporter);
    return RIND_OK;
}

/* What would change where or how spans are sent must not be overlooked in silence. */
static rind_status settings_refuse_others(struct rind_ctx *ctx)
{
    static const char *const names[] = {
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        RIND_REQUIRE(ctx, settings_get(names[i]) == NULL, RIND_E_INVALID,
                     "%s is not supported: unset it, and send to a collector beside this process, "
                     "which knows how to reach others",
                     names[i]);
    }
    const char *name;
    const char *protocol = settings_get_otlp("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                                             "OTEL_EXPORTER_OTLP_PROTOCOL", &name);
    RIND_REQUIRE(ctx, protocol == NULL || strcmp(protocol, "grpc") == 0, RIND_E_INVALID,
                 "%s must be grpc, not \"%.100s\"; collectors listen for it on port 4317", name,
                 protocol);
    return RIND_OK;
}

static rind_status settings_read_endpoint(struct rind_ctx *ctx,
                                          struct rind_trace_settings *settings)
{
    const char *name;
    const char *text = settings_get_otlp("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                                         "OTEL_EXPORTER_OTLP_ENDPOINT", &name);
    rind_status status = rind_url_parse(
        ctx, rind_slice_text(text != NULL ? text : SETTINGS_ENDPOINT_DEFAULT), &settings->endpoint);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "%s must be like " SETTINGS_ENDPOINT_DEFAULT, name);
    }
    return RIND_OK;
}

static rind_status settings_read_numbers(struct rind_ctx *ctx, struct rind_trace_settings *settings)
{
    const char *name;
    uint64_t timeout_ms = SETTINGS_TIMEOUT_MS_DEFAULT;
    uint64_t export_timeout_ms = SETTINGS_EXPORT_TIMEOUT_MS_DEFAULT;
    uint64_t delay_ms = SETTINGS_DELAY_MS_DEFAULT;
    uint64_t queue = SETTINGS_QUEUE_DEFAULT;
    uint64_t batch = SETTINGS_BATCH_DEFAULT;
    (void)settings_get_otlp("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT",
                            &name);
    RIND_TRY(settings_number(ctx, name, 1, RIND_TRACE_WAIT_MS_MAX, "milliseconds", &timeout_ms));
    RIND_TRY(settings_number(ctx, "OTEL_BSP_EXPORT_TIMEOUT", 1, RIND_TRACE_WAIT_MS_MAX,
                             "milliseconds", &export_timeout_ms));
    RIND_TRY(settings_number(ctx, "OTEL_BSP_SCHEDULE_DELAY", 1, RIND_TRACE_WAIT_MS_MAX,
                             "milliseconds", &delay_ms));
    RIND_TRY(
        settings_number(ctx, "OTEL_BSP_MAX_QUEUE_SIZE", 1, RIND_TRACE_QUEUE_MAX, "spans", &queue));
    batch = batch < queue ? batch : queue;
    RIND_TRY(settings_number(ctx, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1, RIND_TRACE_BATCH_MAX,
                             "spans", &batch));
    RIND_REQUIRE(ctx, batch <= queue, RIND_E_INVALID,
                 "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is %llu, which must not exceed the %llu of "
                 "OTEL_BSP_MAX_QUEUE_SIZE",
                 (unsigned long long)batch, (unsigned long long)queue);
    settings->timeout_ns =
        (timeout_ms < export_timeout_ms ? timeout_ms : export_timeout_ms) * RIND_NS_PER_MS;
    settings->delay_ns = delay_ms * RIND_NS_PER_MS;
    settings->queue_max = (size_t)queue;
    settings->batch_max = (size_t)batch;
    return RIND_OK;
}

/* ---- the resource ---- */

/* Percent-decoded (W3C Baggage), without blanks around; false if it cannot be, or does not fit. */
static bool settings_decode(struct rind_trace_settings *settings, struct rind_slice text,
                            const char **decoded)
{
    while (text.length > 0 && text.data[0] == ' ') {
        text = rind_slice_make(text.data + 1, text.length - 1);
    }
    while (text.length > 0 && text.data[text.length - 1] == ' ') {
        text.length--;
    }
    char *out = settings->texts + settings->texts_size;
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            if (text.length - i < 3 ||
                !rind_hex_decode(rind_slice_make(text.data + i + 1, 2), &c, 1)) {
                return false;
            }
            i += 2;
        }
        /* Protobuf's texts are UTF-8; plain ASCII is, and is what such values are made of. */
        if (c < 0x20 || c > 0x7e || settings->texts_size + length + 1 >= sizeof(settings->texts)) {
            return false;
        }
        out[length++] = (char)c;
    }
    out[length] = '\0';
    settings->texts_size += length + 1;
    *decoded = out;
    return true;
}

/* A later value of the same key wins. */
static bool settings_put(struct rind_trace_settings *settings, const char *key, const char *value)
{
    size_t at = 0;
    while (at < settings->attribute_count && strcmp(settings->attributes[at].key, key) != 0) {
        at++;
    }
    if (at == RIND_TRACE_ATTRIBUTES_MAX) {
        return false;
    }
    settings->attributes[at] = (struct rind_trace_attribute){key, value};
    settings->attribute_count += at == settings->attribute_count ? 1 : 0;
    return true;
}

static rind_status settings_read_pair(struct rind_ctx *ctx, struct rind_trace_settings *settings,
                                      const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    const char *key;
    const char *value;
    size_t key_length = equals != NULL ? (size_t)(equals - text) : 0;
    bool is_good =
        key_length > 0 && settings_decode(settings, rind_slice_make(text, key_length), &key) &&
        key[0] != '\0' &&
        settings_decode(settings, rind_slice_make(equals + 1, length - key_length - 1), &value) &&
        settings_put(settings, key, value);
    RIND_REQUIRE(ctx, is_good, RIND_E_INVALID,
                 "OTEL_RESOURCE_ATTRIBUTES must be at most %u pairs such as key=value, separated "
                 "by commas, in printable ASCII (anything else as %%2C), of %u characters in all; "
                 "this one is not: \"%.*s\"",
                 RIND_TRACE_ATTRIBUTES_MAX, RIND_TRACE_ATTRIBUTES_SIZE_MAX,
                 (int)(length < 100 ? length : 100), text);
    return RIND_OK;
}

static rind_status settings_read_resource(struct rind_ctx *ctx,
                                          struct rind_trace_settings *settings)
{
    const char *text = settings_get("OTEL_RESOURCE_ATTRIBUTES");
    while (text != NULL && text[0] != '\0') {
        size_t length = strcspn(text, ",");
        RIND_TRY(settings_read_pair(ctx, settings, text, length));
        text += length + (text[length] == ',' ? 1 : 0);
    }
    const char *name = settings_get("OTEL_SERVICE_NAME");
    const char *copy;
    RIND_REQUIRE(ctx,
                 name == NULL || (settings_decode(settings, rind_slice_text(name), &copy) &&
                                  settings_put(settings, "service.name", copy)),
                 RIND_E_INVALID,
                 "OTEL_SERVICE_NAME must be some printable ASCII, with %%25 for a percent sign");
    return RIND_OK;
}

rind_status rind_trace_settings_read(struct rind_ctx *ctx, struct rind_trace_settings *settings)
{
    *settings = (struct rind_trace_settings){.is_enabled = false};
    bool is_enabled = false;
    RIND_TRY(settings_read_switch(ctx, &is_enabled));
    if (!is_enabled) {
        return RIND_OK;
    }
    RIND_TRY(settings_refuse_others(ctx));
    RIND_TRY(settings_read_endpoint(ctx, settings));
    RIND_TRY(settings_read_numbers(ctx, settings));
    RIND_TRY(settings_read_resource(ctx, settings));
    settings->is_enabled = true;
    return RIND_OK;
}
