/* server_fixture.c - see server_fixture.h. */
#include "server_fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "support/test.h"

#define FIXTURE_TIMEOUT_MS 20000u

static void fixture_count(struct fixture *fixture, unsigned *counter)
{
    rind_mutex_lock(&fixture->mutex);
    (*counter)++;
    rind_cond_broadcast(&fixture->changed);
    rind_mutex_unlock(&fixture->mutex);
}

static void fixture_wait_for(struct fixture *fixture, const unsigned *counter, unsigned count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(FIXTURE_TIMEOUT_MS);
    rind_mutex_lock(&fixture->mutex);
    while (*counter < count && rind_cond_wait(&fixture->changed, &fixture->mutex, deadline)) {
    }
    bool is_reached = *counter >= count;
    rind_mutex_unlock(&fixture->mutex);
    assert_true(is_reached);
}

static void fixture_echo(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                         struct rind_response *response)
{
    (void)self;
    (void)ctx;
    response->status = request->is_body_too_large ? 413 : 200;
    response->body = request->body;
}

static void fixture_meta(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                         struct rind_response *response)
{
    (void)self;
    size_t size = 4096;
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, rind_ctx_alloc(ctx, size), size);
    struct rind_slice header = rind_slice_text("(none)");
    (void)rind_request_header(request, "x-test", &header);
    rind_buffer_append(&buffer, request->method);
    rind_buffer_print(&buffer, " ");
    rind_buffer_append(&buffer, request->path);
    rind_buffer_print(&buffer, " ");
    rind_buffer_append(&buffer, request->query);
    rind_buffer_print(&buffer, " ");
    rind_buffer_append(&buffer, header);
    rind_buffer_print(&buffer, " %d %d", request->is_http2, request->is_tls);
    response->status = 200;
    response->body = rind_buffer_slice(&buffer);
    rind_response_add_header(response, "X-Test", header);
}

static void fixture_trace(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                          struct rind_response *response)
{
    (void)self;
    (void)request;
    size_t size = 2048;
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, rind_ctx_alloc(ctx, size), size);
    if (ctx->trace != NULL) {
        char parent[RIND_TRACEPARENT_SIZE];
        rind_trace_print(ctx->trace, parent);
        rind_buffer_print(&buffer, "%s ", parent);
        rind_buffer_append(&buffer, ctx->trace->state);
    }
    response->status = 200;
    response->body = rind_buffer_slice(&buffer);
}

static void fixture_wait(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                         struct rind_response *response)
{
    (void)ctx;
    struct fixture *fixture = self;
    fixture_count(fixture, &fixture->begun);
    struct rind_deadline deadline = rind_deadline_in_ms(FIXTURE_TIMEOUT_MS);
    rind_mutex_lock(&fixture->mutex);
    while (!fixture->is_released && rind_cond_wait(&fixture->changed, &fixture->mutex, deadline)) {
    }
    rind_mutex_unlock(&fixture->mutex);
    response->status = 200;
    response->body = request->body;
    fixture_count(fixture, &fixture->finished);
}

static void fixture_park(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                         struct rind_response *response)
{
    (void)ctx;
    (void)request;
    struct fixture *fixture = self;
    struct rind_reply *reply = rind_response_defer(response);
    rind_mutex_lock(&fixture->mutex);
    RIND_ASSERT(fixture->parked_count < FIXTURE_PARKED_MAX);
    fixture->parked[fixture->parked_count] = reply;
    fixture->parked_count++;
    rind_cond_broadcast(&fixture->changed);
    rind_mutex_unlock(&fixture->mutex);
}

static void fixture_big(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                        struct rind_response *response)
{
    (void)self;
    uint64_t size = 0;
    rind_status status = rind_u64_parse(ctx, request->query, &size);
    uint8_t *bytes = rind_is_ok(status) ? rind_ctx_alloc(ctx, size) : NULL;
    if (bytes == NULL) {
        response->status = 400;
        return;
    }
    memset(bytes, 'b', size);
    response->status = 200;
    response->body = rind_slice_make(bytes, size);
}

static const struct rind_route fixture_rows[] = {
    {NULL, "/echo", fixture_echo},   {"GET", "/meta", fixture_meta},
    {"POST", "/meta", fixture_meta}, {NULL, "/wait", fixture_wait},
    {NULL, "/park", fixture_park},   {NULL, "/big", fixture_big},
    {NULL, "/trace", fixture_trace},
};

static void fixture_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                           struct rind_response *response)
{
    struct fixture *fixture = self;
    fixture_count(fixture, &fixture->handled);
    struct rind_routes routes = {fixture_rows, sizeof(fixture_rows) / sizeof(fixture_rows[0]),
                                 fixture, NULL};
    rind_routes_handle(&routes, ctx, request, response);
}

void fixture_prepare(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    rind_mutex_init(&fixture->mutex);
    rind_cond_init(&fixture->changed);
    fixture->options = rind_server_options_default();
    fixture->options.handle = fixture_handle;
    fixture->options.self = fixture;
    fixture->options.name = "test";
    fixture->options.worker_threads = 8;
    fixture->options.http2 = RIND_SERVER_HTTP2_PRIOR_KNOWLEDGE;
    fixture->options.body_size_bytes_max = 1024u * 1024u;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(
        rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &fixture->options.listen)));
}

void fixture_open(struct fixture *fixture)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_server_open(&ctx, &fixture->options, &fixture->server);
    if (!rind_is_ok(status)) {
        fail_msg("%s", ctx.sentence);
    }
    fixture->address = rind_server_address(fixture->server);
}

void fixture_close(struct fixture *fixture)
{
    fixture_release(fixture);
    rind_server_close(fixture->server);
    fixture_complete_parked(fixture); /* also after the server's end */
    rind_cond_fini(&fixture->changed);
    rind_mutex_fini(&fixture->mutex);
}

void fixture_wait_begun(struct fixture *fixture, unsigned count)
{
    fixture_wait_for(fixture, &fixture->begun, count);
}

void fixture_wait_finished(struct fixture *fixture, unsigned count)
{
    fixture_wait_for(fixture, &fixture->finished, count);
}

void fixture_wait_parked(struct fixture *fixture, unsigned count)
{
    fixture_wait_for(fixture, &fixture->parked_count, count);
}

void fixture_wait_connections(struct fixture *fixture, unsigned count)
{
    struct rind_deadline deadline = rind_deadline_in_ms(FIXTURE_TIMEOUT_MS);
    while (rind_server_connection_count(fixture->server) != count) {
        assert_false(rind_deadline_has_expired(deadline));
        (void)poll(NULL, 0, 1); /* the count has no condition to wait on */
    }
}

void fixture_release(struct fixture *fixture)
{
    rind_mutex_lock(&fixture->mutex);
    fixture->is_released = true;
    rind_cond_broadcast(&fixture->changed);
    rind_mutex_unlock(&fixture->mutex);
}

void fixture_complete_parked(struct fixture *fixture)
{
    rind_mutex_lock(&fixture->mutex);
    while (fixture->parked_count > 0) {
        /* One by one: others may be parked meanwhile. */
        struct rind_reply *reply = fixture->parked[--fixture->parked_count];
        rind_mutex_unlock(&fixture->mutex);
        struct rind_response response = rind_response_make(200, rind_slice_text("done"));
        fixture->abandoned += rind_reply_is_abandoned(reply) ? 1 : 0;
        rind_reply_complete(reply, &response);
        rind_mutex_lock(&fixture->mutex);
    }
    rind_mutex_unlock(&fixture->mutex);
}
