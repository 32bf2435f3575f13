/* x25519.c - see x25519.h. libsodium does the work. */
#include "crypto/x25519.h"

#include <sodium.h>

#include "base/assert.h"

_Static_assert(crypto_scalarmult_BYTES == RIND_X25519_SIZE, "sizes agree");

void rind_x25519_public_from_secret(const struct rind_x25519_secret *secret,
                                    struct rind_x25519_public *public_key)
{
    int failed = crypto_scalarmult_base(public_key->bytes, secret->bytes);
    RIND_ASSERT(failed == 0); /* the base point has no low order */
}

rind_status rind_x25519(struct rind_ctx *ctx, const struct rind_x25519_secret *secret,
                        const struct rind_x25519_public *public_key,
                        struct rind_x25519_shared *shared)
{
    struct rind_x25519_shared result = {{0}};
    int failed = crypto_scalarmult(result.bytes, secret->bytes, public_key->bytes);
    /* The library refuses low-order points; we do not depend on its doing so. */
    if (failed != 0 || rind_ct_is_zero(result.bytes, sizeof(result.bytes))) {
        rind_x25519_shared_wipe(&result);
        return rind_fail(ctx, RIND_E_AUTH,
                         "the peer's X25519 key is a point of low order, which no honest peer has");
    }
    *shared = result;
    rind_x25519_shared_wipe(&result);
    return RIND_OK;
}
