/* status.h - the RPCs that tell about this agent: status, livez, captured, tenants/reload. */
#ifndef RIND_AGENT_STATUS_H
#define RIND_AGENT_STATUS_H

#include "agent/agent.h"
#include "net/net.h"

/* Spec 06 section 3.2. Lists lie in ctx's arena. RIND_E_LIMIT if it is full. */
rind_status rind_agent_status(struct rind_ctx *ctx, struct rind_agent *agent,
                              struct rind_agent_status_response *response) RIND_MUST_USE;

/* Spec 06 section 3.3. */
void rind_agent_livez(struct rind_ctx *ctx, struct rind_agent *agent,
                      struct rind_response *response);

/* What the HSM has persisted, as far as a PersistState reply told; null for unknown groups. */
void rind_agent_captured(struct rind_agent *agent,
                         const struct rind_agent_captured_request *request,
                         struct rind_agent_captured_response *response);

/* Reads the tenants' configuration and applies it; `*count` of them. */
rind_status rind_agent_load_tenants(struct rind_ctx *ctx, struct rind_agent *agent,
                                    struct rind_deadline deadline, uint64_t *count) RIND_MUST_USE;

#endif
