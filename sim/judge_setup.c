/* judge_setup.c - Status, NewRealm, JoinRealm, NewGroup, JoinGroup (spec 02 section 9). */
#include "judge.h"

static void setup_judge_leader(struct sim *sim, const struct sim_member *member,
                               const struct rind_leader_status *leader)
{
    const struct rind_log_entry *last = &sim_log_last(sim, member)->entry;
    SIM_CHECK(sim,
              leader->has_committed == member->has_committed &&
                  (!member->has_committed || leader->committed == member->committed),
              "Status shows another committed index than the commits gave (invariant 5)");
    SIM_CHECK(sim, leader->last == last->index, "Status shows last index %llu, not %llu",
              (unsigned long long)leader->last, (unsigned long long)last->index);
    SIM_CHECK(sim,
              leader->has_owned_range == last->has_partition &&
                  (!last->has_partition ||
                   rind_owned_range_equal(&leader->owned_range, &last->partition.range)),
              "Status shows another range than the leader's last entry has");
    struct rind_log_entry shown = *last;
    shown.has_transferring = leader->has_transferring;
    if (shown.has_transferring) {
        shown.transferring = leader->transferring;
    }
    SIM_CHECK(sim, sim_entry_equal(&shown, last), "Status shows another transfer than there is");
}

static void setup_judge_group(struct sim *sim, uint32_t h, const struct rind_group_status *status)
{
    uint32_t g = sim_group_find(sim, &status->id);
    SIM_CHECK(sim, g != SIM_NONE && sim->groups[g].members[h].is_member,
              "Status shows a group that this HSM never joined");
    const struct sim_group *group = &sim->groups[g];
    const struct sim_member *member = &group->members[h];
    SIM_CHECK(sim,
              status->configuration.count == group->member_count &&
                  memcmp(status->configuration.items, group->configuration,
                         group->member_count * sizeof(group->configuration[0])) == 0,
              "Status shows another configuration than the group has");
    uint32_t shown = status->has_captured ? sim_entry_find(sim, &status->captured.mac) : SIM_NONE;
    SIM_CHECK(sim, shown == member->persisted,
              "Status shows another persisted capture than NVRAM holds");
    sim_judge_role(sim, "Status", member, &status->role);
    SIM_CHECK(sim, status->has_leader == (member->role == RIND_ROLE_LEADER),
              "Status shows a leader where there is none, or none where there is one");
    if (status->has_leader) {
        setup_judge_leader(sim, member, &status->leader);
    }
}

void sim_judge_status(struct sim *sim, uint32_t h, const struct rind_hsm_status_response *answer)
{
    const struct sim_hsm *hsm = &sim->hsms[h];
    SIM_CHECK(sim, rind_hsm_id_equal(&answer->id, &hsm->id), "Status shows another id");
    SIM_CHECK(sim, answer->has_realm == hsm->has_realm, "Status does not know its realm");
    if (!answer->has_realm) {
        return;
    }
    SIM_CHECK(sim,
              rind_realm_id_equal(&answer->realm.id, &hsm->realm) &&
                  rind_mac_equal(&answer->realm.statement, &hsm->statement),
              "Status shows another realm or statement");
    uint32_t count = 0;
    for (uint32_t g = 0; g < sim->group_count; g++) {
        count += sim->groups[g].members[h].is_member ? 1u : 0u;
    }
    SIM_CHECK(sim, answer->realm.groups.count == count, "Status shows %zu groups, not %u",
              answer->realm.groups.count, count);
    for (size_t i = 0; i < answer->realm.groups.count; i++) {
        setup_judge_group(sim, h, &answer->realm.groups.items[i]);
    }
}

/* Enters the first entry of a group that this HSM made, and that NVRAM names by now. */
static uint32_t setup_first_entry(struct sim *sim, uint32_t h, const struct rind_group_id *id,
                                  const struct rind_log_entry *entry,
                                  const struct rind_role_status *role)
{
    uint32_t g = sim_group_find(sim, id);
    SIM_CHECK(sim, g != SIM_NONE && sim->groups[g].members[h].is_member,
              "a group was made that NVRAM does not name (invariant 12)");
    SIM_CHECK(sim,
              entry->index == 1 && !entry->has_transferring &&
                  rind_ct_is_zero(entry->prev_mac.bytes, sizeof(entry->prev_mac.bytes)) &&
                  rind_hsm_id_equal(&entry->hsm, &sim->hsms[h].id),
              "the first entry of a group is not one");
    uint32_t e = sim_entry_add(sim, g, entry, h);
    for (uint32_t u = 0; u < SIM_USERS_MAX; u++) {
        sim->entries[e].records[u].kind = RIND_REGISTRATION_NOT_REGISTERED;
        sim->entries[e].records[u].registration = SIM_NONE;
    }
    struct sim_member *member = &sim->groups[g].members[h];
    sim_member_start_leading(sim, member, e);
    sim_judge_role(sim, "the answer", member, role);
    sim->groups[g].tail = e;
    return g;
}

void sim_judge_new_realm(struct sim *sim, uint32_t h,
                         const struct rind_hsm_new_realm_response *answer)
{
    sim_judge_kind(sim, RIND_HSM_REQUEST_NEW_REALM, answer->kind,
                   sim->hsms[h].had_realm ? RIND_HSM_NEW_REALM_HAVE_REALM : RIND_HSM_NEW_REALM_OK);
    if (answer->kind != RIND_HSM_NEW_REALM_OK) {
        return;
    }
    const struct rind_hsm_new_realm_ok *ok = &answer->ok;
    SIM_CHECK(sim, sim->hsms[h].has_realm && rind_realm_id_equal(&sim->hsms[h].realm, &ok->realm),
              "a realm was made that NVRAM does not name (invariants 11, 12)");
    uint32_t g = setup_first_entry(sim, h, &ok->group, &ok->entry, &ok->role);
    SIM_CHECK(sim, sim->groups[g].member_count == 1, "a realm's first group has other members");
    const struct rind_owned_range full = rind_owned_range_full();
    struct rind_data_hash root;
    sim_tree_root(sim, sim->entries[sim->groups[g].tail].records, &full, &root);
    SIM_CHECK(sim,
              ok->entry.has_partition &&
                  rind_owned_range_equal(&ok->entry.partition.range, &full) &&
                  rind_data_hash_equal(&ok->entry.partition.root_hash, &root),
              "a realm does not start with the empty tree over all records");
    sim_nodes_add(sim, &ok->delta);
}

static bool setup_statement_is_genuine(const struct sim *sim, unsigned keyset,
                                       const struct rind_realm_id *realm,
                                       const struct rind_hsm_id *hsm,
                                       const struct rind_mac *statement)
{
    for (size_t i = 0; i < sim->realm_statement_count; i++) {
        const struct sim_realm_statement *known = &sim->realm_statements[i];
        if (known->keyset == keyset && rind_realm_id_equal(&known->realm, realm) &&
            rind_hsm_id_equal(&known->hsm, hsm) && rind_mac_equal(&known->statement, statement)) {
            return true;
        }
    }
    return false;
}

void sim_judge_join_realm(struct sim *sim, uint32_t h,
                          const struct rind_hsm_join_realm_request *request,
                          const struct rind_hsm_join_realm_response *answer)
{
    const struct sim_hsm *hsm = &sim->hsms[h];
    bool is_in_it = hsm->has_realm && rind_realm_id_equal(&hsm->realm, &request->realm);
    unsigned expected = RIND_HSM_JOIN_REALM_OK;
    if (hsm->had_realm) {
        expected = is_in_it ? RIND_HSM_JOIN_REALM_OK : RIND_HSM_JOIN_REALM_HAVE_OTHER_REALM;
    } else if (!setup_statement_is_genuine(sim, hsm->keyset, &request->realm, &request->peer,
                                           &request->statement)) {
        expected = RIND_HSM_JOIN_REALM_INVALID_STATEMENT;
    }
    sim_judge_kind(sim, RIND_HSM_REQUEST_JOIN_REALM, answer->kind, expected);
    SIM_CHECK(sim, answer->kind != RIND_HSM_JOIN_REALM_OK || is_in_it,
              "a realm was joined that NVRAM does not name (invariant 12)");
}

/* Strictly ascending, 1 to 9, with our own id. */
static bool setup_configuration_is_valid(const struct rind_hsm_id *own,
                                         const struct rind_hsm_id *ids, size_t count)
{
    bool has_own = false;
    for (size_t i = 0; i < count; i++) {
        has_own = has_own || rind_hsm_id_equal(&ids[i], own);
        if (i > 0 && rind_hsm_id_compare(&ids[i - 1], &ids[i]) >= 0) {
            return false;
        }
    }
    return has_own && count <= RIND_CONFIGURATION_LIMIT;
}

static uint32_t setup_group_count(const struct sim *sim, uint32_t h)
{
    uint32_t count = 0;
    for (uint32_t g = 0; g < sim->group_count; g++) {
        count += sim->groups[g].members[h].is_member ? 1u : 0u;
    }
    return count;
}

static unsigned setup_new_group_kind(struct sim *sim, uint32_t h, uint32_t group_count,
                                     const struct rind_hsm_new_group_request *request)
{
    const struct sim_hsm *hsm = &sim->hsms[h];
    if (!hsm->has_realm || !rind_realm_id_equal(&hsm->realm, &request->realm)) {
        return RIND_HSM_NEW_GROUP_INVALID_REALM;
    }
    if (group_count >= RIND_GROUPS_LIMIT) {
        return RIND_HSM_NEW_GROUP_TOO_MANY_GROUPS;
    }
    struct rind_hsm_id ids[RIND_WIRE_CONFIGURATION_MAX];
    for (size_t i = 0; i < request->members.count; i++) {
        const struct rind_group_member *member = &request->members.items[i];
        if (!setup_statement_is_genuine(sim, hsm->keyset, &request->realm, &member->hsm,
                                        &member->statement)) {
            return RIND_HSM_NEW_GROUP_INVALID_STATEMENT;
        }
        ids[i] = member->hsm;
    }
    return setup_configuration_is_valid(&hsm->id, ids, request->members.count)
               ? RIND_HSM_NEW_GROUP_OK
               : RIND_HSM_NEW_GROUP_INVALID_CONFIGURATION;
}

void sim_judge_new_group(struct sim *sim, uint32_t h,
                         const struct rind_hsm_new_group_request *request,
                         const struct rind_hsm_new_group_response *answer)
{
    bool is_ok = answer->kind == RIND_HSM_NEW_GROUP_OK;
    uint32_t before = setup_group_count(sim, h) - (is_ok ? 1u : 0u); /* NVRAM was looked at */
    sim_judge_kind(sim, RIND_HSM_REQUEST_NEW_GROUP, answer->kind,
                   setup_new_group_kind(sim, h, before, request));
    if (!is_ok) {
        return;
    }
    const struct rind_hsm_new_group_ok *ok = &answer->ok;
    SIM_CHECK(sim, !ok->entry.has_partition, "a new group owns records");
    uint32_t g = setup_first_entry(sim, h, &ok->group, &ok->entry, &ok->role);
    struct sim_group *group = &sim->groups[g];
    SIM_CHECK(sim, group->member_count == request->members.count,
              "a new group does not have the members that were asked for");
    group->has_statement = true;
    group->statement = ok->statement;
}

static unsigned setup_join_group_kind(struct sim *sim, uint32_t h, bool was_member,
                                      uint32_t group_count,
                                      const struct rind_hsm_join_group_request *request)
{
    const struct sim_hsm *hsm = &sim->hsms[h];
    const struct rind_hsm_id_list *list = &request->configuration;
    if (!setup_configuration_is_valid(&hsm->id, list->items, list->count)) {
        return RIND_HSM_JOIN_GROUP_INVALID_CONFIGURATION;
    }
    if (!hsm->has_realm || !rind_realm_id_equal(&hsm->realm, &request->realm)) {
        return RIND_HSM_JOIN_GROUP_INVALID_REALM;
    }
    if (!was_member && group_count >= RIND_GROUPS_LIMIT) {
        return RIND_HSM_JOIN_GROUP_TOO_MANY_GROUPS;
    }
    uint32_t g = sim_group_find(sim, &request->group);
    bool is_genuine =
        g != SIM_NONE && sim->groups[g].has_statement && sim->groups[g].keyset == hsm->keyset &&
        rind_realm_id_equal(&sim->groups[g].realm, &request->realm) &&
        rind_mac_equal(&sim->groups[g].statement, &request->statement) &&
        sim->groups[g].member_count == list->count &&
        memcmp(sim->groups[g].configuration, list->items, list->count * sizeof(*list->items)) == 0;
    return is_genuine ? RIND_HSM_JOIN_GROUP_OK : RIND_HSM_JOIN_GROUP_INVALID_STATEMENT;
}

void sim_judge_join_group(struct sim *sim, uint32_t h,
                          const struct rind_hsm_join_group_request *request,
                          const struct rind_hsm_join_group_response *answer)
{
    uint32_t g = sim_group_find(sim, &request->group);
    bool is_member = g != SIM_NONE && sim->groups[g].members[h].is_member;
    sim_judge_kind(sim, RIND_HSM_REQUEST_JOIN_GROUP, answer->kind,
                   setup_join_group_kind(sim, h, is_member, setup_group_count(sim, h), request));
    if (answer->kind == RIND_HSM_JOIN_GROUP_OK) {
        SIM_CHECK(sim, is_member, "a group was joined that NVRAM does not name (invariant 12)");
        sim_judge_role(sim, "JoinGroup", &sim->groups[g].members[h], &answer->ok);
    }
}
