/*
 * job.h - one request to one realm, with all the memory it needs.
 *
 * Jobs live in a join (join.h). Whoever started a job may stop waiting for it: the job then goes on
 * by itself for a while and touches nothing but its own memory, its user and its slot.
 */
#ifndef RIND_CLIENT_JOB_H
#define RIND_CLIENT_JOB_H

#include <stdatomic.h>

#include "client/user.h"
#include "crypto/crypto.h"
#include "wire/wire.h"

/* Room for one attempt: request, envelope, ciphertexts and what decoding takes. */
#define RIND_SDK_JOB_ARENA_SIZE 16384u
#define RIND_SDK_JOB_HEADERS_MAX 3u
#define RIND_SDK_AUTHORIZATION_PREFIX "Bearer "

struct rind_sdk_join;
struct rind_sdk_job;

/* Whether the realm's answer is a good one; sets job->failure if not. Runs on the job's thread. */
typedef enum rind_error (*rind_sdk_judge)(struct rind_sdk_job *job);

struct rind_sdk_job {
    struct rind_transport_request http_request;
    struct rind_sdk_join *join;
    struct rind_user *user;
    struct rind_sdk_slot *slot;
    atomic_bool is_abandoned; /* nobody waits any more */
    bool is_done;             /* of the join, under its lock */

    /* What to ask, set before the join runs. */
    struct rind_secrets_request request;
    rind_sdk_judge judge;
    struct rind_unlock_key unlock_key; /* for judging Recover3 */

    /* What came of it, valid once is_done. */
    struct rind_failure failure; /* error RIND_ERROR_NONE: success */
    struct rind_secrets_response response;
    uint16_t guesses_remaining; /* after Recover2 */
    bool is_dropped;            /* after Recover3: the share is not the one registered */

    /* The exchange under way. */
    bool is_outcome_unknown; /* the last exchange failed after it may have reached the realm */
    struct rind_transport_header headers[RIND_SDK_JOB_HEADERS_MAX];
    char authorization[sizeof(RIND_SDK_AUTHORIZATION_PREFIX) + RIND_TOKEN_SIZE_MAX];
    struct rind_transport_response http_response;
    struct rind_ctx ctx;
    struct rind_arena arena;
    uint8_t arena_memory[RIND_SDK_JOB_ARENA_SIZE];
};

/* The job's token in its authorization member, after the prefix. */
char *rind_sdk_job_token(struct rind_sdk_job *job);

/* A sentence about this job's realm. */
#define RIND_SDK_JOB_FAIL(job, error, ...)                                                         \
    rind_sdk_fail_at(&(job)->failure, (error), &(job)->slot->realm, __VA_ARGS__)

#endif
