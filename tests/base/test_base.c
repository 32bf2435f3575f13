/* test_base.c - arena, buffer, hex, constant-time comparison, status. */
#include "support/test.h"

#include "base/base.h"

static void arena_returns_null_when_full_and_remembers_it(void **state)
{
    (void)state;
    alignas(64) uint8_t memory[64];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    assert_non_null(rind_arena_alloc_aligned(&arena, 64, 1));
    assert_false(arena.is_exhausted);
    assert_null(rind_arena_alloc_aligned(&arena, 1, 1));
    assert_true(arena.is_exhausted);
    rind_arena_reset(&arena);
    assert_false(arena.is_exhausted);
    assert_non_null(rind_arena_alloc_aligned(&arena, 1, 1));
}

static void arena_array_refuses_a_product_that_overflows(void **state)
{
    (void)state;
    uint8_t memory[64];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    assert_null(rind_arena_alloc_array(&arena, SIZE_MAX / 2, 3));
    assert_true(arena.is_exhausted);
}

static void arena_aligns_and_zeroes(void **state)
{
    (void)state;
    uint8_t memory[256];
    memset(memory, 0xaa, sizeof(memory));
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    (void)rind_arena_alloc_aligned(&arena, 1, 1);
    uint8_t *bytes = rind_arena_alloc_aligned(&arena, 32, 64);
    assert_int_equal((uintptr_t)bytes % 64, 0);
    assert_true(rind_ct_is_zero(bytes, 32));
}

static void arena_release_wipes(void **state)
{
    (void)state;
    uint8_t memory[64];
    struct rind_arena arena;
    rind_arena_init(&arena, memory, sizeof(memory));
    size_t mark = rind_arena_mark(&arena);
    uint8_t *secret = rind_arena_alloc_aligned(&arena, 16, 1);
    memset(secret, 7, 16);
    rind_arena_release(&arena, mark);
    assert_true(rind_ct_is_zero(memory, 16));
    assert_int_equal(arena.used, 0);
}

static void buffer_overflow_is_sticky_and_writes_nothing(void **state)
{
    (void)state;
    char memory[4] = "....";
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, memory, 3);
    rind_buffer_append(&buffer, rind_slice_text("abcd"));
    assert_true(buffer.is_overflown);
    rind_buffer_append_byte(&buffer, 'x');
    assert_int_equal(buffer.length, 0);
    assert_memory_equal(memory, "....", 4);
}

static void hex_round_trips_every_byte(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value;
        char text[RIND_HEX_SIZE(1)];
        char expected[3];
        (void)snprintf(expected, sizeof(expected), "%02x", value);
        rind_hex_encode(rind_slice_make(&byte, 1), text);
        assert_string_equal(text, expected);
        uint8_t back = 0;
        assert_true(rind_hex_decode(rind_slice_text(text), &back, 1));
        assert_int_equal(back, value);
    }
}

static void hex_accepts_exactly_the_22_digits(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[2] = {(char)c, '0'};
        uint8_t byte;
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        assert_int_equal(rind_hex_decode(rind_slice_make(text, 2), &byte, 1), is_digit);
    }
    uint8_t two[2];
    assert_false(rind_hex_decode(rind_slice_text("abc"), two, 2));
    assert_false(rind_hex_decode(rind_slice_text("abcdef"), two, 2));
}

static void ct_equal_sees_each_flipped_bit(void **state)
{
    (void)state;
    uint8_t a[32] = {1, 2, 3};
    uint8_t b[32] = {1, 2, 3};
    assert_true(rind_ct_equal(a, b, sizeof(a)));
    for (unsigned bit = 0; bit < 256; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(rind_ct_equal(a, b, sizeof(a)));
        b[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

static rind_status fail_inside(struct rind_ctx *ctx)
{
    return rind_fail(ctx, RIND_E_LIMIT, "row has %d cells", 7);
}

static void sentence_gains_a_clause_on_the_way_up(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_fail_while(&ctx, fail_inside(&ctx), "while appending row %d", 17);
    assert_true(rind_is(status, RIND_E_LIMIT));
    assert_string_equal(ctx.sentence, "while appending row 17: row has 7 cells");
    assert_string_equal(rind_code_name(RIND_E_LIMIT), "limit reached");
}

static void ct_is_at_most_compares_any_two_bytes(void **state)
{
    (void)state;
    for (unsigned value = 0; value <= UINT8_MAX; value++) {
        for (unsigned limit = 0; limit <= UINT8_MAX; limit++) {
            assert_int_equal(rind_ct_is_at_most((uint8_t)value, (uint8_t)limit), value <= limit);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_returns_null_when_full_and_remembers_it),
        cmocka_unit_test(arena_array_refuses_a_product_that_overflows),
        cmocka_unit_test(arena_aligns_and_zeroes),
        cmocka_unit_test(arena_release_wipes),
        cmocka_unit_test(buffer_overflow_is_sticky_and_writes_nothing),
        cmocka_unit_test(hex_round_trips_every_byte),
        cmocka_unit_test(hex_accepts_exactly_the_22_digits),
        cmocka_unit_test(ct_equal_sees_each_flipped_bit),
        cmocka_unit_test(ct_is_at_most_compares_any_two_bytes),
        cmocka_unit_test(sentence_gains_a_clause_on_the_way_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
