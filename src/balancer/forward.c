/* forward.c - see forward.h. */
#include "balancer/forward.h"

#include "base/assert.h"
#include "base/hex.h"
#include "rpc/rpc.h"

/* What an agent's answer, or the lack of one, means for the request. */
enum forward_verdict {
    FORWARD_DEFINITE,  /* the client's answer is known */
    FORWARD_UNTOUCHED, /* the agent did nothing: others may be asked */
    FORWARD_UNKNOWN,   /* it may have been executed */
    FORWARD_FULL,      /* so many are under way to the agent that no more are sent */
};

/* One row per answer of section 10.2. */
static const struct {
    enum forward_verdict verdict;
    enum rind_client_response_kind kind;
    const char *name;
} answers[] = {
    [RIND_AGENT_APP_OK] = {FORWARD_DEFINITE, RIND_CLIENT_RESPONSE_OK, "Ok"},
    [RIND_AGENT_APP_NO_HSM] = {FORWARD_UNKNOWN, 0, "NoHsm"}, /* it may have died on the request */
    [RIND_AGENT_APP_NO_STORE] = {FORWARD_UNTOUCHED, 0, "NoStore"},
    /* Said after the operation was committed and its event could not be published. */
    [RIND_AGENT_APP_NO_PUB_SUB] = {FORWARD_UNKNOWN, 0, "NoPubSub"},
    [RIND_AGENT_APP_INVALID_REALM] = {FORWARD_UNTOUCHED, 0, "InvalidRealm"},
    [RIND_AGENT_APP_INVALID_GROUP] = {FORWARD_UNTOUCHED, 0, "InvalidGroup"},
    [RIND_AGENT_APP_NOT_LEADER] = {FORWARD_UNTOUCHED, 0, "NotLeader"},
    [RIND_AGENT_APP_INVALID_PROOF] = {FORWARD_UNTOUCHED, 0, "InvalidProof"},
    [RIND_AGENT_APP_MISSING_SESSION] = {FORWARD_DEFINITE, RIND_CLIENT_RESPONSE_MISSING_SESSION,
                                        "MissingSession"},
    [RIND_AGENT_APP_SESSION_ERROR] = {FORWARD_DEFINITE, RIND_CLIENT_RESPONSE_SESSION_ERROR,
                                      "SessionError"},
    [RIND_AGENT_APP_DECODING_ERROR] = {FORWARD_DEFINITE, RIND_CLIENT_RESPONSE_DECODING_ERROR,
                                       "DecodingError"},
    [RIND_AGENT_APP_RATE_LIMIT_EXCEEDED] = {FORWARD_DEFINITE,
                                            RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED,
                                            "RateLimitExceeded"},
};

/* What a failed call says about the request. */
static enum forward_verdict forward_failure_verdict(rind_status status, unsigned http_status)
{
    switch ((enum rind_code)status.code) {
    case RIND_E_NETWORK:
    case RIND_E_BUSY:
    case RIND_E_CANCELLED:
    case RIND_E_INVALID:
        return FORWARD_UNTOUCHED; /* it was not sent */
    case RIND_E_HTTP_STATUS:
        /* Not understood, unknown path, or no worker free: the handler did not run. */
        return http_status / 100 == 4 || http_status == 503 ? FORWARD_UNTOUCHED : FORWARD_UNKNOWN;
    default:
        return FORWARD_UNKNOWN;
    }
}

static enum forward_verdict forward_attempt(struct rind_ctx *ctx,
                                            const struct rind_forwarder *forwarder,
                                            const struct rind_routing_entry *entry,
                                            const struct rind_agent_app_request *request,
                                            struct rind_deadline deadline,
                                            struct rind_client_response *response)
{
    struct rind_agent_app_response app;
    unsigned http_status = 0;
    char group[RIND_HEX_SIZE(sizeof(struct rind_group_id))];
    rind_hex_encode(rind_group_id_slice(&entry->group), group);
    unsigned limit = request->encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE
                         ? forwarder->handshakes_per_agent_max
                         : forwarder->in_flight_per_agent_max;
    if (!rind_agent_target_enter(entry->target, limit)) {
        RIND_LOG_WARN(forwarder->log, "agent %s, group %s: %u requests are under way to it already",
                      entry->target->url, group, limit);
        return FORWARD_FULL;
    }
    struct rind_span span;
    rind_span_begin(ctx, &span, "forward");
    rind_span_set_text(&span, "rind.group", rind_slice_text(group));
    rind_status status = rind_rpc_call(ctx, forwarder->client, entry->target->url, &rind_rpc_app,
                                       request, &app, deadline, &http_status);
    rind_agent_target_leave(entry->target);
    if (span.tracer != NULL && rind_is_ok(status)) {
        rind_span_set_text(&span, "rind.answer", rind_slice_text(answers[app.kind].name));
    }
    rind_span_end(ctx, &span, status);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(forwarder->log, "http error from agent %s, group %s: %s", entry->target->url,
                      group, ctx->sentence);
        return forward_failure_verdict(status, http_status);
    }
    RIND_ASSERT(app.kind < sizeof(answers) / sizeof(answers[0])); /* by its schema */
    if (answers[app.kind].verdict != FORWARD_DEFINITE) {
        RIND_LOG_WARN(forwarder->log, "AppRequest not ok: agent %s, group %s: %s",
                      entry->target->url, group, answers[app.kind].name);
        return answers[app.kind].verdict;
    }
    response->kind = answers[app.kind].kind;
    if (app.kind == RIND_AGENT_APP_OK) {
        response->ok = app.ok;
    }
    return FORWARD_DEFINITE;
}

void rind_forward(struct rind_ctx *ctx, const struct rind_forwarder *forwarder,
                  const struct rind_routing_realm *realm, struct rind_agent_app_request *request,
                  struct rind_deadline deadline, struct rind_forward_result *result)
{
    bool is_handshake = request->encrypted.kind == RIND_NOISE_REQUEST_HANDSHAKE;
    bool is_full = false;
    size_t position = 0;
    *result = (struct rind_forward_result){.response.kind = RIND_CLIENT_RESPONSE_UNAVAILABLE};
    const struct rind_routing_entry *entry =
        rind_routing_next(realm, &request->record_id, &position);
    while (entry != NULL && result->attempt_count < RIND_FORWARD_ATTEMPTS_MAX &&
           !rind_deadline_has_expired(deadline)) {
        const struct rind_routing_entry *next =
            rind_routing_next(realm, &request->record_id, &position);
        request->group = entry->group;
        result->groups[result->attempt_count++] = entry->group;
        struct rind_deadline attempt_deadline =
            next != NULL && is_handshake
                ? rind_deadline_min(deadline,
                                    rind_deadline_in_ms(RIND_FORWARD_HANDSHAKE_ATTEMPT_MS))
                : deadline;
        enum forward_verdict verdict =
            forward_attempt(ctx, forwarder, entry, request, attempt_deadline, &result->response);
        if (verdict == FORWARD_DEFINITE) {
            return;
        }
        if (verdict == FORWARD_UNKNOWN && !is_handshake) {
            result->is_final = true;
            return;
        }
        is_full = is_full || verdict == FORWARD_FULL;
        entry = next;
    }
    result->is_final = is_full;
}
