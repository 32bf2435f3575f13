/*
 * macs.h - the statements HSMs make to each other, and log entry MACs (spec 02 section 6).
 *
 * `_make` computes one; `_is_valid` recomputes and compares in constant time. What each proves:
 *   realm          that HSM holds exactly these keys and has joined that realm
 *   configuration  some key-holding HSM created the group with this membership
 *   captured       that HSM had persisted this capture when the statement was made
 *   entry          a key-holding HSM made this entry, chained to prev_mac
 *   prepared       the destination's leader agreed to take the range
 *   transfer       the source's transfer-out is committed
 */
#ifndef RIND_HSM_MACS_H
#define RIND_HSM_MACS_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "wire/wire.h"

void rind_hsm_realm_statement_make(const struct rind_realm_keys *keys,
                                   const struct rind_realm_id *realm, const struct rind_hsm_id *hsm,
                                   struct rind_mac *statement);
bool rind_hsm_realm_statement_is_valid(const struct rind_realm_keys *keys,
                                       const struct rind_realm_id *realm,
                                       const struct rind_hsm_id *hsm,
                                       const struct rind_mac *statement);

/* `message->configuration` is sorted. */
void rind_hsm_configuration_statement_make(const struct rind_realm_keys *keys,
                                           const struct rind_group_configuration_message *message,
                                           struct rind_mac *statement);
bool rind_hsm_configuration_statement_is_valid(
    const struct rind_realm_keys *keys, const struct rind_group_configuration_message *message,
    const struct rind_mac *statement);

/* Over all fields of `captured` but its statement. */
void rind_hsm_captured_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_captured *captured,
                                      struct rind_mac *statement);
bool rind_hsm_captured_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_captured *captured);

/* Over all fields of `entry` but its entry_mac. */
void rind_hsm_entry_mac_make(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                             const struct rind_group_id *group, const struct rind_log_entry *entry,
                             struct rind_mac *entry_mac);
bool rind_hsm_entry_mac_is_valid(const struct rind_realm_keys *keys,
                                 const struct rind_realm_id *realm,
                                 const struct rind_group_id *group,
                                 const struct rind_log_entry *entry);

/*
 * What the entries of a transfer out hold in `hsm` in place of their producer: which preparation of
 * the destination they answer, and a tag over that, the entry's place and the producer, so that
 * entries of different producers differ as ever (spec 02 section 14.7).
 */
void rind_hsm_binding_make(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                           const struct rind_group_id *group, uint64_t index,
                           const struct rind_hsm_id *producer, uint64_t preparation,
                           struct rind_hsm_id *binding);
/* True if `producer` made this binding; *preparation then. */
bool rind_hsm_binding_open(const struct rind_realm_keys *keys, const struct rind_realm_id *realm,
                           const struct rind_group_id *group, uint64_t index,
                           const struct rind_hsm_id *producer, const struct rind_hsm_id *binding,
                           uint64_t *preparation);

void rind_hsm_prepared_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_prepared_transfer_message *message,
                                      struct rind_mac *statement);
bool rind_hsm_prepared_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_prepared_transfer_message *message,
                                          const struct rind_mac *statement);

void rind_hsm_transfer_statement_make(const struct rind_realm_keys *keys,
                                      const struct rind_transfer_message *message,
                                      struct rind_mac *statement);
bool rind_hsm_transfer_statement_is_valid(const struct rind_realm_keys *keys,
                                          const struct rind_transfer_message *message,
                                          const struct rind_mac *statement);

#endif
