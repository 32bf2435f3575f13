/* hsm_child.c - see hsm_child.h. */
#include "agent/hsm_child.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define HSM_CHILD_PROGRAM "rind-hsm"
#define HSM_CHILD_END_MS 2000u
#define HSM_CHILD_ARGUMENTS_MAX 16u

struct rind_hsm_child {
    struct rind_log log;
    void (*on_death)(void *self);
    void *self;
    pid_t pid;
    atomic_bool is_closing;
    struct rind_mutex lock; /* guards has_ended */
    struct rind_cond ended;
    bool has_ended;
    struct rind_thread thread; /* waits for the child's end */
};

/* The directory of the running program, from the kernel. */
static bool child_own_directory(char *directory, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", directory, size - 1);
    if (length <= 0) {
        return false;
    }
    directory[length] = '\0';
    char *slash = strrchr(directory, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

static rind_status child_program(struct rind_ctx *ctx, char *path, size_t size)
{
    char directory[PATH_MAX];
    const char *given = getenv("SOFTWARE_HSM_DIR");
    bool is_given = given != NULL && given[0] != '\0';
    RIND_REQUIRE(ctx, is_given || child_own_directory(directory, sizeof(directory)), RIND_E_IO,
                 "cannot find this program's own directory; set SOFTWARE_HSM_DIR");
    struct rind_buffer text;
    rind_buffer_init(&text, path, size);
    rind_buffer_print(&text, "%s/%s", is_given ? given : directory, HSM_CHILD_PROGRAM);
    rind_buffer_append_byte(&text, 0);
    RIND_REQUIRE(ctx, !text.is_overflown, RIND_E_LIMIT, "the path of %s is too long",
                 HSM_CHILD_PROGRAM);
    RIND_REQUIRE(ctx, access(path, X_OK) == 0, RIND_E_NOT_FOUND,
                 "no program %s; set SOFTWARE_HSM_DIR to its directory", path);
    return RIND_OK;
}

/* In the child: from fork to exec only what is safe there. */
_Noreturn static void child_exec(const char *program, char *const *arguments, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(126); /* the agent is gone already */
    }
    execv(program, arguments);
    _exit(127);
}

static void child_run(void *self)
{
    struct rind_hsm_child *child = self;
    int how = 0;
    while (waitpid(child->pid, &how, 0) < 0 && errno == EINTR) {
    }
    if (!atomic_load(&child->is_closing)) {
        RIND_LOG_ERROR(&child->log, "the software HSM ended by itself (%s %d)",
                       WIFSIGNALED(how) ? "signal" : "status",
                       WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
        child->on_death(child->self);
    }
    rind_mutex_lock(&child->lock);
    child->has_ended = true;
    rind_cond_broadcast(&child->ended);
    rind_mutex_unlock(&child->lock);
}

/* `pid` is set last of all: there is a child exactly if it is positive. */
static rind_status child_start(struct rind_ctx *ctx, const struct rind_hsm_child_options *options,
                               struct rind_hsm_child *child)
{
    char program[PATH_MAX];
    char listen[RIND_ADDRESS_TEXT_SIZE];
    RIND_TRY(child_program(ctx, program, sizeof(program)));
    rind_address_format(&options->listen, listen);
    const char *arguments[HSM_CHILD_ARGUMENTS_MAX] = {program, "--key", options->key};
    size_t count = 3;
    if (options->state_dir != NULL) {
        arguments[count++] = "--state-dir";
        arguments[count++] = options->state_dir;
    }
    if (options->name != NULL) {
        arguments[count++] = "--name";
        arguments[count++] = options->name;
    }
    arguments[count++] = "--listen";
    arguments[count++] = listen;
    pid_t parent = getpid();
    pid_t pid = fork();
    RIND_REQUIRE(ctx, pid >= 0, RIND_E_LIMIT, "cannot start %s: %s", program, strerror(errno));
    if (pid == 0) {
        child_exec(program, (char *const *)arguments, parent);
    }
    child->pid = pid;
    return rind_thread_start(ctx, &child->thread, "hsm-child", child_run, child);
}

rind_status rind_hsm_child_open(struct rind_ctx *ctx, const struct rind_hsm_child_options *options,
                                struct rind_hsm_child **child)
{
    struct rind_hsm_child *made = calloc(1, sizeof(*made));
    RIND_REQUIRE(ctx, made != NULL, RIND_E_LIMIT, "out of memory");
    made->log = options->log != NULL ? *options->log : rind_log_make(NULL);
    made->on_death = options->on_death;
    made->self = options->self;
    rind_mutex_init(&made->lock);
    rind_cond_init(&made->ended);
    rind_status status = child_start(ctx, options, made);
    if (!rind_is_ok(status)) {
        rind_hsm_child_close(made);
        return status;
    }
    *child = made;
    return RIND_OK;
}

/* Waits until the child has ended. */
static bool child_wait(struct rind_hsm_child *child, struct rind_deadline deadline)
{
    rind_mutex_lock(&child->lock);
    while (!child->has_ended && !rind_deadline_has_expired(deadline)) {
        (void)rind_cond_wait(&child->ended, &child->lock, deadline);
    }
    bool has_ended = child->has_ended;
    rind_mutex_unlock(&child->lock);
    return has_ended;
}

void rind_hsm_child_close(struct rind_hsm_child *child)
{
    if (child == NULL) {
        return;
    }
    atomic_store(&child->is_closing, true);
    if (child->pid > 0) {
        (void)kill(child->pid, SIGTERM);
        if (!child_wait(child, rind_deadline_in_ms(HSM_CHILD_END_MS))) {
            (void)kill(child->pid, SIGKILL);
        }
    }
    rind_thread_join(&child->thread);
    rind_cond_fini(&child->ended);
    rind_mutex_fini(&child->lock);
    free(child);
}
