/*
 * secrets_manager.c - see secrets_manager.h.
 *
 * One load: list secrets; list versions, many at a time; keep the payloads known already; access
 * the others, many at a time; build the map. Nothing that is kept changes before all went well.
 */
#include "auth/secrets_manager.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/wipe.h"
#include "host/arena_pool.h"
#include "host/log.h"
#include "host/thread.h"

/* Addresses, not memory: what is used comes back after each load or secret. */
#define LOAD_ARENA_SIZE_BYTES (1u << 30)
#define LOAD_THREAD_ARENA_SIZE_BYTES (128u << 20)
#define LOAD_ARENA_KEPT_BYTES (1u << 16)
/* A whole load; each call in it has its own, shorter limit. */
#define LOAD_TIMEOUT_MS 600000u

/* One enabled version. */
struct version_item {
    char *resource; /* owned: projects/p/secrets/s/versions/7 */
    int64_t create_unix_s;
    int32_t create_nanos;
    uint8_t *payload; /* secret; NULL: not accessed yet, or it cannot be */
    size_t payload_length;
    bool is_new; /* this load accessed it */
};

struct version_list {
    struct version_item *items; /* sorted by resource once complete */
    size_t count;
    size_t capacity;
};

struct secrets_manager {
    struct rind_secret_manager *manager;
    struct rind_log log;
    struct version_list known; /* of the last load that succeeded */
    bool has_loaded;
};

/* What the threads of one load share. */
struct load {
    struct secrets_manager *source;
    const struct rind_secret_resource *secrets; /* stage 1: the secrets whose versions to list */
    size_t job_count;
    atomic_size_t next_job;
    rind_status (*run)(struct rind_ctx *ctx, struct load *load, size_t job);
    struct rind_deadline deadline;
    struct rind_mutex mutex;  /* guards what follows */
    struct version_list list; /* stage 2 changes each item in one thread only */
    rind_status status;       /* the first failure */
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

/* --- lists of versions --- */

static void payload_free(struct version_item *item)
{
    if (item->payload != NULL) {
        rind_wipe(item->payload, item->payload_length);
        free(item->payload);
        item->payload = NULL;
    }
}

static rind_status version_list_add(struct rind_ctx *ctx, struct version_list *list,
                                    const struct rind_secret_resource *resource)
{
    RIND_REQUIRE(ctx, list->count < RIND_SECRET_COUNT_MAX, RIND_E_LIMIT,
                 "more than %u secrets; disable old versions", RIND_SECRET_COUNT_MAX);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct version_item *items = realloc(list->items, capacity * sizeof(*items));
        RIND_REQUIRE(ctx, items != NULL, RIND_E_LIMIT, "out of memory for secrets");
        list->items = items;
        list->capacity = capacity;
    }
    char *copy = strdup(resource->name);
    RIND_REQUIRE(ctx, copy != NULL, RIND_E_LIMIT, "out of memory for secrets");
    list->items[list->count++] = (struct version_item){.resource = copy,
                                                       .create_unix_s = resource->create_unix_s,
                                                       .create_nanos = resource->create_nanos};
    return RIND_OK;
}

/* `only_new`: payloads that were taken from another list stay, for they belong to it. */
static void version_list_fini(struct version_list *list, bool only_new)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!only_new || list->items[i].is_new) {
            payload_free(&list->items[i]);
        }
        free(list->items[i].resource);
    }
    free(list->items);
    *list = (struct version_list){0};
}

static int version_item_compare(const void *a, const void *b)
{
    return strcmp(((const struct version_item *)a)->resource,
                  ((const struct version_item *)b)->resource);
}

/*
 * Takes over the payloads that are known; true if that is all of them. A version without a time of
 * creation might belong to a secret that was deleted and made again, so it is asked for each time.
 */
static bool version_list_reuse(struct version_list *list, const struct version_list *known)
{
    size_t k = 0;
    size_t reused = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct version_item *item = &list->items[i];
        while (k < known->count && version_item_compare(&known->items[k], item) < 0) {
            k++;
        }
        if (k < known->count && version_item_compare(&known->items[k], item) == 0 &&
            known->items[k].payload != NULL && item->create_unix_s != 0 &&
            known->items[k].create_unix_s == item->create_unix_s &&
            known->items[k].create_nanos == item->create_nanos) {
            item->payload = known->items[k].payload;
            item->payload_length = known->items[k].payload_length;
            reused++;
        }
    }
    return reused == list->count && reused == known->count;
}

/* --- many requests at a time --- */

static void load_fail(struct load *load, const struct rind_ctx *ctx, rind_status status)
{
    rind_mutex_lock(&load->mutex);
    if (rind_is_ok(load->status)) {
        load->status = status;
        memcpy(load->sentence, ctx->sentence, sizeof(load->sentence));
    }
    rind_mutex_unlock(&load->mutex);
}

static bool load_has_failed(struct load *load)
{
    rind_mutex_lock(&load->mutex);
    bool has_failed = !rind_is_ok(load->status);
    rind_mutex_unlock(&load->mutex);
    return has_failed;
}

static void load_work(void *self)
{
    struct load *load = self;
    struct rind_arena *arena = NULL;
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_arena_map(&ctx, LOAD_THREAD_ARENA_SIZE_BYTES, &arena);
    rind_ctx_init(&ctx, arena);
    while (rind_is_ok(status) && !load_has_failed(load)) {
        size_t job = atomic_fetch_add(&load->next_job, 1);
        if (job >= load->job_count) {
            break;
        }
        status = load->run(&ctx, load, job);
        rind_arena_map_reset(arena, LOAD_ARENA_KEPT_BYTES);
    }
    if (!rind_is_ok(status)) {
        load_fail(load, &ctx, status);
    }
    rind_arena_unmap(arena);
}

/* Does all jobs; this thread helps, so it gets done even if no other can be started. */
static rind_status load_do(struct rind_ctx *ctx, struct load *load, size_t job_count,
                           rind_status (*run)(struct rind_ctx *, struct load *, size_t))
{
    struct rind_thread threads[RIND_SECRETS_MANAGER_THREADS_MAX - 1] = {0};
    load->job_count = job_count;
    load->run = run;
    atomic_store(&load->next_job, 0);
    for (size_t i = 0; i + 1 < job_count && i < RIND_SECRETS_MANAGER_THREADS_MAX - 1; i++) {
        if (!rind_is_ok(rind_thread_start(ctx, &threads[i], "secrets", load_work, load))) {
            break;
        }
    }
    load_work(load);
    for (size_t i = 0; i < RIND_SECRETS_MANAGER_THREADS_MAX - 1; i++) {
        rind_thread_join(&threads[i]);
    }
    return rind_is_ok(load->status)
               ? RIND_OK
               : rind_fail(ctx, (enum rind_code)load->status.code, "%s", load->sentence);
}

/* --- the stages --- */

static rind_status load_list_versions(struct rind_ctx *ctx, struct load *load, size_t job)
{
    struct rind_secret_resource *versions;
    size_t count = 0;
    rind_status status = rind_secret_manager_list_versions(
        ctx, load->source->manager, load->secrets[job].name, load->deadline, &versions, &count);
    if (rind_is(status, RIND_E_NOT_FOUND)) {
        return RIND_OK; /* deleted since it was listed */
    }
    RIND_TRY(status);
    rind_mutex_lock(&load->mutex);
    for (size_t i = 0; i < count && rind_is_ok(status); i++) {
        uint64_t version;
        struct rind_slice name;
        if (rind_secret_manager_secret_of(versions[i].name, &name) &&
            rind_secret_manager_version_of(versions[i].name, &version)) {
            status = version_list_add(ctx, &load->list, &versions[i]);
        }
    }
    rind_mutex_unlock(&load->mutex);
    return status;
}

static rind_status load_access(struct rind_ctx *ctx, struct load *load, size_t job)
{
    struct version_item *item = &load->list.items[job];
    struct rind_slice payload;
    if (item->payload != NULL) {
        return RIND_OK;
    }
    rind_status status = rind_secret_manager_access(ctx, load->source->manager, item->resource,
                                                    load->deadline, &payload);
    if (rind_is(status, RIND_E_NOT_FOUND) || rind_is(status, RIND_E_INVALID)) {
        RIND_LOG_WARN(&load->source->log, "a secret is left out: %s", ctx->sentence);
        return RIND_OK; /* disabled or destroyed since it was listed, or empty */
    }
    RIND_TRY(status);
    item->payload = malloc(payload.length + 1);
    RIND_REQUIRE(ctx, item->payload != NULL, RIND_E_LIMIT, "out of memory for a secret");
    if (payload.length > 0) {
        memcpy(item->payload, payload.data, payload.length);
    }
    item->payload_length = payload.length;
    item->is_new = true;
    return RIND_OK;
}

static rind_status load_fill(struct rind_ctx *ctx, const struct load *load,
                             struct rind_secret_map *map)
{
    for (size_t i = 0; i < load->list.count; i++) {
        const struct version_item *item = &load->list.items[i];
        struct rind_slice name;
        uint64_t version;
        if (item->payload == NULL) {
            continue;
        }
        bool has_name = rind_secret_manager_secret_of(item->resource, &name) &&
                        rind_secret_manager_version_of(item->resource, &version);
        RIND_ASSERT(has_name); /* or it would not have been added to the list */
        rind_status status = rind_secret_map_add_or_raw(
            map, ctx, name, version, rind_slice_make(item->payload, item->payload_length));
        if (rind_is(status, RIND_E_INVALID)) {
            RIND_LOG_WARN(
                &load->source->log,
                "%s is left out: it names a public-key algorithm but is no such key (%s); "
                "add a new version and disable this one",
                item->resource, ctx->sentence);
            continue;
        }
        RIND_TRY(status);
    }
    return rind_secret_map_seal(map, ctx);
}

static rind_status load_make_map(struct rind_ctx *ctx, const struct load *load,
                                 struct rind_secret_map **result)
{
    struct rind_secret_map *map = rind_secret_map_new();
    RIND_REQUIRE(ctx, map != NULL, RIND_E_LIMIT, "out of memory for secrets");
    rind_status status = load_fill(ctx, load, map);
    if (!rind_is_ok(status)) {
        rind_secret_map_free(map);
        return status;
    }
    *result = map;
    return RIND_OK;
}

/* Makes this load's list the known one; both share payloads that were reused. */
static void load_keep(struct load *load)
{
    struct version_list *known = &load->source->known;
    size_t i = 0;
    for (size_t k = 0; k < known->count; k++) {
        struct version_item *old = &known->items[k];
        while (i < load->list.count && version_item_compare(&load->list.items[i], old) < 0) {
            i++;
        }
        if (i < load->list.count && load->list.items[i].payload == old->payload) {
            old->payload = NULL; /* it moves on */
        }
    }
    version_list_fini(known, false);
    for (size_t n = 0; n < load->list.count; n++) {
        load->list.items[n].is_new = false;
    }
    *known = load->list;
    load->list = (struct version_list){0};
    load->source->has_loaded = true;
}

static rind_status load_run(struct rind_ctx *ctx, struct load *load, struct rind_secret_map **map)
{
    struct secrets_manager *source = load->source;
    struct rind_secret_resource *secrets;
    size_t secret_count;
    RIND_TRY(rind_secret_manager_list(ctx, source->manager, RIND_SECRETS_MANAGER_FILTER,
                                      load->deadline, &secrets, &secret_count));
    load->secrets = secrets;
    RIND_TRY(load_do(ctx, load, secret_count, load_list_versions));
    if (load->list.count > 0) {
        qsort(load->list.items, load->list.count, sizeof(load->list.items[0]),
              version_item_compare);
    }
    if (version_list_reuse(&load->list, &source->known) && source->has_loaded) {
        *map = NULL;
        return RIND_OK;
    }
    RIND_TRY(load_do(ctx, load, load->list.count, load_access));
    RIND_TRY(load_make_map(ctx, load, map));
    load_keep(load);
    return RIND_OK;
}

static rind_status secrets_manager_load(void *self, struct rind_ctx *ctx,
                                        struct rind_secret_map **map)
{
    struct load load = {.source = self, .deadline = rind_deadline_in_ms(LOAD_TIMEOUT_MS)};
    struct rind_arena *arena;
    struct rind_ctx load_ctx;
    RIND_TRY(rind_arena_map(ctx, LOAD_ARENA_SIZE_BYTES, &arena));
    rind_ctx_init(&load_ctx, arena);
    rind_mutex_init(&load.mutex);
    rind_status status = load_run(&load_ctx, &load, map);
    if (!rind_is_ok(status)) {
        status = rind_fail(ctx, (enum rind_code)status.code,
                           "failed to read secrets from Secret Manager: %s", load_ctx.sentence);
    }
    version_list_fini(&load.list, true);
    rind_mutex_fini(&load.mutex);
    rind_arena_unmap(arena);
    return status;
}

static void secrets_manager_cancel(void *self)
{
    struct secrets_manager *source = self;
    rind_secret_manager_cancel(source->manager);
}

static void secrets_manager_close(void *self)
{
    struct secrets_manager *source = self;
    rind_secret_manager_close(source->manager);
    version_list_fini(&source->known, false);
    free(source);
}

rind_status rind_secrets_manager_source(struct rind_ctx *ctx,
                                        const struct rind_secret_manager_options *options,
                                        struct rind_secrets_source *source)
{
    struct secrets_manager *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory for a secrets source");
    made->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    rind_status status = rind_secret_manager_open(ctx, options, &made->manager);
    if (!rind_is_ok(status)) {
        free(made);
        return status;
    }
    *source = (struct rind_secrets_source){.self = made,
                                           .load = secrets_manager_load,
                                           .cancel = secrets_manager_cancel,
                                           .close = secrets_manager_close,
                                           .interval_ms = RIND_SECRETS_MANAGER_INTERVAL_MS};
    return RIND_OK;
}
