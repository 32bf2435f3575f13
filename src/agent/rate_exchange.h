/*
 * rate_exchange.h - what agents tell one another about their tenants' requests. Spec 06 section
 * 7.3.
 *
 * The own state is encoded when somebody asks, at most every 5 ms. Of each peer the newest state is
 * kept, for 2 s; all of them merged are what the limiters count as others. Thread-safe.
 */
#ifndef RIND_AGENT_RATE_EXCHANGE_H
#define RIND_AGENT_RATE_EXCHANGE_H

#include "agent/rate_tenants.h"
#include "base/base.h"
#include "wire/wire.h"

#define RIND_RATE_EXPORT_AGE_MS_MAX 5u
#define RIND_RATE_PEER_AGE_MS_MAX 2000u

struct rind_rate_exchange;
struct rind_rate_peer; /* what one peer has told */

rind_status rind_rate_exchange_new(struct rind_ctx *ctx, struct rind_rate_tenants *tenants,
                                   struct rind_rate_exchange **exchange) RIND_MUST_USE;
/* All peers must have been removed. NULL is allowed. */
void rind_rate_exchange_free(struct rind_rate_exchange *exchange);

/* The own state as the response of `rate/state`, in ctx's arena. */
rind_status rind_rate_exchange_export(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                                      uint64_t now_ms, struct rind_slice *encoded) RIND_MUST_USE;

/* A peer that has told nothing yet. */
struct rind_rate_peer *rind_rate_exchange_add_peer(struct rind_rate_exchange *exchange);
/* Forgets the peer and what it told. */
void rind_rate_exchange_remove_peer(struct rind_rate_exchange *exchange,
                                    struct rind_rate_peer *peer, uint64_t now_ms);

/*
 * Replaces what the peer has told and merges all peers into the limiters. States that cannot be
 * decoded are skipped. `ctx` has an arena for the work.
 */
void rind_rate_exchange_import(struct rind_ctx *ctx, struct rind_rate_exchange *exchange,
                               struct rind_rate_peer *peer,
                               const struct rind_agent_tenant_rate_state_list *states,
                               uint64_t now_ms);

/* Merges again without news: what silent peers told ages away. */
void rind_rate_exchange_merge(struct rind_rate_exchange *exchange, uint64_t now_ms);

/* One tenant's state in the exchange's encoding, and back. */
rind_status rind_rate_view_encode(struct rind_ctx *ctx, const struct rind_rate_view *view,
                                  struct rind_slice *encoded) RIND_MUST_USE;
rind_status rind_rate_view_decode(struct rind_ctx *ctx, struct rind_slice encoded,
                                  struct rind_rate_view *view) RIND_MUST_USE;

#endif
