/* child.c - see child.h. */
#include "cli/realm/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_LOG_TAIL_SIZE 400
#define CHILD_NETWORKS "/var/run/netns/" /* where ip-netns(8) keeps the named ones */

void rind_child_add(struct rind_child *child, const char *format, ...)
{
    RIND_ASSERT(child->argument_count < RIND_CHILD_ARGUMENTS_MAX);
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(child->arguments[child->argument_count], RIND_CHILD_ARGUMENT_SIZE_MAX,
                           format, arguments);
    va_end(arguments);
    RIND_ASSERT(length >= 0 && (unsigned)length < RIND_CHILD_ARGUMENT_SIZE_MAX);
    child->argument_count++;
}

/* Moves this process into the network namespace; errno if it cannot. */
static bool child_enter_network(const char *network)
{
    char path[sizeof(CHILD_NETWORKS) + RIND_CHILD_NAME_SIZE_MAX] = CHILD_NETWORKS;
    memcpy(path + strlen(path), network, strlen(network) + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_entered = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    int fault = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    errno = fault;
    return is_entered;
}

/* Between fork and exec: only async-signal-safe calls. Reports errno through `report_fd`. */
static _Noreturn void child_become(struct rind_child *child, int log_fd, int report_fd,
                                   pid_t parent)
{
    char *argv[RIND_CHILD_ARGUMENTS_MAX + 2];
    argv[0] = child->program;
    for (size_t i = 0; i < child->argument_count; i++) {
        argv[i + 1] = child->arguments[i];
    }
    argv[child->argument_count + 1] = NULL;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool is_placed = child->network[0] == '\0' || child_enter_network(child->network);
    if (is_placed && getppid() == parent && null_fd >= 0 && dup2(null_fd, STDIN_FILENO) >= 0 &&
        dup2(log_fd, STDOUT_FILENO) >= 0 && dup2(log_fd, STDERR_FILENO) >= 0) {
        (void)execv(child->program, argv);
    }
    int fault = errno;
    ssize_t written = write(report_fd, &fault, sizeof(fault));
    _exit(written == sizeof(fault) ? 127 : 126);
}

static rind_status child_fork(struct rind_ctx *ctx, struct rind_child *child, int log_fd)
{
    int report[2];
    RIND_REQUIRE(ctx, pipe2(report, O_CLOEXEC) == 0, RIND_E_IO, "cannot make a pipe: %s",
                 strerror(errno));
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        child_become(child, log_fd, report[1], parent);
    }
    (void)close(report[1]);
    int fault = errno;
    if (pid < 0) {
        (void)close(report[0]);
        return rind_fail(ctx, RIND_E_IO, "cannot start %s: %s", child->program, strerror(fault));
    }
    /* The pipe closes on exec; an error number comes through it if exec failed. */
    ssize_t got = read(report[0], &fault, sizeof(fault));
    (void)close(report[0]);
    if (got == sizeof(fault)) {
        (void)waitpid(pid, NULL, 0);
        return rind_fail(ctx, RIND_E_IO,
                         "cannot start %s: %s; 'make build' puts all programs in one "
                         "folder",
                         child->program, strerror(fault));
    }
    child->pid = pid;
    return RIND_OK;
}

rind_status rind_child_start(struct rind_ctx *ctx, struct rind_child *child)
{
    RIND_ASSERT(child->pid == 0 && !child->is_foreign);
    int log_fd = open(child->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    RIND_REQUIRE(ctx, log_fd >= 0, RIND_E_IO, "cannot write %s: %s", child->log_file,
                 strerror(errno));
    rind_status status = child_fork(ctx, child, log_fd);
    (void)close(log_fd);
    return status;
}

/* The last line of the log, cut to what a sentence holds. */
static void child_last_line(const struct rind_child *child, char line[CHILD_LOG_TAIL_SIZE])
{
    line[0] = '\0';
    FILE *file = fopen(child->log_file, "re");
    if (file == NULL) {
        return;
    }
    char tail[CHILD_LOG_TAIL_SIZE * 4] = "";
    (void)fseek(file, -(long)(sizeof(tail) - 1), SEEK_END);
    size_t length = fread(tail, 1, sizeof(tail) - 1, file);
    (void)fclose(file);
    while (length > 0 && tail[length - 1] == '\n') {
        length--;
    }
    tail[length] = '\0';
    const char *start = strrchr(tail, '\n');
    (void)snprintf(line, CHILD_LOG_TAIL_SIZE, "%.*s", CHILD_LOG_TAIL_SIZE - 1,
                   start == NULL ? tail : start + 1);
}

/* Waits until the process has ended or the deadline. */
static void child_wait_end(const struct rind_child *child, struct rind_deadline deadline)
{
    /* A pidfd becomes readable when the process ends. */
    int fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (fd >= 0) {
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        while (poll(&waiting, 1, rind_deadline_poll_ms(deadline)) < 0 && errno == EINTR) {
        }
        (void)close(fd);
    }
}

/* True while it runs. Else its status is in *status, where we are told. */
static bool child_is_running(const struct rind_child *child, int *status)
{
    if (!child->is_foreign) {
        return waitpid(child->pid, status, WNOHANG) == 0;
    }
    int fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    if (fd < 0) {
        return false; /* ended, and whoever started it knows already */
    }
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    bool has_ended = poll(&waiting, 1, 0) > 0;
    (void)close(fd);
    return !has_ended;
}

static void child_has_ended(struct rind_child *child)
{
    child->last_pid = child->pid;
    child->pid = 0;
}

rind_status rind_child_check(struct rind_ctx *ctx, struct rind_child *child)
{
    int status = 0;
    if (child->pid != 0 && child_is_running(child, &status)) {
        return RIND_OK;
    }
    bool was_running = child->pid != 0;
    if (was_running) {
        child_has_ended(child);
    }
    child->wait_status = status;
    char line[CHILD_LOG_TAIL_SIZE];
    child_last_line(child, line);
    if (was_running && WIFSIGNALED(status)) {
        return rind_fail(ctx, RIND_E_UNAVAILABLE, "%s was ended by signal %d (%s): %s", child->name,
                         WTERMSIG(status), child->log_file, line);
    }
    return rind_fail(ctx, RIND_E_UNAVAILABLE, "%s ended with status %d (%s): %s", child->name,
                     was_running ? WEXITSTATUS(status) : -1, child->log_file, line);
}

void rind_child_signal(const struct rind_child *child, int signal_number)
{
    if (child->pid != 0) {
        (void)kill(child->pid, signal_number);
    }
}

bool rind_child_wait(struct rind_child *child, struct rind_deadline deadline)
{
    if (child->pid == 0) {
        return true;
    }
    int status;
    child_wait_end(child, deadline);
    if (child_is_running(child, &status)) {
        return false;
    }
    child_has_ended(child);
    return true;
}

void rind_child_kill(struct rind_child *child)
{
    if (child->pid != 0) {
        (void)kill(child->pid, SIGKILL);
        if (child->is_foreign) {
            child_wait_end(child, rind_deadline_in_ms(RIND_CHILD_STOP_TIMEOUT_MS));
        } else {
            (void)waitpid(child->pid, NULL, 0);
        }
        child_has_ended(child);
    }
}
