/* users.c - see users.h. */
#include "cli/check/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench/load.h"
#include "cli/bench/workload.h"
#include "cli/token_maker.h"

#define USERS_GUESSES 2u
#define USERS_AGENT "rind-check"
#define USERS_NAME_SIZE_MAX 128u

/* One of those who work at the same time. */
struct users_worker {
    struct rind_user *user;
    struct rind_check_end end;
    unsigned index; /* of the user */
    char name[USERS_NAME_SIZE_MAX];
    char pin[32];
    char secret[32];
    char info[32];
    struct rind_auth_token tokens[RIND_REALMS_MAX];
};

/* What became of a user. */
struct users_outcome {
    char failure[RIND_CHECK_TEXT_SIZE_MAX];
};

struct rind_check_users {
    struct rind_check_users_options options;
    struct rind_configuration *configuration;
    bool were_slow;
    struct rind_token_maker *maker;
    struct rind_token_maker *software_maker; /* NULL: there is no software realm */
    struct users_worker *workers;
    struct users_outcome *outcomes; /* each written by the one worker that has this user */
    struct rind_load_result *result;
    struct rind_deadline deadline;
};

/* ---- one user ---- */

static rind_status users_make_tokens(struct rind_ctx *ctx, const struct rind_check_users *users,
                                     struct users_worker *worker)
{
    size_t count = rind_configuration_realm_count(users->configuration);
    for (size_t i = 0; i < count; i++) {
        const struct rind_realm *realm = rind_configuration_realm(users->configuration, i);
        const struct rind_token_maker *maker =
            realm->has_public_key ? users->maker : users->software_maker;
        struct rind_realm_id id;
        struct rind_slice token;
        memcpy(id.bytes, realm->id, sizeof(id.bytes));
        RIND_TRY(rind_token_maker_make(ctx, maker, &id, rind_slice_text(worker->name), &token));
        memcpy(worker->tokens[i].realm_id, realm->id, sizeof(realm->id));
        worker->tokens[i].jwt = (const char *)token.data;
    }
    return RIND_OK;
}

static rind_status users_prepare_with(struct rind_ctx *ctx, const struct rind_check_users *users,
                                      struct users_worker *worker)
{
    char why[RIND_SENTENCE_SIZE];
    unsigned number = worker->index + 1;
    (void)snprintf(worker->name, sizeof(worker->name), "%s%u", users->options.user, number);
    (void)snprintf(worker->pin, sizeof(worker->pin), "thepin%u", number);
    (void)snprintf(worker->secret, sizeof(worker->secret), "its secret%u", number);
    (void)snprintf(worker->info, sizeof(worker->info), "user_info%u", number);
    RIND_TRY(users_make_tokens(ctx, users, worker));
    worker->end.line = users->options.line;
    worker->end.deadline = users->deadline;
    ctx->trace = NULL;
    rind_trace_sample(ctx, 1.0);
    RIND_REQUIRE(ctx, ctx->trace != NULL, RIND_E_LIMIT, "no memory for a trace");
    rind_trace_print(ctx->trace, worker->end.traceparent);
    const struct rind_user_options options = {
        .configuration = users->configuration,
        .tokens = worker->tokens,
        .token_count = rind_configuration_realm_count(users->configuration),
        .transport = rind_check_end_transport(&worker->end),
        .request_timeout_ms = users->options.request_timeout_ms,
        .user_agent = USERS_AGENT};
    worker->user = rind_user_new(&options, why);
    RIND_REQUIRE(ctx, worker->user != NULL, RIND_E_INTERNAL, "%s", why);
    return RIND_OK;
}

static bool users_prepare(void *self, struct rind_ctx *ctx, unsigned index, uint64_t operation)
{
    const struct rind_check_users *users = self;
    struct users_worker *worker = &users->workers[index];
    worker->index = (unsigned)operation;
    return rind_is_ok(users_prepare_with(ctx, users, worker));
}

static unsigned users_fail(struct users_outcome *outcome, const char *step,
                           const struct rind_failure *failure)
{
    (void)snprintf(outcome->failure, sizeof(outcome->failure), "%s failed - %s: %s", step,
                   rind_error_name(failure->error), failure->sentence);
    return 1;
}

/* Register, recover, delete: the outcome is 0 for all well, as rind_load_run counts. */
static unsigned users_run(void *self, unsigned index)
{
    const struct rind_check_users *users = self;
    const struct users_worker *worker = &users->workers[index];
    struct users_outcome *outcome = &users->outcomes[worker->index];
    struct rind_bytes pin = RIND_TEXT(worker->pin);
    struct rind_bytes info = RIND_TEXT(worker->info);
    struct rind_failure failure;
    struct rind_recovered recovered;
    if (rind_deadline_has_expired(users->deadline)) {
        (void)snprintf(outcome->failure, sizeof(outcome->failure), RIND_CHECK_TIMED_OUT);
        return 1;
    }
    if (rind_user_register(worker->user, pin, RIND_TEXT(worker->secret), info, USERS_GUESSES,
                           &failure) != RIND_ERROR_NONE) {
        return users_fail(outcome, "register", &failure);
    }
    if (rind_user_recover(worker->user, pin, info, &recovered, &failure) != RIND_ERROR_NONE) {
        return users_fail(outcome, "recover", &failure);
    }
    bool is_right = recovered.secret_size == strlen(worker->secret) &&
                    memcmp(recovered.secret, worker->secret, recovered.secret_size) == 0;
    rind_recovered_wipe(&recovered);
    if (!is_right) {
        (void)snprintf(outcome->failure, sizeof(outcome->failure),
                       "recover returned a different secret to the one registered");
        return 1;
    }
    if (rind_user_delete(worker->user, &failure) != RIND_ERROR_NONE) {
        return users_fail(outcome, "delete", &failure);
    }
    return 0;
}

static void users_finish(void *self, unsigned index)
{
    const struct rind_check_users *users = self;
    rind_user_free(users->workers[index].user);
    users->workers[index].user = NULL;
}

/* ---- a round ---- */

rind_status rind_check_users_run(struct rind_ctx *ctx, struct rind_check_users *users,
                                 struct rind_deadline deadline)
{
    const struct rind_load_options load = {.worker_count = users->options.concurrency,
                                           .count = users->options.user_count,
                                           .stopper = users->options.stopper};
    const struct rind_load_job job = {
        .self = users, .prepare = users_prepare, .run = users_run, .finish = users_finish};
    users->deadline = deadline;
    memset(users->outcomes, 0, users->options.user_count * sizeof(*users->outcomes));
    return rind_load_run(ctx, &load, &job, users->result);
}

unsigned rind_check_users_failed(const struct rind_check_users *users)
{
    return (unsigned)users->result->error_count;
}

const char *rind_check_users_failure(const struct rind_check_users *users, unsigned index)
{
    RIND_ASSERT(index < users->options.user_count);
    return users->outcomes[index].failure;
}

bool rind_check_users_were_slow(const struct rind_check_users *users)
{
    return users->were_slow;
}

const struct rind_configuration *
rind_check_users_configuration(const struct rind_check_users *users)
{
    return users->configuration;
}

/* ---- opening ---- */

/* The keys that the configuration's realms ask for. */
static rind_status users_open_makers(struct rind_ctx *ctx, struct rind_check_users *users)
{
    const struct rind_check_users_options *options = &users->options;
    struct rind_slice tenant = rind_slice_text(options->tenant);
    size_t count = rind_configuration_realm_count(users->configuration);
    for (size_t i = 0; i < count; i++) {
        bool is_software = !rind_configuration_realm(users->configuration, i)->has_public_key;
        if (is_software && users->software_maker == NULL) {
            RIND_TRY(rind_token_maker_open_software(ctx, options->secrets_file, tenant,
                                                    &users->software_maker));
        }
        if (!is_software && users->maker == NULL) {
            RIND_TRY(rind_token_maker_open(ctx, options->secrets_file, tenant, &users->maker));
        }
    }
    return RIND_OK;
}

static rind_status users_open_with(struct rind_ctx *ctx, struct rind_check_users *users)
{
    const struct rind_check_users_options *options = &users->options;
    RIND_REQUIRE(ctx, strlen(options->user) < USERS_NAME_SIZE_MAX - 16u, RIND_E_INVALID,
                 "the user's name is longer than %u characters", USERS_NAME_SIZE_MAX - 17u);
    RIND_TRY(rind_workload_configuration(ctx, options->configuration, &users->configuration,
                                         &users->were_slow));
    RIND_TRY(users_open_makers(ctx, users));
    users->workers = calloc(options->concurrency, sizeof(*users->workers));
    users->outcomes = calloc(options->user_count, sizeof(*users->outcomes));
    users->result = calloc(1, sizeof(*users->result));
    RIND_REQUIRE(ctx, users->workers != NULL && users->outcomes != NULL && users->result != NULL,
                 RIND_E_LIMIT, "no memory for the users");
    return RIND_OK;
}

rind_status rind_check_users_open(struct rind_ctx *ctx,
                                  const struct rind_check_users_options *options,
                                  struct rind_check_users **users)
{
    RIND_ASSERT(options->user_count >= 1 && options->user_count <= RIND_CHECK_USERS_MAX);
    RIND_ASSERT(options->concurrency >= 1 && options->concurrency <= RIND_CHECK_CONCURRENCY_MAX);
    struct rind_check_users *opened = calloc(1, sizeof(*opened));
    RIND_REQUIRE(ctx, opened != NULL, RIND_E_LIMIT, "no memory for the users");
    opened->options = *options;
    rind_status status = users_open_with(ctx, opened);
    if (!rind_is_ok(status)) {
        rind_check_users_close(opened);
        return status;
    }
    *users = opened;
    return RIND_OK;
}

void rind_check_users_close(struct rind_check_users *users)
{
    if (users == NULL) {
        return;
    }
    rind_token_maker_close(users->maker);
    rind_token_maker_close(users->software_maker);
    rind_configuration_free(users->configuration);
    free(users->workers);
    free(users->outcomes);
    free(users->result);
    free(users);
}
