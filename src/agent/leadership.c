/* leadership.c - see leadership.h. */
#include "agent/leadership.h"

#include "agent/role.h"

#define LEADERSHIP_PAUSE_MS_FIRST 1u
#define LEADERSHIP_PAUSE_MS_MAX 100u

rind_status rind_leadership_read_last(struct rind_ctx *ctx, struct rind_agent *agent,
                                      const struct rind_realm_id *realm,
                                      const struct rind_group_id *group,
                                      struct rind_deadline deadline, struct rind_log_entry *entry)
{
    struct rind_store_entry stored;
    RIND_TRY(rind_store_read_last(ctx, agent->store, realm, group, deadline, &stored, NULL));
    return rind_wire_decode_strict(ctx, &rind_log_entry_schema, stored.cbor, entry);
}

/*
 * What an attempt made of it: final answers end the loop, the others are kept for its end. One that
 * the deadline cut off says nothing, and the answer is what the attempt before it made of it.
 */
struct become_attempt {
    struct rind_agent_become_leader_response response;
    bool is_final;
    bool is_cut_off;
};

static struct become_attempt become_final(enum rind_agent_become_leader_response_kind kind)
{
    return (struct become_attempt){.response = {.kind = kind}, .is_final = true};
}

static struct become_attempt become_retry(enum rind_agent_become_leader_response_kind kind)
{
    return (struct become_attempt){.response = {.kind = kind}, .is_final = false};
}

static struct become_attempt become_cut_off(void)
{
    return (struct become_attempt){.is_final = true, .is_cut_off = true};
}

static struct become_attempt
become_not_captured(const struct rind_agent_become_leader_request *request, uint64_t last,
                    const struct rind_hsm_not_captured *refusal)
{
    struct become_attempt attempt = become_retry(RIND_AGENT_BECOME_LEADER_NOT_CAPTURED);
    attempt.response.not_captured.has_have = refusal->has_have;
    attempt.response.not_captured.have = refusal->have;
    if (refusal->has_have && refusal->have > last) {
        /* The log has grown since we read it. If the caller insists on `last`, it is too old;
         * otherwise the next attempt reads the new last entry. */
        return request->has_last ? become_final(RIND_AGENT_BECOME_LEADER_STALE_INDEX) : attempt;
    }
    uint64_t lag = refusal->has_have ? last - refusal->have : UINT64_MAX;
    attempt.is_final = lag > RIND_LEADERSHIP_LAG_MAX;
    return attempt;
}

/* One of the two steps of an attempt (spec 05 section 7.4). */
static void become_measure(struct rind_agent *agent,
                           const struct rind_agent_become_leader_request *request,
                           const char *metric, uint64_t start_ns, bool is_ok)
{
    const struct rind_agent_group *group =
        rind_agent_find_group(agent, &request->realm, &request->group, NULL);
    if (group != NULL) {
        const struct rind_tag tags[] = {
            group->tags[0], group->tags[1], {"result", is_ok ? "ok" : "fatal"}};
        rind_metrics_timing_ns(agent->metrics, metric, rind_clock_monotonic_ns() - start_ns, tags,
                               3);
    }
}

static struct become_attempt become_ask_hsm(struct rind_ctx *ctx, struct rind_agent *agent,
                                            const struct rind_agent_become_leader_request *request,
                                            const struct rind_log_entry *last,
                                            struct rind_deadline deadline)
{
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_BECOME_LEADER,
        .become_leader = {request->realm, request->group, *last},
    };
    struct rind_hsm_become_leader_response answer;
    uint64_t boot = rind_agent_hsm_boot(agent);
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status =
        rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE, deadline, &call,
                           &rind_hsm_become_leader_response_schema, &answer);
    become_measure(agent, request, "agent.handle_become_leader.hsm_request.time", start_ns,
                   rind_is_ok(status) && answer.kind == RIND_HSM_BECOME_LEADER_OK);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return rind_is(status, RIND_E_TIMEOUT) ? become_cut_off()
                                               : become_final(RIND_AGENT_BECOME_LEADER_NO_HSM);
    }
    switch (answer.kind) {
    case RIND_HSM_BECOME_LEADER_OK: {
        struct rind_agent_group *group =
            rind_agent_find_group(agent, &request->realm, &request->group, NULL);
        if (group == NULL) { /* being created or joined at this very moment */
            return become_final(RIND_AGENT_BECOME_LEADER_INVALID_GROUP);
        }
        rind_role_apply(group, boot, &answer.ok.role);
        return become_final(RIND_AGENT_BECOME_LEADER_OK);
    }
    case RIND_HSM_BECOME_LEADER_INVALID_REALM:
        return become_final(RIND_AGENT_BECOME_LEADER_INVALID_REALM);
    case RIND_HSM_BECOME_LEADER_INVALID_GROUP:
        return become_final(RIND_AGENT_BECOME_LEADER_INVALID_GROUP);
    case RIND_HSM_BECOME_LEADER_STEPDOWN_IN_PROGRESS:
        return become_final(RIND_AGENT_BECOME_LEADER_STEPDOWN_IN_PROGRESS);
    case RIND_HSM_BECOME_LEADER_INVALID_MAC:
        /* The stored entry is forged or rotten. Nobody can lead from it. */
        RIND_LOG_ERROR(&agent->log, "the log's last entry %llu does not authenticate",
                       (unsigned long long)last->index);
        return become_final(RIND_AGENT_BECOME_LEADER_NO_STORE);
    case RIND_HSM_BECOME_LEADER_NOT_CAPTURED:
        return become_not_captured(request, last->index, &answer.not_captured);
    }
    return become_final(RIND_AGENT_BECOME_LEADER_NO_HSM);
}

static struct become_attempt become_try(struct rind_ctx *ctx, struct rind_agent *agent,
                                        const struct rind_agent_become_leader_request *request,
                                        struct rind_deadline deadline)
{
    struct rind_log_entry last;
    uint64_t start_ns = rind_clock_monotonic_ns();
    rind_status status =
        rind_leadership_read_last(ctx, agent, &request->realm, &request->group, deadline, &last);
    become_measure(agent, request, "agent.handle_become_leader.read_log_entry.time", start_ns,
                   rind_is_ok(status));
    if (!rind_is_ok(status)) {
        return rind_deadline_has_expired(deadline)
                   ? become_cut_off()
                   : become_final(RIND_AGENT_BECOME_LEADER_NO_STORE);
    }
    if (request->has_last && last.index < request->last) {
        return become_retry(RIND_AGENT_BECOME_LEADER_FUTURE_INDEX); /* not visible here yet */
    }
    if (request->has_last && last.index > request->last) {
        return become_final(RIND_AGENT_BECOME_LEADER_STALE_INDEX);
    }
    return become_ask_hsm(ctx, agent, request, &last, deadline);
}

/* Unknown groups are told apart before anything else is asked. */
static bool become_is_possible(struct rind_agent *agent,
                               const struct rind_agent_become_leader_request *request,
                               struct rind_agent_become_leader_response *response)
{
    struct rind_hsm_id id;
    bool is_realm_known = false;
    if (atomic_load(&agent->is_shutting_down) || !rind_agent_hsm_id(agent, &id)) {
        response->kind = RIND_AGENT_BECOME_LEADER_NO_HSM;
        return false;
    }
    if (rind_agent_find_group(agent, &request->realm, &request->group, &is_realm_known) == NULL) {
        response->kind = is_realm_known ? RIND_AGENT_BECOME_LEADER_INVALID_GROUP
                                        : RIND_AGENT_BECOME_LEADER_INVALID_REALM;
        return false;
    }
    return true;
}

void rind_leadership_become(struct rind_ctx *ctx, struct rind_agent *agent,
                            const struct rind_agent_become_leader_request *request,
                            struct rind_agent_become_leader_response *response)
{
    *response = (struct rind_agent_become_leader_response){0};
    if (!become_is_possible(agent, request, response)) {
        return;
    }
    struct rind_deadline deadline = rind_deadline_in_ms(RIND_LEADERSHIP_DEADLINE_MS);
    struct become_attempt attempt = {.response = {.kind = RIND_AGENT_BECOME_LEADER_TIMEOUT}};
    uint64_t pause_ms = LEADERSHIP_PAUSE_MS_FIRST;
    for (;;) {
        size_t mark = rind_arena_mark(ctx->arena);
        struct become_attempt newest = become_try(ctx, agent, request, deadline);
        rind_arena_release(ctx->arena, mark);
        if (newest.is_cut_off) {
            break;
        }
        attempt = newest;
        struct rind_deadline pause = rind_deadline_in_ms(pause_ms);
        if (attempt.is_final || deadline.at_ns <= pause.at_ns ||
            rind_stopper_wait(&agent->stopper, pause)) {
            break;
        }
        pause_ms = pause_ms * 2 < LEADERSHIP_PAUSE_MS_MAX ? pause_ms * 2 : LEADERSHIP_PAUSE_MS_MAX;
    }
    *response = attempt.response;
}

static rind_status step_down_call(struct rind_ctx *ctx, struct rind_agent *agent,
                                  const struct rind_realm_id *realm,
                                  const struct rind_group_id *group, bool is_forced,
                                  struct rind_hsm_step_down_response *answer)
{
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_STEP_DOWN,
        .step_down = {*realm, *group, is_forced},
    };
    return rind_hsm_link_call(&agent->hsm, ctx, RIND_HSM_URGENCY_ROLE,
                              rind_deadline_in_ms(RIND_LEADERSHIP_DEADLINE_MS), &call,
                              &rind_hsm_step_down_response_schema, answer);
}

void rind_leadership_step_down(struct rind_ctx *ctx, struct rind_agent *agent,
                               const struct rind_agent_stepdown_request *request,
                               struct rind_agent_stepdown_response *response)
{
    *response = (struct rind_agent_stepdown_response){.kind = RIND_AGENT_STEPDOWN_NO_HSM};
    struct rind_hsm_step_down_response answer;
    uint64_t boot = rind_agent_hsm_boot(agent);
    rind_status status =
        step_down_call(ctx, agent, &request->realm, &request->group, false, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&agent->log, "%s", ctx->sentence);
        return;
    }
    struct rind_agent_group *group =
        rind_agent_find_group(agent, &request->realm, &request->group, NULL);
    switch (answer.kind) {
    case RIND_HSM_STEP_DOWN_OK:
        response->kind = RIND_AGENT_STEPDOWN_OK;
        response->ok.last = answer.ok.last;
        if (group != NULL) {
            rind_role_apply(group, boot, &answer.ok.role);
        }
        break;
    case RIND_HSM_STEP_DOWN_NOT_LEADER:
        response->kind = RIND_AGENT_STEPDOWN_NOT_LEADER;
        if (group != NULL) {
            rind_role_apply(group, boot, &answer.not_leader);
        }
        break;
    case RIND_HSM_STEP_DOWN_INVALID_REALM:
        response->kind = RIND_AGENT_STEPDOWN_INVALID_REALM;
        break;
    case RIND_HSM_STEP_DOWN_INVALID_GROUP:
        response->kind = RIND_AGENT_STEPDOWN_INVALID_GROUP;
        break;
    }
}

void rind_leadership_step_down_quietly(struct rind_ctx *ctx, struct rind_agent_group *group,
                                       uint64_t boot, bool is_forced)
{
    struct rind_hsm_step_down_response answer;
    rind_status status =
        step_down_call(ctx, group->agent, &group->realm, &group->id, is_forced, &answer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&group->log, "%s", ctx->sentence);
    } else if (answer.kind == RIND_HSM_STEP_DOWN_OK) {
        rind_role_apply(group, boot, &answer.ok.role);
    } else if (answer.kind == RIND_HSM_STEP_DOWN_NOT_LEADER) {
        rind_role_apply(group, boot, &answer.not_leader);
    } else {
        RIND_LOG_WARN(&group->log, "the HSM does not know the group it shall step down from");
    }
}
