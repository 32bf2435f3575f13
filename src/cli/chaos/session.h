/*
 * session.h - one run of chaos: a realm, users, faults, healing, the last questions, the figures.
 */
#ifndef RIND_CLI_CHAOS_SESSION_H
#define RIND_CLI_CHAOS_SESSION_H

#include "cli/chaos/attack.h"
#include "cli/chaos/load.h"
#include "cli/command.h"

#define RIND_CHAOS_RATE_LIMIT 1000000u    /* requests per second: limits are tested elsewhere */
#define RIND_CHAOS_HEAL_TIMEOUT_MS 90000u /* from the last fault to a realm that is whole */

struct rind_chaos_options {
    const char *info_file; /* of a realm that runs already; NULL: start `local` */
    struct rind_local_options local;
    struct rind_local_hosts hosts; /* if local.hosts points here */
    uint32_t failover_count;       /* measured before the attack */
    uint32_t transfer_count;       /* measured after that */
    uint64_t duration_ns;          /* of the attack; 0: none */
    uint64_t interval_ns;
    uint64_t seed;
    uint32_t user_count;
    uint32_t worker_count;
    uint32_t pause_ms_max;
    bool is_json;
};

/*
 * The whole run. RIND_E_INTERNAL if a promise was broken; the reports have been printed by then.
 */
rind_status rind_chaos_session(struct rind_cli *cli,
                               const struct rind_chaos_options *options) RIND_MUST_USE;

#endif
