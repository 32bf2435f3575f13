/*
 * keys.h - the row keys of the store's tables, byte for byte as docs/spec/04-store.md gives them.
 *
 * Pure functions over memory. Everything parsed here was read from the store and may be anything.
 */
#ifndef RIND_STORE_KEYS_H
#define RIND_STORE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

#define RIND_LOG_KEY_SIZE 24u         /* group || down(index) */
#define RIND_LOG_QUALIFIER_SIZE 8u    /* down(index) */
#define RIND_MERKLE_INSTANCE_SIZE 24u /* 16 random bytes || counter */
#define RIND_LEASE_KEY_SIZE_MAX 80u
#define RIND_TENANT_NAME_SIZE_BYTES_MAX 400u /* keeps users' row keys below the engine's limit */
#define RIND_URL_SIZE_BYTES_MAX 480u         /* keeps discovery's row keys below it */

/* Section 6.1. */
void rind_log_key(const struct rind_group_id *group, uint64_t index,
                  uint8_t key[static RIND_LOG_KEY_SIZE]);
/* False if `key` has another length. */
bool rind_log_key_parse(struct rind_slice key, struct rind_group_id *group, uint64_t *index);
/* down(index); also the qualifier of an entry's cell. */
void rind_log_qualifier(uint64_t index, uint8_t qualifier[static RIND_LOG_QUALIFIER_SIZE]);

/* Section 12.1: "{realm}-{group}-cm" and "{realm}-ownership-cm", with a NUL. */
void rind_lease_key_group(const struct rind_realm_id *realm, const struct rind_group_id *group,
                          char key[static RIND_LEASE_KEY_SIZE_MAX]);
void rind_lease_key_ownership(const struct rind_realm_id *realm,
                              char key[static RIND_LEASE_KEY_SIZE_MAX]);

/* Section 15: a time floored to midnight UTC, in microseconds. */
int64_t rind_day_floor_us(int64_t unix_us);

#endif
