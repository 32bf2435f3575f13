/*
 * core_user.h - a client of the core under test: seals requests and checks what comes back.
 *
 * Fresh session per operation: the first request of each rides on the Noise handshake, as from a
 * cold client (spec 06 section 13.2). None of its work counts.
 */
#ifndef RIND_CLI_BENCH_CORE_USER_H
#define RIND_CLI_BENCH_CORE_USER_H

#include "cli/bench/core_host.h"

struct rind_core_user {
    struct rind_record_id record_id;
    uint32_t session_id;
    struct rind_register2_request secrets; /* what is registered */
    struct rind_noise_handshake handshake;
    struct rind_noise_session session;
    struct rind_mac pending; /* the answer it waits for */
};

/* A user with keys, tags and a record id from `seeded`. */
void rind_core_user_init(struct rind_seeded *seeded, struct rind_core_user *user);

/* The first requests of both operations open a new session. */
bool rind_core_user_is_first(enum rind_secrets_request_kind kind);

/* Sends a request; its answer must be in the next commit. */
rind_status rind_core_user_ask(struct rind_ctx *ctx, struct rind_core_host *host,
                               struct rind_core_user *user, enum rind_secrets_request_kind kind,
                               uint64_t *cpu_ns) RIND_MUST_USE;

/* Finds the user's answer among the released, opens it, checks that it is Ok and what it says. */
rind_status
rind_core_user_receive(struct rind_ctx *ctx, struct rind_core_user *user,
                       enum rind_secrets_request_kind kind,
                       const struct rind_released_response_list *responses) RIND_MUST_USE;

#endif
