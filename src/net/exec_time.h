/* exec_time.h - x-exec-time, in answers to clients (07 section 3.1): nanoseconds, decimal. */
#ifndef RIND_NET_EXEC_TIME_H
#define RIND_NET_EXEC_TIME_H

#include <stdint.h>

#include "net/http.h"

/* The header's text; must live as long as the response borrows it. */
struct rind_exec_time {
    char text[24];
};

/* Adds the time since `start_ns` (monotonic clock) to the response. */
void rind_exec_time_add(struct rind_exec_time *exec_time, uint64_t start_ns,
                        struct rind_response *response);

#endif
