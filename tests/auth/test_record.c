/* test_record.c - record ids and hashed user ids against the vectors. */
#include "auth/auth.h"

#include <string.h>

#include "support/test.h"
#include "support/vectors.h"

static struct rind_slice json_slice(const json_t *text)
{
    return rind_slice_make(json_string_value(text), json_string_length(text));
}

static void every_vector_is_derived(void **state)
{
    (void)state;
    static uint8_t long_user[70000];
    json_t *vectors = rind_vectors_load("load-balancer-record-ids.json");
    const json_t *cases = rind_vectors_get(vectors, "record_ids");
    assert_true(json_array_size(cases) >= 10);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        struct rind_record_key key;
        struct rind_record_id expected;
        struct rind_record_id id;
        struct rind_user_hash hash;
        rind_vectors_hex_fixed(vector, "key", key.bytes, sizeof(key.bytes));
        rind_vectors_hex_fixed(vector, "record_id", expected.bytes, sizeof(expected.bytes));
        struct rind_slice tenant = json_slice(rind_vectors_get(vector, "tenant"));
        struct rind_slice user = json_slice(rind_vectors_get(vector, "user"));
        if (user.data == NULL) {
            const json_t *repeat = rind_vectors_get(vector, "user_repeat");
            size_t count = (size_t)json_integer_value(json_array_get(repeat, 1));
            assert_true(count <= sizeof(long_user));
            memset(long_user, json_string_value(json_array_get(repeat, 0))[0], count);
            user = rind_slice_make(long_user, count);
        }
        rind_record_id_derive(&key, tenant, user, &id);
        assert_memory_equal(id.bytes, expected.bytes, sizeof(id.bytes));
        rind_user_hash_derive(tenant, user, &hash);
        assert_string_equal(hash.text, rind_vectors_text(vector, "user_hash"));
    }
    json_decref(vectors);
}

static void software_realms_have_ids_of_their_own(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("cloud-services.json");
    const json_t *cases =
        rind_vectors_get(rind_vectors_get(vectors, "software_realm"), "record_id");
    assert_true(json_array_size(cases) >= 1);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        struct rind_record_id expected;
        struct rind_record_id id;
        rind_vectors_hex_fixed(vector, "hex", expected.bytes, sizeof(expected.bytes));
        rind_record_id_derive_software(json_slice(rind_vectors_get(vector, "tenant")),
                                       json_slice(rind_vectors_get(vector, "user")), &id);
        assert_memory_equal(id.bytes, expected.bytes, sizeof(id.bytes));
    }
    json_decref(vectors);
}

static void user_hashes_are_those_of_tenant_events(void **state)
{
    (void)state;
    json_t *vectors = rind_vectors_load("agent-misc.json");
    const json_t *cases = rind_vectors_get(vectors, "hashed_user");
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *vector = json_array_get(cases, i);
        struct rind_user_hash hash;
        rind_user_hash_derive(json_slice(rind_vectors_get(vector, "tenant")),
                              json_slice(rind_vectors_get(vector, "user")), &hash);
        assert_string_equal(hash.text, rind_vectors_text(vector, "hash"));
    }
    json_decref(vectors);
}

static void a_record_key_is_32_bytes_of_its_own_algorithm(void **state)
{
    (void)state;
    uint8_t bytes[33] = {1, 2, 3};
    struct rind_record_key key;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct rind_secret secret = {.algorithm = RIND_SECRET_BLAKE2S_MAC256,
                                 .data = rind_slice_make(bytes, 32)};
    assert_true(rind_is_ok(rind_record_key_init(&ctx, &secret, &key)));
    assert_memory_equal(key.bytes, bytes, 32);
    secret.data.length = 31;
    assert_true(rind_is(rind_record_key_init(&ctx, &secret, &key), RIND_E_INVALID));
    secret.data.length = 33;
    assert_true(rind_is(rind_record_key_init(&ctx, &secret, &key), RIND_E_INVALID));
    secret.data.length = 32;
    secret.algorithm = RIND_SECRET_HMAC_SHA256;
    assert_true(rind_is(rind_record_key_init(&ctx, &secret, &key), RIND_E_INVALID));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_derived),
        cmocka_unit_test(software_realms_have_ids_of_their_own),
        cmocka_unit_test(user_hashes_are_those_of_tenant_events),
        cmocka_unit_test(a_record_key_is_32_bytes_of_its_own_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
