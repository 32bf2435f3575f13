/*
 * client.h - the client of internal RPC: HTTP/1.1 over plain TCP with kept-alive connections.
 *
 * Specs: 05 section 8.2, 06 section 1.2, 07 section 15. Calls are straight blocking code with a
 * deadline; one client serves any number of threads. Answers come from peers and are bounded.
 *
 * A call ends in RIND_OK whenever an HTTP answer came, whatever its status: callers first try to
 * decode the body. Otherwise the code says what is known about the request:
 *   RIND_E_NETWORK          the peer did not get it (refused, unreachable, nothing was sent)
 *   RIND_E_UNKNOWN_OUTCOME  the connection broke after sending began: it may have been executed
 *   RIND_E_TIMEOUT          the deadline passed: it may have been executed, now or later
 *   RIND_E_DECODE, LIMIT    the answer was no HTTP, or larger than allowed
 *   RIND_E_BUSY             connections_per_peer_max were in use until the deadline; not sent
 *   RIND_E_CANCELLED        the client is closing; not sent
 * A call made with a ctx that belongs to a trace carries its headers (host/trace.h).
 * All of these are "Network" where errors cross a boundary (06 section 1.2).
 */
#ifndef RIND_NET_CLIENT_H
#define RIND_NET_CLIENT_H

#include "base/status.h"
#include "host/address.h"
#include "host/clock.h"
#include "host/metrics.h"
#include "net/http.h"

#define RIND_CLIENT_DEFAULT_TIMEOUT_MS 30000u
#define RIND_CLIENT_HEADERS_MAX 8u /* extra headers of one call */
#define RIND_CLIENT_FAN_CALLS_MAX 1024u

struct rind_client; /* opaque, thread-safe */

struct rind_client_options {
    const char *user_agent;       /* borrowed; "juicebox_networking/0.3.2" */
    struct rind_metrics *metrics; /* reqwest.client.time per call; NULL: none */
    uint32_t peers_max;           /* host:port pairs remembered; idle ones are forgotten first */
    uint32_t connections_per_peer_max; /* in use and idle */
    uint32_t idle_per_peer_max;        /* kept for the next call */
    uint64_t idle_ns_max;              /* must stay below the servers' idle timeout */
    uint64_t connect_timeout_ns;       /* within the call's deadline */
    size_t answer_size_bytes_max;      /* body */
};

/* 256 connections per peer, 64 idle for 20 s, 5 s to connect, 16 MiB answers, 4096 peers. */
struct rind_client_options rind_client_options_default(void);

rind_status rind_client_open(struct rind_ctx *ctx, const struct rind_client_options *options,
                             struct rind_client **client) RIND_MUST_USE;

/* All calls must have returned. NULL is allowed. */
void rind_client_close(struct rind_client *client);

struct rind_call {
    const struct rind_url *url; /* http only */
    const char *method;         /* NULL: POST */
    struct rind_slice body;
    const struct rind_http_header *headers; /* besides host, user-agent, accept, content-length */
    size_t header_count;
    struct rind_deadline deadline;
    /*
     * The request may be executed twice without harm (status polls). Then, and only then, it is
     * sent once more if a kept connection turns out to be closed before any byte of the answer.
     * Without it that happens only if the system says that nothing was sent.
     */
    bool is_repeatable;
};

struct rind_answer {
    unsigned status;
    struct rind_slice body; /* in the arena of the call's ctx */
};

/* One call: waits for the answer until call->deadline. ctx must have an arena. */
rind_status rind_client_call(struct rind_ctx *ctx, struct rind_client *client,
                             const struct rind_call *call,
                             struct rind_answer *answer) RIND_MUST_USE;

/* POST base joined with path (06 section 1.2), without extra headers. */
rind_status rind_client_post(struct rind_ctx *ctx, struct rind_client *client,
                             const struct rind_url *base, const char *path, struct rind_slice body,
                             struct rind_deadline deadline,
                             struct rind_answer *answer) RIND_MUST_USE;

/*
 * Many calls at once on the calling thread, answers as they arrive:
 *
 *     struct rind_fan *fan;
 *     RIND_TRY(rind_fan_open(ctx, client, calls, count, &fan));
 *     struct rind_fan_result result;
 *     while (rind_fan_next(ctx, fan, deadline, &result)) { ... }
 *     rind_fan_close(fan);
 */
struct rind_fan; /* opaque; one thread */

struct rind_fan_result {
    size_t index;              /* of the call */
    rind_status status;        /* as of rind_client_call */
    struct rind_answer answer; /* if OK */
    const char *sentence;      /* if not; until the next rind_fan_next */
};

/*
 * Starts all calls. `calls` and what they point at are borrowed until close. Each has its own
 * deadline; one whose peer has no free connection ends in RIND_E_BUSY.
 */
rind_status rind_fan_open(struct rind_ctx *ctx, struct rind_client *client,
                          const struct rind_call *calls, size_t count,
                          struct rind_fan **fan) RIND_MUST_USE;

/* The next call that ended; false once all have been reported or the deadline passed. */
bool rind_fan_next(struct rind_ctx *ctx, struct rind_fan *fan, struct rind_deadline deadline,
                   struct rind_fan_result *result);

/* Abandons what has not ended (the peers may still execute it). NULL is allowed. */
void rind_fan_close(struct rind_fan *fan);

#endif
