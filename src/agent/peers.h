/*
 * peers.h - the other agents of the realm: where each HSM's agent is, and what its limiters know.
 *
 * Discovery names URLs. Each has a thread of its own that learns which HSM is behind it and, while
 * this agent serves clients, fetches its rate-limiter state; so a silent peer delays nobody else.
 * With nothing to do the threads sleep. Spec 06 sections 7.3, 8.2, 9.2, 13.4 item 7. Thread-safe.
 */
#ifndef RIND_AGENT_PEERS_H
#define RIND_AGENT_PEERS_H

#include "base/base.h"
#include "host/host.h"
#include "rpc/rpc.h"
#include "wire/wire.h"

#define RIND_PEERS_MAX 1024u
#define RIND_PEERS_STATUS_TIMEOUT_MS 2000u
#define RIND_PEERS_CAPTURED_TIMEOUT_MS 500u
#define RIND_PEERS_RATE_TIMEOUT_MS 500u
#define RIND_CAPTURED_ANY UINT64_MAX

struct rind_agent;
struct rind_peers;

rind_status rind_peers_open(struct rind_ctx *ctx, struct rind_agent *agent,
                            struct rind_peers **peers) RIND_MUST_USE;
/* Ends all threads. NULL is allowed. */
void rind_peers_close(struct rind_peers *peers);

/* The agents that discovery lists now; the own URL is left out. */
void rind_peers_update(struct rind_peers *peers, const char *const *urls, size_t count);

/* The URL of the HSM's agent; false if unknown (then its search has been started). */
bool rind_peers_find(struct rind_peers *peers, const struct rind_hsm_id *hsm, struct rind_url *url);

/*
 * Asks the HSM's agent for what it has captured; false if that failed or it has nothing yet. An
 * agent of ours answers once that is beyond `known` (RIND_CAPTURED_HEADER), or after
 * RIND_CAPTURED_WAIT_MS_MAX; others, and everybody to RIND_CAPTURED_ANY, answer at once.
 */
bool rind_peers_captured(struct rind_ctx *ctx, struct rind_peers *peers,
                         const struct rind_hsm_id *hsm, const struct rind_realm_id *realm,
                         const struct rind_group_id *group, uint64_t known,
                         struct rind_captured *captured);

/* Asks the HSM's agent for its status; false if that failed. */
bool rind_peers_status(struct rind_ctx *ctx, struct rind_peers *peers,
                       const struct rind_hsm_id *hsm, struct rind_agent_status_response *status);

/* A client's request has been counted: the peers' counts matter now. */
void rind_peers_note_request(struct rind_peers *peers);

/* Calls any service of the realm, with the client that peers are called with. */
rind_status rind_peers_call(struct rind_ctx *ctx, struct rind_peers *peers, const char *url,
                            const struct rind_rpc *rpc, const void *request, void *response,
                            struct rind_deadline deadline) RIND_MUST_USE;

#endif
