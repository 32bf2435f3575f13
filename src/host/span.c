/* span.c - see span.h. */
#include "host/span.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/base.h"
#include "host/clock.h"

/* ---- ids ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): ids need only be distinct, not unguessable. */
static uint64_t tracer_mix(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + number * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return z != 0 ? z : 1; /* ids of all zero mean none */
}

static void tracer_make_span_id(struct rind_tracer *tracer, uint8_t span_id[static 8])
{
    uint64_t number = atomic_fetch_add_explicit(&tracer->ids, 1, memory_order_relaxed);
    rind_put_be64(span_id, tracer_mix(tracer->seeds[0], number));
}

static void tracer_make_trace_id(struct rind_tracer *tracer, uint8_t trace_id[static 16])
{
    uint64_t number = atomic_fetch_add_explicit(&tracer->ids, 1, memory_order_relaxed);
    rind_put_be64(trace_id, tracer_mix(tracer->seeds[1], number));
    rind_put_be64(trace_id + 8, tracer_mix(tracer->seeds[2], number));
}

rind_status rind_tracer_init(struct rind_ctx *ctx, struct rind_tracer *tracer,
                             void (*emit)(void *self, const struct rind_span *span), void *self)
{
    *tracer = (struct rind_tracer){.emit = emit, .self = self, .rate = RIND_TRACE_ROOT_RATE};
    RIND_REQUIRE(
        ctx, getrandom(tracer->seeds, sizeof(tracer->seeds), 0) == (ssize_t)sizeof(tracer->seeds),
        RIND_E_INTERNAL, "the system gives no random bytes for the ids of traces");
    return RIND_OK;
}

/* ---- names ---- */

/* Appends what fits; whatever would not print, or not be UTF-8, becomes '?'. */
static size_t span_copy(char *text, size_t length, size_t size, struct rind_slice from)
{
    for (size_t i = 0; i < from.length && length + 1 < size; i++) {
        uint8_t c = from.data[i];
        text[length++] = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    text[length] = '\0';
    return length;
}

/* All but the ids. */
static void span_init(struct rind_span *span, struct rind_tracer *tracer, enum rind_span_kind kind,
                      struct rind_slice name, struct rind_slice path)
{
    span->tracer = tracer;
    span->kind = kind;
    span->start_ns = rind_clock_monotonic_ns();
    span->end_ns = 0;
    span->error = NULL;
    span->service = NULL;
    span->attribute_count = 0;
    size_t length = span_copy(span->name, 0, sizeof(span->name), name);
    if (path.length > 0) {
        length = span_copy(span->name, length, sizeof(span->name), rind_slice_text(" "));
        (void)span_copy(span->name, length, sizeof(span->name), path);
    }
}

/* A child of `parent`, which is recorded. */
static void span_start(const struct rind_trace *parent, struct rind_span *span,
                       enum rind_span_kind kind, struct rind_slice name, struct rind_slice path)
{
    span_init(span, parent->tracer, kind, name, path);
    span->trace = *parent;
    span->has_parent = true;
    memcpy(span->parent_id, parent->span_id, sizeof(span->parent_id));
    tracer_make_span_id(parent->tracer, span->trace.span_id);
}

/* ---- around calls ---- */

void rind_span_enter(struct rind_ctx *ctx, struct rind_span *span, enum rind_span_kind kind,
                     const char *name, struct rind_slice path)
{
    span_start(ctx->trace, span, kind, rind_slice_text(name), path);
    span->outer = ctx->trace;
    span->is_entered = true;
    ctx->trace = &span->trace;
}

void rind_span_leave_entered(struct rind_ctx *ctx, struct rind_span *span)
{
    RIND_ASSERT(ctx->trace == &span->trace); /* spans of a ctx end in reverse order */
    ctx->trace = span->outer;
    span->is_entered = false;
}

void rind_span_emit(struct rind_span *span, const char *error, uint64_t end_ns)
{
    span->end_ns = end_ns != 0 ? end_ns : rind_clock_monotonic_ns();
    if (error != NULL) {
        span->error = error;
    }
    span->tracer->emit(span->tracer->self, span);
    span->tracer = NULL;
}

void rind_span_begin_round(struct rind_ctx *ctx, struct rind_span *span, struct rind_tracer *tracer,
                           const char *name, double rate)
{
    span->tracer = NULL;
    span->is_entered = false;
    if (tracer == NULL) {
        return;
    }
    span->trace = (struct rind_trace){.is_sampled = false};
    tracer_make_trace_id(tracer, span->trace.trace_id);
    tracer_make_span_id(tracer, span->trace.span_id);
    span->trace.is_sampled = rind_trace_is_drawn(&span->trace, rate);
    span->has_parent = false;
    span->outer = ctx->trace;
    span->is_entered = true;
    ctx->trace = &span->trace;
    if (span->trace.is_sampled) {
        span->trace.tracer = tracer;
        span_init(span, tracer, RIND_SPAN_INTERNAL, rind_slice_text(name),
                  rind_slice_make(NULL, 0));
    }
}

/* ---- after the fact ---- */

void rind_span_start_at(const struct rind_trace *parent, struct rind_span *span, const char *name,
                        uint64_t start_ns)
{
    span->tracer = NULL;
    span->is_entered = false;
    if (parent != NULL && parent->tracer != NULL) {
        span_start(parent, span, RIND_SPAN_INTERNAL, rind_slice_text(name),
                   rind_slice_make(NULL, 0));
        span->start_ns = start_ns;
    }
}

struct rind_trace rind_trace_keep(const struct rind_trace *trace)
{
    struct rind_trace kept = {.tracer = NULL};
    if (trace != NULL) {
        kept = *trace;
        kept.state = rind_slice_make(NULL, 0);
    }
    return kept;
}

/* ---- servers ---- */

struct rind_span *rind_span_new_request(struct rind_ctx *ctx, struct rind_tracer *tracer,
                                        struct rind_slice method, struct rind_slice path,
                                        uint64_t start_ns)
{
    const struct rind_trace *parent = ctx->trace;
    struct rind_trace *made = rind_ctx_alloc(ctx, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    *made = (struct rind_trace){.is_sampled = false};
    if (parent != NULL) {
        *made = *parent;
    } else {
        tracer_make_trace_id(tracer, made->trace_id);
        tracer_make_span_id(tracer, made->span_id);
    }
    if (parent == NULL || tracer->is_parent_ignored) {
        made->is_sampled = rind_trace_is_drawn(made, tracer->rate);
    }
    ctx->trace = made;
    struct rind_span *span = made->is_sampled ? malloc(sizeof(*span)) : NULL;
    if (span == NULL) {
        return NULL;
    }
    span_init(span, tracer, RIND_SPAN_SERVER, method, path);
    span->is_entered = false;
    span->start_ns = start_ns != 0 ? start_ns : span->start_ns;
    span->has_parent = parent != NULL;
    if (parent != NULL) {
        memcpy(span->parent_id, parent->span_id, sizeof(span->parent_id));
    }
    tracer_make_span_id(tracer, made->span_id);
    made->tracer = tracer;
    span->trace = rind_trace_keep(made); /* the handler's may be gone before the answer */
    return span;
}

void rind_span_answer_take(struct rind_span *span, unsigned http_status)
{
    if (span == NULL) {
        return;
    }
    rind_span_set_number(span, "http.response.status_code", (int64_t)http_status);
    rind_span_emit(span, http_status == 0 || http_status >= 500 ? "http status" : NULL, 0);
    free(span);
}

/* ---- attributes ---- */

static struct rind_span_attribute *span_attribute(struct rind_span *span, const char *key)
{
    if (span->tracer == NULL || span->attribute_count >= RIND_SPAN_ATTRIBUTES_MAX) {
        return NULL;
    }
    struct rind_span_attribute *attribute = &span->attributes[span->attribute_count++];
    attribute->key = key;
    attribute->is_text = false;
    return attribute;
}

void rind_span_set_number(struct rind_span *span, const char *key, int64_t number)
{
    struct rind_span_attribute *attribute = span_attribute(span, key);
    if (attribute != NULL) {
        attribute->number = number;
    }
}

void rind_span_set_text(struct rind_span *span, const char *key, struct rind_slice text)
{
    struct rind_span_attribute *attribute = span_attribute(span, key);
    if (attribute != NULL) {
        attribute->is_text = true;
        (void)span_copy(attribute->text, 0, sizeof(attribute->text), text);
    }
}

void rind_span_set_hex(struct rind_span *span, const char *key, struct rind_slice bytes)
{
    struct rind_span_attribute *attribute = span_attribute(span, key);
    if (attribute != NULL) {
        size_t length = bytes.length < (RIND_SPAN_TEXT_SIZE - 1) / 2
                            ? bytes.length
                            : (RIND_SPAN_TEXT_SIZE - 1) / 2;
        attribute->is_text = true;
        rind_hex_encode(rind_slice_make(bytes.data, length), attribute->text);
    }
}
