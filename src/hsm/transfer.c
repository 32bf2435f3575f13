/* transfer.c - see transfer.h. */
#include "hsm/transfer.h"

unsigned rind_hsm_transfer_check_leader(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                        const struct rind_group_id *id,
                                        struct rind_hsm_group **group,
                                        const struct rind_log_entry **last)
{
    switch (rind_hsm_check_leader(hsm, realm, id, group)) {
    case RIND_HSM_CHECK_OK:
        *last = rind_hsm_leader_log_last(&(*group)->leadership->log);
        return RIND_HSM_TRANSFER_OK;
    case RIND_HSM_CHECK_INVALID_REALM:
        return RIND_HSM_TRANSFER_INVALID_REALM;
    case RIND_HSM_CHECK_INVALID_GROUP:
        return RIND_HSM_TRANSFER_INVALID_GROUP;
    case RIND_HSM_CHECK_NOT_LEADER:
    case RIND_HSM_CHECK_NOT_OWNER:
        return RIND_HSM_TRANSFER_NOT_LEADER;
    }
    RIND_UNREACHABLE("all results of the check are handled");
}

bool rind_hsm_transfer_is_in(const struct rind_log_entry *entry, const struct rind_group_id *source,
                             const struct rind_owned_range *range)
{
    return entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_IN &&
           rind_group_id_equal(&entry->transferring.in.source, source) &&
           rind_owned_range_equal(&entry->transferring.in.range, range);
}

bool rind_hsm_transfer_is_out(const struct rind_log_entry *entry,
                              const struct rind_group_id *destination)
{
    return entry->has_transferring && entry->transferring.kind == RIND_TRANSFERRING_OUT &&
           rind_group_id_equal(&entry->transferring.out.destination, destination);
}

uint64_t rind_hsm_transfer_preparation(const struct rind_transfer_nonce *nonce)
{
    return rind_get_be64(nonce->bytes);
}

bool rind_hsm_transfer_answers(const struct rind_hsm_leadership *leadership,
                               const struct rind_transfer_nonce *nonce)
{
    return !leadership->has_binding || leadership->binding == rind_hsm_transfer_preparation(nonce);
}

bool rind_hsm_transfer_append(struct rind_hsm *hsm, struct rind_hsm_group *group,
                              const struct rind_transferring *transferring,
                              struct rind_log_entry *entry)
{
    if (!rind_hsm_has_room_for_transfer(group->leadership)) {
        return false;
    }
    /* Copied: the slot may move when the log is appended to. */
    const struct rind_log_entry last = *rind_hsm_leader_log_last(&group->leadership->log);
    rind_hsm_append_entry(hsm, group, last.has_partition ? &last.partition : NULL, transferring,
                          NULL, entry);
    return true;
}
