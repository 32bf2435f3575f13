/*
 * agent.h - the RPCs served by agents, and the limiter state inside one of them.
 *
 * Request and response of path `x/y` are struct rind_agent_x_y_request and _response, in the order
 * of the catalogue. Spec: docs/spec/06-agent.md sections 2, 3 and 7.3.
 */
#ifndef RIND_WIRE_AGENT_H
#define RIND_WIRE_AGENT_H

#include "wire/client.h"
#include "wire/hsm.h"
#include "wire/types.h"

/* Bounds: see wire/types.h for what they are for. */
#define RIND_AGENT_TENANT_SIZE_MAX 1024u           /* issuer names are far shorter */
#define RIND_AGENT_USER_SIZE_MAX 256u              /* 64 hex digits today */
#define RIND_RATE_TENANTS_MAX 65536u               /* tenants of a realm */
#define RIND_RATE_TIMES_MAX 1048576u               /* requests of a tenant in one window */
#define RIND_RATE_STATE_SIZE_MAX (128u * 1048576u) /* RIND_RATE_TIMES_MAX reservations */

/* --- status --- */

struct rind_agent_status_request {
    char nothing; /* C wants a member; never read or written */
};

/* The agent's view of a group it leads or is stepping down from. */
struct rind_agent_leader_status {
    uint64_t num_waiting_clients;
    bool has_last_appended;
    struct rind_log_position last_appended;
    uint64_t append_queue_len;
};

struct rind_agent_group_status {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_role_status role;
    bool has_leader;
    struct rind_agent_leader_status leader;
};

RIND_LIST_TYPE(rind_agent_group_status_list, struct rind_agent_group_status);

struct rind_agent_service_status {
    struct rind_slice name;
    struct rind_slice build_hash; /* empty when unknown */
    struct rind_agent_group_status_list groups;
};

struct rind_agent_status_response {
    struct rind_duration uptime;
    bool has_hsm;
    struct rind_hsm_status_response hsm; /* absent when the HSM did not answer */
    struct rind_agent_service_status agent;
};

/* --- app --- */

struct rind_agent_app_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_record_id record_id;
    uint32_t session_id;
    enum rind_client_request_kind kind;
    struct rind_noise_request encrypted;
    struct rind_slice tenant;
    struct rind_slice user; /* hashed user id */
};

enum rind_agent_app_response_kind {
    RIND_AGENT_APP_OK = 1,
    RIND_AGENT_APP_NO_HSM,
    RIND_AGENT_APP_NO_STORE,
    RIND_AGENT_APP_NO_PUB_SUB,
    RIND_AGENT_APP_INVALID_REALM,
    RIND_AGENT_APP_INVALID_GROUP,
    RIND_AGENT_APP_NOT_LEADER,
    RIND_AGENT_APP_INVALID_PROOF,
    RIND_AGENT_APP_MISSING_SESSION,
    RIND_AGENT_APP_SESSION_ERROR,
    RIND_AGENT_APP_DECODING_ERROR,
    RIND_AGENT_APP_RATE_LIMIT_EXCEEDED,
};
struct rind_agent_app_response {
    enum rind_agent_app_response_kind kind;
    struct rind_noise_response ok;
};

/* --- captured --- */

struct rind_agent_captured_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
};

enum rind_agent_captured_response_kind {
    RIND_AGENT_CAPTURED_OK = 1, /* absent: nothing captured yet */
};
struct rind_agent_captured_response {
    enum rind_agent_captured_response_kind kind;
    bool has_ok;
    struct rind_captured ok;
};

/* --- rate/state --- */

struct rind_agent_rate_state_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_agent_tenant_rate_state {
    struct rind_slice tenant;
    struct rind_slice state; /* an encoded struct rind_rate_state */
};

RIND_LIST_TYPE(rind_agent_tenant_rate_state_list, struct rind_agent_tenant_rate_state);

enum rind_agent_rate_state_response_kind {
    RIND_AGENT_RATE_STATE_OK = 1,
};
struct rind_agent_rate_state_response {
    enum rind_agent_rate_state_response_kind kind;
    struct rind_agent_tenant_rate_state_list ok;
};

RIND_LIST_TYPE(rind_u64_list, uint64_t);

/* Entry of the expiry queue. */
struct rind_rate_reservation {
    uint64_t when; /* Unix milliseconds */
    struct rind_record_id id;
};

RIND_LIST_TYPE(rind_rate_reservation_list, struct rind_rate_reservation);

/* When the reservation of `id` ends. */
struct rind_rate_reserved {
    struct rind_record_id id;
    uint64_t when;
};
RIND_LIST_TYPE(rind_rate_reserved_list, struct rind_rate_reserved);

/* A reservation that was used. */
struct rind_rate_used {
    uint64_t when;
    struct rind_record_id id;
};

RIND_LIST_TYPE(rind_rate_used_list, struct rind_rate_used);

struct rind_rate_reservations {
    struct rind_rate_reservation_list expiry; /* ascending by time */
    struct rind_rate_reserved_list ids;       /* of a repeated id the last counts */
};

/* One tenant's limiter state as exported to peers (06 section 7.3). */
struct rind_rate_state {
    struct rind_u64_list reqs; /* ascending, Unix milliseconds */
    struct rind_rate_reservations reservations;
    struct rind_rate_used_list reservations_used;
};

/* --- tenants/reload --- */

struct rind_agent_tenants_reload_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_agent_tenants_reload_ok {
    uint64_t num_tenants;
};

enum rind_agent_tenants_reload_response_kind {
    RIND_AGENT_TENANTS_RELOAD_OK = 1,
    RIND_AGENT_TENANTS_RELOAD_NO_STORE,
};
struct rind_agent_tenants_reload_response {
    enum rind_agent_tenants_reload_response_kind kind;
    struct rind_agent_tenants_reload_ok ok;
};

/* --- become_leader, stepdown --- */

struct rind_agent_become_leader_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    bool has_last;
    uint64_t last;
};

struct rind_agent_not_captured {
    bool has_have;
    uint64_t have;
};

enum rind_agent_become_leader_response_kind {
    RIND_AGENT_BECOME_LEADER_OK = 1,
    RIND_AGENT_BECOME_LEADER_NO_HSM,
    RIND_AGENT_BECOME_LEADER_NO_STORE,
    RIND_AGENT_BECOME_LEADER_INVALID_REALM,
    RIND_AGENT_BECOME_LEADER_INVALID_GROUP,
    RIND_AGENT_BECOME_LEADER_STALE_INDEX,
    RIND_AGENT_BECOME_LEADER_FUTURE_INDEX,
    RIND_AGENT_BECOME_LEADER_STEPDOWN_IN_PROGRESS,
    RIND_AGENT_BECOME_LEADER_TIMEOUT,
    RIND_AGENT_BECOME_LEADER_NOT_CAPTURED,
};
struct rind_agent_become_leader_response {
    enum rind_agent_become_leader_response_kind kind;
    struct rind_agent_not_captured not_captured;
};

struct rind_agent_stepdown_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
};

struct rind_agent_stepdown_ok {
    uint64_t last;
};

enum rind_agent_stepdown_response_kind {
    RIND_AGENT_STEPDOWN_OK = 1,
    RIND_AGENT_STEPDOWN_INVALID_REALM,
    RIND_AGENT_STEPDOWN_INVALID_GROUP,
    RIND_AGENT_STEPDOWN_NOT_LEADER,
    RIND_AGENT_STEPDOWN_NO_HSM,
};
struct rind_agent_stepdown_response {
    enum rind_agent_stepdown_response_kind kind;
    struct rind_agent_stepdown_ok ok;
};

/* --- realm/new, realm/join, group/new, group/join --- */

struct rind_agent_realm_new_request {
    char nothing; /* C wants a member; never read or written */
};

struct rind_agent_realm_new_ok {
    struct rind_realm_id realm;
    struct rind_group_id group;
};

enum rind_agent_realm_new_response_kind {
    RIND_AGENT_REALM_NEW_OK = 1,
    RIND_AGENT_REALM_NEW_HAVE_REALM,
    RIND_AGENT_REALM_NEW_NO_HSM,
    RIND_AGENT_REALM_NEW_NO_STORE,
    RIND_AGENT_REALM_NEW_STORE_PRECONDITION_FAILED,
};
struct rind_agent_realm_new_response {
    enum rind_agent_realm_new_response_kind kind;
    struct rind_agent_realm_new_ok ok;
};

struct rind_agent_realm_join_request {
    struct rind_realm_id realm;
    struct rind_hsm_id peer;
    struct rind_mac statement;
};

struct rind_agent_realm_join_ok {
    struct rind_hsm_id hsm;
};

enum rind_agent_realm_join_response_kind {
    RIND_AGENT_REALM_JOIN_OK = 1,
    RIND_AGENT_REALM_JOIN_HAVE_OTHER_REALM,
    RIND_AGENT_REALM_JOIN_INVALID_STATEMENT,
    RIND_AGENT_REALM_JOIN_NO_HSM,
};
struct rind_agent_realm_join_response {
    enum rind_agent_realm_join_response_kind kind;
    struct rind_agent_realm_join_ok ok;
};

struct rind_agent_group_new_request {
    struct rind_realm_id realm;
    struct rind_group_member_list members;
};

struct rind_agent_group_new_ok {
    struct rind_group_id group;
    struct rind_mac statement;
};

enum rind_agent_group_new_response_kind {
    RIND_AGENT_GROUP_NEW_OK = 1,
    RIND_AGENT_GROUP_NEW_INVALID_REALM,
    RIND_AGENT_GROUP_NEW_INVALID_CONFIGURATION,
    RIND_AGENT_GROUP_NEW_INVALID_STATEMENT,
    RIND_AGENT_GROUP_NEW_TOO_MANY_GROUPS,
    RIND_AGENT_GROUP_NEW_NO_HSM,
    RIND_AGENT_GROUP_NEW_NO_STORE,
    RIND_AGENT_GROUP_NEW_STORE_PRECONDITION_FAILED,
};
struct rind_agent_group_new_response {
    enum rind_agent_group_new_response_kind kind;
    struct rind_agent_group_new_ok ok;
};

struct rind_agent_group_join_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_hsm_id_list configuration;
    struct rind_mac statement;
};

enum rind_agent_group_join_response_kind {
    RIND_AGENT_GROUP_JOIN_OK = 1,
    RIND_AGENT_GROUP_JOIN_INVALID_REALM,
    RIND_AGENT_GROUP_JOIN_INVALID_CONFIGURATION,
    RIND_AGENT_GROUP_JOIN_INVALID_STATEMENT,
    RIND_AGENT_GROUP_JOIN_TOO_MANY_GROUPS,
    RIND_AGENT_GROUP_JOIN_NO_HSM,
};
struct rind_agent_group_join_response {
    enum rind_agent_group_join_response_kind kind;
};

/* --- transfer --- */

struct rind_agent_transfer_prepare_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

struct rind_agent_transfer_prepare_ok {
    struct rind_transfer_nonce nonce;
    struct rind_mac statement;
};

enum rind_agent_transfer_prepare_response_kind {
    RIND_AGENT_TRANSFER_PREPARE_OK = 1,
    RIND_AGENT_TRANSFER_PREPARE_INVALID_REALM,
    RIND_AGENT_TRANSFER_PREPARE_INVALID_GROUP,
    RIND_AGENT_TRANSFER_PREPARE_UNACCEPTABLE_RANGE,
    RIND_AGENT_TRANSFER_PREPARE_OTHER_TRANSFER_PENDING,
    RIND_AGENT_TRANSFER_PREPARE_NO_STORE,
    RIND_AGENT_TRANSFER_PREPARE_NO_HSM,
    RIND_AGENT_TRANSFER_PREPARE_NOT_LEADER,
    RIND_AGENT_TRANSFER_PREPARE_COMMIT_TIMEOUT,
};
struct rind_agent_transfer_prepare_response {
    enum rind_agent_transfer_prepare_response_kind kind;
    struct rind_agent_transfer_prepare_ok ok;
};

struct rind_agent_transfer_cancel_prepare_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

enum rind_agent_transfer_cancel_prepare_response_kind {
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_OK = 1,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_REALM,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_INVALID_GROUP,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_PREPARED,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_NO_HSM,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_NOT_LEADER,
    RIND_AGENT_TRANSFER_CANCEL_PREPARE_COMMIT_TIMEOUT,
};
struct rind_agent_transfer_cancel_prepare_response {
    enum rind_agent_transfer_cancel_prepare_response_kind kind;
};

struct rind_agent_transfer_out_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
    struct rind_transfer_nonce nonce;
    struct rind_mac statement;
};

struct rind_agent_transfer_out_ok {
    struct rind_partition transferring;
    struct rind_mac statement;
};

enum rind_agent_transfer_out_response_kind {
    RIND_AGENT_TRANSFER_OUT_OK = 1,
    RIND_AGENT_TRANSFER_OUT_NO_STORE,
    RIND_AGENT_TRANSFER_OUT_NO_HSM,
    RIND_AGENT_TRANSFER_OUT_INVALID_REALM,
    RIND_AGENT_TRANSFER_OUT_INVALID_GROUP,
    RIND_AGENT_TRANSFER_OUT_NOT_LEADER,
    RIND_AGENT_TRANSFER_OUT_NOT_OWNER,
    RIND_AGENT_TRANSFER_OUT_INVALID_PROOF,
    RIND_AGENT_TRANSFER_OUT_UNACCEPTABLE_RANGE,
    RIND_AGENT_TRANSFER_OUT_OTHER_TRANSFER_PENDING,
    RIND_AGENT_TRANSFER_OUT_INVALID_STATEMENT,
    RIND_AGENT_TRANSFER_OUT_COMMIT_TIMEOUT,
};
struct rind_agent_transfer_out_response {
    enum rind_agent_transfer_out_response_kind kind;
    struct rind_agent_transfer_out_ok ok;
};

struct rind_agent_transfer_in_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_partition transferring;
    struct rind_transfer_nonce nonce;
    struct rind_mac statement;
};

enum rind_agent_transfer_in_response_kind {
    RIND_AGENT_TRANSFER_IN_OK = 1,
    RIND_AGENT_TRANSFER_IN_NO_HSM,
    RIND_AGENT_TRANSFER_IN_INVALID_REALM,
    RIND_AGENT_TRANSFER_IN_INVALID_GROUP,
    RIND_AGENT_TRANSFER_IN_NOT_LEADER,
    RIND_AGENT_TRANSFER_IN_INVALID_NONCE,
    RIND_AGENT_TRANSFER_IN_INVALID_STATEMENT,
    RIND_AGENT_TRANSFER_IN_NOT_PREPARED,
    RIND_AGENT_TRANSFER_IN_NO_STORE,
    RIND_AGENT_TRANSFER_IN_NOT_OWNER,
    RIND_AGENT_TRANSFER_IN_COMMIT_TIMEOUT,
};
struct rind_agent_transfer_in_response {
    enum rind_agent_transfer_in_response_kind kind;
};

struct rind_agent_transfer_owns_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_owned_range range;
};

struct rind_agent_not_owned {
    bool has_owned;
    struct rind_owned_range owned;
};

enum rind_agent_transfer_owns_response_kind {
    RIND_AGENT_TRANSFER_OWNS_OK = 1,
    RIND_AGENT_TRANSFER_OWNS_NOT_OWNED,
    RIND_AGENT_TRANSFER_OWNS_NO_HSM,
    RIND_AGENT_TRANSFER_OWNS_INVALID_REALM,
    RIND_AGENT_TRANSFER_OWNS_INVALID_GROUP,
    RIND_AGENT_TRANSFER_OWNS_NOT_LEADER,
    RIND_AGENT_TRANSFER_OWNS_TIMED_OUT,
    RIND_AGENT_TRANSFER_OWNS_TRANSFER_IN_PROGRESS,
};
struct rind_agent_transfer_owns_response {
    enum rind_agent_transfer_owns_response_kind kind;
    struct rind_agent_not_owned not_owned;
};

struct rind_agent_transfer_complete_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

enum rind_agent_transfer_complete_response_kind {
    RIND_AGENT_TRANSFER_COMPLETE_OK = 1,
    RIND_AGENT_TRANSFER_COMPLETE_NO_HSM,
    RIND_AGENT_TRANSFER_COMPLETE_INVALID_REALM,
    RIND_AGENT_TRANSFER_COMPLETE_INVALID_GROUP,
    RIND_AGENT_TRANSFER_COMPLETE_NOT_LEADER,
    RIND_AGENT_TRANSFER_COMPLETE_NOT_TRANSFERRING,
    RIND_AGENT_TRANSFER_COMPLETE_COMMIT_TIMEOUT,
};
struct rind_agent_transfer_complete_response {
    enum rind_agent_transfer_complete_response_kind kind;
};

/* The tables of the messages above. */
extern const struct rind_schema rind_agent_status_request_schema;
extern const struct rind_schema rind_agent_leader_status_schema;
extern const struct rind_schema rind_agent_group_status_schema;
extern const struct rind_schema rind_agent_group_status_list_schema;
extern const struct rind_schema rind_agent_service_status_schema;
extern const struct rind_schema rind_agent_status_response_schema;
extern const struct rind_schema rind_agent_app_request_schema;
extern const struct rind_schema rind_agent_app_response_schema;
extern const struct rind_schema rind_agent_captured_request_schema;
extern const struct rind_schema rind_agent_captured_response_schema;
extern const struct rind_schema rind_agent_rate_state_request_schema;
extern const struct rind_schema rind_agent_tenant_rate_state_schema;
extern const struct rind_schema rind_agent_tenant_rate_state_list_schema;
extern const struct rind_schema rind_agent_rate_state_response_schema;
extern const struct rind_schema rind_u64_list_schema;
extern const struct rind_schema rind_rate_reservation_schema;
extern const struct rind_schema rind_rate_reservation_list_schema;
extern const struct rind_schema rind_rate_reserved_list_schema;
extern const struct rind_schema rind_rate_used_schema;
extern const struct rind_schema rind_rate_used_list_schema;
extern const struct rind_schema rind_rate_reservations_schema;
extern const struct rind_schema rind_rate_state_schema;
extern const struct rind_schema rind_agent_tenants_reload_request_schema;
extern const struct rind_schema rind_agent_tenants_reload_ok_schema;
extern const struct rind_schema rind_agent_tenants_reload_response_schema;
extern const struct rind_schema rind_agent_become_leader_request_schema;
extern const struct rind_schema rind_agent_not_captured_schema;
extern const struct rind_schema rind_agent_become_leader_response_schema;
extern const struct rind_schema rind_agent_stepdown_request_schema;
extern const struct rind_schema rind_agent_stepdown_ok_schema;
extern const struct rind_schema rind_agent_stepdown_response_schema;
extern const struct rind_schema rind_agent_realm_new_request_schema;
extern const struct rind_schema rind_agent_realm_new_ok_schema;
extern const struct rind_schema rind_agent_realm_new_response_schema;
extern const struct rind_schema rind_agent_realm_join_request_schema;
extern const struct rind_schema rind_agent_realm_join_ok_schema;
extern const struct rind_schema rind_agent_realm_join_response_schema;
extern const struct rind_schema rind_agent_group_new_request_schema;
extern const struct rind_schema rind_agent_group_new_ok_schema;
extern const struct rind_schema rind_agent_group_new_response_schema;
extern const struct rind_schema rind_agent_group_join_request_schema;
extern const struct rind_schema rind_agent_group_join_response_schema;
extern const struct rind_schema rind_agent_transfer_prepare_request_schema;
extern const struct rind_schema rind_agent_transfer_prepare_ok_schema;
extern const struct rind_schema rind_agent_transfer_prepare_response_schema;
extern const struct rind_schema rind_agent_transfer_cancel_prepare_request_schema;
extern const struct rind_schema rind_agent_transfer_cancel_prepare_response_schema;
extern const struct rind_schema rind_agent_transfer_out_request_schema;
extern const struct rind_schema rind_agent_transfer_out_ok_schema;
extern const struct rind_schema rind_agent_transfer_out_response_schema;
extern const struct rind_schema rind_agent_transfer_in_request_schema;
extern const struct rind_schema rind_agent_transfer_in_response_schema;
extern const struct rind_schema rind_agent_transfer_owns_request_schema;
extern const struct rind_schema rind_agent_not_owned_schema;
extern const struct rind_schema rind_agent_transfer_owns_response_schema;
extern const struct rind_schema rind_agent_transfer_complete_request_schema;
extern const struct rind_schema rind_agent_transfer_complete_response_schema;

#endif
