/*
 * shutdown.c - leaving in good order. Spec 06 section 12.3, section 16 item 9.
 *
 * Leaderships first, by way of a cluster manager (which appoints the next leader at once) or
 * without; then the agent's row in service discovery; then the deletions that still wait for slow
 * readers, as far as time allows: what is left of those is only garbage.
 */

#include "agent/jobs.h"
#include "agent/leadership.h"
#include "agent/peers.h"

#define SHUTDOWN_MANAGER_TIMEOUT_MS 5000u

/* Groups this agent leads or steps down from. */
static size_t shutdown_led(struct rind_agent *agent,
                           struct rind_agent_group *led[static RIND_AGENT_GROUPS_MAX])
{
    struct rind_agent_group *groups[RIND_AGENT_GROUPS_MAX];
    size_t count = rind_agent_groups(agent, groups);
    size_t led_count = 0;
    for (size_t i = 0; i < count; i++) {
        rind_mutex_lock(&groups[i]->lock);
        bool is_led = groups[i]->leader != NULL;
        rind_mutex_unlock(&groups[i]->lock);
        if (is_led) {
            led[led_count++] = groups[i];
        }
    }
    return led_count;
}

/* Asks one manager to move all leaderships of this HSM elsewhere; true if it did. */
static bool shutdown_ask_manager(struct rind_ctx *ctx, struct rind_agent *agent, const char *text,
                                 const struct rind_hsm_id *hsm, struct rind_deadline deadline)
{
    struct rind_cluster_stepdown_request request = {.kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM,
                                                    .hsm = *hsm};
    struct rind_cluster_stepdown_response response;
    rind_status status = rind_peers_call(
        ctx, agent->peers, text, &rind_rpc_manager_leader_stepdown, &request, &response,
        rind_deadline_min(deadline, rind_deadline_in_ms(SHUTDOWN_MANAGER_TIMEOUT_MS)));
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "cluster manager %s: %s", text, ctx->sentence);
        return false;
    }
    return response.kind == RIND_CLUSTER_STEPDOWN_OK;
}

static void shutdown_ask_managers(struct rind_ctx *ctx, struct rind_agent *agent,
                                  struct rind_deadline deadline)
{
    struct rind_hsm_id hsm;
    if (!rind_agent_hsm_id(agent, &hsm)) {
        return;
    }
    for (size_t i = 0; i < RIND_AGENT_MANAGERS_MAX && !rind_deadline_has_expired(deadline); i++) {
        char url[RIND_URL_SIZE_BYTES_MAX] = "";
        rind_mutex_lock(&agent->lock);
        bool is_there = i < agent->manager_count;
        if (is_there) {
            memcpy(url, agent->managers[i], sizeof(url));
        }
        rind_mutex_unlock(&agent->lock);
        if (!is_there || shutdown_ask_manager(ctx, agent, url, &hsm, deadline)) {
            return;
        }
    }
}

/* Waits until no leadership is left. */
static void shutdown_wait(struct rind_agent *agent, struct rind_deadline deadline)
{
    struct rind_agent_group *led[RIND_AGENT_GROUPS_MAX];
    while (!rind_deadline_has_expired(deadline) && shutdown_led(agent, led) > 0) {
        rind_mutex_lock(&led[0]->lock);
        while (led[0]->leader != NULL && !rind_deadline_has_expired(deadline)) {
            (void)rind_cond_wait(&led[0]->progress, &led[0]->lock, deadline);
        }
        rind_mutex_unlock(&led[0]->lock);
    }
}

void rind_agent_shut_down(struct rind_agent *agent, struct rind_deadline deadline)
{
    struct rind_job job;
    struct rind_agent_group *led[RIND_AGENT_GROUPS_MAX];
    atomic_store(&agent->is_shutting_down, true);
    rind_job_begin(&job, agent, RIND_AGENT_ARENA_SIZE_BYTES);
    if (shutdown_led(agent, led) > 0) {
        shutdown_ask_managers(&job.ctx, agent, deadline);
        size_t count = shutdown_led(agent, led);
        for (size_t i = 0; i < count; i++) {
            rind_leadership_step_down_quietly(&job.ctx, led[i], rind_agent_hsm_boot(agent), false);
            rind_job_reset(&job);
        }
        shutdown_wait(agent, deadline);
    }
    if (!rind_is_ok(rind_store_discovery_remove(&job.ctx, agent->store, RIND_SERVICE_AGENT,
                                                agent->options.url.text, deadline))) {
        RIND_LOG_WARN(&agent->log, "cannot leave service discovery: %s", job.ctx.sentence);
    }
    if (!rind_is_ok(rind_store_finish_deletes(&job.ctx, agent->store, deadline))) {
        RIND_LOG_WARN(&agent->log, "removed tree nodes stay as garbage: %s", job.ctx.sentence);
    }
    rind_job_end(&job);
}
