/*
 * h2_client.h - a test's HTTP/2 client with prior knowledge over a raw TCP connection.
 */
#ifndef RIND_TESTS_SUPPORT_H2_CLIENT_H
#define RIND_TESTS_SUPPORT_H2_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "host/address.h"

#define H2_CLIENT_STREAMS_MAX 20000u
#define H2_CLIENT_BODY_SIZE 256u

struct h2_stream {
    int32_t id;
    unsigned status;
    size_t body_length;
    char body[H2_CLIENT_BODY_SIZE]; /* the beginning, NUL-terminated */
    bool is_closed;
    uint32_t close_code;
    const char *upload; /* what is still to be sent */
    size_t upload_length;
    bool is_upload_endless; /* never sends END_STREAM */
};

struct h2_client {
    int fd;
    nghttp2_session *session;
    struct h2_stream *streams; /* in order of submission; heap */
    size_t stream_count;
    bool has_goaway;
    uint32_t goaway_code;
    int32_t goaway_last_id;
    bool is_closed; /* by the peer */
    uint32_t remote_streams_max;
};

/* `window`: initial window of our streams and connection; 0: the default. */
void h2_client_open(struct h2_client *client, const struct rind_address *address, uint32_t window);
void h2_client_close(struct h2_client *client);

/* Queues a request; `body` NULL: none. Extra header if `name` is not NULL. */
struct h2_stream *h2_client_request(struct h2_client *client, const char *method, const char *path,
                                    const char *body, const char *name, const char *value);

/* Sends what is queued and reads what comes within `timeout_ms`; false once closed. */
bool h2_client_run(struct h2_client *client, int timeout_ms);

/* Runs until the stream is closed; fails the test if that takes too long. */
void h2_client_finish(struct h2_client *client, const struct h2_stream *stream);
/* Runs until the peer has closed the connection. */
void h2_client_run_to_end(struct h2_client *client);

#endif
