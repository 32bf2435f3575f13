/* app.c - see app.h. */
#include "agent/app.h"

#include "agent/append_queue.h"
#include "agent/leadership.h"
#include "agent/proof.h"
#include "agent/role.h"

/* All attempts of one request; below the callers' 30 s, so that they still hear the answer. */
#define APP_DEADLINE_MS 20000u
#define APP_ATTEMPTS_MAX 50u
#define APP_PAUSE_MS_FIRST 2u
#define APP_PAUSE_MS_MAX 100u
#define APP_CLIENT_KEY_SIZE 32u

struct app {
    struct rind_ctx *ctx;
    struct rind_agent *agent;
    struct rind_agent_group *group;
    const struct rind_agent_app_request *request;
    struct rind_deadline deadline;
    struct rind_admission admission;
};

/* What came of one attempt. */
enum app_step {
    APP_ANSWER, /* `kind` is the answer */
    APP_RETRY,  /* with a fresh basis; `kind` is the answer if there is no time left */
    APP_PARKED  /* the waiter has been taken over */
};

struct app_result {
    enum app_step step;
    enum rind_agent_app_response_kind kind;
};

static struct app_result app_answer(enum rind_agent_app_response_kind kind)
{
    return (struct app_result){APP_ANSWER, kind};
}

static struct app_result app_retry(enum rind_agent_app_response_kind kind)
{
    return (struct app_result){APP_RETRY, kind};
}

/*
 * What an HSM may not withstand must not reach one (spec 06 section 16 item 3): a key of a wrong
 * length reads as a bad session, an oversize message as undecodable.
 */
static bool app_is_acceptable(const struct rind_agent_app_request *request,
                              enum rind_agent_app_response_kind *refusal)
{
    if (request->encrypted.kind == RIND_NOISE_REQUEST_TRANSPORT) {
        *refusal = request->kind == RIND_CLIENT_REQUEST_HANDSHAKE_ONLY
                       ? RIND_AGENT_APP_SESSION_ERROR
                       : RIND_AGENT_APP_DECODING_ERROR;
        return request->kind == RIND_CLIENT_REQUEST_SECRETS_REQUEST &&
               request->encrypted.transport.ciphertext.length <= RIND_BODY_SIZE_LIMIT;
    }
    const struct rind_handshake_request *handshake = &request->encrypted.handshake.handshake;
    if (handshake->client_ephemeral_public.length != APP_CLIENT_KEY_SIZE) {
        *refusal = RIND_AGENT_APP_SESSION_ERROR;
        return false;
    }
    *refusal = RIND_AGENT_APP_DECODING_ERROR;
    return handshake->payload_ciphertext.length <= RIND_BODY_SIZE_LIMIT;
}

/* The entry to build on: the newest the HSM made, or at the start of a leadership the log's last.
 */
static struct app_result app_basis(struct app *app, struct rind_log_entry *basis)
{
    if (!rind_append_basis(&app->admission, basis)) {
        rind_status status = rind_leadership_read_last(app->ctx, app->agent, &app->request->realm,
                                                       &app->request->group, app->deadline, basis);
        if (rind_is(status, RIND_E_NOT_FOUND)) {
            return app_answer(RIND_AGENT_APP_INVALID_GROUP);
        }
        if (!rind_is_ok(status)) {
            RIND_LOG_WARN(&app->group->log, "%s", app->ctx->sentence);
            return app_answer(RIND_AGENT_APP_NO_STORE);
        }
        rind_append_offer_basis(&app->admission, basis);
    }
    return basis->has_partition ? app_retry(RIND_AGENT_APP_OK)
                                : app_answer(RIND_AGENT_APP_NOT_LEADER);
}

/* Variants of the HSM that the client hears, by kind; others are handled where they arise. */
static struct app_result app_map_refusal(struct app *app,
                                         const struct rind_spliced_app_response *response)
{
    switch (response->kind) {
    case RIND_HSM_APP_INVALID_REALM:
        return app_answer(RIND_AGENT_APP_INVALID_REALM);
    case RIND_HSM_APP_INVALID_GROUP:
        return app_answer(RIND_AGENT_APP_INVALID_GROUP);
    case RIND_HSM_APP_STALE_PROOF:
        return app_retry(RIND_AGENT_APP_NO_STORE);
    case RIND_HSM_APP_INVALID_PROOF:
    case RIND_HSM_APP_INVALID_RECORD_DATA:
        return app_answer(RIND_AGENT_APP_INVALID_PROOF);
    case RIND_HSM_APP_NOT_LEADER:
        rind_role_apply(app->group, app->admission.boot, &response->not_leader);
        return app_answer(RIND_AGENT_APP_NOT_LEADER);
    case RIND_HSM_APP_NOT_OWNER:
        return app_answer(RIND_AGENT_APP_NOT_LEADER);
    case RIND_HSM_APP_MISSING_SESSION:
        return app_answer(RIND_AGENT_APP_MISSING_SESSION);
    case RIND_HSM_APP_SESSION_ERROR:
        return app_answer(RIND_AGENT_APP_SESSION_ERROR);
    case RIND_HSM_APP_DECODING_ERROR:
        return app_answer(RIND_AGENT_APP_DECODING_ERROR);
    case RIND_HSM_APP_OK:
        break;
    }
    return app_answer(RIND_AGENT_APP_NO_HSM);
}

/* The HSM made an entry: into the queue with it, and the client is parked under its MAC. */
static struct app_result app_park(struct app *app, const struct rind_spliced_app_ok *ok,
                                  struct rind_app_reply reply)
{
    struct rind_append_item *item;
    rind_status status = rind_append_item_new(app->ctx, ok->entry, &ok->delta, &item);
    if (!rind_is_ok(status)) {
        RIND_LOG_ERROR(&app->group->log, "the HSM's entry cannot be used: %s", app->ctx->sentence);
        rind_append_reply_lost(&app->admission);
        return app_answer(RIND_AGENT_APP_NO_HSM);
    }
    struct rind_app_waiter *waiter = rind_app_waiter_new(reply, app->group, app->request);
    waiter->trace = rind_trace_keep(app->ctx->trace);
    if (!rind_append_enqueue_take(&app->admission, item, waiter)) {
        rind_app_waiter_refuse_take(waiter, RIND_AGENT_APP_NOT_LEADER);
    }
    return (struct app_result){APP_PARKED, RIND_AGENT_APP_OK};
}

/* Sends the request to the HSM and settles the admission. */
static struct app_result app_ask_hsm(struct app *app, const struct rind_log_entry *basis,
                                     const struct rind_spliced_read_proof *proof,
                                     struct rind_app_reply reply)
{
    struct rind_spliced_request call = {
        .kind = RIND_SPLICED_REQUEST_APP_REQUEST,
        .app = {app->request->realm, app->request->group, app->request->record_id,
                app->request->session_id, app->request->encrypted, *proof, basis->index},
    };
    struct rind_spliced_app_response response;
    rind_status status =
        rind_hsm_link_call_spliced(&app->agent->hsm, app->ctx, RIND_HSM_URGENCY_APP, app->deadline,
                                   &call, &rind_spliced_app_response_schema, &response);
    if (rind_is(status, RIND_E_UNKNOWN_OUTCOME)) {
        /* Not to be repeated: the HSM may have used up the session and made the entry. */
        RIND_LOG_WARN(&app->group->log, "%s", app->ctx->sentence);
        rind_append_reply_lost(&app->admission);
        return app_answer(RIND_AGENT_APP_NO_HSM);
    }
    if (rind_is_ok(status) && response.kind == RIND_HSM_APP_OK) {
        return app_park(app, &response.ok, reply);
    }
    rind_append_refused(&app->admission);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&app->group->log, "%s", app->ctx->sentence);
        return rind_is(status, RIND_E_UNAVAILABLE) ? app_retry(RIND_AGENT_APP_NO_HSM)
                                                   : app_answer(RIND_AGENT_APP_NO_HSM);
    }
    return app_map_refusal(app, &response);
}

/* One attempt. The admission is settled in all cases. */
static struct app_result app_attempt(struct app *app, struct rind_app_reply reply)
{
    struct rind_span admit;
    rind_span_begin(app->ctx, &admit, "wait for admission");
    rind_status status = rind_append_admit(app->ctx, app->group, app->deadline, &app->admission);
    rind_span_end(app->ctx, &admit, status);
    if (rind_is(status, RIND_E_PRECONDITION)) {
        return app_answer(RIND_AGENT_APP_NOT_LEADER);
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&app->group->log, "%s", app->ctx->sentence);
        return app_answer(RIND_AGENT_APP_NO_STORE);
    }
    struct rind_log_entry basis;
    struct app_result result = app_basis(app, &basis);
    if (result.step == APP_ANSWER) {
        rind_append_refused(&app->admission);
        return result;
    }
    struct rind_spliced_read_proof proof;
    struct rind_span span;
    rind_span_begin(app->ctx, &span, "read the proof");
    status = rind_proof_read(app->ctx, app->group, &basis.partition, &app->request->record_id,
                             app->deadline, &proof);
    rind_span_end(app->ctx, &span, status);
    if (!rind_is_ok(status)) {
        rind_append_refused(&app->admission);
        bool may_retry = rind_is(status, RIND_E_STALE) || rind_is(status, RIND_E_BUSY);
        if (!may_retry) {
            RIND_LOG_WARN(&app->group->log, "%s", app->ctx->sentence);
        }
        return may_retry ? app_retry(RIND_AGENT_APP_NO_STORE) : app_answer(RIND_AGENT_APP_NO_STORE);
    }
    return app_ask_hsm(app, &basis, &proof, reply);
}

/* The retry loop's metrics (spec 05 section 7.4); answered without the log is "fatal" there. */
static void app_measure(const struct app *app, uint64_t start_ns, unsigned retry_count,
                        enum app_step step)
{
    struct rind_metrics *metrics = app->agent->metrics;
    const char *result = step == APP_PARKED ? "ok" : step == APP_RETRY ? "exhausted" : "fatal";
    const struct rind_tag tags[] = {app->group->tags[0], app->group->tags[1], {"result", result}};
    rind_metrics_timing_ns(metrics, "agent.start_app_request.time",
                           rind_clock_monotonic_ns() - start_ns, tags, 3);
    if (retry_count > 0) {
        rind_metrics_count(metrics, "agent.start_app_request.retryable_errors", retry_count, tags,
                           2);
    }
}

static void app_secrets_request(struct app *app, struct rind_app_reply reply)
{
    uint64_t start_ns = rind_clock_monotonic_ns();
    unsigned retry_count = 0;
    uint64_t pause_ms = APP_PAUSE_MS_FIRST;
    struct app_result result = app_answer(RIND_AGENT_APP_NO_STORE);
    for (unsigned attempt = 0; attempt < APP_ATTEMPTS_MAX; attempt++) {
        size_t mark = rind_arena_mark(app->ctx->arena);
        result = app_attempt(app, reply);
        rind_arena_release(app->ctx->arena, mark);
        if (result.step != APP_RETRY) {
            break;
        }
        retry_count++;
        struct rind_deadline pause = rind_deadline_in_ms(pause_ms);
        if (app->deadline.at_ns <= pause.at_ns || rind_stopper_wait(&app->agent->stopper, pause)) {
            break;
        }
        pause_ms = pause_ms * 2 < APP_PAUSE_MS_MAX ? pause_ms * 2 : APP_PAUSE_MS_MAX;
    }
    app_measure(app, start_ns, retry_count, result.step);
    if (result.step != APP_PARKED) {
        rind_app_reply_refuse(reply, result.kind);
    }
}

static enum rind_agent_app_response_kind
app_map_handshake(const struct rind_hsm_handshake_response *response)
{
    switch (response->kind) {
    case RIND_HSM_HANDSHAKE_OK:
        return RIND_AGENT_APP_OK;
    case RIND_HSM_HANDSHAKE_INVALID_REALM:
        return RIND_AGENT_APP_INVALID_REALM;
    case RIND_HSM_HANDSHAKE_INVALID_GROUP:
        return RIND_AGENT_APP_INVALID_GROUP;
    case RIND_HSM_HANDSHAKE_NOT_OWNER:
    case RIND_HSM_HANDSHAKE_NOT_LEADER:
        return RIND_AGENT_APP_NOT_LEADER;
    case RIND_HSM_HANDSHAKE_SESSION_ERROR:
        return RIND_AGENT_APP_SESSION_ERROR;
    }
    return RIND_AGENT_APP_NO_HSM;
}

/* No rate limit, no log, no commit: answered at once (section 6.1). */
static void app_handshake_only(struct app *app, struct rind_app_reply reply)
{
    struct rind_hsm_request call = {
        .kind = RIND_HSM_REQUEST_HANDSHAKE_REQUEST,
        .handshake = {app->request->realm, app->request->group, app->request->record_id,
                      app->request->session_id, app->request->encrypted.handshake.handshake},
    };
    struct rind_hsm_handshake_response response;
    rind_status status =
        rind_hsm_link_call(&app->agent->hsm, app->ctx, RIND_HSM_URGENCY_HANDSHAKE, app->deadline,
                           &call, &rind_hsm_handshake_response_schema, &response);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&app->agent->log, "%s", app->ctx->sentence);
        rind_app_reply_refuse(reply, RIND_AGENT_APP_NO_HSM);
        return;
    }
    enum rind_agent_app_response_kind kind = app_map_handshake(&response);
    if (kind != RIND_AGENT_APP_OK) {
        rind_app_reply_refuse(reply, kind);
        return;
    }
    struct rind_agent_app_response answer = {
        .kind = RIND_AGENT_APP_OK,
        .ok = {.kind = RIND_NOISE_RESPONSE_HANDSHAKE,
               .handshake = {response.ok.noise, response.ok.session_lifetime}},
    };
    struct rind_slice body;
    if (rind_is_ok(
            rind_wire_encode_alloc(app->ctx, &rind_agent_app_response_schema, &answer, &body))) {
        reply.send_take(reply.handle, body);
    } else {
        rind_app_reply_refuse(reply, RIND_AGENT_APP_NO_HSM);
    }
}

void rind_app_handle(struct rind_ctx *ctx, struct rind_agent *agent,
                     const struct rind_agent_app_request *request, struct rind_app_reply reply)
{
    struct app app = {
        .ctx = ctx,
        .agent = agent,
        .request = request,
        .deadline = rind_deadline_in_ms(APP_DEADLINE_MS),
    };
    enum rind_agent_app_response_kind refusal;
    bool is_realm_known = false;
    if (!app_is_acceptable(request, &refusal)) {
        rind_app_reply_refuse(reply, refusal);
        return;
    }
    if (request->kind == RIND_CLIENT_REQUEST_HANDSHAKE_ONLY) {
        app_handshake_only(&app, reply);
        return;
    }
    bool is_allowed = rind_rate_tenants_allow(agent->tenants, request->tenant, rind_clock_unix_ms(),
                                              &request->record_id);
    rind_peers_note_request(agent->peers);
    if (!is_allowed) {
        rind_app_reply_refuse(reply, RIND_AGENT_APP_RATE_LIMIT_EXCEEDED);
        return;
    }
    app.group = rind_agent_find_group(agent, &request->realm, &request->group, &is_realm_known);
    if (app.group == NULL) {
        rind_app_reply_refuse(reply, is_realm_known ? RIND_AGENT_APP_INVALID_GROUP
                                                    : RIND_AGENT_APP_INVALID_REALM);
        return;
    }
    app_secrets_request(&app, reply);
}
