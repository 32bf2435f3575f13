/* waiter.c - see waiter.h. */
#include "agent/waiter.h"

#include <stdlib.h>

#include "agent/state.h"

/* The longest variant, "RateLimitExceeded", takes 18 bytes. */
#define WAITER_REFUSAL_SIZE_MAX 32u

struct rind_app_waiter *rind_app_waiter_new(struct rind_app_reply reply,
                                            struct rind_agent_group *group,
                                            const struct rind_agent_app_request *request)
{
    size_t text_size = request->tenant.length + request->user.length;
    struct rind_app_waiter *waiter = malloc(sizeof(*waiter) + text_size);
    RIND_ASSERT(waiter != NULL);
    uint8_t *text = (uint8_t *)(waiter + 1);
    *waiter = (struct rind_app_waiter){
        .reply = reply,
        .group = group,
        .record_id = request->record_id,
        .tenant = rind_slice_make(text, request->tenant.length),
        .user = rind_slice_make(text + request->tenant.length, request->user.length),
    };
    if (request->tenant.length > 0) {
        memcpy(text, request->tenant.data, request->tenant.length);
    }
    if (request->user.length > 0) {
        memcpy(text + request->tenant.length, request->user.data, request->user.length);
    }
    return waiter;
}

void rind_app_reply_refuse(struct rind_app_reply reply, enum rind_agent_app_response_kind kind)
{
    RIND_ASSERT(kind != RIND_AGENT_APP_OK);
    struct rind_agent_app_response response = {.kind = kind};
    uint8_t memory[WAITER_REFUSAL_SIZE_MAX];
    struct rind_buffer body;
    rind_buffer_init(&body, memory, sizeof(memory));
    rind_status encoded = rind_wire_encode(NULL, &rind_agent_app_response_schema, &response, &body);
    RIND_ASSERT(rind_is_ok(encoded));
    reply.send_take(reply.handle, rind_buffer_slice(&body));
}

void rind_app_waiter_refuse_take(struct rind_app_waiter *waiter,
                                 enum rind_agent_app_response_kind kind)
{
    rind_app_reply_refuse(waiter->reply, kind);
    free(waiter);
}

void rind_app_waiter_answer_take(struct rind_ctx *ctx, struct rind_app_waiter *waiter,
                                 const struct rind_noise_response *noise)
{
    struct rind_agent_app_response response = {.kind = RIND_AGENT_APP_OK, .ok = *noise};
    struct rind_slice body;
    if (rind_is_ok(
            rind_wire_encode_alloc(ctx, &rind_agent_app_response_schema, &response, &body))) {
        waiter->reply.send_take(waiter->reply.handle, body);
        free(waiter);
    } else {
        RIND_LOG_ERROR(&waiter->group->log, "cannot encode a client's answer: %s", ctx->sentence);
        rind_app_waiter_refuse_take(waiter, RIND_AGENT_APP_NO_HSM);
    }
}
