/*
 * events.h - what tenants are told about their users' secrets. Spec 06 section 6.6, 05 section 4.
 *
 * An event is published after its log entry committed and before the client gets its answer; if
 * publishing fails the client gets none (NoPubSub), for tenants rely on seeing every guess. Where
 * events go is a sink: an in-process one that logs and counts, Pub/Sub, a test.
 */
#ifndef RIND_AGENT_EVENTS_H
#define RIND_AGENT_EVENTS_H

#include <stdatomic.h>

#include "base/base.h"
#include "host/host.h"
#include "wire/wire.h"

/* Events handed to a sink at once; those of concurrent requests travel together. */
#define RIND_EVENT_BATCH_MAX 256u

struct rind_tenant_event {
    struct rind_realm_id realm;
    struct rind_slice tenant;
    struct rind_slice json; /* UTF-8, compact, keys in alphabetical order */
};

struct rind_event_sink {
    /*
     * Publishes all events, in any order, and says of each whether it was accepted. Waits for the
     * answer until the deadline. `ctx` has an arena for the work; it may be reset afterwards.
     */
    void (*publish)(void *self, struct rind_ctx *ctx, const struct rind_tenant_event *events,
                    size_t count, struct rind_deadline deadline, rind_status *outcomes);
    /* True: publish never waits, so that commits may call it themselves. */
    bool is_immediate;
    void (*close)(void *self); /* NULL: nothing to do */
    void *self;
};

/* Events of each kind a counting sink has seen. */
struct rind_event_counts {
    atomic_uint_fast64_t published;
};

/*
 * A sink inside the process: counts the events and logs them at debug level (tenant and realm only,
 * for the rest is about people). `counts` and `log` must outlive it.
 */
void rind_event_sink_counting(struct rind_event_sink *sink, struct rind_event_counts *counts);

#endif
