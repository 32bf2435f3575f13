/* leaders.c - see leaders.h. */
#include "cluster/leaders.h"

#include <stdlib.h>

#define LEADERS_ARENA_SIZE_BYTES (8u << 20) /* of one assignment */

/* Of the look at a group's members once its lease is ours: silent ones do not lead. */
#define LEADERS_LOOK_TIMEOUT_MS 1000u

/* Looks in a row that find an HSM leading without its agent: one may fall into a role change. */
#define LEADERS_UNDRIVEN_COUNT 2u

/* One group as the last check saw it. */
struct leaders_memory {
    struct rind_cluster_group group;
    uint64_t check;       /* the last check that saw it */
    uint64_t leader_work; /* of its last leadership, without the member's part */
    struct rind_hsm_id leader;
    uint32_t undriven_count;
    uint64_t committed;
    uint64_t stalled_since_ns; /* 0: it commits */
    uint32_t stall_factor;     /* of the time that is too long; doubles with each replacement */
};

struct rind_leaders {
    struct rind_grant_keeper *keeper;
    const struct rind_cluster *cluster;
    uint64_t stall_ms;
    uint64_t check;
    char silent[RIND_LEADERS_SILENT_MAX][RIND_URL_SIZE_BYTES_MAX];
    size_t silent_count;
    struct leaders_memory *memories;
    size_t memory_count;
};

/* A group that needs a leader, and what came of it. */
enum leaders_outcome {
    LEADERS_FAILED,
    LEADERS_ASSIGNED,
    LEADERS_BUSY,
};
struct leaders_need {
    struct rind_cluster_group group;
    const struct rind_hsm_id *useless; /* a leader that does not do its work, or NULL */
    size_t *candidates;
    size_t count;
    enum leaders_outcome outcome;
    size_t leader; /* if assigned: index into the survey's HSMs */
};

rind_status rind_leaders_new(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                             const struct rind_cluster *cluster, uint64_t stall_ms,
                             struct rind_leaders **leaders)
{
    struct rind_leaders *made = calloc(1, sizeof(*made));
    if (made != NULL) {
        made->memories = calloc(RIND_LEADERS_GROUPS_MAX, sizeof(*made->memories));
    }
    if (made == NULL || made->memories == NULL) {
        free(made);
        return rind_fail(ctx, RIND_E_LIMIT, "no memory for the leader check");
    }
    made->keeper = keeper;
    made->cluster = cluster;
    made->stall_ms = stall_ms;
    *leaders = made;
    return RIND_OK;
}

void rind_leaders_free(struct rind_leaders *leaders)
{
    if (leaders != NULL) {
        free(leaders->memories);
        free(leaders);
    }
}

/* ---- what is remembered ---- */

static void leaders_remember_silent(struct rind_leaders *leaders,
                                    struct rind_cluster_agent_list agents)
{
    leaders->silent_count = 0;
    for (size_t i = 0; i < agents.count && leaders->silent_count < RIND_LEADERS_SILENT_MAX; i++) {
        size_t length = strlen(agents.items[i].url);
        if (!agents.items[i].has_answered && length < RIND_URL_SIZE_BYTES_MAX) {
            memcpy(leaders->silent[leaders->silent_count], agents.items[i].url, length + 1);
            leaders->silent_count++;
        }
    }
}

/* The group's memory, new if need be; NULL when all are in use. */
static struct leaders_memory *leaders_recall(struct rind_leaders *leaders,
                                             const struct rind_cluster_group *group)
{
    struct leaders_memory *unused = NULL;
    for (size_t i = 0; i < leaders->memory_count; i++) {
        struct leaders_memory *memory = &leaders->memories[i];
        if (rind_group_id_equal(&memory->group.group, &group->group) &&
            rind_realm_id_equal(&memory->group.realm, &group->realm)) {
            memory->check = leaders->check;
            return memory;
        }
        if (memory->check + 1 < leaders->check) { /* gone since before the last check */
            unused = memory;
        }
    }
    if (unused == NULL && leaders->memory_count < RIND_LEADERS_GROUPS_MAX) {
        unused = &leaders->memories[leaders->memory_count];
        leaders->memory_count++;
    }
    if (unused != NULL) {
        *unused =
            (struct leaders_memory){.group = *group, .check = leaders->check, .stall_factor = 1};
    }
    return unused;
}

/* ---- does a leader do its work? ---- */

/* The agent's own view of the leadership, or NULL if it does not drive it. */
static const struct rind_agent_leader_status *leaders_view(const struct rind_cluster_hsm *hsm,
                                                           const struct rind_cluster_group *group)
{
    const struct rind_agent_group_status_list *views = &hsm->agent->agent.groups;
    for (size_t i = 0; i < views->count; i++) {
        if (rind_realm_id_equal(&views->items[i].realm, &group->realm) &&
            rind_group_id_equal(&views->items[i].group, &group->group)) {
            return views->items[i].has_leader ? &views->items[i].leader : NULL;
        }
    }
    return NULL;
}

static bool leaders_is_majority_reachable(struct rind_cluster_hsm_list hsms,
                                          const struct rind_cluster_group *group,
                                          size_t member_count)
{
    size_t reachable = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        bool is_member =
            rind_cluster_find_group(hsms.items[i].status, &group->realm, &group->group) != NULL;
        reachable += is_member ? 1 : 0;
    }
    return reachable > member_count / 2;
}

/* Entries wait and none was committed for too long, though others could do it. */
static bool leaders_is_stalled(const struct rind_leaders *leaders, struct leaders_memory *memory,
                               struct rind_cluster_hsm_list hsms,
                               const struct rind_group_status *status,
                               const struct rind_agent_leader_status *view)
{
    uint64_t committed = status->leader.has_committed ? status->leader.committed : 0;
    bool is_waiting = view->has_last_appended && view->last_appended.index > committed;
    uint64_t now_ns = rind_clock_monotonic_ns();
    if (!is_waiting || committed != memory->committed) {
        memory->committed = committed;
        memory->stalled_since_ns = is_waiting ? now_ns : 0;
        if (!is_waiting) {
            memory->stall_factor = 1;
        }
        return false;
    }
    if (memory->stalled_since_ns == 0) {
        memory->stalled_since_ns = now_ns;
    }
    if (now_ns - memory->stalled_since_ns <
            leaders->stall_ms * memory->stall_factor * RIND_NS_PER_MS ||
        !leaders_is_majority_reachable(hsms, &memory->group, status->configuration.count)) {
        return false;
    }
    memory->stalled_since_ns = now_ns;
    if (memory->stall_factor < RIND_LEADERS_STALL_FACTOR_MAX) {
        memory->stall_factor *= 2;
    }
    return true;
}

/* True if the leader must be replaced. */
static bool leaders_is_useless(struct rind_leaders *leaders, struct leaders_memory *memory,
                               struct rind_cluster_hsm_list hsms,
                               const struct rind_cluster_hsm *leader,
                               const struct rind_group_status *status)
{
    if (status->configuration.count < 2) {
        return false; /* nobody else could lead; the agent helps itself (06 section 9.6) */
    }
    const char *url = rind_cluster_hsm_url(leader);
    const struct rind_agent_leader_status *view = leaders_view(leader, &memory->group);
    memory->undriven_count = view == NULL ? memory->undriven_count + 1 : 0;
    if (memory->undriven_count >= LEADERS_UNDRIVEN_COUNT) {
        memory->undriven_count = 0;
        RIND_LOG_WARN(leaders->cluster->log,
                      "the HSM of %s leads a group but its agent does not drive it; "
                      "another member shall lead",
                      url);
        return true;
    }
    if (view != NULL && leaders_is_stalled(leaders, memory, hsms, status, view)) {
        RIND_LOG_WARN(leaders->cluster->log,
                      "%s leads a group but has committed nothing for long; another "
                      "member shall lead",
                      url);
        return true;
    }
    return false;
}

/*
 * Sorts the groups into those that are led and those that need a leader. Each need gets its
 * candidates at once, and what the first one would get to do counts in the choice for the next
 * group: so the work is spread although nobody is asked again in between.
 */
struct leaders_survey {
    struct rind_cluster_hsm_list hsms;
    struct leaders_need *needs;
    size_t need_count;
    struct rind_workload_pledge *pledges;
    size_t pledge_count;
};

static rind_status leaders_add_need(struct rind_ctx *ctx, struct leaders_survey *survey,
                                    const struct rind_cluster_group *group,
                                    const struct rind_hsm_id *skip, uint64_t leader_work)
{
    struct leaders_need *need = &survey->needs[survey->need_count];
    const struct rind_workload_pledge_list pledges = {.items = survey->pledges,
                                                      .count = survey->pledge_count};
    need->group = *group;
    need->useless = skip;
    RIND_TRY(rind_workload_order_candidates(ctx, survey->hsms, pledges, &group->realm,
                                            &group->group, skip, &need->candidates, &need->count));
    if (need->count > 0) {
        survey->pledges[survey->pledge_count] = (struct rind_workload_pledge){
            .hsm = survey->hsms.items[need->candidates[0]].status->id, .work = leader_work};
        survey->pledge_count++;
    }
    survey->need_count++;
    return RIND_OK;
}

static rind_status leaders_survey_group(struct rind_ctx *ctx, struct rind_leaders *leaders,
                                        struct leaders_survey *survey,
                                        const struct rind_cluster_group *group,
                                        struct rind_leaders_report *report)
{
    struct leaders_memory *memory = leaders_recall(leaders, group);
    const struct rind_cluster_hsm *leader =
        rind_cluster_leader(survey->hsms, &group->realm, &group->group);
    uint64_t leader_work = memory != NULL && memory->leader_work > 0 ? memory->leader_work : 2;
    if (leader == NULL) {
        return leaders_add_need(ctx, survey, group, NULL, leader_work);
    }
    const struct rind_group_status *status =
        rind_cluster_find_group(leader->status, &group->realm, &group->group);
    if (memory != NULL) {
        memory->leader_work = rind_workload_of_group(status) - 1;
        if (leaders_is_useless(leaders, memory, survey->hsms, leader, status)) {
            return leaders_add_need(ctx, survey, group, &leader->status->id, memory->leader_work);
        }
    }
    report->led_before++;
    report->leader_urls[report->leader_count] = rind_cluster_hsm_url(leader);
    report->leader_count++;
    return RIND_OK;
}

/* ---- assigning, several groups at one time ---- */

struct leaders_work {
    struct rind_leaders *leaders;
    struct leaders_survey *survey;
    atomic_size_t next;
};

/*
 * Looks once more, now that the lease is ours: whoever had it before may have made somebody leader
 * after we asked, and a second one would only fight the first.
 */
static rind_status leaders_is_led_now(struct rind_ctx *ctx, struct leaders_work *work,
                                      const struct leaders_need *need, bool *is_led)
{
    struct rind_cluster_hsm_list known = work->survey->hsms;
    const char **urls = rind_ctx_alloc_array(ctx, known.count, sizeof(*urls));
    RIND_REQUIRE(ctx, urls != NULL, RIND_E_LIMIT, "no memory for %zu agents", known.count);
    size_t count = 0;
    for (size_t i = 0; i < known.count; i++) {
        if (rind_cluster_find_group(known.items[i].status, &need->group.realm,
                                    &need->group.group) != NULL) {
            urls[count] = rind_cluster_hsm_url(&known.items[i]);
            count++;
        }
    }
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    RIND_TRY(rind_cluster_ask(ctx, work->leaders->cluster, urls, count, LEADERS_LOOK_TIMEOUT_MS,
                              &agents));
    RIND_TRY(rind_cluster_hsms(ctx, agents, &hsms));
    const struct rind_cluster_hsm *leader =
        rind_cluster_leader(hsms, &need->group.realm, &need->group.group);
    *is_led = leader != NULL &&
              (need->useless == NULL || !rind_hsm_id_equal(&leader->status->id, need->useless));
    return RIND_OK;
}

/* Under the group's lease. */
static enum leaders_outcome leaders_assign_under(struct rind_ctx *ctx, struct rind_grant *grant,
                                                 struct leaders_work *work,
                                                 struct leaders_need *need)
{
    const struct rind_assign_request request = {.realm = need->group.realm,
                                                .group = need->group.group};
    struct rind_assign_result result = {0};
    bool is_led = false;
    rind_status status = leaders_is_led_now(ctx, work, need, &is_led);
    if (rind_is_ok(status) && is_led) {
        return LEADERS_BUSY; /* somebody was faster; the next check will see how it went */
    }
    if (rind_is_ok(status)) {
        status = rind_assign_ask(ctx, grant, work->survey->hsms, need->candidates, need->count,
                                 &request, &result);
    }
    if (rind_is_ok(status) && result.is_assigned) {
        need->leader = result.index;
        return LEADERS_ASSIGNED;
    }
    RIND_LOG_WARN(work->leaders->cluster->log,
                  "a group has no leader, and nobody of %zu members can lead it: %s", need->count,
                  rind_is_ok(status) ? "see above" : ctx->sentence);
    return LEADERS_FAILED;
}

static enum leaders_outcome leaders_assign(struct rind_ctx *ctx, struct leaders_work *work,
                                           struct leaders_need *need)
{
    const struct rind_cluster *cluster = work->leaders->cluster;
    struct rind_log log =
        rind_log_with_hex(cluster->log, "group", rind_group_id_slice(&need->group.group));
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    rind_lease_key_group(&need->group.realm, &need->group.group, key);
    rind_status status = rind_grant_obtain(ctx, work->leaders->keeper, key, 0, &grant);
    if (rind_is(status, RIND_E_BUSY)) {
        RIND_LOG_INFO(&log, "the group has no leader, and somebody is at work on it");
        return LEADERS_BUSY;
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&log, "the group has no leader, and its lease cannot be had: %s",
                      ctx->sentence);
        return LEADERS_FAILED;
    }
    enum leaders_outcome outcome = leaders_assign_under(ctx, &grant, work, need);
    rind_grant_release(&grant);
    return outcome;
}

/* Takes needs until none is left. */
static void leaders_work_off(struct rind_ctx *ctx, struct leaders_work *work)
{
    for (;;) {
        size_t index = atomic_fetch_add(&work->next, 1);
        if (index >= work->survey->need_count) {
            return;
        }
        struct leaders_need *need = &work->survey->needs[index];
        size_t mark = rind_arena_mark(ctx->arena);
        need->outcome = leaders_assign(ctx, work, need);
        rind_arena_release(ctx->arena, mark);
    }
}

static void leaders_run_helper(void *self)
{
    struct rind_ctx ctx;
    struct rind_arena *arena;
    rind_ctx_init(&ctx, NULL);
    if (rind_is_ok(rind_arena_map(&ctx, LEADERS_ARENA_SIZE_BYTES, &arena))) {
        rind_ctx_init(&ctx, arena);
        leaders_work_off(&ctx, self);
        rind_arena_unmap(arena);
    }
}

/* This thread works too, so that lack of helpers only makes it slower. */
static void leaders_assign_all(struct rind_ctx *ctx, struct rind_leaders *leaders,
                               struct leaders_survey *survey)
{
    struct leaders_work work = {.leaders = leaders, .survey = survey};
    struct rind_thread helpers[RIND_LEADERS_PARALLEL_MAX - 1] = {0};
    size_t wanted = survey->need_count > 0 ? survey->need_count - 1 : 0;
    for (size_t i = 0; i < wanted && i < RIND_LEADERS_PARALLEL_MAX - 1; i++) {
        struct rind_ctx quiet;
        rind_ctx_init(&quiet, NULL);
        if (!rind_is_ok(
                rind_thread_start(&quiet, &helpers[i], "assign", leaders_run_helper, &work))) {
            RIND_LOG_WARN(leaders->cluster->log, "%s", quiet.sentence);
        }
    }
    leaders_work_off(ctx, &work);
    for (size_t i = 0; i < RIND_LEADERS_PARALLEL_MAX - 1; i++) {
        rind_thread_join(&helpers[i]);
    }
}

/* ---- one check ---- */

static rind_status leaders_gather(struct rind_ctx *ctx, struct rind_leaders *leaders,
                                  struct rind_cluster_hsm_list *hsms)
{
    const char *silent[RIND_LEADERS_SILENT_MAX];
    for (size_t i = 0; i < leaders->silent_count; i++) {
        silent[i] = leaders->silent[i];
    }
    struct rind_cluster_agent_list agents;
    RIND_TRY(rind_cluster_ask_impatiently(ctx, leaders->cluster, RIND_CLUSTER_STATUS_TIMEOUT_MS,
                                          silent, leaders->silent_count, &agents));
    leaders_remember_silent(leaders, agents);
    return rind_cluster_hsms(ctx, agents, hsms);
}

static rind_status leaders_prepare(struct rind_ctx *ctx, size_t group_count,
                                   struct leaders_survey *survey,
                                   struct rind_leaders_report *report)
{
    survey->needs = rind_ctx_alloc_array(ctx, group_count, sizeof(*survey->needs));
    survey->pledges = rind_ctx_alloc_array(ctx, group_count, sizeof(*survey->pledges));
    report->leader_urls = rind_ctx_alloc_array(ctx, group_count, sizeof(*report->leader_urls));
    RIND_REQUIRE(ctx,
                 survey->needs != NULL && survey->pledges != NULL && report->leader_urls != NULL,
                 RIND_E_LIMIT, "no memory for %zu groups", group_count);
    report->groups = group_count;
    return RIND_OK;
}

rind_status rind_leaders_check(struct rind_ctx *ctx, struct rind_leaders *leaders,
                               struct rind_leaders_report *report)
{
    struct leaders_survey survey = {0};
    struct rind_cluster_group_list groups;
    *report = (struct rind_leaders_report){0};
    leaders->check++;
    RIND_TRY(leaders_gather(ctx, leaders, &survey.hsms));
    RIND_TRY(rind_cluster_groups(ctx, survey.hsms, &groups));
    RIND_TRY(leaders_prepare(ctx, groups.count, &survey, report));
    for (size_t i = 0; i < groups.count; i++) {
        RIND_TRY(leaders_survey_group(ctx, leaders, &survey, &groups.items[i], report));
    }
    leaders_assign_all(ctx, leaders, &survey);
    for (size_t i = 0; i < survey.need_count; i++) {
        enum leaders_outcome outcome = survey.needs[i].outcome;
        if (outcome == LEADERS_ASSIGNED) { /* watched from the first moment on */
            report->leader_urls[report->leader_count] =
                rind_cluster_hsm_url(&survey.hsms.items[survey.needs[i].leader]);
            report->leader_count++;
        }
        report->assigned += outcome == LEADERS_ASSIGNED ? 1 : 0;
        report->busy += outcome == LEADERS_BUSY ? 1 : 0;
        report->failed += outcome == LEADERS_FAILED ? 1 : 0;
    }
    return RIND_OK;
}
