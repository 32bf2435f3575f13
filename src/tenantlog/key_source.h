/*
 * key_source.h - where the keys that verify tenants' tokens come from. Spec 05 section 12.2 rule 2.
 */
#ifndef RIND_TENANTLOG_KEY_SOURCE_H
#define RIND_TENANTLOG_KEY_SOURCE_H

#include "auth/auth.h"
#include "cloud/secret_manager.h"

/* Thread-safe, but for close. */
struct rind_key_source {
    void *self;
    /*
     * The key of that tenant and version, which is then the caller's (rind_token_key_free).
     * RIND_E_NOT_FOUND if there is none, RIND_E_INVALID if it cannot be used; anything else: it is
     * not known.
     */
    rind_status (*fetch)(void *self, struct rind_ctx *ctx, const struct rind_token_key_id *key_id,
                         struct rind_deadline deadline, struct rind_token_key **key);
    /* How long an answer may be used. */
    uint32_t keep_ms;
    /* Fetching asks nobody, so it may be done as often as somebody likes. */
    bool is_at_hand;
    /* Ends calls under way and later ones with RIND_E_CANCELLED. From any thread. */
    void (*cancel)(void *self);
    void (*close)(void *self);
};

/*
 * Connects to Secret Manager: <prefix><tenant> of its project, whatever its label. The prefix (kept
 * as a pointer) is RIND_SECRET_TENANT_PREFIX or RIND_SECRET_SOFTWARE_PREFIX.
 */
rind_status rind_key_source_secret_manager(struct rind_ctx *ctx,
                                           const struct rind_secret_manager_options *options,
                                           const char *prefix,
                                           struct rind_key_source *source) RIND_MUST_USE;

/*
 * Secrets that are in memory, as auth/secrets.h loads them; takes `secrets_source`, even if it
 * fails. `log` (NULL: silent) must outlive it.
 */
rind_status rind_key_source_secrets(struct rind_ctx *ctx, struct rind_secrets_source secrets_source,
                                    const char *prefix, const struct rind_log *log,
                                    struct rind_key_source *source) RIND_MUST_USE;

#endif
