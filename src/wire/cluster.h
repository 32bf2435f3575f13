/*
 * cluster.h - the RPCs served by the cluster manager.
 *
 * Spec: docs/spec/08-cluster.md section 2.
 */
#ifndef RIND_WIRE_CLUSTER_H
#define RIND_WIRE_CLUSTER_H

#include "wire/types.h"

/* One group of one realm. */
struct rind_cluster_group {
    struct rind_realm_id realm;
    struct rind_group_id group;
};

/* Path leader_stepdown: all groups an HSM leads, or one group. */
enum rind_cluster_stepdown_request_kind {
    RIND_CLUSTER_STEPDOWN_REQUEST_HSM = 1,
    RIND_CLUSTER_STEPDOWN_REQUEST_GROUP,
};
struct rind_cluster_stepdown_request {
    enum rind_cluster_stepdown_request_kind kind;
    union {
        struct rind_hsm_id hsm;
        struct rind_cluster_group group;
    };
};

enum rind_cluster_stepdown_response_kind {
    RIND_CLUSTER_STEPDOWN_OK = 1,
    RIND_CLUSTER_STEPDOWN_NO_HSM,
    RIND_CLUSTER_STEPDOWN_NO_STORE,
    RIND_CLUSTER_STEPDOWN_NOT_LEADER,
    RIND_CLUSTER_STEPDOWN_INVALID_REALM,
    RIND_CLUSTER_STEPDOWN_INVALID_GROUP,
    RIND_CLUSTER_STEPDOWN_INVALID_HSM,
    RIND_CLUSTER_STEPDOWN_BUSY,
    RIND_CLUSTER_STEPDOWN_RPC_ERROR,
};
struct rind_cluster_stepdown_response {
    enum rind_cluster_stepdown_response_kind kind;
    union {
        struct rind_cluster_group busy;
        struct rind_rpc_error rpc_error;
    };
};

struct rind_cluster_rebalance_request {
    char nothing; /* C wants a member; never read or written */
};

/* Leadership of `group` went from one HSM to another. */
struct rind_cluster_rebalanced {
    struct rind_realm_id realm;
    struct rind_group_id group;
    struct rind_hsm_id from;
    struct rind_hsm_id to;
};

enum rind_cluster_rebalance_ok_kind {
    RIND_CLUSTER_REBALANCE_OK_ALREADY_BALANCED = 1,
    RIND_CLUSTER_REBALANCE_OK_REBALANCED,
};
struct rind_cluster_rebalance_ok {
    enum rind_cluster_rebalance_ok_kind kind;
    struct rind_cluster_rebalanced rebalanced;
};

enum rind_cluster_rebalance_error_kind {
    RIND_CLUSTER_REBALANCE_ERROR_STEP_DOWN_FAILED = 1,
    RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_ROLLED_BACK,
    RIND_CLUSTER_REBALANCE_ERROR_LEADERSHIP_TRANSFER_FAILED,
    RIND_CLUSTER_REBALANCE_ERROR_NO_STORE,
    RIND_CLUSTER_REBALANCE_ERROR_BUSY,
    RIND_CLUSTER_REBALANCE_ERROR_RPC,
};
struct rind_cluster_rebalance_error {
    enum rind_cluster_rebalance_error_kind kind;
    union {
        struct rind_cluster_group busy;
        struct rind_rpc_error rpc;
    };
};

enum rind_cluster_rebalance_response_kind {
    RIND_CLUSTER_REBALANCE_OK = 1,
    RIND_CLUSTER_REBALANCE_ERR,
};
struct rind_cluster_rebalance_response {
    enum rind_cluster_rebalance_response_kind kind;
    union {
        struct rind_cluster_rebalance_ok ok;
        struct rind_cluster_rebalance_error error;
    };
};

struct rind_cluster_transfer_request {
    struct rind_realm_id realm;
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};

struct rind_cluster_transfer_ok {
    char nothing; /* C wants a member; never read or written */
};

enum rind_cluster_transfer_error_kind {
    RIND_CLUSTER_TRANSFER_ERROR_NO_SOURCE_LEADER = 1,
    RIND_CLUSTER_TRANSFER_ERROR_NO_DESTINATION_LEADER,
    RIND_CLUSTER_TRANSFER_ERROR_MANAGER_BUSY,
    RIND_CLUSTER_TRANSFER_ERROR_INVALID_GROUP,
    RIND_CLUSTER_TRANSFER_ERROR_UNACCEPTABLE_RANGE,
    RIND_CLUSTER_TRANSFER_ERROR_OTHER_TRANSFER_PENDING,
    RIND_CLUSTER_TRANSFER_ERROR_NO_STORE,
    RIND_CLUSTER_TRANSFER_ERROR_TIMEOUT,
    RIND_CLUSTER_TRANSFER_ERROR_COMMIT_TIMEOUT,
    RIND_CLUSTER_TRANSFER_ERROR_INVALID_NONCE,
    RIND_CLUSTER_TRANSFER_ERROR_RPC_ERROR,
};
struct rind_cluster_transfer_error {
    enum rind_cluster_transfer_error_kind kind;
    struct rind_rpc_error rpc_error;
};

enum rind_cluster_transfer_response_kind {
    RIND_CLUSTER_TRANSFER_OK = 1,
    RIND_CLUSTER_TRANSFER_ERR,
};
struct rind_cluster_transfer_response {
    enum rind_cluster_transfer_response_kind kind;
    union {
        struct rind_cluster_transfer_ok ok;
        struct rind_cluster_transfer_error error;
    };
};

/* The tables of the messages above. */
extern const struct rind_schema rind_cluster_group_schema;
extern const struct rind_schema rind_cluster_stepdown_request_schema;
extern const struct rind_schema rind_cluster_stepdown_response_schema;
extern const struct rind_schema rind_cluster_rebalance_request_schema;
extern const struct rind_schema rind_cluster_rebalanced_schema;
extern const struct rind_schema rind_cluster_rebalance_ok_schema;
extern const struct rind_schema rind_cluster_rebalance_error_schema;
extern const struct rind_schema rind_cluster_rebalance_response_schema;
extern const struct rind_schema rind_cluster_transfer_request_schema;
extern const struct rind_schema rind_cluster_transfer_ok_schema;
extern const struct rind_schema rind_cluster_transfer_error_schema;
extern const struct rind_schema rind_cluster_transfer_response_schema;

#endif
