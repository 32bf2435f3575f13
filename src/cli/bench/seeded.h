/*
 * seeded.h - numbers that look random and repeat with the seed: SplitMix64. For workloads only.
 */
#ifndef RIND_CLI_BENCH_SEEDED_H
#define RIND_CLI_BENCH_SEEDED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rind_seeded {
    uint64_t state;
};

static inline uint64_t rind_seeded_next(struct rind_seeded *seeded)
{
    seeded->state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = seeded->state;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static inline void rind_seeded_fill(struct rind_seeded *seeded, void *bytes, size_t size)
{
    uint8_t *at = bytes;
    while (size > 0) {
        uint64_t word = rind_seeded_next(seeded);
        size_t piece = size < sizeof(word) ? size : sizeof(word);
        memcpy(at, &word, piece);
        at += piece;
        size -= piece;
    }
}

#endif
