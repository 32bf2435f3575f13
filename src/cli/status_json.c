/* status_json.c - see status_json.h. */
#include "cli/status_json.h"

#include "cli/ids.h"

static json_t *json_number_or_null(bool is_known, uint64_t value)
{
    return is_known ? json_integer((json_int_t)value) : json_null();
}

static json_t *json_text(struct rind_slice text)
{
    json_t *value = json_stringn((const char *)text.data, text.length);
    return value != NULL ? value : json_null(); /* not UTF-8 */
}

static json_t *json_range(const struct rind_owned_range *range)
{
    return json_pack("{s:o, s:o}", "start", rind_cli_json_hex(rind_record_id_slice(&range->start)),
                     "end", rind_cli_json_hex(rind_record_id_slice(&range->end)));
}

static json_t *json_role(const struct rind_role_status *role)
{
    char memory[64];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_group_member_role_print(&text, &role->role);
    return json_pack("{s:s%, s:I}", "name", memory, text.length, "at", (json_int_t)role->at);
}

static json_t *json_transfer(const struct rind_leader_status *leader)
{
    if (!leader->has_transferring) {
        return json_null();
    }
    if (leader->transferring.kind == RIND_TRANSFERRING_IN) {
        const struct rind_transferring_in *in = &leader->transferring.in;
        return json_pack("{s:s, s:o, s:I, s:o}", "direction", "in", "source",
                         rind_cli_json_hex(rind_group_id_slice(&in->source)), "at",
                         (json_int_t)in->at, "range", json_range(&in->range));
    }
    const struct rind_transferring_out *out = &leader->transferring.out;
    return json_pack("{s:s, s:o, s:I, s:o}", "direction", "out", "destination",
                     rind_cli_json_hex(rind_group_id_slice(&out->destination)), "at",
                     (json_int_t)out->at, "range", json_range(&out->partition.range));
}

static json_t *json_leader(const struct rind_group_status *group)
{
    if (!group->has_leader) {
        return json_null();
    }
    const struct rind_leader_status *leader = &group->leader;
    return json_pack("{s:o, s:I, s:o, s:o}", "committed",
                     json_number_or_null(leader->has_committed, leader->committed), "last",
                     (json_int_t)leader->last, "owned_range",
                     leader->has_owned_range ? json_range(&leader->owned_range) : json_null(),
                     "transfer", json_transfer(leader));
}

static json_t *json_group(const struct rind_group_status *group)
{
    json_t *members = json_array();
    for (size_t i = 0; i < group->configuration.count; i++) {
        (void)json_array_append_new(
            members, rind_cli_json_hex(rind_hsm_id_slice(&group->configuration.items[i])));
    }
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o}", "group",
                     rind_cli_json_hex(rind_group_id_slice(&group->id)), "role",
                     json_role(&group->role), "workload", (json_int_t)rind_workload_of_group(group),
                     "captured", json_number_or_null(group->has_captured, group->captured.index),
                     "leader", json_leader(group), "configuration", members);
}

static json_t *json_hsm(const struct rind_hsm_status_response *hsm)
{
    json_t *groups = json_array();
    for (size_t i = 0; hsm->has_realm && i < hsm->realm.groups.count; i++) {
        (void)json_array_append_new(groups, json_group(&hsm->realm.groups.items[i]));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:I, s:o}", "id", rind_cli_json_hex(rind_hsm_id_slice(&hsm->id)),
        "public_key", rind_cli_json_hex(hsm->public_key), "realm",
        hsm->has_realm ? rind_cli_json_hex(rind_realm_id_slice(&hsm->realm.id)) : json_null(),
        "workload", (json_int_t)rind_workload_of_hsm(hsm), "groups", groups);
}

json_t *rind_cli_agents_json(struct rind_cluster_agent_list agents)
{
    json_t *list = json_array();
    for (size_t i = 0; i < agents.count; i++) {
        const struct rind_cluster_agent *agent = &agents.items[i];
        if (!agent->has_answered) {
            (void)json_array_append_new(
                list, json_pack("{s:s, s:s}", "url", agent->url, "error", agent->fault));
            continue;
        }
        const struct rind_agent_service_status *service = &agent->response.agent;
        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:o, s:o, s:I, s:o}", "url", agent->url, "name",
                      json_text(service->name), "build", json_text(service->build_hash), "uptime_s",
                      (json_int_t)agent->response.uptime.secs, "hsm",
                      agent->response.has_hsm ? json_hsm(&agent->response.hsm) : json_null()));
    }
    return list;
}

/* ---- groups ---- */

uint64_t rind_cli_lag(const struct rind_cluster_hsm *hsm, const struct rind_cluster_hsm *leader,
                      const struct rind_realm_id *realm, const struct rind_group_id *group)
{
    const struct rind_group_status *own = rind_cluster_find_group(hsm->status, realm, group);
    const struct rind_group_status *led = rind_cluster_find_group(leader->status, realm, group);
    if (own == NULL || led == NULL || !led->has_leader) {
        return 0;
    }
    uint64_t captured = own->has_captured ? own->captured.index : 0;
    return led->leader.last > captured ? led->leader.last - captured : 0;
}

static json_t *json_member(const struct rind_cluster_hsm *hsm,
                           const struct rind_cluster_hsm *leader, const struct rind_realm_id *realm,
                           const struct rind_group_status *group)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "hsm", rind_cli_json_hex(rind_hsm_id_slice(&hsm->status->id)),
        "agent", json_text(hsm->agent_name), "role", json_role(&group->role), "captured",
        json_number_or_null(group->has_captured, group->captured.index), "lag",
        json_number_or_null(leader != NULL,
                            leader != NULL ? rind_cli_lag(hsm, leader, realm, &group->id) : 0));
}

static json_t *json_realm_group(struct rind_cluster_hsm_list hsms,
                                const struct rind_cluster_group *group)
{
    const struct rind_cluster_hsm *leader = rind_cluster_leader(hsms, &group->realm, &group->group);
    json_t *members = json_array();
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *own =
            rind_cluster_find_group(hsms.items[i].status, &group->realm, &group->group);
        if (own != NULL) {
            (void)json_array_append_new(members,
                                        json_member(&hsms.items[i], leader, &group->realm, own));
        }
    }
    json_t *led =
        leader == NULL
            ? json_null()
            : json_leader(rind_cluster_find_group(leader->status, &group->realm, &group->group));
    json_t *leader_id =
        leader == NULL ? json_null() : rind_cli_json_hex(rind_hsm_id_slice(&leader->status->id));
    return json_pack("{s:o, s:o, s:o, s:o}", "group",
                     rind_cli_json_hex(rind_group_id_slice(&group->group)), "leader_hsm", leader_id,
                     "leader", led, "members", members);
}

json_t *rind_cli_groups_json(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms)
{
    struct rind_cluster_group_list groups;
    if (!rind_is_ok(rind_cluster_groups(ctx, hsms, &groups))) {
        return NULL;
    }
    json_t *realms = json_array();
    json_t *list = NULL; /* of the current realm; borrowed */
    for (size_t i = 0; i < groups.count; i++) {
        const struct rind_cluster_group *group = &groups.items[i];
        if (i == 0 || !rind_realm_id_equal(&groups.items[i - 1].realm, &group->realm)) {
            list = json_array();
            (void)json_array_append_new(
                realms,
                json_pack("{s:o, s:o}", "realm",
                          rind_cli_json_hex(rind_realm_id_slice(&group->realm)), "groups", list));
        }
        (void)json_array_append_new(list, json_realm_group(hsms, group));
    }
    return realms;
}
