/*
 * judge_nvram.c - what cores write to NVRAM, read with our own eyes.
 *
 * Invariants 2, 11 and 12: captures only go on, memberships and identities stay, and nothing is
 * testified to that is not here. The judge's picture of what is persisted comes from these bytes.
 */
#include "judge.h"

static void nvram_decode(struct sim *sim, const struct sim_image *image,
                         struct rind_persistent_state *state)
{
    SIM_CHECK(sim, image->length >= RIND_BLAKE2S_SIZE, "a core wrote %zu bytes to NVRAM",
              image->length);
    size_t size = image->length - RIND_BLAKE2S_SIZE;
    uint8_t digest[RIND_BLAKE2S_SIZE];
    rind_blake2s(rind_slice_make(image->bytes, size), digest);
    SIM_CHECK(sim, memcmp(digest, image->bytes + size, sizeof(digest)) == 0,
              "a core wrote a state with a wrong digest to NVRAM");
    rind_status status = rind_wire_decode_whole(&sim->ctx, &rind_persistent_state_schema,
                                                rind_slice_make(image->bytes, size), state);
    SIM_CHECK(sim, rind_is_ok(status), "a core wrote no state to NVRAM: %s", sim->ctx.sentence);
}

static const struct rind_persistent_group *nvram_group(const struct rind_persistent_state *state,
                                                       const struct rind_group_id *id)
{
    for (size_t i = 0; state->has_realm && i < state->realm.groups.count; i++) {
        if (rind_group_id_equal(&state->realm.groups.items[i].id, id)) {
            return &state->realm.groups.items[i];
        }
    }
    return NULL;
}

static bool nvram_same_configuration(const struct rind_hsm_id_list *a,
                                     const struct rind_hsm_id *ids, size_t count)
{
    return a->count == count && memcmp(a->items, ids, count * sizeof(*ids)) == 0;
}

/* Nothing that was durable may be gone. */
static void nvram_check_successor(struct sim *sim, const struct rind_persistent_state *before,
                                  const struct rind_persistent_state *after)
{
    SIM_CHECK(sim, rind_hsm_id_equal(&before->id, &after->id), "an HSM changed its id in NVRAM");
    if (!before->has_realm) {
        return;
    }
    SIM_CHECK(sim, after->has_realm && rind_realm_id_equal(&before->realm.id, &after->realm.id),
              "an HSM left its realm in NVRAM (invariant 11)");
    for (size_t i = 0; i < before->realm.groups.count; i++) {
        const struct rind_persistent_group *old = &before->realm.groups.items[i];
        const struct rind_persistent_group *now = nvram_group(after, &old->id);
        SIM_CHECK(sim, now != NULL, "an HSM forgot a group in NVRAM (invariant 11)");
        SIM_CHECK(sim,
                  nvram_same_configuration(&now->state.configuration,
                                           old->state.configuration.items,
                                           old->state.configuration.count),
                  "a group's configuration changed in NVRAM (invariant 11)");
        SIM_CHECK(
            sim,
            !old->state.has_captured ||
                (now->state.has_captured && now->state.captured.index >= old->state.captured.index),
            "a persisted capture went back from index %llu to %llu (invariant 2)",
            (unsigned long long)old->state.captured.index,
            (unsigned long long)now->state.captured.index);
    }
}

static void nvram_note_statement(struct sim *sim, struct sim_hsm *hsm)
{
    for (size_t i = 0; i < sim->realm_statement_count; i++) {
        if (rind_mac_equal(&sim->realm_statements[i].statement, &hsm->statement)) {
            return;
        }
    }
    sim->realm_statements =
        sim_grow(sim->realm_statements, sim->realm_statement_count, &sim->realm_statement_capacity,
                 sizeof(*sim->realm_statements));
    sim->realm_statements[sim->realm_statement_count] = (struct sim_realm_statement){
        .keyset = hsm->keyset, .realm = hsm->realm, .hsm = hsm->id, .statement = hsm->statement};
    sim->realm_statement_count++;
}

static void nvram_note_capture(struct sim_member *member, uint32_t entry)
{
    if (member->persisted == entry && member->history_count > 0 &&
        member->history[member->history_count - 1] == entry) {
        return;
    }
    member->history = sim_grow(member->history, member->history_count, &member->history_capacity,
                               sizeof(*member->history));
    member->history[member->history_count] = entry;
    member->history_count++;
    member->persisted = entry;
}

/* A group whose NewGroup was never answered, since NVRAM failed, may turn up at the next boot. */
static uint32_t nvram_group_index(struct sim *sim, const struct sim_hsm *hsm,
                                  const struct rind_persistent_group *group)
{
    uint32_t g = sim_group_find(sim, &group->id);
    if (g != SIM_NONE) {
        return g;
    }
    if (sim->group_count == SIM_GROUPS_MAX) {
        sim_broken("too many groups");
    }
    struct sim_group *made = &sim->groups[sim->group_count];
    *made = (struct sim_group){.realm = hsm->realm,
                               .id = group->id,
                               .keyset = hsm->keyset,
                               .member_count = (uint32_t)group->state.configuration.count,
                               .tail = SIM_NONE,
                               .committed = SIM_NONE};
    SIM_CHECK(sim, made->member_count >= 1 && made->member_count <= RIND_CONFIGURATION_LIMIT,
              "a group in NVRAM has %u members", (unsigned)made->member_count);
    memcpy(made->configuration, group->state.configuration.items,
           made->member_count * sizeof(made->configuration[0]));
    for (uint32_t h = 0; h < SIM_HSMS_MAX; h++) {
        made->members[h].captured = SIM_NONE;
        made->members[h].persisted = SIM_NONE;
        made->members[h].known_capture = SIM_NONE;
    }
    sim->group_count++;
    return sim->group_count - 1;
}

static void nvram_note_group(struct sim *sim, struct sim_hsm *hsm,
                             const struct rind_persistent_group *group)
{
    uint32_t g = nvram_group_index(sim, hsm, group);
    const struct sim_group *known = &sim->groups[g];
    SIM_CHECK(sim,
              nvram_same_configuration(&group->state.configuration, known->configuration,
                                       known->member_count),
              "an HSM persisted a configuration that its group does not have");
    struct sim_member *member = &sim->groups[g].members[hsm->index];
    if (!member->is_member) {
        member->is_member = true;
        member->role = RIND_ROLE_WITNESS;
        member->clock = 1;
    }
    if (!group->state.has_captured) {
        return;
    }
    uint32_t entry = sim_entry_find(sim, &group->state.captured.mac);
    SIM_CHECK(sim,
              entry != SIM_NONE && sim->entries[entry].group == g &&
                  sim->entries[entry].entry.index == group->state.captured.index,
              "an HSM persisted the capture of an entry that no HSM of the group made");
    nvram_note_capture(member, entry);
}

static void nvram_note(struct sim *sim, struct sim_hsm *hsm,
                       const struct rind_persistent_state *state)
{
    hsm->has_id = true;
    hsm->id = state->id;
    hsm->has_realm = state->has_realm;
    if (!state->has_realm) {
        return;
    }
    hsm->realm = state->realm.id;
    hsm->statement = state->realm.statement;
    nvram_note_statement(sim, hsm);
    SIM_CHECK(sim, state->realm.groups.count <= RIND_GROUPS_LIMIT, "an HSM is in %zu groups",
              state->realm.groups.count);
    for (size_t i = 0; i < state->realm.groups.count; i++) {
        nvram_note_group(sim, hsm, &state->realm.groups.items[i]);
    }
}

void sim_judge_nvram(struct sim *sim, uint32_t h)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    if (!hsm->has_new_image) {
        return;
    }
    hsm->has_new_image = false;
    struct rind_persistent_state after;
    nvram_decode(sim, &hsm->image, &after);
    if (hsm->acked.length > 0) {
        struct rind_persistent_state before;
        nvram_decode(sim, &hsm->acked, &before);
        nvram_check_successor(sim, &before, &after);
    }
    hsm->acked = hsm->image;
    nvram_note(sim, hsm, &after);
}

bool sim_judge_image_has_realm(struct sim *sim, uint32_t h)
{
    struct rind_persistent_state state = {.has_realm = false};
    if (sim->hsms[h].image.length > 0) {
        nvram_decode(sim, &sim->hsms[h].image, &state);
    }
    return state.has_realm;
}

void sim_judge_boot(struct sim *sim, uint32_t h)
{
    struct sim_hsm *hsm = &sim->hsms[h];
    sim_judge_nvram(sim, h); /* a first boot writes */
    struct rind_persistent_state state;
    nvram_decode(sim, &hsm->image, &state);
    hsm->acked = hsm->image;
    nvram_note(sim, hsm, &state);
    for (uint32_t g = 0; g < sim->group_count; g++) {
        struct sim_member *member = &sim->groups[g].members[h];
        if (!member->is_member) {
            continue;
        }
        /* Only what the image names: with old bytes, a group may be gone that was never acked. */
        const struct rind_persistent_group *group = nvram_group(&state, &sim->groups[g].id);
        member->is_member = group != NULL;
        member->captured = SIM_NONE;
        member->persisted = SIM_NONE;
        if (group != NULL && group->state.has_captured) {
            member->persisted = sim_entry_find(sim, &group->state.captured.mac);
            member->captured = member->persisted;
        }
        memset(member->offers, 0, sizeof(member->offers));
        member->role = RIND_ROLE_WITNESS;
        member->clock = 1;
        member->log_count = 0;
        member->has_committed = false;
        member->has_incoming = false;
        member->abandoned_count = 0;
    }
}
