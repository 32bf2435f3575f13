/* trace.c - see trace.h. */
#include "host/trace.h"

#include <string.h>
#include <sys/random.h>

#include "base/base.h"

#define TRACEPARENT_LENGTH (RIND_TRACEPARENT_SIZE - 1)
#define TRACE_ID_OFFSET 3u
#define TRACE_SPAN_OFFSET 36u
#define TRACE_FLAGS_OFFSET 53u
#define TRACE_FLAG_SAMPLED 0x01u

/* Hex of lower case only, as W3C has it; false too if all bytes are zero and `must_be_set`. */
static bool trace_field(struct rind_slice parent, size_t offset, uint8_t *bytes, size_t size,
                        bool must_be_set)
{
    uint8_t any = 0;
    for (size_t i = 0; i < 2 * size; i++) {
        if (parent.data[offset + i] >= 'A' && parent.data[offset + i] <= 'F') {
            return false;
        }
    }
    if (!rind_hex_decode(rind_slice_make(parent.data + offset, 2 * size), bytes, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    return any != 0 || !must_be_set;
}

static bool trace_is_clean(struct rind_slice state)
{
    for (size_t i = 0; i < state.length; i++) {
        if (state.data[i] < 0x20 || state.data[i] > 0x7e) {
            return false;
        }
    }
    return state.length <= RIND_TRACESTATE_SIZE_BYTES_MAX;
}

bool rind_trace_parse(struct rind_slice parent, struct rind_slice state, struct rind_trace *trace)
{
    struct rind_trace made = {.is_sampled = false};
    uint8_t version = 0;
    uint8_t flags = 0;
    if (parent.length < TRACEPARENT_LENGTH || parent.data[2] != '-' ||
        parent.data[TRACE_SPAN_OFFSET - 1] != '-' || parent.data[TRACE_FLAGS_OFFSET - 1] != '-' ||
        !trace_field(parent, 0, &version, 1, false) || version == 0xff ||
        !trace_field(parent, TRACE_ID_OFFSET, made.trace_id, sizeof(made.trace_id), true) ||
        !trace_field(parent, TRACE_SPAN_OFFSET, made.span_id, sizeof(made.span_id), true) ||
        !trace_field(parent, TRACE_FLAGS_OFFSET, &flags, 1, false)) {
        return false;
    }
    bool has_more = parent.length > TRACEPARENT_LENGTH;
    if (has_more && (version == 0 || parent.data[TRACEPARENT_LENGTH] != '-')) {
        return false;
    }
    made.is_sampled = (flags & TRACE_FLAG_SAMPLED) != 0;
    if (trace_is_clean(state)) {
        made.state = state;
    }
    *trace = made;
    return true;
}

void rind_trace_print(const struct rind_trace *trace, char text[static RIND_TRACEPARENT_SIZE])
{
    memcpy(text, "00-", 3);
    rind_hex_encode(RIND_SLICE_OF(trace->trace_id), text + TRACE_ID_OFFSET);
    text[TRACE_SPAN_OFFSET - 1] = '-';
    rind_hex_encode(RIND_SLICE_OF(trace->span_id), text + TRACE_SPAN_OFFSET);
    memcpy(text + TRACE_FLAGS_OFFSET - 1, trace->is_sampled ? "-01" : "-00", 4);
}

bool rind_trace_is_drawn(const struct rind_trace *trace, double rate)
{
    const double draws = 9223372036854775808.0; /* 2^63 */
    uint64_t draw = rind_get_be64(trace->trace_id + 8) >> 1;
    return rate >= 1.0 || (double)draw < rate * draws;
}

void rind_trace_sample(struct rind_ctx *ctx, double rate)
{
    const struct rind_trace *given = ctx->trace;
    ctx->trace = NULL;
    struct rind_trace *made = rind_ctx_alloc(ctx, sizeof(*made));
    if (made == NULL) {
        return;
    }
    *made = (struct rind_trace){.is_sampled = false};
    if (given != NULL) {
        *made = *given;
    } else {
        /* Ids need only be distinct; without entropy (never on Linux after boot) none is made. */
        uint8_t random[sizeof(made->trace_id) + sizeof(made->span_id)];
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
            return;
        }
        memcpy(made->trace_id, random, sizeof(made->trace_id));
        memcpy(made->span_id, random + sizeof(made->trace_id), sizeof(made->span_id));
    }
    made->is_sampled = rind_trace_is_drawn(made, rate);
    ctx->trace = made;
}
