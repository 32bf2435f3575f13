/* owners.c - see owners.h. */
#include "cli/owners.h"

#include "cli/ids.h"

rind_status rind_cli_owners(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                            const struct rind_realm_id *realm, struct rind_plan_owner_list *owners)
{
    struct rind_cluster_group_list groups;
    RIND_TRY(rind_cluster_groups(ctx, hsms, &groups));
    owners->items = rind_ctx_alloc_array(ctx, groups.count, sizeof(*owners->items));
    owners->count = 0;
    RIND_REQUIRE(ctx, owners->items != NULL, RIND_E_LIMIT, "no memory for %zu owners",
                 groups.count);
    for (size_t i = 0; i < groups.count; i++) {
        const struct rind_cluster_hsm *leader =
            rind_realm_id_equal(&groups.items[i].realm, realm)
                ? rind_cluster_leader(hsms, realm, &groups.items[i].group)
                : NULL;
        if (leader == NULL) {
            continue;
        }
        const struct rind_group_status *status =
            rind_cluster_find_group(leader->status, realm, &groups.items[i].group);
        if (status->leader.has_owned_range) {
            owners->items[owners->count] = (struct rind_plan_owner){
                .group = groups.items[i].group, .range = status->leader.owned_range};
            owners->count++;
        }
    }
    return RIND_OK;
}

rind_status rind_cli_plan(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                          const struct rind_realm_id *realm,
                          const struct rind_group_id *destination,
                          const struct rind_owned_range *target, struct rind_plan_step_list *steps)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    (void)rind_cli_id_text(destination->bytes, id);
    size_t leaders = 0;
    const struct rind_owned_range *owned = NULL;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *status =
            rind_cluster_find_group(hsms.items[i].status, realm, destination);
        if (status != NULL && status->has_leader) {
            leaders++;
            owned = status->leader.has_owned_range ? &status->leader.owned_range : NULL;
        }
    }
    RIND_REQUIRE(ctx, leaders > 0, RIND_E_UNAVAILABLE,
                 "couldn't find a leader for the destination group %s", id);
    RIND_REQUIRE(ctx, leaders == 1, RIND_E_UNAVAILABLE,
                 "destination group %s has %zu leaders; try again when one has given up", id,
                 leaders);
    struct rind_plan_owner_list owners;
    RIND_TRY(rind_cli_owners(ctx, hsms, realm, &owners));
    rind_status planned = rind_plan_transfers(ctx, owners, destination, owned, target, steps);
    if (rind_is(planned, RIND_E_NOT_FOUND)) {
        return rind_fail_while(ctx, planned, "failed to determine current owners of the range");
    }
    return planned;
}
