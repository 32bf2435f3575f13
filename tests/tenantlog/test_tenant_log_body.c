/* test_tenant_log_body.c - requests, events, times and pages of the tenant event log. */
#include "tenantlog/body.h"

#include <string.h>

#include "support/test.h"
#include "support/vectors.h"

static uint8_t arena_memory[4 * 1024 * 1024];

struct world {
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static int setup(void **state)
{
    static struct world world;
    rind_arena_init(&world.arena, arena_memory, sizeof(arena_memory));
    rind_ctx_init(&world.ctx, &world.arena);
    *state = &world;
    return 0;
}

static void page_sizes_are_brought_into_bounds(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *body;
        size_t page_size; /* 0: refused */
    } cases[] = {
        {"{}", 1},
        {"{\"page_size\":null}", 1},
        {"{\"page_size\":-1}", 1},
        {"{\"page_size\":0}", 1},
        {"{\"page_size\":1}", 1},
        {"{\"page_size\":2}", 2},
        {"{\"page_size\":200}", 200},
        {"{\"page_size\":201}", 200},
        {"{\"page_size\":32767}", 200},
        {"{\"page_size\":-32768}", 1},
        {"{\"page_size\":32768}", 0},
        {"{\"page_size\":40000}", 0},
        {"{\"page_size\":-32769}", 0},
        {"{\"page_size\":\"5\"}", 0},
        {"{\"page_size\":5.5}", 0},
        {"{\"page_size\":5,\"other\":[{}]}", 5},
        {"", 0},
        {"[]", 0},
        {"5", 0},
        {"{", 0},
        {"{} x", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_tenant_log_request request = {0};
        rind_status status =
            rind_tenant_log_request_read(&world->ctx, rind_slice_text(cases[i].body), &request);
        if (request.page_size != cases[i].page_size ||
            rind_is_ok(status) != (cases[i].page_size > 0)) {
            fail_msg("%s: %zu", cases[i].body, request.page_size);
        }
        assert_true(rind_is_ok(status) || rind_is(status, RIND_E_DECODE));
    }
}

static void acks_may_be_absent_null_or_texts(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *body;
        int count; /* -1: refused */
    } cases[] = {
        {"{}", 0},
        {"{\"acks\":null}", 0},
        {"{\"acks\":[]}", 0},
        {"{\"acks\":[\"a\",\"b\"]}", 2},
        {"{\"ack\":[\"a\"]}", 1}, /* as the published description calls it */
        {"{\"acks\":[\"a\",\"b\"],\"ack\":[\"c\"]}", 2},
        {"{\"acks\":\"a\"}", -1},
        {"{\"acks\":[1]}", -1},
        {"{\"acks\":[null]}", -1},
        {"{\"acks\":{\"a\":\"b\"}}", -1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_tenant_log_request request = {0};
        rind_status status =
            rind_tenant_log_request_read(&world->ctx, rind_slice_text(cases[i].body), &request);
        if ((rind_is_ok(status) ? (int)request.ack_count : -1) != cases[i].count) {
            fail_msg("%s", cases[i].body);
        }
    }
    struct rind_tenant_log_request request;
    assert_true(rind_is_ok(rind_tenant_log_request_read(
        &world->ctx, rind_slice_text("{\"acks\":[\"x\",\"yz\"]}"), &request)));
    assert_true(rind_slice_is_text(request.acks[0], "x"));
    assert_true(rind_slice_is_text(request.acks[1], "yz"));
}

static void events_of_the_vectors_are_read(void **state)
{
    struct world *world = *state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    const json_t *events = rind_vectors_get(vectors, "pubsub_events");
    assert_int_equal(json_array_size(events), 4);
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *vector = json_array_get(events, i);
        struct rind_tenant_log_event event;
        assert_true(rind_is_ok(rind_tenant_log_event_read(
            &world->ctx, rind_slice_text(rind_vectors_text(vector, "data")), &event)));
        assert_true(rind_slice_is_text(event.event, rind_vectors_text(vector, "event")));
        assert_int_equal(event.user.length, 64);
        assert_int_equal(event.has_num_guesses, json_object_get(vector, "num_guesses") != NULL);
        if (event.has_num_guesses) {
            assert_int_equal(event.num_guesses, rind_vectors_integer(vector, "num_guesses"));
            assert_int_equal(event.guess_count, rind_vectors_integer(vector, "guess_count"));
        }
    }
    json_decref(vectors);
}

static void keys_of_an_event_may_have_any_order_and_company(void **state)
{
    struct world *world = *state;
    struct rind_tenant_log_event event;
    assert_true(rind_is_ok(rind_tenant_log_event_read(
        &world->ctx,
        rind_slice_text("{\"user\":\"u\",\"event\":\"guess_used\",\"num_guesses\":65535,"
                        "\"guess_count\":0,\"more\":{}}"),
        &event)));
    assert_int_equal(event.num_guesses, 65535);
    assert_true(event.has_guess_count && event.guess_count == 0);
    static const char *const bad[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"user\":\"u\"}",
        "{\"event\":\"deleted\"}",
        "{\"user\":1,\"event\":\"deleted\"}",
        "{\"user\":\"u\",\"event\":\"guess_used\",\"num_guesses\":65536}",
        "{\"user\":\"u\",\"event\":\"guess_used\",\"num_guesses\":-1}",
        "{\"user\":\"u\",\"event\":\"guess_used\",\"guess_count\":\"1\"}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!rind_is(rind_tenant_log_event_read(&world->ctx, rind_slice_text(bad[i]), &event),
                     RIND_E_DECODE)) {
            fail_msg("%s", bad[i]);
        }
    }
}

static void times_have_as_many_digits_as_they_need(void **state)
{
    (void)state;
    static const struct {
        int64_t unix_s;
        int32_t nanos;
        const char *text;
    } cases[] = {
        {1697055422, 342000000, "2023-10-11T20:17:02.342Z"},
        {1697055422, 0, "2023-10-11T20:17:02Z"},
        {1697055422, 1, "2023-10-11T20:17:02.000000001Z"},
        {1697055422, 999999999, "2023-10-11T20:17:02.999999999Z"},
        {253402300799, 100000000, "9999-12-31T23:59:59.1Z"},
        {253402300800, 1, "1970-01-01T00:00:00Z"}, /* what no clock says */
        {-1, 5, "1970-01-01T00:00:00Z"},
        {0, 1000000000, "1970-01-01T00:00:00Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[RIND_TENANT_LOG_TIME_SIZE];
        rind_tenant_log_time(cases[i].unix_s, cases[i].nanos, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_page_has_the_specified_bytes(void **state)
{
    struct world *world = *state;
    const struct rind_delivered_event events[] = {
        {.id = rind_slice_text("9321537408648904"),
         .ack_id = rind_slice_text("UTcZ"),
         .data = rind_slice_text("{\"event\":\"guess_used\",\"guess_count\":1,\"num_guesses\":2,"
                                 "\"user\":\"c824\"}"),
         .publish_unix_s = 1697055422,
         .publish_nanos = 342000000},
        {.id = rind_slice_text("2"), .ack_id = rind_slice_text("b"), .data = rind_slice_text("?")},
        {.id = rind_slice_text("3"),
         .ack_id = rind_slice_text("c"),
         .data = rind_slice_text("{\"event\":\"deleted\",\"user\":\"u\"}")},
    };
    struct rind_slice page;
    size_t shown;
    assert_true(
        rind_is_ok(rind_tenant_log_page_write(&world->ctx, events, 3, NULL, &shown, &page)));
    assert_int_equal(shown, 2); /* one could not be read, and is left out */
    assert_true(rind_slice_is_text(
        page, "{\"events\":[{\"id\":\"9321537408648904\",\"ack\":\"UTcZ\","
              "\"when\":\"2023-10-11T20:17:02.342Z\",\"user_id\":\"c824\",\"event\":\"guess_used\","
              "\"num_guesses\":2,\"guess_count\":1},{\"id\":\"3\",\"ack\":\"c\","
              "\"when\":\"1970-01-01T00:00:00Z\",\"user_id\":\"u\",\"event\":\"deleted\"}]}\n"));
    assert_true(rind_is_ok(rind_tenant_log_page_write(&world->ctx, NULL, 0, NULL, &shown, &page)));
    assert_true(rind_slice_is_text(page, "{\"events\":[]}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(page_sizes_are_brought_into_bounds, setup),
        cmocka_unit_test_setup(acks_may_be_absent_null_or_texts, setup),
        cmocka_unit_test_setup(events_of_the_vectors_are_read, setup),
        cmocka_unit_test_setup(keys_of_an_event_may_have_any_order_and_company, setup),
        cmocka_unit_test_setup(times_have_as_many_digits_as_they_need, setup),
        cmocka_unit_test_setup(a_page_has_the_specified_bytes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
