/* hsm_status.c - see hsm_status.h. */
#include "agent/hsm_status.h"

#include <stdlib.h>

#include "agent/jobs.h"
#include "agent/role.h"

/* Status of an HSM with as many groups as decoders allow. */
#define HSM_STATUS_SIZE_BYTES_MAX (1u << 20)

struct rind_hsm_status_service {
    struct rind_agent *agent;
    struct rind_mutex lock; /* guards all below but the thread */
    struct rind_cond wanted;
    struct rind_cond finished;
    bool is_wanted;
    bool is_closing;
    uint64_t forgotten_until_ns;
    uint64_t begun_at_ns;    /* of the newest request, 0: none yet */
    uint64_t finished_count; /* requests that ended */
    uint64_t begun_count;
    uint64_t result_begun_at_ns; /* of the result below */
    rind_status outcome;
    char sentence[RIND_SENTENCE_SIZE_MAX];
    size_t encoded_size;
    uint8_t *encoded; /* HSM_STATUS_SIZE_BYTES_MAX */
    struct rind_thread thread;
};

/* Roles before a request: an older one in its answer means that the HSM was restarted. */
struct status_roles {
    struct rind_agent_group *groups[RIND_AGENT_GROUPS_MAX];
    struct rind_role_status roles[RIND_AGENT_GROUPS_MAX];
    size_t count;
    uint64_t boot;
};

static void status_note_roles(struct rind_agent *agent, struct status_roles *before)
{
    before->boot = rind_agent_hsm_boot(agent);
    before->count = rind_agent_groups(agent, before->groups);
    for (size_t i = 0; i < before->count; i++) {
        rind_mutex_lock(&before->groups[i]->lock);
        before->roles[i] = before->groups[i]->role;
        rind_mutex_unlock(&before->groups[i]->lock);
    }
}

static const struct rind_group_status *status_find(const struct rind_hsm_status_response *status,
                                                   const struct rind_agent_group *group)
{
    for (size_t i = 0; i < status->realm.groups.count; i++) {
        if (rind_group_id_equal(&status->realm.groups.items[i].id, &group->id)) {
            return &status->realm.groups.items[i];
        }
    }
    return NULL;
}

/*
 * Within one life of the HSM role clocks never fall, and one clock value means one role. So a lower
 * clock, or the same one with another role, in an answer to a request that was made after the other
 * was known, proves a restart.
 */
static bool status_proves_restart(const struct rind_role_status *before,
                                  const struct rind_role_status *now)
{
    return now->at < before->at ||
           (now->at == before->at && !rind_role_equal(&now->role, &before->role));
}

/* After a restart all roles are taken over as they are. */
static void status_detect_restart(struct rind_agent *agent, const struct status_roles *before,
                                  const struct rind_hsm_status_response *status)
{
    if (!status->has_realm) {
        return;
    }
    bool is_restarted = false;
    for (size_t i = 0; i < before->count; i++) {
        const struct rind_group_status *now = status_find(status, before->groups[i]);
        is_restarted =
            is_restarted || (now != NULL && status_proves_restart(&before->roles[i], &now->role));
    }
    uint64_t boot = before->boot;
    if (!is_restarted || !atomic_compare_exchange_strong(&agent->hsm_boot, &boot, boot + 1)) {
        return;
    }
    for (size_t i = 0; i < before->count; i++) {
        const struct rind_group_status *now = status_find(status, before->groups[i]);
        if (now != NULL) {
            rind_role_restart(before->groups[i], before->boot + 1, &now->role);
        }
    }
}

/* Makes one request and encodes its result to `out`. */
static rind_status status_request(struct rind_ctx *ctx, struct rind_agent *agent,
                                  struct rind_slice *encoded)
{
    struct status_roles before;
    struct rind_hsm_status_response status;
    status_note_roles(agent, &before);
    RIND_TRY(rind_hsm_link_status(&agent->hsm, ctx, &status));
    rind_agent_set_hsm_id(agent, &status.id);
    status_detect_restart(agent, &before, &status);
    RIND_TRY(rind_wire_encode_alloc(ctx, &rind_hsm_status_response_schema, &status, encoded));
    RIND_REQUIRE(ctx, encoded->length <= HSM_STATUS_SIZE_BYTES_MAX, RIND_E_LIMIT,
                 "the HSM's status has %zu bytes", encoded->length);
    return RIND_OK;
}

static void status_run(void *self)
{
    struct rind_hsm_status_service *service = self;
    struct rind_job job;
    rind_job_begin(&job, service->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    rind_mutex_lock(&service->lock);
    for (;;) {
        while (!service->is_wanted && !service->is_closing) {
            (void)rind_cond_wait(&service->wanted, &service->lock, rind_deadline_never());
        }
        if (service->is_closing) {
            break;
        }
        service->is_wanted = false;
        service->begun_count++;
        service->begun_at_ns = rind_clock_monotonic_ns();
        rind_mutex_unlock(&service->lock);

        struct rind_slice encoded = {NULL, 0};
        rind_status outcome = status_request(&job.ctx, service->agent, &encoded);

        rind_mutex_lock(&service->lock);
        service->outcome = outcome;
        service->result_begun_at_ns = service->begun_at_ns;
        memcpy(service->sentence, job.ctx.sentence, sizeof(service->sentence));
        service->encoded_size = rind_is_ok(outcome) ? encoded.length : 0;
        if (service->encoded_size > 0) {
            memcpy(service->encoded, encoded.data, encoded.length);
        }
        service->finished_count = service->begun_count;
        rind_cond_broadcast(&service->finished);
        rind_mutex_unlock(&service->lock);
        rind_job_reset(&job);
        rind_mutex_lock(&service->lock);
    }
    rind_mutex_unlock(&service->lock);
    rind_job_end(&job);
}

rind_status rind_hsm_status_open(struct rind_ctx *ctx, struct rind_agent *agent,
                                 struct rind_hsm_status_service **service)
{
    struct rind_hsm_status_service *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->agent = agent;
    made->encoded = malloc(HSM_STATUS_SIZE_BYTES_MAX);
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->wanted);
    rind_cond_init(&made->finished);
    rind_status status = made->encoded == NULL ? rind_fail(ctx, RIND_E_LIMIT, "out of memory")
                                               : rind_thread_start(ctx, &made->thread, "hsm-status",
                                                                   status_run, made);
    if (!rind_is_ok(status)) {
        rind_hsm_status_close(made);
        return status;
    }
    *service = made;
    return RIND_OK;
}

void rind_hsm_status_close(struct rind_hsm_status_service *service)
{
    if (service == NULL) {
        return;
    }
    rind_mutex_lock(&service->lock);
    service->is_closing = true;
    rind_cond_broadcast(&service->wanted);
    rind_mutex_unlock(&service->lock);
    rind_thread_join(&service->thread);
    rind_cond_fini(&service->wanted);
    rind_cond_fini(&service->finished);
    rind_mutex_fini(&service->lock);
    free(service->encoded);
    free(service);
}

/* Waits for a result that is young enough. Lock held. */
static bool status_wait(struct rind_hsm_status_service *service, uint64_t oldest_ns,
                        struct rind_deadline deadline)
{
    while (service->result_begun_at_ns == 0 || service->result_begun_at_ns < oldest_ns) {
        bool is_under_way =
            service->begun_count > service->finished_count && service->begun_at_ns >= oldest_ns;
        if (!is_under_way) {
            service->is_wanted = true;
            rind_cond_signal(&service->wanted);
        }
        if (rind_deadline_has_expired(deadline)) {
            return false;
        }
        (void)rind_cond_wait(&service->finished, &service->lock, deadline);
    }
    return true;
}

rind_status rind_hsm_status_get(struct rind_ctx *ctx, struct rind_hsm_status_service *service,
                                uint64_t age_ms_max, struct rind_deadline deadline,
                                struct rind_hsm_status_response *status)
{
    uint64_t oldest_ns = rind_clock_monotonic_ns() - age_ms_max * RIND_NS_PER_MS;
    struct rind_slice encoded = {NULL, 0};
    rind_mutex_lock(&service->lock);
    if (oldest_ns < service->forgotten_until_ns) {
        oldest_ns = service->forgotten_until_ns;
    }
    bool has_result = status_wait(service, oldest_ns, deadline);
    rind_status outcome = service->outcome;
    if (has_result && rind_is_ok(outcome)) {
        struct rind_slice shared = rind_slice_make(service->encoded, service->encoded_size);
        if (!rind_arena_copy(ctx->arena, shared, &encoded)) {
            outcome = rind_fail(ctx, RIND_E_LIMIT, "request arena is full");
        }
    } else if (has_result) {
        memcpy(ctx->sentence, service->sentence, sizeof(ctx->sentence));
    }
    rind_mutex_unlock(&service->lock);
    RIND_REQUIRE(ctx, has_result, RIND_E_TIMEOUT, "the HSM did not answer in time");
    RIND_TRY(outcome);
    return rind_wire_decode_strict(ctx, &rind_hsm_status_response_schema, encoded, status);
}

void rind_hsm_status_forget(struct rind_hsm_status_service *service)
{
    rind_mutex_lock(&service->lock);
    service->forgotten_until_ns = rind_clock_monotonic_ns();
    rind_mutex_unlock(&service->lock);
}
