/* BLAKE2s, MACs, HKDF and the realm keys made from it. */
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

static void assert_hex(const void *bytes, size_t size, const char *hex)
{
    struct rind_slice expected = bytes_of_hex(&arena, hex);
    assert_int_equal(expected.length, size);
    assert_memory_equal(bytes, expected.data, size);
}

static void digests_are_those_of_rfc_7693(void **state)
{
    (void)state;
    uint8_t digest[RIND_BLAKE2S_SIZE];
    rind_blake2s(rind_slice_text("abc"), digest);
    assert_hex(digest, sizeof(digest),
               "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    rind_blake2s(rind_slice_make(NULL, 0), digest);
    assert_hex(digest, sizeof(digest),
               "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9");
}

/* Of a thousand seeds, how many give `a` and `b` the same value in so many low bits? */
static unsigned collisions(const uint8_t *a, const uint8_t *b, size_t size, uint32_t mask)
{
    unsigned count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        struct rind_mix mix;
        uint8_t seed[RIND_MIX_SEED_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};
        rind_mix_init(&mix, seed);
        count += ((rind_mix(&mix, a, size) ^ rind_mix(&mix, b, size)) & mask) == 0;
    }
    return count;
}

static void table_hashes_of_any_two_keys_collide_as_seldom_as_random_ones(void **state)
{
    (void)state;
    uint8_t a[RIND_MIX_SIZE_MAX] = {0};
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        uint8_t b[RIND_MIX_SIZE_MAX] = {0};
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_in_range(collisions(a, b, sizeof(a), 0x3f), 1, 40); /* 15.6 are expected */
    }
    assert_int_equal(collisions(a, a, sizeof(a), UINT32_MAX), 1000);
}

/* The self-test of RFC 7693 appendix E: digests of many sizes, keyed and not, of one pattern. */
static void selftest_pattern(uint8_t *out, size_t length, uint32_t seed)
{
    uint32_t a = 0xdead4badu * seed;
    uint32_t b = 1;
    for (size_t i = 0; i < length; i++) {
        uint32_t t = a + b;
        a = b;
        b = t;
        out[i] = (uint8_t)(t >> 24);
    }
}

static void the_self_test_of_rfc_7693_holds(void **state)
{
    (void)state;
    static const size_t digest_sizes[] = {16, 20, 28, 32};
    static const size_t input_sizes[] = {0, 3, 64, 65, 255, 1024};
    uint8_t input[1024];
    uint8_t digest[32];
    uint8_t key[32];
    struct rind_blake2s all;
    rind_blake2s_init(&all, 32);
    for (size_t i = 0; i < 4; i++) {
        size_t size = digest_sizes[i];
        for (size_t j = 0; j < 6; j++) {
            struct rind_blake2s one;
            selftest_pattern(input, input_sizes[j], (uint32_t)input_sizes[j]);
            rind_blake2s_init(&one, size);
            rind_blake2s_update(&one, rind_slice_make(input, input_sizes[j]));
            rind_blake2s_final(&one, digest);
            rind_blake2s_update(&all, rind_slice_make(digest, size));
            selftest_pattern(key, size, (uint32_t)size);
            rind_blake2s_init_keyed(&one, rind_slice_make(key, size), size);
            rind_blake2s_update(&one, rind_slice_make(input, input_sizes[j]));
            rind_blake2s_final(&one, digest);
            rind_blake2s_update(&all, rind_slice_make(digest, size));
        }
    }
    rind_blake2s_final(&all, digest);
    assert_hex(digest, 32, "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

static void pieces_give_the_digest_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[200];
    selftest_pattern(bytes, sizeof(bytes), 7);
    uint8_t whole[32];
    rind_blake2s(RIND_SLICE_OF(bytes), whole);
    for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
        uint8_t parts[32];
        struct rind_blake2s hash;
        rind_blake2s_init(&hash, 32);
        rind_blake2s_update(&hash, rind_slice_make(bytes, cut));
        rind_blake2s_update(&hash, rind_slice_make(bytes + cut, sizeof(bytes) - cut));
        rind_blake2s_final(&hash, parts);
        assert_memory_equal(parts, whole, sizeof(whole));
    }
}

static void macs_are_those_of_the_vectors_and_verify(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("hsm-mac.json");
    struct rind_mac_key key;
    rind_vectors_hex_fixed(root, "key", key.bytes, sizeof(key.bytes));
    json_t *vectors = rind_vectors_get(root, "vectors");
    assert_int_equal(json_array_size(vectors), 8);
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        struct rind_mac expected;
        struct rind_mac mac;
        rind_arena_reset(&arena);
        struct rind_slice message = rind_vectors_hex(vector, "cbor", &arena);
        rind_vectors_hex_fixed(vector, "mac_domain_test", expected.bytes, sizeof(expected.bytes));
        rind_mac_compute(&key, "test", message, &mac);
        assert_memory_equal(mac.bytes, expected.bytes, sizeof(mac.bytes));
        const char *domain = rind_vectors_text(vector, "domain");
        assert_false(rind_mac_verify(&key, domain, message, &mac));
        rind_vectors_hex_fixed(vector, "mac_real_domain", expected.bytes, sizeof(expected.bytes));
        assert_true(rind_mac_verify(&key, domain, message, &expected));
    }
    json_decref(root);
}

static void a_mac_with_any_bit_flipped_is_refused(void **state)
{
    (void)state;
    struct rind_mac_key key = {{1, 2, 3}};
    uint8_t message[40] = {9};
    struct rind_mac mac;
    rind_mac_compute(&key, "capture", RIND_SLICE_OF(message), &mac);
    for (unsigned bit = 0; bit < 8u * sizeof(mac.bytes); bit++) {
        struct rind_mac other = mac;
        other.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(rind_mac_verify(&key, "capture", RIND_SLICE_OF(message), &other));
    }
    for (unsigned bit = 0; bit < 8u * sizeof(message); bit++) {
        message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(rind_mac_verify(&key, "capture", RIND_SLICE_OF(message), &mac));
        message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (unsigned bit = 0; bit < 8u * sizeof(key.bytes); bit++) {
        struct rind_mac_key other = key;
        other.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(rind_mac_verify(&other, "capture", RIND_SLICE_OF(message), &mac));
    }
    assert_true(rind_mac_verify(&key, "capture", RIND_SLICE_OF(message), &mac));
}

static void domain_and_message_cannot_be_shifted_into_each_other(void **state)
{
    (void)state;
    struct rind_mac_key key = {{1}};
    struct rind_mac mac;
    rind_mac_compute(&key, "ab", rind_slice_text("c"), &mac);
    assert_false(rind_mac_verify(&key, "a", rind_slice_text("bc"), &mac));
}

static void hmac_hashes_keys_that_are_longer_than_a_block(void **state)
{
    (void)state;
    uint8_t key[65] = {1, 2, 3};
    uint8_t hashed[32];
    uint8_t a[32];
    uint8_t b[32];
    rind_blake2s(RIND_SLICE_OF(key), hashed);
    rind_hmac_blake2s(RIND_SLICE_OF(key), rind_slice_text("m"), a);
    rind_hmac_blake2s(RIND_SLICE_OF(hashed), rind_slice_text("m"), b);
    assert_memory_equal(a, b, 32);
    /* A key of one block is used as it is. */
    rind_hmac_blake2s(rind_slice_make(key, 64), rind_slice_text("m"), b);
    assert_memory_not_equal(a, b, 32);
}

static void hkdf_output_of_any_size_is_a_prefix_of_the_longer(void **state)
{
    (void)state;
    uint8_t longest[100];
    rind_hkdf_blake2s(rind_slice_text("salt"), rind_slice_text("key"), rind_slice_text("info"),
                      longest, sizeof(longest));
    for (size_t size = 0; size <= sizeof(longest); size++) {
        uint8_t shorter[101] = {0};
        rind_hkdf_blake2s(rind_slice_text("salt"), rind_slice_text("key"), rind_slice_text("info"),
                          shorter, size);
        assert_memory_equal(shorter, longest, size);
        assert_int_equal(shorter[size], 0);
    }
}

static void insecure_realm_keys_are_those_of_the_vectors(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("hsm-insecure-keys.json");
    json_t *vectors = rind_vectors_get(root, "vectors");
    assert_true(json_array_size(vectors) >= 4);
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        struct rind_realm_keys expected;
        struct rind_realm_keys keys;
        rind_vectors_hex_fixed(vector, "mac_key", expected.mac.bytes, 32);
        rind_vectors_hex_fixed(vector, "record_key", expected.record.bytes, 32);
        rind_vectors_hex_fixed(vector, "noise_private_unclamped",
                               expected.communication_private.bytes, 32);
        rind_vectors_hex_fixed(vector, "noise_public", expected.communication_public.bytes, 32);
        rind_realm_keys_derive_insecure(rind_slice_text(rind_vectors_text(vector, "key")), &keys);
        assert_true(rind_mac_key_equal(&keys.mac, &expected.mac));
        assert_true(rind_record_key_equal(&keys.record, &expected.record));
        assert_true(
            rind_x25519_secret_equal(&keys.communication_private, &expected.communication_private));
        assert_true(
            rind_x25519_public_equal(&keys.communication_public, &expected.communication_public));
        rind_realm_keys_wipe(&keys);
        assert_true(rind_ct_is_zero(&keys, sizeof(keys)));
    }
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(digests_are_those_of_rfc_7693, setup),
        cmocka_unit_test(table_hashes_of_any_two_keys_collide_as_seldom_as_random_ones),
        cmocka_unit_test_setup(the_self_test_of_rfc_7693_holds, setup),
        cmocka_unit_test_setup(pieces_give_the_digest_of_the_whole, setup),
        cmocka_unit_test_setup(macs_are_those_of_the_vectors_and_verify, setup),
        cmocka_unit_test_setup(a_mac_with_any_bit_flipped_is_refused, setup),
        cmocka_unit_test_setup(domain_and_message_cannot_be_shifted_into_each_other, setup),
        cmocka_unit_test_setup(hmac_hashes_keys_that_are_longer_than_a_block, setup),
        cmocka_unit_test_setup(hkdf_output_of_any_size_is_a_prefix_of_the_longer, setup),
        cmocka_unit_test_setup(insecure_realm_keys_are_those_of_the_vectors, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
