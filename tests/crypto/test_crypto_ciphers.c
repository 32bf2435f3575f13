/* Records at rest, the user's secret, and what the client derives. */
#include "crypto/crypto.h"

#include <sodium.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* A page whose end is the end of what may be touched: one byte further ends the test. */
static uint8_t *guarded_page(size_t *page_size)
{
    *page_size = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages =
        mmap(NULL, 2u * *page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + *page_size, *page_size, PROT_NONE), 0);
    return pages;
}

static void records_of_the_vectors_seal_and_open(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("hsm-user-record.json");
    struct rind_record_key key;
    uint8_t nonce[RIND_RECORD_NONCE_SIZE];
    rind_vectors_hex_fixed(root, "record_key", key.bytes, sizeof(key.bytes));
    rind_vectors_hex_fixed(root, "nonce", nonce, sizeof(nonce));
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(root, "vectors"), index, vector)
    {
        uint8_t sealed[1024];
        uint8_t opened[1024];
        rind_arena_reset(&arena);
        struct rind_slice plaintext = rind_vectors_hex(vector, "plaintext", &arena);
        struct rind_slice leaf = rind_vectors_hex(vector, "leaf_value", &arena);
        assert_int_equal(leaf.length, plaintext.length + RIND_RECORD_OVERHEAD);
        rind_record_seal(&key, nonce, plaintext, sealed);
        assert_memory_equal(sealed, leaf.data, leaf.length);
        assert_ok(rind_record_open(NULL, &key, leaf, opened));
        assert_memory_equal(opened, plaintext.data, plaintext.length);
    }
    assert_int_equal(index, 4);
    json_decref(root);
}

static void a_record_with_any_bit_flipped_is_refused(void **state)
{
    (void)state;
    struct rind_record_key key = {{1}};
    uint8_t nonce[RIND_RECORD_NONCE_SIZE] = {2};
    uint8_t leaf[20 + RIND_RECORD_OVERHEAD];
    uint8_t opened[20];
    rind_record_seal(&key, nonce, rind_slice_text("twenty bytes of text"), leaf);
    for (unsigned bit = 0; bit < 8u * sizeof(leaf); bit++) {
        leaf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_code(rind_record_open(NULL, &key, RIND_SLICE_OF(leaf), opened), RIND_E_AUTH);
        leaf[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (unsigned bit = 0; bit < 8u * sizeof(key.bytes); bit++) {
        key.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_code(rind_record_open(NULL, &key, RIND_SLICE_OF(leaf), opened), RIND_E_AUTH);
        key.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    assert_ok(rind_record_open(NULL, &key, RIND_SLICE_OF(leaf), opened));
}

static void records_of_every_size_stay_within_their_buffers(void **state)
{
    (void)state;
    size_t page_size;
    uint8_t *plain_page = guarded_page(&page_size);
    uint8_t *leaf_page = guarded_page(&page_size);
    struct rind_record_key key = {{1}};
    uint8_t nonce[RIND_RECORD_NONCE_SIZE] = {2};
    for (size_t size = 0; size <= 200; size++) {
        uint8_t *plaintext = plain_page + page_size - size;
        uint8_t *leaf = leaf_page + page_size - size - RIND_RECORD_OVERHEAD;
        rind_record_seal(&key, nonce, rind_slice_make(plaintext, size), leaf);
        assert_ok(rind_record_open(NULL, &key, rind_slice_make(leaf, size + RIND_RECORD_OVERHEAD),
                                   plaintext));
        /* Every cut is refused, the shortest ones too. */
        for (size_t cut = 1; cut <= size + RIND_RECORD_OVERHEAD; cut++) {
            assert_code(
                rind_record_open(NULL, &key,
                                 rind_slice_make(leaf + cut, size + RIND_RECORD_OVERHEAD - cut),
                                 plaintext),
                RIND_E_AUTH);
        }
    }
    munmap(plain_page, 2u * page_size);
    munmap(leaf_page, 2u * page_size);
}

static void secrets_of_the_vectors_encrypt_and_decrypt(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-derivations.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(root, "secret_encryption"), index, vector)
    {
        struct rind_encryption_key key;
        uint8_t encrypted[RIND_USER_SECRET_ENCRYPTED_SIZE];
        uint8_t decrypted[RIND_USER_SECRET_SIZE_MAX];
        size_t size = 0;
        rind_vectors_hex_fixed(vector, "key", key.bytes, sizeof(key.bytes));
        struct rind_slice secret = rind_vectors_hex(vector, "secret", &arena);
        struct rind_slice expected = rind_vectors_hex(vector, "encrypted", &arena);
        assert_ok(rind_user_secret_encrypt(NULL, &key, secret, encrypted));
        assert_memory_equal(encrypted, expected.data, sizeof(encrypted));
        assert_ok(rind_user_secret_decrypt(NULL, &key, encrypted, decrypted, &size));
        assert_int_equal(size, secret.length);
        assert_memory_equal(decrypted, secret.data, size);
        encrypted[0] ^= 1;
        assert_code(rind_user_secret_decrypt(NULL, &key, encrypted, decrypted, &size), RIND_E_AUTH);
    }
    assert_int_equal(index, 3);
    json_decref(root);
}

static void a_secret_above_the_limit_is_refused(void **state)
{
    (void)state;
    struct rind_encryption_key key = {{1}};
    uint8_t secret[RIND_USER_SECRET_SIZE_MAX + 1] = {0};
    uint8_t encrypted[RIND_USER_SECRET_ENCRYPTED_SIZE];
    assert_code(rind_user_secret_encrypt(NULL, &key, RIND_SLICE_OF(secret), encrypted),
                RIND_E_LIMIT);
    assert_ok(rind_user_secret_encrypt(
        NULL, &key, rind_slice_make(secret, RIND_USER_SECRET_SIZE_MAX), encrypted));
}

/* A registration made by a broken client can hold any length byte; make them with the bare cipher.
 */
static void a_decrypted_length_above_the_limit_is_undecodable(void **state)
{
    (void)state;
    struct rind_encryption_key key = {{1}};
    static const uint8_t nonce[12] = {0};
    for (unsigned length = 127; length <= 255; length++) {
        uint8_t padded[RIND_USER_SECRET_PADDED_SIZE] = {(uint8_t)length};
        uint8_t encrypted[RIND_USER_SECRET_ENCRYPTED_SIZE];
        uint8_t secret[RIND_USER_SECRET_SIZE_MAX];
        size_t size = 0;
        assert_int_equal(crypto_aead_chacha20poly1305_ietf_encrypt(encrypted, NULL, padded,
                                                                   sizeof(padded), NULL, 0, NULL,
                                                                   nonce, key.bytes),
                         0);
        assert_code(rind_user_secret_decrypt(NULL, &key, encrypted, secret, &size),
                    length <= RIND_USER_SECRET_SIZE_MAX ? RIND_E_OK : RIND_E_DECODE);
    }
}

static void derivations_are_those_of_the_vectors(void **state)
{
    (void)state;
    json_t *root = rind_vectors_load("client-protocol-derivations.json");
    struct rind_oprf_output oprf_output;
    struct rind_unlock_key key;
    struct rind_unlock_key expected_key;
    struct rind_realm_id realm;
    uint8_t bytes[32];
    uint8_t expected[32];
    const json_t *vector = json_array_get(rind_vectors_get(root, "unlock_key_and_commitment"), 0);
    rind_vectors_hex_fixed(vector, "oprf_output", oprf_output.bytes, 64);
    rind_unlock_key_derive(&oprf_output, &key, bytes);
    rind_vectors_hex_fixed(vector, "unlock_key", expected_key.bytes, 32);
    rind_vectors_hex_fixed(vector, "unlock_key_commitment", expected, 32);
    assert_true(rind_unlock_key_equal(&key, &expected_key));
    assert_memory_equal(bytes, expected, 32);

    vector = json_array_get(rind_vectors_get(root, "unlock_key_tag"), 0);
    rind_vectors_hex_fixed(vector, "unlock_key", key.bytes, 32);
    rind_vectors_hex_fixed(vector, "realm_id", realm.bytes, 16);
    rind_vectors_hex_fixed(vector, "tag", expected, 16);
    rind_unlock_key_tag_derive(&key, &realm, bytes);
    assert_memory_equal(bytes, expected, 16);

    vector = json_array_get(rind_vectors_get(root, "encrypted_secret_commitment"), 0);
    struct rind_scalar share;
    uint8_t encrypted[RIND_USER_SECRET_ENCRYPTED_SIZE];
    rind_vectors_hex_fixed(vector, "unlock_key", key.bytes, 32);
    rind_vectors_hex_fixed(vector, "realm_id", realm.bytes, 16);
    rind_vectors_hex_fixed(vector, "share", share.bytes, 32);
    rind_vectors_hex_fixed(vector, "encrypted_secret", encrypted, sizeof(encrypted));
    rind_vectors_hex_fixed(vector, "commitment", expected, 16);
    rind_encrypted_secret_commitment_derive(&key, &realm, &share, encrypted, bytes);
    assert_memory_equal(bytes, expected, 16);

    vector = json_array_get(rind_vectors_get(root, "encryption_key"), 0);
    struct rind_encryption_key_seed seed;
    struct rind_encryption_key encryption_key;
    rind_vectors_hex_fixed(vector, "seed", seed.bytes, 32);
    rind_vectors_hex_fixed(vector, "scalar", share.bytes, 32);
    rind_vectors_hex_fixed(vector, "encryption_key", expected, 32);
    rind_encryption_key_derive(&seed, &share, &encryption_key);
    assert_memory_equal(encryption_key.bytes, expected, 32);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(records_of_the_vectors_seal_and_open, setup),
        cmocka_unit_test_setup(a_record_with_any_bit_flipped_is_refused, setup),
        cmocka_unit_test_setup(records_of_every_size_stay_within_their_buffers, setup),
        cmocka_unit_test_setup(secrets_of_the_vectors_encrypt_and_decrypt, setup),
        cmocka_unit_test_setup(a_secret_above_the_limit_is_refused, setup),
        cmocka_unit_test_setup(a_decrypted_length_above_the_limit_is_undecodable, setup),
        cmocka_unit_test_setup(derivations_are_those_of_the_vectors, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
