/*
 * configuration.h - what a configuration holds, for this room.
 *
 * Spec: docs/spec/01-client-protocol.md section 13.
 */
#ifndef RIND_CLIENT_CONFIGURATION_H
#define RIND_CLIENT_CONFIGURATION_H

#include "base/id.h"
#include "rind/rind.h"

struct rind_configuration {
    struct rind_realm *realms; /* in the order given; addresses in normal form, owned */
    size_t realm_count;
    uint32_t register_threshold;
    uint32_t recover_threshold;
    enum rind_pin_hashing_mode mode;
    uint8_t order[RIND_REALMS_MAX]; /* indexes into realms, by ascending id */
};

/* A copy to release with rind_configuration_free; NULL when memory is short. */
struct rind_configuration *rind_configuration_copy(const struct rind_configuration *configuration);

/* The share index of a realm: 1 for the smallest id; 0 if the configuration does not have it. */
uint32_t rind_configuration_share_index(const struct rind_configuration *configuration,
                                        const struct rind_realm_id *realm);

/* The name of a mode in JSON. */
const char *rind_pin_hashing_mode_name(enum rind_pin_hashing_mode mode);

#endif
