/* persist.c - see persist.h. */
#include "agent/persist.h"

#include "agent/commit.h"
#include "agent/election.h"
#include "agent/jobs.h"

#define PERSIST_PAUSE_MS 100u /* after a failure */

void rind_persist_request(struct rind_agent *agent)
{
    rind_mutex_lock(&agent->lock);
    agent->is_persist_wanted = true;
    rind_cond_signal(&agent->persist_wanted);
    rind_mutex_unlock(&agent->lock);
}

/* A persisted index never falls, so an older reply that arrives late changes nothing. */
static void persist_note(struct rind_agent_group *group, const struct rind_captured *captured)
{
    rind_mutex_lock(&group->lock);
    if (!group->has_captured || captured->index >= group->captured.index) {
        bool is_news = !group->has_captured || captured->index > group->captured.index;
        group->has_captured = true;
        group->captured = *captured;
        if (is_news) {
            group->capture_version++;
            rind_commit_update_compaction(group);
            rind_cond_signal(&group->commit_wanted);
            rind_cond_broadcast(&group->captured_news);
        }
    }
    rind_mutex_unlock(&group->lock);
}

rind_status rind_persist_once(struct rind_ctx *ctx, struct rind_agent *agent,
                              struct rind_captured_list *captured)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_PERSIST_STATE};
    struct rind_hsm_persist_state_response response;
    RIND_TRY(rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_PERSIST, rind_deadline_never(),
                                &request, &rind_hsm_persist_state_response_schema, &response));
    for (size_t i = 0; i < response.ok.captured.count; i++) {
        const struct rind_captured *item = &response.ok.captured.items[i];
        struct rind_agent_group *group =
            rind_agent_find_group(agent, &item->realm, &item->group, NULL);
        if (group != NULL) {
            persist_note(group, item);
        }
    }
    if (captured != NULL) {
        *captured = response.ok.captured;
    }
    return RIND_OK;
}

/* Waits until a round is due; false when it is time to end. */
static bool persist_wait(struct rind_agent *agent)
{
    if (agent->options.persist_interval_ms > 0) {
        uint64_t wait_ms =
            rind_persist_wait_ms(rind_clock_unix_ms(), agent->options.persist_interval_ms);
        if (rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(wait_ms))) {
            return false;
        }
    }
    rind_mutex_lock(&agent->lock);
    while (!agent->is_persist_wanted && !rind_stopper_is_set(&agent->stopper)) {
        if (agent->options.persist_interval_ms > 0) {
            break; /* nothing new at this boundary */
        }
        (void)rind_cond_wait(&agent->persist_wanted, &agent->lock, rind_deadline_never());
    }
    rind_mutex_unlock(&agent->lock);
    return !rind_stopper_is_set(&agent->stopper);
}

/* Takes the wish for a round; false if nothing has been captured since the last one. */
static bool persist_take_wish(struct rind_agent *agent)
{
    rind_mutex_lock(&agent->lock);
    bool is_wanted = agent->is_persist_wanted;
    agent->is_persist_wanted = false;
    rind_mutex_unlock(&agent->lock);
    return is_wanted;
}

void rind_job_persister(void *self)
{
    struct rind_agent *agent = self;
    struct rind_job job;
    rind_job_begin(&job, agent, RIND_AGENT_ARENA_SIZE_BYTES);
    while (persist_wait(agent)) {
        if (!persist_take_wish(agent)) {
            continue;
        }
        struct rind_span span;
        rind_job_begin_round(&job, &span, "persist");
        rind_status status = rind_persist_once(&job.ctx, agent, NULL);
        rind_span_end(&job.ctx, &span, status);
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(&agent->log, "%s", job.ctx.sentence);
            rind_persist_request(agent);
            (void)rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(PERSIST_PAUSE_MS));
        }
        rind_job_reset(&job);
    }
    rind_job_end(&job);
}
