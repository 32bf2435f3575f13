/*
 * tenant_keys.h - a bounded cache before a key source, which also remembers what does not exist.
 *
 * Anybody can send a token that names any tenant and version. So keys that were never found are
 * asked for at a bounded rate and remembered apart from good ones, which they cannot push out; and
 * good ones are asked for again (by one request; the others go on with what is there) whenever
 * their time is over, whatever else is going on. A source that does not answer takes no key away:
 * the last good one stays in use. Thread-safe. Spec: docs/spec/05-cloud-services.md sections 12.2
 * and 17.4.
 */
#ifndef RIND_TENANTLOG_TENANT_KEYS_H
#define RIND_TENANTLOG_TENANT_KEYS_H

#include "tenantlog/key_source.h"

/* limits */
#define RIND_TENANT_KEYS_SETS 512u /* of each table: entries in one set compete for its places */
#define RIND_TENANT_KEYS_WAYS 8u
#define RIND_TENANT_KEYS_UNKNOWN_PER_S 20u /* fetches of keys that were never good */
#define RIND_TENANT_KEYS_UNKNOWN_BURST 100u
#define RIND_TENANT_KEYS_UNKNOWN_AT_ONCE 8u
#define RIND_TENANT_KEYS_WAITING_MAX 32u /* requests that wait for what others ask */
#define RIND_TENANT_KEYS_RETRY_MS 5000u  /* after a source that did not answer, or may not */

struct rind_tenant_keys; /* opaque */

/* Takes the source, even if it fails. */
rind_status rind_tenant_keys_open(struct rind_ctx *ctx, struct rind_key_source source,
                                  const struct rind_log *log,
                                  struct rind_tenant_keys **keys) RIND_MUST_USE;

/* Ends fetches under way. */
void rind_tenant_keys_cancel(struct rind_tenant_keys *keys);

/* No key may be borrowed any more. NULL is allowed. */
void rind_tenant_keys_close(struct rind_tenant_keys *keys);

/* A borrowed key; give it back exactly once. */
struct rind_tenant_key;
const struct rind_token_key *rind_tenant_key_of(const struct rind_tenant_key *key);
void rind_tenant_key_release(struct rind_tenant_key *key);

/*
 * The key, from the cache or the source. RIND_E_NOT_FOUND or RIND_E_INVALID: there is none that
 * could be used. RIND_E_BUSY: too many unknown keys are asked for. Others: the source failed.
 */
rind_status rind_tenant_keys_acquire(struct rind_ctx *ctx, struct rind_tenant_keys *keys,
                                     const struct rind_token_key_id *key_id,
                                     struct rind_deadline deadline,
                                     struct rind_tenant_key **key) RIND_MUST_USE;

#endif
