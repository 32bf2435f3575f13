/* keys.c - see keys.h. */
#include "store/keys.h"

#include <stdio.h>

#define DAY_US 86400000000

_Static_assert(RIND_LEASE_KEY_SIZE_MAX >= 32 + 1 + 32 + sizeof("-cm"), "two ids and a suffix");

void rind_log_qualifier(uint64_t index, uint8_t qualifier[static RIND_LOG_QUALIFIER_SIZE])
{
    rind_put_be64(qualifier, UINT64_MAX - index);
}

void rind_log_key(const struct rind_group_id *group, uint64_t index,
                  uint8_t key[static RIND_LOG_KEY_SIZE])
{
    memcpy(key, group->bytes, sizeof(group->bytes));
    rind_log_qualifier(index, key + sizeof(group->bytes));
}

bool rind_log_key_parse(struct rind_slice key, struct rind_group_id *group, uint64_t *index)
{
    if (key.length != RIND_LOG_KEY_SIZE) {
        return false;
    }
    memcpy(group->bytes, key.data, sizeof(group->bytes));
    *index = UINT64_MAX - rind_get_be64(key.data + sizeof(group->bytes));
    return true;
}

void rind_lease_key_group(const struct rind_realm_id *realm, const struct rind_group_id *group,
                          char key[static RIND_LEASE_KEY_SIZE_MAX])
{
    char realm_text[RIND_HEX_SIZE(sizeof(realm->bytes))];
    char group_text[RIND_HEX_SIZE(sizeof(group->bytes))];
    rind_hex_encode(rind_realm_id_slice(realm), realm_text);
    rind_hex_encode(rind_group_id_slice(group), group_text);
    (void)snprintf(key, RIND_LEASE_KEY_SIZE_MAX, "%s-%s-cm", realm_text, group_text);
}

void rind_lease_key_ownership(const struct rind_realm_id *realm,
                              char key[static RIND_LEASE_KEY_SIZE_MAX])
{
    char realm_text[RIND_HEX_SIZE(sizeof(realm->bytes))];
    rind_hex_encode(rind_realm_id_slice(realm), realm_text);
    (void)snprintf(key, RIND_LEASE_KEY_SIZE_MAX, "%s-ownership-cm", realm_text);
}

int64_t rind_day_floor_us(int64_t unix_us)
{
    int64_t within = unix_us % DAY_US;
    return unix_us - (within < 0 ? within + DAY_US : within);
}
