/*
 * load.h - users who register, recover and delete all the time, and the checker that watches them.
 *
 * Workers (threads) own users; a user has two devices (SDK clients with sessions of their own),
 * which now and then act at once. Every outcome goes through the user's checker; what it cannot
 * explain is a violation, reported with the user's last rounds, and the user is left alone from
 * then on. Trusts nothing the realm says. Functions are for one thread, the reports come from any.
 */
#ifndef RIND_CLI_CHAOS_LOAD_H
#define RIND_CLI_CHAOS_LOAD_H

#include <stdatomic.h>

#include "base/base.h"
#include "cli/chaos/checker.h"
#include "host/host.h"
#include "rind/rind.h"

#define RIND_CHAOS_USERS_MAX 4096u
#define RIND_CHAOS_WORKERS_MAX 64u
#define RIND_CHAOS_BALANCERS_MAX 8u
#define RIND_CHAOS_REQUEST_TIMEOUT_MS 10000u
#define RIND_CHAOS_NAME_SIZE 48u          /* of a user */
#define RIND_CHAOS_TOKEN_REUSE_MS 240000u /* of the ten minutes that tokens live */
/*
 * How long after a client gave up its request may still be carried out: as long as a stopped
 * balancer holds it (10 s), then forwards it (30 s), a stopped agent holds it (10 s), and waits for
 * its commit (25 s), with some room.
 */
#define RIND_CHAOS_LATE_MS 90000u

struct rind_chaos_load_options {
    uint32_t user_count;
    uint32_t worker_count;
    uint32_t pause_ms_max; /* a worker's rest between rounds, at random */
    uint64_t seed;
    struct rind_realm_id realm;
    /* Makes a token for the user and writes it with its NUL; false if it cannot. Any thread. */
    bool (*make_token)(const void *self, const struct rind_realm_id *realm, const char *user,
                       char *jwt, size_t jwt_size);
    const void *make_token_self;
    const char *certificate_pem; /* that balancers show */
    /* One per balancer: the realm at that balancer's address. Users are spread over them. */
    struct rind_configuration *const *configurations;
    size_t configuration_count;
    /* Called with a violation, on any thread, one at a time. */
    void (*report)(void *self, enum rind_checker_verdict verdict, const char *text);
    void *report_self;
};

struct rind_chaos_load_figures {
    uint64_t outcomes[RIND_CHECKER_DELETE + 1][RIND_CHECKER_UNKNOWN + 1];
    uint64_t concurrent_rounds;
    uint64_t violations[RIND_CHECKER_UNEXPLAINED + 1]; /* by verdict */
    uint64_t out_of_track;   /* users whose model grew too large: nothing is known about them */
    uint64_t errors_in_calm; /* operations without an answer that began in a calm time */
    char last_error[RIND_SENTENCE_SIZE];
};

struct rind_chaos_load; /* opaque */

/* Borrows everything in `options` until close. No user is active yet. */
rind_status rind_chaos_load_open(struct rind_ctx *ctx,
                                 const struct rind_chaos_load_options *options,
                                 struct rind_chaos_load **load) RIND_MUST_USE;

/* Starts the workers. */
rind_status rind_chaos_load_start(struct rind_ctx *ctx, struct rind_chaos_load *load) RIND_MUST_USE;

/* Lets workers finish what they do and ends them; waits for requests to end. Idempotent. */
void rind_chaos_load_stop(struct rind_chaos_load *load);

/*
 * From `since_ns` on (monotonic clock; 0: not at all) an operation without an answer counts as an
 * error in calm. Thread-safe.
 */
void rind_chaos_load_set_calm(struct rind_chaos_load *load, uint64_t since_ns);

/*
 * After stop, when whoever could hold a request was restarted: recovers every user's secret and
 * reads every guess count, and compares them with the models. `verified_count`: secrets that were
 * due and came. RIND_E_TIMEOUT if the realm does not answer.
 */
rind_status rind_chaos_load_verify(struct rind_ctx *ctx, struct rind_chaos_load *load,
                                   struct rind_deadline deadline,
                                   uint64_t *verified_count) RIND_MUST_USE;

/* Thread-safe. */
void rind_chaos_load_figures(struct rind_chaos_load *load, struct rind_chaos_load_figures *figures);

/* Stops if it runs. NULL is ignored. */
void rind_chaos_load_close(struct rind_chaos_load *load);

#endif
