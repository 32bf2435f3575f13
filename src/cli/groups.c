/* groups.c - `rind groups`: who leads what, log positions, ranges (spec 08 section 14.2). */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/ids.h"
#include "cli/status_json.h"
#include "cli/text_table.h"

#define GROUPS_WATCH_INTERVAL_MS 1000u

struct groups_options {
    const char *store;
    bool is_watching;
    bool is_json;
};

enum groups_column {
    COLUMN_HSM,
    COLUMN_AGENT,
    COLUMN_ROLE,
    COLUMN_CAPTURED,
    COLUMN_COMMIT,
    COLUMN_APPENDED,
    COLUMN_QUEUE,
    COLUMN_WAITING,
};

static void groups_add_columns(struct rind_text_table *table)
{
    rind_text_table_add_column(table, "HSM ID", false);
    rind_text_table_add_column(table, "Agent Name", false);
    rind_text_table_add_column(table, "Role", false);
    rind_text_table_add_column(table, "Captured", true);
    rind_text_table_add_column(table, "Commit", true);
    rind_text_table_add_column(table, "Last Appended", true);
    rind_text_table_add_column(table, "Append Q Len", true);
    rind_text_table_add_column(table, "Clients Waiting", true);
}

/* What the agent itself says of a group that its HSM leads, or NULL. */
static const struct rind_agent_leader_status *groups_find_view(const struct rind_cluster_hsm *hsm,
                                                               const struct rind_realm_id *realm,
                                                               const struct rind_group_id *group)
{
    const struct rind_agent_group_status_list *views = &hsm->agent->agent.groups;
    for (size_t i = 0; i < views->count; i++) {
        if (rind_realm_id_equal(&views->items[i].realm, realm) &&
            rind_group_id_equal(&views->items[i].group, group)) {
            return views->items[i].has_leader ? &views->items[i].leader : NULL;
        }
    }
    return NULL;
}

static void groups_fill_row(struct rind_text_table *table, const struct rind_cluster_hsm *hsm,
                            const struct rind_realm_id *realm,
                            const struct rind_group_status *group, bool is_leader)
{
    char memory[64];
    struct rind_buffer role;
    rind_buffer_init(&role, memory, sizeof(memory));
    rind_role_status_print(&role, &group->role);
    rind_text_table_set(table, COLUMN_AGENT, "%.*s", (int)hsm->agent_name.length,
                        (const char *)hsm->agent_name.data);
    rind_text_table_set(table, COLUMN_ROLE, "%.*s", (int)role.length, (const char *)role.data);
    if (group->has_captured) {
        rind_text_table_set(table, COLUMN_CAPTURED, "%" PRIu64, group->captured.index);
    } else {
        rind_text_table_set(table, COLUMN_CAPTURED, "None");
    }
    if (is_leader && group->leader.has_committed) {
        rind_text_table_set(table, COLUMN_COMMIT, "%" PRIu64, group->leader.committed);
    } else if (is_leader) {
        rind_text_table_set(table, COLUMN_COMMIT, "None");
    }
    const struct rind_agent_leader_status *view = groups_find_view(hsm, realm, &group->id);
    if (view != NULL) {
        if (view->has_last_appended) {
            rind_text_table_set(table, COLUMN_APPENDED, "%" PRIu64, view->last_appended.index);
        }
        rind_text_table_set(table, COLUMN_QUEUE, "%" PRIu64, view->append_queue_len);
        rind_text_table_set(table, COLUMN_WAITING, "%" PRIu64, view->num_waiting_clients);
    }
}

static bool groups_is_reported(struct rind_cluster_hsm_list hsms, const struct rind_hsm_id *id,
                               const struct rind_realm_id *realm, const struct rind_group_id *group)
{
    for (size_t i = 0; i < hsms.count; i++) {
        if (rind_hsm_id_equal(&hsms.items[i].status->id, id) &&
            rind_cluster_find_group(hsms.items[i].status, realm, group) != NULL) {
            return true;
        }
    }
    return false;
}

/* Rows for configured members that nobody reported. */
static rind_status groups_add_missing(struct rind_ctx *ctx, struct rind_text_table *table,
                                      struct rind_cluster_hsm_list hsms,
                                      const struct rind_realm_id *realm,
                                      const struct rind_group_status *group)
{
    for (size_t i = 0; i < group->configuration.count; i++) {
        const struct rind_hsm_id *member = &group->configuration.items[i];
        if (!groups_is_reported(hsms, member, realm, &group->id)) {
            char id[RIND_CLI_ID_TEXT_SIZE];
            RIND_TRY(rind_text_table_add_row(ctx, table));
            rind_text_table_set(table, COLUMN_HSM, "%s", rind_cli_id_text(member->bytes, id));
            rind_text_table_set(table, COLUMN_AGENT, "[error: not found]");
        }
    }
    return RIND_OK;
}

/*
 * Names members so far behind that they cannot take over (section 5). The table is for programs
 * too, so this is a line of its own, and there only when somebody should look.
 */
static void groups_print_lag(struct rind_cluster_hsm_list hsms,
                             const struct rind_cluster_hsm *leader,
                             const struct rind_realm_id *realm, const struct rind_group_id *group)
{
    for (size_t i = 0; i < hsms.count; i++) {
        uint64_t lag = rind_cli_lag(&hsms.items[i], leader, realm, group);
        if (lag >= RIND_CLUSTER_CAPTURE_LAG_MAX) {
            (void)printf("\tLagging: %.*s is %" PRIu64 " entries behind\n",
                         (int)hsms.items[i].agent_name.length,
                         (const char *)hsms.items[i].agent_name.data, lag);
        }
    }
}

static rind_status groups_show_one(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const struct rind_realm_id *realm,
                                   const struct rind_group_id *group)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    (void)printf("\tGroup: %s\n", rind_cli_id_text(group->bytes, id));
    const struct rind_cluster_hsm *leader = rind_cluster_leader(hsms, realm, group);
    if (leader != NULL) {
        const struct rind_leader_status *status =
            &rind_cluster_find_group(leader->status, realm, group)->leader;
        if (status->has_owned_range) {
            char memory[RIND_OWNED_RANGE_TEXT_SIZE];
            struct rind_buffer text;
            rind_buffer_init(&text, memory, sizeof(memory));
            rind_owned_range_print(&text, &status->owned_range);
            (void)printf("\tOwns: %.*s\n", (int)text.length, (const char *)text.data);
        }
    }
    struct rind_text_table table = {0};
    groups_add_columns(&table);
    const struct rind_group_status *any = NULL;
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_group_status *found =
            rind_cluster_find_group(hsms.items[i].status, realm, group);
        if (found != NULL) {
            RIND_TRY(rind_text_table_add_row(ctx, &table));
            rind_text_table_set(&table, COLUMN_HSM, "%s",
                                rind_cli_id_text(hsms.items[i].status->id.bytes, id));
            groups_fill_row(&table, &hsms.items[i], realm, found, &hsms.items[i] == leader);
            any = found;
        }
    }
    if (any != NULL) {
        RIND_TRY(groups_add_missing(ctx, &table, hsms, realm, any));
    }
    rind_text_table_print(&table, stdout);
    if (leader != NULL) {
        groups_print_lag(hsms, leader, realm, group);
    }
    return RIND_OK;
}

static rind_status groups_print(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms)
{
    struct rind_realm_id *realms;
    size_t realm_count;
    RIND_TRY(rind_cli_list_realms(ctx, hsms, &realms, &realm_count));
    for (size_t r = 0; r < realm_count; r++) {
        char id[RIND_CLI_ID_TEXT_SIZE];
        (void)printf("Realm: %s\n", rind_cli_id_text(realms[r].bytes, id));
        struct rind_group_id *groups;
        size_t group_count;
        RIND_TRY(rind_cli_list_groups(ctx, hsms, &realms[r], &groups, &group_count));
        for (size_t g = 0; g < group_count; g++) {
            RIND_TRY(groups_show_one(ctx, hsms, &realms[r], &groups[g]));
        }
        (void)printf("\n");
    }
    return RIND_OK;
}

static rind_status groups_show(struct rind_cli *cli, const struct groups_options *options)
{
    struct rind_cli_view view;
    RIND_TRY(rind_cli_look(cli, &view));
    if (options->is_json) {
        RIND_TRY(rind_cli_print_json(cli, rind_cli_groups_json(&cli->ctx, view.hsms)));
    } else {
        RIND_TRY(groups_print(&cli->ctx, view.hsms));
    }
    return rind_cli_require_all(cli, &view);
}

/* Shows again every second, in place on a terminal, until interrupted. */
static rind_status groups_watch(struct rind_cli *cli, const struct groups_options *options)
{
    struct rind_process *process;
    RIND_TRY(rind_process_open(&cli->ctx, &cli->log, &process));
    rind_status status;
    uint64_t reload_count = 0;
    do {
        size_t mark = rind_arena_mark(cli->arena);
        if (isatty(STDOUT_FILENO) && !options->is_json) {
            (void)printf("\033[H\033[2J");
        }
        status = groups_show(cli, options);
        if (rind_is(status, RIND_E_UNAVAILABLE)) { /* an agent is down: that is what we watch for */
            (void)fprintf(options->is_json ? stderr : stdout, "%s\n", cli->ctx.sentence);
            status = RIND_OK;
        }
        (void)fflush(stdout);
        rind_arena_release(cli->arena, mark);
    } while (
        rind_is_ok(status) &&
        !rind_process_wait(process, rind_deadline_in_ms(GROUPS_WATCH_INTERVAL_MS), &reload_count));
    rind_process_close(process);
    return status;
}

static rind_status groups_run(struct rind_cli *cli, const struct groups_options *options)
{
    RIND_TRY(rind_cli_connect(cli, options->store));
    return options->is_watching ? groups_watch(cli, options) : groups_show(cli, options);
}

int rind_cli_groups(struct rind_cli *cli, int argc, char *const *argv)
{
    struct groups_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        {.name = "watch",
         .letter = 'w',
         .kind = RIND_FLAG_BOOL,
         .help = "Show again every second, in place on a terminal, until Ctrl-C.",
         .value = &options.is_watching},
        RIND_CLI_JSON_FLAG(options.is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind groups",
        .about = "Shows who leads each group, its members' log positions and its range, and names "
                 "members that are too far behind to lead. Exit status 1 if an agent did not "
                 "answer.",
        .example = "rind groups --store lmdb:/var/lib/rind/store --watch",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, groups_run(cli, &options));
}
