/*
 * report.h - the figures of a load on a realm, as text and as JSON.
 *
 * The JSON object has what spec 08 section 15 wants in a results file, under its names, and more
 * beside it; the figures of one operation (recover if it was measured, else the last) stand at the
 * top level too, for scripts that want one number.
 */
#ifndef RIND_CLI_BENCH_REPORT_H
#define RIND_CLI_BENCH_REPORT_H

#include <jansson.h>

#include "cli/bench/floor.h"
#include "cli/bench/load.h"
#include "cli/bench/usage.h"
#include "cli/bench/workload.h"

#define RIND_REPORT_PHASES_MAX 16u

/* One item of the plan, done. */
struct rind_report_phase {
    enum rind_workload_operation operation;
    const char *label; /* printed instead of the operation's name; NULL: none */
    unsigned concurrency;
    double rate;                     /* 0: closed loop */
    struct rind_load_result *result; /* owned by whoever fills it in */
    struct rind_usage usage;         /* of the servers; without processes if they are unknown */
};

struct rind_report {
    json_t *configuration; /* borrowed */
    uint64_t started_unix_ms;
    uint64_t elapsed_ns;
    double rate; /* of the plan; 0: closed loop */
    struct rind_floor floor;
    struct rind_report_phase phases[RIND_REPORT_PHASES_MAX];
    size_t phase_count;
};

/* Public-key microseconds of the HSM that leads, without which the operation cannot be done. */
double rind_report_floor_us(const struct rind_floor *floor, enum rind_workload_operation operation);

/* A new object, or NULL without memory. */
json_t *rind_report_json(const struct rind_report *report);

/* One phase, in a few lines. */
void rind_report_print(const struct rind_report *report, const struct rind_report_phase *phase);

/* Model and number of processors, such as "AMD EPYC, 2 processors". */
void rind_report_machine(char *text, size_t size);

#endif
