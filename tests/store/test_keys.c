/* test_keys.c - row keys against tests/vectors/store-keys-and-values.json and
 * merkle-storekeys.json. */
#include <sodium.h>

#include "fixture.h"
#include "merkle/row_key.h"
#include "support/vectors.h"

static uint8_t arena_memory[1u << 20];

static struct rind_arena arena_make(void)
{
    struct rind_arena arena;
    rind_arena_init(&arena, arena_memory, sizeof(arena_memory));
    return arena;
}

static json_t *keys_load(const char *array, json_t **root)
{
    *root = rind_vectors_load("store-keys-and-values.json");
    json_t *cases = rind_vectors_get(*root, array);
    assert_true(json_array_size(cases) > 0);
    return cases;
}

static void log_row_keys_match_the_vectors(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    json_t *root;
    json_t *cases = keys_load("log_row_key", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        struct rind_group_id group;
        struct rind_group_id parsed_group;
        uint64_t parsed_index;
        uint8_t key[RIND_LOG_KEY_SIZE];
        uint8_t qualifier[RIND_LOG_QUALIFIER_SIZE];
        rind_vectors_hex_fixed(item, "group_hex", group.bytes, sizeof(group.bytes));
        uint64_t index = strtoull(rind_vectors_text(item, "index"), NULL, 10);
        rind_log_key(&group, index, key);
        rind_log_qualifier(index, qualifier);
        assert_true(
            rind_slice_equal(RIND_SLICE_OF(key), rind_vectors_hex(item, "row_key_hex", &arena)));
        assert_true(rind_slice_equal(RIND_SLICE_OF(qualifier),
                                     rind_vectors_hex(item, "qualifier_hex", &arena)));
        assert_true(rind_log_key_parse(RIND_SLICE_OF(key), &parsed_group, &parsed_index));
        assert_int_equal(parsed_index, index);
        assert_true(rind_group_id_equal(&parsed_group, &group));
    }
    json_decref(root);
}

static void log_row_keys_of_other_lengths_are_rejected(void **state)
{
    (void)state;
    uint8_t bytes[RIND_LOG_KEY_SIZE + 1] = {0};
    struct rind_group_id group;
    uint64_t index;
    assert_false(rind_log_key_parse(rind_slice_make(bytes, 0), &group, &index));
    assert_false(rind_log_key_parse(rind_slice_make(bytes, RIND_LOG_KEY_SIZE - 1), &group, &index));
    assert_false(rind_log_key_parse(rind_slice_make(bytes, RIND_LOG_KEY_SIZE + 1), &group, &index));
}

/* "0101" to a bit vector. */
static struct rind_bit_vector bits_of(const char *text)
{
    struct rind_bit_vector bits = {0};
    for (const char *digit = text; *digit != '\0'; digit++) {
        if (*digit == '1') {
            bits.bits[bits.length / 8] |= (uint8_t)(0x80u >> (bits.length % 8));
        }
        bits.length++;
    }
    return bits;
}

static void merkle_row_keys_match_the_vectors(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    json_t *root;
    json_t *cases = keys_load("merkle_row_key", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        struct rind_bit_vector bits = bits_of(rind_vectors_text(item, "prefix_bits"));
        struct rind_data_hash hash;
        struct rind_row_key key;
        rind_vectors_hex_fixed(item, "hash_hex", hash.bytes, sizeof(hash.bytes));
        rind_row_key_encode(&bits, &hash, &key);
        assert_true(rind_slice_equal(rind_row_key_slice(&key),
                                     rind_vectors_hex(item, "row_key_hex", &arena)));
    }
    json_decref(root);
}

static void prefix_ranges_match_the_vectors(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    json_t *root;
    json_t *cases = keys_load("base128", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        struct rind_record_id id = {{0}};
        struct rind_slice source = rind_vectors_hex(item, "src_hex", &arena);
        struct rind_row_key_range range;
        memcpy(id.bytes, source.data, source.length);
        rind_row_key_range_of(&id, (unsigned)rind_vectors_integer(item, "num_bits"), &range);
        assert_true(rind_slice_equal(rind_slice_make(range.start, range.length),
                                     rind_vectors_hex(item, "encoded_hex", &arena)));
        assert_true(rind_slice_equal(rind_slice_make(range.end, range.length),
                                     rind_vectors_hex(item, "range_end_hex", &arena)));
    }
    json_decref(root);
}

static void the_ranges_of_a_path_have_the_digest_of_the_vectors(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    json_t *root;
    json_t *item = json_array_get(keys_load("path_prefix_digest", &root), 0);
    struct rind_record_id id;
    struct rind_row_key_range ranges[RIND_ROW_KEY_PATH_COUNT_MAX];
    rind_vectors_hex_fixed(item, "record_id_hex", id.bytes, sizeof(id.bytes));
    unsigned count = rind_row_key_path_ranges(&id, 0, ranges);
    assert_int_equal(count, rind_vectors_integer(item, "count"));
    crypto_hash_sha256_state hash;
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_init(&hash);
    for (unsigned i = 0; i < count; i++) {
        crypto_hash_sha256_update(&hash, ranges[i].start, ranges[i].length);
    }
    crypto_hash_sha256_final(&hash, digest);
    assert_true(
        rind_slice_equal(RIND_SLICE_OF(digest),
                         rind_vectors_hex(item, "sha256_of_concatenated_encodings_hex", &arena)));
    json_decref(root);
}

static void log_entries_of_the_vectors_are_parsed(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, &arena);
    json_t *root;
    json_t *cases = keys_load("log_entry_value", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        struct rind_slice cbor = rind_vectors_hex(item, "cbor_hex", &arena);
        struct rind_store_entry entry;
        assert_true(rind_is_ok(rind_store_entry_parse(&ctx, cbor, &entry)));
        assert_true(entry.index >= 1);
        assert_true(rind_slice_equal(entry.cbor, cbor));
        struct rind_slice cut = rind_slice_make(cbor.data, cbor.length - 1);
        assert_true(rind_is(rind_store_entry_parse(&ctx, cut, &entry), RIND_E_DECODE));
    }
    json_decref(root);
}

static void lease_keys_match_the_vectors(void **state)
{
    (void)state;
    json_t *root;
    json_t *cases = keys_load("lease_row_key", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        struct rind_realm_id realm;
        struct rind_group_id group;
        char key[RIND_LEASE_KEY_SIZE_MAX];
        rind_vectors_hex_fixed(item, "realm_hex", realm.bytes, sizeof(realm.bytes));
        if (json_is_string(json_object_get(item, "group_hex"))) {
            rind_vectors_hex_fixed(item, "group_hex", group.bytes, sizeof(group.bytes));
            rind_lease_key_group(&realm, &group, key);
        } else {
            rind_lease_key_ownership(&realm, key);
        }
        assert_string_equal(key, rind_vectors_text(item, "row_key_ascii"));
    }
    json_decref(root);
}

static void days_start_at_midnight_utc(void **state)
{
    (void)state;
    json_t *root;
    json_t *item = json_array_get(keys_load("to_day_micros", &root), 0);
    int64_t unix_us = rind_vectors_integer(item, "unix_seconds") * 1000000;
    int64_t day_us = rind_vectors_integer(item, "micros");
    assert_int_equal(rind_day_floor_us(unix_us), day_us);
    assert_int_equal(rind_day_floor_us(day_us), day_us);
    assert_int_equal(rind_day_floor_us(day_us - 1), day_us - 86400000000);
    assert_int_equal(rind_day_floor_us(0), 0);
    assert_int_equal(rind_day_floor_us(-1), -86400000000);
    json_decref(root);
}

/* The stored bytes of what the vectors give, through the store itself. */
static void stored_rows_match_the_vectors(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture, FIXTURE_MEMORY);
    fixture_open_store(&fixture, NULL);
    fixture_create_tables(&fixture);
    json_t *root;
    json_t *cases = keys_load("tenant_config", &root);
    size_t i;
    json_t *item;
    json_array_foreach(cases, i, item)
    {
        uint64_t capacity = (uint64_t)rind_vectors_integer(item, "capacity_ops_per_sec");
        assert_ok(&fixture, rind_store_tenant_put(&fixture.ctx, fixture.store, "acme", capacity,
                                                  fixture_deadline()));
        struct rind_rows rows = fixture_read_all(&fixture, rind_table_shared(RIND_TABLE_TENANTS));
        assert_int_equal(rows.count, 1);
        assert_int_equal(rows.rows[0].cell_count, 1);
        assert_true(rind_slice_equal(rows.rows[0].cells[0].value,
                                     rind_vectors_hex(item, "cbor_hex", fixture.arena)));
        assert_true(rind_slice_is_text(rows.rows[0].cells[0].qualifier, "c"));
    }
    json_t *services = rind_vectors_get(root, "discovery_row_key");
    json_array_foreach(services, i, item)
    {
        const char *key = rind_vectors_text(item, "row_key_ascii");
        assert_ok(&fixture, rind_store_discovery_register(
                                &fixture.ctx, fixture.store, (enum rind_service_kind)key[0],
                                rind_vectors_text(item, "url"), fixture_deadline()));
        struct rind_key_range range = {rind_slice_text(key), rind_slice_text(key), false, true};
        struct rind_read read = {
            .table = rind_table_shared(RIND_TABLE_DISCOVERY), .ranges = &range, .range_count = 1};
        struct rind_rows rows;
        assert_ok(&fixture, rind_engine_read(&fixture.ctx, rind_store_engine(fixture.store), &read,
                                             fixture_deadline(), &rows));
        assert_int_equal(rows.count, 1);
    }
    item = json_array_get(rind_vectors_get(root, "users_row_key"), 0);
    struct rind_user_event event = {.tenant = rind_vectors_text(item, "tenant"),
                                    .when_unix_ms = 1693934286123,
                                    .kind = RIND_USER_SECRET_REGISTERED};
    rind_vectors_hex_fixed(item, "record_id_hex", event.record.bytes, sizeof(event.record.bytes));
    assert_ok(&fixture, rind_store_user_events_put(&fixture.ctx, fixture.store, &fixture.realm,
                                                   &event, 1, fixture_deadline()));
    struct rind_rows rows =
        fixture_read_all(&fixture, rind_table_of_realm(RIND_TABLE_USERS, &fixture.realm));
    assert_true(rind_slice_is_text(rows.rows[0].key, rind_vectors_text(item, "row_key_ascii")));
    assert_int_equal(rows.rows[0].cells[0].timestamp_us, 1693872000000000);
    assert_int_equal(rows.rows[0].cells[0].value.length, 1);
    assert_int_equal(rows.rows[0].cells[0].value.data[0], 1);
    json_decref(root);
    fixture_close(&fixture);
}

static void storekeys_of_the_merkle_vectors_match(void **state)
{
    (void)state;
    struct rind_arena arena = arena_make();
    json_t *root = rind_vectors_load("merkle-storekeys.json");
    size_t i;
    json_t *item;
    json_array_foreach(rind_vectors_get(root, "cases"), i, item)
    {
        struct rind_bit_vector bits = bits_of(rind_vectors_text(item, "prefix"));
        struct rind_data_hash hash;
        struct rind_row_key key;
        memset(hash.bytes, 4, sizeof(hash.bytes));
        rind_row_key_encode(&bits, &hash, &key);
        assert_true(
            rind_slice_equal(rind_row_key_slice(&key), rind_vectors_hex(item, "row_key", &arena)));
    }
    json_decref(root);
}

static void table_names_are_bigtables(void **state)
{
    (void)state;
    struct rind_realm_id realm;
    assert_true(rind_hex_decode(rind_slice_text("6680134bf45dc93fceeecd03e538c89f"), realm.bytes,
                                sizeof(realm.bytes)));
    struct rind_table table = rind_table_of_realm(RIND_TABLE_LOG, &realm);
    char name[RIND_TABLE_NAME_SIZE];
    rind_table_name(&table, name);
    assert_string_equal(name, "6680134bf45dc93fceeecd03e538c89f-log");
    assert_false(rind_table_from_name("log", &table));
    assert_false(rind_table_from_name("6680134bf45dc93fceeecd03e538c89f-lease", &table));
    assert_false(rind_table_from_name("6680134bf45dc93fceeecd03e538c8-log", &table));
    assert_true(rind_table_from_name("tenants", &table));

    table = rind_table_of_realm(RIND_TABLE_SOFTWARE, &realm);
    rind_table_name(&table, name);
    assert_string_equal(name, "jb-sw-realm-6680134bf45dc93fceeecd03e538c89f");
    assert_true(rind_table_from_name(name, &table));
    assert_int_equal(table.kind, RIND_TABLE_SOFTWARE);
    assert_true(rind_realm_id_equal(&table.realm, &realm));
    assert_false(rind_table_from_name("jb-sw-realm-6680134bf45dc93fceeecd03e538c8", &table));
    assert_false(rind_table_from_name("jb-sw-realm-6680134bf45dc93fceeecd03e538c89g", &table));
}

static void ranges_shrink_above_the_last_key(void **state)
{
    (void)state;
    struct rind_key_range ranges[] = {
        {rind_slice_text("a"), rind_slice_text("c"), false, false},
        {rind_slice_text("d"), rind_slice_text("f"), false, true},
        {rind_slice_text("g"), rind_slice_text(""), false, false},
    };
    struct rind_key_range left[3];
    assert_int_equal(rind_key_ranges_after(ranges, 3, rind_slice_text("c"), left), 2);
    assert_int_equal(rind_key_ranges_after(ranges, 3, rind_slice_text("e"), left), 2);
    assert_true(left[0].excludes_start);
    assert_true(rind_slice_is_text(left[0].start, "e"));
    assert_int_equal(rind_key_ranges_after(ranges, 3, rind_slice_text("f"), left), 1);
    assert_int_equal(rind_key_ranges_after(ranges, 2, rind_slice_text("f"), left), 0);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(log_row_keys_match_the_vectors),
        cmocka_unit_test(log_row_keys_of_other_lengths_are_rejected),
        cmocka_unit_test(merkle_row_keys_match_the_vectors),
        cmocka_unit_test(prefix_ranges_match_the_vectors),
        cmocka_unit_test(the_ranges_of_a_path_have_the_digest_of_the_vectors),
        cmocka_unit_test(log_entries_of_the_vectors_are_parsed),
        cmocka_unit_test(lease_keys_match_the_vectors),
        cmocka_unit_test(days_start_at_midnight_utc),
        cmocka_unit_test(stored_rows_match_the_vectors),
        cmocka_unit_test(storekeys_of_the_merkle_vectors_match),
        cmocka_unit_test(table_names_are_bigtables),
        cmocka_unit_test(ranges_shrink_above_the_last_key),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
