/* map32.c - see map32.h. */
#include "agent/map32.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define MAP32_CAPACITY_MIN 16u

struct rind_map32_slot {
    uint8_t key[RIND_MAP32_KEY_SIZE];
    union rind_map32_value value;
    bool is_used;
};

_Static_assert(crypto_shorthash_KEYBYTES == sizeof(((struct rind_map32 *)0)->hash_key),
               "the slot hash is SipHash-2-4");

void rind_map32_init(struct rind_map32 *map, size_t count_max)
{
    *map = (struct rind_map32){.count_max = count_max};
    randombytes_buf(map->hash_key, sizeof(map->hash_key));
}

void rind_map32_fini(struct rind_map32 *map)
{
    free(map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
}

static size_t map32_home(const struct rind_map32 *map, const uint8_t *key)
{
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, key, RIND_MAP32_KEY_SIZE, map->hash_key);
    return (size_t)rind_get_le64(hash) & (map->capacity - 1);
}

/* The slot that holds `key`, or the free slot where it belongs. Some slot is always free. */
static size_t map32_find(const struct rind_map32 *map, const uint8_t *key)
{
    RIND_ASSERT(map->count < map->capacity);
    size_t at = map32_home(map, key);
    while (map->slots[at].is_used && memcmp(map->slots[at].key, key, RIND_MAP32_KEY_SIZE) != 0) {
        at = (at + 1) & (map->capacity - 1);
    }
    return at;
}

static void map32_grow(struct rind_map32 *map)
{
    struct rind_map32_slot *old = map->slots;
    size_t old_capacity = map->capacity;
    map->capacity = old_capacity == 0 ? MAP32_CAPACITY_MIN : old_capacity * 2;
    map->slots = calloc(map->capacity, sizeof(*map->slots));
    RIND_ASSERT(map->slots != NULL);
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].is_used) {
            map->slots[map32_find(map, old[i].key)] = old[i];
        }
    }
    free(old);
}

bool rind_map32_put(struct rind_map32 *map, const uint8_t key[RIND_MAP32_KEY_SIZE],
                    union rind_map32_value value)
{
    union rind_map32_value *present = rind_map32_get(map, key);
    if (present != NULL) {
        *present = value;
        return true;
    }
    if (map->count >= map->count_max) {
        return false;
    }
    if ((map->count + 1) * 4 > map->capacity * 3) {
        /* find needs a free slot while moving, which a doubled table has */
        map32_grow(map);
    }
    struct rind_map32_slot *slot = &map->slots[map32_find(map, key)];
    memcpy(slot->key, key, RIND_MAP32_KEY_SIZE);
    slot->value = value;
    slot->is_used = true;
    map->count++;
    return true;
}

union rind_map32_value *rind_map32_get(const struct rind_map32 *map,
                                       const uint8_t key[RIND_MAP32_KEY_SIZE])
{
    if (map->count == 0) {
        return NULL;
    }
    struct rind_map32_slot *slot = &map->slots[map32_find(map, key)];
    return slot->is_used ? &slot->value : NULL;
}

bool rind_map32_remove(struct rind_map32 *map, const uint8_t key[RIND_MAP32_KEY_SIZE],
                       union rind_map32_value *value)
{
    if (map->count == 0) {
        return false;
    }
    size_t hole = map32_find(map, key);
    if (!map->slots[hole].is_used) {
        return false;
    }
    if (value != NULL) {
        *value = map->slots[hole].value;
    }
    /* Pull back every later entry of the run whose home lies at or before the hole. */
    size_t mask = map->capacity - 1;
    for (size_t at = (hole + 1) & mask; map->slots[at].is_used; at = (at + 1) & mask) {
        size_t home = map32_home(map, map->slots[at].key);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole].is_used = false;
    map->count--;
    return true;
}

void rind_map32_clear(struct rind_map32 *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        map->slots[i].is_used = false;
    }
    map->count = 0;
}

bool rind_map32_next(const struct rind_map32 *map, size_t *cursor, const uint8_t **key,
                     union rind_map32_value *value)
{
    while (*cursor < map->capacity) {
        const struct rind_map32_slot *slot = &map->slots[(*cursor)++];
        if (slot->is_used) {
            *key = slot->key;
            *value = slot->value;
            return true;
        }
    }
    return false;
}
