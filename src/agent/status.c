/* status.c - see status.h. */
#include "agent/status.h"

#define STATUS_HSM_TIMEOUT_MS 20000u
#define STATUS_LIVEZ_TIMEOUT_MS 1000u
#define STATUS_LIVEZ_SIZE_MAX 2048u

static struct rind_agent_group_status status_of_group(struct rind_agent_group *group)
{
    struct rind_agent_group_status status = {.realm = group->realm, .group = group->id};
    rind_mutex_lock(&group->lock);
    status.role = group->role;
    const struct rind_leader *leader = group->leader;
    if (leader != NULL) {
        status.has_leader = true;
        status.leader.num_waiting_clients = leader->waiters.count;
        status.leader.has_last_appended = leader->has_last_appended;
        status.leader.last_appended = leader->last_appended;
        status.leader.append_queue_len = leader->queued_count;
    }
    rind_mutex_unlock(&group->lock);
    return status;
}

rind_status rind_agent_status(struct rind_ctx *ctx, struct rind_agent *agent,
                              struct rind_agent_status_response *response)
{
    *response = (struct rind_agent_status_response){0};
    uint64_t uptime_ns = rind_clock_monotonic_ns() - agent->start_ns;
    response->uptime =
        (struct rind_duration){uptime_ns / RIND_NS_PER_S, (uint32_t)(uptime_ns % RIND_NS_PER_S)};
    rind_status outcome =
        rind_hsm_status_get(ctx, agent->status, RIND_HSM_STATUS_AGE_MS_MAX,
                            rind_deadline_in_ms(STATUS_HSM_TIMEOUT_MS), &response->hsm);
    response->has_hsm = rind_is_ok(outcome);
    if (!response->has_hsm) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
    }
    const char *hash = rind_build_info()->git_hash;
    response->agent.name = rind_slice_text(agent->options.name);
    response->agent.build_hash = rind_slice_text(hash != NULL ? hash : "");
    struct rind_agent_group *groups[RIND_AGENT_GROUPS_MAX];
    size_t count = rind_agent_groups(agent, groups);
    response->agent.groups.items =
        rind_ctx_alloc_array(ctx, count, sizeof(*response->agent.groups.items));
    if (response->agent.groups.items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    response->agent.groups.count = count;
    for (size_t i = 0; i < count; i++) {
        response->agent.groups.items[i] = status_of_group(groups[i]);
    }
    return RIND_OK;
}

void rind_agent_livez(struct rind_ctx *ctx, struct rind_agent *agent,
                      struct rind_response *response)
{
    response->status = 503;
    void *memory = rind_ctx_alloc(ctx, STATUS_LIVEZ_SIZE_MAX);
    if (memory == NULL) {
        return;
    }
    struct rind_buffer text;
    rind_buffer_init(&text, memory, STATUS_LIVEZ_SIZE_MAX);
    struct rind_hsm_id id;
    rind_mutex_lock(&agent->lock);
    bool is_registered = agent->is_registered;
    rind_mutex_unlock(&agent->lock);
    struct rind_hsm_status_response status;
    if (!is_registered || !rind_agent_hsm_id(agent, &id)) {
        rind_buffer_print(&text, "not yet registered with service discovery\n");
    } else {
        rind_status outcome = rind_hsm_status_get(
            ctx, agent->status, 0, rind_deadline_in_ms(STATUS_LIVEZ_TIMEOUT_MS), &status);
        if (rind_is_ok(outcome)) {
            response->status = 200;
            rind_buffer_print(&text, "hsm id: ");
            rind_buffer_append_hex(&text, RIND_SLICE_OF(status.id.bytes));
            rind_buffer_print(&text, "\n");
        } else {
            rind_buffer_print(&text, "%s: %s\n",
                              rind_is(outcome, RIND_E_TIMEOUT) ? "timeout" : "error",
                              ctx->sentence);
        }
    }
    rind_build_info_livez(&text, NULL);
    response->body = rind_buffer_slice(&text);
}

/* Waits for a capture beyond `known`. Lock held. */
static void status_wait_captured(struct rind_agent_group *group, uint64_t known,
                                 struct rind_deadline deadline)
{
    struct rind_agent *agent = group->agent;
    unsigned before = atomic_fetch_add(&agent->captured_waits, 1);
    bool is_waiting = before < agent->options.captured_waits_max;
    while (is_waiting && (!group->has_captured || group->captured.index <= known) &&
           !rind_stopper_is_set(&agent->stopper)) {
        is_waiting = rind_cond_wait(&group->captured_news, &group->lock, deadline);
    }
    (void)atomic_fetch_sub(&agent->captured_waits, 1);
}

void rind_agent_captured(struct rind_agent *agent,
                         const struct rind_agent_captured_request *request, uint64_t known,
                         struct rind_deadline deadline,
                         struct rind_agent_captured_response *response)
{
    *response = (struct rind_agent_captured_response){.kind = RIND_AGENT_CAPTURED_OK};
    struct rind_agent_group *group =
        rind_agent_find_group(agent, &request->realm, &request->group, NULL);
    if (group == NULL) {
        return;
    }
    rind_mutex_lock(&group->lock);
    status_wait_captured(group, known, deadline);
    response->has_ok = group->has_captured;
    response->ok = group->captured;
    rind_mutex_unlock(&group->lock);
}

rind_status rind_agent_load_tenants(struct rind_ctx *ctx, struct rind_agent *agent,
                                    struct rind_deadline deadline, uint64_t *count)
{
    struct rind_tenants tenants;
    RIND_TRY(rind_store_tenant_list(ctx, agent->store, deadline, &tenants));
    for (size_t i = 0; i < tenants.count; i++) {
        const struct rind_tenant *tenant = &tenants.tenants[i];
        uint64_t capacity = tenant->capacity_ops_per_sec;
        uint64_t rate = capacity > UINT64_MAX / RIND_RATE_REQUESTS_PER_OPERATION
                            ? UINT64_MAX
                            : capacity * RIND_RATE_REQUESTS_PER_OPERATION;
        rind_rate_tenants_configure(agent->tenants, rind_slice_text(tenant->name), rate);
    }
    *count = tenants.count;
    return RIND_OK;
}
