/* line.c - see line.h. */
#include "cli/check/line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check/server_timing.h"

#define LINE_HEADERS_MAX 8u /* librind sends three; two are ours */

struct rind_check_line {
    struct rind_https *https;
    struct rind_stopper *stopper;
    struct rind_metrics *metrics;
    struct rind_log log;
};

/* ---- sending ---- */

/* One request on its way: librind's question whether it is still wanted, and ours. */
struct line_request {
    const struct rind_transport_request *original;
    struct rind_stopper *stopper;
};

static bool line_is_abandoned(const void *self)
{
    const struct line_request *sent = self;
    return (sent->stopper != NULL && rind_stopper_is_set(sent->stopper)) ||
           (sent->original->is_abandoned != NULL &&
            sent->original->is_abandoned(sent->original->abandon_self));
}

static void line_refuse(struct rind_transport_response *response, const char *reason)
{
    response->was_not_sent = true;
    (void)snprintf(response->reason, sizeof(response->reason), "%s", reason);
}

static void line_send(void *self, const struct rind_transport_request *request,
                      struct rind_transport_response *response)
{
    const struct rind_check_end *end = self;
    struct rind_transport_header headers[LINE_HEADERS_MAX];
    const struct line_request sent = {.original = request, .stopper = end->line->stopper};
    struct rind_transport_request bounded = *request;
    uint64_t left_ms = rind_deadline_remaining_ns(end->deadline) / RIND_NS_PER_MS;
    if (left_ms == 0) {
        line_refuse(response, "the round's time is over");
        return;
    }
    RIND_ASSERT(request->header_count + 2 <= LINE_HEADERS_MAX);
    memcpy(headers, request->headers, request->header_count * sizeof(headers[0]));
    headers[bounded.header_count++] = (struct rind_transport_header){"pragma", "server-timing"};
    headers[bounded.header_count++] =
        (struct rind_transport_header){"traceparent", end->traceparent};
    bounded.headers = headers;
    bounded.timeout_ms = left_ms < request->timeout_ms ? (uint32_t)left_ms : request->timeout_ms;
    bounded.is_abandoned = line_is_abandoned;
    bounded.abandon_self = &sent;
    struct rind_transport transport = rind_https_transport(end->line->https);
    transport.send(transport.self, &bounded, response);
}

struct rind_transport rind_check_end_transport(struct rind_check_end *end)
{
    return (struct rind_transport){.send = line_send, .self = end};
}

/* ---- measuring ---- */

/* Nanoseconds in the header x-exec-time; false if it is missing or no number. */
static bool line_exec_time_ns(const struct rind_https_exchange *exchange, uint64_t *exec_ns)
{
    const char *text = exchange->header(exchange, "x-exec-time", 0);
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9' || strlen(text) > 19) {
        return false;
    }
    *exec_ns = strtoull(text, &end, 10); /* 19 digits fit */
    return *end == '\0';
}

static void line_measure(const struct rind_check_line *line,
                         const struct rind_https_exchange *exchange, uint64_t exec_ns)
{
    char status[8];
    (void)snprintf(status, sizeof(status), "%u", exchange->status);
    const struct rind_tag tags[] = {{"url", exchange->url}, {"status_code", status}};
    /* A server whose clock runs fast leaves nothing to the network. */
    uint64_t network_ns = exchange->elapsed_ns > exec_ns ? exchange->elapsed_ns - exec_ns : 0;
    rind_metrics_timing_ns(line->metrics, "service_checker.http_send.network_latency", network_ns,
                           tags, 2);
    rind_metrics_timing_ns(line->metrics, "service_checker.http_send.server_exec_time", exec_ns,
                           tags, 2);
}

static void line_complain(const struct rind_check_line *line,
                          const struct rind_https_exchange *exchange, bool has_exec_time,
                          uint64_t exec_ns)
{
    char content_network[RIND_SERVER_TIMING_TEXT_SIZE];
    char exec_text[64] = "";
    uint64_t exec_ms = exec_ns / RIND_NS_PER_MS;
    uint64_t elapsed_ms = exchange->elapsed_ns / RIND_NS_PER_MS;
    if (!rind_log_is_enabled(&line->log, RIND_LOG_LEVEL_WARN)) {
        return;
    }
    if (has_exec_time) {
        (void)snprintf(exec_text, sizeof(exec_text), ", %" PRIu64 " ms of it in the server",
                       exec_ms);
    }
    rind_server_timing_describe(exchange, content_network);
    RIND_LOG_WARN(&line->log, "POST %s: HTTP status %u after %" PRIu64 " ms%s%s%s%s%s",
                  exchange->url, exchange->status, elapsed_ms, exec_text,
                  exchange->reason[0] != '\0' ? ": " : "", exchange->reason,
                  content_network[0] != '\0' ? "; " : "", content_network);
}

/* librind's transport calls this on the threads that wait for answers. */
static void line_observe(void *self, const struct rind_https_exchange *exchange)
{
    const struct rind_check_line *line = self;
    uint64_t exec_ns = 0;
    bool has_exec_time = line_exec_time_ns(exchange, &exec_ns);
    if (has_exec_time) {
        line_measure(line, exchange, exec_ns);
    }
    if (exchange->status != 200 || exchange->elapsed_ns > RIND_CHECK_SLOW_NS) {
        line_complain(line, exchange, has_exec_time, exec_ns);
    }
}

/* ---- opening ---- */

rind_status rind_check_line_open(struct rind_ctx *ctx,
                                 const struct rind_check_line_options *options,
                                 struct rind_check_line **line)
{
    char why[RIND_SENTENCE_SIZE];
    struct rind_check_line *opened = calloc(1, sizeof(*opened));
    RIND_REQUIRE(ctx, opened != NULL, RIND_E_LIMIT, "no memory for connections");
    *opened = (struct rind_check_line){
        .stopper = options->stopper, .metrics = options->metrics, .log = *options->log};
    const struct rind_https_options https = {.ca_file = options->ca_file,
                                             .is_plain_http_allowed = true,
                                             .observe = line_observe,
                                             .observe_self = opened};
    opened->https = rind_https_new(&https, why);
    if (opened->https == NULL) {
        free(opened);
        return rind_fail(ctx, RIND_E_INTERNAL, "%s", why);
    }
    *line = opened;
    return RIND_OK;
}

void rind_check_line_close(struct rind_check_line *line)
{
    if (line != NULL) {
        rind_https_free(line->https);
        free(line);
    }
}
