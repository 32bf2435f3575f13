/* events.c - see events.h: Pub/Sub. */
#include "software/events.h"

static rind_status pubsub_publish(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                                  struct rind_slice json, struct rind_deadline deadline)
{
    const struct rind_software_pubsub *pubsub = self;
    const struct rind_pubsub_scope scope = {pubsub->realm, tenant};
    return rind_pubsub_publish(ctx, pubsub->pubsub, &scope, &json, 1, deadline);
}

void rind_software_events_pubsub(struct rind_software_pubsub *pubsub,
                                 struct rind_software_events *events)
{
    *events = (struct rind_software_events){pubsub_publish, pubsub};
}
