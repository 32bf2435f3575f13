/* test_merkle_bits.c - bit strings and storage row keys. */
#include "support/test.h"

#include "merkle/tree_model.h"
#include "merkle/tree_vectors.h"
#include "wire/delta.h"

static struct rind_bit_vector bits(const char *text)
{
    return tree_vectors_bits(text);
}

static bool is_text(const struct rind_bit_vector *vector, const char *text)
{
    struct rind_bit_vector expected = bits(text);
    return rind_bits_is_valid(vector) && rind_bits_equal(vector, &expected);
}

static void pushed_bits_come_back_by_index(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct rind_bit_vector vector = {.length = 0};
    unsigned expected[256];
    for (unsigned i = 0; i < 256; i++) {
        expected[i] = (unsigned)(model_random(&seed) & 1u);
        rind_bits_push(&vector, expected[i]);
        assert_int_equal(vector.length, i + 1);
        assert_true(rind_bits_is_valid(&vector));
        for (unsigned j = 0; j <= i; j++) {
            assert_int_equal(rind_bits_get(&vector, j), expected[j]);
        }
    }
}

static void bytes_are_the_shortest_that_hold_the_bits(void **state)
{
    (void)state;
    const unsigned lengths[] = {0, 1, 7, 8, 9, 10, 16, 17, 255, 256};
    const unsigned sizes[] = {0, 1, 1, 1, 2, 2, 2, 3, 32, 32};
    struct rind_record_id ones;
    memset(ones.bytes, 0xff, sizeof(ones.bytes));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct rind_bit_vector prefix = rind_bits_of_record_id_prefix(&ones, lengths[i]);
        assert_true(rind_bits_is_valid(&prefix));
        assert_int_equal(rind_bits_slice_bytes(&prefix).length, sizes[i]);
    }
    struct rind_bit_vector ten = bits("1111000011");
    const uint8_t expected[2] = {0xf0, 0xc0};
    assert_true(rind_slice_equal(rind_bits_slice_bytes(&ten), RIND_SLICE_OF(expected)));
    struct rind_bit_vector from = rind_bits_from_bytes(RIND_SLICE_OF(expected));
    assert_true(is_text(&from, "1111000011000000"));
    from = rind_bits_from_bytes(rind_slice_make(NULL, 0));
    assert_true(is_text(&from, ""));
}

/* Every operation agrees with the same on texts, for random strings at every alignment. */
static void operations_agree_with_texts(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (unsigned round = 0; round < 3000; round++) {
        char a[257];
        char b[257];
        unsigned a_length = (unsigned)(model_random(&seed) % 129);
        unsigned b_length = (unsigned)(model_random(&seed) % 129);
        for (unsigned i = 0; i < 257; i++) {
            a[i] = model_random(&seed) % 8 == 0 ? '1' : '0'; /* long shared prefixes are likely */
            b[i] = model_random(&seed) % 8 == 0 ? '1' : '0';
        }
        a[a_length] = '\0';
        b[b_length] = '\0';
        struct rind_bit_vector a_bits = bits(a);
        struct rind_bit_vector b_bits = bits(b);
        unsigned start = (unsigned)(model_random(&seed) % (a_length + 1));
        unsigned end = start + (unsigned)(model_random(&seed) % (a_length - start + 1));

        unsigned common = 0;
        while (a[start + common] != '\0' && a[start + common] == b[common]) {
            common++;
        }
        assert_int_equal(rind_bits_common_length_at(&a_bits, start, &b_bits), common);
        assert_int_equal(rind_bits_starts_with_at(&a_bits, start, &b_bits), common == b_length);

        char joined[513];
        (void)snprintf(joined, sizeof(joined), "%s%s", a, b);
        struct rind_bit_vector both = rind_bits_concat(&a_bits, &b_bits);
        assert_true(is_text(&both, joined));

        char part[257] = {0};
        memcpy(part, a + start, end - start);
        struct rind_bit_vector slice = rind_bits_slice(&a_bits, start, end);
        assert_true(is_text(&slice, part));
        struct rind_bit_vector again = rind_bits_slice(&slice, slice.length / 2u, slice.length);
        assert_true(is_text(&again, part + slice.length / 2u));

        int order = strcmp(a, b); /* 0 < 1, and a proper prefix comes first */
        int compared = rind_bit_vector_compare(&a_bits, &b_bits);
        assert_int_equal(order < 0, compared < 0);
        assert_int_equal(order > 0, compared > 0);
    }
}

static void everything_starts_with_the_empty_string(void **state)
{
    (void)state;
    struct rind_bit_vector empty = bits("");
    struct rind_bit_vector some = bits("0110");
    assert_true(rind_bits_starts_with(&some, &empty));
    assert_true(rind_bits_starts_with(&empty, &empty));
    assert_false(rind_bits_starts_with(&empty, &some));
    assert_int_equal(rind_bits_common_length(&some, &some), 4);
    struct rind_bit_vector shorter = bits("011");
    assert_int_equal(rind_bits_common_length(&some, &shorter), 3);
    assert_true(rind_bits_starts_with(&some, &shorter));
    assert_false(rind_bits_starts_with(&shorter, &some));
    struct rind_bit_vector end = rind_bits_slice(&some, 4, 4);
    assert_true(is_text(&end, ""));
}

static void strings_that_are_not_canonical_are_told(void **state)
{
    (void)state;
    struct rind_bit_vector vector = bits("0110");
    assert_true(rind_bits_is_valid(&vector));
    vector.bits[0] |= 0x08; /* right after the last bit */
    assert_false(rind_bits_is_valid(&vector));
    vector = bits("0110");
    vector.bits[31] = 1; /* in a byte that no bit uses */
    assert_false(rind_bits_is_valid(&vector));
    vector = bits("");
    vector.bits[0] = 0x80;
    assert_false(rind_bits_is_valid(&vector));
    vector = bits("");
    vector.length = 257;
    assert_false(rind_bits_is_valid(&vector));
    vector.length = UINT16_MAX;
    assert_false(rind_bits_is_valid(&vector));
    vector.length = 256;
    assert_true(rind_bits_is_valid(&vector));
}

static void text_separates_every_eight_bits(void **state)
{
    (void)state;
    char text[RIND_BITS_TEXT_SIZE_MAX];
    struct rind_bit_vector vector = bits("11110000111");
    rind_bits_text(&vector, text);
    assert_string_equal(text, "11110000 111");
    rind_bits_debug_text(&vector, text);
    assert_string_equal(text, "[11110000 111]");
    vector = bits("");
    rind_bits_text(&vector, text);
    assert_string_equal(text, "");
    rind_bits_debug_text(&vector, text);
    assert_string_equal(text, "[]");
    vector = bits("11110000");
    rind_bits_text(&vector, text);
    assert_string_equal(text, "11110000");
    struct rind_record_id id = {.bytes = {0}};
    vector = rind_bits_of_record_id(&id);
    rind_bits_debug_text(&vector, text);
    assert_int_equal(strlen(text), 256 + 31 + 2);
}

/* --- Row keys --- */

static void row_keys_are_those_of_the_vectors_and_come_apart_again(void **state)
{
    (void)state;
    static uint8_t memory[1 << 16];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    json_t *file = rind_vectors_load("merkle-storekeys.json");
    const json_t *cases = rind_vectors_get(file, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        rind_arena_reset(&arena);
        const json_t *test = json_array_get(cases, i);
        struct rind_node_key key = {.prefix = bits(rind_vectors_text(test, "prefix"))};
        memset(key.hash.bytes, 4, sizeof(key.hash.bytes));
        struct rind_row_key row_key;
        assert_true(rind_is_ok(rind_row_key_of_node(&ctx, &key, &row_key)));
        assert_true(rind_slice_equal(rind_row_key_slice(&row_key),
                                     rind_vectors_hex(test, "row_key", &arena)));
        struct rind_slice packed = rind_vectors_hex(test, "encoded_prefix", &arena);
        assert_memory_equal(row_key.bytes, packed.data, packed.length);
        assert_int_equal(row_key.length, packed.length + 32);

        struct rind_bit_vector prefix;
        struct rind_data_hash hash;
        assert_true(
            rind_is_ok(rind_row_key_parse(&ctx, rind_row_key_slice(&row_key), &prefix, &hash)));
        assert_true(rind_bits_equal(&prefix, &key.prefix));
        assert_true(rind_data_hash_equal(&hash, &key.hash));
    }
    json_decref(file);
}

static void path_ranges_hold_exactly_the_rows_of_each_prefix(void **state)
{
    (void)state;
    const uint8_t fills[] = {0x00, 0x01, 0x5a, 0xa5, 0x7f, 0x80, 0xfe, 0xff};
    static struct rind_row_key_range ranges[RIND_ROW_KEY_PATH_COUNT_MAX];
    for (size_t i = 0; i < sizeof(fills); i++) {
        struct rind_record_id id;
        memset(id.bytes, fills[i], sizeof(id.bytes));
        assert_int_equal(rind_row_key_path_ranges(&id, 0, ranges), 257);
        for (unsigned length = 0; length <= 256; length++) {
            struct rind_bit_vector prefix = rind_bits_of_record_id_prefix(&id, length);
            struct rind_row_key row_key;
            struct rind_data_hash hash;
            memset(hash.bytes, 0xff, sizeof(hash.bytes));
            rind_row_key_encode(&prefix, &hash, &row_key);
            const struct rind_row_key_range *range = &ranges[length];
            assert_int_equal(range->length, row_key.length - 32);
            assert_memory_equal(range->start, row_key.bytes, range->length);
            assert_memory_equal(range->end, range->start, range->length - 1u);
            assert_int_equal(range->end[range->length - 1], range->start[range->length - 1] + 1);
            struct rind_row_key_range single;
            rind_row_key_range_of(&id, length, &single);
            assert_memory_equal(single.start, range->start, range->length);
        }
        assert_int_equal(rind_row_key_path_ranges(&id, 250, ranges), 7);
        assert_int_equal(rind_row_key_path_ranges(&id, 256, ranges), 1);
        assert_int_equal(ranges[0].length, 38);
    }
}

static void all_prefixes_of_one_id_are_those_of_the_vectors(void **state)
{
    (void)state;
    static uint8_t memory[1 << 16];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    json_t *file = rind_vectors_load("merkle-storekeys.json");
    const json_t *all = rind_vectors_get(file, "all_prefixes");
    struct rind_record_id id = tree_vectors_id(all, "record_id");
    const json_t *encoded = rind_vectors_get(all, "encoded");
    assert_int_equal(json_array_size(encoded), 257);
    for (unsigned length = 0; length <= 256; length++) {
        struct rind_slice expected = rind_vectors_hex_of(json_array_get(encoded, length), &arena);
        struct rind_row_key_range range;
        rind_row_key_range_of(&id, length, &range);
        assert_true(rind_slice_equal(rind_slice_make(range.start, range.length), expected));
    }
    json_decref(file);
}

static bool parses(const uint8_t *bytes, size_t length)
{
    struct rind_bit_vector prefix;
    struct rind_data_hash hash;
    rind_status status = rind_row_key_parse(NULL, rind_slice_make(bytes, length), &prefix, &hash);
    assert_true(rind_is_ok(status) || rind_is(status, RIND_E_CORRUPT));
    return rind_is_ok(status);
}

static void bytes_that_are_no_row_key_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[80] = {0x80};
    assert_true(parses(bytes, 33)); /* the root's, hash all zero */
    assert_false(parses(bytes, 0));
    assert_false(parses(bytes, 32)); /* hash too short */
    assert_false(parses(bytes, 34)); /* hash too long */
    memset(bytes, 0, sizeof(bytes));
    assert_false(parses(bytes, 33)); /* no terminator */
    assert_false(parses(bytes, 70));
    bytes[0] = 0x81; /* bits in a group that is not there */
    assert_false(parses(bytes, 33));
    bytes[0] = 0x40;
    bytes[1] = 0x80; /* a group without bits */
    assert_false(parses(bytes, 34));
    bytes[1] = 0x88; /* more bits than a group has */
    assert_false(parses(bytes, 34));
    bytes[1] = 0x81;
    assert_true(parses(bytes, 34));
    bytes[0] = 0x60; /* a bit after the last */
    assert_false(parses(bytes, 34));
    memset(bytes, 0, sizeof(bytes));
    bytes[37] = 0x85; /* 257 bits */
    assert_false(parses(bytes, 70));
    bytes[37] = 0x84;
    assert_true(parses(bytes, 70));
    bytes[5] = 0x80; /* a terminator in the middle */
    assert_false(parses(bytes, 70));
}

static void a_node_key_that_is_not_canonical_has_no_row_key(void **state)
{
    (void)state;
    struct rind_node_key key = {.prefix = {.length = 300}};
    struct rind_row_key row_key;
    assert_true(rind_is(rind_row_key_of_node(NULL, &key, &row_key), RIND_E_INVALID));
    key.prefix = (struct rind_bit_vector){.length = 3, .bits = {0x01}};
    assert_true(rind_is(rind_row_key_of_node(NULL, &key, &row_key), RIND_E_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushed_bits_come_back_by_index),
        cmocka_unit_test(bytes_are_the_shortest_that_hold_the_bits),
        cmocka_unit_test(operations_agree_with_texts),
        cmocka_unit_test(everything_starts_with_the_empty_string),
        cmocka_unit_test(strings_that_are_not_canonical_are_told),
        cmocka_unit_test(text_separates_every_eight_bits),
        cmocka_unit_test(row_keys_are_those_of_the_vectors_and_come_apart_again),
        cmocka_unit_test(path_ranges_hold_exactly_the_rows_of_each_prefix),
        cmocka_unit_test(all_prefixes_of_one_id_are_those_of_the_vectors),
        cmocka_unit_test(bytes_that_are_no_row_key_are_refused),
        cmocka_unit_test(a_node_key_that_is_not_canonical_has_no_row_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
