/*
 * test_lmdb_room.c - a store that runs out of room: a disk, a file or addresses that have an end.
 * Nothing acknowledged is lost, one sentence says what is the matter, and with room it goes on.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lmdb_process.h"

/* ---- a file that may not grow ---- */

/* Exits with 0 if filling a file that may not grow beyond `size_max` ends well. */
static int fill_up(const char *directory, unsigned size_max)
{
    struct process process;
    static uint8_t value[20000];
    if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
        !rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES))) {
        return 1;
    }
    struct rlimit limit = {size_max, RLIM_INFINITY};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 2;
    }
    rind_status status = RIND_OK;
    unsigned written = 0;
    for (; rind_is_ok(status) && written < 1000; written++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "row-%u", written);
        status = set_row(&process, key, rind_slice_make(value, sizeof(value)));
    }
    written--;
    if (!rind_is(status, RIND_E_LIMIT) || written < 50 ||
        strstr(process.ctx.sentence, directory) == NULL ||
        strstr(process.ctx.sentence, "limit") == NULL) {
        return 3;
    }
    struct rind_rows rows;
    if (!rind_is_ok(read_rows(&process, &rows)) || rows.count != written) {
        return 4; /* reading goes on */
    }
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
        !rind_is_ok(set_row(&process, "row-after", rind_slice_text("v")))) {
        return 5; /* and with room writing does */
    }
    process_close(&process);
    return (int)(written > 0 ? 0 : 6);
}

static void a_file_at_its_limit_is_one_sentence_and_no_damage(void **state)
{
    struct directory *directory = *state;
    /* At the end of a page nothing can be written, within one the write is cut short. */
    static const unsigned sizes_max[] = {2u << 20, (2u << 20) + 1000};
    for (size_t i = 0; i < 2; i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "%s/%zu", directory->path, i);
        directory_create_tables(path);
        assert_int_equal(child_wait(child_start(fill_up, path, sizes_max[i])), 0);
        struct process process;
        struct rind_rows rows;
        assert_true(rind_is_ok(process_open(&process, path, SMALL_MAP_BYTES)));
        assert_true(rind_is_ok(read_rows(&process, &rows)));
        assert_true(rows.count > 50);
        process_close(&process);
        fixture_directory_remove(path);
    }
}

/* ---- a file system without room ---- */

#define CANNOT_MOUNT 77
#define SMALL_FILE_SYSTEM "size=3m,mode=0700"

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    bool is_written = file != NULL && fputs(text, file) >= 0;
    return file != NULL && fclose(file) == 0 && is_written;
}

/* Mounts a file system of 3 MiB on the directory, seen by this process only. In a user namespace of
 * its own it may do that whoever runs the test, unless the machine forbids such namespaces. */
static bool mount_small(const char *directory)
{
    char map[32];
    (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
    bool is_alone = geteuid() == 0 ? unshare(CLONE_NEWNS) == 0
                                   : unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
                                         write_file("/proc/self/setgroups", "deny") &&
                                         write_file("/proc/self/uid_map", map);
    return is_alone && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", directory, "tmpfs", 0, SMALL_FILE_SYSTEM) == 0;
}

/* What is written until the disk is full, and after. Exits with 0 if all is well. */
static int fill_file_system(const char *directory, unsigned number)
{
    (void)number;
    struct process process;
    static uint8_t value[20000];
    char ballast[80];
    (void)snprintf(ballast, sizeof(ballast), "%s/changes.new", directory);
    if (!mount_small(directory)) {
        return CANNOT_MOUNT;
    }
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES)) ||
        !rind_is_ok(process_create_tables(&process)) || !write_file(ballast, "") ||
        truncate(ballast, 0) != 0) {
        return 1;
    }
    int fd = open(ballast, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || posix_fallocate(fd, 0, 1 << 20) != 0 || close(fd) != 0) {
        return 2;
    }
    unsigned written = 0;
    rind_status status = RIND_OK;
    for (; rind_is_ok(status) && written < 1000; written++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "row-%u", written);
        status = set_row(&process, key, rind_slice_make(value, sizeof(value)));
    }
    written--;
    if (!rind_is(status, RIND_E_LIMIT) || written < 20 ||
        strstr(process.ctx.sentence, directory) == NULL ||
        strstr(process.ctx.sentence, "the disk of store") == NULL ||
        strstr(process.ctx.sentence, "is full") == NULL) {
        (void)fprintf(stderr, "after %u rows: %s\n", written, process.ctx.sentence);
        return 3;
    }
    struct rind_rows rows;
    if (!rind_is_ok(read_rows(&process, &rows)) || rows.count != written) {
        return 4; /* what was acknowledged is there, and nothing else */
    }
    process_close(&process);
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES)) ||
        !rind_is_ok(read_rows(&process, &rows)) || rows.count != written) {
        return 5; /* for one that starts on the full disk too */
    }
    if (unlink(ballast) != 0 ||
        !rind_is_ok(set_row(&process, "row-after", rind_slice_make(value, sizeof(value)))) ||
        !rind_is_ok(read_rows(&process, &rows)) || rows.count != written + 1) {
        return 6; /* with room it goes on by itself */
    }
    process_close(&process);
    return 0;
}

static void a_full_file_system_loses_nothing_acknowledged_and_goes_on_with_room(void **state)
{
    struct directory *directory = *state;
    int status = child_wait(child_start(fill_file_system, directory->path, 0));
    if (status == CANNOT_MOUNT) {
        /* The same with a file that may not grow, which every machine can have. */
        print_message("this machine allows no file system of our own; a file limit stands in\n");
        directory_create_tables(directory->path);
        status = child_wait(child_start(fill_up, directory->path, 3u << 20));
    }
    assert_int_equal(status, 0);
}

/* ---- addresses ---- */

static int map_more_than_addresses(const char *directory, unsigned number)
{
    (void)number;
    struct process process;
    static uint8_t value[1u << 20];
    if (!rind_is_ok(process_open(&process, directory, SMALL_MAP_BYTES))) {
        return 1;
    }
    struct rlimit limit;
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%llu", &pages) != 1 || fclose(statm) != 0 ||
        getrlimit(RLIMIT_AS, &limit) != 0) {
        return 2;
    }
    limit.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + (200ull << 20);
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        return 2;
    }
    rind_status status = RIND_OK;
    unsigned written = 0;
    for (; rind_is_ok(status) && written < 1000; written++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "row-%u", written);
        status = set_row(&process, key, rind_slice_make(value, sizeof(value)));
    }
    if (!rind_is(status, RIND_E_LIMIT) || strstr(process.ctx.sentence, "ulimit -v") == NULL) {
        return 3;
    }
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_AS, &limit) != 0 ||
        !rind_is_ok(set_row(&process, "row-after", rind_slice_text("v")))) {
        return 4;
    }
    process_close(&process);
    return 0;
}

static void too_few_addresses_are_one_sentence_and_the_old_map_stays(void **state)
{
    struct directory *directory = *state;
    directory_create_tables(directory->path);
    assert_int_equal(child_wait(child_start(map_more_than_addresses, directory->path, 0)), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_directory, close_directory)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(a_file_at_its_limit_is_one_sentence_and_no_damage),
        CASE(a_full_file_system_loses_nothing_acknowledged_and_goes_on_with_room),
        CASE(too_few_addresses_are_one_sentence_and_the_old_map_stays),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
