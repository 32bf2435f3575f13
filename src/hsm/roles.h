/*
 * roles.h - the groups of this HSM, the checks every request starts with, and changes of role.
 *
 *   Witness --BecomeLeader--> Leader
 *   Leader --StepDown, divergence seen--> SteppingDown   (straight to Witness if nothing pends)
 *   SteppingDown --Commit reaches stepdown_at--> Witness
 *   Leader or SteppingDown --StepDown by force--> Witness
 *
 * The role clock rises by one with each change of role and not otherwise; agents rely on it.
 * Spec: 02 sections 8.2 to 8.4.
 */
#ifndef RIND_HSM_ROLES_H
#define RIND_HSM_ROLES_H

#include "hsm/state.h"

enum rind_hsm_check {
    RIND_HSM_CHECK_OK = 1,
    RIND_HSM_CHECK_INVALID_REALM,
    RIND_HSM_CHECK_INVALID_GROUP,
    RIND_HSM_CHECK_NOT_LEADER,
    RIND_HSM_CHECK_NOT_OWNER,
};

/* The group with this id, or NULL. */
struct rind_hsm_group *rind_hsm_group_find(struct rind_hsm *hsm, const struct rind_group_id *id);

/* True if this HSM is in that realm. */
bool rind_hsm_is_in_realm(const struct rind_hsm *hsm, const struct rind_realm_id *realm);

/* *position = the place of `hsm` in the group's configuration; false if it is no member. */
bool rind_hsm_member_position(const struct rind_hsm_durable_group *group,
                              const struct rind_hsm_id *hsm, uint32_t *position);

/*
 * Puts `group` into hsm->groups beside its durable half, which the caller has just persisted, as a
 * Witness at clock 1. The durable arrays must have room (asserted).
 */
struct rind_hsm_group *rind_hsm_group_insert(struct rind_hsm *hsm, const struct rind_group_id *id);

/* member check: *group on RIND_HSM_CHECK_OK. */
enum rind_hsm_check rind_hsm_check_member(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                          const struct rind_group_id *id,
                                          struct rind_hsm_group **group);

/* leader check: *group is also set on RIND_HSM_CHECK_NOT_LEADER, for its role. */
enum rind_hsm_check rind_hsm_check_leader(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                          const struct rind_group_id *id,
                                          struct rind_hsm_group **group);

/* owner check: by the last log entry, committed or not. *group as for the leader check. */
enum rind_hsm_check rind_hsm_check_owner(struct rind_hsm *hsm, const struct rind_realm_id *realm,
                                         const struct rind_group_id *id,
                                         const struct rind_record_id *record,
                                         struct rind_hsm_group **group);

/* The role as the wire shows it. */
struct rind_role_status rind_hsm_role_status(const struct rind_hsm_group *group);

/* Becomes Leader from `entry`. The group must be a Witness (asserted). Raises the clock. */
void rind_hsm_become_leader(struct rind_hsm *hsm, struct rind_hsm_group *group,
                            const struct rind_log_entry *entry);

/* As rind_hsm_become_leader for a group made just now, whose clock stays at its start. */
void rind_hsm_start_as_leader(struct rind_hsm *hsm, struct rind_hsm_group *group,
                              const struct rind_log_entry *entry);

/* Starts the Leader's tree anew from `root_hash`, which is all it knows then. */
void rind_hsm_open_tree(struct rind_hsm *hsm, struct rind_hsm_group *group,
                        const struct rind_data_hash *root_hash);

/*
 * Leader or SteppingDown (asserted) to Witness: drops log, pending responses, abandoned entries,
 * tree, sessions and nonce. Raises the clock.
 */
void rind_hsm_become_witness(struct rind_hsm_group *group);

/*
 * Procedure stepdown at a Leader (asserted): commits may go no further than `point`, which is the
 * last index of the log or one before a foreign entry, and not before the log's first (asserted).
 */
void rind_hsm_step_down(struct rind_hsm_group *group, uint64_t point);

/* Removes the log's entries after `point`, remembering them as abandoned, newest first. */
void rind_hsm_abandon_after(struct rind_hsm_leadership *leadership, uint64_t point);

/*
 * Makes the log entry after the last one, with `partition` (NULL for none) and `transferring` (NULL
 * for none), and appends it with `pending` (NULL for none). The log must have room (asserted).
 */
void rind_hsm_append_entry(struct rind_hsm *hsm, struct rind_hsm_group *group,
                           const struct rind_partition *partition,
                           const struct rind_transferring *transferring,
                           const struct rind_hsm_pending *pending, struct rind_log_entry *entry);

/*
 * True if client requests may append. A log that a host does not commit ends here,
 * RIND_HSM_LOG_RESERVE entries before its memory does, and at the last index there is.
 */
bool rind_hsm_has_room_for_request(const struct rind_hsm_leadership *leadership);

/* True if a transfer step may append one entry. */
bool rind_hsm_has_room_for_transfer(const struct rind_hsm_leadership *leadership);

#endif
