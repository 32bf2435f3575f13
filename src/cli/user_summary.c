/* user_summary.c - `rind user-summary`: users per realm and tenant (spec 08 section 14). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/dates.h"
#include "cli/ids.h"

/* Whole tables are read. */
#define USER_SUMMARY_TIMEOUT_MS 3600000u

static const char *const user_summary_whens[] = {"this-month", "last-month", NULL};

struct user_summary_options {
    const char *store;
    struct rind_flag_texts realms;
    const char *when;
    bool has_when;
    const char *start;
    const char *end;
    bool is_json;
};

static rind_status user_summary_period(struct rind_ctx *ctx,
                                       const struct user_summary_options *options,
                                       struct rind_cli_period *period)
{
    RIND_REQUIRE(ctx, (options->start == NULL) == (options->end == NULL), RIND_E_INVALID,
                 "--start and --end belong together: add the other one");
    RIND_REQUIRE(ctx, options->start == NULL || !options->has_when, RIND_E_INVALID,
                 "--when cannot be used with --start and --end: leave it out");
    if (options->start == NULL) {
        bool is_last = strcmp(options->when, "last-month") == 0;
        *period = rind_cli_month(rind_clock_unix_ms(), is_last ? 1 : 0);
        return RIND_OK;
    }
    RIND_TRY(rind_cli_parse_date(ctx, options->start, &period->start_unix_ms));
    RIND_TRY(rind_cli_parse_date(ctx, options->end, &period->end_unix_ms));
    RIND_REQUIRE(ctx, period->end_unix_ms > period->start_unix_ms, RIND_E_INVALID,
                 "end should be after the start");
    return RIND_OK;
}

/* The realms asked for, or all that agents report. Full ids need no agent to run. */
static rind_status user_summary_realms(struct rind_cli *cli,
                                       const struct user_summary_options *options,
                                       struct rind_realm_id **realms, size_t *count)
{
    struct rind_ctx *ctx = &cli->ctx;
    bool is_complete = options->realms.count > 0;
    *count = options->realms.count;
    *realms = rind_ctx_alloc_array(ctx, *count, sizeof(**realms));
    RIND_REQUIRE(ctx, *realms != NULL, RIND_E_LIMIT, "no memory for %zu realms", *count);
    for (size_t i = 0; i < *count; i++) {
        bool is_full =
            rind_realm_id_parse(rind_slice_text(options->realms.values[i]), &(*realms)[i]);
        is_complete = is_complete && is_full;
    }
    if (is_complete) {
        return RIND_OK;
    }
    struct rind_cli_view view;
    RIND_TRY(rind_cli_look(cli, &view));
    if (*count == 0) {
        RIND_TRY(rind_cli_list_realms(ctx, view.hsms, realms, count));
        RIND_REQUIRE(ctx, *count > 0, RIND_E_NOT_FOUND,
                     "couldn't find any realms via service discovery");
        return RIND_OK;
    }
    for (size_t i = 0; i < *count; i++) {
        RIND_TRY(rind_cli_resolve_realm(ctx, view.hsms, options->realms.values[i], &(*realms)[i]));
    }
    return RIND_OK;
}

/* CSV: a quotation mark inside a quoted field is doubled. */
static void user_summary_print_tenant(const char *tenant)
{
    (void)putchar('"');
    for (; *tenant != '\0'; tenant++) {
        if (*tenant == '"') {
            (void)putchar('"');
        }
        (void)putchar(*tenant);
    }
    (void)putchar('"');
}

static void user_summary_print(const struct rind_realm_id *realm,
                               const struct rind_user_counts *counts, json_t *rows)
{
    char start[RIND_CLI_TIME_TEXT_SIZE];
    char end[RIND_CLI_TIME_TEXT_SIZE];
    char id[RIND_CLI_ID_TEXT_SIZE];
    (void)rind_cli_time_text(counts->start_unix_ms, start);
    (void)rind_cli_time_text(counts->end_unix_ms, end);
    (void)rind_cli_id_text(realm->bytes, id);
    for (size_t i = 0; i < counts->count; i++) {
        const struct rind_user_count *tenant = &counts->tenants[i];
        if (rows != NULL) {
            (void)json_array_append_new(
                rows, json_pack("{s:s, s:s, s:s, s:s, s:I}", "start", start, "end", end, "realm",
                                id, "tenant", tenant->tenant, "users", (json_int_t)tenant->count));
            continue;
        }
        (void)printf("%s,%s,%s,", start, end, id);
        user_summary_print_tenant(tenant->tenant);
        (void)printf(",%" PRIu64 "\n", tenant->count);
    }
}

static rind_status user_summary_run(struct rind_cli *cli,
                                    const struct user_summary_options *options)
{
    struct rind_cli_period period;
    struct rind_realm_id *realms;
    size_t count;
    for (size_t i = 0; i < options->realms.count; i++) {
        RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", options->realms.values[i]));
    }
    RIND_TRY(user_summary_period(&cli->ctx, options, &period));
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(user_summary_realms(cli, options, &realms, &count));
    json_t *rows = options->is_json ? json_array() : NULL;
    rind_status status = RIND_OK;
    for (size_t i = 0; rind_is_ok(status) && i < count; i++) {
        struct rind_user_counts counts;
        status = rind_store_user_count(&cli->ctx, cli->store, &realms[i], period.start_unix_ms,
                                       period.end_unix_ms,
                                       rind_deadline_in_ms(USER_SUMMARY_TIMEOUT_MS), &counts);
        if (rind_is_ok(status)) {
            if (i == 0 && !options->is_json) {
                (void)printf("start,end,realm,tenant,users\n");
            }
            user_summary_print(&realms[i], &counts, rows);
        }
    }
    if (!rind_is_ok(status)) {
        json_decref(rows);
        return rind_fail_while(&cli->ctx, status, "counting rows in realm-users table");
    }
    return options->is_json ? rind_cli_print_json(cli, rows) : RIND_OK;
}

int rind_cli_user_summary(struct rind_cli *cli, int argc, char *const *argv)
{
    struct user_summary_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        {.name = "realm",
         .kind = RIND_FLAG_TEXTS,
         .help = "Realm id, or its first digits while its agents run. Default: all realms that "
                 "agents report.",
         .value = &options.realms},
        {.name = "when",
         .kind = RIND_FLAG_CHOICE,
         .choices = user_summary_whens,
         .fallback = "this-month",
         .help = "Month to count, in UTC.",
         .value = &options.when,
         .is_given = &options.has_when},
        {.name = "start",
         .value_name = "DATE",
         .kind = RIND_FLAG_TEXT,
         .help = "First day to count, yyyy-mm-dd, UTC; at most 116 days ago. Instead of --when.",
         .value = &options.start},
        {.name = "end",
         .value_name = "DATE",
         .kind = RIND_FLAG_TEXT,
         .help = "Day after the last one to count.",
         .value = &options.end},
        RIND_CLI_JSON_FLAG(options.is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind user-summary",
        .about = "Counts, per realm and tenant, the users that had a secret at some time of a "
                 "period; prints CSV.",
        .example = "rind user-summary --store lmdb:/var/lib/rind/store --when last-month",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, user_summary_run(cli, &options));
}
