/* peers.c - see peers.h. */
#include "agent/peers.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/jobs.h"
#include "agent/rate_exchange.h"
#include "agent/status.h"
#include "net/net.h"

#define PEERS_RESOLVE_PAUSE_MS 1000u
/*
 * Between two looks at a peer's counts: as spec 06 section 7.3 has it while a tenant is near its
 * limit, else longer. What agents tell one another grows with the requests, and every one tells
 * every other: at 170 recovers per second five agents spent a third of a machine on it.
 */
#define PEERS_RATE_PAUSE_MS 10u
#define PEERS_RATE_PAUSE_RELAXED_MS 100u
/* How long after a client's request the peers' counts matter: what they tell is forgotten by then.
 */
#define PEERS_RATE_ACTIVE_MS RIND_RATE_PEER_AGE_MS_MAX

struct peer {
    struct rind_peers *peers;
    struct rind_url url;
    struct rind_rate_peer *rate;
    struct rind_thread thread;
    bool is_leaving; /* guarded by the peers' lock, as are those below */
    bool has_hsm;
    struct rind_hsm_id hsm;
    struct rind_deadline resolve_at; /* when to ask for the HSM, unless known */
};

struct rind_peers {
    struct rind_agent *agent;
    struct rind_client *client;
    struct rind_rate_exchange *exchange; /* the agent's */
    atomic_uint_fast64_t last_request_ns;
    atomic_uint waiting; /* peers' threads that a request must wake, if it is the first for long */
    atomic_bool is_hurrying; /* the pauses are short; they were not when it was set */
    struct rind_mutex lock;  /* guards the list and what peers say it guards */
    struct rind_cond changed;
    struct peer *list[RIND_PEERS_MAX];
    size_t count;
};

rind_status rind_peers_call(struct rind_ctx *ctx, struct rind_peers *peers, const char *url,
                            const struct rind_rpc *rpc, const void *request, void *response,
                            struct rind_deadline deadline)
{
    return rind_rpc_call(ctx, peers->client, url, rpc, request, response, deadline, NULL);
}

static bool peers_are_rates_wanted(struct rind_peers *peers)
{
    uint64_t last_ns = atomic_load(&peers->last_request_ns);
    return last_ns != 0 &&
           rind_clock_monotonic_ns() - last_ns < PEERS_RATE_ACTIVE_MS * RIND_NS_PER_MS;
}

/* ---- one peer's thread ---- */

static void peer_resolve(struct rind_ctx *ctx, struct peer *peer)
{
    struct rind_peers *peers = peer->peers;
    struct rind_agent_status_request request = {0};
    struct rind_agent_status_response status;
    rind_status outcome =
        rind_peers_call(ctx, peers, peer->url.text, &rind_rpc_status, &request, &status,
                        rind_deadline_in_ms(RIND_PEERS_STATUS_TIMEOUT_MS));
    rind_mutex_lock(&peers->lock);
    peer->has_hsm = rind_is_ok(outcome) && status.has_hsm;
    if (peer->has_hsm) {
        peer->hsm = status.hsm.id;
        rind_cond_broadcast(&peers->changed);
    } else {
        peer->resolve_at = rind_deadline_in_ms(PEERS_RESOLVE_PAUSE_MS);
    }
    rind_mutex_unlock(&peers->lock);
}

static void peer_fetch_rates(struct rind_ctx *ctx, struct peer *peer)
{
    struct rind_peers *peers = peer->peers;
    struct rind_agent_rate_state_request request = {0};
    struct rind_agent_rate_state_response response;
    rind_status outcome =
        rind_peers_call(ctx, peers, peer->url.text, &rind_rpc_rate_state, &request, &response,
                        rind_deadline_in_ms(RIND_PEERS_RATE_TIMEOUT_MS));
    if (rind_is_ok(outcome)) {
        rind_rate_exchange_import(ctx, peers->exchange, peer->rate, &response.ok,
                                  rind_clock_unix_ms());
    } else {
        rind_rate_exchange_merge(peers->exchange, rind_clock_unix_ms());
    }
}

/* Waits until there is something to ask. False when the peer is leaving. */
static bool peer_wait(struct peer *peer, bool *is_resolve_due)
{
    struct rind_peers *peers = peer->peers;
    rind_mutex_lock(&peers->lock);
    atomic_fetch_add(&peers->waiting, 1); /* before looking: rind_peers_note_request */
    for (;;) {
        *is_resolve_due = !peer->has_hsm && rind_deadline_has_expired(peer->resolve_at);
        if (peer->is_leaving || *is_resolve_due || peers_are_rates_wanted(peers)) {
            break;
        }
        (void)rind_cond_wait(&peers->changed, &peers->lock,
                             peer->has_hsm ? rind_deadline_never() : peer->resolve_at);
    }
    atomic_fetch_sub(&peers->waiting, 1);
    bool is_leaving = peer->is_leaving;
    rind_mutex_unlock(&peers->lock);
    return !is_leaving;
}

static bool peers_are_rates_urgent(struct rind_peers *peers)
{
    return rind_rate_tenants_are_pressed(peers->agent->tenants, rind_clock_unix_ms());
}

/* A pause that leaving cuts short, and so does a tenant that comes near its limit. */
static void peer_pause(struct peer *peer)
{
    struct rind_peers *peers = peer->peers;
    struct rind_deadline urgent = rind_deadline_in_ms(PEERS_RATE_PAUSE_MS);
    struct rind_deadline relaxed = rind_deadline_in_ms(PEERS_RATE_PAUSE_RELAXED_MS);
    rind_mutex_lock(&peers->lock);
    while (!peer->is_leaving) {
        bool is_urgent = peers_are_rates_urgent(peers);
        struct rind_deadline end = is_urgent ? urgent : relaxed;
        atomic_store(&peers->is_hurrying, is_urgent);
        if (rind_deadline_has_expired(end)) {
            break;
        }
        (void)rind_cond_wait(&peers->changed, &peers->lock, end);
    }
    rind_mutex_unlock(&peers->lock);
}

static void peer_run(void *self)
{
    struct peer *peer = self;
    struct rind_job job;
    bool is_resolve_due = false;
    rind_job_begin(&job, peer->peers->agent, RIND_AGENT_ARENA_SIZE_BYTES);
    struct rind_span span;
    while (peer_wait(peer, &is_resolve_due)) {
        if (is_resolve_due) {
            rind_job_begin_round(&job, &span, "ask a peer for its HSM");
            peer_resolve(&job.ctx, peer);
            rind_span_end(&job.ctx, &span, RIND_OK);
            rind_job_reset(&job);
        }
        if (peers_are_rates_wanted(peer->peers)) {
            rind_job_begin_round(&job, &span, "ask a peer for its rates");
            peer_fetch_rates(&job.ctx, peer);
            rind_span_end(&job.ctx, &span, RIND_OK);
            rind_job_reset(&job);
            peer_pause(peer);
        }
    }
    rind_job_end(&job);
}

/* ---- the list ---- */

rind_status rind_peers_open(struct rind_ctx *ctx, struct rind_agent *agent,
                            struct rind_peers **peers)
{
    struct rind_peers *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->agent = agent;
    made->exchange = agent->exchange;
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->changed);
    struct rind_client_options options = rind_client_options_default();
    options.metrics = agent->metrics;
    rind_status status = rind_client_open(ctx, &options, &made->client);
    if (!rind_is_ok(status)) {
        rind_peers_close(made);
        return status;
    }
    *peers = made;
    return RIND_OK;
}

/* Ends a peer that is no longer in the list. No lock held. */
static void peer_close(struct peer *peer)
{
    rind_thread_join(&peer->thread);
    rind_rate_exchange_remove_peer(peer->peers->exchange, peer->rate, rind_clock_unix_ms());
    free(peer);
}

void rind_peers_close(struct rind_peers *peers)
{
    if (peers == NULL) {
        return;
    }
    rind_peers_update(peers, NULL, 0);
    rind_client_close(peers->client);
    rind_cond_fini(&peers->changed);
    rind_mutex_fini(&peers->lock);
    free(peers);
}

static bool urls_contain(const char *const *urls, size_t count, const char *url)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes the peers that are not in `urls` out of the list. Returns how many. */
static size_t peers_take_gone(struct rind_peers *peers, const char *const *urls, size_t count,
                              struct peer **gone)
{
    size_t gone_count = 0;
    size_t kept = 0;
    rind_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->list[i];
        if (urls_contain(urls, count, peer->url.text)) {
            peers->list[kept++] = peer;
        } else {
            peer->is_leaving = true;
            gone[gone_count++] = peer;
        }
    }
    peers->count = kept;
    rind_cond_broadcast(&peers->changed);
    rind_mutex_unlock(&peers->lock);
    return gone_count;
}

static bool peers_know(struct rind_peers *peers, const char *url)
{
    bool is_known = false;
    rind_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->count && !is_known; i++) {
        is_known = strcmp(peers->list[i]->url.text, url) == 0;
    }
    rind_mutex_unlock(&peers->lock);
    return is_known;
}

/* Only the discovery job adds and removes, so the list does not change under it. */
static void peers_add(struct rind_peers *peers, const char *url)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    struct peer *peer = calloc(1, sizeof(*peer));
    RIND_ASSERT(peer != NULL);
    peer->peers = peers;
    peer->resolve_at = rind_deadline_now();
    rind_status status = rind_url_parse(&ctx, rind_slice_text(url), &peer->url);
    if (!rind_is_ok(status) || strcmp(peer->url.text, peers->agent->options.url.text) == 0 ||
        peers_know(peers, peer->url.text)) {
        free(peer);
        return;
    }
    peer->rate = rind_rate_exchange_add_peer(peers->exchange);
    status = rind_thread_start(&ctx, &peer->thread, "peer", peer_run, peer);
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&peers->agent->log, "cannot follow peer %s: %s", url, ctx.sentence);
        peer_close(peer);
        return;
    }
    rind_mutex_lock(&peers->lock);
    peers->list[peers->count++] = peer;
    rind_mutex_unlock(&peers->lock);
}

void rind_peers_update(struct rind_peers *peers, const char *const *urls, size_t count)
{
    struct peer **gone = calloc(RIND_PEERS_MAX, sizeof(struct peer *));
    RIND_ASSERT(gone != NULL);
    size_t gone_count = peers_take_gone(peers, urls, count, gone);
    for (size_t i = 0; i < gone_count; i++) {
        peer_close(gone[i]);
    }
    free(gone);
    for (size_t i = 0; i < count && peers->count < RIND_PEERS_MAX; i++) {
        if (!peers_know(peers, urls[i])) {
            peers_add(peers, urls[i]);
        }
    }
}

bool rind_peers_find(struct rind_peers *peers, const struct rind_hsm_id *hsm, struct rind_url *url)
{
    bool is_found = false;
    rind_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->count && !is_found; i++) {
        if (peers->list[i]->has_hsm && rind_hsm_id_equal(&peers->list[i]->hsm, hsm)) {
            *url = peers->list[i]->url;
            is_found = true;
        }
    }
    rind_mutex_unlock(&peers->lock);
    return is_found;
}

/* The peer did not answer as that HSM's agent: find out anew who is there. */
static void peers_doubt(struct rind_peers *peers, const struct rind_url *url)
{
    rind_mutex_lock(&peers->lock);
    for (size_t i = 0; i < peers->count; i++) {
        struct peer *peer = peers->list[i];
        if (peer->has_hsm && strcmp(peer->url.text, url->text) == 0) {
            peer->has_hsm = false;
            peer->resolve_at = rind_deadline_now();
            rind_cond_broadcast(&peers->changed);
        }
    }
    rind_mutex_unlock(&peers->lock);
}

bool rind_peers_captured(struct rind_ctx *ctx, struct rind_peers *peers,
                         const struct rind_hsm_id *hsm, const struct rind_realm_id *realm,
                         const struct rind_group_id *group, uint64_t known,
                         struct rind_captured *captured)
{
    struct rind_url url;
    char known_text[24];
    if (!rind_peers_find(peers, hsm, &url)) {
        return false;
    }
    (void)snprintf(known_text, sizeof(known_text), "%" PRIu64, known);
    const struct rind_http_header beyond = {rind_slice_text(RIND_CAPTURED_HEADER),
                                            rind_slice_text(known_text)};
    struct rind_agent_captured_request request = {*realm, *group};
    struct rind_agent_captured_response response;
    rind_status status =
        rind_rpc_call_with(ctx, peers->client, url.text, &rind_rpc_captured, &beyond,
                           known == RIND_CAPTURED_ANY ? 0 : 1, &request, &response,
                           rind_deadline_in_ms(RIND_PEERS_CAPTURED_TIMEOUT_MS), NULL);
    if (!rind_is_ok(status) || (response.has_ok && !rind_hsm_id_equal(&response.ok.hsm, hsm))) {
        peers_doubt(peers, &url);
        return false;
    }
    *captured = response.ok;
    return response.has_ok;
}

bool rind_peers_status(struct rind_ctx *ctx, struct rind_peers *peers,
                       const struct rind_hsm_id *hsm, struct rind_agent_status_response *status)
{
    struct rind_url url;
    if (!rind_peers_find(peers, hsm, &url)) {
        return false;
    }
    struct rind_agent_status_request request = {0};
    rind_status outcome = rind_peers_call(ctx, peers, url.text, &rind_rpc_status, &request, status,
                                          rind_deadline_in_ms(RIND_PEERS_STATUS_TIMEOUT_MS));
    return rind_is_ok(outcome) && status->has_hsm && rind_hsm_id_equal(&status->hsm.id, hsm);
}

/*
 * Says so first and looks for waiting threads then; they say that they wait and look for requests
 * then. So of the two at least one sees the other, and no thread waits on while requests come.
 */
void rind_peers_note_request(struct rind_peers *peers)
{
    atomic_store(&peers->last_request_ns, rind_clock_monotonic_ns());
    bool is_pressing = !atomic_load(&peers->is_hurrying) && peers_are_rates_urgent(peers) &&
                       !atomic_exchange(&peers->is_hurrying, true);
    if (atomic_load(&peers->waiting) > 0 || is_pressing) {
        rind_mutex_lock(&peers->lock);
        rind_cond_broadcast(&peers->changed);
        rind_mutex_unlock(&peers->lock);
    }
}
