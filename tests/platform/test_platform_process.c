/* test_platform_process.c - the program rind-hsm (spec 02 sections 7.3 and 7.4). */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "platform/daemon.h"

/* Sanitizers keep shadows and quarantines of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IDLE_RESIDENT_KB_MAX (1024 * 1024)
#else
#define IDLE_RESIDENT_KB_MAX (32 * 1024)
#endif

#define STATUS_REQUEST "\xa2\x63req\xa1\x66Status\xa0\x67metrics\x64Skip"
#define NEW_REALM_REQUEST "\xa2\x63req\xa1\x68NewRealm\xa0\x67metrics\x64Skip"

struct fixture {
    char directory[64];
    char path[128]; /* of the state file of the HSM called "one" */
    struct daemon daemon;
    struct daemon_answer answer;
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->directory, "/tmp/rind-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/one", fixture->directory);
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[160];
    (void)snprintf(command, sizeof(command), "rm -rf %s", fixture->directory);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void serve(struct fixture *fixture, const char *key)
{
    daemon_serve(&fixture->daemon, (const char *const[]){"--key", key, "--name", "one",
                                                         "--state-dir", fixture->directory, NULL});
}

static int post(struct fixture *fixture, const char *request)
{
    return daemon_post(&fixture->daemon, "/req", request, strlen(request), &fixture->answer);
}

/* Starts it where it cannot run; its exit status is 1 and it says `sentence`. */
static void refuses_with(struct fixture *fixture, const char *const *arguments, int exit_status,
                         const char *sentence)
{
    daemon_start(&fixture->daemon, arguments);
    assert_int_equal(daemon_wait(&fixture->daemon, 0), exit_status);
    if (strstr(fixture->daemon.output, sentence) == NULL) {
        fail_msg("expected \"%s\" in:\n%s", sentence, fixture->daemon.output);
    }
}

static void refuses(struct fixture *fixture, const char *const *arguments, const char *sentence)
{
    refuses_with(fixture, arguments, 1, sentence);
}

static void one_route_answers_whatever_the_method_and_query(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    int fd = daemon_connect(&fixture->daemon);
    static const char *const methods[] = {"POST", "PUT", "GET"};
    for (size_t i = 0; i < 3; i++) { /* on one connection */
        daemon_ask(fd, methods[i], i == 1 ? "/req?x=1" : "/req", STATUS_REQUEST,
                   strlen(STATUS_REQUEST), &fixture->answer);
        assert_int_equal(fixture->answer.status, 200);
        assert_int_equal(fixture->answer.body[0], 0xa2);
    }
    daemon_ask(fd, "POST", "/req/", "", 0, &fixture->answer);
    assert_int_equal(fixture->answer.status, 404);
    assert_int_equal(fixture->answer.body_length, 0);
    daemon_ask(fd, "POST", "/req", "\xa0", 1, &fixture->answer);
    assert_int_equal(fixture->answer.status, 400);
    assert_int_equal(fixture->answer.body_length, 0);
    daemon_ask(fd, "POST", "/req", STATUS_REQUEST, strlen(STATUS_REQUEST), &fixture->answer);
    assert_int_equal(fixture->answer.status, 200);
    (void)close(fd);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void bodies_up_to_a_mebibyte_are_read(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    size_t size = 1048576;
    char *body = calloc(1, size + 1);
    memcpy(body, STATUS_REQUEST, strlen(STATUS_REQUEST));
    assert_int_equal(daemon_post(&fixture->daemon, "/req", body, size, &fixture->answer), 200);
    assert_int_equal(daemon_post(&fixture->daemon, "/req", body, size + 1, &fixture->answer), 413);
    free(body);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void each_termination_signal_ends_it_with_status_0(void **state)
{
    struct fixture *fixture = *state;
    static const int signals[] = {SIGTERM, SIGINT, SIGQUIT};
    for (size_t i = 0; i < 3; i++) {
        serve(fixture, "secret");
        int idle = daemon_connect(&fixture->daemon); /* a connection does not keep it */
        assert_int_equal(daemon_wait(&fixture->daemon, signals[i]), 0);
        (void)close(idle);
    }
}

static void the_identity_survives_a_restart_even_by_kill(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    assert_int_equal(post(fixture, NEW_REALM_REQUEST), 200);
    assert_int_equal(post(fixture, STATUS_REQUEST), 200);
    /* id and realm id: everything before the groups */
    uint8_t before[80];
    memcpy(before, fixture->answer.body, sizeof(before));
    assert_int_equal(daemon_wait(&fixture->daemon, SIGKILL), -SIGKILL);
    struct stat about;
    assert_int_equal(stat(fixture->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(about.st_size, 192); /* hsm-persist.json, after NewRealm */
    serve(fixture, "secret");
    assert_int_equal(post(fixture, STATUS_REQUEST), 200);
    assert_memory_equal(fixture->answer.body, before, sizeof(before));
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void other_keys_and_damaged_states_are_refused_in_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    assert_int_equal(post(fixture, NEW_REALM_REQUEST), 200);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
    const char *const right[] = {"-k", "secret",      "-n", "one", "-s", fixture->directory,
                                 "-l", "127.0.0.1:0", NULL};
    const char *const wrong[] = {"-k", "other",       "-n", "one", "-s", fixture->directory,
                                 "-l", "127.0.0.1:0", NULL};
    refuses(fixture, wrong, "InvalidRealmStatement");
    int fd = open(fixture->path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "?", 1, 100), 1);
    refuses(fixture, right, "InvalidChecksum");
    assert_int_equal(ftruncate(fd, 31), 0);
    refuses(fixture, right, "InvalidChecksum");
    assert_int_equal(ftruncate(fd, 0), 0);
    refuses(fixture, right, "is empty");
    (void)close(fd);
}

static void a_second_process_on_one_state_file_is_refused(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    struct fixture second = {0};
    refuses(&second,
            (const char *const[]){"-k", "secret", "-n", "one", "-s", fixture->directory, "-l",
                                  "127.0.0.1:0", NULL},
            "is locked by process");
    assert_int_equal(post(fixture, STATUS_REQUEST), 200);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void command_lines_that_cannot_work_are_refused(void **state)
{
    struct fixture *fixture = *state;
    refuses_with(fixture, (const char *const[]){NULL}, 2, "exactly one of the two");
    refuses_with(fixture, (const char *const[]){"--key", "a", "--keys-file", "b", NULL}, 2,
                 "exactly one of the two");
    refuses_with(fixture, (const char *const[]){"--key", "", NULL}, 2, "must not be empty");
    refuses(fixture, (const char *const[]){"--keys-file", "/nowhere/keys.json", NULL},
            "/nowhere/keys.json");
    int fd = open(fixture->path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    refuses(fixture,
            (const char *const[]){"--key", "a", "--state-dir", fixture->path, "--listen",
                                  "127.0.0.1:0", NULL},
            "not a directory");
    daemon_start(&fixture->daemon, (const char *const[]){"--key", "a", "--listen", "here", NULL});
    assert_int_equal(daemon_wait(&fixture->daemon, 0), 2);
}

static void a_port_in_use_is_refused(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    char listen[32];
    (void)snprintf(listen, sizeof(listen), "127.0.0.1:%u", fixture->daemon.port);
    struct fixture second = {0};
    refuses(&second,
            (const char *const[]){"--key", "a", "--state-dir", fixture->directory, "--listen",
                                  listen, NULL},
            listen);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void a_key_on_the_command_line_is_called_insecure_and_not_shown(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "extraordinary text");
    assert_non_null(strstr(fixture->daemon.output, "INSECURE"));
    assert_null(strstr(fixture->daemon.output, "extraordinary"));
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void a_full_disk_is_a_500_and_the_request_can_be_repeated(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    struct rlimit limit;
    assert_int_equal(prlimit(fixture->daemon.pid, RLIMIT_FSIZE, NULL, &limit), 0);
    struct rlimit small = {100, limit.rlim_max};
    assert_int_equal(prlimit(fixture->daemon.pid, RLIMIT_FSIZE, &small, NULL), 0);
    assert_int_equal(post(fixture, NEW_REALM_REQUEST), 500);
    assert_int_equal(fixture->answer.body_length, 0);
    assert_int_equal(post(fixture, STATUS_REQUEST), 200); /* it lives */
    daemon_expect(&fixture->daemon, "IO Error writing to state file");
    assert_int_equal(prlimit(fixture->daemon.pid, RLIMIT_FSIZE, &limit, NULL), 0);
    assert_int_equal(post(fixture, NEW_REALM_REQUEST), 200);
    assert_int_equal(fixture->answer.body[5], 0xa1); /* {"res": {"Ok": ... */
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

/* The value of a line of /proc/<pid>/<file>. */
static void proc_line(pid_t pid, const char *file, const char *name, char *line, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    FILE *opened = fopen(path, "r");
    assert_non_null(opened);
    while (fgets(line, (int)size, opened) != NULL && strncmp(line, name, strlen(name)) != 0) {
    }
    (void)fclose(opened);
    assert_int_equal(strncmp(line, name, strlen(name)), 0);
}

static void it_gives_up_what_a_thief_could_use_and_stays_small(void **state)
{
    struct fixture *fixture = *state;
    serve(fixture, "secret");
    char line[256];
    proc_line(fixture->daemon.pid, "limits", "Max core file size", line, sizeof(line));
    assert_non_null(strstr(line, " 0 "));
    proc_line(fixture->daemon.pid, "status", "NoNewPrivs", line, sizeof(line));
    assert_int_equal(atoi(line + strlen("NoNewPrivs:")), 1);
    proc_line(fixture->daemon.pid, "status", "VmRSS", line, sizeof(line));
    assert_true(atol(line + strlen("VmRSS:")) < IDLE_RESIDENT_KB_MAX);
    assert_int_equal(daemon_wait(&fixture->daemon, SIGTERM), 0);
}

static void it_ends_with_the_parent_it_was_told(void **state)
{
    struct fixture *fixture = *state;
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t parent = fork();
    if (parent == 0) { /* an agent */
        char text[32];
        (void)snprintf(text, sizeof(text), "%d", (int)getpid());
        (void)setenv("RIND_HSM_PARENT", text, 1);
        serve(fixture, "secret");
        ssize_t put = write(pipes[1], &fixture->daemon.pid, sizeof(fixture->daemon.pid));
        (void)put;
        (void)pause();
        _exit(0);
    }
    pid_t orphan = 0;
    assert_int_equal(read(pipes[0], &orphan, sizeof(orphan)), sizeof(orphan));
    assert_int_equal(kill(parent, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(waitpid(orphan, &status, 0), orphan); /* ours now, and it ended */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_route_answers_whatever_the_method_and_query),
        TEST(bodies_up_to_a_mebibyte_are_read),
        TEST(each_termination_signal_ends_it_with_status_0),
        TEST(the_identity_survives_a_restart_even_by_kill),
        TEST(other_keys_and_damaged_states_are_refused_in_a_sentence),
        TEST(a_second_process_on_one_state_file_is_refused),
        TEST(command_lines_that_cannot_work_are_refused),
        TEST(a_port_in_use_is_refused),
        TEST(a_key_on_the_command_line_is_called_insecure_and_not_shown),
        TEST(a_full_disk_is_a_500_and_the_request_can_be_repeated),
        TEST(it_gives_up_what_a_thief_could_use_and_stays_small),
        TEST(it_ends_with_the_parent_it_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
