/*
 * hsm.h - the 19 requests an agent sends its HSM, their responses, and both envelopes.
 *
 * A response carries no name: the agent knows what it asked. So responses travel as an already
 * encoded item inside their envelope: rind_hsm_response_encode and rind_hsm_response_decode put
 * and take both layers. Spec: docs/spec/02-hsm-core.md sections 7, 9 to 11 and 14.
 */
#ifndef RIND_WIRE_HSM_H
#define RIND_WIRE_HSM_H

#include "base/buffer.h"
#include "base/status.h"
#include "wire/types.h"

#define RIND_HSM_METRICS_MAX 64u /* entries of one response; two at most today */

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

/* --- Transfers --- */

struct rind_hsm_prepare_transfer_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

struct rind_hsm_prepare_transfer_ok {
    struct rind_transfer_nonce nonce;
    bool has_entry;
    struct rind_log_entry entry; /* absent when already prepared */
    uint64_t wait_til_committed;
    uint64_t clock;
    struct rind_mac statement;
};

enum rind_hsm_prepare_transfer_response_kind {
    RIND_HSM_PREPARE_TRANSFER_OK = 1,
    RIND_HSM_PREPARE_TRANSFER_INVALID_REALM,
    RIND_HSM_PREPARE_TRANSFER_INVALID_GROUP,
    RIND_HSM_PREPARE_TRANSFER_NOT_LEADER,
    RIND_HSM_PREPARE_TRANSFER_UNACCEPTABLE_RANGE,
    RIND_HSM_PREPARE_TRANSFER_OTHER_TRANSFER_PENDING,
};
struct rind_hsm_prepare_transfer_response {
    enum rind_hsm_prepare_transfer_response_kind kind;
    struct rind_hsm_prepare_transfer_ok ok;
};

struct rind_hsm_cancel_prepared_transfer_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

struct rind_hsm_cancel_prepared_transfer_ok {
    struct rind_log_entry entry;
    uint64_t clock;
};

enum rind_hsm_cancel_prepared_transfer_response_kind {
    RIND_HSM_CANCEL_PREPARED_TRANSFER_OK = 1,
    RIND_HSM_CANCEL_PREPARED_TRANSFER_INVALID_REALM,
    RIND_HSM_CANCEL_PREPARED_TRANSFER_INVALID_GROUP,
    RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_LEADER,
    RIND_HSM_CANCEL_PREPARED_TRANSFER_NOT_PREPARED,
};
struct rind_hsm_cancel_prepared_transfer_response {
    enum rind_hsm_cancel_prepared_transfer_response_kind kind;
    struct rind_hsm_cancel_prepared_transfer_ok ok;
};

struct rind_hsm_transfer_out_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
    struct rind_transfer_nonce nonce;
    struct rind_mac statement;
    bool has_proof;
    struct rind_read_proof proof; /* at the split key, unless the whole range moves */
};

struct rind_hsm_transfer_out_ok {
    bool has_entry;
    struct rind_log_entry entry; /* absent when already transferred out */
    struct rind_store_delta delta;
    struct rind_partition partition;
    uint64_t wait_til_committed;
    uint64_t clock;
};

enum rind_hsm_transfer_out_response_kind {
    RIND_HSM_TRANSFER_OUT_OK = 1,
    RIND_HSM_TRANSFER_OUT_INVALID_REALM,
    RIND_HSM_TRANSFER_OUT_INVALID_GROUP,
    RIND_HSM_TRANSFER_OUT_NOT_LEADER,
    RIND_HSM_TRANSFER_OUT_NOT_OWNER,
    RIND_HSM_TRANSFER_OUT_STALE_PROOF,
    RIND_HSM_TRANSFER_OUT_INVALID_PROOF,
    RIND_HSM_TRANSFER_OUT_MISSING_PROOF,
    RIND_HSM_TRANSFER_OUT_OTHER_TRANSFER_PENDING,
    RIND_HSM_TRANSFER_OUT_INVALID_STATEMENT,
};
struct rind_hsm_transfer_out_response {
    enum rind_hsm_transfer_out_response_kind kind;
    struct rind_hsm_transfer_out_ok ok;
};

struct rind_hsm_transfer_statement_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_transfer_nonce nonce;
};

enum rind_hsm_transfer_statement_response_kind {
    RIND_HSM_TRANSFER_STATEMENT_OK = 1,
    RIND_HSM_TRANSFER_STATEMENT_INVALID_REALM,
    RIND_HSM_TRANSFER_STATEMENT_INVALID_GROUP,
    RIND_HSM_TRANSFER_STATEMENT_NOT_LEADER,
    RIND_HSM_TRANSFER_STATEMENT_NOT_TRANSFERRING,
    RIND_HSM_TRANSFER_STATEMENT_BUSY,
};
struct rind_hsm_transfer_statement_response {
    enum rind_hsm_transfer_statement_response_kind kind;
    struct rind_mac statement;
};

struct rind_transfer_in_proofs {
    struct rind_read_proof owned;
    struct rind_read_proof transferring;
};

struct rind_hsm_transfer_in_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_partition transferring;
    bool has_proofs;
    struct rind_transfer_in_proofs proofs; /* needed to join an owned range */
    struct rind_transfer_nonce nonce;
    struct rind_mac statement;
};

struct rind_hsm_transfer_in_ok {
    struct rind_log_entry entry;
    struct rind_store_delta delta;
    uint64_t clock;
};

enum rind_hsm_transfer_in_response_kind {
    RIND_HSM_TRANSFER_IN_OK = 1,
    RIND_HSM_TRANSFER_IN_INVALID_REALM,
    RIND_HSM_TRANSFER_IN_INVALID_GROUP,
    RIND_HSM_TRANSFER_IN_NOT_LEADER,
    RIND_HSM_TRANSFER_IN_INVALID_NONCE,
    RIND_HSM_TRANSFER_IN_INVALID_STATEMENT,
    RIND_HSM_TRANSFER_IN_STALE_PROOF,
    RIND_HSM_TRANSFER_IN_INVALID_PROOF,
    RIND_HSM_TRANSFER_IN_MISSING_PROOFS,
    RIND_HSM_TRANSFER_IN_NOT_PREPARED,
};
struct rind_hsm_transfer_in_response {
    enum rind_hsm_transfer_in_response_kind kind;
    struct rind_hsm_transfer_in_ok ok;
};

struct rind_hsm_complete_transfer_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

struct rind_hsm_complete_transfer_ok {
    struct rind_log_entry entry;
    uint64_t clock;
};

enum rind_hsm_complete_transfer_response_kind {
    RIND_HSM_COMPLETE_TRANSFER_OK = 1,
    RIND_HSM_COMPLETE_TRANSFER_INVALID_REALM,
    RIND_HSM_COMPLETE_TRANSFER_INVALID_GROUP,
    RIND_HSM_COMPLETE_TRANSFER_NOT_LEADER,
    RIND_HSM_COMPLETE_TRANSFER_NOT_TRANSFERRING,
};
struct rind_hsm_complete_transfer_response {
    enum rind_hsm_complete_transfer_response_kind kind;
    struct rind_hsm_complete_transfer_ok ok;
};

/* --- HandshakeRequest, AppRequest --- */

struct rind_hsm_handshake_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_record_id record_id;
    uint32_t session_id;
    struct rind_handshake_request handshake;
};

struct rind_hsm_handshake_ok {
    struct rind_handshake_response noise;
    struct rind_duration session_lifetime;
};

enum rind_hsm_handshake_response_kind {
    RIND_HSM_HANDSHAKE_OK = 1,
    RIND_HSM_HANDSHAKE_INVALID_REALM,
    RIND_HSM_HANDSHAKE_INVALID_GROUP,
    RIND_HSM_HANDSHAKE_NOT_OWNER,
    RIND_HSM_HANDSHAKE_NOT_LEADER,
    RIND_HSM_HANDSHAKE_SESSION_ERROR,
};
struct rind_hsm_handshake_response {
    enum rind_hsm_handshake_response_kind kind;
    struct rind_hsm_handshake_ok ok;
};

struct rind_hsm_app_request {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_record_id record_id;
    uint32_t session_id;
    struct rind_noise_request encrypted;
    struct rind_read_proof proof;
    uint64_t index; /* of the log entry whose root the proof was read at */
};

struct rind_hsm_app_ok {
    struct rind_log_entry entry;
    struct rind_store_delta delta;
};

enum rind_hsm_app_response_kind {
    RIND_HSM_APP_OK = 1,
    RIND_HSM_APP_INVALID_REALM,
    RIND_HSM_APP_INVALID_GROUP,
    RIND_HSM_APP_STALE_PROOF,
    RIND_HSM_APP_INVALID_PROOF,
    RIND_HSM_APP_NOT_OWNER,
    RIND_HSM_APP_NOT_LEADER,
    RIND_HSM_APP_INVALID_RECORD_DATA,
    RIND_HSM_APP_MISSING_SESSION,
    RIND_HSM_APP_SESSION_ERROR,
    RIND_HSM_APP_DECODING_ERROR,
};
struct rind_hsm_app_response {
    enum rind_hsm_app_response_kind kind;
    union {
        struct rind_hsm_app_ok ok;
        struct rind_role_status not_leader;
    };
};

/* --- Envelopes --- */

enum rind_hsm_request_kind {
    RIND_HSM_REQUEST_STATUS = 1,
    RIND_HSM_REQUEST_NEW_REALM,
    RIND_HSM_REQUEST_JOIN_REALM,
    RIND_HSM_REQUEST_NEW_GROUP,
    RIND_HSM_REQUEST_JOIN_GROUP,
    RIND_HSM_REQUEST_BECOME_LEADER,
    RIND_HSM_REQUEST_STEP_DOWN,
    RIND_HSM_REQUEST_CAPTURE_JUMP,
    RIND_HSM_REQUEST_CAPTURE_NEXT,
    RIND_HSM_REQUEST_PERSIST_STATE,
    RIND_HSM_REQUEST_COMMIT,
    RIND_HSM_REQUEST_PREPARE_TRANSFER,
    RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER,
    RIND_HSM_REQUEST_TRANSFER_OUT,
    RIND_HSM_REQUEST_TRANSFER_STATEMENT,
    RIND_HSM_REQUEST_TRANSFER_IN,
    RIND_HSM_REQUEST_COMPLETE_TRANSFER,
    RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
    RIND_HSM_REQUEST_APP_REQUEST,
};
struct rind_hsm_request {
    enum rind_hsm_request_kind kind;
    union {
        struct rind_hsm_status_request status;
        struct rind_hsm_new_realm_request new_realm;
        struct rind_hsm_join_realm_request join_realm;
        struct rind_hsm_new_group_request new_group;
        struct rind_hsm_join_group_request join_group;
        struct rind_hsm_become_leader_request become_leader;
        struct rind_hsm_step_down_request step_down;
        struct rind_hsm_capture_jump_request capture_jump;
        struct rind_hsm_capture_next_request capture_next;
        struct rind_hsm_persist_state_request persist_state;
        struct rind_hsm_commit_request commit;
        struct rind_hsm_prepare_transfer_request prepare_transfer;
        struct rind_hsm_cancel_prepared_transfer_request cancel_prepared_transfer;
        struct rind_hsm_transfer_out_request transfer_out;
        struct rind_hsm_transfer_statement_request transfer_statement;
        struct rind_hsm_transfer_in_request transfer_in;
        struct rind_hsm_complete_transfer_request complete_transfer;
        struct rind_hsm_handshake_request handshake;
        struct rind_hsm_app_request app;
    };
};

enum rind_hsm_metrics {
    RIND_HSM_METRICS_SKIP = 1,
    RIND_HSM_METRICS_RECORD,
};

struct rind_hsm_request_envelope {
    struct rind_hsm_request req;
    enum rind_hsm_metrics metrics;
};

/* How long something took. */
struct rind_hsm_metric {
    struct rind_slice name;
    uint32_t nanos;
};

RIND_LIST_TYPE(rind_hsm_metric_list, struct rind_hsm_metric);

struct rind_hsm_response_envelope {
    struct rind_slice res; /* an encoded response */
    struct rind_hsm_metric_list metrics;
};

/* The name of a request on the wire, which metrics use too: "Status", ..., "AppRequest". */
const char *rind_hsm_request_name(enum rind_hsm_request_kind kind);

/*
 * Encodes `response` (a C value of `schema`) in its envelope and appends it to `out`. Scratch
 * space comes from ctx->arena. Errors: as rind_wire_encode; `out` unchanged on failure.
 */
rind_status rind_hsm_response_encode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     const void *response,
                                     const struct rind_hsm_metric_list *metrics,
                                     struct rind_buffer *out) RIND_MUST_USE;

/*
 * Decodes an envelope and the response of `schema` in it. `metrics` may be NULL. Errors and
 * borrowing: as rind_wire_decode_strict.
 */
rind_status rind_hsm_response_decode(struct rind_ctx *ctx, const struct rind_schema *schema,
                                     struct rind_slice bytes, void *response,
                                     struct rind_hsm_metric_list *metrics) RIND_MUST_USE;

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
extern const struct rind_schema rind_hsm_prepare_transfer_request_schema;
extern const struct rind_schema rind_hsm_prepare_transfer_ok_schema;
extern const struct rind_schema rind_hsm_prepare_transfer_response_schema;
extern const struct rind_schema rind_hsm_cancel_prepared_transfer_request_schema;
extern const struct rind_schema rind_hsm_cancel_prepared_transfer_ok_schema;
extern const struct rind_schema rind_hsm_cancel_prepared_transfer_response_schema;
extern const struct rind_schema rind_hsm_transfer_out_request_schema;
extern const struct rind_schema rind_hsm_transfer_out_ok_schema;
extern const struct rind_schema rind_hsm_transfer_out_response_schema;
extern const struct rind_schema rind_hsm_transfer_statement_request_schema;
extern const struct rind_schema rind_hsm_transfer_statement_response_schema;
extern const struct rind_schema rind_transfer_in_proofs_schema;
extern const struct rind_schema rind_hsm_transfer_in_request_schema;
extern const struct rind_schema rind_hsm_transfer_in_ok_schema;
extern const struct rind_schema rind_hsm_transfer_in_response_schema;
extern const struct rind_schema rind_hsm_complete_transfer_request_schema;
extern const struct rind_schema rind_hsm_complete_transfer_ok_schema;
extern const struct rind_schema rind_hsm_complete_transfer_response_schema;
extern const struct rind_schema rind_hsm_handshake_request_schema;
extern const struct rind_schema rind_hsm_handshake_ok_schema;
extern const struct rind_schema rind_hsm_handshake_response_schema;
extern const struct rind_schema rind_hsm_app_request_schema;
extern const struct rind_schema rind_hsm_app_ok_schema;
extern const struct rind_schema rind_hsm_app_response_schema;
extern const struct rind_schema rind_hsm_request_schema;
extern const struct rind_schema rind_hsm_metrics_schema;
extern const struct rind_schema rind_hsm_request_envelope_schema;
extern const struct rind_schema rind_hsm_metric_schema;
extern const struct rind_schema rind_hsm_metric_list_schema;
extern const struct rind_schema rind_hsm_response_envelope_schema;

#endif
