/*
 * judge_replicate.c - BecomeLeader, StepDown, CaptureJump, CaptureNext, PersistState, Commit
 * (spec 02 section 10). All their answers can be told exactly, since what is genuine is known.
 */
#include "judge.h"

/* The entry that `entry` truly is: made by a core of these keys for this group, no field changed.
 */
static uint32_t replicate_genuine(const struct sim *sim, unsigned keyset, uint32_t group,
                                  const struct rind_log_entry *entry)
{
    uint32_t e = sim_entry_find(sim, &entry->entry_mac);
    if (e == SIM_NONE || sim->entries[e].group != group || sim->groups[group].keyset != keyset ||
        !sim_entry_equal(&sim->entries[e].entry, entry)) {
        return SIM_NONE;
    }
    return e;
}

static unsigned replicate_become_leader_kind(struct sim *sim, uint32_t h,
                                             const struct rind_hsm_become_leader_request *request,
                                             uint32_t *group)
{
    switch (sim_judge_member(sim, h, &request->realm, &request->group, group)) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_BECOME_LEADER_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_BECOME_LEADER_INVALID_GROUP;
    default:
        break;
    }
    const struct sim_member *member = &sim->groups[*group].members[h];
    if (member->role == RIND_ROLE_STEPPING_DOWN) {
        return RIND_HSM_BECOME_LEADER_STEPDOWN_IN_PROGRESS;
    }
    const struct rind_log_entry *last = &request->last_entry;
    if (member->persisted == SIM_NONE ||
        sim->entries[member->persisted].entry.index != last->index ||
        !rind_mac_equal(&sim->entries[member->persisted].entry.entry_mac, &last->entry_mac)) {
        return RIND_HSM_BECOME_LEADER_NOT_CAPTURED;
    }
    return replicate_genuine(sim, sim->hsms[h].keyset, *group, last) == member->persisted
               ? RIND_HSM_BECOME_LEADER_OK
               : RIND_HSM_BECOME_LEADER_INVALID_MAC;
}

/* Volatile captures of all groups were to be written before the answer (invariant 12). */
static void replicate_check_all_persisted(struct sim *sim, uint32_t h)
{
    for (uint32_t g = 0; g < sim->group_count; g++) {
        const struct sim_member *member = &sim->groups[g].members[h];
        SIM_CHECK(sim, !member->is_member || member->persisted == member->captured,
                  "captures were not written to NVRAM before the answer (invariant 12)");
    }
}

void sim_judge_become_leader(struct sim *sim, uint32_t h,
                             const struct rind_hsm_become_leader_request *request,
                             const struct rind_hsm_become_leader_response *answer)
{
    replicate_check_all_persisted(sim, h);
    uint32_t g = SIM_NONE;
    sim_judge_kind(sim, RIND_HSM_REQUEST_BECOME_LEADER, answer->kind,
                   replicate_become_leader_kind(sim, h, request, &g));
    if (answer->kind == RIND_HSM_BECOME_LEADER_NOT_CAPTURED) {
        uint32_t persisted = sim->groups[g].members[h].persisted;
        SIM_CHECK(sim,
                  answer->not_captured.has_have == (persisted != SIM_NONE) &&
                      (persisted == SIM_NONE ||
                       answer->not_captured.have == sim->entries[persisted].entry.index),
                  "NotCaptured names another index than NVRAM does");
    }
    if (answer->kind == RIND_HSM_BECOME_LEADER_OK) {
        struct sim_member *member = &sim->groups[g].members[h];
        if (member->role == RIND_ROLE_WITNESS) {
            sim_member_start_leading(sim, member, member->persisted);
            member->clock++;
        }
        sim_judge_role(sim, "BecomeLeader", member, &answer->ok.role);
    }
}

void sim_judge_step_down(struct sim *sim, uint32_t h,
                         const struct rind_hsm_step_down_request *request,
                         const struct rind_hsm_step_down_response *answer)
{
    uint32_t g = SIM_NONE;
    enum sim_standing standing = sim_judge_member(sim, h, &request->realm, &request->group, &g);
    if (standing != SIM_STANDING_OK) {
        sim_judge_kind(sim, RIND_HSM_REQUEST_STEP_DOWN, answer->kind,
                       standing == SIM_STANDING_INVALID_REALM ? RIND_HSM_STEP_DOWN_INVALID_REALM
                                                              : RIND_HSM_STEP_DOWN_INVALID_GROUP);
        return;
    }
    struct sim_member *member = &sim->groups[g].members[h];
    bool can = member->role == RIND_ROLE_LEADER ||
               (request->force && member->role == RIND_ROLE_STEPPING_DOWN);
    sim_judge_kind(sim, RIND_HSM_REQUEST_STEP_DOWN, answer->kind,
                   can ? RIND_HSM_STEP_DOWN_OK : RIND_HSM_STEP_DOWN_NOT_LEADER);
    if (!can) {
        sim_judge_role(sim, "StepDown", member, &answer->not_leader);
        return;
    }
    uint64_t last = member->role == RIND_ROLE_LEADER ? sim_log_last(sim, member)->entry.index
                                                     : member->stepdown_at;
    SIM_CHECK(sim, answer->ok.last == last, "StepDown names last index %llu, not %llu",
              (unsigned long long)answer->ok.last, (unsigned long long)last);
    if (request->force) {
        sim_member_become_witness(member);
    } else {
        sim_member_step_down(sim, member, last);
    }
    sim_judge_role(sim, "StepDown", member, &answer->ok.role);
}

/* Where the HSM stands in the configuration; member_count if it does not. */
static uint32_t replicate_position(const struct sim_group *group, const struct rind_hsm_id *hsm)
{
    uint32_t at = 0;
    while (at < group->member_count && !rind_hsm_id_equal(&group->configuration[at], hsm)) {
        at++;
    }
    return at;
}

/*
 * Whoever has testified to anything follows only what a strict majority testifies to: one and the
 * same entry. Notes what was offered.
 */
static bool replicate_may_jump(struct sim_group *group, struct sim_member *member,
                               const struct rind_captured *jump)
{
    if (member->persisted == SIM_NONE) {
        return true;
    }
    member->offers[replicate_position(group, &jump->hsm)] =
        (struct rind_log_position){.index = jump->index, .mac = jump->mac};
    uint32_t same = 0;
    for (uint32_t i = 0; i < group->member_count; i++) {
        same += member->offers[i].index == jump->index &&
                        rind_mac_equal(&member->offers[i].mac, &jump->mac)
                    ? 1u
                    : 0u;
    }
    return 2 * same > group->member_count;
}

static unsigned replicate_jump_kind(struct sim *sim, uint32_t h, const struct rind_captured *jump,
                                    uint32_t *group)
{
    switch (sim_judge_member(sim, h, &jump->realm, &jump->group, group)) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_CAPTURE_JUMP_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_CAPTURE_JUMP_INVALID_GROUP;
    default:
        break;
    }
    struct sim_group *joined = &sim->groups[*group];
    struct sim_member *member = &joined->members[h];
    if (member->role != RIND_ROLE_WITNESS) {
        return RIND_HSM_CAPTURE_JUMP_NOT_WITNESS;
    }
    if (replicate_position(joined, &jump->hsm) == joined->member_count ||
        sim_capture_find(sim, sim->hsms[h].keyset, jump) == SIM_NONE) {
        return RIND_HSM_CAPTURE_JUMP_INVALID_STATEMENT;
    }
    bool is_stale =
        member->captured != SIM_NONE && sim->entries[member->captured].entry.index >= jump->index;
    if (is_stale) {
        return RIND_HSM_CAPTURE_JUMP_STALE_INDEX;
    }
    return replicate_may_jump(joined, member, jump) ? RIND_HSM_CAPTURE_JUMP_OK
                                                    : RIND_HSM_CAPTURE_JUMP_NOT_WITNESS;
}

void sim_judge_capture_jump(struct sim *sim, uint32_t h,
                            const struct rind_hsm_capture_jump_request *request,
                            const struct rind_hsm_capture_jump_response *answer)
{
    uint32_t g = SIM_NONE;
    sim_judge_kind(sim, RIND_HSM_REQUEST_CAPTURE_JUMP, answer->kind,
                   replicate_jump_kind(sim, h, &request->jump, &g));
    if (answer->kind == RIND_HSM_CAPTURE_JUMP_NOT_WITNESS) {
        sim_judge_role(sim, "CaptureJump", &sim->groups[g].members[h], &answer->not_witness);
    }
    if (answer->kind == RIND_HSM_CAPTURE_JUMP_OK) {
        uint32_t e = sim_entry_find(sim, &request->jump.mac);
        RIND_ASSERT(e != SIM_NONE); /* the judge saw it captured */
        sim->groups[g].members[h].captured = e;
    }
}

/* What the whole call must be answered; entries[i] is the i-th entry. All or nothing. */
static unsigned replicate_next_kind(struct sim *sim, uint32_t h,
                                    const struct rind_hsm_capture_next_request *request,
                                    uint32_t *group, uint32_t *entries)
{
    if (request->entries.count == 0) {
        return RIND_HSM_CAPTURE_NEXT_MISSING_ENTRIES;
    }
    switch (sim_judge_member(sim, h, &request->realm, &request->group, group)) {
    case SIM_STANDING_INVALID_REALM:
        return RIND_HSM_CAPTURE_NEXT_INVALID_REALM;
    case SIM_STANDING_INVALID_GROUP:
        return RIND_HSM_CAPTURE_NEXT_INVALID_GROUP;
    default:
        break;
    }
    uint32_t captured = sim->groups[*group].members[h].captured;
    for (size_t i = 0; i < request->entries.count; i++) {
        const struct rind_log_entry *entry = &request->entries.items[i];
        entries[i] = replicate_genuine(sim, sim->hsms[h].keyset, *group, entry);
        if (entries[i] == SIM_NONE) {
            return RIND_HSM_CAPTURE_NEXT_INVALID_MAC;
        }
        uint64_t next = captured == SIM_NONE ? 1 : sim->entries[captured].entry.index + 1;
        if (entry->index != next) {
            return RIND_HSM_CAPTURE_NEXT_MISSING_PREV;
        }
        if (sim->entries[entries[i]].parent != captured) {
            return RIND_HSM_CAPTURE_NEXT_INVALID_CHAIN;
        }
        captured = entries[i];
    }
    return RIND_HSM_CAPTURE_NEXT_OK;
}

void sim_judge_capture_next(struct sim *sim, uint32_t h,
                            const struct rind_hsm_capture_next_request *request,
                            const struct rind_hsm_capture_next_response *answer)
{
    uint32_t *entries = sim_alloc(sim, (request->entries.count + 1) * sizeof(*entries));
    uint32_t g = SIM_NONE;
    sim_judge_kind(sim, RIND_HSM_REQUEST_CAPTURE_NEXT, answer->kind,
                   replicate_next_kind(sim, h, request, &g, entries));
    if (answer->kind != RIND_HSM_CAPTURE_NEXT_OK) {
        return;
    }
    struct sim_member *member = &sim->groups[g].members[h];
    for (size_t i = 0; i < request->entries.count; i++) {
        sim_member_see(sim, member, entries[i]);
    }
    sim_judge_role(sim, "CaptureNext", member, &answer->ok);
}

static void replicate_note_capture(struct sim *sim, uint32_t h, uint32_t g,
                                   const struct rind_captured *captured)
{
    uint32_t known = sim_capture_find(sim, sim->hsms[h].keyset, captured);
    if (known == SIM_NONE) {
        sim->captures = sim_grow(sim->captures, sim->capture_count, &sim->capture_capacity,
                                 sizeof(*sim->captures));
        known = (uint32_t)sim->capture_count;
        sim->captures[known] =
            (struct sim_capture){.keyset = sim->hsms[h].keyset, .captured = *captured};
        sim->capture_count++;
        sim_index_put(&sim->captures_by_statement, sim_key_of(captured->statement.bytes), known);
    }
    sim->groups[g].members[h].known_capture = known;
}

void sim_judge_persist_state(struct sim *sim, uint32_t h,
                             const struct rind_hsm_persist_state_response *answer)
{
    replicate_check_all_persisted(sim, h);
    size_t expected = 0;
    for (uint32_t g = 0; g < sim->group_count; g++) {
        const struct sim_member *member = &sim->groups[g].members[h];
        expected += member->is_member && member->persisted != SIM_NONE ? 1u : 0u;
    }
    const struct rind_captured_list *list = &answer->ok.captured;
    SIM_CHECK(sim, list->count == expected, "PersistState testifies to %zu captures, not %zu",
              list->count, expected);
    for (size_t i = 0; i < list->count; i++) {
        const struct rind_captured *captured = &list->items[i];
        uint32_t g = sim_group_find(sim, &captured->group);
        SIM_CHECK(sim,
                  g != SIM_NONE && sim->groups[g].members[h].is_member &&
                      rind_hsm_id_equal(&captured->hsm, &sim->hsms[h].id) &&
                      rind_realm_id_equal(&captured->realm, &sim->hsms[h].realm),
                  "PersistState testifies for another HSM, realm or group");
        uint32_t persisted = sim->groups[g].members[h].persisted;
        SIM_CHECK(sim,
                  persisted != SIM_NONE && sim->entries[persisted].entry.index == captured->index &&
                      rind_mac_equal(&sim->entries[persisted].entry.entry_mac, &captured->mac),
                  "PersistState testifies to what is not in NVRAM (invariant 2)");
        replicate_note_capture(sim, h, g, captured);
    }
}

/* The index that a strict majority of the members has testified to; 0 if there is none. */
static uint64_t replicate_outcome(struct sim *sim, uint32_t h, uint32_t g,
                                  const struct rind_captured_list *captures)
{
    const struct sim_group *group = &sim->groups[g];
    const struct sim_member *member = &group->members[h];
    uint64_t votes[RIND_CONFIGURATION_LIMIT] = {0};
    uint64_t first = sim_log_first(sim, member)->entry.index;
    for (size_t i = 0; i < captures->count; i++) {
        const struct rind_captured *capture = &captures->items[i];
        bool is_inside = capture->index >= first && capture->index - first < member->log_count;
        if (!is_inside || !rind_realm_id_equal(&capture->realm, &group->realm) ||
            !rind_group_id_equal(&capture->group, &group->id) ||
            sim_capture_find(sim, sim->hsms[h].keyset, capture) == SIM_NONE) {
            continue;
        }
        uint32_t e = member->log[capture->index - first].entry;
        if (!rind_mac_equal(&sim->entries[e].entry.entry_mac, &capture->mac)) {
            continue;
        }
        for (uint32_t m = 0; m < group->member_count; m++) {
            if (rind_hsm_id_equal(&group->configuration[m], &capture->hsm) &&
                capture->index > votes[m]) {
                votes[m] = capture->index;
            }
        }
    }
    uint64_t best = 0;
    for (uint32_t m = 0; m < group->member_count; m++) {
        uint32_t reached = 0;
        for (uint32_t n = 0; n < group->member_count; n++) {
            reached += votes[n] >= votes[m] ? 1u : 0u;
        }
        best = 2 * reached > group->member_count && votes[m] > best ? votes[m] : best;
    }
    return best;
}

/* Who holds this entry or a later one of its chain in NVRAM, now or at any time (invariant 1). */
static void replicate_check_majority(struct sim *sim, uint32_t g, uint32_t e)
{
    const struct sim_group *group = &sim->groups[g];
    uint32_t holders = 0;
    for (uint32_t m = 0; m < group->member_count; m++) {
        uint32_t h = sim_hsm_find(sim, &group->configuration[m]);
        if (h == SIM_NONE) {
            continue;
        }
        const struct sim_member *member = &group->members[h];
        bool is_holder = false;
        for (size_t i = member->history_count; i > 0 && !is_holder; i--) {
            is_holder = sim_is_ancestor(sim, e, member->history[i - 1]);
        }
        holders += is_holder ? 1u : 0u;
    }
    SIM_CHECK(sim, 2 * holders > group->member_count,
              "an entry was committed that %u of %u HSMs have persisted (invariant 1)", holders,
              group->member_count);
}

static void replicate_check_abandoned(struct sim *sim, const struct sim_member *member,
                                      const struct rind_mac_list *abandoned)
{
    uint32_t expected = member->role == RIND_ROLE_STEPPING_DOWN ? member->abandoned_count : 0;
    SIM_CHECK(sim, abandoned->count == expected,
              "Commit abandons %zu entries, not %u (invariant 6)", abandoned->count, expected);
    for (uint32_t i = 0; i < expected; i++) {
        SIM_CHECK(sim,
                  rind_mac_equal(&abandoned->items[i],
                                 &sim->entries[member->abandoned[i]].entry.entry_mac),
                  "Commit abandons another entry than the one that lost (invariant 6)");
    }
}

/* The log up to `index`: its answers leave, in order, once; the entries before it are forgotten. */
static void replicate_advance(struct sim *sim, struct sim_member *member, uint64_t index,
                              const struct rind_released_response_list *responses)
{
    uint64_t first = sim_log_first(sim, member)->entry.index;
    uint32_t dropped = (uint32_t)(index - first);
    size_t released = 0;
    for (uint32_t i = 0; i <= dropped; i++) {
        if (!member->log[i].has_pending) {
            continue;
        }
        member->log[i].has_pending = false;
        SIM_CHECK(sim, released < responses->count, "Commit withholds a committed answer");
        sim_judge_release(sim, &member->log[i], &responses->items[released]);
        released++;
    }
    SIM_CHECK(sim, responses->count == released,
              "Commit releases %zu answers where %zu may leave (invariant 1)", responses->count,
              released);
    memmove(member->log, member->log + dropped,
            (member->log_count - dropped) * sizeof(member->log[0]));
    member->log_count -= dropped;
}

static void replicate_commit(struct sim *sim, uint32_t g, struct sim_member *member, uint64_t index,
                             const struct rind_commit_state *state)
{
    bool is_stepping_down = member->role == RIND_ROLE_STEPPING_DOWN;
    if (is_stepping_down && index > member->stepdown_at) {
        index = member->stepdown_at;
    }
    if (member->has_committed && index < member->committed) {
        index = member->committed;
    }
    SIM_CHECK(sim, state->committed == index, "Commit reaches index %llu, not %llu (invariant 1)",
              (unsigned long long)state->committed, (unsigned long long)index);
    uint32_t e = member->log[index - sim_log_first(sim, member)->entry.index].entry;
    replicate_check_majority(sim, g, e);
    sim_judge_committed(sim, g, e);
    replicate_advance(sim, member, index, &state->responses);
    replicate_check_abandoned(sim, member, &state->abandoned);
    member->has_committed = true;
    member->committed = index;
    member->abandoned_count = 0;
    if (is_stepping_down && index >= member->stepdown_at) {
        sim_member_become_witness(member);
    }
    sim_judge_role(sim, "Commit", member, &state->role);
    sim->counters.commits++;
}

void sim_judge_commit(struct sim *sim, uint32_t h, const struct rind_hsm_commit_request *request,
                      const struct rind_hsm_commit_response *answer)
{
    uint32_t g = SIM_NONE;
    enum sim_standing standing = sim_judge_member(sim, h, &request->realm, &request->group, &g);
    if (standing != SIM_STANDING_OK) {
        sim_judge_kind(sim, RIND_HSM_REQUEST_COMMIT, answer->kind,
                       standing == SIM_STANDING_INVALID_REALM ? RIND_HSM_COMMIT_INVALID_REALM
                                                              : RIND_HSM_COMMIT_INVALID_GROUP);
        return;
    }
    struct sim_member *member = &sim->groups[g].members[h];
    if (member->role == RIND_ROLE_WITNESS) {
        sim_judge_kind(sim, RIND_HSM_REQUEST_COMMIT, answer->kind, RIND_HSM_COMMIT_NOT_LEADER);
        sim_judge_role(sim, "Commit", member, &answer->not_leader);
        return;
    }
    uint64_t index = replicate_outcome(sim, h, g, &request->captures);
    sim_judge_kind(sim, RIND_HSM_REQUEST_COMMIT, answer->kind,
                   index == 0 ? RIND_HSM_COMMIT_NO_QUORUM : RIND_HSM_COMMIT_OK);
    if (answer->kind == RIND_HSM_COMMIT_OK) {
        replicate_commit(sim, g, member, index, &answer->ok);
    }
}
