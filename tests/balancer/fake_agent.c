/* fake_agent.c - see fake_agent.h. */
#include "balancer/fake_agent.h"

#include <string.h>

#include "host/host.h"
#include "support/test.h"
#include "wire/codec.h"
#include "wire/range.h"

static void status_answer(struct fake_agent *agent, struct rind_ctx *ctx,
                          struct rind_response *response)
{
    static uint8_t public_key[32];
    struct rind_group_status group = {
        .id = agent->group,
        .has_leader = agent->is_leader,
        .leader = {.has_owned_range = agent->is_leader, .owned_range = agent->range},
        .role = {.role = {.kind = RIND_ROLE_WITNESS}, .at = agent->role_clock}};
    struct rind_agent_status_response status = {
        .has_hsm = true,
        .hsm = {.has_realm = agent->has_realm,
                .realm = {.id = agent->realm, .groups = {.items = &group, .count = 1}},
                .public_key = RIND_SLICE_OF(public_key)},
        .agent = {.name = rind_slice_text("fake")}};
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(ctx, &rind_agent_status_response_schema, &status, &response->body)));
}

static void app_answer(struct fake_agent *agent, struct rind_ctx *ctx,
                       struct rind_response *response)
{
    struct rind_agent_app_response app = {.kind = agent->answer};
    const struct rind_noise_request *encrypted = &agent->last_app.encrypted;
    app.ok.kind = RIND_NOISE_RESPONSE_TRANSPORT;
    app.ok.transport.ciphertext = encrypted->kind == RIND_NOISE_REQUEST_TRANSPORT
                                      ? encrypted->transport.ciphertext
                                      : encrypted->handshake.handshake.payload_ciphertext;
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(ctx, &rind_agent_app_response_schema, &app, &response->body)));
}

static void app_record(struct fake_agent *agent, const struct rind_request *request)
{
    struct rind_arena arena;
    struct rind_ctx ctx;
    assert_true(request->body.length <= sizeof(agent->last_body));
    memcpy(agent->last_body, request->body.data, request->body.length);
    rind_arena_init(&arena, agent->last_memory, sizeof(agent->last_memory));
    rind_ctx_init(&ctx, &arena);
    assert_true(rind_is_ok(rind_wire_decode_whole(
        &ctx, &rind_agent_app_request_schema,
        rind_slice_make(agent->last_body, request->body.length), &agent->last_app)));
    agent->app_count++;
}

static void behave(struct fake_agent *agent, enum fake_agent_behaviour behaviour,
                   struct rind_response *response)
{
    response->status = behaviour == FAKE_AGENT_SAYS_500   ? 500
                       : behaviour == FAKE_AGENT_SAYS_503 ? 503
                                                          : 200;
    if (behaviour == FAKE_AGENT_GARBLES) {
        response->body = rind_slice_text("\x81nonsense");
    } else if (behaviour == FAKE_AGENT_HANGS) {
        assert_true(agent->hanging_count < sizeof(agent->hanging) / sizeof(agent->hanging[0]));
        agent->hanging[agent->hanging_count++] = rind_response_defer(response);
    }
}

static void fake_agent_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                              struct rind_response *response)
{
    struct fake_agent *agent = self;
    rind_mutex_lock(&agent->mutex);
    bool is_status = rind_slice_is_text(request->path, "/status");
    enum fake_agent_behaviour behaviour =
        is_status ? agent->status_behaviour : agent->app_behaviour;
    if (is_status) {
        agent->status_count++;
    } else {
        app_record(agent, request);
        agent->has_last_trace = ctx->trace != NULL;
        agent->last_trace = agent->has_last_trace ? *ctx->trace : (struct rind_trace){0};
    }
    behave(agent, behaviour, response);
    if (behaviour == FAKE_AGENT_ANSWERS && is_status) {
        status_answer(agent, ctx, response);
    } else if (behaviour == FAKE_AGENT_ANSWERS) {
        app_answer(agent, ctx, response);
    }
    rind_mutex_unlock(&agent->mutex);
}

void fake_agent_open(struct fake_agent *agent, uint8_t realm, uint8_t group)
{
    struct rind_ctx ctx;
    char text[RIND_ADDRESS_TEXT_SIZE];
    rind_ctx_init(&ctx, NULL);
    *agent = (struct fake_agent){.answer = RIND_AGENT_APP_OK,
                                 .has_realm = true,
                                 .is_leader = true,
                                 .range = rind_owned_range_full(),
                                 .role_clock = 1};
    memset(agent->realm.bytes, realm, sizeof(agent->realm.bytes));
    memset(agent->group.bytes, group, sizeof(agent->group.bytes));
    rind_mutex_init(&agent->mutex);
    struct rind_server_options options = rind_server_options_default();
    assert_true(
        rind_is_ok(rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &options.listen)));
    options.handle = fake_agent_handle;
    options.self = agent;
    options.name = "fake-agent";
    options.worker_threads = 4;
    if (!rind_is_ok(rind_server_open(&ctx, &options, &agent->server))) {
        fail_msg("%s", ctx.sentence);
    }
    struct rind_address address = rind_server_address(agent->server);
    rind_address_format(&address, text);
    snprintf(agent->url, sizeof(agent->url), "http://%s/", text);
}

void fake_agent_close(struct fake_agent *agent)
{
    if (agent->server == NULL) {
        return;
    }
    rind_server_close(agent->server);
    agent->server = NULL;
    struct rind_response gone = rind_response_make(500, rind_slice_make(NULL, 0));
    for (size_t i = 0; i < agent->hanging_count; i++) {
        rind_reply_complete(agent->hanging[i], &gone);
    }
    agent->hanging_count = 0;
    rind_mutex_fini(&agent->mutex);
}

void fake_agent_release(struct fake_agent *agent)
{
    uint8_t memory[8192];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_response response = rind_response_make(200, rind_slice_make(NULL, 0));
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    rind_mutex_lock(&agent->mutex);
    app_answer(agent, &ctx, &response);
    for (size_t i = 0; i < agent->hanging_count; i++) {
        rind_reply_complete(agent->hanging[i], &response);
    }
    agent->hanging_count = 0;
    rind_mutex_unlock(&agent->mutex);
}

void fake_agent_set_app(struct fake_agent *agent, enum fake_agent_behaviour behaviour,
                        enum rind_agent_app_response_kind answer)
{
    rind_mutex_lock(&agent->mutex);
    agent->app_behaviour = behaviour;
    agent->answer = answer;
    rind_mutex_unlock(&agent->mutex);
}

void fake_agent_set_status(struct fake_agent *agent, enum fake_agent_behaviour behaviour)
{
    rind_mutex_lock(&agent->mutex);
    agent->status_behaviour = behaviour;
    rind_mutex_unlock(&agent->mutex);
}

void fake_agent_set_leader(struct fake_agent *agent, bool is_leader, uint64_t role_clock)
{
    rind_mutex_lock(&agent->mutex);
    agent->is_leader = is_leader;
    agent->role_clock = role_clock;
    rind_mutex_unlock(&agent->mutex);
}

unsigned fake_agent_app_count(struct fake_agent *agent)
{
    rind_mutex_lock(&agent->mutex);
    unsigned count = agent->app_count;
    rind_mutex_unlock(&agent->mutex);
    return count;
}

unsigned fake_agent_status_count(struct fake_agent *agent)
{
    rind_mutex_lock(&agent->mutex);
    unsigned count = agent->status_count;
    rind_mutex_unlock(&agent->mutex);
    return count;
}
