/*
 * hsm_child.h - the software HSM as a child process of the agent. Spec 06 section 4.2.
 */
#ifndef RIND_AGENT_HSM_CHILD_H
#define RIND_AGENT_HSM_CHILD_H

#include "base/base.h"
#include "host/host.h"

struct rind_hsm_child;

struct rind_hsm_child_options {
    const char *key;
    const char *state_dir; /* NULL: the child's default */
    const char *name;      /* NULL: the child's default */
    struct rind_address listen;
    const struct rind_log *log;
    /* Called once, from another thread, if the child ends before it was asked to. */
    void (*on_death)(void *self);
    void *self;
};

/*
 * Starts `rind-hsm`, found in $SOFTWARE_HSM_DIR or beside this program. The child ends with this
 * process, whatever its end (section 16 item 19).
 */
rind_status rind_hsm_child_open(struct rind_ctx *ctx, const struct rind_hsm_child_options *options,
                                struct rind_hsm_child **child) RIND_MUST_USE;

/* Asks the child to end, waits, insists after two seconds. NULL is allowed. */
void rind_hsm_child_close(struct rind_hsm_child *child);

#endif
