/* types.c - the tables of types.h. */
#include "wire/types.h"

static const struct rind_field duration_fields[] = {
    RIND_FIELD(struct rind_duration, secs, rind_u64_schema),
    RIND_FIELD(struct rind_duration, nanos, rind_u32_schema),
};
const struct rind_schema rind_duration_schema =
    RIND_SCHEMA_FIELDS(RIND_KIND_DURATION, struct rind_duration, duration_fields);

static const struct rind_field owned_range_fields[] = {
    RIND_FIELD(struct rind_owned_range, start, rind_bytes32_schema),
    RIND_FIELD(struct rind_owned_range, end, rind_bytes32_schema),
};
const struct rind_schema rind_owned_range_schema =
    RIND_SCHEMA_STRUCT(struct rind_owned_range, owned_range_fields);

static const struct rind_field partition_fields[] = {
    RIND_FIELD(struct rind_partition, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_partition, root_hash, rind_bytes32_schema),
};
const struct rind_schema rind_partition_schema =
    RIND_SCHEMA_STRUCT(struct rind_partition, partition_fields);

static const struct rind_field transferring_in_fields[] = {
    RIND_FIELD(struct rind_transferring_in, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_transferring_in, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_transferring_in, at, rind_u64_schema),
};
const struct rind_schema rind_transferring_in_schema =
    RIND_SCHEMA_STRUCT(struct rind_transferring_in, transferring_in_fields);

static const struct rind_field transferring_out_fields[] = {
    RIND_FIELD(struct rind_transferring_out, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_transferring_out, partition, rind_partition_schema),
    RIND_FIELD(struct rind_transferring_out, at, rind_u64_schema),
};
const struct rind_schema rind_transferring_out_schema =
    RIND_SCHEMA_STRUCT(struct rind_transferring_out, transferring_out_fields);

static const struct rind_field transferring_variants[] = {
    RIND_VARIANT("In", struct rind_transferring, in, rind_transferring_in_schema),
    RIND_VARIANT("Out", struct rind_transferring, out, rind_transferring_out_schema),
};
const struct rind_schema rind_transferring_schema =
    RIND_SCHEMA_ENUM(struct rind_transferring, transferring_variants);

static const struct rind_field log_entry_fields[] = {
    RIND_FIELD(struct rind_log_entry, index, rind_u64_schema),
    RIND_FIELD_OPTIONAL(struct rind_log_entry, partition, rind_partition_schema),
    RIND_FIELD_OPTIONAL(struct rind_log_entry, transferring, rind_transferring_schema),
    RIND_FIELD(struct rind_log_entry, prev_mac, rind_bytes32_schema),
    RIND_FIELD(struct rind_log_entry, entry_mac, rind_bytes32_schema),
    RIND_FIELD(struct rind_log_entry, hsm, rind_bytes16_schema),
};
const struct rind_schema rind_log_entry_schema =
    RIND_SCHEMA_STRUCT(struct rind_log_entry, log_entry_fields);

static const struct rind_field log_position_fields[] = {
    RIND_FIELD(struct rind_log_position, index, rind_u64_schema),
    RIND_FIELD(struct rind_log_position, mac, rind_bytes32_schema),
};
const struct rind_schema rind_log_position_schema =
    RIND_SCHEMA_TUPLE(struct rind_log_position, log_position_fields);

static const struct rind_field role_leader_fields[] = {
    RIND_FIELD(struct rind_role_leader, starting, rind_u64_schema),
};
const struct rind_schema rind_role_leader_schema =
    RIND_SCHEMA_STRUCT(struct rind_role_leader, role_leader_fields);

static const struct rind_field role_stepping_down_fields[] = {
    RIND_FIELD(struct rind_role_stepping_down, leader_starting, rind_u64_schema),
};
const struct rind_schema rind_role_stepping_down_schema =
    RIND_SCHEMA_STRUCT(struct rind_role_stepping_down, role_stepping_down_fields);

static const struct rind_field group_member_role_variants[] = {
    RIND_VARIANT("Leader", struct rind_group_member_role, leader, rind_role_leader_schema),
    RIND_VARIANT("SteppingDown", struct rind_group_member_role, stepping_down,
                 rind_role_stepping_down_schema),
    RIND_VARIANT_UNIT("Witness"),
};
const struct rind_schema rind_group_member_role_schema =
    RIND_SCHEMA_ENUM(struct rind_group_member_role, group_member_role_variants);

static const struct rind_field role_status_fields[] = {
    RIND_FIELD(struct rind_role_status, role, rind_group_member_role_schema),
    RIND_FIELD(struct rind_role_status, at, rind_u64_schema),
};
const struct rind_schema rind_role_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_role_status, role_status_fields);

static const struct rind_field captured_fields[] = {
    RIND_FIELD(struct rind_captured, hsm, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured, index, rind_u64_schema),
    RIND_FIELD(struct rind_captured, mac, rind_bytes32_schema),
    RIND_FIELD(struct rind_captured, statement, rind_bytes32_schema),
};
const struct rind_schema rind_captured_schema =
    RIND_SCHEMA_STRUCT(struct rind_captured, captured_fields);

const struct rind_schema rind_captured_list_schema = RIND_SCHEMA_LIST(
    struct rind_captured_list, struct rind_captured, rind_captured_schema, RIND_WIRE_RESPONSES_MAX);

const struct rind_schema rind_hsm_id_list_schema = RIND_SCHEMA_LIST(
    struct rind_hsm_id_list, struct rind_hsm_id, rind_bytes16_schema, RIND_WIRE_CONFIGURATION_MAX);

const struct rind_schema rind_mac_list_schema = RIND_SCHEMA_LIST(
    struct rind_mac_list, struct rind_mac, rind_bytes32_schema, RIND_WIRE_RESPONSES_MAX);

const struct rind_schema rind_log_entry_list_schema =
    RIND_SCHEMA_LIST(struct rind_log_entry_list, struct rind_log_entry, rind_log_entry_schema,
                     RIND_WIRE_ENTRIES_MAX);

static const struct rind_field guess_state_fields[] = {
    RIND_FIELD(struct rind_guess_state, num_guesses, rind_u16_schema),
    RIND_FIELD(struct rind_guess_state, guess_count, rind_u16_schema),
};
const struct rind_schema rind_guess_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_guess_state, guess_state_fields);

static const struct rind_field app_result_recover2_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_app_result_recover2, updated, rind_guess_state_schema),
};
const struct rind_schema rind_app_result_recover2_schema =
    RIND_SCHEMA_STRUCT(struct rind_app_result_recover2, app_result_recover2_fields);

static const struct rind_field app_result_recover3_fields[] = {
    RIND_FIELD(struct rind_app_result_recover3, recovered, rind_bool_schema),
};
const struct rind_schema rind_app_result_recover3_schema =
    RIND_SCHEMA_STRUCT(struct rind_app_result_recover3, app_result_recover3_fields);

static const struct rind_field app_result_type_variants[] = {
    RIND_VARIANT_UNIT("Register1"),
    RIND_VARIANT_UNIT("Register2"),
    RIND_VARIANT_UNIT("Recover1"),
    RIND_VARIANT("Recover2", struct rind_app_result_type, recover2,
                 rind_app_result_recover2_schema),
    RIND_VARIANT("Recover3", struct rind_app_result_type, recover3,
                 rind_app_result_recover3_schema),
    RIND_VARIANT_UNIT("Delete"),
};
const struct rind_schema rind_app_result_type_schema =
    RIND_SCHEMA_ENUM(struct rind_app_result_type, app_result_type_variants);

static const struct rind_field handshake_request_fields[] = {
    RIND_FIELD(struct rind_handshake_request, client_ephemeral_public, rind_bytes_schema),
    RIND_FIELD(struct rind_handshake_request, payload_ciphertext, rind_bytes_schema),
};
const struct rind_schema rind_handshake_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_handshake_request, handshake_request_fields);

static const struct rind_field handshake_response_fields[] = {
    RIND_FIELD(struct rind_handshake_response, server_ephemeral_public, rind_bytes_schema),
    RIND_FIELD(struct rind_handshake_response, payload_ciphertext, rind_bytes_schema),
};
const struct rind_schema rind_handshake_response_schema =
    RIND_SCHEMA_STRUCT(struct rind_handshake_response, handshake_response_fields);

static const struct rind_field noise_request_handshake_fields[] = {
    RIND_FIELD(struct rind_noise_request_handshake, handshake, rind_handshake_request_schema),
};
const struct rind_schema rind_noise_request_handshake_schema =
    RIND_SCHEMA_STRUCT(struct rind_noise_request_handshake, noise_request_handshake_fields);

static const struct rind_field noise_transport_fields[] = {
    RIND_FIELD(struct rind_noise_transport, ciphertext, rind_bytes_schema),
};
const struct rind_schema rind_noise_transport_schema =
    RIND_SCHEMA_STRUCT(struct rind_noise_transport, noise_transport_fields);

static const struct rind_field noise_request_variants[] = {
    RIND_VARIANT("Handshake", struct rind_noise_request, handshake,
                 rind_noise_request_handshake_schema),
    RIND_VARIANT("Transport", struct rind_noise_request, transport, rind_noise_transport_schema),
};
const struct rind_schema rind_noise_request_schema =
    RIND_SCHEMA_ENUM(struct rind_noise_request, noise_request_variants);

static const struct rind_field noise_response_handshake_fields[] = {
    RIND_FIELD(struct rind_noise_response_handshake, handshake, rind_handshake_response_schema),
    RIND_FIELD(struct rind_noise_response_handshake, session_lifetime, rind_duration_schema),
};
const struct rind_schema rind_noise_response_handshake_schema =
    RIND_SCHEMA_STRUCT(struct rind_noise_response_handshake, noise_response_handshake_fields);

static const struct rind_field noise_response_variants[] = {
    RIND_VARIANT("Handshake", struct rind_noise_response, handshake,
                 rind_noise_response_handshake_schema),
    RIND_VARIANT("Transport", struct rind_noise_response, transport, rind_noise_transport_schema),
};
const struct rind_schema rind_noise_response_schema =
    RIND_SCHEMA_ENUM(struct rind_noise_response, noise_response_variants);

/* Lengths up to 65535 are kept and larger ones saturate, so that verification refuses them. */
static const struct rind_schema bit_length_schema =
    RIND_SCHEMA_INTEGER(RIND_KIND_U16_SATURATING, uint16_t, 0, UINT16_MAX);

static const struct rind_field bit_vector_fields[] = {
    RIND_FIELD_NAMED("len", struct rind_bit_vector, length, bit_length_schema),
    RIND_FIELD(struct rind_bit_vector, bits, rind_bytes32_schema),
};
const struct rind_schema rind_bit_vector_schema =
    RIND_SCHEMA_STRUCT(struct rind_bit_vector, bit_vector_fields);

static const struct rind_field branch_fields[] = {
    RIND_FIELD(struct rind_branch, prefix, rind_bit_vector_schema),
    RIND_FIELD(struct rind_branch, hash, rind_bytes32_schema),
};
const struct rind_schema rind_branch_schema =
    RIND_SCHEMA_NODE(struct rind_branch, branch_fields, RIND_NODE_FORM_BRANCH);

static const struct rind_field interior_node_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_interior_node, left, rind_branch_schema),
    RIND_FIELD_OPTIONAL(struct rind_interior_node, right, rind_branch_schema),
};
const struct rind_schema rind_interior_node_schema =
    RIND_SCHEMA_NODE(struct rind_interior_node, interior_node_fields, RIND_NODE_FORM_INTERIOR);

static const struct rind_field leaf_node_fields[] = {
    RIND_FIELD(struct rind_leaf_node, value, rind_bytes_schema),
};
const struct rind_schema rind_leaf_node_schema =
    RIND_SCHEMA_STRUCT(struct rind_leaf_node, leaf_node_fields);

static const struct rind_field node_variants[] = {
    RIND_VARIANT("Interior", struct rind_node, interior, rind_interior_node_schema),
    RIND_VARIANT("Leaf", struct rind_node, leaf, rind_leaf_node_schema),
};
const struct rind_schema rind_node_schema = RIND_SCHEMA_ENUM(struct rind_node, node_variants);

static const struct rind_field node_key_fields[] = {
    RIND_FIELD(struct rind_node_key, prefix, rind_bit_vector_schema),
    RIND_FIELD(struct rind_node_key, hash, rind_bytes32_schema),
};
const struct rind_schema rind_node_key_schema =
    RIND_SCHEMA_NODE(struct rind_node_key, node_key_fields, RIND_NODE_FORM_BRANCH);

const struct rind_schema rind_node_key_list_schema = RIND_SCHEMA_LIST(
    struct rind_node_key_list, struct rind_node_key, rind_node_key_schema, RIND_WIRE_DELTA_MAX);

const struct rind_schema rind_interior_node_list_schema =
    RIND_SCHEMA_LIST(struct rind_interior_node_list, struct rind_interior_node,
                     rind_interior_node_schema, RIND_WIRE_PATH_MAX);

static const struct rind_field read_proof_fields[] = {
    RIND_FIELD(struct rind_read_proof, key, rind_bytes32_schema),
    RIND_FIELD(struct rind_read_proof, range, rind_owned_range_schema),
    RIND_FIELD_OPTIONAL(struct rind_read_proof, leaf, rind_leaf_node_schema),
    RIND_FIELD(struct rind_read_proof, path, rind_interior_node_list_schema),
    RIND_FIELD(struct rind_read_proof, root_hash, rind_bytes32_schema),
};
const struct rind_schema rind_read_proof_schema =
    RIND_SCHEMA_STRUCT(struct rind_read_proof, read_proof_fields);

static const struct rind_field node_addition_fields[] = {
    RIND_FIELD(struct rind_node_addition, key, rind_node_key_schema),
    RIND_FIELD(struct rind_node_addition, node, rind_node_schema),
};
const struct rind_schema rind_node_addition_list_schema =
    RIND_SCHEMA_MAP(struct rind_node_addition_list, struct rind_node_addition, node_addition_fields,
                    RIND_WIRE_DELTA_MAX);

static const struct rind_field store_delta_fields[] = {
    RIND_FIELD(struct rind_store_delta, add, rind_node_addition_list_schema),
    RIND_FIELD(struct rind_store_delta, remove, rind_node_key_list_schema),
};
const struct rind_schema rind_store_delta_schema =
    RIND_SCHEMA_STRUCT(struct rind_store_delta, store_delta_fields);

static const struct rind_field rpc_error_variants[] = {
    RIND_VARIANT_UNIT("Network"),
    RIND_VARIANT("HttpStatus", struct rind_rpc_error, http_status, rind_u16_schema),
    RIND_VARIANT("Serialization", struct rind_rpc_error, serialization, rind_text_schema),
    RIND_VARIANT("Deserialization", struct rind_rpc_error, deserialization, rind_text_schema),
};
const struct rind_schema rind_rpc_error_schema =
    RIND_SCHEMA_ENUM(struct rind_rpc_error, rpc_error_variants);
