/*
 * pubsub.h - tenants' events in Google Pub/Sub: one topic and one subscription per realm and
 * tenant.
 *
 * Agents publish, the tenant event log pulls and acknowledges. Delivery is at least once and in no
 * order. Topics and subscriptions are made when they are first needed. Thread-safe.
 * Spec: docs/spec/05-cloud-services.md section 4.
 */
#ifndef RIND_CLOUD_PUBSUB_H
#define RIND_CLOUD_PUBSUB_H

#include "base/base.h"
#include "cloud/flags.h"
#include "host/host.h"

/* limits */
#define RIND_PUBSUB_NAME_SIZE 512u          /* "projects/.../subscriptions/...-sub" and its NUL */
#define RIND_PUBSUB_PUBLISH_COUNT_MAX 1000u /* messages of one request: the service's bound */
#define RIND_PUBSUB_PULL_COUNT_MAX 1000u    /* and what we ask for at most */
#define RIND_PUBSUB_ACKNOWLEDGE_COUNT_MAX 1000u
#define RIND_PUBSUB_ACK_DEADLINE_S 10 /* after it an event is delivered again */
/* Subscriptions of which a process remembers that they exist; forgetting costs one request. */
#define RIND_PUBSUB_KNOWN_MAX 4096u
/*
 * And for how long: what is published to a topic whose subscription somebody deleted is lost, and
 * looking again is a request of which Google allows some thousand a minute in all.
 */
#define RIND_PUBSUB_KNOWN_MS 600000u

/* The flags of a program that uses Pub/Sub. */
struct rind_pubsub_flags {
    const char *project; /* NULL: the Bigtable project */
    struct rind_url url;
    bool is_url_given; /* an emulator's or another endpoint's; credentials only for Google's */
    struct rind_google_flags google;
};
#define RIND_PUBSUB_FLAG_ROWS (2u + RIND_GOOGLE_FLAG_ROWS)

/* Rows whose values go to `flags`, which must not move until they are parsed. */
void rind_pubsub_flag_rows(struct rind_pubsub_flags *flags,
                           struct rind_flag rows[static RIND_PUBSUB_FLAG_ROWS]);

/*
 * If no URL was given and PUBSUB_EMULATOR_HOST ("host:port") is set, takes its. RIND_E_INVALID if
 * it cannot be read.
 */
rind_status rind_pubsub_flags_complete(struct rind_ctx *ctx,
                                       struct rind_pubsub_flags *flags) RIND_MUST_USE;

struct rind_pubsub_options {
    const char *project;                   /* copied */
    const struct rind_pubsub_flags *flags; /* borrowed for the call; its project is not looked at */
    const struct rind_log *log;            /* NULL: silence; copied */
    struct rind_metrics *metrics;          /* NULL: none; must outlive it */
    uint64_t known_ms;                     /* 0: RIND_PUBSUB_KNOWN_MS; others are for tests */
};

struct rind_pubsub; /* opaque: one connection */

/* Connects. RIND_E_AUTH without credentials where they are needed, RIND_E_UNAVAILABLE. */
rind_status rind_pubsub_open(struct rind_ctx *ctx, const struct rind_pubsub_options *options,
                             struct rind_pubsub **pubsub) RIND_MUST_USE;

/* Ends all calls, those under way and later ones, with RIND_E_CANCELLED. From any thread. */
void rind_pubsub_cancel(struct rind_pubsub *pubsub);

/* No call may be under way. NULL is allowed. */
void rind_pubsub_close(struct rind_pubsub *pubsub);

/* Whose events: one topic. */
struct rind_pubsub_scope {
    struct rind_realm_id realm;
    struct rind_slice tenant;
};

/* Resource names (section 4.1). RIND_E_INVALID if the tenant's name does not fit in them. */
rind_status rind_pubsub_topic_name(struct rind_ctx *ctx, const char *project,
                                   const struct rind_pubsub_scope *scope,
                                   char name[static RIND_PUBSUB_NAME_SIZE]) RIND_MUST_USE;
rind_status rind_pubsub_subscription_name(struct rind_ctx *ctx, const char *project,
                                          const struct rind_pubsub_scope *scope,
                                          char name[static RIND_PUBSUB_NAME_SIZE]) RIND_MUST_USE;

/*
 * Publishes all of `data` (at most RIND_PUBSUB_PUBLISH_COUNT_MAX) and waits until the service has
 * them: once this returned OK none of them is lost. Retries for up to 30 s (section 4.3), makes
 * topic and subscription if they are missing. After a failure some may have been published.
 */
rind_status rind_pubsub_publish(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                const struct rind_pubsub_scope *scope,
                                const struct rind_slice *data, size_t count,
                                struct rind_deadline deadline) RIND_MUST_USE;

/* Makes topic and subscription; those that exist stay as they are. */
rind_status rind_pubsub_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                               const struct rind_pubsub_scope *scope,
                               struct rind_deadline deadline) RIND_MUST_USE;

/* A message as delivered; all of it in the arena of the call. */
struct rind_pubsub_message {
    struct rind_slice id;
    struct rind_slice ack_id;
    struct rind_slice data;
    int64_t publish_unix_s;
    int32_t publish_nanos;
};

/*
 * Up to `count_max` messages; none if none came until the deadline, and sooner if the service does
 * not care to wait. They are delivered again unless acknowledged within RIND_PUBSUB_ACK_DEADLINE_S.
 * RIND_E_NOT_FOUND without the subscription.
 */
rind_status rind_pubsub_pull(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                             const struct rind_pubsub_scope *scope, size_t count_max,
                             struct rind_deadline deadline, struct rind_pubsub_message **messages,
                             size_t *count) RIND_MUST_USE;

/* As pull, but never waits for messages that are not there yet. */
rind_status rind_pubsub_pull_now(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                 const struct rind_pubsub_scope *scope, size_t count_max,
                                 struct rind_deadline deadline,
                                 struct rind_pubsub_message **messages,
                                 size_t *count) RIND_MUST_USE;

/*
 * Acknowledges any number of messages. RIND_E_INVALID if an id is none, or its time is over;
 * RIND_E_NOT_FOUND without the subscription.
 */
rind_status rind_pubsub_acknowledge(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                    const struct rind_pubsub_scope *scope,
                                    const struct rind_slice *ack_ids, size_t count,
                                    struct rind_deadline deadline) RIND_MUST_USE;

#endif
