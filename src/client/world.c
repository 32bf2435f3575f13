/* world.c - see world.h. */
#include "client/world.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "client/join.h"

static void world_random(void *self, const struct rind_realm_id *realm, void *bytes, size_t size)
{
    (void)self;
    (void)realm;
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((uint8_t *)bytes + done, size - done, 0);
        /* Only a signal may interrupt; going on without randomness would give keys away. */
        RIND_ASSERT(got >= 0 || errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
}

static uint64_t world_now_ms(void *self)
{
    (void)self;
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    RIND_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void world_sleep_ms(void *self, uint32_t duration_ms)
{
    (void)self;
    struct timespec left = {(time_t)(duration_ms / 1000u), (long)(duration_ms % 1000u) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

struct rind_sdk_world rind_sdk_world_real(void)
{
    struct rind_sdk_world world = {world_random, world_now_ms, world_sleep_ms, NULL,
                                   RIND_SDK_JOIN_GRACE_MS};
    return world;
}
