/*
 * secret_manager.h - reading Google Secret Manager: lists of secrets and versions, and payloads.
 *
 * Payloads are secrets: they lie in the caller's arena, which wipes itself. Thread-safe.
 * Spec: docs/spec/05-cloud-services.md sections 2 and 3.3.
 */
#ifndef RIND_CLOUD_SECRET_MANAGER_H
#define RIND_CLOUD_SECRET_MANAGER_H

#include "base/base.h"
#include "cloud/flags.h"
#include "host/host.h"

/* limits */
#define RIND_SECRET_MANAGER_PAGE_SIZE 25000 /* what one list request asks for */
#define RIND_SECRET_MANAGER_PAGES_MAX 1000u /* of one list: a service that never ends is none */
#define RIND_SECRET_MANAGER_NAME_SIZE 512u

/* The flags of a program that uses Secret Manager. */
struct rind_secret_manager_flags {
    struct rind_url url;
    bool is_url_given; /* another endpoint than Google's global one */
    struct rind_google_flags google;
};
#define RIND_SECRET_MANAGER_FLAG_ROWS (1u + RIND_GOOGLE_FLAG_ROWS)

/* Rows whose values go to `flags`, which must not move until they are parsed. */
void rind_secret_manager_flag_rows(struct rind_secret_manager_flags *flags,
                                   struct rind_flag rows[static RIND_SECRET_MANAGER_FLAG_ROWS]);

struct rind_secret_manager_options {
    const char *project;                           /* copied */
    const struct rind_secret_manager_flags *flags; /* borrowed for the call */
    const struct rind_log *log;                    /* NULL: silence; copied */
    struct rind_metrics *metrics;                  /* NULL: none; must outlive it */
};

struct rind_secret_manager; /* opaque: one connection */

/* Connects. RIND_E_AUTH without credentials where they are needed, RIND_E_UNAVAILABLE. */
rind_status rind_secret_manager_open(struct rind_ctx *ctx,
                                     const struct rind_secret_manager_options *options,
                                     struct rind_secret_manager **manager) RIND_MUST_USE;

/* Ends all calls, those under way and later ones, with RIND_E_CANCELLED. From any thread. */
void rind_secret_manager_cancel(struct rind_secret_manager *manager);

/* No call may be under way. NULL is allowed. */
void rind_secret_manager_close(struct rind_secret_manager *manager);

/* "projects/<project>" as it was given. */
const char *rind_secret_manager_project(const struct rind_secret_manager *manager);

/* A resource as listed; the name is in the arena of the call. */
struct rind_secret_resource {
    const char *name;      /* "projects/p/secrets/s" or ".../versions/7" */
    int64_t create_unix_s; /* of versions, 0 if the service did not say */
    int32_t create_nanos;
};

/* All secrets of the project that match `filter`, page by page. */
rind_status rind_secret_manager_list(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                     const char *filter, struct rind_deadline deadline,
                                     struct rind_secret_resource **secrets,
                                     size_t *count) RIND_MUST_USE;

/* All enabled versions of the secret of that resource name. RIND_E_NOT_FOUND if it is gone. */
rind_status rind_secret_manager_list_versions(struct rind_ctx *ctx,
                                              struct rind_secret_manager *manager,
                                              const char *secret, struct rind_deadline deadline,
                                              struct rind_secret_resource **versions,
                                              size_t *count) RIND_MUST_USE;

/*
 * The payload of the version of that resource name, its checksum verified. RIND_E_NOT_FOUND if
 * there is none (or the answer had no payload), RIND_E_INVALID if it is not enabled.
 */
rind_status rind_secret_manager_access(struct rind_ctx *ctx, struct rind_secret_manager *manager,
                                       const char *version, struct rind_deadline deadline,
                                       struct rind_slice *payload) RIND_MUST_USE;

/*
 * The secret's name: what follows the third "/" of its resource name; the version: what follows
 * the fifth. False if there is no such part, or it is no number.
 */
bool rind_secret_manager_secret_of(const char *resource, struct rind_slice *secret);
bool rind_secret_manager_version_of(const char *resource, uint64_t *version);

/* CRC32C of the bytes (RFC 3720 appendix B.4), as payloads carry it. */
uint32_t rind_secret_manager_checksum(struct rind_slice bytes);

#endif
