/* hsm_link.c - see hsm_link.h. */
#include "agent/hsm_link.h"

#include <stdio.h>

/* A turn must come before callers of the agent give up (30 s). */
#define HSM_LINK_STATUS_TURN_MS 20000u
#define HSM_LINK_METRIC_NAME_SIZE 64u

void rind_hsm_link_init(struct rind_hsm_link *link, const struct rind_hsm_transport *transport,
                        struct rind_metrics *metrics)
{
    *link = (struct rind_hsm_link){.transport = *transport, .metrics = metrics};
    rind_hsm_gate_init(&link->gate, RIND_HSM_IN_FLIGHT_MAX_DEFAULT);
}

void rind_hsm_link_fini(struct rind_hsm_link *link)
{
    rind_hsm_gate_fini(&link->gate);
}

static void link_emit_metrics(struct rind_hsm_link *link, const char *request_name,
                              const struct rind_hsm_metric_list *metrics)
{
    if (link->metrics == NULL) {
        return;
    }
    char quoted[HSM_LINK_METRIC_NAME_SIZE]; /* dashboards know the quoted form, 05 section 7.2 */
    (void)snprintf(quoted, sizeof(quoted), "\"%s\"", request_name);
    struct rind_tag tag = {"req_name", quoted};
    for (size_t i = 0; i < metrics->count; i++) {
        const struct rind_hsm_metric *metric = &metrics->items[i];
        char name[HSM_LINK_METRIC_NAME_SIZE];
        int length = (int)(metric->name.length < 40 ? metric->name.length : 40);
        (void)snprintf(name, sizeof(name), "hsm.%.*s", length, (const char *)metric->name.data);
        rind_metrics_timing_ns(link->metrics, name, metric->nanos, &tag, 1);
    }
}

/*
 * The HSM's own span, which we record for it: the process that holds the realm's keys shall not
 * link what it takes to export traces, and other HSMs could not. The longest of the times it tells
 * is that of the whole request; between sending and receiving is all we know of when.
 */
static void link_report_hsm(struct rind_ctx *ctx, const struct rind_hsm_metric_list *metrics,
                            uint64_t start_ns, uint64_t end_ns)
{
    if (ctx->trace == NULL || ctx->trace->tracer == NULL || metrics->count == 0) {
        return;
    }
    uint64_t duration_ns = 0;
    for (size_t i = 0; i < metrics->count; i++) {
        duration_ns = metrics->items[i].nanos > duration_ns ? metrics->items[i].nanos : duration_ns;
    }
    uint64_t most_ns = end_ns - start_ns;
    duration_ns = duration_ns < most_ns ? duration_ns : most_ns;
    uint64_t began_ns = start_ns + (most_ns - duration_ns) / 2;
    struct rind_span span;
    rind_span_start_at(ctx->trace, &span, "POST /req", began_ns);
    span.kind = RIND_SPAN_SERVER;
    span.service = "software-hsm";
    rind_span_set_text(&span, "rind.hsm.operation", metrics->items[0].name);
    rind_span_finish_at(&span, NULL, began_ns + duration_ns);
}

static rind_status link_exchange(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                 enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                                 const char *request_name, struct rind_slice request,
                                 const struct rind_schema *schema, void *response)
{
    struct rind_span span;
    rind_span_begin(ctx, &span, "wait for the HSM");
    rind_status turn = rind_hsm_gate_enter(ctx, &link->gate, urgency, deadline);
    rind_span_end(ctx, &span, turn);
    if (!rind_is_ok(turn)) {
        return rind_fail_while(ctx, rind_status_make(RIND_E_UNAVAILABLE), "HSM request %s",
                               request_name);
    }
    struct rind_slice reply;
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status sent = link->transport.send(link->transport.self, ctx, request, &reply);
    uint64_t end_ns = rind_clock_monotonic_ns();
    rind_hsm_gate_leave(&link->gate);
    if (!rind_is_ok(sent)) {
        return rind_fail_while(ctx, sent, "HSM request %s", request_name);
    }
    struct rind_hsm_metric_list metrics = {0};
    rind_status decoded = rind_hsm_response_decode(ctx, schema, reply, response, &metrics);
    if (!rind_is_ok(decoded)) {
        return rind_fail_while(ctx, rind_status_make(RIND_E_UNKNOWN_OUTCOME),
                               "the HSM's reply to %s", request_name);
    }
    link_emit_metrics(link, request_name, &metrics);
    link_report_hsm(ctx, &metrics, start_ns, end_ns);
    return RIND_OK;
}

/* The same in a span of its own. */
static rind_status link_exchange_traced(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                        enum rind_hsm_urgency urgency,
                                        struct rind_deadline deadline, const char *request_name,
                                        struct rind_slice request, const struct rind_schema *schema,
                                        void *response)
{
    struct rind_span span;
    rind_span_begin(ctx, &span, "HSM request");
    rind_span_set_text(&span, "rind.hsm.request", rind_slice_text(request_name));
    rind_status status =
        link_exchange(link, ctx, urgency, deadline, request_name, request, schema, response);
    rind_span_end(ctx, &span, status);
    return status;
}

rind_status rind_hsm_link_call(struct rind_hsm_link *link, struct rind_ctx *ctx,
                               enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                               const struct rind_hsm_request *request,
                               const struct rind_schema *schema, void *response)
{
    struct rind_hsm_request_envelope envelope = {*request, RIND_HSM_METRICS_RECORD};
    struct rind_slice encoded;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_hsm_request_envelope_schema, &envelope, &encoded));
    return link_exchange_traced(link, ctx, urgency, deadline, rind_hsm_request_name(request->kind),
                                encoded, schema, response);
}

rind_status rind_hsm_link_call_spliced(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                       enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                                       const struct rind_spliced_request *request,
                                       const struct rind_schema *schema, void *response)
{
    struct rind_spliced_request_envelope envelope = {*request, RIND_HSM_METRICS_RECORD};
    struct rind_slice encoded;
    RIND_TRY(
        rind_wire_encode_alloc(ctx, &rind_spliced_request_envelope_schema, &envelope, &encoded));
    enum rind_hsm_request_kind kind = request->kind == RIND_SPLICED_REQUEST_APP_REQUEST
                                          ? RIND_HSM_REQUEST_APP_REQUEST
                                          : RIND_HSM_REQUEST_CAPTURE_NEXT;
    return link_exchange_traced(link, ctx, urgency, deadline, rind_hsm_request_name(kind), encoded,
                                schema, response);
}

rind_status rind_hsm_link_status(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                 struct rind_hsm_status_response *response)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_STATUS};
    return rind_hsm_link_call(link, ctx, RIND_HSM_URGENCY_STATUS,
                              rind_deadline_in_ms(HSM_LINK_STATUS_TURN_MS), &request,
                              &rind_hsm_status_response_schema, response);
}
