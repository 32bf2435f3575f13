/* daemon.c - see daemon.h. */
#include "platform/daemon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAEMON_ARGUMENTS_MAX 32

static void daemon_die(const char *what, const struct daemon *daemon)
{
    fprintf(stderr, "rind-hsm under test: %s (%s)\n%s\n", what, strerror(errno),
            daemon != NULL ? daemon->output : "");
    abort();
}

static int64_t daemon_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void daemon_start(struct daemon *daemon, const char *const *arguments)
{
    *daemon = (struct daemon){.output_fd = -1};
    char program[1024];
    const char *folder = getenv("RIND_BIN_DIR");
    (void)snprintf(program, sizeof(program), "%s/rind-hsm", folder != NULL ? folder : ".");
    char *argv[DAEMON_ARGUMENTS_MAX] = {program};
    size_t count = 1;
    for (size_t i = 0; arguments[i] != NULL && count + 1 < DAEMON_ARGUMENTS_MAX; i++) {
        argv[count++] = (char *)(uintptr_t)arguments[i];
    }
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        daemon_die("pipe", daemon);
    }
    daemon->pid = fork();
    if (daemon->pid == 0) {
        (void)dup2(pipes[1], STDOUT_FILENO);
        (void)dup2(pipes[1], STDERR_FILENO);
        (void)execv(program, argv);
        _exit(127);
    }
    (void)close(pipes[1]);
    daemon->output_fd = pipes[0];
    if (daemon->pid < 0) {
        daemon_die("fork", daemon);
    }
}

/* Reads what there is within `timeout_ms`; false at the end of the output or after that time. */
static int daemon_read(struct daemon *daemon, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = daemon->output_fd, .events = POLLIN};
    if (poll(&poll_fd, 1, timeout_ms) <= 0) {
        return 0;
    }
    size_t room = sizeof(daemon->output) - 1 - daemon->output_length;
    ssize_t got = read(daemon->output_fd, daemon->output + daemon->output_length, room);
    if (got <= 0) {
        return 0;
    }
    daemon->output_length += (size_t)got;
    daemon->output[daemon->output_length] = '\0';
    return 1;
}

void daemon_expect(struct daemon *daemon, const char *text)
{
    int64_t deadline = daemon_now_ms() + DAEMON_WAIT_MS;
    while (strstr(daemon->output, text) == NULL) {
        int64_t left = deadline - daemon_now_ms();
        if (left <= 0 || !daemon_read(daemon, (int)left)) {
            fprintf(stderr, "expected: %s\n", text);
            daemon_die("said something else", daemon);
        }
    }
}

void daemon_serve(struct daemon *daemon, const char *const *arguments)
{
    const char *all[DAEMON_ARGUMENTS_MAX] = {"--listen", "127.0.0.1:0"};
    for (size_t i = 0; i + 3 < DAEMON_ARGUMENTS_MAX && arguments[i] != NULL; i++) {
        all[2 + i] = arguments[i];
    }
    daemon_start(daemon, all);
    daemon_expect(daemon, "ready: ");
    const char *listening = strstr(daemon->output, "listening on http://127.0.0.1:");
    if (listening == NULL) {
        daemon_die("does not tell where it listens", daemon);
    }
    daemon->port = (uint16_t)atoi(listening + strlen("listening on http://127.0.0.1:"));
}

int daemon_wait(struct daemon *daemon, int signal_number)
{
    if (signal_number != 0) {
        (void)kill(daemon->pid, signal_number);
    }
    int64_t deadline = daemon_now_ms() + DAEMON_WAIT_MS;
    while (daemon_now_ms() < deadline && daemon_read(daemon, DAEMON_WAIT_MS)) {
    }
    /* Its output has ended, so it is ending: by itself, or by the alarm of the test runner. */
    int status = 0;
    if (waitpid(daemon->pid, &status, 0) != daemon->pid) {
        daemon_die("waitpid", daemon);
    }
    (void)close(daemon->output_fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int daemon_connect(const struct daemon *daemon)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(daemon->port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        daemon_die("connect", daemon);
    }
    struct timeval limit = {.tv_sec = DAEMON_WAIT_MS / 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

static void daemon_send_all(int fd, const void *bytes, size_t size)
{
    size_t sent = 0;
    while (sent < size) {
        ssize_t put = send(fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (put <= 0) {
            return; /* it may have answered and closed already: reading tells */
        }
        sent += (size_t)put;
    }
}

void daemon_ask(int fd, const char *method, const char *target, const void *body, size_t size,
                struct daemon_answer *answer)
{
    char head[512];
    int length =
        snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n",
                 method, target, size);
    daemon_send_all(fd, head, (size_t)length);
    daemon_send_all(fd, body, size);
    static char received[sizeof(answer->body) + 4096];
    size_t got = 0;
    const char *end = NULL;
    size_t wanted = 0;
    while (end == NULL || got < wanted) {
        ssize_t more = recv(fd, received + got, sizeof(received) - 1 - got, 0);
        if (more <= 0) {
            daemon_die("closed before its answer was complete", NULL);
        }
        got += (size_t)more;
        received[got] = '\0';
        end = end != NULL ? end : strstr(received, "\r\n\r\n");
        const char *content = end != NULL ? strcasestr(received, "content-length:") : NULL;
        wanted = end != NULL ? (size_t)(end + 4 - received) +
                                   (content != NULL ? (size_t)atol(content + 15) : 0)
                             : 0;
    }
    answer->status = atoi(received + strlen("HTTP/1.1 "));
    answer->body_length = wanted - (size_t)(end + 4 - received);
    memcpy(answer->body, end + 4, answer->body_length);
    if (strcasestr(received, "content-type:") != NULL) {
        daemon_die("sends a content type", NULL);
    }
}

int daemon_post(const struct daemon *daemon, const char *target, const void *body, size_t size,
                struct daemon_answer *answer)
{
    int fd = daemon_connect(daemon);
    daemon_ask(fd, "POST", target, body, size, answer);
    (void)close(fd);
    return answer->status;
}
