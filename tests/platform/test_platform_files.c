/* test_platform_files.c - the state file and the keys file by themselves. */
#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/platform.h"

struct fixture {
    char directory[64];
    char path[128]; /* of the file "hsm" in it */
    struct rind_ctx ctx;
    struct rind_state_file file;
};

static int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    strcpy(fixture->directory, "/tmp/rind-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/hsm", fixture->directory);
    rind_ctx_init(&fixture->ctx, NULL);
    *state = fixture;
    return 0;
}

static int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    rind_state_file_close(&fixture->file);
    char command[160];
    (void)snprintf(command, sizeof(command), "rm -rf %s", fixture->directory);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

static void put_file(const char *path, const void *bytes, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(close(fd), 0);
}

static void open_state(struct fixture *fixture)
{
    if (!rind_is_ok(
            rind_state_file_open(&fixture->ctx, fixture->directory, "hsm", &fixture->file))) {
        fail_msg("%s", fixture->ctx.sentence);
    }
}

/* What is read: the text, or a failure's code in *code. */
static bool reads_as(struct fixture *fixture, const char *expected)
{
    uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    struct rind_buffer buffer;
    rind_buffer_init(&buffer, bytes, sizeof(bytes));
    rind_status status = rind_state_file_read(&fixture->ctx, &fixture->file, &buffer);
    return rind_is_ok(status) && rind_slice_is_text(rind_buffer_slice(&buffer), expected);
}

static void a_missing_file_reads_as_nothing_and_comes_back_as_written(void **state)
{
    struct fixture *fixture = *state;
    open_state(fixture);
    assert_true(reads_as(fixture, ""));
    assert_true(
        rind_is_ok(rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("first"))));
    assert_true(reads_as(fixture, "first"));
    assert_true(
        rind_is_ok(rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("2nd"))));
    assert_true(reads_as(fixture, "2nd"));
    struct stat about;
    assert_int_equal(stat(fixture->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
}

static void a_kill_between_any_two_steps_leaves_the_old_or_the_new_state(void **state)
{
    struct fixture *fixture = *state;
    open_state(fixture);
    assert_true(
        rind_is_ok(rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("old"))));
    char fresh[160];
    (void)snprintf(fresh, sizeof(fresh), "%s.new", fixture->path);
    static const char *const leftovers[] = {"", "n", "new"}; /* created, half written, synced */
    for (size_t i = 0; i < 3; i++) {
        put_file(fresh, leftovers[i], strlen(leftovers[i]), 0400);
        rind_state_file_close(&fixture->file);
        open_state(fixture);
        assert_true(reads_as(fixture, "old"));
        /* And the leftover is not in the way of the next write. */
        assert_true(rind_is_ok(
            rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("old"))));
    }
    put_file(fresh, "new", 3, 0600);
    assert_int_equal(rename(fresh, fixture->path), 0); /* the last step */
    assert_true(reads_as(fixture, "new"));
}

static void a_second_opener_is_told_to_go_away(void **state)
{
    struct fixture *fixture = *state;
    open_state(fixture);
    struct rind_state_file second;
    assert_true(rind_is(rind_state_file_open(&fixture->ctx, fixture->directory, "hsm", &second),
                        RIND_E_BUSY));
    assert_non_null(strstr(fixture->ctx.sentence, fixture->path));
    assert_true(
        rind_is_ok(rind_state_file_open(&fixture->ctx, fixture->directory, "other", &second)));
    rind_state_file_close(&second);
    rind_state_file_close(&fixture->file);
    open_state(fixture);
}

static void names_that_are_no_file_names_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char longest[RIND_STATE_FILE_NAME_SIZE_MAX + 2];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    const char *const bad[] = {
        "",        ".",     "..",      "a/b",     "/etc/x",
        ".hidden", longest, "hsm.new", "hsm.lock"}; /* the last two belong to an HSM "hsm" */
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rind_state_file file;
        assert_true(rind_is(rind_state_file_open(&fixture->ctx, fixture->directory, bad[i], &file),
                            RIND_E_INVALID));
    }
    longest[RIND_STATE_FILE_NAME_SIZE_MAX] = '\0';
    assert_true(rind_is_ok(
        rind_state_file_open(&fixture->ctx, fixture->directory, longest, &fixture->file)));
}

static void directories_are_made_and_files_in_their_place_refused(void **state)
{
    struct fixture *fixture = *state;
    char nested[160];
    (void)snprintf(nested, sizeof(nested), "%s/a/b", fixture->directory);
    assert_true(rind_is_ok(rind_state_file_open(&fixture->ctx, nested, "hsm", &fixture->file)));
    rind_state_file_close(&fixture->file);
    put_file(fixture->path, "x", 1, 0600);
    assert_false(
        rind_is_ok(rind_state_file_open(&fixture->ctx, fixture->path, "hsm", &fixture->file)));
    assert_non_null(strstr(fixture->ctx.sentence, "--state-dir"));
}

/* An older state put there gives guesses back, so nobody else may write. */
static void a_directory_that_others_can_write_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct rind_state_file file;
    assert_int_equal(chmod(fixture->directory, 0777), 0);
    assert_true(rind_is(rind_state_file_open(&fixture->ctx, fixture->directory, "hsm", &file),
                        RIND_E_INVALID));
    assert_non_null(strstr(fixture->ctx.sentence, "chmod go-w"));
    assert_int_equal(chmod(fixture->directory, 0755), 0);
    assert_true(rind_is_ok(rind_state_file_open(&fixture->ctx, fixture->directory, "hsm", &file)));
    rind_state_file_close(&file);
}

static void empty_and_oversize_files_are_no_state(void **state)
{
    struct fixture *fixture = *state;
    open_state(fixture);
    static uint8_t bytes[RIND_HSM_NVRAM_SIZE_BYTES_MAX + 1];
    uint8_t read[RIND_HSM_NVRAM_SIZE_BYTES_MAX];
    struct rind_buffer buffer;
    put_file(fixture->path, bytes, 0, 0600);
    rind_buffer_init(&buffer, read, sizeof(read));
    assert_true(
        rind_is(rind_state_file_read(&fixture->ctx, &fixture->file, &buffer), RIND_E_CORRUPT));
    put_file(fixture->path, bytes, sizeof(bytes), 0600);
    assert_true(
        rind_is(rind_state_file_read(&fixture->ctx, &fixture->file, &buffer), RIND_E_CORRUPT));
    put_file(fixture->path, bytes, sizeof(bytes) - 1, 0600);
    assert_true(rind_is_ok(rind_state_file_read(&fixture->ctx, &fixture->file, &buffer)));
    assert_int_equal(buffer.length, 4000);
    assert_true(rind_is(
        rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_make(bytes, sizeof(bytes))),
        RIND_E_LIMIT));
    assert_non_null(
        strstr(fixture->ctx.sentence, "data with 4001 bytes is larger than allowed maximum"));
}

static void a_write_that_finds_no_room_keeps_the_old_state(void **state)
{
    struct fixture *fixture = *state;
    open_state(fixture);
    assert_true(
        rind_is_ok(rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("old"))));
    pid_t child = fork();
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {5, 5};
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        rind_status status =
            rind_state_file_write(&fixture->ctx, &fixture->file, rind_slice_text("much longer"));
        bool is_as_expected = rind_is(status, RIND_E_IO) && reads_as(fixture, "old");
        _exit(is_as_expected ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(reads_as(fixture, "old"));
}

/* --- Keys --- */

static void keys_to_json(const struct rind_realm_keys *keys, char *json, size_t size)
{
    char private[65];
    char public[65];
    char record[65];
    char mac[65];
    rind_hex_encode(RIND_SLICE_OF(keys->communication_private.bytes), private);
    rind_hex_encode(RIND_SLICE_OF(keys->communication_public.bytes), public);
    rind_hex_encode(RIND_SLICE_OF(keys->record.bytes), record);
    rind_hex_encode(RIND_SLICE_OF(keys->mac.bytes), mac);
    (void)snprintf(json, size,
                   "{\"communication_private\": \"%s\", \"communication_public\": \"%s\",\n"
                   " \"record\": \"%s\", \"mac\": \"%s\"}\n",
                   private, public, record, mac);
}

static enum rind_code read_keys(struct fixture *fixture, const char *json, mode_t mode,
                                struct rind_realm_keys *keys)
{
    put_file(fixture->path, json, strlen(json), mode);
    return (enum rind_code)rind_keys_file_read(&fixture->ctx, fixture->path, keys).code;
}

static void keys_are_read_from_a_private_file_only(void **state)
{
    struct fixture *fixture = *state;
    struct rind_realm_keys written;
    rind_realm_keys_derive_insecure(rind_slice_text("test"), &written);
    char json[1024];
    keys_to_json(&written, json, sizeof(json));
    struct rind_realm_keys keys = {0};
    assert_int_equal(read_keys(fixture, json, 0600, &keys), RIND_E_OK);
    assert_memory_equal(&keys, &written, sizeof(keys));
    assert_int_equal(read_keys(fixture, json, 0400, &keys), RIND_E_OK);
    assert_int_equal(read_keys(fixture, json, 0640, &keys), RIND_E_DENIED);
    assert_int_equal(read_keys(fixture, json, 0604, &keys), RIND_E_DENIED);
    assert_non_null(strstr(fixture->ctx.sentence, "chmod 600"));
    assert_int_equal(unlink(fixture->path), 0);
    assert_true(
        rind_is(rind_keys_file_read(&fixture->ctx, fixture->path, &keys), RIND_E_NOT_FOUND));
}

static void keys_that_cannot_be_right_are_refused_without_being_quoted(void **state)
{
    struct fixture *fixture = *state;
    struct rind_realm_keys good;
    rind_realm_keys_derive_insecure(rind_slice_text("test"), &good);
    struct rind_realm_keys keys = {0};
    char json[1024];
    struct rind_realm_keys bad = good;
    bad.communication_public.bytes[0] ^= 1;
    keys_to_json(&bad, json, sizeof(json));
    assert_int_equal(read_keys(fixture, json, 0600, &keys), RIND_E_INVALID);
    bad = good;
    memcpy(bad.mac.bytes, bad.record.bytes, 32);
    keys_to_json(&bad, json, sizeof(json));
    assert_int_equal(read_keys(fixture, json, 0600, &keys), RIND_E_INVALID);
    bad = good;
    memset(bad.mac.bytes, 0, 32);
    keys_to_json(&bad, json, sizeof(json));
    assert_int_equal(read_keys(fixture, json, 0600, &keys), RIND_E_INVALID);

    keys_to_json(&good, json, sizeof(json));
    char *digit = strstr(json, "\"mac\": \"") + strlen("\"mac\": \"");
    char hex[9] = {0};
    memcpy(hex, digit, 8);
    digit[63] = 'g';
    assert_int_equal(read_keys(fixture, json, 0600, &keys), RIND_E_DECODE);
    assert_null(strstr(fixture->ctx.sentence, hex));
    static const char *const no_keys[] = {"", "{", "[]", "{}", "{\"mac\": 5}"};
    for (size_t i = 0; i < sizeof(no_keys) / sizeof(no_keys[0]); i++) {
        assert_int_equal(read_keys(fixture, no_keys[i], 0600, &keys), RIND_E_DECODE);
    }
    struct rind_realm_keys untouched = {0};
    assert_memory_equal(&keys, &untouched, sizeof(keys));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    if (sodium_init() < 0) {
        return 1;
    }
    const struct CMUnitTest tests[] = {
        TEST(a_missing_file_reads_as_nothing_and_comes_back_as_written),
        TEST(a_kill_between_any_two_steps_leaves_the_old_or_the_new_state),
        TEST(a_second_opener_is_told_to_go_away),
        TEST(names_that_are_no_file_names_are_refused),
        TEST(directories_are_made_and_files_in_their_place_refused),
        TEST(a_directory_that_others_can_write_is_refused),
        TEST(empty_and_oversize_files_are_no_state),
        TEST(a_write_that_finds_no_room_keeps_the_old_state),
        TEST(keys_are_read_from_a_private_file_only),
        TEST(keys_that_cannot_be_right_are_refused_without_being_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
