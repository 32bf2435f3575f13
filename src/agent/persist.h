/*
 * persist.h - making the HSM persist what it has captured. Spec 06 section 8.3.
 *
 * Only captures that a PersistState reply reported are ever shown or voted with. With cheap NVRAM
 * (the software platform) the HSM is asked as soon as it has captured something; with an interval
 * all agents ask at its wall-clock multiples, so that quorums advance together and NVRAM that
 * wears is written rarely.
 */
#ifndef RIND_AGENT_PERSIST_H
#define RIND_AGENT_PERSIST_H

#include "agent/agent.h"

/* Something has been captured that waits to be persisted. */
void rind_persist_request(struct rind_agent *agent);

/* Persists now and updates all groups. `captured` (may be NULL) is what the HSM reported. */
rind_status rind_persist_once(struct rind_ctx *ctx, struct rind_agent *agent,
                              struct rind_captured_list *captured) RIND_MUST_USE;

#endif
