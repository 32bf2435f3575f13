/*
 * id.h - fixed-size identifiers and digests, one C type each, so that the compiler tells them
 * apart.
 *
 * All are public values: equality is plain memcmp. Secrets (keys) are defined in crypto/.
 * Sizes: docs/spec/02-hsm-core.md section 3.
 */
#ifndef RIND_BASE_ID_H
#define RIND_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

/* Declares struct rind_<name> of `size` bytes with _equal, _compare (bytewise) and _slice. */
#define RIND_ID_TYPE(name, size)                                                                   \
    struct rind_##name {                                                                           \
        uint8_t bytes[size];                                                                       \
    };                                                                                             \
    static inline bool rind_##name##_equal(const struct rind_##name *a,                            \
                                           const struct rind_##name *b)                            \
    {                                                                                              \
        return memcmp(a->bytes, b->bytes, (size)) == 0;                                            \
    }                                                                                              \
    static inline int rind_##name##_compare(const struct rind_##name *a,                           \
                                            const struct rind_##name *b)                           \
    {                                                                                              \
        return memcmp(a->bytes, b->bytes, (size));                                                 \
    }                                                                                              \
    static inline struct rind_slice rind_##name##_slice(const struct rind_##name *id)              \
    {                                                                                              \
        return rind_slice_make(id->bytes, (size));                                                 \
    }                                                                                              \
    _Static_assert(sizeof(struct rind_##name) == (size), "ids have no padding")

RIND_ID_TYPE(realm_id, 16);
RIND_ID_TYPE(group_id, 16);
RIND_ID_TYPE(hsm_id, 16);
RIND_ID_TYPE(record_id, 32);      /* a 256-bit big-endian number: the path in the tree */
RIND_ID_TYPE(transfer_nonce, 16); /* makes each transfer statement single use */
RIND_ID_TYPE(data_hash, 32);      /* BLAKE2s-256 of a tree node */
RIND_ID_TYPE(mac, 32);            /* keyed BLAKE2s-256: entry MACs and all statements */

#endif
