/* table_stats.c - `rind table-stats`: what a realm's tables hold (spec 08 section 14.3). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ids.h"

/* Whole tables are read. */
#define TABLE_STATS_TIMEOUT_MS 3600000u
#define TIME_TEXT_SIZE 32u

static const char *const table_names[] = {"log", "merkle", NULL};

/* Digits of UINT64_MAX, commas, NUL. */
#define COMMAS_SIZE 28u

/* "1,234,567" in the caller's buffer, which is returned. */
static const char *stats_commas(uint64_t value, char text[static COMMAS_SIZE])
{
    char digits[COMMAS_SIZE];
    int length = snprintf(digits, sizeof(digits), "%" PRIu64, value);
    size_t written = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            text[written++] = ',';
        }
        text[written++] = digits[i];
    }
    text[written] = '\0';
    return text;
}

static const char *stats_local_time(int64_t unix_us, char text[static TIME_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_us / 1000000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(text, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &local) == 0) {
        (void)snprintf(text, TIME_TEXT_SIZE, "?");
    }
    return text;
}

static void stats_print_log(const struct rind_log_stats *stats)
{
    char id[RIND_CLI_ID_TEXT_SIZE];
    char a[COMMAS_SIZE];
    char b[COMMAS_SIZE];
    for (size_t i = 0; i < stats->count; i++) {
        const struct rind_log_group_stats *group = &stats->groups[i];
        double expired = group->tombstones == 0 ? 0.0
                                                : 100.0 * (double)group->tombstones_expired /
                                                      (double)group->tombstones;
        (void)printf("log for group %s:\n", rind_cli_id_text(group->group.bytes, id));
        (void)printf("  row index %s through %s\n", stats_commas(group->index_lowest, a),
                     stats_commas(group->index_highest, b));
        (void)printf("  %s entry rows containing %s entries\n", stats_commas(group->entry_rows, a),
                     stats_commas(group->entries, b));
        (void)printf("  %s tombstones (%.2f%% expired)\n", stats_commas(group->tombstones, a),
                     expired);
        (void)printf("  approx. %s bytes\n", stats_commas(group->size_bytes, a));
    }
}

static json_t *stats_log_json(const struct rind_log_stats *stats)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < stats->count; i++) {
        const struct rind_log_group_stats *group = &stats->groups[i];
        (void)json_array_append_new(
            groups, json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "group",
                              rind_cli_json_hex(rind_group_id_slice(&group->group)), "index_lowest",
                              (json_int_t)group->index_lowest, "index_highest",
                              (json_int_t)group->index_highest, "entry_rows",
                              (json_int_t)group->entry_rows, "entries", (json_int_t)group->entries,
                              "tombstones", (json_int_t)group->tombstones, "tombstones_expired",
                              (json_int_t)group->tombstones_expired, "size_bytes",
                              (json_int_t)group->size_bytes));
    }
    return json_pack("{s:o, s:I}", "groups", groups, "rows_malformed",
                     (json_int_t)stats->rows_malformed);
}

static void stats_print_merkle(const struct rind_merkle_stats *stats)
{
    char count[COMMAS_SIZE];
    char prefix[RIND_HEX_SIZE(sizeof(stats->prefixes[0].prefix))];
    char oldest[TIME_TEXT_SIZE];
    char newest[TIME_TEXT_SIZE];
    (void)printf("%s total nodes\n", stats_commas(stats->nodes, count));
    (void)printf("prefixes with the most nodes (generally this shouldn't exceed the number of "
                 "groups)\nencoded_prefix, count, oldest, newest\n");
    for (size_t i = 0; i < stats->prefix_count; i++) {
        const struct rind_merkle_prefix_stats *row = &stats->prefixes[i];
        rind_hex_encode(rind_slice_make(row->prefix, row->prefix_size), prefix);
        (void)printf("%s\t%" PRIu64 "\t%s\t%s\n", prefix, row->cells,
                     stats_local_time(row->oldest_us, oldest),
                     stats_local_time(row->newest_us, newest));
    }
}

static json_t *stats_merkle_json(const struct rind_merkle_stats *stats)
{
    json_t *prefixes = json_array();
    for (size_t i = 0; i < stats->prefix_count; i++) {
        const struct rind_merkle_prefix_stats *row = &stats->prefixes[i];
        (void)json_array_append_new(
            prefixes,
            json_pack("{s:o, s:I, s:I, s:I}", "prefix",
                      rind_cli_json_hex(rind_slice_make(row->prefix, row->prefix_size)), "count",
                      (json_int_t)row->cells, "oldest_us", (json_int_t)row->oldest_us, "newest_us",
                      (json_int_t)row->newest_us));
    }
    return json_pack("{s:I, s:I, s:o}", "nodes", (json_int_t)stats->nodes, "rows_malformed",
                     (json_int_t)stats->rows_malformed, "prefixes", prefixes);
}

static rind_status stats_show(struct rind_cli *cli, const char *table,
                              const struct rind_realm_id *realm, bool is_json)
{
    struct rind_deadline deadline = rind_deadline_in_ms(TABLE_STATS_TIMEOUT_MS);
    uint64_t malformed;
    if (strcmp(table, "log") == 0) {
        struct rind_log_stats stats;
        RIND_TRY(rind_store_log_stats(&cli->ctx, cli->store, realm, deadline, &stats));
        malformed = stats.rows_malformed;
        if (is_json) {
            RIND_TRY(rind_cli_print_json(cli, stats_log_json(&stats)));
        } else {
            stats_print_log(&stats);
        }
    } else {
        struct rind_merkle_stats stats;
        RIND_TRY(rind_store_merkle_stats(&cli->ctx, cli->store, realm, deadline, &stats));
        malformed = stats.rows_malformed;
        if (is_json) {
            RIND_TRY(rind_cli_print_json(cli, stats_merkle_json(&stats)));
        } else {
            stats_print_merkle(&stats);
        }
    }
    RIND_REQUIRE(&cli->ctx, malformed == 0, RIND_E_CORRUPT, "%" PRIu64 " rows are malformed",
                 malformed);
    return RIND_OK;
}

static rind_status stats_run(struct rind_cli *cli, const char *store, const char *table,
                             const char *prefix, bool is_json)
{
    struct rind_realm_id realm;
    RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", prefix));
    RIND_TRY(rind_cli_connect(cli, store));
    if (!rind_realm_id_parse(rind_slice_text(prefix), &realm)) {
        struct rind_cli_view view;
        RIND_TRY(rind_cli_look(cli, &view));
        RIND_TRY(rind_cli_resolve_realm(&cli->ctx, view.hsms, prefix, &realm));
    }
    return stats_show(cli, table, &realm, is_json);
}

int rind_cli_table_stats(struct rind_cli *cli, int argc, char *const *argv)
{
    const char *store = NULL;
    const char *table = NULL;
    const char *realm = NULL;
    bool is_json = false;
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(store),
        RIND_CLI_JSON_FLAG(is_json),
        {.value_name = "TABLE",
         .kind = RIND_FLAG_CHOICE,
         .choices = table_names,
         .is_required = true,
         .help = "Table to read, all of it.",
         .value = &table},
        {.value_name = "REALM",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id; while its agents run, the first digits suffice.",
         .value = &realm},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind table-stats",
        .about = "Counts what a realm's log or tree table holds, row by row.",
        .example = "rind table-stats --store lmdb:/var/lib/rind/store log 2f8b",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, stats_run(cli, store, table, realm, is_json));
}
