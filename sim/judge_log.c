/*
 * judge_log.c - roles, role clocks and leader logs as spec 02 section 8 has them, over entries that
 * are known to be genuine.
 */
#include "judge.h"

enum sim_standing sim_judge_member(struct sim *sim, uint32_t h, const struct rind_realm_id *realm,
                                   const struct rind_group_id *id, uint32_t *group)
{
    const struct sim_hsm *hsm = &sim->hsms[h];
    if (!hsm->has_realm || !rind_realm_id_equal(&hsm->realm, realm)) {
        return SIM_STANDING_INVALID_REALM;
    }
    *group = sim_group_find(sim, id);
    if (*group == SIM_NONE || !sim->groups[*group].members[h].is_member) {
        return SIM_STANDING_INVALID_GROUP;
    }
    return SIM_STANDING_OK;
}

enum sim_standing sim_judge_leader(struct sim *sim, uint32_t h, const struct rind_realm_id *realm,
                                   const struct rind_group_id *id, uint32_t *group)
{
    enum sim_standing standing = sim_judge_member(sim, h, realm, id, group);
    if (standing != SIM_STANDING_OK) {
        return standing;
    }
    bool is_leader = sim->groups[*group].members[h].role == RIND_ROLE_LEADER;
    return is_leader ? SIM_STANDING_OK : SIM_STANDING_NOT_LEADER;
}

const struct sim_entry *sim_log_first(const struct sim *sim, const struct sim_member *member)
{
    RIND_ASSERT(member->log_count > 0);
    return &sim->entries[member->log[0].entry];
}

const struct sim_entry *sim_log_last(const struct sim *sim, const struct sim_member *member)
{
    RIND_ASSERT(member->log_count > 0);
    return &sim->entries[member->log[member->log_count - 1].entry];
}

bool sim_has_room(const struct sim_member *member, uint32_t extra)
{
    return member->log_count + extra <= SIM_LOG_MAX;
}

bool sim_role_equal(const struct sim_member *member, const struct rind_role_status *role)
{
    if (role->at != member->clock || role->role.kind != member->role) {
        return false;
    }
    if (member->role == RIND_ROLE_LEADER) {
        return role->role.leader.starting == member->starting;
    }
    return member->role != RIND_ROLE_STEPPING_DOWN ||
           role->role.stepping_down.leader_starting == member->starting;
}

void sim_judge_role(struct sim *sim, const char *where, const struct sim_member *member,
                    const struct rind_role_status *role)
{
    SIM_CHECK(sim, sim_role_equal(member, role),
              "%s shows role %u at clock %llu where it must be role %u at clock %llu (1 leader, 2 "
              "stepping down, 3 witness; invariant 7)",
              where, (unsigned)role->role.kind, (unsigned long long)role->at,
              (unsigned)member->role, (unsigned long long)member->clock);
}

static void log_change_role(struct sim_member *member, enum rind_group_member_role_kind role)
{
    member->role = role;
    member->clock++;
}

void sim_member_start_leading(struct sim *sim, struct sim_member *member, uint32_t entry)
{
    member->role = RIND_ROLE_LEADER;
    member->log[0] = (struct sim_slot){.entry = entry};
    member->log_count = 1;
    member->has_committed = false;
    member->has_incoming = false;
    member->abandoned_count = 0;
    member->starting = sim->entries[entry].entry.index + 1;
    sim->counters.leaders++;
}

void sim_member_become_witness(struct sim_member *member)
{
    log_change_role(member, RIND_ROLE_WITNESS);
    member->log_count = 0;
    member->has_committed = false;
    member->has_incoming = false;
    member->abandoned_count = 0;
}

static void log_abandon_from(struct sim *sim, struct sim_member *member, uint64_t index)
{
    while (sim_log_last(sim, member)->entry.index >= index) {
        RIND_ASSERT(member->log_count > 1 && member->abandoned_count < SIM_LOG_MAX);
        member->log_count--;
        member->abandoned[member->abandoned_count] = member->log[member->log_count].entry;
        member->abandoned_count++;
    }
}

void sim_member_step_down(struct sim *sim, struct sim_member *member, uint64_t point)
{
    uint64_t last = sim_log_last(sim, member)->entry.index;
    if (member->has_committed && member->committed == point && last == point) {
        sim_member_become_witness(member);
        return;
    }
    log_change_role(member, RIND_ROLE_STEPPING_DOWN);
    member->has_incoming = false;
    member->abandoned_count = 0;
    member->stepdown_at = point;
    log_abandon_from(sim, member, point + 1);
}

/* The slot of the log with this index; NULL if it is before or after the log. */
static const struct sim_slot *log_find(const struct sim *sim, const struct sim_member *member,
                                       uint64_t index)
{
    uint64_t first = sim_log_first(sim, member)->entry.index;
    if (index < first || index - first >= member->log_count) {
        return NULL;
    }
    return &member->log[index - first];
}

static void log_see_as_leader(struct sim *sim, struct sim_member *member, uint32_t e)
{
    uint64_t index = sim->entries[e].entry.index;
    uint64_t first = sim_log_first(sim, member)->entry.index;
    const struct sim_slot *slot = log_find(sim, member, index);
    if (index < first || (slot != NULL && slot->entry == e)) {
        return;
    }
    if (slot == NULL) {
        sim_member_step_down(sim, member, sim_log_last(sim, member)->entry.index);
    } else if (index == first) {
        sim_member_become_witness(member);
    } else {
        sim_member_step_down(sim, member, index - 1);
    }
}

static void log_see_as_stepping_down(struct sim *sim, struct sim_member *member, uint32_t e)
{
    const struct sim_entry *entry = &sim->entries[e];
    uint64_t index = entry->entry.index;
    uint64_t first = sim_log_first(sim, member)->entry.index;
    const struct sim_slot *slot = log_find(sim, member, index);
    if (index < first || (slot != NULL && slot->entry == e)) {
        return;
    }
    if (slot != NULL && index == first) {
        sim_member_become_witness(member);
        return;
    }
    if (slot != NULL) {
        member->stepdown_at = index - 1 < member->stepdown_at ? index - 1 : member->stepdown_at;
        log_abandon_from(sim, member, index);
    }
    uint32_t last = member->log[member->log_count - 1].entry;
    if (entry->parent == last && sim_has_room(member, 1)) {
        member->log[member->log_count] = (struct sim_slot){.entry = e};
        member->log_count++;
    }
}

void sim_member_see(struct sim *sim, struct sim_member *member, uint32_t entry)
{
    member->captured = entry;
    if (member->role == RIND_ROLE_LEADER) {
        log_see_as_leader(sim, member, entry);
    }
    if (member->role == RIND_ROLE_STEPPING_DOWN) {
        log_see_as_stepping_down(sim, member, entry);
    }
}

/* The two may differ in what is not meant: compare as entries with nothing else in them. */
static bool log_entry_says(const struct rind_log_entry *entry,
                           const struct rind_partition *partition,
                           const struct rind_transferring *transferring)
{
    struct rind_log_entry wanted = *entry;
    wanted.has_partition = partition != NULL;
    wanted.has_transferring = transferring != NULL;
    if (partition != NULL) {
        wanted.partition = *partition;
    }
    if (transferring != NULL) {
        wanted.transferring = *transferring;
    }
    return sim_entry_equal(&wanted, entry);
}

/*
 * The HSM that made the entry; in those of a transfer out a binding in its place: which preparation
 * of the destination it answers, and who says so (spec 02 section 14.7).
 */
static struct rind_hsm_id log_producer(struct sim *sim, uint32_t h, uint32_t g, uint64_t index,
                                       const struct rind_transferring *transferring,
                                       uint64_t preparation)
{
    struct rind_hsm_id producer = sim->hsms[h].id;
    if (transferring == NULL || transferring->kind != RIND_TRANSFERRING_OUT) {
        return producer;
    }
    struct rind_captured_message message = {
        .hsm = producer, .realm = sim->groups[g].realm, .group = sim->groups[g].id, .index = index};
    rind_put_be64(message.entry_mac.bytes, preparation);
    struct rind_slice bytes;
    rind_status status =
        rind_wire_encode_alloc(&sim->ctx, &rind_captured_message_schema, &message, &bytes);
    RIND_ASSERT(rind_is_ok(status));
    struct rind_mac tag;
    rind_mac_compute(&sim->keys[sim->hsms[h].keyset].mac, "binding", bytes, &tag);
    rind_put_be64(producer.bytes, preparation);
    memcpy(producer.bytes + 8, tag.bytes, sizeof(producer.bytes) - 8);
    return producer;
}

uint32_t sim_judge_new_entry(struct sim *sim, uint32_t h, uint32_t g,
                             const struct rind_log_entry *entry,
                             const struct rind_partition *partition,
                             const struct rind_transferring *transferring, uint64_t preparation,
                             bool has_pending)
{
    struct sim_member *member = &sim->groups[g].members[h];
    uint32_t parent = member->log[member->log_count - 1].entry;
    const struct rind_log_entry *last = &sim->entries[parent].entry;
    SIM_CHECK(sim, entry->index == last->index + 1, "a new entry has index %llu after %llu",
              (unsigned long long)entry->index, (unsigned long long)last->index);
    SIM_CHECK(sim, rind_mac_equal(&entry->prev_mac, &last->entry_mac),
              "a new entry is not chained to the last one of its leader's log (invariant 9)");
    const struct rind_hsm_id producer =
        log_producer(sim, h, g, entry->index, transferring, preparation);
    SIM_CHECK(sim, rind_hsm_id_equal(&entry->hsm, &producer),
              "a new entry does not name the HSM that made it, or the preparation it answers");
    SIM_CHECK(sim, log_entry_says(entry, partition, transferring),
              "a new entry has another partition or transfer than it must (invariants 8, 10)");
    SIM_CHECK(sim, sim_has_room(member, 1), "a leader's log grew beyond its limit");
    /* One that changes no record may be made again by the same HSM, after it lost its leadership.
     */
    uint32_t e = sim_entry_find(sim, &entry->entry_mac);
    if (e == SIM_NONE) {
        e = sim_entry_add(sim, g, entry, h);
        memcpy(sim->entries[e].records, sim->entries[parent].records,
               sizeof(sim->entries[e].records));
        sim->entries[e].preparation = preparation;
    }
    SIM_CHECK(sim, sim->entries[e].group == g && sim_entry_equal(&sim->entries[e].entry, entry),
              "a new entry has the MAC of another one");
    member->log[member->log_count] = (struct sim_slot){.entry = e, .has_pending = has_pending};
    member->log_count++;
    return e;
}
