/*
 * body.h - the JSON of the tenant event log: what callers send, what events hold, what is answered.
 *
 * All input is hostile, events included (whoever may publish to a topic can put anything there).
 * Spec: docs/spec/05-cloud-services.md sections 4.2, 12.3 and 12.4. No state.
 */
#ifndef RIND_TENANTLOG_BODY_H
#define RIND_TENANTLOG_BODY_H

#include "tenantlog/event_source.h"

/* limits */
#define RIND_TENANT_LOG_BODY_SIZE_MAX 32000u /* of a request */
#define RIND_TENANT_LOG_PAGE_MIN 1u
#define RIND_TENANT_LOG_PAGE_MAX 200u

/* A request; texts are in ctx->arena. */
struct rind_tenant_log_request {
    const struct rind_slice *acks;
    size_t ack_count;
    size_t page_size; /* within the bounds above */
};

/*
 * Reads a request's body. RIND_E_DECODE for what the specification answers with 400; the sentence
 * names the fault.
 */
rind_status rind_tenant_log_request_read(struct rind_ctx *ctx, struct rind_slice body,
                                         struct rind_tenant_log_request *request) RIND_MUST_USE;

/* What an event's data says; texts are in ctx->arena. */
struct rind_tenant_log_event {
    struct rind_slice user;
    struct rind_slice event;
    bool has_num_guesses;
    bool has_guess_count;
    uint16_t num_guesses;
    uint16_t guess_count;
};

/* Reads an event's data. RIND_E_DECODE if it is none. */
rind_status rind_tenant_log_event_read(struct rind_ctx *ctx, struct rind_slice data,
                                       struct rind_tenant_log_event *event) RIND_MUST_USE;

/* RFC 3339 in UTC, with up to nine digits of a second's fraction and no trailing zeros. */
#define RIND_TENANT_LOG_TIME_SIZE                                                                  \
    96u /* 31 are used; a compiler that knows no calendar wants more */
void rind_tenant_log_time(int64_t unix_s, int32_t nanos,
                          char text[static RIND_TENANT_LOG_TIME_SIZE]);

/*
 * The answer to a page: events in the order given. Events whose data cannot be read are left out
 * and logged. `*shown` is how many are in it. In ctx->arena.
 */
rind_status rind_tenant_log_page_write(struct rind_ctx *ctx,
                                       const struct rind_delivered_event *events, size_t count,
                                       const struct rind_log *log, size_t *shown,
                                       struct rind_slice *json) RIND_MUST_USE;

/* {"message":"<text>"} and a newline, in ctx->arena. */
rind_status rind_tenant_log_message_write(struct rind_ctx *ctx, const char *text,
                                          struct rind_slice *json) RIND_MUST_USE;

#endif
