/*
 * process.h - the life of a daemon: signals, hardening, readiness, shutdown.
 *
 * Spec 05 section 10, 06 section 12.3. Signals are taken by one thread that waits for them; nothing
 * runs in a signal handler. SIGTERM, SIGINT and SIGQUIT set the stopper once; another one more than
 * RIND_PROCESS_SIGNAL_GRACE_MS later ends the process at once (05 section 17.10). Within that time
 * it is ignored: a terminal and a supervisor often both pass on the same wish. SIGHUP counts
 * reloads. SIGPIPE and SIGXFSZ are ignored. One per process.
 */
#ifndef RIND_HOST_PROCESS_H
#define RIND_HOST_PROCESS_H

#include <stdint.h>

#include "base/status.h"
#include "host/clock.h"
#include "host/log.h"
#include "host/thread.h"

#define RIND_PROCESS_SIGNAL_GRACE_MS 1000u

struct rind_process; /* opaque */

/*
 * Blocks the signals in the calling thread (and so in all threads started later) and starts the
 * thread that waits for them. Call first in main, before any other thread exists. `log` is kept.
 */
rind_status rind_process_open(struct rind_ctx *ctx, const struct rind_log *log,
                              struct rind_process **process) RIND_MUST_USE;

/* Stops taking signals and frees; the dispositions stay. NULL is allowed. */
void rind_process_close(struct rind_process *process);

/* Set once the process was asked to end; pass it to every long-lived thread. Borrowed. */
struct rind_stopper *rind_process_stopper(struct rind_process *process);

/*
 * Waits until the process is asked to end (true) or `*reload_count` differs from the number of
 * SIGHUPs so far, which is stored there (false), or the deadline (false).
 */
bool rind_process_wait(struct rind_process *process, struct rind_deadline deadline,
                       uint64_t *reload_count);

/* Number of SIGHUPs so far. */
uint64_t rind_process_reload_count(struct rind_process *process);

/* As if SIGTERM had come: for `main` when a vital part failed, and for tests. */
void rind_process_request_stop(struct rind_process *process);

/*
 * Ends the process with exit status 0 and a WARN if it is still there at the deadline: the bound on
 * a graceful shutdown. Call when shutdown begins; close() cancels it.
 */
void rind_process_set_shutdown_deadline(struct rind_process *process,
                                        struct rind_deadline deadline);

struct rind_hardening {
    bool allow_core_dumps;   /* default no: memory holds keys */
    uint64_t open_files_min; /* raise the soft limit to at least this; 0: as high as allowed */
    bool keep_capabilities;  /* default no: all are dropped */
    bool lock_memory;        /* mlockall current and future pages (the HSM) */
};

/*
 * Core dumps off (RLIMIT_CORE and not dumpable), no_new_privs, capabilities dropped, open-files
 * limit raised, umask 077. Each that the system refuses is a WARN; only a limit of open files below
 * the wanted one fails (RIND_E_LIMIT). Call before starting threads.
 */
rind_status rind_process_harden(struct rind_ctx *ctx, const struct rind_hardening *hardening,
                                const struct rind_log *log) RIND_MUST_USE;

/*
 * Tells whoever waits that the service answers now: an INFO line "ready" with the address, and
 * READY=1 to systemd if NOTIFY_SOCKET is set.
 */
void rind_process_ready(const struct rind_log *log, const char *what);

/* Tells systemd that shutdown began (STOPPING=1); INFO "stopping". */
void rind_process_stopping(const struct rind_log *log);

/*
 * In a child between fork and exec, or at start-up: die with the parent (06 section 16.19). Fails
 * if the parent is gone already.
 */
rind_status rind_process_die_with_parent(struct rind_ctx *ctx, int64_t parent_pid) RIND_MUST_USE;

#endif
