/*
 * secrets.c - the current map of secrets and the thread that renews it.
 *
 * Spec: docs/spec/05-cloud-services.md section 3.5. Readers take the map without a lock
 * (host/published.h); only the renewing thread calls the source after the first load.
 */
#include "auth/secrets.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "host/log.h"
#include "host/published.h"
#include "host/thread.h"

#define SECRETS_JITTER_PART 5u
/* Arena for one load's sentences; sources keep their data in the map. */
#define SECRETS_ARENA_SIZE (16u * 1024)

struct rind_secrets {
    struct rind_secrets_source source;
    const struct rind_log *log;
    struct rind_published *published; /* struct rind_secret_map */
    struct rind_stopper stopper;
    struct rind_thread thread;
};

static void map_free(void *map)
{
    rind_secret_map_free(map);
}

/* Says loudly, once per load that brings it, what is suspicious about a secret. */
static void secrets_report(const struct rind_secrets *secrets,
                           const struct rind_secret_map *previous,
                           const struct rind_secret_map *map)
{
    for (size_t i = 0; i < rind_secret_map_count(map); i++) {
        const struct rind_secret *secret = rind_secret_map_at(map, i);
        const struct rind_secret *old =
            previous != NULL ? rind_secret_map_find(previous, secret->name, secret->version) : NULL;
        bool was_raw = old != NULL && old->is_raw;
        bool was_unusable = old != NULL && old->token_key == NULL;
        if (secret->is_raw && !was_raw) {
            RIND_LOG_WARN(secrets->log,
                          "secret %.*s version %llu IS NOT A SECRET OBJECT: its whole payload is "
                          "used as an HS256 key (legacy); store it as {\"data\":..., "
                          "\"encoding\":..., \"algorithm\":...}",
                          (int)secret->name.length, (const char *)secret->name.data,
                          (unsigned long long)secret->version);
        }
        if (secret->token_key == NULL && secret->algorithm != RIND_SECRET_BLAKE2S_MAC256 &&
            !was_unusable) {
            RIND_LOG_WARN(secrets->log,
                          "secret %.*s version %llu is not a key of its algorithm: tokens signed "
                          "for it are refused",
                          (int)secret->name.length, (const char *)secret->name.data,
                          (unsigned long long)secret->version);
        }
    }
}

/* One reload; whatever goes wrong, the map in use stays. */
static void secrets_reload(struct rind_secrets *secrets, struct rind_ctx *ctx)
{
    struct rind_secret_map *map = NULL;
    rind_status status = secrets->source.load(secrets->source.self, ctx, &map);
    if (rind_is_ok(status) && map != NULL) {
        struct rind_published_ref previous = rind_published_acquire(secrets->published);
        secrets_report(secrets, previous.value, map);
        rind_published_release(secrets->published, previous);
        size_t count = rind_secret_map_count(map);
        status = rind_published_replace(ctx, secrets->published, map);
        if (rind_is_ok(status)) {
            RIND_LOG_INFO(secrets->log, "secrets reloaded: %zu versions", count);
        } else {
            rind_secret_map_free(map);
        }
    }
    if (!rind_is_ok(status)) {
        RIND_LOG_WARN(secrets->log, "the secrets loaded before stay in use: %s", ctx->sentence);
    }
}

/*
 * Up to a fifth sooner than the interval, at random, so that processes started together do not ask
 * together for ever. Never later: what is disabled is gone within the interval.
 */
static uint64_t secrets_pause_ms(uint32_t interval_ms)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
        random = 0; /* then without */
    }
    return interval_ms - random % (interval_ms / SECRETS_JITTER_PART + 1);
}

static void secrets_run(void *self)
{
    struct rind_secrets *secrets = self;
    uint8_t memory[SECRETS_ARENA_SIZE];
    struct rind_arena arena;
    struct rind_ctx ctx;
    rind_arena_init(&arena, memory, sizeof(memory));
    uint32_t interval_ms = secrets->source.interval_ms;
    while (
        !rind_stopper_wait(&secrets->stopper, rind_deadline_in_ms(secrets_pause_ms(interval_ms)))) {
        rind_ctx_init(&ctx, &arena);
        secrets_reload(secrets, &ctx);
        rind_arena_reset(&arena);
    }
}

/* What open does once the struct and its stopper exist; close undoes any part of it. */
static rind_status secrets_start(struct rind_ctx *ctx, struct rind_secrets *secrets)
{
    struct rind_secret_map *map = NULL;
    RIND_TRY(secrets->source.load(secrets->source.self, ctx, &map));
    RIND_ASSERT(map != NULL); /* nothing can be unchanged since a load that never was */
    secrets_report(secrets, NULL, map);
    rind_status status = rind_published_new(ctx, map, map_free, &secrets->published);
    if (!rind_is_ok(status)) {
        rind_secret_map_free(map);
        return status;
    }
    if (secrets->source.interval_ms == 0) {
        return RIND_OK;
    }
    return rind_thread_start(ctx, &secrets->thread, "secrets", secrets_run, secrets);
}

rind_status rind_secrets_open(struct rind_ctx *ctx, struct rind_secrets_source source,
                              const struct rind_log *log, struct rind_secrets **result)
{
    struct rind_secrets *secrets = calloc(1, sizeof(*secrets));
    if (secrets == NULL) {
        source.close(source.self);
        return rind_fail(ctx, RIND_E_LIMIT, "out of memory for secrets");
    }
    rind_status status = rind_stopper_init(ctx, &secrets->stopper);
    if (!rind_is_ok(status)) {
        source.close(source.self);
        free(secrets);
        return status;
    }
    secrets->source = source;
    secrets->log = log;
    status = secrets_start(ctx, secrets);
    if (!rind_is_ok(status)) {
        rind_secrets_close(secrets);
        return status;
    }
    *result = secrets;
    return RIND_OK;
}

void rind_secrets_close(struct rind_secrets *secrets)
{
    if (secrets == NULL) {
        return;
    }
    if (secrets->thread.is_running) {
        rind_stopper_set(&secrets->stopper);
        if (secrets->source.cancel != NULL) {
            secrets->source.cancel(secrets->source.self);
        }
        rind_thread_join(&secrets->thread);
    }
    rind_published_free(secrets->published);
    rind_stopper_fini(&secrets->stopper);
    secrets->source.close(secrets->source.self);
    free(secrets);
}

struct rind_published_ref rind_secrets_acquire(struct rind_secrets *secrets)
{
    return rind_published_acquire(secrets->published);
}

void rind_secrets_release(struct rind_secrets *secrets, struct rind_published_ref ref)
{
    rind_published_release(secrets->published, ref);
}
