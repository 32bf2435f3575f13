/*
 * cluster.h - the room that keeps a realm in shape: leaders, balance, ownership of ranges.
 *
 * Purpose: the procedures of docs/spec/08-cluster.md, used by the daemon rind-cluster-manager and
 * by the operator's commands. Trusts nobody: whatever agents report is checked, and no mistake made
 * here can cost more than availability, because HSMs verify every step. Read workload.h and plan.h
 * (pure decisions) first.
 */
#ifndef RIND_CLUSTER_CLUSTER_H
#define RIND_CLUSTER_CLUSTER_H

#include "cluster/assign.h"
#include "cluster/create.h"
#include "cluster/gather.h"
#include "cluster/grant.h"
#include "cluster/leaders.h"
#include "cluster/plan.h"
#include "cluster/rebalance.h"
#include "cluster/recovery.h"
#include "cluster/stepdown.h"
#include "cluster/transfer.h"
#include "cluster/workload.h"

#endif
