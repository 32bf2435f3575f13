/* wipe.h - erasing secrets in a way that compilers may not drop. */
#ifndef RIND_BASE_WIPE_H
#define RIND_BASE_WIPE_H

#include <stddef.h>

/* Overwrites `size` bytes with zero. `memory` may be NULL if size is 0. */
void rind_wipe(void *memory, size_t size);

#endif
