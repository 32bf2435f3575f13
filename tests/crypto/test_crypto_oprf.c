/* The OPRF and its proofs. */
#include "crypto/crypto.h"

#include "crypto/check.h"
#include "support/test.h"
#include "support/vectors.h"

static uint8_t memory[1 << 16];
static struct rind_arena arena;

/* What a proof is about, and the proof. */
struct statement {
    struct rind_scalar private_key;
    struct rind_point public_key;
    struct rind_point blinded_input;
    struct rind_point blinded_output;
    struct rind_dleq proof;
};

static int setup(void **state)
{
    (void)state;
    rind_arena_init(&arena, memory, sizeof(memory));
    return 0;
}

static void scalar_from_seed(const json_t *vector, const char *seed_key, const char *key,
                             struct rind_scalar *scalar)
{
    uint8_t seed[RIND_SCALAR_WIDE_SIZE];
    struct rind_scalar expected;
    rind_vectors_hex_fixed(vector, seed_key, seed, sizeof(seed));
    rind_vectors_hex_fixed(vector, key, expected.bytes, 32);
    rind_scalar_from_wide(seed, scalar);
    assert_true(rind_scalar_equal(scalar, &expected));
}

static void assert_point(const json_t *vector, const char *key, const struct rind_point *point)
{
    struct rind_point expected;
    rind_vectors_hex_fixed(vector, key, expected.bytes, 32);
    assert_memory_equal(point->bytes, expected.bytes, 32);
}

static void check_oprf_vector(const json_t *vector)
{
    struct statement s;
    struct rind_scalar blinding;
    struct rind_scalar beta_t;
    struct rind_point point;
    struct rind_oprf_output output;
    struct rind_oprf_output expected;
    struct rind_slice input = rind_vectors_hex(vector, "input", &arena);
    scalar_from_seed(vector, "private_key_seed64", "private_key", &s.private_key);
    scalar_from_seed(vector, "blinding_factor_seed64", "blinding_factor", &blinding);
    scalar_from_seed(vector, "beta_t_seed64", "beta_t", &beta_t);
    rind_point_multiply_base(&s.private_key, &s.public_key);
    assert_point(vector, "public_key", &s.public_key);
    rind_point_from_hash(input, &point);
    assert_point(vector, "input_point", &point);

    rind_oprf_blind(input, &blinding, &s.blinded_input);
    assert_point(vector, "blinded_input", &s.blinded_input);
    assert_ok(rind_oprf_evaluate(NULL, &s.private_key, &s.blinded_input, &s.blinded_output));
    assert_point(vector, "blinded_output", &s.blinded_output);
    assert_ok(rind_dleq_prove(NULL, &s.private_key, &s.public_key, &s.blinded_input,
                              &s.blinded_output, &beta_t, &s.proof));
    struct rind_dleq proof;
    rind_vectors_hex_fixed(vector, "proof_c", proof.c.bytes, 32);
    rind_vectors_hex_fixed(vector, "proof_beta_z", proof.beta_z.bytes, 32);
    assert_memory_equal(&s.proof, &proof, sizeof(proof));
    assert_ok(rind_dleq_verify(NULL, &s.public_key, &s.blinded_input, &s.blinded_output, &proof));

    rind_vectors_hex_fixed(vector, "output", expected.bytes, sizeof(expected.bytes));
    assert_ok(rind_oprf_finalize(NULL, input, &blinding, &s.blinded_output, &output));
    assert_true(rind_oprf_output_equal(&output, &expected));
    memset(&output, 0, sizeof(output));
    rind_oprf_evaluate_directly(input, &s.private_key, &output);
    assert_true(rind_oprf_output_equal(&output, &expected));
}

static void vectors_hold_at_every_step(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-oprf.json");
    json_t *vectors = rind_vectors_get(root, "vectors");
    assert_int_equal(json_array_size(vectors), 10);
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        rind_arena_reset(&arena);
        check_oprf_vector(vector);
    }
    json_decref(root);
}

static void proofs_of_the_vectors_are_accepted_or_refused_as_they_say(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-dleq.json");
    json_t *cases = rind_vectors_get(root, "cases");
    assert_int_equal(json_array_size(cases), 7);
    size_t index;
    json_t *vector;
    json_array_foreach(cases, index, vector)
    {
        struct statement s;
        rind_vectors_hex_fixed(vector, "public_key", s.public_key.bytes, 32);
        rind_vectors_hex_fixed(vector, "blinded_input", s.blinded_input.bytes, 32);
        rind_vectors_hex_fixed(vector, "blinded_output", s.blinded_output.bytes, 32);
        rind_vectors_hex_fixed(vector, "proof_c", s.proof.c.bytes, 32);
        rind_vectors_hex_fixed(vector, "proof_beta_z", s.proof.beta_z.bytes, 32);
        bool is_accepted = strcmp(rind_vectors_text(vector, "expect"), "accept") == 0;
        assert_code(
            rind_dleq_verify(NULL, &s.public_key, &s.blinded_input, &s.blinded_output, &s.proof),
            is_accepted ? RIND_E_OK : RIND_E_AUTH);
    }
    json_decref(root);
}

static void statement_make(struct statement *s, uint32_t private_key, uint32_t input_factor)
{
    struct rind_scalar factor;
    struct rind_scalar beta_t;
    rind_scalar_from_u32(private_key, &s->private_key);
    rind_scalar_from_u32(input_factor, &factor);
    rind_scalar_from_u32(31337, &beta_t);
    rind_point_multiply_base(&s->private_key, &s->public_key);
    rind_point_multiply_base(&factor, &s->blinded_input);
    assert_ok(rind_oprf_evaluate(NULL, &s->private_key, &s->blinded_input, &s->blinded_output));
    assert_ok(rind_dleq_prove(NULL, &s->private_key, &s->public_key, &s->blinded_input,
                              &s->blinded_output, &beta_t, &s->proof));
}

static rind_status statement_verify(const struct statement *s)
{
    return rind_dleq_verify(NULL, &s->public_key, &s->blinded_input, &s->blinded_output, &s->proof);
}

static void a_proof_with_any_bit_flipped_anywhere_is_refused(void **state)
{
    (void)state;
    struct statement s;
    statement_make(&s, 1000003, 17);
    assert_ok(statement_verify(&s));
    for (unsigned bit = 0; bit < 8u * 32u; bit++) {
        uint8_t *parts[] = {s.public_key.bytes, s.blinded_input.bytes, s.blinded_output.bytes,
                            s.proof.c.bytes, s.proof.beta_z.bytes};
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            parts[i][bit / 8] ^= (uint8_t)(1u << (bit % 8));
            /* Scalars are decoded before they come here; skip what decoding refuses. */
            if (i < 3 || rind_scalar_is_canonical(parts[i])) {
                assert_code(statement_verify(&s), RIND_E_AUTH);
            }
            parts[i][bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
    }
}

static void identity_and_zero_evaluate_to_the_identity_with_a_proof_that_holds(void **state)
{
    (void)state;
    struct statement s;
    statement_make(&s, 0, 17); /* private key zero */
    assert_true(rind_point_is_identity(&s.blinded_output));
    assert_ok(statement_verify(&s));
    statement_make(&s, 17, 0); /* identity input */
    assert_true(rind_point_is_identity(&s.blinded_output));
    assert_ok(statement_verify(&s));
}

static void invalid_inputs_are_undecodable_for_the_realm(void **state)
{
    (void)state;
    struct rind_scalar key;
    struct rind_point output;
    struct rind_point invalid;
    struct rind_dleq proof;
    rind_scalar_from_u32(5, &key);
    memset(invalid.bytes, 0xff, 32);
    assert_code(rind_oprf_evaluate(NULL, &key, &invalid, &output), RIND_E_DECODE);
    assert_code(rind_dleq_prove(NULL, &key, &invalid, &invalid, &invalid, &key, &proof),
                RIND_E_DECODE);
}

static void finalize_refuses_a_zero_blinding_and_an_invalid_output(void **state)
{
    (void)state;
    struct rind_scalar zero;
    struct rind_scalar one;
    struct rind_point base;
    struct rind_point invalid;
    struct rind_oprf_output output;
    rind_scalar_from_u32(0, &zero);
    rind_scalar_from_u32(1, &one);
    rind_point_multiply_base(&one, &base);
    memset(invalid.bytes, 0xff, 32);
    assert_code(rind_oprf_finalize(NULL, rind_slice_text("x"), &zero, &base, &output),
                RIND_E_INVALID);
    assert_code(rind_oprf_finalize(NULL, rind_slice_text("x"), &one, &invalid, &output),
                RIND_E_DECODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(vectors_hold_at_every_step, setup),
        cmocka_unit_test_setup(proofs_of_the_vectors_are_accepted_or_refused_as_they_say, setup),
        cmocka_unit_test_setup(a_proof_with_any_bit_flipped_anywhere_is_refused, setup),
        cmocka_unit_test_setup(identity_and_zero_evaluate_to_the_identity_with_a_proof_that_holds,
                               setup),
        cmocka_unit_test_setup(invalid_inputs_are_undecodable_for_the_realm, setup),
        cmocka_unit_test_setup(finalize_refuses_a_zero_blinding_and_an_invalid_output, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
