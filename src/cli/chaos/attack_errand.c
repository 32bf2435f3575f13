/* attack_errand.c - see attack_errand.h. Choices as in docs/spec/08-cluster.md section 17. */
#include "cli/chaos/attack_errand.h"

#include <stdio.h>

#define ERRAND_WHOLE_PERCENT 20u /* of transfers move everything that a group owns */
#define ERRAND_MEMBERS_MIN 3u    /* of a group that may be given records */

static const char *errand_manager(struct rind_chaos_attack *attack)
{
    const struct rind_chaos_stage *stage = attack->stage;
    uint32_t first = rind_chaos_random_below(&attack->random, stage->process_count);
    for (uint32_t i = 0; i < stage->process_count; i++) {
        const struct rind_chaos_process *process =
            &stage->processes[(first + i) % stage->process_count];
        if (process->kind == RIND_CHAOS_MANAGER && process->state == RIND_CHAOS_RUNNING) {
            return process->child->address;
        }
    }
    return NULL;
}

static const char *errand_agent(const struct rind_chaos_attack *attack, uint32_t machine)
{
    const struct rind_chaos_stage *stage = attack->stage;
    return stage->processes[stage->machines[machine].agent].child->address;
}

/* A random group that has a leader. */
static const struct rind_chaos_group *errand_led_group(struct rind_chaos_attack *attack)
{
    const struct rind_chaos_view *view = &attack->view;
    if (view->group_count == 0) {
        return NULL;
    }
    uint32_t first = rind_chaos_random_below(&attack->random, view->group_count);
    for (uint32_t i = 0; i < view->group_count; i++) {
        const struct rind_chaos_group *group = &view->groups[(first + i) % view->group_count];
        if (group->leader != RIND_CHAOS_NOBODY) {
            return group;
        }
    }
    return NULL;
}

static void errand_name_group(const struct rind_group_id *id, char name[9])
{
    (void)snprintf(name, 9, "%02x%02x%02x%02x", id->bytes[0], id->bytes[1], id->bytes[2],
                   id->bytes[3]);
}

/* A witness of the group. */
static uint32_t errand_witness(struct rind_chaos_attack *attack,
                               const struct rind_chaos_group *group)
{
    uint32_t count = attack->stage->machine_count;
    uint32_t first = rind_chaos_random_below(&attack->random, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t machine = (first + i) % count;
        if (group->members[machine] && machine != group->leader) {
            return machine;
        }
    }
    return RIND_CHAOS_NOBODY;
}

/*
 * The piece of `range` left of (or right of) a random cut, or all of it. The first byte of the cut
 * is drawn between those of start and end, so a narrow range is moved whole.
 */
static struct rind_owned_range errand_piece(struct rind_chaos_random *random,
                                            const struct rind_owned_range *range, bool is_left)
{
    struct rind_owned_range piece = *range;
    uint32_t low = range->start.bytes[0];
    uint32_t high = range->end.bytes[0];
    if (rind_chaos_random_percent(random, ERRAND_WHOLE_PERCENT) || high - low < 2) {
        return piece;
    }
    struct rind_record_id cut = {{0}};
    cut.bytes[0] = (uint8_t)(low + 1 + rind_chaos_random_below(random, high - low - 1));
    if (is_left) {
        piece.end = cut;
    } else {
        piece.start = cut;
    }
    return piece;
}

/* May `destination` take a piece of `source`, and from which side? */
static bool errand_fits(const struct rind_chaos_attack *attack,
                        const struct rind_chaos_group *source,
                        const struct rind_chaos_group *destination, bool *is_left)
{
    struct rind_owned_range joined;
    bool is_small = destination->member_count < ERRAND_MEMBERS_MIN &&
                    attack->stage->machine_count >= ERRAND_MEMBERS_MIN;
    if (destination == source || destination->leader == RIND_CHAOS_NOBODY || is_small) {
        return false;
    }
    if (!destination->has_range) {
        *is_left = true;
        return true;
    }
    if (!rind_owned_range_join(&source->range, &destination->range, &joined)) {
        return false;
    }
    *is_left = rind_record_id_compare(&destination->range.start, &source->range.start) < 0;
    return true;
}

static bool errand_choose_transfer(struct rind_chaos_attack *attack,
                                   struct rind_chaos_errand *errand)
{
    const struct rind_chaos_view *view = &attack->view;
    const struct rind_chaos_group *source = errand_led_group(attack);
    errand->url = errand_manager(attack);
    if (source == NULL || !source->has_range || errand->url == NULL) {
        return false;
    }
    uint32_t first = rind_chaos_random_below(&attack->random, view->group_count);
    for (uint32_t i = 0; i < view->group_count; i++) {
        const struct rind_chaos_group *destination = &view->groups[(first + i) % view->group_count];
        bool is_left;
        if (!errand_fits(attack, source, destination, &is_left)) {
            continue;
        }
        char from[9];
        char to[9];
        errand->group = source->id;
        errand->destination = destination->id;
        errand->range = errand_piece(&attack->random, &source->range, is_left);
        errand_name_group(&source->id, from);
        errand_name_group(&destination->id, to);
        (void)snprintf(errand->what, sizeof(errand->what),
                       "transfer: %02x... to %02x... from %s to %s", errand->range.start.bytes[0],
                       errand->range.end.bytes[0], from, to);
        return true;
    }
    return false;
}

static bool errand_choose_group(struct rind_chaos_attack *attack, struct rind_chaos_errand *errand)
{
    const struct rind_chaos_group *group = errand_led_group(attack);
    char name[9];
    if (group == NULL) {
        return false;
    }
    errand->group = group->id;
    errand_name_group(&group->id, name);
    if (errand->kind == RIND_CHAOS_STEPDOWN_AGENT) {
        errand->url = errand_agent(attack, group->leader);
        (void)snprintf(errand->what, sizeof(errand->what), "step down: agent %u of group %s",
                       group->leader + 1, name);
    } else if (errand->kind == RIND_CHAOS_BECOME_LEADER) {
        uint32_t witness = errand_witness(attack, group);
        errand->url = witness == RIND_CHAOS_NOBODY ? NULL : errand_agent(attack, witness);
        (void)snprintf(errand->what, sizeof(errand->what),
                       "duel of leaders: agent %u against agent %u of group %s", witness + 1,
                       group->leader + 1, name);
    } else {
        errand->url = errand_manager(attack);
        (void)snprintf(errand->what, sizeof(errand->what), "hand group over: %s, led by agent %u",
                       name, group->leader + 1);
    }
    return errand->url != NULL;
}

static bool errand_choose_hsm(struct rind_chaos_attack *attack, struct rind_chaos_errand *errand)
{
    const struct rind_chaos_group *group = errand_led_group(attack);
    errand->url = errand_manager(attack);
    if (group == NULL || errand->url == NULL) {
        return false;
    }
    errand->hsm = attack->view.hsms[group->leader];
    (void)snprintf(errand->what, sizeof(errand->what), "hand HSM over: all that HSM %u leads",
                   group->leader + 1);
    return true;
}

bool rind_chaos_attack_choose_errand(struct rind_chaos_attack *attack,
                                     struct rind_chaos_errand *errand)
{
    switch (errand->kind) {
    case RIND_CHAOS_STEPDOWN_GROUP:
    case RIND_CHAOS_STEPDOWN_AGENT:
    case RIND_CHAOS_BECOME_LEADER:
        return errand_choose_group(attack, errand);
    case RIND_CHAOS_STEPDOWN_HSM:
        return errand_choose_hsm(attack, errand);
    case RIND_CHAOS_REBALANCE:
        errand->url = errand_manager(attack);
        (void)snprintf(errand->what, sizeof(errand->what), "rebalance");
        return errand->url != NULL;
    case RIND_CHAOS_TRANSFER:
        return errand_choose_transfer(attack, errand);
    }
    RIND_UNREACHABLE("there are six kinds of errands");
}
