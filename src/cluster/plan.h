/*
 * plan.h - arithmetic on who owns which records, and the steps that give a range to a group.
 *
 * Pure functions over what leaders reported. Ranges are checked before use: an inverted one is an
 * error, never an assertion. Spec: docs/spec/08-cluster.md section 12. Thread-safe.
 */
#ifndef RIND_CLUSTER_PLAN_H
#define RIND_CLUSTER_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "wire/wire.h"

/* More parts than 32-bit boundaries could tell apart sensibly (section 12.3). */
#define RIND_PLAN_PARTS_MAX 1000000u
/* Steps of one plan: one per owner and the two ends that are given away. */
#define RIND_PLAN_STEPS_MAX 4096u

/* A group and the range that its leader reported to own. */
struct rind_plan_owner {
    struct rind_group_id group;
    struct rind_owned_range range;
};
RIND_LIST_TYPE(rind_plan_owner_list, struct rind_plan_owner);

/* One transfer. */
struct rind_plan_step {
    struct rind_group_id source;
    struct rind_group_id destination;
    struct rind_owned_range range;
};
RIND_LIST_TYPE(rind_plan_step_list, struct rind_plan_step);

/*
 * The owners that together cover `range`, sorted by start and not clipped. `*is_covered` is false,
 * and the list empty, if there is a gap, an overlap, or an owner reported twice. Section 12.2.
 */
rind_status rind_plan_covering_owners(struct rind_ctx *ctx, struct rind_plan_owner_list owners,
                                      const struct rind_owned_range *range, bool *is_covered,
                                      struct rind_plan_owner_list *covering) RIND_MUST_USE;

/* Part `index` (from 0) of `count` equal parts of all record ids. RIND_E_INVALID unless
 * index < count <= RIND_PLAN_PARTS_MAX. Section 12.3. */
rind_status rind_plan_even_part(struct rind_ctx *ctx, uint32_t index, uint32_t count,
                                struct rind_owned_range *part) RIND_MUST_USE;

/*
 * The transfers, in order, after which `destination` owns exactly `target`. `owned` is what it owns
 * now, or NULL. None if it does already. RIND_E_INVALID with the specified sentence where a hole
 * would result, RIND_E_NOT_FOUND where owners are unknown. Section 12.4.
 */
rind_status rind_plan_transfers(struct rind_ctx *ctx, struct rind_plan_owner_list owners,
                                const struct rind_group_id *destination,
                                const struct rind_owned_range *owned,
                                const struct rind_owned_range *target,
                                struct rind_plan_step_list *steps) RIND_MUST_USE;

#endif
