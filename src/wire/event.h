/*
 * event.h - what tenants are told about one of their users' secrets, as JSON. Spec 05 section 4.2.
 */
#ifndef RIND_WIRE_EVENT_H
#define RIND_WIRE_EVENT_H

#include <stdbool.h>

#include "base/base.h"
#include "wire/agent.h"
#include "wire/types.h"

/* {"event":"guess_used","guess_count":65535,"num_guesses":65535,"user":"..."} and a user name of
 * at most RIND_AGENT_USER_SIZE_MAX characters, each escaped to six at worst. */
#define RIND_EVENT_JSON_SIZE_MAX (128u + 6u * RIND_AGENT_USER_SIZE_MAX)

/*
 * The JSON of the event that `result` makes for `user`, into ctx's arena; false if it makes none
 * (Register1, Recover1, Recover2 without a counted guess, Recover3 not recovered).
 */
rind_status rind_event_json(struct rind_ctx *ctx, const struct rind_app_result_type *result,
                            struct rind_slice user, bool *has_event,
                            struct rind_slice *json) RIND_MUST_USE;

#endif
