/* failure.c - see failure.h. The order of enum rind_error is that of spec 01 section 11. */
#include "client/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/hex.h"

static const char *const error_names[] = {
    [RIND_ERROR_NONE] = "None",
    [RIND_ERROR_INVALID_PIN] = "InvalidPin",
    [RIND_ERROR_NOT_REGISTERED] = "NotRegistered",
    [RIND_ERROR_INVALID_AUTH] = "InvalidAuth",
    [RIND_ERROR_UPGRADE_REQUIRED] = "UpgradeRequired",
    [RIND_ERROR_RATE_LIMIT_EXCEEDED] = "RateLimitExceeded",
    [RIND_ERROR_ASSERTION] = "Assertion",
    [RIND_ERROR_TRANSIENT] = "Transient",
    [RIND_ERROR_INVALID_ARGUMENT] = "InvalidArgument",
    [RIND_ERROR_CANCELLED] = "Cancelled",
};

const char *rind_error_name(enum rind_error error)
{
    size_t index = (size_t)error;
    return index < sizeof(error_names) / sizeof(error_names[0]) ? error_names[index] : "unknown";
}

enum rind_error rind_sdk_fail(struct rind_failure *failure, enum rind_error error,
                              const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    failure->error = error;
    failure->guesses_remaining = 0;
    (void)vsnprintf(failure->sentence, sizeof(failure->sentence), format, arguments);
    va_end(arguments);
    return error;
}

enum rind_error rind_sdk_fail_at(struct rind_failure *failure, enum rind_error error,
                                 const struct rind_realm_id *realm, const char *format, ...)
{
    char id[RIND_HEX_SIZE(sizeof(realm->bytes))];
    va_list arguments;
    va_start(arguments, format);
    failure->error = error;
    failure->guesses_remaining = 0;
    rind_hex_encode(RIND_SLICE_OF(realm->bytes), id);
    int used = snprintf(failure->sentence, sizeof(failure->sentence), "realm %s: ", id);
    RIND_ASSERT(used > 0 && (size_t)used < sizeof(failure->sentence));
    (void)vsnprintf(failure->sentence + used, sizeof(failure->sentence) - (size_t)used, format,
                    arguments);
    va_end(arguments);
    return error;
}

enum rind_error rind_sdk_fail_pin(struct rind_failure *failure, uint16_t guesses_remaining)
{
    rind_sdk_fail(failure, RIND_ERROR_INVALID_PIN, "wrong PIN or info; %u guesses remain",
                  guesses_remaining);
    failure->guesses_remaining = guesses_remaining;
    return RIND_ERROR_INVALID_PIN;
}

bool rind_sdk_failure_precedes(const struct rind_failure *a, const struct rind_failure *b)
{
    if (a->error != b->error) {
        return a->error < b->error;
    }
    return a->guesses_remaining < b->guesses_remaining;
}

void rind_sdk_why(char *why, const char *format, ...)
{
    if (why == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, RIND_SENTENCE_SIZE, format, arguments);
    va_end(arguments);
}
