/*
 * random.h - where random bytes come from: a value handed in, never a global.
 *
 * Daemons hand in the operating system's generator, an HSM its own, tests and the simulator a
 * recording or a seed.
 */
#ifndef RIND_CRYPTO_RANDOM_H
#define RIND_CRYPTO_RANDOM_H

#include <stddef.h>

/*
 * `fill` overwrites `size` bytes at `bytes` with uniform random ones. It cannot fail: a platform
 * whose generator fails stops, since going on without randomness would give keys away.
 */
struct rind_random {
    void (*fill)(void *self, void *bytes, size_t size);
    void *self;
};

static inline void rind_random_fill(const struct rind_random *random, void *bytes, size_t size)
{
    random->fill(random->self, bytes, size);
}

#endif
