/*
 * append_queue.h - requests on their way through the HSM into the log's order. Spec 06 section 6.4.
 *
 * Whoever sends the HSM a request that may return a log entry is admitted first and settles the
 * admission exactly once afterwards. So the leadership knows at any time whether an entry may
 * still be missing: a hole in the queue with nobody admitted is an entry that was lost (lost.h).
 */
#ifndef RIND_AGENT_APPEND_QUEUE_H
#define RIND_AGENT_APPEND_QUEUE_H

#include "agent/state.h"
#include "agent/waiter.h"

struct rind_admission {
    struct rind_agent_group *group;
    uint64_t number; /* of the leadership */
    uint64_t boot;   /* of the HSM, for role reports in the reply */
};

/*
 * Waits until the leadership takes another request. RIND_E_PRECONDITION if there is none,
 * RIND_E_BUSY if it stayed full until the deadline.
 */
rind_status rind_append_admit(struct rind_ctx *ctx, struct rind_agent_group *group,
                              struct rind_deadline deadline,
                              struct rind_admission *admission) RIND_MUST_USE;

/* Settles: the HSM made no entry. */
void rind_append_refused(const struct rind_admission *admission);

/* Settles: the HSM may have made an entry that did not reach us. */
void rind_append_reply_lost(const struct rind_admission *admission);

/*
 * Settles: the HSM made this entry. Pins its nodes, parks `waiter` (NULL: nobody waits) under the
 * entry's MAC, and queues it for the appender. False if the leadership is over: the item is freed
 * and the waiter is still the caller's.
 */
bool rind_append_enqueue_take(const struct rind_admission *admission, struct rind_append_item *item,
                              struct rind_app_waiter *waiter);

/* The newest entry to build proofs on; false if the leadership has none yet (or is over). */
bool rind_append_basis(const struct rind_admission *admission, struct rind_log_entry *basis);

/* Offers the log's last entry, read from the store, as the first basis. */
void rind_append_offer_basis(const struct rind_admission *admission,
                             const struct rind_log_entry *entry);

/*
 * True while the appender has reason to wait for admitted requests to join its batch: the batch
 * before it is not committed yet, and there is room. The group's lock is held.
 */
bool rind_append_lingers(const struct rind_leader *leader);

#endif
