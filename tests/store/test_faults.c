/*
 * test_faults.c - appends, leases and tables when answers get lost: docs/spec/04-store.md sections
 * 8.4, 12.2 and 20, "Missing there".
 */
#include "fault_engine.h"
#include "fixture.h"

struct faulty {
    struct fixture fixture;
    struct fault_engine fault;
};

static int open_kind(void **state, enum fixture_engine kind)
{
    struct faulty *faulty = calloc(1, sizeof(*faulty));
    struct fixture *f = &faulty->fixture;
    fixture_open(f, kind);
    fault_engine_open(&faulty->fault, f->engine, true);
    f->engine = &faulty->fault.engine;
    struct rind_store_options options = {.merkle_cache_nodes = 1000};
    fixture_open_store(f, &options);
    fixture_create_tables(f);
    *state = faulty;
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

static int close_kind(void **state)
{
    fixture_close(&((struct faulty *)*state)->fixture);
    free(*state);
    return 0;
}

static rind_status append_within(struct fixture *f, const struct rind_store_entry *entries,
                                 size_t count, uint64_t timeout_ms)
{
    struct rind_log_row row;
    return rind_store_append(&f->ctx, f->store, &f->realm, &f->group, entries, count, NULL,
                             rind_deadline_in_ms(timeout_ms), &row);
}

/* The log holds exactly the rows that start at these indexes. */
static void assert_rows(struct fixture *f, const uint64_t *indexes, size_t count)
{
    struct rind_log_rows rows;
    assert_ok(f, rind_store_list_rows(&f->ctx, f->store, &f->realm, &f->group, UINT64_MAX,
                                      fixture_deadline(), &rows));
    assert_int_equal(rows.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows.rows[i].index, indexes[i]);
    }
}

static void a_lost_answer_is_resolved_whether_it_was_applied_or_not(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    static const enum rind_code codes[] = {RIND_E_UNAVAILABLE, RIND_E_NETWORK, RIND_E_TIMEOUT,
                                           RIND_E_UNKNOWN_OUTCOME};
    static const enum fault_kind kinds[] = {FAULT_BEFORE, FAULT_AFTER, FAULT_LATE};
    uint64_t rows[24];
    size_t row_count = 0;
    uint64_t next = 1;
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 3; j++) {
            /* A late call borrows the caller's memory, so only one that is awaited may be late. */
            unsigned times_max = kinds[j] == FAULT_LATE ? 1 : 2;
            for (unsigned times = 1; times <= times_max; times++) {
                fault_engine_set(&faulty->fault, FAULT_TEST, kinds[j], 1, times, codes[i]);
                fixture_append(f, next, 2, RIND_E_OK);
                rows[row_count++] = next;
                next += 2;
            }
        }
    }
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_NONE, 1, 0, RIND_E_OK);
    assert_rows(f, rows, row_count);
}

static void a_busy_engine_is_asked_again(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_BEFORE, 1, 3, RIND_E_BUSY);
    fixture_append(f, 1, 1, RIND_E_OK);
    fault_engine_set(&faulty->fault, FAULT_READ, FAULT_BEFORE, 1, 3, RIND_E_UNAVAILABLE);
    rind_store_forget_last_write(f->store, &f->realm, &f->group);
    fixture_append(f, 2, 1, RIND_E_OK);
    fault_engine_set(&faulty->fault, FAULT_WRITE, FAULT_AFTER, 1, 3, RIND_E_UNAVAILABLE);
    fixture_append(f, 3, 1, RIND_E_OK);
}

/* Another leader appends entry 2 while the first attempt's answer is being lost. */
static void act_as_other_leader(void *self, unsigned n)
{
    struct faulty *faulty = self;
    struct fixture *f = &faulty->fixture;
    if (n != 2) {
        return;
    }
    struct rind_store_entry *entries = fixture_entries(f, 2, 1, 9);
    uint8_t key[RIND_LOG_KEY_SIZE];
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_key(&f->group, 2, key);
    rind_log_qualifier(2, qualifier);
    struct rind_mutation cell = {RIND_MUTATION_SET_CELL, 'f', RIND_SLICE_OF(qualifier), 1000,
                                 entries[0].cbor};
    struct rind_row_write row = {RIND_SLICE_OF(key), &cell, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    assert_ok(f, rind_engine_write(&f->ctx, faulty->fault.below, &write, fixture_deadline()));
}

static void another_leaders_row_is_not_taken_for_ours(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    fixture_append(f, 1, 1, RIND_E_OK);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_BEFORE, 1, 1, RIND_E_UNAVAILABLE);
    faulty->fault.before = act_as_other_leader; /* between our look and our second attempt */
    faulty->fault.before_self = faulty;
    fixture_append(f, 2, 1, RIND_E_PRECONDITION);
    faulty->fault.before = NULL;
    fixture_append(f, 2, 1, RIND_E_PRECONDITION); /* and it is seen when looking first */
}

static void success_is_found_even_behind_rows_of_others(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    fixture_append(f, 1, 1, RIND_E_OK);
    struct rind_store_entry *entries = fixture_entries(f, 2, 3, 1);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_AFTER, 1, 1000, RIND_E_UNAVAILABLE);
    fault_engine_set(&faulty->fault, FAULT_READ, FAULT_NONE, 1, 0, RIND_E_OK);
    struct rind_log_row row;
    assert_ok(f, append_within(f, entries, 1, 5000));
    assert_ok(f, append_within(f, entries + 1, 1, 5000));
    /* Asking again for entry 2 although 3 stands behind it. */
    assert_ok(f, rind_store_append_again(&f->ctx, f->store, &f->realm, &f->group, entries, 1, NULL,
                                         fixture_deadline(), &row));
    assert_int_equal(row.index, 2);
}

static void an_outcome_that_stays_unknown_is_told_and_resolved_later(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    fixture_append(f, 1, 1, RIND_E_OK);
    struct rind_store_entry *entries = fixture_entries(f, 2, 2, 1);
    static const enum fault_kind kinds[] = {FAULT_BEFORE, FAULT_AFTER};
    for (size_t i = 0; i < 2; i++) {
        struct rind_log_row row;
        /* No answer to the write, and then none to any look. */
        fault_engine_set(&faulty->fault, FAULT_TEST, kinds[i], 1, 1000, RIND_E_TIMEOUT);
        assert_status(f, append_within(f, entries + i, 1, i == 0 ? 100 : 5),
                      RIND_E_UNKNOWN_OUTCOME);
        fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_NONE, 1, 0, RIND_E_OK);
        assert_ok(f, rind_store_append_again(&f->ctx, f->store, &f->realm, &f->group, entries + i,
                                             1, NULL, fixture_deadline(), &row));
        /* And once more: it is recognised however often one asks. */
        assert_ok(f, rind_store_append_again(&f->ctx, f->store, &f->realm, &f->group, entries + i,
                                             1, NULL, fixture_deadline(), &row));
    }
    static const uint64_t rows[] = {1, 2, 3};
    assert_rows(f, rows, 3);
}

static void what_surely_did_not_happen_is_not_called_unknown(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    fixture_append(f, 1, 1, RIND_E_OK);
    struct rind_store_entry *entries = fixture_entries(f, 2, 1, 1);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_BEFORE, 1, 1000, RIND_E_BUSY);
    assert_status(f, append_within(f, entries, 1, 50), RIND_E_BUSY);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_BEFORE, 1, 1000, RIND_E_LIMIT);
    assert_status(f, append_within(f, entries, 1, 1000), RIND_E_LIMIT);
    rind_store_forget_last_write(f->store, &f->realm, &f->group);
    fault_engine_set(&faulty->fault, FAULT_READ, FAULT_BEFORE, 1, 1000, RIND_E_UNAVAILABLE);
    assert_status(f, append_within(f, entries, 1, 50), RIND_E_UNAVAILABLE);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_NONE, 1, 0, RIND_E_OK);
    assert_ok(f, append_within(f, entries, 1, 1000));
}

static struct rind_append_delta one_node(uint8_t *row_key, struct rind_store_node *node)
{
    memset(row_key, 7, 33);
    row_key[0] = 0x80;
    *node = (struct rind_store_node){rind_slice_make(row_key, 33), rind_slice_text("a node")};
    return (struct rind_append_delta){node, 1, NULL, 0};
}

static void the_row_is_not_attempted_when_its_nodes_cannot_be_written(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    if (rind_engine_writes_together(&faulty->fault.engine)) {
        return; /* nodes and row are one write there */
    }
    uint8_t row_key[33];
    struct rind_store_node node;
    struct rind_append_delta delta = one_node(row_key, &node);
    struct rind_log_row row;
    fault_engine_set(&faulty->fault, FAULT_WRITE, FAULT_BEFORE, 1, 1000, RIND_E_UNAVAILABLE);
    assert_status(f,
                  rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                    fixture_entries(f, 1, 1, 1), 1, &delta, rind_deadline_in_ms(50),
                                    &row),
                  RIND_E_UNAVAILABLE);
    assert_int_equal(faulty->fault.calls[FAULT_TEST], 0);
    assert_rows(f, NULL, 0);
}

static void nodes_keep_their_instances_across_attempts(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    uint8_t row_key[33];
    struct rind_store_node node;
    struct rind_append_delta delta = one_node(row_key, &node);
    struct rind_log_row row;
    static const enum fault_call calls[] = {FAULT_WRITE, FAULT_TEST};
    for (uint64_t i = 0; i < 2; i++) {
        fault_engine_set(&faulty->fault, calls[i], FAULT_AFTER, 1, 1, RIND_E_UNAVAILABLE);
        assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                       fixture_entries(f, i + 1, 1, 1), 1, &delta,
                                       fixture_deadline(), &row));
        struct rind_rows rows =
            fixture_read_all(f, rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm));
        assert_int_equal(rows.count, 1);
        /* Two appends of one node are two instances; resends add none. */
        assert_int_equal(rows.rows[0].cell_count, i + 1);
        assert_int_equal(rows.rows[0].cells[0].qualifier.length, RIND_MERKLE_INSTANCE_SIZE);
        if (i == 1) {
            uint64_t first = rind_get_be64(rows.rows[0].cells[0].qualifier.data + 16);
            uint64_t second = rind_get_be64(rows.rows[0].cells[1].qualifier.data + 16);
            assert_int_equal(first, 1);
            assert_int_equal(second, 2);
        }
    }
}

static void a_lease_obtained_without_answer_is_recognised(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    struct rind_lease lease;
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_AFTER, 1, 1, RIND_E_UNAVAILABLE);
    assert_ok(f, rind_store_lease_obtain(&f->ctx, f->store, "some-cm", "me", 3000,
                                         fixture_deadline(), &lease));
    assert_int_equal(lease.expires_unix_ms, f->now_ms + 3000);
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_AFTER, 1, 1, RIND_E_UNAVAILABLE);
    assert_status(f,
                  rind_store_lease_obtain(&f->ctx, f->store, "some-cm", "other", 3000,
                                          fixture_deadline(), &lease),
                  RIND_E_BUSY);
    f->now_ms += 1000;
    fault_engine_set(&faulty->fault, FAULT_TEST, FAULT_AFTER, 1, 1, RIND_E_UNAVAILABLE);
    assert_ok(f, rind_store_lease_extend(&f->ctx, f->store, &lease, 3000, fixture_deadline()));
    assert_int_equal(lease.expires_unix_ms, f->now_ms + 3000);
}

static void a_table_created_without_answer_is_ours(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    struct rind_realm_id realm = fixture_realm(0x99);
    fault_engine_set(&faulty->fault, FAULT_CREATE_TABLE, FAULT_AFTER, 2, 1, RIND_E_UNAVAILABLE);
    assert_ok(f, rind_store_create_realm_tables(&f->ctx, f->store, &realm, fixture_deadline()));
    fault_engine_set(&faulty->fault, FAULT_CREATE_TABLE, FAULT_NONE, 1, 0, RIND_E_OK);
    assert_status(f, rind_store_create_realm_tables(&f->ctx, f->store, &realm, fixture_deadline()),
                  RIND_E_EXISTS);
}

/* Every call of an append fails in turn, before and after: it ends well, or says what is so. */
static void the_nth_call_of_an_append_may_fail(void **state)
{
    struct faulty *faulty = *state;
    struct fixture *f = &faulty->fixture;
    uint64_t next = 1;
    static const enum fault_kind kinds[] = {FAULT_BEFORE, FAULT_AFTER};
    for (enum fault_call call = FAULT_READ; call <= FAULT_TEST; call++) {
        for (unsigned n = 1; n <= 4; n++) {
            for (size_t i = 0; i < 2; i++) {
                rind_store_forget_last_write(f->store, &f->realm, &f->group);
                fault_engine_set(&faulty->fault, call, kinds[i], n, 1, RIND_E_UNAVAILABLE);
                fixture_append(f, next++, 1, RIND_E_OK);
            }
        }
    }
    struct rind_log_rows rows;
    fault_engine_set(&faulty->fault, FAULT_READ, FAULT_NONE, 1, 0, RIND_E_OK);
    assert_ok(f, rind_store_list_rows(&f->ctx, f->store, &f->realm, &f->group, UINT64_MAX,
                                      fixture_deadline(), &rows));
    assert_int_equal(rows.count, next - 1);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_lost_answer_is_resolved_whether_it_was_applied_or_not),
        cmocka_unit_test(a_busy_engine_is_asked_again),
        cmocka_unit_test(another_leaders_row_is_not_taken_for_ours),
        cmocka_unit_test(success_is_found_even_behind_rows_of_others),
        cmocka_unit_test(an_outcome_that_stays_unknown_is_told_and_resolved_later),
        cmocka_unit_test(what_surely_did_not_happen_is_not_called_unknown),
        cmocka_unit_test(the_row_is_not_attempted_when_its_nodes_cannot_be_written),
        cmocka_unit_test(nodes_keep_their_instances_across_attempts),
        cmocka_unit_test(a_lease_obtained_without_answer_is_recognised),
        cmocka_unit_test(a_table_created_without_answer_is_ours),
        cmocka_unit_test(the_nth_call_of_an_append_may_fail),
    };
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[] = {{"memory", open_memory}, {"lmdb", open_lmdb}};
    int failed = 0;
    for (size_t i = 0; i < 2; i++) {
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
