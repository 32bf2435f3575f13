/*
 * setup.c - Status, NewRealm, JoinRealm, NewGroup, JoinGroup (spec 02 section 9).
 *
 * What makes an HSM a member: a realm once and for ever, groups that never change. Each success is
 * in NVRAM before its answer is.
 */
#include "hsm/configuration.h"
#include "hsm/handlers.h"
#include "hsm/macs.h"
#include "hsm/persist.h"
#include "hsm/roles.h"

static struct rind_leader_status setup_leader_status(const struct rind_hsm_leadership *leadership)
{
    const struct rind_log_entry *last = rind_hsm_leader_log_last(&leadership->log);
    return (struct rind_leader_status){
        .has_committed = leadership->has_committed,
        .committed = leadership->committed,
        .last = last->index,
        .has_owned_range = last->has_partition,
        .owned_range = last->partition.range,
        .has_transferring = last->has_transferring,
        .transferring = last->transferring,
    };
}

static void setup_group_status(struct rind_hsm *hsm, struct rind_hsm_group *group,
                               struct rind_group_status *status)
{
    /* The answer borrows the configuration; the encoder does not change it. */
    struct rind_hsm_durable_group *durable = &hsm->durable.groups[group - hsm->groups];
    *status = (struct rind_group_status){
        .id = durable->id,
        .configuration = {.items = durable->configuration, .count = durable->member_count},
        .has_captured = durable->has_captured,
        .captured = durable->captured,
        .has_leader = group->role == RIND_ROLE_LEADER,
        .role = rind_hsm_role_status(group),
    };
    if (status->has_leader) {
        status->leader = setup_leader_status(group->leadership);
    }
}

rind_status rind_hsm_handle_status(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    struct rind_hsm_status_response *answer = &job->answer.status;
    answer->id = hsm->durable.id;
    answer->public_key = RIND_SLICE_OF(hsm->keys.communication_public.bytes);
    answer->has_realm = hsm->durable.has_realm;
    if (!hsm->durable.has_realm) {
        return RIND_OK;
    }
    answer->realm.id = hsm->durable.realm;
    answer->realm.statement = hsm->durable.statement;
    uint32_t count = hsm->durable.group_count;
    struct rind_group_status *groups = rind_ctx_alloc_array(job->ctx, count, sizeof(*groups));
    RIND_ASSERT(groups != NULL);
    for (uint32_t i = 0; i < count; i++) {
        setup_group_status(hsm, &hsm->groups[i], &groups[i]);
    }
    answer->realm.groups.items = groups;
    answer->realm.groups.count = count;
    return RIND_OK;
}

/* Puts a new group with this HSM as one of its members among next's groups, ascending by id. */
static void setup_add_group(struct rind_hsm_durable *next, const struct rind_group_id *id,
                            const struct rind_hsm_id *members, size_t member_count)
{
    RIND_ASSERT(next->group_count < RIND_GROUPS_LIMIT);
    RIND_ASSERT(member_count >= 1 && member_count <= RIND_CONFIGURATION_LIMIT);
    uint32_t at = next->group_count;
    while (at > 0 && rind_group_id_compare(id, &next->groups[at - 1].id) < 0) {
        next->groups[at] = next->groups[at - 1];
        at--;
    }
    next->groups[at] =
        (struct rind_hsm_durable_group){.id = *id, .member_count = (uint32_t)member_count};
    memcpy(next->groups[at].configuration, members, member_count * sizeof(*members));
    next->group_count++;
}

/* The first entry of a group's log. */
static struct rind_log_entry setup_first_entry(const struct rind_hsm *hsm,
                                               const struct rind_group_id *group,
                                               const struct rind_partition *partition)
{
    struct rind_log_entry entry = {
        .index = RIND_HSM_INDEX_FIRST,
        .has_partition = partition != NULL,
        .hsm = hsm->durable.id,
    };
    if (partition != NULL) {
        entry.partition = *partition;
    }
    rind_hsm_entry_mac_make(&hsm->keys, &hsm->durable.realm, group, &entry, &entry.entry_mac);
    return entry;
}

rind_status rind_hsm_handle_new_realm(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    struct rind_hsm_new_realm_response *answer = &job->answer.new_realm;
    if (hsm->durable.has_realm) {
        answer->kind = RIND_HSM_NEW_REALM_HAVE_REALM;
        return RIND_OK;
    }
    struct rind_hsm_new_realm_ok *ok = &answer->ok;
    rind_random_fill(&hsm->random, ok->realm.bytes, sizeof(ok->realm.bytes));
    rind_random_fill(&hsm->random, ok->group.bytes, sizeof(ok->group.bytes));

    struct rind_partition partition = {.range = rind_owned_range_full()};
    rind_status status =
        rind_tree_new(job->ctx, &partition.range, &partition.root_hash, &ok->delta);
    RIND_ASSERT(rind_is_ok(status)); /* one node in an empty arena */

    struct rind_hsm_durable next = hsm->durable;
    next.has_realm = true;
    next.realm = ok->realm;
    rind_hsm_realm_statement_make(&hsm->keys, &next.realm, &next.id, &next.statement);
    setup_add_group(&next, &ok->group, &next.id, 1);
    RIND_TRY(rind_hsm_persist(hsm, job->ctx, &next));

    struct rind_hsm_group *group = rind_hsm_group_insert(hsm, &ok->group);
    ok->entry = setup_first_entry(hsm, &ok->group, &partition);
    rind_hsm_start_as_leader(hsm, group, &ok->entry);
    ok->role = rind_hsm_role_status(group);
    answer->kind = RIND_HSM_NEW_REALM_OK;
    return RIND_OK;
}

rind_status rind_hsm_handle_join_realm(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_join_realm_request *request = &job->request->join_realm;
    struct rind_hsm_join_realm_response *answer = &job->answer.join_realm;
    answer->kind = RIND_HSM_JOIN_REALM_OK;
    answer->ok.hsm = hsm->durable.id;
    if (rind_hsm_is_in_realm(hsm, &request->realm)) {
        return RIND_OK;
    }
    if (hsm->durable.has_realm) {
        answer->kind = RIND_HSM_JOIN_REALM_HAVE_OTHER_REALM;
        return RIND_OK;
    }
    if (!rind_hsm_realm_statement_is_valid(&hsm->keys, &request->realm, &request->peer,
                                           &request->statement)) {
        answer->kind = RIND_HSM_JOIN_REALM_INVALID_STATEMENT;
        return RIND_OK;
    }
    struct rind_hsm_durable next = hsm->durable;
    next.has_realm = true;
    next.realm = request->realm;
    rind_hsm_realm_statement_make(&hsm->keys, &next.realm, &next.id, &next.statement);
    return rind_hsm_persist(hsm, job->ctx, &next);
}

/* All members hold this realm's keys? */
static bool setup_members_are_authentic(const struct rind_hsm *hsm,
                                        const struct rind_group_member_list *members)
{
    for (size_t i = 0; i < members->count; i++) {
        if (!rind_hsm_realm_statement_is_valid(&hsm->keys, &hsm->durable.realm,
                                               &members->items[i].hsm,
                                               &members->items[i].statement)) {
            return false;
        }
    }
    return true;
}

static struct rind_hsm_id_list setup_member_ids(struct rind_hsm_job *job,
                                                const struct rind_group_member_list *members)
{
    struct rind_hsm_id *ids = rind_ctx_alloc_array(job->ctx, members->count, sizeof(*ids));
    RIND_ASSERT(ids != NULL); /* the decoder bounds the list */
    for (size_t i = 0; i < members->count; i++) {
        ids[i] = members->items[i].hsm;
    }
    return (struct rind_hsm_id_list){.items = ids, .count = members->count};
}

rind_status rind_hsm_handle_new_group(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_new_group_request *request = &job->request->new_group;
    struct rind_hsm_new_group_response *answer = &job->answer.new_group;
    if (!rind_hsm_is_in_realm(hsm, &request->realm)) {
        answer->kind = RIND_HSM_NEW_GROUP_INVALID_REALM;
        return RIND_OK;
    }
    if (hsm->durable.group_count == RIND_GROUPS_LIMIT) {
        answer->kind = RIND_HSM_NEW_GROUP_TOO_MANY_GROUPS;
        return RIND_OK;
    }
    if (!setup_members_are_authentic(hsm, &request->members)) {
        answer->kind = RIND_HSM_NEW_GROUP_INVALID_STATEMENT;
        return RIND_OK;
    }
    struct rind_hsm_id_list ids = setup_member_ids(job, &request->members);
    if (!rind_hsm_configuration_is_valid(&ids, &hsm->durable.id)) {
        answer->kind = RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION;
        return RIND_OK;
    }

    struct rind_hsm_new_group_ok *ok = &answer->ok;
    rind_random_fill(&hsm->random, ok->group.bytes, sizeof(ok->group.bytes));
    struct rind_hsm_durable next = hsm->durable;
    setup_add_group(&next, &ok->group, ids.items, ids.count);
    RIND_TRY(rind_hsm_persist(hsm, job->ctx, &next));

    struct rind_group_configuration_message message = {
        .realm = hsm->durable.realm, .group = ok->group, .configuration = ids};
    rind_hsm_configuration_statement_make(&hsm->keys, &message, &ok->statement);
    struct rind_hsm_group *group = rind_hsm_group_insert(hsm, &ok->group);
    ok->entry = setup_first_entry(hsm, &ok->group, NULL);
    rind_hsm_start_as_leader(hsm, group, &ok->entry);
    ok->role = rind_hsm_role_status(group);
    answer->kind = RIND_HSM_NEW_GROUP_OK;
    return RIND_OK;
}

rind_status rind_hsm_handle_join_group(struct rind_hsm_job *job)
{
    struct rind_hsm *hsm = job->hsm;
    const struct rind_hsm_join_group_request *request = &job->request->join_group;
    struct rind_hsm_join_group_response *answer = &job->answer.join_group;
    if (!rind_hsm_configuration_is_valid(&request->configuration, &hsm->durable.id)) {
        answer->kind = RIND_HSM_JOIN_GROUP_INVALID_CONFIGURATION;
        return RIND_OK;
    }
    if (!rind_hsm_is_in_realm(hsm, &request->realm)) {
        answer->kind = RIND_HSM_JOIN_GROUP_INVALID_REALM;
        return RIND_OK;
    }
    /* A group that we are in already takes no room: a repeated call succeeds (section 17 item 9).
     */
    struct rind_hsm_group *group = rind_hsm_group_find(hsm, &request->group);
    if (group == NULL && hsm->durable.group_count == RIND_GROUPS_LIMIT) {
        answer->kind = RIND_HSM_JOIN_GROUP_TOO_MANY_GROUPS;
        return RIND_OK;
    }
    struct rind_group_configuration_message message = {
        .realm = request->realm, .group = request->group, .configuration = request->configuration};
    if (!rind_hsm_configuration_statement_is_valid(&hsm->keys, &message, &request->statement)) {
        answer->kind = RIND_HSM_JOIN_GROUP_INVALID_STATEMENT;
        return RIND_OK;
    }
    if (group == NULL) {
        struct rind_hsm_durable next = hsm->durable;
        setup_add_group(&next, &request->group, request->configuration.items,
                        request->configuration.count);
        RIND_TRY(rind_hsm_persist(hsm, job->ctx, &next));
        group = rind_hsm_group_insert(hsm, &request->group);
    }
    answer->kind = RIND_HSM_JOIN_GROUP_OK;
    answer->ok = rind_hsm_role_status(group);
    return RIND_OK;
}
