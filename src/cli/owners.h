/*
 * owners.h - who owns which records, from what leaders report; and the plan that changes it.
 *
 * Spec: docs/spec/08-cluster.md sections 12.2 and 12.4.
 */
#ifndef RIND_CLI_OWNERS_H
#define RIND_CLI_OWNERS_H

#include "cli/command.h"

/* The ranges that leaders of the realm report to own, one of each group; in ctx's arena. */
rind_status rind_cli_owners(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                            const struct rind_realm_id *realm,
                            struct rind_plan_owner_list *owners) RIND_MUST_USE;

/* The transfers after which `destination`, which must have one leader, owns exactly `target`. */
rind_status rind_cli_plan(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms,
                          const struct rind_realm_id *realm,
                          const struct rind_group_id *destination,
                          const struct rind_owned_range *target,
                          struct rind_plan_step_list *steps) RIND_MUST_USE;

#endif
