/*
 * status.h - the one kind of error: a code to act on, and a sentence to read.
 *
 * Fallible functions return a must-use rind_status and write results through pointers, only on
 * success. The sentence (cause and remedy, never a secret) is attached once, with rind_fail or
 * RIND_REQUIRE, where the fault is found; callers pass the status on or add one clause in front.
 */
#ifndef RIND_BASE_STATUS_H
#define RIND_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* What the caller can do about it decides the code. One list gives codes and names. */
#define RIND_CODES(X)                                                                              \
    X(OK, "ok")                                                                                    \
    X(DECODE, "undecodable")  /* bytes that are not what they should be */                         \
    X(INVALID, "invalid")     /* an argument, flag or configuration that cannot be */              \
    X(LIMIT, "limit reached") /* a bound with a name was hit */                                    \
    X(AUTH, "not authentic")  /* a MAC, tag, signature or proof that does not verify */            \
    X(DENIED, "denied")       /* authentic but not allowed */                                      \
    X(NOT_FOUND, "not found")                                                                      \
    X(EXISTS, "exists already")                                                                    \
    X(PRECONDITION, "precondition failed") /* the world has moved on; do not retry as is */        \
    X(STALE, "stale")                      /* retry with fresher input */                          \
    X(BUSY, "busy")                        /* retry later */                                       \
    X(TIMEOUT, "deadline exceeded")                                                                \
    X(NETWORK, "network")                 /* connection refused, reset, closed */                  \
    X(HTTP_STATUS, "http status")         /* the peer answered with an error status */             \
    X(IO, "input/output")                 /* files, disks */                                       \
    X(CORRUPT, "corrupt")                 /* stored data that cannot be */                         \
    X(UNKNOWN_OUTCOME, "unknown outcome") /* it may or may not have happened */                    \
    X(CANCELLED, "cancelled")             /* we are shutting down or were told to stop */          \
    X(UNAVAILABLE, "unavailable")         /* a service we need is not there */                     \
    X(INTERNAL, "internal")

#define RIND_CODE_ENUM(name, text) RIND_E_##name,
enum rind_code { RIND_CODES(RIND_CODE_ENUM) RIND_CODE_COUNT };
#undef RIND_CODE_ENUM

/* One word that can be mistaken for neither an int nor a count. */
typedef struct {
    uint32_t code; /* enum rind_code */
} rind_status;

#define RIND_MUST_USE __attribute__((warn_unused_result))
#define RIND_PRINTF(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))

#define RIND_OK ((rind_status){RIND_E_OK})

/* Longest sentence kept, NUL included; longer ones are cut. */
#define RIND_SENTENCE_SIZE_MAX 512u

struct rind_trace; /* of host/trace.h */

/*
 * What a request carries through its calls: its arena, the trace it belongs to, and the sentence of
 * its failure. Never shared between threads. `arena` may be NULL for work that allocates nothing.
 */
struct rind_ctx {
    struct rind_arena *arena;
    const struct rind_trace *trace; /* passed on in calls to others; NULL: none */
    char sentence[RIND_SENTENCE_SIZE_MAX];
};

/* Makes an empty context over `arena` (borrowed, may be NULL). */
void rind_ctx_init(struct rind_ctx *ctx, struct rind_arena *arena);

static inline bool rind_is_ok(rind_status status)
{
    return status.code == RIND_E_OK;
}

static inline bool rind_is(rind_status status, enum rind_code code)
{
    return status.code == (uint32_t)code;
}

static inline rind_status rind_status_make(enum rind_code code)
{
    rind_status status = {(uint32_t)code};
    return status;
}

/* The short name of a code, such as "not found"; a static text. */
const char *rind_code_name(enum rind_code code);

/* Attaches the sentence (replacing an older one, which an argument may point at) and returns the
 * status to return. ctx may be NULL. */
rind_status rind_fail(struct rind_ctx *ctx, enum rind_code code, const char *format,
                      ...) RIND_MUST_USE RIND_PRINTF(3, 4);

/* Puts "clause: " in front of the sentence and passes `status` on, so that a reader sees the path.
 */
rind_status rind_fail_while(struct rind_ctx *ctx, rind_status status, const char *format,
                            ...) RIND_MUST_USE RIND_PRINTF(3, 4);

/* The only two macros that return. */
#define RIND_TRY(call)                                                                             \
    do {                                                                                           \
        rind_status rind_try_status = (call);                                                      \
        if (!rind_is_ok(rind_try_status)) {                                                        \
            return rind_try_status;                                                                \
        }                                                                                          \
    } while (0)

#define RIND_REQUIRE(ctx, condition, code, ...)                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return rind_fail((ctx), (code), __VA_ARGS__);                                          \
        }                                                                                          \
    } while (0)

/* Allocations from ctx->arena that attach the sentence when it is full (result NULL). */
void *rind_ctx_alloc(struct rind_ctx *ctx, size_t size);
void *rind_ctx_alloc_array(struct rind_ctx *ctx, size_t count, size_t size);

#endif
