/* status.c - see status.h. */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

void rind_ctx_init(struct rind_ctx *ctx, struct rind_arena *arena)
{
    ctx->arena = arena;
    ctx->trace = NULL;
    ctx->sentence[0] = '\0';
}

const char *rind_code_name(enum rind_code code)
{
#define RIND_CODE_NAME(name, text) text,
    static const char *const names[] = {RIND_CODES(RIND_CODE_NAME)};
#undef RIND_CODE_NAME
    RIND_ASSERT((unsigned)code < RIND_CODE_COUNT);
    return names[code];
}

rind_status rind_fail(struct rind_ctx *ctx, enum rind_code code, const char *format, ...)
{
    RIND_ASSERT(code != RIND_E_OK);
    if (ctx != NULL) {
        /* Through a copy: an argument may be the sentence that is replaced. */
        char sentence[RIND_SENTENCE_SIZE_MAX];
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(sentence, sizeof(sentence), format, arguments);
        va_end(arguments);
        memcpy(ctx->sentence, sentence, strlen(sentence) + 1);
    }
    return rind_status_make(code);
}

rind_status rind_fail_while(struct rind_ctx *ctx, rind_status status, const char *format, ...)
{
    RIND_ASSERT(!rind_is_ok(status));
    if (ctx == NULL) {
        return status;
    }
    char clause[RIND_SENTENCE_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(clause, sizeof(clause), format, arguments);
    va_end(arguments);

    char joined[2 * RIND_SENTENCE_SIZE_MAX + 2];
    (void)snprintf(joined, sizeof(joined), "%s: %s", clause, ctx->sentence);
    joined[sizeof(ctx->sentence) - 1] = '\0';
    memcpy(ctx->sentence, joined, strlen(joined) + 1);
    return status;
}

void *rind_ctx_alloc(struct rind_ctx *ctx, size_t size)
{
    return rind_ctx_alloc_array(ctx, 1, size);
}

void *rind_ctx_alloc_array(struct rind_ctx *ctx, size_t count, size_t size)
{
    RIND_ASSERT(ctx != NULL && ctx->arena != NULL);
    void *memory = rind_arena_alloc_array(ctx->arena, count, size);
    if (memory == NULL) {
        rind_status full = rind_fail(ctx, RIND_E_LIMIT,
                                     "request needs more than the %zu bytes of its arena; "
                                     "send a smaller request",
                                     ctx->arena->size);
        (void)full;
    }
    return memory;
}
