/* result.h - how a run, played in a child process, tells its parent how it ended. */
#ifndef RIND_SIM_RESULT_H
#define RIND_SIM_RESULT_H

#include "sim.h"

#define SIM_SENTENCE_SIZE 1024u
/* Ends of a child process that has a result to show. */
#define SIM_EXIT_PASSED 0
#define SIM_EXIT_VIOLATION 3
#define SIM_EXIT_BROKEN 4

/* Lies in memory that parent and child share. */
struct sim_result {
    struct sim_counters counters;
    uint32_t operation; /* that was being played */
    char sentence[SIM_SENTENCE_SIZE];
};

/*
 * One run (run.c): plays it and returns, unless it ends with a violation, which ends the process.
 */
void sim_run(const struct sim_options *options, struct sim_result *result);

/* Where the run of this process puts its result from now on. */
void sim_result_open(struct sim_result *result, const struct sim *sim);

#endif
