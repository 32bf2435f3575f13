/* session_inner.h - what the files of a session share. Spec and purpose: session.h. */
#ifndef RIND_CLI_CHAOS_SESSION_INNER_H
#define RIND_CLI_CHAOS_SESSION_INNER_H

#include "cli/chaos/probe.h"
#include "cli/chaos/report.h"
#include "cli/chaos/session.h"

struct rind_chaos_session {
    struct rind_cli *cli;
    const struct rind_chaos_options *options;
    struct rind_process *process;
    struct rind_stopper *stopper;
    struct rind_local local;
    struct rind_chaos_report report;
    struct rind_chaos_stage stage;
    struct rind_chaos_watcher *watcher;
    struct rind_chaos_courier *courier;
    struct rind_chaos_load *load;
    struct rind_chaos_load_options load_options;
    struct rind_configuration *configurations[RIND_CHAOS_BALANCERS_MAX];
    size_t configuration_count;
    struct rind_chaos_attack attack;
    struct rind_chaos_figures figures;
};

/* Mends what is due until the deadline. RIND_E_CANCELLED if we were told to stop. */
rind_status rind_chaos_session_tend(struct rind_chaos_session *session,
                                    struct rind_deadline deadline) RIND_MUST_USE;

/* Mends everything and waits until all processes run and every record has a leader. */
rind_status rind_chaos_session_heal(struct rind_chaos_session *session) RIND_MUST_USE;

/*
 * Kills the machine of a leader `options->failover_count` times and measures until all records are
 * served again. What fails after that, while the machine comes back, counts as an error.
 */
rind_status rind_chaos_session_measure_failovers(struct rind_chaos_session *session) RIND_MUST_USE;

/* Moves half of all records `options->transfer_count` times; nothing may fail. */
rind_status rind_chaos_session_measure_transfers(struct rind_chaos_session *session) RIND_MUST_USE;

#endif
