/* endian.h - integers at fixed byte orders in unaligned memory, the same on every machine. */
#ifndef RIND_BASE_ENDIAN_H
#define RIND_BASE_ENDIAN_H

#include <stdint.h>

static inline void rind_put_be64(uint8_t out[static 8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

static inline uint64_t rind_get_be64(const uint8_t in[static 8])
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value = (value << 8) | in[i];
    }
    return value;
}

static inline void rind_put_be32(uint8_t out[static 4], uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static inline uint32_t rind_get_be32(const uint8_t in[static 4])
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        value = (value << 8) | in[i];
    }
    return value;
}

static inline void rind_put_le64(uint8_t out[static 8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t rind_get_le64(const uint8_t in[static 8])
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)in[i] << (8 * i);
    }
    return value;
}

#endif
