/*
 * workload.h - what users do: register, recover, delete, each time as a client that just started.
 *
 * Spec 08 section 15: user i has the token subject <prefix>i, PIN pin<i>, secret secret<i>, info
 * info<i> and two guesses. Every operation is done by a fresh librind client, so with a Noise
 * session of its own; connections are shared. Tokens are made before the clock starts.
 */
#ifndef RIND_CLI_BENCH_WORKLOAD_H
#define RIND_CLI_BENCH_WORKLOAD_H

#include "base/base.h"
#include "cli/bench/load.h"
#include "cli/token_maker.h"
#include "rind/rind.h"

#define RIND_WORKLOAD_POOLS_MAX 64u
#define RIND_WORKLOAD_TIMEOUT_MS 5000u /* of one HTTP request */
#define RIND_WORKLOAD_NAME_SIZE_MAX 128u

enum rind_workload_operation {
    RIND_WORKLOAD_REGISTER,
    RIND_WORKLOAD_RECOVER,
    RIND_WORKLOAD_DELETE,
    RIND_WORKLOAD_AUTH_ERROR, /* a recover whose token is no good: succeeds if it is refused */
    RIND_WORKLOAD_OPERATIONS
};

/* Outcomes beside those of librind (enum rind_error). */
enum rind_workload_outcome {
    RIND_WORKLOAD_WRONG_SECRET = RIND_ERROR_INVALID_ARGUMENT + 1, /* recovered, but another one */
    RIND_WORKLOAD_NOT_REFUSED, /* the realm took a token that nobody signed */
    RIND_WORKLOAD_OUTCOMES
};

struct rind_workload_options {
    const char *configuration; /* JSON; PIN hashing becomes FastInsecure, whatever it says */
    const char *certificate;   /* PEM file with the only roots to trust; NULL: the system's */
    const char *secrets_file;
    const char *tenant;
    const char *user_prefix;
    uint64_t user_start;
    uint64_t user_count; /* operation i is for user user_start + i modulo this */
    unsigned pool_count; /* of connections; client i uses pool i modulo this */
    unsigned worker_count;
};

struct rind_workload; /* opaque */

rind_status rind_workload_open(struct rind_ctx *ctx, const struct rind_workload_options *options,
                               struct rind_workload **workload) RIND_MUST_USE;
/* NULL is allowed. */
void rind_workload_close(struct rind_workload *workload);

/*
 * A client configuration from JSON, with hashing of PINs that does not measure this machine instead
 * of the realm (FastInsecure); `was_slow`: it asked for another one. Release with
 * rind_configuration_free.
 */
rind_status rind_workload_configuration(struct rind_ctx *ctx, const char *json,
                                        struct rind_configuration **configuration,
                                        bool *was_slow) RIND_MUST_USE;

/* True if the configuration asked for slower PIN hashing than is used. */
bool rind_workload_was_slow(const struct rind_workload *workload);

/* The job of doing one operation after the other; borrows the workload. */
struct rind_load_job rind_workload_job(struct rind_workload *workload,
                                       enum rind_workload_operation operation);

/* "register", "recover", "delete", "auth-error"; static texts. */
const char *rind_workload_operation_name(enum rind_workload_operation operation);

/* A name for the outcome of an operation, such as "Transient"; a static text. */
const char *rind_workload_outcome_name(unsigned outcome);

#endif
