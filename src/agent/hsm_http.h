/*
 * hsm_http.h - the transport to a software HSM: POST /req over plain HTTP. Spec 02 section 7.3, 06
 * section 4.2.
 */
#ifndef RIND_AGENT_HSM_HTTP_H
#define RIND_AGENT_HSM_HTTP_H

#include "agent/hsm_link.h"
#include "net/net.h"

struct rind_hsm_http;

/* `url`: of the HSM's process; its path becomes /req. */
rind_status rind_hsm_http_open(struct rind_ctx *ctx, const struct rind_url *url,
                               struct rind_metrics *metrics,
                               struct rind_hsm_http **http) RIND_MUST_USE;
/* No call may be under way. NULL is allowed. */
void rind_hsm_http_close(struct rind_hsm_http *http);

/* The transport over it; valid until it is closed. */
struct rind_hsm_transport rind_hsm_http_transport(struct rind_hsm_http *http);

#endif
