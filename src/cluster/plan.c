/* plan.c - see plan.h. */
#include "cluster/plan.h"

#include <stdlib.h>
#include <string.h>

static int plan_compare_start(const void *left, const void *right)
{
    const struct rind_plan_owner *a = left;
    const struct rind_plan_owner *b = right;
    int order = rind_record_id_compare(&a->range.start, &b->range.start);
    return order != 0 ? order : rind_group_id_compare(&a->group, &b->group);
}

/* Each owner ends just before the next one starts, and the ends reach as far as `range`. */
static bool plan_is_gapless(const struct rind_plan_owner *owners, size_t count,
                            const struct rind_owned_range *range)
{
    if (count == 0 || rind_record_id_compare(&owners[0].range.start, &range->start) > 0 ||
        rind_record_id_compare(&owners[count - 1].range.end, &range->end) < 0) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        struct rind_record_id next;
        if (!rind_record_id_next(&owners[i - 1].range.end, &next) ||
            !rind_record_id_equal(&next, &owners[i].range.start)) {
            return false;
        }
    }
    return true;
}

rind_status rind_plan_covering_owners(struct rind_ctx *ctx, struct rind_plan_owner_list owners,
                                      const struct rind_owned_range *range, bool *is_covered,
                                      struct rind_plan_owner_list *covering)
{
    RIND_REQUIRE(ctx, rind_owned_range_is_valid(range), RIND_E_INVALID,
                 "the range's start lies behind its end; exchange the two");
    struct rind_plan_owner *kept = rind_ctx_alloc_array(ctx, owners.count, sizeof(*kept));
    RIND_REQUIRE(ctx, kept != NULL, RIND_E_LIMIT, "no memory for %zu owners", owners.count);
    size_t count = 0;
    for (size_t i = 0; i < owners.count; i++) {
        if (rind_owned_range_overlaps(&owners.items[i].range, range)) {
            kept[count] = owners.items[i];
            count++;
        }
    }
    qsort(kept, count, sizeof(*kept), plan_compare_start);
    *is_covered = plan_is_gapless(kept, count, range);
    covering->items = kept;
    covering->count = *is_covered ? count : 0;
    return RIND_OK;
}

rind_status rind_plan_even_part(struct rind_ctx *ctx, uint32_t index, uint32_t count,
                                struct rind_owned_range *part)
{
    RIND_REQUIRE(ctx, count >= 1 && count <= RIND_PLAN_PARTS_MAX && index < count, RIND_E_INVALID,
                 "part %u of %u cannot be; there may be 1 to %u parts", index, count,
                 RIND_PLAN_PARTS_MAX);
    uint64_t size = (UINT64_C(1) << 32) / count;
    memset(&part->start, 0, sizeof(part->start));
    rind_put_be32(part->start.bytes, (uint32_t)(size * index));
    memset(&part->end, 0xff, sizeof(part->end));
    if (index + 1 < count) {
        rind_put_be32(part->end.bytes, (uint32_t)(size * (index + 1) - 1));
    }
    return RIND_OK;
}

/* The steps so far, and who is known to own what. */
struct planner {
    struct rind_ctx *ctx;
    const struct rind_plan_owner *owners;
    size_t owner_count;
    const struct rind_group_id *destination;
    struct rind_plan_step *steps;
    size_t step_count;
};

static rind_status planner_add(struct planner *planner, const struct rind_group_id *source,
                               const struct rind_group_id *destination,
                               struct rind_owned_range range)
{
    RIND_REQUIRE(planner->ctx, planner->step_count < RIND_PLAN_STEPS_MAX, RIND_E_LIMIT,
                 "more than %u transfers would be needed; move smaller ranges",
                 RIND_PLAN_STEPS_MAX);
    planner->steps[planner->step_count] =
        (struct rind_plan_step){.source = *source, .destination = *destination, .range = range};
    planner->step_count++;
    return RIND_OK;
}

/* The owner of `id`. The caller made sure that there is one. */
static rind_status planner_owner_of(const struct planner *planner, const struct rind_record_id *id,
                                    const struct rind_plan_owner **owner)
{
    for (size_t i = 0; i < planner->owner_count; i++) {
        if (rind_owned_range_contains(&planner->owners[i].range, id)) {
            *owner = &planner->owners[i];
            return RIND_OK;
        }
    }
    return rind_fail(planner->ctx, RIND_E_NOT_FOUND,
                     "a neighbouring range has no known owner; retry when all groups have leaders");
}

/* Steps 1 and 2: gives what lies before and behind the target to the neighbours. */
static rind_status planner_give_ends(struct planner *planner, struct rind_owned_range *owned,
                                     const struct rind_owned_range *target)
{
    const struct rind_plan_owner *neighbour;
    struct rind_record_id beside;
    if (rind_record_id_compare(&owned->start, &target->start) < 0) {
        struct rind_owned_range given = {.start = owned->start};
        (void)rind_record_id_prev(&target->start, &given.end);
        RIND_REQUIRE(planner->ctx, rind_record_id_prev(&owned->start, &beside), RIND_E_INVALID,
                     "nothing lies before the destination's range to take its beginning");
        RIND_TRY(planner_owner_of(planner, &beside, &neighbour));
        RIND_TRY(planner_add(planner, planner->destination, &neighbour->group, given));
        owned->start = target->start;
    }
    if (rind_record_id_compare(&owned->end, &target->end) > 0) {
        struct rind_owned_range given = {.end = owned->end};
        (void)rind_record_id_next(&target->end, &given.start);
        RIND_REQUIRE(planner->ctx, rind_record_id_next(&owned->end, &beside), RIND_E_INVALID,
                     "nothing lies behind the destination's range to take its end");
        RIND_TRY(planner_owner_of(planner, &beside, &neighbour));
        RIND_TRY(planner_add(planner, planner->destination, &neighbour->group, given));
        owned->end = target->end;
    }
    return RIND_OK;
}

/* Step 3: takes leftwards until the destination's range starts where the target does. */
static rind_status planner_take_left(struct planner *planner, struct rind_owned_range *owned,
                                     const struct rind_owned_range *target)
{
    while (rind_record_id_compare(&owned->start, &target->start) > 0) {
        struct rind_owned_range taken;
        (void)rind_record_id_prev(&owned->start, &taken.end);
        const struct rind_plan_owner *owner;
        RIND_TRY(planner_owner_of(planner, &taken.end, &owner));
        bool is_whole = rind_record_id_compare(&owner->range.start, &target->start) >= 0;
        taken.start = is_whole ? owner->range.start : target->start;
        RIND_TRY(planner_add(planner, &owner->group, planner->destination, taken));
        owned->start = taken.start;
    }
    return RIND_OK;
}

/* Step 4: takes rightwards from `start` until the target's end. */
static rind_status planner_take_right(struct planner *planner, struct rind_record_id start,
                                      const struct rind_owned_range *target)
{
    for (;;) {
        const struct rind_plan_owner *owner;
        RIND_TRY(planner_owner_of(planner, &start, &owner));
        bool is_last = rind_record_id_compare(&owner->range.end, &target->end) >= 0;
        struct rind_owned_range taken = {.start = start,
                                         .end = is_last ? target->end : owner->range.end};
        RIND_REQUIRE(planner->ctx,
                     rind_record_id_equal(&taken.start, &owner->range.start) ||
                         rind_record_id_equal(&taken.end, &owner->range.end),
                     RIND_E_INVALID,
                     "The requested transfer would result in trying to create a hole in one of the "
                     "source groups");
        RIND_TRY(planner_add(planner, &owner->group, planner->destination, taken));
        if (is_last) {
            return RIND_OK;
        }
        (void)rind_record_id_next(&taken.end, &start);
    }
}

/* All that must be known: target and owned range together, and one id more on either side. */
static struct rind_owned_range plan_needed(const struct rind_owned_range *owned,
                                           const struct rind_owned_range *target)
{
    struct rind_owned_range needed = *target;
    if (owned != NULL) {
        if (rind_record_id_compare(&owned->start, &needed.start) < 0) {
            needed.start = owned->start;
        }
        if (rind_record_id_compare(&owned->end, &needed.end) > 0) {
            needed.end = owned->end;
        }
        (void)rind_record_id_prev(&needed.start, &needed.start);
        (void)rind_record_id_next(&needed.end, &needed.end);
    }
    return needed;
}

rind_status rind_plan_transfers(struct rind_ctx *ctx, struct rind_plan_owner_list owners,
                                const struct rind_group_id *destination,
                                const struct rind_owned_range *owned,
                                const struct rind_owned_range *target,
                                struct rind_plan_step_list *steps)
{
    RIND_REQUIRE(ctx, rind_owned_range_is_valid(target), RIND_E_INVALID,
                 "the range's start lies behind its end; exchange the two");
    RIND_REQUIRE(ctx, owned == NULL || rind_owned_range_overlaps(target, owned), RIND_E_INVALID,
                 "The requested transfer would result in a range with a hole at the destination");
    struct rind_owned_range needed = plan_needed(owned, target);
    struct rind_plan_owner_list known;
    bool is_covered;
    RIND_TRY(rind_plan_covering_owners(ctx, owners, &needed, &is_covered, &known));
    RIND_REQUIRE(ctx, is_covered, RIND_E_NOT_FOUND,
                 "not every record of the range has exactly one known owner; see 'rind groups'");

    struct planner planner = {
        .ctx = ctx, .owners = known.items, .owner_count = known.count, .destination = destination};
    planner.steps = rind_ctx_alloc_array(ctx, RIND_PLAN_STEPS_MAX, sizeof(*planner.steps));
    RIND_REQUIRE(ctx, planner.steps != NULL, RIND_E_LIMIT, "no memory for the plan");
    struct rind_record_id start = target->start;
    bool is_complete = false;
    if (owned != NULL) {
        struct rind_owned_range current = *owned;
        RIND_TRY(planner_give_ends(&planner, &current, target));
        RIND_TRY(planner_take_left(&planner, &current, target));
        is_complete = rind_record_id_equal(&current.end, &target->end);
        if (!is_complete) {
            (void)rind_record_id_next(&current.end, &start);
        }
    }
    if (!is_complete) {
        RIND_TRY(planner_take_right(&planner, start, target));
    }
    steps->items = planner.steps;
    steps->count = planner.step_count;
    return RIND_OK;
}
