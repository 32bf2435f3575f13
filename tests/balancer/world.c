/* world.c - see world.h. */
#include "balancer/world.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

#include "balancer/tls_files.h"
#include "host/host.h"
#include "support/test.h"
#include "wire/codec.h"

#define WORLD_MEMORY_SIZE (8u * 1024 * 1024)

/* --- an engine that fails on demand --- */

struct world_engine {
    struct rind_engine engine;
    struct rind_engine *inner;
    atomic_bool fails;
};

static struct world_engine *world_engine_of(struct rind_engine *engine)
{
    return (struct world_engine *)engine;
}

static rind_status world_engine_check(struct rind_ctx *ctx, struct rind_engine *engine)
{
    RIND_REQUIRE(ctx, !world_engine_of(engine)->fails, RIND_E_NETWORK, "the test says so");
    return RIND_OK;
}

static rind_status world_engine_read(struct rind_ctx *ctx, struct rind_engine *engine,
                                     const struct rind_read *read, struct rind_deadline deadline,
                                     struct rind_rows *rows)
{
    RIND_TRY(world_engine_check(ctx, engine));
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->read(ctx, inner, read, deadline, rows);
}

static rind_status world_engine_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                      const struct rind_write *write, struct rind_deadline deadline)
{
    RIND_TRY(world_engine_check(ctx, engine));
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->write(ctx, inner, write, deadline);
}

static rind_status world_engine_test_and_write(struct rind_ctx *ctx, struct rind_engine *engine,
                                               const struct rind_test_and_write *request,
                                               struct rind_deadline deadline, bool *was_true)
{
    RIND_TRY(world_engine_check(ctx, engine));
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->test_and_write(ctx, inner, request, deadline, was_true);
}

static rind_status world_engine_create_table(struct rind_ctx *ctx, struct rind_engine *engine,
                                             const struct rind_table *table,
                                             struct rind_deadline deadline)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->create_table(ctx, inner, table, deadline);
}

static rind_status world_engine_list_tables(struct rind_ctx *ctx, struct rind_engine *engine,
                                            struct rind_deadline deadline,
                                            struct rind_tables *tables)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->list_tables(ctx, inner, deadline, tables);
}

static uint32_t world_engine_change_count(struct rind_engine *engine, uint32_t topic)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->change_count(inner, topic);
}

static void world_engine_wait_change(struct rind_engine *engine, uint32_t topic, uint32_t since,
                                     struct rind_deadline deadline)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    inner->class->wait_change(inner, topic, since, deadline);
}

static void world_engine_wake(struct rind_engine *engine)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    inner->class->wake(inner);
}

static rind_status world_engine_collect(struct rind_ctx *ctx, struct rind_engine *engine,
                                        struct rind_deadline deadline, uint64_t *removed)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    return inner->class->collect(ctx, inner, deadline, removed);
}

static void world_engine_statistics(struct rind_engine *engine,
                                    struct rind_engine_statistics *statistics)
{
    struct rind_engine *inner = world_engine_of(engine)->inner;
    inner->class->statistics(inner, statistics);
}

static void world_engine_close(struct rind_engine *engine)
{
    struct world_engine *self = world_engine_of(engine);
    self->inner->class->close(self->inner);
    free(self);
}

static const struct rind_engine_class world_engine_class = {
    .name = "failing",
    .writes_together = false,
    .read = world_engine_read,
    .write = world_engine_write,
    .test_and_write = world_engine_test_and_write,
    .create_table = world_engine_create_table,
    .list_tables = world_engine_list_tables,
    .change_count = world_engine_change_count,
    .wait_change = world_engine_wait_change,
    .wake = world_engine_wake,
    .collect = world_engine_collect,
    .statistics = world_engine_statistics,
    .close = world_engine_close,
};

/* --- the world --- */

static void check(const struct world *world, rind_status status)
{
    if (!rind_is_ok(status)) {
        fail_msg("%s", world->ctx.sentence);
    }
}

const char *world_secrets_json(const char *more)
{
    static char json[16384];
    snprintf(json, sizeof(json),
             "{\"record-id-randomization\":{\"1\":{\"data\":\"" WORLD_RECORD_KEY
             "\",\"encoding\":\"UTF8\",\"algorithm\":\"Blake2sMac256\"}},"
             "\"tenant-" WORLD_TENANT "\":{\"1\":{\"data\":\"" WORLD_KEY
             "\",\"encoding\":\"UTF8\",\"algorithm\":\"HmacSha256\"}}%s}",
             more);
    return json;
}

void world_put_secrets(struct world *world, const char *json)
{
    char next[128];
    snprintf(next, sizeof(next), "%s.next", world->secrets_path);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(json, 1, strlen(json), file), strlen(json));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, world->secrets_path), 0);
}

static void world_open_store(struct world *world)
{
    world->engine = calloc(1, sizeof(*world->engine));
    assert_non_null(world->engine);
    world->engine->engine.class = &world_engine_class;
    check(world, rind_engine_open_memory(&world->ctx, NULL, &world->engine->inner));
    check(world, rind_store_open_engine(&world->ctx, &world->engine->engine, NULL, &world->store));
    check(world, rind_store_create_shared_tables(&world->ctx, world->store,
                                                 rind_deadline_in_ms(WORLD_WAIT_MS)));
}

static void world_open_secrets(struct world *world)
{
    struct rind_secrets_source source;
    check(world, rind_secrets_file_source(&world->ctx, world->secrets_path, &source));
    source.interval_ms = 20;
    check(world, rind_secrets_open(&world->ctx, source, NULL, &world->secrets));
}

/* Called on the balancer's threads, where a failing assertion would not be seen: when the text is
 * full (tests that send thousands of requests do not look at it), it stays as it is. */
static void world_emit(void *self, const struct rind_metric *metric)
{
    struct world *world = self;
    struct rind_buffer line;
    char memory[1024];
    if (strcmp(metric->name, "load_balancer.request.time.ns") != 0) {
        return;
    }
    rind_buffer_init(&line, memory, sizeof(memory));
    for (size_t i = 0; i < metric->tag_count; i++) {
        rind_buffer_print(&line, "%s%c", metric->tags[i], i + 1 < metric->tag_count ? ' ' : '\n');
    }
    rind_mutex_lock(&world->metrics_mutex);
    if (world->metrics_length + line.length <= sizeof(world->metrics_text)) {
        memcpy(world->metrics_text + world->metrics_length, memory, line.length);
        world->metrics_length += line.length;
    }
    rind_mutex_unlock(&world->metrics_mutex);
}

size_t world_request_times(struct world *world, char *text, size_t size)
{
    size_t lines = 0;
    rind_mutex_lock(&world->metrics_mutex);
    snprintf(text, size, "%.*s", (int)world->metrics_length, world->metrics_text);
    rind_mutex_unlock(&world->metrics_mutex);
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    return lines;
}

static void world_open_metrics(struct world *world)
{
    const struct rind_metrics_sink sink = {.emit = world_emit, .self = world};
    rind_mutex_init(&world->metrics_mutex);
    check(world, rind_metrics_new(&world->ctx, NULL, 0, &world->metrics));
    rind_metrics_add_sink(world->metrics, &sink);
}

static void world_open_files(struct world *world)
{
    *world = (struct world){0};
    world->memory = malloc(WORLD_MEMORY_SIZE);
    assert_non_null(world->memory);
    rind_arena_init(&world->arena, world->memory, WORLD_MEMORY_SIZE);
    rind_ctx_init(&world->ctx, &world->arena);
    strcpy(world->directory, "/tmp/rind-test-balancer-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->certificate_path, sizeof(world->certificate_path), "%s/cert.pem",
             world->directory);
    snprintf(world->key_path, sizeof(world->key_path), "%s/key.pem", world->directory);
    snprintf(world->secrets_path, sizeof(world->secrets_path), "%s/secrets.json", world->directory);
    tls_files_write(world->certificate_path, world->key_path, 1);
    world_put_secrets(
        world,
        world_secrets_json(",\"tenant-broken\":{\"1\":{\"data\":\"3000\",\"encoding\":\"Hex\","
                           "\"algorithm\":\"RsaPkcs1Sha256\"},\"2\":{\"data\":\"11\",\"encoding\":"
                           "\"Hex\",\"algorithm\":\"Blake2sMac256\"}}"));
}

const char *world_store_name(const struct world *world)
{
    static char name[128];
    snprintf(name, sizeof(name), "lmdb:%s/db", world->directory);
    return name;
}

void world_open_outside(struct world *world)
{
    world_open_files(world);
    check(world, rind_store_open(&world->ctx, world_store_name(world), NULL, &world->store));
    check(world, rind_store_create_shared_tables(&world->ctx, world->store,
                                                 rind_deadline_in_ms(WORLD_WAIT_MS)));
}

void world_open(struct world *world)
{
    world_open_with_gap(world, 0);
}

void world_open_with_gap(struct world *world, uint64_t gap_ms)
{
    world_open_files(world);
    world_open_store(world);
    world_open_secrets(world);
    world_open_metrics(world);
    struct rind_balancer_options options = {.name = "lb-test",
                                            .tls_certificate_file = world->certificate_path,
                                            .tls_key_file = world->key_path,
                                            .idle_timeout_ns = 60 * RIND_NS_PER_S,
                                            .trace_rate = 1.0,
                                            .gap_ns = gap_ms * RIND_NS_PER_MS,
                                            .store = world->store,
                                            .secrets = world->secrets,
                                            .metrics = world->metrics};
    check(world, rind_address_parse(&world->ctx, rind_slice_text("127.0.0.1:0"), &options.listen));
    check(world, rind_balancer_open(&world->ctx, &options, &world->balancer));
    struct rind_address address = rind_balancer_address(world->balancer);
    world->port = rind_address_port(&address);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void world_close(struct world *world)
{
    rind_balancer_close(world->balancer);
    for (size_t i = 0; i < sizeof(world->agents) / sizeof(world->agents[0]); i++) {
        fake_agent_close(&world->agents[i]);
    }
    rind_secrets_close(world->secrets);
    rind_metrics_close(world->metrics);
    rind_store_close(world->store);
    nftw(world->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(world->memory);
}

void world_register(struct world *world, const char *url)
{
    check(world, rind_store_discovery_register(&world->ctx, world->store, RIND_SERVICE_AGENT, url,
                                               rind_deadline_in_ms(WORLD_WAIT_MS)));
}

struct fake_agent *world_add_agent(struct world *world, size_t index, uint8_t group)
{
    struct fake_agent *agent = &world->agents[index];
    fake_agent_open(agent, WORLD_REALM, group);
    world_register(world, agent->url);
    return agent;
}

void world_set_store_fails(struct world *world, bool fails)
{
    world->engine->fails = fails;
}

struct rind_slice world_token(struct world *world, const char *user)
{
    struct rind_token_key *key = NULL;
    struct rind_slice token;
    struct rind_token_grant grant = {.tenant = rind_slice_text(WORLD_TENANT),
                                     .user = rind_slice_text(user),
                                     .scope = RIND_TOKEN_SCOPE_USER,
                                     .key_version = 1};
    memset(grant.realm.bytes, WORLD_REALM, sizeof(grant.realm.bytes));
    check(world, rind_token_key_new_signing(&world->ctx, RIND_TOKEN_HS256,
                                            rind_slice_text(WORLD_KEY), &key));
    check(world, rind_token_create(&world->ctx, &grant, key, rind_clock_unix_ms(), &token));
    rind_token_key_free(key);
    return token;
}

struct rind_slice world_request_body(struct world *world, uint8_t realm, struct rind_slice token,
                                     bool is_handshake)
{
    static uint8_t ephemeral[32] = {9};
    struct rind_slice body;
    struct rind_client_request request = {
        .auth_token = token, .session_id = 0xfedcba98, .kind = RIND_CLIENT_REQUEST_SECRETS_REQUEST};
    memset(request.realm.bytes, realm, sizeof(request.realm.bytes));
    if (is_handshake) {
        request.encrypted.kind = RIND_NOISE_REQUEST_HANDSHAKE;
        request.encrypted.handshake.handshake.client_ephemeral_public = RIND_SLICE_OF(ephemeral);
        request.encrypted.handshake.handshake.payload_ciphertext = rind_slice_text(WORLD_PAYLOAD);
    } else {
        request.encrypted.kind = RIND_NOISE_REQUEST_TRANSPORT;
        request.encrypted.transport.ciphertext = rind_slice_text(WORLD_PAYLOAD);
    }
    check(world, rind_wire_encode_alloc(&world->ctx, &rind_client_request_schema, &request, &body));
    return body;
}

void world_post(struct world *world, struct rind_slice body, struct web_answer *answer)
{
    struct web_request request = {
        .path = "/req", .body = body, .headers = {"X-Juicebox-Version: 0.3.4"}};
    web_send(NULL, world->port, world->certificate_path, &request, answer);
}

long world_try(struct world *world)
{
    static struct web_answer answer;
    size_t mark = rind_arena_mark(&world->arena);
    struct rind_slice token = world_token(world, "mario");
    world_post(world, world_request_body(world, WORLD_REALM, token, true), &answer);
    rind_arena_release(&world->arena, mark);
    return answer.error == CURLE_OK ? answer.status : 0;
}

void world_wait_for_status(struct world *world, long status)
{
    struct rind_deadline deadline = rind_deadline_in_ms(WORLD_WAIT_MS);
    long last = world_try(world);
    while (last != status) {
        if (rind_deadline_has_expired(deadline)) {
            fail_msg("status %ld, never %ld", last, status);
        }
        last = world_try(world);
    }
}

enum rind_client_response_kind world_response_kind(struct world *world,
                                                   const struct web_answer *answer)
{
    struct rind_client_response response;
    check(world,
          rind_wire_decode_whole(&world->ctx, &rind_client_response_schema,
                                 rind_slice_make(answer->body, answer->body_length), &response));
    return response.kind;
}
