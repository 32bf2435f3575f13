/* pubsub_inner.h - what pubsub.c, pubsub_publish.c and pubsub_pull.c share. For this room only. */
#ifndef RIND_CLOUD_PUBSUB_INNER_H
#define RIND_CLOUD_PUBSUB_INNER_H

#include "cloud/channel.h"
#include "cloud/proto_memory.h"
#include "cloud/pubsub.h"

struct rind_pubsub {
    char *project;
    struct rind_channel *channel;
    struct rind_stopper stopper; /* ends the pauses of retries */
    struct rind_log log;
    struct rind_metrics *metrics;
    struct rind_mutex known_mutex;      /* guards known; nothing is taken under it */
    char *known[RIND_PUBSUB_KNOWN_MAX]; /* owned names of subscriptions that exist, by their hash */
};

/* One request with its retries. */
struct rind_pubsub_call {
    struct rind_grpc_call call;
    const struct rind_retry_profile *profile;
    const char *description;  /* "publish events" */
    const char *metrics_path; /* "pubsub.publish_msg" */
    const struct rind_pubsub_scope *scope;
    struct rind_deadline deadline;
    bool (*is_retryable)(rind_status status); /* NULL: rind_cloud_may_retry */
    bool may_wait_in_vain; /* time that runs out is no failure: the answer is NULL */
};

/* Calls until it succeeds or it is of no use. The answer is in ctx->arena. */
rind_status rind_pubsub_call(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                             const struct rind_pubsub_call *call,
                             ProtobufCMessage **response) RIND_MUST_USE;

/* The slice as a text with a NUL, in ctx->arena. RIND_E_INVALID if it contains one. */
rind_status rind_pubsub_text(struct rind_ctx *ctx, struct rind_slice slice,
                             char **text) RIND_MUST_USE;

/* Remembers that the subscription exists, or forgets it. */
bool rind_pubsub_is_known(struct rind_pubsub *pubsub, const char *subscription);
void rind_pubsub_remember(struct rind_pubsub *pubsub, const char *subscription);
void rind_pubsub_forget(struct rind_pubsub *pubsub, const char *subscription);

#endif
