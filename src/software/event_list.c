/*
 * event_list.c - see events.h: events in memory, with the semantics of Pub/Sub (spec 05 section
 * 12.5). One list for all tenants, oldest first; a delivered event is leased for ten seconds, and
 * its acknowledgement names the delivery, so that one which comes too late is refused. Nothing
 * waits here: the tenant log asks again a source that does not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "software/events.h"

#define LIST_ACK_SIZE 48u

struct list_event {
    struct list_event *next;
    uint64_t id;
    uint64_t deliveries;
    char ack_id[LIST_ACK_SIZE]; /* of the last delivery */
    uint64_t leased_until_ns;   /* by the monotonic clock; 0: to be delivered */
    uint64_t published_unix_ms;
    size_t tenant_length;
    size_t data_length;
    uint8_t bytes[]; /* tenant, data */
};

struct rind_software_list {
    struct rind_mutex mutex; /* guards what follows; nothing is taken under it */
    struct list_event *first;
    struct list_event **end;
    size_t count;
    uint64_t last_id;
};

static struct rind_slice event_tenant(const struct list_event *event)
{
    return rind_slice_make(event->bytes, event->tenant_length);
}

/* Frees the event that `link` points at. */
static void list_remove(struct rind_software_list *list, struct list_event **link)
{
    struct list_event *event = *link;
    *link = event->next;
    if (list->end == &event->next) {
        list->end = link;
    }
    list->count--;
    free(event);
}

static rind_status list_publish(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                                struct rind_slice json, struct rind_deadline deadline)
{
    struct rind_software_list *list = self;
    (void)deadline; /* nothing waits */
    struct list_event *event = malloc(sizeof(*event) + tenant.length + json.length);
    RIND_REQUIRE(ctx, event != NULL, RIND_E_LIMIT, "out of memory for an event");
    *event = (struct list_event){.published_unix_ms = rind_clock_unix_ms(),
                                 .tenant_length = tenant.length,
                                 .data_length = json.length};
    memcpy(event->bytes, tenant.data, tenant.length);
    memcpy(event->bytes + tenant.length, json.data, json.length);
    rind_mutex_lock(&list->mutex);
    event->id = ++list->last_id;
    *list->end = event;
    list->end = &event->next;
    list->count++;
    if (list->count > RIND_SOFTWARE_LIST_MAX) {
        list_remove(list, &list->first);
    }
    rind_mutex_unlock(&list->mutex);
    return RIND_OK;
}

/* ---- delivering ---- */

static rind_status event_deliver(struct rind_ctx *ctx, struct list_event *event,
                                 struct rind_delivered_event *delivered)
{
    char text[LIST_ACK_SIZE];
    struct rind_delivered_event made = {
        .publish_unix_s = (int64_t)(event->published_unix_ms / 1000),
        .publish_nanos = (int32_t)(event->published_unix_ms % 1000) * 1000000};
    (void)snprintf(text, sizeof(text), "%" PRIu64, event->id);
    bool is_copied = rind_arena_copy(ctx->arena, rind_slice_text(text), &made.id);
    event->deliveries++;
    (void)snprintf(event->ack_id, sizeof(event->ack_id), "%" PRIu64 "-%" PRIu64, event->id,
                   event->deliveries);
    is_copied =
        is_copied && rind_arena_copy(ctx->arena, rind_slice_text(event->ack_id), &made.ack_id) &&
        rind_arena_copy(ctx->arena,
                        rind_slice_make(event->bytes + event->tenant_length, event->data_length),
                        &made.data);
    RIND_REQUIRE(ctx, is_copied, RIND_E_LIMIT, "no room for an event");
    event->leased_until_ns = rind_clock_monotonic_ns() + RIND_PUBSUB_ACK_DEADLINE_S * RIND_NS_PER_S;
    *delivered = made;
    return RIND_OK;
}

/* What there is for the tenant now. Under the mutex. */
static rind_status list_deliver(struct rind_ctx *ctx, struct rind_software_list *list,
                                struct rind_slice tenant, size_t count_max,
                                struct rind_delivered_event *events, size_t *count)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    for (struct list_event *event = list->first; event != NULL && *count < count_max;
         event = event->next) {
        if (event->leased_until_ns <= now_ns && rind_slice_equal(event_tenant(event), tenant)) {
            RIND_TRY(event_deliver(ctx, event, &events[*count]));
            (*count)++;
        }
    }
    return RIND_OK;
}

static rind_status list_pull(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                             size_t count_max, bool may_wait, struct rind_deadline deadline,
                             struct rind_delivered_event **events, size_t *count)
{
    struct rind_software_list *list = self;
    (void)may_wait;
    (void)deadline;
    *count = 0;
    *events = rind_ctx_alloc_array(ctx, count_max, sizeof(**events));
    if (*events == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    rind_mutex_lock(&list->mutex);
    rind_status status = list_deliver(ctx, list, tenant, count_max, *events, count);
    rind_mutex_unlock(&list->mutex);
    return status;
}

/* ---- acknowledging ---- */

static bool list_acknowledge_one(struct rind_software_list *list, struct rind_slice tenant,
                                 struct rind_slice ack_id, uint64_t now_ns)
{
    struct list_event **link = &list->first;
    while (*link != NULL) {
        const struct list_event *event = *link;
        if (event->leased_until_ns > now_ns && rind_slice_is_text(ack_id, event->ack_id) &&
            rind_slice_equal(event_tenant(event), tenant)) {
            list_remove(list, link);
            return true;
        }
        link = &(*link)->next;
    }
    return false;
}

static rind_status list_acknowledge(void *self, struct rind_ctx *ctx, struct rind_slice tenant,
                                    const struct rind_slice *ack_ids, size_t count,
                                    struct rind_deadline deadline)
{
    struct rind_software_list *list = self;
    size_t good = 0;
    (void)deadline;
    rind_mutex_lock(&list->mutex);
    uint64_t now_ns = rind_clock_monotonic_ns();
    for (size_t i = 0; i < count; i++) {
        good += list_acknowledge_one(list, tenant, ack_ids[i], now_ns) ? 1 : 0;
    }
    rind_mutex_unlock(&list->mutex);
    RIND_REQUIRE(ctx, good == count, RIND_E_INVALID,
                 "%zu of %zu acknowledgements are none, or come too late", count - good, count);
    return RIND_OK;
}

/* ---- life ---- */

static void list_cancel(void *self)
{
    (void)self; /* nothing waits */
}

static void list_close(void *self)
{
    struct rind_software_list *list = self;
    while (list->first != NULL) {
        list_remove(list, &list->first);
    }
    rind_mutex_fini(&list->mutex);
    free(list);
}

rind_status rind_software_list_open(struct rind_ctx *ctx, struct rind_software_list **result)
{
    struct rind_software_list *list = calloc(1, sizeof(*list));
    RIND_REQUIRE(ctx, list != NULL, RIND_E_LIMIT, "out of memory for events");
    rind_mutex_init(&list->mutex);
    list->end = &list->first;
    *result = list;
    return RIND_OK;
}

void rind_software_list_use(struct rind_software_list *list, struct rind_software_events *events,
                            struct rind_event_source *source)
{
    *events = (struct rind_software_events){list_publish, list};
    *source = (struct rind_event_source){.self = list,
                                         .pull = list_pull,
                                         .acknowledge = list_acknowledge,
                                         .cancel = list_cancel,
                                         .close = list_close};
}
