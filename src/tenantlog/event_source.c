/* event_source.c - events from Pub/Sub; see event_source.h. */
#include "tenantlog/event_source.h"

#include <stdlib.h>

struct pubsub_source {
    struct rind_pubsub *pubsub;
    struct rind_realm_id realm;
};

static rind_status pubsub_source_ask(struct pubsub_source *source, struct rind_ctx *ctx,
                                     const struct rind_pubsub_scope *scope, size_t count_max,
                                     bool may_wait, struct rind_deadline deadline,
                                     struct rind_pubsub_message **messages, size_t *count)
{
    rind_status status = may_wait ? rind_pubsub_pull(ctx, source->pubsub, scope, count_max,
                                                     deadline, messages, count)
                                  : rind_pubsub_pull_now(ctx, source->pubsub, scope, count_max,
                                                         deadline, messages, count);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        *count = 0;
        return rind_pubsub_create(ctx, source->pubsub, scope, deadline);
    }
    return status;
}

static rind_status pubsub_source_pull(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                                      size_t count_max, bool may_wait,
                                      struct rind_deadline deadline,
                                      struct rind_delivered_event **events, size_t *count)
{
    struct pubsub_source *source = self;
    const struct rind_pubsub_scope scope = {source->realm, tenant};
    struct rind_pubsub_message *messages = NULL;
    size_t received = 0;
    RIND_TRY(pubsub_source_ask(source, ctx, &scope, count_max, may_wait, deadline, &messages,
                               &received));
    struct rind_delivered_event *list = rind_ctx_alloc_array(ctx, received, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < received; i++) {
        list[i] = (struct rind_delivered_event){.id = messages[i].id,
                                                .ack_id = messages[i].ack_id,
                                                .data = messages[i].data,
                                                .publish_unix_s = messages[i].publish_unix_s,
                                                .publish_nanos = messages[i].publish_nanos};
    }
    *events = list;
    *count = received;
    return RIND_OK;
}

static rind_status pubsub_source_acknowledge(void *self, struct rind_ctx *ctx,
                                             struct rind_slice tenant,
                                             const struct rind_slice *ack_ids, size_t count,
                                             struct rind_deadline deadline)
{
    struct pubsub_source *source = self;
    const struct rind_pubsub_scope scope = {source->realm, tenant};
    rind_status status =
        rind_pubsub_acknowledge(ctx, source->pubsub, &scope, ack_ids, count, deadline);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        return rind_fail(ctx, RIND_E_INVALID, "this tenant has no events to acknowledge");
    }
    return status;
}

static void pubsub_source_cancel(void *self)
{
    struct pubsub_source *source = self;
    rind_pubsub_cancel(source->pubsub);
}

static void pubsub_source_close(void *self)
{
    free(self);
}

rind_status rind_event_source_pubsub(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                     const struct rind_realm_id *realm,
                                     struct rind_event_source *source)
{
    struct pubsub_source *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory for an event source");
    *made = (struct pubsub_source){.pubsub = pubsub, .realm = *realm};
    *source = (struct rind_event_source){.self = made,
                                         .pull = pubsub_source_pull,
                                         .acknowledge = pubsub_source_acknowledge,
                                         .cancel = pubsub_source_cancel,
                                         .close = pubsub_source_close};
    return RIND_OK;
}
