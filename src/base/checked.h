/* checked.h - arithmetic on sizes that reports overflow instead of wrapping. */
#ifndef RIND_BASE_CHECKED_H
#define RIND_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *sum = a + b; false on overflow. */
static inline bool rind_checked_add(size_t a, size_t b, size_t *sum)
{
    *sum = a + b;
    return *sum >= a;
}

/* *product = a * b; false on overflow. */
static inline bool rind_checked_multiply(size_t a, size_t b, size_t *product)
{
    *product = a * b;
    return a == 0 || *product / a == b;
}

#endif
