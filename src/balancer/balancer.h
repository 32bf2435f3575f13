/*
 * balancer.h - the load balancer: the only part of a realm that clients talk to.
 *
 * Purpose: terminates TLS, checks SDK version and token, derives the record id, finds the agents
 * that may lead its group and forwards the still encrypted request. Stateless but for caches.
 * Trusts the secrets' source; nothing that clients send; of agents only that their answer to a
 * request is for that request. Never looks into what is encrypted, never logs tokens or users.
 * Read in this order: endpoints.h (HTTP), request.h (what happens to a request), routing.h (who
 * leads what), refresher.h (how that stays fresh), forward.h (talking to agents), then the small
 * ones: sdk_version.h, agent_list.h, agent_target.h, delayed_replies.h.
 * Spec: docs/spec/07-load-balancer.md.
 */
#ifndef RIND_BALANCER_BALANCER_H
#define RIND_BALANCER_BALANCER_H

#include "auth/auth.h"
#include "base/status.h"
#include "host/address.h"
#include "host/log.h"
#include "host/metrics.h"
#include "host/span.h"
#include "store/store.h"

/* From a request's arrival until it stops waiting for its record to be served again: several times
 * what a change of leaders or a transfer takes, and short for a user who waits. */
#define RIND_BALANCER_GAP_MS 3000u

struct rind_balancer; /* opaque */

struct rind_balancer_options {
    struct rind_address listen;       /* port 0: the system chooses */
    const char *name;                 /* in /livez */
    const char *tls_certificate_file; /* PEM */
    const char *tls_key_file;         /* PEM */
    uint64_t idle_timeout_ns;         /* of connections */
    uint64_t gap_ns;   /* how long requests wait for a record that nobody serves; 0: one refresh */
    double trace_rate; /* share of requests that are traced, 0 to 1 (spec 05 section 5) */
    struct rind_store *store; /* borrowed until close, as is the rest */
    struct rind_secrets *secrets;
    const struct rind_log *log;
    struct rind_metrics *metrics; /* NULL: none */
    struct rind_tracer *tracer;   /* NULL: none; records by trace_rate */
};

/*
 * Reads the newest record-id-randomization key (once: a later one would re-map all users), binds,
 * starts the threads; serves when it returns. Failures name what is wrong and the remedy.
 */
rind_status rind_balancer_open(struct rind_ctx *ctx, const struct rind_balancer_options *options,
                               struct rind_balancer **balancer) RIND_MUST_USE;

/* Where it listens, with the port that the system chose. */
struct rind_address rind_balancer_address(const struct rind_balancer *balancer);

/* Reads certificate and key again; on failure the old pair stays in use. */
rind_status rind_balancer_reload_tls(struct rind_ctx *ctx,
                                     struct rind_balancer *balancer) RIND_MUST_USE;

/* From now on /livez says "Shutting down"; everything else goes on. */
void rind_balancer_announce_shutdown(struct rind_balancer *balancer);

/* Stops accepting, finishes what is in flight, waits until no connection is left or the deadline
 * has passed (RIND_E_TIMEOUT). */
rind_status rind_balancer_drain(struct rind_ctx *ctx, struct rind_balancer *balancer,
                                struct rind_deadline deadline) RIND_MUST_USE;

/* Cuts what is left and frees. NULL is allowed. */
void rind_balancer_close(struct rind_balancer *balancer);

#endif
