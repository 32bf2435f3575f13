/*
 * users.h - the users of one round: each registers, recovers and deletes, as a client that just
 * started.
 *
 * Spec 08 section 16: user i (from 1) has the token subject <user><i>, PIN thepin<i>, secret "its
 * secret<i>", info user_info<i> and two guesses. All users run, whatever became of the others.
 */
#ifndef RIND_CLI_CHECK_USERS_H
#define RIND_CLI_CHECK_USERS_H

#include "base/base.h"
#include "cli/check/line.h"

#define RIND_CHECK_USERS_MAX 10000u
#define RIND_CHECK_CONCURRENCY_MAX 256u
#define RIND_CHECK_TEXT_SIZE_MAX 400u /* of what went wrong */

/* What became of users whose turn did not come before the deadline. */
#define RIND_CHECK_TIMED_OUT "timed out waiting for service check to complete"

struct rind_check_users; /* opaque */

struct rind_check_users_options {
    const char *configuration; /* JSON; PIN hashing becomes FastInsecure, whatever it says */
    const char *secrets_file;
    const char *tenant; /* must be a test tenant */
    const char *user;
    unsigned concurrency;
    unsigned user_count;
    uint32_t request_timeout_ms;
    struct rind_stopper *stopper; /* may be NULL */
    struct rind_check_line *line;
};

/* All pointers must outlive it. The sentence says what is wrong with tenant, secrets or realms. */
rind_status rind_check_users_open(struct rind_ctx *ctx,
                                  const struct rind_check_users_options *options,
                                  struct rind_check_users **users) RIND_MUST_USE;
/* NULL is allowed. */
void rind_check_users_close(struct rind_check_users *users);

/* True if the configuration asked for slower PIN hashing than is used. */
bool rind_check_users_were_slow(const struct rind_check_users *users);

/* Borrowed from the users. */
const struct rind_configuration *
rind_check_users_configuration(const struct rind_check_users *users);

/*
 * One round, over at the deadline at the latest (but for a moment of computing). Fails only if
 * nothing can go on, such as without memory: what realms do is an outcome, see below.
 */
rind_status rind_check_users_run(struct rind_ctx *ctx, struct rind_check_users *users,
                                 struct rind_deadline deadline) RIND_MUST_USE;

/* The number of users that failed in the last round. */
unsigned rind_check_users_failed(const struct rind_check_users *users);

/* What became of user `index` (from 0): "", or "register failed - ...". Until the next round. */
const char *rind_check_users_failure(const struct rind_check_users *users, unsigned index);

#endif
