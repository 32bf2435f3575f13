/* test_log.c - append, iterate, list and compact, on each engine: docs/spec/04-store.md section 20.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

static int open_kind(void **state, enum fixture_engine kind)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    fixture_open(fixture, kind);
    fixture_open_store(fixture, NULL);
    fixture_create_tables(fixture);
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

static int open_bigtable_faulty(void **state)
{
    return open_kind(state, FIXTURE_BIGTABLE_FAULTY);
}

static int close_kind(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

static struct rind_store_entry read_last(struct fixture *f, uint64_t *row_index)
{
    struct rind_store_entry last;
    assert_ok(f, rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group, fixture_deadline(),
                                      &last, row_index));
    return last;
}

/* Appends rows of these sizes from index 1 on. */
static void append_rows(struct fixture *f, const size_t *sizes, size_t count)
{
    uint64_t next = 1;
    for (size_t i = 0; i < count; i++) {
        fixture_append(f, next, sizes[i], RIND_E_OK);
        next += sizes[i];
    }
}

static void assert_next(struct fixture *f, struct rind_log_iterator *iterator, uint64_t first,
                        size_t count)
{
    struct rind_log_entries entries = {0};
    assert_ok(f, rind_log_iterator_next(&f->ctx, f->store, iterator, fixture_deadline(), &entries));
    assert_int_equal(entries.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(entries.entries[i].index, first + i);
    }
}

static void assert_compacted(struct fixture *f, struct rind_log_iterator *iterator, uint64_t index)
{
    struct rind_log_entries entries;
    assert_status(f,
                  rind_log_iterator_next(&f->ctx, f->store, iterator, fixture_deadline(), &entries),
                  RIND_E_STALE);
    assert_int_equal(iterator->compacted_index, index);
}

static struct rind_log_iterator iterator_from(struct fixture *f, uint64_t first, uint32_t window)
{
    struct rind_log_iterator iterator;
    rind_log_iterator_init(&iterator, &f->realm, &f->group, first, window);
    return iterator;
}

static void replace(struct fixture *f, const struct rind_log_row *rows, size_t count)
{
    assert_ok(f, rind_store_replace_oldest_rows(&f->ctx, f->store, &f->realm, &f->group, rows,
                                                count, fixture_deadline()));
}

static void delete_row(struct fixture *f, uint64_t index)
{
    uint8_t key[RIND_LOG_KEY_SIZE];
    rind_log_key(&f->group, index, key);
    struct rind_mutation mutation = {.kind = RIND_MUTATION_DELETE_ROW};
    struct rind_row_write row = {RIND_SLICE_OF(key), &mutation, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    fixture_write(f, &write);
}

static struct rind_log_rows list_rows(struct fixture *f, uint64_t up_to)
{
    struct rind_log_rows rows;
    assert_ok(f, rind_store_list_rows(&f->ctx, f->store, &f->realm, &f->group, up_to,
                                      fixture_deadline(), &rows));
    return rows;
}

/* ---- the last entry ---- */

static void an_empty_log_has_no_last_entry_whatever_its_neighbours_hold(void **state)
{
    struct fixture *f = *state;
    static const uint8_t groups[] = {0x01, 0x03, 0x0f};
    for (unsigned filled = 0; filled < 8; filled++) {
        struct rind_realm_id realm = fixture_realm((uint8_t)(0x70 + filled));
        assert_ok(f, rind_store_create_realm_tables(&f->ctx, f->store, &realm, fixture_deadline()));
        f->realm = realm;
        for (unsigned i = 0; i < 3; i++) {
            f->group = fixture_group(groups[i]);
            if (filled >> i & 1) {
                fixture_append(f, 1, i + 1, RIND_E_OK);
            }
        }
        for (unsigned i = 0; i < 3; i++) {
            f->group = fixture_group(groups[i]);
            struct rind_store_entry last = {0};
            bool is_filled = filled >> i & 1;
            assert_status(f,
                          rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group,
                                               fixture_deadline(), &last, NULL),
                          is_filled ? RIND_E_OK : RIND_E_NOT_FOUND);
            assert_int_equal(last.index, is_filled ? i + 1 : 0);
        }
    }
}

static void the_last_entry_is_the_last_of_the_newest_row(void **state)
{
    struct fixture *f = *state;
    uint64_t row_index;
    fixture_append(f, 1, 1, RIND_E_OK);
    assert_int_equal(read_last(f, &row_index).index, 1);
    assert_int_equal(row_index, 1);
    fixture_append(f, 2, 10, RIND_E_OK);
    struct rind_store_entry last = read_last(f, &row_index);
    assert_int_equal(last.index, 11);
    assert_int_equal(row_index, 2);
    struct rind_mac mac = fixture_mac(11, 1);
    assert_true(rind_mac_equal(&last.entry_mac, &mac));
    for (uint64_t index = 1; index <= 11; index++) {
        struct rind_log_iterator iterator = iterator_from(f, index, 200);
        struct rind_log_entries entries;
        assert_ok(
            f, rind_log_iterator_next(&f->ctx, f->store, &iterator, fixture_deadline(), &entries));
        assert_int_equal(entries.entries[0].index, index);
    }
    struct rind_log_iterator beyond = iterator_from(f, 12, 200);
    assert_next(f, &beyond, 0, 0);
}

/* ---- append ---- */

static void appends_that_do_not_continue_the_log_are_refused(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 2, 1, RIND_E_PRECONDITION); /* empty log */
    fixture_append(f, 1, 4, RIND_E_OK);
    fixture_append(f, 1, 1, RIND_E_PRECONDITION); /* again */
    rind_store_forget_last_write(f->store, &f->realm, &f->group);
    fixture_append(f, 4, 1, RIND_E_PRECONDITION); /* the previous does not end its row */
    fixture_append(f, 5, 2, RIND_E_OK);
    rind_store_forget_last_write(f->store, &f->realm, &f->group);
    fixture_append(f, 5, 2, RIND_E_PRECONDITION); /* the previous ends a row, not the newest */
    fixture_append(f, 8, 1, RIND_E_PRECONDITION); /* a gap */
    assert_int_equal(read_last(f, NULL).index, 6);
}

static void append_with_salt(struct fixture *f, uint64_t first, uint8_t salt, enum rind_code code)
{
    struct rind_log_row row;
    assert_status(f,
                  rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                    fixture_entries(f, first, 1, salt), 1, NULL, fixture_deadline(),
                                    &row),
                  code);
}

static void a_wrong_previous_mac_is_refused_by_cache_and_by_store(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, 1, RIND_E_OK);
    append_with_salt(f, 2, 2, RIND_E_PRECONDITION);
    /* The refusal has cleared the cache: now the store says the same. */
    append_with_salt(f, 2, 2, RIND_E_PRECONDITION);
    append_with_salt(f, 2, 1, RIND_E_OK);
}

static void a_key_that_holds_a_tombstone_refuses_a_stale_leader(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, 1, RIND_E_OK);
    fixture_append(f, 2, 1, RIND_E_OK);
    /* Another leader (of another process) appended 3 and 4, and compacted up to 3. */
    struct rind_store *mine = f->store;
    struct rind_log_row rows[] = {{1, false}, {2, false}, {3, false}};
    struct rind_store_entry *entries = fixture_entries(f, 3, 2, 1);
    struct rind_log_row row;
    assert_ok(f, rind_store_append(&f->ctx, mine, &f->realm, &f->group, entries, 1, NULL,
                                   fixture_deadline(), &row));
    assert_ok(f, rind_store_append(&f->ctx, mine, &f->realm, &f->group, entries + 1, 1, NULL,
                                   fixture_deadline(), &row));
    replace(f, rows, 3);
    fixture_append(f, 3, 1, RIND_E_PRECONDITION);
    delete_row(f, 3); /* collected, a week later */
    rind_store_forget_last_write(f->store, &f->realm, &f->group);
    fixture_append(f, 3, 1, RIND_E_PRECONDITION);
    assert_int_equal(read_last(f, NULL).index, 4);
}

static void the_largest_batch_fits_and_indexes_reach_the_end(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, RIND_LOG_BATCH_ENTRIES_MAX, RIND_E_OK);
    assert_int_equal(read_last(f, NULL).index, RIND_LOG_BATCH_ENTRIES_MAX);

    /* A log that begins near 2^64 - 1, as if all before had been compacted and collected. */
    f->group = fixture_group(0x44);
    uint64_t first = UINT64_MAX - 5;
    struct rind_store_entry *entries = fixture_entries(f, first, 1, 1);
    uint8_t key[RIND_LOG_KEY_SIZE];
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_key(&f->group, first, key);
    rind_log_qualifier(first, qualifier);
    struct rind_mutation cell = {RIND_MUTATION_SET_CELL, 'f', RIND_SLICE_OF(qualifier), 1000,
                                 entries[0].cbor};
    struct rind_row_write row = {RIND_SLICE_OF(key), &cell, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    fixture_write(f, &write);
    fixture_append(f, first + 1, 5, RIND_E_OK);
    struct rind_log_iterator iterator =
        iterator_from(f, first, RIND_LOG_ITERATOR_ENTRIES_MAX); /* the window saturates */
    assert_next(f, &iterator, first, 1);
    assert_next(f, &iterator, first + 1, 5);
    assert_next(f, &iterator, 0, 0);
}

/* ---- the iterator ---- */

static void an_iterator_walks_rows_in_windows(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {4, 6, 5};
    append_rows(f, sizes, 3);
    struct rind_log_iterator iterator = iterator_from(f, 1, 10);
    assert_next(f, &iterator, 1, 4);
    assert_next(f, &iterator, 5, 11);
    assert_next(f, &iterator, 0, 0);

    iterator = iterator_from(f, 1, 2);
    assert_next(f, &iterator, 1, 4);
    assert_next(f, &iterator, 5, 6);
    assert_next(f, &iterator, 11, 5);

    iterator = iterator_from(f, 2, 12);
    assert_next(f, &iterator, 2, 3);
    assert_next(f, &iterator, 5, 11);
    assert_next(f, &iterator, 0, 0);
    fixture_append(f, 16, 2, RIND_E_OK);
    assert_next(f, &iterator, 16, 2);

    iterator = iterator_from(f, 22, 12);
    assert_next(f, &iterator, 0, 0);
}

static void a_tombstone_is_reported_and_the_position_stays(void **state)
{
    struct fixture *f = *state;
    static const size_t sizes[] = {4, 6, 5, 3};
    append_rows(f, sizes, 4);
    struct rind_log_row row = {11, false};
    replace(f, &row, 1);
    for (unsigned round = 0; round < 2; round++) {
        struct rind_log_iterator iterator = iterator_from(f, 1, 20);
        assert_next(f, &iterator, 1, 4);
        assert_compacted(f, &iterator, 11);
        assert_compacted(f, &iterator, 11);
        iterator = iterator_from(f, 16, 20);
        assert_next(f, &iterator, 16, 3);
        static const uint64_t starts[] = {11, 12, 15};
        for (size_t i = 0; i < 3; i++) {
            iterator = iterator_from(f, starts[i], 20);
            assert_compacted(f, &iterator, starts[i]);
            assert_compacted(f, &iterator, starts[i]);
        }
        struct rind_log_rows rows = list_rows(f, 17);
        assert_int_equal(rows.rows[0].index, 1);
        assert_int_equal(rows.rows[1].index, 5);
        assert_int_equal(rows.rows[rows.count - 1].index, 16);
        assert_int_equal(rows.count, round == 0 ? 4 : 3);
        delete_row(f, 11);
    }
}

static void a_watcher_that_slept_for_weeks_learns_of_it(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, 1, RIND_E_OK);
    struct rind_log_iterator iterator = iterator_from(f, 1, 2);
    assert_next(f, &iterator, 1, 1);
    for (uint64_t index = 2; index <= 10; index++) {
        fixture_append(f, index, 1, RIND_E_OK);
    }
    for (uint64_t index = 1; index <= 9; index++) {
        delete_row(f, index); /* compacted and collected */
    }
    struct rind_log_entries entries = {0};
    rind_status status = RIND_OK;
    unsigned calls = 0;
    while (rind_is_ok(status) && entries.count == 0 && calls < 1000) {
        status = rind_log_iterator_next(&f->ctx, f->store, &iterator, fixture_deadline(), &entries);
        calls++;
    }
    assert_status(f, status, RIND_E_STALE);
    assert_int_equal(iterator.compacted_index, 2);
}

static void malformed_rows_are_errors_not_crashes(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, 1, RIND_E_OK);
    static const char *const values[] = {"", "\xa0", "not CBOR", "\xbf\xff"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint8_t key[RIND_LOG_KEY_SIZE];
        uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
        rind_log_key(&f->group, 2, key);
        rind_log_qualifier(2, qualifier);
        struct rind_mutation cells[2] = {{.kind = RIND_MUTATION_DELETE_ROW},
                                         {RIND_MUTATION_SET_CELL, 'f', RIND_SLICE_OF(qualifier),
                                          1000, rind_slice_text(values[i])}};
        struct rind_row_write row = {RIND_SLICE_OF(key), cells, 2};
        struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
        fixture_write(f, &write);
        struct rind_store_entry last;
        assert_status(f,
                      rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group,
                                           fixture_deadline(), &last, NULL),
                      RIND_E_CORRUPT);
        struct rind_log_iterator iterator = iterator_from(f, 2, 10);
        struct rind_log_entries entries;
        assert_status(
            f, rind_log_iterator_next(&f->ctx, f->store, &iterator, fixture_deadline(), &entries),
            RIND_E_CORRUPT);
    }
    /* An entry in the column of another. */
    delete_row(f, 2);
    struct rind_store_entry *entries = fixture_entries(f, 2, 1, 1);
    uint8_t key[RIND_LOG_KEY_SIZE];
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_key(&f->group, 2, key);
    rind_log_qualifier(3, qualifier);
    struct rind_mutation cell = {RIND_MUTATION_SET_CELL, 'f', RIND_SLICE_OF(qualifier), 1000,
                                 entries[0].cbor};
    struct rind_row_write row = {RIND_SLICE_OF(key), &cell, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    fixture_write(f, &write);
    struct rind_store_entry last;
    assert_status(f,
                  rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group, fixture_deadline(),
                                       &last, NULL),
                  RIND_E_CORRUPT);
}

/* ---- listing and compaction ---- */

static void listing_gives_rows_below_the_bound_oldest_first(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(list_rows(f, UINT64_MAX).count, 0);
    fixture_append(f, 1, 1, RIND_E_OK);
    for (uint64_t index = 2; index <= 204; index += 2) {
        fixture_append(f, index, 2, RIND_E_OK);
    }
    struct rind_log_rows rows = list_rows(f, UINT64_MAX);
    assert_int_equal(rows.count, 103);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.rows[i].index, i == 0 ? 1 : 2 * i);
        assert_false(rows.rows[i].is_tombstone);
    }
    for (size_t i = 1; i <= 5; i++) {
        uint64_t start = rows.rows[103 - i].index;
        assert_int_equal(list_rows(f, start).count, 103 - i);
        assert_int_equal(list_rows(f, start + 1).count, 103 - i + 1); /* inside the row */
    }
    assert_int_equal(list_rows(f, 1).count, 0);
}

static void listing_stops_after_a_page_of_tombstones(void **state)
{
    struct fixture *f = *state;
    struct rind_log_row rows[300];
    for (size_t i = 0; i < 300; i++) {
        fixture_append(f, i + 1, 1, RIND_E_OK);
        rows[i] = (struct rind_log_row){i + 1, false};
    }
    replace(f, rows + 1, 201);
    struct rind_log_rows listed = list_rows(f, UINT64_MAX);
    assert_int_equal(listed.count, 98);
    assert_int_equal(listed.rows[0].index, 203);
}

static void tombstones_within_the_window_are_listed(void **state)
{
    struct fixture *f = *state;
    for (uint64_t index = 1; index <= 30; index++) {
        fixture_append(f, index, 1, RIND_E_OK);
    }
    struct rind_log_row rows[] = {{10, false}, {12, false}, {20, false}};
    replace(f, rows, 3);
    delete_row(f, 11);
    struct rind_log_rows listed = list_rows(f, UINT64_MAX);
    assert_int_equal(listed.count, 29);
    for (size_t i = 0; i < listed.count; i++) {
        uint64_t index = listed.rows[i].index;
        assert_int_not_equal(index, 11);
        assert_int_equal(listed.rows[i].is_tombstone, index == 10 || index == 12 || index == 20);
    }
}

static void replacing_is_repeatable_and_keeps_the_age_of_tombstones(void **state)
{
    struct fixture *f = *state;
    struct rind_log_row rows[110];
    for (size_t i = 0; i < 110; i++) {
        rows[i] = (struct rind_log_row){i + 1, false};
        if (i < 109) {
            fixture_append(f, i + 1, 1, RIND_E_OK);
        }
    }
    replace(f, rows, 110); /* the last does not exist and gets a tombstone nevertheless */
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &f->realm);
    struct rind_rows stored = fixture_read_all(f, log);
    assert_int_equal(stored.count, 110);
    for (size_t i = 0; i < stored.count; i++) {
        assert_int_equal(stored.rows[i].cell_count, 1);
        const struct rind_cell *cell = &stored.rows[i].cells[0];
        assert_int_equal(cell->family, 't');
        assert_true(rind_slice_is_text(cell->qualifier, "t"));
        assert_int_equal(cell->value.length, 0);
        if (!fixture_is_bigtable(f)) {
            assert_int_equal(cell->timestamp_us, (int64_t)f->now_ms * 1000);
        }
    }
    int64_t made_us = stored.rows[0].cells[0].timestamp_us;
    f->now_ms += 5000;
    for (size_t i = 0; i < 110; i++) {
        rows[i].is_tombstone = true;
    }
    replace(f, rows, 110);
    stored = fixture_read_all(f, log);
    assert_int_equal(stored.rows[0].cells[0].timestamp_us, made_us);
    assert_int_equal(list_rows(f, UINT64_MAX).count, 0);
}

static void only_rows_wholly_below_the_compact_index_are_compactable(void **state)
{
    (void)state;
    static const struct rind_log_row rows[] = {{5, false}, {8, false}, {12, false}};
    assert_int_equal(rind_log_rows_compactable(rows, 3, 4), 0);
    assert_int_equal(rind_log_rows_compactable(rows, 3, 5), 0);
    assert_int_equal(rind_log_rows_compactable(rows, 3, 7), 1);
    assert_int_equal(rind_log_rows_compactable(rows, 3, 8), 1);
    assert_int_equal(rind_log_rows_compactable(rows, 3, 11), 2);
    assert_int_equal(rind_log_rows_compactable(rows, 3, 12), 2);
    assert_int_equal(rind_log_rows_compactable(rows, 3, UINT64_MAX), 2);
    assert_int_equal(rind_log_rows_compactable(rows, 0, 12), 0);
}

/* ---- programming errors ---- */

/* Runs the append in a child, which must end by its failed assertion. */
static void assert_append_panics(struct fixture *f, const struct rind_store_entry *entries,
                                 size_t count)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rind_log_row row;
        (void)!freopen("/dev/null", "w", stderr);
        rind_status status = rind_store_append(&f->ctx, f->store, &f->realm, &f->group, entries,
                                               count, NULL, rind_deadline_in_ms(100), &row);
        _exit((int)status.code);
    }
    int exit_status;
    assert_int_equal(waitpid(child, &exit_status, 0), child);
    assert_true(WIFSIGNALED(exit_status) || WEXITSTATUS(exit_status) > 100);
}

static void broken_batches_are_our_own_bugs(void **state)
{
    struct fixture *f = *state;
    struct rind_store_entry *entries = fixture_entries(f, 1, 3, 1);
    assert_append_panics(f, entries, 0);
    assert_append_panics(f, entries, 101);
    entries[1].index = 3;
    assert_append_panics(f, entries, 3);
    entries[1].index = 2;
    entries[1].prev_mac.bytes[0] ^= 1;
    assert_append_panics(f, entries, 3);
    entries[0].prev_mac.bytes[31] = 1;
    assert_append_panics(f, entries, 1);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(an_empty_log_has_no_last_entry_whatever_its_neighbours_hold),
        cmocka_unit_test(the_last_entry_is_the_last_of_the_newest_row),
        cmocka_unit_test(appends_that_do_not_continue_the_log_are_refused),
        cmocka_unit_test(a_wrong_previous_mac_is_refused_by_cache_and_by_store),
        cmocka_unit_test(a_key_that_holds_a_tombstone_refuses_a_stale_leader),
        cmocka_unit_test(the_largest_batch_fits_and_indexes_reach_the_end),
        cmocka_unit_test(an_iterator_walks_rows_in_windows),
        cmocka_unit_test(a_tombstone_is_reported_and_the_position_stays),
        cmocka_unit_test(a_watcher_that_slept_for_weeks_learns_of_it),
        cmocka_unit_test(malformed_rows_are_errors_not_crashes),
        cmocka_unit_test(listing_gives_rows_below_the_bound_oldest_first),
        cmocka_unit_test(listing_stops_after_a_page_of_tombstones),
        cmocka_unit_test(tombstones_within_the_window_are_listed),
        cmocka_unit_test(replacing_is_repeatable_and_keeps_the_age_of_tombstones),
        cmocka_unit_test(only_rows_wholly_below_the_compact_index_are_compactable),
        cmocka_unit_test(broken_batches_are_our_own_bugs),
    };
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[] = {{"memory", open_memory},
                   {"lmdb", open_lmdb},
                   {"bigtable", open_bigtable},
                   {"bigtable, answers lost", open_bigtable_faulty}};
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
