/*
 * mix.h - a keyed hash for tables in memory: fast, and unpredictable without its key.
 *
 * Strongly universal in 32-bit words (multiply-shift over pairs): whatever keys a host makes us
 * remember, they spread as if random, unless it knows the seed, which is drawn at boot. It is no
 * pseudorandom function: values must not leave this memory. Not for secrets; the time it takes
 * depends on sizes alone.
 */
#ifndef RIND_CRYPTO_MIX_H
#define RIND_CRYPTO_MIX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"

#define RIND_MIX_SEED_SIZE 32u
/* The longest input, a multiple of 8. */
#define RIND_MIX_SIZE_MAX 40u

struct rind_mix {
    uint64_t keys[RIND_MIX_SIZE_MAX / sizeof(uint32_t)];
};

/* Expands a random seed. */
void rind_mix_init(struct rind_mix *mix, const uint8_t seed[static RIND_MIX_SEED_SIZE]);

/*
 * The hash of `size` bytes: a multiple of 8, at most RIND_MIX_SIZE_MAX (asserted), and the same for
 * all of one table. Differs between machines of different byte order.
 */
static inline uint32_t rind_mix(const struct rind_mix *mix, const void *bytes, size_t size)
{
    RIND_ASSERT(size <= RIND_MIX_SIZE_MAX && size % (2 * sizeof(uint32_t)) == 0);
    uint64_t sum = 0;
    for (size_t at = 0; at < size; at += 2 * sizeof(uint32_t)) {
        uint32_t words[2];
        memcpy(words, (const uint8_t *)bytes + at, sizeof(words));
        const uint64_t *keys = &mix->keys[at / sizeof(uint32_t)];
        sum += (keys[0] + words[0]) * (keys[1] + words[1]);
    }
    return (uint32_t)(sum >> 32);
}

#endif
