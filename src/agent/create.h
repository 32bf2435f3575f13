/*
 * create.h - new realms and groups, and joining them. Spec 06 section 9.5.
 */
#ifndef RIND_AGENT_CREATE_H
#define RIND_AGENT_CREATE_H

#include "agent/agent.h"

void rind_create_realm(struct rind_ctx *ctx, struct rind_agent *agent,
                       struct rind_agent_realm_new_response *response);
void rind_create_join_realm(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_realm_join_request *request,
                            struct rind_agent_realm_join_response *response);
void rind_create_group(struct rind_ctx *ctx, struct rind_agent *agent,
                       const struct rind_agent_group_new_request *request,
                       struct rind_agent_group_new_response *response);
void rind_create_join_group(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_group_join_request *request,
                            struct rind_agent_group_join_response *response);

#endif
