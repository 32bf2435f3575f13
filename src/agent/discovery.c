/*
 * discovery.c - the job that registers this agent and follows which services there are. Spec 06
 * section 11, 04 section 13.
 */
#include "agent/jobs.h"

#include "agent/peers.h"
#include "agent/status.h"

#define DISCOVERY_POLL_MS 1000u
#define DISCOVERY_TENANTS_RETRY_MS 10000u

static rind_status discovery_put(struct rind_job *job)
{
    return rind_store_discovery_register(&job->ctx, job->agent->store, RIND_SERVICE_AGENT,
                                         job->agent->options.url.text,
                                         rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS));
}

/* In a new store the shared tables may be missing: whoever comes first makes them. */
static rind_status discovery_put_first(struct rind_job *job)
{
    rind_status status = discovery_put(job);
    if (!rind_is(status, RIND_E_NOT_FOUND)) {
        return status;
    }
    RIND_TRY(rind_store_create_shared_tables(&job->ctx, job->agent->store,
                                             rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS)));
    return discovery_put(job);
}

static void discovery_register(struct rind_job *job, struct rind_deadline *due)
{
    struct rind_agent *agent = job->agent;
    rind_status status = discovery_put_first(job);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "cannot register with service discovery: %s", job->ctx.sentence);
        *due = rind_deadline_in_ms(RIND_DISCOVERY_RETRY_INTERVAL_MS);
        return;
    }
    *due = rind_deadline_in_ms(RIND_DISCOVERY_REGISTER_INTERVAL_MS);
    rind_mutex_lock(&agent->lock);
    bool is_first = !agent->is_registered;
    agent->is_registered = true;
    rind_mutex_unlock(&agent->lock);
    if (is_first) {
        RIND_LOG_INFO(&agent->log, "registered as %s", agent->options.url.text);
    }
}

/* Managers are asked to take leaderships over at shutdown. */
static void discovery_note_managers(struct rind_agent *agent, const struct rind_services *services)
{
    rind_mutex_lock(&agent->lock);
    agent->manager_count = 0;
    for (size_t i = 0; i < services->count && agent->manager_count < RIND_AGENT_MANAGERS_MAX; i++) {
        const struct rind_service *service = &services->services[i];
        if (service->kind == RIND_SERVICE_CLUSTER_MANAGER &&
            strlen(service->url) < RIND_URL_SIZE_BYTES_MAX) {
            memcpy(agent->managers[agent->manager_count++], service->url, strlen(service->url) + 1);
        }
    }
    rind_mutex_unlock(&agent->lock);
}

static void discovery_look(struct rind_job *job)
{
    struct rind_agent *agent = job->agent;
    struct rind_services services;
    rind_status status =
        rind_store_discovery_lookup(&job->ctx, agent->store, RIND_SERVICE_ANY,
                                    rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &services);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "cannot read service discovery: %s", job->ctx.sentence);
        return; /* what was known stays */
    }
    discovery_note_managers(agent, &services);
    const char **urls = rind_ctx_alloc_array(&job->ctx, services.count, sizeof(*urls));
    if (urls == NULL) {
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < services.count; i++) {
        if (services.services[i].kind == RIND_SERVICE_AGENT) {
            urls[count++] = services.services[i].url;
        }
    }
    rind_peers_update(agent->peers, urls, count);
}

void rind_job_discovery(void *self)
{
    struct rind_agent *agent = self;
    struct rind_job job;
    struct rind_deadline register_due = rind_deadline_now();
    rind_job_begin(&job, agent, RIND_AGENT_ARENA_SIZE_BYTES);
    do {
        if (rind_deadline_has_expired(register_due) && !atomic_load(&agent->is_shutting_down)) {
            discovery_register(&job, &register_due);
        }
        discovery_look(&job);
        rind_job_reset(&job);
    } while (!rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(DISCOVERY_POLL_MS)));
    rind_job_end(&job);
}

void rind_job_tenants(void *self)
{
    struct rind_agent *agent = self;
    struct rind_job job;
    uint64_t pause_ms = DISCOVERY_TENANTS_RETRY_MS; /* the first reading may have failed */
    rind_job_begin(&job, agent, RIND_AGENT_ARENA_SIZE_BYTES);
    while (!rind_stopper_wait(&agent->stopper, rind_deadline_in_ms(pause_ms))) {
        uint64_t count = 0;
        rind_status status = rind_agent_load_tenants(
            &job.ctx, agent, rind_deadline_in_ms(RIND_STORE_TIMEOUT_MS), &count);
        pause_ms = rind_is_ok(status) ? RIND_AGENT_TENANTS_MS : DISCOVERY_TENANTS_RETRY_MS;
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(&agent->log, "cannot read the tenants' configuration: %s",
                          job.ctx.sentence);
        }
        rind_job_reset(&job);
    }
    rind_job_end(&job);
}
