/* pubsub_pull.c - reading and acknowledging events (spec 05 sections 4.4 and 12.3). */
#include "cloud/pubsub_inner.h"
#include "proto/pubsub.pb-c.h"

/* A tenant waits for these; it will come again. */
static const struct rind_retry_profile pull_profile = {10, 25 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS,
                                                       2.0, 2 * RIND_NS_PER_S};
static const struct rind_retry_profile acknowledge_profile = {
    10, 10 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS, 2.0, 2 * RIND_NS_PER_S};

static struct rind_slice text_slice(const char *text)
{
    return rind_slice_text(text != NULL ? text : "");
}

static rind_status pull_convert(struct rind_ctx *ctx,
                                const Google__Pubsub__V1__PullResponse *response,
                                struct rind_pubsub_message **messages, size_t *count)
{
    size_t received = response->n_received_messages;
    struct rind_pubsub_message *list = rind_ctx_alloc_array(ctx, received, sizeof(*list));
    if (list == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    size_t used = 0;
    for (size_t i = 0; i < received; i++) {
        const Google__Pubsub__V1__ReceivedMessage *item = response->received_messages[i];
        if (item->message == NULL) {
            continue;
        }
        list[used] = (struct rind_pubsub_message){
            .id = text_slice(item->message->message_id),
            .ack_id = text_slice(item->ack_id),
            .data = rind_proto_slice(item->message->data),
        };
        if (item->message->publish_time != NULL) {
            list[used].publish_unix_s = item->message->publish_time->seconds;
            list[used].publish_nanos = item->message->publish_time->nanos;
        }
        used++;
    }
    *messages = list;
    *count = used;
    return RIND_OK;
}

static rind_status pull(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                        const struct rind_pubsub_scope *scope, size_t count_max, bool is_immediate,
                        struct rind_deadline deadline, struct rind_pubsub_message **messages,
                        size_t *count)
{
    RIND_ASSERT(count_max > 0 && count_max <= RIND_PUBSUB_PULL_COUNT_MAX);
    char name[RIND_PUBSUB_NAME_SIZE];
    RIND_TRY(rind_pubsub_subscription_name(ctx, pubsub->project, scope, name));
    Google__Pubsub__V1__PullRequest request = GOOGLE__PUBSUB__V1__PULL_REQUEST__INIT;
    request.subscription = name;
    request.return_immediately = is_immediate;
    request.max_messages = (int32_t)count_max;
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("subscription", name, routing);
    const struct rind_pubsub_call call = {
        .call = {.method = "/google.pubsub.v1.Subscriber/Pull",
                 .resource = name,
                 .routing = routing,
                 .request = &request.base,
                 .response = &google__pubsub__v1__pull_response__descriptor},
        .profile = &pull_profile,
        .description = "pull tenant events",
        .metrics_path = "pubsub.pull",
        .scope = scope,
        .deadline = deadline,
        .may_wait_in_vain = !is_immediate,
    };
    ProtobufCMessage *response;
    RIND_TRY(rind_pubsub_call(ctx, pubsub, &call, &response));
    if (response == NULL) {
        *count = 0;
        return RIND_OK;
    }
    return pull_convert(ctx, (const Google__Pubsub__V1__PullResponse *)(const void *)response,
                        messages, count);
}

rind_status rind_pubsub_pull(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                             const struct rind_pubsub_scope *scope, size_t count_max,
                             struct rind_deadline deadline, struct rind_pubsub_message **messages,
                             size_t *count)
{
    return pull(ctx, pubsub, scope, count_max, false, deadline, messages, count);
}

rind_status rind_pubsub_pull_now(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                 const struct rind_pubsub_scope *scope, size_t count_max,
                                 struct rind_deadline deadline,
                                 struct rind_pubsub_message **messages, size_t *count)
{
    return pull(ctx, pubsub, scope, count_max, true, deadline, messages, count);
}

static rind_status acknowledge_some(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                    const struct rind_pubsub_scope *scope, char *name,
                                    const struct rind_slice *ack_ids, size_t count,
                                    struct rind_deadline deadline)
{
    char **texts = rind_ctx_alloc_array(ctx, count, sizeof(*texts));
    if (texts == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    for (size_t i = 0; i < count; i++) {
        RIND_TRY(rind_pubsub_text(ctx, ack_ids[i], &texts[i]));
    }
    Google__Pubsub__V1__AcknowledgeRequest request = GOOGLE__PUBSUB__V1__ACKNOWLEDGE_REQUEST__INIT;
    request.subscription = name;
    request.n_ack_ids = count;
    request.ack_ids = texts;
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("subscription", name, routing);
    const struct rind_pubsub_call call = {
        .call = {.method = "/google.pubsub.v1.Subscriber/Acknowledge",
                 .resource = name,
                 .routing = routing,
                 .request = &request.base,
                 .response = &google__types__empty__descriptor},
        .profile = &acknowledge_profile,
        .description = "acknowledge tenant events",
        .metrics_path = "pubsub.acknowledge",
        .scope = scope,
        .deadline = deadline,
    };
    ProtobufCMessage *response;
    return rind_pubsub_call(ctx, pubsub, &call, &response);
}

rind_status rind_pubsub_acknowledge(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                                    const struct rind_pubsub_scope *scope,
                                    const struct rind_slice *ack_ids, size_t count,
                                    struct rind_deadline deadline)
{
    char name[RIND_PUBSUB_NAME_SIZE];
    RIND_TRY(rind_pubsub_subscription_name(ctx, pubsub->project, scope, name));
    for (size_t first = 0; first < count; first += RIND_PUBSUB_ACKNOWLEDGE_COUNT_MAX) {
        size_t rest = count - first;
        size_t some =
            rest < RIND_PUBSUB_ACKNOWLEDGE_COUNT_MAX ? rest : RIND_PUBSUB_ACKNOWLEDGE_COUNT_MAX;
        RIND_TRY(acknowledge_some(ctx, pubsub, scope, name, ack_ids + first, some, deadline));
    }
    return RIND_OK;
}
