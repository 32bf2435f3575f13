/*
 * delayed_replies.h - answers that are due a fixed time after they were asked for (/rttest).
 *
 * Waiting costs no worker: anybody can ask for as many as there is room for without keeping others
 * from being served. Spec: docs/spec/07-load-balancer.md section 3.3. Thread-safe.
 */
#ifndef RIND_BALANCER_DELAYED_REPLIES_H
#define RIND_BALANCER_DELAYED_REPLIES_H

#include <stdbool.h>

#include "base/status.h"
#include "net/http.h"

#define RIND_RTTEST_DELAY_MS 100u
/* 40 000 probes a second; more are answered 503. */
#define RIND_RTTEST_WAITING_MAX 4096u
/* As many bytes as an answer of the protocol has. */
#define RIND_RTTEST_BODY_SIZE 167u

struct rind_delayed_replies; /* opaque */

rind_status rind_delayed_replies_open(struct rind_ctx *ctx,
                                      struct rind_delayed_replies **replies) RIND_MUST_USE;

/* Answers what still waits at once, then frees. NULL is allowed. */
void rind_delayed_replies_close(struct rind_delayed_replies *replies);

/*
 * Defers the response and answers it with 200 after the delay. False, with the response untouched,
 * if too many wait already. `start_ns` is when the request began, for x-exec-time.
 */
bool rind_delayed_replies_defer(struct rind_delayed_replies *replies,
                                struct rind_response *response, uint64_t start_ns);

#endif
