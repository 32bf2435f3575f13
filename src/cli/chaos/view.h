/*
 * view.h - what the realm under attack looks like now: who answers, who leads which group.
 *
 * A thread asks all agents again and again; others take copies. Only for choosing targets and for
 * telling whether a machine is back: what is seen may be old.
 */
#ifndef RIND_CLI_CHAOS_VIEW_H
#define RIND_CLI_CHAOS_VIEW_H

#include "cli/realm/local.h"

#define RIND_CHAOS_VIEW_INTERVAL_MS 200u
#define RIND_CHAOS_VIEW_TIMEOUT_MS 1000u
#define RIND_CHAOS_GROUPS_MAX (RIND_LOCAL_GROUPS_MAX + 1u)
#define RIND_CHAOS_NOBODY UINT32_MAX

struct rind_chaos_group {
    struct rind_group_id id;
    uint32_t leader; /* machine, or RIND_CHAOS_NOBODY */
    uint32_t member_count;
    bool members[RIND_LOCAL_HSMS_MAX]; /* by machine, of those that answered */
    bool has_range;
    struct rind_owned_range range;
};

struct rind_chaos_view {
    uint64_t asked_ns; /* when the question was sent; 0: never answered yet */
    bool is_answering[RIND_LOCAL_HSMS_MAX];
    struct rind_hsm_id hsms[RIND_LOCAL_HSMS_MAX]; /* of machines that answered once */
    struct rind_chaos_group groups[RIND_CHAOS_GROUPS_MAX];
    uint32_t group_count;
};

struct rind_chaos_watcher; /* opaque */

/*
 * Starts watching. `urls[m]` is the agent of machine m; they and `cluster` are borrowed until
 * close.
 */
rind_status rind_chaos_watcher_open(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                    const struct rind_realm_id *realm, const char *const *urls,
                                    uint32_t machine_count,
                                    struct rind_chaos_watcher **watcher) RIND_MUST_USE;

/* The last look. Thread-safe. */
void rind_chaos_watcher_view(struct rind_chaos_watcher *watcher, struct rind_chaos_view *view);

/* NULL is ignored. */
void rind_chaos_watcher_close(struct rind_chaos_watcher *watcher);

/* Groups with a range that machine `m` leads. */
uint32_t rind_chaos_view_leads(const struct rind_chaos_view *view, uint32_t machine);

/* True if all ranges together are everything, and each has a leader. */
bool rind_chaos_view_is_complete(const struct rind_chaos_view *view);

#endif
