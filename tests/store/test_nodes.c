/*
 * test_nodes.c - tree nodes: lookups, cache, pins, deferred deletes. docs/spec/04-store.md sections
 * 7, 11 and 20. Hashes are made up here: the store never checks them, the core does.
 */
#include <pthread.h>

#include "fault_engine.h"
#include "fixture.h"
#include "merkle/row_key.h"

static int open_with(void **state, enum fixture_engine kind,
                     const struct rind_store_options *options)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    fixture_open(fixture, kind);
    fixture_open_store(fixture, options);
    fixture_create_tables(fixture);
    *state = fixture;
    return 0;
}

/* Deletes happen in rind_store_finish_deletes only. */
static const struct rind_store_options options_agent = {.merkle_cache_nodes = 5000,
                                                        .delete_delay_ms = UINT64_MAX};
/* The cache is next to nothing, so everything is read. */
static const struct rind_store_options options_cold = {.delete_delay_ms = UINT64_MAX};

static int open_memory(void **state)
{
    return open_with(state, FIXTURE_MEMORY, &options_agent);
}
static int open_lmdb(void **state)
{
    return open_with(state, FIXTURE_LMDB, &options_agent);
}
static int open_memory_cold(void **state)
{
    return open_with(state, FIXTURE_MEMORY, &options_cold);
}
static int open_lmdb_cold(void **state)
{
    return open_with(state, FIXTURE_LMDB, &options_cold);
}

static int close_kind(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* ---- trees to read ---- */

static struct rind_data_hash hash_of(uint64_t number)
{
    struct rind_data_hash hash;
    memset(hash.bytes, 0xab, sizeof(hash.bytes));
    rind_put_be64(hash.bytes + 8, number * 0x9e3779b97f4a7c15u);
    rind_put_be64(hash.bytes + 24, number);
    return hash;
}

static struct rind_record_id record_of(uint8_t first)
{
    struct rind_record_id record = {{first}};
    return record;
}

static struct rind_store_node node_make(struct fixture *f, const struct rind_bit_vector *prefix,
                                        uint64_t number, const struct rind_node *node)
{
    struct rind_store_node made;
    struct rind_row_key row_key;
    struct rind_data_hash hash = hash_of(number);
    rind_row_key_encode(prefix, &hash, &row_key);
    assert_true(rind_arena_copy(f->arena, rind_row_key_slice(&row_key), &made.row_key));
    assert_ok(f, rind_wire_encode_alloc(&f->ctx, &rind_node_schema, node, &made.cbor));
    return made;
}

static struct rind_store_node leaf_make(struct fixture *f, const struct rind_record_id *record,
                                        uint64_t number)
{
    struct rind_node node = {.kind = RIND_NODE_LEAF,
                             .leaf = {rind_slice_text("the record's sealed bytes")}};
    struct rind_bit_vector prefix = rind_bits_of_record_id(record);
    return node_make(f, &prefix, number, &node);
}

/* A branch from bit `from` on to the record's bit `to`. */
static struct rind_branch branch_make(const struct rind_record_id *record, unsigned from,
                                      unsigned to, uint64_t number)
{
    struct rind_bit_vector bits = rind_bits_of_record_id(record);
    struct rind_branch branch = {rind_bits_slice(&bits, from, to), hash_of(number)};
    return branch;
}

/*
 * Records 00.., 10.. and 80..:
 *
 *   root 1 -- 0 0 0 -> interior 2 -- 0.. -> leaf 10 (00..)
 *          |                      \- 1.. -> leaf 11 (10..)
 *          \- 1..            ----------->  leaf 12 (80..)
 */
static struct rind_store_node *tree_make(struct fixture *f, size_t *count)
{
    struct rind_store_node *nodes = rind_ctx_alloc_array(&f->ctx, 5, sizeof(*nodes));
    struct rind_record_id a = record_of(0x00);
    struct rind_record_id b = record_of(0x10);
    struct rind_record_id c = record_of(0x80);
    struct rind_node root = {
        .kind = RIND_NODE_INTERIOR,
        .interior = {true, branch_make(&a, 0, 3, 2), true, branch_make(&c, 0, 256, 12)}};
    struct rind_node interior = {
        .kind = RIND_NODE_INTERIOR,
        .interior = {true, branch_make(&a, 3, 256, 10), true, branch_make(&b, 3, 256, 11)}};
    struct rind_bit_vector top = {0};
    struct rind_bit_vector a_bits = rind_bits_of_record_id(&a);
    struct rind_bit_vector middle = rind_bits_slice(&a_bits, 0, 3);
    nodes[0] = node_make(f, &top, 1, &root);
    nodes[1] = node_make(f, &middle, 2, &interior);
    nodes[2] = leaf_make(f, &a, 10);
    nodes[3] = leaf_make(f, &b, 11);
    nodes[4] = leaf_make(f, &c, 12);
    *count = 5;
    return nodes;
}

static void append_delta(struct fixture *f, const struct rind_store_node *add, size_t add_count,
                         const struct rind_slice *remove, size_t remove_count)
{
    struct rind_append_delta delta = {add, add_count, remove, remove_count};
    struct rind_log_row row;
    struct rind_store_entry last;
    rind_status status = rind_store_read_last(&f->ctx, f->store, &f->realm, &f->group,
                                              fixture_deadline(), &last, NULL);
    uint64_t appended = rind_is_ok(status) ? last.index : 0;
    assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, &f->group,
                                   fixture_entries(f, appended + 1, 1, 1), 1, &delta,
                                   fixture_deadline(), &row));
}

static rind_status read_path(struct fixture *f, uint8_t record_first, uint64_t root,
                             struct rind_path *path)
{
    struct rind_record_id record = record_of(record_first);
    struct rind_data_hash hash = hash_of(root);
    return rind_store_read_path(&f->ctx, f->store, &f->realm, &record, &hash, fixture_deadline(),
                                path);
}

static size_t stored_instances(struct fixture *f, struct rind_slice row_key)
{
    struct rind_key_range range = {row_key, row_key, false, true};
    struct rind_read read = {.table = rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm),
                             .ranges = &range,
                             .range_count = 1};
    struct rind_rows rows;
    assert_ok(f, rind_engine_read(&f->ctx, rind_store_engine(f->store), &read, fixture_deadline(),
                                  &rows));
    return rows.count == 0 ? 0 : rows.rows[0].cell_count;
}

static void finish_deletes(struct fixture *f)
{
    assert_ok(f, rind_store_finish_deletes(&f->ctx, f->store, fixture_deadline()));
}

/* ---- path lookups ---- */

static void a_path_ends_in_the_leaf_or_where_it_would_be(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count, NULL, 0);
    for (unsigned round = 0; round < 2; round++) {
        struct rind_path path;
        assert_ok(f, read_path(f, 0x10, 1, &path));
        assert_int_equal(path.count, 3);
        assert_true(rind_slice_equal(path.nodes[0].cbor, nodes[0].cbor));
        assert_true(rind_slice_equal(path.nodes[1].row_key, nodes[1].row_key));
        assert_true(path.nodes[2].is_leaf);
        assert_int_equal(path.nodes[0].prefix_bits, 0);
        assert_int_equal(path.nodes[1].prefix_bits, 3);
        assert_int_equal(path.nodes[2].prefix_bits, 256);
        /* The content is what a proof's path holds. */
        struct rind_interior_node interior;
        assert_ok(f, rind_wire_decode_whole(&f->ctx, &rind_interior_node_schema,
                                            path.nodes[1].content, &interior));
        struct rind_data_hash hash = hash_of(11);
        assert_true(rind_data_hash_equal(&interior.right.hash, &hash));

        assert_ok(f, read_path(f, 0x40, 1, &path)); /* absent: branch 000 does not match 010 */
        assert_int_equal(path.count, 1);
        assert_ok(f, read_path(f, 0x18, 1, &path)); /* absent: differs within the last branch */
        assert_int_equal(path.count, 2);
        assert_false(path.nodes[1].is_leaf);
        assert_ok(f, read_path(f, 0x80, 1, &path));
        assert_int_equal(path.count, 2);
    }
}

static void nodes_of_an_append_are_cached_and_others_after_use(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count, NULL, 0);
    struct rind_path path;
    assert_ok(f, read_path(f, 0x10, 1, &path));
    assert_int_equal(path.count_cached, 3);
    if (f->kind == FIXTURE_MEMORY) {
        return; /* nothing is left to reopen */
    }
    rind_store_close(f->store);
    f->store = NULL;
    fixture_reopen_engine(f);
    fixture_open_store(f, &options_agent);
    assert_ok(f, read_path(f, 0x10, 1, &path));
    assert_int_equal(path.count_cached, 0);
    assert_ok(f, read_path(f, 0x00, 1, &path));
    assert_int_equal(path.count_cached, 2); /* root and interior */
    assert_ok(f, read_path(f, 0x00, 1, &path));
    assert_int_equal(path.count_cached, 3);
}

static void a_missing_node_asks_for_a_newer_root(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count - 1, NULL, 0); /* without leaf 80.. */
    struct rind_path path;
    assert_status(f, read_path(f, 0x80, 1, &path), RIND_E_STALE);
    assert_status(f, read_path(f, 0x80, 99, &path), RIND_E_STALE); /* no such root */
    assert_ok(f, read_path(f, 0x00, 1, &path));
}

static void other_versions_are_ignored(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count, NULL, 0);
    struct rind_store_node versions[20];
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    for (uint64_t i = 0; i < 20; i++) {
        versions[i] = node_make(f, &top, 100 + i, &empty);
    }
    append_delta(f, versions, 20, NULL, 0);
    struct rind_path path;
    assert_ok(f, read_path(f, 0x10, 1, &path));
    assert_int_equal(path.count, 3);
    assert_true(rind_slice_equal(path.nodes[0].cbor, nodes[0].cbor));
    assert_ok(f, read_path(f, 0x10, 105, &path));
    assert_int_equal(path.count, 1); /* an empty tree */
}

static void hostile_nodes_are_errors_not_crashes(void **state)
{
    struct fixture *f = *state;
    struct rind_bit_vector top = {0};
    struct rind_record_id zero = record_of(0);
    struct rind_node leaf = {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("v")}};
    struct rind_node loop = {.kind = RIND_NODE_INTERIOR,
                             .interior = {true, branch_make(&zero, 0, 1, 60), false, {{0}, {{0}}}}};
    struct rind_store_node nodes[5];
    nodes[0] = node_make(f, &top, 50, &leaf); /* a leaf as root */
    nodes[1] = node_make(f, &top, 51, &leaf);
    nodes[1].cbor = rind_slice_text("not CBOR");
    nodes[2] = node_make(f, &top, 52, &leaf);
    nodes[2].cbor = rind_slice_text("");
    nodes[3] = node_make(f, &top, 60, &loop); /* its child is missing: no endless loop */
    nodes[4] = node_make(f, &top, 53, &loop);
    nodes[4].cbor.length--;
    append_delta(f, nodes, 5, NULL, 0);
    struct rind_path path;
    assert_status(f, read_path(f, 0, 50, &path), RIND_E_CORRUPT);
    assert_status(f, read_path(f, 0, 51, &path), RIND_E_CORRUPT);
    assert_status(f, read_path(f, 0, 52, &path), RIND_E_CORRUPT);
    assert_status(f, read_path(f, 0, 53, &path), RIND_E_CORRUPT);
    assert_status(f, read_path(f, 0, 60, &path), RIND_E_STALE);
}

static void single_nodes_are_read_by_key(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, 1, NULL, 0);
    struct rind_slice cbor;
    for (unsigned round = 0; round < 2; round++) {
        assert_ok(f, rind_store_read_node(&f->ctx, f->store, &f->realm, nodes[0].row_key,
                                          fixture_deadline(), &cbor));
        assert_true(rind_slice_equal(cbor, nodes[0].cbor));
        assert_status(f,
                      rind_store_read_node(&f->ctx, f->store, &f->realm, nodes[1].row_key,
                                           fixture_deadline(), &cbor),
                      RIND_E_STALE);
    }
    struct rind_realm_id other = fixture_realm(0x77);
    assert_ok(f, rind_store_create_realm_tables(&f->ctx, f->store, &other, fixture_deadline()));
    assert_status(f,
                  rind_store_read_node(&f->ctx, f->store, &other, nodes[0].row_key,
                                       fixture_deadline(), &cbor),
                  RIND_E_STALE); /* cached, but of another realm */
}

static void edges_are_followed_to_the_outermost_record(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    struct rind_record_id a = record_of(0x00);
    struct rind_node left_only = {
        .kind = RIND_NODE_INTERIOR,
        .interior = {true, branch_make(&a, 0, 3, 2), false, {{0}, {{0}}}}};
    struct rind_store_node more[2] = {node_make(f, &top, 70, &empty),
                                      node_make(f, &top, 71, &left_only)};
    append_delta(f, nodes, count, NULL, 0);
    append_delta(f, more, 2, NULL, 0);
    static const struct {
        uint64_t root;
        enum rind_side side;
        size_t count;
        uint8_t key;
    } cases[] = {
        {1, RIND_SIDE_LEFT, 3, 0x00},
        {1, RIND_SIDE_RIGHT, 2, 0x80},
        {71, RIND_SIDE_RIGHT, 3, 0x10}, /* forced left at the root, right after that */
        {70, RIND_SIDE_LEFT, 1, 0x77},  /* empty: the key stays as it was */
    };
    for (size_t i = 0; i < 4; i++) {
        struct rind_path path;
        struct rind_data_hash root = hash_of(cases[i].root);
        struct rind_record_id key = record_of(0x77);
        struct rind_record_id expected = record_of(cases[i].key);
        assert_ok(f, rind_store_read_edge(&f->ctx, f->store, &f->realm, &root, cases[i].side,
                                          fixture_deadline(), &path, &key));
        assert_int_equal(path.count, cases[i].count);
        assert_true(rind_record_id_equal(&key, &expected));
    }
    struct rind_path path;
    struct rind_record_id key;
    struct rind_data_hash missing = hash_of(98);
    assert_status(f,
                  rind_store_read_edge(&f->ctx, f->store, &f->realm, &missing, RIND_SIDE_LEFT,
                                       fixture_deadline(), &path, &key),
                  RIND_E_STALE);
}

/* ---- deferred deletes ---- */

static void removed_nodes_stay_until_their_time(void **state)
{
    struct fixture *f = *state;
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    struct rind_store_node old = node_make(f, &top, 20, &empty);
    struct rind_store_node new = node_make(f, &top, 21, &empty);
    append_delta(f, &old, 1, NULL, 0);
    append_delta(f, &new, 1, &old.row_key, 1);
    struct rind_path path;
    assert_ok(f, read_path(f, 0, 20, &path));
    assert_ok(f, read_path(f, 0, 21, &path));
    finish_deletes(f);
    assert_status(f, read_path(f, 0, 20, &path), RIND_E_STALE);
    assert_ok(f, read_path(f, 0, 21, &path));
    assert_int_equal(stored_instances(f, old.row_key), 0);
}

static void a_node_added_again_survives_the_delete_of_its_first_instance(void **state)
{
    struct fixture *f = *state;
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    struct rind_store_node a = node_make(f, &top, 20, &empty);
    struct rind_store_node b = node_make(f, &top, 21, &empty);
    append_delta(f, &a, 1, NULL, 0);
    append_delta(f, &b, 1, &a.row_key, 1);
    append_delta(f, &a, 1, &b.row_key, 1);
    assert_int_equal(stored_instances(f, a.row_key), 2);
    finish_deletes(f);
    struct rind_path path;
    assert_int_equal(stored_instances(f, a.row_key), 1);
    assert_int_equal(stored_instances(f, b.row_key), 0);
    assert_ok(f, read_path(f, 0, 20, &path));
    assert_status(f, read_path(f, 0, 21, &path), RIND_E_STALE);
}

static void deletes_of_what_is_not_there_are_skipped(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, 2, NULL, 0);
    struct rind_slice remove[] = {nodes[3].row_key, nodes[0].row_key, rind_slice_text("short"),
                                  nodes[4].row_key};
    append_delta(f, NULL, 0, remove, 4);
    finish_deletes(f);
    assert_int_equal(stored_instances(f, nodes[0].row_key), 0);
    assert_int_equal(stored_instances(f, nodes[1].row_key), 1);
}

static void a_finished_queue_refuses_further_work(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count, NULL, 0);
    finish_deletes(f);
    assert_status(f, rind_store_finish_deletes(&f->ctx, f->store, fixture_deadline()),
                  RIND_E_CANCELLED);
    append_delta(f, NULL, 0, &nodes[4].row_key, 1); /* the append itself is fine */
    assert_int_equal(stored_instances(f, nodes[4].row_key), 1);
}

static void realms_in_one_store_delete_their_own_nodes(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_realm_id realms[2] = {fixture_realm(0x66), fixture_realm(0x77)};
    assert_ok(f, rind_store_create_realm_tables(&f->ctx, f->store, &realms[1], fixture_deadline()));
    struct rind_store_node *nodes = tree_make(f, &count);
    for (size_t i = 0; i < 2; i++) {
        f->realm = realms[i];
        append_delta(f, nodes, count, NULL, 0);
    }
    for (size_t i = 0; i < 6; i++) {
        f->realm = realms[i % 2];
        append_delta(f, NULL, 0, &nodes[i / 2 + i % 2].row_key, 1);
    }
    finish_deletes(f);
    static const size_t left[2][5] = {{0, 0, 0, 1, 1}, {1, 0, 0, 0, 1}};
    for (size_t i = 0; i < 2; i++) {
        f->realm = realms[i];
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(stored_instances(f, nodes[j].row_key), left[i][j]);
        }
    }
}

static void many_removals_are_all_executed(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 6000 }; /* more than one write takes */
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    struct rind_store_node *nodes = rind_ctx_alloc_array(&f->ctx, COUNT, sizeof(*nodes));
    struct rind_slice *remove = rind_ctx_alloc_array(&f->ctx, COUNT, sizeof(*remove));
    for (size_t i = 0; i < COUNT; i++) {
        nodes[i] = node_make(f, &top, 1000 + i, &empty);
        remove[i] = nodes[i].row_key;
    }
    append_delta(f, nodes, COUNT, NULL, 0);
    append_delta(f, NULL, 0, remove, COUNT - 1);
    finish_deletes(f);
    struct rind_rows rows = fixture_read_all(f, rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm));
    assert_int_equal(rows.count, 1);
}

/* With a real delay: finishing waits for what is left of it. */
static void finishing_waits_for_the_delay_but_not_beyond_the_deadline(void **state)
{
    (void)state;
    static const uint64_t delays_ms[] = {30, 3600000};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        struct fixture *f = &fixture;
        size_t count;
        struct rind_store_options options = {.delete_delay_ms = delays_ms[i]};
        fixture_open(f, FIXTURE_MEMORY);
        fixture_open_store(f, &options);
        fixture_create_tables(f);
        struct rind_store_node *nodes = tree_make(f, &count);
        append_delta(f, nodes, count, NULL, 0);
        append_delta(f, NULL, 0, &nodes[4].row_key, 1);
        assert_status(f,
                      rind_store_finish_deletes(
                          &f->ctx, f->store, i == 0 ? fixture_deadline() : rind_deadline_in_ms(10)),
                      i == 0 ? RIND_E_OK : RIND_E_TIMEOUT);
        assert_int_equal(stored_instances(f, nodes[4].row_key), i);
        fixture_close(f);
    }
}

/* ---- pins ---- */

static void pinned_nodes_are_found_before_they_are_stored(void **state)
{
    struct fixture *f = *state;
    size_t count;
    struct rind_path path;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes + 1, count - 1, NULL, 0);
    assert_status(f, read_path(f, 0x10, 1, &path), RIND_E_STALE);
    assert_ok(f, rind_store_pin_nodes(&f->ctx, f->store, &f->realm, nodes, 2));
    assert_ok(f, rind_store_pin_nodes(&f->ctx, f->store, &f->realm, nodes, 1)); /* by two entries */
    assert_ok(f, read_path(f, 0x10, 1, &path));
    assert_int_equal(path.count, 3);
    rind_store_unpin_nodes(f->store, &f->realm, nodes, 2);
    assert_ok(f, read_path(f, 0x10, 1, &path));
    rind_store_unpin_nodes(f->store, &f->realm, nodes, 1);
    assert_status(f, read_path(f, 0x10, 1, &path), RIND_E_STALE); /* was never stored */

    assert_ok(f, rind_store_pin_nodes(&f->ctx, f->store, &f->realm, nodes, 1));
    append_delta(f, nodes, 1, NULL, 0);
    rind_store_unpin_nodes(f->store, &f->realm, nodes, 1);
    assert_ok(f, read_path(f, 0x10, 1, &path));
}

/* ---- large reads ---- */

struct blocked_reads {
    struct rind_mutex mutex; /* guards the rest */
    struct rind_cond cond;
    bool is_blocking;
    unsigned waiting;
};

static void block_read(void *self, unsigned n)
{
    (void)n;
    struct blocked_reads *blocked = self;
    rind_mutex_lock(&blocked->mutex);
    blocked->waiting++;
    rind_cond_broadcast(&blocked->cond);
    while (blocked->is_blocking) {
        assert_true(rind_cond_wait(&blocked->cond, &blocked->mutex, fixture_deadline()));
    }
    rind_mutex_unlock(&blocked->mutex);
}

struct lookup_thread {
    struct rind_store *store;
    struct rind_realm_id realm;
    rind_status status;
    pthread_t thread;
};

static void *lookup_run(void *self)
{
    struct lookup_thread *lookup = self;
    struct rind_arena *arena;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    if (!rind_is_ok(rind_arena_map(&ctx, 8u << 20, &arena))) {
        return NULL;
    }
    rind_ctx_init(&ctx, arena);
    struct rind_path path;
    struct rind_record_id record = record_of(0);
    struct rind_data_hash root = hash_of(1);
    lookup->status = rind_store_read_path(&ctx, lookup->store, &lookup->realm, &record, &root,
                                          fixture_deadline(), &path);
    rind_arena_unmap(arena);
    return NULL;
}

static void large_reads_beyond_the_permits_are_busy(void **state)
{
    (void)state;
    struct fixture fixture;
    struct fixture *f = &fixture;
    struct fault_engine fault;
    struct blocked_reads blocked = {.is_blocking = true};
    fixture_open(f, FIXTURE_MEMORY);
    fault_engine_open(&fault, f->engine, false);
    f->engine = &fault.engine;
    struct rind_store_options options = {.large_read_permits = 2};
    fixture_open_store(f, &options);
    fixture_create_tables(f);
    rind_mutex_init(&blocked.mutex);
    rind_cond_init(&blocked.cond);
    fault_engine_set(&fault, FAULT_READ, FAULT_NONE, 1, 0, RIND_E_OK);
    fault.before = block_read;
    fault.before_self = &blocked;
    struct lookup_thread lookups[2];
    for (size_t i = 0; i < 2; i++) {
        lookups[i] = (struct lookup_thread){.store = f->store, .realm = f->realm};
        assert_int_equal(pthread_create(&lookups[i].thread, NULL, lookup_run, &lookups[i]), 0);
    }
    rind_mutex_lock(&blocked.mutex);
    while (blocked.waiting < 2) {
        assert_true(rind_cond_wait(&blocked.cond, &blocked.mutex, fixture_deadline()));
    }
    rind_mutex_unlock(&blocked.mutex);
    struct rind_path path;
    struct rind_record_id record = record_of(0);
    struct rind_data_hash root = hash_of(1);
    assert_status(f,
                  rind_store_read_path(&f->ctx, f->store, &f->realm, &record, &root,
                                       rind_deadline_in_ms(20), &path),
                  RIND_E_BUSY);
    rind_mutex_lock(&blocked.mutex);
    blocked.is_blocking = false;
    rind_cond_broadcast(&blocked.cond);
    rind_mutex_unlock(&blocked.mutex);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(lookups[i].thread, NULL);
        assert_true(rind_is(lookups[i].status, RIND_E_STALE)); /* read, but the tree is empty */
    }
    assert_status(f, read_path(f, 0, 1, &path), RIND_E_STALE); /* permits are back */
    rind_cond_fini(&blocked.cond);
    rind_mutex_fini(&blocked.mutex);
    fixture_close(f);
}

/* ---- sweeping ---- */

/* Writes an entry whose partition (and, if not 0, a part given away) has this root. */
static void append_root(struct fixture *f, uint64_t index, uint64_t root, uint64_t root_given_away)
{
    struct rind_log_entry entry = {.index = index, .has_partition = true};
    struct rind_slice cbor;
    struct rind_store_entry stored;
    struct rind_log_row row;
    entry.prev_mac = fixture_mac(index - 1, 1);
    entry.entry_mac = fixture_mac(index, 1);
    entry.partition.root_hash = hash_of(root);
    if (root_given_away != 0) {
        entry.has_transferring = true;
        entry.transferring.kind = RIND_TRANSFERRING_OUT;
        entry.transferring.out.partition.root_hash = hash_of(root_given_away);
    }
    assert_ok(f, rind_wire_encode_alloc(&f->ctx, &rind_log_entry_schema, &entry, &cbor));
    assert_ok(f, rind_store_entry_parse(&f->ctx, cbor, &stored));
    assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, &f->group, &stored, 1, NULL,
                                   fixture_deadline(), &row));
}

static void sweeping_removes_old_nodes_that_nothing_reaches(void **state)
{
    struct fixture *f = *state;
    enum { DAY_MS = 86400000 };
    size_t count;
    struct rind_bit_vector top = {0};
    struct rind_node empty = {.kind = RIND_NODE_INTERIOR};
    struct rind_record_id d = record_of(0xc0);
    struct rind_store_node *nodes = tree_make(f, &count);
    struct rind_store_node orphans[4] = {
        node_make(f, &top, 80, &empty), /* an old root */
        leaf_make(f, &d, 81),           /* a leaf of nobody */
        node_make(f, &top, 82, &empty), /* the root of what is being given away: no orphan */
        node_make(f, &top, 83, &empty), /* the root of another group: no orphan */
    };
    append_delta(f, nodes, count, NULL, 0);
    append_delta(f, orphans, 4, NULL, 0);
    append_root(f, 3, 1, 82);
    f->group = fixture_group(0x55);
    append_root(f, 1, 83, 0);
    f->now_ms += DAY_MS;
    struct rind_store_node young = leaf_make(f, &d, 84);
    f->group = fixture_group(0x03);
    fixture_set(f, rind_table_of_realm(RIND_TABLE_MERKLE, &f->realm), "not a node's key", "q", 1000,
                "v");
    struct rind_append_delta delta = {&young, 1, NULL, 0};
    struct rind_log_row row;
    append_root(f, 4, 1, 82);
    struct rind_store_entry *entries = fixture_entries(f, 1, 1, 1);
    struct rind_group_id empty_group = fixture_group(0x77);
    assert_ok(f, rind_store_append(&f->ctx, f->store, &f->realm, &empty_group, entries, 1, &delta,
                                   fixture_deadline(), &row)); /* a group without a partition */
    f->now_ms += 1;
    struct rind_sweep_result result;
    assert_status(f,
                  rind_store_sweep_nodes(&f->ctx, f->store, &f->realm, DAY_MS - 1,
                                         fixture_deadline(), &result),
                  RIND_E_INVALID);
    assert_ok(f, rind_store_sweep_nodes(&f->ctx, f->store, &f->realm, DAY_MS, fixture_deadline(),
                                        &result));
    assert_int_equal(result.rows_removed, 2);
    assert_int_equal(result.rows_seen, count + 4 + 2);
    assert_int_equal(stored_instances(f, orphans[0].row_key), 0);
    assert_int_equal(stored_instances(f, orphans[1].row_key), 0);
    assert_int_equal(stored_instances(f, orphans[2].row_key), 1);
    assert_int_equal(stored_instances(f, orphans[3].row_key), 1);
    assert_int_equal(stored_instances(f, young.row_key), 1);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(stored_instances(f, nodes[i].row_key), 1);
    }
}

static void sweeping_keeps_what_it_cannot_decide(void **state)
{
    struct fixture *f = *state;
    enum { DAY_MS = 86400000 };
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes + 1, count - 1, NULL, 0); /* the root itself is missing */
    append_root(f, 2, 1, 0);
    f->now_ms += DAY_MS + 1;
    struct rind_sweep_result result;
    assert_ok(f, rind_store_sweep_nodes(&f->ctx, f->store, &f->realm, DAY_MS, fixture_deadline(),
                                        &result));
    assert_int_equal(result.rows_removed, 0);
    assert_int_equal(result.rows_undecided, count - 1);
}

static void sweeping_stops_at_a_log_it_cannot_read(void **state)
{
    struct fixture *f = *state;
    enum { DAY_MS = 86400000 };
    size_t count;
    struct rind_store_node *nodes = tree_make(f, &count);
    append_delta(f, nodes, count, NULL, 0);
    fixture_set(f, rind_table_of_realm(RIND_TABLE_LOG, &f->realm), "0123456789abcdef01234567", "q",
                1000, "not CBOR");
    f->now_ms += DAY_MS + 1;
    struct rind_sweep_result result;
    assert_status(
        f,
        rind_store_sweep_nodes(&f->ctx, f->store, &f->realm, DAY_MS, fixture_deadline(), &result),
        RIND_E_CORRUPT);
    assert_int_equal(result.rows_removed, 0);
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_path_ends_in_the_leaf_or_where_it_would_be),
        cmocka_unit_test(a_missing_node_asks_for_a_newer_root),
        cmocka_unit_test(other_versions_are_ignored),
        cmocka_unit_test(hostile_nodes_are_errors_not_crashes),
        cmocka_unit_test(single_nodes_are_read_by_key),
        cmocka_unit_test(edges_are_followed_to_the_outermost_record),
        cmocka_unit_test(removed_nodes_stay_until_their_time),
        cmocka_unit_test(a_node_added_again_survives_the_delete_of_its_first_instance),
        cmocka_unit_test(deletes_of_what_is_not_there_are_skipped),
        cmocka_unit_test(a_finished_queue_refuses_further_work),
        cmocka_unit_test(realms_in_one_store_delete_their_own_nodes),
        cmocka_unit_test(many_removals_are_all_executed),
        cmocka_unit_test(pinned_nodes_are_found_before_they_are_stored),
        cmocka_unit_test(sweeping_removes_old_nodes_that_nothing_reaches),
        cmocka_unit_test(sweeping_keeps_what_it_cannot_decide),
        cmocka_unit_test(sweeping_stops_at_a_log_it_cannot_read),
    };
    static const struct CMUnitTest once[] = {
        cmocka_unit_test_setup_teardown(nodes_of_an_append_are_cached_and_others_after_use,
                                        open_memory, close_kind),
        cmocka_unit_test_setup_teardown(nodes_of_an_append_are_cached_and_others_after_use,
                                        open_lmdb, close_kind),
        cmocka_unit_test(finishing_waits_for_the_delay_but_not_beyond_the_deadline),
        cmocka_unit_test(large_reads_beyond_the_permits_are_busy),
    };
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[] = {{"memory", open_memory},
                   {"memory, cold", open_memory_cold},
                   {"lmdb", open_lmdb},
                   {"lmdb, cold", open_lmdb_cold}};
    int failed = cmocka_run_group_tests_name("once", once, NULL, NULL);
    for (size_t i = 0; i < 4; i++) {
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
