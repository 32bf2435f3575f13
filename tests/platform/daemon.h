/* daemon.h - a rind-hsm process under test: started, talked to, ended. Fails the test on its own.
 */
#ifndef RIND_TESTS_PLATFORM_DAEMON_H
#define RIND_TESTS_PLATFORM_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DAEMON_OUTPUT_SIZE 16384u
#define DAEMON_WAIT_MS 20000 /* generous: test machines are busy */

struct daemon {
    pid_t pid;
    int output_fd; /* its stdout and stderr */
    char output[DAEMON_OUTPUT_SIZE];
    size_t output_length;
    uint16_t port;
};

struct daemon_answer {
    int status;
    uint8_t body[65536];
    size_t body_length;
};

/* Starts it with these arguments (NULL-terminated, without the program). Does not wait. */
void daemon_start(struct daemon *daemon, const char *const *arguments);

/* Starts it with --listen 127.0.0.1:0 and more, and waits until it listens. */
void daemon_serve(struct daemon *daemon, const char *const *arguments);

/* Waits until its output contains `text`. */
void daemon_expect(struct daemon *daemon, const char *text);

/* Sends a signal (0: none), waits for the end, returns its exit status or -signal. */
int daemon_wait(struct daemon *daemon, int signal_number);

/* A connection to it. */
int daemon_connect(const struct daemon *daemon);

/* One request over `fd`, which stays open. */
void daemon_ask(int fd, const char *method, const char *target, const void *body, size_t size,
                struct daemon_answer *answer);

/* connect, ask, close. */
int daemon_post(const struct daemon *daemon, const char *target, const void *body, size_t size,
                struct daemon_answer *answer);

#endif
