/*
 * fuzz_http1.c - hostile HTTP/1 requests: rind_http1_feed and behind it rind_message_*.
 *
 * The first byte chooses how the rest is cut into pieces. Whatever the cut, the same requests must
 * come out, so the input is run twice: whole and in pieces.
 */
#include <stdlib.h>

#include "base/base.h"
#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUESTS_MAX 64u

struct fuzz_summary {
    size_t request_count;
    size_t body_bytes;
    size_t header_count;
    size_t path_bytes;
    unsigned failure;
};

static const struct rind_message_limits fuzz_limits = {2048, 4096, 1u << 20};

static void fuzz_check(const struct rind_message *message, struct fuzz_summary *summary)
{
    const struct rind_request *request = &message->request;
    RIND_ASSERT(request->header_count <= RIND_HTTP_HEADERS_MAX);
    RIND_ASSERT(request->body.length <= fuzz_limits.body_size_bytes_max);
    RIND_ASSERT(!request->is_body_too_large || request->body.length == 0);
    RIND_ASSERT(request->method.length > 0);
    size_t text = request->method.length + request->target.length;
    for (size_t i = 0; i < request->header_count; i++) {
        text += request->headers[i].name.length + request->headers[i].value.length;
        for (size_t j = 0; j < request->headers[i].name.length; j++) {
            uint8_t c = request->headers[i].name.data[j];
            RIND_ASSERT(c > 0x20 && c < 0x7f && !(c >= 'A' && c <= 'Z'));
        }
    }
    RIND_ASSERT(text <= fuzz_limits.head_size_bytes_max);
    summary->request_count++;
    summary->body_bytes += request->body.length;
    summary->header_count += request->header_count;
    summary->path_bytes += request->path.length;
}

/* Runs the parser as a connection does, in pieces of `step` bytes. */
static struct fuzz_summary fuzz_run(struct rind_slice input, size_t step)
{
    struct fuzz_summary summary = {0, 0, 0, 0, 0};
    atomic_size_t budget = 0;
    struct rind_http1 http1;
    rind_http1_init(&http1, &fuzz_limits, &budget, "peer");
    bool is_open = true;
    for (size_t at = 0; is_open && at < input.length;) {
        size_t piece = input.length - at < step ? input.length - at : step;
        size_t consumed = 0;
        enum rind_http1_event event =
            rind_http1_feed(&http1, rind_slice_make(input.data + at, piece), &consumed);
        RIND_ASSERT(consumed <= piece);
        RIND_ASSERT(event != RIND_HTTP1_MORE || consumed == piece);
        at += consumed;
        if (event == RIND_HTTP1_FAILED) {
            summary.failure = http1.failure;
            RIND_ASSERT(http1.failure >= 400 && http1.failure < 600);
            is_open = false;
        } else if (event == RIND_HTTP1_REQUEST) {
            struct rind_message *message = rind_http1_take(&http1);
            fuzz_check(message, &summary);
            rind_message_free(message);
            is_open = http1.is_keep_alive && summary.request_count < FUZZ_REQUESTS_MAX;
        }
    }
    rind_http1_fini(&http1);
    RIND_ASSERT(atomic_load(&budget) == 0); /* every byte charged was given back */
    return summary;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct rind_slice input = rind_slice_make(data + 1, size - 1);
    struct fuzz_summary whole = fuzz_run(input, SIZE_MAX);
    struct fuzz_summary pieces = fuzz_run(input, (size_t)data[0] % 17 + 1);
    RIND_ASSERT(whole.request_count == pieces.request_count);
    RIND_ASSERT(whole.body_bytes == pieces.body_bytes);
    RIND_ASSERT(whole.header_count == pieces.header_count);
    RIND_ASSERT(whole.path_bytes == pieces.path_bytes);
    RIND_ASSERT((whole.failure != 0) == (pieces.failure != 0));
    return 0;
}
