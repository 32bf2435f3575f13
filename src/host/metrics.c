/* metrics.c - metrics, tags and the DogStatsD sink; see metrics.h. Cleaning: metrics_clean.c. */
#include "host/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "host/clock.h"

struct rind_metrics {
    /* Written before the first metric, read-only afterwards: no lock. */
    struct rind_metrics_sink sinks[RIND_METRICS_SINKS_MAX];
    size_t sink_count;
    char default_tags[RIND_METRICS_TAGS_MAX][RIND_METRICS_TEXT_SIZE_MAX];
    size_t default_tag_count;
};

/* All tags of one metric, cleaned; on the stack of the caller. */
struct metrics_tags {
    char texts[RIND_METRICS_TAGS_MAX][RIND_METRICS_TEXT_SIZE_MAX];
    const char *pointers[RIND_METRICS_TAGS_MAX];
    size_t count;
};

static void metrics_tags_make(struct metrics_tags *tags, const struct rind_metrics *metrics,
                              const struct rind_tag *given, size_t given_count)
{
    tags->count = 0;
    for (size_t i = 0; i < given_count && tags->count < RIND_METRICS_TAGS_MAX; i++) {
        rind_metrics_clean_tag(given[i].name, given[i].value, tags->texts[tags->count],
                               RIND_METRICS_TEXT_SIZE_MAX);
        tags->pointers[tags->count] = tags->texts[tags->count];
        tags->count++;
    }
    for (size_t i = 0; i < metrics->default_tag_count && tags->count < RIND_METRICS_TAGS_MAX; i++) {
        tags->pointers[tags->count++] = metrics->default_tags[i];
    }
}

rind_status rind_metrics_new(struct rind_ctx *ctx, const struct rind_tag *default_tags,
                             size_t tag_count, struct rind_metrics **metrics)
{
    RIND_ASSERT(tag_count <= RIND_METRICS_TAGS_MAX);
    struct rind_metrics *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for metrics");
    for (size_t i = 0; i < tag_count; i++) {
        rind_metrics_clean_tag(default_tags[i].name, default_tags[i].value, made->default_tags[i],
                               RIND_METRICS_TEXT_SIZE_MAX);
    }
    made->default_tag_count = tag_count;
    *metrics = made;
    return RIND_OK;
}

void rind_metrics_add_environment_tags(struct rind_metrics *metrics)
{
    static const struct rind_tag variables[] = {
        {"service", "DD_SERVICE"}, {"env", "DD_ENV"}, {"version", "DD_VERSION"}};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i].value);
        bool is_given = value == NULL || value[0] == '\0';
        size_t name_length = strlen(variables[i].name);
        for (size_t j = 0; j < metrics->default_tag_count; j++) {
            const char *tag = metrics->default_tags[j];
            is_given = is_given || (strncmp(tag, variables[i].name, name_length) == 0 &&
                                    tag[name_length] == ':');
        }
        if (!is_given && metrics->default_tag_count < RIND_METRICS_TAGS_MAX) {
            rind_metrics_clean_tag(variables[i].name, value,
                                   metrics->default_tags[metrics->default_tag_count++],
                                   RIND_METRICS_TEXT_SIZE_MAX);
        }
    }
}

void rind_metrics_add_sink(struct rind_metrics *metrics, const struct rind_metrics_sink *sink)
{
    RIND_ASSERT(metrics->sink_count < RIND_METRICS_SINKS_MAX);
    RIND_ASSERT(sink->emit != NULL);
    metrics->sinks[metrics->sink_count++] = *sink;
}

void rind_metrics_close(struct rind_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (size_t i = 0; i < metrics->sink_count; i++) {
        if (metrics->sinks[i].close != NULL) {
            metrics->sinks[i].close(metrics->sinks[i].self);
        }
    }
    free(metrics);
}

/* Formatting and cleaning cost more than the work that most metrics are about. */
static bool metrics_are_wanted(const struct rind_metrics *metrics)
{
    for (size_t i = 0; metrics != NULL && i < metrics->sink_count; i++) {
        const struct rind_metrics_sink *sink = &metrics->sinks[i];
        if (sink->is_wanting == NULL || sink->is_wanting(sink->self)) {
            return true;
        }
    }
    return false;
}

static void metrics_emit(struct rind_metrics *metrics, enum rind_metric_kind kind, const char *name,
                         const char *suffix, const char *value_text, double value,
                         const struct rind_tag *given, size_t given_count)
{
    char whole[RIND_METRICS_TEXT_SIZE_MAX];
    char clean[RIND_METRICS_TEXT_SIZE_MAX];
    (void)snprintf(whole, sizeof(whole), "%s%s", name, suffix);
    rind_metrics_clean_name(whole, clean, sizeof(clean));
    struct metrics_tags tags;
    metrics_tags_make(&tags, metrics, given, given_count);
    struct rind_metric metric = {kind, clean, value_text, value, tags.pointers, tags.count};
    for (size_t i = 0; i < metrics->sink_count; i++) {
        metrics->sinks[i].emit(metrics->sinks[i].self, &metric);
    }
}

void rind_metrics_count(struct rind_metrics *metrics, const char *name, int64_t delta,
                        const struct rind_tag *tags, size_t tag_count)
{
    if (!metrics_are_wanted(metrics)) {
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)delta);
    metrics_emit(metrics, RIND_METRIC_COUNT, name, "", text, (double)delta, tags, tag_count);
}

void rind_metrics_gauge(struct rind_metrics *metrics, const char *name, int64_t value,
                        const struct rind_tag *tags, size_t tag_count)
{
    if (!metrics_are_wanted(metrics)) {
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    metrics_emit(metrics, RIND_METRIC_GAUGE, name, "", text, (double)value, tags, tag_count);
}

void rind_metrics_gauge_decimal(struct rind_metrics *metrics, const char *name, double value,
                                const struct rind_tag *tags, size_t tag_count)
{
    if (!isfinite(value) || !metrics_are_wanted(metrics)) {
        return; /* no collector can read it */
    }
    char text[340]; /* DBL_MAX written out */
    (void)snprintf(text, sizeof(text), "%.6f", value);
    metrics_emit(metrics, RIND_METRIC_GAUGE, name, "", text, value, tags, tag_count);
}

void rind_metrics_distribution(struct rind_metrics *metrics, const char *name, uint64_t value,
                               const struct rind_tag *tags, size_t tag_count)
{
    if (!metrics_are_wanted(metrics)) {
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    metrics_emit(metrics, RIND_METRIC_DISTRIBUTION, name, "", text, (double)value, tags, tag_count);
}

void rind_metrics_timing_ns(struct rind_metrics *metrics, const char *name, uint64_t duration_ns,
                            const struct rind_tag *tags, size_t tag_count)
{
    if (!metrics_are_wanted(metrics)) {
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)duration_ns);
    metrics_emit(metrics, RIND_METRIC_DISTRIBUTION, name, ".ns", text, (double)duration_ns, tags,
                 tag_count);
}

void rind_metrics_set(struct rind_metrics *metrics, const char *name, const char *value,
                      const struct rind_tag *tags, size_t tag_count)
{
    if (!metrics_are_wanted(metrics)) {
        return;
    }
    char clean[RIND_METRICS_TEXT_SIZE_MAX];
    rind_metrics_clean_message(value, clean, sizeof(clean));
    metrics_emit(metrics, RIND_METRIC_SET, name, "", clean, 0, tags, tag_count);
}

/* "|#a,b" unless there are no tags. */
static void metrics_append_tags(struct rind_buffer *buffer, const char *const *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rind_buffer_print(buffer, "%s%s", i == 0 ? "|#" : ",", tags[i]);
    }
}

static void metrics_emit_line(struct rind_metrics *metrics, struct rind_buffer *line)
{
    if (line->is_overflown) {
        return; /* more than a datagram: the texts were absurd */
    }
    for (size_t i = 0; i < metrics->sink_count; i++) {
        if (metrics->sinks[i].emit_line != NULL) {
            metrics->sinks[i].emit_line(metrics->sinks[i].self, rind_buffer_slice(line));
        }
    }
}

void rind_metrics_service_check(struct rind_metrics *metrics, const char *name,
                                enum rind_service_state state, const char *message,
                                const struct rind_tag *given, size_t tag_count)
{
    if (metrics == NULL) {
        return;
    }
    char clean[RIND_METRICS_TEXT_SIZE_MAX];
    char line[RIND_METRICS_PACKET_SIZE_MAX + 1];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, line, sizeof(line));
    rind_metrics_clean_name(name, clean, sizeof(clean));
    rind_buffer_print(&buffer, "_sc|%s|%d", clean, (int)state);
    if (message != NULL) {
        rind_metrics_clean_message(message, clean, sizeof(clean));
        rind_buffer_print(&buffer, "|m:%s", clean);
    }
    struct metrics_tags tags;
    metrics_tags_make(&tags, metrics, given, tag_count);
    metrics_append_tags(&buffer, tags.pointers, tags.count);
    metrics_emit_line(metrics, &buffer);
}

void rind_metrics_event(struct rind_metrics *metrics, const char *title, const char *text,
                        const struct rind_tag *given, size_t tag_count)
{
    if (metrics == NULL) {
        return;
    }
    char clean_title[RIND_METRICS_TEXT_SIZE_MAX];
    char clean_text[2 * RIND_METRICS_TEXT_SIZE_MAX];
    rind_metrics_clean_event_text(title, clean_title, sizeof(clean_title));
    rind_metrics_clean_event_text(text, clean_text, sizeof(clean_text));
    char line[RIND_METRICS_PACKET_SIZE_MAX + 1];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, line, sizeof(line));
    rind_buffer_print(&buffer, "_e{%zu,%zu}:%s|%s", strlen(clean_title), strlen(clean_text),
                      clean_title, clean_text);
    struct metrics_tags tags;
    metrics_tags_make(&tags, metrics, given, tag_count);
    metrics_append_tags(&buffer, tags.pointers, tags.count);
    metrics_emit_line(metrics, &buffer);
}

/* The DogStatsD sink: one datagram per metric, sent without waiting (spec 05 section 7.1). */
struct metrics_dogstatsd {
    int fd;
    struct rind_log log;
    atomic_uint_fast64_t quiet_until_ns; /* monotonic clock; nobody listened a moment ago */
};

/* How long a missing collector is left in peace. */
#define DOGSTATSD_QUIET_MS 1000u

static void dogstatsd_send(void *self, struct rind_slice line)
{
    struct metrics_dogstatsd *sink = self;
    ssize_t sent = send(sink->fd, line.data, line.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
        return;
    }
    /* ECONNREFUSED only says that nobody listens there: a missing collector is no event. */
    if (errno == ECONNREFUSED) {
        atomic_store(&sink->quiet_until_ns, rind_deadline_in_ms(DOGSTATSD_QUIET_MS).at_ns);
    } else {
        RIND_LOG_WARN(&sink->log, "could not send a metric: %s", strerror(errno));
    }
}

static bool dogstatsd_is_wanting(void *self)
{
    const struct metrics_dogstatsd *sink = self;
    return rind_clock_monotonic_ns() >= atomic_load(&sink->quiet_until_ns);
}

static void dogstatsd_emit(void *self, const struct rind_metric *metric)
{
    static const char letters[] = {'c', 'g', 'd', 's'};
    char line[RIND_METRICS_PACKET_SIZE_MAX + 1];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, line, sizeof(line));
    rind_buffer_print(&buffer, "%s:%s|%c", metric->name, metric->value_text, letters[metric->kind]);
    size_t without_tags = buffer.length;
    metrics_append_tags(&buffer, metric->tags, metric->tag_count);
    if (buffer.is_overflown) {
        buffer.length = without_tags; /* better a number without tags than none */
    }
    dogstatsd_send(self, rind_buffer_slice(&buffer));
}

static void dogstatsd_close(void *self)
{
    struct metrics_dogstatsd *sink = self;
    (void)close(sink->fd);
    free(sink);
}

rind_status rind_metrics_add_dogstatsd(struct rind_ctx *ctx, struct rind_metrics *metrics,
                                       const struct rind_address *address,
                                       const struct rind_log *log)
{
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_address_format(address, text);
    int fd = socket(address->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    RIND_REQUIRE(ctx, fd >= 0, RIND_E_NETWORK, "could not make a socket for metrics to %s: %s",
                 text, strerror(errno));
    struct metrics_dogstatsd *sink = NULL;
    if (connect(fd, (const struct sockaddr *)(const void *)&address->storage, address->length) ==
        0) {
        sink = calloc(1, sizeof(*sink));
    }
    if (sink == NULL) {
        int error = errno;
        (void)close(fd);
        return rind_fail(ctx, RIND_E_NETWORK, "could not send metrics to %s: %s", text,
                         strerror(error));
    }
    sink->fd = fd;
    sink->log = log != NULL ? *log : rind_log_make(NULL);
    struct rind_metrics_sink row = {dogstatsd_emit, dogstatsd_send, dogstatsd_close, sink,
                                    dogstatsd_is_wanting};
    rind_metrics_add_sink(metrics, &row);
    return RIND_OK;
}
