/* view.c - see view.h. */
#include "cli/chaos/view.h"

#include <stdlib.h>

#define VIEW_ARENA_SIZE_BYTES (64u << 20)

struct rind_chaos_watcher {
    const struct rind_cluster *cluster;
    struct rind_realm_id realm;
    const char *urls[RIND_LOCAL_HSMS_MAX];
    uint32_t machine_count;
    struct rind_arena *arena;
    struct rind_stopper stopper;
    struct rind_thread thread;
    struct rind_mutex mutex; /* guards view */
    struct rind_chaos_view view;
};

static uint32_t watcher_find(const struct rind_chaos_watcher *watcher, const char *url)
{
    for (uint32_t m = 0; m < watcher->machine_count; m++) {
        if (strcmp(watcher->urls[m], url) == 0) {
            return m;
        }
    }
    return RIND_CHAOS_NOBODY;
}

static struct rind_chaos_group *view_group(struct rind_chaos_view *view,
                                           const struct rind_group_id *id)
{
    for (uint32_t g = 0; g < view->group_count; g++) {
        if (rind_group_id_equal(&view->groups[g].id, id)) {
            return &view->groups[g];
        }
    }
    if (view->group_count == RIND_CHAOS_GROUPS_MAX) {
        return NULL;
    }
    struct rind_chaos_group *group = &view->groups[view->group_count];
    *group = (struct rind_chaos_group){.id = *id, .leader = RIND_CHAOS_NOBODY};
    view->group_count++;
    return group;
}

static void watcher_take_hsm(const struct rind_chaos_watcher *watcher, uint32_t machine,
                             const struct rind_hsm_status_response *hsm,
                             struct rind_cluster_hsm_list hsms, struct rind_chaos_view *view)
{
    view->hsms[machine] = hsm->id;
    if (!hsm->has_realm || !rind_realm_id_equal(&hsm->realm.id, &watcher->realm)) {
        return;
    }
    for (size_t g = 0; g < hsm->realm.groups.count; g++) {
        const struct rind_group_status *status = &hsm->realm.groups.items[g];
        struct rind_chaos_group *group = view_group(view, &status->id);
        if (group == NULL) {
            continue;
        }
        group->member_count = (uint32_t)status->configuration.count;
        group->members[machine] = true;
        const struct rind_cluster_hsm *leader =
            rind_cluster_leader(hsms, &watcher->realm, &status->id);
        if (leader != NULL && leader->status == hsm) {
            group->leader = machine;
            group->has_range = status->leader.has_owned_range;
            group->range = status->leader.owned_range;
        }
    }
}

static void watcher_look(struct rind_chaos_watcher *watcher, struct rind_ctx *ctx)
{
    struct rind_chaos_view view = {.asked_ns = rind_clock_monotonic_ns()};
    memcpy(view.hsms, watcher->view.hsms, sizeof(view.hsms));
    struct rind_cluster_agent_list agents;
    struct rind_cluster_hsm_list hsms;
    if (!rind_is_ok(rind_cluster_ask(ctx, watcher->cluster, watcher->urls, watcher->machine_count,
                                     RIND_CHAOS_VIEW_TIMEOUT_MS, &agents)) ||
        !rind_is_ok(rind_cluster_hsms(ctx, agents, &hsms))) {
        return;
    }
    for (size_t i = 0; i < hsms.count; i++) {
        uint32_t machine = watcher_find(watcher, rind_cluster_hsm_url(&hsms.items[i]));
        if (machine != RIND_CHAOS_NOBODY) {
            view.is_answering[machine] = true;
            watcher_take_hsm(watcher, machine, hsms.items[i].status, hsms, &view);
        }
    }
    rind_mutex_lock(&watcher->mutex);
    watcher->view = view;
    rind_mutex_unlock(&watcher->mutex);
}

static void watcher_run(void *self)
{
    struct rind_chaos_watcher *watcher = self;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, watcher->arena);
    do {
        watcher_look(watcher, &ctx);
        rind_arena_reset(watcher->arena);
    } while (
        !rind_stopper_wait(&watcher->stopper, rind_deadline_in_ms(RIND_CHAOS_VIEW_INTERVAL_MS)));
}

rind_status rind_chaos_watcher_open(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                    const struct rind_realm_id *realm, const char *const *urls,
                                    uint32_t machine_count, struct rind_chaos_watcher **watcher)
{
    RIND_ASSERT(machine_count <= RIND_LOCAL_HSMS_MAX);
    struct rind_chaos_watcher *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for a watcher");
    made->cluster = cluster;
    made->realm = *realm;
    memcpy(made->urls, urls, machine_count * sizeof(made->urls[0]));
    made->machine_count = machine_count;
    rind_mutex_init(&made->mutex);
    rind_status status = rind_arena_map(ctx, VIEW_ARENA_SIZE_BYTES, &made->arena);
    if (!rind_is_ok(status)) {
        rind_mutex_fini(&made->mutex);
        free(made);
        return status;
    }
    status = rind_stopper_init(ctx, &made->stopper);
    if (!rind_is_ok(status)) {
        rind_arena_unmap(made->arena);
        rind_mutex_fini(&made->mutex);
        free(made);
        return status;
    }
    status = rind_thread_start(ctx, &made->thread, "chaos-watcher", watcher_run, made);
    if (!rind_is_ok(status)) {
        rind_chaos_watcher_close(made);
        return status;
    }
    *watcher = made;
    return RIND_OK;
}

void rind_chaos_watcher_view(struct rind_chaos_watcher *watcher, struct rind_chaos_view *view)
{
    rind_mutex_lock(&watcher->mutex);
    *view = watcher->view;
    rind_mutex_unlock(&watcher->mutex);
}

void rind_chaos_watcher_close(struct rind_chaos_watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    rind_stopper_set(&watcher->stopper);
    rind_thread_join(&watcher->thread);
    rind_stopper_fini(&watcher->stopper);
    rind_arena_unmap(watcher->arena);
    rind_mutex_fini(&watcher->mutex);
    free(watcher);
}

uint32_t rind_chaos_view_leads(const struct rind_chaos_view *view, uint32_t machine)
{
    uint32_t count = 0;
    for (uint32_t g = 0; g < view->group_count; g++) {
        count += view->groups[g].leader == machine && view->groups[g].has_range ? 1 : 0;
    }
    return count;
}

bool rind_chaos_view_is_complete(const struct rind_chaos_view *view)
{
    /* Ranges of different groups never overlap, so following each to its successor is enough. */
    struct rind_record_id next = {{0}};
    for (uint32_t steps = 0; steps <= view->group_count; steps++) {
        const struct rind_chaos_group *found = NULL;
        for (uint32_t g = 0; g < view->group_count && found == NULL; g++) {
            const struct rind_chaos_group *group = &view->groups[g];
            bool fits = group->leader != RIND_CHAOS_NOBODY && group->has_range &&
                        rind_record_id_equal(&group->range.start, &next);
            found = fits ? group : NULL;
        }
        if (found == NULL) {
            return false;
        }
        if (!rind_record_id_next(&found->range.end, &next)) {
            return true;
        }
    }
    return false;
}
