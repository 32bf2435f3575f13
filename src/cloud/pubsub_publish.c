/*
 * pubsub_publish.c - publishing (spec 05 section 4.3).
 *
 * The specified sequence: publish; if there is no topic make it and its subscription, and publish
 * again. Besides (section 17.6), before a process publishes for a tenant the first time it makes
 * sure of topic and subscription, for what is published to a topic without one is lost. Whoever may
 * publish need not be allowed to do that: then it is warned of, once, and publishing goes on,
 * unless the subscription is known to be one that gets nothing.
 */
#include "cloud/pubsub_inner.h"
#include "proto/pubsub.pb-c.h"

/* Making sure of a subscription is worth less: an event waits for it. */
static const struct rind_retry_profile ensure_profile = {3, 5 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS,
                                                         2.0, 2 * RIND_NS_PER_S};

/* --- publishing --- */

/*
 * Before the first event of a tenant. RIND_E_PRECONDITION, and nothing else, keeps it from being
 * published: its subscription is a deleted topic's, so it would be lost for certain.
 */
static rind_status publish_ensure(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                  const struct rind_pubsub_scope *scope,
                                  const struct rind_pubsub_names *names,
                                  struct rind_deadline deadline)
{
    if (rind_pubsub_is_known(pubsub, names->subscription)) {
        return RIND_OK;
    }
    rind_status status =
        rind_pubsub_make_subscription(ctx, pubsub, scope, names, &ensure_profile, deadline);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        /* There is no topic. Both are made now: another agent may make it any moment, and what is
         * published between its topic and its subscription would be lost. */
        status = rind_pubsub_make_both(ctx, pubsub, scope, names, deadline);
        if (!rind_is_ok(status)) {
            return RIND_OK; /* publishing finds out the same, and says so */
        }
    }
    if (rind_is(status, RIND_E_PRECONDITION)) {
        return status; /* not remembered: the next event finds out whether it still is so */
    }
    if (rind_is_ok(status) || !rind_cloud_may_retry(status)) {
        /* Who was refused once need not ask again. */
        rind_pubsub_remember(pubsub, names->subscription, !rind_is_ok(status));
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(&pubsub->log,
                      "events of %s are lost to its tenant if it has no subscription, and this "
                      "process cannot make one: %s",
                      names->topic, ctx->sentence);
    }
    return RIND_OK;
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
        .profile = &rind_pubsub_profile,
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
    struct rind_pubsub_names names;
    Google__Pubsub__V1__PublishRequest request;
    RIND_TRY(rind_pubsub_names_init(ctx, pubsub, scope, &names));
    RIND_TRY(publish_request_init(ctx, names.topic, data, count, &request));
    RIND_TRY(publish_ensure(ctx, pubsub, scope, &names, deadline));
    rind_status status = publish_send(ctx, pubsub, scope, &request, false, deadline);
    if (!rind_is(status, RIND_E_NOT_FOUND)) {
        return status;
    }
    rind_pubsub_forget(pubsub, names.subscription);
    RIND_TRY(rind_pubsub_make_both(ctx, pubsub, scope, &names, deadline));
    return publish_send(ctx, pubsub, scope, &request, true, deadline);
}
