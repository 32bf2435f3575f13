/*
 * span.h - spans: what one process did for one request, from when to when (spec 05 section 5).
 *
 * A tracer decides which requests are recorded and gives finished spans to a sink (telemetry/ has
 * the one that exports them). Servers open a span per request; whatever is called with the
 * request's ctx hangs its own spans below. Without a tracer, and for requests that are not sampled,
 * beginning and ending a span is a comparison each.
 *
 * A span holds names and numbers of the service: never secrets, tokens, tenants, users or record
 * ids (spec 05 section 14). Recording never blocks and never fails anybody. Thread-safe: a tracer;
 * a span belongs to whoever holds it.
 */
#ifndef RIND_HOST_SPAN_H
#define RIND_HOST_SPAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/status.h"
#include "host/trace.h"

#define RIND_SPAN_NAME_SIZE 64u     /* longer ones are cut */
#define RIND_SPAN_TEXT_SIZE 64u     /* of an attribute; longer ones are cut */
#define RIND_SPAN_ATTRIBUTES_MAX 6u /* further ones are left out */

#define RIND_TRACE_ROOT_RATE 0.1   /* requests that nobody decided about */
#define RIND_TRACE_LOOP_RATE 0.005 /* rounds of background loops */

enum rind_span_kind { RIND_SPAN_INTERNAL = 1, RIND_SPAN_SERVER = 2, RIND_SPAN_CLIENT = 3 };

struct rind_span_attribute {
    const char *key; /* static */
    bool is_text;
    int64_t number;
    char text[RIND_SPAN_TEXT_SIZE]; /* printable ASCII */
};

struct rind_span {
    struct rind_tracer *tracer; /* NULL: nothing is recorded, and what follows `trace` is not set */
    bool is_entered;            /* a ctx's trace is the one below, for the time of the span */
    const struct rind_trace *outer; /* what it was before */
    struct rind_trace trace;        /* of what happens within: its span_id is this span's */

    enum rind_span_kind kind;
    bool has_parent;
    uint8_t parent_id[8];
    uint64_t start_ns; /* monotonic */
    uint64_t end_ns;
    const char *error;              /* short name of what went wrong; NULL: nothing. Static */
    const char *service;            /* of another process that we report for; NULL: ours. Static */
    char name[RIND_SPAN_NAME_SIZE]; /* printable ASCII */
    size_t attribute_count;
    struct rind_span_attribute attributes[RIND_SPAN_ATTRIBUTES_MAX];
};

struct rind_tracer {
    /* Copies what it wants of a finished span; must not block and must not fail. */
    void (*emit)(void *self, const struct rind_span *span);
    void *self;
    double rate;              /* of requests to record, 0 to 1, decided by the trace id */
    bool is_parent_ignored;   /* `rate` decides about all, not only about those without a parent */
    uint64_t seeds[3];        /* of ids */
    atomic_uint_fast64_t ids; /* made so far */
};

/* Obeys parents, and records RIND_TRACE_ROOT_RATE of the rest. RIND_E_INTERNAL without entropy. */
rind_status rind_tracer_init(struct rind_ctx *ctx, struct rind_tracer *tracer,
                             void (*emit)(void *self, const struct rind_span *span),
                             void *self) RIND_MUST_USE;

/* ---- around calls ---- */

/* For the inline functions: as they say, once it is known that there is something to record. */
void rind_span_enter(struct rind_ctx *ctx, struct rind_span *span, enum rind_span_kind kind,
                     const char *name, struct rind_slice path);
void rind_span_leave_entered(struct rind_ctx *ctx, struct rind_span *span);
void rind_span_emit(struct rind_span *span, const char *error, uint64_t end_ns);

/* Begins a span of what is done with `ctx` until rind_span_end. `span` is any memory. */
static inline void rind_span_begin(struct rind_ctx *ctx, struct rind_span *span, const char *name)
{
    span->tracer = NULL;
    span->is_entered = false;
    if (ctx->trace != NULL && ctx->trace->tracer != NULL) {
        rind_span_enter(ctx, span, RIND_SPAN_INTERNAL, name, rind_slice_make(NULL, 0));
    }
}

/* The same for a call to another process; its name is "method path". */
static inline void rind_span_begin_call(struct rind_ctx *ctx, struct rind_span *span,
                                        const char *method, const char *path)
{
    span->tracer = NULL;
    span->is_entered = false;
    if (ctx->trace != NULL && ctx->trace->tracer != NULL) {
        rind_span_enter(ctx, span, RIND_SPAN_CLIENT, method, rind_slice_text(path));
    }
}

/*
 * Begins a round of a background loop, which is recorded with probability `rate`. If not, the calls
 * made with `ctx` say so, that nobody else records them. `tracer` may be NULL.
 */
void rind_span_begin_round(struct rind_ctx *ctx, struct rind_span *span, struct rind_tracer *tracer,
                           const char *name, double rate);

/* `ctx` is as before the span again; the span goes on, and may be finished by anybody. */
static inline void rind_span_leave(struct rind_ctx *ctx, struct rind_span *span)
{
    if (span->is_entered) {
        rind_span_leave_entered(ctx, span);
    }
}

/* The span ends now, and went well if `status` is OK. */
static inline void rind_span_finish(struct rind_span *span, rind_status status)
{
    if (span->tracer != NULL) {
        const char *error = rind_is_ok(status) ? NULL : rind_code_name((enum rind_code)status.code);
        rind_span_emit(span, error, 0);
    }
}

static inline void rind_span_end(struct rind_ctx *ctx, struct rind_span *span, rind_status status)
{
    rind_span_leave(ctx, span);
    rind_span_finish(span, status);
}

/* ---- after the fact ---- */

/* Starts a span below `parent` (NULL allowed) that began at `start_ns` of the monotonic clock. */
void rind_span_start_at(const struct rind_trace *parent, struct rind_span *span, const char *name,
                        uint64_t start_ns);
/* Ends it at `end_ns`; `error` may be NULL. */
static inline void rind_span_finish_at(struct rind_span *span, const char *error, uint64_t end_ns)
{
    if (span->tracer != NULL) {
        rind_span_emit(span, error, end_ns);
    }
}

/* `trace` to keep beyond its request: without what it borrows. NULL gives one of no trace. */
struct rind_trace rind_trace_keep(const struct rind_trace *trace);

/* ---- servers ---- */

/*
 * The span of a request received at `start_ns`, on the heap, or NULL if it is not recorded.
 * ctx->trace, what the client said or NULL, becomes what is to be passed on. Finish and free it
 * with rind_span_answer_take, from any thread.
 */
struct rind_span *rind_span_new_request(struct rind_ctx *ctx, struct rind_tracer *tracer,
                                        struct rind_slice method, struct rind_slice path,
                                        uint64_t start_ns);
/* `http_status` 0: there was no answer. NULL is allowed. */
void rind_span_answer_take(struct rind_span *span, unsigned http_status);

/* ---- attributes: nothing happens if the span is not recorded ---- */

void rind_span_set_number(struct rind_span *span, const char *key, int64_t number);
void rind_span_set_text(struct rind_span *span, const char *key, struct rind_slice text);
void rind_span_set_hex(struct rind_span *span, const char *key, struct rind_slice bytes);

#endif
