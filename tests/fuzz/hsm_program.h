/*
 * hsm_program.h - the inputs of fuzz_hsm: a program of steps of one size, so that a mutator can
 * move, copy and change steps without moving the meaning of all that follow.
 */
#ifndef RIND_TESTS_FUZZ_HSM_PROGRAM_H
#define RIND_TESTS_FUZZ_HSM_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HSM_PROGRAM_ARGUMENTS 6u
#define HSM_PROGRAM_EDITS 2u

/* A change of one item of the encoded request: which, how, and to what. how 0: none. */
struct hsm_program_edit {
    uint8_t item;
    uint8_t how;
    uint8_t value[2];
};

struct hsm_program_step {
    uint8_t operation;
    uint8_t who; /* core and group */
    uint8_t arguments[HSM_PROGRAM_ARGUMENTS];
    struct hsm_program_edit edits[HSM_PROGRAM_EDITS];
};

/*
 * Changes one item of the CBOR in `bytes`, in place and well-formed except where `how` says that
 * the form itself is damaged. Nothing happens if there is no such item.
 */
void hsm_program_apply(const struct hsm_program_edit *edit, uint8_t *bytes, size_t size);

#endif
