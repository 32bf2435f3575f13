/*
 * manager_call.h - asking a cluster manager, and showing on a terminal that it takes a while.
 *
 * Without a given manager the first in service discovery is asked; if nothing listens there (it was
 * killed and its registration has not expired) the next one. Nothing is asked twice: only a manager
 * that certainly did not get the request is passed over.
 */
#ifndef RIND_CLI_MANAGER_CALL_H
#define RIND_CLI_MANAGER_CALL_H

#include "cli/command.h"
#include "rpc/rpc.h"

struct rind_cli_managers {
    const char **urls;
    size_t count;
};

/* `given` (may be NULL) alone, or all in service discovery; RIND_E_NOT_FOUND without any. */
rind_status rind_cli_find_managers(struct rind_cli *cli, const struct rind_url *given,
                                   struct rind_cli_managers *managers) RIND_MUST_USE;

/* As rind_rpc_call to one of them. `doing` is what a terminal shows meanwhile. */
rind_status rind_cli_call_manager(struct rind_cli *cli, const struct rind_cli_managers *managers,
                                  const char *doing, const struct rind_rpc *rpc,
                                  const void *request, void *response,
                                  uint64_t timeout_ms) RIND_MUST_USE;

/* Transfers a range and says which; the sentence of a refusal is the manager's. */
rind_status rind_cli_transfer_range(struct rind_cli *cli, const struct rind_cli_managers *managers,
                                    const struct rind_cluster_transfer_request *request,
                                    bool is_quiet) RIND_MUST_USE;

#endif
