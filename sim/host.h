/*
 * host.h - what the files of the host share. The host knows all that was ever said, and more: it
 * reads the judge's picture, as a clever attacker would work out most of it.
 */
#ifndef RIND_SIM_HOST_H
#define RIND_SIM_HOST_H

#include "judge.h"

#define HOST_ENTRIES_MAX 8u /* in one CaptureNext */

/* --- Picking at random; SIM_NONE if there is none --- */
uint32_t sim_pick_group(struct sim *sim);                  /* one with a log */
uint32_t sim_pick_member(struct sim *sim, uint32_t group); /* an HSM of it that is up */
uint32_t sim_pick_leader(struct sim *sim, uint32_t group); /* mostly the furthest */
uint32_t sim_pick_up(struct sim *sim);                     /* any HSM that is up */
uint32_t sim_pick_entry(struct sim *sim, uint32_t group);
struct rind_record_id sim_pick_record(struct sim *sim);
struct rind_owned_range sim_pick_range(struct sim *sim, const struct rind_owned_range *owned);
bool sim_dice(struct sim *sim, uint32_t part, uint32_t whole);

/* The newest entry of a leader's log. */
uint32_t sim_head(const struct sim *sim, uint32_t group, uint32_t hsm);

/* --- host_replicate.c --- */
/* CaptureNext with the entries between what it has captured and `target`. */
struct sim_answer sim_send_capture(struct sim *sim, uint32_t hsm, uint32_t group, uint32_t target);
struct sim_answer sim_send_persist(struct sim *sim, uint32_t hsm);
struct sim_answer sim_send_commit(struct sim *sim, uint32_t hsm, uint32_t group);
struct sim_answer sim_send_become_leader(struct sim *sim, uint32_t hsm, uint32_t group,
                                         const struct rind_log_entry *entry);
struct sim_answer sim_send_step_down(struct sim *sim, uint32_t hsm, uint32_t group, bool force);
/* One call of an honest host that wants the group to go on. */
void sim_progress(struct sim *sim, uint32_t group);
void sim_operation_capture_next(struct sim *sim);
void sim_operation_capture_jump(struct sim *sim);
void sim_operation_commit(struct sim *sim);
void sim_operation_become_leader(struct sim *sim);
void sim_operation_second_leader(struct sim *sim);

/* --- host_app.c --- */
void sim_operation_app(struct sim *sim);
void sim_operation_app_mixed(struct sim *sim);
/* Sends a client's request to a leader; opens a session first if it must. Kind of the answer. */
struct sim_answer sim_send_request(struct sim *sim, uint32_t hsm, uint32_t group, uint32_t user,
                                   const struct rind_secrets_request *request);

/* Most users register, so that there is something to guess. */
void sim_register_users(struct sim *sim);

/* --- host_transfer.c --- */
void sim_operation_transfer(struct sim *sim);
void sim_operation_transfer_mixed(struct sim *sim);
/* The next honest step of moving something from one group to the other. */
void sim_transfer_step(struct sim *sim, uint32_t source, uint32_t destination);

/* --- host_setup.c --- */
void sim_operation_setup(struct sim *sim);
void sim_operation_restart(struct sim *sim);
void sim_send_status(struct sim *sim, uint32_t hsm);

#endif
