/*
 * child.h - one daemon as a child process: started, watched, signalled, ended.
 *
 * Its output goes to a log file. It is in a process group of its own, so that Ctrl-C reaches only
 * us and we end it in order; and it dies at once if we do. Start children from the main thread: the
 * kernel ties "at once" to the thread that started them. Not thread-safe.
 */
#ifndef RIND_CLI_REALM_CHILD_H
#define RIND_CLI_REALM_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/base.h"
#include "host/host.h"

#define RIND_CHILD_ARGUMENTS_MAX 40u
#define RIND_CHILD_ARGUMENT_SIZE_MAX 512u
#define RIND_CHILD_NAME_SIZE_MAX 64u
#define RIND_CHILD_PATH_SIZE_MAX 1024u
#define RIND_CHILD_STOP_TIMEOUT_MS 8000u /* from SIGTERM to SIGKILL */

struct rind_child {
    char name[RIND_CHILD_NAME_SIZE_MAX];
    char address[RIND_URL_SIZE_MAX];     /* URL it serves */
    char listen[RIND_ADDRESS_TEXT_SIZE]; /* address and port it binds */
    char log_file[RIND_CHILD_PATH_SIZE_MAX];
    char program[RIND_CHILD_PATH_SIZE_MAX];
    char network[RIND_CHILD_NAME_SIZE_MAX]; /* namespace (ip-netns(8)) to run in; "": ours */
    char arguments[RIND_CHILD_ARGUMENTS_MAX][RIND_CHILD_ARGUMENT_SIZE_MAX];
    size_t argument_count;
    pid_t pid;      /* 0 when it does not run */
    pid_t last_pid; /* of the process that ended last */
    /* Started by somebody else, who starts it again, too: we can signal it and see it end. */
    bool is_foreign;
    int wait_status; /* as waitpid(2) gave it when rind_child_check found the end; 0 if foreign */
};

/* Appends one argument of the command line; for all calls before rind_child_start. */
void rind_child_add(struct rind_child *child, const char *format, ...) RIND_PRINTF(2, 3);

/* Starts the program. The sentence names it if it cannot be started. */
rind_status rind_child_start(struct rind_ctx *ctx, struct rind_child *child) RIND_MUST_USE;

/*
 * RIND_E_UNAVAILABLE if it has ended, with how it ended and the last line of its log; then
 * child->pid is 0. RIND_OK while it runs.
 */
rind_status rind_child_check(struct rind_ctx *ctx, struct rind_child *child) RIND_MUST_USE;

/* Sends the signal if it runs. */
void rind_child_signal(const struct rind_child *child, int signal_number);

/* Waits until it has ended or the deadline. True if it has ended. */
bool rind_child_wait(struct rind_child *child, struct rind_deadline deadline);

/* SIGKILL now. */
void rind_child_kill(struct rind_child *child);

#endif
