/*
 * waiter.h - a client parked until its log entry commits: a few hundred bytes and no thread.
 *
 * Whoever takes a waiter must answer it exactly once; answering frees it.
 */
#ifndef RIND_AGENT_WAITER_H
#define RIND_AGENT_WAITER_H

#include "base/base.h"
#include "host/host.h"
#include "wire/wire.h"

struct rind_agent_group;

/* The way back to a client. `send_take` is called exactly once, from any thread, and copies `body`,
 * an encoded response of `app`. */
struct rind_app_reply {
    void (*send_take)(void *handle, struct rind_slice body);
    void *handle;
};

struct rind_app_waiter {
    struct rind_app_reply reply;
    struct rind_agent_group *group;
    struct rind_record_id record_id;
    uint64_t index; /* of its entry, and its MAC */
    struct rind_mac mac;
    uint64_t start_ns;       /* when the entry was queued */
    bool changes_tree;       /* the HSM's delta was not empty */
    struct rind_trace trace; /* of the request, if it is recorded; then these are set too: */
    uint64_t append_began_ns;
    uint64_t appended_ns; /* 0: not yet */
    uint64_t released_ns; /* by the HSM */
    uint32_t batch_size;  /* entries that were appended together */
    struct rind_slice tenant;
    struct rind_slice user;
};

/* Copies tenant and user. */
struct rind_app_waiter *rind_app_waiter_new(struct rind_app_reply reply,
                                            struct rind_agent_group *group,
                                            const struct rind_agent_app_request *request);

/* Answers with a variant without data. `kind` is not RIND_AGENT_APP_OK. */
void rind_app_waiter_refuse_take(struct rind_app_waiter *waiter,
                                 enum rind_agent_app_response_kind kind);

/* Answers {"Ok": response}; `ctx` has an arena for the encoding. */
void rind_app_waiter_answer_take(struct rind_ctx *ctx, struct rind_app_waiter *waiter,
                                 const struct rind_noise_response *response);

/* The same without a waiter: requests that never got as far as an entry. */
void rind_app_reply_refuse(struct rind_app_reply reply, enum rind_agent_app_response_kind kind);

#endif
