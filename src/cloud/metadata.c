/* metadata.c - see metadata.h. */
#include "cloud/metadata.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char metadata_request[] = "GET / HTTP/1.1\r\n"
                                       "Host: metadata.google.internal\r\n"
                                       "Metadata-Flavor: Google\r\n"
                                       "Connection: close\r\n"
                                       "\r\n";

static bool metadata_wait(int fd, short events, struct rind_deadline deadline)
{
    struct pollfd ready = {.fd = fd, .events = events};
    while (!rind_deadline_has_expired(deadline)) {
        int count = poll(&ready, 1, rind_deadline_poll_ms(deadline));
        if (count > 0) {
            return true;
        }
        if (count < 0 && errno != EINTR) {
            return false;
        }
    }
    return false;
}

static bool metadata_connect(int fd, const struct rind_address *address,
                             struct rind_deadline deadline)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (connect(fd, (const struct sockaddr *)(const void *)&address->storage, address->length) ==
        0) {
        return true;
    }
    return errno == EINPROGRESS && metadata_wait(fd, POLLOUT, deadline) &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

/* The head of the answer, or as much of it as came; always a text. */
static void metadata_read_head(int fd, struct rind_deadline deadline,
                               char head[static RIND_METADATA_HEAD_SIZE_MAX + 1])
{
    size_t length = 0;
    head[0] = '\0';
    while (length < RIND_METADATA_HEAD_SIZE_MAX && strstr(head, "\r\n\r\n") == NULL &&
           metadata_wait(fd, POLLIN, deadline)) {
        ssize_t got = recv(fd, head + length, RIND_METADATA_HEAD_SIZE_MAX - length, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return;
        }
        length += got > 0 ? (size_t)got : 0;
        head[length] = '\0';
    }
}

/* Anything may answer at that address; the server of Google's machines says that it is one. */
static bool metadata_ask(int fd, const struct rind_address *address, struct rind_deadline deadline)
{
    char head[RIND_METADATA_HEAD_SIZE_MAX + 1];
    size_t size = sizeof(metadata_request) - 1;
    if (!metadata_connect(fd, address, deadline) ||
        send(fd, metadata_request, size, MSG_NOSIGNAL) != (ssize_t)size) {
        return false;
    }
    metadata_read_head(fd, deadline, head);
    return strcasestr(head, "\nmetadata-flavor: google\r") != NULL;
}

bool rind_metadata_is_there(const struct rind_address *address, struct rind_deadline deadline)
{
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    bool is_there = metadata_ask(fd, address, deadline);
    (void)close(fd);
    return is_there;
}
