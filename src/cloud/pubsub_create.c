/*
 * pubsub_create.c - making a tenant's topic and subscription (spec 05 section 4.3), and finding out
 * whether a subscription that is there is the topic's.
 */
#include "cloud/pubsub_inner.h"
#include "proto/google_types.pb-c.h"
#include "proto/pubsub.pb-c.h"

#define CREATE_PATIENCE_MS 3000u /* with another process about to replace a subscription */
#define CREATE_LOOK_MS 100u

const struct rind_retry_profile rind_pubsub_profile = {50, 30 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS,
                                                       2.0, 2 * RIND_NS_PER_S};

rind_status rind_pubsub_names_init(struct rind_ctx *ctx, const struct rind_pubsub *pubsub,
                                   const struct rind_pubsub_scope *scope,
                                   struct rind_pubsub_names *names)
{
    RIND_TRY(rind_pubsub_topic_name(ctx, pubsub->project, scope, names->topic));
    return rind_pubsub_subscription_name(ctx, pubsub->project, scope, names->subscription);
}

/* The labels of both: the realm and the tenant. */
struct create_labels {
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    Google__Pubsub__V1__TextEntry entries[2];
    Google__Pubsub__V1__TextEntry *list[2];
};

static rind_status create_labels_init(struct rind_ctx *ctx, const struct rind_pubsub_scope *scope,
                                      struct create_labels *labels)
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

static rind_status topic_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                const struct rind_pubsub_scope *scope, const char *name,
                                struct rind_deadline deadline, bool *is_made)
{
    struct create_labels labels;
    enum rind_code outcome = RIND_E_OK;
    RIND_TRY(create_labels_init(ctx, scope, &labels));
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
        .profile = &rind_pubsub_profile,
        .description = "create a Pub/Sub topic",
        .metrics_path = "pubsub.create_topic",
        .scope = scope,
        .deadline = deadline,
        .expected = {RIND_E_EXISTS, RIND_E_EXISTS}, /* somebody else was faster */
        .outcome = &outcome,
    };
    ProtobufCMessage *response;
    RIND_TRY(rind_pubsub_call(ctx, pubsub, &call, &response));
    *is_made = outcome == RIND_E_OK;
    return RIND_OK;
}

static rind_status subscription_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                       const struct rind_pubsub_scope *scope,
                                       const struct rind_pubsub_names *names,
                                       const struct rind_retry_profile *profile,
                                       struct rind_deadline deadline, enum rind_code *outcome)
{
    struct create_labels labels;
    RIND_TRY(create_labels_init(ctx, scope, &labels));
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
        .expected = {RIND_E_EXISTS, RIND_E_NOT_FOUND},
        .outcome = outcome,
    };
    ProtobufCMessage *response;
    return rind_pubsub_call(ctx, pubsub, &call, &response);
}

/* ---- subscriptions of a topic that was deleted ---- */

static rind_status subscription_ask(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                    const struct rind_pubsub_scope *scope,
                                    const struct rind_pubsub_names *names, const char *method,
                                    const char *description,
                                    const ProtobufCMessageDescriptor *response_type,
                                    struct rind_deadline deadline, ProtobufCMessage **response)
{
    Google__Pubsub__V1__SubscriptionRequest request =
        GOOGLE__PUBSUB__V1__SUBSCRIPTION_REQUEST__INIT;
    request.subscription = rind_proto_text(names->subscription);
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("subscription", names->subscription, routing);
    enum rind_code outcome = RIND_E_OK;
    const struct rind_pubsub_call call = {
        .call = {.method = method,
                 .resource = names->subscription,
                 .routing = routing,
                 .request = &request.base,
                 .response = response_type},
        .profile = &rind_pubsub_profile,
        .description = description,
        .scope = scope,
        .deadline = deadline,
        .expected = {RIND_E_NOT_FOUND, RIND_E_DENIED},
        .outcome = &outcome,
    };
    return rind_pubsub_call(ctx, pubsub, &call, response);
}

/*
 * Deleting a topic leaves its subscriptions, which get nothing of a new topic of the same name.
 * True if ours is such a one; whoever may not look takes it for a good one.
 */
static rind_status subscription_is_stale(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                         const struct rind_pubsub_scope *scope,
                                         const struct rind_pubsub_names *names,
                                         struct rind_deadline deadline, bool *is_stale)
{
    ProtobufCMessage *response;
    RIND_TRY(subscription_ask(ctx, pubsub, scope, names,
                              "/google.pubsub.v1.Subscriber/GetSubscription",
                              "look at a Pub/Sub subscription",
                              &google__pubsub__v1__subscription__descriptor, deadline, &response));
    const Google__Pubsub__V1__Subscription *found = (const void *)response;
    *is_stale = found != NULL && strcmp(found->topic, names->topic) != 0;
    return RIND_OK;
}

/* Puts a new one in its place. What was in the old one goes with it. */
static rind_status subscription_replace(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                        const struct rind_pubsub_scope *scope,
                                        const struct rind_pubsub_names *names,
                                        const struct rind_retry_profile *profile,
                                        struct rind_deadline deadline)
{
    ProtobufCMessage *response;
    enum rind_code outcome = RIND_E_OK;
    RIND_TRY(subscription_ask(
        ctx, pubsub, scope, names, "/google.pubsub.v1.Subscriber/DeleteSubscription",
        "delete a Pub/Sub subscription", &google__types__empty__descriptor, deadline, &response));
    RIND_TRY(subscription_create(ctx, pubsub, scope, names, profile, deadline, &outcome));
    bool is_stale = false;
    if (outcome == RIND_E_EXISTS) { /* made by somebody else, or we may not delete it */
        RIND_TRY(subscription_is_stale(ctx, pubsub, scope, names, deadline, &is_stale));
    }
    RIND_REQUIRE(ctx, !is_stale, RIND_E_PRECONDITION,
                 "Pub/Sub subscription %s belongs to a topic that was deleted, and this process's "
                 "account may not replace it: delete it, and a new one is made",
                 names->subscription);
    RIND_LOG_WARN(&pubsub->log,
                  "Pub/Sub subscription %s belonged to a topic that was deleted and was replaced; "
                  "events that its tenant had not read are lost",
                  names->subscription);
    return RIND_OK;
}

/*
 * Of several processes that find a stale one, whoever made the topic replaces it. The others give
 * it time to, for a second replacement would take new events away.
 */
static rind_status subscription_settle(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                       const struct rind_pubsub_scope *scope,
                                       const struct rind_pubsub_names *names,
                                       const struct rind_retry_profile *profile, bool is_topic_ours,
                                       struct rind_deadline deadline)
{
    bool is_stale = false;
    RIND_TRY(subscription_is_stale(ctx, pubsub, scope, names, deadline, &is_stale));
    struct rind_deadline patience =
        rind_deadline_min(deadline, rind_deadline_in_ms(CREATE_PATIENCE_MS));
    while (is_stale && !is_topic_ours && !rind_deadline_has_expired(patience)) {
        if (rind_stopper_wait(&pubsub->stopper, rind_deadline_in_ms(CREATE_LOOK_MS))) {
            break; /* the next call fails at once */
        }
        RIND_TRY(subscription_is_stale(ctx, pubsub, scope, names, deadline, &is_stale));
    }
    return is_stale ? subscription_replace(ctx, pubsub, scope, names, profile, deadline) : RIND_OK;
}

static rind_status subscription_make(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                     const struct rind_pubsub_scope *scope,
                                     const struct rind_pubsub_names *names,
                                     const struct rind_retry_profile *profile, bool is_topic_ours,
                                     struct rind_deadline deadline)
{
    enum rind_code outcome = RIND_E_OK;
    RIND_TRY(subscription_create(ctx, pubsub, scope, names, profile, deadline, &outcome));
    if (outcome == RIND_E_EXISTS) {
        return subscription_settle(ctx, pubsub, scope, names, profile, is_topic_ours, deadline);
    }
    RIND_REQUIRE(ctx, outcome != RIND_E_NOT_FOUND, RIND_E_NOT_FOUND, "there is no Pub/Sub topic %s",
                 names->topic);
    return RIND_OK;
}

rind_status rind_pubsub_make_subscription(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                          const struct rind_pubsub_scope *scope,
                                          const struct rind_pubsub_names *names,
                                          const struct rind_retry_profile *profile,
                                          struct rind_deadline deadline)
{
    return subscription_make(ctx, pubsub, scope, names, profile, false, deadline);
}

rind_status rind_pubsub_make_both(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                  const struct rind_pubsub_scope *scope,
                                  const struct rind_pubsub_names *names,
                                  struct rind_deadline deadline)
{
    bool is_made = false;
    RIND_TRY(topic_create(ctx, pubsub, scope, names->topic, deadline, &is_made));
    RIND_TRY(subscription_make(ctx, pubsub, scope, names, &rind_pubsub_profile, is_made, deadline));
    rind_pubsub_remember(pubsub, names->subscription, false);
    RIND_LOG_INFO(&pubsub->log, "Pub/Sub topic %s and its subscription are there now",
                  names->topic);
    return RIND_OK;
}

rind_status rind_pubsub_create(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                               const struct rind_pubsub_scope *scope, struct rind_deadline deadline)
{
    struct rind_pubsub_names names;
    RIND_TRY(rind_pubsub_names_init(ctx, pubsub, scope, &names));
    return rind_pubsub_make_both(ctx, pubsub, scope, &names, deadline);
}
