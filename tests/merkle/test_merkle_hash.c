/* test_merkle_hash.c - node hashes, encodings and pictures. */
#include "support/test.h"

#include "crypto/blake2s.h"
#include "merkle/tree_model.h"
#include "merkle/tree_vectors.h"
#include "wire/codec.h"
#include "wire/range.h"

#define ARENA_SIZE ((size_t)1 << 20)

struct fixture {
    uint8_t *memory;
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->memory = malloc(ARENA_SIZE);
    assert_non_null(fixture->memory);
    rind_arena_init(&fixture->arena, fixture->memory, ARENA_SIZE);
    rind_ctx_init(&fixture->ctx, &fixture->arena);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->memory);
    free(fixture);
    return 0;
}

static void hashes_are_those_of_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("merkle-hash.json");
    const json_t *cases = rind_vectors_get(file, "cases");
    assert_int_equal(json_array_size(cases), 16);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test = json_array_get(cases, i);
        const char *kind = rind_vectors_text(test, "kind");
        struct rind_data_hash expected = tree_vectors_hash(test, "hash");
        struct rind_data_hash hash;
        rind_blake2s(rind_vectors_hex(test, "preimage", &fixture->arena), hash.bytes);
        assert_true(rind_data_hash_equal(&hash, &expected));
        if (strcmp(kind, "leaf") == 0) {
            struct rind_record_id key = tree_vectors_id(test, "key");
            rind_hash_leaf(&key, rind_vectors_hex(test, "value", &fixture->arena), &hash);
        } else {
            struct rind_interior_node node = tree_vectors_interior(test);
            if (strcmp(kind, "root") == 0) {
                struct rind_owned_range range = tree_vectors_range(test, "range");
                rind_hash_root(&range, &node, &hash);
            } else {
                rind_hash_interior(&node, &hash);
            }
        }
        if (!rind_data_hash_equal(&hash, &expected)) {
            fail_msg("%s", rind_vectors_text(test, "name"));
        }
    }
    json_decref(file);
}

static void empty_trees_of_different_ranges_have_different_roots(void **state)
{
    (void)state;
    struct rind_owned_range ranges[4] = {rind_owned_range_full(), rind_owned_range_full(),
                                         rind_owned_range_full(), rind_owned_range_full()};
    ranges[1].start.bytes[31] = 1;
    ranges[2].end.bytes[31] = 0xfe;
    ranges[3].start.bytes[0] = 0x80;
    struct rind_data_hash roots[4];
    struct rind_interior_node empty = {.has_left = false};
    for (unsigned i = 0; i < 4; i++) {
        rind_hash_root(&ranges[i], &empty, &roots[i]);
        for (unsigned j = 0; j < i; j++) {
            assert_false(rind_data_hash_equal(&roots[i], &roots[j]));
        }
    }
}

static void a_leafs_hash_binds_its_key(void **state)
{
    (void)state;
    uint64_t seed = 3;
    struct rind_record_id id = model_random_id(&seed);
    struct rind_slice value = rind_slice_text("value");
    struct rind_data_hash hash;
    rind_hash_leaf(&id, value, &hash);
    for (unsigned bit = 0; bit < 256; bit++) {
        struct rind_data_hash other;
        id.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        rind_hash_leaf(&id, value, &other);
        id.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(rind_data_hash_equal(&hash, &other));
    }
}

static void table_hashes_are_those_of_the_specification(void **state)
{
    (void)state;
    const uint8_t input[] = {0x2a, 0x0b};
    const uint64_t expected[] = {7575470396830417044u, 5509661675087876720u, 16522658520095206419u};
    for (size_t length = 0; length <= sizeof(input); length++) {
        uint8_t digest[RIND_BLAKE2S_SIZE];
        rind_blake2s(rind_slice_make(input, length), digest);
        assert_true(rind_get_be64(digest) == expected[length]);
    }
}

/* --- Encodings --- */

static const struct rind_schema *cbor_value(const json_t *test, struct rind_arena *arena,
                                            void *value)
{
    const char *type = rind_vectors_text(test, "type");
    if (strcmp(type, "NodeKey") == 0) {
        struct rind_node_key key = {.prefix = tree_vectors_bits(rind_vectors_text(test, "prefix")),
                                    .hash = tree_vectors_hash(test, "hash")};
        memcpy(value, &key, sizeof(key));
        return &rind_node_key_schema;
    }
    if (strcmp(type, "Node") == 0) {
        struct rind_node node = tree_vectors_node(rind_vectors_get(test, "node"), arena);
        memcpy(value, &node, sizeof(node));
        return &rind_node_schema;
    }
    if (strcmp(type, "StoreDelta") == 0) {
        memset(value, 0, sizeof(struct rind_store_delta));
        return &rind_store_delta_schema;
    }
    if (strcmp(type, "OwnedRange") == 0) {
        struct rind_owned_range range = tree_vectors_range(test, "range");
        memcpy(value, &range, sizeof(range));
        return &rind_owned_range_schema;
    }
    if (strcmp(type, "Partition") == 0) {
        struct rind_partition partition = {.range = tree_vectors_range(test, "range"),
                                           .root_hash = tree_vectors_hash(test, "root_hash")};
        memcpy(value, &partition, sizeof(partition));
        return &rind_partition_schema;
    }
    return NULL; /* BitVec is part of NodeKey; Dir is in no message */
}

static void encodings_are_those_of_the_vectors_both_ways(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("merkle-cbor.json");
    const json_t *cases = rind_vectors_get(file, "cases");
    unsigned checked_count = 0;
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *test = json_array_get(cases, i);
        union {
            struct rind_node node;
            struct rind_node_key key;
            struct rind_store_delta delta;
            struct rind_partition partition;
        } value, decoded;
        const struct rind_schema *schema = cbor_value(test, &fixture->arena, &value);
        if (schema == NULL) {
            continue;
        }
        checked_count++;
        assert_true(tree_vectors_has_cbor(&fixture->ctx, schema, &value, test, "cbor"));
        assert_true(rind_is_ok(rind_wire_decode_whole(
            &fixture->ctx, schema, rind_vectors_hex(test, "cbor", &fixture->arena), &decoded)));
        assert_true(tree_vectors_has_cbor(&fixture->ctx, schema, &decoded, test, "cbor"));
    }
    assert_int_equal(checked_count, 12);
    json_decref(file);
}

static void encoded_sizes_are_those_of_the_specification(void **state)
{
    struct fixture *fixture = *state;
    const struct {
        size_t value_size;
        size_t encoded_size;
    } leaves[] = {{0, 14}, {23, 37}, {256, 272}, {790, 806}};
    static const uint8_t zeros[1024];
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        struct rind_node node = {.kind = RIND_NODE_LEAF};
        node.leaf.value = rind_slice_make(zeros, leaves[i].value_size);
        size_t size;
        assert_true(rind_is_ok(rind_wire_size(&fixture->ctx, &rind_node_schema, &node, &size)));
        assert_int_equal(size, leaves[i].encoded_size);
    }
}

/* --- Pictures --- */

static void build_dot_tree(struct model *model)
{
    struct rind_owned_range full = rind_owned_range_full();
    model_init(model, &full, 15);
    for (uint8_t i = 0; i < 5; i++) {
        struct rind_record_id key = MODEL_ID(0x02, 0x06, i);
        uint8_t value = (uint8_t)(0x61 + i);
        assert_true(rind_is_ok(model_insert(model, &key, rind_slice_make(&value, 1))));
    }
}

static void the_picture_is_that_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-dot.json");
    const json_t *expected = rind_vectors_get(file, "blake2s");
    struct model model;
    build_dot_tree(&model);
    static char text[1 << 16];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    assert_true(rind_is_ok(
        rind_dot_write(&model.ctx, &model.root_hash, model_dot_find, &model, false, &out)));
    assert_true(rind_slice_is_text(rind_buffer_slice(&out), rind_vectors_text(expected, "dot")));
    model_fini(&model);
    json_decref(file);
}

/* --- The picture under the vectors' test-only hash function --- */

static uint64_t rotate(uint64_t value, unsigned count)
{
    return (value << count) | (value >> (64 - count));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32) + v[3];
    v[2] += v[1];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 under a key of zeros, its digest in little-endian order. */
static void sip_hash(const uint8_t *bytes, size_t length, uint8_t digest[8])
{
    uint64_t v[4] = {0x736f6d6570736575u, 0x646f72616e646f6du, 0x6c7967656e657261u,
                     0x7465646279746573u};
    for (size_t at = 0; at <= length; at += 8) {
        uint8_t block[8] = {0};
        size_t rest = length - at;
        memcpy(block, bytes + at, rest < 8 ? rest : 8);
        block[7] = rest < 8 ? (uint8_t)length : block[7];
        uint64_t word = rind_get_le64(block);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    rind_put_le64(digest, v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* A node's place, its hash in the production tree, and that under the test-only function. */
struct sip_node {
    struct rind_node_key key;
    uint8_t hash[8];
};

#define SIP_NODES_MAX 16u

static const uint8_t *sip_of(const struct sip_node *nodes, size_t count,
                             const struct rind_data_hash *hash)
{
    for (size_t i = 0; i < count; i++) {
        if (rind_data_hash_equal(&nodes[i].key.hash, hash)) {
            return nodes[i].hash;
        }
    }
    fail_msg("a child is missing");
    return NULL;
}

/* Hashes one node over the preimage of spec 03 section 4 with child hashes of 8 bytes. */
static void sip_hash_node(const struct model *model, struct sip_node *nodes, size_t at,
                          size_t count)
{
    uint8_t bytes[256] = {0};
    struct rind_buffer out;
    rind_buffer_init(&out, bytes, sizeof(bytes));
    const struct rind_node_key *key = &nodes[at].key;
    const struct rind_node *node = model_find(model, key);
    if (node->kind == RIND_NODE_LEAF) {
        uint8_t length[8];
        rind_put_be64(length, node->leaf.value.length);
        rind_buffer_append(&out, rind_slice_text("leaf"));
        rind_buffer_append(&out, RIND_SLICE_OF(key->prefix.bits));
        rind_buffer_append(&out, RIND_SLICE_OF(length));
        rind_buffer_append(&out, node->leaf.value);
        sip_hash(bytes, out.length, nodes[at].hash);
        return;
    }
    bool is_root = key->prefix.length == 0;
    rind_buffer_append(&out, rind_slice_text(is_root ? "root" : "interior"));
    if (is_root) {
        rind_buffer_append(&out, rind_record_id_slice(&model->range.start));
        rind_buffer_append(&out, rind_record_id_slice(&model->range.end));
    }
    const struct rind_interior_node *interior = &node->interior;
    const struct rind_branch *branches[2] = {interior->has_left ? &interior->left : NULL,
                                             interior->has_right ? &interior->right : NULL};
    static const uint8_t zeros[10];
    for (unsigned side = 0; side < 2; side++) {
        size_t prefix = branches[side] == NULL ? 0 : (branches[side]->prefix.length + 7u) / 8u;
        rind_buffer_append_byte(&out, (uint8_t)(2 + prefix + 8));
    }
    for (unsigned side = 0; side < 2; side++) {
        const struct rind_branch *branch = branches[side];
        if (branch == NULL) {
            rind_buffer_append(&out, RIND_SLICE_OF(zeros));
            continue;
        }
        rind_buffer_append_byte(&out, (uint8_t)(branch->prefix.length >> 8));
        rind_buffer_append_byte(&out, (uint8_t)(branch->prefix.length & 0xffu));
        rind_buffer_append(&out, rind_bits_slice_bytes(&branch->prefix));
        rind_buffer_append(&out, rind_slice_make(sip_of(nodes, count, &branch->hash), 8));
    }
    assert_false(out.is_overflown);
    sip_hash(bytes, out.length, nodes[at].hash);
}

/* All nodes in an order in which parents come first. */
static size_t sip_nodes(const struct model *model, struct sip_node nodes[SIP_NODES_MAX])
{
    size_t count = 1;
    nodes[0].key = (struct rind_node_key){.hash = model->root_hash};
    for (size_t i = 0; i < count; i++) {
        const struct rind_node *node = model_find(model, &nodes[i].key);
        assert_non_null(node);
        if (node->kind == RIND_NODE_LEAF) {
            continue;
        }
        const struct rind_branch *branches[2] = {&node->interior.left, &node->interior.right};
        bool has[2] = {node->interior.has_left, node->interior.has_right};
        for (unsigned side = 0; side < 2; side++) {
            if (has[side]) {
                assert_true(count < SIP_NODES_MAX);
                nodes[count++].key = (struct rind_node_key){
                    .prefix = rind_bits_concat(&nodes[i].key.prefix, &branches[side]->prefix),
                    .hash = branches[side]->hash};
            }
        }
    }
    return count;
}

static void the_picture_is_right_under_the_test_hash_too(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("merkle-dot.json");
    const json_t *expected = rind_vectors_get(file, "siphash");
    struct model model;
    struct sip_node nodes[SIP_NODES_MAX];
    build_dot_tree(&model);
    size_t count = sip_nodes(&model, nodes);
    for (size_t i = count; i > 0; i--) {
        sip_hash_node(&model, nodes, i - 1, count);
    }
    char root[RIND_HEX_SIZE(8)];
    rind_hex_encode(rind_slice_make(nodes[0].hash, 8), root);
    assert_string_equal(root, rind_vectors_text(expected, "root_hash"));

    static char text[1 << 16];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text) - 1);
    assert_true(rind_is_ok(
        rind_dot_write(&model.ctx, &model.root_hash, model_dot_find, &model, false, &out)));
    text[out.length] = '\0';
    for (size_t i = 0; i < count; i++) { /* each production hash becomes the short one */
        char production[RIND_HEX_SIZE(32)];
        char test[RIND_HEX_SIZE(8)];
        rind_hex_encode(rind_data_hash_slice(&nodes[i].key.hash), production);
        rind_hex_encode(rind_slice_make(nodes[i].hash, 8), test);
        for (char *at = strstr(text, production); at != NULL; at = strstr(text, production)) {
            memcpy(at, test, 16);
            memmove(at + 16, at + 64, strlen(at + 64) + 1);
        }
    }
    assert_string_equal(text, rind_vectors_text(expected, "dot"));
    model_fini(&model);
    json_decref(file);
}

static void a_picture_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct model model;
    build_dot_tree(&model);
    static char text[1 << 16];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    assert_true(rind_is_ok(
        rind_dot_write(&model.ctx, &model.root_hash, model_dot_find, &model, false, &out)));
    size_t size = out.length;
    rind_buffer_init(&out, text, size - 1);
    assert_true(
        rind_is(rind_dot_write(&model.ctx, &model.root_hash, model_dot_find, &model, false, &out),
                RIND_E_LIMIT));
    model_fini(&model);
}

static void missing_nodes_are_dotted_where_allowed(void **state)
{
    (void)state;
    struct model model;
    build_dot_tree(&model);
    static char text[1 << 16];
    struct rind_buffer out;
    rind_buffer_init(&out, text, sizeof(text));
    struct rind_data_hash nowhere = {.bytes = {7}};
    assert_true(rind_is(rind_dot_write(&model.ctx, &nowhere, model_dot_find, &model, false, &out),
                        RIND_E_NOT_FOUND));
    rind_buffer_init(&out, text, sizeof(text));
    assert_true(
        rind_is_ok(rind_dot_write(&model.ctx, &nowhere, model_dot_find, &model, true, &out)));
    assert_true(rind_slice_is_text(
        rind_buffer_slice(&out),
        "Digraph merkletree {\n\n\nSubgraph depth_0 {\nrank=same\n\n"
        "h0700000000000000000000000000000000000000000000000000000000000000 "
        "[label=\"0700000000000000000000000000000000000000000000000000000000000000\" "
        "ordering=out shape=box style=dotted ];\n}\n\n}\n"));
    model_fini(&model);
}

static void small_values_are_letters(void **state)
{
    (void)state;
    struct rind_owned_range full = rind_owned_range_full();
    struct model model;
    model_init(&model, &full, 15);
    const struct {
        const char *value;
        size_t size;
        const char *label;
    } cases[] = {{"\0", 1, "value: @\""},   {"\x01", 1, "value: A\""},
                 {"\x1a", 1, "value: Z\""}, {"\x1b", 1, "value: [27]\""},
                 {"", 0, "value: []\""},    {"ab", 2, "value: [97, 98]\""}};
    static char text[1 << 16];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rind_record_id key = MODEL_ID(1);
        assert_true(
            rind_is_ok(model_insert(&model, &key, rind_slice_make(cases[i].value, cases[i].size))));
        struct rind_buffer out;
        rind_buffer_init(&out, text, sizeof(text) - 1);
        assert_true(rind_is_ok(
            rind_dot_write(&model.ctx, &model.root_hash, model_dot_find, &model, false, &out)));
        text[out.length] = '\0';
        assert_non_null(strstr(text, cases[i].label));
    }
    model_fini(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hashes_are_those_of_the_vectors, setup, teardown),
        cmocka_unit_test(empty_trees_of_different_ranges_have_different_roots),
        cmocka_unit_test(table_hashes_are_those_of_the_specification),
        cmocka_unit_test(a_leafs_hash_binds_its_key),
        cmocka_unit_test_setup_teardown(encodings_are_those_of_the_vectors_both_ways, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(encoded_sizes_are_those_of_the_specification, setup,
                                        teardown),
        cmocka_unit_test(the_picture_is_that_of_the_vectors),
        cmocka_unit_test(the_picture_is_right_under_the_test_hash_too),
        cmocka_unit_test(a_picture_that_does_not_fit_is_refused),
        cmocka_unit_test(missing_nodes_are_dotted_where_allowed),
        cmocka_unit_test(small_values_are_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
