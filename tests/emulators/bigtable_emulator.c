/* bigtable_emulator.c - see bigtable_emulator.h. */
#include "emulators/bigtable_emulator.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#define EMULATOR_PATH_SIZE 512u
#define EMULATOR_LINE_SIZE 512u

static void bigtable_emulator_path(char path[static EMULATOR_PATH_SIZE])
{
    const char *bin = getenv("RIND_BIN_DIR");
    (void)snprintf(path, EMULATOR_PATH_SIZE, "%s/cbtemulator", bin != NULL ? bin : "bin");
    if (access(path, X_OK) != 0) {
        fail_msg("no emulator %s: build the target 'cbtemulator'", path);
    }
}

static void bigtable_emulator_run(const char *path, unsigned port, int out)
{
    char port_text[16];
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)dup2(out, STDOUT_FILENO);
    (void)execl(path, path, "-host", "127.0.0.1", "-port", port_text, (char *)NULL);
    _exit(127);
}

/* The address is what follows the last space of the first line. */
static void bigtable_emulator_read_address(struct bigtable_emulator *emulator, int in)
{
    char line[EMULATOR_LINE_SIZE] = "";
    size_t length = 0;
    while (length + 1 < sizeof(line) && read(in, &line[length], 1) == 1 && line[length] != '\n') {
        length++;
    }
    line[length] = '\0';
    const char *space = strrchr(line, ' ');
    const char *colon = strrchr(line, ':');
    if (space == NULL || colon == NULL) {
        fail_msg("the emulator did not say where it listens, but: \"%s\"", line);
        return;
    }
    (void)snprintf(emulator->address, sizeof(emulator->address), "%.60s", space + 1);
    emulator->port = (unsigned)strtoul(colon + 1, NULL, 10);
    assert_true(emulator->port > 0);
}

void bigtable_emulator_start(struct bigtable_emulator *emulator, unsigned port)
{
    char path[EMULATOR_PATH_SIZE];
    bigtable_emulator_path(path);
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    emulator->pid = fork();
    assert_true(emulator->pid >= 0);
    if (emulator->pid == 0) {
        (void)close(pipes[0]);
        bigtable_emulator_run(path, port, pipes[1]);
    }
    (void)close(pipes[1]);
    emulator->out = pipes[0]; /* kept open: it may say more, and would die of a closed pipe */
    bigtable_emulator_read_address(emulator, pipes[0]);
}

void bigtable_emulator_stop(struct bigtable_emulator *emulator)
{
    if (emulator->pid > 0) {
        (void)kill(emulator->pid, SIGKILL);
        (void)waitpid(emulator->pid, NULL, 0);
        (void)close(emulator->out);
        emulator->pid = 0;
    }
}
