/* memory.c - see memory.h. */
#include "client/memory.h"

#include <sys/mman.h>

#include "base/wipe.h"

void *rind_sdk_memory_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    (void)mlock(memory, size); /* best effort, see memory.h */
    (void)madvise(memory, size, MADV_DONTDUMP);
    return memory;
}

void rind_sdk_memory_free(void *memory, size_t size)
{
    if (memory == NULL) {
        return;
    }
    rind_wipe(memory, size);
    (void)munmap(memory, size); /* unlocks too */
}
