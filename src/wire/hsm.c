/* hsm.c - the tables of hsm.h; putting and taking the envelope of a response. */
#include "wire/hsm.h"
#include "base/assert.h"
#include "wire/codec.h"

const struct rind_schema rind_hsm_status_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_hsm_status_request);

static const struct rind_field leader_status_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_leader_status, committed, rind_u64_schema),
    RIND_FIELD(struct rind_leader_status, last, rind_u64_schema),
    RIND_FIELD_OPTIONAL(struct rind_leader_status, owned_range, rind_owned_range_schema),
    RIND_FIELD_OPTIONAL(struct rind_leader_status, transferring, rind_transferring_schema),
};
const struct rind_schema rind_leader_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_leader_status, leader_status_fields);

static const struct rind_field group_status_fields[] = {
    RIND_FIELD(struct rind_group_status, id, rind_bytes16_schema),
    RIND_FIELD(struct rind_group_status, configuration, rind_hsm_id_list_schema),
    RIND_FIELD_OPTIONAL(struct rind_group_status, captured, rind_log_position_schema),
    RIND_FIELD_OPTIONAL(struct rind_group_status, leader, rind_leader_status_schema),
    RIND_FIELD(struct rind_group_status, role, rind_role_status_schema),
};
const struct rind_schema rind_group_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_group_status, group_status_fields);

const struct rind_schema rind_group_status_list_schema =
    RIND_SCHEMA_LIST(struct rind_group_status_list, struct rind_group_status,
                     rind_group_status_schema, RIND_WIRE_GROUPS_MAX);

static const struct rind_field realm_status_fields[] = {
    RIND_FIELD(struct rind_realm_status, id, rind_bytes16_schema),
    RIND_FIELD(struct rind_realm_status, statement, rind_bytes32_schema),
    RIND_FIELD(struct rind_realm_status, groups, rind_group_status_list_schema),
};
const struct rind_schema rind_realm_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_realm_status, realm_status_fields);

static const struct rind_field hsm_status_response_fields[] = {
    RIND_FIELD(struct rind_hsm_status_response, id, rind_bytes16_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_status_response, realm, rind_realm_status_schema),
    RIND_FIELD(struct rind_hsm_status_response, public_key, rind_bytes_schema),
};
const struct rind_schema rind_hsm_status_response_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_status_response, hsm_status_response_fields);

const struct rind_schema rind_hsm_new_realm_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_hsm_new_realm_request);

static const struct rind_field hsm_new_realm_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_new_realm_ok, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_new_realm_ok, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_new_realm_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_new_realm_ok, delta, rind_store_delta_schema),
    RIND_FIELD(struct rind_hsm_new_realm_ok, role, rind_role_status_schema),
};
const struct rind_schema rind_hsm_new_realm_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_new_realm_ok, hsm_new_realm_ok_fields);

static const struct rind_field hsm_new_realm_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_new_realm_response, ok, rind_hsm_new_realm_ok_schema),
    RIND_VARIANT_UNIT("HaveRealm"),
};
const struct rind_schema rind_hsm_new_realm_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_new_realm_response, hsm_new_realm_response_variants);

static const struct rind_field hsm_join_realm_request_fields[] = {
    RIND_FIELD(struct rind_hsm_join_realm_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_join_realm_request, peer, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_join_realm_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_join_realm_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_join_realm_request, hsm_join_realm_request_fields);

static const struct rind_field hsm_join_realm_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_join_realm_ok, hsm, rind_bytes16_schema),
};
const struct rind_schema rind_hsm_join_realm_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_join_realm_ok, hsm_join_realm_ok_fields);

static const struct rind_field hsm_join_realm_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_join_realm_response, ok, rind_hsm_join_realm_ok_schema),
    RIND_VARIANT_UNIT("HaveOtherRealm"),
    RIND_VARIANT_UNIT("InvalidStatement"),
};
const struct rind_schema rind_hsm_join_realm_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_join_realm_response, hsm_join_realm_response_variants);

static const struct rind_field group_member_fields[] = {
    RIND_FIELD(struct rind_group_member, hsm, rind_bytes16_schema),
    RIND_FIELD(struct rind_group_member, statement, rind_bytes32_schema),
};
const struct rind_schema rind_group_member_schema =
    RIND_SCHEMA_TUPLE(struct rind_group_member, group_member_fields);

const struct rind_schema rind_group_member_list_schema =
    RIND_SCHEMA_LIST(struct rind_group_member_list, struct rind_group_member,
                     rind_group_member_schema, RIND_WIRE_CONFIGURATION_MAX);

static const struct rind_field hsm_new_group_request_fields[] = {
    RIND_FIELD(struct rind_hsm_new_group_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_new_group_request, members, rind_group_member_list_schema),
};
const struct rind_schema rind_hsm_new_group_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_new_group_request, hsm_new_group_request_fields);

static const struct rind_field hsm_new_group_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_new_group_ok, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_new_group_ok, statement, rind_bytes32_schema),
    RIND_FIELD(struct rind_hsm_new_group_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_new_group_ok, role, rind_role_status_schema),
};
const struct rind_schema rind_hsm_new_group_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_new_group_ok, hsm_new_group_ok_fields);

static const struct rind_field hsm_new_group_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_new_group_response, ok, rind_hsm_new_group_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidConfiguration"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("TooManyGroups"),
};
const struct rind_schema rind_hsm_new_group_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_new_group_response, hsm_new_group_response_variants);

static const struct rind_field hsm_join_group_request_fields[] = {
    RIND_FIELD(struct rind_hsm_join_group_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_join_group_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_join_group_request, configuration, rind_hsm_id_list_schema),
    RIND_FIELD(struct rind_hsm_join_group_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_join_group_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_join_group_request, hsm_join_group_request_fields);

static const struct rind_field hsm_join_group_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_join_group_response, ok, rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidConfiguration"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("TooManyGroups"),
};
const struct rind_schema rind_hsm_join_group_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_join_group_response, hsm_join_group_response_variants);

static const struct rind_field hsm_become_leader_request_fields[] = {
    RIND_FIELD(struct rind_hsm_become_leader_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_become_leader_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_become_leader_request, last_entry, rind_log_entry_schema),
};
const struct rind_schema rind_hsm_become_leader_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_become_leader_request, hsm_become_leader_request_fields);

static const struct rind_field hsm_become_leader_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_become_leader_ok, role, rind_role_status_schema),
};
const struct rind_schema rind_hsm_become_leader_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_become_leader_ok, hsm_become_leader_ok_fields);

static const struct rind_field hsm_not_captured_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_hsm_not_captured, have, rind_u64_schema),
};
const struct rind_schema rind_hsm_not_captured_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_not_captured, hsm_not_captured_fields);

static const struct rind_field hsm_become_leader_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_become_leader_response, ok,
                 rind_hsm_become_leader_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("InvalidMac"),
    RIND_VARIANT("NotCaptured", struct rind_hsm_become_leader_response, not_captured,
                 rind_hsm_not_captured_schema),
    RIND_VARIANT_UNIT("StepdownInProgress"),
};
const struct rind_schema rind_hsm_become_leader_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_become_leader_response, hsm_become_leader_response_variants);

static const struct rind_field hsm_step_down_request_fields[] = {
    RIND_FIELD(struct rind_hsm_step_down_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_step_down_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_step_down_request, force, rind_bool_schema),
};
const struct rind_schema rind_hsm_step_down_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_step_down_request, hsm_step_down_request_fields);

static const struct rind_field hsm_step_down_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_step_down_ok, last, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_step_down_ok, role, rind_role_status_schema),
};
const struct rind_schema rind_hsm_step_down_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_step_down_ok, hsm_step_down_ok_fields);

static const struct rind_field hsm_step_down_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_step_down_response, ok, rind_hsm_step_down_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT("NotLeader", struct rind_hsm_step_down_response, not_leader,
                 rind_role_status_schema),
};
const struct rind_schema rind_hsm_step_down_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_step_down_response, hsm_step_down_response_variants);

static const struct rind_field hsm_capture_jump_request_fields[] = {
    RIND_FIELD(struct rind_hsm_capture_jump_request, jump, rind_captured_schema),
};
const struct rind_schema rind_hsm_capture_jump_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_capture_jump_request, hsm_capture_jump_request_fields);

static const struct rind_field hsm_capture_jump_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT("NotWitness", struct rind_hsm_capture_jump_response, not_witness,
                 rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("StaleIndex"),
};
const struct rind_schema rind_hsm_capture_jump_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_capture_jump_response, hsm_capture_jump_response_variants);

static const struct rind_field hsm_capture_next_request_fields[] = {
    RIND_FIELD(struct rind_hsm_capture_next_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_capture_next_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_capture_next_request, entries, rind_log_entry_list_schema),
};
const struct rind_schema rind_hsm_capture_next_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_capture_next_request, hsm_capture_next_request_fields);

static const struct rind_field hsm_capture_next_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_capture_next_response, ok, rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("InvalidMac"),
    RIND_VARIANT_UNIT("InvalidChain"),
    RIND_VARIANT_UNIT("MissingPrev"),
    RIND_VARIANT_UNIT("MissingEntries"),
};
const struct rind_schema rind_hsm_capture_next_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_capture_next_response, hsm_capture_next_response_variants);

const struct rind_schema rind_hsm_persist_state_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_hsm_persist_state_request);

static const struct rind_field hsm_persist_state_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_persist_state_ok, captured, rind_captured_list_schema),
};
const struct rind_schema rind_hsm_persist_state_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_persist_state_ok, hsm_persist_state_ok_fields);

static const struct rind_field hsm_persist_state_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_persist_state_response, ok,
                 rind_hsm_persist_state_ok_schema),
};
const struct rind_schema rind_hsm_persist_state_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_persist_state_response, hsm_persist_state_response_variants);

static const struct rind_field hsm_commit_request_fields[] = {
    RIND_FIELD(struct rind_hsm_commit_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_commit_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_commit_request, captures, rind_captured_list_schema),
};
const struct rind_schema rind_hsm_commit_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_commit_request, hsm_commit_request_fields);

static const struct rind_field released_response_fields[] = {
    RIND_FIELD(struct rind_released_response, mac, rind_bytes32_schema),
    RIND_FIELD(struct rind_released_response, response, rind_noise_response_schema),
    RIND_FIELD(struct rind_released_response, result, rind_app_result_type_schema),
};
const struct rind_schema rind_released_response_schema =
    RIND_SCHEMA_TUPLE(struct rind_released_response, released_response_fields);

const struct rind_schema rind_released_response_list_schema =
    RIND_SCHEMA_LIST(struct rind_released_response_list, struct rind_released_response,
                     rind_released_response_schema, RIND_WIRE_RESPONSES_MAX);

static const struct rind_field commit_state_fields[] = {
    RIND_FIELD(struct rind_commit_state, committed, rind_u64_schema),
    RIND_FIELD(struct rind_commit_state, responses, rind_released_response_list_schema),
    RIND_FIELD(struct rind_commit_state, abandoned, rind_mac_list_schema),
    RIND_FIELD(struct rind_commit_state, role, rind_role_status_schema),
};
const struct rind_schema rind_commit_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_commit_state, commit_state_fields);

static const struct rind_field hsm_commit_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_commit_response, ok, rind_commit_state_schema),
    RIND_VARIANT_UNIT("NoQuorum"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT("NotLeader", struct rind_hsm_commit_response, not_leader, rind_role_status_schema),
};
const struct rind_schema rind_hsm_commit_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_commit_response, hsm_commit_response_variants);

static const struct rind_field hsm_prepare_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_prepare_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_prepare_transfer_request, hsm_prepare_transfer_request_fields);

static const struct rind_field hsm_prepare_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, nonce, rind_bytes16_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_prepare_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, wait_til_committed, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, clock, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_prepare_transfer_ok, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_prepare_transfer_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_prepare_transfer_ok, hsm_prepare_transfer_ok_fields);

static const struct rind_field hsm_prepare_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_prepare_transfer_response, ok,
                 rind_hsm_prepare_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("UnacceptableRange"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
};
const struct rind_schema rind_hsm_prepare_transfer_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_prepare_transfer_response, hsm_prepare_transfer_response_variants);

static const struct rind_field hsm_cancel_prepared_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_cancel_prepared_transfer_request, hsm_cancel_prepared_transfer_request_fields);

static const struct rind_field hsm_cancel_prepared_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_cancel_prepared_transfer_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_ok_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_cancel_prepared_transfer_ok, hsm_cancel_prepared_transfer_ok_fields);

static const struct rind_field hsm_cancel_prepared_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_cancel_prepared_transfer_response, ok,
                 rind_hsm_cancel_prepared_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotPrepared"),
};
const struct rind_schema rind_hsm_cancel_prepared_transfer_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_cancel_prepared_transfer_response,
                     hsm_cancel_prepared_transfer_response_variants);

static const struct rind_field hsm_transfer_out_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_out_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_request, statement, rind_bytes32_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_out_request, proof, rind_read_proof_schema),
};
const struct rind_schema rind_hsm_transfer_out_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_out_request, hsm_transfer_out_request_fields);

static const struct rind_field hsm_transfer_out_ok_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_out_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, delta, rind_store_delta_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, partition, rind_partition_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, wait_til_committed, rind_u64_schema),
    RIND_FIELD(struct rind_hsm_transfer_out_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_transfer_out_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_out_ok, hsm_transfer_out_ok_fields);

static const struct rind_field hsm_transfer_out_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_out_response, ok, rind_hsm_transfer_out_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("MissingProof"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
    RIND_VARIANT_UNIT("InvalidStatement"),
};
const struct rind_schema rind_hsm_transfer_out_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_transfer_out_response, hsm_transfer_out_response_variants);

static const struct rind_field hsm_transfer_statement_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_statement_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_statement_request, nonce, rind_bytes16_schema),
};
const struct rind_schema rind_hsm_transfer_statement_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_transfer_statement_request, hsm_transfer_statement_request_fields);

static const struct rind_field hsm_transfer_statement_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_statement_response, statement, rind_bytes32_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotTransferring"),
    RIND_VARIANT_UNIT("Busy"),
};
const struct rind_schema rind_hsm_transfer_statement_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_transfer_statement_response, hsm_transfer_statement_response_variants);

static const struct rind_field transfer_in_proofs_fields[] = {
    RIND_FIELD(struct rind_transfer_in_proofs, owned, rind_read_proof_schema),
    RIND_FIELD(struct rind_transfer_in_proofs, transferring, rind_read_proof_schema),
};
const struct rind_schema rind_transfer_in_proofs_schema =
    RIND_SCHEMA_STRUCT(struct rind_transfer_in_proofs, transfer_in_proofs_fields);

static const struct rind_field hsm_transfer_in_request_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_in_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, transferring, rind_partition_schema),
    RIND_FIELD_OPTIONAL(struct rind_hsm_transfer_in_request, proofs,
                        rind_transfer_in_proofs_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_hsm_transfer_in_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_in_request, hsm_transfer_in_request_fields);

static const struct rind_field hsm_transfer_in_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_transfer_in_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_ok, delta, rind_store_delta_schema),
    RIND_FIELD(struct rind_hsm_transfer_in_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_transfer_in_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_transfer_in_ok, hsm_transfer_in_ok_fields);

static const struct rind_field hsm_transfer_in_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_transfer_in_response, ok, rind_hsm_transfer_in_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("InvalidNonce"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("MissingProofs"),
    RIND_VARIANT_UNIT("NotPrepared"),
};
const struct rind_schema rind_hsm_transfer_in_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_transfer_in_response, hsm_transfer_in_response_variants);

static const struct rind_field hsm_complete_transfer_request_fields[] = {
    RIND_FIELD(struct rind_hsm_complete_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_hsm_complete_transfer_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_hsm_complete_transfer_request, hsm_complete_transfer_request_fields);

static const struct rind_field hsm_complete_transfer_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_complete_transfer_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_complete_transfer_ok, clock, rind_u64_schema),
};
const struct rind_schema rind_hsm_complete_transfer_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_complete_transfer_ok, hsm_complete_transfer_ok_fields);

static const struct rind_field hsm_complete_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_complete_transfer_response, ok,
                 rind_hsm_complete_transfer_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotTransferring"),
};
const struct rind_schema rind_hsm_complete_transfer_response_schema = RIND_SCHEMA_ENUM(
    struct rind_hsm_complete_transfer_response, hsm_complete_transfer_response_variants);

static const struct rind_field hsm_handshake_request_fields[] = {
    RIND_FIELD(struct rind_hsm_handshake_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_hsm_handshake_request, handshake, rind_handshake_request_schema),
};
const struct rind_schema rind_hsm_handshake_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_handshake_request, hsm_handshake_request_fields);

static const struct rind_field hsm_handshake_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_handshake_ok, noise, rind_handshake_response_schema),
    RIND_FIELD(struct rind_hsm_handshake_ok, session_lifetime, rind_duration_schema),
};
const struct rind_schema rind_hsm_handshake_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_handshake_ok, hsm_handshake_ok_fields);

static const struct rind_field hsm_handshake_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_handshake_response, ok, rind_hsm_handshake_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("SessionError"),
};
const struct rind_schema rind_hsm_handshake_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_handshake_response, hsm_handshake_response_variants);

static const struct rind_field hsm_app_request_fields[] = {
    RIND_FIELD(struct rind_hsm_app_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_app_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_app_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_hsm_app_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_hsm_app_request, encrypted, rind_noise_request_schema),
    RIND_FIELD(struct rind_hsm_app_request, proof, rind_read_proof_schema),
    RIND_FIELD(struct rind_hsm_app_request, index, rind_u64_schema),
};
const struct rind_schema rind_hsm_app_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_app_request, hsm_app_request_fields);

static const struct rind_field hsm_app_ok_fields[] = {
    RIND_FIELD(struct rind_hsm_app_ok, entry, rind_log_entry_schema),
    RIND_FIELD(struct rind_hsm_app_ok, delta, rind_store_delta_schema),
};
const struct rind_schema rind_hsm_app_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_app_ok, hsm_app_ok_fields);

static const struct rind_field hsm_app_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_hsm_app_response, ok, rind_hsm_app_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("StaleProof"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT("NotLeader", struct rind_hsm_app_response, not_leader, rind_role_status_schema),
    RIND_VARIANT_UNIT("InvalidRecordData"),
    RIND_VARIANT_UNIT("MissingSession"),
    RIND_VARIANT_UNIT("SessionError"),
    RIND_VARIANT_UNIT("DecodingError"),
};
const struct rind_schema rind_hsm_app_response_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_app_response, hsm_app_response_variants);

static const struct rind_field hsm_request_variants[] = {
    RIND_VARIANT("Status", struct rind_hsm_request, status, rind_hsm_status_request_schema),
    RIND_VARIANT("NewRealm", struct rind_hsm_request, new_realm, rind_hsm_new_realm_request_schema),
    RIND_VARIANT("JoinRealm", struct rind_hsm_request, join_realm,
                 rind_hsm_join_realm_request_schema),
    RIND_VARIANT("NewGroup", struct rind_hsm_request, new_group, rind_hsm_new_group_request_schema),
    RIND_VARIANT("JoinGroup", struct rind_hsm_request, join_group,
                 rind_hsm_join_group_request_schema),
    RIND_VARIANT("BecomeLeader", struct rind_hsm_request, become_leader,
                 rind_hsm_become_leader_request_schema),
    RIND_VARIANT("StepDown", struct rind_hsm_request, step_down, rind_hsm_step_down_request_schema),
    RIND_VARIANT("CaptureJump", struct rind_hsm_request, capture_jump,
                 rind_hsm_capture_jump_request_schema),
    RIND_VARIANT("CaptureNext", struct rind_hsm_request, capture_next,
                 rind_hsm_capture_next_request_schema),
    RIND_VARIANT("PersistState", struct rind_hsm_request, persist_state,
                 rind_hsm_persist_state_request_schema),
    RIND_VARIANT("Commit", struct rind_hsm_request, commit, rind_hsm_commit_request_schema),
    RIND_VARIANT("PrepareTransfer", struct rind_hsm_request, prepare_transfer,
                 rind_hsm_prepare_transfer_request_schema),
    RIND_VARIANT("CancelPreparedTransfer", struct rind_hsm_request, cancel_prepared_transfer,
                 rind_hsm_cancel_prepared_transfer_request_schema),
    RIND_VARIANT("TransferOut", struct rind_hsm_request, transfer_out,
                 rind_hsm_transfer_out_request_schema),
    RIND_VARIANT("TransferStatement", struct rind_hsm_request, transfer_statement,
                 rind_hsm_transfer_statement_request_schema),
    RIND_VARIANT("TransferIn", struct rind_hsm_request, transfer_in,
                 rind_hsm_transfer_in_request_schema),
    RIND_VARIANT("CompleteTransfer", struct rind_hsm_request, complete_transfer,
                 rind_hsm_complete_transfer_request_schema),
    RIND_VARIANT("HandshakeRequest", struct rind_hsm_request, handshake,
                 rind_hsm_handshake_request_schema),
    RIND_VARIANT("AppRequest", struct rind_hsm_request, app, rind_hsm_app_request_schema),
};
const struct rind_schema rind_hsm_request_schema =
    RIND_SCHEMA_ENUM(struct rind_hsm_request, hsm_request_variants);

static const struct rind_field hsm_metrics_variants[] = {
    RIND_VARIANT_UNIT("Skip"),
    RIND_VARIANT_UNIT("Record"),
};
const struct rind_schema rind_hsm_metrics_schema =
    RIND_SCHEMA_ENUM(enum rind_hsm_metrics, hsm_metrics_variants);

static const struct rind_field hsm_request_envelope_fields[] = {
    RIND_FIELD(struct rind_hsm_request_envelope, req, rind_hsm_request_schema),
    RIND_FIELD(struct rind_hsm_request_envelope, metrics, rind_hsm_metrics_schema),
};
const struct rind_schema rind_hsm_request_envelope_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_request_envelope, hsm_request_envelope_fields);

static const struct rind_field hsm_metric_fields[] = {
    RIND_FIELD(struct rind_hsm_metric, name, rind_text_schema),
    RIND_FIELD(struct rind_hsm_metric, nanos, rind_u32_schema),
};
const struct rind_schema rind_hsm_metric_schema =
    RIND_SCHEMA_TUPLE(struct rind_hsm_metric, hsm_metric_fields);

const struct rind_schema rind_hsm_metric_list_schema =
    RIND_SCHEMA_LIST(struct rind_hsm_metric_list, struct rind_hsm_metric, rind_hsm_metric_schema,
                     RIND_HSM_METRICS_MAX);

static const struct rind_field hsm_response_envelope_fields[] = {
    RIND_FIELD(struct rind_hsm_response_envelope, res, rind_raw_schema),
    RIND_FIELD(struct rind_hsm_response_envelope, metrics, rind_hsm_metric_list_schema),
};
const struct rind_schema rind_hsm_response_envelope_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_response_envelope, hsm_response_envelope_fields);

const char *rind_hsm_request_name(enum rind_hsm_request_kind kind)
{
    RIND_ASSERT(kind >= 1 &&
                kind <= sizeof(hsm_request_variants) / sizeof(hsm_request_variants[0]));
    return hsm_request_variants[kind - 1].name;
}

static rind_status hsm_response_encode_with(struct rind_ctx *ctx, const struct rind_schema *schema,
                                            const void *response,
                                            const struct rind_hsm_metric_list *metrics,
                                            struct rind_buffer *out)
{
    struct rind_hsm_response_envelope envelope = {.metrics = *metrics};
    RIND_TRY(rind_wire_encode_alloc(ctx, schema, response, &envelope.res));
    return rind_wire_encode(ctx, &rind_hsm_response_envelope_schema, &envelope, out);
}

rind_status rind_hsm_response_encode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     const void *response,
                                     const struct rind_hsm_metric_list *metrics,
                                     struct rind_buffer *out)
{
    size_t mark = rind_arena_mark(ctx->arena);
    rind_status status = hsm_response_encode_with(ctx, schema, response, metrics, out);
    rind_arena_release(ctx->arena, mark);
    return status;
}

rind_status rind_hsm_response_decode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     struct rind_slice bytes, void *response,
                                     struct rind_hsm_metric_list *metrics)
{
    struct rind_hsm_response_envelope envelope;
    RIND_TRY(rind_wire_decode_strict(ctx, &rind_hsm_response_envelope_schema, bytes, &envelope));
    RIND_TRY(rind_wire_decode_strict(ctx, schema, envelope.res, response));
    if (metrics != NULL) {
        *metrics = envelope.metrics;
    }
    return RIND_OK;
}
