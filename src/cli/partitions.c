/* partitions.c - `rind partitions`: who owns which records (spec 08 section 14). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ids.h"
#include "cli/text_table.h"

/* One reported leader that owns a range. */
struct partition_row {
    struct rind_group_id group;
    struct rind_owned_range range;
    bool has_committed;
    uint64_t committed;
};

static int partitions_compare(const void *left, const void *right)
{
    const struct partition_row *a = left;
    const struct partition_row *b = right;
    int order = rind_record_id_compare(&a->range.start, &b->range.start);
    return order != 0 ? order : rind_group_id_compare(&a->group, &b->group);
}

static rind_status partitions_list(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                   const struct rind_realm_id *realm, struct partition_row **rows,
                                   size_t *count)
{
    size_t capacity = 0;
    for (size_t i = 0; i < hsms.count; i++) {
        capacity += hsms.items[i].status->has_realm ? hsms.items[i].status->realm.groups.count : 0;
    }
    *rows = rind_ctx_alloc_array(ctx, capacity, sizeof(**rows));
    *count = 0;
    RIND_REQUIRE(ctx, *rows != NULL, RIND_E_LIMIT, "no memory for %zu groups", capacity);
    for (size_t i = 0; i < hsms.count; i++) {
        const struct rind_hsm_status_response *status = hsms.items[i].status;
        if (!status->has_realm || !rind_realm_id_equal(&status->realm.id, realm)) {
            continue;
        }
        for (size_t g = 0; g < status->realm.groups.count; g++) {
            const struct rind_group_status *group = &status->realm.groups.items[g];
            if (group->has_leader && group->leader.has_owned_range) {
                (*rows)[*count] =
                    (struct partition_row){group->id, group->leader.owned_range,
                                           group->leader.has_committed, group->leader.committed};
                (*count)++;
            }
        }
    }
    qsort(*rows, *count, sizeof(**rows), partitions_compare);
    return RIND_OK;
}

static void partitions_set_id(struct rind_text_table *table, size_t column,
                              const struct rind_record_id *id)
{
    char memory[RIND_RECORD_ID_TEXT_SIZE + 8];
    struct rind_buffer text;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_record_id_print(&text, id);
    rind_text_table_set(table, column, "%.*s", (int)text.length, memory);
}

static rind_status partitions_print(struct rind_ctx *ctx, const struct rind_realm_id *realm,
                                    const struct partition_row *rows, size_t count)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    struct rind_text_table table = {0};
    static const char *const titles[] = {"Group ID", "Start", "End", "Commit Index"};
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        rind_text_table_add_column(&table, titles[i], false);
    }
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(rind_text_table_add_row(ctx, &table));
        rind_text_table_set(&table, 0, "%s", rind_cli_id_text(rows[i].group.bytes, id));
        partitions_set_id(&table, 1, &rows[i].range.start);
        partitions_set_id(&table, 2, &rows[i].range.end);
        if (rows[i].has_committed) {
            rind_text_table_set(&table, 3, "%" PRIu64, rows[i].committed);
        } else {
            rind_text_table_set(&table, 3, "None");
        }
    }
    (void)printf("Realm: %s\n", rind_cli_id_text(realm->bytes, id));
    rind_text_table_print(&table, stdout);
    return RIND_OK;
}

static json_t *partitions_json(const struct rind_realm_id *realm, const struct partition_row *rows,
                               size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *committed =
            rows[i].has_committed ? json_integer((json_int_t)rows[i].committed) : json_null();
        (void)json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o}", "group",
                            rind_cli_json_hex(rind_group_id_slice(&rows[i].group)), "start",
                            rind_cli_json_hex(rind_record_id_slice(&rows[i].range.start)), "end",
                            rind_cli_json_hex(rind_record_id_slice(&rows[i].range.end)),
                            "committed", committed));
    }
    return json_pack("{s:o, s:o}", "realm", rind_cli_json_hex(rind_realm_id_slice(realm)),
                     "partitions", list);
}

/* The realms to show: all, or the one asked for. */
static rind_status partitions_realms(struct rind_cli *cli, const struct rind_cli_view *view,
                                     const char *wanted, struct rind_realm_id **realms,
                                     size_t *count)
{
    RIND_TRY(rind_cli_list_realms(&cli->ctx, view->hsms, realms, count));
    if (wanted == NULL) {
        return RIND_OK;
    }
    struct rind_realm_id one;
    rind_status resolved = rind_cli_resolve_realm(&cli->ctx, view->hsms, wanted, &one);
    RIND_REQUIRE(&cli->ctx, !rind_is(resolved, RIND_E_NOT_FOUND), RIND_E_NOT_FOUND,
                 "realm %s not found in cluster", wanted);
    RIND_TRY(resolved);
    (*realms)[0] = one;
    *count = 1;
    return RIND_OK;
}

static rind_status partitions_run(struct rind_cli *cli, const char *store, const char *wanted,
                                  bool is_json)
{
    struct rind_cli_view view;
    struct rind_realm_id *realms;
    size_t realm_count;
    if (wanted != NULL) {
        RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", wanted));
    }
    RIND_TRY(rind_cli_connect(cli, store));
    RIND_TRY(rind_cli_look(cli, &view));
    RIND_TRY(partitions_realms(cli, &view, wanted, &realms, &realm_count));
    json_t *root = is_json ? json_array() : NULL;
    for (size_t r = 0; r < realm_count; r++) {
        struct partition_row *rows;
        size_t count;
        RIND_TRY(partitions_list(&cli->ctx, view.hsms, &realms[r], &rows, &count));
        if (is_json) {
            (void)json_array_append_new(root, partitions_json(&realms[r], rows, count));
        } else if (count > 0) {
            RIND_TRY(partitions_print(&cli->ctx, &realms[r], rows, count));
        }
    }
    if (is_json) {
        RIND_TRY(rind_cli_print_json(cli, root));
    }
    return rind_cli_require_all(cli, &view);
}

int rind_cli_partitions(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    const char *realm = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        RIND_CLI_JSON_FLAG(is_json),
        {.value_name = "REALM",
         .kind = RIND_FLAG_TEXT,
         .help = "Show this realm only; the first digits of its id suffice.",
         .value = &realm},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind partitions",
        .about = "Shows which group owns which records. Exit status 1 if an agent did not answer.",
        .example = "rind partitions --store lmdb:/var/lib/rind/store",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, partitions_run(cli, store, realm, is_json));
}
