/*
 * watch.h - noticing at once that a leader's agent is gone, at no cost while it is not.
 *
 * A connection without any traffic is kept to each agent that leads something. When the process
 * ends the kernel closes it, and when the machine or the way to it is gone, keep-alive probes (sent
 * and answered by kernels, so neither load nor a paused process counts as absence) find out within
 * RIND_WATCH_LOST_MS. Either way the leader check runs then instead of at its next turn. What is
 * seen here is a hint and nothing more: the check asks all agents itself. One thread of its own.
 */
#ifndef RIND_CLUSTER_WATCH_H
#define RIND_CLUSTER_WATCH_H

#include "host/host.h"

#define RIND_WATCH_AGENTS_MAX 256u /* more are left to the periodic check */
#define RIND_WATCH_LOST_MS 4000u   /* without answers to keep-alive probes */

struct rind_watch; /* opaque */

/*
 * `notify(self)` is called on the watch's thread whenever a watched agent ended a connection or
 * could not be reached; it must not wait.
 */
rind_status rind_watch_open(struct rind_ctx *ctx, void (*notify)(void *self), void *self,
                            struct rind_watch **watch) RIND_MUST_USE;

/* NULL is allowed. */
void rind_watch_close(struct rind_watch *watch);

/*
 * Watches exactly these agents from now on. Those that were lost are tried again: whoever names
 * them has seen them alive. URLs with host names are not watched, as resolving them could wait.
 */
void rind_watch_set(struct rind_watch *watch, const char *const *urls, size_t count);

/* Connections that are open at this moment; for tests. */
size_t rind_watch_open_count(struct rind_watch *watch);

#endif
