/*
 * secret.h - one secret as operators store it, and an immutable map of all of them.
 *
 * Token keys are parsed when a secret enters the map, so that a bad one is found (and reported)
 * when it is loaded instead of when somebody uses it.
 * Spec: docs/spec/05-cloud-services.md sections 3.1 and 3.2.
 */
#ifndef RIND_AUTH_SECRET_H
#define RIND_AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/token_key.h"
#include "base/slice.h"
#include "base/status.h"

/* Secrets of one map; far above what one project's Secret Manager serves. */
#define RIND_SECRET_COUNT_MAX 1000000u
/* Bytes of one payload: Secret Manager's own bound. */
#define RIND_SECRET_PAYLOAD_SIZE_MAX 65536u
/* Characters of a name: Secret Manager allows 255; files may have a little more. */
#define RIND_SECRET_NAME_SIZE_MAX 1024u

/* Name of a tenant's secret: this, then the tenant. */
#define RIND_SECRET_TENANT_PREFIX "tenant-"
/* The same in a software realm (05 section 13.1). */
#define RIND_SECRET_SOFTWARE_PREFIX "jb-sw-tenant-"

enum rind_secret_algorithm {
    RIND_SECRET_HMAC_SHA256,
    RIND_SECRET_RSA_PKCS1_SHA256,
    RIND_SECRET_BLAKE2S_MAC256,
    RIND_SECRET_EDWARDS25519
};

/* One version of one secret; all of it borrowed from its map. */
struct rind_secret {
    struct rind_slice name;
    uint64_t version;
    enum rind_secret_algorithm algorithm;
    struct rind_slice data; /* secret */
    /* Verifies the tenant's tokens. NULL if the algorithm is no token algorithm or the data no key:
     * treat as not found. */
    const struct rind_token_key *token_key;
    /* The payload was not a secret object and serves whole as an HMAC key (legacy). */
    bool is_raw;
};

/* All secrets of one load. Filled by one thread, then sealed; from then on immutable and readable
 * by all. */
struct rind_secret_map;

/* An empty map; NULL when out of memory. */
struct rind_secret_map *rind_secret_map_new(void);

/* Wipes and frees all of it; NULL is fine. */
void rind_secret_map_free(struct rind_secret_map *map);

/*
 * Adds the secret of a payload of section 3.2. RIND_E_INVALID for a payload that is none (the
 * sentence is InvalidJSON or InvalidDataForEncoding). A bad token key is no error: it is kept
 * without token_key.
 */
rind_status rind_secret_map_add(struct rind_secret_map *map, struct rind_ctx *ctx,
                                struct rind_slice name, uint64_t version,
                                struct rind_slice payload) RIND_MUST_USE;

/*
 * As rind_secret_map_add, but a payload that is not a secret object becomes an HmacSha256 key as
 * it is (section 3.3), marked is_raw. Except a JSON object that names a public-key algorithm: what
 * it holds is public, so whoever knows it could sign as that tenant; refused with RIND_E_INVALID.
 */
rind_status rind_secret_map_add_or_raw(struct rind_secret_map *map, struct rind_ctx *ctx,
                                       struct rind_slice name, uint64_t version,
                                       struct rind_slice payload) RIND_MUST_USE;

/* Ends the filling; lookups work from now on. RIND_E_EXISTS if a name has one version twice: then
 * the map can only be freed. */
rind_status rind_secret_map_seal(struct rind_secret_map *map, struct rind_ctx *ctx) RIND_MUST_USE;

size_t rind_secret_map_count(const struct rind_secret_map *map);

/* The i-th secret in the order of (name, version); sealed maps only. */
const struct rind_secret *rind_secret_map_at(const struct rind_secret_map *map, size_t index);

/* The secret of that name and version, or NULL. */
const struct rind_secret *rind_secret_map_find(const struct rind_secret_map *map,
                                               struct rind_slice name, uint64_t version);

/* The secret of that name with the numerically greatest version, or NULL. */
const struct rind_secret *rind_secret_map_find_latest(const struct rind_secret_map *map,
                                                      struct rind_slice name);

/* The verification key `tenant-<tenant>` of that version; NULL if there is none, or a bad one. */
const struct rind_token_key *rind_secret_map_find_tenant_key(const struct rind_secret_map *map,
                                                             struct rind_slice tenant,
                                                             uint64_t version);

#endif
