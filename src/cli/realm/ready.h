/* ready.h - does the whole path serve, from a client through balancer and agent to the HSM? */
#ifndef RIND_CLI_REALM_READY_H
#define RIND_CLI_REALM_READY_H

#include "cli/realm/local.h"

/*
 * Asks as a client for a user who does not exist until every realm answers so. RIND_E_TIMEOUT with
 * the last answer, RIND_E_CANCELLED if the stopper was set.
 */
rind_status rind_local_await_service(struct rind_ctx *ctx, struct rind_local *local,
                                     struct rind_stopper *stopper) RIND_MUST_USE;

#endif
