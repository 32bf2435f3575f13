/* secret.h - secret values, one C type each, with the only two operations that are safe on all. */
#ifndef RIND_CRYPTO_SECRET_H
#define RIND_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ct.h"
#include "base/slice.h"
#include "base/wipe.h"

/* Declares struct rind_<name> of `size` bytes with _wipe, _slice and a constant-time _equal. */
#define RIND_SECRET_TYPE(name, size)                                                               \
    struct rind_##name {                                                                           \
        uint8_t bytes[size];                                                                       \
    };                                                                                             \
    static inline void rind_##name##_wipe(struct rind_##name *secret)                              \
    {                                                                                              \
        rind_wipe(secret->bytes, (size));                                                          \
    }                                                                                              \
    static inline bool rind_##name##_equal(const struct rind_##name *a,                            \
                                           const struct rind_##name *b)                            \
    {                                                                                              \
        return rind_ct_equal(a->bytes, b->bytes, (size));                                          \
    }                                                                                              \
    static inline struct rind_slice rind_##name##_slice(const struct rind_##name *secret)          \
    {                                                                                              \
        return rind_slice_make(secret->bytes, (size));                                             \
    }                                                                                              \
    _Static_assert(sizeof(struct rind_##name) == (size), "secrets have no padding")

#endif
