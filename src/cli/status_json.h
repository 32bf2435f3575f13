/*
 * status_json.h - what agents report, as JSON for scripts: `rind agents --json`, `rind groups
 * --json`.
 *
 * Ids, keys and MACs are hex; positions are numbers, or null where there is none yet.
 */
#ifndef RIND_CLI_STATUS_JSON_H
#define RIND_CLI_STATUS_JSON_H

#include "cli/command.h"

/* An array, one object per agent, those that are silent included. NULL when out of memory. */
json_t *rind_cli_agents_json(struct rind_cluster_agent_list agents);

/* An array of realms with their groups and members. NULL when out of memory. */
json_t *rind_cli_groups_json(struct rind_ctx *ctx, struct rind_cluster_hsm_list hsms);

/* How many entries of the group's log the HSM has not persisted; 0 if it is no member. */
uint64_t rind_cli_lag(const struct rind_cluster_hsm *hsm, const struct rind_cluster_hsm *leader,
                      const struct rind_realm_id *realm, const struct rind_group_id *group);

#endif
