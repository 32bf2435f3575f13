/* grpc_proxy.c - see grpc_proxy.h. */
#include "grpc_proxy.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <limits.h>
#include <string.h>

#include "base/base.h"
#include "support/test.h"

#define PROXY_MESSAGE_SIZE_MAX (256 << 20)
#define PROXY_TIMEOUT_S 60

/* One call that was received. */
struct proxied {
    struct grpc_proxy *proxy;
    grpc_completion_queue *queue; /* the worker's */
    grpc_call *call;
    struct grpc_proxy_rule rule; /* of this call; GRPC_PROXY_FORWARD if it is not spoilt */
    grpc_slice method;
    grpc_byte_buffer *request;
    bool has_sent_headers;
};

static void queue_wait(grpc_completion_queue *queue, void *tag)
{
    grpc_event event = grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    RIND_ASSERT(event.type == GRPC_OP_COMPLETE);
    RIND_ASSERT(event.tag == tag);
}

static void server_run(struct proxied *proxied, const grpc_op *operations, size_t count)
{
    RIND_ASSERT(grpc_call_start_batch(proxied->call, operations, count, proxied, NULL) ==
                GRPC_CALL_OK);
    queue_wait(proxied->queue, proxied);
}

/* ---- answering ---- */

static void answer_message(struct proxied *proxied, grpc_byte_buffer *message)
{
    grpc_op operations[2] = {{.op = GRPC_OP_SEND_MESSAGE}};
    operations[0].data.send_message.send_message = message;
    size_t count = 1;
    if (!proxied->has_sent_headers) {
        operations[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
        proxied->has_sent_headers = true;
    }
    server_run(proxied, operations, count);
}

static void answer_status(struct proxied *proxied, grpc_status_code code, grpc_slice said)
{
    grpc_op operations[3] = {{.op = GRPC_OP_SEND_STATUS_FROM_SERVER}};
    operations[0].data.send_status_from_server.status = code;
    operations[0].data.send_status_from_server.status_details = &said;
    int was_cancelled = 0;
    operations[1] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    operations[1].data.recv_close_on_server.cancelled = &was_cancelled;
    size_t count = 2;
    if (!proxied->has_sent_headers) {
        operations[count++] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
        proxied->has_sent_headers = true;
    }
    server_run(proxied, operations, count);
}

static void answer_code(struct proxied *proxied, grpc_status_code code)
{
    answer_status(proxied, code, grpc_slice_from_static_string("a fault that the test asked for"));
}

/* Until the client gives the call up. */
static void answer_never(struct proxied *proxied)
{
    int was_cancelled = 0;
    grpc_op operation = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    operation.data.recv_close_on_server.cancelled = &was_cancelled;
    server_run(proxied, &operation, 1);
}

/* ---- forwarding ---- */

static void client_run(grpc_call *call, grpc_completion_queue *queue, const grpc_op *operations,
                       size_t count)
{
    RIND_ASSERT(grpc_call_start_batch(call, operations, count, call, NULL) == GRPC_CALL_OK);
    queue_wait(queue, call);
}

/* Sends the request on; then relays up to `messages_max` messages of the answer. */
static void forward_messages(struct proxied *proxied, grpc_call *call, grpc_completion_queue *queue,
                             unsigned messages_max)
{
    grpc_metadata_array headers;
    grpc_metadata_array_init(&headers);
    grpc_op start[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                        {.op = GRPC_OP_SEND_MESSAGE},
                        {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT},
                        {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    start[1].data.send_message.send_message = proxied->request;
    start[3].data.recv_initial_metadata.recv_initial_metadata = &headers;
    client_run(call, queue, start, 4);
    unsigned relayed = 0;
    for (;;) {
        grpc_byte_buffer *message = NULL;
        grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE};
        receive.data.recv_message.recv_message = &message;
        client_run(call, queue, &receive, 1);
        if (message == NULL) {
            break;
        }
        if (relayed < messages_max) {
            answer_message(proxied, message);
            relayed++;
        }
        grpc_byte_buffer_destroy(message);
    }
    grpc_metadata_array_destroy(&headers);
}

static void forward(struct proxied *proxied, unsigned messages_max, bool with_status)
{
    grpc_completion_queue *queue = grpc_completion_queue_create_for_next(NULL);
    gpr_timespec deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                         gpr_time_from_seconds(PROXY_TIMEOUT_S, GPR_TIMESPAN));
    grpc_call *call =
        grpc_channel_create_call(proxied->proxy->emulator, NULL, GRPC_PROPAGATE_DEFAULTS, queue,
                                 proxied->method, NULL, deadline, NULL);
    forward_messages(proxied, call, queue, messages_max);
    grpc_metadata_array trailers;
    grpc_metadata_array_init(&trailers);
    grpc_status_code code = GRPC_STATUS_OK;
    grpc_slice said = grpc_empty_slice();
    grpc_op receive = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    receive.data.recv_status_on_client.trailing_metadata = &trailers;
    receive.data.recv_status_on_client.status = &code;
    receive.data.recv_status_on_client.status_details = &said;
    client_run(call, queue, &receive, 1);
    if (with_status) {
        answer_status(proxied, code, said);
    }
    grpc_slice_unref(said);
    grpc_metadata_array_destroy(&trailers);
    grpc_call_unref(call);
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(queue);
}

/* ---- deciding ---- */

static void proxied_note_request(struct proxied *proxied)
{
    struct grpc_proxy *proxy = proxied->proxy;
    grpc_byte_buffer_reader reader;
    RIND_ASSERT(grpc_byte_buffer_reader_init(&reader, proxied->request) != 0);
    grpc_slice bytes = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    free(proxy->last_request);
    proxy->last_request_size = GRPC_SLICE_LENGTH(bytes);
    proxy->last_request = malloc(proxy->last_request_size + 1);
    memcpy(proxy->last_request, GRPC_SLICE_START_PTR(bytes), proxy->last_request_size);
    grpc_slice_unref(bytes);
}

/* "ipv4:127.0.0.1:40123" */
static void proxied_note_peer(struct proxied *proxied)
{
    char *peer = grpc_call_get_peer(proxied->call);
    unsigned long port = strtoul(strrchr(peer, ':') + 1, NULL, 10);
    gpr_free(peer);
    RIND_ASSERT(port < sizeof(proxied->proxy->has_peer));
    proxied->proxy->has_peer[port] = true;
}

static void proxied_decide(struct proxied *proxied)
{
    struct grpc_proxy *proxy = proxied->proxy;
    char path[128];
    size_t length = GRPC_SLICE_LENGTH(proxied->method);
    RIND_ASSERT(length < sizeof(path));
    memcpy(path, GRPC_SLICE_START_PTR(proxied->method), length);
    path[length] = '\0';
    const char *name = strrchr(path, '/') + 1;
    rind_mutex_lock(&proxy->mutex);
    size_t i = 0;
    while (proxy->methods[i].name[0] != '\0' && strcmp(proxy->methods[i].name, name) != 0) {
        i++;
        RIND_ASSERT(i < GRPC_PROXY_METHODS);
    }
    (void)snprintf(proxy->methods[i].name, sizeof(proxy->methods[i].name), "%s", name);
    proxy->methods[i].count++;
    proxied_note_peer(proxied);
    const struct grpc_proxy_rule *rule = &proxy->rule;
    proxied->rule = (struct grpc_proxy_rule){.fault = GRPC_PROXY_FORWARD};
    if (rule->method == NULL || strcmp(rule->method, name) == 0) {
        unsigned n = ++proxy->matched;
        bool is_chosen = rule->every > 0 ? n % rule->every == 0
                                         : n >= rule->first && n - rule->first < rule->times;
        if (is_chosen) {
            proxied->rule = *rule;
        }
        proxied_note_request(proxied);
    }
    rind_mutex_unlock(&proxy->mutex);
}

static void proxied_answer(struct proxied *proxied)
{
    grpc_slice script;
    grpc_byte_buffer *message;
    switch (proxied->rule.fault) {
    case GRPC_PROXY_FORWARD:
        forward(proxied, UINT32_MAX, true);
        break;
    case GRPC_PROXY_BEFORE:
        answer_code(proxied, proxied->rule.code);
        break;
    case GRPC_PROXY_AFTER:
        forward(proxied, 0, false);
        answer_code(proxied, proxied->rule.code);
        break;
    case GRPC_PROXY_CUT:
        forward(proxied, proxied->rule.messages, false);
        answer_code(proxied, proxied->rule.code);
        break;
    case GRPC_PROXY_HANG:
        forward(proxied, 0, false);
        answer_never(proxied);
        break;
    case GRPC_PROXY_SCRIPT:
        script = grpc_slice_from_copied_buffer((const char *)proxied->rule.script.data,
                                               proxied->rule.script.length);
        message = grpc_raw_byte_buffer_create(&script, 1);
        answer_message(proxied, message);
        grpc_byte_buffer_destroy(message);
        grpc_slice_unref(script);
        answer_code(proxied, proxied->rule.code);
        break;
    }
}

/* ---- workers ---- */

static void proxied_serve(struct proxied *proxied)
{
    grpc_op receive = {.op = GRPC_OP_RECV_MESSAGE};
    receive.data.recv_message.recv_message = &proxied->request;
    server_run(proxied, &receive, 1);
    if (proxied->request != NULL) { /* else the client has gone already */
        proxied_decide(proxied);
        proxied_answer(proxied);
        grpc_byte_buffer_destroy(proxied->request);
    } else {
        answer_code(proxied, GRPC_STATUS_CANCELLED);
    }
}

static void worker_run(void *self)
{
    struct grpc_proxy_worker *worker = self;
    struct grpc_proxy *proxy = worker->proxy;
    for (;;) {
        struct proxied proxied = {.proxy = proxy, .queue = worker->queue};
        grpc_call_details details;
        grpc_metadata_array headers;
        grpc_call_details_init(&details);
        grpc_metadata_array_init(&headers);
        grpc_call_error error = grpc_server_request_call(
            proxy->server, &proxied.call, &details, &headers, worker->queue, worker->queue, worker);
        RIND_ASSERT(error == GRPC_CALL_OK);
        grpc_event event =
            grpc_completion_queue_next(worker->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        bool is_call = event.type == GRPC_OP_COMPLETE && event.success != 0;
        if (is_call) {
            proxied.method = details.method;
            proxied_serve(&proxied);
            grpc_call_unref(proxied.call);
        }
        grpc_call_details_destroy(&details);
        grpc_metadata_array_destroy(&headers);
        if (!is_call) {
            return; /* the server shuts down */
        }
    }
}

void grpc_proxy_open(struct grpc_proxy *proxy, const char *address)
{
    grpc_proxy_open_aged(proxy, address, INT_MAX); /* gRPC's "never" */
}

void grpc_proxy_open_aged(struct grpc_proxy *proxy, const char *address, int age_ms)
{
    memset(proxy, 0, sizeof(*proxy));
    rind_mutex_init(&proxy->mutex);
    grpc_init();
    grpc_arg arguments[3] = {
        {.type = GRPC_ARG_INTEGER}, {.type = GRPC_ARG_INTEGER}, {.type = GRPC_ARG_INTEGER}};
    arguments[0].key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH;
    arguments[0].value.integer = PROXY_MESSAGE_SIZE_MAX;
    arguments[1].key = (char *)(uintptr_t)GRPC_ARG_ENABLE_HTTP_PROXY;
    arguments[2].key = (char *)(uintptr_t)GRPC_ARG_MAX_CONNECTION_AGE_MS;
    arguments[2].value.integer = age_ms;
    grpc_channel_args list = {3, arguments};
    grpc_channel_credentials *to_emulator = grpc_insecure_credentials_create();
    proxy->emulator = grpc_channel_create(address, to_emulator, &list);
    grpc_channel_credentials_release(to_emulator);
    proxy->server = grpc_server_create(&list, NULL);
    for (size_t i = 0; i < GRPC_PROXY_WORKERS; i++) {
        proxy->workers[i].queue = grpc_completion_queue_create_for_next(NULL);
        grpc_server_register_completion_queue(proxy->server, proxy->workers[i].queue, NULL);
    }
    proxy->shutdown_queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(proxy->server, proxy->shutdown_queue, NULL);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(proxy->server, "127.0.0.1:0", credentials);
    grpc_server_credentials_release(credentials);
    assert_true(port > 0);
    grpc_server_start(proxy->server);
    char text[64];
    (void)snprintf(text, sizeof(text), "http://127.0.0.1:%d", port);
    assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(text), &proxy->url)));
    for (size_t i = 0; i < GRPC_PROXY_WORKERS; i++) {
        proxy->workers[i].proxy = proxy;
        assert_true(rind_is_ok(rind_thread_start(NULL, &proxy->workers[i].thread, "proxy",
                                                 worker_run, &proxy->workers[i])));
    }
}

static void queue_drain(grpc_completion_queue *queue)
{
    grpc_completion_queue_shutdown(queue);
    while (grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL).type !=
           GRPC_QUEUE_SHUTDOWN) {
    }
    grpc_completion_queue_destroy(queue);
}

void grpc_proxy_close(struct grpc_proxy *proxy)
{
    if (proxy->server == NULL) {
        return;
    }
    grpc_server_shutdown_and_notify(proxy->server, proxy->shutdown_queue, proxy);
    grpc_server_cancel_all_calls(proxy->server);
    for (size_t i = 0; i < GRPC_PROXY_WORKERS; i++) {
        rind_thread_join(&proxy->workers[i].thread);
    }
    queue_wait(proxy->shutdown_queue, proxy);
    grpc_server_destroy(proxy->server);
    for (size_t i = 0; i < GRPC_PROXY_WORKERS; i++) {
        queue_drain(proxy->workers[i].queue);
    }
    queue_drain(proxy->shutdown_queue);
    grpc_channel_destroy(proxy->emulator);
    grpc_shutdown_blocking();
    free(proxy->last_request);
    rind_mutex_fini(&proxy->mutex);
    proxy->server = NULL;
}

void grpc_proxy_set(struct grpc_proxy *proxy, const struct grpc_proxy_rule *rule)
{
    rind_mutex_lock(&proxy->mutex);
    proxy->rule = *rule;
    proxy->matched = 0;
    memset(proxy->methods, 0, sizeof(proxy->methods));
    rind_mutex_unlock(&proxy->mutex);
}

unsigned grpc_proxy_count(struct grpc_proxy *proxy, const char *method)
{
    unsigned count = 0;
    rind_mutex_lock(&proxy->mutex);
    for (size_t i = 0; i < GRPC_PROXY_METHODS; i++) {
        if (method == NULL || strcmp(proxy->methods[i].name, method) == 0) {
            count += proxy->methods[i].count;
        }
    }
    rind_mutex_unlock(&proxy->mutex);
    return count;
}

unsigned grpc_proxy_connections(struct grpc_proxy *proxy)
{
    unsigned count = 0;
    rind_mutex_lock(&proxy->mutex);
    for (size_t i = 0; i < sizeof(proxy->has_peer); i++) {
        count += proxy->has_peer[i] ? 1 : 0;
    }
    rind_mutex_unlock(&proxy->mutex);
    return count;
}
