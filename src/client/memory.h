/*
 * memory.h - memory for secrets: not swapped, not in core dumps, wiped when given back.
 *
 * Locking is best effort: where the process may lock no (more) memory, it works without.
 */
#ifndef RIND_CLIENT_MEMORY_H
#define RIND_CLIENT_MEMORY_H

#include <stddef.h>

/* `size` zeroed bytes in pages of their own, or NULL when memory is short. */
void *rind_sdk_memory_new(size_t size);

/* Wipes and releases what rind_sdk_memory_new gave for `size`. NULL is ignored. */
void rind_sdk_memory_free(void *memory, size_t size);

#endif
