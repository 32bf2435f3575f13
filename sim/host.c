/*
 * host.c - the host's habits, and one operation of it.
 *
 * Swarm testing (Groce et al., 2012): each seed switches some operations off and weighs the others
 * wildly, so that runs differ in kind and not only in detail. Operations that an honest host would
 * do are among them, so that attacks meet states that are worth attacking.
 */
#include "host.h"

/* Weights before the swarm changes them. */
static const uint32_t host_weights[SIM_OP_COUNT] = {
    [SIM_OP_PROGRESS] = 400,     [SIM_OP_APP] = 120,           [SIM_OP_APP_MIXED] = 40,
    [SIM_OP_TRANSFER] = 120,     [SIM_OP_TRANSFER_MIXED] = 32, [SIM_OP_CAPTURE_NEXT] = 24,
    [SIM_OP_CAPTURE_JUMP] = 24,  [SIM_OP_PERSIST] = 16,        [SIM_OP_COMMIT] = 24,
    [SIM_OP_BECOME_LEADER] = 16, [SIM_OP_STEP_DOWN] = 6,       [SIM_OP_SECOND_LEADER] = 8,
    [SIM_OP_FORK_STORE] = 6,     [SIM_OP_RESTART] = 3,         [SIM_OP_NVRAM_FAULT] = 3,
    [SIM_OP_SETUP] = 12,         [SIM_OP_STATUS] = 12,         [SIM_OP_REPLAY] = 12,
    [SIM_OP_GARBAGE] = 2,
};

static void host_swarm_config(struct sim *sim, struct sim_random *random)
{
    static const uint32_t overlays[] = {2, 3, 8, 64};
    static const uint32_t sessions[] = {1, 2, 4, 16};
    sim->swarm.config = (struct rind_hsm_config){
        .overlay_size = overlays[sim_below(random, 4)],
        .sessions_max = sessions[sim_below(random, 4)],
        .log_entries_max = SIM_LOG_MAX,
        .has_metrics = sim_chance(random, 1, 2),
    };
}

void sim_swarm_make(struct sim *sim)
{
    static const uint32_t factors[] = {0, 1, 1, 4, 4, 16};
    static const uint32_t corruption[] = {0, 0, 8, 64};
    static const uint32_t guesses[] = {1, 2, 3, 10, 600};
    struct sim_random random = sim_random_make(sim->options.seed, 1);
    struct sim_swarm *swarm = &sim->swarm;
    for (unsigned i = 0; i < SIM_OP_COUNT; i++) {
        /* Progress and requests are always on: nothing happens without them. */
        uint32_t from = i == SIM_OP_PROGRESS || i == SIM_OP_APP ? 1 : 0;
        uint32_t factor = factors[from + sim_below(&random, 6 - from)];
        swarm->weights[i] = host_weights[i] * factor;
        swarm->weight_sum += swarm->weights[i];
    }
    swarm->corrupt_per_1024 = corruption[sim_below(&random, 4)];
    swarm->swap_per_1024 = corruption[sim_below(&random, 4)];
    swarm->lazy_per_16 = sim_below(&random, 8);
    swarm->guesses_max = guesses[sim_below(&random, 5)];
    host_swarm_config(sim, &random);
    sim->hsm_count = 1 + sim_below(&random, SIM_HSMS_MAX);
    sim->user_count = 1 + sim_below(&random, sim_chance(&random, 1, 4) ? SIM_USERS_MAX : 8);
    for (uint32_t u = 0; u < sim->user_count; u++) {
        struct sim_user *user = &sim->users[u];
        sim_fill(&random, user->record_id.bytes, sizeof(user->record_id.bytes));
        if (u > 0 && sim_chance(&random, 1, 4)) {
            /* A neighbour: the two part late in the tree. */
            user->record_id = sim->users[u - 1].record_id;
            user->record_id.bytes[sim_below(&random, 32)] ^= (uint8_t)(1u << sim_below(&random, 8));
        }
        user->random = sim_random_make(sim->options.seed, 2000 + u);
        user->registration = SIM_NONE;
        user->session_id = sim_below(&random, 2);
        user->session_hsm = SIM_NONE;
    }
}

bool sim_dice(struct sim *sim, uint32_t part, uint32_t whole)
{
    return sim_chance(&sim->random, part, whole);
}

uint32_t sim_pick_up(struct sim *sim)
{
    uint32_t first = sim_below(&sim->random, sim->hsm_count);
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        uint32_t h = (first + i) % sim->hsm_count;
        if (sim->hsms[h].core != NULL) {
            return h;
        }
    }
    return SIM_NONE;
}

uint32_t sim_pick_group(struct sim *sim)
{
    if (sim->group_count == 0) {
        return SIM_NONE;
    }
    uint32_t first = sim_below(&sim->random, sim->group_count);
    for (uint32_t i = 0; i < sim->group_count; i++) {
        uint32_t g = (first + i) % sim->group_count;
        if (sim->groups[g].tail != SIM_NONE) {
            return g;
        }
    }
    return SIM_NONE;
}

uint32_t sim_pick_member(struct sim *sim, uint32_t g)
{
    uint32_t first = sim_below(&sim->random, sim->hsm_count);
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        uint32_t h = (first + i) % sim->hsm_count;
        if (sim->hsms[h].core != NULL && sim->groups[g].members[h].is_member) {
            return h;
        }
    }
    return SIM_NONE;
}

uint32_t sim_head(const struct sim *sim, uint32_t g, uint32_t h)
{
    const struct sim_member *member = &sim->groups[g].members[h];
    return member->log_count == 0 ? SIM_NONE : member->log[member->log_count - 1].entry;
}

uint32_t sim_pick_leader(struct sim *sim, uint32_t g)
{
    uint32_t best = SIM_NONE;
    uint32_t first = sim_below(&sim->random, sim->hsm_count);
    bool wants_furthest = sim_dice(sim, 3, 4);
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        uint32_t h = (first + i) % sim->hsm_count;
        const struct sim_member *member = &sim->groups[g].members[h];
        if (sim->hsms[h].core == NULL || !member->is_member || member->role != RIND_ROLE_LEADER) {
            continue;
        }
        bool is_further = best == SIM_NONE ||
                          (wants_furthest && sim_log_last(sim, member)->entry.index >
                                                 sim->entries[sim_head(sim, g, best)].entry.index);
        best = is_further ? h : best;
    }
    return best;
}

uint32_t sim_pick_entry(struct sim *sim, uint32_t g)
{
    for (unsigned attempt = 0; attempt < 8 && sim->entry_count > 0; attempt++) {
        uint32_t e = sim_below(&sim->random, (uint32_t)sim->entry_count);
        if (sim->entries[e].group == g) {
            return e;
        }
    }
    /* A group that never had a log: any entry is as good. */
    return sim->groups[g].tail != SIM_NONE ? sim->groups[g].tail
                                           : sim_below(&sim->random, (uint32_t)sim->entry_count);
}

struct rind_record_id sim_pick_record(struct sim *sim)
{
    struct rind_record_id id = sim->users[sim_below(&sim->random, sim->user_count)].record_id;
    switch (sim_below(&sim->random, 4)) {
    case 0:
        (void)rind_record_id_next(&id, &id);
        break;
    case 1:
        (void)rind_record_id_prev(&id, &id);
        break;
    case 2:
        memset(id.bytes + 1, 0, sizeof(id.bytes) - 1);
        break;
    default:
        break;
    }
    return id;
}

struct rind_owned_range sim_pick_range(struct sim *sim, const struct rind_owned_range *owned)
{
    struct rind_owned_range range = *owned;
    uint32_t dice = sim_below(&sim->random, 5);
    if (dice < 2) {
        range.start = sim_pick_record(sim);
    } else if (dice < 4) {
        range.end = sim_pick_record(sim);
    }
    return range;
}

static void host_fork_store(struct sim *sim)
{
    uint32_t g = sim_pick_group(sim);
    if (g == SIM_NONE) {
        return;
    }
    sim->groups[g].tail = sim_pick_entry(sim, g);
    sim->counters.forks++;
    sim_story(sim, "the host shows another end of the log of g%u: %llu:%02x%02x", g,
              (unsigned long long)sim->entries[sim->groups[g].tail].entry.index,
              sim->entries[sim->groups[g].tail].entry.entry_mac.bytes[0],
              sim->entries[sim->groups[g].tail].entry.entry_mac.bytes[1]);
}

static void host_nvram_fault(struct sim *sim)
{
    uint32_t h = sim_below(&sim->random, sim->hsm_count);
    for (uint32_t i = 0; i < sim->hsm_count; i++) {
        h = sim->hsms[i].nvram_mode != SIM_NVRAM_WORKS ? i
                                                       : h; /* one is repaired before the next */
    }
    bool works = sim->hsms[h].nvram_mode != SIM_NVRAM_WORKS;
    sim->hsms[h].nvram_mode =
        works ? SIM_NVRAM_WORKS : (enum sim_nvram_mode)(1 + sim_below(&sim->random, 2));
    sim_story(sim, "NVRAM of %c %s", 'A' + (char)h,
              sim->hsms[h].nvram_mode == SIM_NVRAM_WORKS       ? "works"
              : sim->hsms[h].nvram_mode == SIM_NVRAM_FAILS_OLD ? "fails and keeps old bytes"
                                                               : "fails though it writes");
}

static void host_replay(struct sim *sim)
{
    uint32_t h = sim_pick_up(sim);
    uint32_t kept = sim->replay_count < SIM_REPLAYS_MAX ? sim->replay_count : SIM_REPLAYS_MAX;
    if (h == SIM_NONE || kept == 0) {
        return;
    }
    const struct sim_replay *replay = &sim->replays[sim_below(&sim->random, kept)];
    uint8_t *bytes = sim_alloc(sim, replay->length);
    memcpy(bytes, replay->bytes, replay->length);
    sim_story(sim, "the host repeats an old request");
    (void)sim_call_bytes(sim, h, rind_slice_make(bytes, replay->length));
}

static void host_garbage(struct sim *sim)
{
    uint32_t h = sim_pick_up(sim);
    if (h == SIM_NONE) {
        return;
    }
    uint8_t bytes[256];
    size_t length = sim_below(&sim->random, sizeof(bytes) + 1);
    sim_fill(&sim->random, bytes, length);
    (void)sim_call_bytes(sim, h, rind_slice_make(bytes, length));
}

static void host_simple(struct sim *sim, enum sim_operation operation)
{
    uint32_t g = sim_pick_group(sim);
    uint32_t h = sim_pick_up(sim);
    if (g == SIM_NONE || h == SIM_NONE) {
        sim_operation_setup(sim);
        return;
    }
    switch (operation) {
    case SIM_OP_PROGRESS:
        sim_progress(sim, g);
        return;
    case SIM_OP_PERSIST:
        (void)sim_send_persist(sim, h);
        return;
    case SIM_OP_STEP_DOWN: {
        uint32_t leader = sim_pick_leader(sim, g);
        (void)sim_send_step_down(sim, leader == SIM_NONE ? h : leader, g, sim_dice(sim, 1, 3));
        return;
    }
    case SIM_OP_STATUS:
        sim_send_status(sim, h);
        return;
    default:
        RIND_UNREACHABLE("all operations are handled");
    }
}

static enum sim_operation host_choose(struct sim *sim)
{
    uint32_t dice = sim_below(&sim->random, sim->swarm.weight_sum);
    unsigned operation = 0;
    while (dice >= sim->swarm.weights[operation]) {
        dice -= sim->swarm.weights[operation];
        operation++;
    }
    return (enum sim_operation)operation;
}

void sim_host_operation(struct sim *sim)
{
    enum sim_operation operation = host_choose(sim);
    switch (operation) {
    case SIM_OP_APP:
        sim_operation_app(sim);
        return;
    case SIM_OP_APP_MIXED:
        sim_operation_app_mixed(sim);
        return;
    case SIM_OP_TRANSFER:
        sim_operation_transfer(sim);
        return;
    case SIM_OP_TRANSFER_MIXED:
        sim_operation_transfer_mixed(sim);
        return;
    case SIM_OP_CAPTURE_NEXT:
        sim_operation_capture_next(sim);
        return;
    case SIM_OP_CAPTURE_JUMP:
        sim_operation_capture_jump(sim);
        return;
    case SIM_OP_COMMIT:
        sim_operation_commit(sim);
        return;
    case SIM_OP_BECOME_LEADER:
        sim_operation_become_leader(sim);
        return;
    case SIM_OP_SECOND_LEADER:
        sim_operation_second_leader(sim);
        return;
    case SIM_OP_FORK_STORE:
        host_fork_store(sim);
        return;
    case SIM_OP_RESTART:
        sim_operation_restart(sim);
        return;
    case SIM_OP_NVRAM_FAULT:
        host_nvram_fault(sim);
        return;
    case SIM_OP_SETUP:
        sim_operation_setup(sim);
        return;
    case SIM_OP_REPLAY:
        host_replay(sim);
        return;
    case SIM_OP_GARBAGE:
        host_garbage(sim);
        return;
    default:
        host_simple(sim, operation);
    }
}
