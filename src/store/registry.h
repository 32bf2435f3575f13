/*
 * registry.h - the tables shared by all realms: leases, service discovery, tenant configuration
 * (docs/spec/04-store.md sections 12-14).
 *
 * Times are the caller's clock (the store's options say which).
 */
#ifndef RIND_STORE_REGISTRY_H
#define RIND_STORE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "host/clock.h"
#include "store/keys.h"

struct rind_store;

/* ---- leases ---- */

#define RIND_LEASE_ID_SIZE 33u /* 32 lower-case hex characters and a NUL */
#define RIND_LEASE_OWNER_SIZE_BYTES_MAX 256u
#define RIND_LEASE_DURATION_MS 3000u /* what cluster managers take, renewing every second */
#define RIND_LEASE_RENEW_INTERVAL_MS 1000u

struct rind_lease {
    char key[RIND_LEASE_KEY_SIZE_MAX];
    char id[RIND_LEASE_ID_SIZE];
    char owner[RIND_LEASE_OWNER_SIZE_BYTES_MAX];
    uint64_t expires_unix_ms; /* stop work before this, with a margin */
};

/*
 * Takes the lease `key` (keys.h: rind_lease_key_*) for duration_ms; RIND_E_BUSY if somebody else
 * holds it. Repeating after a lost answer recognises our own id, so it is never refused falsely.
 * `owner` is for people to read.
 */
rind_status rind_store_lease_obtain(struct rind_ctx *ctx, struct rind_store *store, const char *key,
                                    const char *owner, uint64_t duration_ms,
                                    struct rind_deadline deadline,
                                    struct rind_lease *lease) RIND_MUST_USE;

/* As obtain, trying again every 10..100 ms until the deadline. */
rind_status rind_store_lease_wait(struct rind_ctx *ctx, struct rind_store *store, const char *key,
                                  const char *owner, uint64_t duration_ms,
                                  struct rind_deadline deadline,
                                  struct rind_lease *lease) RIND_MUST_USE;

/* Moves the expiry to now + duration_ms; RIND_E_DENIED if somebody else has it (or nobody). */
rind_status rind_store_lease_extend(struct rind_ctx *ctx, struct rind_store *store,
                                    struct rind_lease *lease, uint64_t duration_ms,
                                    struct rind_deadline deadline) RIND_MUST_USE;

/* Gives the lease back; ok too if it was no longer ours. */
rind_status rind_store_lease_terminate(struct rind_ctx *ctx, struct rind_store *store,
                                       const struct rind_lease *lease,
                                       struct rind_deadline deadline) RIND_MUST_USE;

/* ---- discovery ---- */

#define RIND_DISCOVERY_REGISTER_INTERVAL_MS 600000u /* after success */
#define RIND_DISCOVERY_RETRY_INTERVAL_MS 10000u     /* after failure */
#define RIND_DISCOVERY_EXPIRY_MS 1260000u           /* 21 min */
#define RIND_DISCOVERY_SERVICES_MAX 4096u

enum rind_service_kind {
    RIND_SERVICE_ANY = 0, /* for lookups only */
    RIND_SERVICE_AGENT = 'a',
    RIND_SERVICE_CLUSTER_MANAGER = 'c',
    RIND_SERVICE_LOAD_BALANCER = 'l',
};

struct rind_service {
    enum rind_service_kind kind;
    const char *url; /* normalised; memory of ctx->arena */
};

struct rind_services {
    struct rind_service *services; /* by kind, then URL */
    size_t count;
};

/* Registers `url` (normalised here) with the current time; do it again every
 * RIND_DISCOVERY_REGISTER_INTERVAL_MS. */
rind_status rind_store_discovery_register(struct rind_ctx *ctx, struct rind_store *store,
                                          enum rind_service_kind kind, const char *url,
                                          struct rind_deadline deadline) RIND_MUST_USE;

/* Removes a registration, when its service ends. */
rind_status rind_store_discovery_remove(struct rind_ctx *ctx, struct rind_store *store,
                                        enum rind_service_kind kind, const char *url,
                                        struct rind_deadline deadline) RIND_MUST_USE;

/*
 * The services of a kind (or RIND_SERVICE_ANY) that registered within the last 21 minutes. Older
 * rows are removed, unless their owner registers again meanwhile. A missing table is an empty list
 * and a warning in the log.
 */
rind_status rind_store_discovery_lookup(struct rind_ctx *ctx, struct rind_store *store,
                                        enum rind_service_kind kind, struct rind_deadline deadline,
                                        struct rind_services *services) RIND_MUST_USE;

/* ---- tenants ---- */

#define RIND_TENANTS_MAX 100000u

struct rind_tenant {
    const char *name; /* memory of ctx->arena */
    uint64_t capacity_ops_per_sec;
};

struct rind_tenants {
    struct rind_tenant *tenants; /* by name */
    size_t count;
};

rind_status rind_store_tenant_put(struct rind_ctx *ctx, struct rind_store *store, const char *name,
                                  uint64_t capacity_ops_per_sec,
                                  struct rind_deadline deadline) RIND_MUST_USE;

/* All tenants; malformed rows are skipped with a warning, a missing table is an empty list. */
rind_status rind_store_tenant_list(struct rind_ctx *ctx, struct rind_store *store,
                                   struct rind_deadline deadline,
                                   struct rind_tenants *tenants) RIND_MUST_USE;

#endif
