/*
 * app.h - a client's request, from the balancer to the parked waiter. Spec 06 section 6.
 */
#ifndef RIND_AGENT_APP_H
#define RIND_AGENT_APP_H

#include "agent/agent.h"
#include "agent/waiter.h"

/*
 * Serves one `app` request. `reply` is answered exactly once: before this returns if the request
 * gets no log entry, else when the entry commits or is given up.
 */
void rind_app_handle(struct rind_ctx *ctx, struct rind_agent *agent,
                     const struct rind_agent_app_request *request, struct rind_app_reply reply);

#endif
