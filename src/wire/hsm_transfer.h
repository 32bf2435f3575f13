/*
 * hsm_transfer.h - requests that move records from a group to another, and their responses.
 *
 * Entries that are returned are not yet committed. Spec: docs/spec/02-hsm-core.md section 14.
 */
#ifndef RIND_WIRE_HSM_TRANSFER_H
#define RIND_WIRE_HSM_TRANSFER_H

#include "wire/types.h"

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

/* The tables of the messages above. */
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

#endif
