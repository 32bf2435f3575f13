/* hsm_group.c - the tables of hsm_group.h. */
#include "wire/hsm_group.h"

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
