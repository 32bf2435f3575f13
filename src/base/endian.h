/*
 * endian.h - integers at fixed byte orders in unaligned memory, the same on every machine.
 *
 * Written out byte by byte, as that is the form in which compilers see a single load or store.
 */
#ifndef RIND_BASE_ENDIAN_H
#define RIND_BASE_ENDIAN_H

#include <stdint.h>

static inline void rind_put_be64(uint8_t out[static 8], uint64_t value)
{
    out[0] = (uint8_t)(value >> 56);
    out[1] = (uint8_t)(value >> 48);
    out[2] = (uint8_t)(value >> 40);
    out[3] = (uint8_t)(value >> 32);
    out[4] = (uint8_t)(value >> 24);
    out[5] = (uint8_t)(value >> 16);
    out[6] = (uint8_t)(value >> 8);
    out[7] = (uint8_t)value;
}

static inline uint64_t rind_get_be64(const uint8_t in[static 8])
{
    return (uint64_t)in[0] << 56 | (uint64_t)in[1] << 48 | (uint64_t)in[2] << 40 |
           (uint64_t)in[3] << 32 | (uint64_t)in[4] << 24 | (uint64_t)in[5] << 16 |
           (uint64_t)in[6] << 8 | (uint64_t)in[7];
}

static inline void rind_put_be32(uint8_t out[static 4], uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static inline uint32_t rind_get_be32(const uint8_t in[static 4])
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | (uint32_t)in[3];
}

static inline void rind_put_le64(uint8_t out[static 8], uint64_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
    out[2] = (uint8_t)(value >> 16);
    out[3] = (uint8_t)(value >> 24);
    out[4] = (uint8_t)(value >> 32);
    out[5] = (uint8_t)(value >> 40);
    out[6] = (uint8_t)(value >> 48);
    out[7] = (uint8_t)(value >> 56);
}

static inline uint64_t rind_get_le64(const uint8_t in[static 8])
{
    return (uint64_t)in[7] << 56 | (uint64_t)in[6] << 48 | (uint64_t)in[5] << 40 |
           (uint64_t)in[4] << 32 | (uint64_t)in[3] << 24 | (uint64_t)in[2] << 16 |
           (uint64_t)in[1] << 8 | (uint64_t)in[0];
}

#endif
