/* ct.c - see ct.h. */
#include "base/ct.h"

/* 1 if the byte is zero, else 0, without a branch: only 0 - 1 borrows into bit 8. */
static bool ct_byte_is_zero(uint8_t byte)
{
    return (bool)((((uint32_t)byte - 1u) >> 8) & 1u);
}

bool rind_ct_equal(const void *a, const void *b, size_t size)
{
    /* volatile: the compiler may neither stop early nor turn this into memcmp. */
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < size; i++) {
        difference |= (uint8_t)(left[i] ^ right[i]);
    }
    return ct_byte_is_zero(difference);
}

bool rind_ct_is_zero(const void *bytes, size_t size)
{
    const volatile uint8_t *all = bytes;
    uint8_t seen = 0;
    for (size_t i = 0; i < size; i++) {
        seen |= all[i];
    }
    return ct_byte_is_zero(seen);
}

bool rind_ct_is_at_most(uint8_t value, uint8_t limit)
{
    /* limit - value borrows into bit 8 exactly when value is the larger one. */
    return (bool)(1u ^ ((((uint32_t)limit - (uint32_t)value) >> 8) & 1u));
}
