/* wipe.c - see wipe.h. */
#include "base/wipe.h"

#include <string.h>

void rind_wipe(void *memory, size_t size)
{
    if (size == 0) {
        return;
    }
    memset(memory, 0, size);
    /* The barrier makes the compiler assume that somebody reads the memory, so the store stays. */
    __asm__ __volatile__("" : : "r"(memory) : "memory");
}

/* Not inlined: its frame must lie where those of the functions called before lay. */
__attribute__((noinline)) void rind_wipe_stack(void)
{
    unsigned char below[RIND_WIPE_STACK_SIZE];
    rind_wipe(below, sizeof(below));
}
