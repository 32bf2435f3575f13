/* wipe.h - erasing secrets in a way that compilers may not drop. */
#ifndef RIND_BASE_WIPE_H
#define RIND_BASE_WIPE_H

#include <stddef.h>

/* Overwrites `size` bytes with zero. `memory` may be NULL if size is 0. */
void rind_wipe(void *memory, size_t size);

/*
 * Overwrites the stack below the caller's frame, RIND_WIPE_STACK_SIZE bytes of it: what functions
 * that have returned, ours and the libraries', left there of the secrets they worked on. No request
 * goes deeper (test_hsm_wipe looks after each); a larger one would cost each request its caches.
 */
#define RIND_WIPE_STACK_SIZE 24576u
void rind_wipe_stack(void);

#endif
