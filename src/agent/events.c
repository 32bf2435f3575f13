/* events.c - see events.h. */
#include "agent/events.h"

static void counting_publish(void *self, struct rind_ctx *ctx,
                             const struct rind_tenant_event *events, size_t count,
                             struct rind_deadline deadline, rind_status *outcomes)
{
    (void)ctx;
    (void)events;
    (void)deadline;
    struct rind_event_counts *counts = self;
    atomic_fetch_add(&counts->published, count);
    for (size_t i = 0; i < count; i++) {
        outcomes[i] = RIND_OK;
    }
}

void rind_event_sink_counting(struct rind_event_sink *sink, struct rind_event_counts *counts)
{
    *sink = (struct rind_event_sink){counting_publish, true, NULL, counts};
}
