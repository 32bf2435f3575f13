/*
 * dispatch.c - rind_hsm_handle: from the bytes of a request to the bytes of its answer.
 *
 * Decode, find the handler in the table, run it, encode. Spec: 02 section 7.
 */
#include "hsm/handlers.h"
#include "hsm/hsm.h"
#include "hsm/response_size.h"
#include "hsm/state.h"

struct dispatch_row {
    rind_status (*handle)(struct rind_hsm_job *job);
    const struct rind_schema *response_schema;
};

static const struct dispatch_row dispatch_table[] = {
    [RIND_HSM_REQUEST_STATUS] = {rind_hsm_handle_status, &rind_hsm_status_response_schema},
    [RIND_HSM_REQUEST_NEW_REALM] = {rind_hsm_handle_new_realm, &rind_hsm_new_realm_response_schema},
    [RIND_HSM_REQUEST_JOIN_REALM] = {rind_hsm_handle_join_realm,
                                     &rind_hsm_join_realm_response_schema},
    [RIND_HSM_REQUEST_NEW_GROUP] = {rind_hsm_handle_new_group, &rind_hsm_new_group_response_schema},
    [RIND_HSM_REQUEST_JOIN_GROUP] = {rind_hsm_handle_join_group,
                                     &rind_hsm_join_group_response_schema},
    [RIND_HSM_REQUEST_BECOME_LEADER] = {rind_hsm_handle_become_leader,
                                        &rind_hsm_become_leader_response_schema},
    [RIND_HSM_REQUEST_STEP_DOWN] = {rind_hsm_handle_step_down, &rind_hsm_step_down_response_schema},
    [RIND_HSM_REQUEST_CAPTURE_JUMP] = {rind_hsm_handle_capture_jump,
                                       &rind_hsm_capture_jump_response_schema},
    [RIND_HSM_REQUEST_CAPTURE_NEXT] = {rind_hsm_handle_capture_next,
                                       &rind_hsm_capture_next_response_schema},
    [RIND_HSM_REQUEST_PERSIST_STATE] = {rind_hsm_handle_persist_state,
                                        &rind_hsm_persist_state_response_schema},
    [RIND_HSM_REQUEST_COMMIT] = {rind_hsm_handle_commit, &rind_hsm_commit_response_schema},
    [RIND_HSM_REQUEST_PREPARE_TRANSFER] = {rind_hsm_handle_prepare_transfer,
                                           &rind_hsm_prepare_transfer_response_schema},
    [RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER] =
        {rind_hsm_handle_cancel_prepared_transfer,
         &rind_hsm_cancel_prepared_transfer_response_schema},
    [RIND_HSM_REQUEST_TRANSFER_OUT] = {rind_hsm_handle_transfer_out,
                                       &rind_hsm_transfer_out_response_schema},
    [RIND_HSM_REQUEST_TRANSFER_STATEMENT] = {rind_hsm_handle_transfer_statement,
                                             &rind_hsm_transfer_statement_response_schema},
    [RIND_HSM_REQUEST_TRANSFER_IN] = {rind_hsm_handle_transfer_in,
                                      &rind_hsm_transfer_in_response_schema},
    [RIND_HSM_REQUEST_COMPLETE_TRANSFER] = {rind_hsm_handle_complete_transfer,
                                            &rind_hsm_complete_transfer_response_schema},
    [RIND_HSM_REQUEST_HANDSHAKE_REQUEST] = {rind_hsm_handle_handshake,
                                            &rind_hsm_handshake_response_schema},
    [RIND_HSM_REQUEST_APP_REQUEST] = {rind_hsm_handle_app, &rind_hsm_app_response_schema},
};

#define DISPATCH_METRICS_MAX 2u

/* Timings of one request, if the agent asked and there is a clock (spec 02 section 7.2). */
struct dispatch_metrics {
    bool is_recording;
    uint64_t start_ns;
    struct rind_hsm_metric items[DISPATCH_METRICS_MAX];
    size_t count;
};

static void dispatch_metrics_start(struct rind_hsm *hsm, enum rind_hsm_metrics asked,
                                   struct dispatch_metrics *metrics)
{
    *metrics = (struct dispatch_metrics){0};
    metrics->is_recording = hsm->config.has_metrics && asked == RIND_HSM_METRICS_RECORD &&
                            hsm->platform.clock_now_ns(hsm->platform.context, &metrics->start_ns);
}

/* Zero for a clock that went back, the largest value for more than 4.29 s. */
static uint32_t dispatch_nanos(uint64_t start_ns, uint64_t end_ns)
{
    if (end_ns <= start_ns) {
        return 0;
    }
    uint64_t nanos = end_ns - start_ns;
    return nanos > UINT32_MAX ? UINT32_MAX : (uint32_t)nanos;
}

static void dispatch_metrics_add(struct rind_hsm *hsm, struct dispatch_metrics *metrics,
                                 const char *name)
{
    uint64_t now_ns;
    if (!metrics->is_recording || !hsm->platform.clock_now_ns(hsm->platform.context, &now_ns)) {
        return;
    }
    RIND_ASSERT(metrics->count < DISPATCH_METRICS_MAX);
    metrics->items[metrics->count] = (struct rind_hsm_metric){
        .name = rind_slice_text(name),
        .nanos = dispatch_nanos(metrics->start_ns, now_ns),
    };
    metrics->count++;
}

/* Runs the request and encodes its answer. */
static rind_status dispatch_run(struct rind_hsm_job *job, enum rind_hsm_metrics asked,
                                struct rind_buffer *response)
{
    struct rind_hsm *hsm = job->hsm;
    const struct dispatch_row *row = &dispatch_table[job->request->kind];
    RIND_ASSERT(row->handle != NULL);
    struct dispatch_metrics metrics;
    dispatch_metrics_start(hsm, asked, &metrics);
    RIND_TRY(row->handle(job));
    if (job->app_metric != NULL) {
        dispatch_metrics_add(hsm, &metrics, job->app_metric);
    }
    dispatch_metrics_add(hsm, &metrics, rind_hsm_request_name(job->request->kind));

    struct rind_hsm_metric_list list = {.items = metrics.items, .count = metrics.count};
    return rind_hsm_response_encode(job->ctx, row->response_schema, &job->answer, &list, response);
}

static rind_status dispatch_decode(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                   struct rind_slice request,
                                   struct rind_hsm_request_envelope *envelope)
{
    RIND_REQUIRE(ctx, request.length <= RIND_HSM_REQUEST_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "request has %zu bytes, the limit is %u; send it in parts", request.length,
                 RIND_HSM_REQUEST_SIZE_BYTES_MAX);
    struct rind_ctx request_ctx;
    rind_ctx_init(&request_ctx, &hsm->request_arena);
    rind_status status =
        rind_wire_decode_strict(&request_ctx, &rind_hsm_request_envelope_schema, request, envelope);
    return rind_is_ok(status)
               ? RIND_OK
               : rind_fail(ctx, (enum rind_code)status.code, "%s", request_ctx.sentence);
}

static rind_status dispatch_handle(struct rind_ctx *ctx, struct rind_hsm *hsm,
                                   struct rind_slice request, struct rind_buffer *response)
{
    struct rind_hsm_request_envelope envelope;
    RIND_TRY(dispatch_decode(ctx, hsm, request, &envelope));

    struct rind_ctx work_ctx;
    rind_ctx_init(&work_ctx, &hsm->work_arena);
    struct rind_ctx secret_ctx;
    rind_ctx_init(&secret_ctx, &hsm->secret_arena);
    struct rind_hsm_job job = {
        .hsm = hsm, .ctx = &work_ctx, .secret_ctx = &secret_ctx, .request = &envelope.req};
    rind_status status = dispatch_run(&job, envelope.metrics, response);
    return rind_is_ok(status)
               ? RIND_OK
               : rind_fail(ctx, (enum rind_code)status.code, "%s", work_ctx.sentence);
}

rind_status rind_hsm_handle(struct rind_ctx *ctx, struct rind_hsm *hsm, struct rind_slice request,
                            struct rind_buffer *response)
{
    RIND_ASSERT(hsm != NULL);
    RIND_ASSERT(response->length == 0 &&
                response->capacity >= rind_hsm_response_size_bytes_max(&hsm->config));
    rind_status status = dispatch_handle(ctx, hsm, request, response);
    rind_arena_reset(&hsm->secret_arena);
    rind_arena_reset(&hsm->work_arena);
    rind_arena_reset(&hsm->request_arena);
    rind_wipe_stack(); /* the crypto libraries leave key blocks and intermediate values there */
    return status;
}
