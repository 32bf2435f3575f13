/* Scalars and points of ristretto255, the identity and zero above all. */
#include "crypto/crypto.h"

#include "crypto/check.h"
#include "support/test.h"
#include "support/vectors.h"

static uint8_t memory[1 << 16];
static struct rind_arena arena;

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, memory, sizeof(memory));
    return 0;
}

static struct rind_scalar scalar_of(uint32_t value)
{
    struct rind_scalar scalar;
    rind_scalar_from_u32(value, &scalar);
    return scalar;
}

static struct rind_point base_times(uint32_t value)
{
    struct rind_scalar scalar = scalar_of(value);
    struct rind_point point;
    rind_point_multiply_base(&scalar, &point);
    return point;
}

static void group_constants_are_those_of_the_vectors(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-dleq.json");
    json_t *constants = rind_vectors_get(root, "group_constants");
    struct rind_point expected;
    struct rind_scalar order;
    rind_vectors_hex_fixed(constants, "basepoint", expected.bytes, 32);
    struct rind_point base = base_times(1);
    assert_true(rind_point_equal(&base, &expected));
    rind_vectors_hex_fixed(constants, "identity", expected.bytes, 32);
    assert_true(rind_point_is_identity(&expected));
    rind_vectors_hex_fixed(constants, "order_L_le", order.bytes, 32);
    assert_false(rind_scalar_is_canonical(order.bytes));
    order.bytes[0]--;
    assert_true(rind_scalar_is_canonical(order.bytes));
    /* (L - 1) + 1 = 0 */
    struct rind_scalar one = scalar_of(1);
    rind_scalar_add(&order, &one, &order);
    assert_true(rind_scalar_is_zero(&order));
    json_decref(root);
}

static void invalid_encodings_are_refused(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-dleq.json");
    size_t index;
    json_t *text;
    struct rind_scalar scalar;
    struct rind_point point;
    json_array_foreach(rind_vectors_get(root, "invalid_point_encodings"), index, text)
    {
        const uint8_t *bytes = bytes_of_hex(&arena, json_string_value(text)).data;
        assert_false(rind_point_is_valid(bytes));
        assert_code(rind_point_decode(NULL, bytes, &point), RIND_E_DECODE);
    }
    assert_int_equal(index, 3);
    json_array_foreach(rind_vectors_get(root, "non_canonical_scalars"), index, text)
    {
        const uint8_t *bytes = bytes_of_hex(&arena, json_string_value(text)).data;
        assert_code(rind_scalar_decode(NULL, bytes, &scalar), RIND_E_DECODE);
    }
    assert_int_equal(index, 2);
    json_decref(root);
}

/* RFC 9496 appendix A.3, a selection of each kind of invalid encoding. */
static void bad_encodings_of_rfc_9496_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
        "c34c4e1826e5d403b78e246e88aa051c36ccf0aafebffe137d148a2bf9104562",
        "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
        "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
        "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    struct rind_scalar one = scalar_of(1);
    struct rind_scalar zero = scalar_of(0);
    struct rind_point base = base_times(1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rind_point point;
        struct rind_point product;
        memcpy(point.bytes, bytes_of_hex(&arena, bad[i]).data, 32);
        assert_false(rind_point_is_valid(point.bytes));
        assert_code(rind_point_multiply(NULL, &one, &point, &product), RIND_E_DECODE);
        assert_code(rind_point_multiply(NULL, &zero, &point, &product), RIND_E_DECODE);
        assert_code(rind_point_add(NULL, &point, &base, &product), RIND_E_DECODE);
        assert_code(rind_point_subtract(NULL, &base, &point, &product), RIND_E_DECODE);
    }
}

/* RFC 9496 appendix A.1: the multiples of the base point. */
static void multiples_of_the_base_are_those_of_rfc_9496(void **state)
{
    (void)state;
    static const char *const multiples[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76",
        "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919",
        "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259",
    };
    struct rind_point sum = base_times(0);
    for (uint32_t i = 0; i < 4; i++) {
        struct rind_point base = base_times(1);
        struct rind_scalar factor = scalar_of(i);
        struct rind_point product;
        const uint8_t *expected = bytes_of_hex(&arena, multiples[i]).data;
        assert_ok(rind_point_multiply(NULL, &factor, &base, &product));
        assert_memory_equal(product.bytes, expected, 32);
        struct rind_point by_base = base_times(i);
        assert_memory_equal(by_base.bytes, expected, 32);
        assert_memory_equal(sum.bytes, expected, 32);
        assert_ok(rind_point_add(NULL, &sum, &base, &sum));
    }
}

static void the_identity_is_an_ordinary_point(void **state)
{
    (void)state;
    struct rind_scalar zero = scalar_of(0);
    struct rind_scalar seven = scalar_of(7);
    struct rind_point identity = base_times(0);
    struct rind_point base = base_times(1);
    struct rind_point result = base;
    assert_true(rind_point_is_identity(&identity));
    assert_true(rind_point_is_valid(identity.bytes));
    assert_ok(rind_point_multiply(NULL, &zero, &base, &result));
    assert_true(rind_point_is_identity(&result));
    result = base;
    assert_ok(rind_point_multiply(NULL, &seven, &identity, &result));
    assert_true(rind_point_is_identity(&result));
    result = base;
    assert_ok(rind_point_multiply(NULL, &zero, &identity, &result));
    assert_true(rind_point_is_identity(&result));
    assert_ok(rind_point_add(NULL, &base, &identity, &result));
    assert_true(rind_point_equal(&result, &base));
    assert_ok(rind_point_subtract(NULL, &base, &base, &result));
    assert_true(rind_point_is_identity(&result));
    assert_false(rind_point_is_identity(&base));
}

static void canonical_means_below_the_order_at_every_byte(void **state)
{
    (void)state;
    struct rind_scalar zero = scalar_of(0);
    struct rind_scalar one = scalar_of(1);
    struct rind_scalar top;
    rind_scalar_subtract(&zero, &one, &top); /* L - 1 */
    assert_true(rind_scalar_is_canonical(zero.bytes));
    assert_true(rind_scalar_is_canonical(top.bytes));
    for (size_t i = 0; i < 32; i++) {
        uint8_t bytes[32];
        memcpy(bytes, top.bytes, 32);
        if (i > 0) { /* one more at any byte but the lowest is at least L */
            bytes[i]++;
            assert_false(rind_scalar_is_canonical(bytes));
            bytes[i]--;
        }
        if (bytes[i] > 0) {
            bytes[i]--;
            assert_true(rind_scalar_is_canonical(bytes));
        }
    }
}

static void inverses_multiply_to_one_and_zero_has_none(void **state)
{
    (void)state;
    struct rind_scalar zero = scalar_of(0);
    struct rind_scalar one = scalar_of(1);
    struct rind_scalar inverse;
    struct rind_scalar product;
    assert_code(rind_scalar_invert(NULL, &zero, &inverse), RIND_E_INVALID);
    for (uint32_t i = 1; i < 50; i++) {
        struct rind_scalar scalar = scalar_of(i * 0x1234567u);
        assert_ok(rind_scalar_invert(NULL, &scalar, &inverse));
        rind_scalar_multiply(&scalar, &inverse, &product);
        assert_true(rind_scalar_equal(&product, &one));
    }
}

static void wide_bytes_are_reduced(void **state)
{
    (void)state;
    uint8_t wide[64] = {0};
    struct rind_scalar scalar;
    struct rind_scalar five = scalar_of(5);
    memcpy(wide,
           bytes_of_hex(&arena, "f2d3f55c1a631258d69cf7a2def9de14"
                                "00000000000000000000000000000010")
               .data,
           32); /* L + 5 */
    rind_scalar_from_wide(wide, &scalar);
    assert_true(rind_scalar_equal(&scalar, &five));
}

/* RFC 9496 appendix A.4's label hashed as we hash: SHA-512, then the derivation. */
static void hashing_to_the_group_is_that_of_rfc_9496(void **state)
{
    (void)state;
    struct rind_point point;
    rind_point_from_hash(rind_slice_text("Ristretto is traditionally a short shot of espresso "
                                         "coffee"),
                         &point);
    assert_memory_equal(
        point.bytes,
        bytes_of_hex(&arena, "3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46")
            .data,
        32);
}

static void fill_counting(void *self, void *bytes, size_t size)
{
    *(size_t *)self += size;
    memset(bytes, 0xff, size);
}

static void random_scalars_draw_64_bytes_and_are_canonical(void **state)
{
    (void)state;
    size_t drawn = 0;
    struct rind_random random = {fill_counting, &drawn};
    struct rind_scalar scalar;
    rind_scalar_random(&random, &scalar);
    assert_int_equal(drawn, 64);
    assert_true(rind_scalar_is_canonical(scalar.bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(group_constants_are_those_of_the_vectors, setup),
        cmocka_unit_test_setup(invalid_encodings_are_refused, setup),
        cmocka_unit_test_setup(bad_encodings_of_rfc_9496_are_refused, setup),
        cmocka_unit_test_setup(multiples_of_the_base_are_those_of_rfc_9496, setup),
        cmocka_unit_test_setup(the_identity_is_an_ordinary_point, setup),
        cmocka_unit_test_setup(canonical_means_below_the_order_at_every_byte, setup),
        cmocka_unit_test_setup(inverses_multiply_to_one_and_zero_has_none, setup),
        cmocka_unit_test_setup(wide_bytes_are_reduced, setup),
        cmocka_unit_test_setup(hashing_to_the_group_is_that_of_rfc_9496, setup),
        cmocka_unit_test_setup(random_scalars_draw_64_bytes_and_are_canonical, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
