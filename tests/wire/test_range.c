/* test_range.c - record ids, ranges, their text forms; order of node keys and deltas. */
#include "fixture.h"
#include "support/vectors.h"

static struct rind_record_id record_id(const char *prefix_hex, uint8_t fill)
{
    struct rind_record_id id;
    memset(id.bytes, fill, sizeof(id.bytes));
    assert_true(rind_hex_decode(rind_slice_text(prefix_hex), id.bytes, strlen(prefix_hex) / 2));
    return id;
}

static struct rind_owned_range owned_range(const char *start_hex, const char *end_hex)
{
    return (struct rind_owned_range){record_id(start_hex, 0x00), record_id(end_hex, 0xff)};
}

static void next_and_prev_carry_and_end_at_the_limits(void **state)
{
    (void)state;
    struct rind_record_id result;
    struct rind_record_id zero = record_id("", 0x00);
    struct rind_record_id ones = record_id("", 0xff);
    assert_false(rind_record_id_next(&ones, &result));
    assert_false(rind_record_id_prev(&zero, &result));
    struct rind_record_id low = record_id("00", 0xff);
    struct rind_record_id high = record_id("01", 0x00);
    assert_true(rind_record_id_next(&low, &result));
    assert_true(rind_record_id_equal(&result, &high));
    assert_true(rind_record_id_prev(&high, &high));
    assert_true(rind_record_id_equal(&high, &low));
}

static void contains_includes_both_ends(void **state)
{
    (void)state;
    struct rind_owned_range range = owned_range("10", "1f");
    struct rind_record_id below = record_id("0f", 0xff);
    struct rind_record_id above = record_id("20", 0x00);
    assert_true(rind_owned_range_contains(&range, &range.start));
    assert_true(rind_owned_range_contains(&range, &range.end));
    assert_false(rind_owned_range_contains(&range, &below));
    assert_false(rind_owned_range_contains(&range, &above));
}

static void overlap_is_symmetric_and_includes_nesting(void **state)
{
    (void)state;
    struct rind_owned_range outer = owned_range("10", "3f");
    struct rind_owned_range inner = owned_range("20", "2f");
    struct rind_owned_range right = owned_range("3f", "5f");
    struct rind_owned_range away = owned_range("40", "5f");
    assert_true(rind_owned_range_overlaps(&outer, &inner));
    assert_true(rind_owned_range_overlaps(&inner, &outer));
    assert_true(rind_owned_range_overlaps(&outer, &right));
    assert_true(rind_owned_range_overlaps(&right, &outer));
    assert_false(rind_owned_range_overlaps(&outer, &away));
    assert_false(rind_owned_range_overlaps(&away, &outer));
    assert_true(rind_owned_range_contains_range(&outer, &inner));
    assert_true(rind_owned_range_contains_range(&outer, &outer));
    assert_false(rind_owned_range_contains_range(&inner, &outer));
    assert_false(rind_owned_range_contains_range(&outer, &right));
}

static void only_adjacent_ranges_join(void **state)
{
    (void)state;
    struct rind_owned_range left = owned_range("", "7f");
    struct rind_owned_range right = owned_range("80", "");
    struct rind_owned_range gap = owned_range("81", "");
    struct rind_owned_range full = rind_owned_range_full();
    struct rind_owned_range joined;
    assert_true(rind_owned_range_join(&left, &right, &joined));
    assert_true(rind_owned_range_equal(&joined, &full));
    assert_true(rind_owned_range_join(&right, &left, &joined));
    assert_true(rind_owned_range_equal(&joined, &full));
    assert_false(rind_owned_range_join(&left, &gap, &joined));
    assert_false(rind_owned_range_join(&left, &left, &joined));
    assert_false(rind_owned_range_join(&full, &full, &joined));
    assert_false(rind_owned_range_join(&full, &right, &joined));
}

static void split_at_gives_the_start_of_the_right_piece(void **state)
{
    (void)state;
    struct rind_owned_range owned = owned_range("10", "3f");
    struct rind_owned_range head = owned_range("10", "1f");
    struct rind_owned_range tail = owned_range("20", "3f");
    struct rind_owned_range middle = owned_range("20", "2f");
    struct rind_owned_range beyond = owned_range("10", "4f");
    struct rind_record_id split;
    assert_true(rind_owned_range_split_at(&owned, &head, &split));
    assert_true(rind_record_id_equal(&split, &tail.start));
    assert_true(rind_owned_range_split_at(&owned, &tail, &split));
    assert_true(rind_record_id_equal(&split, &tail.start));
    assert_false(rind_owned_range_split_at(&owned, &middle, &split));
    assert_false(rind_owned_range_split_at(&owned, &owned, &split));
    assert_false(rind_owned_range_split_at(&owned, &beyond, &split));
}

/* The first is 02 section 18: a failed precondition there, no answer here. */
static void invalid_ranges_have_no_answers(void **state)
{
    (void)state;
    struct rind_owned_range owned = owned_range("0e333333", "12333332");
    struct rind_owned_range inverted = owned_range("0e333333", "0e333332");
    struct rind_owned_range inside = owned_range("11", "10");
    struct rind_owned_range result;
    struct rind_record_id split;
    assert_false(rind_owned_range_overlaps(&owned, &inside));
    assert_false(rind_owned_range_overlaps(&inside, &owned));
    assert_false(rind_owned_range_contains_range(&owned, &inside));
    assert_false(rind_owned_range_is_valid(&inverted));
    assert_false(rind_owned_range_split_at(&owned, &inverted, &split));
    assert_false(rind_owned_range_split_at(&inverted, &owned, &split));
    assert_false(rind_owned_range_join(&owned, &inverted, &result));
    assert_false(rind_owned_range_join(&inverted, &inverted, &result));
    assert_false(rind_owned_range_overlaps(&owned, &inverted));
    assert_false(rind_owned_range_overlaps(&inverted, &owned));
    assert_false(rind_owned_range_contains_range(&owned, &inverted));
    assert_false(rind_owned_range_contains(&inverted, &inverted.start));
}

static void text_forms_are_those_of_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("hsm-types.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "display"), index, sample)
    {
        char memory[RIND_OWNED_RANGE_TEXT_SIZE];
        struct rind_buffer out;
        rind_buffer_init(&out, memory, sizeof(memory));
        if (strcmp(rind_vectors_text(sample, "type"), "RecordId") == 0) {
            struct rind_record_id id;
            rind_vectors_hex_fixed(sample, "hex", id.bytes, sizeof(id.bytes));
            rind_record_id_print(&out, &id);
        } else {
            struct rind_owned_range range;
            rind_vectors_hex_fixed(sample, "start", range.start.bytes, 32);
            rind_vectors_hex_fixed(sample, "end", range.end.bytes, 32);
            rind_owned_range_print(&out, &range);
        }
        rind_buffer_append_byte(&out, 0);
        assert_string_equal(memory, rind_vectors_text(sample, "display"));
    }
    assert_int_equal(index, 9);
    json_decref(file);
}

static void runs_of_three_are_printed_and_runs_of_four_are_cut(void **state)
{
    (void)state;
    for (size_t run = 3; run <= 4; run++) {
        char memory[RIND_RECORD_ID_TEXT_SIZE];
        struct rind_buffer out;
        struct rind_record_id id;
        memset(id.bytes, 0xaa, sizeof(id.bytes));
        memset(id.bytes + 32 - run, 0xff, run);
        rind_buffer_init(&out, memory, sizeof(memory));
        rind_record_id_print(&out, &id);
        assert_int_equal(out.length, run == 3 ? 66 : 2 + 2 * 29 + 3);
    }
}

static void roles_print_with_their_clock(void **state)
{
    (void)state;
    static const struct {
        struct rind_role_status status;
        const char *text;
    } cases[] = {
        {{.role = {.kind = RIND_ROLE_LEADER}, .at = 1}, "Leader (@1)"},
        {{.role = {.kind = RIND_ROLE_STEPPING_DOWN}, .at = 17}, "Stepping Down (@17)"},
        {{.role = {.kind = RIND_ROLE_WITNESS}, .at = UINT64_MAX},
         "Witness (@18446744073709551615)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char memory[64];
        struct rind_buffer out;
        rind_buffer_init(&out, memory, sizeof(memory));
        rind_role_status_print(&out, &cases[i].status);
        rind_buffer_append_byte(&out, 0);
        assert_string_equal(memory, cases[i].text);
    }
}

static void long_form_of_a_range_has_all_digits(void **state)
{
    (void)state;
    char memory[RIND_OWNED_RANGE_TEXT_SIZE];
    struct rind_buffer out;
    struct rind_owned_range full = rind_owned_range_full();
    rind_buffer_init(&out, memory, sizeof(memory));
    rind_owned_range_print_long(&out, &full);
    rind_buffer_append_byte(&out, 0);
    assert_false(out.is_overflown);
    assert_int_equal(strlen(memory), RIND_OWNED_RANGE_TEXT_SIZE - 1);
    assert_memory_equal(memory, "[0x0000", 7);
    assert_non_null(strstr(memory, "00-0xff"));
}

static void realm_id_parsing_drops_dashes_only(void **state)
{
    (void)state;
    static const char *const good[] = {
        "000102030405060708090a0b0c0d0e0f",
        "00010203-0405-0607-0809-0A0B0C0D0E0F",
        "--000102030405060708090a0b0c0d0e0f-",
    };
    static const char *const bad[] = {"", "00", "000102030405060708090a0b0c0d0e0f00",
                                      "000102030405060708090a0b0c0d0e0g",
                                      "0001020304050607 8090a0b0c0d0e0f0"};
    struct rind_realm_id id;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(rind_realm_id_parse(rind_slice_text(good[i]), &id));
        for (uint8_t byte = 0; byte < 16; byte++) {
            assert_int_equal(id.bytes[byte], byte);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(rind_realm_id_parse(rind_slice_text(bad[i]), &id));
    }
}

/* --- Node keys and deltas --- */

static struct rind_bit_vector bits(const char *text)
{
    struct rind_bit_vector vector = {.length = (uint16_t)strlen(text)};
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '1') {
            vector.bits[i / 8] |= (uint8_t)(0x80u >> (i % 8));
        }
    }
    return vector;
}

static void bit_vectors_order_by_bit_with_prefixes_first(void **state)
{
    (void)state;
    static const char *const ascending[] = {"",   "0",         "00", "00000000", "000000001",
                                            "01", "011111111", "1",  "10",       "11111111"};
    const size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            struct rind_bit_vector left = bits(ascending[a]);
            struct rind_bit_vector right = bits(ascending[b]);
            int order = rind_bit_vector_compare(&left, &right);
            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
        }
    }
}

static void foreign_bit_vectors_are_safe_to_compare(void **state)
{
    (void)state;
    struct rind_bit_vector absurd = {.length = UINT16_MAX};
    struct rind_bit_vector full = {.length = 256};
    struct rind_bit_vector stray = {.length = 3, .bits = {0x1f}};
    struct rind_bit_vector clean = {.length = 3};
    assert_int_equal(rind_bit_vector_compare(&absurd, &full), 0);
    assert_int_equal(rind_bit_vector_compare(&stray, &clean), 0);
}

static struct rind_node_key node_key(const char *prefix, uint8_t hash)
{
    struct rind_node_key key = {.prefix = bits(prefix)};
    memset(key.hash.bytes, hash, sizeof(key.hash.bytes));
    return key;
}

static void sorting_a_delta_orders_it_and_keeps_the_last_of_equals(void **state)
{
    struct fixture *fixture = *state;
    struct rind_node_addition add[] = {
        {node_key("1", 1), {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("a")}}},
        {node_key("", 9), {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("b")}}},
        {node_key("1", 1), {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("c")}}},
        {node_key("1", 0), {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("d")}}},
        {node_key("1", 1), {.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("e")}}},
    };
    struct rind_node_key removals[] = {node_key("01", 2), node_key("0", 2), node_key("01", 2)};
    struct rind_store_delta delta = {{add, 5}, {removals, 3}};
    size_t used = fixture->arena.used;
    assert_true(rind_is_ok(rind_store_delta_sort(&fixture->ctx, &delta)));
    assert_int_equal(fixture->arena.used, used);
    assert_int_equal(delta.add.count, 3);
    assert_true(rind_slice_is_text(add[0].node.leaf.value, "b"));
    assert_true(rind_slice_is_text(add[1].node.leaf.value, "d"));
    assert_true(rind_slice_is_text(add[2].node.leaf.value, "e"));
    assert_int_equal(delta.remove.count, 2);
    assert_int_equal(removals[0].prefix.length, 1);
    assert_int_equal(removals[1].prefix.length, 2);
}

static void repeats_in_a_sorted_delta_collapse_too(void **state)
{
    struct fixture *fixture = *state;
    struct rind_node_key removals[] = {node_key("0", 2), node_key("0", 2), node_key("1", 2)};
    struct rind_store_delta delta = {{NULL, 0}, {removals, 3}};
    assert_true(rind_is_ok(rind_store_delta_sort(&fixture->ctx, &delta)));
    assert_int_equal(delta.remove.count, 2);
}

static void deltas_of_every_small_size_come_out_ascending(void **state)
{
    struct fixture *fixture = *state;
    for (size_t count = 0; count < 70; count++) {
        struct rind_node_key removals[70];
        for (size_t i = 0; i < count; i++) {
            removals[i] = node_key("1", (uint8_t)(i * 37 + 11));
        }
        struct rind_store_delta delta = {{NULL, 0}, {removals, count}};
        assert_true(rind_is_ok(rind_store_delta_sort(&fixture->ctx, &delta)));
        assert_int_equal(delta.remove.count, count);
        for (size_t i = 1; i < count; i++) {
            assert_true(rind_node_key_compare(&removals[i - 1], &removals[i]) < 0);
        }
    }
}

static void sorting_without_room_leaves_the_delta_alone(void **state)
{
    (void)state;
    alignas(max_align_t) uint8_t memory[64];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    struct rind_node_key removals[] = {node_key("1", 2), node_key("0", 2)};
    struct rind_store_delta delta = {{NULL, 0}, {removals, 2}};
    assert_true(rind_is(rind_store_delta_sort(&ctx, &delta), RIND_E_LIMIT));
    assert_int_equal(delta.remove.count, 2);
    assert_int_equal(removals[0].prefix.bits[0], 0x80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(next_and_prev_carry_and_end_at_the_limits),
        TEST(contains_includes_both_ends),
        TEST(overlap_is_symmetric_and_includes_nesting),
        TEST(only_adjacent_ranges_join),
        TEST(split_at_gives_the_start_of_the_right_piece),
        TEST(invalid_ranges_have_no_answers),
        TEST(text_forms_are_those_of_the_vectors),
        TEST(runs_of_three_are_printed_and_runs_of_four_are_cut),
        TEST(roles_print_with_their_clock),
        TEST(long_form_of_a_range_has_all_digits),
        TEST(realm_id_parsing_drops_dashes_only),
        TEST(bit_vectors_order_by_bit_with_prefixes_first),
        TEST(foreign_bit_vectors_are_safe_to_compare),
        TEST(sorting_a_delta_orders_it_and_keeps_the_last_of_equals),
        TEST(repeats_in_a_sorted_delta_collapse_too),
        TEST(deltas_of_every_small_size_come_out_ascending),
        TEST(sorting_without_room_leaves_the_delta_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
