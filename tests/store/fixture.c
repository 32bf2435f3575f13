/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <unistd.h>

#define SMALL_MAP_BYTES (256u << 10)

static uint64_t fixture_unix_ms(void *self)
{
    return ((struct fixture *)self)->now_ms;
}

void fixture_directory_make(char directory[static 64])
{
    (void)snprintf(directory, 64, "/tmp/rind-store-XXXXXX");
    assert_non_null(mkdtemp(directory));
}

void fixture_directory_remove(const char *directory)
{
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        return;
    }
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.') {
            (void)unlink(path);
        }
    }
    (void)closedir(listing);
    (void)rmdir(directory);
}

struct rind_bigtable_options fixture_bigtable_options(const struct rind_url *url)
{
    struct rind_bigtable_options options = {
        .project = "prj",
        .instance = "inst",
        .url = url,
        /* The emulator closes connections that ping every 4 s (spec 04 section 3.7). */
        .google = {.keepalive_interval_ns = 3600 * RIND_NS_PER_S},
    };
    return options;
}

bool fixture_is_bigtable(const struct fixture *fixture)
{
    return fixture->kind == FIXTURE_BIGTABLE || fixture->kind == FIXTURE_BIGTABLE_FAULTY;
}

static void fixture_start_emulator(struct fixture *fixture)
{
    char text[128];
    bigtable_emulator_start(&fixture->emulator, 0);
    (void)snprintf(text, sizeof(text), "http://%s", fixture->emulator.address);
    assert_ok(fixture, rind_url_parse(&fixture->ctx, rind_slice_text(text), &fixture->url));
    if (fixture->kind == FIXTURE_BIGTABLE_FAULTY) {
        struct grpc_proxy_rule rule = {
            .fault = GRPC_PROXY_AFTER, .every = 3, .code = GRPC_STATUS_UNAVAILABLE};
        grpc_proxy_open(&fixture->proxy, fixture->emulator.address);
        grpc_proxy_set(&fixture->proxy, &rule);
        fixture->url = fixture->proxy.url;
    }
}

static void fixture_open_engine(struct fixture *fixture)
{
    if (fixture_is_bigtable(fixture)) {
        struct rind_bigtable_options options = fixture_bigtable_options(&fixture->url);
        assert_ok(fixture, rind_engine_open_bigtable(&fixture->ctx, &options, &fixture->engine));
        return;
    }
    if (fixture->kind == FIXTURE_MEMORY) {
        assert_ok(fixture,
                  rind_engine_open_memory(&fixture->ctx, &fixture->clock, &fixture->engine));
        return;
    }
    uint64_t map_size = fixture->kind == FIXTURE_LMDB_SMALL_MAP ? SMALL_MAP_BYTES : 0;
    assert_ok(fixture, rind_engine_open_lmdb(&fixture->ctx, fixture->directory, map_size,
                                             &fixture->clock, &fixture->engine));
}

void fixture_open(struct fixture *fixture, enum fixture_engine kind)
{
    memset(fixture, 0, sizeof(*fixture));
    fixture->kind = kind;
    fixture->now_ms = 1700000000000;
    fixture->clock = (struct rind_store_clock){fixture_unix_ms, fixture};
    fixture->realm = fixture_realm(0x66);
    fixture->group = fixture_group(0x03);
    rind_ctx_init(&fixture->ctx, NULL);
    assert_ok(fixture, rind_arena_map(&fixture->ctx, FIXTURE_ARENA_SIZE, &fixture->arena));
    rind_ctx_init(&fixture->ctx, fixture->arena);
    if (fixture_is_bigtable(fixture)) {
        fixture_start_emulator(fixture);
    } else if (kind != FIXTURE_MEMORY) {
        fixture_directory_make(fixture->directory);
    }
    fixture_open_engine(fixture);
}

void fixture_close(struct fixture *fixture)
{
    rind_store_close(fixture->store);
    rind_engine_close(fixture->engine);
    grpc_proxy_close(&fixture->proxy);
    bigtable_emulator_stop(&fixture->emulator);
    rind_arena_unmap(fixture->arena);
    if (fixture->directory[0] != '\0') {
        fixture_directory_remove(fixture->directory);
    }
}

void fixture_reopen_engine(struct fixture *fixture)
{
    rind_engine_close(fixture->engine);
    fixture->engine = NULL;
    fixture_open_engine(fixture);
}

void fixture_open_store(struct fixture *fixture, const struct rind_store_options *options)
{
    struct rind_store_options with_clock = {0};
    if (options != NULL) {
        with_clock = *options;
    }
    with_clock.clock = &fixture->clock;
    assert_ok(fixture,
              rind_store_open_engine(&fixture->ctx, fixture->engine, &with_clock, &fixture->store));
    fixture->engine = NULL;
}

void fixture_create_tables(struct fixture *fixture)
{
    assert_ok(fixture,
              rind_store_create_shared_tables(&fixture->ctx, fixture->store, fixture_deadline()));
    assert_ok(fixture, rind_store_create_realm_tables(&fixture->ctx, fixture->store,
                                                      &fixture->realm, fixture_deadline()));
}

void fixture_assert_status(const struct rind_ctx *ctx, rind_status status, enum rind_code expected,
                           const char *call, const char *file, int line)
{
    if (!rind_is(status, expected)) {
        print_error("%s\n  ended in \"%s\", expected \"%s\": %s\n", call,
                    rind_code_name((enum rind_code)status.code), rind_code_name(expected),
                    rind_is_ok(status) ? "" : ctx->sentence);
        _fail(file, line);
    }
}

struct rind_deadline fixture_deadline(void)
{
    return rind_deadline_in_ms(20000);
}

struct rind_realm_id fixture_realm(uint8_t byte)
{
    struct rind_realm_id realm;
    memset(realm.bytes, byte, sizeof(realm.bytes));
    return realm;
}

struct rind_group_id fixture_group(uint8_t byte)
{
    struct rind_group_id group;
    memset(group.bytes, byte, sizeof(group.bytes));
    return group;
}

struct rind_mac fixture_mac(uint64_t index, uint8_t salt)
{
    struct rind_mac mac;
    memset(mac.bytes, 0, sizeof(mac.bytes));
    if (index > 0) {
        memset(mac.bytes, salt, sizeof(mac.bytes));
        rind_put_be64(mac.bytes, index);
    }
    return mac;
}

struct rind_store_entry *fixture_entries(struct fixture *fixture, uint64_t first_index,
                                         size_t count, uint8_t salt)
{
    struct rind_store_entry *entries = rind_ctx_alloc_array(&fixture->ctx, count, sizeof(*entries));
    assert_non_null(entries);
    for (size_t i = 0; i < count; i++) {
        struct rind_log_entry entry = {0};
        struct rind_slice cbor;
        entry.index = first_index + i;
        entry.prev_mac = fixture_mac(entry.index - 1, salt);
        entry.entry_mac = fixture_mac(entry.index, salt);
        assert_ok(fixture,
                  rind_wire_encode_alloc(&fixture->ctx, &rind_log_entry_schema, &entry, &cbor));
        assert_ok(fixture, rind_store_entry_parse(&fixture->ctx, cbor, &entries[i]));
    }
    return entries;
}

void fixture_append(struct fixture *fixture, uint64_t first_index, size_t count,
                    enum rind_code code)
{
    struct rind_log_row row = {0, true};
    assert_status(fixture,
                  rind_store_append(&fixture->ctx, fixture->store, &fixture->realm, &fixture->group,
                                    fixture_entries(fixture, first_index, count, 1), count, NULL,
                                    fixture_deadline(), &row),
                  code);
    if (code == RIND_E_OK) {
        assert_int_equal(row.index, first_index);
        assert_false(row.is_tombstone);
    }
}

static struct rind_engine *fixture_engine_of(struct fixture *fixture)
{
    return fixture->engine != NULL ? fixture->engine : rind_store_engine(fixture->store);
}

void fixture_write(struct fixture *fixture, const struct rind_write *write)
{
    rind_status status = rind_status_make(RIND_E_BUSY);
    for (unsigned attempt = 0; attempt < 3 && rind_engine_may_retry(status); attempt++) {
        status =
            rind_engine_write(&fixture->ctx, fixture_engine_of(fixture), write, fixture_deadline());
    }
    assert_ok(fixture, status);
}

void fixture_set(struct fixture *fixture, struct rind_table table, const char *key,
                 const char *qualifier, int64_t timestamp_us, const char *value)
{
    struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text(qualifier),
                                     timestamp_us, rind_slice_text(value)};
    struct rind_row_write row = {rind_slice_text(key), &mutation, 1};
    struct rind_write write = {table, &row, 1};
    fixture_write(fixture, &write);
}

struct rind_rows fixture_read_all(struct fixture *fixture, struct rind_table table)
{
    struct rind_read read = {.table = table, .size_bytes_max = SIZE_MAX};
    struct rind_rows rows;
    rind_status status = rind_status_make(RIND_E_BUSY);
    for (unsigned attempt = 0; attempt < 3 && rind_engine_may_retry(status); attempt++) {
        status = rind_engine_read(&fixture->ctx, fixture_engine_of(fixture), &read,
                                  fixture_deadline(), &rows);
    }
    assert_ok(fixture, status);
    return rows;
}
