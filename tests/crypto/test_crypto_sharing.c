/* Shamir's secret sharing of scalars and points. */
#include "crypto/crypto.h"

#include "base/hex.h"
#include "crypto/check.h"
#include "support/test.h"
#include "support/vectors.h"

static void subset_recover(const json_t *subset, const json_t *shares, const char *expected_key)
{
    struct rind_scalar_share scalars[RIND_SHARES_COUNT_MAX];
    struct rind_point_share points[RIND_SHARES_COUNT_MAX];
    struct rind_scalar expected;
    struct rind_scalar scalar;
    struct rind_point expected_point;
    struct rind_point point;
    json_t *indices = rind_vectors_get(subset, "indices");
    size_t count = json_array_size(indices);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = (uint32_t)json_integer_value(json_array_get(indices, i));
        const json_t *share = json_array_get(shares, index - 1);
        scalars[i].index = index;
        points[i].index = index;
        rind_vectors_hex_fixed(share, "scalar", scalars[i].value.bytes, 32);
        rind_vectors_hex_fixed(share, "point_times_basepoint", points[i].value.bytes, 32);
    }
    rind_vectors_hex_fixed(subset, expected_key, expected.bytes, 32);
    assert_ok(rind_secret_sharing_recover_scalar(NULL, scalars, count, &scalar));
    assert_true(rind_scalar_equal(&scalar, &expected));
    rind_point_multiply_base(&expected, &expected_point);
    assert_ok(rind_secret_sharing_recover_point(NULL, points, count, &point));
    assert_true(rind_point_equal(&point, &expected_point));
}

static void check_sharing_vector(const json_t *vector)
{
    struct rind_scalar secret;
    struct rind_scalar coefficients[RIND_SHARES_COUNT_MAX];
    struct rind_scalar_share shares[RIND_SHARES_COUNT_MAX];
    uint32_t threshold = (uint32_t)rind_vectors_integer(vector, "threshold");
    uint32_t count = (uint32_t)rind_vectors_integer(vector, "count");
    rind_vectors_hex_fixed(vector, "secret", secret.bytes, 32);
    json_t *drawn = rind_vectors_get(vector, "coefficients_in_generation_order");
    assert_int_equal(json_array_size(drawn), threshold - 1);
    for (size_t i = 0; i < json_array_size(drawn); i++) {
        const char *hex = json_string_value(json_array_get(drawn, i));
        assert_true(rind_hex_decode(rind_slice_text(hex), coefficients[i].bytes, 32));
    }
    rind_secret_sharing_create(&secret, coefficients, threshold, count, shares);
    json_t *expected = rind_vectors_get(vector, "shares");
    assert_int_equal(json_array_size(expected), count);
    for (uint32_t i = 0; i < count; i++) {
        struct rind_scalar scalar;
        rind_vectors_hex_fixed(json_array_get(expected, i), "scalar", scalar.bytes, 32);
        assert_int_equal(shares[i].index,
                         rind_vectors_integer(json_array_get(expected, i), "index"));
        assert_true(rind_scalar_equal(&shares[i].value, &scalar));
    }
    size_t index;
    json_t *subset;
    json_array_foreach(rind_vectors_get(vector, "subsets"), index, subset)
    {
        subset_recover(subset, expected, "recovers");
    }
    assert_true(index > 0);
    json_t *insufficient = rind_vectors_get(vector, "insufficient_subset");
    if (!json_is_null(insufficient)) {
        subset_recover(insufficient, expected, "recovers");
    }
}

static void vectors_hold_for_scalars_and_points(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-secret-sharing.json");
    json_t *vectors = rind_vectors_get(root, "vectors");
    assert_int_equal(json_array_size(vectors), 4);
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        check_sharing_vector(vector);
    }
    json_decref(root);
}

static void any_threshold_of_shares_or_more_give_the_secret_and_fewer_do_not(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 10; count++) {
        for (uint32_t threshold = 1; threshold <= count; threshold++) {
            struct rind_scalar secret;
            struct rind_scalar recovered;
            struct rind_scalar coefficients[10];
            struct rind_scalar_share shares[10];
            rind_scalar_from_hash(rind_slice_make(&count, sizeof(count)), &secret);
            for (uint32_t i = 0; i + 1 < threshold; i++) {
                uint32_t seed[] = {count, threshold, i};
                rind_scalar_from_hash(rind_slice_make(seed, sizeof(seed)), &coefficients[i]);
            }
            rind_secret_sharing_create(&secret, coefficients, threshold, count, shares);
            for (uint32_t first = 0; first < count; first++) {
                for (uint32_t given = 1; first + given <= count; given++) {
                    assert_ok(rind_secret_sharing_recover_scalar(NULL, shares + first, given,
                                                                 &recovered));
                    assert_int_equal(rind_scalar_equal(&recovered, &secret), given >= threshold);
                }
            }
        }
    }
}

static void the_largest_configuration_works(void **state)
{
    (void)state;
    static struct rind_scalar coefficients[RIND_SHARES_COUNT_MAX];
    static struct rind_scalar_share shares[RIND_SHARES_COUNT_MAX];
    struct rind_scalar secret;
    struct rind_scalar recovered;
    rind_scalar_from_hash(rind_slice_text("secret"), &secret);
    for (uint32_t i = 0; i < RIND_SHARES_COUNT_MAX; i++) {
        rind_scalar_from_hash(rind_slice_make(&i, sizeof(i)), &coefficients[i]);
    }
    rind_secret_sharing_create(&secret, coefficients, 128, RIND_SHARES_COUNT_MAX, shares);
    assert_ok(rind_secret_sharing_recover_scalar(NULL, shares + 127, 128, &recovered));
    assert_true(rind_scalar_equal(&recovered, &secret));
}

static void wrong_sets_of_shares_are_refused(void **state)
{
    (void)state;
    struct rind_scalar_share scalars[RIND_SHARES_COUNT_MAX + 1] = {{1, {{1}}}, {1, {{2}}}};
    struct rind_point_share points[2] = {{1, {{0}}}, {2, {{0}}}};
    struct rind_scalar scalar;
    struct rind_point point;
    assert_code(rind_secret_sharing_recover_scalar(NULL, scalars, 2, &scalar), RIND_E_INVALID);
    assert_code(rind_secret_sharing_recover_scalar(NULL, scalars, 0, &scalar), RIND_E_INVALID);
    scalars[1].index = 0;
    assert_code(rind_secret_sharing_recover_scalar(NULL, scalars, 2, &scalar), RIND_E_INVALID);
    assert_code(
        rind_secret_sharing_recover_scalar(NULL, scalars, RIND_SHARES_COUNT_MAX + 1, &scalar),
        RIND_E_LIMIT);
    assert_ok(rind_secret_sharing_recover_point(NULL, points, 2, &point));
    assert_true(rind_point_is_identity(&point));
    memset(points[1].value.bytes, 0xff, 32);
    assert_code(rind_secret_sharing_recover_point(NULL, points, 2, &point), RIND_E_DECODE);
    points[1].index = 1;
    assert_code(rind_secret_sharing_recover_point(NULL, points, 2, &point), RIND_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_hold_for_scalars_and_points),
        cmocka_unit_test(any_threshold_of_shares_or_more_give_the_secret_and_fewer_do_not),
        cmocka_unit_test(the_largest_configuration_works),
        cmocka_unit_test(wrong_sets_of_shares_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
