/* options.h - the command line of rind-cluster-manager. Spec: docs/spec/08-cluster.md section 1.1.
 */
#ifndef RIND_CLUSTER_OPTIONS_H
#define RIND_CLUSTER_OPTIONS_H

#include "host/host.h"
#include "store/store.h"

struct rind_manager_flags {
    struct rind_address listen;
    uint64_t interval_ns;
    uint64_t rebalance_interval_ns;
    const char *store; /* "lmdb:DIR" or "bigtable" */
    struct rind_bigtable_flags bigtable;
};

/* As rind_flags_or_exit. Strings point into argv or the environment. */
bool rind_manager_flags_parse(struct rind_manager_flags *flags, int argc, char *const *argv,
                              int *exit_status);

#endif
