/* roles.c - see roles.h. */
#include "hsm/roles.h"

#include "hsm/macs.h"

struct rind_hsm_group *rind_hsm_group_find(struct rind_hsm *hsm, const struct rind_group_id *id)
{
    for (uint32_t i = 0; i < hsm->durable.group_count; i++) {
        if (rind_group_id_equal(&hsm->durable.groups[i].id, id)) {
            return &hsm->groups[i];
        }
    }
    return NULL;
}

bool rind_hsm_is_in_realm(const struct rind_hsm *hsm, const struct rind_realm_id *realm)
{
    return hsm->durable.has_realm && rind_realm_id_equal(&hsm->durable.realm, realm);
}

bool rind_hsm_member_position(const struct rind_hsm_durable_group *group,
                              const struct rind_hsm_id *hsm, uint32_t *position)
{
    for (uint32_t i = 0; i < group->member_count; i++) {
        if (rind_hsm_id_equal(&group->configuration[i], hsm)) {
            *position = i;
            return true;
        }
    }
    return false;
}

struct rind_hsm_group *rind_hsm_group_insert(struct rind_hsm *hsm, const struct rind_group_id *id)
{
    /* durable.groups has the new group already; hsm->groups holds one less. */
    uint32_t count = hsm->durable.group_count;
    RIND_ASSERT(count >= 1 && count <= RIND_GROUPS_LIMIT);
    struct rind_hsm_group *group = rind_hsm_group_find(hsm, id);
    RIND_ASSERT(group != NULL);
    size_t at = (size_t)(group - hsm->groups);
    memmove(group + 1, group, (count - 1 - at) * sizeof(*group));
    *group = (struct rind_hsm_group){
        .has_captured = hsm->durable.groups[at].has_captured,
        .captured = hsm->durable.groups[at].captured,
        .role = RIND_ROLE_WITNESS,
        .role_clock = RIND_HSM_ROLE_CLOCK_START,
        .leadership = &hsm->leaderships[count - 1],
    };
    return group;
}

enum rind_hsm_check rind_hsm_check_member(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                          const struct rind_group_id *id,
                                          struct rind_hsm_group **group)
{
    if (!rind_hsm_is_in_realm(hsm, realm)) {
        return RIND_HSM_CHECK_INVALID_REALM;
    }
    *group = rind_hsm_group_find(hsm, id);
    return *group != NULL ? RIND_HSM_CHECK_OK : RIND_HSM_CHECK_INVALID_GROUP;
}

enum rind_hsm_check rind_hsm_check_leader(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                          const struct rind_group_id *id,
                                          struct rind_hsm_group **group)
{
    enum rind_hsm_check check = rind_hsm_check_member(hsm, realm, id, group);
    if (check != RIND_HSM_CHECK_OK) {
        return check;
    }
    return (*group)->role == RIND_ROLE_LEADER ? RIND_HSM_CHECK_OK : RIND_HSM_CHECK_NOT_LEADER;
}

enum rind_hsm_check rind_hsm_check_owner(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                         const struct rind_group_id *id,
                                         const struct rind_record_id *record,
                                         struct rind_hsm_group **group)
{
    enum rind_hsm_check check = rind_hsm_check_leader(hsm, realm, id, group);
    if (check != RIND_HSM_CHECK_OK) {
        return check;
    }
    const struct rind_log_entry *last = rind_hsm_leader_log_last(&(*group)->leadership->log);
    bool is_owner =
        last->has_partition && rind_owned_range_contains(&last->partition.range, record);
    return is_owner ? RIND_HSM_CHECK_OK : RIND_HSM_CHECK_NOT_OWNER;
}

struct rind_role_status rind_hsm_role_status(const struct rind_hsm_group *group)
{
    struct rind_role_status status = {.role = {.kind = group->role}, .at = group->role_clock};
    if (group->role == RIND_ROLE_LEADER) {
        status.role.leader.starting = group->leadership->starting_index;
    } else if (group->role == RIND_ROLE_STEPPING_DOWN) {
        status.role.stepping_down.leader_starting = group->leadership->starting_index;
    }
    return status;
}

static void roles_change(struct rind_hsm_group *group, enum rind_group_member_role_kind role)
{
    RIND_ASSERT(group->role != role);
    RIND_ASSERT(group->role_clock != UINT64_MAX);
    group->role = role;
    group->role_clock++;
}

void rind_hsm_open_tree(struct rind_hsm *hsm, struct rind_hsm_group *group,
                        const struct rind_data_hash *root_hash)
{
    RIND_ASSERT(group->role == RIND_ROLE_LEADER);
    struct rind_hsm_leadership *leadership = group->leadership;
    if (leadership->tree == NULL) {
        /* Memory of a group that never had a tree is first touched here. */
        rind_status status = rind_overlay_init(
            NULL, leadership->tree_memory, rind_overlay_size_bytes(hsm->config.overlay_size),
            hsm->config.overlay_size, &hsm->overlay_seed, &leadership->tree);
        RIND_ASSERT(rind_is_ok(status)); /* bounds were checked at boot */
    }
    rind_overlay_open(leadership->tree, root_hash);
    leadership->is_tree_open = true;
}

/* Finds the preparation that the last entry's transfer out answers, whoever of us wrote it. */
static void roles_find_binding(const struct rind_hsm *hsm, struct rind_hsm_group *group,
                               const struct rind_log_entry *entry)
{
    const struct rind_hsm_durable_group *durable = rind_hsm_group_durable(hsm, group);
    struct rind_hsm_leadership *leadership = group->leadership;
    leadership->has_binding = false;
    if (!entry->has_transferring || entry->transferring.kind != RIND_TRANSFERRING_OUT) {
        return;
    }
    for (uint32_t i = 0; i < durable->member_count && !leadership->has_binding; i++) {
        leadership->has_binding =
            rind_hsm_binding_open(&hsm->keys, &hsm->durable.realm, &durable->id, entry->index,
                                  &durable->configuration[i], &entry->hsm, &leadership->binding);
    }
}

void rind_hsm_start_as_leader(struct rind_hsm *hsm, struct rind_hsm_group *group,
                              const struct rind_log_entry *entry)
{
    RIND_ASSERT(group->role == RIND_ROLE_WITNESS);
    RIND_ASSERT(entry->index != UINT64_MAX);
    struct rind_hsm_leadership *leadership = group->leadership;
    RIND_ASSERT(leadership->sessions.count == 0 && !leadership->is_tree_open);
    group->role = RIND_ROLE_LEADER;
    rind_hsm_leader_log_begin(&leadership->log, entry);
    leadership->has_committed = false;
    leadership->has_incoming = false;
    leadership->abandoned_count = 0;
    leadership->starting_index = entry->index + 1;
    roles_find_binding(hsm, group, entry);
    if (entry->has_partition) {
        rind_hsm_open_tree(hsm, group, &entry->partition.root_hash);
    }
}

void rind_hsm_become_leader(struct rind_hsm *hsm, struct rind_hsm_group *group,
                            const struct rind_log_entry *entry)
{
    rind_hsm_start_as_leader(hsm, group, entry);
    group->role_clock++;
}

/* What only a Leader has. */
static void roles_drop_leading(struct rind_hsm_leadership *leadership)
{
    leadership->is_tree_open = false;
    leadership->has_incoming = false;
    rind_wipe(&leadership->incoming, sizeof(leadership->incoming));
    rind_hsm_sessions_clear(&leadership->sessions);
}

void rind_hsm_become_witness(struct rind_hsm_group *group)
{
    roles_change(group, RIND_ROLE_WITNESS);
    struct rind_hsm_leadership *leadership = group->leadership;
    roles_drop_leading(leadership);
    rind_hsm_leader_log_clear(&leadership->log);
    leadership->has_committed = false;
    leadership->abandoned_count = 0;
}

void rind_hsm_abandon_after(struct rind_hsm_leadership *leadership, uint64_t point)
{
    for (;;) {
        const struct rind_log_entry *last = rind_hsm_leader_log_last(&leadership->log);
        if (last->index <= point) {
            return;
        }
        /*
         * Each abandoned entry was in the log when stepping down began, or the log would have been
         * replaced by the foreign one: so there are never more than the log holds.
         */
        RIND_ASSERT(leadership->abandoned_count < leadership->log.capacity);
        leadership->abandoned[leadership->abandoned_count] = last->entry_mac;
        leadership->abandoned_count++;
        rind_hsm_leader_log_drop_last(&leadership->log);
    }
}

void rind_hsm_step_down(struct rind_hsm_group *group, uint64_t point)
{
    RIND_ASSERT(group->role == RIND_ROLE_LEADER);
    struct rind_hsm_leadership *leadership = group->leadership;
    uint64_t last = rind_hsm_leader_log_last(&leadership->log)->index;
    RIND_ASSERT(point <= last);
    RIND_ASSERT(point >= rind_hsm_leader_log_first(&leadership->log)->index);

    if (leadership->has_committed && leadership->committed == point && last == point) {
        rind_hsm_become_witness(group); /* nothing is pending */
        return;
    }
    roles_change(group, RIND_ROLE_STEPPING_DOWN);
    roles_drop_leading(leadership);
    leadership->stepdown_at = point;
    leadership->abandoned_count = 0;
    rind_hsm_abandon_after(leadership, point);
}

void rind_hsm_append_entry(struct rind_hsm *hsm, struct rind_hsm_group *group,
                           const struct rind_partition *partition,
                           const struct rind_transferring *transferring,
                           const struct rind_hsm_pending *pending, struct rind_log_entry *entry)
{
    RIND_ASSERT(group->role == RIND_ROLE_LEADER);
    struct rind_hsm_leader_log *log = &group->leadership->log;
    const struct rind_log_entry *last = rind_hsm_leader_log_last(log);
    *entry = (struct rind_log_entry){
        .index = last->index + 1,
        .has_partition = partition != NULL,
        .has_transferring = transferring != NULL,
        .prev_mac = last->entry_mac,
        .hsm = hsm->durable.id,
    };
    if (partition != NULL) {
        entry->partition = *partition;
    }
    if (transferring != NULL) {
        entry->transferring = *transferring;
    }
    struct rind_group_id id = rind_hsm_group_id(hsm, group);
    if (transferring == NULL || transferring->kind != RIND_TRANSFERRING_OUT) {
        group->leadership->has_binding = false;
    }
    if (group->leadership->has_binding) {
        rind_hsm_binding_make(&hsm->keys, &hsm->durable.realm, &id, entry->index, &hsm->durable.id,
                              group->leadership->binding, &entry->hsm);
    }
    rind_hsm_entry_mac_make(&hsm->keys, &hsm->durable.realm, &id, entry, &entry->entry_mac);
    rind_hsm_leader_log_append(log, entry, pending);
}

bool rind_hsm_has_room_for_request(const struct rind_hsm_leadership *leadership)
{
    return rind_hsm_leader_log_has_room(&leadership->log, RIND_HSM_LOG_RESERVE + 1) &&
           rind_hsm_leader_log_last(&leadership->log)->index != UINT64_MAX;
}

bool rind_hsm_has_room_for_transfer(const struct rind_hsm_leadership *leadership)
{
    return rind_hsm_leader_log_has_room(&leadership->log, 1) &&
           rind_hsm_leader_log_last(&leadership->log)->index != UINT64_MAX;
}
