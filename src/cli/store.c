/* store.c - `rind store stats`, `check` and `copy`: what is in a store, whether it is all there,
 * and taking it elsewhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/ids.h"
#include "rpc/rpc.h"

/* Whole stores are read. */
#define STORE_TIMEOUT_MS 86400000u
#define STORE_ASK_TIMEOUT_MS 2000u /* of a service, whether it runs */
#define STORE_LMDB_PREFIX "lmdb:"

/* ---- progress, for people ---- */

static void progress_report(void *self, const char *what, uint64_t done)
{
    (void)self;
    (void)fprintf(stderr, "\r  %s: %" PRIu64 "\033[K", what, done);
    (void)fflush(stderr);
}

static struct rind_store_progress progress_open(void)
{
    struct rind_store_progress progress = {isatty(STDERR_FILENO) ? progress_report : NULL, NULL};
    return progress;
}

static void progress_close(const struct rind_store_progress *progress)
{
    if (progress->report != NULL) {
        (void)fprintf(stderr, "\r\033[K");
    }
}

static json_t *json_count(uint64_t count)
{
    return json_integer((json_int_t)count);
}

/* ---- stats ---- */

static rind_status stats_of_tables(struct rind_cli *cli, const struct rind_store_progress *progress,
                                   json_t *tables_json, bool is_json)
{
    struct rind_engine *engine = rind_store_engine(cli->store);
    struct rind_deadline deadline = rind_deadline_in_ms(STORE_TIMEOUT_MS);
    struct rind_tables tables;
    RIND_TRY(rind_engine_list_tables(&cli->ctx, engine, deadline, &tables));
    for (size_t i = 0; i < tables.count; i++) {
        struct rind_table_summary summary;
        char name[RIND_TABLE_NAME_SIZE];
        rind_table_name(&tables.tables[i], name);
        RIND_TRY(rind_store_table_summary(&cli->ctx, engine, &tables.tables[i], progress, deadline,
                                          &summary));
        progress_close(progress);
        if (!is_json) {
            (void)printf("%-46s %12" PRIu64 " rows %12" PRIu64 " cells %15" PRIu64 " bytes\n", name,
                         summary.rows, summary.cells, summary.size_bytes);
        }
        (void)json_array_append_new(
            tables_json, json_pack("{s:s, s:o, s:o, s:o, s:o}", "table", name, "rows",
                                   json_count(summary.rows), "cells", json_count(summary.cells),
                                   "size_bytes", json_count(summary.size_bytes), "digest",
                                   rind_cli_json_hex(RIND_SLICE_OF(summary.digest))));
    }
    return RIND_OK;
}

static json_t *stats_engine_json(const struct rind_engine *engine,
                                 const struct rind_engine_statistics *statistics)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "name", rind_engine_name(engine),
                     "size_bytes", json_count(statistics->size_bytes), "size_bytes_used",
                     json_count(statistics->size_bytes_used), "size_bytes_limit",
                     json_count(statistics->size_bytes_limit), "readers",
                     json_count(statistics->readers), "reader_oldest_process",
                     json_count(statistics->reader_oldest_process), "reader_oldest_commits",
                     json_count(statistics->reader_oldest_commits));
}

static rind_status stats_show(struct rind_cli *cli, const char *store, bool is_json)
{
    struct rind_store_progress progress = progress_open();
    struct rind_engine_statistics statistics = {0};
    RIND_TRY(rind_cli_connect(cli, store));
    json_t *tables = json_array();
    rind_status status = stats_of_tables(cli, &progress, tables, is_json);
    if (!rind_is_ok(status)) {
        json_decref(tables);
        return status;
    }
    struct rind_engine *engine = rind_store_engine(cli->store);
    rind_engine_statistics(engine, &statistics);
    if (is_json) {
        return rind_cli_print_json(cli, json_pack("{s:o, s:o}", "engine",
                                                  stats_engine_json(engine, &statistics), "tables",
                                                  tables));
    }
    json_decref(tables);
    (void)printf("%s: %" PRIu64 " bytes on disk, %" PRIu64 " of them in use, %" PRIu64
                 " readers now\n",
                 rind_engine_name(engine), statistics.size_bytes, statistics.size_bytes_used,
                 (uint64_t)statistics.readers);
    if (statistics.reader_oldest_process != 0) {
        (void)printf("process %" PRIu32 " reads a state %" PRIu64
                     " commits old: if that does not end, the file grows\n",
                     statistics.reader_oldest_process, statistics.reader_oldest_commits);
    }
    return RIND_OK;
}

int rind_cli_store_stats(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {RIND_CLI_STORE_FLAG(store), RIND_CLI_JSON_FLAG(is_json)};
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind store stats",
        .about = "Counts the rows, cells and bytes of every table of a store, reading all of it. "
                 "Each table has a digest: equal for equal tables, whatever the engine. (rind "
                 "table-stats looks into one table.)",
        .example = "rind store stats --store lmdb:/var/lib/rind/store --json",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, stats_show(cli, store, is_json));
}

/* ---- check ---- */

static const char *check_fault_name(enum rind_store_check_fault fault)
{
    return fault == RIND_STORE_CHECK_MISSING ? "missing" : "wrong";
}

static void check_print(const struct rind_realm_id *realm,
                        const struct rind_store_check_result *result, uint64_t elapsed_ns)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    (void)printf("realm %s\n", rind_cli_id_text(realm->bytes, id));
    for (size_t i = 0; i < result->group_count; i++) {
        const struct rind_store_check_group *group = &result->groups[i];
        (void)printf("  group %s: entry %" PRIu64 ", ", rind_cli_id_text(group->group.bytes, id),
                     group->index);
        if (group->has_partition) {
            (void)printf("%" PRIu64 " nodes, %" PRIu64 " of them records\n", group->nodes,
                         group->leaves);
        } else {
            (void)printf("owns no records\n");
        }
    }
    (void)printf("  %" PRIu64 " rows: %" PRIu64 " nodes verified, %" PRIu64 " garbage, %" PRIu64
                 " malformed; %" PRIu64 " nodes missing, %" PRIu64 " wrong\n",
                 result->rows, result->nodes, result->garbage, result->rows_malformed,
                 result->missing, result->wrong);
    if (result->nodes_in_transfer > 0) {
        (void)printf("  %" PRIu64 " nodes verified of trees that are being given away\n",
                     result->nodes_in_transfer);
    }
    for (size_t i = 0; i < result->problem_count; i++) {
        const struct rind_store_check_problem *problem = &result->problems[i];
        char key[RIND_HEX_SIZE(RIND_ROW_KEY_SIZE_MAX)];
        rind_hex_encode(rind_row_key_slice(&problem->row_key), key);
        (void)printf("  %s: %s of group %s\n", check_fault_name(problem->fault), key,
                     rind_cli_id_text(problem->group.bytes, id));
    }
    (void)printf("  %.2f s, %.0f nodes per second\n", (double)elapsed_ns / 1e9,
                 elapsed_ns > 0 ? (double)result->nodes * 1e9 / (double)elapsed_ns : 0.0);
}

static json_t *check_groups_json(const struct rind_store_check_result *result)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < result->group_count; i++) {
        const struct rind_store_check_group *group = &result->groups[i];
        (void)json_array_append_new(
            groups,
            json_pack("{s:o, s:o, s:b, s:o, s:o}", "group",
                      rind_cli_json_hex(rind_group_id_slice(&group->group)), "index",
                      json_count(group->index), "has_partition", (int)group->has_partition, "nodes",
                      json_count(group->nodes), "records", json_count(group->leaves)));
    }
    return groups;
}

static json_t *check_json(const struct rind_realm_id *realm,
                          const struct rind_store_check_result *result, uint64_t elapsed_ns)
{
    json_t *problems = json_array();
    for (size_t i = 0; i < result->problem_count; i++) {
        const struct rind_store_check_problem *problem = &result->problems[i];
        (void)json_array_append_new(
            problems, json_pack("{s:s, s:o, s:o}", "fault", check_fault_name(problem->fault), "key",
                                rind_cli_json_hex(rind_row_key_slice(&problem->row_key)), "group",
                                rind_cli_json_hex(rind_group_id_slice(&problem->group))));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:f}", "realm",
        rind_cli_json_hex(rind_realm_id_slice(realm)), "groups", check_groups_json(result), "rows",
        json_count(result->rows), "rows_malformed", json_count(result->rows_malformed), "nodes",
        json_count(result->nodes), "nodes_in_transfer", json_count(result->nodes_in_transfer),
        "garbage", json_count(result->garbage), "missing", json_count(result->missing), "wrong",
        json_count(result->wrong), "problems", problems, "elapsed_s", (double)elapsed_ns / 1e9);
}

/* What is wrong with all realms looked at. */
struct check_faults {
    uint64_t nodes; /* missing or wrong */
    uint64_t strangers;
    char stranger[RIND_STORE_KEY_TEXT_SIZE]; /* the key of one */
};

/* Adds to `*faults` what is wrong with the realm, and to `list` what there is to say. */
static rind_status check_realm(struct rind_cli *cli, const struct rind_realm_id *realm,
                               bool is_json, json_t *list, struct check_faults *faults)
{
    struct rind_store_progress progress = progress_open();
    struct rind_store_check_result result;
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status = rind_store_check(&cli->ctx, cli->store, realm, &progress,
                                          rind_deadline_in_ms(STORE_TIMEOUT_MS), &result);
    uint64_t elapsed_ns = rind_clock_monotonic_ns() - start_ns;
    progress_close(&progress);
    RIND_TRY(status);
    faults->nodes += result.missing + result.wrong;
    if (result.rows_malformed > 0) {
        faults->strangers += result.rows_malformed;
        memcpy(faults->stranger, result.malformed_key, sizeof(faults->stranger));
    }
    if (is_json) {
        (void)json_array_append_new(list, check_json(realm, &result, elapsed_ns));
    } else {
        check_print(realm, &result, elapsed_ns);
    }
    char id[RIND_CLI_ID_TEXT_SIZE];
    RIND_REQUIRE(&cli->ctx, result.group_count > 0, RIND_E_NOT_FOUND,
                 "the log of realm %s is empty: either the realm was never finished, or the table "
                 "is another program's; delete it, or check --bigtable-instance",
                 rind_cli_id_text(realm->bytes, id));
    return RIND_OK;
}

/* The realm that was asked for, or all that the store has a log of. */
static rind_status check_realms(struct rind_cli *cli, const char *realm_text, bool is_json,
                                json_t *list, struct check_faults *faults)
{
    struct rind_realm_id realm;
    struct rind_tables tables;
    size_t count = 0;
    RIND_REQUIRE(&cli->ctx,
                 realm_text == NULL || rind_realm_id_parse(rind_slice_text(realm_text), &realm),
                 RIND_E_INVALID, "'%s' is no realm id of 32 hex digits", realm_text);
    if (realm_text != NULL) {
        return check_realm(cli, &realm, is_json, list, faults);
    }
    RIND_TRY(rind_engine_list_tables(&cli->ctx, rind_store_engine(cli->store),
                                     rind_deadline_in_ms(STORE_TIMEOUT_MS), &tables));
    for (size_t i = 0; i < tables.count; i++) {
        if (tables.tables[i].kind == RIND_TABLE_LOG) {
            count++;
            RIND_TRY(check_realm(cli, &tables.tables[i].realm, is_json, list, faults));
        }
    }
    RIND_REQUIRE(&cli->ctx, count > 0, RIND_E_NOT_FOUND, "the store has no realm with HSMs");
    return RIND_OK;
}

static rind_status check_show(struct rind_cli *cli, const char *store, const char *realm,
                              bool is_json)
{
    struct check_faults faults = {0};
    RIND_TRY(rind_cli_connect(cli, store));
    json_t *list = json_array();
    rind_status status = check_realms(cli, realm, is_json, list, &faults);
    if (rind_is_ok(status) && is_json) {
        status = rind_cli_print_json(cli, json_incref(list));
    }
    json_decref(list);
    RIND_TRY(status);
    RIND_REQUIRE(&cli->ctx, faults.nodes == 0, RIND_E_CORRUPT,
                 "%" PRIu64 " nodes are missing or wrong: restore the store from a copy, or the "
                 "records below them are lost",
                 faults.nodes);
    RIND_REQUIRE(&cli->ctx, faults.strangers == 0, RIND_E_CORRUPT,
                 "%" PRIu64
                 " rows of a tree table have no node's key, one of them \"%s\": no record "
                 "depends on them; find out who else writes to this store, and delete them",
                 faults.strangers, faults.stranger);
    return RIND_OK;
}

int rind_cli_store_check(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    const char *realm = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        RIND_CLI_JSON_FLAG(is_json),
        {.value_name = "REALM",
         .kind = RIND_FLAG_TEXT,
         .help = "Realm id. Default: all realms in the store.",
         .value = &realm},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind store check",
        .about = "Walks each group's tree from the root in its newest log entry and verifies the "
                 "hash of every node. Counts what no tree reaches (garbage, which agents remove) "
                 "and shows missing and wrong nodes with their row keys. Changes nothing. The "
                 "realm should stand still: one that is written meanwhile ends the check.",
        .example = "rind store check --store lmdb:/var/lib/rind/store",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, check_show(cli, store, realm, is_json));
}

/* ---- copy ---- */

/* Services that ended without a farewell stay registered for a while, so each is asked. */
static rind_status copy_require_stopped(struct rind_cli *cli)
{
    struct rind_services services;
    RIND_TRY(rind_store_discovery_lookup(&cli->ctx, cli->store, RIND_SERVICE_ANY,
                                         rind_deadline_in_ms(STORE_TIMEOUT_MS), &services));
    for (size_t i = 0; i < services.count; i++) {
        const struct rind_agent_status_request request = {0};
        struct rind_agent_status_response response;
        const char *url = services.services[i].url;
        rind_status status =
            rind_rpc_call(&cli->ctx, cli->client, url, &rind_rpc_status, &request, &response,
                          rind_deadline_in_ms(STORE_ASK_TIMEOUT_MS), NULL);
        RIND_REQUIRE(&cli->ctx, rind_is(status, RIND_E_NETWORK), RIND_E_BUSY,
                     "the realm is running: %s answers; stop its agents and cluster managers first",
                     url);
    }
    return RIND_OK;
}

/* One directory must not be opened twice by one process. */
static rind_status copy_require_different(struct rind_ctx *ctx, const char *from, const char *to)
{
    size_t prefix = strlen(STORE_LMDB_PREFIX);
    bool is_same = strcmp(from, to) == 0;
    if (strncmp(from, STORE_LMDB_PREFIX, prefix) == 0 &&
        strncmp(to, STORE_LMDB_PREFIX, prefix) == 0) {
        char *from_path = realpath(from + prefix, NULL);
        char *to_path = realpath(to + prefix, NULL);
        is_same =
            is_same || (from_path != NULL && to_path != NULL && strcmp(from_path, to_path) == 0);
        free(from_path);
        free(to_path);
    }
    RIND_REQUIRE(ctx, !is_same, RIND_E_INVALID, "both stores are the same");
    return RIND_OK;
}

static rind_status copy_to(struct rind_cli *cli, struct rind_store *target, bool is_json)
{
    struct rind_store_progress progress = progress_open();
    uint64_t rows;
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status =
        rind_store_copy(&cli->ctx, rind_store_engine(cli->store), rind_store_engine(target),
                        &progress, rind_deadline_in_ms(STORE_TIMEOUT_MS), &rows);
    double elapsed_s = (double)(rind_clock_monotonic_ns() - start_ns) / 1e9;
    progress_close(&progress);
    RIND_TRY(status);
    if (is_json) {
        return rind_cli_print_json(
            cli, json_pack("{s:o, s:f}", "rows", json_count(rows), "elapsed_s", elapsed_s));
    }
    (void)printf("%" PRIu64 " rows copied and compared in %.2f s\n", rows, elapsed_s);
    return RIND_OK;
}

static rind_status copy_run(struct rind_cli *cli, const char *from, const char *to, bool is_json)
{
    struct rind_bigtable_options bigtable;
    struct rind_store *target;
    RIND_TRY(copy_require_different(&cli->ctx, from, to));
    RIND_TRY(rind_bigtable_flags_options(&cli->ctx, &cli->bigtable, &cli->log, &bigtable));
    const struct rind_store_options options = {.bigtable = &bigtable, .log = &cli->log};
    RIND_TRY(rind_cli_connect(cli, from));
    RIND_TRY(copy_require_stopped(cli));
    RIND_TRY(rind_store_open(&cli->ctx, to, &options, &target));
    rind_status status = copy_to(cli, target, is_json);
    rind_store_close(target);
    return status;
}

int rind_cli_store_copy(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *from = NULL;
    const char *to = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {
        {.name = "from",
         .value_name = "STORE",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "The store to copy, such as lmdb:DIRECTORY. Its realms must not run.",
         .value = &from},
        {.name = "to",
         .value_name = "STORE",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Where to: a store without any of our tables; a directory is made if missing.",
         .value = &to},
        RIND_CLI_JSON_FLAG(is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind store copy",
        .about = "Copies all tables of a store to another, cell by cell, and compares the two. For "
                 "realms that are stopped (software realms too, which it cannot see). After a "
                 "failure throw the copy away and begin again.",
        .example = "rind store copy --from lmdb:/var/lib/rind/store --to lmdb:/mnt/new/store\n"
                   "  rind store copy --from lmdb:/var/lib/rind/store --to bigtable "
                   "--bigtable-project example --bigtable-instance realms",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, copy_run(cli, from, to, is_json));
}
