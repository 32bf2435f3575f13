/* clock.c - see clock.h. */
#include "host/clock.h"

#include <limits.h>

#include "base/base.h"

static uint64_t clock_read_ns(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);
    RIND_ASSERT(result == 0); /* both clocks exist on every Linux */
    return (uint64_t)now.tv_sec * RIND_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t rind_clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t rind_clock_unix_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

uint64_t rind_clock_unix_ms(void)
{
    return rind_clock_unix_ns() / RIND_NS_PER_MS;
}

uint64_t rind_clock_unix_s(void)
{
    return rind_clock_unix_ns() / RIND_NS_PER_S;
}

struct rind_deadline rind_deadline_in_ns(uint64_t duration_ns)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    struct rind_deadline deadline = {now_ns + duration_ns};
    if (deadline.at_ns < now_ns) {
        deadline.at_ns = UINT64_MAX;
    }
    return deadline;
}

struct rind_deadline rind_deadline_in_ms(uint64_t duration_ms)
{
    if (duration_ms > UINT64_MAX / RIND_NS_PER_MS) {
        return rind_deadline_never();
    }
    return rind_deadline_in_ns(duration_ms * RIND_NS_PER_MS);
}

struct rind_deadline rind_deadline_never(void)
{
    return (struct rind_deadline){UINT64_MAX};
}

struct rind_deadline rind_deadline_now(void)
{
    return (struct rind_deadline){0};
}

struct rind_deadline rind_deadline_min(struct rind_deadline a, struct rind_deadline b)
{
    return a.at_ns < b.at_ns ? a : b;
}

bool rind_deadline_is_never(struct rind_deadline deadline)
{
    return deadline.at_ns == UINT64_MAX;
}

bool rind_deadline_has_expired(struct rind_deadline deadline)
{
    return rind_deadline_remaining_ns(deadline) == 0;
}

uint64_t rind_deadline_remaining_ns(struct rind_deadline deadline)
{
    if (rind_deadline_is_never(deadline)) {
        return UINT64_MAX;
    }
    uint64_t now_ns = rind_clock_monotonic_ns();
    return deadline.at_ns > now_ns ? deadline.at_ns - now_ns : 0;
}

int rind_deadline_poll_ms(struct rind_deadline deadline)
{
    if (rind_deadline_is_never(deadline)) {
        return -1;
    }
    uint64_t remaining_ns = rind_deadline_remaining_ns(deadline);
    uint64_t remaining_ms = remaining_ns / RIND_NS_PER_MS + (remaining_ns % RIND_NS_PER_MS != 0);
    return remaining_ms > INT_MAX ? INT_MAX : (int)remaining_ms;
}

struct timespec rind_deadline_timespec(struct rind_deadline deadline)
{
    uint64_t seconds = deadline.at_ns / RIND_NS_PER_S;
    struct timespec when = {(time_t)seconds, (long)(deadline.at_ns % RIND_NS_PER_S)};
    return when;
}
