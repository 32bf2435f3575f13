/* emulator.c - see emulator.h. */
#include "emulators/emulator.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/test.h"

#define RECORD_LINE_SIZE_MAX 65536

static void put(const char *path, const char *text)
{
    char next[128];
    snprintf(next, sizeof(next), "%s.next", path);
    FILE *file = fopen(next, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(next, path), 0);
}

static void run(const struct emulator *emulator, int input, int output)
{
    char program[512];
    const char *bin = getenv("RIND_BIN_DIR");
    snprintf(program, sizeof(program), "%s/emulators", bin != NULL ? bin : "bin");
    const char *arguments[] = {program,   emulator->service, "-faults",      emulator->faults,
                               "-record", emulator->record,  "-secrets",     emulator->secrets,
                               "-page",   emulator->page,    (const char *)0};
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execv(program, (char *const *)(uintptr_t)arguments);
    fprintf(stderr, "%s: %s; build the target 'emulators'\n", program, strerror(errno));
    _exit(127);
}

static void start(struct emulator *emulator)
{
    int input[2];
    int output[2];
    assert_int_equal(pipe2(input, O_CLOEXEC), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    emulator->pid = fork();
    assert_true(emulator->pid >= 0);
    if (emulator->pid == 0) {
        run(emulator, input[0], output[1]);
    }
    close(input[0]);
    close(output[1]);
    emulator->input = input[1];
    FILE *stream = fdopen(output[0], "r");
    assert_non_null(stream);
    assert_int_equal(fscanf(stream, "listening %63s", emulator->address), 1);
    fclose(stream);
    char url[96];
    snprintf(url, sizeof(url), "http://%s/", emulator->address);
    assert_true(rind_is_ok(rind_url_parse(NULL, rind_slice_text(url), &emulator->url)));
}

void emulator_open_pages(struct emulator *emulator, const char *service, const char *page)
{
    *emulator =
        (struct emulator){.folder = "/tmp/rind-emulator-XXXXXX", .service = service, .page = page};
    assert_non_null(mkdtemp(emulator->folder));
    snprintf(emulator->faults, sizeof(emulator->faults), "%s/faults", emulator->folder);
    snprintf(emulator->record, sizeof(emulator->record), "%s/record", emulator->folder);
    snprintf(emulator->secrets, sizeof(emulator->secrets), "%s/secrets", emulator->folder);
    put(emulator->faults, "");
    put(emulator->record, "");
    put(emulator->secrets, "{}");
    start(emulator);
}

void emulator_open(struct emulator *emulator, const char *service)
{
    emulator_open_pages(emulator, service, "25000");
}

static void stop(struct emulator *emulator)
{
    close(emulator->input);
    assert_int_equal(waitpid(emulator->pid, NULL, 0), emulator->pid);
}

void emulator_close(struct emulator *emulator)
{
    stop(emulator);
    unlink(emulator->faults);
    unlink(emulator->record);
    unlink(emulator->secrets);
    rmdir(emulator->folder);
}

void emulator_kill(struct emulator *emulator)
{
    stop(emulator);
    start(emulator);
}

void emulator_set_faults(struct emulator *emulator, const char *lines)
{
    put(emulator->faults, lines);
}

void emulator_set_secrets(struct emulator *emulator, const char *json)
{
    put(emulator->secrets, json);
}

/* Requests of that method whose hex contains `hex` (NULL: any) at a whole byte. */
static unsigned count(const struct emulator *emulator, const char *method, const char *hex)
{
    static char line[RECORD_LINE_SIZE_MAX];
    unsigned found = 0;
    size_t method_length = strlen(method);
    FILE *file = fopen(emulator->record, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, method, method_length) != 0 || line[method_length] != ' ') {
            continue;
        }
        const char *bytes = line + method_length + 1;
        const char *at = hex != NULL ? strstr(bytes, hex) : bytes;
        while (at != NULL && (at - bytes) % 2 != 0) {
            at = strstr(at + 1, hex);
        }
        found += at != NULL;
    }
    fclose(file);
    return found;
}

unsigned emulator_count(struct emulator *emulator, const char *method)
{
    return count(emulator, method, NULL);
}

bool emulator_saw(struct emulator *emulator, const char *method, const char *hex)
{
    return count(emulator, method, hex) > 0;
}
