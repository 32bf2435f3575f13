/*
 * platform.h - the four things the core asks of what it runs on (spec 02 section 4).
 *
 * A platform is a struct of functions; there is one per kind of machine (platform/software, tests,
 * the simulator). The core calls them from rind_hsm_init and rind_hsm_handle only, on the caller's
 * thread, never two at once, and none may call back into the core. The fourth thing, secrets that
 * key hash tables, the core makes itself from random_fill.
 */
#ifndef RIND_HSM_PLATFORM_H
#define RIND_HSM_PLATFORM_H

#include "base/base.h"

/* Most bytes that are ever handed to nvram_write (spec 02 section 1). */
#define RIND_HSM_NVRAM_SIZE_BYTES_MAX 4000u

struct rind_hsm_platform {
    void *context; /* passed to each function; owned by whoever made the struct */

    /*
     * Appends what was last written to `data`, or nothing if nothing ever was. `data` has room for
     * RIND_HSM_NVRAM_SIZE_BYTES_MAX bytes. On failure ctx has the sentence.
     */
    rind_status (*nvram_read)(void *context, struct rind_ctx *ctx, struct rind_buffer *data);

    /*
     * Replaces what is stored by `data`, all or nothing, and returns RIND_OK only once it would
     * survive a power cut: the core releases statements that depend on it. After a failure either
     * the old or the new bytes may be read on the next boot, never a mixture.
     */
    rind_status (*nvram_write)(void *context, struct rind_ctx *ctx, struct rind_slice data);

    /* Fills `bytes` from a cryptographic generator. Must not return if it cannot. */
    void (*random_fill)(void *context, void *bytes, size_t size);

    /* *now_ns = a monotonic clock; false if there is none. For metrics only, never for decisions.
     */
    bool (*clock_now_ns)(void *context, uint64_t *now_ns);
};

#endif
