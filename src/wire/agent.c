/* agent.c - the tables of agent.h. */
#include "wire/agent.h"

static const struct rind_schema tenant_schema = RIND_SCHEMA_TEXT(RIND_AGENT_TENANT_SIZE_MAX);
static const struct rind_schema user_schema = RIND_SCHEMA_TEXT(RIND_AGENT_USER_SIZE_MAX);
static const struct rind_schema rate_state_schema = RIND_SCHEMA_BYTES(RIND_RATE_STATE_SIZE_MAX);

const struct rind_schema rind_agent_status_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_agent_status_request);

static const struct rind_field agent_leader_status_fields[] = {
    RIND_FIELD(struct rind_agent_leader_status, num_waiting_clients, rind_u64_schema),
    RIND_FIELD_OPTIONAL(struct rind_agent_leader_status, last_appended, rind_log_position_schema),
    RIND_FIELD(struct rind_agent_leader_status, append_queue_len, rind_u64_schema),
};
const struct rind_schema rind_agent_leader_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_leader_status, agent_leader_status_fields);

static const struct rind_field agent_group_status_fields[] = {
    RIND_FIELD(struct rind_agent_group_status, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_status, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_status, role, rind_role_status_schema),
    RIND_FIELD_OPTIONAL(struct rind_agent_group_status, leader, rind_agent_leader_status_schema),
};
const struct rind_schema rind_agent_group_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_group_status, agent_group_status_fields);

const struct rind_schema rind_agent_group_status_list_schema =
    RIND_SCHEMA_LIST(struct rind_agent_group_status_list, struct rind_agent_group_status,
                     rind_agent_group_status_schema, RIND_WIRE_GROUPS_MAX);

static const struct rind_field agent_service_status_fields[] = {
    RIND_FIELD(struct rind_agent_service_status, name, rind_text_schema),
    RIND_FIELD(struct rind_agent_service_status, build_hash, rind_text_schema),
    RIND_FIELD(struct rind_agent_service_status, groups, rind_agent_group_status_list_schema),
};
const struct rind_schema rind_agent_service_status_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_service_status, agent_service_status_fields);

static const struct rind_field agent_status_response_fields[] = {
    RIND_FIELD(struct rind_agent_status_response, uptime, rind_duration_schema),
    RIND_FIELD_OPTIONAL(struct rind_agent_status_response, hsm, rind_hsm_status_response_schema),
    RIND_FIELD(struct rind_agent_status_response, agent, rind_agent_service_status_schema),
};
const struct rind_schema rind_agent_status_response_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_status_response, agent_status_response_fields);

static const struct rind_field agent_app_request_fields[] = {
    RIND_FIELD(struct rind_agent_app_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_app_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_app_request, record_id, rind_bytes32_schema),
    RIND_FIELD(struct rind_agent_app_request, session_id, rind_u32_schema),
    RIND_FIELD(struct rind_agent_app_request, kind, rind_client_request_kind_schema),
    RIND_FIELD(struct rind_agent_app_request, encrypted, rind_noise_request_schema),
    RIND_FIELD(struct rind_agent_app_request, tenant, tenant_schema),
    RIND_FIELD(struct rind_agent_app_request, user, user_schema),
};
const struct rind_schema rind_agent_app_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_app_request, agent_app_request_fields);

static const struct rind_field agent_app_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_app_response, ok, rind_noise_response_schema),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("NoPubSub"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("MissingSession"),
    RIND_VARIANT_UNIT("SessionError"),
    RIND_VARIANT_UNIT("DecodingError"),
    RIND_VARIANT_UNIT("RateLimitExceeded"),
};
const struct rind_schema rind_agent_app_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_app_response, agent_app_response_variants);

static const struct rind_field agent_captured_request_fields[] = {
    RIND_FIELD(struct rind_agent_captured_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_captured_request, group, rind_bytes16_schema),
};
const struct rind_schema rind_agent_captured_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_captured_request, agent_captured_request_fields);

static const struct rind_field agent_captured_response_variants[] = {
    RIND_VARIANT_OPTIONAL("Ok", struct rind_agent_captured_response, ok, rind_captured_schema),
};
const struct rind_schema rind_agent_captured_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_captured_response, agent_captured_response_variants);

const struct rind_schema rind_agent_rate_state_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_agent_rate_state_request);

static const struct rind_field agent_tenant_rate_state_fields[] = {
    RIND_FIELD(struct rind_agent_tenant_rate_state, tenant, tenant_schema),
    RIND_FIELD(struct rind_agent_tenant_rate_state, state, rate_state_schema),
};
const struct rind_schema rind_agent_tenant_rate_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_tenant_rate_state, agent_tenant_rate_state_fields);

const struct rind_schema rind_agent_tenant_rate_state_list_schema =
    RIND_SCHEMA_LIST(struct rind_agent_tenant_rate_state_list, struct rind_agent_tenant_rate_state,
                     rind_agent_tenant_rate_state_schema, RIND_RATE_TENANTS_MAX);

static const struct rind_field agent_rate_state_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_rate_state_response, ok,
                 rind_agent_tenant_rate_state_list_schema),
};
const struct rind_schema rind_agent_rate_state_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_rate_state_response, agent_rate_state_response_variants);

const struct rind_schema rind_u64_list_schema =
    RIND_SCHEMA_LIST(struct rind_u64_list, uint64_t, rind_u64_schema, RIND_RATE_TIMES_MAX);

static const struct rind_field rate_reservation_fields[] = {
    RIND_FIELD(struct rind_rate_reservation, when, rind_u64_schema),
    RIND_FIELD(struct rind_rate_reservation, id, rind_bytes32_schema),
};
const struct rind_schema rind_rate_reservation_schema =
    RIND_SCHEMA_STRUCT(struct rind_rate_reservation, rate_reservation_fields);

const struct rind_schema rind_rate_reservation_list_schema =
    RIND_SCHEMA_LIST(struct rind_rate_reservation_list, struct rind_rate_reservation,
                     rind_rate_reservation_schema, RIND_RATE_TIMES_MAX);

static const struct rind_field rate_reserved_fields[] = {
    RIND_FIELD(struct rind_rate_reserved, id, rind_bytes32_schema),
    RIND_FIELD(struct rind_rate_reserved, when, rind_u64_schema),
};
const struct rind_schema rind_rate_reserved_list_schema =
    RIND_SCHEMA_MAP(struct rind_rate_reserved_list, struct rind_rate_reserved, rate_reserved_fields,
                    RIND_RATE_TIMES_MAX);

static const struct rind_field rate_used_fields[] = {
    RIND_FIELD(struct rind_rate_used, when, rind_u64_schema),
    RIND_FIELD(struct rind_rate_used, id, rind_bytes32_schema),
};
const struct rind_schema rind_rate_used_schema =
    RIND_SCHEMA_TUPLE(struct rind_rate_used, rate_used_fields);

const struct rind_schema rind_rate_used_list_schema = RIND_SCHEMA_LIST(
    struct rind_rate_used_list, struct rind_rate_used, rind_rate_used_schema, RIND_RATE_TIMES_MAX);

static const struct rind_field rate_reservations_fields[] = {
    RIND_FIELD(struct rind_rate_reservations, expiry, rind_rate_reservation_list_schema),
    RIND_FIELD(struct rind_rate_reservations, ids, rind_rate_reserved_list_schema),
};
const struct rind_schema rind_rate_reservations_schema =
    RIND_SCHEMA_STRUCT(struct rind_rate_reservations, rate_reservations_fields);

static const struct rind_field rate_state_fields[] = {
    RIND_FIELD(struct rind_rate_state, reqs, rind_u64_list_schema),
    RIND_FIELD(struct rind_rate_state, reservations, rind_rate_reservations_schema),
    RIND_FIELD(struct rind_rate_state, reservations_used, rind_rate_used_list_schema),
};
const struct rind_schema rind_rate_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_rate_state, rate_state_fields);

const struct rind_schema rind_agent_tenants_reload_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_agent_tenants_reload_request);

static const struct rind_field agent_tenants_reload_ok_fields[] = {
    RIND_FIELD(struct rind_agent_tenants_reload_ok, num_tenants, rind_u64_schema),
};
const struct rind_schema rind_agent_tenants_reload_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_tenants_reload_ok, agent_tenants_reload_ok_fields);

static const struct rind_field agent_tenants_reload_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_tenants_reload_response, ok,
                 rind_agent_tenants_reload_ok_schema),
    RIND_VARIANT_UNIT("NoStore"),
};
const struct rind_schema rind_agent_tenants_reload_response_schema = RIND_SCHEMA_ENUM(
    struct rind_agent_tenants_reload_response, agent_tenants_reload_response_variants);

static const struct rind_field agent_become_leader_request_fields[] = {
    RIND_FIELD(struct rind_agent_become_leader_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_become_leader_request, group, rind_bytes16_schema),
    RIND_FIELD_OPTIONAL(struct rind_agent_become_leader_request, last, rind_u64_schema),
};
const struct rind_schema rind_agent_become_leader_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_become_leader_request, agent_become_leader_request_fields);

static const struct rind_field agent_not_captured_fields[] = {
    RIND_FIELD_OPTIONAL(struct rind_agent_not_captured, have, rind_u64_schema),
};
const struct rind_schema rind_agent_not_captured_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_not_captured, agent_not_captured_fields);

static const struct rind_field agent_become_leader_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("StaleIndex"),
    RIND_VARIANT_UNIT("FutureIndex"),
    RIND_VARIANT_UNIT("StepdownInProgress"),
    RIND_VARIANT_UNIT("Timeout"),
    RIND_VARIANT("NotCaptured", struct rind_agent_become_leader_response, not_captured,
                 rind_agent_not_captured_schema),
};
const struct rind_schema rind_agent_become_leader_response_schema = RIND_SCHEMA_ENUM(
    struct rind_agent_become_leader_response, agent_become_leader_response_variants);

static const struct rind_field agent_stepdown_request_fields[] = {
    RIND_FIELD(struct rind_agent_stepdown_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_stepdown_request, group, rind_bytes16_schema),
};
const struct rind_schema rind_agent_stepdown_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_stepdown_request, agent_stepdown_request_fields);

static const struct rind_field agent_stepdown_ok_fields[] = {
    RIND_FIELD(struct rind_agent_stepdown_ok, last, rind_u64_schema),
};
const struct rind_schema rind_agent_stepdown_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_stepdown_ok, agent_stepdown_ok_fields);

static const struct rind_field agent_stepdown_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_stepdown_response, ok, rind_agent_stepdown_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NoHsm"),
};
const struct rind_schema rind_agent_stepdown_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_stepdown_response, agent_stepdown_response_variants);

const struct rind_schema rind_agent_realm_new_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_agent_realm_new_request);

static const struct rind_field agent_realm_new_ok_fields[] = {
    RIND_FIELD(struct rind_agent_realm_new_ok, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_realm_new_ok, group, rind_bytes16_schema),
};
const struct rind_schema rind_agent_realm_new_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_realm_new_ok, agent_realm_new_ok_fields);

static const struct rind_field agent_realm_new_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_realm_new_response, ok, rind_agent_realm_new_ok_schema),
    RIND_VARIANT_UNIT("HaveRealm"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("StorePreconditionFailed"),
};
const struct rind_schema rind_agent_realm_new_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_realm_new_response, agent_realm_new_response_variants);

static const struct rind_field agent_realm_join_request_fields[] = {
    RIND_FIELD(struct rind_agent_realm_join_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_realm_join_request, peer, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_realm_join_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_realm_join_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_realm_join_request, agent_realm_join_request_fields);

static const struct rind_field agent_realm_join_ok_fields[] = {
    RIND_FIELD(struct rind_agent_realm_join_ok, hsm, rind_bytes16_schema),
};
const struct rind_schema rind_agent_realm_join_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_realm_join_ok, agent_realm_join_ok_fields);

static const struct rind_field agent_realm_join_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_realm_join_response, ok, rind_agent_realm_join_ok_schema),
    RIND_VARIANT_UNIT("HaveOtherRealm"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("NoHsm"),
};
const struct rind_schema rind_agent_realm_join_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_realm_join_response, agent_realm_join_response_variants);

static const struct rind_field agent_group_new_request_fields[] = {
    RIND_FIELD(struct rind_agent_group_new_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_new_request, members, rind_group_member_list_schema),
};
const struct rind_schema rind_agent_group_new_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_group_new_request, agent_group_new_request_fields);

static const struct rind_field agent_group_new_ok_fields[] = {
    RIND_FIELD(struct rind_agent_group_new_ok, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_new_ok, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_group_new_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_group_new_ok, agent_group_new_ok_fields);

static const struct rind_field agent_group_new_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_group_new_response, ok, rind_agent_group_new_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidConfiguration"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("TooManyGroups"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("StorePreconditionFailed"),
};
const struct rind_schema rind_agent_group_new_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_group_new_response, agent_group_new_response_variants);

static const struct rind_field agent_group_join_request_fields[] = {
    RIND_FIELD(struct rind_agent_group_join_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_join_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_group_join_request, configuration, rind_hsm_id_list_schema),
    RIND_FIELD(struct rind_agent_group_join_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_group_join_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_group_join_request, agent_group_join_request_fields);

static const struct rind_field agent_group_join_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidConfiguration"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("TooManyGroups"),
    RIND_VARIANT_UNIT("NoHsm"),
};
const struct rind_schema rind_agent_group_join_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_group_join_response, agent_group_join_response_variants);

static const struct rind_field agent_transfer_prepare_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_prepare_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_prepare_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_prepare_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_prepare_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_agent_transfer_prepare_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_agent_transfer_prepare_request, agent_transfer_prepare_request_fields);

static const struct rind_field agent_transfer_prepare_ok_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_prepare_ok, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_prepare_ok, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_transfer_prepare_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_prepare_ok, agent_transfer_prepare_ok_fields);

static const struct rind_field agent_transfer_prepare_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_transfer_prepare_response, ok,
                 rind_agent_transfer_prepare_ok_schema),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("UnacceptableRange"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("CommitTimeout"),
};
const struct rind_schema rind_agent_transfer_prepare_response_schema = RIND_SCHEMA_ENUM(
    struct rind_agent_transfer_prepare_response, agent_transfer_prepare_response_variants);

static const struct rind_field agent_transfer_cancel_prepare_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_cancel_prepare_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_cancel_prepare_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_cancel_prepare_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_cancel_prepare_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_agent_transfer_cancel_prepare_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_cancel_prepare_request,
                       agent_transfer_cancel_prepare_request_fields);

static const struct rind_field agent_transfer_cancel_prepare_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotPrepared"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("CommitTimeout"),
};
const struct rind_schema rind_agent_transfer_cancel_prepare_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_transfer_cancel_prepare_response,
                     agent_transfer_cancel_prepare_response_variants);

static const struct rind_field agent_transfer_out_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_out_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_out_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_out_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_out_request, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_agent_transfer_out_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_out_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_transfer_out_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_out_request, agent_transfer_out_request_fields);

static const struct rind_field agent_transfer_out_ok_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_out_ok, transferring, rind_partition_schema),
    RIND_FIELD(struct rind_agent_transfer_out_ok, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_transfer_out_ok_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_out_ok, agent_transfer_out_ok_fields);

static const struct rind_field agent_transfer_out_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_agent_transfer_out_response, ok,
                 rind_agent_transfer_out_ok_schema),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("InvalidProof"),
    RIND_VARIANT_UNIT("UnacceptableRange"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("CommitTimeout"),
};
const struct rind_schema rind_agent_transfer_out_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_transfer_out_response, agent_transfer_out_response_variants);

static const struct rind_field agent_transfer_in_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_in_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_in_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_in_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_in_request, transferring, rind_partition_schema),
    RIND_FIELD(struct rind_agent_transfer_in_request, nonce, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_in_request, statement, rind_bytes32_schema),
};
const struct rind_schema rind_agent_transfer_in_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_in_request, agent_transfer_in_request_fields);

static const struct rind_field agent_transfer_in_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("InvalidNonce"),
    RIND_VARIANT_UNIT("InvalidStatement"),
    RIND_VARIANT_UNIT("NotPrepared"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("NotOwner"),
    RIND_VARIANT_UNIT("CommitTimeout"),
};
const struct rind_schema rind_agent_transfer_in_response_schema =
    RIND_SCHEMA_ENUM(struct rind_agent_transfer_in_response, agent_transfer_in_response_variants);

static const struct rind_field agent_transfer_owns_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_owns_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_owns_request, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_owns_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_agent_transfer_owns_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_transfer_owns_request, agent_transfer_owns_request_fields);

static const struct rind_field agent_not_owned_fields[] = {
    RIND_FIELD_OPTIONAL_NAMED("has", struct rind_agent_not_owned, owned, rind_owned_range_schema),
};
const struct rind_schema rind_agent_not_owned_schema =
    RIND_SCHEMA_STRUCT(struct rind_agent_not_owned, agent_not_owned_fields);

static const struct rind_field agent_transfer_owns_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT("NotOwned", struct rind_agent_transfer_owns_response, not_owned,
                 rind_agent_not_owned_schema),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("TimedOut"),
    RIND_VARIANT_UNIT("TransferInProgress"),
};
const struct rind_schema rind_agent_transfer_owns_response_schema = RIND_SCHEMA_ENUM(
    struct rind_agent_transfer_owns_response, agent_transfer_owns_response_variants);

static const struct rind_field agent_transfer_complete_request_fields[] = {
    RIND_FIELD(struct rind_agent_transfer_complete_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_complete_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_complete_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_agent_transfer_complete_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_agent_transfer_complete_request_schema = RIND_SCHEMA_STRUCT(
    struct rind_agent_transfer_complete_request, agent_transfer_complete_request_fields);

static const struct rind_field agent_transfer_complete_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("NotTransferring"),
    RIND_VARIANT_UNIT("CommitTimeout"),
};
const struct rind_schema rind_agent_transfer_complete_response_schema = RIND_SCHEMA_ENUM(
    struct rind_agent_transfer_complete_response, agent_transfer_complete_response_variants);
