/* events_pubsub.c - see events_pubsub.h. */
#include "agent/events_pubsub.h"

_Static_assert(RIND_EVENT_BATCH_MAX <= RIND_PUBSUB_PUBLISH_COUNT_MAX,
               "all events of a batch fit in one request");

static bool is_same_topic(const struct rind_tenant_event *a, const struct rind_tenant_event *b)
{
    return rind_realm_id_equal(&a->realm, &b->realm) && rind_slice_equal(a->tenant, b->tenant);
}

static void pubsub_events_publish(void *self, struct rind_ctx *ctx,
                                  const struct rind_tenant_event *events, size_t count,
                                  struct rind_deadline deadline, rind_status *outcomes)
{
    struct rind_pubsub_events *sink = self;
    bool is_done[RIND_EVENT_BATCH_MAX] = {false};
    RIND_ASSERT(count <= RIND_EVENT_BATCH_MAX);
    for (size_t first = 0; first < count; first++) {
        if (is_done[first]) {
            continue;
        }
        struct rind_slice data[RIND_EVENT_BATCH_MAX];
        size_t members[RIND_EVENT_BATCH_MAX];
        size_t member_count = 0;
        for (size_t i = first; i < count; i++) {
            if (!is_done[i] && is_same_topic(&events[first], &events[i])) {
                is_done[i] = true;
                members[member_count] = i;
                data[member_count++] = events[i].json;
            }
        }
        const struct rind_pubsub_scope scope = {events[first].realm, events[first].tenant};
        rind_status status =
            rind_pubsub_publish(ctx, sink->pubsub, &scope, data, member_count, deadline);
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(sink->log, "%zu tenant events were not published: %s", member_count,
                          ctx->sentence);
        }
        for (size_t i = 0; i < member_count; i++) {
            outcomes[members[i]] = status;
        }
    }
}

void rind_event_sink_pubsub(struct rind_event_sink *sink, struct rind_pubsub_events *events)
{
    *sink = (struct rind_event_sink){pubsub_events_publish, false, NULL, events};
}
