/* raw_client.c - see raw_client.h. */
#include "support/raw_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/test.h"

void raw_client_open(struct raw_client *client, const struct rind_address *address)
{
    *client = (struct raw_client){.fd = socket(address->storage.ss_family, SOCK_STREAM, 0)};
    assert_true(client->fd >= 0);
    client->text = calloc(1, RAW_CLIENT_TEXT_SIZE);
    assert_non_null(client->text);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)(const void *)&address->storage,
                             address->length),
                     0);
}

void raw_client_close(struct raw_client *client)
{
    (void)close(client->fd);
    free(client->text);
    client->fd = -1;
    client->text = NULL;
}

bool raw_client_try_send(struct raw_client *client, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length > 0) {
        struct pollfd ready = {.fd = client->fd, .events = POLLOUT};
        assert_true(poll(&ready, 1, RAW_CLIENT_TIMEOUT_MS) > 0);
        ssize_t sent = send(client->fd, at, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

void raw_client_send(struct raw_client *client, const void *bytes, size_t length)
{
    assert_true(raw_client_try_send(client, bytes, length));
}

void raw_client_send_text(struct raw_client *client, const char *text)
{
    raw_client_send(client, text, strlen(text));
}

/* Reads once; false at the end of the stream. */
static bool raw_client_read(struct raw_client *client)
{
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};
    assert_true(poll(&ready, 1, RAW_CLIENT_TIMEOUT_MS) > 0);
    assert_true(client->length + 1 < RAW_CLIENT_TEXT_SIZE);
    ssize_t got = recv(client->fd, client->text + client->length,
                       RAW_CLIENT_TEXT_SIZE - 1 - client->length, 0);
    if (got <= 0) {
        return false;
    }
    client->length += (size_t)got;
    client->text[client->length] = '\0';
    return true;
}

/* Length of the first whole answer at `text`, or 0. */
static size_t raw_client_answer_length(const char *text, size_t length)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - text) + 4;
    if (strncmp(text, "HTTP/1.1 100", 12) == 0) {
        size_t rest = raw_client_answer_length(text + head, length - head);
        return rest == 0 ? 0 : head + rest;
    }
    const char *field = strcasestr(text, "content-length: ");
    assert_true(field != NULL && field < end);
    size_t whole = head + strtoul(field + 16, NULL, 10);
    return whole <= length ? whole : 0;
}

const char *raw_client_read_answers(struct raw_client *client, unsigned count)
{
    for (;;) {
        size_t at = 0;
        unsigned found = 0;
        while (found < count) {
            size_t length = raw_client_answer_length(client->text + at, client->length - at);
            if (length == 0) {
                break;
            }
            at += length;
            found++;
        }
        if (found == count) {
            return client->text;
        }
        assert_true(raw_client_read(client));
    }
}

void raw_client_clear(struct raw_client *client)
{
    client->length = 0;
    client->text[0] = '\0';
}

void raw_client_read_to_end(struct raw_client *client)
{
    while (raw_client_read(client)) {
    }
}

void raw_client_read_bytes(struct raw_client *client, size_t length)
{
    while (client->length < length) {
        assert_true(raw_client_read(client));
    }
}
