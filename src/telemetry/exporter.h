/*
 * exporter.h - sends finished spans to an OpenTelemetry collector, in batches, from its own thread.
 *
 * Recording copies a span into a queue of fixed size and never waits: if the queue is full, because
 * the collector is gone, slow or not up to the load, spans are dropped and counted (metric
 * traces.spans.dropped). The connection is made for the first batch, so a missing collector does
 * not stop a process from starting. Failures are logged at WARN, once a minute.
 */
#ifndef RIND_TELEMETRY_EXPORTER_H
#define RIND_TELEMETRY_EXPORTER_H

#include "host/host.h"

/* How long the end of a process may take for what is still in the queue. */
#define RIND_EXPORTER_FLUSH_MS 400u

struct rind_exporter; /* opaque, thread-safe */

struct rind_exporter_options {
    const char *service;          /* "software-agent": service.name */
    const char *instance;         /* the process's own name: service.instance.id; NULL: none */
    const struct rind_log *log;   /* copied; NULL: silence */
    struct rind_metrics *metrics; /* borrowed until close; NULL: none */
};

/*
 * Starts exporting if the environment asks for it (settings.h); if not, `*exporter` is NULL.
 * RIND_E_INVALID with variable and remedy if the environment says what cannot be.
 */
rind_status rind_exporter_open(struct rind_ctx *ctx, const struct rind_exporter_options *options,
                               struct rind_exporter **exporter) RIND_MUST_USE;

/* What records spans for this exporter, until close. NULL for NULL. Its rates may be set before it
 * is used. */
struct rind_tracer *rind_exporter_tracer(struct rind_exporter *exporter);

/* Spans sent and dropped so far, for tests. */
uint64_t rind_exporter_sent(const struct rind_exporter *exporter);
uint64_t rind_exporter_dropped(const struct rind_exporter *exporter);

/*
 * Sends what is in the queue until `deadline`, drops the rest, and frees; takes little longer than
 * that. Nobody may use the tracer any more. NULL is allowed.
 */
void rind_exporter_close(struct rind_exporter *exporter, struct rind_deadline deadline);

#endif
