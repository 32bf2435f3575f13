/*
 * secrets.h - the secrets a daemon lives with: loaded at start, reloaded in the background.
 *
 * A reload that fails leaves the last good map in use, so that losing the source never widens or
 * ends access; a reload that succeeds replaces the whole map, so that a disabled version stops
 * working. Readers borrow a map and keep it as long as they hold it; no lock is taken.
 * Spec: docs/spec/05-cloud-services.md sections 3.3 to 3.5.
 */
#ifndef RIND_AUTH_SECRETS_H
#define RIND_AUTH_SECRETS_H

#include <stdint.h>

#include "auth/secret.h"
#include "base/slice.h"
#include "base/status.h"
#include "host/published.h"

struct rind_log;

#define RIND_SECRETS_FILE_INTERVAL_MS 5000u
#define RIND_SECRETS_MANAGER_INTERVAL_MS 60000u
/* Bytes of a secrets file. */
#define RIND_SECRETS_FILE_SIZE_MAX (64u * 1024 * 1024)

/* Where secrets come from. One thread at a time calls it. */
struct rind_secrets_source {
    void *self;
    /*
     * Loads everything into a new, sealed map that the caller then owns; or sets it to NULL if
     * nothing changed since the last successful load.
     */
    rind_status (*load)(void *self, struct rind_ctx *ctx, struct rind_secret_map **map);
    /* Ends a load under way, and all later ones, early; from any thread. NULL: loads are short. */
    void (*cancel)(void *self);
    /* Frees `self`. */
    void (*close)(void *self);
    /* Sleep between loads; 0: never reload. */
    uint32_t interval_ms;
};

/*
 * Makes a source that reads the JSON file at `path` (copied). Nothing is read yet. One bad entry
 * fails a load; sentences name the path.
 */
rind_status rind_secrets_file_source(struct rind_ctx *ctx, const char *path,
                                     struct rind_secrets_source *source) RIND_MUST_USE;

struct rind_secrets;

/*
 * Takes the source, loads once (failure is an error), then reloads on a thread of its own. Raw
 * keys and unusable token keys are logged as warnings when they appear. `log` (NULL: silent) must
 * outlive it.
 */
rind_status rind_secrets_open(struct rind_ctx *ctx, struct rind_secrets_source source,
                              const struct rind_log *log,
                              struct rind_secrets **secrets) RIND_MUST_USE;

/* Ends the reloading, closes the source and frees all maps. No borrower may be left. NULL is
 * allowed. */
void rind_secrets_close(struct rind_secrets *secrets);

/* Borrows the current map (`value` is a const struct rind_secret_map); give it back with
 * rind_secrets_release. Any thread, no waiting. */
struct rind_published_ref rind_secrets_acquire(struct rind_secrets *secrets);
void rind_secrets_release(struct rind_secrets *secrets, struct rind_published_ref ref);

#endif
