/* test_encode.c - what the encoder refuses, and the conveniences above it. */
#include "fixture.h"

static void values_beyond_their_rows_are_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t size;

    struct rind_client_request request = {
        .session_id = 1,
        .kind = RIND_CLIENT_REQUEST_HANDSHAKE_ONLY,
        .encrypted = {.kind = RIND_NOISE_REQUEST_TRANSPORT},
    };
    uint8_t token[RIND_AUTH_TOKEN_SIZE_MAX + 1];
    memset(token, 'a', sizeof(token));
    request.auth_token = rind_slice_make(token, sizeof(token) - 1);
    assert_true(
        rind_is_ok(rind_wire_size(&fixture->ctx, &rind_client_request_schema, &request, &size)));
    request.auth_token.length++;
    assert_true(rind_is(rind_wire_size(&fixture->ctx, &rind_client_request_schema, &request, &size),
                        RIND_E_LIMIT));
    request.auth_token = rind_slice_make("\xff", 1);
    assert_true(rind_is(rind_wire_size(&fixture->ctx, &rind_client_request_schema, &request, &size),
                        RIND_E_INVALID));

    uint8_t scalar[32];
    memset(scalar, 0xff, sizeof(scalar));
    assert_true(
        rind_is(rind_wire_size(&fixture->ctx, &rind_scalar_schema, scalar, &size), RIND_E_INVALID));
}

static void lists_beyond_their_limit_are_refused(void **state)
{
    struct fixture *fixture = *state;
    size_t size;
    struct rind_hsm_id ids[RIND_CONFIGURATION_LIMIT + 1] = {0};
    struct rind_persistent_group group = {
        .state = {.configuration = {.items = ids, .count = RIND_CONFIGURATION_LIMIT}}};
    struct rind_persistent_state persistent = {.has_realm = true,
                                               .realm = {.groups = {.items = &group, .count = 1}}};
    assert_true(rind_is_ok(
        rind_wire_size(&fixture->ctx, &rind_persistent_state_schema, &persistent, &size)));
    group.state.configuration.count++;
    assert_true(
        rind_is(rind_wire_size(&fixture->ctx, &rind_persistent_state_schema, &persistent, &size),
                RIND_E_LIMIT));
}

static void omitted_and_null_are_different_messages(void **state)
{
    struct fixture *fixture = *state;
    struct rind_slice without;
    struct rind_slice with;
    struct rind_log_entry_message message = {.index = 1};
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&fixture->ctx, &rind_log_entry_message_schema, &message, &without)));
    assert_int_equal(without.data[0], 0xa7);
    message.has_transferring_in = true;
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&fixture->ctx, &rind_log_entry_message_schema, &message, &with)));
    assert_int_equal(with.data[0], 0xa8);
}

static void encoding_appends_to_what_is_there(void **state)
{
    struct fixture *fixture = *state;
    uint8_t memory[64];
    struct rind_buffer out;
    rind_buffer_init(&out, memory, sizeof(memory));
    rind_buffer_append_byte(&out, 9);
    const uint64_t number = 500;
    assert_true(rind_is_ok(rind_wire_encode(&fixture->ctx, &rind_u64_schema, &number, &out)));
    static const uint8_t expected[] = {9, 0x19, 0x01, 0xf4};
    assert_true(rind_slice_equal(rind_buffer_slice(&out), RIND_SLICE_OF(expected)));
}

static void nothing_is_encoded_into_an_overflown_buffer(void **state)
{
    struct fixture *fixture = *state;
    uint8_t memory[4];
    struct rind_buffer out;
    rind_buffer_init(&out, memory, 1);
    rind_buffer_append(&out, rind_slice_make("ab", 2));
    const uint64_t number = 5;
    assert_true(
        rind_is(rind_wire_encode(&fixture->ctx, &rind_u64_schema, &number, &out), RIND_E_LIMIT));
    assert_true(out.is_overflown);
    assert_int_equal(out.length, 0);
}

static void integers_take_their_shortest_form(void **state)
{
    static const struct {
        uint64_t value;
        size_t size;
    } cases[] = {
        {0, 1},     {23, 1},    {24, 2},         {255, 2},        {256, 3},
        {65535, 3}, {65536, 5}, {UINT32_MAX, 5}, {1ull << 32, 9}, {UINT64_MAX, 9},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t size;
        assert_true(
            rind_is_ok(rind_wire_size(&fixture->ctx, &rind_u64_schema, &cases[i].value, &size)));
        assert_int_equal(size, cases[i].size);
    }
}

static void requests_that_need_forward_secrecy_are_the_three_of_the_spec(void **state)
{
    (void)state;
    for (int kind = RIND_SECRETS_REQUEST_REGISTER1; kind <= RIND_SECRETS_REQUEST_DELETE; kind++) {
        struct rind_secrets_request request = {.kind = (enum rind_secrets_request_kind)kind};
        assert_int_equal(rind_secrets_request_needs_forward_secrecy(&request),
                         kind == RIND_SECRETS_REQUEST_REGISTER2 ||
                             kind == RIND_SECRETS_REQUEST_RECOVER2 ||
                             kind == RIND_SECRETS_REQUEST_RECOVER3);
    }
}

static void stored_nodes_are_unwrapped_for_proofs(void **state)
{
    struct fixture *fixture = *state;
    enum rind_node_kind kind;
    struct rind_slice stored;
    struct rind_slice content;
    struct rind_slice bare;
    struct rind_node node = {.kind = RIND_NODE_INTERIOR};
    assert_true(
        rind_is_ok(rind_wire_encode_alloc(&fixture->ctx, &rind_node_schema, &node, &stored)));
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&fixture->ctx, &rind_interior_node_schema, &node.interior, &bare)));
    assert_true(rind_node_content(stored, &kind, &content));
    assert_int_equal(kind, RIND_NODE_INTERIOR);
    assert_true(rind_slice_equal(content, bare));

    node = (struct rind_node){.kind = RIND_NODE_LEAF, .leaf = {rind_slice_text("v")}};
    assert_true(
        rind_is_ok(rind_wire_encode_alloc(&fixture->ctx, &rind_node_schema, &node, &stored)));
    assert_true(rind_is_ok(
        rind_wire_encode_alloc(&fixture->ctx, &rind_leaf_node_schema, &node.leaf, &bare)));
    assert_true(rind_node_content(stored, &kind, &content));
    assert_int_equal(kind, RIND_NODE_LEAF);
    assert_true(rind_slice_equal(content, bare));

    for (size_t length = 0; length <= 6; length++) {
        stored.length = length;
        assert_false(rind_node_content(stored, &kind, &content));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_beyond_their_rows_are_refused),
        TEST(lists_beyond_their_limit_are_refused),
        TEST(omitted_and_null_are_different_messages),
        TEST(encoding_appends_to_what_is_there),
        TEST(nothing_is_encoded_into_an_overflown_buffer),
        TEST(integers_take_their_shortest_form),
        TEST(requests_that_need_forward_secrecy_are_the_three_of_the_spec),
        TEST(stored_nodes_are_unwrapped_for_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
