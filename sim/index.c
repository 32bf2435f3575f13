/* index.c - a table from 64-bit keys to numbers, and arrays that grow. */
#include <stdlib.h>

#include "sim.h"

#define INDEX_SLOTS_FIRST 1024u

uint64_t sim_key_of(const uint8_t *bytes)
{
    return rind_get_be64(bytes);
}

static size_t index_slot(const struct sim_index *index, uint64_t key)
{
    size_t at = (size_t)key & (index->slot_count - 1);
    while (index->values[at] != SIM_NONE && index->keys[at] != key) {
        at = (at + 1) & (index->slot_count - 1);
    }
    return at;
}

uint32_t sim_index_find(const struct sim_index *index, uint64_t key)
{
    return index->slot_count == 0 ? SIM_NONE : index->values[index_slot(index, key)];
}

static void index_make(struct sim_index *index, size_t slot_count)
{
    index->keys = calloc(slot_count, sizeof(*index->keys));
    index->values = malloc(slot_count * sizeof(*index->values));
    if (index->keys == NULL || index->values == NULL) {
        sim_broken("no memory for an index");
    }
    memset(index->values, 0xff, slot_count * sizeof(*index->values));
    index->slot_count = slot_count;
}

void sim_index_put(struct sim_index *index, uint64_t key, uint32_t value)
{
    if (2 * index->count >= index->slot_count) {
        struct sim_index old = *index;
        index_make(index, old.slot_count == 0 ? INDEX_SLOTS_FIRST : 2 * old.slot_count);
        for (size_t i = 0; i < old.slot_count; i++) {
            if (old.values[i] != SIM_NONE) {
                size_t to = index_slot(index, old.keys[i]);
                index->keys[to] = old.keys[i];
                index->values[to] = old.values[i];
            }
        }
        free(old.keys);
        free(old.values);
    }
    size_t at = index_slot(index, key);
    index->count += index->values[at] == SIM_NONE ? 1u : 0u;
    index->keys[at] = key;
    index->values[at] = value;
}

void *sim_grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    *capacity = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = realloc(items, *capacity * size);
    if (grown == NULL) {
        sim_broken("no memory for a list");
    }
    return grown;
}
