/* workload.c - see workload.h. */
#include "cluster/workload.h"

#include <stdlib.h>

uint64_t rind_workload_of_group(const struct rind_group_status *group)
{
    uint64_t work = 1;
    if (group->has_leader) {
        work += 2;
        if (group->leader.has_owned_range) {
            const struct rind_owned_range *range = &group->leader.owned_range;
            /* An inverted range comes from a broken agent only; it counts as empty. */
            uint8_t start = range->start.bytes[0];
            uint8_t end = range->end.bytes[0];
            work += end > start ? (uint64_t)(end - start) : 0;
        }
    }
    return work;
}

uint64_t rind_workload_of_hsm(const struct rind_hsm_status_response *status)
{
    uint64_t work = 0;
    if (status->has_realm) {
        for (size_t i = 0; i < status->realm.groups.count; i++) {
            work += rind_workload_of_group(&status->realm.groups.items[i]);
        }
    }
    return work;
}

const struct rind_group_status *
rind_cluster_find_group(const struct rind_hsm_status_response *status,
                        const struct rind_realm_id *realm, const struct rind_group_id *group)
{
    if (!status->has_realm || !rind_realm_id_equal(&status->realm.id, realm)) {
        return NULL;
    }
    for (size_t i = 0; i < status->realm.groups.count; i++) {
        if (rind_group_id_equal(&status->realm.groups.items[i].id, group)) {
            return &status->realm.groups.items[i];
        }
    }
    return NULL;
}

static bool workload_is_member(const struct rind_group_status *group, const struct rind_hsm_id *hsm)
{
    for (size_t i = 0; i < group->configuration.count; i++) {
        if (rind_hsm_id_equal(&group->configuration.items[i], hsm)) {
            return true;
        }
    }
    return false;
}

/* Section 5: may `hsm` take over `group`, as seen on its leader, without a long catch-up? */
static bool workload_can_lead(const struct rind_hsm_status_response *hsm,
                              const struct rind_realm_id *realm,
                              const struct rind_group_status *group)
{
    const struct rind_group_status *own = rind_cluster_find_group(hsm, realm, &group->id);
    if (own == NULL || !workload_is_member(group, &hsm->id) || !own->has_captured ||
        !group->has_captured) {
        return false;
    }
    uint64_t leader = group->captured.index;
    uint64_t floor =
        leader > RIND_CLUSTER_CAPTURE_LAG_MAX ? leader - RIND_CLUSTER_CAPTURE_LAG_MAX : 0;
    return own->captured.index > floor;
}

/* What sorting needs of one entry; `index` leads back to the caller's list. */
struct workload_entry {
    uint64_t work;
    bool has_captured;
    uint64_t captured;
    struct rind_hsm_id id;
    size_t index;
};

static int workload_compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int workload_compare_work(const void *left, const void *right)
{
    const struct workload_entry *a = left;
    const struct workload_entry *b = right;
    int order = workload_compare_u64(a->work, b->work);
    return order != 0 ? order : rind_hsm_id_compare(&a->id, &b->id);
}

static int workload_compare_candidate(const void *left, const void *right)
{
    const struct workload_entry *a = left;
    const struct workload_entry *b = right;
    int order = workload_compare_u64(a->work, b->work);
    if (order == 0) {
        order = (int)b->has_captured - (int)a->has_captured;
    }
    if (order == 0) {
        order = workload_compare_u64(b->captured, a->captured);
    }
    return order != 0 ? order : rind_hsm_id_compare(&a->id, &b->id);
}

/* A group that could leave the busiest HSM, and how far its weight is from the excess. */
struct workload_movable {
    uint64_t distance;
    size_t order; /* keeps the sort stable */
    const struct rind_group_status *group;
};

static int workload_compare_movable(const void *left, const void *right)
{
    const struct workload_movable *a = left;
    const struct workload_movable *b = right;
    int order = workload_compare_u64(a->distance, b->distance);
    return order != 0 ? order : workload_compare_u64(a->order, b->order);
}

/* The groups the HSM leads that have another member, best fit for `excess` first. */
static size_t workload_list_movable(const struct rind_realm_status *realm, uint64_t excess,
                                    struct workload_movable *movable)
{
    size_t count = 0;
    for (size_t i = 0; i < realm->groups.count; i++) {
        const struct rind_group_status *group = &realm->groups.items[i];
        if (group->has_leader && group->configuration.count > 1) {
            uint64_t work = rind_workload_of_group(group);
            uint64_t distance = work > excess ? work - excess : excess - work;
            movable[count] = (struct workload_movable){distance, i, group};
            count++;
        }
    }
    qsort(movable, count, sizeof(*movable), workload_compare_movable);
    return count;
}

/*
 * The first HSM of least work, among `entries` (ascending), that may take the group and would still
 * have less to do than the busiest has now. That strict inequality is why passes end.
 */
static bool workload_find_destination(struct rind_cluster_hsm_list hsms,
                                      const struct workload_entry *entries, size_t count,
                                      const struct rind_realm_id *realm,
                                      const struct rind_group_status *group, size_t *destination)
{
    uint64_t work = rind_workload_of_group(group);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].work + work < entries[count - 1].work &&
            workload_can_lead(hsms.items[entries[i].index].status, realm, group)) {
            *destination = entries[i].index;
            return true;
        }
    }
    return false;
}

static size_t workload_collect(struct rind_cluster_hsm_list hsms, struct workload_entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (status->has_realm) {
            entries[count] = (struct workload_entry){
                .work = rind_workload_of_hsm(status), .id = status->id, .index = i};
            count++;
        }
    }
    return count;
}

rind_status rind_workload_choose_move(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                      bool *has_move, struct rind_cluster_move *move)
{
    RIND_REQUIRE(ctx, hsms.count <= RIND_CLUSTER_HSMS_MAX, RIND_E_LIMIT,
                 "%zu HSMs reported, a manager looks after at most %u", hsms.count,
                 RIND_CLUSTER_HSMS_MAX);
    struct workload_entry *entries = rind_ctx_alloc_array(ctx, hsms.count, sizeof(*entries));
    RIND_REQUIRE(ctx, entries != NULL, RIND_E_LIMIT, "no memory for %zu HSMs", hsms.count);
    size_t count = workload_collect(hsms, entries);
    qsort(entries, count, sizeof(*entries), workload_compare_work);

    *has_move = false;
    for (; count >= 2; count--) {
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            sum += entries[i].work;
        }
        const struct workload_entry *busiest = &entries[count - 1];
        uint64_t excess = busiest->work - sum / count;
        const struct rind_realm_status *realm = &hsms.items[busiest->index].status->realm;
        struct workload_movable *movable =
            rind_ctx_alloc_array(ctx, realm->groups.count, sizeof(*movable));
        RIND_REQUIRE(ctx, movable != NULL, RIND_E_LIMIT, "no memory for %zu groups",
                     realm->groups.count);
        size_t movable_count = workload_list_movable(realm, excess, movable);
        for (size_t i = 0; i < movable_count; i++) {
            if (workload_find_destination(hsms, entries, count, &realm->id, movable[i].group,
                                          &move->to)) {
                move->realm = realm->id;
                move->group = movable[i].group->id;
                move->from = busiest->index;
                *has_move = true;
                return RIND_OK;
            }
        }
    }
    return RIND_OK;
}

/* The configuration of the group as any HSM reports it, or NULL. */
static const struct rind_hsm_id_list *workload_find_configuration(struct rind_cluster_hsm_list hsms,
                                                                  const struct rind_realm_id *realm,
                                                                  const struct rind_group_id *group)
{
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *found =
            rind_cluster_find_group(hsms.items[i].status, realm, group);
        if (found != NULL) {
            return &found->configuration;
        }
    }
    return NULL;
}

static uint64_t workload_pledged(struct rind_workload_pledge_list pledges,
                                 const struct rind_hsm_id *hsm)
{
    uint64_t work = 0;
    for (size_t i = 0; i < pledges.count; i++) {
        work += rind_hsm_id_equal(&pledges.items[i].hsm, hsm) ? pledges.items[i].work : 0;
    }
    return work;
}

rind_status rind_workload_order_candidates(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                           struct rind_workload_pledge_list pledges,
                                           const struct rind_realm_id *realm,
                                           const struct rind_group_id *group,
                                           const struct rind_hsm_id *skip, size_t **candidates,
                                           size_t *count)
{
    const struct rind_hsm_id_list *members = workload_find_configuration(hsms, realm, group);
    RIND_REQUIRE(ctx, members != NULL, RIND_E_NOT_FOUND, "no HSM reports this group");
    struct workload_entry *entries = rind_ctx_alloc_array(ctx, members->count, sizeof(*entries));
    size_t *order = rind_ctx_alloc_array(ctx, members->count, sizeof(*order));
    RIND_REQUIRE(ctx, entries != NULL && order != NULL, RIND_E_LIMIT, "no memory for %zu members",
                 members->count);
    size_t found = 0;
    for (size_t m = 0; m < members->count; m++) {
        if (skip != NULL && rind_hsm_id_equal(&members->items[m], skip)) {
            continue;
        }
        for (size_t i = 0; i < hsms.count; i++) {
            const struct rind_hsm_status_response *status = hsms.items[i].status;
            if (!status->has_realm || !rind_hsm_id_equal(&status->id, &members->items[m])) {
                continue;
            }
            const struct rind_group_status *own = rind_cluster_find_group(status, realm, group);
            entries[found] = (struct workload_entry){
                .work = rind_workload_of_hsm(status) + workload_pledged(pledges, &status->id),
                .has_captured = own != NULL && own->has_captured,
                .captured = own != NULL && own->has_captured ? own->captured.index : 0,
                .id = status->id,
                .index = i};
            found++;
            break;
        }
    }
    qsort(entries, found, sizeof(*entries), workload_compare_candidate);
    for (size_t i = 0; i < found; i++) {
        order[i] = entries[i].index;
    }
    *candidates = order;
    *count = found;
    return RIND_OK;
}
