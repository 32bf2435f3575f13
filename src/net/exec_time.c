/* exec_time.c - see exec_time.h. */
#include "net/exec_time.h"

#include <inttypes.h>
#include <stdio.h>

#include "host/clock.h"

void rind_exec_time_add(struct rind_exec_time *exec_time, uint64_t start_ns,
                        struct rind_response *response)
{
    (void)snprintf(exec_time->text, sizeof(exec_time->text), "%" PRIu64,
                   rind_clock_monotonic_ns() - start_ns);
    rind_response_add_header(response, "x-exec-time", rind_slice_text(exec_time->text));
}
