/* The signed OPRF public key. */
#include "crypto/crypto.h"

#include "crypto/check.h"
#include "support/test.h"
#include "support/vectors.h"

struct signed_key {
    struct rind_realm_id realm;
    struct rind_point public_key;
    struct rind_verifying_key verifying_key;
    struct rind_signature signature;
};

static rind_status verify(const struct signed_key *s)
{
    return rind_oprf_public_key_verify(NULL, &s->realm, &s->public_key, &s->verifying_key,
                                       &s->signature);
}

static void load(struct signed_key *s)
{
    json_t *root = rind_vectors_load("client-protocol-derivations.json");
    const json_t *vector = json_array_get(rind_vectors_get(root, "oprf_public_key_signature"), 0);
    struct rind_signing_key_seed seed;
    struct signed_key ours;
    rind_vectors_hex_fixed(vector, "signing_key_seed", seed.bytes, 32);
    rind_vectors_hex_fixed(vector, "realm_id", s->realm.bytes, 16);
    rind_vectors_hex_fixed(vector, "oprf_public_key", s->public_key.bytes, 32);
    rind_vectors_hex_fixed(vector, "verifying_key", s->verifying_key.bytes, 32);
    rind_vectors_hex_fixed(vector, "signature", s->signature.bytes, 64);
    rind_oprf_public_key_sign(&seed, &s->realm, &s->public_key, &ours.verifying_key,
                              &ours.signature);
    assert_true(rind_verifying_key_equal(&ours.verifying_key, &s->verifying_key));
    assert_true(rind_signature_equal(&ours.signature, &s->signature));
    json_decref(root);
}

static void the_vector_is_signed_and_verified(void **state)
{
    (void)state;
    struct signed_key s;
    load(&s);
    assert_ok(verify(&s));
}

static void any_bit_flipped_anywhere_is_refused(void **state)
{
    (void)state;
    struct signed_key s;
    load(&s);
    uint8_t *bytes = (uint8_t *)&s;
    for (unsigned bit = 0; bit < 8u * sizeof(s); bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_code(verify(&s), RIND_E_AUTH);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_ok(verify(&s));
}

/* S + L satisfies the equation as well; a strict verifier refuses the second form. */
static void a_signature_whose_s_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    struct signed_key s;
    load(&s);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        unsigned sum = (unsigned)s.signature.bytes[32 + i] + order[i] + carry;
        s.signature.bytes[32 + i] = (uint8_t)sum;
        carry = sum >> 8;
    }
    assert_int_equal(carry, 0);
    assert_code(verify(&s), RIND_E_AUTH);
}

/* With a verifying key of small order, R = S*B verifies any message for a lax verifier. */
static void verifying_keys_and_commitments_of_small_order_are_refused(void **state)
{
    (void)state;
    static const uint8_t identity[32] = {1};
    struct signed_key s;
    load(&s);
    memcpy(s.verifying_key.bytes, identity, 32);
    memset(s.signature.bytes, 0, 64);
    memcpy(s.signature.bytes, identity, 32); /* R = identity, S = 0: holds for every message */
    assert_code(verify(&s), RIND_E_AUTH);
    load(&s);
    memcpy(s.signature.bytes, identity, 32);
    assert_code(verify(&s), RIND_E_AUTH);
    memset(s.verifying_key.bytes, 0, 32); /* a point of order 4 */
    assert_code(verify(&s), RIND_E_AUTH);
    memset(s.verifying_key.bytes, 0xff, 32); /* not an encoding */
    assert_code(verify(&s), RIND_E_AUTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_is_signed_and_verified),
        cmocka_unit_test(any_bit_flipped_anywhere_is_refused),
        cmocka_unit_test(a_signature_whose_s_is_not_canonical_is_refused),
        cmocka_unit_test(verifying_keys_and_commitments_of_small_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
