/*
 * transfer.h - what the six transfer requests share (spec 02 section 14).
 *
 * Destination: PrepareTransfer, CancelPreparedTransfer, TransferIn (transfer_destination.c).
 * Source: TransferOut, TransferStatement, CompleteTransfer (transfer_source.c).
 *
 * Why no record is ever owned twice: the statement that lets the destination take a range is made
 * only after the source's entry that gave it up has committed, for the one preparation that entry
 * answers, and names a nonce that the destination's leader accepts once. In these requests
 * NotLeader carries no data.
 */
#ifndef RIND_HSM_TRANSFER_H
#define RIND_HSM_TRANSFER_H

#include "hsm/roles.h"
#include "hsm/state.h"

/* The six responses number these answers alike; asserted where they are used. */
#define RIND_HSM_TRANSFER_OK 1
#define RIND_HSM_TRANSFER_INVALID_REALM 2
#define RIND_HSM_TRANSFER_INVALID_GROUP 3
#define RIND_HSM_TRANSFER_NOT_LEADER 4

#define RIND_HSM_TRANSFER_KINDS_MATCH(NAME)                                                        \
    _Static_assert((int)RIND_HSM_##NAME##_OK == RIND_HSM_TRANSFER_OK &&                            \
                       (int)RIND_HSM_##NAME##_INVALID_REALM == RIND_HSM_TRANSFER_INVALID_REALM &&  \
                       (int)RIND_HSM_##NAME##_INVALID_GROUP == RIND_HSM_TRANSFER_INVALID_GROUP &&  \
                       (int)RIND_HSM_##NAME##_NOT_LEADER == RIND_HSM_TRANSFER_NOT_LEADER,          \
                   "transfer answers start alike")

/* The leader check as one of the numbers above; *last is the last log entry on OK. */
unsigned rind_hsm_transfer_check_leader(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                        const struct rind_group_id *id,
                                        struct rind_hsm_group **group,
                                        const struct rind_log_entry **last);

/* True if the entry prepares to take exactly this range from that source. */
bool rind_hsm_transfer_is_in(const struct rind_log_entry *entry, const struct rind_group_id *source,
                             const struct rind_owned_range *range);

/* True if the entry gives something to that destination. */
bool rind_hsm_transfer_is_out(const struct rind_log_entry *entry,
                              const struct rind_group_id *destination);

/*
 * Which preparation of the destination a nonce is of: its first eight bytes are the index of the
 * entry that prepared the transfer (spec 02 section 14.7).
 */
uint64_t rind_hsm_transfer_preparation(const struct rind_transfer_nonce *nonce);

/* True if the pending transfer out answers that preparation, or none that is known. */
bool rind_hsm_transfer_answers(const struct rind_hsm_leadership *leadership,
                               const struct rind_transfer_nonce *nonce);

/*
 * Appends an entry that keeps the partition of the last one and has `transferring` (NULL: none).
 * False, with nothing changed, if the log is full: hosts commit before they ask again. The answer
 * then is NotLeader, which every caller of a transfer retries from the start; the group's own
 * state, which decides what it may be answered next time, is as it was.
 */
bool rind_hsm_transfer_append(struct rind_hsm *hsm, struct rind_hsm_group *group,
                              const struct rind_transferring *transferring,
                              struct rind_log_entry *entry);

#endif
