/*
 * rate_tenants.h - the limiters of all tenants. Spec 06 sections 7.3 and 7.4.
 *
 * Tenants are created when a request, the configuration or a peer names them, up to a bound; above
 * it idle ones that nobody configured make room. Thread-safe: a lock for the table, held for
 * pointer work only, and one per limiter.
 */
#ifndef RIND_AGENT_RATE_TENANTS_H
#define RIND_AGENT_RATE_TENANTS_H

#include "agent/rate_limit.h"
#include "base/base.h"
#include "host/host.h"

#define RIND_RATE_TENANTS_COUNT_MAX 16384u
#define RIND_RATE_TENANT_NAME_SIZE_BYTES_MAX 256u
/* Configured capacity is in operations; the largest operation, recover, is three requests. */
#define RIND_RATE_REQUESTS_PER_OPERATION 3u
/* A tenant that has used this part of its rate is near its limit. */
#define RIND_RATE_PRESSED_PART 4u

struct rind_rate_tenants;

rind_status rind_rate_tenants_new(struct rind_ctx *ctx, uint64_t default_rate,
                                  struct rind_rate_tenants **tenants) RIND_MUST_USE;
void rind_rate_tenants_free(struct rind_rate_tenants *tenants);

/* One SecretsRequest of `tenant` for `id`: true if it may go on. A tenant that there is no room
 * for is denied. */
bool rind_rate_tenants_allow(struct rind_rate_tenants *tenants, struct rind_slice tenant,
                             uint64_t now_ms, const struct rind_record_id *id);

/*
 * True while some tenant is near its limit: within the last RIND_RATE_WINDOW_MS one had used the
 * RIND_RATE_PRESSED_PARTth part of it. Only then it matters soon what peers have counted.
 */
bool rind_rate_tenants_are_pressed(const struct rind_rate_tenants *tenants, uint64_t now_ms);

/* Reserves the next request of an operation that has begun. */
void rind_rate_tenants_reserve(struct rind_rate_tenants *tenants, struct rind_slice tenant,
                               uint64_t now_ms, const struct rind_record_id *id);

/* The configured rate, in requests per second. A tenant that is configured is never forgotten. */
void rind_rate_tenants_configure(struct rind_rate_tenants *tenants, struct rind_slice tenant,
                                 uint64_t rate);

/* Replaces what `tenant`'s limiter knows of all peers; takes the lists of `state`. */
void rind_rate_tenants_set_others_take(struct rind_rate_tenants *tenants, struct rind_slice tenant,
                                       struct rind_rate_view *state);

/* Calls `visit` with the exportable state of each tenant that has one worth telling. */
typedef void (*rind_rate_visit)(void *self, struct rind_slice tenant,
                                const struct rind_rate_view *state);
void rind_rate_tenants_export(struct rind_rate_tenants *tenants, uint64_t now_ms,
                              rind_rate_visit visit, void *self);

/* How many tenants there are; for tests and metrics. */
size_t rind_rate_tenants_count(struct rind_rate_tenants *tenants);

#endif
