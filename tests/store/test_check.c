/* test_check.c - `rind store check` and `copy` below their commands: trees that are whole, that
 * lack nodes, that have wrong ones, and tables that differ by a byte. */
#include "fixture.h"
#include "merkle/tree_model.h"
#include "wire/range.h"

#define RECORDS 60u

struct check_fixture {
    struct fixture f;
    struct model model;
    struct rind_row_key rows[4096]; /* of the nodes that were written last */
    size_t row_count;
};

static int open_kind(void **state, enum fixture_engine kind)
{
    struct check_fixture *c = calloc(1, sizeof(*c));
    struct rind_owned_range full = rind_owned_range_full();
    fixture_open(&c->f, kind);
    fixture_open_store(&c->f, NULL);
    fixture_create_tables(&c->f);
    model_init(&c->model, &full, 15);
    *state = c;
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
    struct check_fixture *c = *state;
    model_fini(&c->model);
    fixture_close(&c->f);
    free(c);
    return 0;
}

static void write_row(struct check_fixture *c, struct rind_slice key,
                      const struct rind_mutation *mutation)
{
    const struct rind_row_write row = {key, mutation, 1};
    const struct rind_write write = {rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm), &row, 1};
    assert_ok(&c->f, rind_engine_write(&c->f.ctx, rind_store_engine(c->f.store), &write,
                                       fixture_deadline()));
}

static void remove_node(struct check_fixture *c, const struct rind_row_key *key)
{
    const struct rind_mutation mutation = {.kind = RIND_MUTATION_DELETE_ROW};
    write_row(c, rind_row_key_slice(key), &mutation);
}

static void put_node(struct check_fixture *c, const struct rind_row_key *key,
                     struct rind_slice value)
{
    const struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("instance"),
                                           1000, value};
    write_row(c, rind_row_key_slice(key), &mutation);
}

/* All of a change in one write: one wait for the disk. */
static void write_change(struct check_fixture *c, const struct rind_store_delta *delta,
                         bool keeps_removed)
{
    static const struct rind_mutation delete_row = {.kind = RIND_MUTATION_DELETE_ROW};
    size_t count = delta->add.count + (keeps_removed ? 0 : delta->remove.count);
    struct rind_row_write *rows = rind_ctx_alloc_array(&c->f.ctx, count, sizeof(*rows));
    struct rind_row_key *keys = rind_ctx_alloc_array(&c->f.ctx, count, sizeof(*keys));
    struct rind_mutation *sets = rind_ctx_alloc_array(&c->f.ctx, count, sizeof(*sets));
    assert_true(rows != NULL && keys != NULL && sets != NULL);
    for (size_t i = 0; i < count; i++) {
        bool is_add = i < delta->add.count;
        const struct rind_node_key *key =
            is_add ? &delta->add.items[i].key : &delta->remove.items[i - delta->add.count];
        assert_ok(&c->f, rind_row_key_of_node(&c->f.ctx, key, &keys[i]));
        rows[i] = (struct rind_row_write){rind_row_key_slice(&keys[i]), &delete_row, 1};
        if (is_add) {
            struct rind_slice cbor;
            assert_ok(&c->f, rind_wire_encode_alloc(&c->f.ctx, &rind_node_schema,
                                                    &delta->add.items[i].node, &cbor));
            sets[i] = (struct rind_mutation){RIND_MUTATION_SET_CELL, 'f',
                                             rind_slice_text("instance"), 1000, cbor};
            rows[i].mutations = &sets[i];
            c->rows[i] = keys[i];
        }
    }
    c->row_count = delta->add.count;
    const struct rind_write write = {rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm), rows,
                                     count};
    assert_ok(&c->f, rind_engine_write(&c->f.ctx, rind_store_engine(c->f.store), &write,
                                       fixture_deadline()));
}

static void insert_record(struct check_fixture *c, const struct rind_record_id *id,
                          struct rind_slice value, bool keeps_removed)
{
    struct rind_read_proof proof;
    struct rind_tree_change change;
    assert_true(rind_is_ok(model_read(&c->model, &c->model.root_hash, id, &proof)));
    assert_true(rind_is_ok(model_insert_with(&c->model, &proof, value, &change)));
    write_change(c, &change.delta, keeps_removed);
    model_reset(&c->model);
}

/* One insert; the nodes it replaces stay as garbage if asked for. */
static void insert(struct check_fixture *c, uint64_t *seed, bool keeps_removed)
{
    struct rind_record_id id = model_random_id(seed);
    insert_record(c, &id, rind_record_id_slice(&id), keeps_removed);
}

/* Appends an entry that says what the tree is now. */
static void append_root(struct check_fixture *c, uint64_t index)
{
    struct rind_log_entry entry = {
        .index = index,
        .has_partition = true,
        .partition = {rind_owned_range_full(), c->model.root_hash},
        .prev_mac = fixture_mac(index - 1, 1),
        .entry_mac = fixture_mac(index, 1),
    };
    struct rind_slice cbor;
    struct rind_store_entry stored;
    struct rind_log_row row;
    assert_ok(&c->f, rind_wire_encode_alloc(&c->f.ctx, &rind_log_entry_schema, &entry, &cbor));
    assert_ok(&c->f, rind_store_entry_parse(&c->f.ctx, cbor, &stored));
    assert_ok(&c->f, rind_store_append(&c->f.ctx, c->f.store, &c->f.realm, &c->f.group, &stored, 1,
                                       NULL, fixture_deadline(), &row));
}

static void build(struct check_fixture *c, bool keeps_removed)
{
    uint64_t seed = 7;
    for (unsigned i = 0; i < RECORDS; i++) {
        insert(c, &seed, keeps_removed);
    }
    append_root(c, 1);
}

static struct rind_store_check_result check(struct check_fixture *c)
{
    struct rind_store_check_result result;
    assert_ok(&c->f, rind_store_check(&c->f.ctx, c->f.store, &c->f.realm, NULL, fixture_deadline(),
                                      &result));
    return result;
}

static void a_whole_tree_has_no_problems(void **state)
{
    struct check_fixture *c = *state;
    size_t leaves;
    build(c, false);
    struct rind_store_check_result result = check(c);
    /* RECORDS leaves below as many interior nodes: the root, and one for each but the last. */
    assert_int_equal(result.nodes, model_check(&c->model, &leaves));
    assert_int_equal(leaves, RECORDS);
    assert_int_equal(result.group_count, 1);
    assert_int_equal(result.groups[0].leaves, RECORDS);
    assert_int_equal(result.groups[0].index, 1);
    assert_int_equal(result.rows, result.nodes);
    assert_int_equal(result.garbage + result.missing + result.wrong + result.rows_malformed, 0);
}

static void what_no_tree_reaches_is_garbage(void **state)
{
    struct check_fixture *c = *state;
    build(c, true);
    struct rind_store_check_result result = check(c);
    assert_int_equal(result.missing + result.wrong, 0);
    assert_true(result.garbage > RECORDS); /* at least one old root for each insert */
    assert_int_equal(result.rows, result.nodes + result.garbage);
}

static void a_missing_node_is_named(void **state)
{
    struct check_fixture *c = *state;
    build(c, false);
    uint64_t whole = check(c).nodes;
    for (size_t i = 0; i < c->row_count; i++) {
        if (c->rows[i].length != RIND_ROW_KEY_SIZE_MAX) {
            continue;
        }
        remove_node(c, &c->rows[i]); /* a leaf */
        struct rind_store_check_result result = check(c);
        assert_int_equal(result.missing, 1);
        assert_int_equal(result.nodes, whole - 1);
        assert_int_equal(result.problem_count, 1);
        assert_int_equal(result.problems[0].fault, RIND_STORE_CHECK_MISSING);
        assert_true(rind_slice_equal(rind_row_key_slice(&result.problems[0].row_key),
                                     rind_row_key_slice(&c->rows[i])));
        return;
    }
    fail_msg("the last insert wrote no leaf");
}

static void without_its_root_a_tree_is_missing_it_and_the_rest_is_garbage(void **state)
{
    struct check_fixture *c = *state;
    build(c, false);
    uint64_t whole = check(c).nodes;
    struct rind_bit_vector none = {0};
    struct rind_row_key root;
    rind_row_key_encode(&none, &c->model.root_hash, &root);
    remove_node(c, &root);
    struct rind_store_check_result result = check(c);
    assert_int_equal(result.missing, 1);
    assert_int_equal(result.nodes, 0);
    assert_int_equal(result.garbage, whole - 1);
}

/* Each node of a path in turn is another one, or none. */
static void a_wrong_node_is_named_whatever_is_wrong_with_it(void **state)
{
    struct check_fixture *c = *state;
    build(c, false);
    struct rind_rows rows =
        fixture_read_all(&c->f, rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm));
    assert_true(rows.count > 20);
    for (size_t i = 0; i < rows.count; i += 17) {
        const struct rind_row *row = &rows.rows[i];
        const struct rind_row *other = &rows.rows[(i + 1) % rows.count];
        struct rind_row_key key = {.length = (uint8_t)row->key.length};
        memcpy(key.bytes, row->key.data, row->key.length);
        struct rind_slice own = row->cells[0].value;
        const struct rind_mutation delete_row = {.kind = RIND_MUTATION_DELETE_ROW};
        uint8_t *flipped = malloc(own.length);
        memcpy(flipped, own.data, own.length);
        flipped[own.length - 1] ^= 1;
        const struct rind_slice wrongs[] = {
            rind_slice_make(flipped, own.length), other->cells[0].value, rind_slice_text("no CBOR"),
            rind_slice_make(NULL, 0), rind_slice_make(own.data, own.length - 1)};
        for (size_t w = 0; w < sizeof(wrongs) / sizeof(wrongs[0]); w++) {
            write_row(c, row->key, &delete_row);
            put_node(c, &key, wrongs[w]);
            struct rind_store_check_result result = check(c);
            assert_int_equal(result.wrong, 1);
            assert_int_equal(result.missing, 0);
            assert_int_equal(result.problems[0].fault, RIND_STORE_CHECK_WRONG);
            assert_true(
                rind_slice_equal(rind_row_key_slice(&result.problems[0].row_key), row->key));
        }
        free(flipped);
        write_row(c, row->key, &delete_row);
        put_node(c, &key, own);
    }
    assert_int_equal(check(c).wrong, 0);
}

static void keys_of_no_node_are_counted(void **state)
{
    struct check_fixture *c = *state;
    build(c, false);
    fixture_set(&c->f, rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm), "no node's key", "q",
                1000, "value");
    struct rind_store_check_result result = check(c);
    assert_int_equal(result.rows_malformed, 1);
    assert_int_equal(result.garbage, 0);
}

/* ---- tables of many pages ---- */

#define LARGE_RECORDS 56u
#define LARGE_VALUE_SIZE 60000u /* a page has seventeen */

/* Half of the records share their first 11 bits: groups below groups are larger than a page too. */
static void build_large(struct check_fixture *c)
{
    uint64_t seed = 11;
    uint8_t *value = calloc(1, LARGE_VALUE_SIZE);
    for (unsigned i = 0; i < LARGE_RECORDS; i++) {
        struct rind_record_id id = model_random_id(&seed);
        if (i % 2 == 0) {
            id.bytes[0] = 0;
            id.bytes[1] &= 0x1f;
        }
        insert_record(c, &id, rind_slice_make(value, LARGE_VALUE_SIZE), true);
    }
    free(value);
    append_root(c, 1);
}

static void a_tree_of_many_pages_is_checked_as_a_small_one_is(void **state)
{
    struct check_fixture *c = *state;
    size_t leaves;
    build_large(c);
    struct rind_store_check_result result = check(c);
    assert_int_equal(result.nodes, model_check(&c->model, &leaves));
    assert_int_equal(result.groups[0].leaves, LARGE_RECORDS);
    assert_int_equal(result.missing + result.wrong + result.rows_malformed, 0);
    struct rind_table table = rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm);
    struct rind_table_summary summary;
    assert_ok(&c->f, rind_store_table_summary(&c->f.ctx, rind_store_engine(c->f.store), &table,
                                              NULL, fixture_deadline(), &summary));
    assert_int_equal(result.rows, summary.rows); /* each once */
    assert_true(summary.size_bytes > 3u << 20);
    assert_true(result.garbage > LARGE_RECORDS);
    assert_int_equal(result.rows, result.nodes + result.garbage);
}

static void keys_of_no_node_are_counted_wherever_they_are(void **state)
{
    /* Where groups begin and end: before the first, at the edges, behind the last. */
    static const struct rind_slice keys[] = {
        {(const uint8_t *)"\0", 1},           {(const uint8_t *)"\0\0", 2},
        {(const uint8_t *)"\0\0\0", 3},       {(const uint8_t *)"\0\0\0\0\0\0", 6},
        {(const uint8_t *)"\0\x7f", 2},       {(const uint8_t *)"\0\x80", 2},
        {(const uint8_t *)"\0\xff", 2},       {(const uint8_t *)"\x01", 1},
        {(const uint8_t *)"\x7f\x7f\xff", 3}, {(const uint8_t *)"\x80", 1},
        {(const uint8_t *)"\xff\xff", 2}};
    size_t count = sizeof(keys) / sizeof(keys[0]);
    struct check_fixture *c = *state;
    build_large(c);
    struct rind_store_check_result before = check(c);
    const struct rind_mutation mutation = {RIND_MUTATION_SET_CELL, 'f', rind_slice_text("q"), 1000,
                                           rind_slice_text("value")};
    for (size_t i = 0; i < count; i++) {
        write_row(c, keys[i], &mutation);
    }
    struct rind_store_check_result result = check(c);
    assert_int_equal(result.rows_malformed, count);
    assert_int_equal(result.rows, before.rows + count);
    assert_int_equal(result.garbage, before.garbage);
    assert_int_equal(result.nodes, before.nodes);
}

/* Each node of the path that was written last, from the root to the leaf, in turn. */
static void of_many_pages_each_missing_or_wrong_node_is_named(void **state)
{
    struct check_fixture *c = *state;
    build_large(c);
    struct rind_store_check_result whole = check(c);
    struct rind_rows rows =
        fixture_read_all(&c->f, rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm));
    assert_true(c->row_count > 3);
    for (size_t i = 0; i < c->row_count; i++) {
        struct rind_slice key = rind_row_key_slice(&c->rows[i]);
        size_t at = 0;
        while (at < rows.count && !rind_slice_equal(rows.rows[at].key, key)) {
            at++;
        }
        assert_true(at < rows.count);
        for (unsigned is_wrong = 0; is_wrong < 2; is_wrong++) {
            remove_node(c, &c->rows[i]);
            if (is_wrong == 1) {
                put_node(c, &c->rows[i], rind_slice_text("no CBOR"));
            }
            struct rind_store_check_result result = check(c);
            assert_int_equal(result.missing, is_wrong == 0 ? 1 : 0);
            assert_int_equal(result.wrong, is_wrong);
            assert_int_equal(result.problem_count, 1);
            assert_true(rind_slice_equal(rind_row_key_slice(&result.problems[0].row_key), key));
            assert_true(result.nodes < whole.nodes);
            assert_int_equal(result.rows, whole.rows - (is_wrong == 0 ? 1 : 0));
            assert_int_equal(result.rows, result.nodes + result.garbage + result.wrong);
        }
        remove_node(c, &c->rows[i]);
        put_node(c, &c->rows[i], rows.rows[at].cells[0].value);
    }
    assert_int_equal(check(c).nodes, whole.nodes);
}

/* ---- summaries ---- */

static void digests_of_tables_differ_by_any_byte(void **state)
{
    struct check_fixture *c = *state;
    struct rind_table table = rind_table_of_realm(RIND_TABLE_MERKLE, &c->f.realm);
    struct rind_engine *engine = rind_store_engine(c->f.store);
    struct rind_table_summary summaries[5];
    static const struct {
        const char *key;
        const char *qualifier;
        int64_t timestamp_us;
        const char *value;
    } cells[] = {{"k", "q", 1000, "v"},
                 {"k", "q", 1000, "w"},
                 {"k", "q", 2000, "v"},
                 {"k", "r", 1000, "v"},
                 {"l", "q", 1000, "v"}};
    for (size_t i = 0; i < 5; i++) {
        const struct rind_mutation delete_row = {.kind = RIND_MUTATION_DELETE_ROW};
        fixture_set(&c->f, table, cells[i].key, cells[i].qualifier, cells[i].timestamp_us,
                    cells[i].value);
        assert_ok(&c->f, rind_store_table_summary(&c->f.ctx, engine, &table, NULL,
                                                  fixture_deadline(), &summaries[i]));
        assert_int_equal(summaries[i].rows, 1);
        assert_int_equal(summaries[i].cells, 1);
        assert_int_equal(summaries[i].size_bytes, 1 + 1 + 1 + 8 + 1);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(summaries[i].digest, summaries[j].digest, 32);
        }
        write_row(c, rind_slice_text(cells[i].key), &delete_row);
    }
}

int main(void)
{
    static const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_whole_tree_has_no_problems),
        cmocka_unit_test(what_no_tree_reaches_is_garbage),
        cmocka_unit_test(a_missing_node_is_named),
        cmocka_unit_test(without_its_root_a_tree_is_missing_it_and_the_rest_is_garbage),
        cmocka_unit_test(a_wrong_node_is_named_whatever_is_wrong_with_it),
        cmocka_unit_test(keys_of_no_node_are_counted),
        cmocka_unit_test(a_tree_of_many_pages_is_checked_as_a_small_one_is),
        cmocka_unit_test(keys_of_no_node_are_counted_wherever_they_are),
        cmocka_unit_test(of_many_pages_each_missing_or_wrong_node_is_named),
        cmocka_unit_test(digests_of_tables_differ_by_any_byte),
    };
    static const struct {
        const char *name;
        CMFixtureFunction open;
    } engines[2] = {{"memory", open_memory}, {"lmdb", open_lmdb}};
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
