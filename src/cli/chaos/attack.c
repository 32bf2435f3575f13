/* attack.c - see attack.h. Faults that are requests are in attack_errand.c. */
#include "cli/chaos/attack.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/chaos/attack_errand.h"

#define ATTACK_TRIES_MAX 64u      /* choices that turn out impossible before we wait */
#define ATTACK_LEADER_PERCENT 60u /* of faults on machines go to one that leads */
#define ATTACK_DOWN_MS_MAX 3000u

enum attack_how { ATTACK_KILL, ATTACK_STOP, ATTACK_TERMINATE, ATTACK_CUT };

struct attack_row;
typedef bool (*attack_do)(struct rind_chaos_attack *attack, const struct attack_row *row);

struct attack_row {
    const char *name;
    uint32_t weight;
    attack_do run;
    enum attack_how how;
    enum rind_chaos_process_kind kind; /* RIND_CHAOS_OTHER: a machine, its HSM and its agent */
    enum rind_chaos_errand_kind errand;
};

static void attack_say(struct rind_chaos_attack *attack, const char *format, ...) RIND_PRINTF(2, 3);
static void attack_say(struct rind_chaos_attack *attack, const char *format, ...)
{
    char text[RIND_CHAOS_FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    attack->say(attack->say_self, text);
}

/* Mostly short, now and then longer than any timeout of a request between daemons. */
static uint64_t attack_stop_ms(struct rind_chaos_random *random)
{
    uint32_t dice = rind_chaos_random_below(random, 100);
    if (dice < 50) {
        return 100 + rind_chaos_random_below(random, 900);
    }
    return dice < 85 ? 1000 + rind_chaos_random_below(random, 3000)
                     : 4000 + rind_chaos_random_below(random, 6000);
}

/* Does it to one process; false if its state does not allow it. Says how long it lasts. */
static bool attack_process(struct rind_chaos_attack *attack, uint32_t process, enum attack_how how,
                           uint64_t duration_ms)
{
    struct rind_chaos_stage *stage = attack->stage;
    enum rind_chaos_process_state state = stage->processes[process].state;
    switch (how) {
    case ATTACK_KILL:
        if (state == RIND_CHAOS_DOWN) {
            return false;
        }
        rind_chaos_stage_kill(stage, process, duration_ms);
        return true;
    case ATTACK_STOP:
        if (state != RIND_CHAOS_RUNNING) {
            return false;
        }
        rind_chaos_stage_stop(stage, process, duration_ms);
        return true;
    case ATTACK_TERMINATE:
        if (state != RIND_CHAOS_RUNNING) {
            return false;
        }
        rind_chaos_stage_terminate(stage, process);
        return true;
    case ATTACK_CUT:
        return rind_chaos_stage_cut(attack->ctx, stage, process, duration_ms);
    }
    RIND_UNREACHABLE("there are four ways");
}

static void attack_say_process(struct rind_chaos_attack *attack, const struct attack_row *row,
                               const char *who, uint32_t leads, uint64_t duration_ms)
{
    char leading[32] = "";
    if (leads > 0) {
        (void)snprintf(leading, sizeof(leading), " (leads %u)", leads);
    }
    if (row->how == ATTACK_TERMINATE) {
        attack_say(attack, "%s: %s%s", row->name, who, leading);
    } else {
        attack_say(attack, "%s: %s%s, for %" PRIu64 ".%03" PRIu64 " s", row->name, who, leading,
                   duration_ms / 1000, duration_ms % 1000);
    }
}

static uint32_t attack_choose_machine(struct rind_chaos_attack *attack)
{
    uint32_t count = attack->stage->machine_count;
    uint32_t machine = rind_chaos_random_below(&attack->random, count);
    if (rind_chaos_random_percent(&attack->random, ATTACK_LEADER_PERCENT)) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t next = (machine + i) % count;
            if (rind_chaos_view_leads(&attack->view, next) > 0) {
                return next;
            }
        }
    }
    return machine;
}

static uint64_t attack_duration_ms(struct rind_chaos_attack *attack, enum attack_how how)
{
    return how == ATTACK_STOP || how == ATTACK_CUT
               ? attack_stop_ms(&attack->random)
               : rind_chaos_random_below(&attack->random, ATTACK_DOWN_MS_MAX);
}

static bool attack_machine(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    uint32_t number = attack_choose_machine(attack);
    uint64_t duration_ms = attack_duration_ms(attack, row->how);
    if (!rind_chaos_stage_may_impair(attack->stage, number)) {
        return false;
    }
    const struct rind_chaos_machine *machine = &attack->stage->machines[number];
    bool has_hsm = row->kind != RIND_CHAOS_AGENT;
    bool has_agent = row->kind != RIND_CHAOS_HSM;
    bool is_done = false;
    if (has_agent) {
        is_done = attack_process(attack, machine->agent, row->how, duration_ms);
    }
    if (has_hsm) {
        is_done = attack_process(attack, machine->hsm, row->how, duration_ms) || is_done;
    }
    if (is_done) {
        char who[32];
        (void)snprintf(who, sizeof(who), "%s %u",
                       has_hsm && has_agent ? "machine"
                       : has_hsm            ? "HSM"
                                            : "agent",
                       number + 1);
        attack_say_process(attack, row, who, rind_chaos_view_leads(&attack->view, number),
                           duration_ms);
    }
    return is_done;
}

/* What a host sends to one other is lost: its HSM, its agent, another agent, or all managers and
 * balancers. */
static bool attack_loss(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    struct rind_chaos_stage *stage = attack->stage;
    uint32_t number = attack_choose_machine(attack);
    uint32_t other = rind_chaos_random_below(&attack->random, stage->machine_count);
    uint32_t way = rind_chaos_random_below(&attack->random, 4);
    uint64_t duration_ms = attack_duration_ms(attack, ATTACK_CUT);
    const struct rind_chaos_machine *machine = &stage->machines[number];
    char address[RIND_CHAOS_LINK_ADDRESS_SIZE];
    char who[RIND_CHILD_NAME_SIZE_MAX * 2 + 8];
    if (stage->hosts == NULL || !rind_chaos_stage_may_impair(stage, number) ||
        (way == 2 && other == number)) {
        return false;
    }
    uint32_t from = way == 0 ? machine->hsm : machine->agent;
    if (way == 3) {
        rind_chaos_link_our_address(stage->hosts, address);
        (void)snprintf(who, sizeof(who), "agent %u to managers and balancers", number + 1);
    } else {
        uint32_t to = way == 0   ? machine->agent
                      : way == 1 ? machine->hsm
                                 : stage->machines[other].agent;
        rind_chaos_link_address(stage->processes[to].child, address);
        (void)snprintf(who, sizeof(who), "%s to %s", stage->processes[from].child->name,
                       stage->processes[to].child->name);
    }
    if (!rind_chaos_stage_lose(attack->ctx, stage, from, address, duration_ms)) {
        return false;
    }
    attack_say_process(attack, row, who, rind_chaos_view_leads(&attack->view, number), duration_ms);
    return true;
}

static bool attack_service(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    struct rind_chaos_stage *stage = attack->stage;
    uint32_t first = rind_chaos_random_below(&attack->random, stage->process_count);
    uint64_t duration_ms = attack_duration_ms(attack, row->how);
    for (uint32_t i = 0; i < stage->process_count; i++) {
        uint32_t process = (first + i) % stage->process_count;
        if (stage->processes[process].kind == row->kind &&
            rind_chaos_stage_may_take(stage, process) &&
            attack_process(attack, process, row->how, duration_ms)) {
            attack_say_process(attack, row, stage->processes[process].child->name, 0, duration_ms);
            return true;
        }
    }
    return false;
}

void rind_chaos_attack_everything(struct rind_chaos_attack *attack, uint64_t down_ms)
{
    for (uint32_t i = 0; i < attack->stage->process_count; i++) {
        struct rind_chaos_process *process = &attack->stage->processes[i];
        if (process->kind != RIND_CHAOS_OTHER) {
            rind_chaos_stage_kill(attack->stage, i, down_ms);
        }
    }
}

static bool attack_realm(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    uint64_t duration_ms = attack_duration_ms(attack, row->how);
    if (!rind_chaos_stage_is_whole(attack->stage)) {
        return false; /* as likely as its weight says, not likelier when little else is possible */
    }
    rind_chaos_attack_everything(attack, duration_ms);
    attack_say_process(attack, row, "all at once", 0, duration_ms);
    return true;
}

static bool attack_errand(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    struct rind_chaos_errand errand = {.kind = row->errand, .realm = attack->realm};
    return rind_chaos_attack_choose_errand(attack, &errand) &&
           rind_chaos_courier_send(attack->courier, &errand);
}

/* A transfer, and a moment later somebody it needs dies. */
static bool attack_during_transfer(struct rind_chaos_attack *attack, const struct attack_row *row)
{
    struct rind_chaos_errand errand = {.kind = RIND_CHAOS_TRANSFER, .realm = attack->realm};
    uint64_t pause_us = rind_chaos_random_below(&attack->random, 30000);
    uint64_t duration_ms = attack_duration_ms(attack, row->how);
    uint32_t who = rind_chaos_random_below(&attack->random, 3);
    if (!rind_chaos_attack_choose_errand(attack, &errand) ||
        !rind_chaos_courier_send(attack->courier, &errand)) {
        return false;
    }
    (void)rind_stopper_wait(attack->stopper, rind_deadline_in_ns(pause_us * RIND_NS_PER_US));
    uint32_t machine = RIND_CHAOS_NOBODY;
    for (uint32_t g = 0; g < attack->view.group_count; g++) {
        const struct rind_chaos_group *group = &attack->view.groups[g];
        const struct rind_group_id *wanted = who == 0 ? &errand.group : &errand.destination;
        machine = rind_group_id_equal(&group->id, wanted) ? group->leader : machine;
    }
    if (who == 2 || machine == RIND_CHAOS_NOBODY ||
        !rind_chaos_stage_may_impair(attack->stage, machine)) {
        for (uint32_t i = 0; i < attack->stage->process_count; i++) {
            if (strcmp(attack->stage->processes[i].child->address, errand.url) == 0 &&
                rind_chaos_stage_may_take(attack->stage, i)) {
                (void)attack_process(attack, i, ATTACK_KILL, duration_ms);
                attack_say_process(attack, row, attack->stage->processes[i].child->name, 0,
                                   duration_ms);
            }
        }
        return true;
    }
    const struct rind_chaos_machine *hit = &attack->stage->machines[machine];
    bool is_done = attack_process(attack, hit->agent, ATTACK_KILL, duration_ms);
    is_done = attack_process(attack, hit->hsm, ATTACK_KILL, duration_ms) || is_done;
    if (is_done) {
        attack_say_process(attack, row,
                           who == 0 ? "the source's leader" : "the destination's leader",
                           rind_chaos_view_leads(&attack->view, machine), duration_ms);
    }
    return true;
}

static const struct attack_row attack_rows[] = {
    {"kill agent", 12, attack_machine, ATTACK_KILL, RIND_CHAOS_AGENT, 0},
    {"kill HSM", 8, attack_machine, ATTACK_KILL, RIND_CHAOS_HSM, 0},
    {"kill machine", 12, attack_machine, ATTACK_KILL, RIND_CHAOS_OTHER, 0},
    {"stop agent", 8, attack_machine, ATTACK_STOP, RIND_CHAOS_AGENT, 0},
    {"stop HSM", 8, attack_machine, ATTACK_STOP, RIND_CHAOS_HSM, 0},
    {"stop machine", 6, attack_machine, ATTACK_STOP, RIND_CHAOS_OTHER, 0},
    {"restart agent", 8, attack_machine, ATTACK_TERMINATE, RIND_CHAOS_AGENT, 0},
    {"restart HSM", 4, attack_machine, ATTACK_TERMINATE, RIND_CHAOS_HSM, 0},
    {"kill balancer", 3, attack_service, ATTACK_KILL, RIND_CHAOS_BALANCER, 0},
    {"stop balancer", 3, attack_service, ATTACK_STOP, RIND_CHAOS_BALANCER, 0},
    {"restart balancer", 3, attack_service, ATTACK_TERMINATE, RIND_CHAOS_BALANCER, 0},
    {"kill manager", 4, attack_service, ATTACK_KILL, RIND_CHAOS_MANAGER, 0},
    {"stop manager", 4, attack_service, ATTACK_STOP, RIND_CHAOS_MANAGER, 0},
    {"restart manager", 3, attack_service, ATTACK_TERMINATE, RIND_CHAOS_MANAGER, 0},
    {"kill everything", 1, attack_realm, ATTACK_KILL, RIND_CHAOS_OTHER, 0},
    {"cut agent off", 16, attack_machine, ATTACK_CUT, RIND_CHAOS_AGENT, 0},
    {"cut HSM off", 12, attack_machine, ATTACK_CUT, RIND_CHAOS_HSM, 0},
    {"cut machine off", 12, attack_machine, ATTACK_CUT, RIND_CHAOS_OTHER, 0},
    {"lose one way", 24, attack_loss, ATTACK_CUT, 0, 0},
    {"hand group over", 6, attack_errand, 0, 0, RIND_CHAOS_STEPDOWN_GROUP},
    {"hand HSM over", 4, attack_errand, 0, 0, RIND_CHAOS_STEPDOWN_HSM},
    {"step down", 5, attack_errand, 0, 0, RIND_CHAOS_STEPDOWN_AGENT},
    {"duel of leaders", 5, attack_errand, 0, 0, RIND_CHAOS_BECOME_LEADER},
    {"rebalance", 4, attack_errand, 0, 0, RIND_CHAOS_REBALANCE},
    {"transfer", 8, attack_errand, 0, 0, RIND_CHAOS_TRANSFER},
    {"kill in transfer", 6, attack_during_transfer, ATTACK_KILL, 0, RIND_CHAOS_TRANSFER},
};
#define ATTACK_ROW_COUNT (sizeof(attack_rows) / sizeof(attack_rows[0]))
_Static_assert(ATTACK_ROW_COUNT <= RIND_CHAOS_ATTACKS_MAX, "counts has one per row");

static size_t attack_choose_row(struct rind_chaos_random *random)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < ATTACK_ROW_COUNT; i++) {
        sum += attack_rows[i].weight;
    }
    uint32_t dice = rind_chaos_random_below(random, sum);
    size_t row = 0;
    while (dice >= attack_rows[row].weight) {
        dice -= attack_rows[row].weight;
        row++;
    }
    return row;
}

bool rind_chaos_attack_once(struct rind_chaos_attack *attack)
{
    rind_chaos_watcher_view(attack->watcher, &attack->view);
    for (uint32_t i = 0; i < ATTACK_TRIES_MAX; i++) {
        size_t row = attack_choose_row(&attack->random);
        if (attack_rows[row].run(attack, &attack_rows[row])) {
            attack->counts[row]++;
            attack->count++;
            return true;
        }
    }
    return false;
}

const char *rind_chaos_attack_name(size_t row)
{
    return row < ATTACK_ROW_COUNT ? attack_rows[row].name : NULL;
}
