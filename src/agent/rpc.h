/*
 * rpc.h - the paths an agent serves and the bytes behind them. Spec 06 sections 1.1 and 3.
 */
#ifndef RIND_AGENT_RPC_H
#define RIND_AGENT_RPC_H

#include "agent/agent.h"
#include "net/net.h"

/* A rind_handler; `self` is a struct rind_agent. Any method; 404 for unknown paths. */
void rind_rpc_handle(void *self, struct rind_ctx *ctx, const struct rind_request *request,
                     struct rind_response *response);

#endif
