/* test_lmdb_directory.c - an engine on disk that finds something else in its directory. */
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

struct directory {
    char path[64];
};

static int open_directory(void **state)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    fixture_directory_make(directory->path);
    *state = directory;
    return 0;
}

static int close_directory(void **state)
{
    fixture_directory_remove(((struct directory *)*state)->path);
    free(*state);
    return 0;
}

/* Opens the store there and closes it: it must be ours, or new. */
static void directory_open(const char *directory)
{
    struct rind_ctx ctx;
    struct rind_engine *engine = NULL;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is_ok(rind_engine_open_lmdb(&ctx, directory, 0, NULL, &engine)));
    rind_engine_close(engine);
}

static void assert_refused(const char *path, enum rind_code code, const char *words)
{
    struct rind_ctx ctx;
    struct rind_engine *engine;
    rind_ctx_init(&ctx, NULL);
    rind_status status = rind_engine_open_lmdb(&ctx, path, 0, NULL, &engine);
    if (!rind_is(status, code) || strstr(ctx.sentence, words) == NULL ||
        strstr(ctx.sentence, path) == NULL) {
        print_error("%s: %s: %s\n", path, rind_code_name((enum rind_code)status.code),
                    ctx.sentence);
        fail();
    }
}

static void file_write(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[120];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    (void)close(fd);
}

static void assert_file_is(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[120];
    uint8_t *found = malloc(size + 1);
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, found, size + 1), size);
    assert_memory_equal(found, bytes, size);
    (void)close(fd);
    free(found);
}

static void foreign_files_are_refused_and_left_alone(void **state)
{
    struct directory *directory = *state;
    static uint8_t foreign[20000];
    memset(foreign, 'x', sizeof(foreign));
    file_write(directory->path, "data.mdb", foreign, sizeof(foreign));
    assert_refused(directory->path, RIND_E_CORRUPT, "not a store");
    assert_file_is(directory->path, "data.mdb", foreign, sizeof(foreign));
    file_write(directory->path, "data.mdb", foreign, 100);
    assert_refused(directory->path, RIND_E_CORRUPT, "only 100 bytes");
    assert_file_is(directory->path, "data.mdb", foreign, 100);
}

static void a_directory_of_other_things_is_refused(void **state)
{
    struct directory *directory = *state;
    file_write(directory->path, "thesis.tex", "x", 1);
    assert_refused(directory->path, RIND_E_INVALID, "thesis.tex");
    char path[100];
    (void)snprintf(path, sizeof(path), "%s/thesis.tex", directory->path);
    assert_refused(path, RIND_E_INVALID, "not a directory");
    (void)snprintf(path, sizeof(path), "%s/missing/store", directory->path);
    assert_refused(path, RIND_E_IO, "cannot create");
}

static void permissions_and_owners_are_checked(void **state)
{
    struct directory *directory = *state;
    assert_int_equal(chmod(directory->path, 0750), 0);
    assert_refused(directory->path, RIND_E_DENIED, "accessible to other users");
    assert_int_equal(chmod(directory->path, 0700), 0);
    directory_open(directory->path);
    static const char *const names[] = {"data.mdb", "lock.mdb", "changes"};
    for (size_t i = 0; i < 3; i++) {
        char path[100];
        struct stat found;
        (void)snprintf(path, sizeof(path), "%s/%s", directory->path, names[i]);
        assert_int_equal(stat(path, &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
        assert_int_equal(chmod(path, 0604), 0);
        assert_refused(directory->path, RIND_E_DENIED, names[i]);
        assert_int_equal(chmod(path, 0600), 0);
    }
    /* A directory of somebody else: given away if we may, else one that is the system's. */
    if (geteuid() == 0) {
        assert_int_equal(chown(directory->path, 12345, 12345), 0);
        assert_refused(directory->path, RIND_E_DENIED, "belongs to user 12345");
        assert_int_equal(chown(directory->path, 0, 0), 0);
    } else {
        assert_refused("/usr", RIND_E_DENIED, "belongs to user 0");
    }
}

/* Changes the store below with LMDB alone. */
static void raw_put(const char *directory, const char *database, const char *key, const void *value,
                    size_t size)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, database, MDB_CREATE, &dbi), 0);
    MDB_val key_val = {strlen(key), (void *)(uintptr_t)key};
    MDB_val value_val = {size, (void *)(uintptr_t)value};
    assert_int_equal(mdb_put(txn, dbi, &key_val, &value_val, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void another_version_is_refused_by_its_number(void **state)
{
    struct directory *directory = *state;
    directory_open(directory->path);
    raw_put(directory->path, "tables", "format", "rind store\0\0\0\2", 14);
    assert_refused(directory->path, RIND_E_INVALID, "format 2");
    raw_put(directory->path, "tables", "format", "other store\0\0\1", 14);
    assert_refused(directory->path, RIND_E_CORRUPT, "not a store");
    raw_put(directory->path, "tables", "format", "rind store\0\0\0\1", 14);
    directory_open(directory->path);
}

static void another_programs_lmdb_file_is_refused(void **state)
{
    struct directory *directory = *state;
    raw_put(directory->path, "mail", "key", "value", 5);
    assert_refused(directory->path, RIND_E_CORRUPT, "not a store");
    raw_put(directory->path, "tables", "key", "value", 5);
    assert_refused(directory->path, RIND_E_CORRUPT, "not a store");
}

static void stores_are_opened_by_name(void **state)
{
    (void)state;
    struct rind_ctx ctx;
    struct rind_store *store;
    rind_ctx_init(&ctx, NULL);
    assert_true(rind_is(rind_store_open(&ctx, "bigtable", NULL, &store), RIND_E_INVALID));
    assert_non_null(strstr(ctx.sentence, "no project and instance"));
    assert_true(rind_is(rind_store_open(&ctx, "postgres:x", NULL, &store), RIND_E_INVALID));
    assert_true(rind_is(rind_store_open(&ctx, "lmdb:", NULL, &store), RIND_E_INVALID));
    assert_true(rind_is_ok(rind_store_open(&ctx, "memory:", NULL, &store)));
    assert_string_equal(rind_engine_name(rind_store_engine(store)), "memory");
    rind_store_close(store);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_directory, close_directory)

int main(void)
{
    static const struct CMUnitTest cases[] = {
        CASE(foreign_files_are_refused_and_left_alone),
        CASE(a_directory_of_other_things_is_refused),
        CASE(permissions_and_owners_are_checked),
        CASE(another_version_is_refused_by_its_number),
        CASE(another_programs_lmdb_file_is_refused),
        CASE(stores_are_opened_by_name),
    };
    return cmocka_run_group_tests(cases, NULL, NULL);
}
