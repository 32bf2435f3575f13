/*
 * event_source.h - where a tenant's events come from. Spec 05 sections 12.3 to 12.5.
 */
#ifndef RIND_TENANTLOG_EVENT_SOURCE_H
#define RIND_TENANTLOG_EVENT_SOURCE_H

#include "base/base.h"
#include "cloud/pubsub.h"
#include "host/host.h"

/* An event as delivered, its data not looked at yet. All in the arena of the call. */
struct rind_delivered_event {
    struct rind_slice id;
    struct rind_slice ack_id;
    struct rind_slice data;
    int64_t publish_unix_s;
    int32_t publish_nanos;
};

/* Thread-safe, but for close. */
struct rind_event_source {
    void *self;
    /*
     * Up to `count_max` events of the tenant. If there are none it waits for some until the
     * deadline if `may_wait`, or a while less, and gives none. What the tenant needs to have events
     * is made if it is missing. Delivered events come again unless they are acknowledged.
     */
    rind_status (*pull)(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                        size_t count_max, bool may_wait, struct rind_deadline deadline,
                        struct rind_delivered_event **events, size_t *count);
    /* RIND_E_INVALID if an id is none, or its time is over; others may have been acknowledged. */
    rind_status (*acknowledge)(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                               const struct rind_slice *ack_ids, size_t count,
                               struct rind_deadline deadline);
    /* Ends calls under way and later ones with RIND_E_CANCELLED. From any thread. */
    void (*cancel)(void *self);
    void (*close)(void *self);
};

/* The events of this realm in Pub/Sub. `pubsub` is borrowed until close; cancel cancels it. */
rind_status rind_event_source_pubsub(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                     const struct rind_realm_id *realm,
                                     struct rind_event_source *source) RIND_MUST_USE;

#endif
