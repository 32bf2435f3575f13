/* jobs.c - see jobs.h. */
#include "agent/jobs.h"

#define JOB_MEMORY_PAUSE_MS 100u

void rind_job_begin(struct rind_job *job, struct rind_agent *agent, size_t arena_size_bytes)
{
    job->agent = agent;
    job->arena = NULL;
    rind_ctx_init(&job->ctx, NULL);
    while (!rind_is_ok(rind_arena_map(&job->ctx, arena_size_bytes, &job->arena))) {
        RIND_LOG_ERROR(&agent->log, "%s", job->ctx.sentence);
        (void)rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(JOB_MEMORY_PAUSE_MS));
    }
    rind_ctx_init(&job->ctx, job->arena);
}

void rind_job_reset(struct rind_job *job)
{
    rind_arena_map_reset(job->arena, RIND_AGENT_ARENA_KEPT_BYTES);
    job->ctx.sentence[0] = '\0';
}

void rind_job_begin_round(struct rind_job *job, struct rind_span *span, const char *name)
{
    rind_span_begin_round(&job->ctx, span, job->agent->options.tracer, name, RIND_TRACE_LOOP_RATE);
}

void rind_job_end(struct rind_job *job)
{
    rind_arena_unmap(job->arena);
    job->arena = NULL;
}
