/*
 * pubsub_publish.c - publishing, and making what it needs (spec 05 section 4.3).
 *
 * The specified sequence: publish; if there is no topic make it and its subscription, and publish
 * again. Besides (section 17.6), before a process publishes for a tenant the first time it makes
 * sure of topic and subscription, for what is published to a topic without one is lost. Whoever may
 * publish need not be allowed to do that: then it is warned of, once, and publishing goes on.
 */
#include "cloud/pubsub_inner.h"
#include "proto/pubsub.pb-c.h"

/* 50 attempts, 30 s, 50 ms doubling to 2 s. */
static const struct rind_retry_profile publish_profile = {
    50, 30 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS, 2.0, 2 * RIND_NS_PER_S};
/* Making sure of a subscription is worth less: an event waits for it. */
static const struct rind_retry_profile ensure_profile = {3, 5 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS,
                                                         2.0, 2 * RIND_NS_PER_S};

/* What is needed of one scope: names and texts, in the arena. */
struct publish_names {
    char topic[RIND_PUBSUB_NAME_SIZE];
    char subscription[RIND_PUBSUB_NAME_SIZE];
};

static rind_status publish_names_init(struct rind_ctx *ctx, const struct rind_pubsub *pubsub,
                                      const struct rind_pubsub_scope *scope,
                                      struct publish_names *names)
{
    RIND_TRY(rind_pubsub_topic_name(ctx, pubsub->project, scope, names->topic));
    return rind_pubsub_subscription_name(ctx, pubsub->project, scope, names->subscription);
}

/* --- making topics and subscriptions --- */

/* The labels of both: the realm and the tenant. */
struct publish_labels {
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    Google__Pubsub__V1__TextEntry entries[2];
    Google__Pubsub__V1__TextEntry *list[2];
};

static rind_status publish_labels_init(struct rind_ctx *ctx, const struct rind_pubsub_scope *scope,
                                       struct publish_labels *labels)
{
    char *tenant;
    RIND_TRY(rind_pubsub_text(ctx, scope->tenant, &tenant));
    rind_hex_encode(rind_realm_id_slice(&scope->realm), labels->realm);
    for (size_t i = 0; i < 2; i++) {
        google__pubsub__v1__text_entry__init(&labels->entries[i]);
        labels->list[i] = &labels->entries[i];
    }
    labels->entries[0].key = rind_proto_text("realm");
    labels->entries[0].value = labels->realm;
    labels->entries[1].key = rind_proto_text("tenant");
    labels->entries[1].value = tenant;
    return RIND_OK;
}

/* Somebody else was faster: what we wanted is there. */
static rind_status unless_it_exists(rind_status status)
{
    return rind_is(status, RIND_E_EXISTS) ? RIND_OK : status;
}

static rind_status topic_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                const struct rind_pubsub_scope *scope, const char *name,
                                struct rind_deadline deadline)
{
    struct publish_labels labels;
    RIND_TRY(publish_labels_init(ctx, scope, &labels));
    Google__Pubsub__V1__Topic topic = GOOGLE__PUBSUB__V1__TOPIC__INIT;
    topic.name = rind_proto_text(name);
    topic.n_labels = 2;
    topic.labels = labels.list;
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("name", name, routing);
    const struct rind_pubsub_call call = {
        .call = {.method = "/google.pubsub.v1.Publisher/CreateTopic",
                 .resource = name,
                 .routing = routing,
                 .request = &topic.base,
                 .response = &google__pubsub__v1__topic__descriptor},
        .profile = &publish_profile,
        .description = "create a Pub/Sub topic",
        .metrics_path = "pubsub.create_topic",
        .scope = scope,
        .deadline = deadline,
    };
    ProtobufCMessage *response;
    return unless_it_exists(rind_pubsub_call(ctx, pubsub, &call, &response));
}

static rind_status subscription_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                       const struct rind_pubsub_scope *scope,
                                       const struct publish_names *names,
                                       const struct rind_retry_profile *profile,
                                       struct rind_deadline deadline)
{
    struct publish_labels labels;
    RIND_TRY(publish_labels_init(ctx, scope, &labels));
    /* Present and empty: it never expires. Absent would be Google's default of 31 days. */
    Google__Pubsub__V1__ExpirationPolicy never = GOOGLE__PUBSUB__V1__EXPIRATION_POLICY__INIT;
    Google__Pubsub__V1__Subscription subscription = GOOGLE__PUBSUB__V1__SUBSCRIPTION__INIT;
    subscription.name = rind_proto_text(names->subscription);
    subscription.topic = rind_proto_text(names->topic);
    subscription.ack_deadline_seconds = RIND_PUBSUB_ACK_DEADLINE_S;
    subscription.n_labels = 2;
    subscription.labels = labels.list;
    subscription.expiration_policy = &never;
    subscription.enable_exactly_once_delivery = 1;
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("name", names->subscription, routing);
    const struct rind_pubsub_call call = {
        .call = {.method = "/google.pubsub.v1.Subscriber/CreateSubscription",
                 .resource = names->subscription,
                 .routing = routing,
                 .request = &subscription.base,
                 .response = &google__pubsub__v1__subscription__descriptor},
        .profile = profile,
        .description = "create a Pub/Sub subscription",
        .metrics_path = "pubsub.create_subscription",
        .scope = scope,
        .deadline = deadline,
    };
    ProtobufCMessage *response;
    return unless_it_exists(rind_pubsub_call(ctx, pubsub, &call, &response));
}

static rind_status publish_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                  const struct rind_pubsub_scope *scope,
                                  const struct publish_names *names, struct rind_deadline deadline)
{
    RIND_TRY(topic_create(ctx, pubsub, scope, names->topic, deadline));
    RIND_TRY(subscription_create(ctx, pubsub, scope, names, &publish_profile, deadline));
    rind_pubsub_remember(pubsub, names->subscription);
    RIND_LOG_INFO(&pubsub->log, "Pub/Sub topic %s and its subscription are there now",
                  names->topic);
    return RIND_OK;
}

rind_status rind_pubsub_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                               const struct rind_pubsub_scope *scope, struct rind_deadline deadline)
{
    struct publish_names names;
    RIND_TRY(publish_names_init(ctx, pubsub, scope, &names));
    return publish_create(ctx, pubsub, scope, &names, deadline);
}

/* --- publishing --- */

/* Before the first event of a tenant; never keeps it from being published. */
static void publish_ensure(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                           const struct rind_pubsub_scope *scope, const struct publish_names *names,
                           struct rind_deadline deadline)
{
    if (rind_pubsub_is_known(pubsub, names->subscription)) {
        return;
    }
    rind_status status = subscription_create(ctx, pubsub, scope, names, &ensure_profile, deadline);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        /* There is no topic. Both are made now: another agent may make it any moment, and what is
         * published between its topic and its subscription would be lost. */
        status = publish_create(ctx, pubsub, scope, names, deadline);
        if (!rind_is_ok(status)) {
            return; /* publishing finds out the same, and says so */
        }
    }
    if (rind_is_ok(status) || !rind_cloud_may_retry(status)) {
        rind_pubsub_remember(pubsub, names->subscription); /* asking again would not help */
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&pubsub->log,
                      "events of %s are lost to its tenant if it has no subscription, and this "
                      "process cannot make one: %s",
                      names->topic, ctx->sentence);
    }
}

static bool may_retry_new_topic(rind_status status)
{
    return rind_cloud_may_retry(status) || rind_is(status, RIND_E_NOT_FOUND);
}

/* `is_topic_new`: it was made just now, and not every server of Google's may know it yet. */
static rind_status publish_send(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                const struct rind_pubsub_scope *scope,
                                const Google__Pubsub__V1__PublishRequest *request,
                                bool is_topic_new, struct rind_deadline deadline)
{
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("topic", request->topic, routing);
    const struct rind_pubsub_call call = {
        .call = {.method = "/google.pubsub.v1.Publisher/Publish",
                 .resource = request->topic,
                 .routing = routing,
                 .request = &request->base,
                 .response = &google__pubsub__v1__publish_response__descriptor},
        .profile = &publish_profile,
        .description = "publish tenant events",
        .metrics_path = "pubsub.publish_msg",
        .scope = scope,
        .deadline = deadline,
        .is_retryable = is_topic_new ? may_retry_new_topic : NULL,
    };
    ProtobufCMessage *response;
    return rind_pubsub_call(ctx, pubsub, &call, &response);
}

static rind_status publish_request_init(struct rind_ctx *ctx, const char *topic,
                                        const struct rind_slice *data, size_t count,
                                        Google__Pubsub__V1__PublishRequest *request)
{
    Google__Pubsub__V1__PubsubMessage *messages =
        rind_ctx_alloc_array(ctx, count, sizeof(*messages));
    Google__Pubsub__V1__PubsubMessage **list = rind_ctx_alloc_array(ctx, count, sizeof(*list));
    if (messages == NULL || list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        google__pubsub__v1__pubsub_message__init(&messages[i]);
        messages[i].data = rind_proto_bytes(data[i]);
        list[i] = &messages[i];
    }
    google__pubsub__v1__publish_request__init(request);
    request->topic = rind_proto_text(topic);
    request->n_messages = count;
    request->messages = list;
    return RIND_OK;
}

rind_status rind_pubsub_publish(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                const struct rind_pubsub_scope *scope,
                                const struct rind_slice *data, size_t count,
                                struct rind_deadline deadline)
{
    RIND_ASSERT(count <= RIND_PUBSUB_PUBLISH_COUNT_MAX);
    if (count == 0) {
        return RIND_OK;
    }
    struct publish_names names;
    Google__Pubsub__V1__PublishRequest request;
    RIND_TRY(publish_names_init(ctx, pubsub, scope, &names));
    RIND_TRY(publish_request_init(ctx, names.topic, data, count, &request));
    publish_ensure(ctx, pubsub, scope, &names, deadline);
    rind_status status = publish_send(ctx, pubsub, scope, &request, false, deadline);
    if (!rind_is(status, RIND_E_NOT_FOUND)) {
        return status;
    }
    rind_pubsub_forget(pubsub, names.subscription);
    RIND_TRY(publish_create(ctx, pubsub, scope, &names, deadline));
    return publish_send(ctx, pubsub, scope, &request, true, deadline);
}
