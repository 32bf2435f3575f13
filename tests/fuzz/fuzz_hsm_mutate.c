/*
 * fuzz_hsm_mutate.c - the mutator of fuzz_hsm: it inserts, drops, copies and exchanges whole steps,
 * and changes one argument or edit of a step; now and then libFuzzer's own has its way with the
 * bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/hsm_program.h"

#define STEP sizeof(struct hsm_program_step)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* xorshift: a good enough source of choices, and one that repeats. */
static uint32_t mutate_draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t mutate_insert(uint8_t *data, size_t count, size_t at, const uint8_t step[static STEP])
{
    memmove(data + (at + 1) * STEP, data + at * STEP, (count - at) * STEP);
    memcpy(data + at * STEP, step, STEP);
    return count + 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint32_t state = seed * 2654435761u + 1;
    size_t count = size / STEP;
    size_t count_max = max_size / STEP;
    if (count_max == 0 || mutate_draw(&state) % 8 == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    uint8_t step[STEP];
    for (size_t i = 0; i < STEP; i++) {
        step[i] = (uint8_t)mutate_draw(&state);
    }
    size_t at = count == 0 ? 0 : mutate_draw(&state) % count;
    size_t other = count == 0 ? 0 : mutate_draw(&state) % count;
    unsigned choice = count == 0 ? 0 : mutate_draw(&state) % 8;
    switch (choice) {
    case 0: /* a step, mostly without an edit */
        if (mutate_draw(&state) % 4 != 0) {
            memset(step + offsetof(struct hsm_program_step, edits), 0,
                   STEP - offsetof(struct hsm_program_step, edits));
        }
        if (count < count_max) {
            count = mutate_insert(data, count, at, step);
        }
        break;
    case 1:
        memmove(data + at * STEP, data + (at + 1) * STEP, (count - at - 1) * STEP);
        count--;
        break;
    case 2:
        memcpy(step, data + other * STEP, STEP);
        if (count < count_max) {
            count = mutate_insert(data, count, at, step);
        }
        break;
    case 3:
        memcpy(step, data + at * STEP, STEP);
        memcpy(data + at * STEP, data + other * STEP, STEP);
        memcpy(data + other * STEP, step, STEP);
        break;
    case 4:
    case 5: /* one byte of one step */
        other = mutate_draw(&state) % STEP;
        data[at * STEP + other] = step[other];
        break;
    default: /* one edit */
        other = offsetof(struct hsm_program_step, edits) + choice % HSM_PROGRAM_EDITS * 4;
        memcpy(data + at * STEP + other, step + other, sizeof(struct hsm_program_edit));
        break;
    }
    return count * STEP;
}
