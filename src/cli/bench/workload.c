/* workload.c - see workload.h. */
#include "cli/bench/workload.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKLOAD_GUESSES 2u
#define WORKLOAD_AGENT "rind-bench"

/* One worker's client, between prepare and finish. */
struct workload_worker {
    struct rind_user *user;
    char name[RIND_WORKLOAD_NAME_SIZE_MAX]; /* token subject */
    char pin[32];
    char secret[32];
    char info[32];
    struct rind_auth_token tokens[RIND_REALMS_MAX];
};

struct rind_workload {
    struct rind_workload_options options;
    struct rind_configuration *configuration;
    bool was_slow;
    struct rind_token_maker *maker;
    struct rind_token_maker *invalid_maker;
    struct rind_https *pools[RIND_WORKLOAD_POOLS_MAX];
    struct workload_worker *workers;
    enum rind_workload_operation operation; /* of the job under way */
};

static const char *const workload_names[RIND_WORKLOAD_OPERATIONS] = {
    [RIND_WORKLOAD_REGISTER] = "register",
    [RIND_WORKLOAD_RECOVER] = "recover",
    [RIND_WORKLOAD_DELETE] = "delete",
    [RIND_WORKLOAD_AUTH_ERROR] = "auth-error"};

_Static_assert((unsigned)RIND_WORKLOAD_OUTCOMES <= RIND_LOAD_KINDS_MAX, "all outcomes count");

const char *rind_workload_operation_name(enum rind_workload_operation operation)
{
    return workload_names[operation];
}

const char *rind_workload_outcome_name(unsigned outcome)
{
    switch (outcome) {
    case RIND_WORKLOAD_WRONG_SECRET:
        return "WrongSecret";
    case RIND_WORKLOAD_NOT_REFUSED:
        return "NotRefused";
    default:
        return rind_error_name((enum rind_error)outcome);
    }
}

/* ---- one operation ---- */

static rind_status workload_tokens(struct rind_ctx *ctx, const struct rind_workload *workload,
                                   struct workload_worker *worker)
{
    const struct rind_token_maker *maker =
        workload->operation == RIND_WORKLOAD_AUTH_ERROR ? workload->invalid_maker : workload->maker;
    size_t count = rind_configuration_realm_count(workload->configuration);
    for (size_t i = 0; i < count; i++) {
        const struct rind_realm *realm = rind_configuration_realm(workload->configuration, i);
        struct rind_realm_id id;
        struct rind_slice token;
        memcpy(id.bytes, realm->id, sizeof(id.bytes));
        RIND_TRY(rind_token_maker_make(ctx, maker, &id, rind_slice_text(worker->name), &token));
        memcpy(worker->tokens[i].realm_id, realm->id, sizeof(realm->id));
        worker->tokens[i].jwt = (const char *)token.data;
    }
    return RIND_OK;
}

static bool workload_prepare(void *self, struct rind_ctx *ctx, unsigned index, uint64_t operation)
{
    struct rind_workload *workload = self;
    const struct rind_workload_options *options = &workload->options;
    struct workload_worker *worker = &workload->workers[index];
    uint64_t user = options->user_start + operation % options->user_count;
    bool is_bogus = workload->operation == RIND_WORKLOAD_AUTH_ERROR;
    (void)snprintf(worker->name, sizeof(worker->name), "%s%" PRIu64, options->user_prefix, user);
    (void)snprintf(worker->pin, sizeof(worker->pin), "pin%" PRIu64, user);
    (void)snprintf(worker->secret, sizeof(worker->secret), "secret%" PRIu64, user);
    (void)snprintf(worker->info, sizeof(worker->info), "info%" PRIu64, user);
    if (is_bogus) {
        (void)snprintf(worker->pin, sizeof(worker->pin), "bogus");
        (void)snprintf(worker->info, sizeof(worker->info), "bogus");
    }
    if (!rind_is_ok(workload_tokens(ctx, workload, worker))) {
        return false;
    }
    char why[RIND_SENTENCE_SIZE];
    const struct rind_user_options user_options = {
        .configuration = workload->configuration,
        .tokens = worker->tokens,
        .token_count = rind_configuration_realm_count(workload->configuration),
        .transport = rind_https_transport(workload->pools[operation % options->pool_count]),
        .request_timeout_ms = RIND_WORKLOAD_TIMEOUT_MS,
        .user_agent = WORKLOAD_AGENT};
    worker->user = rind_user_new(&user_options, why);
    if (worker->user == NULL) {
        (void)rind_is_ok(rind_fail(ctx, RIND_E_INTERNAL, "%s", why));
        return false;
    }
    return true;
}

static unsigned workload_recover(const struct workload_worker *worker)
{
    struct rind_recovered recovered;
    enum rind_error error = rind_user_recover(worker->user, RIND_TEXT(worker->pin),
                                              RIND_TEXT(worker->info), &recovered, NULL);
    bool is_right = error == RIND_ERROR_NONE && recovered.secret_size == strlen(worker->secret) &&
                    memcmp(recovered.secret, worker->secret, recovered.secret_size) == 0;
    rind_recovered_wipe(&recovered);
    return error == RIND_ERROR_NONE && !is_right ? (unsigned)RIND_WORKLOAD_WRONG_SECRET
                                                 : (unsigned)error;
}

static unsigned workload_run(void *self, unsigned index)
{
    const struct rind_workload *workload = self;
    const struct workload_worker *worker = &workload->workers[index];
    switch (workload->operation) {
    case RIND_WORKLOAD_REGISTER:
        return (unsigned)rind_user_register(worker->user, RIND_TEXT(worker->pin),
                                            RIND_TEXT(worker->secret), RIND_TEXT(worker->info),
                                            WORKLOAD_GUESSES, NULL);
    case RIND_WORKLOAD_RECOVER:
        return workload_recover(worker);
    case RIND_WORKLOAD_DELETE:
        return (unsigned)rind_user_delete(worker->user, NULL);
    case RIND_WORKLOAD_AUTH_ERROR: {
        unsigned outcome = workload_recover(worker);
        if (outcome == RIND_ERROR_INVALID_AUTH) {
            return RIND_ERROR_NONE;
        }
        return outcome == RIND_ERROR_NONE ? (unsigned)RIND_WORKLOAD_NOT_REFUSED : outcome;
    }
    case RIND_WORKLOAD_OPERATIONS:
        break;
    }
    RIND_UNREACHABLE("the operations are listed");
}

static void workload_finish(void *self, unsigned index)
{
    struct rind_workload *workload = self;
    rind_user_free(workload->workers[index].user);
    workload->workers[index].user = NULL;
}

struct rind_load_job rind_workload_job(struct rind_workload *workload,
                                       enum rind_workload_operation operation)
{
    workload->operation = operation;
    return (struct rind_load_job){.self = workload,
                                  .prepare = workload_prepare,
                                  .run = workload_run,
                                  .finish = workload_finish};
}

/* ---- opening ---- */

rind_status rind_workload_configuration(struct rind_ctx *ctx, const char *json,
                                        struct rind_configuration **configuration, bool *was_slow)
{
    json_error_t error;
    char why[RIND_SENTENCE_SIZE];
    json_t *root = json_loads(json, 0, &error);
    RIND_REQUIRE(ctx, root != NULL, RIND_E_INVALID, "the configuration is no JSON: %s", error.text);
    const char *mode = json_string_value(json_object_get(root, "pin_hashing_mode"));
    *was_slow = mode != NULL && strcmp(mode, "FastInsecure") != 0;
    (void)json_object_set_new(root, "pin_hashing_mode", json_string("FastInsecure"));
    char *text = json_dumps(root, 0);
    json_decref(root);
    RIND_REQUIRE(ctx, text != NULL, RIND_E_LIMIT, "no memory for the configuration");
    *configuration = rind_configuration_parse(text, why);
    free(text);
    RIND_REQUIRE(ctx, *configuration != NULL, RIND_E_INVALID, "%s", why);
    return RIND_OK;
}

static rind_status workload_open_with(struct rind_ctx *ctx, struct rind_workload *workload)
{
    const struct rind_workload_options *options = &workload->options;
    struct rind_slice tenant = rind_slice_text(options->tenant);
    RIND_TRY(rind_workload_configuration(ctx, options->configuration, &workload->configuration,
                                         &workload->was_slow));
    RIND_TRY(rind_token_maker_open(ctx, options->secrets_file, tenant, &workload->maker));
    RIND_TRY(rind_token_maker_open_invalid(ctx, tenant, &workload->invalid_maker));
    const struct rind_https_options https = {.ca_file = options->certificate,
                                             .is_plain_http_allowed = true};
    for (unsigned i = 0; i < options->pool_count; i++) {
        char why[RIND_SENTENCE_SIZE];
        workload->pools[i] = rind_https_new(&https, why);
        RIND_REQUIRE(ctx, workload->pools[i] != NULL, RIND_E_INTERNAL, "%s", why);
    }
    workload->workers = calloc(options->worker_count, sizeof(*workload->workers));
    RIND_REQUIRE(ctx, workload->workers != NULL, RIND_E_LIMIT, "no memory for the workers");
    return RIND_OK;
}

rind_status rind_workload_open(struct rind_ctx *ctx, const struct rind_workload_options *options,
                               struct rind_workload **workload)
{
    RIND_REQUIRE(ctx,
                 options->pool_count >= 1 && options->pool_count <= RIND_WORKLOAD_POOLS_MAX &&
                     options->user_count >= 1,
                 RIND_E_INVALID, "a workload needs users and 1 to %u pools of connections",
                 RIND_WORKLOAD_POOLS_MAX);
    RIND_REQUIRE(ctx, strlen(options->user_prefix) < RIND_WORKLOAD_NAME_SIZE_MAX - 24u,
                 RIND_E_INVALID, "the users' prefix is too long");
    struct rind_workload *opened = calloc(1, sizeof(*opened));
    RIND_REQUIRE(ctx, opened != NULL, RIND_E_LIMIT, "no memory for the workload");
    opened->options = *options;
    rind_status status = workload_open_with(ctx, opened);
    if (!rind_is_ok(status)) {
        rind_workload_close(opened);
        return status;
    }
    *workload = opened;
    return RIND_OK;
}

void rind_workload_close(struct rind_workload *workload)
{
    if (workload == NULL) {
        return;
    }
    for (unsigned i = 0; i < RIND_WORKLOAD_POOLS_MAX; i++) {
        rind_https_free(workload->pools[i]);
    }
    rind_token_maker_close(workload->maker);
    rind_token_maker_close(workload->invalid_maker);
    rind_configuration_free(workload->configuration);
    free(workload->workers);
    free(workload);
}

bool rind_workload_was_slow(const struct rind_workload *workload)
{
    return workload->was_slow;
}
