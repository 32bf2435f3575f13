/* random.c - the seeded generator (splitmix64): fast, and good enough to play with. */
#include "sim.h"

#define RANDOM_GOLDEN 0x9e3779b97f4a7c15u

static uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

struct sim_random sim_random_make(uint64_t seed, uint64_t stream)
{
    return (struct sim_random){.state = random_mix(seed + RANDOM_GOLDEN) ^
                                        random_mix(stream * RANDOM_GOLDEN + 1)};
}

uint64_t sim_random_next(struct sim_random *random)
{
    random->state += RANDOM_GOLDEN;
    return random_mix(random->state);
}

uint32_t sim_below(struct sim_random *random, uint32_t bound)
{
    RIND_ASSERT(bound >= 1);
    return (uint32_t)(((sim_random_next(random) >> 32) * bound) >> 32);
}

bool sim_chance(struct sim_random *random, uint32_t part, uint32_t whole)
{
    return sim_below(random, whole) < part;
}

void sim_fill(struct sim_random *random, void *bytes, size_t size)
{
    uint8_t *out = bytes;
    while (size > 0) {
        uint64_t word = sim_random_next(random);
        size_t piece = size < sizeof(word) ? size : sizeof(word);
        uint8_t block[8];
        rind_put_le64(block, word);
        memcpy(out, block, piece);
        out += piece;
        size -= piece;
    }
}
