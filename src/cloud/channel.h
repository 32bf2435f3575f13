/*
 * channel.h - blocking gRPC calls to one service over one connection.
 *
 * A channel connects when it is opened and again whenever its connection is lost, without a thread
 * of its own; a call waits in the thread that makes it. Nothing is retried here, neither by us nor
 * by gRPC: the caller has the one retry loop (host/retry.h with rind_cloud_may_retry).
 *
 * What a gRPC status becomes (spec 04 section 4.2; "retry": rind_cloud_may_retry is true):
 *   DEADLINE_EXCEEDED            RIND_E_TIMEOUT          retry
 *   UNAVAILABLE, RESOURCE_EXHAUSTED
 *                                RIND_E_UNAVAILABLE      retry
 *   UNKNOWN, INTERNAL, and CANCELLED that was not by us
 *                                RIND_E_UNKNOWN_OUTCOME  retry
 *   CANCELLED by us              RIND_E_CANCELLED
 *   NOT_FOUND                    RIND_E_NOT_FOUND
 *   ALREADY_EXISTS               RIND_E_EXISTS
 *   PERMISSION_DENIED            RIND_E_DENIED
 *   UNAUTHENTICATED              RIND_E_AUTH
 *   INVALID_ARGUMENT, FAILED_PRECONDITION, UNIMPLEMENTED
 *                                RIND_E_INVALID
 *   OUT_OF_RANGE, and an answer above the channel's limit
 *                                RIND_E_LIMIT
 *   ABORTED, DATA_LOSS           RIND_E_INTERNAL, RIND_E_CORRUPT
 *   an answer that does not decode
 *                                RIND_E_UNKNOWN_OUTCOME  retry
 * After a retryable one a write may or may not have happened. The sentence names service, method
 * and resource, says what the service said, and names the remedy.
 *
 * Thread-safe, but for one stream, which belongs to one thread.
 */
#ifndef RIND_CLOUD_CHANNEL_H
#define RIND_CLOUD_CHANNEL_H

#include <protobuf-c/protobuf-c.h>

#include "base/base.h"
#include "cloud/flags.h"
#include "host/host.h"

/* limits */
#define RIND_CHANNEL_TARGET_SIZE (RIND_URL_HOST_SIZE_MAX + 16u)
#define RIND_CHANNEL_MESSAGE_SIZE_BYTES_DEFAULT (4u << 20) /* gRPC's own */
#define RIND_CHANNEL_ROUTING_SIZE 512u
#define RIND_CHANNEL_CONNECTIONS_MAX 4u

enum rind_channel_security {
    RIND_CHANNEL_PLAIN,  /* emulators: no TLS, no credentials */
    RIND_CHANNEL_TLS,    /* TLS, no credentials */
    RIND_CHANNEL_GOOGLE, /* TLS and Application Default Credentials */
};

struct rind_channel_options {
    const char *service;          /* "Bigtable": for sentences; static */
    const char *remedy;           /* what to check if it is not reached: "--bigtable-url" */
    const char *remedy_not_found; /* and if it does not have what was asked for; NULL: as above */
    char target[RIND_CHANNEL_TARGET_SIZE]; /* "host:port" */
    enum rind_channel_security security;
    struct rind_google_flags flags;
    size_t
        message_size_bytes_max; /* received or sent; 0: RIND_CHANNEL_MESSAGE_SIZE_BYTES_DEFAULT */
    unsigned connection_count;  /* calls are spread over so many; 0: one */
    const struct rind_log *log; /* NULL: silence; copied */
};

/*
 * Fills target and security, and copies `flags`. `url` is the emulator's or NULL: then Google's
 * `host` ("bigtable.googleapis.com"). Credentials go only to googleapis.com and hosts below it
 * (spec 04 section 2.1); they never go to a URL of somebody else.
 */
void rind_channel_options_init(struct rind_channel_options *options, const char *service,
                               const char *host, const struct rind_url *url,
                               const struct rind_google_flags *flags);

/* True if the channel would need Google credentials. */
bool rind_channel_needs_credentials(const struct rind_channel_options *options);

struct rind_channel; /* opaque */

/*
 * Connects, within connect_timeout. RIND_E_AUTH if there are no credentials where they are needed,
 * RIND_E_UNAVAILABLE if nobody answers there.
 */
rind_status rind_channel_open(struct rind_ctx *ctx, const struct rind_channel_options *options,
                              struct rind_channel **channel) RIND_MUST_USE;

/* Ends all calls, those under way and later ones, with RIND_E_CANCELLED. From any thread. */
void rind_channel_cancel(struct rind_channel *channel);

/* No call may be under way. NULL is allowed. */
void rind_channel_close(struct rind_channel *channel);

/* Calls made since it was opened, for measuring. */
uint64_t rind_channel_calls(const struct rind_channel *channel);

struct rind_grpc_call {
    const char *method;   /* "/google.pubsub.v1.Publisher/Publish" */
    const char *resource; /* what it is about, for sentences: "projects/p/topics/t" */
    const char *routing;  /* header x-goog-request-params (rind_grpc_routing), or NULL */
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response;
    bool is_connecting; /* it is made to find out whether anybody is there; for its sentence */
};

/* "name=value" with the value percent-encoded, as routing headers want it. */
void rind_grpc_routing(const char *name, const char *value,
                       char routing[static RIND_CHANNEL_ROUTING_SIZE]);

/*
 * A unary call: waits for the answer until the earlier of `deadline` and the channel's timeout.
 * `*response` lies in ctx->arena and is not to be freed.
 */
rind_status rind_channel_call(struct rind_ctx *ctx, struct rind_channel *channel,
                              const struct rind_grpc_call *call, struct rind_deadline deadline,
                              ProtobufCMessage **response) RIND_MUST_USE;

/*
 * Replaces a connection (0 to connection_count - 1) by a new one before the service closes it for
 * its age: connects within connect_timeout, makes the call `warm` over it (NULL: none; what it
 * comes to does not matter), and gives it to all calls from then on. Calls under way end
 * undisturbed on the old one. On failure the old one stays. RIND_E_CANCELLED soon after
 * rind_channel_cancel.
 */
rind_status rind_channel_renew(struct rind_ctx *ctx, struct rind_channel *channel,
                               unsigned connection,
                               const struct rind_grpc_call *warm) RIND_MUST_USE;

struct rind_stream; /* opaque */

/* A call with a stream of answers: sends the request. Close it in any case. */
rind_status rind_stream_open(struct rind_ctx *ctx, struct rind_channel *channel,
                             const struct rind_grpc_call *call, struct rind_deadline deadline,
                             struct rind_stream **stream) RIND_MUST_USE;

/*
 * The next answer, or NULL after the last one if the stream ended as it should. The message belongs
 * to the stream until the next call. A failure ends the stream.
 */
rind_status rind_stream_next(struct rind_ctx *ctx, struct rind_stream *stream,
                             ProtobufCMessage **message) RIND_MUST_USE;

/* Cancels what is left. NULL is allowed. */
void rind_stream_close(struct rind_stream *stream);

/*
 * What a gRPC code means that came inside an answer, such as one entry's of a bulk write: the same
 * statuses and sentences as a call's own. `code` must not be 0 (OK); `said` is the service's text.
 */
rind_status rind_channel_status(struct rind_ctx *ctx, const struct rind_channel *channel,
                                const struct rind_grpc_call *call, int32_t code,
                                const char *said) RIND_MUST_USE;

/* True for the statuses marked "retry" above; for rind_retry_options.is_retryable. */
bool rind_cloud_may_retry(rind_status status);

#endif
