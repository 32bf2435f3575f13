/* transport.c - see transport.h. */
#include "net/transport.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

/* What a failed TLS call means. The error queue is per thread and must not leak into the next. */
static enum rind_transport_result transport_tls_result(struct rind_transport *transport, int result)
{
    int error = SSL_get_error(transport->session, result);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
        return RIND_TRANSPORT_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        transport->is_write_awaited = true;
        return RIND_TRANSPORT_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return RIND_TRANSPORT_CLOSED;
    default:
        return RIND_TRANSPORT_FAILED;
    }
}

enum rind_transport_result rind_transport_handshake(struct rind_transport *transport)
{
    if (transport->session == NULL) {
        return RIND_TRANSPORT_OK;
    }
    transport->is_write_awaited = false;
    ERR_clear_error();
    int result = SSL_do_handshake(transport->session);
    return result == 1 ? RIND_TRANSPORT_OK : transport_tls_result(transport, result);
}

static enum rind_transport_result transport_plain_result(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? RIND_TRANSPORT_AGAIN
                                                                     : RIND_TRANSPORT_FAILED;
}

enum rind_transport_result rind_transport_read(struct rind_transport *transport, void *data,
                                               size_t capacity, size_t *length)
{
    RIND_ASSERT(capacity > 0 && capacity <= INT_MAX);
    transport->is_write_awaited = false;
    if (transport->session != NULL) {
        ERR_clear_error();
        int got = SSL_read(transport->session, data, (int)capacity);
        if (got <= 0) {
            return transport_tls_result(transport, got);
        }
        *length = (size_t)got;
        return RIND_TRANSPORT_OK;
    }
    ssize_t got = recv(transport->fd, data, capacity, MSG_DONTWAIT);
    if (got < 0) {
        return transport_plain_result();
    }
    *length = (size_t)got;
    return got == 0 ? RIND_TRANSPORT_CLOSED : RIND_TRANSPORT_OK;
}

enum rind_transport_result rind_transport_write(struct rind_transport *transport,
                                                struct rind_slice bytes, size_t *written)
{
    RIND_ASSERT(bytes.length > 0);
    if (transport->session != NULL) {
        ERR_clear_error();
        int put = SSL_write(transport->session, bytes.data,
                            bytes.length > INT_MAX ? INT_MAX : (int)bytes.length);
        if (put <= 0) {
            enum rind_transport_result result = transport_tls_result(transport, put);
            return result == RIND_TRANSPORT_CLOSED ? RIND_TRANSPORT_FAILED : result;
        }
        *written = (size_t)put;
        return RIND_TRANSPORT_OK;
    }
    ssize_t put = send(transport->fd, bytes.data, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put <= 0) {
        return put == 0 ? RIND_TRANSPORT_AGAIN : transport_plain_result();
    }
    *written = (size_t)put;
    return RIND_TRANSPORT_OK;
}

void rind_transport_finish(struct rind_transport *transport)
{
    if (transport->session != NULL && SSL_is_init_finished(transport->session)) {
        ERR_clear_error();
        (void)SSL_shutdown(transport->session);
        ERR_clear_error();
    }
    (void)shutdown(transport->fd, SHUT_WR);
}

void rind_transport_close(struct rind_transport *transport)
{
    if (transport->session != NULL) {
        SSL_free(transport->session);
        transport->session = NULL;
    }
    if (transport->fd >= 0) {
        (void)close(transport->fd);
        transport->fd = -1;
    }
}
