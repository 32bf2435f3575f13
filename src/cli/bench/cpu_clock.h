/* cpu_clock.h - processor time of the calling thread: what work costs however busy the machine. */
#ifndef RIND_CLI_BENCH_CPU_CLOCK_H
#define RIND_CLI_BENCH_CPU_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t rind_cpu_clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#endif
