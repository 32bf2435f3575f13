/*
 * events_pubsub.h - tenants' events to Google Pub/Sub. Spec 05 section 4, 06 section 6.6.
 */
#ifndef RIND_AGENT_EVENTS_PUBSUB_H
#define RIND_AGENT_EVENTS_PUBSUB_H

#include "agent/events.h"
#include "cloud/pubsub.h"

/*
 * A sink that publishes through `pubsub`, which it borrows, as is `log` (for what fails). The
 * events of one realm and tenant that come together go in one request.
 */
struct rind_pubsub_events {
    struct rind_pubsub *pubsub;
    const struct rind_log *log;
};
void rind_event_sink_pubsub(struct rind_event_sink *sink, struct rind_pubsub_events *events);

#endif
