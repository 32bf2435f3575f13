/*
 * stepdown.h - moving leaderships away from an HSM, or the leadership of one group, without a gap.
 *
 * The old leader says at which index it ends; the new one waits until it has captured all up to
 * there, so nothing is lost or done twice. Spec: docs/spec/08-cluster.md section 7.
 */
#ifndef RIND_CLUSTER_STEPDOWN_H
#define RIND_CLUSTER_STEPDOWN_H

#include "cluster/assign.h"

/*
 * Does what `request` asks and says how it went. All leases are given back before it returns. The
 * response borrows from ctx's arena. Thread-safe.
 */
void rind_stepdown(struct rind_ctx *ctx, struct rind_grant_keeper *keeper,
                   const struct rind_cluster *cluster,
                   const struct rind_cluster_stepdown_request *request,
                   struct rind_cluster_stepdown_response *response);

/* "Busy: ...", "NotLeader", ...: the response as `rind stepdown` shows it. */
void rind_stepdown_print(struct rind_buffer *out,
                         const struct rind_cluster_stepdown_response *response);

#endif
