/* collector.c - see collector.h. */
#include "collector.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <string.h>

#include "base/base.h"
#include "proto/otlp.pb-c.h"
#include "support/test.h"

#define COLLECTOR_PATIENCE_MS 60000u
#define COLLECTOR_METHOD "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

/* ---- decoding ---- */

static void print_attributes(Otlp__KeyValue **items, size_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const Otlp__AnyValue *value = items[i]->value;
        int length =
            value->value_case == OTLP__ANY_VALUE__VALUE_INT_VALUE
                ? snprintf(text + used, size - used, "%s=%lld;", items[i]->key,
                           (long long)value->int_value)
                : snprintf(text + used, size - used, "%s=%s;", items[i]->key, value->string_value);
        RIND_ASSERT(length > 0 && (size_t)length < size - used);
        used += (size_t)length;
    }
}

static void hex(ProtobufCBinaryData bytes, size_t size, char *text)
{
    RIND_ASSERT(bytes.len == size || bytes.len == 0);
    text[0] = '\0';
    if (bytes.len > 0) {
        rind_hex_encode(rind_slice_make(bytes.data, bytes.len), text);
    }
}

/* Lock held. */
static void keep_span(struct collector *collector, const Otlp__Resource *resource,
                      const Otlp__Span *span)
{
    if (collector->count == COLLECTOR_SPANS_MAX) {
        return;
    }
    struct collected_span *kept = &collector->spans[collector->count++];
    hex(span->trace_id, 16, kept->trace_id);
    hex(span->span_id, 8, kept->span_id);
    hex(span->parent_span_id, 8, kept->parent_id);
    (void)snprintf(kept->name, sizeof(kept->name), "%s", span->name);
    kept->kind = span->kind;
    kept->start_unix_ns = span->start_time_unix_nano;
    kept->end_unix_ns = span->end_time_unix_nano;
    kept->is_error = span->status != NULL && span->status->code == 2;
    print_attributes(resource->attributes, resource->n_attributes, kept->resource,
                     sizeof(kept->resource));
    print_attributes(span->attributes, span->n_attributes, kept->attributes,
                     sizeof(kept->attributes));
}

/* Lock held. */
static void keep_batch(struct collector *collector, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;
    RIND_ASSERT(grpc_byte_buffer_reader_init(&reader, message) != 0);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    Otlp__ExportRequest *request =
        otlp__export_request__unpack(NULL, GRPC_SLICE_LENGTH(bytes), GRPC_SLICE_START_PTR(bytes));
    grpc_slice_unref(bytes);
    RIND_ASSERT(request != NULL);
    size_t size = 0;
    for (size_t i = 0; i < request->n_resource_spans; i++) {
        const Otlp__ResourceSpans *one = request->resource_spans[i];
        for (size_t j = 0; j < one->n_scope_spans; j++) {
            for (size_t k = 0; k < one->scope_spans[j]->n_spans; k++) {
                keep_span(collector, one->resource, one->scope_spans[j]->spans[k]);
                size++;
            }
        }
    }
    collector->batch_max = size > collector->batch_max ? size : collector->batch_max;
    otlp__export_request__free_unpacked(request, NULL);
}

/* ---- serving: one call at a time ---- */

static void run(grpc_call *call, grpc_completion_queue *queue, const grpc_op *operations,
                size_t count)
{
    RIND_ASSERT(grpc_call_start_batch(call, operations, count, call, NULL) == GRPC_CALL_OK);
    grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    RIND_ASSERT(event.type == GRPC_OP_COMPLETE && event.tag == call);
}

static void answer(struct collector *collector, grpc_call *call, enum collector_mood mood)
{
    Otlp__ExportResponse response = OTLP__EXPORT_RESPONSE__INIT;
    Otlp__PartialSuccess partial = OTLP__PARTIAL_SUCCESS__INIT;
    uint8_t packed[64];
    int was_cancelled = 0;
    partial.rejected_spans = 1;
    response.partial_success = mood == COLLECTOR_REFUSES ? &partial : NULL;
    grpc_slice bytes = grpc_slice_from_copied_buffer(
        (const char *)packed, otlp__export_response__pack(&response, packed));
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_op operations[4] = {{.op = GRPC_OP_RECV_CLOSE_ON_SERVER},
                             {.op = GRPC_OP_SEND_INITIAL_METADATA},
                             {.op = GRPC_OP_SEND_STATUS_FROM_SERVER},
                             {.op = GRPC_OP_SEND_MESSAGE}};
    operations[0].data.recv_close_on_server.cancelled = &was_cancelled;
    operations[2].data.send_status_from_server.status =
        mood == COLLECTOR_FAILS ? GRPC_STATUS_UNAVAILABLE : GRPC_STATUS_OK;
    operations[3].data.send_message.send_message = message;
    size_t count = mood == COLLECTOR_HANGS ? 1 : mood == COLLECTOR_FAILS ? 3 : 4;
    run(call, collector->queue, operations, count);
    grpc_byte_buffer_destroy(message);
    grpc_slice_unref(bytes);
}

static void serve(struct collector *collector, grpc_call *call, grpc_slice method)
{
    grpc_byte_buffer *request = NULL;
    grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE};
    receive.data.recv_message.recv_message = &request;
    run(call, collector->queue, &receive, 1);
    RIND_ASSERT(grpc_slice_str_cmp(method, COLLECTOR_METHOD) == 0);
    rind_mutex_lock(&collector->mutex);
    enum collector_mood mood = request != NULL ? collector->mood : COLLECTOR_HANGS;
    collector->request_count++;
    if (mood == COLLECTOR_TAKES || mood == COLLECTOR_REFUSES) {
        keep_batch(collector, request);
    }
    rind_cond_broadcast(&collector->changed);
    rind_mutex_unlock(&collector->mutex);
    answer(collector, call, mood);
    if (request != NULL) {
        grpc_byte_buffer_destroy(request);
    }
}

static void collector_run(void *self)
{
    struct collector *collector = self;
    bool is_call = true;
    while (is_call) {
        grpc_call *call = NULL;
        grpc_call_details details;
        grpc_metadata_array headers;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&headers);
        RIND_ASSERT(grpc_server_request_call(collector->server, &call, &details, &headers,
                                             collector->queue, collector->queue,
                                             collector) == GRPC_CALL_OK);
        grpc_event event =
            grpc_completion_queue_next(collector->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        is_call = event.type == GRPC_OP_COMPLETE && event.success != 0;
        if (is_call) {
            serve(collector, call, details.method);
            grpc_call_unref(call);
        }
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&headers);
    }
}

/* ---- for tests ---- */

void collector_open(struct collector *collector)
{
    memset(collector, 0, sizeof(*collector));
    rind_mutex_init(&collector->mutex);
    rind_cond_init(&collector->changed);
    collector->spans = calloc(COLLECTOR_SPANS_MAX, sizeof(*collector->spans));
    assert_non_null(collector->spans);
    grpc_init();
    collector->server = grpc_server_create(NULL, NULL);
    collector->queue = grpc_completion_queue_create_for_next(NULL);
    collector->shutdown_queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(collector->server, collector->queue, NULL);
    grpc_server_register_completion_queue(collector->server, collector->shutdown_queue, NULL);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(collector->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    assert_true(port > 0);
    grpc_server_start(collector->server);
    (void)snprintf(collector->url, sizeof(collector->url), "http://127.0.0.1:%d", port);
    assert_true(rind_is_ok(
        rind_thread_start(NULL, &collector->thread, "collector", collector_run, collector)));
}

static void queue_drain(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(queue);
}

void collector_close(struct collector *collector)
{
    grpc_server_shutdown_and_notify(collector->server, collector->shutdown_queue, collector);
    grpc_server_cancel_all_calls(collector->server);
    rind_thread_join(&collector->thread);
    (void)grpc_completion_queue_next(collector->shutdown_queue, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                     NULL);
    grpc_server_destroy(collector->server);
    queue_drain(collector->queue);
    queue_drain(collector->shutdown_queue);
    grpc_shutdown_blocking();
    free(collector->spans);
    rind_cond_fini(&collector->changed);
    rind_mutex_fini(&collector->mutex);
}

void collector_set_mood(struct collector *collector, enum collector_mood mood)
{
    rind_mutex_lock(&collector->mutex);
    collector->mood = mood;
    rind_mutex_unlock(&collector->mutex);
}

void collector_await_spans(struct collector *collector, size_t count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(COLLECTOR_PATIENCE_MS);
    rind_mutex_lock(&collector->mutex);
    while (collector->count < count &&
           rind_cond_wait(&collector->changed, &collector->mutex, deadline)) {
    }
    bool is_there = collector->count >= count;
    rind_mutex_unlock(&collector->mutex);
    assert_true(is_there);
}

void collector_await_requests(struct collector *collector, unsigned count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(COLLECTOR_PATIENCE_MS);
    rind_mutex_lock(&collector->mutex);
    while (collector->request_count < count &&
           rind_cond_wait(&collector->changed, &collector->mutex, deadline)) {
    }
    bool is_there = collector->request_count >= count;
    rind_mutex_unlock(&collector->mutex);
    assert_true(is_there);
}

void collector_forget(struct collector *collector)
{
    rind_mutex_lock(&collector->mutex);
    collector->count = 0;
    rind_mutex_unlock(&collector->mutex);
}

struct collected_span *collector_spans(struct collector *collector, size_t *count)
{
    rind_mutex_lock(&collector->mutex);
    *count = collector->count;
    struct collected_span *copy = calloc(*count + 1, sizeof(*copy));
    assert_non_null(copy);
    memcpy(copy, collector->spans, *count * sizeof(*copy));
    rind_mutex_unlock(&collector->mutex);
    return copy;
}

bool collected_has(const char *attributes, const char *key, const char *value)
{
    char pair[COLLECTOR_ATTRIBUTES_SIZE];
    int length = snprintf(pair, sizeof(pair), "%s=%s;", key, value);
    const char *at = strstr(attributes, pair);
    while (at != NULL && at != attributes && at[-1] != ';') {
        at = strstr(at + length, pair);
    }
    return at != NULL;
}
