/*
 * fuzz_http_answer.c - hostile answers to our RPC client: rind_fan_* and behind it
 * client_exchange.c, over a real connection to this process.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "host/host.h"
#include "net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_ANSWER_SIZE_MAX 4096u

static int fuzz_listen(struct rind_address *address)
{
    RIND_ASSERT(rind_is_ok(rind_address_parse(NULL, rind_slice_text("127.0.0.1:0"), address)));
    struct sockaddr *name = (struct sockaddr *)(void *)&address->storage;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    RIND_ASSERT(fd >= 0 && bind(fd, name, address->length) == 0 && listen(fd, 4) == 0);
    RIND_ASSERT(getsockname(fd, name, &address->length) == 0);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[256 * 1024];
    struct rind_arena arena;
    struct rind_ctx ctx;
    struct rind_client *client = NULL;
    struct rind_client_options options = rind_client_options_default();
    struct rind_address address;
    struct rind_url url;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    options.answer_size_bytes_max = FUZZ_ANSWER_SIZE_MAX;
    options.idle_per_peer_max = 1;
    RIND_ASSERT(rind_is_ok(rind_client_open(&ctx, &options, &client)));
    int listen_fd = fuzz_listen(&address);
    rind_url_from_address(&address, &url);
    struct rind_call call = {.url = &url, .deadline = rind_deadline_in_ms(20000)};
    struct rind_fan *fan = NULL;
    RIND_ASSERT(rind_is_ok(rind_fan_open(&ctx, client, &call, 1, &fan)));
    int fd = accept(listen_fd, NULL, NULL);
    RIND_ASSERT(fd >= 0);
    (void)send(fd, data, size, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    struct rind_fan_result result;
    RIND_ASSERT(rind_fan_next(&ctx, fan, rind_deadline_never(), &result));
    RIND_ASSERT(!rind_is_ok(result.status) || result.answer.body.length <= FUZZ_ANSWER_SIZE_MAX);
    RIND_ASSERT(!rind_is(result.status, RIND_E_TIMEOUT)); /* the end of the stream ends the call */
    rind_fan_close(fan);
    rind_client_close(client);
    (void)close(fd);
    (void)close(listen_fd);
    return 0;
}
