/*
 * hsm_status.h - the HSM's status for all who ask: one request at a time, shared by those waiting.
 *
 * Balancers, managers and peers poll status all the time, and every one would cost the HSM a turn.
 * A thread of its own makes the calls, so that livez can stop waiting after a second while the call
 * itself is never cut off. Spec 06 section 13.4 item 8. Thread-safe.
 */
#ifndef RIND_AGENT_HSM_STATUS_H
#define RIND_AGENT_HSM_STATUS_H

#include "base/base.h"
#include "host/host.h"
#include "wire/wire.h"

/* A status this old still serves the RPC `status`; far below any poller's period. */
#define RIND_HSM_STATUS_AGE_MS_MAX 5u

struct rind_agent;
struct rind_hsm_status_service;

rind_status rind_hsm_status_open(struct rind_ctx *ctx, struct rind_agent *agent,
                                 struct rind_hsm_status_service **service) RIND_MUST_USE;
/* Nobody may be waiting. NULL is allowed. */
void rind_hsm_status_close(struct rind_hsm_status_service *service);

/*
 * The outcome of a Status request that was begun at most `age_ms_max` ago, or now. RIND_E_TIMEOUT
 * if it did not end by the deadline (the request goes on), else as the link says. `*status` lies in
 * ctx's arena.
 */
rind_status rind_hsm_status_get(struct rind_ctx *ctx, struct rind_hsm_status_service *service,
                                uint64_t age_ms_max, struct rind_deadline deadline,
                                struct rind_hsm_status_response *status) RIND_MUST_USE;

/* From now on only requests begun after this call count, whatever age is allowed. */
void rind_hsm_status_forget(struct rind_hsm_status_service *service);

#endif
