/* options.c - see options.h. */
#include "cluster/options.h"

/* Shorter would keep agents busy with status requests, longer is no supervision. */
#define OPTIONS_INTERVAL_NS_MIN (50 * RIND_NS_PER_MS)
#define OPTIONS_INTERVAL_NS_MAX (3600 * RIND_NS_PER_S)

bool rind_manager_flags_parse(struct rind_manager_flags *flags, int argc, char *const *argv,
                              int *exit_status)
{
    *flags = (struct rind_manager_flags){0};
    const struct rind_flag manager_rows[] = {
        {.name = "listen",
         .letter = 'l',
         .value_name = "IP:PORT",
         .fallback = "127.0.0.1:8079",
         .kind = RIND_FLAG_ADDRESS,
         .help = "Address to serve on and to advertise to agents and operators.",
         .value = &flags->listen},
        {.name = "interval",
         .letter = 'i',
         .fallback = "2000ms",
         .kind = RIND_FLAG_DURATION,
         .min = OPTIONS_INTERVAL_NS_MIN,
         .max = OPTIONS_INTERVAL_NS_MAX,
         .help = "Time between two looks for groups without a leader, and for interrupted "
                 "transfers. The loss of a leader's process is noticed at once in any case.",
         .value = &flags->interval_ns},
        {.name = "rebalance-interval",
         .fallback = "60s",
         .kind = RIND_FLAG_DURATION,
         .min = OPTIONS_INTERVAL_NS_MIN,
         .max = 24 * OPTIONS_INTERVAL_NS_MAX,
         .help = "Time between two looks for a leadership that should move to an HSM with less to "
                 "do.",
         .value = &flags->rebalance_interval_ns},
    };
    const struct rind_flag store_rows[] = {
        {.name = "store",
         .value_name = "STORE",
         .environment = "RIND_STORE",
         .kind = RIND_FLAG_TEXT,
         .is_required = true,
         .help = "Where the realm keeps its rows: lmdb:DIRECTORY, the same as its agents use, "
                 "or bigtable.",
         .value = &flags->store},
    };
    const struct rind_flag_table tables[] = {
        RIND_FLAG_TABLE(NULL, manager_rows),
        RIND_FLAG_TABLE("Store", store_rows),
        rind_bigtable_flags_table(&flags->bigtable),
    };
    const struct rind_command command = {
        .program = "rind-cluster-manager",
        .about = "Management controller of realms: gives groups leaders, spreads the load, moves "
                 "records between groups.",
        .example = "rind-cluster-manager --store lmdb:/var/lib/rind/store --listen 10.0.0.1:8079",
        .tables = tables,
        .table_count = sizeof(tables) / sizeof(tables[0])};
    return rind_flags_or_exit(&command, argc, argv, exit_status);
}
