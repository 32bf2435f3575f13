/* scripted_peer.c - see scripted_peer.h. */
#include "scripted_peer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "support/test.h"

#define PEER_TIMEOUT_MS 20000

/* Reads one request with its body into peer->last_request; false if the client closed. */
static bool peer_read_request(struct scripted_peer *peer, int fd)
{
    char text[sizeof(peer->last_request)] = "";
    size_t length = 0;
    for (;;) {
        const char *end = strstr(text, "\r\n\r\n");
        const char *field = strstr(text, "content-length: ");
        if (end != NULL && field != NULL &&
            length >= (size_t)(end + 4 - text) + strtoul(field + 16, NULL, 10)) {
            break;
        }
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, PEER_TIMEOUT_MS) <= 0) {
            return false;
        }
        ssize_t got = recv(fd, text + length, sizeof(text) - 1 - length, 0);
        if (got <= 0) {
            return false;
        }
        length += (size_t)got;
        text[length] = '\0';
    }
    rind_mutex_lock(&peer->mutex);
    memcpy(peer->last_request, text, sizeof(text));
    peer->requests++;
    rind_mutex_unlock(&peer->mutex);
    return true;
}

static void peer_play(struct scripted_peer *peer, const struct scripted_connection *script)
{
    struct pollfd ready = {.fd = peer->listen_fd, .events = POLLIN};
    if (poll(&ready, 1, PEER_TIMEOUT_MS) <= 0) {
        return;
    }
    int fd = accept(peer->listen_fd, NULL, NULL);
    for (size_t i = 0; i < 4 && script->answers[i] != NULL; i++) {
        if (!peer_read_request(peer, fd)) {
            break;
        }
        size_t length = strlen(script->answers[i]);
        (void)send(fd, script->answers[i], length, MSG_NOSIGNAL);
    }
    if (script->stays_open) {
        rind_mutex_lock(&peer->mutex);
        peer->open_fds[peer->open_count++] = fd;
        rind_mutex_unlock(&peer->mutex);
    } else {
        (void)close(fd);
    }
}

static void peer_run(void *self)
{
    struct scripted_peer *peer = self;
    for (size_t i = 0; i < peer->script_count; i++) {
        peer_play(peer, &peer->script[i]);
    }
}

void scripted_peer_open(struct scripted_peer *peer, const struct scripted_connection *script,
                        size_t count)
{
    struct rind_ctx ctx;
    rind_ctx_init(&ctx, NULL);
    memset(peer, 0, sizeof(*peer));
    assert_true(
        rind_is_ok(rind_address_parse(&ctx, rind_slice_text("127.0.0.1:0"), &peer->address)));
    peer->script = script;
    peer->script_count = count;
    rind_mutex_init(&peer->mutex);
    peer->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr *name = (struct sockaddr *)(void *)&peer->address.storage;
    assert_int_equal(bind(peer->listen_fd, name, peer->address.length), 0);
    assert_int_equal(listen(peer->listen_fd, 16), 0);
    assert_int_equal(getsockname(peer->listen_fd, name, &peer->address.length), 0);
    rind_url_from_address(&peer->address, &peer->url);
    assert_true(rind_is_ok(rind_thread_start(&ctx, &peer->thread, "peer", peer_run, peer)));
}

void scripted_peer_close(struct scripted_peer *peer)
{
    rind_thread_join(&peer->thread);
    for (size_t i = 0; i < peer->open_count; i++) {
        (void)close(peer->open_fds[i]);
    }
    (void)close(peer->listen_fd);
    rind_mutex_fini(&peer->mutex);
}

unsigned scripted_peer_requests(struct scripted_peer *peer)
{
    rind_mutex_lock(&peer->mutex);
    unsigned requests = peer->requests;
    rind_mutex_unlock(&peer->mutex);
    return requests;
}
