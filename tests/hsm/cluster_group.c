/* cluster_group.c - setting up a realm, and replication: see cluster.h. */
#include "hsm/cluster_inner.h"

struct rind_hsm_status_response cluster_status(struct cluster *cluster, unsigned h)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_STATUS};
    struct rind_hsm_status_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

static const struct rind_group_status *
group_find_status(const struct rind_hsm_status_response *status, const struct rind_group_id *group)
{
    for (size_t i = 0; status->has_realm && i < status->realm.groups.count; i++) {
        if (rind_group_id_equal(&status->realm.groups.items[i].id, group)) {
            return &status->realm.groups.items[i];
        }
    }
    return NULL;
}

struct rind_group_status cluster_group_status(struct cluster *cluster, unsigned h,
                                              const struct rind_group_id *group)
{
    struct rind_hsm_status_response status = cluster_status(cluster, h);
    const struct rind_group_status *found = group_find_status(&status, group);
    if (found == NULL) {
        cluster_fail("status", "the core is not in this group");
    }
    return *found;
}

void cluster_forget_captures(struct cluster *cluster, unsigned h, unsigned log)
{
    struct rind_hsm_status_response status = cluster_status(cluster, h);
    const struct rind_group_status *group = group_find_status(&status, &cluster->logs[log].group);
    bool has_captured = group != NULL && group->has_captured;
    cluster->hsms[h].next_index[log] = has_captured ? group->captured.index + 1 : 1;
}

static void group_join_realm(struct cluster *cluster, unsigned h,
                             const struct rind_hsm_status_response *peer)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_JOIN_REALM,
        .join_realm = {.realm = cluster->realm,
                       .peer = peer->id,
                       .statement = peer->realm.statement},
    };
    struct rind_hsm_join_realm_response answer;
    cluster_send(cluster, h, &request, &answer);
    RIND_ASSERT(answer.kind == RIND_HSM_JOIN_REALM_OK);
    RIND_ASSERT(rind_hsm_id_equal(&answer.ok.hsm, &cluster->hsms[h].id));
}

struct rind_group_id cluster_new_realm(struct cluster *cluster)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    struct rind_hsm_new_realm_response answer;
    cluster_send(cluster, 0, &request, &answer);
    RIND_ASSERT(answer.kind == RIND_HSM_NEW_REALM_OK);
    cluster->realm = answer.ok.realm;
    (void)cluster_log_add(cluster, &answer.ok.group);
    bool is_appended =
        cluster_append(cluster, &answer.ok.group, &answer.ok.entry, &answer.ok.delta);
    RIND_ASSERT(is_appended);
    struct rind_hsm_status_response first = cluster_status(cluster, 0);
    for (unsigned h = 1; h < cluster->hsm_count; h++) {
        group_join_realm(cluster, h, &first);
    }
    return answer.ok.group;
}

/* Ascending by id, as configurations are. */
static void group_sort_members(struct rind_group_member *members, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        for (unsigned j = i; j > 0; j--) {
            if (rind_hsm_id_compare(&members[j - 1].hsm, &members[j].hsm) < 0) {
                break;
            }
            struct rind_group_member swapped = members[j - 1];
            members[j - 1] = members[j];
            members[j] = swapped;
        }
    }
}

struct rind_group_id cluster_new_group(struct cluster *cluster, const unsigned *members,
                                       unsigned count)
{
    struct rind_group_member list[CLUSTER_HSMS_MAX];
    for (unsigned i = 0; i < count; i++) {
        struct rind_hsm_status_response status = cluster_status(cluster, members[i]);
        list[i] = (struct rind_group_member){.hsm = status.id, .statement = status.realm.statement};
    }
    group_sort_members(list, count);
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_NEW_GROUP,
        .new_group = {.realm = cluster->realm, .members = {.items = list, .count = count}},
    };
    struct rind_hsm_new_group_response made;
    cluster_send(cluster, members[0], &request, &made);
    RIND_ASSERT(made.kind == RIND_HSM_NEW_GROUP_OK);
    (void)cluster_log_add(cluster, &made.ok.group);
    bool is_appended = cluster_append(cluster, &made.ok.group, &made.ok.entry, NULL);
    RIND_ASSERT(is_appended);

    struct rind_hsm_id ids[CLUSTER_HSMS_MAX];
    for (unsigned i = 0; i < count; i++) {
        ids[i] = list[i].hsm;
    }
    struct rind_hsm_request join = {
        .kind = RIND_HSM_REQUEST_JOIN_GROUP,
        .join_group = {.realm = cluster->realm,
                       .group = made.ok.group,
                       .configuration = {.items = ids, .count = count},
                       .statement = made.ok.statement},
    };
    for (unsigned i = 1; i < count; i++) {
        struct rind_hsm_join_group_response joined;
        cluster_send(cluster, members[i], &join, &joined);
        RIND_ASSERT(joined.kind == RIND_HSM_JOIN_GROUP_OK);
    }
    return made.ok.group;
}

struct rind_group_id cluster_new_realm_and_group(struct cluster *cluster)
{
    struct rind_group_id first = cluster_new_realm(cluster);
    struct rind_hsm_commit_response commit = cluster_commit(cluster, 0, &first);
    RIND_ASSERT(commit.kind == RIND_HSM_COMMIT_OK);
    unsigned members[CLUSTER_HSMS_MAX];
    for (unsigned h = 0; h < cluster->hsm_count; h++) {
        members[h] = h;
    }
    struct rind_group_id group = cluster_new_group(cluster, members, cluster->hsm_count);
    commit = cluster_commit(cluster, 0, &group);
    RIND_ASSERT(commit.kind == RIND_HSM_COMMIT_OK);
    struct rind_owned_range full = rind_owned_range_full();
    cluster_transfer(cluster, 0, &first, 0, &group, &full);
    return group;
}

struct rind_hsm_capture_next_response cluster_capture_entries(struct cluster *cluster, unsigned h,
                                                              const struct rind_group_id *group,
                                                              const struct rind_log_entry *entries,
                                                              size_t count)
{
    struct rind_log_entry *copy = cluster_alloc(cluster, count, sizeof(*copy));
    if (count > 0) {
        memcpy(copy, entries, count * sizeof(*copy));
    }
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CAPTURE_NEXT,
        .capture_next = {.realm = cluster->realm,
                         .group = *group,
                         .entries = {.items = copy, .count = count}},
    };
    struct rind_hsm_capture_next_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

void cluster_capture(struct cluster *cluster, unsigned h, const struct rind_group_id *group)
{
    struct cluster_log *log = cluster_log_of(cluster, group);
    uint64_t *next = &cluster->hsms[h].next_index[log - cluster->logs];
    if (*next > log->count) {
        return;
    }
    size_t count = log->count - (size_t)(*next - 1);
    struct rind_hsm_capture_next_response answer =
        cluster_capture_entries(cluster, h, group, &log->entries[*next - 1], count);
    if (answer.kind != RIND_HSM_CAPTURE_NEXT_OK) {
        cluster_fail("capture", "the core did not take the log's entries");
    }
    *next += count;
}

struct rind_captured_list cluster_persist(struct cluster *cluster, unsigned h)
{
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_PERSIST_STATE};
    struct rind_hsm_persist_state_response answer;
    cluster_send(cluster, h, &request, &answer);
    RIND_ASSERT(answer.kind == RIND_HSM_PERSIST_STATE_OK);
    return answer.ok.captured;
}

struct rind_hsm_commit_response cluster_commit_with(struct cluster *cluster, unsigned h,
                                                    const struct rind_group_id *group,
                                                    const struct rind_captured_list *captures)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_COMMIT,
        .commit = {.realm = cluster->realm, .group = *group, .captures = *captures},
    };
    struct rind_hsm_commit_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

static bool group_is_member(struct cluster *cluster, unsigned h, const struct rind_group_id *group)
{
    struct rind_hsm_status_response status = cluster_status(cluster, h);
    return group_find_status(&status, group) != NULL;
}

struct rind_hsm_commit_response cluster_commit(struct cluster *cluster, unsigned h,
                                               const struct rind_group_id *group)
{
    struct rind_captured *all =
        cluster_alloc(cluster, (size_t)CLUSTER_HSMS_MAX * CLUSTER_GROUPS_MAX, sizeof(*all));
    struct rind_captured_list list = {.items = all};
    for (unsigned i = 0; i < cluster->hsm_count; i++) {
        if (cluster->hsms[i].core == NULL || !group_is_member(cluster, i, group)) {
            continue;
        }
        cluster_capture(cluster, i, group);
        struct rind_captured_list captures = cluster_persist(cluster, i);
        for (size_t c = 0; c < captures.count; c++) {
            all[list.count] = captures.items[c];
            list.count++;
        }
    }
    return cluster_commit_with(cluster, h, group, &list);
}

struct rind_hsm_become_leader_response cluster_become_leader(struct cluster *cluster, unsigned h,
                                                             const struct rind_group_id *group,
                                                             const struct rind_log_entry *last)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_BECOME_LEADER,
        .become_leader = {.realm = cluster->realm, .group = *group, .last_entry = *last},
    };
    struct rind_hsm_become_leader_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

struct rind_hsm_step_down_response cluster_step_down(struct cluster *cluster, unsigned h,
                                                     const struct rind_group_id *group, bool force)
{
    struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_STEP_DOWN,
        .step_down = {.realm = cluster->realm, .group = *group, .force = force},
    };
    struct rind_hsm_step_down_response answer;
    cluster_send(cluster, h, &request, &answer);
    return answer;
}

void cluster_lead(struct cluster *cluster, unsigned h, const struct rind_group_id *group)
{
    cluster_capture(cluster, h, group);
    struct rind_hsm_become_leader_response answer =
        cluster_become_leader(cluster, h, group, cluster_last(cluster, group));
    if (answer.kind != RIND_HSM_BECOME_LEADER_OK) {
        cluster_fail("lead", "the core did not become leader");
    }
}
