/* request.c - see request.h. */
#include "balancer/request.h"

#include <string.h>

#include "balancer/routing.h"
#include "base/assert.h"
#include "base/hex.h"

/* Between passes of a request that waits for its record to be served again. */
#define REQUEST_GAP_PAUSE_MS_MIN 10u
#define REQUEST_GAP_PAUSE_MS_MAX 160u

static const struct {
    const char *name;
    unsigned status;
} responses[] = {
    [RIND_CLIENT_RESPONSE_OK] = {"Ok", 200},
    [RIND_CLIENT_RESPONSE_UNAVAILABLE] = {"Unavailable", 503},
    [RIND_CLIENT_RESPONSE_INVALID_AUTH] = {"InvalidAuth", 401},
    [RIND_CLIENT_RESPONSE_MISSING_SESSION] = {"MissingSession", 400},
    [RIND_CLIENT_RESPONSE_SESSION_ERROR] = {"SessionError", 400},
    [RIND_CLIENT_RESPONSE_DECODING_ERROR] = {"DecodingError", 400},
    [RIND_CLIENT_RESPONSE_PAYLOAD_TOO_LARGE] = {"PayloadTooLarge", 413},
    [RIND_CLIENT_RESPONSE_RATE_LIMIT_EXCEEDED] = {"RateLimitExceeded", 429},
};

const char *rind_client_response_name(enum rind_client_response_kind kind)
{
    RIND_ASSERT(kind > 0 && kind < sizeof(responses) / sizeof(responses[0]));
    return responses[kind].name;
}

unsigned rind_client_response_status(enum rind_client_response_kind kind)
{
    RIND_ASSERT(kind > 0 && kind < sizeof(responses) / sizeof(responses[0]));
    return responses[kind].status;
}

/* One pass and what is reported of it. */
struct request_pass {
    const struct rind_request_service *service;
    const struct rind_client_request *request;
    struct rind_deadline deadline;
    bool is_realm_known;
    bool has_token; /* a valid one, checked for unknown realms too */
    bool is_authenticated;
    struct rind_token_claims claims; /* if authenticated */
    struct rind_forward_result forwarded;
};

/* Steps 2 to 5 of section 7; *claims only if true. */
static bool request_authenticate(struct rind_ctx *ctx, const struct request_pass *pass,
                                 const struct rind_secret_map *secrets,
                                 struct rind_token_claims *claims)
{
    const struct rind_client_request *request = pass->request;
    struct rind_token_key_id key_id;
    enum rind_token_fault fault;
    if (!rind_is_ok(rind_token_read_key_id(ctx, request->auth_token, &key_id, &fault))) {
        return false;
    }
    /* A key that is missing, of no token algorithm, or malformed: reported when it was loaded. */
    const struct rind_token_key *key =
        rind_secret_map_find_tenant_key(secrets, key_id.tenant, key_id.version);
    if (key == NULL) {
        return false;
    }
    struct rind_token_check check = {.key = key,
                                     .realm = request->realm,
                                     .requirement = RIND_TOKEN_REQUIRE_USER_OR_MISSING,
                                     .now_unix_ms = rind_clock_unix_ms()};
    return rind_is_ok(rind_token_validate(ctx, request->auth_token, &check, claims, &fault));
}

static void request_forward(struct rind_ctx *ctx, struct request_pass *pass,
                            const struct rind_routing_realm *realm)
{
    const struct rind_client_request *request = pass->request;
    struct rind_user_hash user_hash;
    struct rind_agent_app_request app = {
        .realm = request->realm,
        .session_id = request->session_id,
        .kind = request->kind,
        .encrypted = request->encrypted,
        .tenant = pass->claims.issuer,
    };
    rind_record_id_derive(pass->service->record_key, pass->claims.issuer, pass->claims.subject,
                          &app.record_id);
    rind_user_hash_derive(pass->claims.issuer, pass->claims.subject, &user_hash);
    app.user = rind_slice_text(user_hash.text);
    rind_forward(ctx, &pass->service->forwarder, realm, &app, pass->deadline, &pass->forwarded);
}

/* One pass with the table and the secrets as they are now. */
static void request_handle(struct rind_ctx *ctx, struct request_pass *pass)
{
    const struct rind_request_service *service = pass->service;
    struct rind_published_ref routing = rind_published_acquire(service->routing);
    const struct rind_routing_realm *realm =
        rind_routing_find(routing.value, &pass->request->realm);
    pass->is_realm_known = realm != NULL;
    pass->forwarded =
        (struct rind_forward_result){.response.kind = RIND_CLIENT_RESPONSE_UNAVAILABLE};
    struct rind_published_ref secrets = rind_secrets_acquire(service->secrets);
    pass->has_token = request_authenticate(ctx, pass, secrets.value, &pass->claims);
    rind_secrets_release(service->secrets, secrets);
    pass->is_authenticated = realm != NULL && pass->has_token;
    if (realm != NULL) {
        if (pass->is_authenticated) {
            request_forward(ctx, pass, realm);
        } else {
            pass->forwarded.response.kind = RIND_CLIENT_RESPONSE_INVALID_AUTH;
        }
    }
    rind_published_release(service->routing, routing);
}

/* A NUL-terminated copy in the arena; "" if there is no room. */
static const char *arena_text(struct rind_ctx *ctx, struct rind_slice text)
{
    char *copy = rind_ctx_alloc(ctx, text.length + 1);
    if (copy == NULL) {
        return "";
    }
    if (text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    return copy;
}

/* `load_balancer.request.time` (section 14). */
static void request_report(struct rind_ctx *ctx, const struct request_pass *pass, uint64_t start_ns)
{
    struct rind_tag tags[5 + RIND_FORWARD_ATTEMPTS_MAX];
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    char groups[RIND_FORWARD_ATTEMPTS_MAX][RIND_HEX_SIZE(sizeof(struct rind_group_id))];
    size_t count = 0;
    if (pass->service->metrics == NULL) {
        return;
    }
    enum rind_client_response_kind kind = pass->forwarded.response.kind;
    rind_hex_encode(rind_realm_id_slice(&pass->request->realm), realm);
    tags[count++] = (struct rind_tag){"result", rind_client_response_name(kind)};
    tags[count++] =
        (struct rind_tag){"success", kind == RIND_CLIENT_RESPONSE_OK ? "true" : "false"};
    tags[count++] = (struct rind_tag){"realm", realm};
    if (pass->is_authenticated) {
        tags[count++] = (struct rind_tag){
            "missing_scope", pass->claims.scope == RIND_TOKEN_SCOPE_NONE ? "true" : "false"};
        tags[count++] = (struct rind_tag){"tenant", arena_text(ctx, pass->claims.issuer)};
    }
    for (size_t i = 0; i < pass->forwarded.attempt_count; i++) {
        rind_hex_encode(rind_group_id_slice(&pass->forwarded.groups[i]), groups[i]);
        tags[count++] = (struct rind_tag){"group", groups[i]};
    }
    rind_metrics_timing_ns(pass->service->metrics, "load_balancer.request.time",
                           rind_clock_monotonic_ns() - start_ns, tags, count);
}

/*
 * Waits for a table that is news to a request that could not be served. What failed after
 * authentication deserves one that began after the failure; for a realm that the table does not
 * know (tokens may name any), a slightly older one will do.
 */
static void request_await_refresh(const struct request_pass *pass)
{
    uint64_t since_ns = rind_clock_monotonic_ns();
    if (!pass->is_realm_known) {
        uint64_t age_ns = RIND_REFRESH_UNKNOWN_REALM_AGE_MS * RIND_NS_PER_MS;
        since_ns = since_ns > age_ns ? since_ns - age_ns : 1;
    }
    /* If none comes in time, the table as it is then gets the second pass. */
    (void)rind_refresher_await(
        pass->service->refresher, since_ns,
        rind_deadline_min(pass->deadline, rind_deadline_in_ms(RIND_REFRESH_AWAIT_TIMEOUT_MS)));
}

/* One more pass, with a table that is news. */
static void request_repeat(struct rind_ctx *ctx, struct request_pass *pass)
{
    request_await_refresh(pass);
    uint64_t start_ns = rind_clock_monotonic_ns();
    request_handle(ctx, pass);
    request_report(ctx, pass, start_ns);
}

/* Nobody did anything with it, and it is worth waiting for somebody who does. */
static bool request_is_unserved(const struct request_pass *pass)
{
    return pass->forwarded.response.kind == RIND_CLIENT_RESPONSE_UNAVAILABLE &&
           !pass->forwarded.is_final;
}

/*
 * While a group changes leaders, or a range its owner, nobody serves its records for a moment.
 * Users see nothing of it: their requests wait here and are tried again, ever less often.
 */
static void request_bridge_gap(struct rind_ctx *ctx, struct request_pass *pass,
                               struct rind_deadline end)
{
    const struct rind_request_service *service = pass->service;
    uint64_t pause_ms = REQUEST_GAP_PAUSE_MS_MIN;
    while (request_is_unserved(pass) && pass->is_realm_known && pass->is_authenticated &&
           !rind_deadline_has_expired(end)) {
        struct rind_deadline next = rind_deadline_min(end, rind_deadline_in_ms(pause_ms));
        if (rind_stopper_wait(service->stopper, next)) {
            return;
        }
        request_repeat(ctx, pass);
        pause_ms = pause_ms < REQUEST_GAP_PAUSE_MS_MAX ? pause_ms * 2 : pause_ms;
    }
}

void rind_request_serve(struct rind_ctx *ctx, const struct rind_request_service *service,
                        const struct rind_client_request *request,
                        struct rind_client_response *response)
{
    struct request_pass pass = {.service = service,
                                .request = request,
                                .deadline = rind_deadline_in_ms(RIND_REQUEST_TIMEOUT_MS)};
    rind_refresher_note_request(service->refresher);
    uint64_t start_ns = rind_clock_monotonic_ns();
    request_handle(ctx, &pass);
    request_report(ctx, &pass, start_ns);
    /* Without a token nobody gets a worker to wait for him, whatever realm he names. */
    if (request_is_unserved(&pass) && pass.has_token) {
        struct rind_deadline end = {start_ns + service->gap_ns};
        request_repeat(ctx, &pass); /* authentication included */
        /* A group that stays without a leader must not hold the workers that others need. */
        if (atomic_fetch_add(service->waiting_count, 1) < service->waiting_count_max) {
            request_bridge_gap(ctx, &pass, rind_deadline_min(pass.deadline, end));
        }
        atomic_fetch_sub(service->waiting_count, 1);
    }
    *response = pass.forwarded.response;
}
