/*
 * jobs.h - the long-lived jobs of a group, each one thread, and what they all need.
 */
#ifndef RIND_AGENT_JOBS_H
#define RIND_AGENT_JOBS_H

#include "agent/agent.h"

/* A job's context: an arena of its own that is reset every round. */
struct rind_job {
    struct rind_agent *agent;
    struct rind_arena *arena;
    struct rind_ctx ctx;
};

/* Waits for memory if there is none: jobs have nobody to report a failure to. */
void rind_job_begin(struct rind_job *job, struct rind_agent *agent, size_t arena_size_bytes);
void rind_job_reset(struct rind_job *job);
void rind_job_end(struct rind_job *job);

/* Begins the span of what a job does once it has waited; end it with rind_span_end(&job->ctx). */
void rind_job_begin_round(struct rind_job *job, struct rind_span *span, const char *name);

/* `self` is a struct rind_agent_group; each ends when the agent's stopper is set. */
void rind_job_appender(void *self);
void rind_job_watcher(void *self);
void rind_job_committer(void *self);
void rind_job_compactor(void *self);
/* `self` is a struct rind_agent_member. */
void rind_job_poller(void *self);
/* `self` is a struct rind_agent. */
void rind_job_persister(void *self);
void rind_job_watchdog(void *self);
void rind_job_discovery(void *self);
void rind_job_tenants(void *self);

/* Makes room for `count` rows in all. */
void rind_leader_reserve_rows(struct rind_leader *leader, size_t count);

#endif
