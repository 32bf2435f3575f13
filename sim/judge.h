/*
 * judge.h - what must hold of every answer of every core.
 *
 * The judge recomputes what each answer must be from its own picture of the world: what is genuine
 * (registry.c), what each HSM has captured and persisted (read from NVRAM's bytes), its role and
 * log, whose records hold what, and how the trees hash. It shares with the cores the wire tables
 * and the primitives, and no other code. An answer that is more permissive than the picture allows
 * is a breach of safety; one that is less so is one of usefulness; both end the run.
 *
 * Invariants by number are those of docs/spec/02-hsm-core.md section 16.
 */
#ifndef RIND_SIM_JUDGE_H
#define RIND_SIM_JUDGE_H

#include "sim.h"

/* Looks at one answer: `value` is the decoded one. */
void sim_judge_answer(struct sim *sim, uint32_t hsm, const struct rind_hsm_request *request,
                      unsigned kind, const void *value);

/* --- judge_nvram.c --- */

/* Looks at the bytes a core has written, during a call or while booting (invariants 2, 11, 12). */
void sim_judge_nvram(struct sim *sim, uint32_t hsm);
/* The core was booted from its image: everything volatile is gone. */
void sim_judge_boot(struct sim *sim, uint32_t hsm);

/* True if what the next boot will read names a realm. */
bool sim_judge_image_has_realm(struct sim *sim, uint32_t hsm);

/* --- judge_log.c: roles and logs --- */

/* The checks that most requests start with, as the kinds their answers share. */
enum sim_standing {
    SIM_STANDING_OK,
    SIM_STANDING_INVALID_REALM,
    SIM_STANDING_INVALID_GROUP,
    SIM_STANDING_NOT_LEADER,
};
/* Membership; *group on SIM_STANDING_OK. */
enum sim_standing sim_judge_member(struct sim *sim, uint32_t hsm, const struct rind_realm_id *realm,
                                   const struct rind_group_id *id, uint32_t *group);
/* Leadership too; *group also on SIM_STANDING_NOT_LEADER. */
enum sim_standing sim_judge_leader(struct sim *sim, uint32_t hsm, const struct rind_realm_id *realm,
                                   const struct rind_group_id *id, uint32_t *group);

const struct sim_entry *sim_log_first(const struct sim *sim, const struct sim_member *member);
const struct sim_entry *sim_log_last(const struct sim *sim, const struct sim_member *member);
void sim_member_start_leading(struct sim *sim, struct sim_member *member, uint32_t entry);
void sim_member_become_witness(struct sim_member *member);
void sim_member_step_down(struct sim *sim, struct sim_member *member, uint64_t point);
/* The group's member saw this entry in CaptureNext. */
void sim_member_see(struct sim *sim, struct sim_member *member, uint32_t entry);
bool sim_role_equal(const struct sim_member *member, const struct rind_role_status *role);
void sim_judge_role(struct sim *sim, const char *where, const struct sim_member *member,
                    const struct rind_role_status *role);
/*
 * A leader made `entry`: it must follow the leader's log and have this partition and transfer (NULL
 * for none). `preparation` is what a transfer out answers, 0 without one. Enters it in registry and
 * log; what users have is copied from the entry before.
 */
uint32_t sim_judge_new_entry(struct sim *sim, uint32_t hsm, uint32_t group,
                             const struct rind_log_entry *entry,
                             const struct rind_partition *partition,
                             const struct rind_transferring *transferring, uint64_t preparation,
                             bool has_pending);
bool sim_has_room(const struct sim_member *member, uint32_t extra);

/* Complains unless the answer has the kind that the picture says. */
void sim_judge_kind(struct sim *sim, enum rind_hsm_request_kind request, unsigned kind,
                    unsigned expected);

/* --- By request --- */

void sim_judge_status(struct sim *sim, uint32_t hsm, const struct rind_hsm_status_response *answer);
void sim_judge_new_realm(struct sim *sim, uint32_t hsm,
                         const struct rind_hsm_new_realm_response *answer);
void sim_judge_join_realm(struct sim *sim, uint32_t hsm,
                          const struct rind_hsm_join_realm_request *request,
                          const struct rind_hsm_join_realm_response *answer);
void sim_judge_new_group(struct sim *sim, uint32_t hsm,
                         const struct rind_hsm_new_group_request *request,
                         const struct rind_hsm_new_group_response *answer);
void sim_judge_join_group(struct sim *sim, uint32_t hsm,
                          const struct rind_hsm_join_group_request *request,
                          const struct rind_hsm_join_group_response *answer);
void sim_judge_become_leader(struct sim *sim, uint32_t hsm,
                             const struct rind_hsm_become_leader_request *request,
                             const struct rind_hsm_become_leader_response *answer);
void sim_judge_step_down(struct sim *sim, uint32_t hsm,
                         const struct rind_hsm_step_down_request *request,
                         const struct rind_hsm_step_down_response *answer);
void sim_judge_capture_jump(struct sim *sim, uint32_t hsm,
                            const struct rind_hsm_capture_jump_request *request,
                            const struct rind_hsm_capture_jump_response *answer);
void sim_judge_capture_next(struct sim *sim, uint32_t hsm,
                            const struct rind_hsm_capture_next_request *request,
                            const struct rind_hsm_capture_next_response *answer);
void sim_judge_persist_state(struct sim *sim, uint32_t hsm,
                             const struct rind_hsm_persist_state_response *answer);
void sim_judge_commit(struct sim *sim, uint32_t hsm, const struct rind_hsm_commit_request *request,
                      const struct rind_hsm_commit_response *answer);
void sim_judge_prepare(struct sim *sim, uint32_t hsm,
                       const struct rind_hsm_prepare_transfer_request *request,
                       const struct rind_hsm_prepare_transfer_response *answer);
void sim_judge_cancel(struct sim *sim, uint32_t hsm,
                      const struct rind_hsm_cancel_prepared_transfer_request *request,
                      const struct rind_hsm_cancel_prepared_transfer_response *answer);
void sim_judge_transfer_out(struct sim *sim, uint32_t hsm,
                            const struct rind_hsm_transfer_out_request *request,
                            const struct rind_hsm_transfer_out_response *answer);
void sim_judge_transfer_statement(struct sim *sim, uint32_t hsm,
                                  const struct rind_hsm_transfer_statement_request *request,
                                  const struct rind_hsm_transfer_statement_response *answer);
void sim_judge_transfer_in(struct sim *sim, uint32_t hsm,
                           const struct rind_hsm_transfer_in_request *request,
                           const struct rind_hsm_transfer_in_response *answer);
void sim_judge_complete(struct sim *sim, uint32_t hsm,
                        const struct rind_hsm_complete_transfer_request *request,
                        const struct rind_hsm_complete_transfer_response *answer);
void sim_judge_handshake(struct sim *sim, uint32_t hsm,
                         const struct rind_hsm_handshake_request *request,
                         const struct rind_hsm_handshake_response *answer);
void sim_judge_app(struct sim *sim, uint32_t hsm, const struct rind_hsm_app_request *request,
                   const struct rind_hsm_app_response *answer);

/* --- judge_release.c --- */

/* An entry is known to be committed, and with it all before it: one history (invariant 1). */
void sim_judge_committed(struct sim *sim, uint32_t group, uint32_t entry);
/* A commit released the answer that this slot of its leader's log withheld. */
void sim_judge_release(struct sim *sim, const struct sim_slot *slot,
                       const struct rind_released_response *released);

/* --- judge_users.c: what a request does to a record, spec 02 section 13.2 --- */

struct sim_outcome {
    struct sim_expected expected;
    struct sim_record record; /* leaf_hash not yet that of the new leaf */
    bool has_write;
};
struct sim_outcome sim_judge_user(struct sim *sim, uint32_t message,
                                  const struct sim_record *before);

/* --- judge_tree.c: trees from scratch, spec 03 section 4 --- */

void sim_tree_leaf_hash(const struct rind_record_id *key, struct rind_slice value,
                        struct rind_data_hash *hash);
/* The root of the tree over `range` that holds the users' records that have leaves. */
void sim_tree_root(const struct sim *sim, const struct sim_record *records,
                   const struct rind_owned_range *range, struct rind_data_hash *root);

#endif
