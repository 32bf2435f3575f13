/*
 * test_cells.c - every table that we write, cell by cell, as a client that is not ours shows it:
 * bin/bigtable-cells (cbt, or Google's Go client). docs/spec/04-store.md sections 6-15 and 21,
 * docs/spec/05-cloud-services.md section 13.4.
 */
#include <string.h>
#include <time.h>

#include "fixture.h"
#include "store/software.h"
#include "support/vectors.h"

#define OUTPUT_SIZE_MAX (1u << 20)
#define CELLS_MAX 8u
#define ROWS_MAX 16u
#define US_PER_MS 1000
/* Between this machine's clock now and the emulator's when it wrote; same machine. */
#define SERVER_TIME_SLACK_US (60 * 1000000LL)

/* ---- what is expected ---- */

struct cell {
    const char *family;
    struct rind_slice qualifier; /* NULL data: any of `qualifier.length` bytes */
    int64_t timestamp_us;        /* or RIND_TIMESTAMP_SERVER: about now, in whole milliseconds */
    struct rind_slice value;
};

struct row {
    struct rind_slice key;
    struct cell cells[CELLS_MAX];
    size_t cell_count;
};

struct shown {
    struct fixture fixture;
    json_t *vectors;
    struct row rows[ROWS_MAX]; /* of the table looked at next; sorted by key before */
    size_t row_count;
};

static int open_shown(void **state)
{
    struct shown *s = calloc(1, sizeof(*s));
    fixture_open(&s->fixture, FIXTURE_BIGTABLE);
    struct rind_store_options options = {.merkle_cache_nodes = 1000, .delete_delay_ms = UINT64_MAX};
    fixture_open_store(&s->fixture, &options);
    fixture_create_tables(&s->fixture);
    s->vectors = rind_vectors_load("store-keys-and-values.json");
    *state = s;
    return 0;
}

static int close_shown(void **state)
{
    struct shown *s = *state;
    json_decref(s->vectors);
    fixture_close(&s->fixture);
    free(s);
    return 0;
}

static struct row *expect_row(struct shown *s, struct rind_slice key)
{
    assert_true(s->row_count < ROWS_MAX);
    struct row *row = &s->rows[s->row_count++];
    *row = (struct row){.key = key};
    return row;
}

static void expect_cell(struct row *row, const char *family, struct rind_slice qualifier,
                        int64_t timestamp_us, struct rind_slice value)
{
    assert_true(row->cell_count < CELLS_MAX);
    row->cells[row->cell_count++] = (struct cell){family, qualifier, timestamp_us, value};
}

static struct rind_slice vector_hex(struct shown *s, const char *array, size_t index,
                                    const char *member)
{
    return rind_vectors_hex(json_array_get(rind_vectors_get(s->vectors, array), index), member,
                            s->fixture.arena);
}

static struct rind_slice vector_text(struct shown *s, const char *array, size_t index,
                                     const char *member)
{
    return rind_slice_text(
        rind_vectors_text(json_array_get(rind_vectors_get(s->vectors, array), index), member));
}

/* ---- what is shown ---- */

/* What is left of the other client's output. */
struct output {
    const uint8_t *at;
    size_t length;
};

static void output_skip(struct output *output, struct rind_slice bytes, const char *what)
{
    if (output->length < bytes.length || memcmp(output->at, bytes.data, bytes.length) != 0) {
        char hex[513];
        size_t shown = output->length < 256 ? output->length : 256;
        rind_hex_encode(rind_slice_make(output->at, shown), hex);
        fail_msg("%s is not shown where it should be, but (hex): %s", what, hex);
    }
    output->at += bytes.length;
    output->length -= bytes.length;
}

static void output_skip_text(struct output *output, const char *text)
{
    output_skip(output, rind_slice_text(text), text);
}

/* Go's %q of bytes, as far as our vectors need it. */
static struct rind_slice quote(struct rind_slice bytes, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "    \"");
    for (size_t i = 0; i < bytes.length; i++) {
        static const char special[] = "\a\b\f\n\r\t\v\"\\";
        static const char letters[] = "abfnrtv\"\\";
        uint8_t byte = bytes.data[i];
        const char *found = byte == 0 ? NULL : strchr(special, byte);
        if (found != NULL) {
            used += (size_t)snprintf(text + used, size - used, "\\%c", letters[found - special]);
        } else if (byte >= 0x20 && byte < 0x7f) {
            used += (size_t)snprintf(text + used, size - used, "%c", byte);
        } else {
            used += (size_t)snprintf(text + used, size - used, "\\x%02x", byte);
        }
        assert_true(used + 8 < size);
    }
    (void)snprintf(text + used, size - used, "\"\n");
    return rind_slice_text(text);
}

static void output_skip_time(struct output *output, int64_t expected_us)
{
    char text[27];
    char *end;
    struct tm utc = {0};
    assert_true(output->length > sizeof(text));
    memcpy(text, output->at, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    const char *fraction = strptime(text, "%Y/%m/%d-%H:%M:%S", &utc);
    assert_non_null(fraction);
    assert_int_equal(*fraction, '.');
    long microseconds = strtol(fraction + 1, &end, 10);
    assert_int_equal(*end, '\0');
    int64_t shown_us = (int64_t)timegm(&utc) * 1000000 + microseconds;
    if (expected_us == RIND_TIMESTAMP_SERVER) {
        int64_t now_us = (int64_t)rind_clock_unix_ms() * US_PER_MS;
        assert_true(shown_us > now_us - SERVER_TIME_SLACK_US);
        assert_true(shown_us < now_us + SERVER_TIME_SLACK_US);
        assert_int_equal(shown_us % US_PER_MS, 0);
    } else {
        assert_int_equal(shown_us, expected_us);
    }
    output->at += sizeof(text) - 1;
    output->length -= sizeof(text) - 1;
}

static void output_skip_cell(struct output *output, const struct cell *cell)
{
    static char quoted[16384];
    output_skip_text(output, "  ");
    output_skip_text(output, cell->family);
    output_skip_text(output, ":");
    if (cell->qualifier.data != NULL) {
        output_skip(output, cell->qualifier, "a qualifier");
    } else {
        assert_true(output->length > cell->qualifier.length);
        output->at += cell->qualifier.length;
        output->length -= cell->qualifier.length;
    }
    while (output->length > 0 && *output->at == ' ') {
        output_skip_text(output, " ");
    }
    output_skip_text(output, "@ ");
    output_skip_time(output, cell->timestamp_us);
    output_skip_text(output, "\n");
    output_skip(output, quote(cell->value, quoted, sizeof(quoted)), quoted);
}

static struct output show_table(struct fixture *f, const struct rind_table *table)
{
    char name[RIND_TABLE_NAME_SIZE];
    char command[1024];
    rind_table_name(table, name);
    const char *bin = getenv("RIND_BIN_DIR");
    (void)snprintf(command, sizeof(command),
                   "TZ=UTC BIGTABLE_EMULATOR_HOST=%s '%s/bigtable-cells' %s", f->emulator.address,
                   bin != NULL ? bin : "bin", name);
    FILE *stream = popen(command, "r");
    assert_non_null(stream);
    uint8_t *bytes = rind_ctx_alloc(&f->ctx, OUTPUT_SIZE_MAX);
    assert_non_null(bytes);
    struct output output = {bytes, fread(bytes, 1, OUTPUT_SIZE_MAX, stream)};
    assert_true(output.length < OUTPUT_SIZE_MAX);
    assert_int_equal(pclose(stream), 0);
    return output;
}

static int row_compare(const void *a, const void *b)
{
    return rind_key_compare(((const struct row *)a)->key, ((const struct row *)b)->key);
}

/* The table has exactly the rows and cells that are expected; then none are. */
static void assert_shown(struct shown *s, struct rind_table table)
{
    struct output output = show_table(&s->fixture, &table);
    qsort(s->rows, s->row_count, sizeof(s->rows[0]), row_compare);
    for (size_t i = 0; i < s->row_count; i++) {
        const struct row *row = &s->rows[i];
        output_skip_text(&output, "----------------------------------------\n");
        output_skip(&output, row->key, "a row key");
        output_skip_text(&output, "\n");
        for (size_t j = 0; j < row->cell_count; j++) {
            output_skip_cell(&output, &row->cells[j]);
        }
        while (output.length > 0 && *output.at == '\n') { /* cbt leaves a line free */
            output_skip_text(&output, "\n");
        }
    }
    assert_int_equal(output.length, 0);
    s->row_count = 0;
}

/* ---- tables of a realm ---- */

static struct rind_slice copy(struct fixture *f, const void *data, size_t size)
{
    struct rind_slice made;
    assert_true(rind_arena_copy(f->arena, rind_slice_make(data, size), &made));
    return made;
}

static struct rind_slice log_key(struct fixture *f, const struct rind_group_id *group,
                                 uint64_t index)
{
    uint8_t key[RIND_LOG_KEY_SIZE];
    rind_log_key(group, index, key);
    return copy(f, key, sizeof(key));
}

static struct rind_slice log_qualifier(struct fixture *f, uint64_t index)
{
    uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
    rind_log_qualifier(index, qualifier);
    return copy(f, qualifier, sizeof(qualifier));
}

static void append(struct fixture *f, const struct rind_group_id *group,
                   const struct rind_store_entry *entries, size_t count,
                   const struct rind_append_delta *delta)
{
    struct rind_log_row row;
    assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, group, entries, count, delta,
                                   fixture_deadline(), &row));
}

/* Puts an entry below `entry`, on which a log may be built, as somebody else's row. */
static void write_entry_before(struct shown *s, const struct rind_group_id *group,
                               const struct rind_store_entry *entry)
{
    struct fixture *f = &s->fixture;
    struct rind_log_entry before = {.index = entry->index - 1, .entry_mac = entry->prev_mac};
    struct rind_slice cbor;
    assert_ok(f, rind_wire_encode_alloc(&f->ctx, &rind_log_entry_schema, &before, &cbor));
    struct rind_slice qualifier = log_qualifier(f, before.index);
    struct rind_mutation set = {RIND_MUTATION_SET_CELL, 'f', qualifier, 7000, cbor};
    struct rind_row_write row = {log_key(f, group, before.index), &set, 1};
    struct rind_write write = {rind_table_of_realm(RIND_TABLE_LOG, &f->realm), &row, 1};
    assert_ok(f,
              rind_engine_write(&f->ctx, rind_store_engine(f->store), &write, fixture_deadline()));
    expect_cell(expect_row(s, row.key), "f", qualifier, 7000, cbor);
}

static void the_log_has_the_entries_of_the_vectors(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    size_t count = json_array_size(rind_vectors_get(s->vectors, "log_entry_value"));
    assert_true(count >= 4);
    for (size_t i = 0; i < count; i++) {
        struct rind_slice cbor = vector_hex(s, "log_entry_value", i, "cbor_hex");
        struct rind_group_id group = fixture_group((uint8_t)(0x10 + i));
        struct rind_store_entry entry;
        struct rind_slice key;
        assert_ok(f, rind_store_entry_parse(&f->ctx, cbor, &entry));
        if (i == 0) { /* of index 1, at the vector's key */
            struct rind_slice bytes = vector_hex(s, "log_row_key", 0, "group_hex");
            memcpy(group.bytes, bytes.data, sizeof(group.bytes));
            key = vector_hex(s, "log_row_key", 0, "row_key_hex");
        } else {
            write_entry_before(s, &group, &entry);
            key = log_key(f, &group, entry.index);
        }
        append(f, &group, &entry, 1, NULL);
        expect_cell(expect_row(s, key), "f",
                    i == 0 ? vector_hex(s, "log_row_key", 0, "qualifier_hex")
                           : log_qualifier(f, entry.index),
                    RIND_TIMESTAMP_SERVER, cbor);
    }
    assert_shown(s, rind_table_of_realm(RIND_TABLE_LOG, &f->realm));
}

static void a_batch_is_one_row_and_a_tombstone_replaces_it(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    const struct rind_store_entry *entries = fixture_entries(f, 1, 3, 1);
    append(f, &f->group, entries, 2, NULL);
    append(f, &f->group, &entries[2], 1, NULL);
    struct rind_log_row first = {.index = 1};
    assert_ok(f, rind_store_replace_oldest_rows(&f->ctx, f->store, &f->realm, &f->group, &first, 1,
                                                fixture_deadline()));
    const struct rind_store_entry *others = fixture_entries(f, 1, 2, 9);
    struct rind_group_id group = fixture_group(4);
    append(f, &group, others, 2, NULL);
    struct row *row = expect_row(s, log_key(f, &group, 1)); /* the later entry's column is less */
    expect_cell(row, "f", log_qualifier(f, 2), RIND_TIMESTAMP_SERVER, others[1].cbor);
    expect_cell(row, "f", log_qualifier(f, 1), RIND_TIMESTAMP_SERVER, others[0].cbor);
    expect_cell(expect_row(s, log_key(f, &f->group, 1)), "t", rind_slice_text("t"),
                RIND_TIMESTAMP_SERVER, rind_slice_text(""));
    expect_cell(expect_row(s, log_key(f, &f->group, 3)), "f", log_qualifier(f, 3),
                RIND_TIMESTAMP_SERVER, entries[2].cbor);
    assert_shown(s, rind_table_of_realm(RIND_TABLE_LOG, &f->realm));
}

static void the_tree_has_the_nodes_of_the_vectors(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_store_node nodes[ROWS_MAX];
    size_t count = json_array_size(rind_vectors_get(s->vectors, "merkle_row_key"));
    size_t values = json_array_size(rind_vectors_get(s->vectors, "merkle_node_value"));
    assert_true(count >= values && count <= ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        nodes[i].row_key = vector_hex(s, "merkle_row_key", i, "row_key_hex");
        nodes[i].cbor = vector_hex(s, "merkle_node_value", i % values, "cbor_hex");
        /* One instance, whose name nobody can know. */
        const struct rind_slice instance = {NULL, RIND_MERKLE_INSTANCE_SIZE};
        expect_cell(expect_row(s, nodes[i].row_key), "f", instance, RIND_TIMESTAMP_SERVER,
                    nodes[i].cbor);
    }
    struct rind_append_delta delta = {.add = nodes, .add_count = count};
    append(f, &f->group, fixture_entries(f, 1, 1, 1), 1, &delta);
    assert_shown(s, rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm));
}

static void users_have_a_cell_for_each_day(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    const json_t *day = json_array_get(rind_vectors_get(s->vectors, "to_day_micros"), 0);
    struct rind_slice record = vector_hex(s, "users_row_key", 0, "record_id_hex");
    uint64_t when_ms = (uint64_t)rind_vectors_integer(day, "unix_seconds") * 1000;
    int64_t day_us = rind_vectors_integer(day, "micros");
    const uint64_t day_ms = 86400000;
    struct rind_user_event events[] = {
        {.when_unix_ms = when_ms, .kind = RIND_USER_SECRET_REGISTERED},
        {.when_unix_ms = when_ms + day_ms, .kind = RIND_USER_SECRET_DELETED}};
    for (size_t i = 0; i < 2; i++) {
        events[i].tenant = (const char *)vector_text(s, "users_row_key", 0, "tenant").data;
        memcpy(events[i].record.bytes, record.data, sizeof(events[i].record.bytes));
    }
    assert_ok(
        f, rind_store_user_events_put(&f->ctx, f->store, &f->realm, events, 2, fixture_deadline()));
    struct row *row = expect_row(s, vector_text(s, "users_row_key", 0, "row_key_ascii"));
    static const uint8_t deleted = 0;
    static const uint8_t registered = 1;
    expect_cell(row, "f", rind_slice_text("e"), day_us + (int64_t)day_ms * US_PER_MS,
                rind_slice_make(&deleted, 1)); /* the newest first */
    expect_cell(row, "f", rind_slice_text("e"), day_us, rind_slice_make(&registered, 1));
    assert_shown(s, rind_table_of_realm(RIND_TABLE_USERS, &f->realm));
}

/* ---- shared tables ---- */

static void leases_expire_at_their_cells_timestamps(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    struct rind_lease leases[2];
    for (size_t i = 0; i < 2; i++) {
        struct rind_slice key = vector_text(s, "lease_row_key", i, "row_key_ascii");
        assert_ok(f, rind_store_lease_obtain(&f->ctx, f->store, (const char *)key.data, "manager",
                                             3000, fixture_deadline(), &leases[i]));
    }
    f->now_ms += 1000;
    assert_ok(f, rind_store_lease_extend(&f->ctx, f->store, &leases[1], 3000, fixture_deadline()));
    for (size_t i = 0; i < 2; i++) {
        int64_t expiry_us = (int64_t)(f->now_ms - 1000 * (1 - i) + 3000) * US_PER_MS;
        struct row *row = expect_row(s, vector_text(s, "lease_row_key", i, "row_key_ascii"));
        assert_int_equal(strspn(leases[i].id, "0123456789abcdef"), 32);
        expect_cell(row, "f", rind_slice_text("id"), expiry_us, rind_slice_text(leases[i].id));
        expect_cell(row, "f", rind_slice_text("o"), expiry_us, rind_slice_text("manager"));
    }
    assert_shown(s, rind_table_shared(RIND_TABLE_LEASE));
    assert_ok(f, rind_store_lease_terminate(&f->ctx, f->store, &leases[0], fixture_deadline()));
    assert_ok(f, rind_store_lease_terminate(&f->ctx, f->store, &leases[1], fixture_deadline()));
    assert_shown(s, rind_table_shared(RIND_TABLE_LEASE)); /* nothing */
}

static void services_are_registered_at_a_time(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    static const char kinds[] = {RIND_SERVICE_AGENT, RIND_SERVICE_CLUSTER_MANAGER,
                                 RIND_SERVICE_LOAD_BALANCER};
    for (unsigned round = 0; round < 2; round++) { /* the second time replaces the first */
        f->now_ms += 600000;
        for (size_t i = 0; i < 3; i++) {
            struct rind_slice url = vector_text(s, "discovery_row_key", i, "url");
            assert_ok(f, rind_store_discovery_register(&f->ctx, f->store,
                                                       (enum rind_service_kind)kinds[i],
                                                       (const char *)url.data, fixture_deadline()));
        }
    }
    for (size_t i = 0; i < 3; i++) {
        expect_cell(expect_row(s, vector_text(s, "discovery_row_key", i, "row_key_ascii")), "f",
                    rind_slice_text("t"), (int64_t)f->now_ms * US_PER_MS, rind_slice_text(""));
    }
    assert_shown(s, rind_table_shared(RIND_TABLE_DISCOVERY));
}

static void tenants_have_the_values_of_the_vectors(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    static const char *const names[] = {"acme", "bob", "test-acme", "z", "Z"};
    const json_t *vectors = rind_vectors_get(s->vectors, "tenant_config");
    assert_int_equal(json_array_size(vectors), 5);
    for (size_t i = 0; i < 5; i++) {
        int64_t capacity = rind_vectors_integer(json_array_get(vectors, i), "capacity_ops_per_sec");
        assert_ok(f, rind_store_tenant_put(&f->ctx, f->store, names[i], 77, fixture_deadline()));
        assert_ok(f, rind_store_tenant_put(&f->ctx, f->store, names[i], (uint64_t)capacity,
                                           fixture_deadline()));
        expect_cell(expect_row(s, rind_slice_text(names[i])), "f", rind_slice_text("c"),
                    RIND_TIMESTAMP_SERVER, vector_hex(s, "tenant_config", i, "cbor_hex"));
    }
    assert_shown(s, rind_table_shared(RIND_TABLE_TENANTS));
}

static void a_software_realms_records_are_counted_in_their_column(void **state)
{
    struct shown *s = *state;
    struct fixture *f = &s->fixture;
    json_t *root = rind_vectors_load("cloud-services.json");
    const json_t *realm = rind_vectors_get(root, "software_realm");
    const json_t *record = json_array_get(rind_vectors_get(realm, "records"), 0);
    const json_t *named = json_array_get(rind_vectors_get(realm, "record_id"), 0);
    struct rind_slice value = rind_vectors_hex(record, "cbor_hex", f->arena);
    struct rind_record_id id;
    rind_vectors_hex_fixed(named, "hex", id.bytes, sizeof(id.bytes));
    assert_ok(f, rind_store_software_create(&f->ctx, f->store, &f->realm, fixture_deadline()));
    for (unsigned version = 0; version < 2; version++) {
        char column[16];
        struct rind_software_row before;
        assert_ok(f, rind_store_software_read(&f->ctx, f->store, &f->realm, &id, fixture_deadline(),
                                              &before));
        assert_ok(f, rind_store_software_write(&f->ctx, f->store, &f->realm, &id, &before, value,
                                               fixture_deadline()));
        (void)snprintf(column, sizeof(column), "%u", version);
        expect_cell(expect_row(s, rind_slice_text(rind_vectors_text(named, "hex"))), "f",
                    rind_slice_text(column), 0, value);
        assert_shown(s, rind_table_of_realm(RIND_TABLE_SOFTWARE, &f->realm));
    }
    json_decref(root);
}

#define SHOWN(name) cmocka_unit_test_setup_teardown(name, open_shown, close_shown)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        SHOWN(the_log_has_the_entries_of_the_vectors),
        SHOWN(a_batch_is_one_row_and_a_tombstone_replaces_it),
        SHOWN(the_tree_has_the_nodes_of_the_vectors),
        SHOWN(users_have_a_cell_for_each_day),
        SHOWN(leases_expire_at_their_cells_timestamps),
        SHOWN(services_are_registered_at_a_time),
        SHOWN(tenants_have_the_values_of_the_vectors),
        SHOWN(a_software_realms_records_are_counted_in_their_column),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
