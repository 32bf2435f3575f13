/*
 * check.c - see check.h: which trees there are, and what was found of them. The walk itself, and
 * what it costs, is in check_walk.h.
 */
#include "store/check.h"

#include <stdlib.h>

#include "store/check_walk.h"
#include "store/state.h"
#include "wire/wire.h"

static rind_status check_read_entry(struct rind_ctx *ctx, struct rind_store *store,
                                    const struct rind_realm_id *realm,
                                    const struct rind_group_id *group,
                                    struct rind_deadline deadline, struct rind_log_entry *entry)
{
    struct rind_store_entry last;
    RIND_TRY(rind_store_read_last(ctx, store, realm, group, deadline, &last, NULL));
    RIND_REQUIRE(ctx,
                 rind_is_ok(rind_wire_decode_whole(ctx, &rind_log_entry_schema, last.cbor, entry)),
                 RIND_E_CORRUPT, "the newest log entry of a group is none");
    return RIND_OK;
}

/* The trees of the groups' newest entries, at most two for each; `trees` has room. */
static rind_status check_find_trees(struct rind_ctx *ctx, struct rind_check_walk *walk)
{
    for (size_t i = 0; i < walk->result->group_count; i++) {
        struct rind_store_check_group *group = &walk->result->groups[i];
        struct rind_log_entry entry;
        RIND_TRY(
            check_read_entry(ctx, walk->store, walk->realm, &group->group, walk->deadline, &entry));
        group->index = entry.index;
        group->has_partition = entry.has_partition;
        if (entry.has_partition) {
            walk->trees[walk->tree_count++] =
                (struct rind_check_tree){.group = &group->group, .partition = entry.partition};
        }
        if (entry.has_transferring && entry.transferring.kind == RIND_TRANSFERRING_OUT) {
            walk->trees[walk->tree_count++] = (struct rind_check_tree){
                .group = &group->group,
                .partition = entry.transferring.out.partition,
                .is_in_transfer = true,
            };
        }
    }
    return RIND_OK;
}

/* A problem in a tree that has changed meanwhile is none. */
static rind_status check_still(struct rind_ctx *ctx, const struct rind_check_walk *walk,
                               const struct rind_store_check_group *group)
{
    struct rind_log_entry entry;
    RIND_TRY(
        check_read_entry(ctx, walk->store, walk->realm, &group->group, walk->deadline, &entry));
    RIND_REQUIRE(ctx, entry.index == group->index, RIND_E_STALE,
                 "the realm was written while it was checked; stop its agents and check again");
    return RIND_OK;
}

/* Which group has what, and what is left over. */
static void check_add_up(const struct rind_check_walk *walk)
{
    struct rind_store_check_result *result = walk->result;
    struct rind_store_check_group *group = result->groups;
    for (size_t i = 0; i < walk->tree_count; i++) {
        const struct rind_check_tree *tree = &walk->trees[i];
        while (tree->group != &group->group) {
            group++; /* trees are in the order of groups */
        }
        if (tree->is_in_transfer) {
            result->nodes_in_transfer += tree->nodes;
        } else {
            group->nodes = tree->nodes;
            group->leaves = tree->leaves;
            result->nodes += tree->nodes;
        }
    }
    uint64_t accounted = result->nodes + result->wrong + result->rows_malformed;
    /* Trees under transfer may share nodes with their new owner's: then nothing is left over. */
    result->garbage = result->rows > accounted ? result->rows - accounted : 0;
}

static rind_status check_walk(struct rind_ctx *ctx, struct rind_check_walk *walk)
{
    RIND_TRY(check_find_trees(ctx, walk));
    RIND_TRY(rind_check_walk_run(ctx, walk));
    for (size_t i = 0; i < walk->result->group_count; i++) {
        RIND_TRY(check_still(ctx, walk, &walk->result->groups[i]));
    }
    check_add_up(walk);
    return RIND_OK;
}

rind_status rind_store_check(struct rind_ctx *ctx, struct rind_store *store,
                             const struct rind_realm_id *realm,
                             const struct rind_store_progress *progress,
                             struct rind_deadline deadline, struct rind_store_check_result *result)
{
    struct rind_log_stats logs;
    memset(result, 0, sizeof(*result));
    RIND_TRY(rind_store_log_stats(ctx, store, realm, deadline, &logs));
    RIND_REQUIRE(ctx, logs.count <= RIND_STORE_CHECK_GROUPS_MAX, RIND_E_LIMIT,
                 "the realm has %zu groups, more than %u", logs.count, RIND_STORE_CHECK_GROUPS_MAX);
    result->groups = rind_ctx_alloc_array(ctx, logs.count, sizeof(*result->groups));
    struct rind_check_tree *trees = rind_ctx_alloc_array(ctx, 2 * logs.count, sizeof(*trees));
    if (result->groups == NULL || trees == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    result->group_count = logs.count;
    for (size_t i = 0; i < logs.count; i++) {
        result->groups[i].group = logs.groups[i].group;
    }
    struct rind_check_walk walk = {.store = store,
                                   .realm = realm,
                                   .progress = progress,
                                   .deadline = deadline,
                                   .trees = trees,
                                   .result = result};
    return check_walk(ctx, &walk);
}
