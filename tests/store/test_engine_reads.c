/* test_engine_reads.c - what every engine reads: docs/spec/04-store.md sections 3.5, 9.4, 15. */
#include "fixture.h"

static struct rind_table lease_table(void)
{
    return rind_table_shared(RIND_TABLE_LEASE);
}

static int open_kind(void **state, enum fixture_engine kind)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    fixture_open(fixture, kind);
    struct rind_table shared = lease_table();
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &fixture->realm);
    struct rind_table merkle = rind_table_of_realm(RIND_TABLE_MERKLE, &fixture->realm);
    struct rind_table users = rind_table_of_realm(RIND_TABLE_USERS, &fixture->realm);
    const struct rind_table *tables[] = {&shared, &log, &merkle, &users};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(fixture, rind_engine_create_table(&fixture->ctx, fixture->engine, tables[i],
                                                    fixture_deadline()));
    }
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

static int open_lmdb_small_map(void **state)
{
    return open_kind(state, FIXTURE_LMDB_SMALL_MAP);
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

static rind_status read_with(struct fixture *fixture, struct rind_read *read,
                             struct rind_rows *rows)
{
    return rind_engine_read(&fixture->ctx, fixture->engine, read, fixture_deadline(), rows);
}

static void assert_key(const struct rind_rows *rows, size_t i, const char *key)
{
    assert_true(i < rows->count);
    assert_int_equal(rows->rows[i].key.length, strlen(key));
    assert_memory_equal(rows->rows[i].key.data, key, strlen(key));
}

static struct rind_key_range range_make(const char *start, const char *end)
{
    struct rind_key_range range = {rind_slice_text(start), rind_slice_text(end), false, false};
    return range;
}

/* ---- ranges ---- */

static void write_letters(struct fixture *f)
{
    static const char *const keys[] = {"e", "a", "c", "b", "d", "ab", "b\xff"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        fixture_set(f, lease_table(), keys[i], "q", 1000, keys[i]);
    }
}

static void rows_come_by_unsigned_bytes_of_their_keys(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    static const char *const sorted[] = {"a", "ab", "b", "b\xff", "c", "d", "e"};
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_int_equal(rows.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_key(&rows, i, sorted[i]);
    }
}

static void bounds_are_open_and_closed_as_asked(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    struct rind_key_range range = range_make("b", "d");
    struct rind_read read = {.table = lease_table(), .ranges = &range, .range_count = 1};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 3);
    assert_key(&rows, 0, "b");
    assert_key(&rows, 2, "c");
    range.excludes_start = true;
    range.includes_end = true;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 3);
    assert_key(&rows, 0, "b\xff");
    assert_key(&rows, 2, "d");
    range = range_make("d", "");
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 2);
    range = (struct rind_key_range){rind_slice_text("c"), rind_slice_text("c"), false, true};
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 1);
    range = range_make("ba", "bz");
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 0);
    assert_false(rows.has_more);
}

static void ranges_in_any_order_and_overlapping_give_each_row_once(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    struct rind_key_range ranges[] = {
        range_make("d", "z"),  range_make("a", "ab"),    range_make("b", "c"),
        range_make("aa", "d"), range_make("b", "b\x01"),
    };
    struct rind_read read = {.table = lease_table(), .ranges = ranges, .range_count = 5};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    static const char *const sorted[] = {"a", "ab", "b", "b\xff", "c", "d", "e"};
    assert_int_equal(rows.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_key(&rows, i, sorted[i]);
    }
}

static void empty_ranges_are_refused(void **state)
{
    struct fixture *f = *state;
    struct rind_key_range range = range_make("b", "b");
    struct rind_read read = {.table = lease_table(), .ranges = &range, .range_count = 1};
    struct rind_rows rows;
    assert_status(f, read_with(f, &read, &rows), RIND_E_INVALID);
    range = range_make("c", "b");
    range.includes_end = true;
    assert_status(f, read_with(f, &read, &rows), RIND_E_INVALID);
    range = (struct rind_key_range){rind_slice_text("b"), rind_slice_text("b"), true, true};
    assert_status(f, read_with(f, &read, &rows), RIND_E_INVALID);
    read.range_count = 0; /* never "everything" */
    assert_status(f, read_with(f, &read, &rows), RIND_E_INVALID);
}

static void a_cut_read_goes_on_above_what_it_scanned(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    struct rind_key_range ranges[] = {range_make("a", "b"), range_make("b", "z")};
    struct rind_read read = {
        .table = lease_table(), .ranges = ranges, .range_count = 2, .row_count_max = 2};
    size_t total = 0;
    bool has_more = true;
    while (has_more) {
        struct rind_rows rows;
        assert_ok(f, read_with(f, &read, &rows));
        total += rows.count;
        has_more = rows.has_more;
        if (has_more) {
            assert_int_equal(rows.count, 2);
            read.range_count =
                rind_key_ranges_after(ranges, read.range_count, rows.scanned_to, ranges);
            has_more = read.range_count > 0;
        }
    }
    assert_int_equal(total, 7);
}

static void a_read_stops_before_its_size_limit_but_returns_one_row(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    struct rind_read read = {.table = lease_table(), .size_bytes_max = 1};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 1);
    assert_true(rows.has_more);
    assert_true(rind_slice_is_text(rows.scanned_to, "a"));
    read.size_bytes_max = 2 * (1 + sizeof(struct rind_row) + sizeof(struct rind_cell) + 2) + 8;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 2);
}

static void tables_do_not_see_each_others_rows(void **state)
{
    struct fixture *f = *state;
    struct rind_table merkle = rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm);
    struct rind_table users = rind_table_of_realm(RIND_TABLE_USERS, &f->realm);
    fixture_set(f, merkle, "\xff\xff", "q", 1000, "merkle");
    fixture_set(f, lease_table(), "\x01", "q", 1000, "lease");
    fixture_set(f, users, "\x01", "q", 1000, "users");
    struct rind_rows rows = fixture_read_all(f, merkle);
    assert_int_equal(rows.count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, "merkle"));
    assert_int_equal(fixture_read_all(f, lease_table()).count, 1);
    assert_int_equal(fixture_read_all(f, users).count, 1);
}

static void a_full_arena_is_a_limit_not_a_crash(void **state)
{
    struct fixture *f = *state;
    write_letters(f);
    static uint8_t memory[300];
    struct rind_arena small;
    struct rind_ctx ctx;
    rind_arena_init(&small, memory, sizeof(memory));
    rind_ctx_init(&ctx, &small);
    struct rind_read read = {.table = lease_table()};
    struct rind_rows rows;
    assert_true(
        rind_is(rind_engine_read(&ctx, f->engine, &read, fixture_deadline(), &rows), RIND_E_LIMIT));
}

/* ---- which cells ---- */

static void the_first_cell_and_no_values_can_be_asked_for(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, lease_table(), "row", "b", 1000, "b");
    fixture_set(f, lease_table(), "row", "a", 1000, "older");
    fixture_set(f, lease_table(), "row", "a", 2000, "newer");
    struct rind_read read = {.table = lease_table(), .cells = RIND_CELLS_FIRST};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, "newer"));
    read.without_values = true;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.rows[0].cells[0].value.length, 0);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].qualifier, "a"));
}

static void a_summary_has_one_valueless_entry_or_the_tombstone(void **state)
{
    struct fixture *f = *state;
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &f->realm);
    fixture_set(f, log, "entries", "1", 1000, "x");
    fixture_set(f, log, "entries", "2", 1000, "y");
    struct rind_mutation tombstone = {RIND_MUTATION_SET_CELL, 't', rind_slice_text("t"), 1000,
                                      rind_slice_text("")};
    struct rind_row_write row = {rind_slice_text("tombstone"), &tombstone, 1};
    struct rind_write write = {log, &row, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_read read = {.table = log, .cells = RIND_CELLS_SUMMARY};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 2);
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_int_equal(rows.rows[0].cells[0].family, 'f');
    assert_int_equal(rows.rows[0].cells[0].value.length, 0);
    assert_int_equal(rows.rows[1].cells[0].family, 't');
}

static void active_users_are_those_with_a_secret_in_the_time(void **state)
{
    struct fixture *f = *state;
    struct rind_table users = rind_table_of_realm(RIND_TABLE_USERS, &f->realm);
    fixture_set(f, users, "registered-before", "e", 1000, "\x01");
    struct rind_mutation deleted = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("e"), 2000,
                                    rind_slice_make("\0", 1)};
    struct rind_row_write rows_written[] = {
        {rind_slice_text("deleted-before"), &deleted, 1},
        {rind_slice_text("registered-then-deleted-before"), &deleted, 1},
    };
    struct rind_write write = {users, rows_written, 2};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    fixture_set(f, users, "registered-then-deleted-before", "e", 1000, "\x01");
    deleted.timestamp_us = 11000;
    rows_written[0].key = rind_slice_text("deleted-within");
    write.row_count = 1;
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    fixture_set(f, users, "registered-after", "e", 20000, "\x01");
    struct rind_read read = {
        .table = users, .cells = RIND_CELLS_ACTIVE, .start_us = 10000, .end_us = 20000};
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_int_equal(rows.count, 2);
    assert_key(&rows, 0, "deleted-within");
    assert_key(&rows, 1, "registered-before");
    assert_int_equal(rows.rows[0].cells[0].value.length, 0);
}

static void user_events_beyond_two_versions_and_116_days_go(void **state)
{
    struct fixture *f = *state;
    struct rind_table users = rind_table_of_realm(RIND_TABLE_USERS, &f->realm);
    int64_t day_us = 86400000000;
    int64_t now_us = (int64_t)f->now_ms * 1000;
    for (int64_t i = 0; i < 4; i++) {
        fixture_set(f, users, "user", "e", now_us - (200 - i) * day_us, "\x01");
    }
    if (f->kind == FIXTURE_BIGTABLE) {
        return; /* the service collects by itself, and its emulator not at all */
    }
    assert_int_equal(fixture_read_all(f, users).rows[0].cell_count, 2); /* the newest two stay */
    fixture_set(f, users, "user", "e", now_us - 100 * day_us, "\x01");
    fixture_set(f, users, "user", "e", now_us - 99 * day_us, "\x01");
    fixture_set(f, users, "user", "e", now_us - 98 * day_us, "\x01");
    assert_int_equal(fixture_read_all(f, users).rows[0].cell_count, 3); /* young ones stay too */
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(rows_come_by_unsigned_bytes_of_their_keys),
        CASE(bounds_are_open_and_closed_as_asked),
        CASE(ranges_in_any_order_and_overlapping_give_each_row_once),
        CASE(empty_ranges_are_refused),
        CASE(a_cut_read_goes_on_above_what_it_scanned),
        CASE(a_read_stops_before_its_size_limit_but_returns_one_row),
        CASE(tables_do_not_see_each_others_rows),
        CASE(a_full_arena_is_a_limit_not_a_crash),
        CASE(the_first_cell_and_no_values_can_be_asked_for),
        CASE(a_summary_has_one_valueless_entry_or_the_tombstone),
        CASE(active_users_are_those_with_a_secret_in_the_time),
        CASE(user_events_beyond_two_versions_and_116_days_go),
    };
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[] = {{"memory", open_memory},
                   {"lmdb", open_lmdb},
                   {"lmdb with a small map", open_lmdb_small_map},
                   {"bigtable", open_bigtable}};
    int failed = 0;
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
