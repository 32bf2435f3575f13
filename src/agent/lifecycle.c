/* lifecycle.c - an agent's beginning and end, and its table of groups; see agent.h. */
#include "agent/agent.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/election.h"
#include "agent/jobs.h"
#include "agent/leadership.h"
#include "agent/persist.h"
#include "agent/role.h"
#include "agent/status.h"

/* Service begins with default rates rather than wait longer for the tenants' configuration. */
#define AGENT_FIRST_TENANTS_MS 1000u

/* ---- the table of groups ---- */

/* Lock held. */
static struct rind_agent_group *agent_find(struct rind_agent *agent,
                                           const struct rind_realm_id *realm,
                                           const struct rind_group_id *group, bool *is_realm_known)
{
    *is_realm_known = false;
    for (size_t i = 0; i < agent->group_count; i++) {
        if (rind_realm_id_equal(&agent->groups[i]->realm, realm)) {
            *is_realm_known = true;
            if (rind_group_id_equal(&agent->groups[i]->id, group)) {
                return agent->groups[i];
            }
        }
    }
    return NULL;
}

struct rind_agent_group *rind_agent_find_group(struct rind_agent *agent,
                                               const struct rind_realm_id *realm,
                                               const struct rind_group_id *group,
                                               bool *is_realm_known)
{
    bool is_known;
    rind_mutex_lock(&agent->lock);
    struct rind_agent_group *found = agent_find(agent, realm, group, &is_known);
    rind_mutex_unlock(&agent->lock);
    if (is_realm_known != NULL) {
        *is_realm_known = is_known;
    }
    return found;
}

size_t rind_agent_groups(struct rind_agent *agent,
                         struct rind_agent_group *groups[static RIND_AGENT_GROUPS_MAX])
{
    rind_mutex_lock(&agent->lock);
    size_t count = agent->group_count;
    memcpy(groups, agent->groups, count * sizeof(struct rind_agent_group *));
    rind_mutex_unlock(&agent->lock);
    return count;
}

static struct rind_agent_group *group_new(struct rind_agent *agent,
                                          const struct rind_realm_id *realm,
                                          const struct rind_group_id *id,
                                          const struct rind_hsm_id_list *configuration,
                                          uint64_t first_index)
{
    struct rind_agent_group *group = calloc(1, sizeof(*group));
    RIND_ASSERT(group != NULL);
    group->agent = agent;
    group->realm = *realm;
    group->id = *id;
    group->watch_first = first_index;
    rind_hex_encode(RIND_SLICE_OF(realm->bytes), group->realm_hex);
    rind_hex_encode(RIND_SLICE_OF(id->bytes), group->group_hex);
    group->tags[0] = (struct rind_tag){"realm", group->realm_hex};
    group->tags[1] = (struct rind_tag){"group", group->group_hex};
    struct rind_log realm_log = rind_log_with_text(&agent->log, "realm", group->realm_hex);
    group->log = rind_log_with_text(&realm_log, "group", group->group_hex);
    group->role.role.kind = RIND_ROLE_WITNESS;
    group->hsm_boot = rind_agent_hsm_boot(agent);
    struct rind_hsm_id self = {{0}};
    (void)rind_agent_hsm_id(agent, &self);
    for (size_t i = 0; i < configuration->count; i++) {
        if (!rind_hsm_id_equal(&configuration->items[i], &self)) {
            group->others[group->other_count++] =
                (struct rind_agent_member){.group = group, .hsm = configuration->items[i]};
        }
    }
    group->member_count = group->other_count + 1;
    rind_mutex_init(&group->lock);
    rind_cond_init(&group->append_wanted);
    rind_cond_init(&group->watch_wanted);
    rind_cond_init(&group->commit_wanted);
    rind_cond_init(&group->poll_wanted);
    rind_cond_init(&group->compact_wanted);
    rind_cond_init(&group->captured_news);
    rind_cond_init(&group->progress);
    return group;
}

static void group_wake(struct rind_agent_group *group)
{
    rind_mutex_lock(&group->lock);
    rind_cond_broadcast(&group->append_wanted);
    rind_cond_broadcast(&group->watch_wanted);
    rind_cond_broadcast(&group->commit_wanted);
    rind_cond_broadcast(&group->poll_wanted);
    rind_cond_broadcast(&group->compact_wanted);
    rind_cond_broadcast(&group->captured_news);
    rind_cond_broadcast(&group->progress);
    rind_mutex_unlock(&group->lock);
}

/* All jobs must know that they shall end. */
static void group_join(struct rind_agent_group *group)
{
    rind_thread_join(&group->watcher);
    rind_thread_join(&group->appender);
    rind_thread_join(&group->committer);
    rind_thread_join(&group->compactor);
    for (size_t i = 0; i < group->other_count; i++) {
        rind_thread_join(&group->others[i].thread);
    }
}

/* All jobs of the agent must have ended: the persister and every watcher look at all groups. */
static void group_free(struct rind_agent_group *group)
{
    rind_leader_retire(group, group->leader);
    for (size_t i = 0; i < group->fed_count; i++) {
        rind_append_item_free(group->fed[i]);
    }
    rind_cond_fini(&group->append_wanted);
    rind_cond_fini(&group->watch_wanted);
    rind_cond_fini(&group->commit_wanted);
    rind_cond_fini(&group->poll_wanted);
    rind_cond_fini(&group->compact_wanted);
    rind_cond_fini(&group->captured_news);
    rind_cond_fini(&group->progress);
    rind_mutex_fini(&group->lock);
    free(group);
}

static rind_status group_start(struct rind_ctx *ctx, struct rind_agent_group *group)
{
    RIND_TRY(rind_thread_start(ctx, &group->watcher, "watcher", rind_job_watcher, group));
    RIND_TRY(rind_thread_start(ctx, &group->appender, "appender", rind_job_appender, group));
    RIND_TRY(rind_thread_start(ctx, &group->committer, "committer", rind_job_committer, group));
    RIND_TRY(rind_thread_start(ctx, &group->compactor, "compactor", rind_job_compactor, group));
    for (size_t i = 0; i < group->other_count; i++) {
        RIND_TRY(rind_thread_start(ctx, &group->others[i].thread, "poller", rind_job_poller,
                                   &group->others[i]));
    }
    return RIND_OK;
}

rind_status rind_agent_add_group(struct rind_ctx *ctx, struct rind_agent *agent,
                                 const struct rind_realm_id *realm, const struct rind_group_id *id,
                                 const struct rind_hsm_id_list *configuration, uint64_t first_index,
                                 struct rind_agent_group **group, bool *is_new)
{
    RIND_REQUIRE(ctx, configuration->count <= RIND_AGENT_MEMBERS_MAX, RIND_E_LIMIT,
                 "a group of %zu members", configuration->count);
    struct rind_agent_group *made = group_new(agent, realm, id, configuration, first_index);
    if (made->member_count > RIND_ELECTION_MEMBERS_MAX) {
        size_t members = made->member_count;
        group_free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "a group of %zu members, this HSM included; %u may be",
                         members, RIND_ELECTION_MEMBERS_MAX);
    }
    bool is_realm_known;
    rind_mutex_lock(&agent->lock);
    *group = agent_find(agent, realm, id, &is_realm_known);
    bool is_full = agent->group_count == RIND_AGENT_GROUPS_MAX;
    *is_new = *group == NULL && !is_full;
    if (*is_new) {
        agent->groups[agent->group_count++] = made;
        *group = made;
    }
    rind_mutex_unlock(&agent->lock);
    if (*is_new) {
        return group_start(ctx, made);
    }
    group_free(made);
    RIND_REQUIRE(ctx, *group != NULL, RIND_E_LIMIT, "the agent has %u groups already",
                 RIND_AGENT_GROUPS_MAX);
    return RIND_OK;
}

/* ---- small facts ---- */

bool rind_agent_hsm_id(struct rind_agent *agent, struct rind_hsm_id *id)
{
    rind_mutex_lock(&agent->lock);
    bool has_id = agent->has_hsm_id;
    *id = agent->hsm_id;
    rind_mutex_unlock(&agent->lock);
    return has_id;
}

void rind_agent_set_hsm_id(struct rind_agent *agent, const struct rind_hsm_id *id)
{
    rind_mutex_lock(&agent->lock);
    bool is_other = agent->has_hsm_id && !rind_hsm_id_equal(&agent->hsm_id, id);
    if (!is_other) {
        agent->has_hsm_id = true;
        agent->hsm_id = *id;
    }
    rind_mutex_unlock(&agent->lock);
    if (is_other) {
        RIND_LOG_ERROR(&agent->log,
                       "another HSM answers than the one this agent started with; restart it");
    }
}

uint64_t rind_agent_hsm_boot(struct rind_agent *agent)
{
    return atomic_load(&agent->hsm_boot);
}

uint64_t rind_agent_next_leader_number(struct rind_agent *agent)
{
    return atomic_fetch_add(&agent->leader_numbers, 1) + 1;
}

/* ---- beginning ---- */

/* What the HSM reported as persisted for a group, or NULL. */
static const struct rind_captured *sync_captured(const struct rind_captured_list *captured,
                                                 const struct rind_realm_id *realm,
                                                 const struct rind_group_id *group)
{
    for (size_t i = 0; i < captured->count; i++) {
        if (rind_realm_id_equal(&captured->items[i].realm, realm) &&
            rind_group_id_equal(&captured->items[i].group, group)) {
            return &captured->items[i];
        }
    }
    return NULL;
}

/*
 * Takes one group over from a former agent. A role other than Witness is ended by force: its
 * entries and clients were that agent's, and nobody here could finish them.
 */
static rind_status sync_group(struct rind_ctx *ctx, struct rind_agent *agent,
                              const struct rind_realm_id *realm,
                              const struct rind_group_status *status,
                              const struct rind_captured_list *captured)
{
    const struct rind_captured *persisted = sync_captured(captured, realm, &status->id);
    struct rind_agent_group *group;
    bool is_new;
    RIND_TRY(rind_agent_add_group(ctx, agent, realm, &status->id, &status->configuration,
                                  persisted != NULL ? rind_index_after(persisted->index) : 1,
                                  &group, &is_new));
    rind_mutex_lock(&group->lock);
    if (persisted != NULL) {
        group->has_captured = true;
        group->captured = *persisted;
        group->captured_volatile = persisted->index;
    }
    rind_mutex_unlock(&group->lock);
    if (status->role.role.kind == RIND_ROLE_WITNESS) {
        rind_role_apply(group, rind_agent_hsm_boot(agent), &status->role);
    } else {
        RIND_LOG_WARN(&group->log, "the HSM still leads for a former agent; ending that");
        rind_leadership_step_down_quietly(ctx, group, rind_agent_hsm_boot(agent), true);
    }
    return RIND_OK;
}

/* First persist, then ask: only so the reported captures are those the HSM will go on from. */
static rind_status sync_once(struct rind_ctx *ctx, struct rind_agent *agent,
                             struct rind_captured_list *captured,
                             struct rind_hsm_status_response *status)
{
    RIND_TRY(rind_persist_once(ctx, agent, captured));
    return rind_hsm_link_status(&agent->hsm, ctx, status);
}

static rind_status agent_sync(struct rind_ctx *ctx, struct rind_agent *agent)
{
    struct rind_captured_list captured;
    struct rind_hsm_status_response status;
    struct rind_retry retry;
    struct rind_retry_options options = {
        .profile = &rind_retry_profile_hsm,
        .description = "read the HSM's status",
        .stopper = agent->options.stopper,
        .log = &agent->log,
        .metrics = agent->metrics,
        .metrics_path = "agent.restart_watching.hsm_status",
    };
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        rind_retry_record(&retry, ctx, sync_once(ctx, agent, &captured, &status));
    }
    RIND_TRY(rind_retry_end(&retry, ctx));
    rind_agent_set_hsm_id(agent, &status.id);
    for (size_t i = 0; status.has_realm && i < status.realm.groups.count; i++) {
        RIND_TRY(
            sync_group(ctx, agent, &status.realm.id, &status.realm.groups.items[i], &captured));
    }
    return RIND_OK;
}

static rind_status agent_open_with(struct rind_ctx *ctx, struct rind_agent *agent)
{
    RIND_TRY(rind_rate_tenants_new(ctx, agent->options.default_rate, &agent->tenants));
    RIND_TRY(rind_rate_exchange_new(ctx, agent->tenants, &agent->exchange));
    RIND_TRY(
        rind_accounting_open(ctx, agent->store, &agent->log, agent->metrics, &agent->accounting));
    RIND_TRY(rind_releaser_open(ctx, agent, &agent->releaser));
    RIND_TRY(rind_peers_open(ctx, agent, &agent->peers));
    RIND_TRY(rind_hsm_status_open(ctx, agent, &agent->status));
    RIND_TRY(agent_sync(ctx, agent));
    uint64_t tenant_count = 0;
    if (!rind_is_ok(rind_agent_load_tenants(ctx, agent, rind_deadline_in_ms(AGENT_FIRST_TENANTS_MS),
                                            &tenant_count))) {
        RIND_LOG_WARN(&agent->log, "the tenants' configuration will be read later: %s",
                      ctx->sentence);
    }
    RIND_TRY(rind_thread_start(ctx, &agent->persister, "persister", rind_job_persister, agent));
    RIND_TRY(rind_thread_start(ctx, &agent->watchdog, "watchdog", rind_job_watchdog, agent));
    return rind_thread_start(ctx, &agent->tenant_reader, "tenants", rind_job_tenants, agent);
}

rind_status rind_agent_open(struct rind_ctx *ctx, const struct rind_agent_options *options,
                            struct rind_agent **agent)
{
    struct rind_agent *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    rind_status status = rind_stopper_init(ctx, &made->stopper);
    if (!rind_is_ok(status)) {
        free(made);
        return status;
    }
    made->options = *options;
    made->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    made->store = options->store;
    made->metrics = options->metrics;
    made->start_ns = rind_clock_monotonic_ns();
    atomic_store(&made->hsm_boot, 1);
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->persist_wanted);
    rind_hsm_link_init(&made->hsm, &options->transport, options->metrics);
    status = agent_open_with(ctx, made);
    if (!rind_is_ok(status)) {
        rind_agent_close(made);
        return status;
    }
    *agent = made;
    return RIND_OK;
}

rind_status rind_agent_advertise(struct rind_ctx *ctx, struct rind_agent *agent)
{
    return rind_thread_start(ctx, &agent->discovery, "discovery", rind_job_discovery, agent);
}

/* ---- end ---- */

static void agent_stop_jobs(struct rind_agent *agent)
{
    rind_stopper_set(&agent->stopper);
    rind_engine_wake(rind_store_engine(agent->store));
    rind_mutex_lock(&agent->lock);
    rind_cond_broadcast(&agent->persist_wanted);
    rind_mutex_unlock(&agent->lock);
    for (size_t i = 0; i < agent->group_count; i++) {
        group_wake(agent->groups[i]);
    }
    rind_thread_join(&agent->discovery);
    rind_thread_join(&agent->watchdog);
    rind_thread_join(&agent->tenant_reader);
}

void rind_agent_close(struct rind_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    agent_stop_jobs(agent);
    for (size_t i = 0; i < agent->group_count; i++) {
        group_join(agent->groups[i]);
    }
    rind_thread_join(&agent->persister);
    for (size_t i = 0; i < agent->group_count; i++) {
        group_free(agent->groups[i]);
    }
    rind_hsm_status_close(agent->status);
    rind_peers_close(agent->peers);
    rind_releaser_close(agent->releaser);
    rind_accounting_close(agent->accounting);
    rind_rate_exchange_free(agent->exchange);
    rind_rate_tenants_free(agent->tenants);
    rind_hsm_link_fini(&agent->hsm);
    rind_cond_fini(&agent->persist_wanted);
    rind_mutex_fini(&agent->lock);
    rind_stopper_fini(&agent->stopper);
    free(agent);
}
