/* release.c - see release.h. */
#include "agent/release.h"

#include <stdlib.h>

#include "agent/jobs.h"

/* Publishing includes creating topics, and retries for up to 30 s (05 section 4.3). */
#define RELEASE_PUBLISH_TIMEOUT_MS 30000u
/* Answers waiting for their event in one lane: as many as clients can wait in one group, for they
 * may all be of one tenant. */
#define RELEASE_QUEUE_MAX RIND_AGENT_WAITERS_MAX
/* Threads that publish. Waiting for an answer of some ten milliseconds, each serves some hundred
 * tenants a second, or any number of events of one. */
#define RELEASE_LANES 16u

/* One publishing thread and what waits for it. */
struct release_lane {
    struct rind_agent *agent;
    struct rind_queue *queue; /* of struct release_parcel */
    struct rind_thread thread;
};

struct rind_releaser {
    struct rind_agent *agent;
    struct release_lane lanes[RELEASE_LANES]; /* unused if the sink never waits */
};

/* A released answer on its way to the publishing thread; one block of memory. */
struct release_parcel {
    struct rind_app_waiter *waiter;
    struct rind_app_result_type result;
    struct rind_slice noise; /* encoded struct rind_noise_response */
    struct rind_slice json;
};

static const char *release_type_tag(const struct rind_app_result_type *result)
{
    switch (result->kind) {
    case RIND_APP_RESULT_REGISTER1:
        return "register1";
    case RIND_APP_RESULT_REGISTER2:
        return "register2";
    case RIND_APP_RESULT_RECOVER1:
        return "recover1";
    case RIND_APP_RESULT_RECOVER2:
        return "recover2";
    case RIND_APP_RESULT_RECOVER3:
        return "recover3";
    case RIND_APP_RESULT_DELETE:
        return "delete";
    }
    return "unknown";
}

/* The operation goes on with another request: it shall not fail for the rate half-way. */
static void release_reserve(struct rind_agent *agent, const struct rind_app_waiter *waiter,
                            const struct rind_app_result_type *result)
{
    if (result->kind == RIND_APP_RESULT_REGISTER1 || result->kind == RIND_APP_RESULT_RECOVER1 ||
        result->kind == RIND_APP_RESULT_RECOVER2) {
        rind_rate_tenants_reserve(agent->tenants, waiter->tenant, rind_clock_unix_ms(),
                                  &waiter->record_id);
    }
}

static void release_count(struct rind_agent *agent, const struct rind_app_waiter *waiter,
                          const struct rind_app_result_type *result)
{
    if (agent->metrics == NULL) {
        return;
    }
    char tenant[RIND_METRICS_TEXT_SIZE_MAX];
    size_t length =
        waiter->tenant.length < sizeof(tenant) ? waiter->tenant.length : sizeof(tenant) - 1;
    memcpy(tenant, waiter->tenant.data, length);
    tenant[length] = '\0';
    struct rind_tag tags[] = {{"realm", waiter->group->realm_hex},
                              {"tenant", tenant},
                              {"type", release_type_tag(result)}};
    rind_metrics_count(agent->metrics, "realm.request.count", 1, tags, 3);
    rind_metrics_timing_ns(agent->metrics, "agent.commit.latency",
                           rind_clock_monotonic_ns() - waiter->start_ns, waiter->group->tags, 2);
}

static void release_account(struct rind_agent *agent, const struct rind_app_waiter *waiter,
                            const struct rind_app_result_type *result)
{
    bool is_registered = result->kind == RIND_APP_RESULT_REGISTER2;
    if (waiter->changes_tree && (is_registered || result->kind == RIND_APP_RESULT_DELETE)) {
        rind_accounting_note(
            agent->accounting, &waiter->group->realm, waiter->tenant, &waiter->record_id,
            is_registered ? RIND_USER_SECRET_REGISTERED : RIND_USER_SECRET_DELETED);
    }
}

static void release_span(const struct rind_app_waiter *waiter, const char *name, uint64_t start_ns,
                         uint64_t end_ns)
{
    struct rind_span span;
    rind_span_start_at(&waiter->trace, &span, name, start_ns);
    rind_span_set_text(&span, "rind.group", rind_slice_text(waiter->group->tags[1].value));
    rind_span_set_number(&span, "rind.log.index", (int64_t)waiter->index);
    rind_span_set_number(&span, "rind.batch.size", waiter->batch_size);
    rind_span_finish_at(&span, NULL, end_ns);
}

/*
 * What a recorded request has been waiting for since the HSM made its entry. If a majority was
 * faster than our store's acknowledgement, there is no telling when the entry was appended.
 */
static void release_trace(struct rind_app_waiter *waiter)
{
    if (waiter->trace.tracer == NULL) {
        return;
    }
    waiter->released_ns = rind_clock_monotonic_ns();
    uint64_t appended_ns = waiter->start_ns;
    if (waiter->appended_ns != 0) {
        appended_ns = waiter->appended_ns;
        release_span(waiter, "wait for the appender", waiter->start_ns, waiter->append_began_ns);
        release_span(waiter, "append to the log", waiter->append_began_ns, appended_ns);
    }
    release_span(waiter, "wait for witnesses", appended_ns, waiter->released_ns);
}

/* The event is out, or there is none. */
static void release_finish(struct rind_ctx *ctx, struct rind_agent *agent,
                           struct rind_app_waiter *waiter,
                           const struct rind_app_result_type *result,
                           const struct rind_noise_response *noise)
{
    release_count(agent, waiter, result);
    release_account(agent, waiter, result);
    rind_app_waiter_answer_take(ctx, waiter, noise);
}

/*
 * An event that cannot be published takes the answer with it. Publishing in the background instead
 * (section 16 item 14) would let guesses happen that a tenant never hears of, so it is not offered.
 */
static void release_refuse(struct rind_agent *agent, struct rind_app_waiter *waiter,
                           const char *sentence)
{
    RIND_LOG_WARN(&agent->log, "a tenant event was not published, the client gets no answer: %s",
                  sentence);
    rind_app_waiter_refuse_take(waiter, RIND_AGENT_APP_NO_PUB_SUB);
}

static void release_publish_now(struct rind_ctx *ctx, struct rind_agent *agent,
                                struct rind_app_waiter *waiter,
                                const struct rind_released_response *released,
                                struct rind_slice json)
{
    struct rind_tenant_event event = {waiter->group->realm, waiter->tenant, json};
    rind_status outcome = rind_status_make(RIND_E_INTERNAL);
    agent->options.events.publish(agent->options.events.self, ctx, &event, 1,
                                  rind_deadline_in_ms(RELEASE_PUBLISH_TIMEOUT_MS), &outcome);
    if (rind_is_ok(outcome)) {
        release_finish(ctx, agent, waiter, &released->result, &released->response);
    } else {
        release_refuse(agent, waiter, ctx->sentence);
    }
}

/* All events of a tenant take one lane, where they are published together. */
static struct release_lane *release_lane_of(struct rind_releaser *releaser,
                                            struct rind_slice tenant)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < tenant.length; i++) {
        hash = (hash ^ tenant.data[i]) * 16777619u;
    }
    return &releaser->lanes[hash % RELEASE_LANES];
}

/* Copies everything into one block for the publishing thread. */
static void release_send(struct rind_ctx *ctx, struct rind_releaser *releaser,
                         struct rind_app_waiter *waiter,
                         const struct rind_released_response *released, struct rind_slice json)
{
    struct rind_slice noise;
    if (!rind_is_ok(rind_wire_encode_alloc(ctx, &rind_noise_response_schema, &released->response,
                                           &noise))) {
        release_refuse(releaser->agent, waiter, ctx->sentence);
        return;
    }
    struct release_parcel *parcel = malloc(sizeof(*parcel) + noise.length + json.length);
    RIND_ASSERT(parcel != NULL);
    uint8_t *bytes = (uint8_t *)(parcel + 1);
    memcpy(bytes, noise.data, noise.length);
    memcpy(bytes + noise.length, json.data, json.length);
    *parcel =
        (struct release_parcel){waiter, released->result, rind_slice_make(bytes, noise.length),
                                rind_slice_make(bytes + noise.length, json.length)};
    if (!rind_is_ok(rind_queue_push(ctx, release_lane_of(releaser, waiter->tenant)->queue, parcel,
                                    rind_deadline_now()))) {
        free(parcel);
        release_refuse(releaser->agent, waiter, ctx->sentence);
    }
}

void rind_release_take(struct rind_ctx *ctx, struct rind_releaser *releaser,
                       struct rind_app_waiter *waiter,
                       const struct rind_released_response *released)
{
    struct rind_agent *agent = releaser->agent;
    bool has_event = false;
    struct rind_slice json = {NULL, 0};
    release_trace(waiter);
    release_reserve(agent, waiter, &released->result);
    rind_status status = rind_event_json(ctx, &released->result, waiter->user, &has_event, &json);
    if (!rind_is_ok(status)) {
        release_refuse(agent, waiter, ctx->sentence);
    } else if (!has_event) {
        release_finish(ctx, agent, waiter, &released->result, &released->response);
    } else if (agent->options.events.is_immediate) {
        release_publish_now(ctx, agent, waiter, released, json);
    } else {
        release_send(ctx, releaser, waiter, released, json);
    }
}

static void release_finish_parcel(struct rind_ctx *ctx, struct rind_agent *agent,
                                  struct release_parcel *parcel, rind_status outcome)
{
    struct rind_noise_response noise;
    release_span(parcel->waiter, "publish the event", parcel->waiter->released_ns,
                 rind_clock_monotonic_ns());
    if (!rind_is_ok(outcome)) {
        release_refuse(agent, parcel->waiter, rind_code_name((enum rind_code)outcome.code));
    } else if (rind_is_ok(rind_wire_decode_strict(ctx, &rind_noise_response_schema, parcel->noise,
                                                  &noise))) {
        release_finish(ctx, agent, parcel->waiter, &parcel->result, &noise);
    } else {
        release_refuse(agent, parcel->waiter, ctx->sentence);
    }
    free(parcel);
}

static void release_run(void *self)
{
    struct release_lane *lane = self;
    struct rind_event_sink *sink = &lane->agent->options.events;
    struct rind_job job;
    rind_job_begin(&job, lane->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    void *items[RIND_EVENT_BATCH_MAX];
    size_t count = 0;
    while (rind_is_ok(rind_queue_pop_many(&job.ctx, lane->queue, rind_deadline_never(), items,
                                          RIND_EVENT_BATCH_MAX, &count))) {
        struct rind_tenant_event events[RIND_EVENT_BATCH_MAX];
        rind_status outcomes[RIND_EVENT_BATCH_MAX];
        for (size_t i = 0; i < count; i++) {
            const struct release_parcel *parcel = items[i];
            events[i] = (struct rind_tenant_event){parcel->waiter->group->realm,
                                                   parcel->waiter->tenant, parcel->json};
            outcomes[i] = rind_status_make(RIND_E_INTERNAL);
        }
        sink->publish(sink->self, &job.ctx, events, count,
                      rind_deadline_in_ms(RELEASE_PUBLISH_TIMEOUT_MS), outcomes);
        for (size_t i = 0; i < count; i++) {
            release_finish_parcel(&job.ctx, lane->agent, items[i], outcomes[i]);
        }
        rind_job_reset(&job);
    }
    rind_job_end(&job);
}

static rind_status release_lanes_open(struct rind_ctx *ctx, struct rind_releaser *releaser)
{
    for (size_t i = 0; i < RELEASE_LANES; i++) {
        struct release_lane *lane = &releaser->lanes[i];
        lane->agent = releaser->agent;
        RIND_TRY(rind_queue_new(ctx, RELEASE_QUEUE_MAX, &lane->queue));
        RIND_TRY(rind_thread_start(ctx, &lane->thread, "releaser", release_run, lane));
    }
    return RIND_OK;
}

rind_status rind_releaser_open(struct rind_ctx *ctx, struct rind_agent *agent,
                               struct rind_releaser **releaser)
{
    struct rind_releaser *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->agent = agent;
    rind_status status =
        agent->options.events.is_immediate ? RIND_OK : release_lanes_open(ctx, made);
    if (!rind_is_ok(status)) {
        rind_releaser_close(made);
        return status;
    }
    *releaser = made;
    return RIND_OK;
}

void rind_releaser_close(struct rind_releaser *releaser)
{
    if (releaser == NULL) {
        return;
    }
    for (size_t i = 0; i < RELEASE_LANES; i++) {
        if (releaser->lanes[i].queue != NULL) {
            rind_queue_close(releaser->lanes[i].queue);
        }
    }
    for (size_t i = 0; i < RELEASE_LANES; i++) {
        rind_thread_join(&releaser->lanes[i].thread);
        rind_queue_free(releaser->lanes[i].queue);
    }
    free(releaser);
}
