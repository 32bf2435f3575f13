/*
 * fuzz_store_rows.c - rows as a database may return them, whoever wrote them.
 *
 * Target: everything in store/ that reads rows: log entries and tombstones, tree nodes, users,
 * tenants, services, leases. The input is a list of cells, put into an engine in memory under keys
 * that readers look for (or under any bytes); then everything is read. Reading may fail, but only
 * with the errors that its header names, and it must come to an end.
 */
#include <stdlib.h>

#include "host/host.h"
#include "merkle/merkle.h"
#include "store/store.h"
#include "wire/wire.h"

#define FUZZ_ARENA_SIZE (64u << 20)
#define FUZZ_CELLS_MAX 24u
#define FUZZ_NOW_MS 1700000000000u
#define FUZZ_DAY_MS 86400000u

struct world {
    struct rind_arena *arena;
    struct rind_ctx ctx;
    struct rind_store_clock clock;
    struct rind_store *store;
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_record_id record;
    struct rind_data_hash root;
};

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t take(struct input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->data++;
}

static struct rind_slice take_bytes(struct input *input, size_t length)
{
    length = length < input->size ? length : input->size;
    struct rind_slice bytes = rind_slice_make(input->data, length);
    input->data += length;
    input->size -= length;
    return bytes;
}

static uint64_t fuzz_unix_ms(void *self)
{
    (void)self;
    return FUZZ_NOW_MS;
}

static struct rind_deadline later(void)
{
    return rind_deadline_in_ms(60000);
}

/* What a reader may take for passing, such as a tombstone on top, is read again until then. */
static struct rind_deadline soon(void)
{
    return rind_deadline_in_ms(10);
}

static struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof(*world));
    RIND_ASSERT(world != NULL);
    rind_ctx_init(&world->ctx, NULL);
    RIND_ASSERT(rind_is_ok(rind_arena_map(&world->ctx, FUZZ_ARENA_SIZE, &world->arena)));
    rind_ctx_init(&world->ctx, world->arena);
    world->clock = (struct rind_store_clock){fuzz_unix_ms, NULL};
    memset(&world->realm, 0x66, sizeof(world->realm));
    memset(&world->group, 0x03, sizeof(world->group));
    memset(&world->root, 0x11, sizeof(world->root));
    struct rind_store_options options = {.clock = &world->clock};
    rind_status status = rind_store_open(&world->ctx, "memory:", &options, &world->store);
    RIND_ASSERT(rind_is_ok(status));
    status = rind_store_create_shared_tables(&world->ctx, world->store, later());
    RIND_ASSERT(rind_is_ok(status));
    status = rind_store_create_realm_tables(&world->ctx, world->store, &world->realm, later());
    RIND_ASSERT(rind_is_ok(status));
    return world;
}

/* Nodes of the path to record 0: a prefix of as many zeros, and a hash of one repeated byte. */
static struct rind_slice node_key(struct world *world, uint8_t length, uint8_t fill)
{
    struct rind_bit_vector prefix = {.length = length};
    struct rind_data_hash hash;
    memset(&hash, fill, sizeof(hash));
    struct rind_row_key *key = rind_ctx_alloc(&world->ctx, sizeof(*key));
    RIND_ASSERT(key != NULL);
    rind_row_key_encode(&prefix, &hash, key);
    return rind_row_key_slice(key);
}

static struct rind_slice row_key(struct world *world, struct input *input,
                                 enum rind_table_kind kind)
{
    uint8_t which = take(input);
    uint8_t *bytes = rind_ctx_alloc(&world->ctx, RIND_LEASE_KEY_SIZE_MAX);
    RIND_ASSERT(bytes != NULL);
    if (kind == RIND_TABLE_LOG && which < 0xe0) {
        rind_log_key(&world->group, which % 16, bytes);
        return rind_slice_make(bytes, RIND_LOG_KEY_SIZE);
    }
    if (kind == RIND_TABLE_MERKLE && which < 0xe0) {
        return node_key(world, which % 8, which < 0x10 ? 0x11 : take(input));
    }
    if (kind == RIND_TABLE_LEASE && which < 0xe0) {
        rind_lease_key_group(&world->realm, &world->group, (char *)bytes);
        return rind_slice_text((const char *)bytes);
    }
    return take_bytes(input, 1 + which % 64);
}

static struct rind_slice qualifier(struct world *world, struct input *input,
                                   enum rind_table_kind kind)
{
    uint8_t which = take(input);
    if (kind == RIND_TABLE_LOG && which < 0xe0) {
        uint8_t *bytes = rind_ctx_alloc(&world->ctx, RIND_LOG_QUALIFIER_SIZE);
        RIND_ASSERT(bytes != NULL);
        rind_log_qualifier(which % 16, bytes);
        return rind_slice_make(bytes, RIND_LOG_QUALIFIER_SIZE);
    }
    return take_bytes(input, which % 40);
}

/* Recent, days old, or anything. */
static int64_t timestamp_us(struct input *input)
{
    uint8_t which = take(input);
    int64_t now_us = (int64_t)FUZZ_NOW_MS * 1000;
    if (which < 0x80) {
        return now_us - which * 60000000LL;
    }
    return which < 0xf0 ? now_us - which * (int64_t)FUZZ_DAY_MS * 1000 : (which - 0xf0) * 1000LL;
}

static const enum rind_table_kind fuzz_tables[] = {RIND_TABLE_LOG,   RIND_TABLE_MERKLE,
                                                   RIND_TABLE_USERS, RIND_TABLE_DISCOVERY,
                                                   RIND_TABLE_LEASE, RIND_TABLE_TENANTS};

/* Writes one cell; what the engine itself refuses (an empty key, say) is no row that it returns. */
static void write_cell(struct world *world, struct input *input)
{
    enum rind_table_kind kind = fuzz_tables[take(input) % 6];
    struct rind_slice key = row_key(world, input, kind);
    struct rind_mutation cell = {.kind = RIND_MUTATION_SET_CELL,
                                 .family =
                                     kind == RIND_TABLE_LOG && take(input) % 8 == 7 ? 't' : 'f',
                                 .qualifier = qualifier(world, input, kind),
                                 .timestamp_us = timestamp_us(input)};
    cell.value = take_bytes(input, take(input));
    struct rind_row_write row = {key, &cell, 1};
    struct rind_table table = rind_table_is_shared(kind) ? rind_table_shared(kind)
                                                         : rind_table_of_realm(kind, &world->realm);
    struct rind_write write = {table, &row, 1};
    if (key.length > 0) {
        rind_status status =
            rind_engine_write(&world->ctx, rind_store_engine(world->store), &write, later());
        RIND_ASSERT(rind_is_ok(status) || rind_is(status, RIND_E_INVALID) ||
                    rind_is(status, RIND_E_LIMIT));
    }
}

static void empty_tables(struct world *world)
{
    for (size_t i = 0; i < 6; i++) {
        enum rind_table_kind kind = fuzz_tables[i];
        struct rind_read read = {.table = rind_table_is_shared(kind)
                                              ? rind_table_shared(kind)
                                              : rind_table_of_realm(kind, &world->realm)};
        struct rind_rows rows;
        rind_status status =
            rind_engine_read(&world->ctx, rind_store_engine(world->store), &read, later(), &rows);
        RIND_ASSERT(rind_is_ok(status) && !rows.has_more);
        for (size_t r = 0; r < rows.count; r++) {
            struct rind_mutation none = {.kind = RIND_MUTATION_DELETE_ROW};
            struct rind_row_write row = {rows.rows[r].key, &none, 1};
            struct rind_write write = {read.table, &row, 1};
            status =
                rind_engine_write(&world->ctx, rind_store_engine(world->store), &write, later());
            RIND_ASSERT(rind_is_ok(status));
        }
    }
}

/* Errors that reading may end in: those that name a fault of what was read. */
static bool is_fault_of_rows(rind_status status)
{
    return rind_is_ok(status) || rind_is(status, RIND_E_CORRUPT) ||
           rind_is(status, RIND_E_NOT_FOUND) || rind_is(status, RIND_E_STALE) ||
           rind_is(status, RIND_E_LIMIT) || rind_is(status, RIND_E_TIMEOUT);
}

static void read_log(struct world *world)
{
    struct rind_ctx *ctx = &world->ctx;
    struct rind_store_entry entry;
    uint64_t row_index;
    RIND_ASSERT(is_fault_of_rows(rind_store_read_last(ctx, world->store, &world->realm,
                                                      &world->group, soon(), &entry, &row_index)));
    for (uint64_t first = 1; first < 16; first += 5) {
        struct rind_log_iterator iterator;
        rind_log_iterator_init(&iterator, &world->realm, &world->group, first, 10);
        for (unsigned i = 0; i < 4; i++) {
            struct rind_log_entries entries;
            rind_status status =
                rind_log_iterator_next(ctx, world->store, &iterator, soon(), &entries);
            RIND_ASSERT(is_fault_of_rows(status));
            if (!rind_is_ok(status) || entries.count == 0) {
                break;
            }
        }
    }
    struct rind_log_rows rows;
    RIND_ASSERT(is_fault_of_rows(
        rind_store_list_rows(ctx, world->store, &world->realm, &world->group, 12, soon(), &rows)));
    struct rind_log_stats stats;
    RIND_ASSERT(
        is_fault_of_rows(rind_store_log_stats(ctx, world->store, &world->realm, soon(), &stats)));
}

static void read_tree(struct world *world)
{
    struct rind_ctx *ctx = &world->ctx;
    struct rind_path path;
    struct rind_record_id key;
    RIND_ASSERT(is_fault_of_rows(rind_store_read_path(
        ctx, world->store, &world->realm, &world->record, &world->root, soon(), &path)));
    for (enum rind_side side = RIND_SIDE_LEFT; side <= RIND_SIDE_RIGHT; side++) {
        RIND_ASSERT(is_fault_of_rows(rind_store_read_edge(
            ctx, world->store, &world->realm, &world->root, side, soon(), &path, &key)));
    }
    struct rind_merkle_stats stats;
    RIND_ASSERT(is_fault_of_rows(
        rind_store_merkle_stats(ctx, world->store, &world->realm, soon(), &stats)));
}

static void read_shared(struct world *world)
{
    struct rind_ctx *ctx = &world->ctx;
    struct rind_user_counts counts;
    RIND_ASSERT(is_fault_of_rows(rind_store_user_count(ctx, world->store, &world->realm,
                                                       FUZZ_NOW_MS - 7 * (uint64_t)FUZZ_DAY_MS,
                                                       FUZZ_NOW_MS, soon(), &counts)));
    struct rind_tenants tenants;
    RIND_ASSERT(is_fault_of_rows(rind_store_tenant_list(ctx, world->store, soon(), &tenants)));
    struct rind_services services;
    RIND_ASSERT(is_fault_of_rows(
        rind_store_discovery_lookup(ctx, world->store, RIND_SERVICE_ANY, soon(), &services)));
    char key[RIND_LEASE_KEY_SIZE_MAX];
    rind_lease_key_group(&world->realm, &world->group, key);
    struct rind_lease lease;
    rind_status status =
        rind_store_lease_obtain(ctx, world->store, key, "fuzz", 1000, soon(), &lease);
    RIND_ASSERT(rind_is(status, RIND_E_BUSY) || is_fault_of_rows(status));
    if (rind_is_ok(status)) {
        status = rind_store_lease_terminate(ctx, world->store, &lease, later());
        RIND_ASSERT(rind_is_ok(status));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world *world; /* a store has a thread, which is not made for every input */
    if (world == NULL) {
        world = world_new();
    }
    struct input input = {data, size};
    for (unsigned i = 0; i < FUZZ_CELLS_MAX && input.size > 0; i++) {
        write_cell(world, &input);
    }
    read_log(world);
    read_tree(world);
    read_shared(world);
    empty_tables(world);
    rind_arena_reset(world->arena);
    return 0;
}
