/* agents.c - `rind agents`: every agent with its HSM and groups (spec 08 section 14.1). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/ids.h"
#include "cli/status_json.h"

#define HASH_TEXT_SIZE RIND_HEX_SIZE(32)

static void agents_print_uptime(const struct rind_duration *uptime)
{
    uint64_t seconds = uptime->secs;
    (void)printf("    uptime: %" PRIu64 "d %" PRIu64 "h %" PRIu64 "m %" PRIu64 "s\n",
                 seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
}

static void agents_print_record_id(const char *indent, const char *label,
                                   const struct rind_record_id *id)
{
    char text[RIND_HEX_SIZE(32)];
    rind_hex_encode(rind_record_id_slice(id), text);
    (void)printf("%s%s 0x%s\n", indent, label, text);
}

static void agents_print_transfer(const struct rind_leader_status *leader)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    static const char indent[] = "                ";
    if (!leader->has_transferring) {
        (void)printf("            transfer: none\n");
        return;
    }
    if (leader->transferring.kind == RIND_TRANSFERRING_IN) {
        const struct rind_transferring_in *in = &leader->transferring.in;
        (void)printf("            prepared transfer:\n%ssource: %s\n%ssince log index: "
                     "LogIndex(%" PRIu64 ")\n",
                     indent, rind_cli_id_text(in->source.bytes, id), indent, in->at);
        agents_print_record_id(indent, "range start:", &in->range.start);
        agents_print_record_id(indent, "range end:  ", &in->range.end);
        return;
    }
    const struct rind_transferring_out *out = &leader->transferring.out;
    char hash[HASH_TEXT_SIZE];
    rind_hex_encode(rind_data_hash_slice(&out->partition.root_hash), hash);
    (void)printf(
        "            transferring out:\n%sdestination:  %s\n%sat log index: LogIndex(%" PRIu64
        ")\n",
        indent, rind_cli_id_text(out->destination.bytes, id), indent, out->at);
    agents_print_record_id(indent, "range start:", &out->partition.range.start);
    agents_print_record_id(indent, "range end:  ", &out->partition.range.end);
    (void)printf("%sroot hash:   %s\n", indent, hash);
}

static void agents_print_leader(const struct rind_leader_status *leader)
{
    (void)printf("        leader:\n");
    if (leader->has_committed) {
        (void)printf("            committed index: %" PRIu64 "\n", leader->committed);
    } else {
        (void)printf("            committed index: none\n");
    }
    if (leader->has_owned_range) {
        agents_print_record_id("            ", "owned range start:", &leader->owned_range.start);
        agents_print_record_id("            ", "owned range end:  ", &leader->owned_range.end);
    } else {
        (void)printf("            owned range: none\n");
    }
    agents_print_transfer(leader);
}

static void agents_print_role(const char *label, const struct rind_role_status *role)
{
    char memory[64];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_role_status_print(&text, role);
    (void)printf("%s%.*s\n", label, (int)text.length, (const char *)text.data);
}

static void agents_print_group(const struct rind_hsm_status_response *hsm,
                               const struct rind_group_status *group)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    (void)printf("    group: %s\n", rind_cli_id_text(group->id.bytes, id));
    agents_print_role("        role: ", &group->role);
    (void)printf("        workload: %" PRIu64 "\n", rind_workload_of_group(group));
    if (group->has_leader) {
        agents_print_leader(&group->leader);
    }
    (void)printf("        configuration:\n");
    for (size_t i = 0; i < group->configuration.count; i++) {
        const struct rind_hsm_id *member = &group->configuration.items[i];
        (void)printf("            - HSM ID: %s%s\n", rind_cli_id_text(member->bytes, id),
                     rind_hsm_id_equal(member, &hsm->id) ? " (self)" : "");
    }
    if (group->has_captured) {
        char mac[HASH_TEXT_SIZE];
        rind_hex_encode(rind_mac_slice(&group->captured.mac), mac);
        (void)printf("        captured index: %" PRIu64 "\n        captured entry MAC: %s\n",
                     group->captured.index, mac);
    } else {
        (void)printf("        captured: none\n");
    }
}

static int agents_compare_group(const void *left, const void *right)
{
    const struct rind_group_status *a = left;
    const struct rind_group_status *b = right;
    return rind_group_id_compare(&a->id, &b->id);
}

static int agents_compare_view(const void *left, const void *right)
{
    const struct rind_agent_group_status *a = left;
    const struct rind_agent_group_status *b = right;
    return rind_group_id_compare(&a->group, &b->group);
}

static void agents_print_hsm(const struct rind_hsm_status_response *hsm)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    char key[RIND_HEX_SIZE(64)];
    if (hsm->has_realm) {
        (void)printf("    workload: %" PRIu64 "\n", rind_workload_of_hsm(hsm));
    }
    (void)printf("    HSM ID: %s\n", rind_cli_id_text(hsm->id.bytes, id));
    struct rind_slice shown = hsm->public_key;
    shown.length = shown.length > 64 ? 64 : shown.length;
    rind_hex_encode(shown, key);
    (void)printf("    public key: %s\n", key);
    if (!hsm->has_realm) {
        (void)printf("    no realm\n");
        return;
    }
    (void)printf("    realm ID: %s\n", rind_cli_id_text(hsm->realm.id.bytes, id));
    qsort(hsm->realm.groups.items, hsm->realm.groups.count, sizeof(*hsm->realm.groups.items),
          agents_compare_group);
    for (size_t i = 0; i < hsm->realm.groups.count; i++) {
        agents_print_group(hsm, &hsm->realm.groups.items[i]);
    }
}

static void agents_print_service(const struct rind_agent_service_status *agent)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    char mac[HASH_TEXT_SIZE];
    (void)printf("    Agent status:\n        name: %.*s\n        build: %.*s\n",
                 (int)agent->name.length, (const char *)agent->name.data,
                 (int)agent->build_hash.length, (const char *)agent->build_hash.data);
    qsort(agent->groups.items, agent->groups.count, sizeof(*agent->groups.items),
          agents_compare_view);
    for (size_t i = 0; i < agent->groups.count; i++) {
        const struct rind_agent_group_status *view = &agent->groups.items[i];
        (void)printf("        group: %s\n", rind_cli_id_text(view->group.bytes, id));
        agents_print_role("            role:  ", &view->role);
        if (!view->has_leader) {
            continue;
        }
        (void)printf("                waiting clients:  %" PRIu64
                     "\n                append queue len: %" PRIu64 "\n",
                     view->leader.num_waiting_clients, view->leader.append_queue_len);
        if (view->leader.has_last_appended) {
            rind_hex_encode(rind_mac_slice(&view->leader.last_appended.mac), mac);
            (void)printf("                last appended: %" PRIu64 " / %s\n",
                         view->leader.last_appended.index, mac);
        } else {
            (void)printf("                last appended: None\n");
        }
    }
}

static void agents_print(const struct rind_cluster_agent *agent)
{
    (void)printf("agent:\n    discovery URL: %s\n", agent->url);
    if (!agent->has_answered) {
        (void)printf("    error getting status: %s\n\n", agent->fault);
        return;
    }
    agents_print_uptime(&agent->response.uptime);
    if (agent->response.has_hsm) {
        agents_print_hsm(&agent->response.hsm);
    } else {
        (void)printf("    no HSM found\n");
    }
    agents_print_service(&agent->response.agent);
    (void)printf("\n");
}

static rind_status agents_show(struct rind_cli *cli, const char *store, bool is_json)
{
    struct rind_cli_view view;
    RIND_TRY(rind_cli_connect(cli, store));
    RIND_TRY(rind_cli_look(cli, &view));
    if (is_json) {
        RIND_TRY(rind_cli_print_json(cli, rind_cli_agents_json(view.agents)));
        return rind_cli_require_all(cli, &view);
    }
    (void)printf("found %zu agents in service discovery\n", view.agents.count);
    if (view.agents.count > 0) {
        (void)printf("\n");
    }
    for (size_t i = 0; i < view.agents.count; i++) {
        agents_print(&view.agents.items[i]);
    }
    return rind_cli_require_all(cli, &view);
}

int rind_cli_agents(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {RIND_CLI_STORE_FLAG(store), RIND_CLI_JSON_FLAG(is_json)};
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {.program = "rind agents",
                                         .about = "Shows every agent, its HSM and its groups. Exit "
                                                  "status 1 if an agent did not answer.",
                                         .example = "rind agents --store lmdb:/var/lib/rind/store",
                                         .tables = tables,
                                         .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, agents_show(cli, store, is_json));
}
