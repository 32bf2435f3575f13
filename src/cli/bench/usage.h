/*
 * usage.h - what server processes use: processor time and peak memory, read from the system.
 *
 * Linux only, as the daemons are. Processor time of a process includes all its threads, those that
 * ended too, to the nanosecond.
 */
#ifndef RIND_CLI_BENCH_USAGE_H
#define RIND_CLI_BENCH_USAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/base.h"

#define RIND_USAGE_PROCESSES_MAX 128u
#define RIND_USAGE_NAME_SIZE_MAX 64u
#define RIND_USAGE_INFO_SIZE_MAX 1048576u

struct rind_usage_process {
    char name[RIND_USAGE_NAME_SIZE_MAX];
    pid_t pid;
    uint64_t cpu_ns;      /* since the last look */
    uint64_t memory_peak; /* bytes, resident; since it started */
    uint64_t start_ns;    /* processor time at the last look */
    bool is_emulator;     /* it stands for a service of somebody else's: no server of ours */
};

/* Parts of all processor time of the machine in some time; together 1. */
struct rind_usage_shares {
    double emulator;
    double servers; /* the other processes watched */
    double client;  /* this process */
    double others;  /* whoever else runs here */
    double idle;
};

/* Zeroed: no processes are watched. */
struct rind_usage {
    struct rind_usage_process processes[RIND_USAGE_PROCESSES_MAX];
    size_t process_count;
    double busy; /* of all processors of the machine, by anybody, since the last look: 0 to 1 */
    uint64_t busy_ticks;
    uint64_t all_ticks;
    uint64_t elapsed_ns; /* since the last look */
    uint64_t self_ns;    /* processor time of this process in it */
    uint64_t start_ns;
    uint64_t self_start_ns;
};

/* RIND_E_LIMIT if there are too many. */
rind_status rind_usage_watch(struct rind_ctx *ctx, struct rind_usage *usage, const char *name,
                             pid_t pid) RIND_MUST_USE;

/* The processes listed in a file that `rind demo --info` writes. */
rind_status rind_usage_watch_info(struct rind_ctx *ctx, struct rind_usage *usage,
                                  const char *path) RIND_MUST_USE;

/* Begins to count. */
void rind_usage_start(struct rind_usage *usage);

/* Fills in what was used since. A process that has ended counts as having used nothing. */
void rind_usage_stop(struct rind_usage *usage);

/* Of all processes watched but emulators. */
uint64_t rind_usage_cpu_ns(const struct rind_usage *usage);

/* Who had the processors, of which there are `processor_count`. The kernel's account of the whole
 * machine is coarser than that of processes: `others` is not below 0, whatever it says. */
void rind_usage_shares(const struct rind_usage *usage, unsigned processor_count,
                       struct rind_usage_shares *shares);

#endif
