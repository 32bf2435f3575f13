/* host_setup.c - realms, groups, restarts. */
#include "host.h"

void sim_send_status(struct sim *sim, uint32_t h)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_STATUS};
    (void)sim_call(sim, h, &request);
}

static void setup_new_realm(struct sim *sim, uint32_t h)
{
    if (sim->group_count >= SIM_GROUPS_WANTED) {
        return;
    }
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_NEW_REALM};
    (void)sim_call(sim, h, &request);
}

static void setup_join_realm(struct sim *sim, uint32_t h,
                             const struct sim_realm_statement *statement,
                             const struct rind_realm_id *realm)
{
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_JOIN_REALM,
        .join_realm = {.realm = *realm, .peer = statement->hsm, .statement = statement->statement}};
    (void)sim_call(sim, h, &request);
}

static const struct sim_realm_statement *setup_statement_of(const struct sim *sim, uint32_t h)
{
    for (size_t i = 0; i < sim->realm_statement_count; i++) {
        if (rind_hsm_id_equal(&sim->realm_statements[i].hsm, &sim->hsms[h].id)) {
            return &sim->realm_statements[i];
        }
    }
    return NULL;
}

/* NewGroup at `h` with each HSM of `chosen`; `is_mixed` swaps a statement or the order. */
static uint32_t setup_new_group(struct sim *sim, uint32_t h, const bool *chosen, bool is_mixed)
{
    if (sim->group_count >= SIM_GROUPS_WANTED) {
        return SIM_NONE;
    }
    struct rind_group_member members[SIM_HSMS_MAX];
    size_t count = 0;
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        const struct sim_realm_statement *statement = setup_statement_of(sim, i);
        if (!chosen[i] || statement == NULL) {
            continue;
        }
        size_t at = count;
        while (at > 0 && rind_hsm_id_compare(&members[at - 1].hsm, &statement->hsm) > 0) {
            members[at] = members[at - 1];
            at--;
        }
        members[at] =
            (struct rind_group_member){.hsm = statement->hsm, .statement = statement->statement};
        count++;
    }
    if (is_mixed && count > 0 && sim->realm_statement_count > 0) {
        const struct sim_realm_statement *other =
            &sim->realm_statements[sim_below(&sim->random, (uint32_t)sim->realm_statement_count)];
        struct rind_group_member *changed = &members[sim_below(&sim->random, (uint32_t)count)];
        uint32_t dice = sim_below(&sim->random, 4);
        if (dice == 3) {
            members[count - 1] = members[0]; /* listed twice, in order if there are two */
        } else if (dice != 0) {              /* both: genuine, but twice or out of order */
            changed->statement = other->statement;
        }
        if (dice == 0 || dice == 2) {
            changed->hsm = other->hsm;
        }
    }
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_NEW_GROUP,
        .new_group = {.realm = sim->hsms[h].realm, .members = {.items = members, .count = count}}};
    uint32_t before = sim->group_count;
    (void)sim_call(sim, h, &request);
    return sim->group_count > before && sim->groups[before].tail != SIM_NONE ? before : SIM_NONE;
}

static void setup_join_group(struct sim *sim, uint32_t h, uint32_t g, bool is_mixed)
{
    const struct sim_group *group = &sim->groups[g];
    struct rind_hsm_id ids[RIND_CONFIGURATION_LIMIT];
    size_t count = group->member_count;
    memcpy(ids, group->configuration, count * sizeof(ids[0]));
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_JOIN_GROUP,
                                       .join_group = {.realm = group->realm,
                                                      .group = group->id,
                                                      .configuration = {.items = ids},
                                                      .statement = group->statement}};
    if (is_mixed) {
        const struct sim_group *other = &sim->groups[sim_below(&sim->random, sim->group_count)];
        switch (sim_below(&sim->random, 4)) {
        case 0: /* a group of one */
            ids[0] = sim->hsms[h].id;
            count = 1;
            break;
        case 1:
            request.join_group.group = other->id;
            break;
        case 2:
            count = other->member_count;
            memcpy(ids, other->configuration, count * sizeof(ids[0]));
            break;
        default:
            request.join_group.realm = other->realm;
            break;
        }
    }
    request.join_group.configuration.count = count;
    (void)sim_call(sim, h, &request);
}

void sim_operation_setup(struct sim *sim)
{
    uint32_t h = sim_pick_up(sim);
    if (h == SIM_NONE) {
        sim_operation_restart(sim);
        return;
    }
    bool is_mixed = sim_dice(sim, 1, 3);
    uint32_t dice = sim_below(&sim->random, 8);
    if (dice == 0 || sim->realm_statement_count == 0) {
        setup_new_realm(sim, h);
    } else if (dice <= 2) {
        const struct sim_realm_statement *statement =
            &sim->realm_statements[sim_below(&sim->random, (uint32_t)sim->realm_statement_count)];
        const struct rind_realm_id realm =
            is_mixed ? sim->realm_statements[0].realm : statement->realm;
        setup_join_realm(sim, h, statement, &realm);
    } else if (dice <= 4) {
        bool chosen[SIM_HSMS_MAX];
        for (uint32_t i = 0; i < SIM_HSMS_MAX; i++) {
            chosen[i] = sim_dice(sim, 2, 3);
        }
        chosen[h] = !is_mixed || sim_dice(sim, 1, 2);
        (void)setup_new_group(sim, h, chosen, is_mixed);
    } else {
        uint32_t g = sim_pick_group(sim);
        if (g != SIM_NONE) {
            setup_join_group(sim, h, g, is_mixed);
        }
    }
}

/* Boots what is down; with the wrong keys first, now and then. */
static void setup_boot(struct sim *sim, uint32_t h)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    const unsigned own = hsm->keyset;
    unsigned keyset = own;
    bool has_realm = sim_judge_image_has_realm(sim, h);
    if (sim_dice(sim, 1, 8)) {
        keyset = 1 - own;
    }
    rind_status status = sim_core_boot(sim, h, keyset);
    if (has_realm && keyset != own) {
        SIM_CHECK(sim, rind_is(status, RIND_E_AUTH), "an HSM boots with another realm's keys");
        status = sim_core_boot(sim, h, own);
    }
    if (!rind_is_ok(status)) {
        SIM_CHECK(sim, hsm->nvram_mode != SIM_NVRAM_WORKS && rind_is(status, RIND_E_IO),
                  "an HSM does not boot: %s", sim->ctx.sentence);
        return;
    }
    sim_story(sim, "%c boots", 'A' + (char)h);
    sim_judge_boot(sim, h);
}

void sim_operation_restart(struct sim *sim)
{
    uint32_t h = sim_below(&sim->random, sim->hsm_count);
    struct sim_hsm *hsm = &sim->hsms[h];
    sim->counters.restarts++;
    if (hsm->core != NULL) {
        if (sim->options.rolls_nvram_back && hsm->old.length > 0 && sim_dice(sim, 1, 4)) {
            hsm->image = hsm->old;
            sim_story(sim, "the host puts old bytes into the NVRAM of %c", 'A' + (char)h);
        }
        sim_core_stop(sim, h);
        sim_story(sim, "%c goes down", 'A' + (char)h);
        if (!sim->is_healing && sim_dice(sim, 1, 4)) {
            return;
        }
    }
    setup_boot(sim, h);
}

/* Calls an honest host until `group` owns everything and nothing is pending. */
static void setup_move_all(struct sim *sim, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < 400; i++) {
        rind_arena_reset(&sim->arena);
        uint32_t committed = sim->groups[to].committed;
        if (committed != SIM_NONE && sim->entries[committed].entry.has_partition &&
            !sim->entries[committed].entry.has_transferring) {
            return;
        }
        if (sim_dice(sim, 1, 6)) {
            sim_transfer_step(sim, from, to);
        } else {
            sim_progress(sim, sim_dice(sim, 1, 2) ? from : to);
        }
    }
}

/* A realm of most HSMs, a few groups, and a group of several that owns something. */
void sim_host_setup(struct sim *sim)
{
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        /* The last one may be a stranger's: other keys, whatever it says must count for nothing. */
        bool is_stranger = h > 0 && h == sim->hsm_count - 1 && sim_dice(sim, 1, 3);
        rind_status status = sim_core_boot(sim, h, is_stranger ? 1 : 0);
        SIM_CHECK(sim, rind_is_ok(status), "an HSM does not boot: %s", sim->ctx.sentence);
        sim_judge_boot(sim, h);
    }
    if (sim_dice(sim, 1, 16)) {
        return; /* the host must find its own way */
    }
    sim->is_healing = true;
    setup_new_realm(sim, 0);
    for (uint32_t h = 1; h < sim->hsm_count; h++) {
        if (sim_dice(sim, 15, 16)) {
            setup_join_realm(sim, h, &sim->realm_statements[0], &sim->realm_statements[0].realm);
        } else {
            setup_new_realm(sim, h);
        }
    }
    uint32_t wanted = 1 + sim_below(&sim->random, 3);
    for (uint32_t i = 0; i < wanted; i++) {
        bool chosen[SIM_HSMS_MAX];
        for (uint32_t h = 0; h < SIM_HSMS_MAX; h++) {
            chosen[h] = h < sim->hsm_count && sim->hsms[h].has_realm &&
                        rind_realm_id_equal(&sim->hsms[h].realm, &sim->hsms[0].realm) &&
                        (h == 0 || sim_dice(sim, 4, 5));
        }
        uint32_t g = setup_new_group(sim, 0, chosen, false);
        for (uint32_t h = 1; g != SIM_NONE && h < sim->hsm_count; h++) {
            if (chosen[h]) {
                setup_join_group(sim, h, g, false);
            }
        }
        if (g != SIM_NONE && i == 0) {
            setup_move_all(sim, 0, g);
        }
    }
    sim_register_users(sim);
    sim->is_healing = false;
}
