/*
 * probe.h - when does the realm serve again? Clients spread over all records ask until it does.
 *
 * Each asks for a user who never registered, which every group answers without changing anything.
 * With 24 of them, any quarter of the records is missed by all in 0.1 % of the cases.
 */
#ifndef RIND_CLI_CHAOS_PROBE_H
#define RIND_CLI_CHAOS_PROBE_H

#include "cli/chaos/load.h"

#define RIND_CHAOS_PROBES 24u
#define RIND_CHAOS_PROBE_PAUSE_MS 10u /* after an error, before asking again */

struct rind_chaos_probes; /* opaque */

/* Uses the load's options: they are borrowed until close. */
rind_status rind_chaos_probes_open(struct rind_ctx *ctx,
                                   const struct rind_chaos_load_options *options,
                                   struct rind_chaos_probes **probes) RIND_MUST_USE;
/* NULL is ignored. */
void rind_chaos_probes_close(struct rind_chaos_probes *probes);

/*
 * Asks from all of them at once until each got an answer. `*resumed_ns` is when the last one did.
 * RIND_E_TIMEOUT with the last error at the deadline.
 */
rind_status rind_chaos_probes_await(struct rind_ctx *ctx, struct rind_chaos_probes *probes,
                                    struct rind_deadline deadline,
                                    uint64_t *resumed_ns) RIND_MUST_USE;

#endif
