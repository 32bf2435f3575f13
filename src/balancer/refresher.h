/*
 * refresher.h - keeps the routing table fresh: who is registered, what each of them leads.
 *
 * Two threads. One reads service discovery and asks all agents that answer promptly; every change
 * is published at once. The other asks the slow ones with more patience, so that a hung agent
 * delays nobody; until it answers or fails, what it said last stands (ranked below others).
 *
 * The rhythm follows the work. While requests come, statuses are at most RIND_REFRESH_ACTIVE_MS
 * old; an idle balancer looks every RIND_REFRESH_IDLE_MS. A request that could not be served asks
 * for a refresh on demand and waits for it (rind_refresher_await); any number of waiters share one,
 * and RIND_REFRESH_SPACING_MS bounds how often anybody can cause one.
 *
 * Whatever fails (discovery, agents, memory), the last good table stays in use.
 * Spec: docs/spec/07-load-balancer.md section 9.
 */
#ifndef RIND_BALANCER_REFRESHER_H
#define RIND_BALANCER_REFRESHER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/metrics.h"
#include "host/published.h"
#include "net/client.h"
#include "store/store.h"

/* The reference polls every 100 ms; requests that meet a stale table refresh it themselves, so
 * this only bounds how long two agents that both accept requests stay in the wrong order. */
#define RIND_REFRESH_ACTIVE_MS 250u
#define RIND_REFRESH_IDLE_MS 2000u
/* Without requests for so long a balancer is idle. */
#define RIND_REFRESH_IDLE_AFTER_MS 10000u
/* Between the starts of two refreshes, whoever asks. */
#define RIND_REFRESH_SPACING_MS 20u
/* Who found the table to know nothing of a realm is content with one of this age: else anybody
 * could have all agents asked 50 times a second without any token. */
#define RIND_REFRESH_UNKNOWN_REALM_AGE_MS 100u
/* Discovery is read again after this long, or with any refresh on demand. */
#define RIND_REFRESH_DISCOVERY_MS 2000u
#define RIND_REFRESH_DISCOVERY_TIMEOUT_MS 1000u
/* Prompt agents; slow ones get the 5 s of section 9.2. */
#define RIND_REFRESH_PROMPT_TIMEOUT_MS 1000u
#define RIND_REFRESH_SLOW_TIMEOUT_MS 5000u
#define RIND_REFRESH_SLOW_PAUSE_MS 500u
/* Agents of all realms together. */
#define RIND_REFRESH_AGENTS_MAX RIND_CLIENT_FAN_CALLS_MAX
/* How long a request waits for a refresh on demand: a discovery read and a prompt poll. */
#define RIND_REFRESH_AWAIT_TIMEOUT_MS 2500u

struct rind_refresher; /* opaque, thread-safe */

struct rind_refresher_options {
    struct rind_store *store; /* all borrowed */
    struct rind_client *client;
    struct rind_published *routing; /* of struct rind_routing */
    const struct rind_log *log;
    struct rind_metrics *metrics;
    struct rind_tracer *tracer; /* NULL: none */
};

/* Starts the threads; the first refresh begins at once. */
rind_status rind_refresher_open(struct rind_ctx *ctx, const struct rind_refresher_options *options,
                                struct rind_refresher **refresher) RIND_MUST_USE;

/* Stops the threads. Nobody may be waiting. NULL is allowed. */
void rind_refresher_close(struct rind_refresher *refresher);

/* Says that there are requests; if the table has grown old, a refresh begins. Cheap, never waits.
 */
void rind_refresher_note_request(struct rind_refresher *refresher);

/*
 * Waits until a refresh, discovery included, that began at or after `since_ns` (monotonic clock) is
 * complete, causing one if need be. False if none was by the deadline.
 */
bool rind_refresher_await(struct rind_refresher *refresher, uint64_t since_ns,
                          struct rind_deadline deadline);

/* Refreshes completed so far; for tests and metrics. */
uint64_t rind_refresher_count(struct rind_refresher *refresher);

#endif
