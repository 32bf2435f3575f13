/* test_system.c - files, JSON, signals, hardening. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "host/host.h"
#include "support/test.h"

struct folder {
    char path[64];
    uint8_t memory[65536];
    struct rind_arena arena;
    struct rind_ctx ctx;
};

static void folder_open(struct folder *folder)
{
    (void)snprintf(folder->path, sizeof(folder->path), "/tmp/rind-host-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    rind_arena_init(&folder->arena, folder->memory, sizeof(folder->memory));
    rind_ctx_init(&folder->ctx, &folder->arena);
}

static void folder_close(struct folder *folder)
{
    DIR *entries = opendir(folder->path);
    assert_non_null(entries);
    struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    (void)closedir(entries);
    assert_int_equal(rmdir(folder->path), 0); /* nothing else may be left in it */
}

static void folder_name(const struct folder *folder, const char *name, char path[static 128])
{
    (void)snprintf(path, 128, "%.60s/%.60s", folder->path, name);
}

static void a_replaced_file_has_new_bytes_mode_and_no_leftover(void **state)
{
    (void)state;
    struct folder folder;
    char path[128];
    struct rind_slice bytes;
    struct stat about;
    folder_open(&folder);
    folder_name(&folder, "state", path);
    assert_false(rind_file_exists(path));
    assert_true(rind_is_ok(rind_file_replace(&folder.ctx, path, rind_slice_text("one"), 0600)));
    assert_true(rind_is_ok(rind_file_replace(&folder.ctx, path, rind_slice_text("two!"), 0640)));
    assert_true(rind_is_ok(rind_file_read(&folder.ctx, path, 4, &bytes)));
    assert_true(rind_slice_is_text(bytes, "two!"));
    assert_int_equal(bytes.data[4], 0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
    char fresh[128];
    folder_name(&folder, "state.new", fresh);
    assert_false(rind_file_exists(fresh));
    folder_close(&folder);
}

static void reading_names_the_file_and_the_fault(void **state)
{
    (void)state;
    struct folder folder;
    char path[128];
    struct rind_slice bytes;
    folder_open(&folder);
    folder_name(&folder, "f", path);
    assert_true(rind_is(rind_file_read(&folder.ctx, path, 10, &bytes), RIND_E_NOT_FOUND));
    assert_non_null(strstr(folder.ctx.sentence, path));
    assert_true(rind_is_ok(rind_file_create(&folder.ctx, path, rind_slice_text("12345"), 0600)));
    assert_true(
        rind_is(rind_file_create(&folder.ctx, path, rind_slice_text("x"), 0600), RIND_E_EXISTS));
    assert_true(rind_is_ok(rind_file_read(&folder.ctx, path, 5, &bytes)));
    assert_true(rind_is(rind_file_read(&folder.ctx, path, 4, &bytes), RIND_E_LIMIT));
    assert_non_null(strstr(folder.ctx.sentence, path));
    assert_true(rind_is(rind_file_read(&folder.ctx, folder.path, 10, &bytes), RIND_E_IO));
    assert_non_null(strstr(folder.ctx.sentence, "directory"));
    assert_true(rind_is(rind_file_read(&folder.ctx, "/dev/zero", 100, &bytes), RIND_E_LIMIT));
    assert_true(rind_is_ok(rind_file_read(&folder.ctx, "/dev/null", 100, &bytes)));
    assert_int_equal(bytes.length, 0);
    folder_close(&folder);
}

static void replacing_inside_a_missing_directory_fails_with_its_name(void **state)
{
    (void)state;
    struct folder folder;
    char path[128];
    folder_open(&folder);
    folder_name(&folder, "missing/f", path);
    assert_true(
        rind_is(rind_file_replace(&folder.ctx, path, rind_slice_text("x"), 0600), RIND_E_IO));
    assert_non_null(strstr(folder.ctx.sentence, path));
    folder_close(&folder);
}

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    struct folder folder;
    char path[128];
    char file[128];
    folder_open(&folder);
    folder_name(&folder, "a/b/c", path);
    assert_true(rind_is_ok(rind_directory_make(&folder.ctx, path, 0700)));
    assert_true(rind_is_ok(rind_directory_make(&folder.ctx, path, 0700)));
    folder_name(&folder, "a/b/c/f", file);
    assert_true(rind_is_ok(rind_file_create(&folder.ctx, file, rind_slice_text("x"), 0600)));
    assert_true(rind_is(rind_directory_make(&folder.ctx, file, 0700), RIND_E_IO));
    static const char *const parts[] = {"a/b/c/f", "a/b/c", "a/b", "a"};
    for (size_t i = 0; i < 4; i++) {
        folder_name(&folder, parts[i], path);
        assert_int_equal(remove(path), 0);
    }
    folder_close(&folder);
}

static void a_lock_is_held_once_and_names_its_holder(void **state)
{
    (void)state;
    struct folder folder;
    char path[128];
    char holder[32];
    int first = -1;
    int second = -1;
    folder_open(&folder);
    folder_name(&folder, "lock", path);
    assert_true(rind_is_ok(rind_file_lock(&folder.ctx, path, &first)));
    assert_true(rind_is(rind_file_lock(&folder.ctx, path, &second), RIND_E_BUSY));
    (void)snprintf(holder, sizeof(holder), "process %lld", (long long)getpid());
    assert_non_null(strstr(folder.ctx.sentence, holder));
    rind_file_unlock(first);
    assert_true(rind_is_ok(rind_file_lock(&folder.ctx, path, &second)));
    rind_file_unlock(second);
    folder_close(&folder);
}

static void json_complaints_name_the_field_by_its_path(void **state)
{
    (void)state;
    uint8_t memory[4096];
    struct rind_arena arena;
    struct rind_ctx ctx;
    json_t *root = NULL;
    rind_arena_init(&arena, memory, sizeof(memory));
    rind_ctx_init(&ctx, &arena);
    assert_true(rind_is_ok(rind_json_parse(
        &ctx,
        rind_slice_text("{\"a\":[{\"n\":1,\"t\":\"x\",\"h\":\"00ff\",\"z\":null}],\"b\":true}"),
        "config", &root)));
    struct rind_json_at at = rind_json_root(root, "config");
    struct rind_json_at list;
    struct rind_json_at first;
    struct rind_json_at member;
    const char *text = NULL;
    uint64_t number = 0;
    bool flag = false;
    uint8_t bytes[2];
    assert_true(rind_is_ok(rind_json_member(&ctx, &at, "a", &list)));
    assert_true(rind_is_ok(rind_json_element(&ctx, &list, 0, &first)));
    assert_true(rind_is_ok(rind_json_member_text(&ctx, &first, "t", &text)));
    assert_string_equal(text, "x");
    assert_true(rind_is_ok(rind_json_member(&ctx, &first, "n", &member)));
    assert_true(rind_is_ok(rind_json_u64(&ctx, &member, &number)));
    assert_int_equal(number, 1);
    assert_true(rind_is_ok(rind_json_member(&ctx, &first, "h", &member)));
    assert_true(rind_is_ok(rind_json_hex(&ctx, &member, bytes, 2)));
    assert_int_equal(bytes[1], 0xff);
    assert_true(rind_is_ok(rind_json_member_optional(&ctx, &first, "z", &member)));
    assert_null(member.value);
    assert_true(rind_is_ok(rind_json_member(&ctx, &at, "b", &member)));
    assert_true(rind_is_ok(rind_json_bool(&ctx, &member, &flag)));
    assert_true(flag);

    assert_true(rind_is(rind_json_member(&ctx, &first, "missing", &member), RIND_E_DECODE));
    assert_string_equal(ctx.sentence, "field config.a[0].missing is missing");
    assert_true(rind_is(rind_json_member_text(&ctx, &first, "n", &text), RIND_E_DECODE));
    assert_string_equal(ctx.sentence, "field config.a[0].n must be a text");
    assert_true(rind_is(rind_json_element(&ctx, &list, 1, &first), RIND_E_DECODE));
    assert_true(rind_is(rind_json_member(&ctx, &list, "x", &member), RIND_E_DECODE));
    assert_string_equal(ctx.sentence, "field config.a must be an object");
    struct rind_slice written;
    assert_true(rind_is_ok(rind_json_write(&ctx, root, &written)));
    assert_true(rind_slice_is_text(
        written, "{\"a\":[{\"n\":1,\"t\":\"x\",\"h\":\"00ff\",\"z\":null}],\"b\":true}"));
    json_decref(root);
}

static void broken_json_is_located_but_never_quoted(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "", "{", "{\"secret\":tru}", "{\"a\":1,\"a\":2}", "[1] x", "\"\\u0000\""};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct rind_ctx ctx;
        json_t *root = NULL;
        rind_ctx_init(&ctx, NULL);
        assert_true(
            rind_is(rind_json_parse(&ctx, rind_slice_text(broken[i]), "secrets file", &root),
                    RIND_E_DECODE));
        assert_non_null(strstr(ctx.sentence, "secrets file is not valid JSON at line 1"));
        assert_null(strstr(ctx.sentence, "secret\""));
    }
}

/* Runs `body` in a child process of its own, as signals and limits concern a whole process. */
static int status_of_child(void (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        body();
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* In a child cmocka's assertions would jump into the parent's test: leave with the line instead. */
#define CHILD_REQUIRE(fact)                                                                        \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            (void)dprintf(STDERR_FILENO, "line %d: %s\n", __LINE__, #fact);                        \
            _exit(98);                                                                             \
        }                                                                                          \
    } while (0)

static void child_takes_signals(void)
{
    struct rind_process *process = NULL;
    CHILD_REQUIRE(rind_is_ok(rind_process_open(NULL, NULL, &process)));
    uint64_t reloads = 0;
    CHILD_REQUIRE(!rind_process_wait(process, rind_deadline_in_ms(1), &reloads));
    CHILD_REQUIRE(kill(getpid(), SIGPIPE) == 0);
    CHILD_REQUIRE(kill(getpid(), SIGHUP) == 0);
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    CHILD_REQUIRE(!rind_process_wait(process, deadline, &reloads));
    CHILD_REQUIRE(reloads == 1);
    CHILD_REQUIRE(rind_process_reload_count(process) == 1);
    CHILD_REQUIRE(kill(getpid(), SIGTERM) == 0);
    CHILD_REQUIRE(rind_process_wait(process, deadline, &reloads));
    CHILD_REQUIRE(rind_stopper_is_set(rind_process_stopper(process)));
    rind_process_close(process);
    _exit(7);
}

static void child_is_told_at_once_by_two(void)
{
    struct rind_process *process = NULL;
    CHILD_REQUIRE(rind_is_ok(rind_process_open(NULL, NULL, &process)));
    uint64_t reloads = 0;
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    CHILD_REQUIRE(kill(getpid(), SIGINT) == 0);
    CHILD_REQUIRE(kill(getpid(), SIGTERM) == 0);
    sigset_t pending;
    do { /* a hang-up sent now might be taken before them */
        CHILD_REQUIRE(!rind_deadline_has_expired(deadline));
        (void)poll(NULL, 0, 1);
        CHILD_REQUIRE(sigpending(&pending) == 0);
    } while (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
    CHILD_REQUIRE(rind_process_wait(process, deadline, &reloads));
    CHILD_REQUIRE(kill(getpid(), SIGHUP) == 0);
    while (rind_process_reload_count(process) == 0) {
        CHILD_REQUIRE(!rind_deadline_has_expired(deadline));
        (void)poll(NULL, 0, 1);
    }
    rind_process_close(process);
    _exit(7);
}

static void child_is_told_twice(void)
{
    struct rind_process *process = NULL;
    CHILD_REQUIRE(rind_is_ok(rind_process_open(NULL, NULL, &process)));
    uint64_t reloads = 0;
    struct rind_deadline deadline = rind_deadline_in_ms(20000);
    CHILD_REQUIRE(kill(getpid(), SIGINT) == 0);
    CHILD_REQUIRE(rind_process_wait(process, deadline, &reloads));
    CHILD_REQUIRE(kill(getpid(), SIGTERM) == 0); /* right after the first: the same wish */
    while (!rind_deadline_has_expired(deadline)) {
        (void)poll(NULL, 0, 50);
        CHILD_REQUIRE(kill(getpid(), SIGTERM) == 0);
    }
}

static void child_outstays_its_shutdown(void)
{
    struct rind_process *process = NULL;
    CHILD_REQUIRE(rind_is_ok(rind_process_open(NULL, NULL, &process)));
    rind_process_request_stop(process);
    rind_process_set_shutdown_deadline(process, rind_deadline_in_ms(10));
    (void)poll(NULL, 0, 20000);
}

static void child_is_hardened(void)
{
    struct rind_hardening hardening = {.open_files_min = 16};
    CHILD_REQUIRE(rind_is_ok(rind_process_harden(NULL, &hardening, NULL)));
    struct rlimit limit;
    CHILD_REQUIRE(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0);
    CHILD_REQUIRE(prctl(PR_GET_DUMPABLE) == 0);
    CHILD_REQUIRE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHILD_REQUIRE(umask(0) == 077);
    hardening.open_files_min = UINT64_MAX - 1;
    CHILD_REQUIRE(rind_is(rind_process_harden(NULL, &hardening, NULL), RIND_E_LIMIT));
    _exit(7);
}

static void child_checks_its_parent(void)
{
    CHILD_REQUIRE(rind_is_ok(rind_process_die_with_parent(NULL, getppid())));
    CHILD_REQUIRE(rind_is(rind_process_die_with_parent(NULL, getppid() + 1), RIND_E_CANCELLED));
    _exit(7);
}

static void signals_stop_once_and_reload_often(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_takes_signals), 7);
}

static void two_termination_signals_at_once_are_one(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_is_told_at_once_by_two), 7);
}

static void a_later_termination_signal_ends_at_once(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_is_told_twice), 128 + SIGTERM);
}

static void a_shutdown_that_takes_too_long_is_cut_with_status_0(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_outstays_its_shutdown), 0);
}

static void hardening_gives_up_dumps_and_privileges(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_is_hardened), 7);
}

static void a_child_may_be_tied_to_its_parent(void **state)
{
    (void)state;
    assert_int_equal(status_of_child(child_checks_its_parent), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replaced_file_has_new_bytes_mode_and_no_leftover),
        cmocka_unit_test(reading_names_the_file_and_the_fault),
        cmocka_unit_test(replacing_inside_a_missing_directory_fails_with_its_name),
        cmocka_unit_test(directories_are_made_with_their_parents),
        cmocka_unit_test(a_lock_is_held_once_and_names_its_holder),
        cmocka_unit_test(json_complaints_name_the_field_by_its_path),
        cmocka_unit_test(broken_json_is_located_but_never_quoted),
        cmocka_unit_test(signals_stop_once_and_reload_often),
        cmocka_unit_test(two_termination_signals_at_once_are_one),
        cmocka_unit_test(a_later_termination_signal_ends_at_once),
        cmocka_unit_test(a_shutdown_that_takes_too_long_is_cut_with_status_0),
        cmocka_unit_test(hardening_gives_up_dumps_and_privileges),
        cmocka_unit_test(a_child_may_be_tied_to_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
