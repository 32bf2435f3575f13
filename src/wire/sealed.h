/*
 * sealed.h - what HSMs keep or authenticate: state in NVRAM, the messages under MACs, user records.
 *
 * None of this is read from an unauthenticated source: the NVRAM state carries a digest, a record
 * is sealed, and MAC messages are only encoded. They are decoded strictly all the same.
 * Spec: docs/spec/02-hsm-core.md sections 4.1, 6 and 12.
 */
#ifndef RIND_WIRE_SEALED_H
#define RIND_WIRE_SEALED_H

#include "wire/client.h"
#include "wire/types.h"

/* --- State in NVRAM (02 section 4.1) --- */

#define RIND_REALM_KEY_SIZE_MAX 64u /* 32 bytes each today */

struct rind_persistent_group_state {
    struct rind_hsm_id_list configuration; /* 1 to RIND_CONFIGURATION_LIMIT, ascending */
    bool has_captured;
    struct rind_log_position captured;
};

struct rind_persistent_group {
    struct rind_group_id id;
    struct rind_persistent_group_state state;
};
RIND_LIST_TYPE(rind_persistent_group_list, struct rind_persistent_group);

struct rind_persistent_realm_state {
    struct rind_realm_id id;
    struct rind_mac statement;
    struct rind_persistent_group_list groups;
};

struct rind_persistent_state {
    struct rind_hsm_id id;
    bool has_realm;
    struct rind_persistent_realm_state realm;
};

/* --- Messages under MACs (02 section 6); the domain of each is in brackets --- */

struct rind_group_configuration_message {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_hsm_id_list configuration;
};

/* Borrowed secrets, 32 bytes each. */
struct rind_realm_keys_message {
    struct rind_slice communication_private;
    struct rind_slice communication_public;
    struct rind_slice record;
    struct rind_slice mac;
};

struct rind_hsm_realm_message {
    struct rind_realm_id realm;
    struct rind_hsm_id hsm;
    struct rind_realm_keys_message keys;
};

struct rind_captured_message {
    struct rind_hsm_id hsm;
    struct rind_realm_id realm;
    struct rind_group_id group;
    uint64_t index;
    struct rind_mac entry_mac;
};

/* [logentry] Null and left out are different messages: so different MACs. */
struct rind_log_entry_message {
    struct rind_hsm_id hsm;
    struct rind_realm_id realm;
    struct rind_group_id group;
    uint64_t index;
    bool has_partition;
    struct rind_partition partition;
    bool has_transferring_out;
    struct rind_transferring_out transferring_out;
    bool has_transferring_in;
    struct rind_transferring_in transferring_in;
    struct rind_mac prev_mac;
};

struct rind_prepared_transfer_message {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
    struct rind_transfer_nonce nonce;
};

struct rind_transfer_message {
    struct rind_realm_id realm;
    struct rind_partition partition;
    struct rind_group_id destination;
    struct rind_transfer_nonce nonce;
};

/* --- User records (02 section 12), before padding and encryption --- */

struct rind_registered_state {
    uint8_t version[16];
    uint8_t oprf_private_key[32];
    struct rind_oprf_signed_public_key oprf_signed_public_key;
    uint8_t unlock_key_commitment[32];
    uint8_t unlock_key_tag[16];
    uint8_t user_secret_encryption_key_scalar_share[32];
    uint8_t encrypted_user_secret[145];
    uint8_t encrypted_user_secret_commitment[16];
    uint16_t guess_count;
    struct rind_policy policy;
};

enum rind_registration_state_kind {
    RIND_REGISTRATION_NOT_REGISTERED = 1,
    RIND_REGISTRATION_REGISTERED,
    RIND_REGISTRATION_NO_GUESSES,
};
struct rind_registration_state {
    enum rind_registration_state_kind kind;
    struct rind_registered_state registered;
};

struct rind_user_record {
    struct rind_registration_state registration_state;
};

/* The tables of the messages above. */
extern const struct rind_schema rind_persistent_group_state_schema;
extern const struct rind_schema rind_persistent_group_list_schema;
extern const struct rind_schema rind_persistent_realm_state_schema;
extern const struct rind_schema rind_persistent_state_schema;
extern const struct rind_schema rind_group_configuration_message_schema;
extern const struct rind_schema rind_realm_keys_message_schema;
extern const struct rind_schema rind_hsm_realm_message_schema;
extern const struct rind_schema rind_captured_message_schema;
extern const struct rind_schema rind_log_entry_message_schema;
extern const struct rind_schema rind_prepared_transfer_message_schema;
extern const struct rind_schema rind_transfer_message_schema;
extern const struct rind_schema rind_registered_state_schema;
extern const struct rind_schema rind_registration_state_schema;
extern const struct rind_schema rind_user_record_schema;

#endif
