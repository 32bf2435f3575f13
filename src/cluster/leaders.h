/*
 * leaders.h - the check that gives every group without a leader a new one.
 *
 * What one check sees is remembered until the next: which agents were silent, what a group's
 * leadership weighed, how far its leader had committed. So it finds, besides groups that nobody
 * leads, those whose leader cannot do its work: an HSM in the leader's role whose agent does not
 * drive it (the agent was started anew), and one that appends but does not commit while a majority
 * of the members is reachable. Spec: docs/spec/08-cluster.md section 6.1. One thread at a time.
 */
#ifndef RIND_CLUSTER_LEADERS_H
#define RIND_CLUSTER_LEADERS_H

#include "cluster/assign.h"

#define RIND_LEADERS_GROUPS_MAX 4096u /* groups remembered; more are served, but not remembered */
#define RIND_LEADERS_SILENT_MAX 64u   /* agents remembered as silent */
#define RIND_LEADERS_PARALLEL_MAX 8u  /* groups that get a leader at one time */
#define RIND_LEADERS_STALL_MS 15000u  /* without a commit, before a leader is replaced */
#define RIND_LEADERS_STALL_FACTOR_MAX                                                              \
    16u /* to which that time doubles while replacing does not help */

struct rind_leaders; /* opaque: what is remembered */

/* `stall_ms`: how long a leader may have entries without committing any; RIND_LEADERS_STALL_MS. */
rind_status rind_leaders_new(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                             const struct rind_cluster *cluster, uint64_t stall_ms,
                             struct rind_leaders **leaders) RIND_MUST_USE;

/* NULL is allowed. */
void rind_leaders_free(struct rind_leaders *leaders);

/* What one check did; in ctx's arena. */
struct rind_leaders_report {
    size_t groups;            /* reported */
    size_t led_before;        /* of them, with a leader that works */
    size_t assigned;          /* given a leader now */
    size_t busy;              /* left to somebody else who holds their leases */
    size_t failed;            /* nobody could lead, or the store failed */
    const char **leader_urls; /* agents of all that lead, new ones too, for the watch */
    size_t leader_count;
};

/* One check. Fails only if service discovery cannot be read or memory is short. */
rind_status rind_leaders_check(struct rind_ctx *ctx, struct rind_leaders *leaders,
                               struct rind_leaders_report *report) RIND_MUST_USE;

#endif
