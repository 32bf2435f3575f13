/* test_hsm_vectors.c - the vectors of spec 02 section 19 against the parts of the core. */
#include "support/test.h"
#include "support/vectors.h"

#include "hsm/cluster.h"
#include "hsm/election.h"
#include "hsm/macs.h"
#include "hsm/persist.h"
#include "hsm/records.h"
#include "hsm/user_app.h"

struct fixture {
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_realm_keys keys; /* from "secret", as hsm-log-chain.json has them */
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    rind_arena_init(&fixture->arena, malloc(16u << 20), 16u << 20);
    rind_ctx_init(&fixture->ctx, &fixture->arena);
    rind_realm_keys_derive_insecure(rind_slice_text("secret"), &fixture->keys);
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    free(fixture->arena.memory);
    free(fixture);
    return 0;
}

static void decode(struct fixture *fixture, const struct rind_schema *schema,
                   struct rind_slice bytes, void *value)
{
    if (!rind_is_ok(rind_wire_decode_whole(&fixture->ctx, schema, bytes, value))) {
        fail_msg("%s", fixture->ctx.sentence);
    }
}

static struct rind_mac mac_of(const json_t *object, const char *key)
{
    struct rind_mac mac;
    rind_vectors_hex_fixed(object, key, mac.bytes, sizeof(mac.bytes));
    return mac;
}

/* A statement is valid as it is and not with any one bit changed. */
#define CHECK_STATEMENT(is_valid, keys, message, statement)                                        \
    do {                                                                                           \
        struct rind_mac checked = (statement);                                                     \
        assert_true(is_valid((keys), (message), &checked));                                        \
        for (size_t bit = 0; bit < 256; bit++) {                                                   \
            checked.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));                                  \
            assert_false(is_valid((keys), (message), &checked));                                   \
            checked.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));                                  \
        }                                                                                          \
    } while (0)

static struct rind_log_entry entry_of_message(const struct rind_log_entry_message *message,
                                              struct rind_mac entry_mac)
{
    struct rind_log_entry entry = {
        .index = message->index,
        .has_partition = message->has_partition,
        .partition = message->partition,
        .prev_mac = message->prev_mac,
        .entry_mac = entry_mac,
        .hsm = message->hsm,
    };
    if (message->has_transferring_out) {
        entry.has_transferring = true;
        entry.transferring.kind = RIND_TRANSFERRING_OUT;
        entry.transferring.out = message->transferring_out;
    } else if (message->has_transferring_in) {
        entry.has_transferring = true;
        entry.transferring.kind = RIND_TRANSFERRING_IN;
        entry.transferring.in = message->transferring_in;
    }
    return entry;
}

static void check_entry_mac(struct fixture *fixture, const struct rind_realm_keys *keys,
                            struct rind_slice cbor, struct rind_mac mac)
{
    struct rind_log_entry_message message;
    decode(fixture, &rind_log_entry_message_schema, cbor, &message);
    struct rind_log_entry entry = entry_of_message(&message, mac);
    assert_true(rind_hsm_entry_mac_is_valid(keys, &message.realm, &message.group, &entry));
    struct rind_mac made;
    rind_hsm_entry_mac_make(keys, &message.realm, &message.group, &entry, &made);
    assert_memory_equal(made.bytes, mac.bytes, sizeof(mac.bytes));
    entry.index ^= 1;
    assert_false(rind_hsm_entry_mac_is_valid(keys, &message.realm, &message.group, &entry));
}

static void check_mac_vector(struct fixture *fixture, const json_t *vector,
                             const struct rind_realm_keys *keys)
{
    const char *domain = rind_vectors_text(vector, "domain");
    struct rind_slice cbor = rind_vectors_hex(vector, "cbor", &fixture->arena);
    struct rind_mac mac = mac_of(vector, "mac_real_domain");
    struct rind_mac test;
    rind_mac_compute(&keys->mac, "test", cbor, &test);
    struct rind_mac expected = mac_of(vector, "mac_domain_test");
    assert_memory_equal(test.bytes, expected.bytes, sizeof(test.bytes));
    assert_false(rind_mac_equal(&test, &mac)); /* the domain separates */

    if (strcmp(domain, "groupcfg") == 0) {
        struct rind_group_configuration_message message;
        decode(fixture, &rind_group_configuration_message_schema, cbor, &message);
        CHECK_STATEMENT(rind_hsm_configuration_statement_is_valid, keys, &message, mac);
    } else if (strcmp(domain, "capture") == 0) {
        struct rind_captured_message message;
        decode(fixture, &rind_captured_message_schema, cbor, &message);
        struct rind_captured captured = {.hsm = message.hsm,
                                         .realm = message.realm,
                                         .group = message.group,
                                         .index = message.index,
                                         .mac = message.entry_mac,
                                         .statement = mac};
        assert_true(rind_hsm_captured_statement_is_valid(keys, &captured));
        captured.index--;
        assert_false(rind_hsm_captured_statement_is_valid(keys, &captured));
    } else if (strcmp(domain, "logentry") == 0) {
        check_entry_mac(fixture, keys, cbor, mac);
    } else if (strcmp(domain, "prepared_transfer") == 0) {
        struct rind_prepared_transfer_message message;
        decode(fixture, &rind_prepared_transfer_message_schema, cbor, &message);
        CHECK_STATEMENT(rind_hsm_prepared_statement_is_valid, keys, &message, mac);
    } else if (strcmp(domain, "transfer") == 0) {
        struct rind_transfer_message message;
        decode(fixture, &rind_transfer_message_schema, cbor, &message);
        CHECK_STATEMENT(rind_hsm_transfer_statement_is_valid, keys, &message, mac);
    } else {
        assert_string_equal(domain, "hsmrealm"); /* other keys than the MAC key: the log chain's */
    }
}

static void each_statement_has_the_mac_of_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-mac.json");
    struct rind_realm_keys keys = {0};
    rind_vectors_hex_fixed(file, "key", keys.mac.bytes, sizeof(keys.mac.bytes));
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, vector)
    {
        check_mac_vector(fixture, vector, &keys);
    }
    assert_int_equal(index, 8);
    json_decref(file);
}

static void absent_and_null_transferring_in_have_different_macs(void **state)
{
    (void)state;
    struct rind_mac_key key = {{1}};
    const uint8_t absent[] = {0xa1, 0x61, 'a', 0xf6};
    const uint8_t null[] = {0xa2, 0x61, 'a', 0xf6, 0x61, 'b', 0xf6};
    struct rind_mac first;
    struct rind_mac second;
    rind_mac_compute(&key, "logentry", RIND_SLICE_OF(absent), &first);
    rind_mac_compute(&key, "logentry", RIND_SLICE_OF(null), &second);
    assert_false(rind_mac_equal(&first, &second));
    /* And our message of an entry without one has seven fields. */
    struct rind_log_entry_message message = {.index = 1};
    uint8_t bytes[1024];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    assert_true(
        rind_is_ok(rind_wire_encode(NULL, &rind_log_entry_message_schema, &message, &buffer)));
    assert_int_equal(bytes[0], 0xa7);
}

static void the_log_chain_of_the_vectors_is_what_the_core_computes(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-log-chain.json");
    struct rind_realm_id realm;
    rind_vectors_hex_fixed(file, "realm", realm.bytes, sizeof(realm.bytes));
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "entries"), index, vector)
    {
        struct rind_group_id group;
        rind_vectors_hex_fixed(vector, "group", group.bytes, sizeof(group.bytes));
        struct rind_log_entry entry;
        decode(fixture, &rind_log_entry_schema,
               rind_vectors_hex(vector, "log_entry_cbor", &fixture->arena), &entry);
        struct rind_mac mac = mac_of(vector, "entry_mac");
        assert_memory_equal(entry.entry_mac.bytes, mac.bytes, sizeof(mac.bytes));
        assert_true(rind_hsm_entry_mac_is_valid(&fixture->keys, &realm, &group, &entry));
        check_entry_mac(fixture, &fixture->keys,
                        rind_vectors_hex(vector, "mac_message_cbor", &fixture->arena), mac);
    }
    assert_int_equal(index, 8);
    json_decref(file);
}

static void check_realm_statements(struct fixture *fixture, const json_t *statements,
                                   const struct rind_realm_id *realm)
{
    const char *hsm_text;
    json_t *statement;
    json_object_foreach((json_t *)(uintptr_t)statements, hsm_text, statement)
    {
        struct rind_hsm_id hsm;
        assert_true(rind_hex_decode(rind_slice_text(hsm_text), hsm.bytes, sizeof(hsm.bytes)));
        struct rind_mac mac;
        assert_true(rind_hex_decode(rind_slice_text(json_string_value(statement)), mac.bytes,
                                    sizeof(mac.bytes)));
        assert_true(rind_hsm_realm_statement_is_valid(&fixture->keys, realm, &hsm, &mac));
        struct rind_mac made;
        rind_hsm_realm_statement_make(&fixture->keys, realm, &hsm, &made);
        assert_memory_equal(made.bytes, mac.bytes, sizeof(mac.bytes));
        struct rind_realm_keys other = fixture->keys;
        other.record.bytes[0] ^= 1; /* another record key is another realm */
        assert_false(rind_hsm_realm_statement_is_valid(&other, realm, &hsm, &mac));
    }
}

static void the_statements_of_the_vectors_are_what_the_core_computes(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-log-chain.json");
    const json_t *statements = rind_vectors_get(file, "statements");
    struct rind_realm_id realm;
    rind_vectors_hex_fixed(file, "realm", realm.bytes, sizeof(realm.bytes));
    check_realm_statements(fixture, rind_vectors_get(statements, "hsm_realm_statement"), &realm);

    struct rind_hsm_id ids[3];
    rind_vectors_hex_fixed(file, "h1", ids[0].bytes, 16);
    rind_vectors_hex_fixed(file, "h2", ids[1].bytes, 16);
    rind_vectors_hex_fixed(file, "h3", ids[2].bytes, 16);
    struct rind_group_configuration_message configuration = {
        .realm = realm, .configuration = {.items = ids, .count = 3}};
    rind_vectors_hex_fixed(file, "g2", configuration.group.bytes, 16);
    CHECK_STATEMENT(rind_hsm_configuration_statement_is_valid, &fixture->keys, &configuration,
                    mac_of(statements, "group_configuration_statement_g2_h1h2h3"));
    rind_vectors_hex_fixed(file, "g1", configuration.group.bytes, 16);
    configuration.configuration.count = 1;
    CHECK_STATEMENT(rind_hsm_configuration_statement_is_valid, &fixture->keys, &configuration,
                    mac_of(statements, "group_configuration_statement_g1_h1"));

    struct rind_prepared_transfer_message prepared = {.realm = realm,
                                                      .range = rind_owned_range_full()};
    rind_vectors_hex_fixed(file, "g1", prepared.source.bytes, 16);
    rind_vectors_hex_fixed(file, "g2", prepared.destination.bytes, 16);
    rind_vectors_hex_fixed(statements, "transfer_nonce", prepared.nonce.bytes, 16);
    CHECK_STATEMENT(rind_hsm_prepared_statement_is_valid, &fixture->keys, &prepared,
                    mac_of(statements, "prepared_transfer_statement"));
    json_decref(file);
}

static void stored_states_are_read_and_written_as_in_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-persist.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, vector)
    {
        struct rind_slice stored = rind_vectors_hex(vector, "stored", &fixture->arena);
        struct rind_hsm_durable durable;
        if (!rind_is_ok(rind_hsm_durable_decode(&fixture->ctx, stored, &durable))) {
            fail_msg("%s: %s", rind_vectors_text(vector, "name"), fixture->ctx.sentence);
        }
        uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
        struct rind_buffer again;
        rind_buffer_init(&again, bytes, sizeof(bytes));
        rind_hsm_durable_encode(&durable, &again);
        assert_int_equal(again.length, rind_vectors_integer(vector, "stored_len"));
        /* Ours are ascending; the groups of the last two vectors are not. */
        assert_int_equal(index < 4, rind_slice_equal(rind_buffer_slice(&again), stored));
        struct rind_hsm_durable reread;
        assert_true(
            rind_is_ok(rind_hsm_durable_decode(&fixture->ctx, rind_buffer_slice(&again), &reread)));
        assert_memory_equal(&reread, &durable, sizeof(durable));
    }
    assert_int_equal(index, 6);
    json_decref(file);
}

static void a_stored_state_with_any_bit_changed_is_refused(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-persist.json");
    const json_t *vector = json_array_get(rind_vectors_get(file, "vectors"), 3);
    struct rind_slice stored = rind_vectors_hex(vector, "stored", &fixture->arena);
    uint8_t *bytes = (uint8_t *)(uintptr_t)stored.data;
    struct rind_hsm_durable durable;
    for (size_t bit = 0; bit < 8 * stored.length; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(
            rind_is(rind_hsm_durable_decode(&fixture->ctx, stored, &durable), RIND_E_CORRUPT));
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t length = 0; length < stored.length; length++) {
        struct rind_slice cut = rind_slice_make(stored.data, length);
        assert_true(rind_is(rind_hsm_durable_decode(&fixture->ctx, cut, &durable), RIND_E_CORRUPT));
    }
    json_decref(file);
}

static void user_records_are_padded_and_sealed_as_in_the_vectors(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-user-record.json");
    struct rind_record_key key;
    rind_vectors_hex_fixed(file, "record_key", key.bytes, sizeof(key.bytes));
    uint8_t nonce[RIND_RECORD_NONCE_SIZE];
    rind_vectors_hex_fixed(file, "nonce", nonce, sizeof(nonce));
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, vector)
    {
        struct rind_slice leaf = rind_vectors_hex(vector, "leaf_value", &fixture->arena);
        struct rind_user_record record;
        assert_true(rind_is_ok(rind_hsm_record_open(&fixture->ctx, &key, leaf, &record)));
        uint8_t bytes[RIND_HSM_LEAF_SIZE_MAX];
        struct rind_buffer buffer;
        rind_buffer_init(&buffer, bytes, sizeof(bytes));
        rind_hsm_record_seal(&key, nonce, &record, &buffer);
        assert_true(rind_slice_equal(rind_buffer_slice(&buffer), leaf));
        rind_buffer_init(&buffer, bytes, sizeof(bytes));
        rind_hsm_record_encode(&record, &buffer);
        assert_true(rind_slice_equal(rind_buffer_slice(&buffer),
                                     rind_vectors_hex(vector, "plaintext", &fixture->arena)));
    }
    assert_int_equal(index, 4);
    json_decref(file);
}

static void recover2_evaluates_as_in_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("hsm-user-record.json");
    const json_t *oprf = rind_vectors_get(file, "oprf");
    struct rind_user_record record = {
        .registration_state = {.kind = RIND_REGISTRATION_REGISTERED,
                               .registered = {.policy = {.num_guesses = 2}}}};
    struct rind_registered_state *registered = &record.registration_state.registered;
    rind_vectors_hex_fixed(oprf, "private_key", registered->oprf_private_key, 32);
    rind_vectors_hex_fixed(oprf, "public_key", registered->oprf_signed_public_key.public_key, 32);
    struct rind_secrets_request request = {.kind = RIND_SECRETS_REQUEST_RECOVER2};
    rind_vectors_hex_fixed(oprf, "blinded_input", request.recover2.oprf_blinded_input, 32);
    /* A scalar below the group order is what 64 bytes of it and zeros reduce to. */
    uint8_t wide[RIND_SCALAR_WIDE_SIZE] = {0};
    rind_vectors_hex_fixed(oprf, "proof_nonce_scalar", wide, 32);
    struct cluster_random random = {.script = RIND_SLICE_OF(wide)};
    struct rind_random source = {.fill = cluster_random_fill, .self = &random};
    struct rind_hsm_user_outcome outcome;
    rind_hsm_user_app(&source, &request, &record, &outcome);
    assert_int_equal(random.script.length, 0);
    assert_int_equal(random.counter, 0); /* exactly 64 bytes were drawn */
    uint8_t expected[32];
    rind_vectors_hex_fixed(oprf, "blinded_output", expected, 32);
    assert_memory_equal(outcome.response.recover2.ok.oprf_blinded_result, expected, 32);
    rind_vectors_hex_fixed(oprf, "proof_c", expected, 32);
    assert_memory_equal(outcome.response.recover2.ok.oprf_proof.c, expected, 32);
    rind_vectors_hex_fixed(oprf, "proof_beta_z", expected, 32);
    assert_memory_equal(outcome.response.recover2.ok.oprf_proof.beta_z, expected, 32);
    json_decref(file);
}

static void responses_are_padded_as_in_the_vectors_but_always_to_472_bytes(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-secrets-rpc.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "responses"), index, vector)
    {
        struct rind_secrets_response response;
        decode(fixture, &rind_secrets_response_schema,
               rind_vectors_hex(vector, "cbor", &fixture->arena), &response);
        uint8_t padded[RIND_HSM_PADDED_RESPONSE_SIZE];
        rind_hsm_secrets_response_pad(&response, padded);
        assert_int_equal(padded[17], 0x19);

        /* What a decoder reads is the vector's message. */
        struct rind_padded_secrets_response message;
        decode(fixture, &rind_padded_secrets_response_schema, RIND_SLICE_OF(padded), &message);
        assert_int_equal(message.unpadded_length, rind_vectors_integer(vector, "unpadded_length"));
        struct rind_slice shortest;
        assert_true(rind_is_ok(rind_wire_encode_alloc(
            &fixture->ctx, &rind_padded_secrets_response_schema, &message, &shortest)));
        assert_true(
            rind_slice_equal(shortest, rind_vectors_hex(vector, "padded_cbor", &fixture->arena)));
    }
    assert_int_equal(index, 17);
    json_decref(file);
}

static void elections_end_as_in_the_vectors(void **state)
{
    (void)state;
    json_t *file = rind_vectors_load("hsm-election.json");
    size_t index;
    json_t *vector;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, vector)
    {
        struct rind_hsm_votes votes = {.member_count =
                                           (uint32_t)rind_vectors_integer(vector, "members")};
        size_t voter;
        json_t *vote;
        json_array_foreach(rind_vectors_get(vector, "votes"), voter, vote)
        {
            rind_hsm_votes_add(&votes, (uint32_t)voter, (uint64_t)json_integer_value(vote));
        }
        uint64_t outcome = 0;
        bool has_quorum = rind_hsm_votes_outcome(&votes, &outcome);
        const json_t *expected = rind_vectors_get(vector, "outcome");
        assert_int_equal(has_quorum, !json_is_null(expected));
        assert_int_equal(outcome, json_is_null(expected) ? 0 : json_integer_value(expected));
    }
    assert_int_equal(index, 25);
    json_decref(file);
}

static void the_highest_of_repeated_votes_counts_once(void **state)
{
    (void)state;
    struct rind_hsm_votes votes = {.member_count = 3};
    uint64_t outcome;
    rind_hsm_votes_add(&votes, 0, 7);
    rind_hsm_votes_add(&votes, 0, 5);
    assert_false(rind_hsm_votes_outcome(&votes, &outcome));
    rind_hsm_votes_add(&votes, 2, 9);
    assert_true(rind_hsm_votes_outcome(&votes, &outcome));
    assert_int_equal(outcome, 7);
}

static void every_sample_request_gets_an_answer_from_a_core(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-rpc.json");
    struct cluster *cluster = cluster_new(1, 1);
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "samples"), index, sample)
    {
        struct rind_slice request = rind_vectors_hex(sample, "request", &fixture->arena);
        struct rind_slice response;
        if (!rind_is_ok(cluster_send_bytes(cluster, 0, request, &response))) {
            fail_msg("%s: %s", rind_vectors_text(sample, "rpc"), cluster->ctx.sentence);
        }
        assert_int_equal(response.data[0], 0xa2);
    }
    assert_int_equal(index, 21);
    cluster_free(cluster);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_statement_has_the_mac_of_the_vectors),
        cmocka_unit_test(absent_and_null_transferring_in_have_different_macs),
        cmocka_unit_test(the_log_chain_of_the_vectors_is_what_the_core_computes),
        cmocka_unit_test(the_statements_of_the_vectors_are_what_the_core_computes),
        cmocka_unit_test(stored_states_are_read_and_written_as_in_the_vectors),
        cmocka_unit_test(a_stored_state_with_any_bit_changed_is_refused),
        cmocka_unit_test(user_records_are_padded_and_sealed_as_in_the_vectors),
        cmocka_unit_test(recover2_evaluates_as_in_the_vectors),
        cmocka_unit_test(responses_are_padded_as_in_the_vectors_but_always_to_472_bytes),
        cmocka_unit_test(elections_end_as_in_the_vectors),
        cmocka_unit_test(the_highest_of_repeated_votes_counts_once),
        cmocka_unit_test(every_sample_request_gets_an_answer_from_a_core),
    };
    return cmocka_run_group_tests(tests, fixture_set_up, fixture_tear_down);
}
