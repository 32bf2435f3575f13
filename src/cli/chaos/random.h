/*
 * random.h - reproducible choices: one seed, one sequence.
 *
 * SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014). Never
 * for secrets. One thread each.
 */
#ifndef RIND_CLI_CHAOS_RANDOM_H
#define RIND_CLI_CHAOS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct rind_chaos_random {
    uint64_t state;
};

static inline uint64_t rind_chaos_random_next(struct rind_chaos_random *random)
{
    random->state += 0x9e3779b97f4a7c15ull;
    uint64_t mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
    return mixed ^ (mixed >> 31);
}

/* From 0 to count - 1. */
static inline uint32_t rind_chaos_random_below(struct rind_chaos_random *random, uint32_t count)
{
    return (uint32_t)((rind_chaos_random_next(random) >> 32) * count >> 32);
}

static inline bool rind_chaos_random_percent(struct rind_chaos_random *random, uint32_t percent)
{
    return rind_chaos_random_below(random, 100) < percent;
}

#endif
