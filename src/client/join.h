/*
 * join.h - one request to each of several realms at once, and waiting for enough of them.
 *
 * Spec: docs/spec/01-client-protocol.md section 6.3. Beyond it: once enough realms agree, the
 * others get the world's join_grace_ms more and are then no longer waited for, so that one dead
 * realm does not cost its whole timeout (section 22 item 7).
 */
#ifndef RIND_CLIENT_JOIN_H
#define RIND_CLIENT_JOIN_H

#include <pthread.h>

#include "client/job.h"

/* The real world's: slower than any healthy realm, faster than a person's patience. */
#define RIND_SDK_JOIN_GRACE_MS 2000u

struct rind_sdk_operation; /* of operation.h */

struct rind_sdk_join {
    struct rind_user *user;
    struct rind_sdk_operation *operation;
    size_t memory_size;
    pthread_mutex_t lock; /* of what follows and of the jobs' is_done */
    pthread_cond_t changed;
    size_t references; /* whoever made it, and each thread */
    bool is_cancelled;
    size_t failed_count;
    size_t done_count;
    size_t job_count;
    struct rind_sdk_job jobs[];
};

/* Whether the jobs done so far suffice. Called with the join locked; reads done jobs only. */
typedef bool (*rind_sdk_join_is_enough)(const struct rind_sdk_join *join, size_t threshold);

/*
 * A join of `count` jobs for `operation`, all zeroed but for join and user; the caller sets slot,
 * request, judge and runs it once. NULL when memory is short.
 */
struct rind_sdk_join *rind_sdk_join_new(struct rind_sdk_operation *operation, size_t count);

/*
 * Runs all jobs at once. As soon as more than count - threshold have failed, stops and returns the
 * first failure in the order of section 11. Else waits for all (or, if `is_enough` is given and
 * says so, for the grace period) and returns RIND_ERROR_NONE: then at least `threshold` have
 * succeeded. Afterwards rind_sdk_job_is_success tells which. RIND_ERROR_CANCELLED if the operation
 * is cancelled before that is decided.
 */
enum rind_error rind_sdk_join_run(struct rind_sdk_join *join, size_t threshold,
                                  rind_sdk_join_is_enough is_enough, struct rind_failure *failure);

/* Runs all jobs at once, waits for all, and returns the failure of the first failed job, if any.
 * RIND_ERROR_CANCELLED as above. */
enum rind_error rind_sdk_join_run_all(struct rind_sdk_join *join, struct rind_failure *failure);

/* Stops the waiting, if the join runs; jobs under way are abandoned. From any thread. */
void rind_sdk_join_cancel(struct rind_sdk_join *join);

/* True if the job ended, well, while it was waited for. Only after the join has run. */
bool rind_sdk_job_is_success(const struct rind_sdk_job *job);

/* Lets go of the join; jobs still running keep it alive and wipe it when they end. */
void rind_sdk_join_release(struct rind_sdk_join *join);

#endif
