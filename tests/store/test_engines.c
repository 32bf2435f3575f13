/* test_engines.c - the suite every engine passes: docs/spec/04-store.md sections 3.5, 16, 17. */
#include <pthread.h>

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

/* ---- tables ---- */

static void a_table_is_created_once(void **state)
{
    struct fixture *f = *state;
    struct rind_table table = lease_table();
    assert_status(f, rind_engine_create_table(&f->ctx, f->engine, &table, fixture_deadline()),
                  RIND_E_EXISTS);
    struct rind_realm_id other = fixture_realm(0x77);
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &other);
    assert_ok(f, rind_engine_create_table(&f->ctx, f->engine, &log, fixture_deadline()));
}

static void a_missing_table_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct rind_table table = rind_table_shared(RIND_TABLE_TENANTS);
    struct rind_read read = {.table = table};
    struct rind_rows rows;
    assert_status(f, read_with(f, &read, &rows), RIND_E_NOT_FOUND);
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 0,
                                     rind_slice_text("v")};
    struct rind_row_write row = {rind_slice_text("k"), &mutation, 1};
    struct rind_write write = {table, &row, 1};
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_NOT_FOUND);
    struct rind_test_and_write request = {.table = table, .key = rind_slice_text("k")};
    bool was_true;
    assert_status(
        f, rind_engine_test_and_write(&f->ctx, f->engine, &request, fixture_deadline(), &was_true),
        RIND_E_NOT_FOUND);
}

static void tables_are_listed(void **state)
{
    struct fixture *f = *state;
    struct rind_tables tables;
    assert_ok(f, rind_engine_list_tables(&f->ctx, f->engine, fixture_deadline(), &tables));
    assert_int_equal(tables.count, 4);
    for (size_t i = 0; i < tables.count; i++) {
        char name[RIND_TABLE_NAME_SIZE];
        struct rind_table parsed;
        rind_table_name(&tables.tables[i], name);
        assert_true(rind_table_from_name(name, &parsed));
        assert_int_equal(parsed.kind, tables.tables[i].kind);
        assert_true(rind_realm_id_equal(&parsed.realm, &tables.tables[i].realm));
    }
}

/* ---- cells ---- */

static void cells_come_by_qualifier_and_newest_first(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, lease_table(), "row", "b", 1000, "b1");
    fixture_set(f, lease_table(), "row", "a", 1000, "a1");
    fixture_set(f, lease_table(), "row", "a", 3000, "a3");
    fixture_set(f, lease_table(), "row", "a", 2000, "a2");
    fixture_set(f, lease_table(), "row", "", 1000, "");
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_int_equal(rows.count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].key, "row"));
    static const char *const values[] = {"", "a3", "a2", "a1", "b1"};
    assert_int_equal(rows.rows[0].cell_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(rind_slice_is_text(rows.rows[0].cells[i].value, values[i]));
        assert_int_equal(rows.rows[0].cells[i].family, 'f');
    }
}

static void a_cell_is_replaced_by_one_of_its_timestamp(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, lease_table(), "row", "a", 1000, "before");
    fixture_set(f, lease_table(), "row", "a", 1000, "after");
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, "after"));
}

static void the_engine_gives_timestamps_from_its_clock(void **state)
{
    struct fixture *f = *state;
    f->now_ms = 1234567;
    uint64_t before_ms = rind_clock_unix_ms();
    fixture_set(f, lease_table(), "row", "a", RIND_TIMESTAMP_SERVER, "x");
    struct rind_rows rows = fixture_read_all(f, lease_table());
    int64_t stamp_us = rows.rows[0].cells[0].timestamp_us;
    if (f->kind != FIXTURE_BIGTABLE) {
        assert_int_equal(stamp_us, 1234567000);
        return;
    }
    /* The server's clock is this machine's. */
    assert_int_equal(stamp_us % 1000, 0);
    assert_in_range(stamp_us / 1000, before_ms, rind_clock_unix_ms());
}

static void mutations_apply_in_order_and_an_empty_row_is_none(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, lease_table(), "row", "old", 1000, "x");
    struct rind_mutation replace[2] = {
        {.kind = RIND_MUTATION_DELETE_ROW},
        {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("new"), 2000, rind_slice_text("y")},
    };
    struct rind_row_write row = {rind_slice_text("row"), replace, 2};
    struct rind_write write = {lease_table(), &row, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].qualifier, "new"));

    fixture_set(f, lease_table(), "row", "new", 3000, "z");
    struct rind_mutation column = {
        .kind = RIND_MUTATION_DELETE_COLUMN, .family = 'f', .qualifier = rind_slice_text("new")};
    row = (struct rind_row_write){rind_slice_text("row"), &column, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    assert_int_equal(fixture_read_all(f, lease_table()).count, 0);
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline())); /* no-op */
}

static void deleting_a_family_leaves_the_other(void **state)
{
    struct fixture *f = *state;
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &f->realm);
    struct rind_mutation both[2] = {
        {RIND_MUTATION_SET_CELL, 't', rind_slice_text("t"), 1000, rind_slice_text("")},
        {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("f"), 1000, rind_slice_text("")},
    };
    struct rind_row_write row = {rind_slice_text("row"), both, 2};
    struct rind_write write = {log, &row, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_mutation family = {.kind = RIND_MUTATION_DELETE_FAMILY, .family = 'f'};
    row = (struct rind_row_write){rind_slice_text("row"), &family, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_rows rows = fixture_read_all(f, log);
    assert_int_equal(rows.rows[0].cell_count, 1);
    assert_int_equal(rows.rows[0].cells[0].family, 't');
}

static void malformed_writes_are_refused_and_change_nothing(void **state)
{
    struct fixture *f = *state;
    static uint8_t long_bytes[RIND_ENGINE_KEY_SIZE_BYTES_MAX + 1];
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                     rind_slice_text("v")};
    struct rind_row_write row = {rind_slice_text("row"), &mutation, 1};
    struct rind_write write = {lease_table(), &row, 1};

    mutation.family = 't'; /* only log tables have it */
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_INVALID);
    mutation.family = 'f';
    mutation.timestamp_us = 1001;
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_INVALID);
    mutation.timestamp_us = -2;
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_INVALID);
    mutation.timestamp_us = 1000;
    mutation.qualifier = rind_slice_make(long_bytes, RIND_ENGINE_QUALIFIER_SIZE_BYTES_MAX + 1);
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_LIMIT);
    mutation.qualifier = rind_slice_make(long_bytes, RIND_ENGINE_QUALIFIER_SIZE_BYTES_MAX);
    row.key = rind_slice_make(long_bytes, sizeof(long_bytes));
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_LIMIT);
    row.key = rind_slice_make(long_bytes, 0);
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_LIMIT);
    assert_int_equal(fixture_read_all(f, lease_table()).count, 0);
    row.key = rind_slice_make(long_bytes, sizeof(long_bytes) - 1);
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    assert_int_equal(fixture_read_all(f, lease_table()).count, 1);
    write.row_count = 0;
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
}

static void a_value_of_the_largest_size_survives(void **state)
{
    struct fixture *f = *state;
    uint8_t *bytes = malloc(RIND_ENGINE_VALUE_SIZE_BYTES_MAX + 1);
    memset(bytes, 0x5a, RIND_ENGINE_VALUE_SIZE_BYTES_MAX + 1);
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                     rind_slice_make(bytes, RIND_ENGINE_VALUE_SIZE_BYTES_MAX + 1)};
    struct rind_row_write row = {rind_slice_text("row"), &mutation, 1};
    struct rind_write write = {lease_table(), &row, 1};
    assert_status(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()),
                  RIND_E_LIMIT);
    mutation.value.length--;
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_read read = {.table = lease_table()}; /* larger than a page, alone in it */
    struct rind_rows rows;
    assert_ok(f, read_with(f, &read, &rows));
    assert_true(rind_slice_equal(rows.rows[0].cells[0].value, mutation.value));
    free(bytes);
}

/* ---- test and write ---- */

static bool test_and_set(struct fixture *f, struct rind_condition condition, const char *value)
{
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 5000,
                                     rind_slice_text(value)};
    struct rind_test_and_write request = {.table = lease_table(),
                                          .key = rind_slice_text("row"),
                                          .condition = condition,
                                          .when_false = &mutation,
                                          .when_false_count = 1};
    bool was_true;
    assert_ok(
        f, rind_engine_test_and_write(&f->ctx, f->engine, &request, fixture_deadline(), &was_true));
    return was_true;
}

static void a_row_is_inserted_only_once(void **state)
{
    struct fixture *f = *state;
    struct rind_condition exists = {.kind = RIND_CONDITION_ROW_EXISTS};
    assert_false(test_and_set(f, exists, "first"));
    assert_true(test_and_set(f, exists, "second"));
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, "first"));
}

static void conditions_look_at_timestamps_and_values(void **state)
{
    struct fixture *f = *state;
    struct rind_condition at_least = {.kind = RIND_CONDITION_CELL_AT_LEAST, .timestamp_us = 1000};
    struct rind_condition equals = {.kind = RIND_CONDITION_CELL_EQUALS,
                                    .value = rind_slice_text("v")};
    assert_false(test_and_set(f, at_least, "x")); /* no row */
    at_least.timestamp_us = 5000;
    assert_true(test_and_set(f, at_least, "y"));
    at_least.timestamp_us = 5001;
    assert_false(test_and_set(f, at_least, "v"));
    assert_true(test_and_set(f, equals, "z"));
    equals.value = rind_slice_text("w");
    assert_false(test_and_set(f, equals, "w"));
}

static void a_condition_finds_a_column_of_any_value(void **state)
{
    struct fixture *f = *state;
    struct rind_condition exists = {.kind = RIND_CONDITION_COLUMN_EXISTS,
                                    .qualifier = rind_slice_text("q")};
    struct rind_condition other = {.kind = RIND_CONDITION_COLUMN_EXISTS,
                                   .qualifier = rind_slice_text("qq")};
    assert_false(test_and_set(f, exists, "")); /* no row */
    assert_true(test_and_set(f, exists, "x"));
    assert_false(test_and_set(f, other, "y"));
    other.qualifier.length = 0;
    assert_false(test_and_set(f, other, "z"));
}

static void when_true_is_applied_when_true(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, lease_table(), "row", "q", 1000, "v");
    struct rind_mutation delete_row = {.kind = RIND_MUTATION_DELETE_ROW};
    struct rind_test_and_write request = {
        .table = lease_table(),
        .key = rind_slice_text("row"),
        .condition = {.kind = RIND_CONDITION_CELL_EQUALS, .value = rind_slice_text("v")},
        .when_true = &delete_row,
        .when_true_count = 1};
    bool was_true;
    assert_ok(
        f, rind_engine_test_and_write(&f->ctx, f->engine, &request, fixture_deadline(), &was_true));
    assert_true(was_true);
    assert_int_equal(fixture_read_all(f, lease_table()).count, 0);
}

static void rows_written_together_share_the_fate_of_the_tested_one(void **state)
{
    struct fixture *f = *state;
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 5000,
                                     rind_slice_text("v")};
    struct rind_row_write row = {rind_slice_text("node"), &mutation, 1};
    struct rind_write together = {rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm), &row, 1};
    struct rind_test_and_write request = {.table = lease_table(),
                                          .key = rind_slice_text("row"),
                                          .condition = {.kind = RIND_CONDITION_ROW_EXISTS},
                                          .when_false = &mutation,
                                          .when_false_count = 1,
                                          .together = &together};
    bool was_true;
    rind_status status =
        rind_engine_test_and_write(&f->ctx, f->engine, &request, fixture_deadline(), &was_true);
    if (!rind_engine_writes_together(f->engine)) {
        assert_status(f, status, RIND_E_INVALID);
        return;
    }
    assert_ok(f, status);
    assert_int_equal(fixture_read_all(f, together.table).count, 1);
    row.key = rind_slice_text("other");
    assert_ok(
        f, rind_engine_test_and_write(&f->ctx, f->engine, &request, fixture_deadline(), &was_true));
    assert_true(was_true);
    assert_int_equal(fixture_read_all(f, together.table).count, 1); /* no orphan */
}

/* ---- many threads ---- */

#define RACERS 8
#define ROUNDS 40

struct racer {
    struct fixture *fixture;
    pthread_t thread;
    unsigned number;
    unsigned wins;
};

static void *race(void *self)
{
    struct racer *racer = self;
    static uint8_t memory[RACERS][65536];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory[racer->number], sizeof(memory[0]));
    rind_ctx_init(&ctx, &arena);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char key[16];
        char value[16];
        (void)snprintf(key, sizeof(key), "row-%u", round);
        (void)snprintf(value, sizeof(value), "racer-%u", racer->number);
        struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 5000,
                                         rind_slice_text(value)};
        struct rind_test_and_write request = {.table = lease_table(),
                                              .key = rind_slice_text(key),
                                              .condition = {.kind = RIND_CONDITION_ROW_EXISTS},
                                              .when_false = &mutation,
                                              .when_false_count = 1};
        bool was_true = true;
        rind_status status = rind_engine_test_and_write(&ctx, racer->fixture->engine, &request,
                                                        fixture_deadline(), &was_true);
        racer->wins += rind_is_ok(status) && !was_true;
    }
    return NULL;
}

static void of_racing_inserts_exactly_one_wins(void **state)
{
    struct fixture *f = *state;
    struct racer racers[RACERS] = {0};
    for (unsigned i = 0; i < RACERS; i++) {
        racers[i].fixture = f;
        racers[i].number = i;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    unsigned wins = 0;
    for (unsigned i = 0; i < RACERS; i++) {
        pthread_join(racers[i].thread, NULL);
        wins += racers[i].wins;
    }
    assert_int_equal(wins, ROUNDS);
    struct rind_rows rows = fixture_read_all(f, lease_table());
    assert_int_equal(rows.count, ROUNDS);
    for (size_t i = 0; i < rows.count; i++) {
        assert_int_equal(rows.rows[i].cell_count, 1);
    }
}

/* ---- watching ---- */

struct watcher {
    struct fixture *fixture;
    pthread_t thread;
    uint32_t since;
    atomic_bool is_done;
};

static void *watch(void *self)
{
    struct watcher *watcher = self;
    struct fixture *f = watcher->fixture;
    struct rind_deadline deadline = fixture_deadline();
    while (rind_engine_change_count(f->engine, &f->realm, &f->group) == watcher->since &&
           !rind_deadline_has_expired(deadline)) {
        rind_engine_wait_change(f->engine, &f->realm, &f->group, watcher->since, deadline);
    }
    atomic_store(&watcher->is_done, true);
    return NULL;
}

static void a_watcher_wakes_when_its_log_grows(void **state)
{
    struct fixture *f = *state;
    struct watcher watcher = {.fixture = f,
                              .since = rind_engine_change_count(f->engine, &f->realm, &f->group)};
    assert_int_equal(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
    uint8_t key[RIND_LOG_KEY_SIZE];
    rind_log_key(&f->group, 1, key);
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 5000,
                                     rind_slice_text("v")};
    struct rind_row_write row = {RIND_SLICE_OF(key), &mutation, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    pthread_join(watcher.thread, NULL);
    assert_true(atomic_load(&watcher.is_done));
    assert_int_not_equal(rind_engine_change_count(f->engine, &f->realm, &f->group), watcher.since);
}

static void waiting_ends_at_the_deadline_and_by_wake(void **state)
{
    struct fixture *f = *state;
    uint32_t since = rind_engine_change_count(f->engine, &f->realm, &f->group);
    rind_engine_wait_change(f->engine, &f->realm, &f->group, since, rind_deadline_in_ms(5));
    assert_int_equal(rind_engine_change_count(f->engine, &f->realm, &f->group), since);
    struct watcher watcher = {.fixture = f, .since = since};
    assert_int_equal(pthread_create(&watcher.thread, NULL, watch, &watcher), 0);
    rind_engine_wake(f->engine);
    pthread_join(watcher.thread, NULL);
    assert_true(atomic_load(&watcher.is_done));
}

/* ---- garbage ---- */

static void only_tombstones_older_than_seven_days_are_collected(void **state)
{
    struct fixture *f = *state;
    struct rind_table log = rind_table_of_realm(RIND_TABLE_LOG, &f->realm);
    int64_t now_us = (int64_t)f->now_ms * 1000;
    int64_t week_us = 7 * 86400000000ll;
    struct rind_mutation tombstone = {RIND_MUTATION_SET_CELL, 't', rind_slice_text("t"), 0,
                                      rind_slice_text("")};
    struct rind_mutation entry = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 0,
                                  rind_slice_text("v")};
    for (uint64_t index = 1; index <= 4; index++) {
        uint8_t key[RIND_LOG_KEY_SIZE];
        rind_log_key(&f->group, index, key);
        tombstone.timestamp_us = now_us - week_us + (index == 3 ? 1000 : -1000);
        struct rind_row_write row = {RIND_SLICE_OF(key), index == 4 ? &entry : &tombstone, 1};
        struct rind_write write = {log, &row, 1};
        assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    }
    uint64_t removed;
    assert_ok(f, rind_engine_collect(&f->ctx, f->engine, fixture_deadline(), &removed));
    if (f->kind == FIXTURE_BIGTABLE) {
        assert_int_equal(removed, 0); /* the service collects by the rules of CreateTable */
        return;
    }
    assert_int_equal(removed, 2);
    assert_int_equal(fixture_read_all(f, log).count, 2);
    f->now_ms += 10;
    assert_ok(f, rind_engine_collect(&f->ctx, f->engine, fixture_deadline(), &removed));
    assert_int_equal(removed, 1);
    assert_int_equal(fixture_read_all(f, log).count, 1); /* an old entry is never collected */
}

static void many_rows_are_kept_and_removed(void **state)
{
    struct fixture *f = *state;
    struct rind_table merkle = rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm);
    enum { COUNT = 3000 };
    uint8_t(*keys)[40] = malloc(sizeof(uint8_t[COUNT][40]));
    struct rind_row_write *rows = malloc(COUNT * sizeof(*rows));
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("instance"), 1000,
                                rind_slice_text("a node of some size, so that pages split often")};
    struct rind_mutation delete_column = {.kind = RIND_MUTATION_DELETE_COLUMN,
                                          .family = 'f',
                                          .qualifier = rind_slice_text("instance")};
    uint64_t random = 1;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < 40; j += 8) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            rind_put_be64(&keys[i][j], random ^ (random >> 29));
        }
        rows[i] = (struct rind_row_write){RIND_SLICE_OF(keys[i]), &set, 1};
    }
    struct rind_write write = {merkle, rows, COUNT};
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    struct rind_rows all = fixture_read_all(f, merkle);
    assert_int_equal(all.count, COUNT);
    for (size_t i = 1; i < all.count; i++) {
        assert_true(rind_key_compare(all.rows[i - 1].key, all.rows[i].key) < 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        rows[i].mutations = &delete_column;
    }
    write.row_count = COUNT / 2;
    assert_ok(f, rind_engine_write(&f->ctx, f->engine, &write, fixture_deadline()));
    assert_int_equal(fixture_read_all(f, merkle).count, COUNT - COUNT / 2);
    free(rows);
    free(keys);
}

static void statistics_count_commits_and_requests(void **state)
{
    struct fixture *f = *state;
    struct rind_engine_statistics before;
    struct rind_engine_statistics after;
    rind_engine_statistics(f->engine, &before);
    fixture_set(f, lease_table(), "row", "q", 1000, "v");
    (void)fixture_read_all(f, lease_table());
    rind_engine_statistics(f->engine, &after);
    assert_int_equal(after.commits, before.commits + 1);
    assert_int_equal(after.requests, before.requests + 1);
    assert_int_equal(after.reads, before.reads + 1);
    assert_true(after.size_bytes_used > 0 || f->kind == FIXTURE_BIGTABLE);
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(a_table_is_created_once),
        CASE(a_missing_table_is_not_found),
        CASE(tables_are_listed),
        CASE(cells_come_by_qualifier_and_newest_first),
        CASE(a_cell_is_replaced_by_one_of_its_timestamp),
        CASE(the_engine_gives_timestamps_from_its_clock),
        CASE(mutations_apply_in_order_and_an_empty_row_is_none),
        CASE(deleting_a_family_leaves_the_other),
        CASE(malformed_writes_are_refused_and_change_nothing),
        CASE(a_value_of_the_largest_size_survives),
        CASE(a_row_is_inserted_only_once),
        CASE(conditions_look_at_timestamps_and_values),
        CASE(a_condition_finds_a_column_of_any_value),
        CASE(when_true_is_applied_when_true),
        CASE(rows_written_together_share_the_fate_of_the_tested_one),
        CASE(of_racing_inserts_exactly_one_wins),
        CASE(a_watcher_wakes_when_its_log_grows),
        CASE(waiting_ends_at_the_deadline_and_by_wake),
        CASE(only_tombstones_older_than_seven_days_are_collected),
        CASE(many_rows_are_kept_and_removed),
        CASE(statistics_count_commits_and_requests),
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
