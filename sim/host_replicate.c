/* host_replicate.c - captures, commits and leaders, honest and not. */
#include "host.h"

struct sim_answer sim_send_capture(struct sim *sim, uint32_t h, uint32_t g, uint32_t target)
{
    const struct sim_member *member = &sim->groups[g].members[h];
    uint64_t from =
        member->captured == SIM_NONE ? 1 : sim->entries[member->captured].entry.index + 1;
    uint64_t to = sim->entries[target].entry.index;
    struct rind_log_entry *entries = sim_alloc(sim, HOST_ENTRIES_MAX * sizeof(*entries));
    size_t count = 0;
    for (uint64_t index = from; index <= to && count < HOST_ENTRIES_MAX; index++) {
        uint32_t e = sim_ancestor_at(sim, target, index);
        if (e == SIM_NONE) {
            break;
        }
        entries[count] = sim->entries[e].entry;
        count++;
    }
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CAPTURE_NEXT,
        .capture_next = {.realm = sim->groups[g].realm,
                         .group = sim->groups[g].id,
                         .entries = {.items = entries, .count = count}}};
    return sim_call(sim, h, &request);
}

struct sim_answer sim_send_persist(struct sim *sim, uint32_t h)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_PERSIST_STATE};
    return sim_call(sim, h, &request);
}

struct sim_answer sim_send_become_leader(struct sim *sim, uint32_t h, uint32_t g,
                                         const struct rind_log_entry *entry)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_BECOME_LEADER,
                                             .become_leader = {.realm = sim->groups[g].realm,
                                                               .group = sim->groups[g].id,
                                                               .last_entry = *entry}};
    return sim_call(sim, h, &request);
}

struct sim_answer sim_send_step_down(struct sim *sim, uint32_t h, uint32_t g, bool force)
{
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_STEP_DOWN,
        .step_down = {.realm = sim->groups[g].realm, .group = sim->groups[g].id, .force = force}};
    return sim_call(sim, h, &request);
}

static struct sim_answer replicate_send_commit(struct sim *sim, uint32_t h, uint32_t g,
                                               struct rind_captured *captures, size_t count)
{
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_COMMIT,
        .commit = {.realm = sim->groups[g].realm,
                   .group = sim->groups[g].id,
                   .captures = {.items = captures, .count = count}}};
    return sim_call(sim, h, &request);
}

/* The newest statement that each member has made. */
static size_t replicate_newest(const struct sim *sim, uint32_t g, struct rind_captured *captures)
{
    size_t count = 0;
    for (uint32_t h = 0; h < sim->hsm_count; h++) {
        uint32_t known = sim->groups[g].members[h].known_capture;
        if (known != SIM_NONE) {
            captures[count] = sim->captures[known].captured;
            count++;
        }
    }
    return count;
}

struct sim_answer sim_send_commit(struct sim *sim, uint32_t h, uint32_t g)
{
    struct rind_captured captures[SIM_HSMS_MAX];
    size_t count = replicate_newest(sim, g, captures);
    return replicate_send_commit(sim, h, g, captures, count);
}

/* A group without a leader: shows a member the log's end, and has it lead from there. */
static void replicate_elect(struct sim *sim, uint32_t g)
{
    uint32_t h = sim_pick_member(sim, g);
    if (h == SIM_NONE) {
        return;
    }
    const struct sim_member *member = &sim->groups[g].members[h];
    uint32_t tail = sim->groups[g].tail;
    if (member->role == RIND_ROLE_STEPPING_DOWN) {
        (void)(sim_dice(sim, 1, 2) ? sim_send_commit(sim, h, g)
                                   : sim_send_step_down(sim, h, g, true));
    } else if (member->captured != tail &&
               (member->captured == SIM_NONE || sim_is_ancestor(sim, member->captured, tail))) {
        (void)sim_send_capture(sim, h, g, tail);
    } else if (member->captured != SIM_NONE) {
        (void)sim_send_become_leader(sim, h, g, &sim->entries[member->captured].entry);
    }
}

/* Something that member `h` needs before the leader's newest entry can commit; false: nothing. */
static bool replicate_bring_on(struct sim *sim, uint32_t g, uint32_t h, uint32_t leader)
{
    const struct sim_member *member = &sim->groups[g].members[h];
    uint32_t head = sim_head(sim, g, leader);
    if (member->captured != head) {
        if (member->captured == SIM_NONE || sim_is_ancestor(sim, member->captured, head)) {
            (void)sim_send_capture(sim, h, g, head);
            return true;
        }
        if (sim_dice(sim, 1, 16)) { /* it is on another branch: perhaps this leader has lost */
            (void)sim_send_step_down(sim, leader, g, sim_dice(sim, 1, 2));
            return true;
        }
    }
    bool is_known = member->known_capture != SIM_NONE && member->persisted == member->captured &&
                    rind_mac_equal(&sim->captures[member->known_capture].captured.mac,
                                   &sim->entries[member->captured].entry.entry_mac);
    if (member->captured == SIM_NONE || is_known) {
        return false;
    }
    (void)sim_send_persist(sim, h);
    return true;
}

void sim_progress(struct sim *sim, uint32_t g)
{
    uint32_t leader = sim_pick_leader(sim, g);
    if (leader == SIM_NONE) {
        replicate_elect(sim, g);
        return;
    }
    const struct sim_member *leading = &sim->groups[g].members[leader];
    bool is_done =
        leading->has_committed && leading->committed == sim_log_last(sim, leading)->entry.index;
    if (is_done && !sim->is_healing && sim_dice(sim, 15, 16)) {
        sim_operation_app(sim); /* nothing to commit: somebody asks for something */
        return;
    }
    if (is_done && sim->is_healing) {
        return; /* while setting up */
    }
    uint32_t first = sim_below(&sim->random, sim->hsm_count);
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        uint32_t h = (first + i) % sim->hsm_count;
        bool is_lazy = !sim->is_healing && sim_dice(sim, sim->swarm.lazy_per_16, 16);
        if (!is_lazy && sim->hsms[h].core != NULL && sim->groups[g].members[h].is_member &&
            replicate_bring_on(sim, g, h, leader)) {
            return;
        }
    }
    (void)sim_send_commit(sim, leader, g);
}

/* Changes one thing about an entry, as a forger would. */
static void replicate_mutate_entry(struct sim *sim, struct rind_log_entry *entry)
{
    const struct sim_entry *other =
        &sim->entries[sim_below(&sim->random, (uint32_t)sim->entry_count)];
    switch (sim_below(&sim->random, 8)) {
    case 0:
        entry->index += sim_dice(sim, 1, 2) ? 1u : UINT64_MAX;
        break;
    case 1:
        entry->has_partition = other->entry.has_partition;
        entry->partition = other->entry.partition;
        break;
    case 2:
        entry->has_transferring = other->entry.has_transferring;
        entry->transferring = other->entry.transferring;
        break;
    case 3:
        entry->prev_mac = other->entry.entry_mac;
        break;
    case 4:
        entry->entry_mac = other->entry.entry_mac;
        break;
    case 5:
        entry->hsm = sim->hsms[sim_below(&sim->random, sim->hsm_count)].id;
        break;
    case 6:
        entry->has_partition = true;
        entry->partition.range = rind_owned_range_full();
        break;
    default:
        entry->has_transferring = false;
        break;
    }
}

/* A genuine entry that has the next index but follows another one; SIM_NONE if none is found. */
static uint32_t replicate_pick_fork(struct sim *sim, uint32_t g, uint32_t captured)
{
    if (captured == SIM_NONE) {
        return SIM_NONE;
    }
    uint64_t next = sim->entries[captured].entry.index + 1;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t e = sim_ancestor_at(sim, sim_pick_entry(sim, g), next);
        if (e != SIM_NONE && sim->entries[e].parent != captured) {
            return e;
        }
    }
    return SIM_NONE;
}

void sim_operation_capture_next(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = g == SIM_NONE ? SIM_NONE : sim_pick_member(sim, g);
    if (h == SIM_NONE) {
        return;
    }
    uint32_t target = sim_pick_entry(sim, g);
    if (sim_dice(sim, 1, 2)) {
        (void)sim_send_capture(sim, h, g, target);
        return;
    }
    /* A run of its own: any entry, forged ones and other groups' among them. */
    struct rind_log_entry entries[3];
    uint32_t from = sim_dice(sim, 1, 8) ? sim_below(&sim->random, sim->group_count) : g;
    const struct sim_member *member = &sim->groups[g].members[h];
    size_t count = 1 + sim_below(&sim->random, 2);
    for (size_t i = 0; i < count; i++) {
        entries[i] = sim->entries[target].entry;
        uint32_t captured = member->captured;
        bool is_next = sim_dice(sim, 3, 4) && captured != SIM_NONE;
        uint32_t next =
            is_next ? sim_ancestor_at(sim, target, sim->entries[captured].entry.index + 1 + i)
                    : SIM_NONE;
        if (next != SIM_NONE) {
            entries[i] = sim->entries[next].entry;
        }
        uint32_t fork = i == 0 ? replicate_pick_fork(sim, g, captured) : SIM_NONE;
        if (fork != SIM_NONE && sim_dice(sim, 1, 2)) {
            entries[i] = sim->entries[fork].entry;
        } else if (sim_dice(sim, 1, 2)) {
            replicate_mutate_entry(sim, &entries[i]);
        }
    }
    const struct rind_hsm_request request = {
        .kind = RIND_HSM_REQUEST_CAPTURE_NEXT,
        .capture_next = {.realm = sim->groups[from].realm,
                         .group = sim->groups[from].id,
                         .entries = {.items = entries, .count = sim_dice(sim, 1, 16) ? 0 : count}}};
    (void)sim_call(sim, h, &request);
}

/* A statement that some core made, and, often, one thing in it that it did not say. */
static bool replicate_pick_capture(struct sim *sim, uint32_t g, struct rind_captured *captured)
{
    if (sim->capture_count == 0) {
        return false;
    }
    uint32_t picked = sim_below(&sim->random, (uint32_t)sim->capture_count);
    uint32_t newest = sim->groups[g].members[sim_below(&sim->random, sim->hsm_count)].known_capture;
    *captured = sim->captures[newest != SIM_NONE && sim_dice(sim, 3, 4) ? newest : picked].captured;
    const struct sim_entry *other = &sim->entries[sim_pick_entry(sim, g)];
    switch (sim_below(&sim->random, 16)) {
    case 0:
        captured->index += sim_dice(sim, 3, 4) ? 1u : UINT64_MAX;
        break;
    case 1:
        captured->mac = other->entry.entry_mac;
        break;
    case 2:
    case 3:
        captured->index = other->entry.index;
        captured->mac = other->entry.entry_mac;
        break;
    case 4:
    case 5:
        captured->hsm = sim->hsms[sim_below(&sim->random, sim->hsm_count)].id;
        break;
    case 6:
        captured->group = sim->groups[sim_below(&sim->random, sim->group_count)].id;
        break;
    case 7:
        captured->realm = sim->groups[sim_below(&sim->random, sim->group_count)].realm;
        break;
    default:
        break;
    }
    return true;
}

static void replicate_send_jump(struct sim *sim, uint32_t h, const struct rind_captured *captured)
{
    const struct rind_hsm_request request = {.kind = RIND_HSM_REQUEST_CAPTURE_JUMP,
                                             .capture_jump = {.jump = *captured}};
    (void)sim_call(sim, h, &request);
}

void sim_operation_capture_jump(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = g == SIM_NONE ? SIM_NONE : sim_pick_member(sim, g);
    struct rind_captured captured;
    if (h == SIM_NONE || !replicate_pick_capture(sim, g, &captured)) {
        return;
    }
    replicate_send_jump(sim, h, &captured);
    if (sim_dice(sim, 1, 2)) {
        return;
    }
    /* Whoever else has testified to the same. */
    for (size_t i = sim->capture_count; i > 0 && i + 128 > sim->capture_count; i--) {
        const struct rind_captured *other = &sim->captures[i - 1].captured;
        if (rind_mac_equal(&other->mac, &captured.mac)) {
            replicate_send_jump(sim, h, other);
        }
    }
}

/*
 * Votes for the leader's newest entry by all members, of which at most the first says what its HSM
 * said: what a missing check of any one field would let through.
 */
static size_t replicate_forge_votes(struct sim *sim, uint32_t g, uint32_t leader,
                                    struct rind_captured *captures)
{
    uint32_t head = sim_head(sim, g, leader);
    size_t count = 0;
    for (uint32_t h = 0; h < sim->hsm_count && head != SIM_NONE; h++) {
        uint32_t known = sim->groups[g].members[h].known_capture;
        if (known == SIM_NONE) {
            continue;
        }
        captures[count] = sim->captures[known].captured;
        captures[count].index = sim->entries[head].entry.index;
        if (sim_dice(sim, 3, 4)) {
            captures[count].mac = sim->entries[head].entry.entry_mac;
        }
        count++;
    }
    return count;
}

void sim_operation_commit(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = g == SIM_NONE ? SIM_NONE : sim_pick_leader(sim, g);
    if (g != SIM_NONE && (h == SIM_NONE || sim_dice(sim, 1, 4))) {
        h = sim_pick_member(sim, g);
    }
    if (h == SIM_NONE) {
        return;
    }
    struct rind_captured captures[16];
    size_t count = 0;
    uint32_t dice = sim_below(&sim->random, 4);
    if (dice == 0) { /* an answer for some only */
        size_t all = replicate_newest(sim, g, captures);
        for (size_t i = 0; i < all; i++) {
            if (sim_dice(sim, 2, 3)) {
                captures[count] = captures[i];
                count++;
            }
        }
    } else if (dice == 1) {
        count = replicate_forge_votes(sim, g, h, captures);
    } else {
        uint32_t wanted = 1 + sim_below(&sim->random, 8);
        for (uint32_t i = 0; i < wanted; i++) {
            count += replicate_pick_capture(sim, g, &captures[count]) ? 1u : 0u;
        }
    }
    (void)replicate_send_commit(sim, h, g, captures, count);
}

void sim_operation_become_leader(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = g == SIM_NONE ? SIM_NONE : sim_pick_member(sim, g);
    if (h == SIM_NONE) {
        return;
    }
    const struct sim_member *member = &sim->groups[g].members[h];
    struct rind_log_entry entry = sim->entries[sim_pick_entry(sim, g)].entry;
    if (member->captured != SIM_NONE && sim_dice(sim, 3, 4)) {
        entry = sim->entries[member->captured].entry;
    }
    if (sim_dice(sim, 2, 3)) {
        struct rind_log_entry mutated = entry;
        replicate_mutate_entry(sim, &mutated);
        if (sim_dice(sim, 1, 2)) { /* keeps what is compared with NVRAM */
            mutated.index = entry.index;
            mutated.entry_mac = entry.entry_mac;
        }
        entry = mutated;
    }
    (void)sim_send_become_leader(sim, h, g, &entry);
}

/* Another member leads too, from where it stands: the log forks. */
void sim_operation_second_leader(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = g == SIM_NONE ? SIM_NONE : sim_pick_member(sim, g);
    if (h == SIM_NONE) {
        return;
    }
    const struct sim_member *member = &sim->groups[g].members[h];
    if (member->role == RIND_ROLE_WITNESS && member->captured != SIM_NONE) {
        (void)sim_send_become_leader(sim, h, g, &sim->entries[member->captured].entry);
    }
}
