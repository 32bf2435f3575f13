/* pubsub_inner.h - what pubsub.c, pubsub_publish.c and pubsub_pull.c share. For this room only. */
#ifndef RIND_CLOUD_PUBSUB_INNER_H
#define RIND_CLOUD_PUBSUB_INNER_H

#include "cloud/channel.h"
#include "cloud/proto_memory.h"
#include "cloud/pubsub.h"

/* A subscription that was there, or that cannot be made sure of. */
struct rind_pubsub_known {
    char *name; /* owned; NULL: none */
    uint64_t until_ns;
};

struct rind_pubsub {
    char *project;
    struct rind_channel *channel;
    struct rind_stopper stopper; /* ends the pauses of retries */
    struct rind_log log;
    struct rind_metrics *metrics;
    struct rind_mutex known_mutex; /* guards known; nothing is taken under it */
    struct rind_pubsub_known known[RIND_PUBSUB_KNOWN_MAX]; /* by the name's hash */
    uint64_t known_ns;                                     /* how long that is believed */
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
    /*
     * If `outcome` is given these codes are no failures, so neither logged nor counted as such: the
     * answer is NULL and `*outcome` which of them it was, RIND_E_OK if none.
     */
    enum rind_code expected[2];
    enum rind_code *outcome;
};

/* Calls until it succeeds or it is of no use. The answer is in ctx->arena. */
rind_status rind_pubsub_call(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                             const struct rind_pubsub_call *call,
                             ProtobufCMessage **response) RIND_MUST_USE;

/* The slice as a text with a NUL, in ctx->arena. RIND_E_INVALID if it contains one. */
rind_status rind_pubsub_text(struct rind_ctx *ctx, struct rind_slice slice,
                             char **text) RIND_MUST_USE;

/* 50 attempts, 30 s, 50 ms doubling to 2 s (section 4.3). */
extern const struct rind_retry_profile rind_pubsub_profile;

/* The resources of one scope. */
struct rind_pubsub_names {
    char topic[RIND_PUBSUB_NAME_SIZE];
    char subscription[RIND_PUBSUB_NAME_SIZE];
};

rind_status rind_pubsub_names_init(struct rind_ctx *ctx, const struct rind_pubsub *pubsub,
                                   const struct rind_pubsub_scope *scope,
                                   struct rind_pubsub_names *names) RIND_MUST_USE;

/*
 * Sees that the subscription exists, of this topic and not of one that had its name and was
 * deleted. RIND_E_NOT_FOUND without the topic.
 */
rind_status rind_pubsub_make_subscription(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                          const struct rind_pubsub_scope *scope,
                                          const struct rind_pubsub_names *names,
                                          const struct rind_retry_profile *profile,
                                          struct rind_deadline deadline) RIND_MUST_USE;

/* Sees that topic and subscription exist, and remembers it. */
rind_status rind_pubsub_make_both(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                  const struct rind_pubsub_scope *scope,
                                  const struct rind_pubsub_names *names,
                                  struct rind_deadline deadline) RIND_MUST_USE;

/*
 * Remembers that the subscription exists, for a while, as somebody may delete it; or, if
 * `is_final`, that asking again is of no use. Or forgets it.
 */
bool rind_pubsub_is_known(struct rind_pubsub *pubsub, const char *subscription);
void rind_pubsub_remember(struct rind_pubsub *pubsub, const char *subscription, bool is_final);
void rind_pubsub_forget(struct rind_pubsub *pubsub, const char *subscription);

#endif
