/* recovery.c - see recovery.h. */
#include "cluster/recovery.h"

#include "cluster/plan.h"
#include "cluster/transfer_steps.h"

/* One realm while its lease is held. */
struct recovery {
    struct rind_ctx *ctx;
    struct rind_grant *grant;
    struct rind_realm_id realm;
    struct rind_cluster_hsm_list hsms;
    struct rind_cluster_group_list groups; /* of all realms */
    struct rind_recovery_report *report;
};

static const struct rind_log *recovery_log(const struct recovery *recovery)
{
    return rind_grant_cluster(recovery->grant)->log;
}

static rind_status recovery_gather(struct rind_ctx *ctx, const struct rind_cluster *cluster,
                                   struct rind_cluster_hsm_list *hsms,
                                   struct rind_cluster_group_list *groups)
{
    struct rind_cluster_agent_list agents;
    RIND_TRY(rind_cluster_ask_all(ctx, cluster, RIND_CLUSTER_STATUS_TIMEOUT_MS, &agents));
    RIND_TRY(rind_cluster_hsms(ctx, agents, hsms));
    if (cluster->log != NULL && !rind_is_ok(rind_cluster_check_single(ctx, agents))) {
        RIND_LOG_ERROR(cluster->log, "%s", ctx->sentence);
    }
    return rind_cluster_groups(ctx, *hsms, groups);
}

/* What the leader of a group says of a transfer, committed; NULL if there is none. */
static const struct rind_transferring *recovery_transferring(const struct rind_cluster_hsm *leader,
                                                             const struct rind_cluster_group *group)
{
    const struct rind_leader_status *status =
        transfer_leader_status(leader, &group->realm, &group->group);
    if (status == NULL || !status->has_transferring || !status->has_committed) {
        return NULL;
    }
    uint64_t at = status->transferring.kind == RIND_TRANSFERRING_IN ? status->transferring.in.at
                                                                    : status->transferring.out.at;
    return status->committed >= at ? &status->transferring : NULL;
}

/* The leader of a group of this realm and its transfer; false if the group is to be passed over. */
static bool recovery_look(const struct recovery *recovery, const struct rind_cluster_group *group,
                          enum rind_transferring_kind kind, const struct rind_cluster_hsm **leader,
                          const struct rind_transferring **transferring)
{
    if (!rind_realm_id_equal(&group->realm, &recovery->realm)) {
        return false;
    }
    *leader = rind_cluster_leader(recovery->hsms, &group->realm, &group->group);
    *transferring = *leader != NULL ? recovery_transferring(*leader, group) : NULL;
    return *transferring != NULL && (*transferring)->kind == kind;
}

/* ---- prepared at the destination: run the whole transfer again ---- */

static void recovery_resume(struct recovery *recovery, const struct rind_cluster_group *group,
                            const struct rind_transferring_in *in)
{
    const struct rind_cluster_transfer_request request = {.realm = recovery->realm,
                                                          .source = in->source,
                                                          .destination = group->group,
                                                          .range = in->range};
    struct rind_cluster_transfer_response response;
    if (rind_cluster_leader(recovery->hsms, &recovery->realm, &in->source) == NULL) {
        RIND_LOG_WARN(recovery_log(recovery),
                      "a transfer waits for its source group to have a leader");
        recovery->report->left++;
        return;
    }
    rind_transfer_under(recovery->ctx, recovery->grant, RIND_RECOVERY_TRANSFER_TIMEOUT_MS, &request,
                        &response);
    if (response.kind == RIND_CLUSTER_TRANSFER_OK) {
        RIND_LOG_INFO(recovery_log(recovery), "an interrupted transfer was finished");
        recovery->report->resumed++;
        return;
    }
    char memory[RIND_SENTENCE_SIZE_MAX];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_transfer_error_print(&text, &response.error);
    RIND_LOG_WARN(recovery_log(recovery), "an interrupted transfer could not be finished: %.*s",
                  (int)text.length, memory);
    recovery->report->left++;
}

/* ---- only the source knows of it: it has arrived, or something is missing ---- */

static rind_status recovery_list_owners(struct recovery *recovery,
                                        struct rind_plan_owner_list *owners)
{
    struct rind_plan_owner *items =
        rind_ctx_alloc_array(recovery->ctx, recovery->groups.count, sizeof(*items));
    RIND_REQUIRE(recovery->ctx, items != NULL, RIND_E_LIMIT, "no memory for %zu owners",
                 recovery->groups.count);
    owners->items = items;
    owners->count = 0;
    for (size_t i = 0; i < recovery->groups.count; i++) {
        const struct rind_cluster_group *group = &recovery->groups.items[i];
        const struct rind_cluster_hsm *leader =
            rind_realm_id_equal(&group->realm, &recovery->realm)
                ? rind_cluster_leader(recovery->hsms, &group->realm, &group->group)
                : NULL;
        const struct rind_leader_status *status =
            leader != NULL ? transfer_leader_status(leader, &group->realm, &group->group) : NULL;
        if (status != NULL && status->has_owned_range) {
            items[owners->count] =
                (struct rind_plan_owner){.group = group->group, .range = status->owned_range};
            owners->count++;
        }
    }
    return RIND_OK;
}

/* Every record of `range` belongs to somebody who has committed that. */
static rind_status recovery_is_all_owned(struct recovery *recovery,
                                         const struct rind_owned_range *range, bool *is_owned)
{
    struct rind_plan_owner_list owners;
    struct rind_plan_owner_list covering;
    *is_owned = false;
    if (!rind_owned_range_is_valid(range)) {
        return RIND_OK;
    }
    RIND_TRY(recovery_list_owners(recovery, &owners));
    RIND_TRY(rind_plan_covering_owners(recovery->ctx, owners, range, is_owned, &covering));
    for (size_t i = 0; *is_owned && i < covering.count; i++) {
        const struct rind_plan_owner *owner = &covering.items[i];
        const struct rind_cluster_hsm *leader =
            rind_cluster_leader(recovery->hsms, &recovery->realm, &owner->group);
        *is_owned = transfer_is_owned(recovery->ctx, recovery->grant, rind_cluster_hsm_url(leader),
                                      &recovery->realm, &owner->group, &owner->range);
    }
    return RIND_OK;
}

static rind_status recovery_complete(struct recovery *recovery,
                                     const struct rind_cluster_group *group,
                                     const struct rind_cluster_hsm *source,
                                     const struct rind_transferring_out *out)
{
    const struct rind_cluster_transfer_request request = {.realm = recovery->realm,
                                                          .source = group->group,
                                                          .destination = out->destination,
                                                          .range = out->partition.range};
    bool is_owned = false;
    recovery->report->left++;
    if (rind_cluster_leader(recovery->hsms, &recovery->realm, &out->destination) == NULL) {
        return RIND_OK; /* the next pass will see it */
    }
    RIND_TRY(recovery_is_all_owned(recovery, &out->partition.range, &is_owned));
    if (!is_owned) {
        RIND_LOG_WARN(recovery_log(recovery),
                      "a range was moved out of a group and is not (yet) owned by others; its "
                      "source keeps the record of it");
        return RIND_OK;
    }
    struct transfer_run run = {.ctx = recovery->ctx,
                               .grant = recovery->grant,
                               .request = &request,
                               .deadline = rind_deadline_in_ms(RIND_RECOVERY_TRANSFER_TIMEOUT_MS),
                               .source = source};
    rind_status status = transfer_complete(&run);
    if (rind_is_ok(status)) {
        RIND_LOG_INFO(recovery_log(recovery), "an arrived transfer was completed at its source");
        recovery->report->completed++;
        recovery->report->left--;
    }
    return RIND_OK;
}

/* Did this pass already run the transfer whose source's record `out` is? */
static bool recovery_is_resumed(const struct recovery *recovery, const struct rind_group_id *source)
{
    for (size_t i = 0; i < recovery->groups.count; i++) {
        const struct rind_cluster_hsm *leader;
        const struct rind_transferring *transferring;
        if (recovery_look(recovery, &recovery->groups.items[i], RIND_TRANSFERRING_IN, &leader,
                          &transferring) &&
            rind_group_id_equal(&transferring->in.source, source) &&
            rind_cluster_leader(recovery->hsms, &recovery->realm, source) != NULL) {
            return true;
        }
    }
    return false;
}

static rind_status recovery_run(struct recovery *recovery)
{
    const struct rind_cluster_hsm *leader;
    const struct rind_transferring *transferring;
    RIND_TRY(recovery_gather(recovery->ctx, rind_grant_cluster(recovery->grant), &recovery->hsms,
                             &recovery->groups));
    for (size_t i = 0; i < recovery->groups.count; i++) {
        const struct rind_cluster_group *group = &recovery->groups.items[i];
        if (recovery_look(recovery, group, RIND_TRANSFERRING_IN, &leader, &transferring)) {
            RIND_TRY(rind_grant_check(recovery->ctx, recovery->grant));
            recovery_resume(recovery, group, &transferring->in);
        }
    }
    for (size_t i = 0; i < recovery->groups.count; i++) {
        const struct rind_cluster_group *group = &recovery->groups.items[i];
        if (recovery_look(recovery, group, RIND_TRANSFERRING_OUT, &leader, &transferring) &&
            !recovery_is_resumed(recovery, &group->group)) {
            RIND_TRY(rind_grant_check(recovery->ctx, recovery->grant));
            RIND_TRY(recovery_complete(recovery, group, leader, &transferring->out));
        }
    }
    return RIND_OK;
}

static void recovery_run_realm(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                               const struct rind_cluster *cluster,
                               const struct rind_realm_id *realm,
                               struct rind_recovery_report *report)
{
    char key[RIND_LEASE_KEY_SIZE_MAX];
    struct rind_grant grant;
    rind_lease_key_ownership(realm, key);
    rind_status status = rind_grant_obtain(ctx, keeper, key, 0, &grant);
    if (rind_is(status, RIND_E_BUSY)) {
        report->busy++;
        return;
    }
    if (rind_is_ok(status)) {
        struct recovery recovery = {.ctx = ctx, .grant = &grant, .realm = *realm, .report = report};
        status = recovery_run(&recovery);
        rind_grant_release(&grant);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(cluster->log, "interrupted transfers of a realm wait: %s", ctx->sentence);
    }
}

/* Does any leader of the realm report a transfer, committed or not? */
static bool recovery_is_needed(struct rind_cluster_hsm_list hsms, const struct rind_realm_id *realm)
{
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (!status->has_realm || !rind_realm_id_equal(&status->realm.id, realm)) {
            continue;
        }
        for (size_t g = 0; g < status->realm.groups.count; g++) {
            const struct rind_group_status *group = &status->realm.groups.items[g];
            if (group->has_leader && group->leader.has_transferring) {
                return true;
            }
        }
    }
    return false;
}

rind_status rind_recovery_pass(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                               const struct rind_cluster *cluster,
                               struct rind_recovery_report *report)
{
    struct rind_cluster_hsm_list hsms;
    struct rind_cluster_group_list groups;
    *report = (struct rind_recovery_report){0};
    RIND_TRY(recovery_gather(ctx, cluster, &hsms, &groups));
    for (size_t i = 0; i < groups.count; i++) {
        const struct rind_realm_id *realm = &groups.items[i].realm;
        bool is_first = i == 0 || !rind_realm_id_equal(&groups.items[i - 1].realm, realm);
        if (is_first && recovery_is_needed(hsms, realm)) {
            report->realms++;
            size_t mark = rind_arena_mark(ctx->arena);
            recovery_run_realm(ctx, keeper, cluster, realm, report);
            rind_arena_release(ctx->arena, mark);
        }
    }
    return RIND_OK;
}
