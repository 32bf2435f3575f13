/*
 * agent.h - the daemon beside an HSM: it serves what balancers and managers ask, feeds the HSM the
 * replicated logs, stores what it produces, and drives commits while it leads.
 *
 * Trust: the HSM is right; everybody else, its own host included, may send anything, and nothing a
 * peer, the store or the HSM's host does ends this process. Secrets never pass through in the
 * clear: requests and answers are sealed between client and HSM.
 *
 * Read in this order: state.h (groups, roles, leaderships), rpc.c (the catalogue), app.c (a
 * client's request) with proof.h, append_queue.h, append.c (to the log), watch.c (back to the HSM),
 * persist.c, commit.c (the answer), release.c (what follows it); then leadership.c, compact.c,
 * create.c, transfer.c, catchup.c, lost.c; peers.h, rate_*.h; lifecycle.c (start and shutdown).
 * One recover request passes through them in the order of the second line.
 *
 * Long-lived jobs are one named thread each: per agent persist, discovery, watchdog, status,
 * releaser, accounting, one per peer; per group watcher, appender, committer, compactor and one
 * poller per other member. Idle ones wait on a condition. Spec: docs/spec/06-agent.md.
 */
#ifndef RIND_AGENT_AGENT_H
#define RIND_AGENT_AGENT_H

#include <stdatomic.h>

#include "agent/accounting.h"
#include "agent/events.h"
#include "agent/hsm_link.h"
#include "agent/hsm_status.h"
#include "agent/peers.h"
#include "agent/rate_exchange.h"
#include "agent/rate_tenants.h"
#include "agent/release.h"
#include "agent/state.h"
#include "base/base.h"
#include "host/host.h"
#include "store/store.h"

/* Address space of a job's arena; pages are used as needed and given back after each round. */
#define RIND_AGENT_ARENA_SIZE_BYTES (64u << 20)
#define RIND_AGENT_ARENA_KEPT_BYTES (64u << 10)

/* Waits for a commit in transfers: callers give up at 30 s and then do not hear our answer. */
#define RIND_AGENT_COMMIT_WAIT_MS 25000u

#define RIND_AGENT_TENANTS_MS 60000u /* between readings of the tenants' configuration */
#define RIND_AGENT_NAME_SIZE_MAX 128u
#define RIND_AGENT_MANAGERS_MAX 16u

struct rind_agent_options {
    const char *name;
    struct rind_url url; /* as advertised */
    struct rind_hsm_transport transport;
    struct rind_store *store;      /* borrowed */
    struct rind_event_sink events; /* borrowed */
    struct rind_metrics *metrics;  /* borrowed; NULL: none */
    struct rind_tracer *tracer;    /* borrowed; NULL: none */
    const struct rind_log *log;    /* copied */
    uint64_t default_rate;         /* requests per second of tenants without configuration */
    uint64_t persist_interval_ms;  /* 0: as soon as something waits for it */
    uint32_t captured_waits_max;   /* workers that may wait for captures that leaders ask for */
    uint64_t keep_entries;         /* of the log, for members that are behind; 0: none */
    struct rind_stopper *stopper;  /* set: open waits for its HSM no longer; NULL: none */
};

struct rind_agent {
    struct rind_agent_options options;
    struct rind_log log;
    struct rind_store *store;
    struct rind_metrics *metrics;
    struct rind_hsm_link hsm;
    struct rind_hsm_status_service *status;
    struct rind_rate_tenants *tenants;
    struct rind_rate_exchange *exchange;
    struct rind_accounting *accounting;
    struct rind_releaser *releaser;
    struct rind_peers *peers;
    struct rind_stopper stopper; /* set: all jobs end */
    uint64_t start_ns;

    atomic_uint_fast64_t hsm_boot;       /* lives of the HSM seen, from 1 */
    atomic_uint_fast64_t leader_numbers; /* leaderships so far */
    atomic_bool is_shutting_down;        /* no new leaderships, no new clients */
    atomic_uint captured_waits;          /* requests that wait for a capture */

    struct rind_mutex lock; /* guards all below, up to the threads */
    struct rind_agent_group *groups[RIND_AGENT_GROUPS_MAX];
    size_t group_count;
    bool has_hsm_id; /* never goes back, nor does the next */
    bool is_registered;
    struct rind_hsm_id hsm_id;
    bool is_persist_wanted;
    struct rind_cond persist_wanted;
    char managers[RIND_AGENT_MANAGERS_MAX][RIND_URL_SIZE_BYTES_MAX];
    size_t manager_count;

    struct rind_thread persister;
    struct rind_thread discovery;
    struct rind_thread watchdog;
    struct rind_thread tenant_reader;
};

/*
 * Makes an agent and brings it into step with its HSM (spec 06 section 12.1 step 7): persists what
 * the HSM has seen, reads its status, ends leaderships that a former agent left behind, and starts
 * all jobs. Waits up to 60 s for the HSM.
 */
rind_status rind_agent_open(struct rind_ctx *ctx, const struct rind_agent_options *options,
                            struct rind_agent **agent) RIND_MUST_USE;

/* Starts registering with service discovery; call once the server listens. */
rind_status rind_agent_advertise(struct rind_ctx *ctx, struct rind_agent *agent) RIND_MUST_USE;

/*
 * The graceful part of the end (section 12.3): hands leaderships over, waits until none is left,
 * leaves discovery, lets pending deletions happen; all of it until the deadline.
 */
void rind_agent_shut_down(struct rind_agent *agent, struct rind_deadline deadline);

/* Ends all jobs and frees. No request may be running or arrive any more. NULL is allowed. */
void rind_agent_close(struct rind_agent *agent);

/* The group, or NULL. `*is_realm_known` (may be NULL) tells which of the two is wrong. */
struct rind_agent_group *rind_agent_find_group(struct rind_agent *agent,
                                               const struct rind_realm_id *realm,
                                               const struct rind_group_id *group,
                                               bool *is_realm_known);

/*
 * Adds a group with role Witness at clock 0 and starts its jobs; the watcher begins at
 * `first_index`. `*group` is the one there already if it was known (and *is_new false).
 */
rind_status rind_agent_add_group(struct rind_ctx *ctx, struct rind_agent *agent,
                                 const struct rind_realm_id *realm, const struct rind_group_id *id,
                                 const struct rind_hsm_id_list *configuration, uint64_t first_index,
                                 struct rind_agent_group **group, bool *is_new) RIND_MUST_USE;

/* Copies the group pointers; returns how many. */
size_t rind_agent_groups(struct rind_agent *agent,
                         struct rind_agent_group *groups[static RIND_AGENT_GROUPS_MAX]);

/* The HSM's id once known. */
bool rind_agent_hsm_id(struct rind_agent *agent, struct rind_hsm_id *id);
void rind_agent_set_hsm_id(struct rind_agent *agent, const struct rind_hsm_id *id);

/* The HSM's life that a call made now will be answered by; see role.h. */
uint64_t rind_agent_hsm_boot(struct rind_agent *agent);
uint64_t rind_agent_next_leader_number(struct rind_agent *agent);

#endif
