/*
 * hsm_group.h - requests that make, lead and replicate groups, and their responses.
 *
 * Spec: docs/spec/02-hsm-core.md sections 9 and 10.
 */
#ifndef RIND_WIRE_HSM_GROUP_H
#define RIND_WIRE_HSM_GROUP_H

#include "wire/types.h"

/* --- Status --- */

struct rind_hsm_status_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_leader_status {
    bool has_committed;
    uint64_t committed;
    uint64_t last;
    bool has_owned_range;
    struct rind_owned_range owned_range;
    bool has_transferring;
    struct rind_transferring transferring;
};

struct rind_group_status {
    struct rind_group_id id;
    struct rind_hsm_id_list configuration;
    bool has_captured;
    struct rind_log_position captured; /* the persisted capture */
    bool has_leader;
    struct rind_leader_status leader; /* in role Leader only */
    struct rind_role_status role;
};

RIND_LIST_TYPE(rind_group_status_list, struct rind_group_status);

struct rind_realm_status {
    struct rind_realm_id id;
    struct rind_mac statement;
    struct rind_group_status_list groups;
};

struct rind_hsm_status_response {
    struct rind_hsm_id id;
    bool has_realm;
    struct rind_realm_status realm;
    struct rind_slice public_key; /* 32 bytes */
};

/* --- NewRealm, JoinRealm, NewGroup, JoinGroup --- */

struct rind_hsm_new_realm_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_hsm_new_realm_ok {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_log_entry entry;
    struct rind_store_delta delta;
    struct rind_role_status role;
};

enum rind_hsm_new_realm_response_kind {
    RIND_HSM_NEW_REALM_OK = 1,
    RIND_HSM_NEW_REALM_HAVE_REALM,
};
struct rind_hsm_new_realm_response {
    enum rind_hsm_new_realm_response_kind kind;
    struct rind_hsm_new_realm_ok ok;
};

struct rind_hsm_join_realm_request {
    struct rind_realm_id realm;
    struct rind_hsm_id peer;
    struct rind_mac statement;
};

struct rind_hsm_join_realm_ok {
    struct rind_hsm_id hsm;
};

enum rind_hsm_join_realm_response_kind {
    RIND_HSM_JOIN_REALM_OK = 1,
    RIND_HSM_JOIN_REALM_HAVE_OTHER_REALM,
    RIND_HSM_JOIN_REALM_INVALID_STATEMENT,
};
struct rind_hsm_join_realm_response {
    enum rind_hsm_join_realm_response_kind kind;
    struct rind_hsm_join_realm_ok ok;
};

/* An HSM and its proof of holding the realm's keys. */
struct rind_group_member {
    struct rind_hsm_id hsm;
    struct rind_mac statement;
};

RIND_LIST_TYPE(rind_group_member_list, struct rind_group_member);

struct rind_hsm_new_group_request {
    struct rind_realm_id realm;
    struct rind_group_member_list members;
};

struct rind_hsm_new_group_ok {
    struct rind_group_id group;
    struct rind_mac statement;
    struct rind_log_entry entry;
    struct rind_role_status role;
};

enum rind_hsm_new_group_response_kind {
    RIND_HSM_NEW_GROUP_OK = 1,
    RIND_HSM_NEW_GROUP_INVALID_REALM,
    RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION,
    RIND_HSM_NEW_GROUP_INVALID_STATEMENT,
    RIND_HSM_NEW_GROUP_TOO_MANY_GROUPS,
};
struct rind_hsm_new_group_response {
    enum rind_hsm_new_group_response_kind kind;
    struct rind_hsm_new_group_ok ok;
};

struct rind_hsm_join_group_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_hsm_id_list configuration;
    struct rind_mac statement;
};

enum rind_hsm_join_group_response_kind {
    RIND_HSM_JOIN_GROUP_OK = 1,
    RIND_HSM_JOIN_GROUP_INVALID_REALM,
    RIND_HSM_JOIN_GROUP_INVALID_CONFIGURATION,
    RIND_HSM_JOIN_GROUP_INVALID_STATEMENT,
    RIND_HSM_JOIN_GROUP_TOO_MANY_GROUPS,
};
struct rind_hsm_join_group_response {
    enum rind_hsm_join_group_response_kind kind;
    struct rind_role_status ok;
};

/* --- BecomeLeader, StepDown --- */

struct rind_hsm_become_leader_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_log_entry last_entry;
};

struct rind_hsm_become_leader_ok {
    struct rind_role_status role;
};

struct rind_hsm_not_captured {
    bool has_have;
    uint64_t have;
};

enum rind_hsm_become_leader_response_kind {
    RIND_HSM_BECOME_LEADER_OK = 1,
    RIND_HSM_BECOME_LEADER_INVALID_REALM,
    RIND_HSM_BECOME_LEADER_INVALID_GROUP,
    RIND_HSM_BECOME_LEADER_INVALID_MAC,
    RIND_HSM_BECOME_LEADER_NOT_CAPTURED,
    RIND_HSM_BECOME_LEADER_STEPDOWN_IN_PROGRESS,
};
struct rind_hsm_become_leader_response {
    enum rind_hsm_become_leader_response_kind kind;
    union {
        struct rind_hsm_become_leader_ok ok;
        struct rind_hsm_not_captured not_captured;
    };
};

struct rind_hsm_step_down_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    bool force;
};

struct rind_hsm_step_down_ok {
    uint64_t last;
    struct rind_role_status role;
};

enum rind_hsm_step_down_response_kind {
    RIND_HSM_STEP_DOWN_OK = 1,
    RIND_HSM_STEP_DOWN_INVALID_REALM,
    RIND_HSM_STEP_DOWN_INVALID_GROUP,
    RIND_HSM_STEP_DOWN_NOT_LEADER,
};
struct rind_hsm_step_down_response {
    enum rind_hsm_step_down_response_kind kind;
    union {
        struct rind_hsm_step_down_ok ok;
        struct rind_role_status not_leader;
    };
};

/* --- CaptureJump, CaptureNext, PersistState, Commit --- */

struct rind_hsm_capture_jump_request {
    struct rind_captured jump;
};

enum rind_hsm_capture_jump_response_kind {
    RIND_HSM_CAPTURE_JUMP_OK = 1,
    RIND_HSM_CAPTURE_JUMP_INVALID_REALM,
    RIND_HSM_CAPTURE_JUMP_INVALID_GROUP,
    RIND_HSM_CAPTURE_JUMP_NOT_WITNESS,
    RIND_HSM_CAPTURE_JUMP_INVALID_STATEMENT,
    RIND_HSM_CAPTURE_JUMP_STALE_INDEX,
};
struct rind_hsm_capture_jump_response {
    enum rind_hsm_capture_jump_response_kind kind;
    struct rind_role_status not_witness;
};

struct rind_hsm_capture_next_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_log_entry_list entries;
};

enum rind_hsm_capture_next_response_kind {
    RIND_HSM_CAPTURE_NEXT_OK = 1,
    RIND_HSM_CAPTURE_NEXT_INVALID_REALM,
    RIND_HSM_CAPTURE_NEXT_INVALID_GROUP,
    RIND_HSM_CAPTURE_NEXT_INVALID_MAC,
    RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN,
    RIND_HSM_CAPTURE_NEXT_MISSING_PREV,
    RIND_HSM_CAPTURE_NEXT_MISSING_ENTRIES,
};
struct rind_hsm_capture_next_response {
    enum rind_hsm_capture_next_response_kind kind;
    struct rind_role_status ok;
};

struct rind_hsm_persist_state_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_hsm_persist_state_ok {
    struct rind_captured_list captured;
};

enum rind_hsm_persist_state_response_kind {
    RIND_HSM_PERSIST_STATE_OK = 1,
};
struct rind_hsm_persist_state_response {
    enum rind_hsm_persist_state_response_kind kind;
    struct rind_hsm_persist_state_ok ok;
};

struct rind_hsm_commit_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_captured_list captures;
};

/* The answer to the client whose request made entry `mac`. */
struct rind_released_response {
    struct rind_mac mac;
    struct rind_noise_response response;
    struct rind_app_result_type result;
};

RIND_LIST_TYPE(rind_released_response_list, struct rind_released_response);

struct rind_commit_state {
    uint64_t committed;
    struct rind_released_response_list responses;
    struct rind_mac_list abandoned;
    struct rind_role_status role;
};

enum rind_hsm_commit_response_kind {
    RIND_HSM_COMMIT_OK = 1,
    RIND_HSM_COMMIT_NO_QUORUM,
    RIND_HSM_COMMIT_INVALID_REALM,
    RIND_HSM_COMMIT_INVALID_GROUP,
    RIND_HSM_COMMIT_NOT_LEADER,
};
struct rind_hsm_commit_response {
    enum rind_hsm_commit_response_kind kind;
    union {
        struct rind_commit_state ok;
        struct rind_role_status not_leader;
    };
};

/* The tables of the messages above. */
extern const struct rind_schema rind_hsm_status_request_schema;
extern const struct rind_schema rind_leader_status_schema;
extern const struct rind_schema rind_group_status_schema;
extern const struct rind_schema rind_group_status_list_schema;
extern const struct rind_schema rind_realm_status_schema;
extern const struct rind_schema rind_hsm_status_response_schema;
extern const struct rind_schema rind_hsm_new_realm_request_schema;
extern const struct rind_schema rind_hsm_new_realm_ok_schema;
extern const struct rind_schema rind_hsm_new_realm_response_schema;
extern const struct rind_schema rind_hsm_join_realm_request_schema;
extern const struct rind_schema rind_hsm_join_realm_ok_schema;
extern const struct rind_schema rind_hsm_join_realm_response_schema;
extern const struct rind_schema rind_group_member_schema;
extern const struct rind_schema rind_group_member_list_schema;
extern const struct rind_schema rind_hsm_new_group_request_schema;
extern const struct rind_schema rind_hsm_new_group_ok_schema;
extern const struct rind_schema rind_hsm_new_group_response_schema;
extern const struct rind_schema rind_hsm_join_group_request_schema;
extern const struct rind_schema rind_hsm_join_group_response_schema;
extern const struct rind_schema rind_hsm_become_leader_request_schema;
extern const struct rind_schema rind_hsm_become_leader_ok_schema;
extern const struct rind_schema rind_hsm_not_captured_schema;
extern const struct rind_schema rind_hsm_become_leader_response_schema;
extern const struct rind_schema rind_hsm_step_down_request_schema;
extern const struct rind_schema rind_hsm_step_down_ok_schema;
extern const struct rind_schema rind_hsm_step_down_response_schema;
extern const struct rind_schema rind_hsm_capture_jump_request_schema;
extern const struct rind_schema rind_hsm_capture_jump_response_schema;
extern const struct rind_schema rind_hsm_capture_next_request_schema;
extern const struct rind_schema rind_hsm_capture_next_response_schema;
extern const struct rind_schema rind_hsm_persist_state_request_schema;
extern const struct rind_schema rind_hsm_persist_state_ok_schema;
extern const struct rind_schema rind_hsm_persist_state_response_schema;
extern const struct rind_schema rind_hsm_commit_request_schema;
extern const struct rind_schema rind_released_response_schema;
extern const struct rind_schema rind_released_response_list_schema;
extern const struct rind_schema rind_commit_state_schema;
extern const struct rind_schema rind_hsm_commit_response_schema;

#endif
