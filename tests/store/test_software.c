/* test_software.c - records of a software realm on each engine: 05 section 13.4, provider gcp. */
#include <pthread.h>

#include "fault_engine.h"
#include "fixture.h"

#define WRITERS 8u
#define INCREMENTS 25u

static int open_kind(void **state, enum fixture_engine kind)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    fixture_open(fixture, kind);
    fixture_open_store(fixture, NULL);
    assert_ok(fixture, rind_store_software_create(&fixture->ctx, fixture->store, &fixture->realm,
                                                  fixture_deadline()));
    *state = fixture;
    return 0;
}

static int open_memory(void **state)
{
    return open_kind(state, FIXTURE_MEMORY);
}

static int open_lmdb(void **state)
{
    return open_kind(state, FIXTURE_LMDB);
}

static int open_bigtable(void **state)
{
    return open_kind(state, FIXTURE_BIGTABLE);
}

static int close_kind(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static struct rind_record_id record_of(uint8_t byte)
{
    struct rind_record_id record;
    memset(record.bytes, byte, sizeof(record.bytes));
    return record;
}

static struct rind_software_row read_row(struct fixture *f, uint8_t byte)
{
    struct rind_record_id record = record_of(byte);
    struct rind_software_row row;
    assert_ok(f, rind_store_software_read(&f->ctx, f->store, &f->realm, &record, fixture_deadline(),
                                          &row));
    return row;
}

static rind_status write_row(struct fixture *f, uint8_t byte,
                             const struct rind_software_row *before, const char *value)
{
    struct rind_record_id record = record_of(byte);
    return rind_store_software_write(&f->ctx, f->store, &f->realm, &record, before,
                                     rind_slice_text(value), fixture_deadline());
}

static void a_row_is_as_other_software_realms_write_it(void **state)
{
    struct fixture *f = *state;
    struct rind_software_row row = read_row(f, 0xab);
    assert_false(row.exists);
    assert_ok(f, write_row(f, 0xab, &row, "first"));
    row = read_row(f, 0xab);
    assert_true(row.exists);
    assert_int_equal(row.version, 0);
    assert_ok(f, write_row(f, 0xab, &row, "second"));
    struct rind_rows rows =
        fixture_read_all(f, rind_table_of_realm(RIND_TABLE_SOFTWARE, &f->realm));
    assert_int_equal(rows.count, 1);
    assert_true(rind_slice_is_text(
        rows.rows[0].key, "abababababababababababababababababababababababababababababababab"));
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_int_equal(rows.rows[0].cells[0].family, 'f');
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].qualifier, "1"));
    assert_int_equal(rows.rows[0].cells[0].timestamp_us, 0);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, "second"));
}

static void a_conflicting_write_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct rind_software_row absent = read_row(f, 1);
    assert_ok(f, write_row(f, 1, &absent, "a"));
    assert_status(f, write_row(f, 1, &absent, "b"), RIND_E_STALE);
    struct rind_software_row row = read_row(f, 1);
    assert_true(rind_slice_is_text(row.value, "a"));
    assert_ok(f, write_row(f, 1, &row, "c"));
    assert_status(f, write_row(f, 1, &row, "a"), RIND_E_STALE);
    /* Even where the value is again what was read. */
    struct rind_software_row second = read_row(f, 1);
    assert_ok(f, write_row(f, 1, &second, "a"));
    assert_status(f, write_row(f, 1, &row, "d"), RIND_E_STALE);
    assert_true(rind_slice_is_text(read_row(f, 1).value, "a"));
}

static void a_row_that_is_no_record_is_named(void **state)
{
    struct fixture *f = *state;
    struct rind_table table = rind_table_of_realm(RIND_TABLE_SOFTWARE, &f->realm);
    static const char *const columns[] = {"", "x", "01", "18446744073709551616",
                                          "18446744073709551615"};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        char key[65];
        (void)snprintf(key, sizeof(key), "%064zu", i);
        fixture_set(f, table, key, columns[i], 0, "value");
        struct rind_record_id record = record_of(0);
        record.bytes[31] = (uint8_t)i;
        struct rind_software_row row;
        assert_status(f,
                      rind_store_software_read(&f->ctx, f->store, &f->realm, &record,
                                               fixture_deadline(), &row),
                      RIND_E_CORRUPT);
        assert_non_null(strstr(f->ctx.sentence, key));
    }
    fixture_set(f, table, "aa00000000000000000000000000000000000000000000000000000000000000", "1",
                0, "v");
    fixture_set(f, table, "aa00000000000000000000000000000000000000000000000000000000000000", "2",
                0, "w");
    struct rind_record_id record = record_of(0);
    record.bytes[0] = 0xaa;
    struct rind_software_row row;
    assert_status(
        f,
        rind_store_software_read(&f->ctx, f->store, &f->realm, &record, fixture_deadline(), &row),
        RIND_E_CORRUPT);
}

/* ---- writers at once ---- */

struct writer {
    struct fixture *f;
    pthread_t thread;
    bool has_failed;
};

static rind_status increment(struct rind_ctx *ctx, struct fixture *f)
{
    struct rind_record_id record = record_of(9);
    struct rind_software_row row;
    RIND_TRY(rind_store_software_read(ctx, f->store, &f->realm, &record, fixture_deadline(), &row));
    uint32_t count = row.exists ? rind_get_be32(row.value.data) + 1 : 1;
    uint8_t bytes[4];
    rind_put_be32(bytes, count);
    return rind_store_software_write(ctx, f->store, &f->realm, &record, &row,
                                     rind_slice_make(bytes, sizeof(bytes)), fixture_deadline());
}

static void *writer_run(void *self)
{
    struct writer *writer = self;
    uint8_t *memory = malloc(1u << 20);
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, 1u << 20);
    rind_ctx_init(&ctx, &arena);
    uint32_t done = 0;
    while (done < INCREMENTS && !writer->has_failed) {
        rind_status status = increment(&ctx, writer->f);
        done += rind_is_ok(status) ? 1 : 0;
        writer->has_failed = !rind_is_ok(status) && !rind_is(status, RIND_E_STALE);
        rind_arena_reset(&arena);
    }
    free(memory);
    return NULL;
}

static void no_write_is_lost_among_many_writers(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS];
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.f = f};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        assert_false(writers[i].has_failed);
    }
    struct rind_software_row row = read_row(f, 9);
    assert_int_equal(rind_get_be32(row.value.data), WRITERS * INCREMENTS);
    assert_int_equal(row.version, WRITERS * INCREMENTS - 1);
}

static void the_table_is_made_once_and_missed_if_it_was_not(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, rind_store_software_create(&f->ctx, f->store, &f->realm, fixture_deadline()));
    struct rind_realm_id other = fixture_realm(0x77);
    struct rind_record_id record = record_of(1);
    struct rind_software_row row;
    assert_status(
        f, rind_store_software_read(&f->ctx, f->store, &other, &record, fixture_deadline(), &row),
        RIND_E_NOT_FOUND);
}

static void an_account_that_may_make_no_table_needs_one(void **state)
{
    struct fixture *f = *state;
    struct fault_engine fault;
    struct rind_store *store;
    struct rind_engine *memory;
    struct rind_realm_id other = fixture_realm(0x77);
    assert_ok(f, rind_engine_open_memory(&f->ctx, NULL, &memory));
    fault_engine_open(&fault, memory, true);
    assert_ok(f, rind_store_open_engine(&f->ctx, &fault.engine, NULL, &store));
    assert_ok(f, rind_store_software_create(&f->ctx, store, &f->realm, fixture_deadline()));
    fault_engine_set(&fault, FAULT_CREATE_TABLE, FAULT_BEFORE, 1, 2, RIND_E_DENIED);
    assert_ok(f, rind_store_software_create(&f->ctx, store, &f->realm, fixture_deadline()));
    assert_status(f, rind_store_software_create(&f->ctx, store, &other, fixture_deadline()),
                  RIND_E_DENIED);
    assert_non_null(strstr(f->ctx.sentence, "this account may not make it"));
    rind_store_close(store);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_row_is_as_other_software_realms_write_it),
        cmocka_unit_test(a_conflicting_write_is_refused_and_changes_nothing),
        cmocka_unit_test(a_row_that_is_no_record_is_named),
        cmocka_unit_test(no_write_is_lost_among_many_writers),
        cmocka_unit_test(the_table_is_made_once_and_missed_if_it_was_not),
    };
    static const struct CMUnitTest account_cases[] = {cmocka_unit_test_setup_teardown(
        an_account_that_may_make_no_table_needs_one, open_memory, close_kind)};
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[] = {{"memory", open_memory}, {"lmdb", open_lmdb}, {"bigtable", open_bigtable}};
    int failed = cmocka_run_group_tests_name("account", account_cases, NULL, NULL);
    for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
        struct CMUnitTest copies[sizeof(cases) / sizeof(cases[0])];
        memcpy(copies, cases, sizeof(cases));
        for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            copies[j].setup_func = engines[i].open;
            copies[j].teardown_func = close_kind;
        }
        failed += cmocka_run_group_tests_name(engines[i].name, copies, NULL, NULL);
    }
    return failed;
}
