/*
 * test_vectors.c - every CBOR sample of tests/vectors decodes as its message and encodes back to
 * the same bytes.
 */
#include "fixture.h"
#include "support/vectors.h"

/* Decodes with both profiles and whole, encodes, and compares. */
static void check_round_trip(struct fixture *fixture, const struct rind_schema *schema,
                             struct rind_slice bytes, const char *name)
{
    static const enum rind_wire_profile profiles[] = {RIND_WIRE_STRICT, RIND_WIRE_LENIENT};
    alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
    assert_true(schema->size <= sizeof(value));
    size_t mark = rind_arena_mark(&fixture->arena);
    for (size_t i = 0; i < 2; i++) {
        rind_status status = rind_wire_decode(&fixture->ctx, profiles[i], schema, bytes, value);
        if (!rind_is_ok(status)) {
            fail_msg("%s: %s", name, fixture->ctx.sentence);
        }
        struct rind_slice encoded;
        status = rind_wire_encode_alloc(&fixture->ctx, schema, value, &encoded);
        if (!rind_is_ok(status)) {
            fail_msg("%s: %s", name, fixture->ctx.sentence);
        }
        if (!rind_slice_equal(encoded, bytes)) {
            fail_msg("%s: %s encodes to other bytes", name, schema->name);
        }
    }
    if (!rind_is_ok(rind_wire_decode_whole(&fixture->ctx, schema, bytes, value))) {
        fail_msg("%s: %s", name, fixture->ctx.sentence);
    }
    rind_arena_release(&fixture->arena, mark);
}

/* Round trip of member `key` of each element of array `list` of the file. */
static size_t check_list(struct fixture *fixture, const json_t *file, const char *list,
                         const char *key, const struct rind_schema *schema)
{
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, list), index, sample)
    {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s[%zu].%s", list, index, key);
        check_round_trip(fixture, schema, rind_vectors_hex(sample, key, &fixture->arena), name);
    }
    return index;
}

static void client_protocol_samples_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("client-protocol-cbor.json");
    assert_int_equal(
        check_list(fixture, file, "secrets_request", "cbor", &rind_secrets_request_schema), 6);
    assert_int_equal(
        check_list(fixture, file, "secrets_response", "cbor", &rind_secrets_response_schema), 16);
    assert_int_equal(
        check_list(fixture, file, "client_request", "cbor", &rind_client_request_schema), 3);
    assert_int_equal(
        check_list(fixture, file, "client_response", "cbor", &rind_client_response_schema), 9);
    assert_int_equal(check_list(fixture, file, "padded_secrets_response", "cbor",
                                &rind_padded_secrets_response_schema),
                     16);
    assert_int_equal(check_list(fixture, file, "user_record", "cbor", &rind_user_record_schema), 3);
    json_decref(file);
}

static void secrets_samples_of_the_hsm_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-secrets-rpc.json");
    assert_true(check_list(fixture, file, "requests", "cbor", &rind_secrets_request_schema) > 0);
    assert_true(check_list(fixture, file, "responses", "cbor", &rind_secrets_response_schema) > 0);
    assert_true(check_list(fixture, file, "responses", "padded_cbor",
                           &rind_padded_secrets_response_schema) > 0);
    struct rind_slice long_response =
        rind_vectors_hex(rind_vectors_get(file, "does_not_fit"), "cbor", &fixture->arena);
    check_round_trip(fixture, &rind_secrets_response_schema, long_response, "does_not_fit");
    assert_int_equal(long_response.length, RIND_PADDED_SECRETS_RESPONSE_SIZE + 1);
    json_decref(file);
}

/* One exchange of the recorded run of the public SDK. */
static void check_exchange(struct fixture *fixture, const json_t *exchange)
{
    bool is_hardware = json_object_get(exchange, "kind") != NULL;
    struct rind_slice request = rind_vectors_hex(exchange, "request_body", &fixture->arena);
    check_round_trip(fixture,
                     is_hardware ? &rind_client_request_schema : &rind_secrets_request_schema,
                     request, "request_body");
    if (is_hardware) {
        struct rind_slice plain = rind_vectors_hex(exchange, "request_plaintext", &fixture->arena);
        if (plain.length > 0) {
            check_round_trip(fixture, &rind_secrets_request_schema, plain, "request_plaintext");
        }
        check_round_trip(fixture, &rind_client_response_schema,
                         rind_vectors_hex(exchange, "response_body", &fixture->arena),
                         "response_body");
        if (json_object_get(exchange, "secrets_response_cbor") != NULL) {
            check_round_trip(fixture, &rind_secrets_response_schema,
                             rind_vectors_hex(exchange, "secrets_response_cbor", &fixture->arena),
                             "secrets_response_cbor");
        }
    } else if (rind_vectors_integer(exchange, "status") == 200) {
        check_round_trip(fixture, &rind_secrets_response_schema,
                         rind_vectors_hex(exchange, "response_body", &fixture->arena),
                         "response_body");
    }
}

static void messages_of_the_recorded_sdk_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("client-protocol-sdk-recording.json");
    size_t index;
    json_t *exchange;
    json_array_foreach(rind_vectors_get(file, "exchanges"), index, exchange)
    {
        check_exchange(fixture, exchange);
    }
    assert_int_equal(index, 158);
    json_decref(file);
}

static void log_entries_round_trip_and_have_the_sizes_of_the_spec(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-types.json");
    assert_int_equal(check_list(fixture, file, "vectors", "cbor", &rind_log_entry_schema), 4);
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, sample)
    {
        assert_int_equal(rind_vectors_hex(sample, "cbor", &fixture->arena).length,
                         rind_vectors_integer(sample, "len"));
    }
    json_decref(file);
    file = rind_vectors_load("hsm-log-chain.json");
    assert_true(check_list(fixture, file, "entries", "log_entry_cbor", &rind_log_entry_schema) > 0);
    assert_true(check_list(fixture, file, "entries", "mac_message_cbor",
                           &rind_log_entry_message_schema) > 0);
    json_decref(file);
}

struct named_schema {
    const char *name;
    const struct rind_schema *schema;
};

static const struct rind_schema *find_schema(const struct named_schema *table, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            return table[i].schema;
        }
    }
    fail_msg("no schema for sample \"%s\"", name);
    return NULL;
}

#define FIND_SCHEMA(table, name) find_schema(table, sizeof(table) / sizeof((table)[0]), name)

static void mac_messages_round_trip(void **state)
{
    static const struct named_schema table[] = {
        {"group_configuration", &rind_group_configuration_message_schema},
        {"hsm_realm", &rind_hsm_realm_message_schema},
        {"captured", &rind_captured_message_schema},
        {"log_entry_bare", &rind_log_entry_message_schema},
        {"log_entry_transferring_out", &rind_log_entry_message_schema},
        {"log_entry_transferring_in", &rind_log_entry_message_schema},
        {"prepared_transfer", &rind_prepared_transfer_message_schema},
        {"transfer", &rind_transfer_message_schema},
    };
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-mac.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, sample)
    {
        const char *name = rind_vectors_text(sample, "name");
        check_round_trip(fixture, FIND_SCHEMA(table, name),
                         rind_vectors_hex(sample, "cbor", &fixture->arena), name);
    }
    assert_int_equal(index, 8);
    json_decref(file);
}

static void user_records_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-user-record.json");
    assert_true(check_list(fixture, file, "vectors", "cbor", &rind_user_record_schema) > 0);
    json_decref(file);
}

static void persistent_states_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-persist.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, sample)
    {
        struct rind_slice stored = rind_vectors_hex(sample, "stored", &fixture->arena);
        stored.length -= 32; /* the digest */
        assert_int_equal(stored.length, rind_vectors_integer(sample, "cbor_len"));
        check_round_trip(fixture, &rind_persistent_state_schema, stored,
                         rind_vectors_text(sample, "name"));
    }
    assert_true(index > 0);
    json_decref(file);
}

static void software_realm_samples_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("cloud-services.json");
    const json_t *samples = rind_vectors_get(file, "software_realm");
    assert_true(check_list(fixture, samples, "records", "cbor_hex", &rind_software_record_schema) >=
                2);
    assert_true(
        check_list(fixture, samples, "requests", "cbor_hex", &rind_secrets_request_schema) >= 5);
    assert_true(
        check_list(fixture, samples, "responses", "cbor_hex", &rind_secrets_response_schema) >= 5);
    json_decref(file);
}

static const struct rind_schema *hsm_response_schema(const char *name)
{
    static const struct named_schema table[] = {
        {"Status", &rind_hsm_status_response_schema},
        {"NewRealm", &rind_hsm_new_realm_response_schema},
        {"JoinRealm", &rind_hsm_join_realm_response_schema},
        {"NewGroup", &rind_hsm_new_group_response_schema},
        {"JoinGroup", &rind_hsm_join_group_response_schema},
        {"BecomeLeader", &rind_hsm_become_leader_response_schema},
        {"StepDown", &rind_hsm_step_down_response_schema},
        {"CaptureJump", &rind_hsm_capture_jump_response_schema},
        {"CaptureNext", &rind_hsm_capture_next_response_schema},
        {"PersistState", &rind_hsm_persist_state_response_schema},
        {"Commit", &rind_hsm_commit_response_schema},
        {"PrepareTransfer", &rind_hsm_prepare_transfer_response_schema},
        {"CancelPreparedTransfer", &rind_hsm_cancel_prepared_transfer_response_schema},
        {"TransferOut", &rind_hsm_transfer_out_response_schema},
        {"TransferStatement", &rind_hsm_transfer_statement_response_schema},
        {"TransferIn", &rind_hsm_transfer_in_response_schema},
        {"CompleteTransfer", &rind_hsm_complete_transfer_response_schema},
        {"HandshakeRequest", &rind_hsm_handshake_response_schema},
        {"AppRequest", &rind_hsm_app_response_schema},
    };
    return FIND_SCHEMA(table, name);
}

static void check_hsm_response(struct fixture *fixture, const char *name, struct rind_slice bytes,
                               const struct rind_schema *schema)
{
    alignas(max_align_t) uint8_t value[VALUE_SIZE_MAX];
    uint8_t encoded[VALUE_SIZE_MAX];
    struct rind_hsm_metric_list metrics;
    rind_status status = rind_hsm_response_decode(&fixture->ctx, schema, bytes, value, &metrics);
    if (!rind_is_ok(status)) {
        fail_msg("%s: %s", name, fixture->ctx.sentence);
    }
    struct rind_buffer out;
    rind_buffer_init(&out, encoded, sizeof(encoded));
    status = rind_hsm_response_encode(&fixture->ctx, schema, value, &metrics, &out);
    if (!rind_is_ok(status)) {
        fail_msg("%s: %s", name, fixture->ctx.sentence);
    }
    assert_true(rind_slice_equal(rind_buffer_slice(&out), bytes));
}

/* The hot messages have twins with the same bytes. */
static void check_spliced_request(struct fixture *fixture, const char *name,
                                  struct rind_slice request)
{
    if (strcmp(name, "AppRequest") == 0 || strcmp(name, "CaptureNext") == 0) {
        check_round_trip(fixture, &rind_spliced_request_envelope_schema, request, name);
    }
}

static void hsm_requests_and_responses_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("hsm-rpc.json");
    size_t index;
    json_t *sample;
    bool was_seen[RIND_HSM_REQUEST_APP_REQUEST + 1] = {false};
    json_array_foreach(rind_vectors_get(file, "samples"), index, sample)
    {
        char name[64];
        (void)snprintf(name, sizeof(name), "%s", rind_vectors_text(sample, "rpc"));
        name[strcspn(name, " ")] = '\0'; /* "AppRequest (handshake)" */
        struct rind_slice request = rind_vectors_hex(sample, "request", &fixture->arena);
        check_round_trip(fixture, &rind_hsm_request_envelope_schema, request, name);
        check_spliced_request(fixture, name, request);

        struct rind_hsm_request_envelope envelope;
        assert_true(rind_is_ok(rind_wire_decode_strict(
            &fixture->ctx, &rind_hsm_request_envelope_schema, request, &envelope)));
        assert_string_equal(rind_hsm_request_name(envelope.req.kind), name);
        was_seen[envelope.req.kind] = true;

        size_t response_index;
        json_t *response;
        json_array_foreach(rind_vectors_get(sample, "responses"), response_index, response)
        {
            struct rind_slice bytes = rind_vectors_hex(response, "cbor", &fixture->arena);
            check_hsm_response(fixture, name, bytes, hsm_response_schema(name));
            if (strcmp(name, "AppRequest") == 0) {
                check_hsm_response(fixture, name, bytes, &rind_spliced_app_response_schema);
            }
        }
    }
    for (size_t kind = 1; kind <= RIND_HSM_REQUEST_APP_REQUEST; kind++) {
        assert_true(was_seen[kind]);
    }
    json_decref(file);
}

static void tree_types_round_trip(void **state)
{
    static const struct named_schema table[] = {
        {"BitVec", &rind_bit_vector_schema},
        {"NodeKey", &rind_node_key_schema},
        {"Node", &rind_node_schema},
        {"StoreDelta", &rind_store_delta_schema},
        {"OwnedRange", &rind_owned_range_schema},
        {"Partition", &rind_partition_schema},
        {"ReadProof", &rind_read_proof_schema},
    };
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("merkle-cbor.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "cases"), index, sample)
    {
        const char *type = rind_vectors_text(sample, "type");
        if (strcmp(type, "Dir") == 0) {
            continue; /* a direction is part of no message (03 section 5) */
        }
        check_round_trip(fixture, FIND_SCHEMA(table, type),
                         rind_vectors_hex(sample, "cbor", &fixture->arena),
                         rind_vectors_text(sample, "name"));
    }
    assert_true(index > 0);
    json_decref(file);
}

static const struct rind_schema *agent_schema(const char *path, const char *side)
{
    static const struct {
        const char *path;
        const struct rind_schema *request;
        const struct rind_schema *response;
    } table[] = {
        {"status", &rind_agent_status_request_schema, &rind_agent_status_response_schema},
        {"app", &rind_agent_app_request_schema, &rind_agent_app_response_schema},
        {"captured", &rind_agent_captured_request_schema, &rind_agent_captured_response_schema},
        {"rate/state", &rind_agent_rate_state_request_schema,
         &rind_agent_rate_state_response_schema},
        {"tenants/reload", &rind_agent_tenants_reload_request_schema,
         &rind_agent_tenants_reload_response_schema},
        {"become_leader", &rind_agent_become_leader_request_schema,
         &rind_agent_become_leader_response_schema},
        {"stepdown", &rind_agent_stepdown_request_schema, &rind_agent_stepdown_response_schema},
        {"realm/new", &rind_agent_realm_new_request_schema, &rind_agent_realm_new_response_schema},
        {"realm/join", &rind_agent_realm_join_request_schema,
         &rind_agent_realm_join_response_schema},
        {"group/new", &rind_agent_group_new_request_schema, &rind_agent_group_new_response_schema},
        {"group/join", &rind_agent_group_join_request_schema,
         &rind_agent_group_join_response_schema},
        {"transfer/prepare", &rind_agent_transfer_prepare_request_schema,
         &rind_agent_transfer_prepare_response_schema},
        {"transfer/cancel_prepare", &rind_agent_transfer_cancel_prepare_request_schema,
         &rind_agent_transfer_cancel_prepare_response_schema},
        {"transfer/out", &rind_agent_transfer_out_request_schema,
         &rind_agent_transfer_out_response_schema},
        {"transfer/in", &rind_agent_transfer_in_request_schema,
         &rind_agent_transfer_in_response_schema},
        {"transfer/owns", &rind_agent_transfer_owns_request_schema,
         &rind_agent_transfer_owns_response_schema},
        {"transfer/complete", &rind_agent_transfer_complete_request_schema,
         &rind_agent_transfer_complete_response_schema},
        {"(inside state bytes)", &rind_rate_state_schema, &rind_rate_state_schema},
        {"(HSM transport)", &rind_hsm_request_envelope_schema, &rind_hsm_response_envelope_schema},
        {"leader_stepdown", &rind_cluster_stepdown_request_schema,
         &rind_cluster_stepdown_response_schema},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strcmp(table[i].path, path) == 0) {
            return strcmp(side, "response") == 0 ? table[i].response : table[i].request;
        }
    }
    fail_msg("no schema for path %s", path);
    return NULL;
}

static void agent_rpcs_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("agent-rpc.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "vectors"), index, sample)
    {
        const struct rind_schema *schema =
            agent_schema(rind_vectors_text(sample, "path"), rind_vectors_text(sample, "side"));
        check_round_trip(fixture, schema, rind_vectors_hex(sample, "hex", &fixture->arena),
                         rind_vectors_text(sample, "name"));
    }
    assert_true(index > 0);
    json_decref(file);
}

static void cluster_manager_rpcs_round_trip(void **state)
{
    static const struct named_schema requests[] = {
        {"leader_stepdown", &rind_cluster_stepdown_request_schema},
        {"rebalance", &rind_cluster_rebalance_request_schema},
        {"transfer", &rind_cluster_transfer_request_schema},
    };
    static const struct named_schema responses[] = {
        {"leader_stepdown", &rind_cluster_stepdown_response_schema},
        {"rebalance", &rind_cluster_rebalance_response_schema},
        {"transfer", &rind_cluster_transfer_response_schema},
    };
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("cluster-manager-api.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "messages"), index, sample)
    {
        const char *path = rind_vectors_text(sample, "path");
        bool is_request = strcmp(rind_vectors_text(sample, "kind"), "request") == 0;
        check_round_trip(
            fixture, is_request ? FIND_SCHEMA(requests, path) : FIND_SCHEMA(responses, path),
            rind_vectors_hex(sample, "cbor", &fixture->arena), rind_vectors_text(sample, "name"));
    }
    assert_true(index > 0);
    json_decref(file);
}

static void start_messages_round_trip(void **state)
{
    struct fixture *fixture = *state;
    json_t *file = rind_vectors_load("entrust-start.json");
    size_t index;
    json_t *sample;
    json_array_foreach(rind_vectors_get(file, "messages"), index, sample)
    {
        const char *name = rind_vectors_text(sample, "name");
        bool is_request = strncmp(name, "StartRequest", strlen("StartRequest")) == 0;
        check_round_trip(fixture,
                         is_request ? &rind_start_request_schema : &rind_start_response_schema,
                         rind_vectors_hex(sample, "cbor", &fixture->arena), name);
    }
    assert_int_equal(index, 8);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(client_protocol_samples_round_trip),
        TEST(secrets_samples_of_the_hsm_round_trip),
        TEST(messages_of_the_recorded_sdk_round_trip),
        TEST(log_entries_round_trip_and_have_the_sizes_of_the_spec),
        TEST(mac_messages_round_trip),
        TEST(user_records_round_trip),
        TEST(software_realm_samples_round_trip),
        TEST(persistent_states_round_trip),
        TEST(hsm_requests_and_responses_round_trip),
        TEST(tree_types_round_trip),
        TEST(agent_rpcs_round_trip),
        TEST(cluster_manager_rpcs_round_trip),
        TEST(start_messages_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
