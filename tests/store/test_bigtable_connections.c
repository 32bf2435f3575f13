/*
 * test_bigtable_connections.c - Bigtable's connections: several, replaced before the service closes
 * them, and closed by it in the middle of work. docs/spec/04-store.md sections 3.3 and 20.
 */
#include <stdatomic.h>
#include <string.h>

#include "cloud/cloud.h"
#include "fixture.h"
#include "grpc_proxy.h"
#include "proto/bigtable.pb-c.h"

#define WORKERS 4u
#define ROWS_OF_WORKER 20u
#define CONNECTIONS_MIN 12u
#define AGE_MS 60
#define TIMEOUT_MS 30000u
#define VALUE_SIZE 65536u
#define VALUES 200u /* more than the windows of HTTP/2 hold */

struct world {
    struct fixture fixture; /* its engine writes what is read */
    struct grpc_proxy proxy;
};

static int open_world_aged(void **state, int age_ms)
{
    struct world *world = calloc(1, sizeof(*world));
    struct fixture *f = &world->fixture;
    fixture_open(f, FIXTURE_BIGTABLE);
    grpc_proxy_open_aged(&world->proxy, f->emulator.address, age_ms);
    assert_ok(f, rind_engine_create_table(&f->ctx, f->engine,
                                          &(struct rind_table){.kind = RIND_TABLE_LEASE},
                                          fixture_deadline()));
    *state = world;
    return 0;
}

static int open_world(void **state)
{
    return open_world_aged(state, INT32_MAX);
}

static int open_world_that_closes(void **state)
{
    return open_world_aged(state, AGE_MS);
}

static int close_world(void **state)
{
    struct world *world = *state;
    grpc_proxy_close(&world->proxy);
    fixture_close(&world->fixture);
    free(world);
    return 0;
}

/* ---- work while connections come and go ---- */

struct worker {
    struct grpc_proxy *proxy;
    struct rind_engine *engine;
    unsigned number;
    struct rind_thread thread;
    unsigned rounds;
    char failure[RIND_SENTENCE_SIZE_MAX];
};

static rind_status worker_write(struct rind_ctx *ctx, const struct worker *worker,
                                struct rind_key_range *range, const char *value)
{
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                rind_slice_text(value)};
    struct rind_row_write row = {range->start, &set, 1};
    struct rind_write write = {rind_table_shared(RIND_TABLE_LEASE), &row, 1};
    return rind_engine_write(ctx, worker->engine, &write, fixture_deadline());
}

/* Writes a row and reads it back: one attempt each, none of which may fail. */
static rind_status worker_round(struct rind_ctx *ctx, const struct worker *worker)
{
    char key[32];
    char value[32];
    (void)snprintf(key, sizeof(key), "%u-%u", worker->number, worker->rounds % ROWS_OF_WORKER);
    (void)snprintf(value, sizeof(value), "%u", worker->rounds);
    struct rind_key_range range = {rind_slice_text(key), rind_slice_text(key), false, true};
    struct rind_read read = {.table = rind_table_shared(RIND_TABLE_LEASE),
                             .ranges = &range,
                             .range_count = 1,
                             .row_count_max = 1};
    struct rind_rows rows;
    RIND_TRY(worker_write(ctx, worker, &range, value));
    RIND_TRY(rind_engine_read(ctx, worker->engine, &read, fixture_deadline(), &rows));
    RIND_REQUIRE(ctx, rows.count == 1 && rind_slice_is_text(rows.rows[0].cells[0].value, value),
                 RIND_E_CORRUPT, "row %s is not what was written", key);
    return RIND_OK;
}

static void worker_run(void *self)
{
    struct worker *worker = self;
    struct rind_deadline deadline = rind_deadline_in_ms(TIMEOUT_MS);
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(rind_arena_map(&ctx, 1u << 20, &arena)));
    while (grpc_proxy_connections(worker->proxy) < CONNECTIONS_MIN &&
           !rind_deadline_has_expired(deadline)) {
        rind_arena_map_reset(arena, 0);
        rind_ctx_init(&ctx, arena);
        worker->rounds++;
        if (!rind_is_ok(worker_round(&ctx, worker))) {
            (void)snprintf(worker->failure, sizeof(worker->failure), "%s", ctx.sentence);
            break;
        }
    }
    rind_arena_unmap(arena);
}

static void assert_work_is_not_disturbed(struct world *world, uint64_t connection_age_ns)
{
    struct fixture *f = &world->fixture;
    struct rind_bigtable_options options = fixture_bigtable_options(&world->proxy.url);
    struct rind_engine *engine;
    struct worker workers[WORKERS];
    options.connection_age_ns = connection_age_ns;
    assert_ok(f, rind_engine_open_bigtable(&f->ctx, &options, &engine));
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.proxy = &world->proxy, .engine = engine, .number = i};
        assert_ok(
            f, rind_thread_start(&f->ctx, &workers[i].thread, "worker", worker_run, &workers[i]));
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        rind_thread_join(&workers[i].thread);
        assert_string_equal(workers[i].failure, "");
    }
    assert_true(grpc_proxy_connections(&world->proxy) >= CONNECTIONS_MIN);
    rind_engine_close(engine);
}

static void connections_are_replaced_at_their_age_without_a_failed_call(void **state)
{
    assert_work_is_not_disturbed(*state, AGE_MS * RIND_NS_PER_MS);
}

static void connections_that_the_service_closes_fail_no_call(void **state)
{
    assert_work_is_not_disturbed(*state, 0);
}

static void calls_are_spread_over_two_connections(void **state)
{
    struct world *world = *state;
    struct fixture *f = &world->fixture;
    struct rind_bigtable_options options = fixture_bigtable_options(&world->proxy.url);
    struct rind_engine *engine;
    struct grpc_proxy_rule rule = {
        .method = "ReadRows", .fault = GRPC_PROXY_HANG, .first = 1, .times = 1};
    grpc_proxy_set(&world->proxy, &rule);
    assert_ok(f, rind_engine_open_bigtable(&f->ctx, &options, &engine));
    struct worker worker = {.proxy = &world->proxy, .engine = engine};
    assert_int_equal(grpc_proxy_connections(&world->proxy), 1); /* one call so far: to warm it */
    assert_ok(f, rind_thread_start(&f->ctx, &worker.thread, "worker", worker_run, &worker));
    struct rind_deadline deadline = rind_deadline_in_ms(TIMEOUT_MS);
    while (grpc_proxy_count(&world->proxy, "ReadRows") == 0) { /* it hangs on the one */
        assert_false(rind_deadline_has_expired(deadline));
        (void)sched_yield();
    }
    struct worker other = {.proxy = &world->proxy, .engine = engine, .number = 1};
    assert_ok(f, worker_round(&f->ctx, &other));
    assert_int_equal(grpc_proxy_connections(&world->proxy), 2);
    grpc_proxy_close(&world->proxy);
    rind_thread_join(&worker.thread);
    assert_string_not_equal(worker.failure, "");
    rind_engine_close(engine);
}

/* ---- a stream that is older than its connection's replacement ---- */

static void write_large_rows(struct fixture *f)
{
    uint8_t *bytes = calloc(1, VALUE_SIZE);
    for (unsigned i = 0; i < VALUES; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%04u", i);
        struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                    rind_slice_make(bytes, VALUE_SIZE)};
        struct rind_row_write row = {rind_slice_text(key), &set, 1};
        struct rind_write write = {rind_table_shared(RIND_TABLE_LEASE), &row, 1};
        assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    }
    free(bytes);
}

static size_t count_rows(struct fixture *f, struct rind_stream *stream)
{
    size_t count = 0;
    for (;;) {
        ProtobufCMessage *message;
        assert_ok(f, rind_stream_next(&f->ctx, stream, &message));
        if (message == NULL) {
            return count;
        }
        const Google__Bigtable__V2__ReadRowsResponse *answer = (const void *)message;
        for (size_t i = 0; i < answer->n_chunks; i++) {
            count +=
                answer->chunks[i]->row_status_case ==
                        GOOGLE__BIGTABLE__V2__READ_ROWS_RESPONSE__CELL_CHUNK__ROW_STATUS_COMMIT_ROW
                    ? 1
                    : 0;
        }
    }
}

static void open_channel(struct world *world, struct rind_channel **channel)
{
    struct fixture *f = &world->fixture;
    struct rind_channel_options options;
    struct rind_google_flags flags = {.keepalive_interval_ns = 3600 * RIND_NS_PER_S};
    rind_channel_options_init(&options, "Bigtable", "", &world->proxy.url, &flags);
    options.remedy = "the test";
    options.connection_count = 2;
    assert_ok(f, rind_channel_open(&f->ctx, &options, channel));
}

static void a_stream_ends_on_the_connection_it_began_on(void **state)
{
    struct world *world = *state;
    struct fixture *f = &world->fixture;
    struct rind_channel *channel;
    struct rind_stream *stream;
    write_large_rows(f);
    open_channel(world, &channel);
    Google__Bigtable__V2__ReadRowsRequest request = GOOGLE__BIGTABLE__V2__READ_ROWS_REQUEST__INIT;
    char table[] = "projects/prj/instances/inst/tables/lease";
    request.table_name = table;
    struct rind_grpc_call call = {.method = "/google.bigtable.v2.Bigtable/ReadRows",
                                  .resource = "lease",
                                  .request = &request.base,
                                  .response =
                                      &google__bigtable__v2__read_rows_response__descriptor};
    assert_ok(f, rind_stream_open(&f->ctx, channel, &call, fixture_deadline(), &stream));
    for (unsigned round = 0; round < 2; round++) {
        assert_ok(f, rind_channel_renew(&f->ctx, channel, 0, NULL));
        assert_ok(f, rind_channel_renew(&f->ctx, channel, 1, NULL));
    }
    assert_int_equal(count_rows(f, stream), VALUES);
    rind_stream_close(stream);
    rind_channel_close(channel);
}

static void what_cannot_be_replaced_stays(void **state)
{
    struct world *world = *state;
    struct fixture *f = &world->fixture;
    struct rind_channel *channel;
    open_channel(world, &channel);
    grpc_proxy_close(&world->proxy);
    assert_status(f, rind_channel_renew(&f->ctx, channel, 1, NULL), RIND_E_UNAVAILABLE);
    assert_non_null(strstr(f->ctx.sentence, "does not accept another connection"));
    rind_channel_cancel(channel);
    assert_status(f, rind_channel_renew(&f->ctx, channel, 1, NULL), RIND_E_CANCELLED);
    rind_channel_close(channel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        TEST(connections_are_replaced_at_their_age_without_a_failed_call),
        cmocka_unit_test_setup_teardown(connections_that_the_service_closes_fail_no_call,
                                        open_world_that_closes, close_world),
        TEST(calls_are_spread_over_two_connections),
        TEST(a_stream_ends_on_the_connection_it_began_on),
        TEST(what_cannot_be_replaced_stays),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
