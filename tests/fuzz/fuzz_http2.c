/*
 * fuzz_http2.c - hostile HTTP/2: rind_http2_feed, rind_http2_answer, rind_http2_fill and the ends.
 *
 * The input follows the connection preface. Requests are answered, after a delay of some turns, as
 * workers would.
 */
#include <stdlib.h>

#include "base/base.h"
#include "net/http2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_STREAMS_MAX 8u
#define FUZZ_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct fuzz_world {
    struct rind_mailbox *mailbox;
    struct rind_exchange *open[FUZZ_STREAMS_MAX + 1];
    struct rind_exchange *served[FUZZ_STREAMS_MAX + 1]; /* dispatched, not answered */
    size_t open_count;
    size_t served_count;
    size_t dispatched;
};

static struct rind_exchange *fuzz_open(void *self)
{
    struct fuzz_world *world = self;
    RIND_ASSERT(world->open_count < FUZZ_STREAMS_MAX); /* the limit, resets or not */
    struct rind_exchange *exchange = rind_exchange_new(world->mailbox);
    RIND_ASSERT(exchange != NULL);
    world->open[world->open_count++] = exchange;
    return exchange;
}

static bool fuzz_dispatch(void *self, struct rind_exchange *exchange, struct rind_message *message)
{
    struct fuzz_world *world = self;
    RIND_ASSERT(message->request.header_count <= RIND_HTTP_HEADERS_MAX);
    RIND_ASSERT(message->request.body.length <= message->limits->body_size_bytes_max);
    if (++world->dispatched % 5 == 0) {
        return false; /* all workers are busy */
    }
    struct rind_response response = rind_response_make(200, message->request.body);
    rind_response_add_header(&response, "x-test", rind_slice_text("1"));
    exchange->answer = rind_stored_answer_new(&response);
    exchange->is_dispatched = true;
    rind_message_free(message);
    world->served[world->served_count++] = exchange;
    return true;
}

static void fuzz_close(void *self, struct rind_exchange *exchange)
{
    struct fuzz_world *world = self;
    size_t i = 0;
    while (i < world->open_count && world->open[i] != exchange) {
        i++;
    }
    RIND_ASSERT(i < world->open_count); /* closed once */
    for (size_t j = 0; j < world->served_count; j++) {
        RIND_ASSERT(world->served[j] != exchange); /* never while a handler has it */
    }
    world->open[i] = world->open[--world->open_count];
    rind_exchange_release(exchange);
}

static void fuzz_answer_oldest(struct fuzz_world *world, struct rind_http2 *http2)
{
    if (world->served_count == 0) {
        return;
    }
    struct rind_exchange *exchange = world->served[0];
    world->served_count--;
    for (size_t i = 0; i < world->served_count; i++) {
        world->served[i] = world->served[i + 1];
    }
    atomic_store(&exchange->is_completed, true);
    exchange->is_delivered = true;
    rind_http2_answer(http2, exchange);
}

static bool fuzz_fill(struct rind_http2 *http2)
{
    static uint8_t output[2 * RIND_HTTP2_FRAME_SIZE_MAX];
    for (unsigned i = 0; i < 16; i++) {
        struct rind_buffer buffer;
        rind_buffer_init(&buffer, output, sizeof(output));
        if (!rind_http2_fill(http2, &buffer)) {
            return false;
        }
        if (buffer.length == 0) {
            break;
        }
    }
    return true;
}

static void fuzz_run(struct fuzz_world *world, struct rind_http2 *http2, struct rind_slice input,
                     size_t step)
{
    bool is_open = rind_http2_feed(http2, rind_slice_text(FUZZ_PREFACE));
    unsigned turn = 0;
    for (size_t at = 0; is_open && at < input.length; at += step, turn++) {
        size_t piece = input.length - at < step ? input.length - at : step;
        is_open = rind_http2_feed(http2, rind_slice_make(input.data + at, piece));
        if (turn % 2 == 1) {
            fuzz_answer_oldest(world, http2);
        }
        is_open = fuzz_fill(http2) && is_open && rind_http2_is_alive(http2);
        if (turn == 40) {
            rind_http2_announce_end(http2);
        }
        if (turn == 60) {
            rind_http2_reset_receiving(http2, UINT64_MAX);
            rind_http2_refuse(http2);
        }
    }
    while (world->served_count > 0) {
        fuzz_answer_oldest(world, http2);
    }
    (void)fuzz_fill(http2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rind_message_limits limits = {4096, 4096, 1u << 20};
    if (size == 0) {
        return 0;
    }
    struct fuzz_world world = {.mailbox = NULL};
    atomic_size_t budget = 0;
    RIND_ASSERT(rind_is_ok(rind_mailbox_new(NULL, &world.mailbox)));
    struct rind_http2_options options = {
        .owner = {&world, fuzz_open, fuzz_dispatch, fuzz_close},
        .limits = &limits,
        .budget = &budget,
        .peer = "peer",
        .streams_max = FUZZ_STREAMS_MAX,
        .header_list_size_bytes_max = 1024,
    };
    struct rind_http2 *http2 = rind_http2_new(&options);
    RIND_ASSERT(http2 != NULL);
    fuzz_run(&world, http2, rind_slice_make(data + 1, size - 1), (size_t)data[0] + 1);
    rind_http2_free(http2);
    while (world.open_count > 0) {
        rind_exchange_release(world.open[--world.open_count]);
    }
    RIND_ASSERT(atomic_load(&budget) == 0);
    rind_mailbox_release(world.mailbox);
    return 0;
}
