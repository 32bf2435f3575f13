/* client.c - calls and fans of calls; see client.h. Connections: client_pool.c, client_exchange.c.
 */
#include "net/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "host/span.h"
#include "net/client_exchange.h"
#include "net/client_pool.h"

struct rind_client_options rind_client_options_default(void)
{
    return (struct rind_client_options){
        .user_agent = "juicebox_networking/0.3.2",
        .peers_max = 4096,
        .connections_per_peer_max = 256,
        .idle_per_peer_max = 64,
        .idle_ns_max = 20 * RIND_NS_PER_S,
        .connect_timeout_ns = 5 * RIND_NS_PER_S,
        .answer_size_bytes_max = 16u * 1024u * 1024u,
    };
}

/* Emits reqwest.client.time (spec 05 section 7.4). */
static void client_measure(struct rind_client *client, const struct rind_call *call,
                           uint64_t start_ns, rind_status status, unsigned http_status)
{
    struct rind_metrics *metrics = rind_client_pool_options(client)->metrics;
    if (metrics == NULL) {
        return;
    }
    char code[16];
    const char *error = "request";
    if (rind_is(status, RIND_E_TIMEOUT)) {
        error = "timeout";
    } else if (rind_is(status, RIND_E_NETWORK)) {
        error = "connect";
    } else if (rind_is(status, RIND_E_DECODE) || rind_is(status, RIND_E_LIMIT)) {
        error = "body";
    }
    (void)snprintf(code, sizeof(code), "%u", http_status);
    struct rind_tag tags[] = {
        {"method", call->method != NULL ? call->method : "post"},
        {"url", call->url->text},
        rind_is_ok(status) ? (struct rind_tag){"status_code", code}
                           : (struct rind_tag){"err", error},
    };
    rind_metrics_timing_ns(metrics, "reqwest.client.time", rind_clock_monotonic_ns() - start_ns,
                           tags, sizeof(tags) / sizeof(tags[0]));
}

/* Drives one exchange to its end. */
static rind_status client_run(struct rind_ctx *ctx, struct rind_client_exchange *exchange)
{
    if (exchange->state == RIND_CLIENT_SENDING) {
        rind_client_exchange_step(ctx, exchange, true); /* a kept socket has room, as a rule */
    }
    while (!rind_client_exchange_is_over(exchange)) {
        struct pollfd ready = {.fd = rind_client_exchange_fd(exchange),
                               .events = rind_client_exchange_events(exchange)};
        int count = poll(&ready, 1, rind_deadline_poll_ms(rind_client_exchange_deadline(exchange)));
        RIND_ASSERT(count >= 0 || errno == EINTR);
        rind_client_exchange_step(ctx, exchange, count > 0);
    }
    return rind_client_exchange_status(exchange);
}

static void client_begin_span(struct rind_ctx *ctx, struct rind_span *span,
                              const struct rind_call *call)
{
    rind_span_begin_call(ctx, span, call->method != NULL ? call->method : "POST",
                         rind_url_path(call->url));
    if (span->tracer != NULL) {
        rind_span_set_text(span, "server.address", rind_slice_text(call->url->host));
        rind_span_set_number(span, "server.port", call->url->port);
    }
}

static void client_finish_span(struct rind_span *span, rind_status status, unsigned http_status)
{
    if (span->tracer != NULL && rind_is_ok(status)) {
        rind_span_set_number(span, "http.response.status_code", (int64_t)http_status);
        status = http_status >= 400 ? rind_status_make(RIND_E_HTTP_STATUS) : status;
    }
    rind_span_finish(span, status);
}

static rind_status client_call(struct rind_ctx *ctx, struct rind_client *client,
                               const struct rind_call *call, struct rind_answer *answer)
{
    struct rind_client_exchange exchange;
    RIND_TRY(rind_client_exchange_open(ctx, &exchange, client, call, call->deadline));
    rind_status status = client_run(ctx, &exchange);
    if (rind_is_ok(status)) {
        *answer = rind_client_exchange_answer(&exchange);
    }
    rind_client_exchange_close(&exchange);
    return status;
}

rind_status rind_client_call(struct rind_ctx *ctx, struct rind_client *client,
                             const struct rind_call *call, struct rind_answer *answer)
{
    RIND_ASSERT(ctx != NULL && ctx->arena != NULL);
    uint64_t start_ns = rind_clock_monotonic_ns();
    struct rind_answer made = {.status = 0};
    struct rind_span span;
    client_begin_span(ctx, &span, call);
    rind_status status = client_call(ctx, client, call, &made);
    rind_span_leave(ctx, &span);
    client_finish_span(&span, status, made.status);
    client_measure(client, call, start_ns, status, made.status);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, "calling %.200s", call->url->text);
    }
    *answer = made;
    return RIND_OK;
}

rind_status rind_client_post(struct rind_ctx *ctx, struct rind_client *client,
                             const struct rind_url *base, const char *path, struct rind_slice body,
                             struct rind_deadline deadline, struct rind_answer *answer)
{
    struct rind_url url;
    RIND_TRY(rind_url_join(ctx, base, path, &url));
    struct rind_call call = {.url = &url, .body = body, .deadline = deadline};
    return rind_client_call(ctx, client, &call, answer);
}

struct fan_call {
    struct rind_client_exchange exchange;
    bool is_open; /* the exchange must be closed */
    bool is_reported;
    rind_status status; /* of opening it */
    char sentence[RIND_SENTENCE_SIZE_MAX];
    uint64_t start_ns;
    struct rind_span span;
};

struct rind_fan {
    struct rind_client *client;
    const struct rind_call *calls;
    size_t count;
    size_t reported;
    size_t next; /* where to look first, so that no call is starved */
    struct pollfd *ready;
    struct fan_call entries[];
};

static void fan_keep_sentence(struct fan_call *entry, const struct rind_ctx *ctx,
                              const struct rind_call *call)
{
    (void)snprintf(entry->sentence, sizeof(entry->sentence), "calling %.150s: %.300s",
                   call->url->text, ctx->sentence);
}

rind_status rind_fan_open(struct rind_ctx *ctx, struct rind_client *client,
                          const struct rind_call *calls, size_t count, struct rind_fan **fan)
{
    RIND_ASSERT(ctx != NULL && ctx->arena != NULL);
    RIND_REQUIRE(ctx, count <= RIND_CLIENT_FAN_CALLS_MAX, RIND_E_LIMIT,
                 "%zu calls at once are more than %u; make them in portions", count,
                 RIND_CLIENT_FAN_CALLS_MAX);
    struct rind_fan *made = calloc(1, sizeof(*made) + count * sizeof(made->entries[0]));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for %zu calls", count);
    made->ready = calloc(count + 1, sizeof(made->ready[0]));
    if (made->ready == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for %zu calls", count);
    }
    made->client = client;
    made->calls = calls;
    made->count = count;
    for (size_t i = 0; i < count; i++) {
        struct fan_call *entry = &made->entries[i];
        entry->start_ns = rind_clock_monotonic_ns();
        client_begin_span(ctx, &entry->span, &calls[i]);
        /* No wait for a free connection: that would hold up the other calls. */
        entry->status = rind_client_exchange_open(ctx, &entry->exchange, client, &calls[i],
                                                  rind_deadline_now());
        rind_span_leave(ctx, &entry->span);
        entry->is_open = rind_is_ok(entry->status);
        if (!entry->is_open) {
            fan_keep_sentence(entry, ctx, &calls[i]);
        }
    }
    *fan = made;
    return RIND_OK;
}

/* Reports a call that is over; true if there was one. */
static bool fan_report(struct rind_fan *fan, struct rind_fan_result *result)
{
    for (size_t n = 0; n < fan->count; n++) {
        size_t i = (fan->next + n) % fan->count;
        struct fan_call *entry = &fan->entries[i];
        if (entry->is_reported ||
            (entry->is_open && !rind_client_exchange_is_over(&entry->exchange))) {
            continue;
        }
        *result = (struct rind_fan_result){
            .index = i,
            .status =
                entry->is_open ? rind_client_exchange_status(&entry->exchange) : entry->status,
            .sentence = entry->sentence,
        };
        if (rind_is_ok(result->status)) {
            result->answer = rind_client_exchange_answer(&entry->exchange);
        }
        if (entry->is_open) {
            rind_client_exchange_close(&entry->exchange);
            entry->is_open = false;
        }
        client_measure(fan->client, &fan->calls[i], entry->start_ns, result->status,
                       result->answer.status);
        client_finish_span(&entry->span, result->status, result->answer.status);
        entry->is_reported = true;
        fan->reported++;
        fan->next = i + 1;
        return true;
    }
    return false;
}

/* Waits until something moves or the deadline, and lets it move. */
static void fan_step(struct rind_ctx *ctx, struct rind_fan *fan, struct rind_deadline deadline)
{
    nfds_t open_count = 0;
    for (size_t i = 0; i < fan->count; i++) {
        struct fan_call *entry = &fan->entries[i];
        if (entry->is_open) {
            fan->ready[open_count].fd = rind_client_exchange_fd(&entry->exchange);
            fan->ready[open_count].events = rind_client_exchange_events(&entry->exchange);
            fan->ready[open_count++].revents = 0;
            deadline = rind_deadline_min(deadline, rind_client_exchange_deadline(&entry->exchange));
        }
    }
    int count = poll(fan->ready, open_count, rind_deadline_poll_ms(deadline));
    RIND_ASSERT(count >= 0 || errno == EINTR);
    nfds_t at = 0;
    for (size_t i = 0; i < fan->count; i++) {
        struct fan_call *entry = &fan->entries[i];
        if (entry->is_open) {
            bool is_ready = count > 0 && fan->ready[at].revents != 0;
            at++;
            rind_client_exchange_step(ctx, &entry->exchange, is_ready);
            if (rind_client_exchange_is_over(&entry->exchange)) {
                fan_keep_sentence(entry, ctx, &fan->calls[i]);
            }
        }
    }
}

bool rind_fan_next(struct rind_ctx *ctx, struct rind_fan *fan, struct rind_deadline deadline,
                   struct rind_fan_result *result)
{
    /* One step even without time, so that asking often gets on like waiting does. */
    bool is_over = false;
    while (fan->reported < fan->count) {
        if (fan_report(fan, result)) {
            return true;
        }
        if (is_over) {
            return false;
        }
        is_over = rind_deadline_has_expired(deadline);
        fan_step(ctx, fan, deadline);
    }
    return false;
}

void rind_fan_close(struct rind_fan *fan)
{
    if (fan == NULL) {
        return;
    }
    for (size_t i = 0; i < fan->count; i++) {
        if (fan->entries[i].is_open) {
            rind_client_exchange_close(&fan->entries[i].exchange);
            rind_span_finish(&fan->entries[i].span, rind_status_make(RIND_E_CANCELLED));
        }
    }
    free(fan->ready);
    free(fan);
}
