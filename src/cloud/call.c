/* call.c - see channel.h: unary calls and streams, each with a completion queue of its own. */
#include <grpc/byte_buffer_reader.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloud/channel_state.h"
#include "cloud/proto_memory.h"

/* Memory for a decoded message: its structs take up to about ten times the bytes on the wire. */
#define STREAM_DECODED_SIZE_FACTOR 32u
#define STREAM_DECODED_SIZE_BYTES_MIN 16384u

/* One call, unary or not. */
struct rind_stream {
    struct rind_channel *channel;
    struct rind_connection *connection;
    struct rind_grpc_call call;
    struct rind_stream *next; /* in the channel's list, under its mutex */
    struct rind_stream *previous;
    grpc_call *handle;
    grpc_completion_queue *queue;
    grpc_metadata headers[1];
    size_t header_count;
    grpc_metadata_array initial;
    grpc_metadata_array trailing;
    grpc_byte_buffer *request;
    grpc_byte_buffer *answer; /* the last one received, or NULL */
    grpc_status_code code;
    grpc_slice said;
    bool has_first;  /* `answer` was received along with the start */
    bool is_ended;   /* `code` and `said` are set */
    uint8_t *memory; /* of the decoded message; grows */
    size_t memory_size;
    struct rind_span span; /* of a call with a stream of answers */
};

/* Google's services get no trace headers (spec 05 section 5); what is recorded is ours alone. */
static void call_begin_span(struct rind_ctx *ctx, struct rind_span *span,
                            const struct rind_grpc_call *call)
{
    rind_span_begin_call(ctx, span, call->method + 1, ""); /* without the first slash */
}

void rind_grpc_routing(const char *name, const char *value,
                       char routing[static RIND_CHANNEL_ROUTING_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    for (const char *at = name; *at != '\0' && used + 1 < RIND_CHANNEL_ROUTING_SIZE; at++) {
        routing[used++] = *at;
    }
    if (used + 1 < RIND_CHANNEL_ROUTING_SIZE) {
        routing[used++] = '=';
    }
    for (const char *at = value; *at != '\0' && used + 3 < RIND_CHANNEL_ROUTING_SIZE; at++) {
        uint8_t byte = (uint8_t)*at;
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL;
        if (is_plain) {
            routing[used++] = (char)byte;
        } else {
            routing[used++] = '%';
            routing[used++] = digits[byte >> 4];
            routing[used++] = digits[byte & 15];
        }
    }
    routing[used] = '\0';
}

/* ---- the list of calls under way ---- */

static bool stream_link(struct rind_stream *stream)
{
    struct rind_channel *channel = stream->channel;
    rind_mutex_lock(&channel->mutex);
    bool is_open = !channel->is_cancelled;
    if (is_open) {
        stream->next = channel->streams;
        if (stream->next != NULL) {
            stream->next->previous = stream;
        }
        channel->streams = stream;
    }
    rind_mutex_unlock(&channel->mutex);
    return is_open;
}

static void stream_unlink(struct rind_stream *stream)
{
    struct rind_channel *channel = stream->channel;
    rind_mutex_lock(&channel->mutex);
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        channel->streams = stream->next;
    }
    rind_mutex_unlock(&channel->mutex);
}

void rind_channel_cancel(struct rind_channel *channel)
{
    rind_mutex_lock(&channel->mutex);
    channel->is_cancelled = true;
    for (struct rind_stream *stream = channel->streams; stream != NULL; stream = stream->next) {
        /* Does not wait: whoever made the call is told through its queue. */
        (void)grpc_call_cancel(stream->handle, NULL);
    }
    rind_mutex_unlock(&channel->mutex);
}

/* ---- beginning and ending ---- */

static rind_status stream_make_request(struct rind_ctx *ctx, struct rind_stream *stream)
{
    const struct rind_channel_options *options = &stream->channel->options;
    const struct rind_grpc_call *call = &stream->call;
    size_t size = protobuf_c_message_get_packed_size(call->request);
    RIND_REQUIRE(ctx, size <= options->message_size_bytes_max, RIND_E_LIMIT,
                 "a request of %zu bytes to %s about %s; the limit is %zu", size, options->service,
                 call->resource, options->message_size_bytes_max);
    grpc_slice bytes = grpc_slice_malloc(size);
    RIND_ASSERT(protobuf_c_message_pack(call->request, GRPC_SLICE_START_PTR(bytes)) == size);
    stream->request = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_slice_unref(bytes);
    return RIND_OK;
}

/* Makes the call; on success it is linked and must be ended by stream_fini. */
static rind_status stream_init(struct rind_ctx *ctx, struct rind_channel *channel,
                               struct rind_connection *connection,
                               const struct rind_grpc_call *call, struct rind_deadline deadline,
                               struct rind_stream *stream)
{
    *stream = (struct rind_stream){
        .channel = channel, .connection = connection, .call = *call, .said = grpc_empty_slice()};
    const struct rind_channel_options *options = &channel->options;
    struct rind_deadline limit =
        rind_deadline_min(deadline, rind_deadline_in_ns(options->flags.timeout_ns));
    RIND_REQUIRE(ctx, !rind_deadline_has_expired(limit), RIND_E_TIMEOUT,
                 "no time left to ask %s about %s", options->service, call->resource);
    RIND_TRY(stream_make_request(ctx, stream));
    stream->queue = grpc_completion_queue_create_for_pluck(NULL);
    grpc_slice method = grpc_slice_from_static_string(call->method);
    stream->handle =
        grpc_channel_create_call(connection->handle, NULL, GRPC_PROPAGATE_DEFAULTS, stream->queue,
                                 method, NULL, rind_channel_time(limit), NULL);
    RIND_ASSERT(stream->handle != NULL);
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    if (call->routing != NULL) {
        stream->headers[0].key = grpc_slice_from_static_string("x-goog-request-params");
        stream->headers[0].value = grpc_slice_from_copied_string(call->routing);
        stream->header_count = 1;
    }
    if (!stream_link(stream)) {
        /* Cancelled before it began: the one case in which nothing can have happened. */
        stream->is_ended = true;
        stream->code = GRPC_STATUS_CANCELLED;
        (void)grpc_call_cancel(stream->handle, NULL);
        return RIND_OK;
    }
    atomic_fetch_add_explicit(&channel->call_count, 1, memory_order_relaxed);
    return RIND_OK;
}

static bool stream_is_linked(const struct rind_stream *stream)
{
    return stream->previous != NULL || stream->channel->streams == stream;
}

static void stream_fini(struct rind_stream *stream)
{
    if (stream->queue == NULL) {
        return;
    }
    rind_mutex_lock(&stream->channel->mutex);
    bool is_linked = stream_is_linked(stream);
    rind_mutex_unlock(&stream->channel->mutex);
    if (is_linked) {
        stream_unlink(stream);
    }
    grpc_call_unref(stream->handle);
    grpc_completion_queue_shutdown(stream->queue);
    grpc_completion_queue_destroy(stream->queue);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    if (stream->header_count > 0) {
        grpc_slice_unref(stream->headers[0].value);
    }
    grpc_byte_buffer_destroy(stream->request);
    if (stream->answer != NULL) {
        grpc_byte_buffer_destroy(stream->answer);
    }
    grpc_slice_unref(stream->said);
    free(stream->memory);
}

/* ---- batches of operations ---- */

/* Starts the operations and waits for them; the call's own deadline ends the wait. */
static void stream_run(struct rind_stream *stream, const grpc_op *operations, size_t count)
{
    grpc_call_error error = grpc_call_start_batch(stream->handle, operations, count, stream, NULL);
    RIND_ASSERT(error == GRPC_CALL_OK);
    /* Whether it succeeded shows in what was received: no message, then the status says why. */
    (void)grpc_completion_queue_pluck(stream->queue, stream, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                      NULL);
}

static grpc_op stream_operation_receive(struct rind_stream *stream)
{
    grpc_op operation = {.op = GRPC_OP_RECV_MESSAGE};
    operation.data.recv_message.recv_message = &stream->answer;
    return operation;
}

static grpc_op stream_operation_status(struct rind_stream *stream)
{
    grpc_op operation = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    operation.data.recv_status_on_client.trailing_metadata = &stream->trailing;
    operation.data.recv_status_on_client.status = &stream->code;
    operation.data.recv_status_on_client.status_details = &stream->said;
    return operation;
}

/* Sends headers and request, receives headers and the first message, and `more` if not NULL. */
static void stream_start(struct rind_stream *stream, const grpc_op *more)
{
    grpc_op operations[6] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                             {.op = GRPC_OP_SEND_MESSAGE},
                             {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                             {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    operations[0].data.send_initial_metadata.count = stream->header_count;
    operations[0].data.send_initial_metadata.metadata = stream->headers;
    operations[1].data.send_message.send_message = stream->request;
    operations[3].data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    operations[4] = stream_operation_receive(stream);
    size_t count = 5;
    if (more != NULL) {
        operations[count++] = *more;
    }
    stream_run(stream, operations, count);
}

static rind_status stream_fail(struct rind_ctx *ctx, struct rind_stream *stream)
{
    struct rind_slice said =
        rind_slice_make(GRPC_SLICE_START_PTR(stream->said), GRPC_SLICE_LENGTH(stream->said));
    return rind_channel_fail(ctx, stream->channel, &stream->call, stream->code, said,
                             rind_channel_is_cancelled(stream->channel));
}

/* Decodes the answer; a service that sends junk is as one whose answer was lost. */
static rind_status stream_decode(struct rind_ctx *ctx, struct rind_ctx *decoding,
                                 struct rind_stream *stream, grpc_slice bytes,
                                 ProtobufCMessage **message)
{
    struct rind_slice encoded =
        rind_slice_make(GRPC_SLICE_START_PTR(bytes), GRPC_SLICE_LENGTH(bytes));
    rind_status status = rind_proto_decode(decoding, stream->call.response, encoded, message);
    RIND_REQUIRE(ctx, !rind_is(status, RIND_E_DECODE), RIND_E_UNKNOWN_OUTCOME,
                 "%s answered about %s with what cannot be decoded: %.200s",
                 stream->channel->options.service, stream->call.resource, decoding->sentence);
    if (!rind_is_ok(status) && decoding != ctx) {
        return rind_fail(ctx, (enum rind_code)status.code, "%.400s", decoding->sentence);
    }
    return status;
}

/* The received bytes in one piece; the caller gives them back. */
static rind_status stream_take_answer(struct rind_ctx *ctx, struct rind_stream *stream,
                                      grpc_slice *bytes)
{
    grpc_byte_buffer_reader reader;
    bool is_readable = grpc_byte_buffer_reader_init(&reader, stream->answer) != 0;
    if (is_readable) {
        *bytes = grpc_byte_buffer_reader_readall(&reader);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(stream->answer);
    stream->answer = NULL;
    RIND_REQUIRE(ctx, is_readable, RIND_E_UNKNOWN_OUTCOME,
                 "%s answered about %s with what cannot be decompressed",
                 stream->channel->options.service, stream->call.resource);
    return RIND_OK;
}

/* ---- unary ---- */

static rind_status call_run(struct rind_ctx *ctx, struct rind_stream *stream,
                            ProtobufCMessage **response)
{
    if (!stream->is_ended) {
        grpc_op status_operation = stream_operation_status(stream);
        stream_start(stream, &status_operation);
    }
    if (stream->code != GRPC_STATUS_OK) {
        return stream_fail(ctx, stream);
    }
    RIND_REQUIRE(ctx, stream->answer != NULL, RIND_E_UNKNOWN_OUTCOME,
                 "%s answered about %s with nothing", stream->channel->options.service,
                 stream->call.resource);
    grpc_slice bytes;
    RIND_TRY(stream_take_answer(ctx, stream, &bytes));
    rind_status status = stream_decode(ctx, ctx, stream, bytes, response);
    grpc_slice_unref(bytes);
    return status;
}

rind_status rind_connection_call(struct rind_ctx *ctx, struct rind_channel *channel,
                                 struct rind_connection *connection,
                                 const struct rind_grpc_call *call, struct rind_deadline deadline,
                                 ProtobufCMessage **response)
{
    struct rind_stream stream;
    RIND_TRY(stream_init(ctx, channel, connection, call, deadline, &stream));
    rind_status status = call_run(ctx, &stream, response);
    stream_fini(&stream);
    return status;
}

rind_status rind_channel_call(struct rind_ctx *ctx, struct rind_channel *channel,
                              const struct rind_grpc_call *call, struct rind_deadline deadline,
                              ProtobufCMessage **response)
{
    struct rind_span span;
    call_begin_span(ctx, &span, call);
    struct rind_connection *connection = rind_connection_acquire(channel);
    rind_status status = rind_connection_call(ctx, channel, connection, call, deadline, response);
    rind_connection_release(channel, connection);
    rind_span_end(ctx, &span, status);
    return status;
}

/* ---- streams ---- */

rind_status rind_stream_open(struct rind_ctx *ctx, struct rind_channel *channel,
                             const struct rind_grpc_call *call, struct rind_deadline deadline,
                             struct rind_stream **opened)
{
    struct rind_stream *stream = malloc(sizeof(*stream));
    RIND_REQUIRE(ctx, stream != NULL, RIND_E_LIMIT, "no memory for a call");
    struct rind_connection *connection = rind_connection_acquire(channel);
    rind_status status = stream_init(ctx, channel, connection, call, deadline, stream);
    if (!rind_is_ok(status)) {
        stream_fini(stream);
        rind_connection_release(channel, connection);
        free(stream);
        return status;
    }
    call_begin_span(ctx, &stream->span, call);
    rind_span_leave(ctx, &stream->span); /* it lasts until the stream is closed */
    if (!stream->is_ended) {
        stream_start(stream, NULL);
        stream->has_first = true;
    }
    *opened = stream;
    return RIND_OK;
}

static rind_status stream_decode_next(struct rind_ctx *ctx, struct rind_stream *stream,
                                      grpc_slice bytes, ProtobufCMessage **message)
{
    size_t size =
        STREAM_DECODED_SIZE_BYTES_MIN + STREAM_DECODED_SIZE_FACTOR * GRPC_SLICE_LENGTH(bytes);
    if (size > stream->memory_size) {
        free(stream->memory);
        stream->memory = malloc(size);
        stream->memory_size = stream->memory == NULL ? 0 : size;
    }
    RIND_REQUIRE(ctx, stream->memory != NULL, RIND_E_LIMIT, "no memory for an answer of %zu bytes",
                 GRPC_SLICE_LENGTH(bytes));
    struct rind_arena arena;
    struct rind_ctx decoding;
    rind_arena_init(&arena, stream->memory, stream->memory_size);
    rind_ctx_init(&decoding, &arena);
    return stream_decode(ctx, &decoding, stream, bytes, message);
}

rind_status rind_stream_next(struct rind_ctx *ctx, struct rind_stream *stream,
                             ProtobufCMessage **message)
{
    if (!stream->is_ended && !stream->has_first) {
        grpc_op receive = stream_operation_receive(stream);
        stream_run(stream, &receive, 1);
    }
    stream->has_first = false;
    if (!stream->is_ended && stream->answer == NULL) {
        grpc_op status_operation = stream_operation_status(stream);
        stream_run(stream, &status_operation, 1);
        stream->is_ended = true;
    }
    if (stream->is_ended) {
        *message = NULL;
        return stream->code == GRPC_STATUS_OK ? RIND_OK : stream_fail(ctx, stream);
    }
    grpc_slice bytes;
    RIND_TRY(stream_take_answer(ctx, stream, &bytes));
    rind_status status = stream_decode_next(ctx, stream, bytes, message);
    grpc_slice_unref(bytes);
    return status;
}

void rind_stream_close(struct rind_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    if (!stream->is_ended) {
        /* gRPC wants every call's status to be taken, also that of one nobody waits for. */
        (void)grpc_call_cancel(stream->handle, NULL);
        grpc_op status_operation = stream_operation_status(stream);
        stream_run(stream, &status_operation, 1);
    }
    bool is_ok = stream->code == GRPC_STATUS_OK;
    rind_span_finish(&stream->span, is_ok ? RIND_OK : rind_status_make(RIND_E_UNAVAILABLE));
    struct rind_channel *channel = stream->channel;
    struct rind_connection *connection = stream->connection;
    stream_fini(stream);
    rind_connection_release(channel, connection);
    free(stream);
}
