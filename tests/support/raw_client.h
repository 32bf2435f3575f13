/*
 * raw_client.h - a test's own end of a TCP connection: sends bytes as they are, reads what comes.
 *
 * All waits end after RAW_CLIENT_TIMEOUT_MS and then fail the test. One thread per client.
 */
#ifndef RIND_TESTS_SUPPORT_RAW_CLIENT_H
#define RIND_TESTS_SUPPORT_RAW_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "host/address.h"

#define RAW_CLIENT_TIMEOUT_MS 20000
#define RAW_CLIENT_TEXT_SIZE (1024u * 1024u)

struct raw_client {
    int fd;
    size_t length;
    char *text; /* what was received so far and not consumed, NUL-terminated; heap */
};

void raw_client_open(struct raw_client *client, const struct rind_address *address);
void raw_client_close(struct raw_client *client);

void raw_client_send(struct raw_client *client, const void *bytes, size_t length);
void raw_client_send_text(struct raw_client *client, const char *text);

/* Sends without failing the test if the peer has closed; false then. */
bool raw_client_try_send(struct raw_client *client, const void *bytes, size_t length);

/* Waits until `count` whole HTTP/1 answers with content-length are there; returns their text. */
const char *raw_client_read_answers(struct raw_client *client, unsigned count);

/* Forgets what was read. */
void raw_client_clear(struct raw_client *client);

/* Waits until the peer has closed; what came before is in client->text. */
void raw_client_read_to_end(struct raw_client *client);

/* Waits until at least `length` bytes are there. */
void raw_client_read_bytes(struct raw_client *client, size_t length);

#endif
