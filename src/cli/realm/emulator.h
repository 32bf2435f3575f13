/*
 * emulator.h - the Bigtable emulator under a realm on this machine.
 *
 * The one that BIGTABLE_EMULATOR_HOST names, or else our own child, which starts empty and takes
 * everything along when it ends. For this folder only.
 */
#ifndef RIND_CLI_REALM_EMULATOR_H
#define RIND_CLI_REALM_EMULATOR_H

#include "cli/realm/local.h"

/*
 * Fills local->bigtable; starts the emulator as the realm's first child if none is named.
 * RIND_E_NOT_FOUND with the command that installs it if there is none.
 */
rind_status rind_local_open_bigtable(struct rind_ctx *ctx, struct rind_local *local,
                                     struct rind_stopper *stopper) RIND_MUST_USE;

/* For a realm that somebody else started: fills local->bigtable with the emulator at `host_port`.
 */
rind_status rind_local_attach_bigtable(struct rind_ctx *ctx, struct rind_local *local,
                                       const char *host_port) RIND_MUST_USE;

/* Gives a daemon that is to be started the flags that say where the store is. */
void rind_local_add_store_flags(struct rind_child *child, const struct rind_local *local);

#endif
