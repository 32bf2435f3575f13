/* sealed.c - the tables of sealed.h. */
#include "wire/sealed.h"

static const struct rind_schema configuration_schema = RIND_SCHEMA_LIST(
    struct rind_hsm_id_list, struct rind_hsm_id, rind_bytes16_schema, RIND_CONFIGURATION_LIMIT);
static const struct rind_schema user_secret_schema =
    RIND_SCHEMA_BYTES_FIXED(RIND_ENCRYPTED_USER_SECRET_SIZE);
/* One of the four realm keys. */
static const struct rind_schema realm_key_schema = RIND_SCHEMA_BYTES(RIND_REALM_KEY_SIZE_MAX);

static const struct rind_field persistent_group_state_fields[] = {
    RIND_FIELD(struct rind_persistent_group_state, configuration, configuration_schema),
    RIND_FIELD_OPTIONAL(struct rind_persistent_group_state, captured, rind_log_position_schema),
};
const struct rind_schema rind_persistent_group_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_persistent_group_state, persistent_group_state_fields);

static const struct rind_field persistent_group_fields[] = {
    RIND_FIELD(struct rind_persistent_group, id, rind_bytes16_schema),
    RIND_FIELD(struct rind_persistent_group, state, rind_persistent_group_state_schema),
};
const struct rind_schema rind_persistent_group_list_schema =
    RIND_SCHEMA_MAP(struct rind_persistent_group_list, struct rind_persistent_group,
                    persistent_group_fields, RIND_GROUPS_LIMIT);

static const struct rind_field persistent_realm_state_fields[] = {
    RIND_FIELD(struct rind_persistent_realm_state, id, rind_bytes16_schema),
    RIND_FIELD(struct rind_persistent_realm_state, statement, rind_bytes32_schema),
    RIND_FIELD(struct rind_persistent_realm_state, groups, rind_persistent_group_list_schema),
};
const struct rind_schema rind_persistent_realm_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_persistent_realm_state, persistent_realm_state_fields);

static const struct rind_field persistent_state_fields[] = {
    RIND_FIELD(struct rind_persistent_state, id, rind_bytes16_schema),
    RIND_FIELD_OPTIONAL(struct rind_persistent_state, realm, rind_persistent_realm_state_schema),
};
const struct rind_schema rind_persistent_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_persistent_state, persistent_state_fields);

static const struct rind_field group_configuration_message_fields[] = {
    RIND_FIELD(struct rind_group_configuration_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_group_configuration_message, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_group_configuration_message, configuration, rind_hsm_id_list_schema),
};
const struct rind_schema rind_group_configuration_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_group_configuration_message, group_configuration_message_fields);

static const struct rind_field realm_keys_message_fields[] = {
    RIND_FIELD(struct rind_realm_keys_message, communication_private, realm_key_schema),
    RIND_FIELD(struct rind_realm_keys_message, communication_public, realm_key_schema),
    RIND_FIELD(struct rind_realm_keys_message, record, realm_key_schema),
    RIND_FIELD(struct rind_realm_keys_message, mac, realm_key_schema),
};
const struct rind_schema rind_realm_keys_message_schema =
    RIND_SCHEMA_TUPLE(struct rind_realm_keys_message, realm_keys_message_fields);

static const struct rind_field hsm_realm_message_fields[] = {
    RIND_FIELD(struct rind_hsm_realm_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_realm_message, hsm, rind_bytes16_schema),
    RIND_FIELD(struct rind_hsm_realm_message, keys, rind_realm_keys_message_schema),
};
const struct rind_schema rind_hsm_realm_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_hsm_realm_message, hsm_realm_message_fields);

static const struct rind_field captured_message_fields[] = {
    RIND_FIELD(struct rind_captured_message, hsm, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured_message, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_captured_message, index, rind_u64_schema),
    RIND_FIELD(struct rind_captured_message, entry_mac, rind_bytes32_schema),
};
const struct rind_schema rind_captured_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_captured_message, captured_message_fields);

static const struct rind_field log_entry_message_fields[] = {
    RIND_FIELD(struct rind_log_entry_message, hsm, rind_bytes16_schema),
    RIND_FIELD(struct rind_log_entry_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_log_entry_message, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_log_entry_message, index, rind_u64_schema),
    RIND_FIELD_OPTIONAL(struct rind_log_entry_message, partition, rind_partition_schema),
    RIND_FIELD_OPTIONAL(struct rind_log_entry_message, transferring_out,
                        rind_transferring_out_schema),
    RIND_FIELD_OMITTABLE(struct rind_log_entry_message, transferring_in,
                         rind_transferring_in_schema),
    RIND_FIELD(struct rind_log_entry_message, prev_mac, rind_bytes32_schema),
};
const struct rind_schema rind_log_entry_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_log_entry_message, log_entry_message_fields);

static const struct rind_field prepared_transfer_message_fields[] = {
    RIND_FIELD(struct rind_prepared_transfer_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_prepared_transfer_message, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_prepared_transfer_message, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_prepared_transfer_message, range, rind_owned_range_schema),
    RIND_FIELD(struct rind_prepared_transfer_message, nonce, rind_bytes16_schema),
};
const struct rind_schema rind_prepared_transfer_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_prepared_transfer_message, prepared_transfer_message_fields);

static const struct rind_field transfer_message_fields[] = {
    RIND_FIELD(struct rind_transfer_message, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_transfer_message, partition, rind_partition_schema),
    RIND_FIELD(struct rind_transfer_message, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_transfer_message, nonce, rind_bytes16_schema),
};
const struct rind_schema rind_transfer_message_schema =
    RIND_SCHEMA_STRUCT(struct rind_transfer_message, transfer_message_fields);

static const struct rind_field registered_state_fields[] = {
    RIND_FIELD(struct rind_registered_state, version, rind_bytes16_schema),
    RIND_FIELD(struct rind_registered_state, oprf_private_key, rind_scalar_schema),
    RIND_FIELD(struct rind_registered_state, oprf_signed_public_key,
               rind_oprf_signed_public_key_schema),
    RIND_FIELD(struct rind_registered_state, unlock_key_commitment, rind_bytes32_schema),
    RIND_FIELD(struct rind_registered_state, unlock_key_tag, rind_bytes16_schema),
    RIND_FIELD(struct rind_registered_state, user_secret_encryption_key_scalar_share,
               rind_scalar_schema),
    RIND_FIELD(struct rind_registered_state, encrypted_user_secret, user_secret_schema),
    RIND_FIELD(struct rind_registered_state, encrypted_user_secret_commitment, rind_bytes16_schema),
    RIND_FIELD(struct rind_registered_state, guess_count, rind_u16_schema),
    RIND_FIELD(struct rind_registered_state, policy, rind_policy_schema),
};
const struct rind_schema rind_registered_state_schema =
    RIND_SCHEMA_STRUCT(struct rind_registered_state, registered_state_fields);

static const struct rind_field registration_state_variants[] = {
    RIND_VARIANT_UNIT("NotRegistered"),
    RIND_VARIANT("Registered", struct rind_registration_state, registered,
                 rind_registered_state_schema),
    RIND_VARIANT_UNIT("NoGuesses"),
};
const struct rind_schema rind_registration_state_schema =
    RIND_SCHEMA_ENUM(struct rind_registration_state, registration_state_variants);

static const struct rind_field user_record_fields[] = {
    RIND_FIELD(struct rind_user_record, registration_state, rind_registration_state_schema),
};
const struct rind_schema rind_user_record_schema =
    RIND_SCHEMA_STRUCT(struct rind_user_record, user_record_fields);
