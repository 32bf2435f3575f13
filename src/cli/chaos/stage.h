/*
 * stage.h - the processes of the realm under attack: which can be killed, stopped and restarted
 * now, and what is due to be mended.
 *
 * A machine is an HSM and its agent. At most a minority of machines is impaired at one time, and
 * one manager and one balancer of several, so that the realm must survive. What was killed is
 * started again with its own command line, what was stopped goes on: rind_chaos_stage_tend does so
 * when its time has come. A process that ends on its own is a violation. Main thread only, because
 * children are.
 */
#ifndef RIND_CLI_CHAOS_STAGE_H
#define RIND_CLI_CHAOS_STAGE_H

#include "cli/chaos/link.h"

#define RIND_CHAOS_PROCESSES_MAX RIND_LOCAL_CHILDREN_MAX
#define RIND_CHAOS_MACHINES_MAX RIND_LOCAL_HSMS_MAX
#define RIND_CHAOS_TERMINATE_TIMEOUT_MS 25000u /* agents may take 20 s to hand over and end */
#define RIND_CHAOS_FOREIGN_TIMEOUT_MS 30000u   /* for others to start a process again */
#define RIND_CHAOS_TEND_MS 50u                 /* between looks at what may have ended */
#define RIND_CHAOS_LOSSES_MAX 8u               /* at one time */
#define RIND_CHAOS_LOG_TAIL_SIZE 4096u

enum rind_chaos_process_kind {
    RIND_CHAOS_HSM,
    RIND_CHAOS_AGENT,
    RIND_CHAOS_MANAGER,
    RIND_CHAOS_BALANCER,
    RIND_CHAOS_OTHER, /* of another realm on the same machine: left alone */
};

enum rind_chaos_process_state {
    RIND_CHAOS_RUNNING,
    RIND_CHAOS_STOPPED,     /* SIGSTOP; goes on at due */
    RIND_CHAOS_DOWN,        /* killed, or ended when asked to; starts at due */
    RIND_CHAOS_TERMINATING, /* asked to end; must have done so at due */
};

struct rind_chaos_process {
    enum rind_chaos_process_kind kind;
    struct rind_child *child;
    enum rind_chaos_process_state state;
    struct rind_deadline due;
    bool is_cut; /* its host's cable is pulled */
    struct rind_deadline plug_due;
    uint32_t machine; /* of HSMs and agents */
    uint64_t started_ns;
    uint64_t ended_ns;
};

struct rind_chaos_machine {
    uint32_t hsm; /* indexes of processes */
    uint32_t agent;
    bool is_answering; /* as the watcher last saw it */
};

/* What one host sends to another is lost. */
struct rind_chaos_loss {
    uint32_t process; /* that sends */
    char address[RIND_CHAOS_LINK_ADDRESS_SIZE];
    struct rind_deadline due;
};

struct rind_chaos_stage {
    const struct rind_local_hosts *hosts; /* NULL: all processes share one */
    const char *info_file;                /* where foreign processes are found again */
    struct rind_chaos_process processes[RIND_CHAOS_PROCESSES_MAX];
    uint32_t process_count;
    struct rind_chaos_machine machines[RIND_CHAOS_MACHINES_MAX];
    uint32_t machine_count;
    struct rind_chaos_loss losses[RIND_CHAOS_LOSSES_MAX];
    uint32_t loss_count;
    uint64_t restart_count;
    uint64_t ended_count; /* processes that ended on their own, or did not when asked */
    void (*report)(void *self, const char *text); /* of these */
    void *report_self;
};

/* The processes of the local realm's first realm. Borrows `local`, and the name of its info file if
 * its processes are foreign. */
rind_status rind_chaos_stage_open(struct rind_ctx *ctx, struct rind_local *local,
                                  const char *info_file,
                                  struct rind_chaos_stage *stage) RIND_MUST_USE;

/* True if the machine may be impaired (further) now. */
bool rind_chaos_stage_may_impair(const struct rind_chaos_stage *stage, uint32_t machine);

/* True if a manager or balancer may be taken away now. */
bool rind_chaos_stage_may_take(const struct rind_chaos_stage *stage, uint32_t process);

/* Faults. The process must be running; it is mended after `duration_ms`. */
void rind_chaos_stage_kill(struct rind_chaos_stage *stage, uint32_t process, uint64_t duration_ms);
void rind_chaos_stage_stop(struct rind_chaos_stage *stage, uint32_t process, uint64_t duration_ms);
/* SIGTERM: it ends in order, and is started again as soon as it has. */
void rind_chaos_stage_terminate(struct rind_chaos_stage *stage, uint32_t process);

/* Pulls the cable of the process's host. False if it is pulled, or there are no hosts. */
bool rind_chaos_stage_cut(struct rind_ctx *ctx, struct rind_chaos_stage *stage, uint32_t process,
                          uint64_t duration_ms);
/* Loses what the process's host sends to `address`. False if that is so, or there are no hosts. */
bool rind_chaos_stage_lose(struct rind_ctx *ctx, struct rind_chaos_stage *stage, uint32_t process,
                           const char *address, uint64_t duration_ms);

/* Mends what is due, and finds what has ended on its own. The time of the next look. */
struct rind_deadline rind_chaos_stage_tend(struct rind_ctx *ctx, struct rind_chaos_stage *stage);

/* Makes everything due now. */
void rind_chaos_stage_heal(struct rind_chaos_stage *stage);

/* All processes run, and all links work. */
bool rind_chaos_stage_is_whole(const struct rind_chaos_stage *stage);

#endif
