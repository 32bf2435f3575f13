/*
 * machine.h - a core running on this machine: its memory, NVRAM file, generator and clock.
 *
 * The core's address range is large and mostly never touched (hsm/hsm.h); it is left out of core
 * dumps and locked against swapping, as far as the system lets us. Not thread-safe: requests are
 * strictly serial.
 */
#ifndef RIND_PLATFORM_SOFTWARE_MACHINE_H
#define RIND_PLATFORM_SOFTWARE_MACHINE_H

#include "host/host.h"
#include "hsm/hsm.h"
#include "platform/software/state_file.h"

struct rind_machine {
    struct rind_hsm *core;
    struct rind_state_file state;
    void *memory; /* the core's; NULL when closed */
    size_t memory_size;
    void *response; /* room for any response */
    size_t response_size;
    size_t response_kept; /* of `response` that may stay in memory between requests */
};

/*
 * Opens the state file and boots a core on it. `keys` are copied. `log` is used for the call only,
 * to warn if memory cannot be locked. Errors as rind_state_file_open and rind_hsm_init.
 */
rind_status rind_machine_open(struct rind_ctx *ctx, const char *state_directory, const char *name,
                              const struct rind_realm_keys *keys, const struct rind_log *log,
                              struct rind_machine *machine) RIND_MUST_USE;

/*
 * rind_hsm_handle into the machine's own buffer: *response is valid until the next call.
 */
rind_status rind_machine_handle(struct rind_ctx *ctx, struct rind_machine *machine,
                                struct rind_slice request,
                                struct rind_slice *response) RIND_MUST_USE;

/* Wipes the core and releases everything. Closing twice is fine. */
void rind_machine_close(struct rind_machine *machine);

#endif
