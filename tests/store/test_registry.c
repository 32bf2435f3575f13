/*
 * test_registry.c - leases, discovery, tenants, accounting, statistics, copies, on each engine:
 * docs/spec/04-store.md sections 12-15 and 20, document 08 section 14.3.
 */
#include "fixture.h"
#include "merkle/row_key.h"

#define DAY_MS 86400000ull

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

/* ---- leases ---- */

static rind_status obtain(struct fixture *f, const char *key, uint64_t duration_ms,
                          struct rind_lease *lease)
{
    return rind_store_lease_obtain(&f->ctx, f->store, key, "an owner", duration_ms,
                                   fixture_deadline(), lease);
}

static void a_lease_has_one_holder(void **state)
{
    struct fixture *f = *state;
    struct rind_lease first;
    struct rind_lease second;
    assert_ok(f, obtain(f, "one-cm", 3000, &first));
    assert_int_equal(first.expires_unix_ms, f->now_ms + 3000);
    assert_status(f, obtain(f, "one-cm", 3000, &second), RIND_E_BUSY);
    assert_ok(f, obtain(f, "two-cm", 3000, &second));
    f->now_ms += 1000;
    assert_ok(f, rind_store_lease_extend(&f->ctx, f->store, &first, 3000, fixture_deadline()));
    assert_int_equal(first.expires_unix_ms, f->now_ms + 3000);
    assert_ok(f, rind_store_lease_terminate(&f->ctx, f->store, &first, fixture_deadline()));
    assert_ok(f, obtain(f, "one-cm", 3000, &second));
    assert_ok(f, rind_store_lease_terminate(&f->ctx, f->store, &first, fixture_deadline()));
    assert_status(f, obtain(f, "one-cm", 3000, &first), RIND_E_BUSY); /* theirs is untouched */
}

static void an_expired_lease_can_be_taken_or_extended(void **state)
{
    struct fixture *f = *state;
    struct rind_lease first;
    struct rind_lease second;
    assert_ok(f, obtain(f, "one-cm", 5000, &first));
    f->now_ms += 5000; /* the expiry itself still counts as held */
    assert_status(f, obtain(f, "one-cm", 5000, &second), RIND_E_BUSY);
    f->now_ms += 1000;
    assert_ok(f, rind_store_lease_extend(&f->ctx, f->store, &first, 5000, fixture_deadline()));
    f->now_ms += 6000;
    assert_ok(f, obtain(f, "one-cm", 5000, &second));
    assert_status(f, rind_store_lease_extend(&f->ctx, f->store, &first, 5000, fixture_deadline()),
                  RIND_E_DENIED);
    assert_int_equal(second.expires_unix_ms, f->now_ms + 5000);
}

static void a_slow_clock_cannot_take_a_lease_before_its_time(void **state)
{
    struct fixture *f = *state;
    struct rind_lease first;
    struct rind_lease second;
    assert_ok(f, obtain(f, "one-cm", 3000, &first));
    f->now_ms -= 5000;
    assert_status(f, obtain(f, "one-cm", 3000, &second), RIND_E_BUSY);
    f->now_ms += 5000 + 2999;
    assert_status(f, obtain(f, "one-cm", 3000, &second), RIND_E_BUSY);
}

static void a_lease_row_has_owner_and_id_at_its_expiry(void **state)
{
    struct fixture *f = *state;
    struct rind_lease lease;
    assert_ok(f, obtain(f, "one-cm", 3000, &lease));
    struct rind_rows rows = fixture_read_all(f, rind_table_shared(RIND_TABLE_LEASE));
    assert_int_equal(rows.count, 1);
    assert_true(rind_slice_is_text(rows.rows[0].key, "one-cm"));
    assert_int_equal(rows.rows[0].cell_count, 2);
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].qualifier, "id"));
    assert_true(rind_slice_is_text(rows.rows[0].cells[0].value, lease.id));
    assert_int_equal(strlen(lease.id), 32);
    assert_true(rind_slice_is_text(rows.rows[0].cells[1].qualifier, "o"));
    assert_true(rind_slice_is_text(rows.rows[0].cells[1].value, "an owner"));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rows.rows[0].cells[i].timestamp_us, (int64_t)(f->now_ms + 3000) * 1000);
    }
}

static void waiting_for_a_lease_ends_with_it_or_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct rind_lease first;
    struct rind_lease second;
    assert_ok(f, obtain(f, "one-cm", 3000, &first));
    /* On a busy machine the deadline can fall into an attempt, or between two lost answers. */
    rind_status waited = rind_store_lease_wait(&f->ctx, f->store, "one-cm", "me", 3000,
                                               rind_deadline_in_ms(40), &second);
    assert_true(rind_is(waited, RIND_E_BUSY) || rind_is(waited, RIND_E_TIMEOUT) ||
                (f->kind == FIXTURE_BIGTABLE_FAULTY && rind_is(waited, RIND_E_UNAVAILABLE)));
    f->now_ms += 3001;
    assert_ok(f, rind_store_lease_wait(&f->ctx, f->store, "one-cm", "me", 3000, fixture_deadline(),
                                       &second));
}

/* ---- discovery ---- */

static void register_service(struct fixture *f, enum rind_service_kind kind, const char *url)
{
    assert_ok(f, rind_store_discovery_register(&f->ctx, f->store, kind, url, fixture_deadline()));
}

static struct rind_services lookup(struct fixture *f, enum rind_service_kind kind)
{
    struct rind_services services;
    assert_ok(f,
              rind_store_discovery_lookup(&f->ctx, f->store, kind, fixture_deadline(), &services));
    return services;
}

static void services_are_found_by_kind_in_url_order(void **state)
{
    struct fixture *f = *state;
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:9999");
    register_service(f, RIND_SERVICE_AGENT, "HTTP://LOCALHOST:1111/");
    register_service(f, RIND_SERVICE_CLUSTER_MANAGER, "http://127.0.0.1:80");
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:9999/"); /* the same */
    struct rind_services agents = lookup(f, RIND_SERVICE_AGENT);
    assert_int_equal(agents.count, 2);
    assert_string_equal(agents.services[0].url, "http://localhost:1111/");
    assert_string_equal(agents.services[1].url, "http://localhost:9999/");
    assert_int_equal(agents.services[0].kind, RIND_SERVICE_AGENT);
    struct rind_services all = lookup(f, RIND_SERVICE_ANY);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.services[2].kind, RIND_SERVICE_CLUSTER_MANAGER);
    assert_string_equal(all.services[2].url, "http://127.0.0.1/");
    assert_int_equal(lookup(f, RIND_SERVICE_LOAD_BALANCER).count, 0);
    assert_ok(f, rind_store_discovery_remove(&f->ctx, f->store, RIND_SERVICE_AGENT,
                                             "http://localhost:1111", fixture_deadline()));
    assert_int_equal(lookup(f, RIND_SERVICE_AGENT).count, 1);
}

static void services_expire_after_21_minutes(void **state)
{
    struct fixture *f = *state;
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:1111");
    f->now_ms += 1000;
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:2222");
    f->now_ms += 21 * 60 * 1000 - 1000;
    assert_int_equal(lookup(f, RIND_SERVICE_AGENT).count, 2);
    f->now_ms += 1000;
    assert_int_equal(lookup(f, RIND_SERVICE_AGENT).count, 1);
    struct rind_rows rows = fixture_read_all(f, rind_table_shared(RIND_TABLE_DISCOVERY));
    assert_int_equal(rows.count, 1); /* the row is gone too */
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:1111");
    assert_int_equal(lookup(f, RIND_SERVICE_AGENT).count, 2);
}

static void malformed_services_are_skipped(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"ahttp://localhost:1234/", "ahttp:", "zhttps://example.org/",
                                       "l/lb.example.org/x", "a"};
    for (size_t i = 0; i < 5; i++) {
        fixture_set(f, rind_table_shared(RIND_TABLE_DISCOVERY), keys[i], "t",
                    (int64_t)f->now_ms * 1000, "");
    }
    struct rind_services all = lookup(f, RIND_SERVICE_ANY);
    assert_int_equal(all.count, 1);
    assert_string_equal(all.services[0].url, "http://localhost:1234/");
}

static void urls_that_are_none_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const urls[] = {"", "localhost:80", "ftp://localhost/", "http://"};
    for (size_t i = 0; i < 4; i++) {
        assert_false(rind_is_ok(rind_store_discovery_register(&f->ctx, f->store, RIND_SERVICE_AGENT,
                                                              urls[i], fixture_deadline())));
    }
    assert_int_equal(lookup(f, RIND_SERVICE_ANY).count, 0);
    char long_url[600] = "http://localhost/";
    memset(long_url + strlen(long_url), 'x', sizeof(long_url) - strlen(long_url) - 1);
    long_url[sizeof(long_url) - 1] = '\0';
    assert_status(f,
                  rind_store_discovery_register(&f->ctx, f->store, RIND_SERVICE_AGENT, long_url,
                                                fixture_deadline()),
                  RIND_E_LIMIT);
}

static void missing_shared_tables_are_empty_lists(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, FIXTURE_MEMORY);
    fixture_open_store(&fixture, NULL);
    struct rind_tenants tenants;
    assert_int_equal(lookup(&fixture, RIND_SERVICE_ANY).count, 0);
    assert_ok(&fixture,
              rind_store_tenant_list(&fixture.ctx, fixture.store, fixture_deadline(), &tenants));
    assert_int_equal(tenants.count, 0);
    fixture_close(&fixture);
}

/* ---- tenants ---- */

static void tenants_are_listed_by_name_and_updated(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"zebra", "acme", "test-acme"};
    struct rind_tenants tenants;
    for (uint64_t i = 0; i < 3; i++) {
        assert_ok(
            f, rind_store_tenant_put(&f->ctx, f->store, names[i], i * 100000, fixture_deadline()));
    }
    f->now_ms += 1;
    assert_ok(f, rind_store_tenant_put(&f->ctx, f->store, "acme", UINT64_MAX, fixture_deadline()));
    /* Rows we cannot use are skipped. */
    struct rind_table table = rind_table_shared(RIND_TABLE_TENANTS);
    fixture_set(f, table, "broken", "c", 1000, "not CBOR");
    fixture_set(f, table, "without", "d", 1000, "\xa0");
    fixture_set(f, table, "incomplete", "c", 1000, "\xa0");
    assert_ok(f, rind_store_tenant_list(&f->ctx, f->store, fixture_deadline(), &tenants));
    assert_int_equal(tenants.count, 3);
    assert_string_equal(tenants.tenants[0].name, "acme");
    assert_true(tenants.tenants[0].capacity_ops_per_sec == UINT64_MAX);
    assert_string_equal(tenants.tenants[1].name, "test-acme");
    assert_int_equal(tenants.tenants[1].capacity_ops_per_sec, 200000);
    assert_string_equal(tenants.tenants[2].name, "zebra");
}

static void unknown_keys_of_a_tenants_configuration_are_ignored(void **state)
{
    struct fixture *f = *state;
    fixture_set(f, rind_table_shared(RIND_TABLE_TENANTS), "acme", "c", 1000,
                "\xa2\x65"
                "color"
                "\x63"
                "red"
                "\x74"
                "capacity_ops_per_sec"
                "\x18\x2a");
    struct rind_tenants tenants;
    assert_ok(f, rind_store_tenant_list(&f->ctx, f->store, fixture_deadline(), &tenants));
    assert_int_equal(tenants.count, 1);
    assert_int_equal(tenants.tenants[0].capacity_ops_per_sec, 42);
}

static void impossible_tenant_names_are_refused(void **state)
{
    struct fixture *f = *state;
    char long_name[RIND_TENANT_NAME_SIZE_BYTES_MAX + 2];
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = '\0';
    const char *const names[] = {"", "a:b", long_name};
    for (size_t i = 0; i < 3; i++) {
        assert_status(f, rind_store_tenant_put(&f->ctx, f->store, names[i], 1, fixture_deadline()),
                      RIND_E_INVALID);
    }
    long_name[RIND_TENANT_NAME_SIZE_BYTES_MAX] = '\0';
    assert_ok(f, rind_store_tenant_put(&f->ctx, f->store, long_name, 1, fixture_deadline()));
}

/* ---- accounting ---- */

static struct rind_user_event event_make(const char *tenant, uint8_t user, uint64_t when_ms,
                                         enum rind_user_event_kind kind)
{
    struct rind_user_event event = {tenant, {{user}}, when_ms, kind};
    return event;
}

static void put_events(struct fixture *f, const struct rind_user_event *events, size_t count)
{
    assert_ok(f, rind_store_user_events_put(&f->ctx, f->store, &f->realm, events, count,
                                            fixture_deadline()));
}

static uint64_t count_users(struct fixture *f, uint64_t start_ms, uint64_t end_ms,
                            const char *tenant)
{
    struct rind_user_counts counts;
    assert_ok(f, rind_store_user_count(&f->ctx, f->store, &f->realm, start_ms, end_ms,
                                       fixture_deadline(), &counts));
    for (size_t i = 0; i < counts.count; i++) {
        if (strcmp(counts.tenants[i].tenant, tenant) == 0) {
            return counts.tenants[i].count;
        }
    }
    return 0;
}

static void users_count_while_they_have_a_secret(void **state)
{
    struct fixture *f = *state;
    uint64_t day = f->now_ms / DAY_MS * DAY_MS;
    uint64_t month = day - 30 * DAY_MS; /* [month, day) is "this month" */
    const struct rind_user_event events[] = {
        event_make("acme", 1, day - 95 * DAY_MS, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 2, day - 95 * DAY_MS, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 2, day - 40 * DAY_MS, RIND_USER_SECRET_DELETED), /* last month */
        event_make("acme", 3, day - 95 * DAY_MS, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 3, day - 10 * DAY_MS, RIND_USER_SECRET_DELETED), /* this month */
        event_make("acme", 4, day - 1, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 5, day, RIND_USER_SECRET_REGISTERED), /* after */
        event_make("bob", 1, day - 20 * DAY_MS, RIND_USER_SECRET_REGISTERED),
    };
    put_events(f, events, sizeof(events) / sizeof(events[0]));
    assert_int_equal(count_users(f, month, day, "acme"), 3); /* 1, 3, 4 */
    assert_int_equal(count_users(f, month, day, "bob"), 1);
    assert_int_equal(count_users(f, month - 30 * DAY_MS, month, "acme"), 3); /* 1, 2, 3 */
    assert_int_equal(count_users(f, month - 30 * DAY_MS, month, "bob"), 0);
    assert_int_equal(count_users(f, day - 96 * DAY_MS, day - 95 * DAY_MS, "acme"), 0);
    assert_int_equal(count_users(f, day - 95 * DAY_MS, day - 94 * DAY_MS, "acme"), 3);
}

static void the_latest_event_of_a_day_counts_whatever_the_order(void **state)
{
    struct fixture *f = *state;
    uint64_t day = f->now_ms / DAY_MS * DAY_MS;
    const struct rind_user_event events[] = {
        event_make("acme", 1, day + 3000, RIND_USER_SECRET_DELETED),
        event_make("acme", 1, day + 1000, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 2, day + 1000, RIND_USER_SECRET_DELETED),
        event_make("acme", 2, day + 3000, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 2, day + 2000, RIND_USER_SECRET_DELETED),
        event_make("acme", 3, day + 2000, RIND_USER_SECRET_REGISTERED),
        event_make("acme", 3, day + 2000, RIND_USER_SECRET_DELETED), /* the later of equal times */
    };
    put_events(f, events, sizeof(events) / sizeof(events[0]));
    struct rind_rows rows = fixture_read_all(f, rind_table_of_realm(RIND_TABLE_USERS, &f->realm));
    static const uint8_t values[] = {0, 1, 0};
    assert_int_equal(rows.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rows.rows[i].cell_count, 1);
        assert_int_equal(rows.rows[i].cells[0].timestamp_us, (int64_t)day * 1000);
        assert_int_equal(rows.rows[i].cells[0].value.data[0], values[i]);
    }
}

static void impossible_times_are_refused(void **state)
{
    struct fixture *f = *state;
    struct rind_user_counts counts;
    uint64_t now = f->now_ms;
    const struct {
        uint64_t start;
        uint64_t end;
        enum rind_code code;
    } cases[] = {
        {now, now, RIND_E_INVALID},                  /* the same day */
        {now + 1, now + 2 * DAY_MS, RIND_E_INVALID}, /* in the future */
        {now, now + DAY_MS, RIND_E_OK},
        {now - 116 * DAY_MS, now, RIND_E_OK},
        {now - 116 * DAY_MS - 999, now, RIND_E_OK}, /* whole seconds count */
        {now - 116 * DAY_MS - 1000, now, RIND_E_INVALID},
        {UINT64_MAX - 1, UINT64_MAX, RIND_E_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_status(f,
                      rind_store_user_count(&f->ctx, f->store, &f->realm, cases[i].start,
                                            cases[i].end, fixture_deadline(), &counts),
                      cases[i].code);
    }
    assert_int_equal(counts.start_unix_ms % DAY_MS, 0);
    assert_int_equal(counts.end_unix_ms, now / DAY_MS * DAY_MS);
}

static void malformed_user_rows_are_skipped(void **state)
{
    struct fixture *f = *state;
    uint64_t day = f->now_ms / DAY_MS * DAY_MS;
    struct rind_user_event event = event_make("a:b", 1, day - DAY_MS, RIND_USER_SECRET_REGISTERED);
    put_events(f, &event, 1); /* the tenant is all before the last colon */
    event.tenant = "a";
    put_events(f, &event, 1);
    static const char *const keys[] = {
        ":0000000000000000000000000000000000000000000000000000000000000000", "short",
        "acme-0000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < 3; i++) {
        fixture_set(f, rind_table_of_realm(RIND_TABLE_USERS, &f->realm), keys[i], "e",
                    (int64_t)(day - DAY_MS) * 1000, "\x01");
    }
    struct rind_user_counts counts;
    assert_ok(f, rind_store_user_count(&f->ctx, f->store, &f->realm, day - DAY_MS, day,
                                       fixture_deadline(), &counts));
    assert_int_equal(counts.count, 2);
    assert_int_equal(count_users(f, day - DAY_MS, day, "a"), 1);
    assert_int_equal(count_users(f, day - DAY_MS, day, "a:b"), 1);
}

/* ---- statistics ---- */

static void log_statistics_count_per_group(void **state)
{
    struct fixture *f = *state;
    static const uint8_t groups[] = {3, 5};
    for (size_t i = 0; i < 2; i++) {
        f->group = fixture_group(groups[i]);
        fixture_append(f, 1, 4, RIND_E_OK);
        fixture_append(f, 5, 2, RIND_E_OK);
        fixture_append(f, 7, 2, RIND_E_OK);
    }
    struct rind_log_row rows[] = {{1, false}, {5, false}};
    assert_ok(f, rind_store_replace_oldest_rows(&f->ctx, f->store, &f->realm, &f->group, rows, 1,
                                                fixture_deadline()));
    f->now_ms += 8 * DAY_MS;
    assert_ok(f, rind_store_replace_oldest_rows(&f->ctx, f->store, &f->realm, &f->group, rows + 1,
                                                1, fixture_deadline()));
    fixture_set(f, rind_table_of_realm(RIND_TABLE_LOG, &f->realm), "bad key", "q", 1000, "v");
    struct rind_log_stats stats;
    assert_ok(f, rind_store_log_stats(&f->ctx, f->store, &f->realm, fixture_deadline(), &stats));
    assert_int_equal(stats.count, 2);
    assert_int_equal(stats.rows_malformed, 1);
    const struct rind_log_group_stats *whole = &stats.groups[0];
    assert_int_equal(whole->index_lowest, 1);
    assert_int_equal(whole->index_highest, 7);
    assert_int_equal(whole->entry_rows, 3);
    assert_int_equal(whole->entries, 8);
    assert_int_equal(whole->tombstones, 0);
    /* 3 keys, and per entry family, qualifier, timestamp and 141 bytes of CBOR. */
    assert_int_equal(whole->size_bytes, 3 * 24 + 8 * (1 + 8 + 8 + 141));
    const struct rind_log_group_stats *compacted = &stats.groups[1];
    assert_int_equal(compacted->entry_rows, 1);
    assert_int_equal(compacted->entries, 2);
    assert_int_equal(compacted->tombstones, 2);
    /* A service's own clock cannot be set forward a week. */
    assert_int_equal(compacted->tombstones_expired, fixture_is_bigtable(f) ? 0 : 1);
    assert_int_equal(compacted->index_lowest, 1);
    assert_int_equal(compacted->index_highest, 7);
}

static void merkle_statistics_name_the_crowded_prefixes(void **state)
{
    struct fixture *f = *state;
    struct rind_table merkle = rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm);
    /* Prefix i (of 25, by length) has i + 1 nodes; the first node of each has two instances. */
    for (unsigned i = 0; i < 25; i++) {
        struct rind_bit_vector prefix = {.length = (uint16_t)i};
        for (unsigned j = 0; j <= i; j++) {
            struct rind_data_hash hash = {{(uint8_t)i, (uint8_t)j}};
            struct rind_row_key key;
            rind_row_key_encode(&prefix, &hash, &key);
            struct rind_mutation cells[2] = {{RIND_MUTATION_SET_CELL, 'f', rind_slice_text("one"),
                                              1000 * (int64_t)(i + 1), rind_slice_text("")},
                                             {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("two"),
                                              9000000, rind_slice_text("")}};
            struct rind_row_write row = {rind_row_key_slice(&key), cells, j == 0 ? 2 : 1};
            struct rind_write write = {merkle, &row, 1};
            fixture_write(f, &write);
        }
    }
    fixture_set(f, merkle, "bad key", "q", 1000, "v");
    struct rind_merkle_stats stats;
    assert_ok(f, rind_store_merkle_stats(&f->ctx, f->store, &f->realm, fixture_deadline(), &stats));
    assert_int_equal(stats.nodes, 25 * 26 / 2 + 25);
    assert_int_equal(stats.rows_malformed, 1);
    assert_int_equal(stats.prefix_count, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(stats.prefixes[i].cells, 26 - i);
        assert_int_equal(stats.prefixes[i].oldest_us, 1000 * (25 - i));
        assert_int_equal(stats.prefixes[i].newest_us, 9000000);
    }
}

/* ---- copies ---- */

static void assert_same_rows(const struct rind_rows *a, const struct rind_rows *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_true(rind_slice_equal(a->rows[i].key, b->rows[i].key));
        assert_int_equal(a->rows[i].cell_count, b->rows[i].cell_count);
        for (size_t j = 0; j < a->rows[i].cell_count; j++) {
            const struct rind_cell *x = &a->rows[i].cells[j];
            const struct rind_cell *y = &b->rows[i].cells[j];
            assert_int_equal(x->family, y->family);
            assert_int_equal(x->timestamp_us, y->timestamp_us);
            assert_true(rind_slice_equal(x->qualifier, y->qualifier));
            assert_true(rind_slice_equal(x->value, y->value));
        }
    }
}

static void a_copy_between_engines_is_exact(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, 1, 10, RIND_E_OK);
    fixture_append(f, 11, 1, RIND_E_OK);
    struct rind_log_row row = {1, false};
    assert_ok(f, rind_store_replace_oldest_rows(&f->ctx, f->store, &f->realm, &f->group, &row, 1,
                                                fixture_deadline()));
    for (uint64_t i = 0; i < 300; i++) {
        char key[16];
        char value[2000];
        memset(value, 'v', sizeof(value));
        value[sizeof(value) - 1] = '\0';
        (void)snprintf(key, sizeof(key), "node-%03d", (int)i);
        fixture_set(f, rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm), key, "q",
                    1000 * (int64_t)i, value);
    }
    register_service(f, RIND_SERVICE_AGENT, "http://localhost:1");
    struct fixture other;
    fixture_open(&other, f->kind == FIXTURE_MEMORY ? FIXTURE_LMDB : FIXTURE_MEMORY);
    uint64_t copied;
    assert_ok(f, rind_store_copy(&f->ctx, rind_store_engine(f->store), other.engine, NULL,
                                 fixture_deadline(), &copied));
    assert_int_equal(copied, 2 + 300 + 1);
    const struct rind_table tables[] = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm),
                                        rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm),
                                        rind_table_of_realm(RIND_TABLE_USERS, &f->realm),
                                        rind_table_shared(RIND_TABLE_DISCOVERY)};
    for (size_t i = 0; i < 4; i++) {
        struct rind_rows from = fixture_read_all(f, tables[i]);
        struct rind_rows to = fixture_read_all(&other, tables[i]);
        assert_same_rows(&from, &to);
    }
    assert_status(f,
                  rind_store_copy(&f->ctx, rind_store_engine(f->store), other.engine, NULL,
                                  fixture_deadline(), &copied),
                  RIND_E_EXISTS); /* never into a store that has something */
    fixture_close(&other);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_lease_has_one_holder),
        cmocka_unit_test(an_expired_lease_can_be_taken_or_extended),
        cmocka_unit_test(a_slow_clock_cannot_take_a_lease_before_its_time),
        cmocka_unit_test(a_lease_row_has_owner_and_id_at_its_expiry),
        cmocka_unit_test(waiting_for_a_lease_ends_with_it_or_the_deadline),
        cmocka_unit_test(services_are_found_by_kind_in_url_order),
        cmocka_unit_test(services_expire_after_21_minutes),
        cmocka_unit_test(malformed_services_are_skipped),
        cmocka_unit_test(urls_that_are_none_are_refused),
        cmocka_unit_test(missing_shared_tables_are_empty_lists),
        cmocka_unit_test(tenants_are_listed_by_name_and_updated),
        cmocka_unit_test(unknown_keys_of_a_tenants_configuration_are_ignored),
        cmocka_unit_test(impossible_tenant_names_are_refused),
        cmocka_unit_test(users_count_while_they_have_a_secret),
        cmocka_unit_test(the_latest_event_of_a_day_counts_whatever_the_order),
        cmocka_unit_test(impossible_times_are_refused),
        cmocka_unit_test(malformed_user_rows_are_skipped),
        cmocka_unit_test(log_statistics_count_per_group),
        cmocka_unit_test(merkle_statistics_name_the_crowded_prefixes),
        cmocka_unit_test(a_copy_between_engines_is_exact),
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
