/* h2_client.c - see h2_client.h. */
#include "support/h2_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/clock.h"
#include "support/test.h"

#define H2_CLIENT_TIMEOUT_MS 20000u

static struct h2_stream *h2_find(struct h2_client *client, int32_t id)
{
    for (size_t i = 0; i < client->stream_count; i++) {
        if (client->streams[i].id == id) {
            return &client->streams[i];
        }
    }
    return NULL;
}

static int h2_on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                        size_t name_length, const uint8_t *value, size_t value_length,
                        uint8_t flags, void *self)
{
    (void)session;
    (void)flags;
    struct h2_stream *stream = h2_find(self, frame->hd.stream_id);
    if (stream != NULL && name_length == 7 && memcmp(name, ":status", 7) == 0) {
        char text[8] = "";
        assert_true(value_length < sizeof(text));
        memcpy(text, value, value_length);
        stream->status = (unsigned)strtoul(text, NULL, 10);
    }
    return 0;
}

static int h2_on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                      size_t length, void *self)
{
    (void)session;
    (void)flags;
    struct h2_stream *stream = h2_find(self, id);
    for (size_t i = 0; stream != NULL && i < length; i++) {
        if (stream->body_length + 1 < H2_CLIENT_BODY_SIZE) {
            stream->body[stream->body_length] = (char)data[i];
        }
        stream->body_length++;
    }
    return 0;
}

static int h2_on_close(nghttp2_session *session, int32_t id, uint32_t code, void *self)
{
    (void)session;
    struct h2_stream *stream = h2_find(self, id);
    if (stream != NULL) {
        stream->is_closed = true;
        stream->close_code = code;
    }
    return 0;
}

static int h2_on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
    struct h2_client *client = self;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        client->has_goaway = true;
        client->goaway_code = frame->goaway.error_code;
        client->goaway_last_id = frame->goaway.last_stream_id;
    }
    if (frame->hd.type == NGHTTP2_SETTINGS) {
        client->remote_streams_max =
            nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    }
    return 0;
}

static ssize_t h2_read_upload(nghttp2_session *session, int32_t id, uint8_t *data, size_t capacity,
                              uint32_t *flags, nghttp2_data_source *source, void *self)
{
    (void)session;
    (void)source;
    struct h2_stream *stream = h2_find(self, id);
    assert_non_null(stream);
    size_t length = stream->upload_length < capacity ? stream->upload_length : capacity;
    memcpy(data, stream->upload, length);
    stream->upload += length;
    stream->upload_length -= length;
    if (stream->upload_length == 0) {
        if (stream->is_upload_endless) {
            return length > 0 ? (ssize_t)length : NGHTTP2_ERR_DEFERRED;
        }
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)length;
}

void h2_client_open(struct h2_client *client, const struct rind_address *address, uint32_t window)
{
    memset(client, 0, sizeof(*client));
    client->streams = calloc(H2_CLIENT_STREAMS_MAX, sizeof(client->streams[0]));
    assert_non_null(client->streams);
    client->fd = socket(address->storage.ss_family, SOCK_STREAM, 0);
    assert_int_equal(connect(client->fd, (const struct sockaddr *)(const void *)&address->storage,
                             address->length),
                     0);
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    assert_int_equal(nghttp2_option_new(&option), 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, H2_CLIENT_STREAMS_MAX);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, h2_on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, h2_on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, h2_on_frame);
    assert_int_equal(nghttp2_session_client_new2(&client->session, callbacks, client, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_settings_entry setting = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    assert_int_equal(
        nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, &setting, window == 0 ? 0 : 1),
        0);
}

void h2_client_close(struct h2_client *client)
{
    nghttp2_session_del(client->session);
    (void)close(client->fd);
    free(client->streams);
}

static nghttp2_nv h2_field(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

struct h2_stream *h2_client_request(struct h2_client *client, const char *method, const char *path,
                                    const char *body, const char *name, const char *value)
{
    assert_true(client->stream_count < H2_CLIENT_STREAMS_MAX);
    struct h2_stream *stream = &client->streams[client->stream_count++];
    nghttp2_nv fields[5] = {h2_field(":method", method), h2_field(":path", path),
                            h2_field(":scheme", "http"), h2_field(":authority", "test")};
    if (name != NULL) {
        fields[4] = h2_field(name, value);
    }
    nghttp2_data_provider provider = {.read_callback = h2_read_upload};
    stream->upload = body;
    stream->upload_length = body != NULL ? strlen(body) : 0;
    stream->id = nghttp2_submit_request(client->session, NULL, fields, name != NULL ? 5 : 4,
                                        body != NULL ? &provider : NULL, NULL);
    assert_true(stream->id > 0);
    return stream;
}

static void h2_send(struct h2_client *client)
{
    for (;;) {
        const uint8_t *data = NULL;
        ssize_t length = nghttp2_session_mem_send(client->session, &data);
        assert_true(length >= 0);
        if (length == 0) {
            return;
        }
        size_t sent = 0;
        while (sent < (size_t)length) {
            ssize_t put = send(client->fd, data + sent, (size_t)length - sent, MSG_NOSIGNAL);
            if (put <= 0) {
                client->is_closed = true;
                return;
            }
            sent += (size_t)put;
        }
    }
}

bool h2_client_run(struct h2_client *client, int timeout_ms)
{
    h2_send(client);
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};
    if (poll(&ready, 1, timeout_ms) <= 0) {
        return !client->is_closed;
    }
    uint8_t input[65536];
    ssize_t got = recv(client->fd, input, sizeof(input), 0);
    if (got <= 0) {
        client->is_closed = true;
        return false;
    }
    ssize_t taken = nghttp2_session_mem_recv(client->session, input, (size_t)got);
    assert_int_equal(taken, got);
    h2_send(client);
    return !client->is_closed;
}

void h2_client_finish(struct h2_client *client, const struct h2_stream *stream)
{
    struct rind_deadline deadline = rind_deadline_in_ms(H2_CLIENT_TIMEOUT_MS);
    while (!stream->is_closed) {
        assert_false(rind_deadline_has_expired(deadline));
        assert_true(h2_client_run(client, 100) || stream->is_closed);
    }
}

void h2_client_run_to_end(struct h2_client *client)
{
    struct rind_deadline deadline = rind_deadline_in_ms(H2_CLIENT_TIMEOUT_MS);
    while (h2_client_run(client, 100)) {
        assert_false(rind_deadline_has_expired(deadline));
    }
}
