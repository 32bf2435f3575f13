/* cache.c - see cache.h. */
#include "store/cache.h"

#include <stdlib.h>

#include "host/thread.h"
#include "merkle/row_key.h"

#define SHARDS_MAX 16u
#define SHARD_NODES_MIN 256u /* smaller caches are not sharded, so that their limit is exact */
#define KEY_SIZE_MAX (sizeof(struct rind_realm_id) + RIND_ROW_KEY_SIZE_MAX)
#define BUCKETS_MAX (1u << 24)

struct cached {
    struct cached *bucket_next;
    struct cached *newer; /* in the order of use; pinned nodes are not in it */
    struct cached *older;
    uint64_t hash;
    uint32_t pins;
    bool is_stored; /* `instance` is in the store */
    uint8_t instance[RIND_MERKLE_INSTANCE_SIZE];
    uint8_t key_size;
    uint8_t key[KEY_SIZE_MAX];
    size_t cbor_size;
    uint8_t cbor[];
};

struct shard {
    struct rind_mutex mutex; /* guards the rest; nothing is taken while held */
    struct cached **buckets;
    size_t bucket_count; /* a power of two */
    struct cached *newest;
    struct cached *oldest;
    size_t nodes;
    size_t bytes;
    size_t nodes_max;
    size_t bytes_max;
    uint64_t hits;
    uint64_t misses;
};

struct rind_node_cache {
    size_t shard_count;
    struct shard shards[SHARDS_MAX];
};

struct key {
    uint8_t bytes[KEY_SIZE_MAX];
    uint8_t size;
    uint64_t hash;
};

/* Row keys end in a hash, so its bytes serve as ours. A key of a wrong size is no key: false. */
static bool key_make(const struct rind_realm_id *realm, struct rind_slice row_key, struct key *key)
{
    if (row_key.length < RIND_ROW_KEY_SIZE_MIN || row_key.length > RIND_ROW_KEY_SIZE_MAX) {
        return false;
    }
    memcpy(key->bytes, realm->bytes, sizeof(realm->bytes));
    memcpy(key->bytes + sizeof(realm->bytes), row_key.data, row_key.length);
    key->size = (uint8_t)(sizeof(realm->bytes) + row_key.length);
    key->hash = rind_get_be64(row_key.data + row_key.length - 8) ^ rind_get_be64(realm->bytes);
    return true;
}

static struct shard *shard_of(struct rind_node_cache *cache, const struct key *key)
{
    return &cache->shards[(key->hash >> 32) % cache->shard_count];
}

/* ---- inside a locked shard ---- */

static struct cached **shard_find(struct shard *shard, const struct key *key)
{
    struct cached **link = &shard->buckets[key->hash & (shard->bucket_count - 1)];
    while (*link != NULL && ((*link)->hash != key->hash || (*link)->key_size != key->size ||
                             memcmp((*link)->key, key->bytes, key->size) != 0)) {
        link = &(*link)->bucket_next;
    }
    return link;
}

static void shard_unlink_use(struct shard *shard, struct cached *node)
{
    *(node->newer != NULL ? &node->newer->older : &shard->newest) = node->older;
    *(node->older != NULL ? &node->older->newer : &shard->oldest) = node->newer;
}

static void shard_link_use(struct shard *shard, struct cached *node)
{
    node->newer = NULL;
    node->older = shard->newest;
    *(shard->newest != NULL ? &shard->newest->newer : &shard->oldest) = node;
    shard->newest = node;
}

static void shard_touch(struct shard *shard, struct cached *node)
{
    if (node->pins == 0) {
        shard_unlink_use(shard, node);
        shard_link_use(shard, node);
    }
}

static size_t cached_size(const struct cached *node)
{
    return sizeof(*node) + node->cbor_size;
}

/* Frees the unpinned node at *link. */
static void shard_drop(struct shard *shard, struct cached **link)
{
    struct cached *node = *link;
    RIND_ASSERT(node->pins == 0);
    shard_unlink_use(shard, node);
    *link = node->bucket_next;
    shard->nodes--;
    shard->bytes -= cached_size(node);
    free(node);
}

static void shard_evict(struct shard *shard)
{
    while (shard->oldest != NULL &&
           (shard->nodes > shard->nodes_max || shard->bytes > shard->bytes_max)) {
        struct key key;
        key.size = shard->oldest->key_size;
        key.hash = shard->oldest->hash;
        memcpy(key.bytes, shard->oldest->key, key.size);
        shard_drop(shard, shard_find(shard, &key));
    }
}

/* The node of this key, made if needed; NULL without memory. */
static struct cached *shard_make(struct shard *shard, const struct key *key, struct rind_slice cbor)
{
    struct cached **link = shard_find(shard, key);
    if (*link != NULL) {
        shard_touch(shard, *link); /* same key, same hash, same content */
        return *link;
    }
    struct cached *node = calloc(1, sizeof(*node) + cbor.length);
    if (node == NULL) {
        return NULL;
    }
    node->hash = key->hash;
    node->key_size = key->size;
    memcpy(node->key, key->bytes, key->size);
    node->cbor_size = cbor.length;
    if (cbor.length > 0) {
        memcpy(node->cbor, cbor.data, cbor.length);
    }
    *link = node;
    shard_link_use(shard, node);
    shard->nodes++;
    shard->bytes += cached_size(node);
    return node;
}

/* ---- the cache ---- */

static size_t buckets_for(size_t nodes)
{
    size_t count = 16;
    while (count < nodes && count < BUCKETS_MAX) {
        count *= 2;
    }
    return count;
}

rind_status rind_node_cache_new(struct rind_ctx *ctx, size_t nodes_max, size_t bytes_max,
                                struct rind_node_cache **made)
{
    struct rind_node_cache *cache = calloc(1, sizeof(*cache));
    RIND_REQUIRE(ctx, cache != NULL, RIND_E_LIMIT, "no memory for the cache of tree nodes");
    cache->shard_count = nodes_max >= SHARDS_MAX * SHARD_NODES_MIN ? SHARDS_MAX : 1;
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        rind_mutex_init(&shard->mutex);
        shard->nodes_max = nodes_max / cache->shard_count;
        shard->bytes_max = bytes_max / cache->shard_count;
        shard->bucket_count = buckets_for(shard->nodes_max);
        shard->buckets = calloc(shard->bucket_count, sizeof(struct cached *));
        if (shard->buckets == NULL) {
            cache->shard_count = i + 1;
            rind_node_cache_free(cache);
            return rind_fail(ctx, RIND_E_LIMIT, "no memory for a cache of %zu tree nodes",
                             nodes_max);
        }
    }
    *made = cache;
    return RIND_OK;
}

void rind_node_cache_free(struct rind_node_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        for (size_t j = 0; shard->buckets != NULL && j < shard->bucket_count; j++) {
            while (shard->buckets[j] != NULL) {
                struct cached *node = shard->buckets[j];
                shard->buckets[j] = node->bucket_next;
                free(node);
            }
        }
        free(shard->buckets);
        rind_mutex_fini(&shard->mutex);
    }
    free(cache);
}

rind_status rind_node_cache_get(struct rind_ctx *ctx, struct rind_node_cache *cache,
                                const struct rind_realm_id *realm, struct rind_slice row_key,
                                struct rind_slice *cbor, bool *is_found)
{
    struct key key;
    *is_found = false;
    if (!key_make(realm, row_key, &key)) {
        return RIND_OK;
    }
    struct shard *shard = shard_of(cache, &key);
    bool has_room = true;
    rind_mutex_lock(&shard->mutex);
    struct cached *node = *shard_find(shard, &key);
    if (node != NULL) {
        shard_touch(shard, node);
        shard->hits++;
        has_room = rind_arena_copy(ctx->arena, rind_slice_make(node->cbor, node->cbor_size), cbor);
        *is_found = has_room;
    } else {
        shard->misses++;
    }
    rind_mutex_unlock(&shard->mutex);
    RIND_REQUIRE(ctx, has_room, RIND_E_LIMIT, "no room left for nodes in the request's memory");
    return RIND_OK;
}

void rind_node_cache_put(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                         struct rind_slice row_key, struct rind_slice cbor,
                         const uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE])
{
    struct key key;
    if (!key_make(realm, row_key, &key)) {
        return;
    }
    struct shard *shard = shard_of(cache, &key);
    rind_mutex_lock(&shard->mutex);
    struct cached *node = shard_make(shard, &key, cbor);
    if (node != NULL) {
        node->is_stored = true;
        memcpy(node->instance, instance, sizeof(node->instance));
    }
    shard_evict(shard);
    rind_mutex_unlock(&shard->mutex);
}

bool rind_node_cache_instance(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                              struct rind_slice row_key,
                              uint8_t instance[static RIND_MERKLE_INSTANCE_SIZE])
{
    struct key key;
    if (!key_make(realm, row_key, &key)) {
        return false;
    }
    struct shard *shard = shard_of(cache, &key);
    rind_mutex_lock(&shard->mutex);
    const struct cached *node = *shard_find(shard, &key);
    bool is_found = node != NULL && node->is_stored;
    if (is_found) {
        memcpy(instance, node->instance, sizeof(node->instance));
    }
    rind_mutex_unlock(&shard->mutex);
    return is_found;
}

void rind_node_cache_remove(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                            struct rind_slice row_key)
{
    struct key key;
    if (!key_make(realm, row_key, &key)) {
        return;
    }
    struct shard *shard = shard_of(cache, &key);
    rind_mutex_lock(&shard->mutex);
    struct cached **link = shard_find(shard, &key);
    if (*link != NULL && (*link)->pins == 0) {
        shard_drop(shard, link);
    }
    rind_mutex_unlock(&shard->mutex);
}

bool rind_node_cache_pin(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                         struct rind_slice row_key, struct rind_slice cbor)
{
    struct key key;
    if (!key_make(realm, row_key, &key)) {
        return true; /* no node has such a key, so nobody will look for it */
    }
    struct shard *shard = shard_of(cache, &key);
    rind_mutex_lock(&shard->mutex);
    struct cached *node = shard_make(shard, &key, cbor);
    if (node != NULL) {
        if (node->pins == 0) {
            shard_unlink_use(shard, node);
        }
        node->pins++;
        shard_evict(shard);
    }
    rind_mutex_unlock(&shard->mutex);
    return node != NULL;
}

void rind_node_cache_unpin(struct rind_node_cache *cache, const struct rind_realm_id *realm,
                           struct rind_slice row_key)
{
    struct key key;
    if (!key_make(realm, row_key, &key)) {
        return;
    }
    struct shard *shard = shard_of(cache, &key);
    rind_mutex_lock(&shard->mutex);
    struct cached **link = shard_find(shard, &key);
    struct cached *node = *link;
    RIND_ASSERT(node != NULL && node->pins > 0);
    node->pins--;
    if (node->pins == 0) {
        shard_link_use(shard, node);
        if (!node->is_stored) {
            shard_drop(shard, link);
        }
        shard_evict(shard);
    }
    rind_mutex_unlock(&shard->mutex);
}

void rind_node_cache_statistics(struct rind_node_cache *cache,
                                struct rind_node_cache_statistics *statistics)
{
    memset(statistics, 0, sizeof(*statistics));
    for (size_t i = 0; i < cache->shard_count; i++) {
        struct shard *shard = &cache->shards[i];
        rind_mutex_lock(&shard->mutex);
        statistics->nodes += shard->nodes;
        statistics->nodes_max += shard->nodes_max;
        statistics->bytes += shard->bytes;
        statistics->hits += shard->hits;
        statistics->misses += shard->misses;
        rind_mutex_unlock(&shard->mutex);
    }
}
