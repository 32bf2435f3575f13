/* transfer.c - `rind transfer` and `rind experimental transfer` (spec 08 sections 12.4 and 14). */
#include <stdio.h>

#include "cli/ids.h"
#include "cli/manager_call.h"
#include "cli/owners.h"

struct transfer_options {
    const char *store;
    struct rind_url manager;
    bool has_manager;
    const char *realm;
    const char *source;
    const char *destination;
    const char *start;
    const char *end;
    bool is_json;
};

static rind_status transfer_report(struct rind_cli *cli, const struct transfer_options *options,
                                   size_t count, const char *sentence)
{
    if (options->is_json) {
        return rind_cli_print_json(cli, json_pack("{s:I}", "transfers", (json_int_t)count));
    }
    (void)printf("%s\n", sentence);
    return RIND_OK;
}

/* Checks what was typed, connects, and resolves what both commands need. */
static rind_status transfer_begin(struct rind_cli *cli, const struct transfer_options *options,
                                  struct rind_cluster_transfer_request *request,
                                  struct rind_cli_view *view)
{
    struct rind_ctx *ctx = &cli->ctx;
    RIND_TRY(rind_cli_parse_range(ctx, options->start, options->end, &request->range));
    RIND_TRY(rind_cli_check_prefix(ctx, "realm", options->realm));
    RIND_TRY(rind_cli_check_prefix(ctx, "group", options->destination));
    if (options->source != NULL) {
        RIND_TRY(rind_cli_check_prefix(ctx, "group", options->source));
    }
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cli_look(cli, view));
    RIND_TRY(rind_cli_resolve_realm(ctx, view->hsms, options->realm, &request->realm));
    return rind_cli_resolve_group(ctx, view->hsms, options->destination, &request->destination);
}

static rind_status transfer_run(struct rind_cli *cli, const struct transfer_options *options)
{
    struct rind_cluster_transfer_request request;
    struct rind_cli_view view;
    struct rind_cli_managers managers;
    RIND_TRY(transfer_begin(cli, options, &request, &view));
    RIND_TRY(rind_cli_resolve_group(&cli->ctx, view.hsms, options->source, &request.source));
    RIND_TRY(
        rind_cli_find_managers(cli, options->has_manager ? &options->manager : NULL, &managers));
    RIND_TRY(rind_cli_transfer_range(cli, &managers, &request, options->is_json));
    return transfer_report(cli, options, 1, "Ownership transfer completed successfully");
}

static rind_status transfer_run_planned(struct rind_cli *cli,
                                        const struct transfer_options *options)
{
    struct rind_cluster_transfer_request request;
    struct rind_cli_view view;
    struct rind_cli_managers managers;
    struct rind_plan_step_list steps;
    RIND_TRY(transfer_begin(cli, options, &request, &view));
    RIND_TRY(rind_cli_plan(&cli->ctx, view.hsms, &request.realm, &request.destination,
                           &request.range, &steps));
    RIND_TRY(
        rind_cli_find_managers(cli, options->has_manager ? &options->manager : NULL, &managers));
    for (size_t i = 0; i < steps.count; i++) {
        request.source = steps.items[i].source;
        request.destination = steps.items[i].destination;
        request.range = steps.items[i].range;
        RIND_TRY(rind_cli_transfer_range(cli, &managers, &request, options->is_json));
    }
    return transfer_report(cli, options, steps.count,
                           steps.count == 0 ? "nothing to do!"
                                            : "Ownership transfers completed successfully");
}

/* The rows of both commands; `rind experimental transfer` has no --source, which comes last. */
static bool transfer_parse(struct rind_cli *cli, const struct rind_command *text,
                           bool is_source_wanted, int argc, char *const *argv,
                           struct transfer_options *options, int *exit_status)
{
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options->store),
        RIND_CLI_MANAGER_FLAG(options->manager, options->has_manager),
        {.name = "realm",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Realm id, or its first digits.",
         .value = &options->realm},
        {.name = "destination",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Group that shall own the range; the first digits of its id suffice.",
         .value = &options->destination},
        {.name = "start",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "First record id of the range in hex. A last byte 00 or ff is repeated: 80, 7fff.",
         .value = &options->start},
        {.name = "end",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Last record id of the range, which belongs to it.",
         .value = &options->end},
        RIND_CLI_JSON_FLAG(options->is_json),
        {.name = "source",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Group that owns the range now: all it has, or a piece at one of its ends.",
         .value = &options->source},
    };
    const size_t count = sizeof(flags) / sizeof(flags[0]) - (is_source_wanted ? 0 : 1);
    const struct rind_flag_table tables[] = {{NULL, flags, count}};
    struct rind_command command = *text;
    command.tables = tables;
    command.table_count = 1;
    return rind_cli_flags(cli, &command, argc, argv, exit_status);
}

int rind_cli_transfer(struct rind_cli *cli, int argc, char *const *argv)
{
    static const struct rind_command text = {
        .program = "rind transfer",
        .about = "Moves a range of records from one group to another. The range is unavailable for "
                 "a moment; what is interrupted is finished by the cluster managers.",
        .example = "rind transfer --store lmdb:DIR --realm 2f8b --source 01 --destination 7c "
                   "--start 00 --end 7fff"};
    struct transfer_options options = {0};
    int exit_status;
    if (!transfer_parse(cli, &text, true, argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, transfer_run(cli, &options));
}

int rind_cli_transfer_planned(struct rind_cli *cli, int argc, char *const *argv)
{
    static const struct rind_command text = {
        .program = "rind experimental transfer",
        .about = "Makes a group own exactly a range, by as many transfers from and to other groups "
                 "as that takes.",
        .example = "rind experimental transfer --store lmdb:DIR --realm 2f8b --destination 7c "
                   "--start 4000 --end bfff"};
    struct transfer_options options = {0};
    int exit_status;
    if (!transfer_parse(cli, &text, false, argc, argv, &options, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, transfer_run_planned(cli, &options));
}
