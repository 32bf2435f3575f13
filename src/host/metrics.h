/*
 * metrics.h - counters, gauges, distributions and timings, sent to any number of sinks.
 *
 * Spec 05 section 7. A NULL struct rind_metrics is allowed everywhere and does nothing. Names and
 * tags are cleaned as section 7.2 says before a sink sees them. Failures to deliver are never the
 * caller's. Sinks: DogStatsD over UDP (here); others (Prometheus) add themselves with
 * rind_metrics_add_sink. Thread-safe: everything but add_sink and set-up.
 */
#ifndef RIND_HOST_METRICS_H
#define RIND_HOST_METRICS_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/status.h"
#include "host/address.h"
#include "host/log.h"

#define RIND_METRICS_SINKS_MAX 4u
#define RIND_METRICS_TAGS_MAX 16u       /* of one call plus the default ones; more are left out */
#define RIND_METRICS_TEXT_SIZE_MAX 256u /* a name, or a tag with its value; longer ones are cut */
#define RIND_METRICS_PACKET_SIZE_MAX 1432u /* one datagram without fragments */

struct rind_metrics; /* opaque */

struct rind_tag {
    const char *name;
    const char *value;
};

enum rind_metric_kind {
    RIND_METRIC_COUNT,
    RIND_METRIC_GAUGE,
    RIND_METRIC_DISTRIBUTION, /* timings too: nanoseconds under <name>.ns */
    RIND_METRIC_SET,
};

/* What a sink gets: everything cleaned, default tags added. Valid during the call only. */
struct rind_metric {
    enum rind_metric_kind kind;
    const char *name;
    const char *value_text; /* decimal */
    double value;
    const char *const *tags; /* "name:value" */
    size_t tag_count;
};

struct rind_metrics_sink {
    /* Must not block and must not fail; called from any thread. */
    void (*emit)(void *self, const struct rind_metric *metric);
    /* A whole DogStatsD line (service checks, events); NULL if of no use to the sink. */
    void (*emit_line)(void *self, struct rind_slice line);
    void (*close)(void *self); /* NULL: nothing to do */
    void *self;
    /* False while metrics would reach nobody, which spares making them; NULL: always true. */
    bool (*is_wanting)(void *self);
};

/* Metrics without a sink, with default tags (copied) such as service and version. */
rind_status rind_metrics_new(struct rind_ctx *ctx, const struct rind_tag *default_tags,
                             size_t tag_count, struct rind_metrics **metrics) RIND_MUST_USE;

/* Adds DD_ENV, DD_VERSION and DD_SERVICE of the environment as tags not given already (7.3). */
void rind_metrics_add_environment_tags(struct rind_metrics *metrics);

/* Before the first metric; at most RIND_METRICS_SINKS_MAX. */
void rind_metrics_add_sink(struct rind_metrics *metrics, const struct rind_metrics_sink *sink);

/*
 * DogStatsD datagrams to `address` (UDP, or a Unix socket), one per metric as specified: batching
 * them would delay what a dying process has to say. Where nobody listens, only one or two a second
 * are sent, to notice when somebody does. `log` is copied, for send errors.
 */
rind_status rind_metrics_add_dogstatsd(struct rind_ctx *ctx, struct rind_metrics *metrics,
                                       const struct rind_address *address,
                                       const struct rind_log *log) RIND_MUST_USE;

/* Closes the sinks and frees. NULL is allowed. */
void rind_metrics_close(struct rind_metrics *metrics);

void rind_metrics_count(struct rind_metrics *metrics, const char *name, int64_t delta,
                        const struct rind_tag *tags, size_t tag_count);
void rind_metrics_gauge(struct rind_metrics *metrics, const char *name, int64_t value,
                        const struct rind_tag *tags, size_t tag_count);
void rind_metrics_gauge_decimal(struct rind_metrics *metrics, const char *name, double value,
                                const struct rind_tag *tags, size_t tag_count);
void rind_metrics_distribution(struct rind_metrics *metrics, const char *name, uint64_t value,
                               const struct rind_tag *tags, size_t tag_count);
/* Sent as a distribution called <name>.ns. */
void rind_metrics_timing_ns(struct rind_metrics *metrics, const char *name, uint64_t duration_ns,
                            const struct rind_tag *tags, size_t tag_count);
void rind_metrics_set(struct rind_metrics *metrics, const char *name, const char *value,
                      const struct rind_tag *tags, size_t tag_count);

enum rind_service_state {
    RIND_SERVICE_OK = 0,
    RIND_SERVICE_WARNING = 1,
    RIND_SERVICE_CRITICAL = 2,
    RIND_SERVICE_UNKNOWN = 3,
};

/* `message` may be NULL. */
void rind_metrics_service_check(struct rind_metrics *metrics, const char *name,
                                enum rind_service_state state, const char *message,
                                const struct rind_tag *tags, size_t tag_count);
void rind_metrics_event(struct rind_metrics *metrics, const char *title, const char *text,
                        const struct rind_tag *tags, size_t tag_count);

/* The cleaning rules of 7.2, for tests and other sinks. Results are cut to `size`, NUL included. */
void rind_metrics_clean_name(const char *name, char *clean, size_t size);
void rind_metrics_clean_tag(const char *name, const char *value, char *clean, size_t size);
void rind_metrics_clean_message(const char *message, char *clean, size_t size);
void rind_metrics_clean_event_text(const char *text, char *clean, size_t size);

#endif
