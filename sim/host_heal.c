/*
 * host_heal.c - the liveness phase: after the attacks everything is healed, and what can go on
 * must.
 *
 * NVRAM works, all HSMs are up, and an honest host leads each group that still can have a leader:
 * one where a strict majority of the members stand on one chain of entries. That group must commit;
 * a pending transfer must end; and a user whose record it owns must register, guess and recover.
 * What the attacks have cost for good, such as a majority on two forks, is not demanded.
 */
#include "host.h"

static void heal_hsms(struct sim *sim)
{
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        struct sim_hsm *hsm = &sim->hsms[h];
        hsm->nvram_mode = SIM_NVRAM_WORKS;
        if (hsm->core == NULL) {
            rind_status status = sim_core_boot(sim, h, hsm->keyset);
            SIM_CHECK(sim, rind_is_ok(status), "a healed HSM does not boot: %s", sim->ctx.sentence);
            sim_judge_boot(sim, h);
        }
        sim_send_status(sim, h);
    }
}

/* The captured entry that a strict majority stands on or before, furthest first. */
static uint32_t heal_target(const struct sim *sim, uint32_t g)
{
    const struct sim_group *group = &sim->groups[g];
    uint32_t best = SIM_NONE;
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        uint32_t candidate = group->members[h].captured;
        if (!group->members[h].is_member || candidate == SIM_NONE) {
            continue;
        }
        uint32_t count = 0;
        for (uint32_t m = 0; m < sim->hsm_count; m++) {
            const struct sim_member *member = &group->members[m];
            count += member->is_member && (member->captured == SIM_NONE ||
                                           sim_is_ancestor(sim, member->captured, candidate))
                         ? 1u
                         : 0u;
        }
        bool is_further = best == SIM_NONE ||
                          sim->entries[candidate].entry.index > sim->entries[best].entry.index;
        if (2 * count > group->member_count && is_further) {
            best = candidate;
        }
    }
    return best;
}

/* Everybody who can stands on the leader's newest entry, says so, and the leader commits it. */
static void heal_commit(struct sim *sim, uint32_t g, uint32_t leader)
{
    uint32_t head = sim_head(sim, g, leader);
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        const struct sim_member *member = &sim->groups[g].members[h];
        if (!member->is_member) {
            continue;
        }
        while (member->captured != head &&
               (member->captured == SIM_NONE || sim_is_ancestor(sim, member->captured, head))) {
            struct sim_answer answer = sim_send_capture(sim, h, g, head);
            SIM_CHECK(sim, answer.is_answered && answer.kind == RIND_HSM_CAPTURE_NEXT_OK,
                      "a healed group cannot capture its log");
            if (sim_head(sim, g, leader) != head) {
                return; /* the capture itself changed the leader's role */
            }
        }
        (void)sim_send_persist(sim, h);
    }
    struct sim_answer answer = sim_send_commit(sim, leader, g);
    SIM_CHECK(sim,
              answer.is_answered && answer.kind == RIND_HSM_COMMIT_OK &&
                  sim->groups[g].committed == head,
              "a healed group with a majority does not commit (g%u)", g);
}

static uint32_t heal_lead(struct sim *sim, uint32_t g, uint32_t target)
{
    uint32_t leader = SIM_NONE;
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        const struct sim_member *member = &sim->groups[g].members[h];
        if (!member->is_member) {
            continue;
        }
        if (member->role != RIND_ROLE_WITNESS) {
            (void)sim_send_step_down(sim, h, g, true);
        }
        if (member->captured == target) {
            leader = h;
        }
    }
    struct sim_answer answer = sim_send_become_leader(sim, leader, g, &sim->entries[target].entry);
    SIM_CHECK(sim, answer.is_answered && answer.kind == RIND_HSM_BECOME_LEADER_OK,
              "a healed HSM does not lead from what it has captured");
    sim->groups[g].tail = target;
    return leader;
}

/* Ends a pending transfer with the one step that needs no other group. */
static void heal_transfer(struct sim *sim, uint32_t g, uint32_t leader)
{
    const struct sim_group *group = &sim->groups[g];
    const struct rind_log_entry last = sim->entries[sim_head(sim, g, leader)].entry;
    if (!last.has_transferring) {
        return;
    }
    struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_CANCEL_PREPARED_TRANSFER};
    if (last.transferring.kind == RIND_TRANSFERRING_IN) {
        request.cancel_prepared_transfer = (struct rind_hsm_cancel_prepared_transfer_request){
            .realm = group->realm,
            .source = last.transferring.in.source,
            .destination = group->id,
            .range = last.transferring.in.range};
    } else {
        request.kind = RIND_HSM_REQUEST_COMPLETE_TRANSFER;
        request.complete_transfer = (struct rind_hsm_complete_transfer_request){
            .realm = group->realm,
            .source = group->id,
            .destination = last.transferring.out.destination,
            .range = last.transferring.out.partition.range};
    }
    struct sim_answer answer = sim_call(sim, leader, &request);
    SIM_CHECK(sim, answer.is_answered && answer.kind == 1, "a healed group keeps its transfer");
    heal_commit(sim, g, leader);
}

static void heal_ask(struct sim *sim, uint32_t g, uint32_t leader, uint32_t u,
                     const struct rind_secrets_request *request)
{
    sim->users[u].has_session = false; /* it may have been evicted meanwhile */
    uint64_t released = sim->counters.released;
    struct sim_answer answer = sim_send_request(sim, leader, g, u, request);
    SIM_CHECK(sim, answer.is_answered && answer.kind == RIND_HSM_APP_OK,
              "a healed group does not take a request of u%u: %s", u,
              answer.is_answered ? sim_kind_name(RIND_HSM_REQUEST_APP_REQUEST, answer.kind)
                                 : "no answer");
    heal_commit(sim, g, leader);
    SIM_CHECK(sim, sim->counters.released == released + 1, "a healed group does not answer u%u", u);
}

/* Registers and recovers each user whose record this group owns. */
static void heal_users(struct sim *sim, uint32_t g, uint32_t leader)
{
    const struct rind_log_entry last = sim->entries[sim_head(sim, g, leader)].entry;
    for (uint32_t u = 0; last.has_partition && u < sim->user_count; u++) {
        if (!rind_owned_range_contains(&last.partition.range, &sim->users[u].record_id)) {
            continue;
        }
        rind_arena_reset(&sim->arena);
        struct rind_secrets_request request = sim_client_register2(sim, u);
        heal_ask(sim, g, leader, u, &request);
        const struct rind_register2_request registered = request.register2;
        memset(&request, 0, sizeof(request));
        request.kind = RIND_SECRETS_REQUEST_RECOVER3;
        memcpy(request.recover3.version, registered.version, sizeof(registered.version));
        memcpy(request.recover3.unlock_key_tag, registered.unlock_key_tag,
               sizeof(registered.unlock_key_tag));
        uint64_t recovered = sim->counters.recovered;
        heal_ask(sim, g, leader, u, &request);
        SIM_CHECK(sim, sim->counters.recovered == recovered + 1,
                  "u%u registered and cannot recover", u);
    }
}

void sim_host_heal(struct sim *sim)
{
    sim->is_healing = true;
    sim_story(sim, "everything is healed");
    heal_hsms(sim);
    for (uint32_t g = 0; g < sim->group_count; g++) {
        rind_arena_reset(&sim->arena);
        uint32_t target = heal_target(sim, g);
        if (target == SIM_NONE) {
            continue;
        }
        uint32_t leader = heal_lead(sim, g, target);
        heal_commit(sim, g, leader);
        heal_transfer(sim, g, leader);
        heal_users(sim, g, leader);
        sim->counters.heals++;
    }
}
