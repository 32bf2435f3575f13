/* process.c - signals and shutdown; see process.h. Hardening is in process_harden.c. */
#include "host/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"

struct rind_process {
    struct rind_log log;
    int signal_fd;
    uint64_t signalled_ns; /* signal thread: of the first termination signal; 0: none yet */
    int wake_fd;           /* written when the shutdown deadline changes */
    struct rind_thread thread;
    struct rind_stopper stop;    /* the process shall end */
    struct rind_stopper closing; /* the signal thread shall end */
    struct rind_mutex mutex;     /* guards what follows; innermost */
    struct rind_cond changed;
    uint64_t reload_count;
    struct rind_deadline shutdown_deadline;
};

static sigset_t process_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGQUIT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

void rind_process_request_stop(struct rind_process *process)
{
    rind_stopper_set(&process->stop);
    rind_mutex_lock(&process->mutex);
    rind_cond_broadcast(&process->changed);
    rind_mutex_unlock(&process->mutex);
}

static void process_take_signal(struct rind_process *process, uint32_t signal_number)
{
    if (signal_number == SIGHUP) {
        rind_mutex_lock(&process->mutex);
        process->reload_count++;
        rind_cond_broadcast(&process->changed);
        rind_mutex_unlock(&process->mutex);
        RIND_LOG_INFO(&process->log, "reload requested (SIGHUP)");
        return;
    }
    uint64_t now_ns = rind_clock_monotonic_ns();
    if (process->signalled_ns != 0) {
        if (now_ns - process->signalled_ns <= RIND_PROCESS_SIGNAL_GRACE_MS * RIND_NS_PER_MS) {
            return;
        }
        /* An operator who asks twice wants it to end now; state that matters is stored. */
        RIND_LOG_WARN(&process->log, "second termination signal (%s): exiting at once",
                      strsignal((int)signal_number));
        _exit(128 + (int)signal_number);
    }
    process->signalled_ns = now_ns;
    RIND_LOG_INFO(&process->log, "shutdown requested (%s)", strsignal((int)signal_number));
    rind_process_request_stop(process);
}

static struct rind_deadline process_shutdown_deadline(struct rind_process *process)
{
    rind_mutex_lock(&process->mutex);
    struct rind_deadline deadline = process->shutdown_deadline;
    rind_mutex_unlock(&process->mutex);
    return deadline;
}

static void process_run(void *self)
{
    struct rind_process *process = self;
    struct pollfd fds[3] = {
        {.fd = process->signal_fd, .events = POLLIN},
        {.fd = process->wake_fd, .events = POLLIN},
        {.fd = rind_stopper_fd(&process->closing), .events = POLLIN},
    };
    while (!rind_stopper_is_set(&process->closing)) {
        struct rind_deadline deadline = process_shutdown_deadline(process);
        if (rind_deadline_has_expired(deadline)) {
            RIND_LOG_WARN(&process->log, "shutdown took longer than its limit: exiting now");
            _exit(0);
        }
        if (poll(fds, 3, rind_deadline_poll_ms(deadline)) <= 0) {
            continue;
        }
        uint64_t wakes;
        ssize_t got = read(process->wake_fd, &wakes, sizeof(wakes));
        (void)got; /* nothing there is fine: something else woke us */
        struct signalfd_siginfo info;
        if (read(process->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
            process_take_signal(process, info.ssi_signo);
        }
    }
}

/* Fills `process` up to a running thread; whatever was made is released by process_release. */
static rind_status process_start(struct rind_ctx *ctx, struct rind_process *process)
{
    sigset_t signals = process_signals();
    int error = pthread_sigmask(SIG_BLOCK, &signals, NULL);
    RIND_ASSERT(error == 0);
    RIND_REQUIRE(ctx, signal(SIGPIPE, SIG_IGN) != SIG_ERR, RIND_E_INTERNAL,
                 "could not ignore SIGPIPE: %s", strerror(errno));
    /* A file size limit is an error of the write that meets it, not the end of the process. */
    RIND_REQUIRE(ctx, signal(SIGXFSZ, SIG_IGN) != SIG_ERR, RIND_E_INTERNAL,
                 "could not ignore SIGXFSZ: %s", strerror(errno));
    process->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    RIND_REQUIRE(
        ctx, process->signal_fd >= 0, RIND_E_LIMIT,
        "could not make a signal descriptor: %s; raise the limit of open files (ulimit -n)",
        strerror(errno));
    process->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    RIND_REQUIRE(
        ctx, process->wake_fd >= 0, RIND_E_LIMIT,
        "could not make an event descriptor: %s; raise the limit of open files (ulimit -n)",
        strerror(errno));
    return rind_thread_start(ctx, &process->thread, "signals", process_run, process);
}

static void process_release(struct rind_process *process)
{
    rind_thread_join(&process->thread);
    if (process->signal_fd >= 0) {
        (void)close(process->signal_fd);
    }
    if (process->wake_fd >= 0) {
        (void)close(process->wake_fd);
    }
    rind_cond_fini(&process->changed);
    rind_mutex_fini(&process->mutex);
    rind_stopper_fini(&process->closing);
    rind_stopper_fini(&process->stop);
    free(process);
}

rind_status rind_process_open(struct rind_ctx *ctx, const struct rind_log *log,
                              struct rind_process **process)
{
    struct rind_process *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "no memory for the signal thread");
    rind_status status = rind_stopper_init(ctx, &made->stop);
    if (!rind_is_ok(status)) {
        free(made);
        return status;
    }
    status = rind_stopper_init(ctx, &made->closing);
    if (!rind_is_ok(status)) {
        rind_stopper_fini(&made->stop);
        free(made);
        return status;
    }
    made->log = log != NULL ? *log : rind_log_make(NULL);
    made->signal_fd = -1;
    made->wake_fd = -1;
    made->shutdown_deadline = rind_deadline_never();
    rind_mutex_init(&made->mutex);
    rind_cond_init(&made->changed);
    status = process_start(ctx, made);
    if (!rind_is_ok(status)) {
        process_release(made);
        return status;
    }
    *process = made;
    return RIND_OK;
}

void rind_process_close(struct rind_process *process)
{
    if (process != NULL) {
        rind_stopper_set(&process->closing);
        process_release(process);
    }
}

struct rind_stopper *rind_process_stopper(struct rind_process *process)
{
    return &process->stop;
}

bool rind_process_wait(struct rind_process *process, struct rind_deadline deadline,
                       uint64_t *reload_count)
{
    rind_mutex_lock(&process->mutex);
    while (!rind_stopper_is_set(&process->stop) && process->reload_count == *reload_count &&
           rind_cond_wait(&process->changed, &process->mutex, deadline)) {
    }
    *reload_count = process->reload_count;
    rind_mutex_unlock(&process->mutex);
    return rind_stopper_is_set(&process->stop);
}

uint64_t rind_process_reload_count(struct rind_process *process)
{
    rind_mutex_lock(&process->mutex);
    uint64_t count = process->reload_count;
    rind_mutex_unlock(&process->mutex);
    return count;
}

void rind_process_set_shutdown_deadline(struct rind_process *process, struct rind_deadline deadline)
{
    rind_mutex_lock(&process->mutex);
    process->shutdown_deadline = deadline;
    rind_mutex_unlock(&process->mutex);
    uint64_t one = 1;
    ssize_t written = write(process->wake_fd, &one, sizeof(one));
    (void)written; /* fails only if the counter is full: then it is readable anyway */
}

/* One datagram to the service manager, if there is one (sd_notify(3)). */
static void process_notify(const struct rind_log *log, const char *message)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof(address.sun_path)) {
        return;
    }
    size_t length = strlen(path);
    memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (sendto(fd, message, strlen(message), MSG_NOSIGNAL,
               (const struct sockaddr *)(const void *)&address, size) < 0) {
        RIND_LOG_WARN(log, "could not notify the service manager: %s", strerror(errno));
    }
    (void)close(fd);
}

void rind_process_ready(const struct rind_log *log, const char *what)
{
    RIND_LOG_INFO(log, "ready: %s", what);
    process_notify(log, "READY=1");
}

void rind_process_stopping(const struct rind_log *log)
{
    RIND_LOG_INFO(log, "stopping");
    process_notify(log, "STOPPING=1");
}

rind_status rind_process_die_with_parent(struct rind_ctx *ctx, int64_t parent_pid)
{
    RIND_REQUIRE(ctx, prctl(PR_SET_PDEATHSIG, SIGTERM) == 0, RIND_E_INTERNAL,
                 "could not tie this process to its parent: %s", strerror(errno));
    RIND_REQUIRE(ctx, (int64_t)getppid() == parent_pid, RIND_E_CANCELLED,
                 "the parent process has ended already");
    return RIND_OK;
}
