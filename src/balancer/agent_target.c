/* agent_target.c - see agent_target.h. */
#include "balancer/agent_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "host/address.h"

rind_status rind_agent_target_new(struct rind_ctx *ctx, const char *url,
                                  struct rind_agent_target **result)
{
    struct rind_url parsed;
    RIND_TRY(rind_url_parse(ctx, rind_slice_text(url), &parsed));
    RIND_REQUIRE(ctx, !parsed.is_tls, RIND_E_INVALID, "agent %s is not served over plain http",
                 url);
    size_t size = strlen(url) + 1;
    struct rind_agent_target *target = calloc(1, sizeof(*target) + size);
    RIND_REQUIRE(ctx, target != NULL, RIND_E_LIMIT, "out of memory for an agent");
    memcpy(target->url, url, size);
    atomic_store(&target->reference_count, 1);
    *result = target;
    return RIND_OK;
}

struct rind_agent_target *rind_agent_target_retain(struct rind_agent_target *target)
{
    unsigned before = atomic_fetch_add(&target->reference_count, 1);
    RIND_ASSERT(before > 0);
    return target;
}

void rind_agent_target_release(struct rind_agent_target *target)
{
    if (target != NULL && atomic_fetch_sub(&target->reference_count, 1) == 1) {
        RIND_ASSERT(atomic_load(&target->in_flight_count) == 0);
        free(target);
    }
}

bool rind_agent_target_enter(struct rind_agent_target *target, unsigned count_max)
{
    unsigned count = atomic_load(&target->in_flight_count);
    while (count < count_max) {
        if (atomic_compare_exchange_weak(&target->in_flight_count, &count, count + 1)) {
            return true;
        }
    }
    return false;
}

void rind_agent_target_leave(struct rind_agent_target *target)
{
    unsigned before = atomic_fetch_sub(&target->in_flight_count, 1);
    RIND_ASSERT(before > 0);
}
