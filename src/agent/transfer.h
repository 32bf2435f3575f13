/*
 * transfer.h - moving ownership of records between groups: this agent's five steps. Spec 06
 * section 10.
 */
#ifndef RIND_AGENT_TRANSFER_H
#define RIND_AGENT_TRANSFER_H

#include "agent/agent.h"

void rind_transfer_prepare(struct rind_ctx *ctx, struct rind_agent *agent,
                           const struct rind_agent_transfer_prepare_request *request,
                           struct rind_agent_transfer_prepare_response *response);
void rind_transfer_cancel_prepare(struct rind_ctx *ctx, struct rind_agent *agent,
                                  const struct rind_agent_transfer_cancel_prepare_request *request,
                                  struct rind_agent_transfer_cancel_prepare_response *response);
void rind_transfer_out(struct rind_ctx *ctx, struct rind_agent *agent,
                       const struct rind_agent_transfer_out_request *request,
                       struct rind_agent_transfer_out_response *response);
void rind_transfer_in(struct rind_ctx *ctx, struct rind_agent *agent,
                      const struct rind_agent_transfer_in_request *request,
                      struct rind_agent_transfer_in_response *response);
void rind_transfer_owns(struct rind_ctx *ctx, struct rind_agent *agent,
                        const struct rind_agent_transfer_owns_request *request,
                        struct rind_agent_transfer_owns_response *response);
void rind_transfer_complete(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_transfer_complete_request *request,
                            struct rind_agent_transfer_complete_response *response);

#endif
