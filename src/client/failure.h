/* failure.h - how functions of this room tell what went wrong. */
#ifndef RIND_CLIENT_FAILURE_H
#define RIND_CLIENT_FAILURE_H

#include <stdbool.h>

#include "base/id.h"
#include "base/status.h"
#include "rind/rind.h"

/* Sets error and sentence, and returns the error. */
enum rind_error rind_sdk_fail(struct rind_failure *failure, enum rind_error error,
                              const char *format, ...) RIND_PRINTF(3, 4);

/* As rind_sdk_fail, with "realm <id>: " in front of the sentence. */
enum rind_error rind_sdk_fail_at(struct rind_failure *failure, enum rind_error error,
                                 const struct rind_realm_id *realm, const char *format, ...)
    RIND_PRINTF(4, 5);

/* The failure of a recover with a wrong PIN. */
enum rind_error rind_sdk_fail_pin(struct rind_failure *failure, uint16_t guesses_remaining);

/* True if `a` is reported rather than `b`: section 11's order, fewer guesses first. */
bool rind_sdk_failure_precedes(const struct rind_failure *a, const struct rind_failure *b);

/* Writes a sentence to `why` (RIND_SENTENCE_SIZE bytes, may be NULL). */
void rind_sdk_why(char *why, const char *format, ...) RIND_PRINTF(2, 3);

#endif
