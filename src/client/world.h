/*
 * world.h - what the library needs of the machine besides HTTP: randomness and time.
 *
 * The real world is the default. Tests hand in another one, to play recorded runs again and to see
 * what happens after hours without waiting.
 */
#ifndef RIND_CLIENT_WORLD_H
#define RIND_CLIENT_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "rind/rind.h"

struct rind_sdk_world {
    /*
     * Fills `bytes` with random ones. `realm` tells whose session they are for, or is NULL when
     * they are for the operation itself. Cannot fail. Called by several threads at once.
     */
    void (*random)(void *self, const struct rind_realm_id *realm, void *bytes, size_t size);
    uint64_t (*now_ms)(void *self); /* never goes back */
    void (*sleep_ms)(void *self, uint32_t duration_ms);
    void *self;
    uint32_t join_grace_ms; /* how long realms may take once enough others agree (join.h) */
};

/* The operating system's generator and monotonic clock. */
struct rind_sdk_world rind_sdk_world_real(void);

/* As rind_user_new, in `world` (copied; its self must outlive the user). */
struct rind_user *rind_user_new_in(const struct rind_sdk_world *world,
                                   const struct rind_user_options *options, char *why);

#endif
