/* cluster_inner.h - what the files of the cluster library share. */
#ifndef RIND_TESTS_HSM_CLUSTER_INNER_H
#define RIND_TESTS_HSM_CLUSTER_INNER_H

#include "hsm/cluster.h"

/* Reports and ends the process. */
_Noreturn void cluster_fail(const char *what, const char *sentence);
void cluster_require(struct cluster *cluster, rind_status status, const char *what);

/* From the cluster's arena, zeroed. */
void *cluster_alloc(struct cluster *cluster, size_t count, size_t size);

/* Zeroes a core's memory, and gives its pages back. */
void cluster_memory_clear(void *memory, size_t size);

/* Notes what a rebooted core has captured of log `log`. */
void cluster_forget_captures(struct cluster *cluster, unsigned h, unsigned log);

struct cluster_nodes *cluster_nodes_new(void);
void cluster_nodes_free(struct cluster_nodes *nodes);

/* A log for a new group. */
struct cluster_log *cluster_log_add(struct cluster *cluster, const struct rind_group_id *group);

#endif
