/* stepdown.c - `rind stepdown`: has leaderships moved away from an HSM (spec 08 section 14). */
#include <stdio.h>

#include "cli/ids.h"
#include "cli/manager_call.h"

/* The manager asks several agents one after the other, each with its own time limit. */
#define STEPDOWN_TIMEOUT_MS 120000u

static const char *const stepdown_types[] = {"hsm", "group", NULL};

struct stepdown_options {
    const char *store;
    const char *type; /* NULL: whatever the id is found to be */
    const char *id;
    struct rind_url manager;
    bool has_manager;
    bool is_json;
};

static bool stepdown_is_type(const struct stepdown_options *options, const char *type)
{
    return options->type != NULL && strcmp(options->type, type) == 0;
}

/* The realm of a group, which no other realm has too: ids are random. */
static rind_status stepdown_resolve_group(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                          const char *prefix,
                                          struct rind_cluster_stepdown_request *request)
{
    struct rind_group_id id;
    struct rind_cluster_group_list groups;
    RIND_TRY(rind_cli_resolve_group(ctx, hsms, prefix, &id));
    RIND_TRY(rind_cluster_groups(ctx, hsms, &groups));
    request->kind = RIND_CLUSTER_STEPDOWN_REQUEST_GROUP;
    for (size_t i = 0; i < groups.count; i++) {
        if (rind_group_id_equal(&groups.items[i].group, &id)) {
            request->group = groups.items[i];
        }
    }
    return RIND_OK;
}

/* An HSM or a group, but not one of each. */
static rind_status stepdown_resolve_any(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                                        const struct stepdown_options *options,
                                        struct rind_cluster_stepdown_request *request)
{
    struct rind_cluster_stepdown_request hsm = {.kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM};
    if (stepdown_is_type(options, "group")) {
        return stepdown_resolve_group(ctx, hsms, options->id, request);
    }
    rind_status as_hsm = rind_cli_resolve_hsm(ctx, hsms, options->id, &hsm.hsm);
    if (stepdown_is_type(options, "hsm") || rind_is(as_hsm, RIND_E_INVALID)) {
        *request = hsm;
        return as_hsm;
    }
    rind_status as_group = stepdown_resolve_group(ctx, hsms, options->id, request);
    if (!rind_is_ok(as_hsm)) {
        RIND_REQUIRE(
            ctx, !rind_is(as_group, RIND_E_NOT_FOUND), RIND_E_NOT_FOUND,
            "resolving an HSM or group id: no item with that ID; 'rind agents' shows all there "
            "are");
        return as_group;
    }
    RIND_REQUIRE(ctx, rind_is(as_group, RIND_E_NOT_FOUND), RIND_E_INVALID,
                 "'%s' is the beginning of an HSM's and of a group's id: add --type", options->id);
    *request = hsm;
    return RIND_OK;
}

static rind_status stepdown_resolve(struct rind_cli *cli, const struct stepdown_options *options,
                                    struct rind_cluster_stepdown_request *request)
{
    request->kind = RIND_CLUSTER_STEPDOWN_REQUEST_HSM;
    if (stepdown_is_type(options, "hsm") && strlen(options->id) == 32 &&
        rind_hex_decode(rind_slice_text(options->id), request->hsm.bytes, 16)) {
        return RIND_OK; /* even if its agent is silent at the moment */
    }
    struct rind_cli_view view;
    RIND_TRY(rind_cli_look(cli, &view));
    return stepdown_resolve_any(&cli->ctx, view.hsms, options, request);
}

static rind_status stepdown_report(struct rind_cli *cli, const struct stepdown_options *options,
                                   const struct rind_cluster_stepdown_response *response)
{
    char memory[RIND_SENTENCE_SIZE_MAX];
    struct rind_buffer text;
    bool is_done = response->kind == RIND_CLUSTER_STEPDOWN_OK;
    rind_buffer_init(&text, memory, sizeof(memory));
    rind_stepdown_print(&text, response);
    if (options->is_json) {
        RIND_TRY(rind_cli_print_json(
            cli, json_pack("{s:b, s:s%}", "ok", is_done ? 1 : 0, "answer", memory, text.length)));
    } else if (is_done) {
        (void)printf("Leader stepdown successfully completed\n");
    }
    RIND_REQUIRE(&cli->ctx, is_done, RIND_E_UNAVAILABLE, "Leader stepdown had error: %.*s",
                 (int)text.length, memory);
    return RIND_OK;
}

static rind_status stepdown_run(struct rind_cli *cli, const struct stepdown_options *options)
{
    struct rind_cluster_stepdown_request request;
    struct rind_cluster_stepdown_response response;
    struct rind_cli_managers managers;
    RIND_TRY(rind_cli_check_prefix(&cli->ctx, "HSM or group", options->id));
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(stepdown_resolve(cli, options, &request));
    RIND_TRY(
        rind_cli_find_managers(cli, options->has_manager ? &options->manager : NULL, &managers));
    rind_status called = rind_cli_call_manager(cli, &managers, "moving leaderships",
                                               &rind_rpc_manager_leader_stepdown, &request,
                                               &response, STEPDOWN_TIMEOUT_MS);
    if (!rind_is_ok(called)) {
        return rind_fail_while(&cli->ctx, called,
                               "error while asking cluster manager to perform leadership stepdown");
    }
    return stepdown_report(cli, options, &response);
}

int rind_cli_stepdown(struct rind_cli *cli, int argc, char *const *argv)
{
    struct stepdown_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        RIND_CLI_MANAGER_FLAG(options.manager, options.has_manager),
        {.name = "type",
         .kind = RIND_FLAG_CHOICE,
         .choices = stepdown_types,
         .help = "What the id is. Needed if both have one that starts so; with hsm, an id of 32 "
                 "digits is taken as it is, even if its agent does not answer at the moment.",
         .value = &options.type},
        RIND_CLI_JSON_FLAG(options.is_json),
        {.value_name = "ID",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "HSM that shall lead nothing, or group that shall have another leader; the first "
                 "digits of its id suffice.",
         .value = &options.id},
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind stepdown",
        .about = "Moves all leaderships away from an HSM, or the leadership of one group, without "
                 "a gap in service. Exit status 1 if that was not possible.",
        .example = "rind stepdown --store lmdb:/var/lib/rind/store --type hsm 2f8b",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, stepdown_run(cli, &options));
}
