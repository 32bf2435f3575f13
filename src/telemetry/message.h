/*
 * message.h - spans as the OpenTelemetry protocol has them. For this room.
 */
#ifndef RIND_TELEMETRY_MESSAGE_H
#define RIND_TELEMETRY_MESSAGE_H

#include "proto/otlp.pb-c.h"
#include "telemetry/settings.h"

/* A span in the queue: what was recorded, and when it ended by the wall clock. */
struct rind_finished_span {
    uint64_t end_unix_ns;
    struct rind_span span;
};

/* Who made the spans that name no other service. Borrowed texts. */
struct rind_trace_resource {
    const char *service;
    const char *instance;                          /* NULL: none */
    const struct rind_trace_attribute *attributes; /* win over the two above */
    size_t attribute_count;
};

/* The request that exports `spans`; all of it lies in ctx->arena or borrows from `spans`. */
rind_status rind_trace_message(struct rind_ctx *ctx, const struct rind_trace_resource *resource,
                               const struct rind_finished_span *spans, size_t count,
                               Otlp__ExportRequest *request) RIND_MUST_USE;

#endif
