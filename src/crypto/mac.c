/* mac.c - see mac.h. */
#include "crypto/mac.h"

#include "base/assert.h"
#include "crypto/blake2s.h"

void rind_mac_compute(const struct rind_mac_key *key, const char *domain, struct rind_slice message,
                      struct rind_mac *mac)
{
    struct rind_slice domain_text = rind_slice_text(domain);
    RIND_ASSERT(domain_text.length <= UINT8_MAX);
    uint8_t domain_length = (uint8_t)domain_text.length;

    struct rind_blake2s hash;
    rind_blake2s_init_keyed(&hash, RIND_SLICE_OF(key->bytes), sizeof(mac->bytes));
    rind_blake2s_update(&hash, rind_slice_make(&domain_length, 1));
    rind_blake2s_update(&hash, domain_text);
    rind_blake2s_update(&hash, message);
    rind_blake2s_final(&hash, mac->bytes);
}

bool rind_mac_verify(const struct rind_mac_key *key, const char *domain, struct rind_slice message,
                     const struct rind_mac *mac)
{
    struct rind_mac ours;
    rind_mac_compute(key, domain, message, &ours);
    bool is_equal = rind_ct_equal(ours.bytes, mac->bytes, sizeof(ours.bytes));
    /* A computed MAC of a message that was refused is a forgery waiting to be found on the stack.
     */
    rind_wipe(&ours, sizeof(ours));
    return is_equal;
}
