/* report.h - what chaos prints: a line per step and fault, violations, the figures. Thread-safe. */
#ifndef RIND_CLI_CHAOS_REPORT_H
#define RIND_CLI_CHAOS_REPORT_H

#include "cli/chaos/attack.h"
#include "cli/chaos/load.h"
#include "cli/chaos/samples.h"

struct rind_chaos_report {
    bool is_json;
    uint64_t start_ns;
    struct rind_mutex mutex; /* guards what follows and the order of lines */
    uint64_t violations;
};

struct rind_chaos_figures {
    uint64_t seed;
    const struct rind_chaos_attack *attack;
    uint64_t restarts;
    uint64_t ended;
    uint64_t users;
    uint64_t verified;
    struct rind_chaos_load_figures load;
    struct rind_chaos_samples failovers; /* from losing a leader to serving all records again */
    struct rind_chaos_samples transfers; /* of half of all records */
    uint64_t failover_errors;            /* operations that failed after that */
    uint64_t transfer_errors;            /* operations that failed meanwhile */
};

/* Prints the seed. */
void rind_chaos_report_open(struct rind_chaos_report *report, bool is_json, uint64_t seed);
void rind_chaos_report_close(struct rind_chaos_report *report);

void rind_chaos_report_step(struct rind_chaos_report *report, const char *text);
void rind_chaos_report_fault(struct rind_chaos_report *report, const char *text);

/* Counts it. `details` may have several lines. */
void rind_chaos_report_violation(struct rind_chaos_report *report, const char *what,
                                 const char *details);
uint64_t rind_chaos_report_violations(struct rind_chaos_report *report);

void rind_chaos_report_figures(struct rind_chaos_report *report,
                               const struct rind_chaos_figures *figures);

#endif
