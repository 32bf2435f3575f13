/* catalogue.c - the RPCs of agents (spec 06 section 3.1) and cluster managers (08 section 2). */
#include "rpc/rpc.h"

#define READS true
#define ACTS false

#define AGENT_RPC(name, rpc_path, reads)                                                           \
    const struct rind_rpc rind_rpc_##name = {rpc_path, &rind_agent_##name##_request_schema,        \
                                             &rind_agent_##name##_response_schema, reads}

AGENT_RPC(status, "status", READS);
AGENT_RPC(app, "app", ACTS);
AGENT_RPC(captured, "captured", READS);
AGENT_RPC(rate_state, "rate/state", READS);
AGENT_RPC(tenants_reload, "tenants/reload", READS);
AGENT_RPC(become_leader, "become_leader", ACTS);
AGENT_RPC(stepdown, "stepdown", ACTS);
AGENT_RPC(realm_new, "realm/new", ACTS);
AGENT_RPC(realm_join, "realm/join", ACTS);
AGENT_RPC(group_new, "group/new", ACTS);
AGENT_RPC(group_join, "group/join", ACTS);
AGENT_RPC(transfer_prepare, "transfer/prepare", ACTS);
AGENT_RPC(transfer_cancel_prepare, "transfer/cancel_prepare", ACTS);
AGENT_RPC(transfer_out, "transfer/out", ACTS);
AGENT_RPC(transfer_in, "transfer/in", ACTS);
AGENT_RPC(transfer_owns, "transfer/owns", READS);
AGENT_RPC(transfer_complete, "transfer/complete", ACTS);

#define MANAGER_RPC(name, schemas, rpc_path)                                                       \
    const struct rind_rpc rind_rpc_manager_##name = {                                              \
        rpc_path, &rind_cluster_##schemas##_request_schema,                                        \
        &rind_cluster_##schemas##_response_schema, ACTS}

MANAGER_RPC(leader_stepdown, stepdown, "leader_stepdown");
MANAGER_RPC(rebalance, rebalance, "rebalance");
MANAGER_RPC(transfer, transfer, "transfer");
