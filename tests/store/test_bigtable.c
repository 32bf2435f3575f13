/*
 * test_bigtable.c - what only the Bigtable engine has to bear: cut streams, lost answers,
 * round trips and a service that is not as it should be. docs/spec/04-store.md sections 3, 8.4, 20.
 */
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "grpc_proxy.h"
#include "merkle/row_key.h"
#include "proto/bigtable_admin.pb-c.h"

/* ---- an engine behind a proxy ---- */

struct proxied_store {
    struct fixture fixture;
    struct grpc_proxy proxy;
};

#define ROW_COUNT 100u

static struct rind_table lease_table(void)
{
    return rind_table_shared(RIND_TABLE_LEASE);
}

static int open_proxied(void **state)
{
    struct proxied_store *s = calloc(1, sizeof(*s));
    struct fixture *f = &s->fixture;
    fixture_open(f, FIXTURE_BIGTABLE);
    grpc_proxy_open(&s->proxy, f->emulator.address);
    f->url = s->proxy.url;
    fixture_reopen_engine(f);
    struct rind_store_options options = {.merkle_cache_nodes = 1000, .delete_delay_ms = UINT64_MAX};
    fixture_open_store(f, &options);
    fixture_create_tables(f);
    *state = s;
    return 0;
}

static int close_proxied(void **state)
{
    struct proxied_store *s = *state;
    rind_store_close(s->fixture.store);
    s->fixture.store = NULL;
    grpc_proxy_close(&s->proxy);
    fixture_close(&s->fixture);
    free(s);
    return 0;
}

static void set_rule(struct proxied_store *s, const char *method, enum grpc_proxy_fault fault,
                     unsigned first, unsigned times, grpc_status_code code)
{
    struct grpc_proxy_rule rule = {
        .method = method, .fault = fault, .first = first, .times = times, .code = code};
    grpc_proxy_set(&s->proxy, &rule);
}

static void write_rows(struct proxied_store *s)
{
    struct fixture *f = &s->fixture;
    static char keys[ROW_COUNT][8];
    struct rind_row_write rows[ROW_COUNT];
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                rind_slice_text("value")};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%03zu", i);
        rows[i] = (struct rind_row_write){rind_slice_text(keys[i]), &set, 1};
    }
    struct rind_write write = {lease_table(), rows, ROW_COUNT};
    assert_ok(f,
              rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()));
}

static rind_status read_rows(struct proxied_store *s, const struct rind_read *read,
                             struct rind_rows *rows)
{
    struct fixture *f = &s->fixture;
    return rind_engine_read(&f->ctx, rind_store_engine(f->store), read, fixture_deadline(), rows);
}

static void assert_rows_from(const struct rind_rows *rows, size_t first, size_t count)
{
    assert_int_equal(rows->count, count);
    for (size_t i = 0; i < count; i++) {
        char key[24];
        (void)snprintf(key, sizeof(key), "%03zu", first + i);
        assert_true(rind_slice_is_text(rows->rows[i].key, key));
        assert_int_equal(rows->rows[i].cell_count, 1);
    }
}

static void a_read_that_is_cut_goes_on_behind_its_last_row(void **state)
{
    struct proxied_store *s = *state;
    static const grpc_status_code codes[] = {GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_INTERNAL,
                                             GRPC_STATUS_UNKNOWN, GRPC_STATUS_DEADLINE_EXCEEDED,
                                             GRPC_STATUS_CANCELLED};
    struct rind_key_range ranges[] = {
        {rind_slice_text("050"), rind_slice_text("080"), false, false},
        {rind_slice_text("010"), rind_slice_text("020"), false, false},
        {rind_slice_text("005"), rind_slice_text("005"), false, true},
    };
    write_rows(s);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct grpc_proxy_rule rule = {.method = "ReadRows",
                                       .fault = GRPC_PROXY_CUT,
                                       .first = 1,
                                       .times = 4,
                                       .code = codes[i],
                                       .messages = 7};
        struct rind_read read = {.table = lease_table()};
        struct rind_rows rows;
        grpc_proxy_set(&s->proxy, &rule);
        assert_ok(&s->fixture, read_rows(s, &read, &rows));
        assert_rows_from(&rows, 0, ROW_COUNT);
        assert_false(rows.has_more);
        assert_int_equal(grpc_proxy_count(&s->proxy, "ReadRows"), 5);
        read.ranges = ranges;
        read.range_count = 3;
        grpc_proxy_set(&s->proxy, &rule);
        assert_ok(&s->fixture, read_rows(s, &read, &rows));
        assert_int_equal(rows.count, 41);
        assert_true(rind_slice_is_text(rows.rows[0].key, "005"));
        assert_true(rind_slice_is_text(rows.rows[40].key, "079"));
    }
}

static void a_read_that_is_cut_after_its_last_row_is_complete(void **state)
{
    struct proxied_store *s = *state;
    struct rind_key_range range = {rind_slice_text("000"), rind_slice_text("009"), false, true};
    struct rind_read read = {.table = lease_table(), .ranges = &range, .range_count = 1};
    struct grpc_proxy_rule rule = {.method = "ReadRows",
                                   .fault = GRPC_PROXY_CUT,
                                   .first = 1,
                                   .times = UINT32_MAX,
                                   .code = GRPC_STATUS_UNAVAILABLE,
                                   .messages = 10};
    struct rind_rows rows;
    write_rows(s);
    /* What is left is nothing; on the wire that would be the whole table (section 3.5). */
    grpc_proxy_set(&s->proxy, &rule);
    assert_ok(&s->fixture, read_rows(s, &read, &rows));
    assert_rows_from(&rows, 0, 10);
    assert_int_equal(grpc_proxy_count(&s->proxy, "ReadRows"), 1);
    /* As many rows as were asked for, in three parts. */
    rule.messages = 4;
    read = (struct rind_read){.table = lease_table(), .row_count_max = 12};
    grpc_proxy_set(&s->proxy, &rule);
    assert_ok(&s->fixture, read_rows(s, &read, &rows));
    assert_rows_from(&rows, 0, 12);
    assert_true(rows.has_more);
    assert_int_equal(grpc_proxy_count(&s->proxy, "ReadRows"), 3);
}

static void a_read_without_progress_is_left_to_the_caller(void **state)
{
    struct proxied_store *s = *state;
    struct rind_read read = {.table = lease_table()};
    struct rind_rows rows;
    write_rows(s);
    set_rule(s, "ReadRows", GRPC_PROXY_CUT, 1, 1, GRPC_STATUS_UNAVAILABLE);
    assert_status(&s->fixture, read_rows(s, &read, &rows), RIND_E_UNAVAILABLE);
    assert_int_equal(grpc_proxy_count(&s->proxy, "ReadRows"), 1);
}

static void a_stream_that_ends_inside_a_row_is_read_again(void **state)
{
    struct proxied_store *s = *state;
    /* One chunk: key "000", family "f", qualifier "q", value "half", value_size 8. */
    static const uint8_t half[] = {0x0a, 0x17, 0x0a, 3,    '0', '0',  '0', 0x12, 3,
                                   0x0a, 1,    'f',  0x1a, 3,   0x0a, 1,   'q',  0x32,
                                   4,    'h',  'a',  'l',  'f', 0x38, 8};
    struct rind_read read = {.table = lease_table()};
    struct rind_rows rows;
    write_rows(s);
    struct grpc_proxy_rule rule = {.method = "ReadRows",
                                   .fault = GRPC_PROXY_SCRIPT,
                                   .first = 1,
                                   .times = 1,
                                   .code = GRPC_STATUS_OK,
                                   .script = RIND_SLICE_OF(half)};
    grpc_proxy_set(&s->proxy, &rule);
    assert_status(&s->fixture, read_rows(s, &read, &rows), RIND_E_UNAVAILABLE);
    assert_non_null(strstr(s->fixture.ctx.sentence, "inside a row"));
    assert_ok(&s->fixture, read_rows(s, &read, &rows));
    assert_rows_from(&rows, 0, ROW_COUNT);
}

static void junk_from_the_service_is_an_error(void **state)
{
    struct proxied_store *s = *state;
    static const uint8_t junk[] = {0x0a, 0xff, 0xff, 0xff, 0x7f, 0x00};
    struct rind_read read = {.table = lease_table()};
    struct rind_rows rows;
    struct grpc_proxy_rule rule = {.method = "ReadRows",
                                   .fault = GRPC_PROXY_SCRIPT,
                                   .first = 1,
                                   .times = 1,
                                   .code = GRPC_STATUS_OK,
                                   .script = RIND_SLICE_OF(junk)};
    grpc_proxy_set(&s->proxy, &rule);
    assert_status(&s->fixture, read_rows(s, &read, &rows), RIND_E_UNKNOWN_OUTCOME);
}

static void a_call_that_is_never_answered_ends_at_its_deadline(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_read read = {.table = lease_table()};
    struct rind_rows rows;
    set_rule(s, "ReadRows", GRPC_PROXY_HANG, 1, 1, GRPC_STATUS_OK);
    assert_status(f,
                  rind_engine_read(&f->ctx, rind_store_engine(f->store), &read,
                                   rind_deadline_in_ms(100), &rows),
                  RIND_E_TIMEOUT);
}

/* ---- appends ---- */

/* The log is one row of these entries, written once. */
static void assert_log_is(struct fixture *f, uint64_t index, size_t count)
{
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_LOG, &f->realm)};
    struct rind_rows rows;
    assert_ok(f, rind_engine_read(&f->ctx, rind_store_engine(f->store), &read, fixture_deadline(),
                                  &rows));
    assert_true(rows.count > 0);
    uint8_t key[RIND_LOG_KEY_SIZE];
    rind_log_key(&f->group, index, key);
    assert_true(rind_slice_equal(rows.rows[0].key, RIND_SLICE_OF(key)));
    assert_int_equal(rows.rows[0].cell_count, count); /* twice would be two versions of each */
}

static void an_append_whose_answer_is_lost_is_found_by_looking(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    static const grpc_status_code codes[] = {GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_DEADLINE_EXCEEDED,
                                             GRPC_STATUS_UNKNOWN, GRPC_STATUS_INTERNAL,
                                             GRPC_STATUS_CANCELLED};
    uint64_t next = 1;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        set_rule(s, "CheckAndMutateRow", GRPC_PROXY_AFTER, 1, 1, codes[i]);
        fixture_append(f, next, 3, RIND_E_OK);
        assert_int_equal(grpc_proxy_count(&s->proxy, "CheckAndMutateRow"), 1); /* not sent again */
        assert_log_is(f, next, 3);
        next += 3;
        set_rule(s, "CheckAndMutateRow", GRPC_PROXY_BEFORE, 1, 1, codes[i]);
        fixture_append(f, next, 2, RIND_E_OK);
        assert_int_equal(grpc_proxy_count(&s->proxy, "CheckAndMutateRow"), 2);
        assert_log_is(f, next, 2);
        next += 2;
    }
}

static void an_append_of_unknown_outcome_says_so_and_can_be_resumed(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_store_entry *entries = fixture_entries(f, 1, 2, 1);
    struct rind_log_row row;
    set_rule(s, "CheckAndMutateRow", GRPC_PROXY_HANG, 1, 1, GRPC_STATUS_OK);
    assert_status(f,
                  rind_store_append(&f->ctx, f->store, &f->realm, &f->group, entries, 2, NULL,
                                    rind_deadline_in_ms(200), &row),
                  RIND_E_UNKNOWN_OUTCOME);
    assert_ok(f, rind_store_append_again(&f->ctx, f->store, &f->realm, &f->group, entries, 2, NULL,
                                         fixture_deadline(), &row));
    assert_int_equal(grpc_proxy_count(&s->proxy, "CheckAndMutateRow"), 1);
    assert_log_is(f, 1, 2);
}

/* ---- bulk writes ---- */

static void only_the_entries_that_failed_are_sent_again(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    /* Entries {index 0, OK}, {index 1, UNAVAILABLE}, {index 2, OK}. */
    static const uint8_t answer[] = {0x0a, 2,    0x12, 0,    0x0a, 6,    0x08, 1,    0x12,
                                     2,    0x08, 14,   0x0a, 4,    0x08, 2,    0x12, 0};
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                rind_slice_text("value")};
    struct rind_row_write rows[] = {{rind_slice_text("a"), &set, 1},
                                    {rind_slice_text("b"), &set, 1},
                                    {rind_slice_text("c"), &set, 1}};
    struct rind_write write = {lease_table(), rows, 3};
    struct grpc_proxy_rule rule = {.method = "MutateRows",
                                   .fault = GRPC_PROXY_SCRIPT,
                                   .first = 1,
                                   .times = 1,
                                   .code = GRPC_STATUS_OK,
                                   .script = RIND_SLICE_OF(answer)};
    grpc_proxy_set(&s->proxy, &rule);
    assert_ok(f,
              rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()));
    assert_int_equal(grpc_proxy_count(&s->proxy, "MutateRows"), 2);
    struct rind_rows read = fixture_read_all(f, lease_table());
    assert_int_equal(read.count, 1); /* the invented answer wrote nothing; "b" came through */
    assert_true(rind_slice_is_text(read.rows[0].key, "b"));
}

static void an_entry_that_nobody_answered_for_is_a_failure(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    static const uint8_t foreign[] = {0x0a, 4, 0x08, 9, 0x12, 0}; /* {index 9, OK} */
    static const uint8_t refused[] = {0x0a, 4, 0x12, 2, 0x08, 3}; /* {index 0, INVALID_ARGUMENT} */
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                rind_slice_text("value")};
    struct rind_row_write rows[] = {{rind_slice_text("a"), &set, 1},
                                    {rind_slice_text("b"), &set, 1}};
    struct rind_write write = {lease_table(), rows, 2};
    struct grpc_proxy_rule rule = {.method = "MutateRows",
                                   .fault = GRPC_PROXY_SCRIPT,
                                   .first = 1,
                                   .times = UINT32_MAX,
                                   .code = GRPC_STATUS_OK,
                                   .script = RIND_SLICE_OF(foreign)};
    grpc_proxy_set(&s->proxy, &rule);
    assert_status(
        f, rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()),
        RIND_E_UNKNOWN_OUTCOME);
    rule.script = RIND_SLICE_OF(refused);
    grpc_proxy_set(&s->proxy, &rule);
    assert_status(
        f, rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()),
        RIND_E_INVALID);
    assert_int_equal(grpc_proxy_count(&s->proxy, "MutateRows"), 1);
}

static void several_writes_of_one_row_keep_their_order(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_mutation first = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                  rind_slice_text("first")};
    struct rind_mutation wipe = {.kind = RIND_MUTATION_DELETE_ROW};
    struct rind_mutation last = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("r"), 1000,
                                 rind_slice_text("last")};
    struct rind_row_write rows[] = {{rind_slice_text("b"), &first, 1},
                                    {rind_slice_text("a"), &first, 1},
                                    {rind_slice_text("b"), &wipe, 1},
                                    {rind_slice_text("b"), &last, 1}};
    struct rind_write write = {lease_table(), rows, 4};
    assert_ok(f,
              rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()));
    struct rind_rows read = fixture_read_all(f, lease_table());
    assert_int_equal(read.count, 2);
    assert_int_equal(read.rows[1].cell_count, 1);
    assert_true(rind_slice_is_text(read.rows[1].cells[0].value, "last"));
}

/* ---- round trips ---- */

static struct rind_store_node leaf_of(struct fixture *f, const struct rind_record_id *record,
                                      uint8_t number)
{
    struct rind_data_hash hash;
    memset(hash.bytes, number, sizeof(hash.bytes));
    struct rind_node node = {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("sealed bytes")}};
    struct rind_bit_vector prefix = rind_bits_of_record_id(record);
    struct rind_store_node made;
    struct rind_row_key row_key;
    rind_row_key_encode(&prefix, &hash, &row_key);
    assert_true(rind_arena_copy(f->arena, rind_row_key_slice(&row_key), &made.row_key));
    assert_ok(f, rind_wire_encode_alloc(&f->ctx, &rind_node_schema, &node, &made.cbor));
    return made;
}

static void an_append_is_two_round_trips(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_record_id records[2] = {{{1}}, {{2}}};
    struct rind_store_node nodes[] = {leaf_of(f, &records[0], 1), leaf_of(f, &records[1], 2)};
    struct rind_append_delta delta = {.add = nodes, .add_count = 2};
    struct rind_log_row row;
    fixture_append(f, 1, 1, RIND_E_OK);
    set_rule(s, NULL, GRPC_PROXY_FORWARD, 1, 0, GRPC_STATUS_OK);
    for (uint64_t index = 2; index < 12; index++) {
        assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                       fixture_entries(f, index, 1, 1), 1, &delta,
                                       fixture_deadline(), &row));
    }
    assert_int_equal(grpc_proxy_count(&s->proxy, "MutateRows"), 10);
    assert_int_equal(grpc_proxy_count(&s->proxy, "CheckAndMutateRow"), 10);
    assert_int_equal(grpc_proxy_count(&s->proxy, NULL), 20);
}

static void a_path_is_one_round_trip_cold_and_none_warm(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_record_id record = {{1}};
    struct rind_data_hash root = {{9}};
    struct rind_store_node nodes[] = {leaf_of(f, &record, 1), {{0}, {0}}};
    struct rind_bit_vector bits = rind_bits_of_record_id(&record);
    struct rind_bit_vector top = {0};
    struct rind_node interior = {.kind = RIND_NODE_INTERIOR};
    interior.interior.has_left = true;
    interior.interior.left.prefix = bits;
    memset(interior.interior.left.hash.bytes, 1, sizeof(interior.interior.left.hash.bytes));
    struct rind_row_key row_key;
    rind_row_key_encode(&top, &root, &row_key);
    nodes[1].row_key = rind_row_key_slice(&row_key);
    assert_ok(f, rind_wire_encode_alloc(&f->ctx, &rind_node_schema, &interior, &nodes[1].cbor));
    struct rind_append_delta delta = {.add = nodes, .add_count = 2};
    struct rind_log_row row;
    assert_ok(f,
              rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                fixture_entries(f, 1, 1, 1), 1, &delta, fixture_deadline(), &row));
    /* Another process, which has nothing in its cache. */
    struct rind_engine *engine = NULL;
    struct rind_store *reader = NULL;
    struct rind_store_options options = {.merkle_cache_nodes = 1000};
    struct rind_bigtable_options bigtable = fixture_bigtable_options(&s->proxy.url);
    struct rind_path path;
    assert_ok(f, rind_engine_open_bigtable(&f->ctx, &bigtable, &engine));
    assert_ok(f, rind_store_open_engine(&f->ctx, engine, &options, &reader));
    set_rule(s, NULL, GRPC_PROXY_FORWARD, 1, 0, GRPC_STATUS_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(f, rind_store_read_path(&f->ctx, reader, &f->realm, &record, &root,
                                          fixture_deadline(), &path));
        assert_int_equal(path.count, 2);
        assert_int_equal(grpc_proxy_count(&s->proxy, NULL), 1);
    }
    rind_store_close(reader);
}

/* ---- services that are not as they should be ---- */

static void assert_open_fails(const struct rind_bigtable_options *options, enum rind_code code,
                              const char *sentence)
{
    struct rind_ctx ctx;
    struct rind_engine *engine = NULL;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_engine_open_bigtable(&ctx, options, &engine);
    if (!rind_is(status, code) || strstr(ctx.sentence, sentence) == NULL) {
        fail_msg("expected %d with '%s', got %u: %s", (int)code, sentence, status.code,
                 ctx.sentence);
    }
}

static void what_cannot_be_reached_is_named_with_the_remedy(void **state)
{
    (void)state;
    struct rind_url url;
    assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text("http://127.0.0.1:1/"), &url)));
    struct rind_bigtable_options options = fixture_bigtable_options(&url);
    assert_open_fails(&options, RIND_E_UNAVAILABLE, "127.0.0.1:1");
    assert_open_fails(&options, RIND_E_UNAVAILABLE, "--bigtable-url");
    options.instance = "projects/p/instances/i";
    assert_open_fails(&options, RIND_E_INVALID, "--bigtable-instance");
    options.instance = "";
    assert_open_fails(&options, RIND_E_INVALID, "--bigtable-instance");
}

static void credentials_that_are_named_must_be_of_use(void **state)
{
    (void)state;
    struct rind_bigtable_options options = fixture_bigtable_options(NULL);
    char path[] = "/tmp/rind-credentials-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json", 1), 0);
    assert_open_fails(&options, RIND_E_AUTH, "/nowhere/key.json");
    assert_int_equal(setenv("GOOGLE_APPLICATION_CREDENTIALS", path, 1), 0);
    assert_open_fails(&options, RIND_E_AUTH, "is not JSON");
    static const char wrong[] = "{\"type\": \"something\"}";
    assert_int_equal(write(fd, wrong, sizeof(wrong) - 1), sizeof(wrong) - 1);
    assert_open_fails(&options, RIND_E_AUTH, "gcloud iam service-accounts keys create");
    assert_int_equal(unsetenv("GOOGLE_APPLICATION_CREDENTIALS"), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

static void a_refused_instance_is_found_at_start(void **state)
{
    struct proxied_store *s = *state;
    struct rind_bigtable_options options = fixture_bigtable_options(&s->proxy.url);
    set_rule(s, "PingAndWarm", GRPC_PROXY_BEFORE, 1, UINT32_MAX, GRPC_STATUS_NOT_FOUND);
    assert_open_fails(&options, RIND_E_NOT_FOUND, "projects/prj/instances/inst");
    set_rule(s, "PingAndWarm", GRPC_PROXY_BEFORE, 1, UINT32_MAX, GRPC_STATUS_PERMISSION_DENIED);
    assert_open_fails(&options, RIND_E_DENIED, "docs/google-cloud.md");
    set_rule(s, "PingAndWarm", GRPC_PROXY_BEFORE, 1, UINT32_MAX, GRPC_STATUS_UNAUTHENTICATED);
    assert_open_fails(&options, RIND_E_AUTH, "GOOGLE_APPLICATION_CREDENTIALS");
    /* An outage passes, and old emulators do not know the call. */
    static const grpc_status_code passing[] = {GRPC_STATUS_UNAVAILABLE, GRPC_STATUS_UNIMPLEMENTED};
    for (size_t i = 0; i < 2; i++) {
        struct rind_engine *engine = NULL;
        set_rule(s, "PingAndWarm", GRPC_PROXY_BEFORE, 1, UINT32_MAX, passing[i]);
        assert_ok(&s->fixture, rind_engine_open_bigtable(&s->fixture.ctx, &options, &engine));
        rind_engine_close(engine);
    }
}

static void an_emulator_that_comes_back_empty_is_found_out(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    fixture_append(f, 1, 1, RIND_E_OK);
    unsigned port = f->emulator.port;
    bigtable_emulator_stop(&f->emulator);
    bigtable_emulator_start(&f->emulator, port);
    struct rind_store_entry last;
    assert_status(f,
                  rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group, fixture_deadline(),
                                       &last, NULL),
                  RIND_E_NOT_FOUND);
    assert_non_null(strstr(f->ctx.sentence, "restarted is empty"));
    /* Nothing is acknowledged that is not there, and the process serves what there is. */
    struct rind_log_row row;
    assert_status(f,
                  rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                    fixture_entries(f, 2, 1, 1), 1, NULL, fixture_deadline(), &row),
                  RIND_E_NOT_FOUND);
    assert_ok(f, rind_store_create_shared_tables(&f->ctx, f->store, fixture_deadline()));
    fixture_set(f, lease_table(), "row", "q", 1000, "v");
}

/* Makes a table of ours with a family that is not. */
static void make_foreign_table(struct fixture *f, const char *id)
{
    struct rind_channel_options options;
    struct rind_google_flags flags = {.keepalive_interval_ns = 3600 * RIND_NS_PER_S};
    struct rind_channel *channel = NULL;
    rind_channel_options_init(&options, "Bigtable", "", &f->url, &flags);
    options.remedy = "the test";
    assert_ok(f, rind_channel_open(&f->ctx, &options, &channel));
    Google__Bigtable__Admin__V2__ColumnFamily family =
        GOOGLE__BIGTABLE__ADMIN__V2__COLUMN_FAMILY__INIT;
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry entry =
        GOOGLE__BIGTABLE__ADMIN__V2__TABLE__COLUMN_FAMILIES_ENTRY__INIT;
    entry.key = rind_proto_text("other");
    entry.value = &family;
    Google__Bigtable__Admin__V2__Table__ColumnFamiliesEntry *entries[] = {&entry};
    Google__Bigtable__Admin__V2__Table table = GOOGLE__BIGTABLE__ADMIN__V2__TABLE__INIT;
    table.n_column_families = 1;
    table.column_families = entries;
    Google__Bigtable__Admin__V2__CreateTableRequest request =
        GOOGLE__BIGTABLE__ADMIN__V2__CREATE_TABLE_REQUEST__INIT;
    request.parent = rind_proto_text("projects/prj/instances/inst");
    request.table_id = rind_proto_text(id);
    request.table = &table;
    struct rind_grpc_call call = {.method =
                                      "/google.bigtable.admin.v2.BigtableTableAdmin/CreateTable",
                                  .resource = id,
                                  .request = &request.base,
                                  .response = &google__bigtable__admin__v2__table__descriptor};
    ProtobufCMessage *response;
    assert_ok(f, rind_channel_call(&f->ctx, channel, &call, fixture_deadline(), &response));
    rind_channel_close(channel);
}

static void a_table_of_somebody_else_is_named(void **state)
{
    struct proxied_store *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_realm_id other = fixture_realm(0x77);
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &other);
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(&log, name);
    make_foreign_table(f, name);
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                rind_slice_text("value")};
    struct rind_row_write rows[] = {{rind_slice_text("a"), &set, 1},
                                    {rind_slice_text("b"), &set, 1}};
    for (size_t count = 1; count <= 2; count++) { /* MutateRow and MutateRows */
        struct rind_write write = {log, rows, count};
        assert_status(
            f, rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()),
            RIND_E_INVALID);
        assert_non_null(strstr(f->ctx.sentence, name));
        assert_non_null(strstr(f->ctx.sentence, "was not made by a realm"));
    }
}

#define PROXIED(name) cmocka_unit_test_setup_teardown(name, open_proxied, close_proxied)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        PROXIED(a_read_that_is_cut_goes_on_behind_its_last_row),
        PROXIED(a_read_that_is_cut_after_its_last_row_is_complete),
        PROXIED(a_read_without_progress_is_left_to_the_caller),
        PROXIED(a_stream_that_ends_inside_a_row_is_read_again),
        PROXIED(junk_from_the_service_is_an_error),
        PROXIED(a_call_that_is_never_answered_ends_at_its_deadline),
        PROXIED(an_append_whose_answer_is_lost_is_found_by_looking),
        PROXIED(an_append_of_unknown_outcome_says_so_and_can_be_resumed),
        PROXIED(only_the_entries_that_failed_are_sent_again),
        PROXIED(an_entry_that_nobody_answered_for_is_a_failure),
        PROXIED(several_writes_of_one_row_keep_their_order),
        PROXIED(an_append_is_two_round_trips),
        PROXIED(a_path_is_one_round_trip_cold_and_none_warm),
        cmocka_unit_test(what_cannot_be_reached_is_named_with_the_remedy),
        cmocka_unit_test(credentials_that_are_named_must_be_of_use),
        PROXIED(a_refused_instance_is_found_at_start),
        PROXIED(an_emulator_that_comes_back_empty_is_found_out),
        PROXIED(a_table_of_somebody_else_is_named),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
