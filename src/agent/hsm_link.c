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

static rind_status link_exchange(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                 enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                                 const char *request_name, struct rind_slice request,
                                 const struct rind_schema *schema, void *response)
{
    rind_status turn = rind_hsm_gate_enter(ctx, &link->gate, urgency, deadline);
    if (!rind_is_ok(turn)) {
        return rind_fail_while(ctx, rind_status_make(RIND_E_UNAVAILABLE), "HSM request %s",
                               request_name);
    }
    struct rind_slice reply;
    rind_status sent = link->transport.send(link->transport.self, ctx, request, &reply);
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
    return RIND_OK;
}

rind_status rind_hsm_link_call(struct rind_hsm_link *link, struct rind_ctx *ctx,
                               enum rind_hsm_urgency urgency, struct rind_deadline deadline,
                               const struct rind_hsm_request *request,
                               const struct rind_schema *schema, void *response)
{
    struct rind_hsm_request_envelope envelope = {*request, RIND_HSM_METRICS_RECORD};
    struct rind_slice encoded;
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_hsm_request_envelope_schema, &envelope, &encoded));
    return link_exchange(link, ctx, urgency, deadline, rind_hsm_request_name(request->kind),
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
    return link_exchange(link, ctx, urgency, deadline, rind_hsm_request_name(kind), encoded, schema,
                         response);
}

rind_status rind_hsm_link_status(struct rind_hsm_link *link, struct rind_ctx *ctx,
                                 struct rind_hsm_status_response *response)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_STATUS};
    return rind_hsm_link_call(link, ctx, RIND_HSM_URGENCY_STATUS,
                              rind_deadline_in_ms(HSM_LINK_STATUS_TURN_MS), &request,
                              &rind_hsm_status_response_schema, response);
}
