/*
 * events.h - where a software realm's tenant events go: to Pub/Sub, or to a list in memory.
 *
 * A request that was committed and makes an event publishes it before it is answered; the paths
 * /tenant_log then serve it from the event source that goes with the sink. Thread-safe, but for
 * open and close. Spec: docs/spec/05-cloud-services.md sections 4.2, 13.3 and 13.4.
 */
#ifndef RIND_SOFTWARE_EVENTS_H
#define RIND_SOFTWARE_EVENTS_H

#include "base/base.h"
#include "host/host.h"
#include "tenantlog/tenantlog.h"

struct rind_software_events {
    /* Once it returned OK the event is not lost. NULL: nobody is told of anything. */
    rind_status (*publish)(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                           struct rind_slice json, struct rind_deadline deadline);
    void *self;
};

/* To the realm's topics in Pub/Sub. */
struct rind_software_pubsub {
    struct rind_pubsub *pubsub; /* borrowed */
    struct rind_realm_id realm;
};
void rind_software_events_pubsub(struct rind_software_pubsub *pubsub,
                                 struct rind_software_events *events);

/* Events of a list. When it is full the oldest make room. */
#define RIND_SOFTWARE_LIST_MAX 10000u

struct rind_software_list; /* opaque: events in memory, all gone at the end */

rind_status rind_software_list_open(struct rind_ctx *ctx,
                                    struct rind_software_list **list) RIND_MUST_USE;

/* Sink and source over the list, which must outlive both; closing the source closes the list. */
void rind_software_list_use(struct rind_software_list *list, struct rind_software_events *events,
                            struct rind_event_source *source);

#endif
