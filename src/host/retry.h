/*
 * retry.h - the one retry loop (spec 04 section 4.1, 06 section 4.5), written as a loop by its
 * user:
 *
 *     struct rind_retry retry;
 *     rind_retry_begin(&retry, &options);
 *     while (rind_retry_next(&retry)) {
 *         rind_retry_record(&retry, ctx, do_it(ctx, retry.deadline));
 *     }
 *     return rind_retry_end(&retry, ctx);
 *
 * next() sleeps the backoff before every attempt but the first; an attempt must itself end at
 * retry.deadline. There is no jitter in the specified loop. One loop belongs to one thread.
 */
#ifndef RIND_HOST_RETRY_H
#define RIND_HOST_RETRY_H

#include "base/status.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/metrics.h"
#include "host/thread.h"

struct rind_retry_profile {
    uint32_t attempts_max; /* UINT32_MAX: no limit */
    uint64_t timeout_ns;   /* for the whole loop */
    uint64_t backoff_ns;   /* before the second attempt */
    double multiplier;     /* of the backoff, at least 1 */
    uint64_t backoff_ns_max;
};

/* 1000 attempts, 5 min, 1 ms x 2.0 up to 2 s. */
extern const struct rind_retry_profile rind_retry_profile_default;
/* 50 attempts, 30 s, 10 ms x 2.0 up to 2 s (04 section 4.1). */
extern const struct rind_retry_profile rind_retry_profile_store;
/* Unlimited attempts, 60 s, 1 ms x 2.0 up to 1 s (06 section 4.4). */
extern const struct rind_retry_profile rind_retry_profile_hsm;
/* One attempt, no time limit, no logs, no metrics: "disabled" mode. */
extern const struct rind_retry_profile rind_retry_profile_disabled;

struct rind_retry_options {
    const struct rind_retry_profile *profile; /* required */
    const char *description;                  /* for the log: "append to log"; required */
    struct rind_deadline deadline;            /* the caller's; at_ns 0 means none, as does never */
    struct rind_stopper *stopper;             /* NULL: cannot be cancelled */
    const struct rind_log *log;               /* NULL: silent */
    struct rind_metrics *metrics;             /* NULL: none */
    const char *metrics_path;                 /* P of spec 05 section 7.4; NULL: none */
    const struct rind_tag *tags;              /* of the metrics */
    size_t tag_count;
    /* Is an attempt that ended so worth repeating? NULL: rind_retry_is_transient. */
    bool (*is_retryable)(rind_status status);
};

enum rind_retry_outcome {
    RIND_RETRY_RUNNING,
    RIND_RETRY_OK,
    RIND_RETRY_EXHAUSTED, /* attempts or time ran out, or the stopper was set */
    RIND_RETRY_FATAL,     /* not worth repeating */
};

struct rind_retry {
    struct rind_retry_options options;
    struct rind_deadline deadline; /* each attempt must end by it */
    uint32_t attempt;              /* from 1 */
    enum rind_retry_outcome outcome;
    uint64_t start_ns;
    uint64_t next_backoff_ns;
    rind_status error; /* the last retryable or the fatal one; OK if none */
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

void rind_retry_begin(struct rind_retry *retry, const struct rind_retry_options *options);

/* True: make an attempt now. False: it is over, call end. */
bool rind_retry_next(struct rind_retry *retry);

/* Says how the attempt ended; the sentence of a failure is taken from `ctx`. */
void rind_retry_record(struct rind_retry *retry, struct rind_ctx *ctx, rind_status status);

/*
 * OK, or the last error with its sentence. Without any error: RIND_E_TIMEOUT, or RIND_E_CANCELLED
 * if the stopper was set. retry->outcome tells exhausted from fatal.
 */
rind_status rind_retry_end(struct rind_retry *retry, struct rind_ctx *ctx) RIND_MUST_USE;

/* The default: BUSY, TIMEOUT, NETWORK, HTTP_STATUS, UNAVAILABLE, UNKNOWN_OUTCOME and STALE. */
bool rind_retry_is_transient(rind_status status);

#endif
