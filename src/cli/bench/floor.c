/* floor.c - see floor.h. */
#include "cli/bench/floor.h"

#include <sodium.h>

#include "cli/bench/cpu_clock.h"

enum floor_operation {
    FLOOR_X25519_BASE,
    FLOOR_X25519,
    FLOOR_RISTRETTO_BASE,
    FLOOR_RISTRETTO,
    FLOOR_RISTRETTO_CHECK,
    FLOOR_OPERATION_COUNT
};

#define FLOOR_GROUP 16u /* calls between two looks at the clock */

/* What the base multiplications give, the others take. */
struct floor_inputs {
    uint8_t secret[32];
    uint8_t public_key[32];
    uint8_t scalar[32];
    uint8_t point[32];
    uint8_t result[32];
};

static int floor_call(enum floor_operation operation, struct floor_inputs *inputs)
{
    switch (operation) {
    case FLOOR_X25519_BASE:
        return crypto_scalarmult_base(inputs->public_key, inputs->secret);
    case FLOOR_X25519:
        return crypto_scalarmult(inputs->result, inputs->secret, inputs->public_key);
    case FLOOR_RISTRETTO_BASE:
        return crypto_scalarmult_ristretto255_base(inputs->point, inputs->scalar);
    case FLOOR_RISTRETTO:
        return crypto_scalarmult_ristretto255(inputs->result, inputs->scalar, inputs->point);
    case FLOOR_RISTRETTO_CHECK:
        return crypto_core_ristretto255_is_valid_point(inputs->point) == 1 ? 0 : -1;
    case FLOOR_OPERATION_COUNT:
        break;
    }
    RIND_UNREACHABLE("the operations are listed");
}

void rind_floor_measure(unsigned repeat_count, struct rind_floor *found)
{
    struct floor_inputs inputs;
    uint64_t total_ns[FLOOR_OPERATION_COUNT] = {0};
    randombytes_buf(inputs.secret, sizeof(inputs.secret));
    crypto_core_ristretto255_scalar_random(inputs.scalar);
    unsigned group_count = (repeat_count + FLOOR_GROUP - 1) / FLOOR_GROUP;
    for (unsigned group = 0; group < group_count; group++) {
        for (unsigned o = 0; o < FLOOR_OPERATION_COUNT; o++) {
            uint64_t start_ns = rind_cpu_clock_ns();
            for (unsigned i = 0; i < FLOOR_GROUP; i++) {
                int failed = floor_call((enum floor_operation)o, &inputs);
                RIND_ASSERT(failed == 0);
            }
            total_ns[o] += rind_cpu_clock_ns() - start_ns;
        }
    }
    double us[FLOOR_OPERATION_COUNT];
    for (unsigned o = 0; o < FLOOR_OPERATION_COUNT; o++) {
        us[o] = (double)total_ns[o] / group_count / FLOOR_GROUP / 1000.0;
    }
    *found = (struct rind_floor){
        .x25519_base_us = us[FLOOR_X25519_BASE],
        .x25519_us = us[FLOOR_X25519],
        .ristretto_base_us = us[FLOOR_RISTRETTO_BASE],
        .ristretto_us = us[FLOOR_RISTRETTO],
        .ristretto_check_us = us[FLOOR_RISTRETTO_CHECK],
    };
    found->register_us = found->x25519_base_us + 2 * found->x25519_us;
    found->recover_us = found->register_us + found->ristretto_base_us + 2 * found->ristretto_us +
                        found->ristretto_check_us;
}
