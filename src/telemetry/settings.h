/*
 * settings.h - OpenTelemetry's environment variables, as far as they mean something here.
 *
 * Without any of them nothing is exported. Reads the environment once; no state.
 */
#ifndef RIND_TELEMETRY_SETTINGS_H
#define RIND_TELEMETRY_SETTINGS_H

#include "host/host.h"

/* limits */
#define RIND_TRACE_QUEUE_MAX 65536u
#define RIND_TRACE_BATCH_MAX 2048u
#define RIND_TRACE_WAIT_MS_MAX 600000u /* of any of the variables that are times */
#define RIND_TRACE_ATTRIBUTES_MAX 32u  /* of the resource */
#define RIND_TRACE_ATTRIBUTES_SIZE_MAX 2048u

struct rind_trace_attribute {
    const char *key; /* in rind_trace_settings.texts */
    const char *value;
};

struct rind_trace_settings {
    bool is_enabled; /* false: nothing else is set */
    struct rind_url endpoint;
    uint64_t timeout_ns; /* of one export, connecting included */
    uint64_t delay_ns;   /* after a span, until it is sent in any case */
    size_t queue_max;    /* spans */
    size_t batch_max;    /* spans */
    struct rind_trace_attribute attributes[RIND_TRACE_ATTRIBUTES_MAX]; /* of OTEL_* */
    size_t attribute_count;
    char texts[RIND_TRACE_ATTRIBUTES_SIZE_MAX];
    size_t texts_size;
};

/*
 * Reads (05 section 5; an empty variable counts as unset):
 *   OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER            whether: docs/operations.md
 *   OTEL_EXPORTER_OTLP_TRACES_*, OTEL_EXPORTER_OTLP_*  ENDPOINT, PROTOCOL, TIMEOUT
 *   OTEL_BSP_*                                         SCHEDULE_DELAY, EXPORT_TIMEOUT,
 *                                                      MAX_QUEUE_SIZE, MAX_EXPORT_BATCH_SIZE
 *   OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME        which win over the process's own
 * RIND_E_INVALID with the variable and the remedy if one cannot be; even those are not looked at
 * where tracing is off. `settings` must not move afterwards.
 */
rind_status rind_trace_settings_read(struct rind_ctx *ctx,
                                     struct rind_trace_settings *settings) RIND_MUST_USE;

#endif
