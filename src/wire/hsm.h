/*
 * hsm.h - the 19 requests an agent sends its HSM, their responses, and both envelopes.
 *
 * Here are the client requests and the envelopes; hsm_group.h and hsm_transfer.h have the rest.
 * A response carries no name: the agent knows what it asked. So responses travel as an already
 * encoded item inside their envelope: rind_hsm_response_encode and rind_hsm_response_decode put
 * and take both layers. Spec: docs/spec/02-hsm-core.md sections 7, 9 to 11 and 14.
 */
#ifndef RIND_WIRE_HSM_H
#define RIND_WIRE_HSM_H

#include "base/buffer.h"
#include "base/status.h"
#include "wire/hsm_group.h"
#include "wire/hsm_transfer.h"
#include "wire/types.h"

#define RIND_HSM_METRICS_MAX 64u /* entries of one response; two at most today */
/* One Commit releases up to RIND_WIRE_RESPONSES_MAX responses of less than 800 bytes each. */
#define RIND_HSM_RESPONSE_SIZE_MAX (64u * 1024u * 1024u)

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
 * Encodes `response` (a C value of `schema`) in its envelope and appends it to `out`. Errors:
 * as rind_wire_encode; on failure `out` keeps its former length. ctx->arena may be NULL.
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
