/* test_http1.c - the HTTP/1 parser by itself: what it makes of bytes however they are cut. */
#include <string.h>

#include "base/base.h"
#include "net/http1.h"
#include "support/test.h"

static const struct rind_message_limits test_limits = {2048, 4096, 1u << 20};

/* What the parser says in the end to bytes that come in pieces of `step`; the status if it failed.
 */
static enum rind_http1_event outcome(struct rind_slice bytes, size_t step, unsigned *failure)
{
    atomic_size_t budget = 0;
    struct rind_http1 http1;
    rind_http1_init(&http1, &test_limits, &budget, "peer");
    enum rind_http1_event event = RIND_HTTP1_MORE;
    for (size_t at = 0; event == RIND_HTTP1_MORE && at < bytes.length;) {
        size_t piece = bytes.length - at < step ? bytes.length - at : step;
        size_t consumed = 0;
        event = rind_http1_feed(&http1, rind_slice_make(bytes.data + at, piece), &consumed);
        at += consumed;
    }
    *failure = http1.failure;
    rind_http1_fini(&http1);
    assert_int_equal(atomic_load(&budget), 0);
    return event;
}

static size_t request_with_trailer(char *request, size_t size, size_t name_length)
{
    char name[4096];
    memset(name, 'n', name_length);
    return (size_t)snprintf(request, size,
                            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "0\r\n%.*s: v\r\n\r\n",
                            (int)name_length, name);
}

static void trailers_count_the_same_however_they_are_cut(void **state)
{
    (void)state;
    char request[4096];
    size_t length = request_with_trailer(request, sizeof(request), 1900);
    for (size_t step = 1; step < 32; step++) {
        unsigned failure = 0;
        assert_int_equal(outcome(rind_slice_make(request, length), step, &failure),
                         RIND_HTTP1_REQUEST);
    }
    length = request_with_trailer(request, sizeof(request), 2048);
    for (size_t step = 1; step < 32; step++) {
        unsigned failure = 0;
        assert_int_equal(outcome(rind_slice_make(request, length), step, &failure),
                         RIND_HTTP1_FAILED);
        assert_int_equal(failure, 431);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trailers_count_the_same_however_they_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
