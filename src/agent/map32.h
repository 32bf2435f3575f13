/*
 * map32.h - a hash map from 32-byte keys (record ids, entry MACs, node hashes) to one word.
 *
 * Open addressing with linear probing and backward-shift deletion, grown by doubling up to a limit
 * named by the caller. Keys reach us from peers and clients, so slots are chosen with a keyed hash
 * whose key is random per map: nobody outside can aim at one slot. Not thread-safe: the owner's
 * lock guards it.
 */
#ifndef RIND_AGENT_MAP32_H
#define RIND_AGENT_MAP32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIND_MAP32_KEY_SIZE 32u

struct rind_map32_slot;

struct rind_map32 {
    struct rind_map32_slot *slots; /* NULL until the first put */
    size_t capacity;               /* a power of two, or 0 */
    size_t count;
    size_t count_max;
    uint8_t hash_key[16];
};

/* One word per key: a number or a pointer to something the owner frees. */
union rind_map32_value {
    uint64_t number;
    void *pointer;
};

/* Makes an empty map that will hold at most `count_max` keys. */
void rind_map32_init(struct rind_map32 *map, size_t count_max);

/* Frees the map's own memory; what pointers lead to stays the owner's. */
void rind_map32_fini(struct rind_map32 *map);

/* Inserts or replaces. False when the map already holds count_max other keys. */
bool rind_map32_put(struct rind_map32 *map, const uint8_t key[RIND_MAP32_KEY_SIZE],
                    union rind_map32_value value);

/* The value's place (valid until the next put or remove), or NULL. */
union rind_map32_value *rind_map32_get(const struct rind_map32 *map,
                                       const uint8_t key[RIND_MAP32_KEY_SIZE]);

/* Removes the key; true and the value if it was there. `value` may be NULL. */
bool rind_map32_remove(struct rind_map32 *map, const uint8_t key[RIND_MAP32_KEY_SIZE],
                       union rind_map32_value *value);

/* Removes all keys, keeping the memory. */
void rind_map32_clear(struct rind_map32 *map);

/*
 * Walks all entries in no order: start with *cursor = 0, call until false. The map must not change
 * meanwhile.
 */
bool rind_map32_next(const struct rind_map32 *map, size_t *cursor, const uint8_t **key,
                     union rind_map32_value *value);

#endif
