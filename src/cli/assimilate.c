/*
 * assimilate.c - `rind experimental assimilate`: every HSM in as many groups, all with equal parts
 * (spec 08 section 13).
 *
 * Works towards the goal from whatever there is and can be run again at any time. Statuses are read
 * anew before each plan, and a group whose plan is impossible now waits until others have moved.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/ids.h"
#include "cli/manager_call.h"
#include "cli/owners.h"

#define ASSIMILATE_HSMS_MAX 256u

struct assimilate_options {
    const char *store;
    struct rind_url manager;
    bool has_manager;
    uint64_t group_size;
    const char *realm;
    bool is_json;
};

struct assimilation {
    struct rind_cli *cli;
    const struct assimilate_options *options;
    struct rind_cli_managers managers;
    struct rind_realm_id realm;
    const struct rind_cluster_hsm *hsms[ASSIMILATE_HSMS_MAX]; /* by HSM id */
    size_t hsm_count;
    struct rind_group_id groups[ASSIMILATE_HSMS_MAX];
    size_t group_count;
    size_t transfers;
};

static void assimilate_say(const struct assimilation *run, const char *text, size_t count)
{
    if (!run->options->is_json) {
        (void)fprintf(stderr, "%s: %zu\n", text, count);
    }
}

static int assimilate_compare_hsm(const void *left, const void *right)
{
    const struct rind_cluster_hsm *const *a = left;
    const struct rind_cluster_hsm *const *b = right;
    return rind_hsm_id_compare(&(*a)->status->id, &(*b)->status->id);
}

static int assimilate_compare_group(const void *left, const void *right)
{
    const struct rind_group_id *a = left;
    const struct rind_group_id *b = right;
    return rind_group_id_compare(a, b);
}

/* Reads all statuses; keeps HSMs of `realm`, or with NULL all of them. */
static rind_status assimilate_refresh(struct assimilation *run, const struct rind_realm_id *realm,
                                      struct rind_cli_view *view)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    RIND_TRY(rind_cli_look(run->cli, view));
    run->hsm_count = 0;
    for (size_t i = 0; i < view->hsms.count; i++) {
        const struct rind_hsm_status_response *status = view->hsms.items[i].status;
        if (realm != NULL &&
            (!status->has_realm || !rind_realm_id_equal(&status->realm.id, realm))) {
            continue;
        }
        RIND_REQUIRE(ctx, run->hsm_count < ASSIMILATE_HSMS_MAX, RIND_E_LIMIT, "more than %u HSMs",
                     ASSIMILATE_HSMS_MAX);
        run->hsms[run->hsm_count] = &view->hsms.items[i];
        run->hsm_count++;
    }
    RIND_REQUIRE(ctx, run->hsm_count >= run->options->group_size, RIND_E_UNAVAILABLE,
                 "Not enough HSMs: found %zu but need %" PRIu64, run->hsm_count,
                 run->options->group_size);
    qsort(run->hsms, run->hsm_count, sizeof(run->hsms[0]), assimilate_compare_hsm);
    return RIND_OK;
}

/* The given realm, the only one there is, or a new one on the first HSM. */
static rind_status assimilate_find_realm(struct assimilation *run, const struct rind_cli_view *view)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    struct rind_realm_id *realms;
    size_t count;
    if (run->options->realm != NULL) {
        return rind_cli_resolve_realm(ctx, view->hsms, run->options->realm, &run->realm);
    }
    RIND_TRY(rind_cli_list_realms(ctx, view->hsms, &realms, &count));
    if (count == 0) {
        struct rind_group_id group;
        return rind_create_realm(ctx, &run->cli->cluster, rind_cluster_hsm_url(run->hsms[0]),
                                 &run->realm, &group);
    }
    char first[RIND_CLI_ID_TEXT_SIZE];
    char second[RIND_CLI_ID_TEXT_SIZE];
    RIND_REQUIRE(ctx, count == 1, RIND_E_INVALID,
                 "Realm not specified and found multiple realms: %s, %s%s",
                 rind_cli_id_text(realms[0].bytes, first),
                 rind_cli_id_text(realms[1].bytes, second), count > 2 ? ", ..." : "");
    run->realm = realms[0];
    return RIND_OK;
}

/* Every HSM without a realm joins; needs one that is in it. */
static rind_status assimilate_join(struct assimilation *run)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    const char *urls[ASSIMILATE_HSMS_MAX];
    size_t count = 0;
    const char *member = NULL;
    char id[RIND_CLI_ID_TEXT_SIZE];
    for (size_t i = 0; i < run->hsm_count; i++) {
        const struct rind_hsm_status_response *status = run->hsms[i]->status;
        if (!status->has_realm) {
            urls[count] = rind_cluster_hsm_url(run->hsms[i]);
            count++;
        } else if (rind_realm_id_equal(&status->realm.id, &run->realm)) {
            member = rind_cluster_hsm_url(run->hsms[i]);
        }
    }
    RIND_REQUIRE(ctx, member != NULL, RIND_E_UNAVAILABLE,
                 "Could not find any available HSMs in realm %s (need at least one)",
                 rind_cli_id_text(run->realm.bytes, id));
    assimilate_say(run, "HSMs that join", count);
    return count == 0
               ? RIND_OK
               : rind_create_join_realm(ctx, &run->cli->cluster, &run->realm, urls, count, member);
}

/* HSM number `first` and those that follow it in the circle: is the group made of exactly them? */
static bool assimilate_is_made_of(const struct assimilation *run, size_t first,
                                  const struct rind_group_status *group)
{
    size_t size = (size_t)run->options->group_size;
    if (group->configuration.count != size) {
        return false;
    }
    for (size_t k = 0; k < size; k++) {
        const struct rind_hsm_id *wanted = &run->hsms[(first + k) % run->hsm_count]->status->id;
        bool is_member = false;
        for (size_t m = 0; m < size; m++) {
            is_member = is_member || rind_hsm_id_equal(&group->configuration.items[m], wanted);
        }
        if (!is_member) {
            return false;
        }
    }
    return true;
}

static bool assimilate_is_used(const struct assimilation *run, const struct rind_group_id *group)
{
    for (size_t i = 0; i < run->group_count; i++) {
        if (rind_group_id_equal(&run->groups[i], group)) {
            return true;
        }
    }
    return false;
}

/* The existing group of exactly these members with the smallest id, or a new one. */
static rind_status assimilate_group(struct assimilation *run, size_t first, size_t *created)
{
    const struct rind_realm_status *realm = &run->hsms[first]->status->realm;
    const struct rind_group_id *found = NULL;
    for (size_t g = 0; g < realm->groups.count; g++) {
        const struct rind_group_status *group = &realm->groups.items[g];
        if (assimilate_is_made_of(run, first, group) && !assimilate_is_used(run, &group->id) &&
            (found == NULL || rind_group_id_compare(&group->id, found) < 0)) {
            found = &group->id;
        }
    }
    if (found != NULL) {
        run->groups[run->group_count] = *found;
    } else {
        const char *urls[RIND_CREATE_MEMBERS_MAX];
        for (size_t k = 0; k < run->options->group_size; k++) {
            urls[k] = rind_cluster_hsm_url(run->hsms[(first + k) % run->hsm_count]);
        }
        RIND_TRY(rind_create_group(&run->cli->ctx, &run->cli->cluster, &run->realm, urls,
                                   (size_t)run->options->group_size,
                                   &run->groups[run->group_count]));
        (*created)++;
    }
    run->group_count++;
    return RIND_OK;
}

/*
 * Gives group number `index` its part. `*is_done` stays false, without failure, if that is not
 * possible before other groups have theirs.
 */
static rind_status assimilate_give(struct assimilation *run, size_t index, bool *is_done)
{
    struct rind_ctx *ctx = &run->cli->ctx;
    struct rind_cli_view view;
    struct rind_plan_step_list steps;
    struct rind_owned_range part;
    RIND_TRY(rind_plan_even_part(ctx, (uint32_t)index, (uint32_t)run->group_count, &part));
    RIND_TRY(rind_cli_look(run->cli, &view));
    rind_status planned =
        rind_cli_plan(ctx, view.hsms, &run->realm, &run->groups[index], &part, &steps);
    if (rind_is(planned, RIND_E_INVALID)) {
        return RIND_OK;
    }
    RIND_TRY(planned);
    for (size_t i = 0; i < steps.count; i++) {
        const struct rind_cluster_transfer_request request = {.realm = run->realm,
                                                              .source = steps.items[i].source,
                                                              .destination =
                                                                  steps.items[i].destination,
                                                              .range = steps.items[i].range};
        RIND_TRY(rind_cli_transfer_range(run->cli, &run->managers, &request, true));
        run->transfers++;
    }
    *is_done = true;
    return RIND_OK;
}

/* Rounds over the groups without their parts, as long as each round serves at least one. */
static rind_status assimilate_give_all(struct assimilation *run)
{
    bool is_done[ASSIMILATE_HSMS_MAX] = {false};
    size_t done = 0;
    size_t before;
    do {
        before = done;
        for (size_t i = 0; i < run->group_count; i++) {
            size_t mark = rind_arena_mark(run->cli->arena);
            if (!is_done[i]) {
                RIND_TRY(assimilate_give(run, i, &is_done[i]));
                done += is_done[i] ? 1 : 0;
            }
            rind_arena_release(run->cli->arena, mark);
        }
    } while (done < run->group_count && done > before);
    RIND_REQUIRE(&run->cli->ctx, done == run->group_count, RIND_E_INVALID,
                 "%zu of %zu groups got their part; the ranges of the others lie so that no order "
                 "of transfers fits: move one by hand with 'rind experimental transfer'",
                 done, run->group_count);
    return RIND_OK;
}

static rind_status assimilate_run(struct rind_cli *cli, const struct assimilate_options *options)
{
    struct assimilation *run = rind_ctx_alloc(&cli->ctx, sizeof(*run));
    struct rind_cli_view view;
    RIND_REQUIRE(&cli->ctx, run != NULL, RIND_E_LIMIT, "no memory");
    *run = (struct assimilation){.cli = cli, .options = options};
    if (options->realm != NULL) {
        RIND_TRY(rind_cli_check_prefix(&cli->ctx, "realm", options->realm));
    }
    RIND_TRY(rind_cli_connect(cli, options->store));
    RIND_TRY(rind_cli_find_managers(cli, options->has_manager ? &options->manager : NULL,
                                    &run->managers));
    RIND_TRY(assimilate_refresh(run, NULL, &view));
    RIND_TRY(assimilate_find_realm(run, &view));
    RIND_TRY(assimilate_refresh(run, NULL, &view));
    RIND_TRY(assimilate_join(run));
    RIND_TRY(assimilate_refresh(run, &run->realm, &view));
    size_t created = 0;
    for (size_t i = 0; i < run->hsm_count; i++) {
        RIND_TRY(assimilate_group(run, i, &created));
    }
    assimilate_say(run, "groups made", created);
    qsort(run->groups, run->group_count, sizeof(run->groups[0]), assimilate_compare_group);
    RIND_TRY(assimilate_give_all(run));
    assimilate_say(run, "ranges moved", run->transfers);
    return options->is_json
               ? rind_cli_print_json(
                     cli, json_pack("{s:o, s:I, s:I, s:I}", "realm",
                                    rind_cli_json_hex(rind_realm_id_slice(&run->realm)), "groups",
                                    (json_int_t)run->group_count, "groups_created",
                                    (json_int_t)created, "transfers", (json_int_t)run->transfers))
               : RIND_OK;
}

int rind_cli_assimilate(struct rind_cli *cli, int argc, char *const *argv)
{
    struct assimilate_options options = {0};
    const struct rind_flag flags[] = {
        RIND_CLI_STORE_FLAG(options.store),
        RIND_CLI_MANAGER_FLAG(options.manager, options.has_manager),
        {.name = "group-size",
         .kind = RIND_FLAG_U64,
         .fallback = "5",
         .min = 1,
         .max = RIND_CREATE_MEMBERS_MAX,
         .help = "Members of each group, and groups of each HSM.",
         .value = &options.group_size},
        {.name = "realm",
         .kind = RIND_FLAG_TEXT,
         .help = "Realm id, or its first digits. Default: the only realm there is, or a new one.",
         .value = &options.realm},
        RIND_CLI_JSON_FLAG(options.is_json),
    };
    const struct rind_flag_table tables[] = {RIND_FLAG_TABLE(NULL, flags)};
    const struct rind_command command = {
        .program = "rind experimental assimilate",
        .about =
            "Lets all HSMs join one realm and makes as many groups as HSMs, each of neighbours "
            "in the circle of HSMs, all owning equal parts. What exists is used; run it again "
            "after adding HSMs.",
        .example = "rind experimental assimilate --store lmdb:/var/lib/rind/store --group-size 3",
        .tables = tables,
        .table_count = 1};
    int exit_status;
    if (!rind_cli_flags(cli, &command, argc, argv, &exit_status)) {
        return exit_status;
    }
    return rind_cli_exit(cli, assimilate_run(cli, &options));
}
