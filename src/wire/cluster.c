/* cluster.c - the tables of cluster.h. */
#include "wire/cluster.h"

static const struct rind_field cluster_group_fields[] = {
    RIND_FIELD(struct rind_cluster_group, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_group, group, rind_bytes16_schema),
};
const struct rind_schema rind_cluster_group_schema =
    RIND_SCHEMA_STRUCT(struct rind_cluster_group, cluster_group_fields);

static const struct rind_field cluster_stepdown_request_variants[] = {
    RIND_VARIANT("Hsm", struct rind_cluster_stepdown_request, hsm, rind_bytes16_schema),
    RIND_VARIANT("Group", struct rind_cluster_stepdown_request, group, rind_cluster_group_schema),
};
const struct rind_schema rind_cluster_stepdown_request_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_stepdown_request, cluster_stepdown_request_variants);

static const struct rind_field cluster_stepdown_response_variants[] = {
    RIND_VARIANT_UNIT("Ok"),
    RIND_VARIANT_UNIT("NoHsm"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("NotLeader"),
    RIND_VARIANT_UNIT("InvalidRealm"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("InvalidHsm"),
    RIND_VARIANT("Busy", struct rind_cluster_stepdown_response, busy, rind_cluster_group_schema),
    RIND_VARIANT("RpcError", struct rind_cluster_stepdown_response, rpc_error,
                 rind_rpc_error_schema),
};
const struct rind_schema rind_cluster_stepdown_response_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_stepdown_response, cluster_stepdown_response_variants);

const struct rind_schema rind_cluster_rebalance_request_schema =
    RIND_SCHEMA_EMPTY(struct rind_cluster_rebalance_request);

static const struct rind_field cluster_rebalanced_fields[] = {
    RIND_FIELD(struct rind_cluster_rebalanced, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_rebalanced, group, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_rebalanced, from, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_rebalanced, to, rind_bytes16_schema),
};
const struct rind_schema rind_cluster_rebalanced_schema =
    RIND_SCHEMA_STRUCT(struct rind_cluster_rebalanced, cluster_rebalanced_fields);

static const struct rind_field cluster_rebalance_ok_variants[] = {
    RIND_VARIANT_UNIT("AlreadyBalanced"),
    RIND_VARIANT("Rebalanced", struct rind_cluster_rebalance_ok, rebalanced,
                 rind_cluster_rebalanced_schema),
};
const struct rind_schema rind_cluster_rebalance_ok_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_rebalance_ok, cluster_rebalance_ok_variants);

static const struct rind_field cluster_rebalance_error_variants[] = {
    RIND_VARIANT_UNIT("StepDownFailed"),
    RIND_VARIANT_UNIT("LeadershipTransferRolledBack"),
    RIND_VARIANT_UNIT("LeadershipTransferFailed"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT("Busy", struct rind_cluster_rebalance_error, busy, rind_cluster_group_schema),
    RIND_VARIANT("Rpc", struct rind_cluster_rebalance_error, rpc, rind_rpc_error_schema),
};
const struct rind_schema rind_cluster_rebalance_error_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_rebalance_error, cluster_rebalance_error_variants);

static const struct rind_field cluster_rebalance_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_cluster_rebalance_response, ok,
                 rind_cluster_rebalance_ok_schema),
    RIND_VARIANT("Err", struct rind_cluster_rebalance_response, error,
                 rind_cluster_rebalance_error_schema),
};
const struct rind_schema rind_cluster_rebalance_response_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_rebalance_response, cluster_rebalance_response_variants);

static const struct rind_field cluster_transfer_request_fields[] = {
    RIND_FIELD(struct rind_cluster_transfer_request, realm, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_transfer_request, source, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_transfer_request, destination, rind_bytes16_schema),
    RIND_FIELD(struct rind_cluster_transfer_request, range, rind_owned_range_schema),
};
const struct rind_schema rind_cluster_transfer_request_schema =
    RIND_SCHEMA_STRUCT(struct rind_cluster_transfer_request, cluster_transfer_request_fields);

const struct rind_schema rind_cluster_transfer_ok_schema =
    RIND_SCHEMA_EMPTY(struct rind_cluster_transfer_ok);

static const struct rind_field cluster_transfer_error_variants[] = {
    RIND_VARIANT_UNIT("NoSourceLeader"),
    RIND_VARIANT_UNIT("NoDestinationLeader"),
    RIND_VARIANT_UNIT("ManagerBusy"),
    RIND_VARIANT_UNIT("InvalidGroup"),
    RIND_VARIANT_UNIT("UnacceptableRange"),
    RIND_VARIANT_UNIT("OtherTransferPending"),
    RIND_VARIANT_UNIT("NoStore"),
    RIND_VARIANT_UNIT("Timeout"),
    RIND_VARIANT_UNIT("CommitTimeout"),
    RIND_VARIANT_UNIT("InvalidNonce"),
    RIND_VARIANT("RpcError", struct rind_cluster_transfer_error, rpc_error, rind_rpc_error_schema),
};
const struct rind_schema rind_cluster_transfer_error_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_transfer_error, cluster_transfer_error_variants);

static const struct rind_field cluster_transfer_response_variants[] = {
    RIND_VARIANT("Ok", struct rind_cluster_transfer_response, ok, rind_cluster_transfer_ok_schema),
    RIND_VARIANT("Err", struct rind_cluster_transfer_response, error,
                 rind_cluster_transfer_error_schema),
};
const struct rind_schema rind_cluster_transfer_response_schema =
    RIND_SCHEMA_ENUM(struct rind_cluster_transfer_response, cluster_transfer_response_variants);
