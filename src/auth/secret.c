/*
 * secret.c - the map of secrets: filled once, sorted, then only read.
 *
 * Spec: docs/spec/05-cloud-services.md sections 3.1 to 3.3.
 */
#include "auth/secret.h"

#include <stdlib.h>
#include <string.h>

#include "auth/secret_json.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/wipe.h"

#define SECRET_MAP_CAPACITY_FIRST 16u

struct secret_entry {
    struct rind_secret secret;        /* its slices point into the two allocations below */
    uint8_t *name;                    /* owned */
    uint8_t *data;                    /* owned, secret */
    struct rind_token_key *token_key; /* owned */
};

struct rind_secret_map {
    struct secret_entry *entries;
    size_t count;
    size_t capacity;
    bool is_sealed;
};

struct rind_secret_map *rind_secret_map_new(void)
{
    return calloc(1, sizeof(struct rind_secret_map));
}

static void bytes_free(uint8_t *bytes, size_t length)
{
    if (bytes != NULL) {
        rind_wipe(bytes, length);
        free(bytes);
    }
}

static void secret_entry_fini(struct secret_entry *entry)
{
    rind_token_key_free(entry->token_key);
    bytes_free(entry->data, entry->secret.data.length);
    free(entry->name);
}

void rind_secret_map_free(struct rind_secret_map *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->count; i++) {
        secret_entry_fini(&map->entries[i]);
    }
    free(map->entries);
    free(map);
}

/* Room for one more entry. */
static rind_status secret_map_grow(struct rind_secret_map *map, struct rind_ctx *ctx)
{
    RIND_REQUIRE(ctx, map->count < RIND_SECRET_COUNT_MAX, RIND_E_LIMIT,
                 "more than %u secrets; delete old versions", RIND_SECRET_COUNT_MAX);
    if (map->count < map->capacity) {
        return RIND_OK;
    }
    size_t capacity = map->capacity > 0 ? 2 * map->capacity : SECRET_MAP_CAPACITY_FIRST;
    struct secret_entry *entries = realloc(map->entries, capacity * sizeof(*entries));
    RIND_REQUIRE(ctx, entries != NULL, RIND_E_LIMIT, "out of memory for secrets");
    map->entries = entries;
    map->capacity = capacity;
    return RIND_OK;
}

/* The key of a tenant's secret, or NULL if it is none: reported by whoever loads, never fatal. */
static struct rind_token_key *secret_token_key_new(enum rind_secret_algorithm secret_algorithm,
                                                   struct rind_slice data)
{
    enum rind_token_algorithm algorithm = RIND_TOKEN_HS256;
    switch (secret_algorithm) {
    case RIND_SECRET_HMAC_SHA256:
        if (data.length == 0) {
            return NULL; /* a slip of whoever stored it: everybody knows this key */
        }
        break;
    case RIND_SECRET_RSA_PKCS1_SHA256:
        algorithm = RIND_TOKEN_RS256;
        break;
    case RIND_SECRET_EDWARDS25519:
        algorithm = RIND_TOKEN_EDDSA;
        break;
    case RIND_SECRET_BLAKE2S_MAC256:
        return NULL;
    }
    struct rind_token_key *key = NULL;
    if (!rind_is_ok(rind_token_key_new_verifying(NULL, algorithm, data, &key))) {
        return NULL;
    }
    return key;
}

/* Adds an entry; takes `contents->data` in any case. */
static rind_status secret_map_insert(struct rind_secret_map *map, struct rind_ctx *ctx,
                                     struct rind_slice name, uint64_t version,
                                     struct rind_secret_contents contents, bool is_raw)
{
    struct rind_slice data = rind_slice_make(contents.data, contents.length);
    uint8_t *name_copy = NULL;
    rind_status status = secret_map_grow(map, ctx);
    if (rind_is_ok(status)) {
        name_copy = malloc(name.length + 1);
        if (name_copy == NULL) {
            status = rind_fail(ctx, RIND_E_LIMIT, "out of memory for secrets");
        }
    }
    if (!rind_is_ok(status)) {
        bytes_free(contents.data, contents.length);
        return status;
    }
    if (name.length > 0) {
        memcpy(name_copy, name.data, name.length);
    }
    struct rind_token_key *key = secret_token_key_new(contents.algorithm, data);
    map->entries[map->count++] = (struct secret_entry){
        .secret = {.name = rind_slice_make(name_copy, name.length),
                   .version = version,
                   .algorithm = contents.algorithm,
                   .data = data,
                   .token_key = key,
                   .is_raw = is_raw},
        .name = name_copy,
        .data = contents.data,
        .token_key = key,
    };
    return RIND_OK;
}

static rind_status secret_map_check(const struct rind_secret_map *map, struct rind_ctx *ctx,
                                    struct rind_slice name)
{
    RIND_ASSERT(!map->is_sealed);
    RIND_REQUIRE(ctx, name.length <= RIND_SECRET_NAME_SIZE_MAX, RIND_E_LIMIT,
                 "a secret's name has %zu characters, more than %u", name.length,
                 RIND_SECRET_NAME_SIZE_MAX);
    return RIND_OK;
}

rind_status rind_secret_map_add_object(struct rind_secret_map *map, struct rind_ctx *ctx,
                                       struct rind_slice name, uint64_t version,
                                       const json_t *object)
{
    struct rind_secret_contents contents;
    RIND_TRY(secret_map_check(map, ctx, name));
    RIND_TRY(rind_secret_object_read(ctx, object, &contents));
    return secret_map_insert(map, ctx, name, version, contents, false);
}

rind_status rind_secret_map_add(struct rind_secret_map *map, struct rind_ctx *ctx,
                                struct rind_slice name, uint64_t version, struct rind_slice payload)
{
    json_error_t error;
    RIND_REQUIRE(ctx, payload.length <= RIND_SECRET_PAYLOAD_SIZE_MAX, RIND_E_INVALID,
                 "InvalidJSON");
    json_t *object = rind_secret_json_parse(payload, &error);
    rind_status status = object != NULL
                             ? rind_secret_map_add_object(map, ctx, name, version, object)
                             : rind_fail(ctx, RIND_E_INVALID, "InvalidJSON");
    rind_secret_json_free(object);
    return status;
}

/* True for a JSON object that says it holds a public key. */
static bool payload_is_public(struct rind_slice payload)
{
    json_error_t error;
    json_t *object = rind_secret_json_parse(payload, &error);
    const char *algorithm = json_string_value(json_object_get(object, "algorithm"));
    bool is_public = algorithm != NULL && (strcmp(algorithm, "RsaPkcs1Sha256") == 0 ||
                                           strcmp(algorithm, "Edwards25519") == 0);
    rind_secret_json_free(object);
    return is_public;
}

rind_status rind_secret_map_add_or_raw(struct rind_secret_map *map, struct rind_ctx *ctx,
                                       struct rind_slice name, uint64_t version,
                                       struct rind_slice payload)
{
    rind_status status = rind_secret_map_add(map, ctx, name, version, payload);
    if (!rind_is(status, RIND_E_INVALID) || payload_is_public(payload)) {
        return status;
    }
    struct rind_secret_contents contents = {RIND_SECRET_HMAC_SHA256, malloc(payload.length + 1),
                                            payload.length};
    RIND_REQUIRE(ctx, contents.data != NULL, RIND_E_LIMIT, "out of memory for a secret");
    if (payload.length > 0) {
        memcpy(contents.data, payload.data, payload.length);
    }
    return secret_map_insert(map, ctx, name, version, contents, true);
}

static int secret_compare(struct rind_slice a_name, uint64_t a_version, struct rind_slice b_name,
                          uint64_t b_version)
{
    size_t shorter = a_name.length < b_name.length ? a_name.length : b_name.length;
    int order = shorter > 0 ? memcmp(a_name.data, b_name.data, shorter) : 0;
    if (order != 0) {
        return order;
    }
    if (a_name.length != b_name.length) {
        return a_name.length < b_name.length ? -1 : 1;
    }
    return a_version < b_version ? -1 : a_version > b_version;
}

static int secret_entry_compare(const void *a, const void *b)
{
    const struct rind_secret *x = &((const struct secret_entry *)a)->secret;
    const struct rind_secret *y = &((const struct secret_entry *)b)->secret;
    return secret_compare(x->name, x->version, y->name, y->version);
}

rind_status rind_secret_map_seal(struct rind_secret_map *map, struct rind_ctx *ctx)
{
    RIND_ASSERT(!map->is_sealed);
    if (map->count > 0) {
        qsort(map->entries, map->count, sizeof(map->entries[0]), secret_entry_compare);
    }
    for (size_t i = 1; i < map->count; i++) {
        const struct rind_secret *secret = &map->entries[i].secret;
        RIND_REQUIRE(ctx, secret_entry_compare(&map->entries[i - 1], &map->entries[i]) != 0,
                     RIND_E_EXISTS, "secret %.*s has two versions %llu", (int)secret->name.length,
                     (const char *)secret->name.data, (unsigned long long)secret->version);
    }
    map->is_sealed = true;
    return RIND_OK;
}

size_t rind_secret_map_count(const struct rind_secret_map *map)
{
    return map->count;
}

const struct rind_secret *rind_secret_map_at(const struct rind_secret_map *map, size_t index)
{
    RIND_ASSERT(map->is_sealed && index < map->count);
    return &map->entries[index].secret;
}

/* The number of entries that are at most (name, version). */
static size_t secret_map_upper_bound(const struct rind_secret_map *map, struct rind_slice name,
                                     uint64_t version)
{
    size_t low = 0;
    size_t high = map->count;
    RIND_ASSERT(map->is_sealed);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct rind_secret *secret = &map->entries[middle].secret;
        if (secret_compare(secret->name, secret->version, name, version) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct rind_secret *rind_secret_map_find_latest(const struct rind_secret_map *map,
                                                      struct rind_slice name)
{
    size_t bound = secret_map_upper_bound(map, name, UINT64_MAX);
    if (bound == 0 || !rind_slice_equal(map->entries[bound - 1].secret.name, name)) {
        return NULL;
    }
    return &map->entries[bound - 1].secret;
}

const struct rind_secret *rind_secret_map_find(const struct rind_secret_map *map,
                                               struct rind_slice name, uint64_t version)
{
    size_t bound = secret_map_upper_bound(map, name, version);
    if (bound == 0) {
        return NULL;
    }
    const struct rind_secret *secret = &map->entries[bound - 1].secret;
    return secret->version == version && rind_slice_equal(secret->name, name) ? secret : NULL;
}

const struct rind_token_key *rind_secret_map_find_tenant_key(const struct rind_secret_map *map,
                                                             struct rind_slice tenant,
                                                             uint64_t version)
{
    uint8_t name[RIND_SECRET_NAME_SIZE_MAX];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, name, sizeof(name));
    rind_buffer_append(&buffer, rind_slice_text(RIND_SECRET_TENANT_PREFIX));
    rind_buffer_append(&buffer, tenant);
    if (buffer.is_overflown) {
        return NULL; /* no name in the map is that long */
    }
    const struct rind_secret *secret =
        rind_secret_map_find(map, rind_buffer_slice(&buffer), version);
    return secret != NULL ? secret->token_key : NULL;
}
