/* exporter.c - see exporter.h. */
#include "telemetry/exporter.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/cloud.h"
#include "telemetry/message.h"
#include "telemetry/settings.h"

#define EXPORTER_METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
/* A collector is near; and the end of a process waits for a connection being made. */
#define EXPORTER_CONNECT_MS_MAX 1000u
#define EXPORTER_COMPLAINT_MS 60000u /* between complaints about one and the same collector */
#define EXPORTER_ARENA_SIZE_BYTES (64u << 20) /* of address space; a batch takes 1 KiB a span */
#define EXPORTER_ARENA_KEPT_BYTES (64u << 10)
#define EXPORTER_SERVICE_SIZE 64u

struct rind_exporter {
    struct rind_tracer tracer;
    struct rind_trace_settings settings;
    char service[EXPORTER_SERVICE_SIZE];
    char instance[RIND_SPAN_TEXT_SIZE];
    struct rind_trace_resource resource;
    struct rind_log log;
    struct rind_metrics *metrics;
    struct rind_thread thread;
    atomic_uint_fast64_t sent;
    atomic_uint_fast64_t dropped;

    struct rind_mutex lock; /* guards what follows, up to the thread's own */
    struct rind_cond wanted;
    struct rind_cond ended;
    struct rind_finished_span *queue; /* a ring of settings.queue_max */
    size_t first;
    size_t count;
    uint64_t overflowed; /* dropped since the thread last looked */
    bool is_closing;
    bool is_over; /* the thread sends nothing more */
    struct rind_deadline close_deadline;
    struct rind_channel *channel; /* set by the thread; NULL: not connected */

    /* the thread's own: */
    struct rind_arena *arena;
    struct rind_finished_span *batch; /* settings.batch_max */
    struct rind_deadline complain_at;
    bool is_failing;
    uint64_t lost; /* since the last complaint */
};

/* ---- recording: any thread ---- */

static void exporter_emit(void *self, const struct rind_span *span)
{
    struct rind_exporter *exporter = self;
    size_t size = offsetof(struct rind_span, attributes) +
                  span->attribute_count * sizeof(span->attributes[0]);
    uint64_t age_ns = rind_clock_monotonic_ns() - span->end_ns;
    uint64_t end_unix_ns = rind_clock_unix_ns() - age_ns;
    rind_mutex_lock(&exporter->lock);
    bool is_full = exporter->count == exporter->settings.queue_max;
    if (is_full) {
        exporter->overflowed++;
    } else {
        struct rind_finished_span *place =
            &exporter->queue[(exporter->first + exporter->count) % exporter->settings.queue_max];
        place->end_unix_ns = end_unix_ns;
        memcpy(&place->span, span, size);
        exporter->count++;
        if (exporter->count == 1 || exporter->count == exporter->settings.batch_max) {
            rind_cond_signal(&exporter->wanted);
        }
    }
    rind_mutex_unlock(&exporter->lock);
    if (is_full) {
        (void)atomic_fetch_add_explicit(&exporter->dropped, 1, memory_order_relaxed);
    }
}

/* ---- the thread ---- */

static void exporter_count(struct rind_exporter *exporter, const char *name, const char *reason,
                           uint64_t count)
{
    const struct rind_tag tag = {"reason", reason};
    if (count > 0) {
        rind_metrics_count(exporter->metrics, name, (int64_t)count, &tag, reason != NULL ? 1 : 0);
    }
}

/* Waits for a batch. False at the end. */
static bool exporter_take(struct rind_exporter *exporter, size_t *count)
{
    rind_mutex_lock(&exporter->lock);
    while (exporter->count == 0 && !exporter->is_closing) {
        (void)rind_cond_wait(&exporter->wanted, &exporter->lock, rind_deadline_never());
    }
    struct rind_deadline deadline = rind_deadline_in_ns(exporter->settings.delay_ns);
    bool is_waiting = true;
    while (is_waiting && exporter->count < exporter->settings.batch_max && !exporter->is_closing) {
        is_waiting = rind_cond_wait(&exporter->wanted, &exporter->lock, deadline);
    }
    bool is_going_on = !exporter->is_closing || exporter->count > 0;
    *count = exporter->count < exporter->settings.batch_max ? exporter->count
                                                            : exporter->settings.batch_max;
    for (size_t i = 0; i < *count; i++) {
        exporter->batch[i] = exporter->queue[(exporter->first + i) % exporter->settings.queue_max];
    }
    exporter->first = (exporter->first + *count) % exporter->settings.queue_max;
    exporter->count -= *count;
    uint64_t overflowed = exporter->overflowed;
    exporter->overflowed = 0;
    rind_mutex_unlock(&exporter->lock);
    exporter->lost += overflowed;
    exporter_count(exporter, "traces.spans.dropped", "queue_full", overflowed);
    return is_going_on;
}

/* Until when the batch may take. */
static struct rind_deadline exporter_deadline(struct rind_exporter *exporter)
{
    struct rind_deadline deadline = rind_deadline_in_ns(exporter->settings.timeout_ns);
    rind_mutex_lock(&exporter->lock);
    if (exporter->is_closing) {
        deadline = rind_deadline_min(deadline, exporter->close_deadline);
    }
    rind_mutex_unlock(&exporter->lock);
    return deadline;
}

static rind_status exporter_connect(struct rind_ctx *ctx, struct rind_exporter *exporter,
                                    struct rind_deadline deadline)
{
    uint64_t left_ns = rind_deadline_remaining_ns(deadline);
    uint64_t limit_ns = EXPORTER_CONNECT_MS_MAX * RIND_NS_PER_MS;
    RIND_REQUIRE(ctx, left_ns > 0, RIND_E_TIMEOUT, "no time left");
    const struct rind_google_flags flags = {
        .timeout_ns = exporter->settings.timeout_ns,
        .connect_timeout_ns = left_ns < limit_ns ? left_ns : limit_ns,
        /* Never: collectors hang up on clients that ask for signs of life between their calls. */
        .keepalive_interval_ns = UINT64_MAX,
    };
    struct rind_channel_options options;
    rind_channel_options_init(&options, "the trace collector", NULL, &exporter->settings.endpoint,
                              &flags);
    if (options.security == RIND_CHANNEL_GOOGLE) {
        options.security = RIND_CHANNEL_TLS; /* traces are sent without credentials */
    }
    options.remedy = "OTEL_EXPORTER_OTLP_ENDPOINT";
    struct rind_channel *channel;
    RIND_TRY(rind_channel_open(ctx, &options, &channel));
    rind_mutex_lock(&exporter->lock);
    exporter->channel = channel;
    rind_mutex_unlock(&exporter->lock);
    return RIND_OK;
}

/* `*rejected`: spans of a sent batch that the collector would not have. */
static rind_status exporter_send(struct rind_ctx *ctx, struct rind_exporter *exporter, size_t count,
                                 uint64_t *rejected)
{
    struct rind_deadline deadline = exporter_deadline(exporter);
    Otlp__ExportRequest request;
    ProtobufCMessage *response = NULL;
    *rejected = 0;
    if (exporter->channel == NULL) {
        RIND_TRY(exporter_connect(ctx, exporter, deadline));
    }
    RIND_TRY(rind_trace_message(ctx, &exporter->resource, exporter->batch, count, &request));
    const struct rind_grpc_call call = {.method = EXPORTER_METHOD,
                                        .resource = "spans",
                                        .request = &request.base,
                                        .response = &otlp__export_response__descriptor};
    RIND_TRY(rind_channel_call(ctx, exporter->channel, &call, deadline, &response));
    const Otlp__PartialSuccess *partial = ((const Otlp__ExportResponse *)response)->partial_success;
    if (partial != NULL && partial->rejected_spans > 0) {
        uint64_t said = (uint64_t)partial->rejected_spans;
        *rejected = said < count ? said : count;
        (void)snprintf(ctx->sentence, sizeof(ctx->sentence), "the collector refused %llu spans",
                       (unsigned long long)*rejected);
    }
    return RIND_OK;
}

/* What was lost, at most once a minute; and that it is over. */
static void exporter_complain(struct rind_exporter *exporter, const char *sentence)
{
    if (exporter->lost > 0 && rind_deadline_has_expired(exporter->complain_at)) {
        RIND_LOG_WARN(&exporter->log, "%llu spans of traces were dropped: %s",
                      (unsigned long long)exporter->lost,
                      sentence[0] != '\0'
                          ? sentence
                          : "the queue was full; see OTEL_BSP_MAX_QUEUE_SIZE, or trace less");
        exporter->lost = 0;
        exporter->complain_at = rind_deadline_in_ms(EXPORTER_COMPLAINT_MS);
    }
}

static void exporter_round(struct rind_ctx *ctx, struct rind_exporter *exporter, size_t count)
{
    uint64_t rejected = 0;
    ctx->sentence[0] = '\0';
    rind_status status = exporter_send(ctx, exporter, count, &rejected);
    bool is_ok = rind_is_ok(status);
    uint64_t lost = is_ok ? rejected : count;
    (void)atomic_fetch_add_explicit(&exporter->sent, count - lost, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&exporter->dropped, lost, memory_order_relaxed);
    exporter_count(exporter, "traces.spans.exported", NULL, count - lost);
    exporter_count(exporter, "traces.spans.dropped", is_ok ? "refused" : "export_failed", lost);
    exporter->lost += lost;
    if (is_ok && exporter->is_failing) {
        RIND_LOG_INFO(&exporter->log, "the trace collector takes spans again");
        exporter->complain_at = rind_deadline_now();
    }
    exporter->is_failing = !is_ok;
    exporter_complain(exporter, ctx->sentence);
}

static void exporter_run(void *self)
{
    struct rind_exporter *exporter = self;
    struct rind_ctx ctx;
    size_t count = 0;
    rind_ctx_init(&ctx, exporter->arena);
    while (exporter_take(exporter, &count)) {
        if (count > 0) {
            exporter_round(&ctx, exporter, count);
        }
        rind_arena_map_reset(exporter->arena, EXPORTER_ARENA_KEPT_BYTES);
    }
    rind_mutex_lock(&exporter->lock);
    exporter->is_over = true;
    rind_cond_broadcast(&exporter->ended);
    rind_mutex_unlock(&exporter->lock);
}

/* ---- opening and closing ---- */

static void exporter_free(struct rind_exporter *exporter)
{
    rind_channel_close(exporter->channel);
    rind_arena_unmap(exporter->arena);
    rind_cond_fini(&exporter->wanted);
    rind_cond_fini(&exporter->ended);
    rind_mutex_fini(&exporter->lock);
    free(exporter->queue);
    free(exporter->batch);
    free(exporter);
}

static rind_status exporter_start(struct rind_ctx *ctx, struct rind_exporter *exporter,
                                  const struct rind_exporter_options *options)
{
    const struct rind_trace_settings *settings = &exporter->settings;
    (void)snprintf(exporter->service, sizeof(exporter->service), "%s", options->service);
    (void)snprintf(exporter->instance, sizeof(exporter->instance), "%s",
                   options->instance != NULL ? options->instance : "");
    exporter->resource = (struct rind_trace_resource){
        .service = exporter->service,
        .instance = options->instance != NULL ? exporter->instance : NULL,
        .attributes = settings->attributes,
        .attribute_count = settings->attribute_count,
    };
    exporter->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    exporter->metrics = options->metrics;
    exporter->complain_at = rind_deadline_now();
    exporter->queue = calloc(settings->queue_max, sizeof(*exporter->queue));
    exporter->batch = calloc(settings->batch_max, sizeof(*exporter->batch));
    RIND_REQUIRE(ctx, exporter->queue != NULL && exporter->batch != NULL, RIND_E_LIMIT,
                 "no memory for a queue of %zu spans; lower OTEL_BSP_MAX_QUEUE_SIZE",
                 settings->queue_max);
    RIND_TRY(rind_arena_map(ctx, EXPORTER_ARENA_SIZE_BYTES, &exporter->arena));
    RIND_TRY(rind_tracer_init(ctx, &exporter->tracer, exporter_emit, exporter));
    RIND_TRY(rind_thread_start(ctx, &exporter->thread, "traces", exporter_run, exporter));
    RIND_LOG_INFO(&exporter->log, "traces go to %s", settings->endpoint.text);
    return RIND_OK;
}

rind_status rind_exporter_open(struct rind_ctx *ctx, const struct rind_exporter_options *options,
                               struct rind_exporter **exporter)
{
    struct rind_exporter *made = calloc(1, sizeof(*made));
    *exporter = NULL;
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->wanted);
    rind_cond_init(&made->ended);
    rind_status status = rind_trace_settings_read(ctx, &made->settings);
    if (rind_is_ok(status) && made->settings.is_enabled) {
        status = exporter_start(ctx, made, options);
    }
    if (!rind_is_ok(status) || !made->settings.is_enabled) {
        exporter_free(made);
        return status;
    }
    *exporter = made;
    return RIND_OK;
}

struct rind_tracer *rind_exporter_tracer(struct rind_exporter *exporter)
{
    return exporter != NULL ? &exporter->tracer : NULL;
}

uint64_t rind_exporter_sent(const struct rind_exporter *exporter)
{
    return atomic_load_explicit(&exporter->sent, memory_order_relaxed);
}

uint64_t rind_exporter_dropped(const struct rind_exporter *exporter)
{
    return atomic_load_explicit(&exporter->dropped, memory_order_relaxed);
}

void rind_exporter_close(struct rind_exporter *exporter, struct rind_deadline deadline)
{
    if (exporter == NULL) {
        return;
    }
    rind_mutex_lock(&exporter->lock);
    exporter->is_closing = true;
    exporter->close_deadline = deadline;
    rind_cond_broadcast(&exporter->wanted);
    bool is_waiting = true;
    while (is_waiting && !exporter->is_over) {
        is_waiting = rind_cond_wait(&exporter->ended, &exporter->lock, deadline);
    }
    /* A batch sent before the deadline was known would go on until its own. */
    struct rind_channel *channel = exporter->is_over ? NULL : exporter->channel;
    rind_mutex_unlock(&exporter->lock);
    if (channel != NULL) {
        rind_channel_cancel(channel);
    }
    rind_thread_join(&exporter->thread);
    exporter_free(exporter);
}
