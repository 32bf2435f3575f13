/* pubsub.c - see pubsub.h: flags, names, the connection, and how requests are repeated. */
#include <stdlib.h>

#include "cloud/pubsub_inner.h"

#define PUBSUB_HOST "pubsub.googleapis.com"
#define PUBSUB_EMULATOR_VARIABLE "PUBSUB_EMULATOR_HOST"
#define PUBSUB_RACE_MS                                                                             \
    100u /* so close to its deadline an attempt may end by either side's clock                     \
          */

void rind_pubsub_flag_rows(struct rind_pubsub_flags *flags,
                           struct rind_flag rows[static RIND_PUBSUB_FLAG_ROWS])
{
    rows[0] = (struct rind_flag){.name = "pubsub-project",
                                 .value_name = "PROJECT",
                                 .show_fallback = "the Bigtable project",
                                 .kind = RIND_FLAG_TEXT,
                                 .help = "Google Cloud project of the tenants' event topics.",
                                 .value = &flags->project};
    rows[1] = (struct rind_flag){.name = "pubsub-url",
                                 .value_name = "URL",
                                 .show_fallback = "Google's endpoint, or PUBSUB_EMULATOR_HOST",
                                 .kind = RIND_FLAG_URL,
                                 .help = "URL of a Pub/Sub emulator, or of another endpoint.",
                                 .value = &flags->url,
                                 .is_given = &flags->is_url_given};
    rind_google_flag_rows(RIND_GOOGLE_PUBSUB, &flags->google, rows + 2);
}

rind_status rind_pubsub_flags_complete(struct rind_ctx *ctx, struct rind_pubsub_flags *flags)
{
    const char *host = getenv(PUBSUB_EMULATOR_VARIABLE);
    if (flags->is_url_given || host == NULL || host[0] == '\0') {
        return RIND_OK;
    }
    char text[RIND_URL_SIZE_MAX];
    int length = snprintf(text, sizeof(text), "http://%s/", host);
    RIND_REQUIRE(ctx, length > 0 && (size_t)length < sizeof(text), RIND_E_INVALID,
                 PUBSUB_EMULATOR_VARIABLE " is too long for HOST:PORT");
    rind_status status = rind_url_parse(ctx, rind_slice_text(text), &flags->url);
    if (!rind_is_ok(status)) {
        return rind_fail_while(ctx, status, PUBSUB_EMULATOR_VARIABLE " is not HOST:PORT");
    }
    flags->is_url_given = true;
    return RIND_OK;
}

/* --- names --- */

static rind_status pubsub_name(struct rind_ctx *ctx, const char *project, const char *kind,
                               const struct rind_pubsub_scope *scope, const char *suffix,
                               char name[static RIND_PUBSUB_NAME_SIZE])
{
    struct rind_buffer out;
    rind_buffer_init(&out, name, RIND_PUBSUB_NAME_SIZE - 1);
    rind_buffer_print(&out, "projects/%s/%s/tenant-", project, kind);
    rind_buffer_append(&out, scope->tenant);
    rind_buffer_append_byte(&out, '-');
    rind_buffer_append_hex(&out, rind_realm_id_slice(&scope->realm));
    rind_buffer_print(&out, "%s", suffix);
    bool has_nul =
        scope->tenant.length > 0 && memchr(scope->tenant.data, '\0', scope->tenant.length) != NULL;
    RIND_REQUIRE(ctx, !out.is_overflown && !has_nul, RIND_E_INVALID,
                 "a tenant's name of %zu bytes makes no topic name", scope->tenant.length);
    name[out.length] = '\0';
    return RIND_OK;
}

rind_status rind_pubsub_topic_name(struct rind_ctx *ctx, const char *project,
                                   const struct rind_pubsub_scope *scope,
                                   char name[static RIND_PUBSUB_NAME_SIZE])
{
    return pubsub_name(ctx, project, "topics", scope, "", name);
}

rind_status rind_pubsub_subscription_name(struct rind_ctx *ctx, const char *project,
                                          const struct rind_pubsub_scope *scope,
                                          char name[static RIND_PUBSUB_NAME_SIZE])
{
    return pubsub_name(ctx, project, "subscriptions", scope, "-sub", name);
}

/* --- the connection --- */

static rind_status pubsub_start(struct rind_ctx *ctx, const struct rind_pubsub_options *options,
                                struct rind_pubsub *pubsub)
{
    pubsub->project = strdup(options->project);
    RIND_REQUIRE(ctx, pubsub->project != NULL, RIND_E_LIMIT, "out of memory for Pub/Sub");
    struct rind_channel_options channel;
    rind_channel_options_init(&channel, "Pub/Sub", PUBSUB_HOST,
                              options->flags->is_url_given ? &options->flags->url : NULL,
                              &options->flags->google);
    channel.remedy = "--pubsub-url";
    channel.log = options->log;
    return rind_channel_open(ctx, &channel, &pubsub->channel);
}

rind_status rind_pubsub_open(struct rind_ctx *ctx, const struct rind_pubsub_options *options,
                             struct rind_pubsub **result)
{
    struct rind_pubsub *pubsub = calloc(1, sizeof(*pubsub));
    RIND_REQUIRE(ctx, pubsub != NULL, RIND_E_LIMIT, "out of memory for Pub/Sub");
    rind_status status = rind_stopper_init(ctx, &pubsub->stopper);
    if (!rind_is_ok(status)) {
        free(pubsub);
        return status;
    }
    rind_mutex_init(&pubsub->known_mutex);
    pubsub->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    pubsub->metrics = options->metrics;
    pubsub->known_ns =
        (options->known_ms != 0 ? options->known_ms : RIND_PUBSUB_KNOWN_MS) * RIND_NS_PER_MS;
    status = pubsub_start(ctx, options, pubsub);
    if (!rind_is_ok(status)) {
        rind_pubsub_close(pubsub);
        return status;
    }
    *result = pubsub;
    return RIND_OK;
}

void rind_pubsub_cancel(struct rind_pubsub *pubsub)
{
    rind_stopper_set(&pubsub->stopper);
    rind_channel_cancel(pubsub->channel);
}

void rind_pubsub_close(struct rind_pubsub *pubsub)
{
    if (pubsub == NULL) {
        return;
    }
    rind_channel_close(pubsub->channel);
    for (size_t i = 0; i < RIND_PUBSUB_KNOWN_MAX; i++) {
        free(pubsub->known[i].name);
    }
    rind_mutex_fini(&pubsub->known_mutex);
    rind_stopper_fini(&pubsub->stopper);
    free(pubsub->project);
    free(pubsub);
}

/* --- requests --- */

/*
 * The time of an attempt is over. A service that knows our deadline may see it pass first, and call
 * that an unknown error of its own.
 */
static bool pubsub_has_run_out(rind_status status, struct rind_deadline deadline)
{
    return rind_is(status, RIND_E_TIMEOUT) ||
           (rind_is(status, RIND_E_UNKNOWN_OUTCOME) &&
            rind_deadline_remaining_ns(deadline) < PUBSUB_RACE_MS * RIND_NS_PER_MS);
}

static bool pubsub_is_expected(const struct rind_pubsub_call *call, rind_status status)
{
    return !rind_is_ok(status) &&
           (rind_is(status, call->expected[0]) || rind_is(status, call->expected[1]));
}

rind_status rind_pubsub_call(struct rind_ctx *ctx, struct rind_pubsub *pubsub,
                             const struct rind_pubsub_call *call, ProtobufCMessage **response)
{
    char realm[RIND_HEX_SIZE(sizeof(struct rind_realm_id))];
    rind_hex_encode(rind_realm_id_slice(&call->scope->realm), realm);
    const struct rind_tag tag = {"realm", realm};
    const struct rind_retry_options options = {
        .profile = call->profile,
        .description = call->description,
        .deadline = call->deadline,
        .stopper = &pubsub->stopper,
        .log = &pubsub->log,
        .metrics = pubsub->metrics,
        .metrics_path = call->metrics_path,
        .tags = &tag,
        .tag_count = 1,
        .is_retryable = call->is_retryable != NULL ? call->is_retryable : rind_cloud_may_retry,
    };
    size_t mark = rind_arena_mark(ctx->arena);
    struct rind_retry retry;
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        rind_arena_release(ctx->arena, mark); /* what a failed attempt left */
        rind_status status =
            rind_channel_call(ctx, pubsub->channel, &call->call, retry.deadline, response);
        if (call->may_wait_in_vain && pubsub_has_run_out(status, retry.deadline)) {
            *response = NULL;
            status = RIND_OK;
        }
        if (call->outcome != NULL) {
            bool is_expected = pubsub_is_expected(call, status);
            *call->outcome = is_expected ? (enum rind_code)status.code : RIND_E_OK;
            *response = is_expected ? NULL : *response;
            status = is_expected ? RIND_OK : status;
        }
        rind_retry_record(&retry, ctx, status);
    }
    return rind_retry_end(&retry, ctx);
}

rind_status rind_pubsub_text(struct rind_ctx *ctx, struct rind_slice slice, char **text)
{
    RIND_REQUIRE(ctx, slice.length == 0 || memchr(slice.data, '\0', slice.length) == NULL,
                 RIND_E_INVALID, "a text contains a NUL");
    char *copy = rind_ctx_alloc(ctx, slice.length + 1);
    if (copy == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (slice.length > 0) {
        memcpy(copy, slice.data, slice.length);
    }
    *text = copy;
    return RIND_OK;
}

/* --- which subscriptions exist --- */

/* FNV-1a: names are operators' and tenants', and a collision costs one more request. */
static size_t known_slot(const char *subscription)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = subscription; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * UINT64_C(1099511628211);
    }
    return (size_t)(hash % RIND_PUBSUB_KNOWN_MAX);
}

bool rind_pubsub_is_known(struct rind_pubsub *pubsub, const char *subscription)
{
    uint64_t now_ns = rind_clock_monotonic_ns();
    struct rind_pubsub_known *slot = &pubsub->known[known_slot(subscription)];
    rind_mutex_lock(&pubsub->known_mutex);
    bool is_known =
        slot->name != NULL && strcmp(slot->name, subscription) == 0 && now_ns < slot->until_ns;
    rind_mutex_unlock(&pubsub->known_mutex);
    return is_known;
}

static void known_put(struct rind_pubsub *pubsub, const char *subscription,
                      struct rind_pubsub_known known)
{
    struct rind_pubsub_known *slot = &pubsub->known[known_slot(subscription)];
    rind_mutex_lock(&pubsub->known_mutex);
    char *old = slot->name;
    *slot = known;
    rind_mutex_unlock(&pubsub->known_mutex);
    free(old);
}

void rind_pubsub_remember(struct rind_pubsub *pubsub, const char *subscription, bool is_final)
{
    struct rind_pubsub_known known = {
        .name = strdup(subscription), /* NULL: not remembered */
        .until_ns = is_final ? UINT64_MAX : rind_clock_monotonic_ns() + pubsub->known_ns,
    };
    known_put(pubsub, subscription, known);
}

void rind_pubsub_forget(struct rind_pubsub *pubsub, const char *subscription)
{
    known_put(pubsub, subscription, (struct rind_pubsub_known){0});
}
