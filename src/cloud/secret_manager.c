/* secret_manager.c - see secret_manager.h. */
#include "cloud/secret_manager.h"

#include <stdlib.h>

#include "cloud/channel.h"
#include "cloud/proto_memory.h"
#include "proto/secret_manager.pb-c.h"

#define SECRET_MANAGER_HOST "secretmanager.googleapis.com"
#define SECRET_MANAGER_METHODS "/google.cloud.secretmanager.v1.SecretManagerService/"
/* A page of 25000 secrets with all that the service says about each. */
#define SECRET_MANAGER_MESSAGE_SIZE_BYTES_MAX (64u << 20)

/* 200 attempts, 120 s, 50 ms doubling to 2 s (spec 05 section 3.3). */
static const struct rind_retry_profile secret_manager_profile = {
    200, 120 * RIND_NS_PER_S, 50 * RIND_NS_PER_MS, 2.0, 2 * RIND_NS_PER_S};

struct rind_secret_manager {
    char *project; /* "projects/<project>" */
    struct rind_channel *channel;
    struct rind_stopper stopper; /* ends the pauses of retries */
    struct rind_log log;
    struct rind_metrics *metrics;
};

void rind_secret_manager_flag_rows(struct rind_secret_manager_flags *flags,
                                   struct rind_flag rows[static RIND_SECRET_MANAGER_FLAG_ROWS])
{
    rows[0] = (struct rind_flag){.name = "secrets-manager-url",
                                 .value_name = "URL",
                                 .show_fallback = "https://" SECRET_MANAGER_HOST,
                                 .kind = RIND_FLAG_URL,
                                 .help = "Another endpoint of Secret Manager, such as a regional "
                                         "one. Credentials go to Google's hosts only.",
                                 .value = &flags->url,
                                 .is_given = &flags->is_url_given};
    rind_google_flag_rows(RIND_GOOGLE_SECRETS_MANAGER, &flags->google, rows + 1);
}

static rind_status secret_manager_start(struct rind_ctx *ctx,
                                        const struct rind_secret_manager_options *options,
                                        struct rind_secret_manager *manager)
{
    size_t size = sizeof("projects/") + strlen(options->project);
    manager->project = malloc(size);
    RIND_REQUIRE(ctx, manager->project != NULL, RIND_E_LIMIT, "out of memory for Secret Manager");
    (void)snprintf(manager->project, size, "projects/%s", options->project);
    struct rind_channel_options channel;
    rind_channel_options_init(&channel, "Secret Manager", SECRET_MANAGER_HOST,
                              options->flags->is_url_given ? &options->flags->url : NULL,
                              &options->flags->google);
    channel.remedy = "--secrets-manager-url, or use --secrets-file";
    channel.message_size_bytes_max = SECRET_MANAGER_MESSAGE_SIZE_BYTES_MAX;
    channel.log = options->log;
    return rind_channel_open(ctx, &channel, &manager->channel);
}

rind_status rind_secret_manager_open(struct rind_ctx *ctx,
                                     const struct rind_secret_manager_options *options,
                                     struct rind_secret_manager **result)
{
    struct rind_secret_manager *manager = calloc(1, sizeof(*manager));
    RIND_REQUIRE(ctx, manager != NULL, RIND_E_LIMIT, "out of memory for Secret Manager");
    rind_status status = rind_stopper_init(ctx, &manager->stopper);
    if (!rind_is_ok(status)) {
        free(manager);
        return status;
    }
    manager->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    manager->metrics = options->metrics;
    status = secret_manager_start(ctx, options, manager);
    if (!rind_is_ok(status)) {
        rind_secret_manager_close(manager);
        return status;
    }
    *result = manager;
    return RIND_OK;
}

void rind_secret_manager_cancel(struct rind_secret_manager *manager)
{
    rind_stopper_set(&manager->stopper);
    rind_channel_cancel(manager->channel);
}

void rind_secret_manager_close(struct rind_secret_manager *manager)
{
    if (manager == NULL) {
        return;
    }
    rind_channel_close(manager->channel);
    rind_stopper_fini(&manager->stopper);
    free(manager->project);
    free(manager);
}

const char *rind_secret_manager_project(const struct rind_secret_manager *manager)
{
    return manager->project;
}

/* --- requests --- */

struct secret_manager_call {
    struct rind_grpc_call call;
    const char *description;
    const char *metrics_path;
    struct rind_deadline deadline;
};

/* False for a payload that was damaged on its way: asked for again, like any lost answer. */
static bool answer_is_whole(const ProtobufCMessage *response)
{
    if (response->descriptor !=
        &google__cloud__secretmanager__v1__access_secret_version_response__descriptor) {
        return true;
    }
    const Google__Cloud__Secretmanager__V1__SecretPayload *payload =
        ((const Google__Cloud__Secretmanager__V1__AccessSecretVersionResponse *)(const void *)
             response)
            ->payload;
    return payload == NULL ||
           payload->checksum_case !=
               GOOGLE__CLOUD__SECRETMANAGER__V1__SECRET_PAYLOAD__CHECKSUM_DATA_CRC32C ||
           payload->data_crc32c ==
               (int64_t)rind_secret_manager_checksum(rind_proto_slice(payload->data));
}

static rind_status secret_manager_attempt(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                          const struct secret_manager_call *call,
                                          struct rind_deadline deadline,
                                          ProtobufCMessage **response)
{
    RIND_TRY(rind_channel_call(ctx, manager->channel, &call->call, deadline, response));
    RIND_REQUIRE(ctx, answer_is_whole(*response), RIND_E_UNKNOWN_OUTCOME,
                 "Secret Manager's payload of %s does not match its checksum", call->call.resource);
    return RIND_OK;
}

static rind_status secret_manager_call(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                       const struct secret_manager_call *call,
                                       ProtobufCMessage **response)
{
    const struct rind_retry_options options = {
        .profile = &secret_manager_profile,
        .description = call->description,
        .deadline = call->deadline,
        .stopper = &manager->stopper,
        .log = &manager->log,
        .metrics = manager->metrics,
        .metrics_path = call->metrics_path,
        .is_retryable = rind_cloud_may_retry,
    };
    size_t mark = rind_arena_mark(ctx->arena);
    struct rind_retry retry;
    rind_retry_begin(&retry, &options);
    while (rind_retry_next(&retry)) {
        rind_arena_release(ctx->arena, mark); /* what a failed attempt left */
        rind_retry_record(&retry, ctx,
                          secret_manager_attempt(ctx, manager, call, retry.deadline, response));
    }
    return rind_retry_end(&retry, ctx);
}

/* --- lists --- */

/* A list that grows page by page, in the arena. */
struct resource_list {
    struct rind_secret_resource *items;
    size_t count;
    size_t capacity;
};

static rind_status resource_list_reserve(struct rind_ctx *ctx, struct resource_list *list,
                                         size_t more)
{
    if (list->capacity - list->count >= more) {
        return RIND_OK;
    }
    size_t capacity =
        2 * list->capacity > list->count + more ? 2 * list->capacity : list->count + more;
    struct rind_secret_resource *items = rind_ctx_alloc_array(ctx, capacity, sizeof(*items));
    if (items == NULL) {
        return rind_status_make(RIND_E_LIMIT);
    }
    if (list->count > 0) {
        memcpy(items, list->items, list->count * sizeof(*items));
    }
    list->items = items;
    list->capacity = capacity;
    return RIND_OK;
}

/* One page; `*token` becomes the next one's, empty after the last. */
static rind_status list_secrets_page(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                     const char *filter, struct rind_deadline deadline,
                                     const char **token, struct resource_list *list)
{
    Google__Cloud__Secretmanager__V1__ListSecretsRequest request =
        GOOGLE__CLOUD__SECRETMANAGER__V1__LIST_SECRETS_REQUEST__INIT;
    request.parent = manager->project;
    request.page_size = RIND_SECRET_MANAGER_PAGE_SIZE;
    request.page_token = rind_proto_text(*token);
    request.filter = rind_proto_text(filter);
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("parent", manager->project, routing);
    const struct secret_manager_call call = {
        .call = {.method = SECRET_MANAGER_METHODS "ListSecrets",
                 .resource = manager->project,
                 .routing = routing,
                 .request = &request.base,
                 .response = &google__cloud__secretmanager__v1__list_secrets_response__descriptor},
        .description = "list secrets",
        .metrics_path = "secret_manager.google.list_secrets",
        .deadline = deadline,
    };
    ProtobufCMessage *message;
    RIND_TRY(secret_manager_call(ctx, manager, &call, &message));
    const Google__Cloud__Secretmanager__V1__ListSecretsResponse *response = (const void *)message;
    RIND_TRY(resource_list_reserve(ctx, list, response->n_secrets));
    for (size_t i = 0; i < response->n_secrets; i++) {
        list->items[list->count++] =
            (struct rind_secret_resource){.name = response->secrets[i]->name};
    }
    *token = response->next_page_token;
    return RIND_OK;
}

static rind_status list_versions_page(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                      const char *secret, struct rind_deadline deadline,
                                      const char **token, struct resource_list *list)
{
    Google__Cloud__Secretmanager__V1__ListSecretVersionsRequest request =
        GOOGLE__CLOUD__SECRETMANAGER__V1__LIST_SECRET_VERSIONS_REQUEST__INIT;
    request.parent = rind_proto_text(secret);
    request.page_size = RIND_SECRET_MANAGER_PAGE_SIZE;
    request.page_token = rind_proto_text(*token);
    request.filter = rind_proto_text("state:ENABLED");
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("parent", secret, routing);
    const struct secret_manager_call call = {
        .call = {.method = SECRET_MANAGER_METHODS "ListSecretVersions",
                 .resource = secret,
                 .routing = routing,
                 .request = &request.base,
                 .response =
                     &google__cloud__secretmanager__v1__list_secret_versions_response__descriptor},
        .description = "list versions of a secret",
        .metrics_path = "secret_manager.google.list_secret_versions",
        .deadline = deadline,
    };
    ProtobufCMessage *message;
    RIND_TRY(secret_manager_call(ctx, manager, &call, &message));
    const Google__Cloud__Secretmanager__V1__ListSecretVersionsResponse *response =
        (const void *)message;
    RIND_TRY(resource_list_reserve(ctx, list, response->n_versions));
    for (size_t i = 0; i < response->n_versions; i++) {
        const Google__Cloud__Secretmanager__V1__SecretVersion *version = response->versions[i];
        struct rind_secret_resource resource = {.name = version->name};
        if (version->create_time != NULL) {
            resource.create_unix_s = version->create_time->seconds;
            resource.create_nanos = version->create_time->nanos;
        }
        list->items[list->count++] = resource;
    }
    *token = response->next_page_token;
    return RIND_OK;
}

/* `secret` NULL: secrets that match the filter; else its versions. */
static rind_status list_all(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                            const char *secret, const char *filter, struct rind_deadline deadline,
                            struct rind_secret_resource **items, size_t *count)
{
    struct resource_list list = {0};
    const char *token = "";
    for (unsigned page = 0; page == 0 || token[0] != '\0'; page++) {
        RIND_REQUIRE(ctx, page < RIND_SECRET_MANAGER_PAGES_MAX, RIND_E_LIMIT,
                     "Secret Manager lists more than %u pages of secrets",
                     RIND_SECRET_MANAGER_PAGES_MAX);
        RIND_TRY(secret == NULL
                     ? list_secrets_page(ctx, manager, filter, deadline, &token, &list)
                     : list_versions_page(ctx, manager, secret, deadline, &token, &list));
    }
    *items = list.items;
    *count = list.count;
    return RIND_OK;
}

rind_status rind_secret_manager_list(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                     const char *filter, struct rind_deadline deadline,
                                     struct rind_secret_resource **secrets, size_t *count)
{
    return list_all(ctx, manager, NULL, filter, deadline, secrets, count);
}

rind_status rind_secret_manager_list_versions(struct rind_ctx *ctx,
                                              struct rind_secret_manager *manager,
                                              const char *secret, struct rind_deadline deadline,
                                              struct rind_secret_resource **versions, size_t *count)
{
    return list_all(ctx, manager, secret, NULL, deadline, versions, count);
}

/* --- payloads --- */

rind_status rind_secret_manager_access(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                       const char *version, struct rind_deadline deadline,
                                       struct rind_slice *payload)
{
    Google__Cloud__Secretmanager__V1__AccessSecretVersionRequest request =
        GOOGLE__CLOUD__SECRETMANAGER__V1__ACCESS_SECRET_VERSION_REQUEST__INIT;
    request.name = rind_proto_text(version);
    char routing[RIND_CHANNEL_ROUTING_SIZE];
    rind_grpc_routing("name", version, routing);
    const struct secret_manager_call call = {
        .call = {.method = SECRET_MANAGER_METHODS "AccessSecretVersion",
                 .resource = version,
                 .routing = routing,
                 .request = &request.base,
                 .response =
                     &google__cloud__secretmanager__v1__access_secret_version_response__descriptor},
        .description = "access a secret",
        .metrics_path = "secret_manager.google.access_secret_version",
        .deadline = deadline,
    };
    ProtobufCMessage *message;
    RIND_TRY(secret_manager_call(ctx, manager, &call, &message));
    const Google__Cloud__Secretmanager__V1__AccessSecretVersionResponse *response =
        (const void *)message;
    RIND_REQUIRE(ctx, response->payload != NULL, RIND_E_NOT_FOUND,
                 "Secret Manager has no payload for %s", version);
    *payload = rind_proto_slice(response->payload->data);
    return RIND_OK;
}

uint32_t rind_secret_manager_checksum(struct rind_slice bytes)
{
    /* Bit by bit: payloads have 64 KiB at most, and few are loaded. */
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.length; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
        }
    }
    return ~crc;
}

/* --- resource names --- */

/* What stands between the n-th "/" (from 1) and the next one, or the end. */
static bool resource_part(const char *resource, unsigned slash, struct rind_slice *part)
{
    const char *start = resource;
    for (unsigned i = 0; i < slash; i++) {
        start = strchr(start, '/');
        if (start == NULL) {
            return false;
        }
        start++;
    }
    const char *end = strchr(start, '/');
    *part = rind_slice_make(start, end != NULL ? (size_t)(end - start) : strlen(start));
    return part->length > 0;
}

bool rind_secret_manager_secret_of(const char *resource, struct rind_slice *secret)
{
    return resource_part(resource, 3, secret);
}

bool rind_secret_manager_version_of(const char *resource, uint64_t *version)
{
    struct rind_slice digits;
    uint64_t value = 0;
    if (!resource_part(resource, 5, &digits)) {
        return false;
    }
    for (size_t i = 0; i < digits.length; i++) {
        uint8_t c = digits.data[i];
        if (c < '0' || c > '9' || value > (UINT64_MAX - (uint64_t)(c - '0')) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    *version = value;
    return true;
}
