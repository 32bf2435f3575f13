/*
 * trace.h - W3C Trace Context: what is passed on so that one request can be followed through
 * processes.
 *
 * Every process passes on what it is told, so that the spans of all join up (spec 05 section 5; W3C
 * Recommendation "Trace Context", 2021). Servers read the headers into rind_ctx.trace, and clients
 * put them into the calls made with that ctx. Headers are hostile; what is malformed counts as
 * missing. What is recorded, if anything: span.h. Thread-safe.
 */
#ifndef RIND_HOST_TRACE_H
#define RIND_HOST_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"

#define RIND_TRACEPARENT_SIZE 56u           /* "00-<32 hex>-<16 hex>-<2 hex>" and a NUL */
#define RIND_TRACESTATE_SIZE_BYTES_MAX 512u /* longer ones are not passed on */

struct rind_tracer; /* of span.h */

struct rind_trace {
    struct rind_tracer *tracer; /* records this trace in this process; NULL: nobody does */
    uint8_t trace_id[16];       /* not all zero */
    uint8_t span_id[8];         /* of the caller, or of our own span; not all zero */
    bool is_sampled;
    struct rind_slice state; /* of tracestate, verbatim; empty: none */
};

/*
 * Reads the values of both headers (`state` may be empty); `trace` borrows `state`. False if
 * `parent` is no valid traceparent. Versions above 00 are read as the W3C asks: by their first
 * fields.
 */
bool rind_trace_parse(struct rind_slice parent, struct rind_slice state, struct rind_trace *trace);

/* The value of traceparent, in version 00. */
void rind_trace_print(const struct rind_trace *trace, char text[static RIND_TRACEPARENT_SIZE]);

/* As OpenTelemetry's TraceIdRatioBased sampler: true for `rate` (0 to 1) of all trace ids, and the
 * same for all processes. */
bool rind_trace_is_drawn(const struct rind_trace *trace, double rate);

/*
 * The first server of a realm decides whether a request is traced, whatever its client says:
 * ctx->trace becomes a context with the client's ids, or new ones if there are none, and is sampled
 * with probability `rate` (0 to 1), decided by the trace id. Leaves ctx->trace NULL if its arena is
 * full.
 */
void rind_trace_sample(struct rind_ctx *ctx, double rate);

#endif
