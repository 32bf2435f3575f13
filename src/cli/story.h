/*
 * story.h - what `rind demo` tells: a person registers a secret and gets it back, others do not.
 *
 * Every step is really done with librind over HTTPS, and checked; a step that comes out otherwise
 * ends the story with an error.
 */
#ifndef RIND_CLI_STORY_H
#define RIND_CLI_STORY_H

#include "cli/realm/local.h"

/* Tells the story on stdout. `stopper` ends it between two steps with RIND_E_CANCELLED. */
rind_status rind_story_tell(struct rind_ctx *ctx, struct rind_local *local,
                            struct rind_stopper *stopper) RIND_MUST_USE;

#endif
