/* status.h - the RPCs that tell about this agent: status, livez, captured, tenants/reload. */
#ifndef RIND_AGENT_STATUS_H
#define RIND_AGENT_STATUS_H

#include "agent/agent.h"
#include "net/net.h"

/*
 * What a leader of ours adds to `captured`: the index it knows of, in decimal. Who answers may wait
 * for a higher one. Others neither send nor read it, and then everything is as spec 06 has it.
 */
#define RIND_CAPTURED_HEADER "x-rind-captured"
#define RIND_CAPTURED_WAIT_MS_MAX 100u /* far below the callers' 500 ms */

/* Spec 06 section 3.2. Lists lie in ctx's arena. RIND_E_LIMIT if it is full. */
rind_status rind_agent_status(struct rind_ctx *ctx, struct rind_agent *agent,
                              struct rind_agent_status_response *response) RIND_MUST_USE;

/* Spec 06 section 3.3. */
void rind_agent_livez(struct rind_ctx *ctx, struct rind_agent *agent,
                      struct rind_response *response);

/*
 * What the HSM has persisted, as far as a PersistState reply told; null for unknown groups. Waits
 * until that is beyond `known`, at most until `deadline`, and not at all if the agent's
 * captured_waits_max others wait. So leaders need not ask again and again.
 */
void rind_agent_captured(struct rind_agent *agent,
                         const struct rind_agent_captured_request *request, uint64_t known,
                         struct rind_deadline deadline,
                         struct rind_agent_captured_response *response);

/* Reads the tenants' configuration and applies it; `*count` of them. */
rind_status rind_agent_load_tenants(struct rind_ctx *ctx, struct rind_agent *agent,
                                    struct rind_deadline deadline, uint64_t *count) RIND_MUST_USE;

#endif
